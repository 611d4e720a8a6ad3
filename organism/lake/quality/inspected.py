"""A series → what is wrong with it, where, and its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import Candles
from organism.lake.quality import compared, gaps, prices
from organism.lake.quality.calendars import SESSIONS, calendar_of, due
from organism.lake.quality.defects import GATE, Defect, Finding, points_of, points_of_hole, score_of
from organism.lake.quality.gaps import Witness
from organism.lake.quality.stretches import Truths, runs

I64 = NDArray[np.int64]

_SPANS: Final = 200


@dataclass(frozen=True, slots=True)
class Tally:
    """What an import counted before there were candles: refused rows, equal and differing duplicates."""

    refused: int = 0
    repeated: int = 0
    differing: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """What is known beside a series.

    venue, symbol   whose it is; empty where nobody says
    calendar        of `calendars`; that of the venue where empty
    company         other series of the same venue, this symbol's other timeframes among them
    peers           candles of the same timeframe of other symbols: they move together, which shows a wrong time zone, and
                    a move that they share is the market's own
    second          the same instrument from another source; second_name says which, as in "yahoo BTC/USDT 1d"
    tally           what the import counted
    """

    venue: str = ""
    symbol: str = ""
    calendar: str = ""
    company: Sequence[Witness] = ()
    peers: Sequence[Candles] = ()
    second: Candles | None = None
    second_name: str = ""
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Quality:
    """What was found in one series.

    first_us, last_us   opens of its first and last candle; None where it has none
    rows, expected      candles it has, and candles that are due between the first and the last
    longest_hole        the most candles missing in one place, outages and minutes without trades left out; hole is where
    findings            by defect, the costliest first
    shifts              hours by which months are late (positive) or early
    second              the series it was held against; empty where there was none with a name
    score               0 to 100; `QUALITY.md`
    """

    timeframe_us: int
    first_us: int | None
    last_us: int | None
    rows: int
    expected: int
    longest_hole: int
    hole: tuple[int, int] | None
    findings: tuple[Finding, ...]
    shifts: tuple[int, ...]
    score: float
    second: str = ""

    @property
    def good(self) -> bool:
        """Whether anything may be bred on it without a person's word."""
        return self.score >= GATE

    def count(self, defect: Defect) -> int:
        """Bars with this defect."""
        return next((one.bars for one in self.findings if one.defect is defect), 0)

    @property
    def gaps(self) -> int:
        """Places where candles are missing."""
        return next((one.places for one in self.findings if one.defect is Defect.MISSING), 0)

    @property
    def hole_points(self) -> float:
        """What the longest hole takes off the score, beside its share."""
        return points_of_hole(self.longest_hole)

    def document(self) -> dict[str, Any]:
        """For JSON; times in µs UTC."""
        return {
            "first_us": self.first_us,
            "last_us": self.last_us,
            "rows": self.rows,
            "expected": self.expected,
            "score": self.score,
            "good": self.good,
            "gaps": self.gaps,
            "longest_hole": self.longest_hole,
            "hole": self.hole,
            "hole_points": round(self.hole_points, 3),
            "shifts_hours": list(self.shifts),
            "second": self.second,
            "defects": {
                str(one.defect): {
                    "bars": one.bars,
                    "places": one.places,
                    "share": one.share,
                    "points": round(one.points, 3),
                    "spans_us": [list(span) for span in one.spans[:20]],
                }
                for one in self.findings
            },
        }


def inspect(candles: Candles, timeframe_us: int, around: Around | None = None) -> Quality:
    """Judge one series. Nothing of it is altered.

    candles   opens int64 µs UTC, strictly rising; a price may be NaN (a void bar), which counts as unusable
    """
    beside = Around() if around is None else around
    marks = _counted(beside.tally)
    if not len(candles):
        return Quality(timeframe_us, None, None, 0, 0, 0, None, tuple(marks), (), 0.0)
    calendar = beside.calendar or calendar_of(beside.venue)
    phase = _phase(candles.open_us, timeframe_us, calendar)
    start_us = _snapped(int(candles.open_us[0]), timeframe_us, phase)
    due_us = due(calendar, start_us, max(int(candles.open_us[-1]), start_us), timeframe_us)
    lacking = gaps.absent(candles.open_us, due_us, timeframe_us)
    named = _explained(candles, due_us, timeframe_us, lacking, beside)
    lost = lacking & ~named[Defect.OUTAGE] & ~named[Defect.QUIET]
    hole, longest = _longest(lost, due_us, timeframe_us)
    expected = max(due_us.size, len(candles))
    on_due: dict[Defect, Truths] = {Defect.MISSING: lost, **named}
    on_bars, shifts = _bars(candles, timeframe_us, phase, due_us, calendar, beside)
    found = [_finding(defect, flags, due_us, timeframe_us, expected) for defect, flags in on_due.items()]
    found += [
        _finding(defect, flags, candles.open_us, timeframe_us, expected) for defect, flags in on_bars.items()
    ]
    found += [
        Finding(m.defect, m.bars, m.places, m.bars / expected, points_of(m.defect, m.bars, expected))
        for m in marks
    ]
    kept = tuple(sorted((one for one in found if one.bars), key=lambda one: (-one.points, -one.bars)))
    counts: Mapping[Defect, int] = {one.defect: one.bars for one in kept}
    return Quality(
        timeframe_us, int(candles.open_us[0]), int(candles.open_us[-1]), len(candles), expected, longest, hole, kept, shifts,
        score_of(counts, expected, longest), beside.second_name,
    )  # fmt: skip


def _counted(tally: Tally) -> list[Finding]:
    rows = (
        (Defect.REFUSED, tally.refused),
        (Defect.REPEATED, tally.repeated),
        (Defect.DIFFERING, tally.differing),
    )
    return [Finding(defect, rows_, rows_, 0.0, 0.0) for defect, rows_ in rows if rows_]


def _phase(open_us: I64, timeframe_us: int, calendar: str) -> int:
    """Where in its timeframe a candle of this series opens: of most of them, so that one stray does not decide."""
    if calendar == SESSIONS:
        return 0
    rests, counts = np.unique(open_us % timeframe_us, return_counts=True)
    return int(rests[np.argmax(counts)])


def _snapped(first_us: int, timeframe_us: int, phase: int) -> int:
    """The time on the grid that is nearest to the first open."""
    return (first_us - phase + timeframe_us // 2) // timeframe_us * timeframe_us + phase


def _explained(
    candles: Candles, due_us: I64, timeframe_us: int, lacking: Truths, beside: Around
) -> dict[Defect, Truths]:
    """Missing candles that are nobody's fault, and stretches that look like a change of zone."""
    pair = (candles.open, candles.close)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = gaps.outages(lacking, due_us, timeframe_us, beside.symbol, beside.company)
        still = gaps.quiet(lacking & ~down, due_us, timeframe_us, beside.venue, candles.open_us, pair)
        jump = gaps.jumps(lacking & ~down, due_us, timeframe_us, candles.open_us, pair)
    return {Defect.OUTAGE: down, Defect.QUIET: still, Defect.JUMP: jump}


def _longest(lost: Truths, due_us: I64, timeframe_us: int) -> tuple[tuple[int, int] | None, int]:
    starts, ends = runs(lost)
    if not starts.size:
        return None, 0
    at = int(np.argmax(ends - starts))
    return (int(due_us[starts[at]]), int(due_us[ends[at] - 1]) + timeframe_us), int(ends[at] - starts[at])


def _bars(
    candles: Candles, timeframe_us: int, phase: int, due_us: I64, calendar: str, beside: Around
) -> tuple[dict[Defect, Truths], tuple[int, ...]]:
    """Flags of each candle by defect, and the hours of shifted months."""
    step = np.diff(candles.open_us, prepend=candles.open_us[0])
    adjacent = step == timeframe_us
    if calendar == SESSIONS:  # the next session follows upon the last one
        adjacent = np.ones(len(candles), np.bool_)
        adjacent[0] = False
    at = prices.Prices(
        candles.open, candles.high, candles.low, candles.close, candles.volume, adjacent, timeframe_us
    )
    bad = prices.unusable(at)
    contrary, still, none = prices.without_volume(at)
    returns = prices.moves(at)
    sigma = prices.spread(returns)
    spikes = prices.outliers(at, returns, sigma) & ~bad
    great = (prices.extremes(at, returns, sigma) | spikes) & ~bad
    off = (
        ~np.isin(candles.open_us, due_us) if calendar == SESSIONS else candles.open_us % timeframe_us != phase
    )
    flags = {
        Defect.UNUSABLE: bad,
        Defect.STUCK: prices.stuck(at),
        Defect.VOLUME: contrary & ~bad,
        Defect.MISALIGNED: off,
        Defect.NO_TRADES: still & ~bad,
        Defect.NO_VOLUME: np.full(len(candles), none),
    }
    others = list(beside.peers)
    for witness in (*others, *([] if beside.second is None else [beside.second])):
        places = np.flatnonzero(spikes)
        spikes[places[compared.confirmed(places, candles, witness)]] = False
    if beside.second is not None:
        flags[Defect.DISAGREEING] = compared.disagreeing(compared.against(candles, beside.second))
        others = [beside.second]
    flags[Defect.SHIFTED], shifts = compared.shifted(candles, others, timeframe_us)
    flags[Defect.OUTLIER], flags[Defect.EXTREME] = spikes, great & ~spikes
    return flags, shifts


def _finding(defect: Defect, flags: Truths, at_us: I64, timeframe_us: int, expected: int) -> Finding:
    bars = int(flags.sum())
    if not bars:
        return Finding(defect, 0, 0, 0.0, 0.0)
    starts, ends = runs(flags)
    chosen = np.sort(np.argsort(starts - ends, kind="stable")[:_SPANS])
    spans = tuple(
        (int(at_us[start]), int(at_us[end - 1]) + timeframe_us)
        for start, end in zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True)
    )
    return Finding(defect, bars, int(starts.size), bars / expected, points_of(defect, bars, expected), spans)
