"""Volume against its own past, on-balance volume, and the volume profile (point of control, value area)."""

import numpy as np

from genome.indicators.averages import SLOPE, WEIGHTED_SLOTS, weighted
from genome.indicators.extremes import EXTREME_SLOTS, largest, slide
from genome.indicators.parts import MEAN_SLOTS, RATIO, RESYNC_MASK, absent, finite, mean, run, typical
from genome.jit import inlined, lean, lean_step
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
_HEAD = 6
"""count, lowest, highest and peak volume that the bins were filled with, bars since; and an edge."""
_TAIL = 1
"""An edge is emptier than any bin, so that who grows towards it goes the other way."""
_LANE = BINS // 4


@inlined
def _bin(price: float, low: float, high: float) -> int:
    return min(int((price - low) / (high - low) * BINS), BINS - 1) if high > low else 0


@lean_step
def _fill(state: F64, prices: int, volumes: int, bars: int) -> None:
    low, extent = state[1], state[2] - state[1]
    bins = state[_HEAD : _HEAD + BINS]
    bins[:] = 0.0
    values, amounts = state[prices : prices + bars], state[volumes : volumes + bars]
    if extent > 0.0:
        for k in range(bars):
            place = np.uint64(min(int((values[k] - low) / extent * BINS), BINS - 1))
            bins[place] += amounts[k]
    else:
        for k in range(bars):
            bins[0] += amounts[k]


@inlined
def _busiest(bins: F64) -> int:
    """The first of the busiest bins: four lanes, none of which waits for another."""
    a, b, c, d = 0, _LANE, 2 * _LANE, 3 * _LANE
    most_a, most_b, most_c, most_d = bins[a], bins[b], bins[c], bins[d]
    for k in range(1, _LANE):
        value_a, value_b, value_c, value_d = (
            bins[k],
            bins[_LANE + k],
            bins[2 * _LANE + k],
            bins[3 * _LANE + k],
        )
        a, most_a = (k, value_a) if value_a > most_a else (a, most_a)
        b, most_b = (_LANE + k, value_b) if value_b > most_b else (b, most_b)
        c, most_c = (2 * _LANE + k, value_c) if value_c > most_c else (c, most_c)
        d, most_d = (3 * _LANE + k, value_d) if value_d > most_d else (d, most_d)
    a, most_a = (b, most_b) if most_b > most_a else (a, most_a)
    c, most_c = (d, most_d) if most_d > most_c else (c, most_c)
    return c if most_c > most_a else a


@inlined
def _read(state: F64, total: float, which: int) -> float:
    """The point of control, or an edge of the area grown from it by the busier neighbour (the upper of two equal)."""
    low, high = state[1], state[2]
    busiest = _busiest(state[_HEAD : _HEAD + BINS])
    width = (high - low) / BINS
    if which == POINT:
        return float(low + (busiest + 0.5) * width)
    top = bottom = busiest
    held, wanted = state[_HEAD + busiest], SHARE * total
    while held < wanted and top - bottom < BINS - 1:
        above, below = state[_HEAD + top + 1], state[_HEAD + bottom - 1]
        up = above >= below
        held += above if up else below
        top += int(up)
        bottom -= 1 - int(up)
    return float(low + (top + 1) * width if which == AREA_HIGH else low + bottom * width)


@inlined
def _sum(bins: F64) -> float:
    total = 0.0
    for k in range(BINS):
        total += bins[k]
    return total


@inlined
def _profile(p: F64, state: F64, market: F64, at: int, out: F64, which: int) -> None:
    n = int(p[0])
    prices = _HEAD + BINS + _TAIL
    volumes = prices + n
    highs = volumes + n
    lows = highs + EXTREME_SLOTS + n
    state[_HEAD - 1] = state[_HEAD + BINS] = -np.inf
    k = int(state[0]) % n
    for i in range(out.size):
        t = at + i
        volume = market[VOLUME, t]
        out[i] = np.nan
        if absent(market, t) or not finite(volume):
            continue
        count = int(state[0])
        old_price, old_volume = state[prices + k], state[volumes + k]
        price = typical(market, t)
        state[prices + k], state[volumes + k] = price, volume
        k = 0 if k + 1 == n else k + 1
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
            total = _sum(state[_HEAD : _HEAD + BINS])
            state[3] = max(state[3], total)
        # Filled anew when the range moved, and when what is left may be nothing but rounding.
        if total <= 1e-9 * state[3] or top != state[2] or bottom != state[1] or int(state[4]) >= RESYNC_MASK:
            state[1], state[2], state[4] = bottom, top, 0.0
            _fill(state, prices, volumes, n)
            total = _sum(state[_HEAD : _HEAD + BINS])
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
    return _HEAD + BINS + _TAIL + 4 * int(p[0]) + 2 * EXTREME_SLOTS


SLOTS = {
    "volume_ratio": lambda p: MEAN_SLOTS + int(p[0]),
    "volume_trend": lambda p: WEIGHTED_SLOTS + int(p[0]),
    "obv": lambda _: 4,
    **dict.fromkeys(("poc", "value_area_high", "value_area_low"), _profile_slots),
}
"""State of each kernel here, in float64 slots."""
