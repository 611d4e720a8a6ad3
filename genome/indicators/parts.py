"""What the kernels share: void bars, rings, sums over a window, and extremes over a window.

All memory is a float64 vector that begins as zeros; `o` is the slot where a part's own memory begins. Counters are kept
as floats, exact to 2^53.
"""

import math

import numpy as np

from genome.jit import step
from genome.market import F64

RESYNC_MASK = 1023
"""Every 1,024 values a rolling sum is computed anew from its ring."""
CANCELLED = 1e-6
"""A sum of squares that fell below this share of its peak has lost digits: computed anew at once."""
MEAN_SLOTS = 6
SPREAD_SLOTS = 8
EXTREME_SLOTS = 3


@step
def absent(market: F64, at: int) -> bool:
    """Whether the bar is void: NaN (or infinite) in open, high, low or close."""
    total = market[0, at] + market[1, at] + market[2, at] + market[3, at]
    return bool(total - total != 0.0)


@step
def finite(value: float) -> bool:
    """Neither NaN nor infinite."""
    return value - value == 0.0


@step
def typical(market: F64, at: int) -> float:
    """(high + low + close)/3, taken about the close: exactly the close on a bar that did not move.

    The market's own row `typical` is not looked at: whoever builds a market by hand may leave it out.
    """
    close = market[3, at]
    return float(close + ((market[1, at] - close) + (market[2, at] - close)) / 3.0)


@step
def lagged(state: F64, o: int, n: int, value: float) -> float:
    """Put `value` into a ring of n; what fell out, the value n ago, or NaN. Slots: 2 + n."""
    count = state[o]
    at = int(state[o + 1])
    old = state[o + 2 + at] if count >= n else np.nan
    state[o + 2 + at] = value
    at += 1
    state[o] = count + 1.0
    state[o + 1] = 0.0 if at == n else at
    return old


@step
def mean(state: F64, o: int, n: int, value: float) -> float:
    """Mean of the last n values, NaN before there are n. Slots: MEAN_SLOTS + n.

    The sum is of distances from a reference, so that large prices cost no digits; n equal values have exactly
    themselves as mean, so that a price that stands still is never above its own average.
    """
    count = int(state[o])
    at = int(state[o + 1])
    ring = o + MEAN_SLOTS
    run = state[o + 4] + 1.0 if count > 0 and value == state[o + 5] else 1.0
    reference = state[o + 2] if count > 0 else value
    total = state[o + 3] + (value - reference)
    if count >= n:
        total -= state[ring + at] - reference
    state[ring + at] = value
    at = 0 if at + 1 == n else at + 1
    count += 1
    if run >= n:
        reference = value
        total = 0.0
    elif count & RESYNC_MASK == 0 and count >= n:
        reference = value
        total = 0.0
        for k in range(n):
            total += state[ring + k] - reference
    state[o] = count
    state[o + 1] = at
    state[o + 2] = reference
    state[o + 3] = total
    state[o + 4] = run
    state[o + 5] = value
    return reference + total / n if count >= n else np.nan


@step
def spread(state: F64, o: int, n: int, value: float) -> tuple[float, float]:
    """Mean, and sum of squared distances from it, of the last n values; NaN before. Slots: SPREAD_SLOTS + n.

    As `mean`; the sums are computed anew also when the squares cancel, that is right after a jump has left the window.
    """
    count = int(state[o])
    at = int(state[o + 1])
    ring = o + SPREAD_SLOTS
    run = state[o + 5] + 1.0 if count > 0 and value == state[o + 6] else 1.0
    reference = state[o + 2] if count > 0 else value
    distance = value - reference
    total = state[o + 3] + distance
    squares = state[o + 4] + distance * distance
    if count >= n:
        distance = state[ring + at] - reference
        total -= distance
        squares -= distance * distance
    state[ring + at] = value
    count += 1
    state[o] = count
    state[o + 1] = 0 if at + 1 == n else at + 1
    state[o + 5] = run
    state[o + 6] = value
    peak = max(state[o + 7], squares)
    centred = squares - total * total / n
    if run >= n:
        reference, total, squares, peak, centred = value, 0.0, 0.0, 0.0, 0.0
    elif count >= n and (count & RESYNC_MASK == 0 or centred < CANCELLED * peak):
        reference, total, squares = _anew(state, ring, n, value)
        peak = squares
        centred = squares - total * total / n
    state[o + 2] = reference
    state[o + 3] = total
    state[o + 4] = squares
    state[o + 7] = peak
    if count < n:
        return np.nan, np.nan
    return reference + total / n, max(centred, 0.0)


@step
def _anew(state: F64, ring: int, n: int, value: float) -> tuple[float, float, float]:
    """Reference near the mean, and both sums about it."""
    total = 0.0
    for k in range(n):
        total += state[ring + k] - value
    reference = value + total / n
    total = 0.0
    squares = 0.0
    for k in range(n):
        distance = state[ring + k] - reference
        total += distance
        squares += distance * distance
    return reference, total, squares


@step
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


@step
def largest(state: F64, o: int, n: int) -> float:
    """Largest of the last n values taken in by `slide`, or NaN when there are fewer."""
    at = int(state[o + 1])
    if state[o] < n:
        return np.nan
    before = state[o + EXTREME_SLOTS + at]
    return float(before if at == 0 else max(before, state[o + 2]))


@step
def deviation(squares: float, n: int, ddof: int) -> float:
    """Standard deviation from a sum of squared distances."""
    return math.sqrt(squares / (n - ddof))
