"""What the kernels share: void bars, rings, and sums over a window.

All memory is a float64 vector that begins as zeros; `o` is the slot where a part's own memory begins. Counters are kept
as floats, exact to 2^53.

A kernel is made of passes. Each takes the bars of one run, bars `begin … end − 1` none of which is to be passed over, with
its memory in registers, and writes `out`, which may be the very array that it reads. A bar alone is a run of one: there is
one code for a whole history and for a bar. What seldom happens to a sum (computed anew, a price that stands still) leaves
the inner loop instead of being decided in it: a choice between two sums would take as long as the sum itself.
"""

import math

import numpy as np

from genome.jit import inlined, lean_step
from genome.market import F64

RESYNC = 1_024
"""Every so many values a rolling sum is computed anew from its ring."""
RESYNC_MASK = RESYNC - 1
CANCELLED = 1e-6
"""A sum of squares that fell below this share of its peak has lost digits: computed anew at once."""
MEAN_SLOTS = 6
SPREAD_SLOTS = 8
LAG_SLOTS = 2
_RUN = 256
"""Bars of a run at most: looked at twice, they stay in the nearest cache."""
_GLANCE = 64


@inlined
def absent(market: F64, at: int) -> bool:
    """Whether the bar is void: NaN (or infinite) in open, high, low or close."""
    total = market[0, at] + market[1, at] + market[2, at] + market[3, at]
    return bool(total - total != 0.0)


@inlined
def finite(value: float) -> bool:
    """Neither NaN nor infinite."""
    return value - value == 0.0


@inlined
def run(market: F64, at: int, x: F64, begin: int, above: float, out: F64) -> tuple[int, int]:
    """The next run at or after bar `begin`: its first bar, and the one after its last; both the size of x where there is none.

    Passed over, with NaN in `out`, is a void bar, and one whose x is not finite or not larger than `above`. x[i] belongs
    to bar at + i.
    """
    while begin < x.size and not _sound(market, at + begin, x[begin], above):
        out[begin] = np.nan
        begin += 1
    if begin + _GLANCE > x.size:
        end = begin
        while end < x.size and _sound(market, at + end, x[end], above):
            end += 1
        return begin, end
    return begin, _run_end(market, at, x, begin, above)


@lean_step
def _run_end(market: F64, at: int, x: F64, begin: int, above: float) -> int:
    end, last = begin, min(begin + _RUN, x.size)
    while end < last:
        # What is left at the end is looked at together with bars before it: whole glances only.
        glance = min(end, last - _GLANCE)
        if not _all_sound(market, at + glance, x[glance : glance + _GLANCE], above):
            break
        end = glance + _GLANCE
    while end < last and _sound(market, at + end, x[end], above):
        end += 1
    return end


@inlined
def _sound(market: F64, at: int, value: float, above: float) -> bool:
    total = market[0, at] + market[1, at] + market[2, at] + market[3, at]
    return total - total == 0.0 and value - value == 0.0 and value > above


@lean_step
def _all_sound(market: F64, at: int, x: F64, above: float) -> bool:
    """Whether _GLANCE bars surely are, without a branch between them: what is not finite makes any sum not finite."""
    end = at + _GLANCE
    opens, highs, lows, closes = market[0, at:end], market[1, at:end], market[2, at:end], market[3, at:end]
    bad = 0
    for i in range(_GLANCE):
        total = ((opens[i] + highs[i]) + (lows[i] + closes[i])) + x[i]
        bad |= (total - total != 0.0) | (x[i] <= above)
    return bad == 0


@lean_step
def finite_run(x: F64, begin: int, end: int) -> tuple[int, int]:
    """The next run of finite values in x[begin … end − 1]; both `end` where there is none. What is passed over becomes NaN."""
    while begin < end and not finite(x[begin]):
        x[begin] = np.nan
        begin += 1
    last = begin
    while last < end and finite(x[last]):
        last += 1
    return begin, last


@inlined
def typical(market: F64, at: int) -> float:
    """(high + low + close)/3, taken about the close: exactly the close on a bar that did not move.

    The market's own row `typical` is not looked at: whoever builds a market by hand may leave it out.
    """
    close = market[3, at]
    return float(close + ((market[1, at] - close) + (market[2, at] - close)) / 3.0)


@lean_step
def lagged(state: F64, o: int, n: int, x: F64, begin: int, end: int, out: F64) -> None:
    """The value n ago, NaN before there is one. Slots: LAG_SLOTS + n."""
    count, at = int(state[o]), int(state[o + 1])
    ring = state[o + LAG_SLOTS : o + LAG_SLOTS + n]
    values, results = x[begin:end], out[begin:end]
    for j in range(values.size):
        value, place = values[j], np.uint64(at)
        results[j] = ring[place]
        ring[place] = value
        at = 0 if at + 1 == n else at + 1
    results[: max(n - count, 0)] = np.nan
    state[o] = count + (end - begin)
    state[o + 1] = at


MEAN, RATIO = 0, 1
"""The mean, or the value divided by it (NaN where it is not positive)."""


@inlined
def _mean_as(mean: float, value: float, which: int) -> float:
    if which == MEAN:
        return mean
    return value / mean if mean > 0.0 else np.nan


@inlined
def mean(state: F64, o: int, n: int, x: F64, begin: int, end: int, out: F64, which: int) -> None:
    """Mean of the last n values, NaN before there are n. Slots: MEAN_SLOTS + n.

    The sum is of distances from a reference, so that large prices cost no digits; n equal values have exactly
    themselves as mean, so that a price that stands still is never above its own average.
    """
    count, at = int(state[o]), int(state[o + 1])
    reference, total = state[o + 2] if count > 0 else x[begin], state[o + 3]
    equal, last = int(state[o + 4]), state[o + 5]
    ring = state[o + MEAN_SLOTS : o + MEAN_SLOTS + n]
    while begin < end:
        size = min(end - begin, RESYNC - (count & RESYNC_MASK))
        values, results = x[begin : begin + size], out[begin : begin + size]
        for j in range(size):
            value, place = values[j], np.uint64(at)
            equal = equal + 1 if value == last else 1
            last = value
            old = ring[place] if count >= n else reference
            total += value - reference
            total -= old - reference
            ring[place] = value
            at = 0 if at + 1 == n else at + 1
            count += 1
            results[j] = _mean_as(reference + total / n, value, which)
            if equal >= n:
                size = j + 1
                break
        begin += size
        if equal >= n:
            reference, total = last, 0.0
        elif count & RESYNC_MASK == 0 and count >= n:
            reference, total = last, _distances(ring, last)
        results[size - 1] = _mean_as(reference + total / n, last, which)
        results[: max(min(n - 1 - (count - size), size), 0)] = np.nan
    state[o], state[o + 1], state[o + 2], state[o + 3] = count, at, reference, total
    state[o + 4], state[o + 5] = equal, last


@lean_step
def _distances(ring: F64, reference: float) -> float:
    total = 0.0
    for k in range(ring.size):
        total += ring[k] - reference
    return total


UPPER, LOWER, WIDTH, SCORE, SIGMA = 0, 1, 2, 3, 4
"""middle + k·σ; middle − k·σ; their distance / middle; (value − middle)/σ; σ."""


@inlined
def _spread_as(middle: float, squares: float, freedom: int, k: float, value: float, which: int) -> float:
    sigma = math.sqrt(max(squares, 0.0) / freedom)
    if which == SIGMA:
        return sigma
    if which == UPPER:
        return middle + k * sigma
    if which == LOWER:
        return middle - k * sigma
    if which == WIDTH:
        return 2.0 * k * sigma / middle if middle != 0.0 else np.nan
    return (value - middle) / sigma if sigma > 0.0 else 0.0


@inlined
def spread(
    state: F64, o: int, n: int, x: F64, begin: int, end: int, out: F64, ddof: int, k: float, which: int
) -> None:
    """Mean and standard deviation of the last n values, as one of `which`; NaN before there are n. Slots: SPREAD_SLOTS + n.

    As `mean`; the sums are computed anew also when the squares cancel, that is right after a jump has left the window.
    """
    count, at = int(state[o]), int(state[o + 1])
    reference, total = state[o + 2] if count > 0 else x[begin], state[o + 3]
    squares, peak = state[o + 4], state[o + 7]
    equal, last = int(state[o + 5]), state[o + 6]
    ring = state[o + SPREAD_SLOTS : o + SPREAD_SLOTS + n]
    while begin < end:
        size = min(end - begin, RESYNC - (count & RESYNC_MASK))
        values, results = x[begin : begin + size], out[begin : begin + size]
        centred, lost = 0.0, False
        for j in range(size):
            value, place = values[j], np.uint64(at)
            equal = equal + 1 if value == last else 1
            last = value
            come, gone = value - reference, (ring[place] if count >= n else reference) - reference
            total += come
            total -= gone
            squares += come * come
            squares -= gone * gone
            peak = max(squares, peak)
            centred = squares - total * total / n
            ring[place] = value
            at = 0 if at + 1 == n else at + 1
            count += 1
            results[j] = _spread_as(reference + total / n, centred, n - ddof, k, value, which)
            lost = centred < CANCELLED * peak and count >= n
            if equal >= n or lost:
                size = j + 1
                break
        begin += size
        if equal >= n:
            reference, total, squares, peak, centred = last, 0.0, 0.0, 0.0, 0.0
        elif lost or (count & RESYNC_MASK == 0 and count >= n):
            reference, total, squares = _anew(ring, last)
            peak = squares
            centred = squares - total * total / n
        results[size - 1] = _spread_as(reference + total / n, centred, n - ddof, k, last, which)
        results[: max(min(n - 1 - (count - size), size), 0)] = np.nan
    state[o], state[o + 1], state[o + 2], state[o + 3] = count, at, reference, total
    state[o + 4], state[o + 5], state[o + 6], state[o + 7] = squares, equal, last, peak


@lean_step
def _anew(ring: F64, value: float) -> tuple[float, float, float]:
    """Reference near the mean, and both sums about it."""
    reference = value + _distances(ring, value) / ring.size
    total = 0.0
    squares = 0.0
    for k in range(ring.size):
        distance = ring[k] - reference
        total += distance
        squares += distance * distance
    return reference, total, squares
