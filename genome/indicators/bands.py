"""Bollinger's bands and standard scores: a mean and a standard deviation over a window."""

import numpy as np

from genome.indicators.parts import SPREAD_SLOTS, absent, deviation, finite, spread
from genome.jit import kernel, step
from genome.market import F64, I64

UPPER, LOWER, WIDTH, SCORE = 0, 1, 2, 3


@step
def _band(middle: float, sigma: float, k: float, value: float, which: int) -> float:
    if which == UPPER:
        return middle + k * sigma
    if which == LOWER:
        return middle - k * sigma
    if which == WIDTH:
        return 2.0 * k * sigma / middle if middle != 0.0 else np.nan
    return (value - middle) / sigma if sigma > 0.0 else 0.0


@step
def _bands(p: F64, state: F64, x: F64, market: F64, at: int, out: F64, ddof: int, which: int) -> None:
    n = int(p[0])
    k = p[1] if p.size > 1 else 0.0
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
            continue
        middle, squares = spread(state, 0, n, x[i])
        out[i] = _band(middle, deviation(squares, n, ddof), k, x[i], which) if finite(middle) else np.nan


@kernel
def bb_upper(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """sma(n) + k·σ, σ over n values with ddof 0. Source: Bollinger, "Bollinger on Bollinger Bands" (2001)."""
    _bands(p, state, x, market, at, out, 0, UPPER)


@kernel
def bb_lower(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """sma(n) − k·σ."""
    _bands(p, state, x, market, at, out, 0, LOWER)


@kernel
def bb_width(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(upper − lower) / middle; NaN where the middle is 0."""
    _bands(p, state, x, market, at, out, 0, WIDTH)


@kernel
def bb_z(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(x − mean) / σ with ddof 0: 0 in the middle, ±k at the bands; 0 where σ is 0."""
    _bands(p, state, x, market, at, out, 0, SCORE)


@kernel
def zscore(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(x − mean) / σ with ddof 1; 0 where σ is 0."""
    _bands(p, state, x, market, at, out, 1, SCORE)


SLOTS = dict.fromkeys(
    ("bb_upper", "bb_lower", "bb_width", "bb_z", "zscore"), lambda p: SPREAD_SLOTS + int(p[0])
)
"""State of each kernel here, in float64 slots."""
