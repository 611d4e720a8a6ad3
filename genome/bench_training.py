"""How fast learned seeds are made and lived by: fits from the cache, fits in two processes, one bar of life (S4-25.13)."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from genome.genome import Genome
from genome.learned.cache import FitCache
from genome.learned.live import lived_by
from genome.learned.program import features
from genome.learned.training import Known, Trainer
from genome.learned.walking import latest, walks
from genome.market import Market, market
from organism.market import NS_PER_S, Bar

_BAR_S = 300
_FAMILIES = ("linear_svc", "pca_tree_quantile")
_GENES = (("band", 0.001), ("horizon", 3.0), ("refit", 250.0), ("window", 1_000.0))


def run(quick: bool) -> dict[str, Any]:  # noqa: FBT001 - the form of all benches
    """Measure each family; seconds, or microseconds where a name ends so, the lowest of the repeats.

    Workers are measured once they run, and not at all where it must be quick: they take seconds to start.
    """
    of = _walk_of(1_800 if quick else 6_000)
    repeats = 1 if quick else 5
    return {
        "bars": of.size,
        "features_s": _lowest(lambda: features(of), repeats),
        **{family: _family(family, of, repeats, quick=quick) for family in _FAMILIES},
    }


def _family(family: str, of: Market, repeats: int, *, quick: bool) -> dict[str, Any]:
    name = "C" if family == "linear_svc" else "alpha"
    genomes = [Genome(family=family, genes=tuple(sorted((*_GENES, (name, value))))) for value in (0.01, 0.03)]
    known = Known.of(of)
    fits = sum(len(walked.steps) for walked in walks(genomes, of, known=known))
    alone = _lowest(lambda: walks(genomes, of, known=known), repeats)
    cached = Trainer(cache=FitCache())
    walks(genomes, of, known=known, trainer=cached)
    out: dict[str, Any] = {
        "fits": fits,
        "made_s": alone,
        "from_cache_s": _lowest(lambda: walks(genomes, of, known=known, trainer=cached), repeats),
        "bar_us": 1e6 * _bar_s(genomes[0], of, repeats),
    }
    if not quick:
        with Trainer(2) as two:
            walks(genomes, of, known=known, trainer=two)
            out["made_by_two_s"] = _lowest(lambda: walks(genomes, of, known=known, trainer=two), repeats)
    return out


def _bar_s(genome: Genome, of: Market, repeats: int) -> float:
    strategy = lived_by(genome, latest(genome, of), _BAR_S)
    bars = [
        Bar(of.symbol, at * NS_PER_S, (at + _BAR_S) * NS_PER_S, *prices)
        for at, prices in zip(of.open_s.tolist(), of.columns[:5].T.tolist(), strict=True)
    ][:1_000]

    def live() -> None:
        state = strategy.initial()
        for bar in bars:
            state, _ = strategy.step(state, bar)

    live()
    return _lowest(live, repeats) / len(bars)


def _walk_of(n: int) -> Market:
    """A random walk of 5-minute bars."""
    rng = np.random.default_rng(8)
    close = 100.0 * np.exp(np.cumsum(0.004 * rng.standard_normal(n)))
    opens = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opens, close) * 1.001, np.minimum(opens, close) * 0.999
    at = 1_699_999_200 + np.arange(n, dtype=np.int64) * _BAR_S
    return market("X/Y", at, _BAR_S, (opens, high, low, close, 1.0 + rng.random(n)))


def _lowest(work: Callable[[], object], repeats: int) -> float:
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return min(took)
