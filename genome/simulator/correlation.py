"""Assets that move together are one bet: the correlation limit of SEMANTICS.md section 8."""

import math

import numpy as np

from genome.jit import lean_step
from genome.market import F64, I64, Market
from genome.simulator import layout as at

_WINDOW = 60
"""Instants before this one that are looked at."""
_FEWEST = 20
"""Returns that both must have had."""
_ROUNDING = 1e-9
"""A standard deviation below it is that of equal returns."""


def log_returns(market: Market) -> F64:
    """Log return from the close before to each close, float64 (T,); NaN at the first bar, a void bar, and after one."""
    void = np.isnan(market.columns[:4]).any(axis=0)
    close = market.column("close")
    known = np.log(np.where(void | ~(close > 0.0), np.nan, close))
    return np.diff(known, prepend=np.nan)


@lean_step
def correlation(bars: I64, i: int, a: int, b: int, returns: F64) -> float:
    """Pearson's, of the returns of two assets before instant i, at least −1 and at most 1; NaN where unknown.

    A bar at an earlier instant is closed by now, so nothing of this instant is seen. Twice over the returns: sums of
    squares less squared sums would lose what little two calm assets vary.
    """
    n, sum_a, sum_b = 0, 0.0, 0.0
    first = max(0, i - _WINDOW)
    for j in range(first, i):
        s, t = bars[j, a], bars[j, b]
        if s >= 0 and t >= 0 and not math.isnan(returns[s]) and not math.isnan(returns[t]):
            n += 1
            sum_a += returns[s]
            sum_b += returns[t]
    if n < _FEWEST:
        return math.nan
    mean_a, mean_b = sum_a / n, sum_b / n
    aa, bb, ab = 0.0, 0.0, 0.0
    for j in range(first, i):
        s, t = bars[j, a], bars[j, b]
        if s >= 0 and t >= 0 and not math.isnan(returns[s]) and not math.isnan(returns[t]):
            x, y = returns[s] - mean_a, returns[t] - mean_b
            aa += x * x
            bb += y * y
            ab += x * y
    if min(aa, bb) < n * _ROUNDING * _ROUNDING:
        return math.nan
    return float(max(-1.0, min(1.0, ab / math.sqrt(aa * bb))))


@lean_step
def move_together(bars: I64, i: int, a: int, b: int, returns: F64, sides: float, limit: float) -> bool:
    """Whether two positions, `sides` the product of theirs, gain and lose together; so they do where nobody knows."""
    return not sides * correlation(bars, i, a, b, returns) <= limit  # also NaN


@lean_step
def keep_apart(
    bars: I64, i: int, accounts: F64, returns: F64, limit: float, sides: F64, shares: F64, crowd: F64
) -> None:
    """Forbid entries that move together with what is held; divide those that move together among each other.

    bars      int64 (instants + 1, assets): number of the asset's bar at the instant, −1 for none; i is this instant
    returns   float64 (bars,): log returns to each close
    sides, shares   float64 (assets,): side and share of equity of what would enter; a share of NaN does not
    crowd     float64 (assets,): room to count in
    """
    n = shares.size
    for a in range(n):
        crowd[a] = 1.0
        for b in range(n):
            held = accounts[b, at.QUANTITY]
            if math.isnan(shares[a]):
                break
            if held != 0.0 and move_together(bars, i, a, b, returns, sides[a] * np.sign(held), limit):
                shares[a] = math.nan
    for a in range(n):
        for b in range(a + 1, n):
            if math.isnan(shares[a]) or math.isnan(shares[b]):
                continue
            if move_together(bars, i, a, b, returns, sides[a] * sides[b], limit):
                crowd[a] += 1.0
                crowd[b] += 1.0
    for a in range(n):
        shares[a] /= crowd[a]
