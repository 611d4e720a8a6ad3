"""A flock is simulated as its genomes are, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.breeding.flat import GENE_INDEX, flock_of
from genome.breeding.packing import packed
from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import market as make_market
from genome.programs.columns import in_order
from genome.simulator import Cache, evaluate
from genome.simulator.packing import pack
from organism.errors import BadInput
from tests.genome.random_trees import genomes


def path(seed=1, size=1_500, bar_s=60):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=size) * 2e-3))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=size)) * 1e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=size)) * 1e-3)
    at = 1_704_067_200 + np.arange(size, dtype=np.int64) * bar_s
    return make_market("X/USD", at, bar_s, (opened, high, low, close, np.exp(rng.normal(size=size))))


MARKET = path()


def equal(one, two):
    for name in one.figures:
        np.testing.assert_array_equal(one.figures[name], two.figures[name], err_msg=name)
    for name in ("returns", "closed", "days"):
        for a, b in zip(getattr(one, name), getattr(two, name), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


@settings(deadline=None)
@given(st.lists(genomes(depth=3, timeframes=True, nested=2), min_size=1, max_size=8))
def test_a_flock_is_simulated_as_its_genomes_are(some):
    made = packed(flock_of(some))
    assert len(made) == len(some)
    equal(evaluate(made, [MARKET], Costs()), evaluate(some, [MARKET], Costs()))


@settings(deadline=None)
@given(st.lists(genomes(depth=3, timeframes=True, nested=2), min_size=1, max_size=8))
def test_a_flock_asks_a_market_for_the_columns_of_its_genomes(some):
    ours, theirs = packed(flock_of(some)), pack(some)
    assert set(ours.keys) == set(theirs.keys)
    assert len(set(ours.keys)) == len(ours.keys)
    assert _without_ties(ours.keys) == _without_ties(in_order(ours.keys))
    np.testing.assert_array_equal(ours.traits, theirs.traits)


def _without_ties(keys):
    """What of the order counts: sources first, averages of one source side by side."""
    row = {key: i for i, key in enumerate(keys)}
    for key in keys:
        if key[0] != "raw" and key[2][0] != "raw":
            assert row[key[2]] < row[key]
    averages = [key[2] for key in keys if key[0] == "ema" and key[3] == ""]
    runs = [a for i, a in enumerate(averages) if i == 0 or averages[i - 1] != a]
    assert len(runs) == len(set(runs))
    return sorted(map(repr, keys))


def test_columns_of_a_flock_are_cached():
    some = [Genome(family="t", entry_long=parse_condition(f"rsi({n}) < 40")) for n in (5, 6, 7)]
    cache, plain = Cache(), evaluate(some, [MARKET])
    for _ in range(2):
        equal(evaluate(packed(flock_of(some)), [MARKET], cache=cache), plain)
    assert len(cache) == 3
    assert cache.hits == 3


def test_a_flock_on_two_markets_is_packed_once():
    some = [Genome(family="t", entry_long=parse_condition("close > ema(9)"), genes=(("stop_atr", 2.0),))]
    markets = [MARKET, path(2)]
    equal(evaluate(packed(flock_of(some)), markets), evaluate(some, markets))


def test_risk_without_a_stop_is_refused():
    flock = flock_of([Genome(family="t", entry_long=parse_condition("close > open"))] * 2)
    flock.genes[1, GENE_INDEX["sizing"]] = 1.0
    with pytest.raises(BadInput, match="genome 1 of the flock sizes by risk without a stop"):
        packed(flock)


def test_no_genomes_have_no_results():
    assert evaluate(packed(flock_of([])), [MARKET]).returns[0].shape[0] == 0
