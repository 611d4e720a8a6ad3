"""What is polled: fear and greed from its service, funding rates from a venue. Each answer goes into the lake.

A value counts from the table of lags, a correction from its receipt, as everything in the lake. The newest value that is
told on is read back from there: what a person sees is what a strategy would.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import I64, Events
from organism.lake.context import as_known, client, context_series, vintages
from organism.lake.context.lags import DAY_US, known_at
from organism.lake.fetching.budget import Allowance
from organism.lake.fetching.calls import Call, Overdue, within
from organism.lake.fetching.days import source_text
from organism.lake.fetching.endpoints import LOOPBACK
from organism.lake.fetching.faults import Failed, Fault
from organism.lake.fetching.instrument import Instrument
from organism.lake.fetching.shared import Clock, SharedBudget
from organism.lake.names import Series
from organism.lake.polling.schedule import HOUR_US, MINUTE_US, Cadence, Heard
from organism.lake.polling.told import FEAR_GREED, FUNDING
from organism.lake.store import Lake

DEADLINE_S: Final = 30.0
SERVICE: Final = "https://api.alternative.me/fng/"
SERVICE_NAME: Final = "alternative-me"
_SERVICE_ALLOWS = Allowance(limit=10.0, window_us=MINUTE_US)  # it documents sixty a minute
_LONGEST_BLOCK_S = 20.0  # a longer one is planned for, not waited for
_OVERLAP = 3  # values that are asked for again, so that a correction is seen
_TOO_MANY = (418, 429)
_USUAL_US = 8 * HOUR_US
_SETTLES_US, _A_SYMBOL_US = (
    MINUTE_US,
    750_000,
)  # venues allow some five hundred such questions in five minutes
_PAGE, _MOST_PAGES = 500, 10
_MOST_RATE = 0.5
_BACK_US = 30 * DAY_US  # how far back the first question goes; `data context import` brings more


class Feed(Protocol):
    """One value that is polled.

    name      as the body shows it
    source    who is asked; a circuit breaker is the source's
    cadence   when
    """

    name: str
    source: str
    cadence: Cadence

    def ask(self) -> tuple[str, ...]:
        """Ask, and keep what is new; rows of the answer that were not believed, each with the reason.

        Raises `Failed`; `OrganismError` where the lake cannot be written.
        """

    def newest(self) -> Heard | None:
        """The newest value that is known by now, from the lake. Raises `BadInput` where that cannot be read."""


class FearGreed:
    """The index of a day, known from the midnight that ends it."""

    name, source = FEAR_GREED, SERVICE_NAME

    def __init__(
        self, lake: Lake, *, folder: Path, clock: Clock, share: Callable[[], float], every_us: int,
        endpoint: str = "", deadline_s: float = DEADLINE_S,
    ) -> None:  # fmt: skip
        """`folder` holds the budgets; `endpoint` is a stand-in on this machine that is asked in place of the service."""
        self._lake, self._deadline_s = lake, deadline_s
        self._url = stood_in(SERVICE, endpoint)
        self._series = context_series("fear_greed")
        self._budget = SharedBudget(
            folder, SERVICE_NAME, _SERVICE_ALLOWS, clock, share=share, longest_block_s=_LONGEST_BLOCK_S
        )
        self.cadence = Cadence(every_us, settle_us=5 * MINUTE_US, spread_us=10 * MINUTE_US)

    def ask(self) -> tuple[str, ...]:
        """As `Feed`: the days that the lake lacks, and a few before; the whole history where there is none."""
        span = self._lake.span(self._series)
        now_us = self._lake.now_us()
        days = 0 if span is None else max(0, now_us - span.last_us) // DAY_US + _OVERLAP
        url = f"{self._url}?limit={days}"

        def work(call: Call) -> bytes:
            name = self._budget.take(1.0, call)
            try:
                return client.asked(url, self._deadline_s)
            finally:
                self._budget.settle(name, None)

        try:
            body = within(self._deadline_s + 1.0, work, "poll fear and greed")
            client.read(body, now_us)
        except Overdue:
            raise Failed(Fault.PASSING, f"no whole answer within {self._deadline_s:g} s") from None
        except client.Unanswered as error:
            if error.wait_s is not None:
                self._budget.block(error.wait_s)
            limited = error.status in _TOO_MANY or error.wait_s is not None
            raise Failed(
                Fault.LIMITED if limited else Fault.PASSING, str(error), wait_s=error.wait_s or 0.0
            ) from None
        except BadInput as error:
            raise Failed(Fault.PASSING, str(error)) from None
        return client.keep(self._lake, body, urlsplit(SERVICE).hostname or "").refused

    def newest(self) -> Heard | None:
        """As `Feed`."""
        return _newest(self._lake, self._series, "fear_greed", lambda _: DAY_US)


class Rates(Protocol):
    """What is asked of a venue: `fetching.client.Exchange`."""

    name: str

    def funding(self, instrument: Instrument, since_us: int, limit: int) -> Sequence[object]:
        """Rates that settled from `since_us` on, oldest first, unchecked. Raises `Failed`."""


class Funding:
    """The rate of a perpetual, known when it settles."""

    def __init__(
        self, lake: Lake, venue: Rates, instrument: Instrument, *, every_us: int, n_symbols: int = 1
    ) -> None:
        """`n_symbols` are asked of that venue after the same settlement."""
        self.name, self.source = f"{FUNDING} {instrument.symbol}", venue.name
        self._lake, self._venue, self._instrument = lake, venue, instrument
        self._series = context_series("funding", venue=venue.name, symbol=instrument.symbol)
        spread_us = MINUTE_US + n_symbols * _A_SYMBOL_US
        self.cadence = Cadence(every_us, settle_us=_SETTLES_US, spread_us=spread_us)

    def ask(self) -> tuple[str, ...]:
        """As `Feed`: what settled since the newest in the lake, and the last few before it."""
        since_us = self._since_us()
        doubted: tuple[str, ...] = ()
        for _ in range(_MOST_PAGES):
            now_us = self._lake.now_us()
            rows = self._venue.funding(self._instrument, since_us, _PAGE)
            events, refused = rates_of(rows, self._instrument.symbol, now_us)
            if refused and not len(events):
                raise Failed(Fault.PASSING, f"it sent no rate that can be believed; {refused[0]}")
            doubted += refused
            if not len(events):
                break
            self._lake.append_events(
                self._series, events, source=source_text(self._venue.name), received_us=now_us
            )
            last_us = int(events.at_us[-1])
            # Pages of some venues are shorter than what was asked for: the last one is that which comes near to now.
            if last_us <= since_us or (len(rows) < _PAGE and last_us > now_us - DAY_US):
                break
            since_us = last_us + 1_000
        return doubted

    def newest(self) -> Heard | None:
        """As `Feed`. The period is that of the last two settlements, eight hours where there are none."""
        return _newest(self._lake, self._series, "funding", _period_us)

    def _since_us(self) -> int:
        now_us = self._lake.now_us()
        span = self._lake.span(self._series)
        if span is None:
            return now_us - _BACK_US
        at_us = self._lake.read_events(self._series, min(span.last_us, now_us) - 7 * DAY_US).events.at_us
        return int(at_us[-_OVERLAP:][0]) if at_us.size else span.last_us


def rates_of(rows: Sequence[object], symbol: str, now_us: int) -> tuple[Events, tuple[str, ...]]:
    """Rates that can be believed, rising, each settlement once; of two with one stamp the later counts. And what was refused.

    rows   as ccxt gives them: {symbol, timestamp (ms), fundingRate, …}; anything at all may stand there instead
    """
    good: dict[int, float] = {}
    refused: list[str] = []
    for number, row in enumerate(rows, start=1):
        found = _rate(row, symbol, now_us)
        if found is None:
            refused.append(
                f"row {number:,}: a rate of {symbol} that has settled is needed; was {str(row)[:80]}"
            )
        else:
            good[found[0]] = found[1]
    at = np.array(sorted(good), np.int64)
    return Events(at, {"rate": np.array([good[us] for us in at.tolist()], np.float64)}), tuple(refused)


def _rate(row: Any, symbol: str, now_us: int) -> tuple[int, float] | None:
    if not isinstance(row, dict) or row.get("symbol") != symbol:
        return None
    stamp, rate = row.get("timestamp"), row.get("fundingRate")
    if isinstance(stamp, bool) or not isinstance(stamp, int) or isinstance(rate, bool):
        return None
    if not isinstance(rate, int | float) or not math.isfinite(rate):
        return None
    # What is said to settle later is a forecast: it is asked for again when it has.
    return (stamp * 1_000, float(rate)) if 0 < stamp * 1_000 <= now_us and abs(rate) <= _MOST_RATE else None


def stood_in(address: str, endpoint: str) -> str:
    """Where an address is asked: at a stand-in on this machine, as `endpoints.redirected` maps them, or itself.

    >>> stood_in("https://example.org/a/", "http://127.0.0.1:8000")
    'http://127.0.0.1:8000/example.org/a/'
    """
    if not endpoint:
        return address
    if not LOOPBACK.fullmatch(endpoint):
        raise BadInput(f"[history] endpoint is for a stand-in on this machine; was {endpoint[:80]!r}.")
    return f"{endpoint}/{address.partition('://')[2]}"


def _newest(lake: Lake, series: Series, name: str, period: Callable[[I64], int]) -> Heard | None:
    read = as_known(vintages(lake, series), lake.now_us())
    if not len(read):
        return None
    # As the table says, also of a corrected one: the next value comes when it would have come anyway.
    known_us = int(known_at(name, read.at_us[-1:])[0])
    return Heard(int(read.at_us[-1]), known_us, float(read.values[-1]), period(read.at_us))


def _period_us(at_us: I64) -> int:
    if at_us.size < 2:  # noqa: PLR2004 - two make a span
        return _USUAL_US
    hours = round((int(at_us[-1]) - int(at_us[-2])) / HOUR_US)
    return min(max(hours, 1), 24) * HOUR_US
