"""Raw rows → candles that can be believed; every other row is counted with its number, the rule and the value."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import HIGHEST_PRICE, HIGHEST_VOLUME, Candles
from organism.lake.importing.raw import Raw
from organism.lake.importing.stamps import EARLIEST_US, LATEST_US

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Truths = NDArray[np.bool_]

TOLD: Final = 20
NAMES: Final = ("open", "high", "low", "close")


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
    bad, refused, told = refusals(raw, t_us, prices, volume)
    kept: Truths | slice = ~bad if refused else slice(None)
    candles, repeated, differing, conflicts = _single(t_us[kept], [one[kept] for one in (*prices, volume)])
    return Sifted(candles, refused, told, repeated, differing, conflicts)


def refusals(
    raw: Raw, t_us: I64, prices: Sequence[F64], volume: F64
) -> tuple[Truths, dict[str, int], tuple[Refused, ...]]:
    """Rows that cannot be believed (bool (n,)), how many by the first rule that each breaks, and the first of them.

    prices   open, high, low, close; or the price of trades alone
    """
    bad = np.zeros(t_us.size, np.bool_)
    refused: Counter[str] = Counter()
    first: list[tuple[int, str, int]] = []
    for rule, column, flags in _rules(t_us, prices, volume):
        fresh = flags & ~bad
        if count := int(fresh.sum()):
            refused[rule] += count
            first += [(int(row), rule, column) for row in np.flatnonzero(fresh)[:TOLD]]
            bad |= fresh
    return bad, dict(refused), _told(raw, sorted(first)[:TOLD])


def _rules(t_us: I64, prices: Sequence[F64], volume: F64) -> Iterator[tuple[str, int, Truths]]:
    """Rule, which column its value is of (−1: the time, 4: the volume, 9: all prices), and the rows that break it."""
    yield "the time is between 1990 and 2100", -1, (t_us < EARLIEST_US) | (t_us >= LATEST_US)
    names = NAMES if len(prices) == len(NAMES) else ("price",)
    with np.errstate(invalid="ignore"):
        for place, (name, column) in enumerate(zip(names, prices, strict=True)):
            wrong = ~((column > 0) & (column <= HIGHEST_PRICE))
            yield f"{name} is a positive number up to {HIGHEST_PRICE:g}", place, wrong
        if len(prices) == len(NAMES):
            opened, high, low, close = prices
            crossed = (high < np.maximum(opened, close)) | (low > np.minimum(opened, close)) | (high < low)
            yield "high is the highest price of its candle and low the lowest", 9, crossed
        wrong = ~((volume >= 0) & (volume <= HIGHEST_VOLUME))
        yield f"volume is a number from 0 to {HIGHEST_VOLUME:g}", 4, wrong


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


def _told(raw: Raw, first: Sequence[tuple[int, str, int]]) -> tuple[Refused, ...]:
    cells = raw.cells([row for row, _, _ in first])
    found = []
    for (row, rule, column), texts in zip(first, cells, strict=True):
        places = (
            (raw.roles.time, raw.roles.clock) if column < 0
            else (raw.roles.volume,) if column == 4  # noqa: PLR2004
            else raw.roles.prices if column > 4  # noqa: PLR2004
            else (raw.roles.prices[column],)
        )  # fmt: skip
        value = " ".join(texts[place] for place in places if 0 <= place < len(texts))
        found.append(Refused(row + 1, rule, value[:60]))
    return tuple(found)
