"""The compiled engine does what the page says: it equals the oracle on random genomes and random bars.

Trades agree in bars, side and reason, prices and quantities to 1e-9; figures and daily returns to 1e-9. Signals given
by hand try the simulator without the trees; random trees try both, one genome at a time and a population at once.
"""

from collections import Counter

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
from tests.genome.oracle.ruinous import case, reckless_tree
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
        capital,
    )


@given(cases(size=80), random_costs(), CAPITALS)
def test_the_engine_is_the_oracle_on_longer_markets(case, costs, capital):
    market, genome, signals = case
    same(
        backtest(market, genome, costs, capital, signals=signals),
        run(market, genome, costs, capital, signals),
        capital,
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
    same(backtest(market, genome, costs, capital), run(market, effective(genome), costs, capital), capital)


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


# Where accounts end: what the random cases above rarely come to is made here, and counted, so that it is never missing.

ENDS = range(160)
MORE_SEEDS = st.integers(0, 2**32 - 1)


def end_of(seed):
    """Run one ruinous case by both; the oracle's outcome."""
    market, genome, signals, costs = case(seed)
    outcome = run(market, genome, costs, 10_000.0, signals)
    same(backtest(market, genome, costs, 10_000.0, signals=signals), outcome)
    return outcome


def test_the_engine_is_the_oracle_where_accounts_end_and_they_do():
    seen = Counter()
    for seed in ENDS:
        outcome = end_of(seed)
        seen.update(outcome.flags & {"liquidated", "ruined", "drawdown_stop"})
        seen.update({(trade.reason, trade.side) for trade in outcome.trades})
    often = ("liquidated", "ruined", "drawdown_stop")
    assert all(seen[what] >= 0.05 * len(ENDS) for what in often), seen
    reasons = [(reason, side) for reason in ("liquidation", "ruin", "drawdown") for side in (1, -1)]
    assert all(seen[what] for what in reasons), seen


@given(MORE_SEEDS)
@settings(max_examples=100)
def test_the_engine_is_the_oracle_wherever_accounts_end(seed):
    end_of(seed)


def test_a_population_is_the_oracle_where_accounts_end_and_they_do():
    population = [reckless_tree(seed) for seed in range(6)]
    seen, n = Counter(), 0
    for seed in range(20):
        market, _, _, costs = case(seed)
        together = evaluate(population, [market], costs, 10_000.0)
        for g, genome in enumerate(population):
            alone = run(market, effective(genome), costs, 10_000.0)
            ours = {name: float(values[g, 0]) for name, values in together.figures.items()}
            assert ours == pytest.approx(alone.figures, **CLOSE)
            assert list(together.daily[g][0]) == pytest.approx(alone.daily, **CLOSE)
            seen.update(alone.flags & {"liquidated", "ruined", "drawdown_stop"})
            n += 1
    assert all(seen[what] >= 0.05 * n for what in ("liquidated", "ruined", "drawdown_stop")), seen
