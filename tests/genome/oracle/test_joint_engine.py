"""The joint pass does what the page says: it equals the oracle on worlds of three to six assets.

Signals given try scores, correlations and sizes at crowded opens; random genomes try their trees as well, with words
that compare assets in half of them. The last test counts what the others can meet: a rule that never came up is not
tested.
"""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.simulator import backtest_joint
from tests.genome.making import genes, random_costs, random_simulator_genes
from tests.genome.oracle import joint
from tests.genome.oracle.both import same
from tests.genome.oracle.ruinous import joint_case
from tests.genome.oracle.worlds import joint_genomes, scoring_genes, world, worlds

GROSS = st.sampled_from((1.0, 0.3, 0.05))


def crowded(rng: np.random.Generator, size: int) -> tuple[list[bool], ...]:
    """Entries at one bar in four or nearly all, exits from rare to frequent."""
    chances = (rng.choice((0.0, 0.25, 0.9)), rng.choice((0.05, 0.3)), rng.choice((0.0, 0.25)), 0.3)
    return tuple((rng.random(size) < chance).tolist() for chance in chances)


@given(worlds, random_simulator_genes(), scoring_genes(), random_costs(), GROSS, st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_the_joint_pass_is_the_oracle_on_signals_given(markets, chosen, scoring, costs, gross, seed):
    rng = np.random.default_rng(seed)
    signals = [crowded(rng, market.size) for market in markets]
    genome = genes(**chosen, **scoring)
    same(
        backtest_joint(markets, genome, costs, signals=signals, gross_limit=gross),
        joint.run(markets, genome, costs, signals=signals, gross=gross),
    )


@given(worlds, joint_genomes(), random_costs(), GROSS)
@settings(max_examples=40)
def test_the_joint_pass_is_the_oracle_on_random_genomes(markets, genome, costs, gross):
    same(
        backtest_joint(markets, genome, costs, gross_limit=gross),
        joint.run(markets, genome, costs, gross=gross),
    )


def test_the_worlds_meet_every_rule_of_the_limit():
    """Fixed seeds: entries forbidden, divided, left alone; correlations known and unknown; each in a tenth of the worlds."""
    seen: Counter[str] = Counter()
    n = 40
    for seed in range(n):
        rng = np.random.default_rng(seed)
        markets = world(rng)
        signals = [crowded(rng, market.size) for market in markets]
        free, limited = (genes(**gene) for gene in ({}, {"correlation_limit": 0.5}))
        without, held_apart = (joint.run(markets, genome, signals=signals) for genome in (free, limited))
        same(backtest_joint(markets, limited, signals=signals), held_apart)
        seen += told(without.trades, held_apart.trades)
    assert all(seen[what] >= n / 10 for what in ("forbidden", "divided", "untouched")), seen


def test_the_joint_pass_is_the_oracle_where_accounts_end_and_they_do():
    seen: Counter[str] = Counter()
    n = 60
    for seed in range(n):
        markets, genome, signals, costs = joint_case(seed)
        outcome = joint.run(markets, genome, costs, signals=signals)
        same(backtest_joint(markets, genome, costs, signals=signals), outcome)
        seen.update(outcome.flags)
    assert all(seen[what] >= 0.05 * n for what in ("liquidated", "ruined", "drawdown_stop")), seen


def told(without, limited) -> Counter:
    """What the limit did to the entries of one world, each thing counted once."""
    quantities = {(t.entry_bar, t.side, t.entry_price): t.quantity for t in without}
    kept = {(t.entry_bar, t.side, t.entry_price): t.quantity for t in limited}
    common = quantities.keys() & kept.keys()
    return Counter(
        {
            "forbidden": int(len(kept) < len(quantities)),
            "divided": int(any(kept[key] < 0.6 * quantities[key] for key in common)),
            "untouched": int(any(kept[key] == quantities[key] for key in common)),
        }
    )
