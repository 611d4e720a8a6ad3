"""Sliding maxima, minima and sums over the last n values, as immutable values, at constant cost a step.

Time is cut into blocks of n. Any window of n values is the tail of one block and the head of the next: the
tails of the finished block are aggregated once, the head as it grows. Sums are therefore exact to rounding,
with no drift to correct however long they run.

The growing block is kept as packed doubles: appending copies it, and bytes copy ten times faster than objects.

Source: M. van Herk (1992), "A fast algorithm for local minimum and maximum filters", Pattern Recognition
Letters 13; J. Gil and M. Werman (1993), IEEE PAMI 15.
"""

import struct
from itertools import accumulate

import msgspec

_two = struct.Struct("<2d").pack


class Extremes(msgspec.Struct, frozen=True, gc=False):
    """Highest high and lowest low of the last n bars.

    tops, bottoms   of the finished block: extremes of its tail beginning at each place; empty until there is one
    size, block     bars in the growing block; their highs and lows, packed
    top, bottom     extremes of the growing block
    """

    tops: tuple[float, ...] = ()
    bottoms: tuple[float, ...] = ()
    size: int = 0
    block: bytes = b""
    top: float = float("-inf")
    bottom: float = float("inf")

    @property
    def upper(self) -> float:
        """Highest high of the window; only meaningful once n bars went in."""
        return max(self.top, self.tops[self.size]) if self.tops else self.top

    @property
    def lower(self) -> float:
        """Lowest low of the window; only meaningful once n bars went in."""
        return min(self.bottom, self.bottoms[self.size]) if self.bottoms else self.bottom


def widened(window: Extremes, high: float, low: float, n: int) -> Extremes:
    """Take one bar into a window of n bars.

    >>> w = Extremes()
    >>> for x in (5.0, 1.0, 2.0, 3.0):
    ...     w = widened(w, x, x, 2)
    >>> w.upper, w.lower
    (3.0, 2.0)
    """
    size = window.size + 1
    block = window.block + _two(high, low)
    if size < n:
        top, bottom = window.top, window.bottom
        return Extremes(
            window.tops,
            window.bottoms,
            size,
            block,
            high if high > top else top,  # noqa: FURB136 - the hot path: max() costs twice as much
            low if low < bottom else bottom,  # noqa: FURB136
        )
    values = struct.unpack(f"<{2 * n}d", block)
    tops = tuple(accumulate(values[-2::-2], max))[::-1]
    bottoms = tuple(accumulate(values[::-2], min))[::-1]
    return Extremes(tops, bottoms)


class Sums(msgspec.Struct, frozen=True, gc=False):
    """Sums over the last n bars of volume, price × volume and price² × volume.

    tails         of the finished block: the three sums of its tail beginning at each place, one after the other
    size, block   bars in the growing block; their prices and volumes, packed
    volume, first, second   the three sums of the growing block
    """

    tails: tuple[float, ...] = ()
    size: int = 0
    block: bytes = b""
    volume: float = 0.0
    first: float = 0.0
    second: float = 0.0

    @property
    def totals(self) -> tuple[float, float, float]:
        """Sum of volume, of price × volume, of price² × volume over the window."""
        tails = self.tails
        if not tails:
            return self.volume, self.first, self.second
        at = 3 * self.size
        return self.volume + tails[at], self.first + tails[at + 1], self.second + tails[at + 2]


def added(window: Sums, price: float, volume: float, n: int) -> Sums:
    """Take one bar into a window of n bars.

    >>> w = Sums()
    >>> for price in (9.0, 1.0, 2.0):
    ...     w = added(w, price, 1.0, 2)
    >>> w.totals
    (2.0, 3.0, 5.0)
    """
    size = window.size + 1
    block = window.block + _two(price, volume)
    flow = price * volume
    if size < n:
        return Sums(
            window.tails,
            size,
            block,
            window.volume + volume,
            window.first + flow,
            window.second + price * flow,
        )
    values = struct.unpack(f"<{2 * n}d", block)
    prices, volumes = values[-2::-2], values[::-2]
    flows = [p * v for p, v in zip(prices, volumes, strict=True)]
    squares = [p * f for p, f in zip(prices, flows, strict=True)]
    sums = zip(accumulate(volumes), accumulate(flows), accumulate(squares), strict=True)
    tails = [x for three in reversed(tuple(sums)) for x in three]
    return Sums(tuple(tails))
