"""Largest and smallest values over a window, two comparisons a value however long the window.

Values are written block by block of n. Of the block before, what is not yet written over holds the largest from there to
its end; of this block the largest so far is kept; the largest of the last n is the larger of the two. Once in n values a
pass backwards. Source: van Herk (1992); Gil and Werman (1993).
"""

import numpy as np

from genome.jit import inlined, lean_step
from genome.market import F64

EXTREME_SLOTS = 3
"""values so far; place in the block; the block's largest."""
CHANNEL_SLOTS = 4
"""bars so far; place in the block; the block's highest high and lowest low."""
_HIGH, _LOW, _CLOSE = 1, 2, 3


@inlined
def extreme(state: F64, n: int, sign: float, x: F64, begin: int, end: int, out: F64, before: bool) -> None:
    """The largest (sign 1) or smallest (−1) of the last n values, or of the n before this one. Slots: EXTREME_SLOTS + n."""
    count, at = int(state[0]), int(state[1])
    top = state[2] if at > 0 else -np.inf
    ring = state[EXTREME_SLOTS : EXTREME_SLOTS + n]
    first = min(end, begin + max(0, n - count - (0 if before else 1)))
    i = begin
    while i < end:
        size = min(end - i, n - at)
        old, values, results = ring[at : at + size], x[i : i + size], out[i : i + size]
        if before:
            for j in range(size):
                value = sign * values[j]
                results[j] = sign * max(old[j], top)
                top = max(value, top)
                old[j] = value
        else:
            # The largest after this one is the largest before the next.
            later = ring[at + 1 : at + 1 + size]
            for j in range(later.size):
                value = sign * values[j]
                top = max(value, top)
                old[j] = value
                results[j] = sign * max(later[j], top)
            if size > later.size:
                value = sign * values[size - 1]
                top = max(value, top)
                old[size - 1] = value
                results[size - 1] = sign * top
        at += size
        i += size
        if at == n:
            top = ring[n - 1]
            for k in range(n - 2, -1, -1):
                top = max(ring[k], top)
                ring[k] = top
            at, top = 0, -np.inf
    out[begin:first] = np.nan
    state[0], state[1], state[2] = count + (end - begin), at, top


MIDDLE, BETWEEN, STOCHASTIC = 0, 1, 2
"""(highest + lowest)/2; the mean of that and what `out` holds; 100·(close − lowest)/(highest − lowest), 0 where flat."""


@inlined
def _channel_as(top: float, bottom: float, close: float, known: float, which: int) -> float:
    if which == MIDDLE:
        return 0.5 * (top + bottom)
    if which == BETWEEN:
        return 0.5 * (known + 0.5 * (top + bottom))
    return 100.0 * ((close - bottom) / (top - bottom)) if top != bottom else 0.0


@inlined
def channel(
    state: F64, o: int, n: int, market: F64, at: int, begin: int, end: int, out: F64, which: int
) -> None:
    """Highest high and lowest low of the last n bars, as one of `which`; NaN before. Slots: CHANNEL_SLOTS + 2·n."""
    count, place = int(state[o]), int(state[o + 1])
    top, bottom = (state[o + 2], state[o + 3]) if place > 0 else (-np.inf, np.inf)
    highs = state[o + CHANNEL_SLOTS : o + CHANNEL_SLOTS + n]
    lows = state[o + CHANNEL_SLOTS + n : o + CHANNEL_SLOTS + 2 * n]
    first = min(end, begin + max(0, n - 1 - count))
    i = begin
    while i < end:
        size = min(end - i, n - place)
        t = at + i
        own_highs, own_lows = market[_HIGH, t : t + size], market[_LOW, t : t + size]
        closes, results = market[_CLOSE, t : t + size], out[i : i + size]
        for j in range(size):
            top, bottom = max(own_highs[j], top), min(own_lows[j], bottom)
            highs[place], lows[place] = own_highs[j], own_lows[j]
            place += 1
            highest = max(highs[place], top) if place < n else top
            lowest = min(lows[place], bottom) if place < n else bottom
            results[j] = _channel_as(highest, lowest, closes[j], results[j], which)
        i += size
        if place == n:
            place, top, bottom = 0, -np.inf, np.inf
            above, below = -np.inf, np.inf
            for k in range(n):
                above, below = max(highs[n - 1 - k], above), min(lows[n - 1 - k], below)
                highs[n - 1 - k], lows[n - 1 - k] = above, below
    out[begin:first] = np.nan
    state[o], state[o + 1], state[o + 2], state[o + 3] = count + (end - begin), place, top, bottom


@lean_step
def slide(state: F64, o: int, n: int, value: float) -> None:
    """Take a value into a window whose largest is asked for. Slots: EXTREME_SLOTS + n.

    Values are written block by block of n. Of the block before, what is not yet written over holds the largest from there to
    its end; of this block the largest so far is kept: two comparisons a value and no branch to guess, once in n bars a pass
    backwards. Source: van Herk (1992); Gil and Werman (1993).
    """
    at = int(state[o + 1])
    ring = o + EXTREME_SLOTS
    state[ring + at] = value
    state[o + 2] = value if at == 0 else max(state[o + 2], value)
    state[o] += 1.0
    at += 1
    if at == n:
        at = 0
        for k in range(n - 2, -1, -1):
            state[ring + k] = max(state[ring + k], state[ring + k + 1])
    state[o + 1] = at


@lean_step
def largest(state: F64, o: int, n: int) -> float:
    """Largest of the last n values taken in by `slide`, or NaN when there are fewer."""
    at = int(state[o + 1])
    if state[o] < n:
        return np.nan
    before = state[o + EXTREME_SLOTS + at]
    return float(before if at == 0 else max(before, state[o + 2]))
