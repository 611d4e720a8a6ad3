"""The crowds and the market that the population bench runs: averages that cross, plain or with stops and a short side."""

import numpy as np

from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market, market
from genome.trees import Cross, Indicator, Number

COSTS = Costs(taker=0.0005, maker=0.0005, slippage=0.0005)
WITHOUT_SLIPPAGE = Costs(taker=0.0005, maker=0.0005, slippage=0.0)
_SIGMA = 8e-4
"""Of a bar's log return: what a minute of Bitcoin does."""


def walk_market(bars: int, seed: int = 7, bar_s: int = 60) -> Market:
    """A seeded random walk of bars of a minute, or longer, whose opens are the closes before."""
    rng = np.random.default_rng(seed)
    sigma = _SIGMA * (bar_s / 60) ** 0.5
    close = 100.0 * np.exp(np.cumsum(rng.standard_normal(bars) * sigma))
    opens = np.concatenate([[100.0], close[:-1]])
    wick = np.abs(rng.standard_normal((2, bars))) * sigma * 0.5
    high = np.maximum(opens, close) * (1.0 + wick[0])
    low = np.minimum(opens, close) * (1.0 - wick[1])
    volume = np.exp(rng.standard_normal(bars)) * 10.0
    at = 1_704_067_200 + np.arange(bars, dtype=np.int64) * bar_s
    return market("BENCH/USD", at, bar_s, (opens, high, low, close, volume))


def windows(n: int, seed: int = 11) -> list[tuple[int, int]]:
    """Pairs of a fast (5 to 60) and a slow (fast + 5 to 240) window."""
    rng = np.random.default_rng(seed)
    fast = rng.integers(5, 61, n)
    return [(int(f), int(rng.integers(f + 5, 241))) for f in fast]


def crossing(n: int) -> list[Genome]:
    """Long while the fast average is above the slow one, by crosses."""
    return [_crossing(fast, slow) for fast, slow in windows(n)]


def guarded(n: int, *, short: bool = True, trailing: bool = True, seed: int = 13) -> list[Genome]:
    """The same with stops and targets, the others by turns with a trailing stop, and the mirrored short side."""
    rng = np.random.default_rng(seed)
    return [
        _crossing(fast, slow, short=short, genes=_guards(rng, trailing=trailing and i % 2 == 1))
        for i, (fast, slow) in enumerate(windows(n))
    ]


def _guards(rng: np.random.Generator, *, trailing: bool) -> tuple[tuple[str, float], ...]:
    stop, target = rng.uniform(0.01, 0.03), rng.uniform(0.02, 0.06)
    genes = {"stop": float(stop), "target": float(target)}
    if trailing:
        genes["trailing"] = float(rng.uniform(0.01, 0.03))
    return tuple(sorted(genes.items()))


def _crossing(
    fast: int, slow: int, *, short: bool = False, genes: tuple[tuple[str, float], ...] = ()
) -> Genome:
    def average(n: int) -> Indicator:
        return Indicator("ema", (Number(float(n)),))

    up = Cross("crosses_above", average(fast), average(slow))
    down = Cross("crosses_below", average(fast), average(slow))
    return Genome(
        family="ema_crossover",
        entry_long=up,
        exit_long=down,
        entry_short=down if short else None,
        exit_short=up if short else None,
        genes=genes,
    )


def gene(genome: Genome, name: str) -> float:
    """Value of a gene, NaN where it is off."""
    return dict(genome.genes).get(name, float("nan"))


def same(ours: F64, theirs: F64) -> float:
    """Largest difference, relative where the value is above 1; NaN in the same places counts as none."""
    both = np.isnan(ours) & np.isnan(theirs)
    apart = np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))
    return float(np.max(np.where(both, 0.0, apart), initial=0.0))
