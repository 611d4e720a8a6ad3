"""What can be wrong with an answer, told apart by what to do about it."""

import enum
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from organism.redaction import one_line

_LONGEST = 160
_ADDRESS = re.compile(r"https?://\S+")
_MARKUP = re.compile(r"<[^>]{0,200}>")
_NO_SYMBOL = ("BadSymbol",)
_LASTING = (
    "NotSupported",
    "AuthenticationError",
    "PermissionDenied",
    "AccountSuspended",
    "AccountNotEnabled",
)
_LIMITED = ("RateLimitExceeded", "DDoSProtection")
_TOO_MANY, _BANNED = 429, 418
_LONGEST_WAIT_S = 3 * 86_400.0  # a ban lasts at most three days; a header that says more is mistaken


class Fault(enum.StrEnum):
    """What to do about a failure.

    PASSING   ask again, a little later
    LIMITED   ask again when the venue allows it; says nothing about its health
    BLOCKED   the venue demands a longer wait than we have patience for
    LASTING   asking again changes nothing: it does not have what we want, or not for us
    """

    PASSING = "passing"
    LIMITED = "limited"
    BLOCKED = "blocked"
    LASTING = "lasting"


class Failed(Exception):
    """A source did not give what it was asked for."""

    def __init__(self, fault: Fault, why: str, *, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.fault, self.why, self.wait_s = fault, why, wait_s


def failed(error: Exception, status: int, headers: Mapping[str, str], now_us: int, window_s: float) -> Failed:
    """What an exception of ccxt means. `status` is 0 where no answer came at all.

    Classes are told apart by name, because ccxt takes half a second to import and is not needed for it. The status
    decides before the class: several of its exchanges turn a 429 without a body they know into a plain ExchangeError.
    """
    names = {one.__name__ for one in type(error).__mro__}
    why = said(error, status)
    if status in (_TOO_MANY, _BANNED) or names.intersection(_LIMITED):
        wait = retry_after_s(headers, now_us)
        if wait is None:
            wait = 2 * window_s if status == _BANNED else window_s
        return Failed(Fault.LIMITED, why, wait_s=wait)
    if names.intersection(_NO_SYMBOL):
        return Failed(Fault.LASTING, f"it does not list this instrument ({why})")
    if names.intersection(_LASTING):
        return Failed(Fault.LASTING, why)
    return Failed(Fault.PASSING, why)


def retry_after_s(headers: Mapping[str, str], now_us: int) -> float | None:
    """Seconds of Retry-After, which is a number or a date; None where there is none that makes sense.

    >>> retry_after_s({"Retry-After": "7"}, 0), retry_after_s({}, 0), retry_after_s({"Retry-After": "soon"}, 0)
    (7.0, None, None)
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_WAIT_S)
    at_us = date_us(text)
    return None if at_us is None else min(max(0.0, (at_us - now_us) / 1e6), _LONGEST_WAIT_S)


def date_us(text: str) -> int | None:
    """Microseconds of an HTTP date.

    >>> date_us("Thu, 01 Jan 1970 00:00:02 GMT"), date_us("yesterday")
    (2000000, None)
    """
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1e6)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def said(error: BaseException, status: int = 0) -> str:
    """One short line about an error: its class, and what it says without addresses and pages of HTML.

    >>> said(ValueError("a https://api.example.org/x?signature=1 <b>b</b>"), 500)
    'ValueError, HTTP 500: a … b'
    """
    text = _MARKUP.sub("", _ADDRESS.sub("…", str(error)))
    text = one_line(text, 2 * _LONGEST)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    name = type(error).__name__ + (f", HTTP {status}" if status and status != 200 else "")  # noqa: PLR2004
    return f"{name}: {text}" if text else name
