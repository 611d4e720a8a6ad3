"""What a source was and how it moved: lag, rate of change, gap, volatility and its place among its own past."""

import math

import numpy as np

from genome.indicators.parts import (
    LAG_SLOTS,
    MEAN_SLOTS,
    RATIO,
    SIGMA,
    SPREAD_SLOTS,
    absent,
    finite,
    finite_run,
    lagged,
    mean,
    run,
    spread,
)
from genome.jit import lean, lean_step
from genome.market import F64, I64


@lean
def lag(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """The value n valid bars ago."""
    n = int(p[0])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            lagged(state, 0, n, x, begin, end, out)


@lean
def roc(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """X / x[t − n] − 1; NaN where that was 0."""
    n = int(p[0])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            lagged(state, 0, n, x, begin, end, out)
            values, results = x[begin:end], out[begin:end]
            for j in range(values.size):
                old = results[j]
                results[j] = values[j] / old - 1.0 if old != 0.0 else np.nan


@lean
def gap(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Open / previous valid close − 1."""
    count, last = state[0], state[1]
    for i in range(out.size):
        t = at + i
        if absent(market, t):
            out[i] = np.nan
            continue
        out[i] = market[0, t] / last - 1.0 if count > 0.0 and last != 0.0 else np.nan
        count, last = 1.0, market[3, t]
    state[0], state[1] = count, last


@lean_step
def _sigma(state: F64, n: int, x: F64, begin: int, end: int, out: F64) -> None:
    """σ (ddof 1) of the last n log returns, NaN before. Slots: 2 + SPREAD_SLOTS + n."""
    last = state[1]
    values, results = x[begin:end], out[begin:end]
    for j in range(values.size):
        results[j] = math.log(values[j] / last)
        last = values[j]
    if state[0] == 0.0:
        out[begin] = np.nan
        begin += 1
    state[0], state[1] = 1.0, last
    if begin < end:
        spread(state, 2, n, out, begin, end, out, 1, 0.0, SIGMA)


@lean
def volatility(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Standard deviation of n log returns per bar, ddof 1, not annualised. A source ≤ 0 is passed over."""
    n = int(p[0])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, 0.0, out)
        if begin < end:
            _sigma(state, n, x, begin, end, out)


@lean_step
def _share_below(state: F64, o: int, window: int, value: float) -> float:
    """Share of the last `window` values, this one included, below this one; equal ones count half. Slots: LAG_SLOTS + window."""
    at = int(state[o + 1])
    ring = state[o + LAG_SLOTS : o + LAG_SLOTS + window]
    state[o] += 1.0
    state[o + 1] = 0 if at + 1 == window else at + 1
    share = np.nan
    if state[o] >= window:
        # Counted before the value is written: a vector that is read right after a part of it was written waits for that.
        # What it takes the place of does not count, and it is equal to itself.
        gone = ring[at]
        share = (_below(ring, value) + 0.5 - 1.0 * (gone < value) - 0.5 * (gone == value)) / window
    ring[at] = value
    return share


@lean_step
def _below(ring: F64, value: float) -> float:
    """How many are below, equal ones half."""
    below = 0
    equal = 0
    for k in range(ring.size):
        below += ring[k] < value
        equal += ring[k] == value
    return below + 0.5 * equal


@lean
def volatility_percentile(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Share of the last `window` volatilities below this one, itself among them, ties half. O(window) a bar."""
    n, window = int(p[0]), int(p[1])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, 0.0, out)
        if begin < end:
            _sigma(state, n, x, begin, end, out)
            for i in range(begin, end):
                out[i] = (
                    _share_below(state, 2 + SPREAD_SLOTS + n, window, out[i]) if finite(out[i]) else np.nan
                )


@lean
def volatility_ratio(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """volatility(n) / its mean over the last `window`, itself among them; NaN where that is 0."""
    n, window = int(p[0]), int(p[1])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, 0.0, out)
        if begin < end:
            _sigma(state, n, x, begin, end, out)
            while begin < end:
                begin, known = finite_run(out, begin, end)
                if begin < known:
                    mean(state, 2 + SPREAD_SLOTS + n, window, out, begin, known, out, RATIO)
                begin = known


def _sigma_slots(n: float) -> int:
    return 2 + SPREAD_SLOTS + int(n)


SLOTS = {
    "lag": lambda p: LAG_SLOTS + int(p[0]),
    "roc": lambda p: LAG_SLOTS + int(p[0]),
    "gap": lambda _: 2,
    "volatility": lambda p: _sigma_slots(p[0]),
    "volatility_percentile": lambda p: _sigma_slots(p[0]) + LAG_SLOTS + int(p[1]),
    "volatility_ratio": lambda p: _sigma_slots(p[0]) + MEAN_SLOTS + int(p[1]),
}
"""State of each kernel here, in float64 slots."""
