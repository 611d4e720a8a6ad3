"""Bollinger's bands and standard scores: a mean and a standard deviation over a window."""

import numpy as np

from genome.indicators.parts import LOWER, SCORE, SPREAD_SLOTS, UPPER, WIDTH, run, spread
from genome.jit import inlined, lean
from genome.market import F64, I64


@inlined
def _bands(p: F64, state: F64, x: F64, market: F64, at: int, out: F64, ddof: int, which: int) -> None:
    n = int(p[0])
    k = p[1] if p.size > 1 else 0.0
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            spread(state, 0, n, x, begin, end, out, ddof, k, which)


@lean
def bb_upper(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """sma(n) + k·σ, σ over n values with ddof 0. Source: Bollinger, "Bollinger on Bollinger Bands" (2001)."""
    _bands(p, state, x, market, at, out, 0, UPPER)


@lean
def bb_lower(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """sma(n) − k·σ."""
    _bands(p, state, x, market, at, out, 0, LOWER)


@lean
def bb_width(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(upper − lower) / middle; NaN where the middle is 0."""
    _bands(p, state, x, market, at, out, 0, WIDTH)


@lean
def bb_z(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(x − mean) / σ with ddof 0: 0 in the middle, ±k at the bands; 0 where σ is 0."""
    _bands(p, state, x, market, at, out, 0, SCORE)


@lean
def zscore(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(x − mean) / σ with ddof 1; 0 where σ is 0."""
    _bands(p, state, x, market, at, out, 1, SCORE)


SLOTS = dict.fromkeys(
    ("bb_upper", "bb_lower", "bb_width", "bb_z", "zscore"), lambda p: SPREAD_SLOTS + int(p[0])
)
"""State of each kernel here, in float64 slots."""
