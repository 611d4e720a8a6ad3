"""Programs say what their trees say, whatever they are cut into, and cost what a program should."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.checking import effective
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.programs import running
from genome.programs.columns import Columns, in_order, whole
from genome.programs.compiling import compile_genome
from genome.programs.running import signals
from organism.errors import BadInput
from tests.genome.making import random_markets
from tests.genome.oracle.evaluate import signal
from tests.genome.random_trees import genomes


def program(text):
    return compile_genome(Genome(family="t", entry_long=parse_condition(text)))


@given(random_markets(min_size=5, max_size=70), genomes(longest=12))
def test_a_program_says_what_its_tree_says(market, genome):
    ready = effective(genome)
    trees = (ready.entry_long, ready.exit_long, ready.entry_short, ready.exit_short)
    assert [list(row) for row in signals(ready, market)] == [signal(tree, market) for tree in trees]


@given(random_markets(min_size=20, max_size=70), genomes(longest=12), st.sampled_from((8, 16, 40)))
def test_blocks_may_be_cut_anywhere(market, genome, block):
    ready = effective(genome)
    expected = signals(ready, market)
    before = running.BLOCK, running.BLOCK_WORDS
    running.BLOCK, running.BLOCK_WORDS = block, 1
    try:
        again = signals(ready, market)
    finally:
        running.BLOCK, running.BLOCK_WORDS = before
    np.testing.assert_array_equal(again, expected)


@given(random_markets(min_size=20, max_size=70), genomes(longest=12), st.integers(1, 30))
def test_columns_are_the_same_bits_however_they_are_cut(market, genome, cut):
    keys = in_order(compile_genome(effective(genome)).columns)
    once, pieces = whole(market, keys), []
    columns = Columns(market, keys)
    for begin in range(0, market.size, cut):
        piece = np.empty((len(keys), min(cut, market.size - begin)))
        columns.fill(begin, piece)
        pieces.append(piece)
    assert np.concatenate(pieces, axis=1).tobytes() == once.tobytes()


@given(random_markets(min_size=20, max_size=70), genomes(longest=12), st.integers(5, 60))
@pytest.mark.requirement("S4-5.1")
def test_no_signal_knows_the_future(market, genome, kept):
    ready = effective(genome)
    kept = min(kept, market.size)
    before = signals(ready, market)
    tampered = market.columns.copy()
    tampered[:6, kept:] *= 7.0
    after = signals(ready, dataclasses.replace(market, columns=tampered))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[:kept], other[:kept])


def test_constants_fold():
    made = program("close > 2 * 3 + 1")
    assert len(made.value) == 2  # one constant, one comparison
    assert 7.0 in made.value


def test_a_condition_that_is_constant_needs_no_code():
    assert len(program("1 > 2 and close > open").value) <= 1
    assert not program("false").outputs.any()


def test_commutative_duplicates_meet():
    once = program("ema(3) + sma(4) > close")
    twice = program("ema(3) + sma(4) > close and sma(4) + ema(3) > close")
    assert len(twice.value) == len(once.value)


def test_equal_indicators_are_one_column():
    assert len(program("ema(12) > 1 or ema(close, 12) > 2").columns) == 1


def test_registers_are_used_again():
    text = " or ".join(f"close + {i} > open + {i} * 2" for i in range(8))
    made = program(text)
    assert made.n_numbers <= 4
    assert made.n_conditions <= 5


def test_a_cross_of_two_averages_is_two_comparisons_that_rise():
    made = compile_genome(
        Genome(
            family="t",
            entry_long=parse_condition("ema(12) crosses_above ema(26)"),
            exit_long=parse_condition("ema(12) crosses_below ema(26)"),
        )
    )
    assert len(made.value) == 4
    assert made.n_memory == 2


def test_a_constant_without_a_value_is_named():
    with pytest.raises(BadInput, match="'fast' has no value"):
        program("ema(fast) > close")
