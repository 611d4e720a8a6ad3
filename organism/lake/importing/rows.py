"""Raw rows → candles that can be believed; every other row is counted with its number, the rule and the value."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import HIGHEST_PRICE, HIGHEST_VOLUME, Candles
from organism.lake.importing.raw import PRICES, Raw
from organism.lake.importing.stamps import EARLIEST_US, LATEST_US

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Truths = NDArray[np.bool_]
Rule = tuple[str, tuple[int, ...], Truths]
"""A rule, the places of the columns that it is about, and the rows that break it."""

TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken. row: its number in the file, the first row of numbers is 1; value: what stood there."""

    row: int
    rule: str
    value: str

    @property
    def text(self) -> str:
        """For people.

        >>> Refused(7, "high is a positive number", "-3").text
        "row 7: high is a positive number; was '-3'"
        """
        return f"row {self.row:,}: {self.rule}; was {self.value!r}"


@dataclass(frozen=True, slots=True, eq=False)
class Sifted:
    """What became of the rows of a file.

    candles     the first row of each time, oldest first
    refused     how many rows were not taken, by rule; told: the first of them
    repeated    rows dropped because an equal one of the same time was there
    differing   rows dropped because another one of the same time was there, which says something else
    conflicts   times of the first such rows, µs
    """

    candles: Candles
    refused: dict[str, int]
    told: tuple[Refused, ...]
    repeated: int
    differing: int
    conflicts: tuple[int, ...]

    @property
    def refused_rows(self) -> int:
        """How many rows were not taken."""
        return sum(self.refused.values())


def sifted(raw: Raw, t_us: I64, prices: Sequence[F64], volume: F64) -> Sifted:
    """Take the rows that can be believed. t_us is UTC by now, prices are open, high, low, close by now; all (n,)."""
    bad, refused, told = refusals(raw, t_us, _rules(raw, prices, volume))
    kept: Truths | slice = ~bad if refused else slice(None)
    candles, repeated, differing, conflicts = _single(t_us[kept], [one[kept] for one in (*prices, volume)])
    return Sifted(candles, refused, told, repeated, differing, conflicts)


def refusals(
    raw: Raw, t_us: I64, rules: Iterable[Rule]
) -> tuple[Truths, dict[str, int], tuple[Refused, ...]]:
    """Rows that cannot be believed (bool (n,)), how many by the first rule that each breaks, and the first of them.

    rules   beside that of the time, which is the same for all
    """
    bad = np.zeros(t_us.size, np.bool_)
    refused: Counter[str] = Counter()
    first: list[tuple[int, str, tuple[int, ...]]] = []
    timed: Rule = (
        "the time is between 1990 and 2100",
        (raw.roles.time, raw.roles.clock),
        (t_us < EARLIEST_US) | (t_us >= LATEST_US),
    )
    for rule, places, flags in (timed, *rules):
        fresh = flags & ~bad
        if count := int(fresh.sum()):
            refused[rule] += count
            first += [(int(row), rule, places) for row in np.flatnonzero(fresh)[:TOLD]]
            bad |= fresh
    return bad, dict(refused), _told(raw, sorted(first)[:TOLD])


def between(column: F64, least: float, most: float, *, open_below: bool = False) -> Truths:
    """Whether each is a number from least to most; NaN is none. open_below: the least itself is not believed."""
    with np.errstate(invalid="ignore"):
        return ((column > least) if open_below else (column >= least)) & (column <= most)


def _rules(raw: Raw, prices: Sequence[F64], volume: F64) -> Iterator[Rule]:
    places = raw.roles.prices
    for place, name, column in zip(places, PRICES, prices, strict=True):
        rule = f"{name} is a positive number up to {HIGHEST_PRICE:g}"
        yield rule, (place,), ~between(column, 0.0, HIGHEST_PRICE, open_below=True)
    opened, high, low, close = prices
    with np.errstate(invalid="ignore"):
        crossed = (high < np.maximum(opened, close)) | (low > np.minimum(opened, close)) | (high < low)
    yield "high is the highest price of its candle and low the lowest", places, crossed
    rule = f"volume is a number from 0 to {HIGHEST_VOLUME:g}"
    yield rule, (raw.roles.volume,), ~between(volume, 0.0, HIGHEST_VOLUME)


def _single(t_us: I64, columns: Sequence[F64]) -> tuple[Candles, int, int, tuple[int, ...]]:
    """One candle a time, oldest first; the first row of a time is the one that stays."""
    step = np.diff(t_us)
    if not (step > 0).all():
        # Newest first is common: turned round, the rest of the sort has nothing to do.
        order = np.argsort(t_us, kind="stable")
        t_us, columns = t_us[order], [column[order] for column in columns]
        step = np.diff(t_us)
    same = np.flatnonzero(step == 0) + 1
    if not same.size:
        return Candles(t_us, *columns), 0, 0, ()
    fresh = np.ones(t_us.size, np.bool_)
    fresh[same] = False
    heads = np.flatnonzero(fresh)[np.cumsum(fresh)[same] - 1]
    equal = np.logical_and.reduce(
        [
            (column[same] == column[heads]) | (np.isnan(column[same]) & np.isnan(column[heads]))
            for column in columns
        ]
    )
    conflicts = tuple(int(t) for t in t_us[same[~equal]][:TOLD])
    return (
        Candles(t_us[fresh], *(column[fresh] for column in columns)),
        int(equal.sum()),
        int((~equal).sum()),
        conflicts,
    )


def _told(raw: Raw, first: Sequence[tuple[int, str, tuple[int, ...]]]) -> tuple[Refused, ...]:
    cells = raw.cells([row for row, _, _ in first])
    found = []
    for (row, rule, places), texts in zip(first, cells, strict=True):
        value = " ".join(texts[place] for place in places if 0 <= place < len(texts))
        found.append(Refused(row + 1, rule, value[:60]))
    return tuple(found)
