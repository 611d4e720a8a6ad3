"""What can be wrong with a series of candles, what each costs, and the score that is left.

    score = 100 − Σ weight × percent of bars − points of the longest hole, never below 0

`QUALITY.md` beside this package tells how each is found. A defect of weight 0 is named and not counted: it is the
market's own doing (a crash, a minute without trades, an outage of the venue), not a fault of the recording.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Defect(StrEnum):
    """A defect by its name in tables and JSON."""

    REFUSED = "refused"
    UNUSABLE = "unusable"
    DIFFERING = "differing_duplicates"
    REPEATED = "duplicates"
    MISSING = "missing"
    OUTLIER = "outliers"
    DISAGREEING = "disagreeing"
    STUCK = "stuck"
    VOLUME = "volume"
    MISALIGNED = "misaligned"
    SHIFTED = "shifted"
    QUIET = "quiet"
    OUTAGE = "outages"
    NO_TRADES = "no_trades"
    NO_VOLUME = "no_volume"
    EXTREME = "extremes"
    JUMP = "stamp_jumps"


PENALTIES: Final[Mapping[Defect, float]] = {
    Defect.REFUSED: 5.0,
    Defect.UNUSABLE: 5.0,
    Defect.DIFFERING: 5.0,
    Defect.REPEATED: 0.5,
    Defect.MISSING: 1.0,
    Defect.OUTLIER: 20.0,
    Defect.DISAGREEING: 2.0,
    Defect.STUCK: 1.0,
    Defect.VOLUME: 1.0,
    Defect.MISALIGNED: 1.0,
    Defect.SHIFTED: 3.0,
    Defect.QUIET: 0.0,
    Defect.OUTAGE: 0.0,
    Defect.NO_TRADES: 0.0,
    Defect.NO_VOLUME: 0.0,
    Defect.EXTREME: 0.0,
    Defect.JUMP: 0.0,
}
"""Points lost for each percent of the expected bars that has the defect."""

MEANING: Final[Mapping[Defect, str]] = {
    Defect.REFUSED: "rows that an import refused",
    Defect.UNUSABLE: "a price is missing, not positive or not finite, or outside its low and high",
    Defect.DIFFERING: "a second row for the same time says something else",
    Defect.REPEATED: "a second row for the same time says the same",
    Defect.MISSING: "no candle where one is due",
    Defect.OUTLIER: "a price far off that returns at once, unlike a second source where there is one",
    Defect.DISAGREEING: "differs from second source: the close is 2 % off, and ten times what is usual",
    Defect.STUCK: "the same price, or the very same candle, again and again",
    Defect.VOLUME: "no volume, or a negative one, though the price moved",
    Defect.MISALIGNED: "the candle opens off the grid of its timeframe",
    Defect.SHIFTED: "moves as others do, whole hours earlier or later: a wrong time zone",
    Defect.QUIET: "minutes without trades, which this venue leaves out",
    Defect.OUTAGE: "all symbols of the venue are silent: the venue was down",
    Defect.NO_TRADES: "candles without trades: flat, no volume",
    Defect.NO_VOLUME: "the series has no volume at all",
    Defect.EXTREME: "a great move that stayed, or that a second source confirms: the market's own",
    Defect.JUMP: "the stamps jump by whole hours and the price does not: perhaps a change of zone",
}

GATE: Final = 95.0
"""Below it nothing is bred, unless a person insists."""
FILLED_BELOW: Final = 5
"""Gaps of fewer candles may be filled in a view, and cost no more than their share."""
_HOLE_MOST: Final = 10.0
_HOLE_SLOPE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect in one series.

    bars    how many bars have it; places: in how many stretches
    share   of the expected bars, 0 to 1; points: what it takes off the score
    spans   (start, end) in µs UTC, the longest ones, by time
    """

    defect: Defect
    bars: int
    places: int
    share: float
    points: float
    spans: tuple[tuple[int, int], ...] = ()


def points_of(defect: Defect, bars: int, expected: int) -> float:
    """Points that so many bars of so many expected ones cost.

    >>> points_of(Defect.MISSING, 10, 1000), points_of(Defect.QUIET, 10, 1000)
    (1.0, 0.0)
    """
    if bars <= 0:
        return 0.0
    return min(100.0, PENALTIES[defect] * 100.0 * bars / max(expected, 1))


def points_of_hole(bars: int) -> float:
    """Points that the longest hole costs beside its share: 1.5 for every tenfold of 5 candles, at most 10.

    >>> [round(points_of_hole(n), 2) for n in (0, 4, 5, 50, 500)]
    [0.0, 0.0, 0.0, 1.5, 3.0]
    """
    if bars < FILLED_BELOW:
        return 0.0
    return min(_HOLE_MOST, _HOLE_SLOPE * math.log10(bars / FILLED_BELOW))


def score_of(counts: Mapping[Defect, int], expected: int, longest_hole: int) -> float:
    """0 to 100, rounded down to hundredths so that 94.999 is never shown as 95. No bars: 0.

    Never rises with any count or with the hole, at the same number of expected bars.

    >>> score_of({Defect.MISSING: 10}, 1000, 1), score_of({}, 0, 0)
    (99.0, 0.0)
    """
    if expected <= 0:
        return 0.0
    lost = sum(points_of(defect, bars, expected) for defect, bars in counts.items())
    left = max(0.0, 100.0 - lost - points_of_hole(longest_hole))
    return math.floor(left * 100.0 + 1e-9) / 100.0
