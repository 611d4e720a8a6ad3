"""Volume against its own past, on-balance volume, and the volume profile (point of control, value area)."""

import numpy as np

from genome.indicators.averages import SLOPE, WEIGHTED_SLOTS, weighted
from genome.indicators.extremes import EXTREME_SLOTS, largest, slide
from genome.indicators.parts import MEAN_SLOTS, RATIO, RESYNC_MASK, absent, finite, mean, run, typical
from genome.jit import lean, lean_step
from genome.market import F64, I64

HIGH, LOW, CLOSE, VOLUME = 1, 2, 3, 4


@lean
def volume_ratio(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Volume / its mean of the last n, this one included; NaN where that is 0."""
    n = int(p[0])
    volumes = market[VOLUME, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, volumes, end, -np.inf, out)
        if begin < end:
            mean(state, 0, n, volumes, begin, end, out, RATIO)


@lean
def volume_trend(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Least-squares slope of the last n volumes, per bar, / their mean; NaN where that is 0."""
    n = int(p[0])
    volumes = market[VOLUME, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, volumes, end, -np.inf, out)
        if begin < end:
            weighted(state, n, volumes, begin, end, out, SLOPE)


@lean
def obv(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Volume added where the close rose and taken off where it fell, from the first volume on.

    The sum runs for ever, so what each addition loses is carried along (Neumaier 1974). Source: Granville (1963).
    """
    count, last, total, lost = state[0], state[1], state[2], state[3]
    volumes, closes = market[VOLUME, at : at + out.size], market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, volumes, end, -np.inf, out)
        if count == 0.0 and begin < end:
            last = -np.inf
        if begin < end:
            amounts, prices, results = volumes[begin:end], closes[begin:end], out[begin:end]
            for j in range(amounts.size):
                signed = amounts[j] * float((prices[j] > last) - (prices[j] < last))
                last = prices[j]
                grown = total + signed
                # What the addition lost, exactly, whichever is the larger (Knuth's two-sum).
                back = grown - total
                lost += (total - (grown - back)) + (signed - back)
                total = grown
                results[j] = total + lost
            count = 1.0
    state[0], state[1], state[2], state[3] = count, last, total, lost


BINS = 24
SHARE = 0.7
POINT, AREA_HIGH, AREA_LOW = 0, 1, 2
_HEAD = 5
"""count, lowest, highest and peak volume that the bins were filled with, bars since."""


@lean_step
def _bin(price: float, low: float, high: float) -> int:
    return min(int((price - low) / (high - low) * BINS), BINS - 1) if high > low else 0


@lean_step
def _fill(state: F64, prices: int, volumes: int, bars: int) -> None:
    for k in range(BINS):
        state[_HEAD + k] = 0.0
    for k in range(bars):
        state[_HEAD + _bin(state[prices + k], state[1], state[2])] += state[volumes + k]


@lean_step
def _read(state: F64, total: float, which: int) -> float:
    """The point of control, or an edge of the area grown from it by the busier neighbour (the upper of two equal)."""
    low, high = state[1], state[2]
    busiest = 0
    for k in range(1, BINS):
        if state[_HEAD + k] > state[_HEAD + busiest]:
            busiest = k
    width = (high - low) / BINS
    if which == POINT:
        return float(low + (busiest + 0.5) * width)
    top = bottom = busiest
    held = state[_HEAD + busiest]
    while held < SHARE * total and (top < BINS - 1 or bottom > 0):
        above = state[_HEAD + top + 1] if top < BINS - 1 else -np.inf
        below = state[_HEAD + bottom - 1] if bottom > 0 else -np.inf
        if above >= below:
            top += 1
            held += above
        else:
            bottom -= 1
            held += below
    return float(low + (top + 1) * width if which == AREA_HIGH else low + bottom * width)


@lean_step
def _profile(p: F64, state: F64, market: F64, at: int, out: F64, which: int) -> None:
    n = int(p[0])
    prices = _HEAD + BINS
    volumes = prices + n
    highs = volumes + n
    lows = highs + EXTREME_SLOTS + n
    for i in range(out.size):
        t = at + i
        volume = market[VOLUME, t]
        out[i] = np.nan
        if absent(market, t) or not finite(volume):
            continue
        count = int(state[0])
        k = count % n
        old_price, old_volume = state[prices + k], state[volumes + k]
        price = typical(market, t)
        state[prices + k], state[volumes + k] = price, volume
        slide(state, highs, n, market[HIGH, t])
        slide(state, lows, n, -market[LOW, t])
        state[0] = count + 1.0
        if count + 1 < n:
            continue
        top, bottom = largest(state, highs, n), -largest(state, lows, n)
        total = 0.0
        if count >= n and top == state[2] and bottom == state[1] and int(state[4]) < RESYNC_MASK:
            state[_HEAD + _bin(old_price, bottom, top)] -= old_volume
            state[_HEAD + _bin(price, bottom, top)] += volume
            state[4] += 1.0
            for b in range(BINS):
                total += state[_HEAD + b]
            state[3] = max(state[3], total)
        # Filled anew when the range moved, and when what is left may be nothing but rounding.
        if total <= 1e-9 * state[3] or top != state[2] or bottom != state[1] or int(state[4]) >= RESYNC_MASK:
            state[1], state[2], state[4] = bottom, top, 0.0
            _fill(state, prices, volumes, n)
            total = 0.0
            for b in range(BINS):
                total += state[_HEAD + b]
            state[3] = total
        if total > 0.0:
            out[i] = _read(state, total, which)


@lean
def poc(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Middle of the busiest of 24 equal bins from the lowest low to the highest high of n bars (the lowest of equal ones).

    A bar's whole volume counts at its typical price. NaN where nothing was traded. Source: Steidlmayer (1984). O(1) a bar while
    the range holds, O(n) when it moves.
    """
    _profile(p, state, market, at, out, POINT)


@lean
def value_area_high(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Upper edge of the bins around the point of control that hold 70 % of the volume."""
    _profile(p, state, market, at, out, AREA_HIGH)


@lean
def value_area_low(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Lower edge of those bins."""
    _profile(p, state, market, at, out, AREA_LOW)


def _profile_slots(p: tuple[float, ...]) -> int:
    return _HEAD + BINS + 4 * int(p[0]) + 2 * EXTREME_SLOTS


SLOTS = {
    "volume_ratio": lambda p: MEAN_SLOTS + int(p[0]),
    "volume_trend": lambda p: WEIGHTED_SLOTS + int(p[0]),
    "obv": lambda _: 4,
    **dict.fromkeys(("poc", "value_area_high", "value_area_low"), _profile_slots),
}
"""State of each kernel here, in float64 slots."""
