"""The fear-and-greed index from its service: asked once, believed only where it says what it should.

The answer is `{"data": [{"value": "40", "timestamp": "1551157200", …}, …]}`, newest first, as api.alternative.me/fng sends
it. The value of a running day is restated until the day is over; the table of lags keeps it unseen until then.
"""

import json
import math
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.context.kept import Imported, context_series
from organism.lake.context.lags import DAY_US, known_at
from organism.lake.fetching.faults import retry_after_s
from organism.lake.store import Lake

URL: Final = "https://api.alternative.me/fng/?limit=0"
_MOST_BYTES: Final = 8 << 20
_CHUNK: Final = 1 << 16
_US_PER_S: Final = 1_000_000
_MOST: Final = 100.0
_LATEST_S: Final = 7_258_118_400  # 2200-01-01


class Unanswered(BadInput):
    """A service answered with an error. `status` of HTTP; `wait_s` that it asks for, None where it does not say."""

    def __init__(self, sentence: str, status: int, wait_s: float | None) -> None:
        super().__init__(sentence)
        self.status, self.wait_s = status, wait_s


def fetch_fear_greed(lake: Lake, url: str = URL, *, deadline_s: float = 30.0) -> Imported:
    """Ask the service and keep what it says. Raises `BadInput`, and nothing has changed, where it cannot be had."""
    return keep(lake, asked(url, deadline_s), urlsplit(url).hostname or "")


def keep(lake: Lake, body: bytes, host: str) -> Imported:
    """Keep what the service said. Raises `BadInput`, and nothing has changed, for an answer that is none."""
    events, refused = read(body, lake.now_us())
    target = context_series("fear_greed")
    return Imported(
        target, lake.append_events(target, events, source=host, received_us=lake.now_us()), refused
    )


def read(body: bytes, now_us: int) -> tuple[Events, tuple[str, ...]]:
    """Values by day, with when each is known, and what was refused. Raises `BadInput` for an answer that is none."""
    try:
        rows = json.loads(body)["data"]
    except (ValueError, TypeError, KeyError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        raise BadInput(
            f"the service of fear and greed answered with no index: {body[:80]!r}. Try again later."
        ) from None
    days: dict[int, float] = {}
    refused = []
    for number, row in enumerate(rows, start=1):
        day_us, value = _row(row)
        if day_us is None or day_us > now_us or value is None:
            refused.append(f"row {number:,}: a day up to now and 0 to 100 are needed; was {str(row)[:80]}")
        elif days.setdefault(day_us, value) != value:
            refused.append(f"row {number:,}: a second value for its day; was {value:g}")
    if not days:
        why = refused[0] if refused else "it named no day"
        raise BadInput(
            f"the service of fear and greed sent nothing that can be believed; {why}. Try again later."
        )
    at = np.array(sorted(days), np.int64)
    values = np.array([days[day] for day in at.tolist()])
    known = known_at("fear_greed", at).astype(np.float64)
    return Events(at, {"known_us": known, "value": values}), tuple(refused)


def _row(row: Any) -> tuple[int | None, float | None]:
    """Day, µs UTC, and value; None for what cannot be believed."""
    try:
        stamp, value = int(row["timestamp"]), float(row["value"])
    except (TypeError, ValueError, KeyError, OverflowError):
        return None, None
    day_us = stamp * _US_PER_S // DAY_US * DAY_US if 0 <= stamp < _LATEST_S else None
    return day_us, value if math.isfinite(value) and 0 <= value <= _MOST else None


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """A service that sends elsewhere is not followed."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Take the redirect as an error."""


def asked(url: str, deadline_s: float) -> bytes:
    """The body of an answer, whole and in time. Raises `BadInput` naming host and reason."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise BadInput(f"fear and greed is asked over https; was {url[:80]!r}.")
    ends = time.monotonic() + deadline_s
    opener = urllib.request.build_opener(_Nowhere)
    request = urllib.request.Request(url, headers={"User-Agent": "organism", "Accept": "application/json"})  # noqa: S310 - https, or this machine
    body = b""
    try:
        with opener.open(request, timeout=deadline_s) as reply:
            while chunk := reply.read1(_CHUNK):
                body += chunk
                # A timeout of the socket is one of silence: a byte now and then would hold the call for ever.
                if time.monotonic() > ends:
                    raise TimeoutError(f"it was not done after {deadline_s:g} s")
                if len(body) > _MOST_BYTES:
                    raise BadInput(
                        f"{parts.hostname} sent more than {_MOST_BYTES:,} bytes; an index is far less."
                    )
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection, and whoever keeps the error keeps that
        wait = error.headers.get("Retry-After")
        later = f" It asks to wait {wait[:20]} s." if wait else ""
        raise Unanswered(
            f"{parts.hostname} answered {error.code} instead of the index.{later} Try again later.",
            error.code,
            retry_after_s(dict(error.headers.items()), time.time_ns() // 1_000),
        ) from None
    except (OSError, ValueError, HTTPException) as error:
        raise BadInput(
            f"{parts.hostname} could not be asked for the index: {error}. Try again later."
        ) from None
    return body
