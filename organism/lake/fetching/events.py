"""Fill what the lake lacks of funding rates or open interest: the same chain, patience and days as of candles.

Nobody knows beforehand when there is an event. So a stretch is taken for missing where the lake has none for longer than
is usual there, and it is asked for twice: a page may have lost some, and an empty answer is a fault as often as a fact.
"""

import functools
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from organism.lake.candles import I64, Events
from organism.lake.fetching.asking import GaveUp
from organism.lake.fetching.days import DAY_US, event_owners, source_text
from organism.lake.fetching.faults import Failed, Fault
from organism.lake.fetching.instrument import Instrument
from organism.lake.fetching.outcome import Lane, Outcome
from organism.lake.fetching.rows import EventsPage, events_of
from organism.lake.names import Kind, Series
from organism.lake.store import Lake

_HOUR_US: Final = 3_600_000_000
_LEAST_US: Final = _HOUR_US  # no venue settles more often
_USUAL_US: Final = 8 * _HOUR_US
_MS_US: Final = 1_000
_JITTER_US: Final = 60_000_000  # venues stamp some milliseconds late
_PAGE: Final = 500
_HOP: Final = 100  # periods that are passed over where a page is empty: some venues answer for a window alone
_PASSES: Final = 2
_NEIGHBOURS: Final = 4
_SHOWN: Final = 5


class Fetching(Protocol):
    """What a run needs of whoever fetches: `fetcher.Fetcher`."""

    @property
    def lanes(self) -> list[Lane]: ...  # noqa: D102
    @property
    def lake(self) -> Lake: ...  # noqa: D102
    def warn(self, line: str) -> None: ...  # noqa: D102
    def tell(self, done: int, total: int, name: str) -> None: ...  # noqa: D102
    def wall_us(self) -> int: ...  # noqa: D102
    def failed(self, lane: Lane, outcome: Outcome, gave_up: GaveUp) -> None: ...  # noqa: D102


class Stretch(NamedTuple):
    """Where events are missing: from, until before, and about how many, µs."""

    begin_us: int
    until_us: int
    n_expected: int


def stretches(at_us: I64, start_us: int, end_us: int, period_us: int) -> list[Stretch]:
    """Where events are missing from start until before end.

    at_us      int64 (n,), the events that are there, rising
    period_us  how far apart they are; 0: as usual among their neighbours, eight hours where there are none
    """
    if not at_us.size:
        n = -((start_us - end_us) // (period_us or _USUAL_US))
        return [Stretch(start_us, end_us, n)] if start_us < end_us else []
    steps = np.diff(at_us)
    if period_us or not steps.size:
        usual = np.full(max(steps.size, 1), period_us or _USUAL_US, np.int64)
    else:
        mode: Any = "reflect" if steps.size > _NEIGHBOURS else "edge"
        padded = np.pad(steps.astype(np.float64), _NEIGHBOURS, mode)
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
        usual = np.maximum(np.median(around, axis=1).astype(np.int64), _LEAST_US)
    found = []
    first, last = int(at_us[0]), int(at_us[-1])
    if (n := (first - start_us + _JITTER_US) // int(usual[0])) > 0:
        found.append(Stretch(start_us, first, n))
    for i in np.flatnonzero(steps > 1.5 * usual[: steps.size]).tolist():
        n = max(1, round(steps[i] / usual[i]) - 1)
        found.append(Stretch(int(at_us[i]) + _MS_US, int(at_us[i + 1]), n))
    if (n := (end_us - last - _JITTER_US) // int(usual[-1])) > 0:
        found.append(Stretch(last + _MS_US, end_us, n))
    return found


class EventsRun:
    """One series of events through the chain of sources. timeframe: how far apart open interest is asked for."""

    def __init__(
        self, fetcher: Fetching, series: Series, of: Instrument, outcome: Outcome, timeframe: str, period_us: int
    ) -> None:  # fmt: skip
        self._fetcher, self._series, self._of, self._outcome = fetcher, series, of, outcome
        self._timeframe, self._period_us = timeframe, period_us
        self._done = 0

    def fill(self) -> None:
        """Ask each source in turn for what is missing; days that somebody began only from whom they are."""
        out = self._outcome
        out.cached = self._stored().size
        answered = not self._missing()
        for lane in self._fetcher.lanes:
            if answered:
                break
            answered = self._from(lane)
        left = self._missing()
        out.missing = sum(one.n_expected for one in left)
        out.unanswered = 0 if answered else out.missing

    def _stored(self) -> I64:
        events = self._fetcher.lake.read_events(
            self._series, self._outcome.start_us, self._outcome.end_us
        ).events
        return events.at_us

    def _missing(self) -> list[Stretch]:
        return stretches(self._stored(), self._outcome.start_us, self._outcome.end_us, self._period_us)

    def _from(self, lane: Lane) -> bool:
        """Whether this source answered for all that is missing."""
        text = source_text(lane.source.name)
        try:
            reach_us = lane.asking(lambda: lane.source.tells(self._of, self._series.kind, self._timeframe))
            now_us = self._fetcher.wall_us() + min(0, lane.asking(lane.source.ahead_us))
            earliest_us = now_us - reach_us if reach_us else 0
            if earliest_us > self._outcome.start_us:
                self._fetcher.warn(
                    f"{self._series.text}: {lane.source.name} tells of the last {reach_us / DAY_US:g} days only."
                )
            for _ in range(_PASSES):
                for begin, until, _ in self._missing():
                    self._walk(lane, text, max(begin, earliest_us), min(until, now_us))
        except GaveUp as why:
            self._fetcher.failed(lane, self._outcome, why)
            return False
        return True

    def _walk(self, lane: Lane, text: str, begin: int, until: int) -> None:
        came: list[Events] = []
        since = begin
        least_us = self._period_us or _LEAST_US
        try:
            # What came last was less than a period before the end: nothing more is due.
            while since < until and not (came and since + least_us - _JITTER_US > until):
                page = lane.asking(functools.partial(self._asked, lane, since, until))
                self._outcome.refused += len(page.refused)
                room = max(0, _SHOWN - len(self._outcome.examples))
                self._outcome.examples += [f"{lane.source.name}: {why}" for why in page.refused[:room]]
                fresh = page.events.take((page.events.at_us >= since) & (page.events.at_us < until))
                if len(fresh):
                    came.append(fresh)
                    since = int(fresh.at_us[-1]) + _MS_US
                else:
                    since += _HOP * (self._period_us or _USUAL_US)
                self._fetcher.tell(min(since, until) - begin, until - begin, self._series.text)
        except GaveUp:
            self._append(text, came, before_us=since // DAY_US * DAY_US)
            raise
        except KeyboardInterrupt:
            self._append(text, came)
            raise
        self._append(text, came)

    def _asked(self, lane: Lane, since: int, until: int) -> EventsPage:
        """One page. Raises `Failed` for one of which nothing can be believed: it is asked for again."""
        if self._series.kind is Kind.FUNDING:
            rows = lane.source.funding(self._of, since, _PAGE)
        else:
            rows = lane.source.interest(self._of, self._timeframe, since, _PAGE)
        page = events_of(rows, self._series.kind, self._of.symbol, until)
        if page.refused and not len(page.events):
            raise Failed(Fault.PASSING, f"it sent nothing that can be believed; {page.refused[0]}")
        return page

    def _append(self, text: str, came: list[Events], before_us: int | None = None) -> None:
        """Keep what came of days that nobody else began; of a day that was left halfway, only where it is the source's own.

        before_us   of what comes later a day may be unfinished; None: all days are whole
        """
        if not came:
            return
        names = came[0].values
        at = np.concatenate([one.at_us for one in came])
        whole = Events(at, {name: np.concatenate([one.values[name] for one in came]) for name in names})
        days = at // DAY_US
        lake = self._fetcher.lake
        stored = lake.read_events(self._series, int(days[0]) * DAY_US, (int(days[-1]) + 1) * DAY_US)
        own = source_text(self._fetcher.lanes[0].source.name)
        began = event_owners(stored, own)
        kept = np.array([began.get(int(day), text if before_us is None or day * DAY_US < before_us else "") == text
                         for day in days], np.bool_)  # fmt: skip
        kept &= ~np.isin(at, stored.events.at_us)  # one that came before stays
        if not kept.any():
            return
        found = lake.append_events(
            self._series, whole.take(kept), source=text, received_us=self._fetcher.wall_us()
        )
        self._outcome.rows[text] += found.new
        self._outcome.revised += found.revised
