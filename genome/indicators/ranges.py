"""Extremes of a window (channels, support, resistance, Ichimoku's lines) and the true range."""

import numpy as np

from genome.indicators.oscillators import wilder
from genome.indicators.parts import EXTREME_SLOTS, absent, finite, lagged, largest, slide
from genome.jit import kernel, step
from genome.market import F64, I64

HIGH, LOW, CLOSE, SOURCE = 1, 2, 3, -1


@step
def _extreme(
    p: F64, state: F64, x: F64, market: F64, at: int, out: F64, row: int, sign: float, before: bool
) -> None:
    n = int(p[0])
    for i in range(out.size):
        value = sign * (x[i] if row == SOURCE else market[row, at + i])
        if absent(market, at + i) or not finite(value):
            out[i] = np.nan
            continue
        if before:
            out[i] = sign * largest(state, 0, n)
            slide(state, 0, n, value)
        else:
            slide(state, 0, n, value)
            out[i] = sign * largest(state, 0, n)


@kernel
def donchian_upper(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Highest high of the n bars before this one: a close above it is a breakout. O(1) a bar, amortised."""
    _extreme(p, state, x, market, at, out, HIGH, 1.0, True)


@kernel
def donchian_lower(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Lowest low of the n bars before this one."""
    _extreme(p, state, x, market, at, out, LOW, -1.0, True)


@kernel
def resistance(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Highest close of the n bars before this one."""
    _extreme(p, state, x, market, at, out, CLOSE, 1.0, True)


@kernel
def support(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Lowest close of the n bars before this one."""
    _extreme(p, state, x, market, at, out, CLOSE, -1.0, True)


@kernel
def highest_of(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Maximum of the last n values of the source, this one included."""
    _extreme(p, state, x, market, at, out, SOURCE, 1.0, False)


@kernel
def lowest_of(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Minimum of the last n values of the source, this one included."""
    _extreme(p, state, x, market, at, out, SOURCE, -1.0, False)


@step
def true_range_of(high: float, low: float, last: float) -> float:
    """max(high, last close) − min(low, last close)."""
    return max(high, last) - min(low, last)


@kernel
def true_range(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """The bar's range, the gap from the last close included."""
    count, last = state[0], state[1]
    for i in range(out.size):
        t = at + i
        if absent(market, t):
            out[i] = np.nan
            continue
        out[i] = true_range_of(market[HIGH, t], market[LOW, t], last) if count > 0.0 else np.nan
        last = market[CLOSE, t]
        count = 1.0
    state[0], state[1] = count, last


@kernel
def atr(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Wilder's average of the true range: the mean of the first n, then (a·(n − 1) + range)/n.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978), section III.
    """
    n = p[0]
    count, last, average = state[0], state[1], state[2]
    for i in range(out.size):
        t = at + i
        if absent(market, t):
            out[i] = np.nan
            continue
        if count > 0.0:
            average = wilder(n, count, average, true_range_of(market[HIGH, t], market[LOW, t], last))
        last = market[CLOSE, t]
        count += 1.0
        out[i] = average if count > n else np.nan
    state[0], state[1], state[2] = count, last, average


@step
def _middle(state: F64, o: int, n: int, high: float, low: float) -> float:
    """(highest high + lowest low)/2 of n bars. Slots: 2·(EXTREME_SLOTS + n)."""
    lows = o + EXTREME_SLOTS + n
    slide(state, o, n, high)
    slide(state, lows, n, -low)
    return 0.5 * (largest(state, o, n) - largest(state, lows, n))


@step
def _line(p: F64, state: F64, market: F64, at: int, out: F64) -> None:
    n = int(p[0])
    for i in range(out.size):
        t = at + i
        out[i] = np.nan if absent(market, t) else _middle(state, 0, n, market[HIGH, t], market[LOW, t])


@kernel
def ichimoku_conversion(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Tenkan-sen: (highest high + lowest low)/2 of n bars. Source: Hosoda (1969)."""
    _line(p, state, market, at, out)


@kernel
def ichimoku_base(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Kijun-sen: the same of a longer window."""
    _line(p, state, market, at, out)


@kernel
def ichimoku_span_a(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Senkou span A as drawn at this bar: (conversion + base)/2 of `displacement` bars ago."""
    n, m, ago = int(p[0]), int(p[1]), int(p[2])
    base = 2 * (EXTREME_SLOTS + n)
    ring = base + 2 * (EXTREME_SLOTS + m)
    for i in range(out.size):
        t = at + i
        out[i] = np.nan
        if absent(market, t):
            continue
        high, low = market[HIGH, t], market[LOW, t]
        span = 0.5 * (_middle(state, 0, n, high, low) + _middle(state, base, m, high, low))
        out[i] = lagged(state, ring, ago, span)


@kernel
def ichimoku_span_b(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Senkou span B as drawn at this bar: (highest high + lowest low)/2 of n bars, as of `displacement` bars ago."""
    n, ago = int(p[0]), int(p[1])
    ring = 2 * (EXTREME_SLOTS + n)
    for i in range(out.size):
        t = at + i
        out[i] = np.nan
        if not absent(market, t):
            out[i] = lagged(state, ring, ago, _middle(state, 0, n, market[HIGH, t], market[LOW, t]))


def _queue(n: float) -> int:
    return EXTREME_SLOTS + int(n)


SLOTS = {
    **dict.fromkeys(
        ("donchian_upper", "donchian_lower", "resistance", "support", "highest", "lowest"),
        lambda p: _queue(p[0]),
    ),
    "true_range": lambda _: 2,
    "atr": lambda _: 3,
    "ichimoku_conversion": lambda p: 2 * _queue(p[0]),
    "ichimoku_base": lambda p: 2 * _queue(p[0]),
    "ichimoku_span_a": lambda p: 2 * _queue(p[0]) + 2 * _queue(p[1]) + 2 + int(p[2]),
    "ichimoku_span_b": lambda p: 2 * _queue(p[0]) + 2 + int(p[1]),
}
"""State of each kernel here, in float64 slots."""
