"""Which assets move together: section 8 of SEMANTICS.md, the correlation limit."""

import math

from genome.market import Market
from tests.genome.oracle.prices import deviation, log_return, mean, voids

WINDOW, ENOUGH, ROUNDING = 60, 20, 1e-9


def log_returns(market: Market) -> dict[int, float]:
    """By instant: from the close of the bar before, where both bars are known and both closes positive."""
    opens, close, void = market.open_s.tolist(), market.column("close").tolist(), voids(market)
    found = {
        opens[t]: log_return(close[t - 1], close[t])
        for t in range(1, market.size)
        if not void[t - 1] and not void[t]
    }
    return {instant: x for instant, x in found.items() if not math.isnan(x)}


def correlation(one: dict[int, float], other: dict[int, float], before: list[int]) -> float | None:
    """Pearson's, over those of the last 60 instants `before` that both have; None where it is unknown."""
    common = [instant for instant in before[-WINDOW:] if instant in one and instant in other]
    x, y = [one[instant] for instant in common], [other[instant] for instant in common]
    if len(common) < ENOUGH or deviation(x) < ROUNDING or deviation(y) < ROUNDING:
        return None
    dx, dy = [a - mean(x) for a in x], [b - mean(y) for b in y]
    product = sum(a * b for a, b in zip(dx, dy, strict=True))
    rho = product / math.sqrt(sum(a * a for a in dx) * sum(b * b for b in dy))
    return max(-1.0, min(1.0, rho))


def move_together(rho: float | None, side: int, other_side: int, limit: float) -> bool:
    """Opposite sides turn the correlation round; what is unknown counts as moving together."""
    return rho is None or side * other_side * rho > limit
