"""The compiled engine does what the page says: it equals the oracle on random genomes and random bars.

Trades agree in bars, side and reason, prices and quantities to 1e-9; figures and daily returns to 1e-9. Signals given
by hand try the simulator without the trees; random trees try both, one genome at a time and a population at once.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.checking import effective
from genome.genome import Genome
from genome.simulator import backtest, evaluate
from tests.genome.making import (
    genes,
    random_costs,
    random_markets,
    random_signals,
    random_simulator_genes,
    walk,
    walking_costs,
    walking_genes,
    walking_signals,
)
from tests.genome.oracle.account import run
from tests.genome.oracle.both import CLOSE, same
from tests.genome.random_trees import genomes

CAPITALS = st.sampled_from((10_000.0, 500.0))


@st.composite
def cases(draw, size=25):
    """A market, genes, and signals for it. Short ones shrink well; long ones come to σ, V and Kelly."""
    market = draw(random_markets(max_size=size))
    return (
        market,
        Genome(family="given", genes=genes(**draw(random_simulator_genes())).genes),
        draw(random_signals(market.size)),
    )


@given(cases(), random_costs(), CAPITALS)
@settings(max_examples=150)
def test_the_engine_is_the_oracle_on_signals_given(case, costs, capital):
    market, genome, signals = case
    same(
        backtest(market, genome, costs, capital, signals=signals),
        run(market, genome, costs, capital, signals),
    )


@given(cases(size=80), random_costs(), CAPITALS)
def test_the_engine_is_the_oracle_on_longer_markets(case, costs, capital):
    market, genome, signals = case
    same(
        backtest(market, genome, costs, capital, signals=signals),
        run(market, genome, costs, capital, signals),
    )


@pytest.mark.parametrize("seed", range(24))
def test_the_engine_is_the_oracle_on_random_walks(seed):
    rng = np.random.default_rng(seed)
    market = walk(rng, int(rng.choice((60, 150, 400))))
    genome, signals, costs = walking_genes(rng), walking_signals(rng, market.size), walking_costs(rng)
    same(
        backtest(market, genome, costs, 10_000.0, signals=signals),
        run(market, effective(genome), costs, 10_000.0, signals),
    )


@given(random_markets(min_size=30, max_size=90), genomes(longest=12), random_costs(), CAPITALS)
def test_the_engine_is_the_oracle_on_random_genomes(market, genome, costs, capital):
    same(backtest(market, genome, costs, capital), run(market, effective(genome), costs, capital))


@given(
    st.lists(random_markets(min_size=2, max_size=60), min_size=1, max_size=2),
    st.lists(genomes(longest=8), min_size=1, max_size=4),
    random_costs(),
    CAPITALS,
)
def test_a_population_is_the_oracle_many_times(markets, population, costs, capital):
    together = evaluate(population, markets, costs, capital)

    for m, market in enumerate(markets):
        for g, genome in enumerate(population):
            alone = run(market, effective(genome), costs, capital)
            ours = {name: float(values[g, m]) for name, values in together.figures.items()}
            assert ours == pytest.approx(alone.figures, **CLOSE)
            assert list(together.daily[g][m]) == pytest.approx(alone.daily, **CLOSE)
