"""Volume-weighted average price since the UTC day, week (Monday) or month began, with bands.

A bar belongs to the day of its open. Where a history begins inside a day, so does its first average. Average and deviation
are updated as in West, "Updating mean and variance estimates: an improved method" (1979), which cancels no digits.
"""

import math

import numpy as np

from genome.indicators.parts import absent, finite, typical
from genome.jit import lean, lean_step
from genome.market import F64, I64

DAY, WEEK, MONTH = 0, 1, 2
AVERAGE, UPPER, LOWER, SCORE = 0, 1, 2, 3
CLOSE, VOLUME = 3, 4


@lean_step
def _period(open_s: int, anchor: int) -> int:
    """Number of the day, week or month; months by Hinnant's `days_from_civil` turned round, in years from March on."""
    day = open_s // 86_400
    if anchor == DAY:
        return day
    if anchor == WEEK:
        return (day + 3) // 7  # 1970-01-01 was a Thursday
    era = (day + 719_468) // 146_097
    day_of_era = day + 719_468 - era * 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    return (era * 400 + year) * 12 + (5 * day_of_year + 2) // 153


@lean_step
def _weighted(average: float, sigma: float, k: float, close: float, which: int) -> float:
    if which == AVERAGE:
        return average
    if which == UPPER:
        return average + k * sigma
    if which == LOWER:
        return average - k * sigma
    return (close - average) / sigma if sigma > 0.0 else 0.0


@lean_step
def _vwap(p: F64, state: F64, market: F64, open_s: I64, at: int, out: F64, which: int) -> None:
    anchor = int(p[0])
    k = p[1] if p.size > 1 else 0.0
    for i in range(out.size):
        t = at + i
        volume = market[VOLUME, t]
        out[i] = np.nan
        if absent(market, t) or not finite(volume):
            continue
        price = typical(market, t)
        period = float(_period(open_s[t], anchor))
        if state[0] == 0.0 or period != state[1]:
            state[0], state[1] = 1.0, period
            state[2], state[4] = 0.0, 0.0
        # The first traded price is the average itself, so that one price alone has a deviation of exactly 0.
        old = state[3] if state[2] > 0.0 else price
        state[2] += volume
        if state[2] > 0.0:
            state[3] = old + volume / state[2] * (price - old)
            state[4] += volume * (price - old) * (price - state[3])
            sigma = math.sqrt(max(state[4] / state[2], 0.0))
            out[i] = _weighted(state[3], sigma, k, market[CLOSE, t], which)


@lean
def vwap(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Σ typical·volume / Σ volume since the anchor; NaN while nothing was traded."""
    _vwap(p, state, market, open_s, at, out, AVERAGE)


@lean
def vwap_upper(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Average + k·σ; σ² = Σ volume·(typical − average)² / Σ volume."""
    _vwap(p, state, market, open_s, at, out, UPPER)


@lean
def vwap_lower(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Average − k·σ."""
    _vwap(p, state, market, open_s, at, out, LOWER)


@lean
def vwap_z(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """(close − average)/σ; 0 where σ is 0."""
    _vwap(p, state, market, open_s, at, out, SCORE)


SLOTS = dict.fromkeys(("vwap", "vwap_upper", "vwap_lower", "vwap_z"), lambda _: 5)
"""State of each kernel here, in float64 slots."""
