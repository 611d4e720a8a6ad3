"""What a source was and how it moved: lag, rate of change, gap, volatility and its place among its own past."""

import math

import numpy as np

from genome.indicators.parts import MEAN_SLOTS, SPREAD_SLOTS, absent, deviation, finite, lagged, mean, spread
from genome.jit import kernel, step
from genome.market import F64, I64


@kernel
def lag(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """The value n valid bars ago."""
    n = int(p[0])
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
        else:
            out[i] = lagged(state, 0, n, x[i])


@kernel
def roc(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """X / x[t − n] − 1; NaN where that was 0."""
    n = int(p[0])
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
            continue
        old = lagged(state, 0, n, x[i])
        out[i] = x[i] / old - 1.0 if old != 0.0 else np.nan


@kernel
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


@step
def _usable(value: float) -> bool:
    """Has a logarithm; what has none is passed over like a NaN."""
    return finite(value) and value > 0.0


@step
def _sigma(state: F64, n: int, new: float) -> float:
    """σ (ddof 1) of the last n log returns, NaN before. Slots: 2 + SPREAD_SLOTS + n."""
    sigma = np.nan
    if state[0] > 0.0:
        _, squares = spread(state, 2, n, math.log(new / state[1]))
        sigma = deviation(squares, n, 1)
    state[0] = 1.0
    state[1] = new
    return sigma


@kernel
def volatility(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Standard deviation of n log returns per bar, ddof 1, not annualised. A source ≤ 0 is passed over."""
    n = int(p[0])
    for i in range(out.size):
        if absent(market, at + i) or not _usable(x[i]):
            out[i] = np.nan
        else:
            out[i] = _sigma(state, n, x[i])


@step
def _share_below(state: F64, o: int, window: int, value: float) -> float:
    """Share of the last `window` values, this one included, below this one; equal ones count half. Slots: 2 + window."""
    lagged(state, o, window, value)
    if state[o] < window:
        return np.nan
    below = 0
    equal = 0
    for k in range(o + 2, o + 2 + window):
        below += state[k] < value
        equal += state[k] == value
    return (below + 0.5 * equal) / window


@kernel
def volatility_percentile(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Share of the last `window` volatilities below this one, itself among them, ties half. O(window) a bar."""
    n, window = int(p[0]), int(p[1])
    for i in range(out.size):
        out[i] = np.nan
        if not absent(market, at + i) and _usable(x[i]):
            sigma = _sigma(state, n, x[i])
            if finite(sigma):
                out[i] = _share_below(state, 2 + SPREAD_SLOTS + n, window, sigma)


@kernel
def volatility_ratio(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """volatility(n) / its mean over the last `window`, itself among them; NaN where that is 0."""
    n, window = int(p[0]), int(p[1])
    for i in range(out.size):
        out[i] = np.nan
        if not absent(market, at + i) and _usable(x[i]):
            sigma = _sigma(state, n, x[i])
            if finite(sigma):
                usual = mean(state, 2 + SPREAD_SLOTS + n, window, sigma)
                out[i] = sigma / usual if usual > 0.0 else np.nan


def _sigma_slots(n: float) -> int:
    return 2 + SPREAD_SLOTS + int(n)


SLOTS = {
    "lag": lambda p: 2 + int(p[0]),
    "roc": lambda p: 2 + int(p[0]),
    "gap": lambda _: 2,
    "volatility": lambda p: _sigma_slots(p[0]),
    "volatility_percentile": lambda p: _sigma_slots(p[0]) + 2 + int(p[1]),
    "volatility_ratio": lambda p: _sigma_slots(p[0]) + MEAN_SLOTS + int(p[1]),
}
"""State of each kernel here, in float64 slots."""
