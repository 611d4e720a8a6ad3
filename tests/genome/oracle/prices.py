"""Prices of fills, sizes of positions: SEMANTICS.md, section 5, and the little statistics they need."""

import itertools
import math

from genome.costs import Costs
from genome.market import Market

NAN = math.nan
LONG, SHORT = 1, -1


def voids(market: Market) -> list[bool]:
    """Bars with NaN in open, high, low or close."""
    rows = [market.column(name).tolist() for name in ("open", "high", "low", "close")]
    return [any(math.isnan(price) for price in bar) for bar in zip(*rows, strict=True)]


def without_voids(function):
    """Let a statistic see the known bars alone; NaN on void bars."""

    def on_all_bars(market: Market, *arguments) -> list[float]:
        at = [t for t, void in enumerate(voids(market)) if not void]
        out = [NAN] * market.size
        bars = [
            {name: float(market.column(name)[t]) for name in ("high", "low", "close", "volume")} for t in at
        ]
        for t, value in zip(at, function(bars, *arguments), strict=True):
            out[t] = value
        return out

    return on_all_bars


@without_voids
def volatility(bars, n: int) -> list[float]:
    """Standard deviation of the last n log returns, ddof 1; no value for the first n bars."""
    returns = [log_return(before["close"], after["close"]) for before, after in itertools.pairwise(bars)]
    return [NAN if t < n else deviation(returns[t - n : t]) for t in range(len(bars))]


def log_return(before: float, after: float) -> float:
    """NaN where a price is not positive."""
    return math.log(after / before) if before > 0 and after > 0 else NAN


@without_voids
def rate_of_change(bars, n: int) -> list[float]:
    """close / close n bars ago − 1; no value for the first n bars, nor where the old close is 0."""
    closes = [bar["close"] for bar in bars]
    return [NAN if t < n or closes[t - n] == 0 else closes[t] / closes[t - n] - 1 for t in range(len(closes))]


def spread(market: Market) -> list[float]:
    """Abdi and Ranaldo's over 20 bars; NaN where one of the 21 bars is void or has a price that is not positive."""
    names = ("open", "high", "low", "close")
    bars = list(zip(*(market.column(name).tolist() for name in names), strict=True))
    good = [all(price > 0 for price in bar) for bar in bars]  # NaN is not
    out = [NAN] * market.size
    for t in range(20, market.size):
        if all(good[t - 20 : t + 1]):
            out[t] = mean([spread_of_two(bars[u - 1], bars[u]) for u in range(t - 19, t + 1)])
    return out


def spread_of_two(before, bar) -> float:
    """√max(0, 4·(c[t−1] − m[t−1])·(c[t−1] − m[t])), of logs."""
    m_before, m = ((math.log(high) + math.log(low)) / 2 for _, high, low, _ in (before, bar))
    c = math.log(before[3])
    return math.sqrt(max(0.0, 4 * (c - m_before) * (c - m)))


@without_voids
def average_true_range(bars, n: int) -> list[float]:
    """Wilder: the mean of n true ranges, then n − 1 parts old and one part new; no value for the first n bars."""
    out = [NAN] * len(bars)
    ranges = [
        max(bar["high"], before["close"]) - min(bar["low"], before["close"])
        for before, bar in itertools.pairwise(bars)
    ]
    for t in range(n, len(bars)):
        out[t] = mean(ranges[:n]) if t == n else (out[t - 1] * (n - 1) + ranges[t - 1]) / n
    return out


@without_voids
def traded_notional(bars) -> list[float]:
    """Mean volume of the last 20 bars, times the close."""
    return [
        NAN if t < 19 else mean([bar["volume"] for bar in bars[t - 19 : t + 1]]) * bars[t]["close"]
        for t in range(len(bars))
    ]


def mean(values) -> float:
    return sum(values) / len(values)


def deviation(values) -> float:
    """Standard deviation, ddof 1; exactly 0 where all are equal."""
    if any(math.isnan(x) for x in values):
        return NAN
    if min(values) == max(values):
        return 0.0
    middle = mean(values)
    return math.sqrt(sum((x - middle) ** 2 for x in values) / (len(values) - 1))


def of_steps(x: float, step: float, rounding) -> float:
    """`x` in whole steps; what lies within 1e-9 of one (or within 1e-12 of x) is on it. A step of 0 is none."""
    if step == 0:
        return x
    n = x / step
    nearest = round(n)
    return (nearest if abs(n - nearest) <= max(1e-9, 1e-12 * abs(n)) else rounding(n)) * step


def slippage(costs: Costs, sigma: list[float], liquidity: list[float], t: int, notional: float) -> float:
    """Fraction of the price that a taker loses on bar t: what was known at the close of t − 1 alone."""
    s = costs.half_spread + (costs.slippage if costs.book_depths is None else book(costs, notional))
    deviation_known = seen(sigma[:t], max)
    liquidity_known = seen(liquidity[:t], min)
    if deviation_known is not None:
        s += costs.volatility_slippage * deviation_known
    if liquidity_known is not None:
        s += costs.volume_slippage * notional / liquidity_known
    if deviation_known is not None and liquidity_known is not None:
        s += costs.impact * deviation_known * math.sqrt(notional / liquidity_known)
    return min(s, 1.0)


def seen(values: list[float], worst) -> float | None:
    """The newest value; the worst so far where that is NaN or zero; None where there was none."""
    positive = [x for x in values if x > 0]
    if values and values[-1] > 0:
        return values[-1]
    return worst(positive) if positive else None


def book(costs: Costs, notional: float) -> float:
    """Mean offset of three levels filled in order; the rest pays the third's offset."""
    left, paid = notional, 0.0
    for offset, depth in zip(costs.book_offsets, costs.book_depths, strict=True):
        taken = min(left, depth)
        paid += offset * taken
        left -= taken
    paid += costs.book_offsets[2] * left
    return paid / notional if notional > 0 else 0.0


def taker_price(price: float, slip: float, direction: int, tick: float) -> float:
    """Buys above, sells below; with a tick rounded against the taker."""
    if direction == LONG:
        return of_steps(price * (1 + slip), tick, math.ceil)
    return of_steps(price * (1 - slip), tick, math.floor)
