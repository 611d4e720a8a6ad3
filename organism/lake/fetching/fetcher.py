"""Fill what the lake lacks of a series: cache first, then the primary source, then each fallback, then an error."""

import functools
import random
from collections.abc import Callable, Sequence

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import Candles, Flags
from organism.lake.fetching.asking import Asking, GaveUp
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.breaker import Breaker
from organism.lake.fetching.days import DAY_US, Chunk, chunks, of_days, owners, source_text
from organism.lake.fetching.events import EventsRun
from organism.lake.fetching.instrument import Instrument, instrument, is_proxy
from organism.lake.fetching.outcome import Lane, Outcome, SourcesFailed
from organism.lake.fetching.rows import page_of
from organism.lake.fetching.shared import Clock
from organism.lake.fetching.source import Source
from organism.lake.fetching.walk import Walk
from organism.lake.names import Kind, Series, origin_us, timeframe_us
from organism.lake.store import Lake

_SETTLE_US = 2_000_000  # after its end a candle may still change for a moment
_NOTED_US = 10_000_000  # a clock that is off by more is worth a line
_FLUSH = 5_000  # candles of whole days that wait for being written, at most about so many
_SHOWN = 5  # refused rows that are told in full


class Fetcher:
    """Fills series of one venue. One object a command: breakers and markets are kept from series to series."""

    def __init__(
        self, lake: Lake, sources: Sequence[Source], *, clock: Clock, chance: random.Random, patience: Patience,
        warn: Callable[[str], None], told: Callable[[int, int, str], None] = lambda *_: None,
        breaker: Breaker | None = None,
    ) -> None:  # fmt: skip
        """`sources` is the chain, primary first; `warn` gets a line for each that fails; `told` (done, total, name)."""
        self._lake, self._clock, self._warn, self._told = lake, clock, warn, told
        first = breaker or Breaker(trips_at=patience.attempts)
        self._lanes = [Lane(one, Asking(clock, patience, chance, first)) for one in sources]

    def fetch(
        self, series: Series, start_us: int, end_us: int, *, of: Instrument | None = None, timeframe: str = ""
    ) -> Outcome:
        """Candles that open at or after start and before end, and are over; or funding rates or open interest of then.

        of          the instrument to ask for, where `series` is a proxy; else it is the one of the series' symbol
        timeframe   how far apart open interest is asked for

        Raises `SourcesFailed` when something is missing that no source answered for. An interrupt keeps what came.
        """
        wanted = of or instrument(series.symbol)
        if not series.kind.has_timeframe:
            return self._fetch_events(series, start_us, end_us, wanted, timeframe)
        end_us = min(end_us, self._over_us(series, self._clock.wall_us()))
        outcome = Outcome(series, start_us, max(start_us, end_us))
        n_before = [(lane.asking.n_asked, lane.asking.n_failed) for lane in self._lanes]
        gaps = self._lake.gaps(series, start_us, outcome.end_us)
        outcome.cached = self._n_candles(outcome) - _n_missing(gaps, series.bar_us)
        run = _Run(self, series, wanted, outcome, _n_missing(gaps, series.bar_us))
        for chunk in chunks(gaps, series.bar_us):
            run.fill(chunk)
        left = self._lake.gaps(series, start_us, outcome.end_us) if gaps else []
        outcome.missing = _n_missing(left, series.bar_us)
        return self._told_of(outcome, n_before)

    def _fetch_events(
        self, series: Series, start_us: int, end_us: int, of: Instrument, timeframe: str
    ) -> Outcome:
        if series.kind not in (Kind.FUNDING, Kind.OPEN_INTEREST):
            raise BadInput(f"{series.text} is not fetched; import a file with `organism data import FILE`.")
        period_us = timeframe_us(timeframe) if timeframe else 0
        end_us = min(end_us, self._clock.wall_us())
        outcome = Outcome(series, start_us, max(start_us, end_us))
        n_before = [(lane.asking.n_asked, lane.asking.n_failed) for lane in self._lanes]
        EventsRun(self, series, of, outcome, timeframe, period_us).fill()
        return self._told_of(outcome, n_before)

    def _told_of(self, outcome: Outcome, n_before: list[tuple[int, int]]) -> Outcome:
        for lane, (asked, failed) in zip(self._lanes, n_before, strict=True):
            outcome.asked += lane.asking.n_asked - asked
            outcome.failed += lane.asking.n_failed - failed
        if outcome.unanswered:
            raise SourcesFailed(_sentence(outcome), outcome)
        return outcome

    def _n_candles(self, outcome: Outcome) -> int:
        bar_us = outcome.series.bar_us
        origin = origin_us(bar_us)
        return max(0, (outcome.end_us - 1 - origin) // bar_us - (outcome.start_us - 1 - origin) // bar_us)

    @staticmethod
    def _over_us(series: Series, now_us: int) -> int:
        """Candles that open before this are over."""
        bar_us = series.bar_us
        origin = origin_us(bar_us)
        return origin + (now_us - _SETTLE_US - origin) // bar_us * bar_us

    def ended_us(self, lane: Lane, series: Series) -> int:
        """Candles that open before this are over, say our clock and the venue's."""
        ahead_us = lane.asking(lane.source.ahead_us)
        if abs(ahead_us) > _NOTED_US and not lane.noted:
            lane.noted = True
            way = "ahead of" if ahead_us > 0 else "behind"
            self._warn(
                f"{lane.source.name}: its clock is {abs(ahead_us) / 1e6:,.0f} s {way} this machine's; "
                "candles that one of the two calls unfinished are left out."
            )
        return self._over_us(series, self._clock.wall_us() + min(0, ahead_us))

    @property
    def lanes(self) -> list[Lane]:
        """The chain, primary first."""
        return self._lanes

    def failed(self, lane: Lane, outcome: Outcome, gave_up: GaveUp) -> None:
        """A line for each source that failed, once a series."""
        name = lane.source.name
        if name not in outcome.failures:
            outcome.failures[name] = gave_up.why
            self._warn(f"{outcome.series.text}: {name} failed: {gave_up.why}.")

    @property
    def lake(self) -> Lake:
        """Where it is put."""
        return self._lake

    def warn(self, line: str) -> None:
        """A line for a person."""
        self._warn(line)

    def tell(self, done: int, total: int, name: str) -> None:
        """How far it is."""
        self._told(done, total, name)

    def wall_us(self) -> int:
        """Time of day."""
        return self._clock.wall_us()


class _Run:
    """One series through the chain of sources."""

    def __init__(
        self, fetcher: Fetcher, series: Series, of: Instrument, outcome: Outcome, total: int
    ) -> None:
        self._fetcher, self._series, self._of, self._outcome = fetcher, series, of, outcome
        self._total, self._done = total, 0
        self._foreign: set[str] = set()

    def fill(self, chunk: Chunk) -> None:
        """Ask each source in turn for what is missing; days that somebody began only from whom they are."""
        first, last = int(chunk.opens_us[0]), int(chunk.opens_us[-1])
        begin, end = first // DAY_US * DAY_US, (last // DAY_US + 1) * DAY_US
        texts = [self._text(lane) for lane in self._fetcher.lanes]
        began = owners(self._fetcher.lake.read(self._series, begin, end), texts[0])
        free = chunk.missing & ~of_days(chunk.opens_us, set(began))
        open_ = chunk.missing.copy()
        for lane, text in zip(self._fetcher.lanes, texts, strict=True):
            mine = chunk.missing & of_days(chunk.opens_us, {day for day, who in began.items() if who == text})
            if not (free | mine).any():
                continue
            resolved, filled = self._walked(lane, text, chunk._replace(missing=free | mine), began)
            open_ &= ~resolved
            free &= ~(of_days(chunk.opens_us, filled) & resolved)
        lost = open_ & ~self._orphans(chunk, began, texts)
        self._outcome.unanswered += int(np.count_nonzero(lost))
        self._done += int(np.count_nonzero(chunk.missing))

    def _orphans(self, chunk: Chunk, began: dict[int, str], texts: list[str]) -> Flags:
        """Missing candles of days that a source began which is not in the chain now: they stay missing, and it is said."""
        strangers = {day for day, who in began.items() if who not in texts}
        found = chunk.missing & of_days(chunk.opens_us, strangers)
        for who in sorted({began[day] for day in strangers} - self._foreign if found.any() else ()):
            self._foreign.add(who)
            self._fetcher.warn(
                f"{self._series.text}: days that {who.partition(':')[2]} began are left as they are; "
                "add it to the fallbacks to complete them."
            )
        return found

    def _text(self, lane: Lane) -> str:
        symbol = self._of.symbol if is_proxy(self._series) else ""
        return source_text(lane.source.name, symbol)

    def _walked(self, lane: Lane, text: str, chunk: Chunk, began: dict[int, str]) -> tuple[Flags, set[int]]:
        """Ask one source. Returns what it resolved, and the days of which it gave at least one candle."""
        nothing = np.zeros(chunk.opens_us.size, np.bool_)
        try:
            mark = self._series.kind is Kind.MARK
            limit = lane.asking(lambda: lane.source.listed(self._of, self._series.timeframe, mark=mark))
            ended_us = self._fetcher.ended_us(lane, self._series)
        except GaveUp as why:
            self._fetcher.failed(lane, self._outcome, why)
            return nothing, set()
        over = chunk.opens_us < ended_us
        # What is not over yet, by the venue's clock, is nobody's failure.
        walk = Walk(chunk.opens_us, chunk.missing & over, limit, self._series.bar_us)
        filled: set[int] = set()
        try:
            self._pages(lane, text, walk, limit, filled)
        except GaveUp as why:
            self._fetcher.failed(lane, self._outcome, why)
            whole_us = walk.settled_us() // DAY_US * DAY_US
            kept = chunk.opens_us < whole_us
            begun = {day for day, who in began.items() if who == text}
            kept |= of_days(chunk.opens_us, begun)  # such a day may grow candle by candle
            came = walk.taken()
            self._append(text, came.take(_among(came, chunk, kept)), filled)
            return walk.resolved() & kept, filled
        except KeyboardInterrupt:
            self._append(text, walk.taken(), filled)
            raise
        return walk.resolved() | (chunk.missing & ~over), filled

    def _pages(self, lane: Lane, text: str, walk: Walk, limit: int, filled: set[int]) -> None:
        bar_us, timeframe = self._series.bar_us, self._series.timeframe
        waiting, mark = 0, self._series.kind is Kind.MARK
        while (since_us := walk.next_us()) is not None:
            rows = lane.asking(
                functools.partial(lane.source.page, self._of, timeframe, since_us, limit, mark=mark)
            )
            page = page_of(rows, bar_us, volume=not mark)
            self._outcome.refused += len(page.refused)
            room = _SHOWN - len(self._outcome.examples)
            self._outcome.examples += [f"{lane.source.name}: {why}" for why in page.refused[: max(0, room)]]
            walk.answered(page.candles, len(rows))
            waiting += len(page.candles)
            if waiting >= _FLUSH:
                self._append(text, walk.taken(walk.settled_us() // DAY_US * DAY_US), filled)
                waiting = 0
            self._fetcher.tell(self._done + walk.n_resolved(), self._total, self._series.text)
        self._append(text, walk.taken(), filled)

    def _append(self, text: str, candles: Candles, filled: set[int]) -> None:
        if not len(candles):
            return
        lake = self._fetcher.lake
        found = lake.append(self._series, candles, source=text, received_us=self._fetcher.wall_us())
        self._outcome.rows[text] += found.new
        self._outcome.revised += found.revised
        filled.update(int(day) for day in np.unique(candles.open_us // DAY_US))


def _among(candles: Candles, chunk: Chunk, kept: Flags) -> Flags:
    return kept[np.searchsorted(chunk.opens_us, candles.open_us)]


def _n_missing(gaps: list[tuple[int, int]], bar_us: int) -> int:
    return sum((end - start) // bar_us for start, end in gaps)


def _sentence(outcome: Outcome) -> str:
    whys = "; ".join(f"{name}: {why}" for name, why in outcome.failures.items())
    n_new = sum(outcome.rows.values())
    what = "candles" if outcome.series.kind.has_timeframe else "events"
    return (
        f"{outcome.series.text}: no source gave {outcome.unanswered:,} of the {what} that are missing ({whys}); "
        f"{n_new:,} new rows are kept. Try again later, or name other sources with --venue and --fallbacks."
    )
