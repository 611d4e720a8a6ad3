"""Assets that stand at one instant, ranked among each other: the weighted score of SEMANTICS.md section 8."""

import math
from typing import Any

import numpy as np

from genome.genome import Genome
from genome.indicators import compute
from genome.jit import lean_step
from genome.market import F64, I64, Market
from genome.simulator.ground import recent

LIQUIDITY, CALM, MOMENTUM = range(3)
"""Qualities, in the order of their weights; ranks of several measures are averaged."""
_WEIGHTS = ("liquidity_weight", "volatility_weight", "momentum_weight")
FIRST = (0, 2, 3, 6)
"""First measure of each quality, and their number: traded notional, −spread; −volatility; momentum of three windows."""
_MOMENTUM_BARS = (5.0, 10.0, 20.0)
_SPREAD_BARS = 20


def weights_of(genome: Genome) -> F64:
    """Weights (3,) of the qualities, 0 where the gene is absent."""
    genes = dict(genome.genes)
    return np.array([genes.get(name, 0.0) for name in _WEIGHTS])


def measures(market: Market, weights: F64) -> F64:
    """What a market is ranked by, float64 (6, T), larger is better, known at the close of each bar.

    NaN while unknown, and in the rows of a quality without weight, which nothing reads.
    """
    found = np.full((FIRST[-1], market.size), np.nan)
    if weights[LIQUIDITY] > 0.0 or weights[CALM] > 0.0:
        sigma, depth = recent(market)
        found[FIRST[CALM]], found[FIRST[LIQUIDITY]] = -sigma, depth
    if weights[LIQUIDITY] > 0.0:
        found[FIRST[LIQUIDITY] + 1] = -spread(market)
    if weights[MOMENTUM] > 0.0:
        for row, bars in enumerate(_MOMENTUM_BARS, FIRST[MOMENTUM]):
            found[row] = compute("roc", (bars,), market)
    return found


def spread(market: Market) -> F64:
    """Bid-ask spread as a fraction of price, float64 (T,), estimated from closes and ranges of the last 20 bars.

    A close is traded at the bid or at the ask, the middles of the ranges about it are free of that. NaN where one of the
    21 bars that it needs is void or has a price that is not positive, or is absent. Source: Abdi and Ranaldo (2017),
    "A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices", Review of Financial Studies 30(12):
    their monthly estimate with days cut off at zero one by one.
    """
    out = np.full(market.size, np.nan)
    prices = np.array([market.column(name) for name in ("open", "high", "low", "close")])
    _, high, low, close = np.log(np.where((prices > 0.0).all(axis=0), prices, np.nan))
    middle = (high + low) / 2.0
    squares = 4.0 * (close[:-1] - middle[:-1]) * (close[:-1] - middle[1:])
    if market.size > _SPREAD_BARS:
        windows: Any = np.lib.stride_tricks.sliding_window_view
        out[_SPREAD_BARS:] = windows(np.sqrt(np.maximum(squares, 0.0)), _SPREAD_BARS).mean(axis=1)
    return out


@lean_step
def rank(values: F64, bars: I64, a: int) -> float:
    """Share of the other assets here that are lower, ties half; 0.5 where none is known, 0 where it is not itself."""
    own = values[bars[a]]
    if math.isnan(own):
        return 0.0
    lower, others = 0.0, 0.0
    for b in range(bars.size):
        if b != a and bars[b] >= 0 and not math.isnan(values[bars[b]]):
            others += 1.0
            if values[bars[b]] < own:
                lower += 1.0
            elif values[bars[b]] == own:
                lower += 0.5
    return lower / others if others > 0.0 else 0.5


@lean_step
def weighted(score: float, ranked: F64, weights: F64, bars: I64, a: int) -> float:
    """The score of an asset with what speaks for it, in [0, 1]; NaN stays.

    ranked   float64 (6, bars): measures; bars int64 (assets,): the bar of each asset here, −1 for none
    """
    most, better = 1.0, 1.0
    for quality in range(len(weights)):
        if weights[quality] > 0.0:
            total = 0.0
            for row in range(FIRST[quality], FIRST[quality + 1]):
                total += rank(ranked[row], bars, a)
            most += weights[quality]
            better += weights[quality] * (total / (FIRST[quality + 1] - FIRST[quality]))
    return score * (better / most)
