"""A flock compiles to what its genomes compile to, instruction by instruction."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.breeding.compiling import compiled
from genome.breeding.flat import flock_of
from genome.checking import effective
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.programs.compiling import compile_genomes
from tests.genome.random_trees import genomes

REGIMES = ({}, {"volatility_floor": 0.6}, {"volatility_multiple": 2.5, "volatility_floor": 0.9},
           {"fear_greed_sensitivity": 0.3}, {"fear_greed_sensitivity": 0.0},
           {"fear_greed_sensitivity": 1.0, "volatility_floor": 0.7, "volatility_multiple": 1.5})  # fmt: skip


def assert_alike(some):
    ours, theirs = compiled(flock_of(some)), compile_genomes([effective(genome) for genome in some])
    for name in ("code", "value", "offsets", "outputs", "memory_at"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert (ours.n_numbers, ours.n_conditions) == (theirs.n_numbers, theirs.n_conditions)
    assert ours.columns == theirs.columns


@st.composite
def regulated(draw, **options):
    genome = draw(genomes(**options))
    genes = dict(genome.genes) | draw(st.sampled_from(REGIMES))
    return Genome(family="t", genes=tuple(sorted(genes.items())), **genome.conditions)


@settings(deadline=None)
@given(st.lists(regulated(depth=4, timeframes=True, nested=2), min_size=1, max_size=6))
def test_a_flock_compiles_to_the_programs_of_its_genomes(some):
    assert_alike(some)


CORNERS = (
    "true", "false", "not true", "not (1 / 0 > 2)", "1 / 0 > 2 or close > open", "close > open and 1 / 0 > 2",
    "1 / 0 > 2 and 1 / 0 < 2", "1 crosses_above 2", "close > 2 * 3 + 1", "1 > 2 and close > open", "1 < 2 and close > open",
    "close > 1 / 0", "close crosses_below 1 / 0", "ema(3) + sma(4) > close and sma(4) + ema(3) > close",
    "ema(12) > 1 or ema(close, 12) > 2", "sma(ema(3), 5) > ema(3)", "sma(ema(rsi(4), 3), 5) > 1",
    "close - open > 0 and -(open) < 0 and close * 0 > -0.0", "min(1, 2) > close and max(1, 2) < close",
    "min(2, 1) >= close or max(2, 1) <= close", "abs(-3) > close or -(4) < close", "close > open and close > open",
    "1e308 * 10 > close", "close * 2 > open / 3 and 2 * close > open", "obv() > 1", "obv()@1d > obv()" ,
)  # fmt: skip


def test_constants_fold_and_equal_subtrees_meet_as_they_do_in_trees():
    for text in CORNERS:
        try:
            tree = parse_condition(text)
        except Exception as error:
            raise AssertionError(text) from error
        for side in ({"entry_long": tree}, {"entry_short": tree, "exit_short": parse_condition("close > 2")}):
            for regime in REGIMES:
                assert_alike([Genome(family="t", genes=tuple(sorted(regime.items())), **side)])


def test_an_empty_flock_is_an_empty_program():
    assert_alike([])
