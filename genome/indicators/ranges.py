"""Extremes of a window (channels, support, resistance, Ichimoku's lines) and the true range."""

import numpy as np

from genome.indicators.extremes import BETWEEN, CHANNEL_SLOTS, EXTREME_SLOTS, MIDDLE, channel, extreme
from genome.indicators.parts import LAG_SLOTS, lagged, run
from genome.indicators.wilder import ahead, begun
from genome.jit import inlined, lean, lean_step
from genome.market import F64, I64

HIGH, LOW, CLOSE, SOURCE = 1, 2, 3, -1
ATR_SLOTS = 5
"""bars so far, last close; the average of the last bar and of the one before, the last range."""


@lean_step
def _extreme(
    p: F64, state: F64, x: F64, market: F64, at: int, out: F64, row: int, sign: float, before: bool
) -> None:
    n = int(p[0])
    values = x if row == SOURCE else market[row, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, values, end, -np.inf, out)
        if begin < end:
            extreme(state, n, sign, values, begin, end, out, before)


@lean
def donchian_upper(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Highest high of the n bars before this one: a close above it is a breakout. O(1) a bar, amortised."""
    _extreme(p, state, x, market, at, out, HIGH, 1.0, True)


@lean
def donchian_lower(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Lowest low of the n bars before this one."""
    _extreme(p, state, x, market, at, out, LOW, -1.0, True)


@lean
def resistance(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Highest close of the n bars before this one."""
    _extreme(p, state, x, market, at, out, CLOSE, 1.0, True)


@lean
def support(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Lowest close of the n bars before this one."""
    _extreme(p, state, x, market, at, out, CLOSE, -1.0, True)


@lean
def highest_of(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Maximum of the last n values of the source, this one included."""
    _extreme(p, state, x, market, at, out, SOURCE, 1.0, False)


@lean
def lowest_of(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Minimum of the last n values of the source, this one included."""
    _extreme(p, state, x, market, at, out, SOURCE, -1.0, False)


@inlined
def true_range_of(high: float, low: float, last: float) -> float:
    """max(high, last close) − min(low, last close)."""
    return max(high, last) - min(low, last)


@lean_step
def _ranges(state: F64, market: F64, at: int, begin: int, end: int, out: F64) -> None:
    """The true range of each bar, NaN for the first ever. Slots: 2."""
    last = state[1]
    first, stop = at + begin, at + end
    highs, lows, closes = market[HIGH, first:stop], market[LOW, first:stop], market[CLOSE, first:stop]
    results = out[begin:end]
    for j in range(results.size):
        results[j] = true_range_of(highs[j], lows[j], last)
        last = closes[j]
    if state[0] == 0.0:
        out[begin] = np.nan
    state[0], state[1] = 1.0, last


@lean
def true_range(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """The bar's range, the gap from the last close included."""
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            _ranges(state, market, at, begin, end, out)


@lean
def atr(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Wilder's average of the true range: the mean of the first n, then (a·(n − 1) + range)/n.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978), section III.
    """
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            first, stop = at + begin, at + end
            _averaged_ranges(
                state,
                p[0],
                market[HIGH, first:stop],
                market[LOW, first:stop],
                market[CLOSE, first:stop],
                out[begin:end],
            )


@lean_step
def _averaged_ranges(state: F64, n: float, highs: F64, lows: F64, closes: F64, out: F64) -> None:
    """The average over a run. Slots: ATR_SLOTS."""
    count, last = state[0], state[1]
    average, older, middle = state[2], state[3], state[4]
    done = 0
    while done < out.size and count <= n + 1.0:
        if count > 0.0:
            older, middle = average, true_range_of(highs[done], lows[done], last)
            average = begun(n, count, average, middle)
        out[done] = average if count >= n else np.nan
        last = closes[done]
        count += 1.0
        done += 1
    alpha, beta = 1.0 / n, (n - 1.0) / n
    for j in range(done, out.size):
        new = true_range_of(highs[j], lows[j], last)
        older, average, middle = average, ahead(alpha, beta, older, middle, new), new
        out[j] = average
        last = closes[j]
    state[0], state[1] = count + (out.size - done), last
    state[2], state[3], state[4] = average, older, middle


@lean_step
def _line(p: F64, state: F64, market: F64, at: int, out: F64) -> None:
    n = int(p[0])
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            channel(state, 0, n, market, at, begin, end, out, MIDDLE)


@lean
def ichimoku_conversion(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Tenkan-sen: (highest high + lowest low)/2 of n bars. Source: Hosoda (1969)."""
    _line(p, state, market, at, out)


@lean
def ichimoku_base(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Kijun-sen: the same of a longer window."""
    _line(p, state, market, at, out)


@lean
def ichimoku_span_a(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Senkou span A as drawn at this bar: (conversion + base)/2 of `displacement` bars ago."""
    n, m, ago = int(p[0]), int(p[1]), int(p[2])
    base = CHANNEL_SLOTS + 2 * n
    ring = base + CHANNEL_SLOTS + 2 * m
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            channel(state, 0, n, market, at, begin, end, out, MIDDLE)
            channel(state, base, m, market, at, begin, end, out, BETWEEN)
            lagged(state, ring, ago, out, begin, end, out)


@lean
def ichimoku_span_b(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Senkou span B as drawn at this bar: (highest high + lowest low)/2 of n bars, as of `displacement` bars ago."""
    n, ago = int(p[0]), int(p[1])
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            channel(state, 0, n, market, at, begin, end, out, MIDDLE)
            lagged(state, CHANNEL_SLOTS + 2 * n, ago, out, begin, end, out)


def _channel_slots(n: float) -> int:
    return CHANNEL_SLOTS + 2 * int(n)


SLOTS = {
    **dict.fromkeys(
        ("donchian_upper", "donchian_lower", "resistance", "support", "highest", "lowest"),
        lambda p: EXTREME_SLOTS + int(p[0]),
    ),
    "true_range": lambda _: 2,
    "atr": lambda _: ATR_SLOTS,
    "ichimoku_conversion": lambda p: _channel_slots(p[0]),
    "ichimoku_base": lambda p: _channel_slots(p[0]),
    "ichimoku_span_a": lambda p: _channel_slots(p[0]) + _channel_slots(p[1]) + LAG_SLOTS + int(p[2]),
    "ichimoku_span_b": lambda p: _channel_slots(p[0]) + LAG_SLOTS + int(p[1]),
}
"""State of each kernel here, in float64 slots."""
