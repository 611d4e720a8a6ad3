"""Conditions of a crowd, each computed once: the same bits as when every genome computes its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.checking import effective
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.programs.columns import in_order, whole
from genome.programs.compiling import compile_genomes
from genome.programs.machine import interpret
from genome.programs.sharing import shared
from tests.genome.evolution.worlds import noise
from tests.genome.random_trees import genomes

WIDTH, WORDS, BLOCKS = 128, 2, 3
MARKET = noise(WIDTH * BLOCKS, 3, "A/USD")


def programs_of(some):
    made = compile_genomes([effective(genome) for genome in some])
    keys = in_order(made.columns)
    return made, made.placed({key: i for i, key in enumerate(keys)}), whole(MARKET, keys)


def planes(made, outputs, n_conditions, programs, matrix, places):
    """Both planes of the four conditions of each genome at every bar; `programs`: code, value, begin, end, memory by place."""
    numbers = np.zeros((max(1, made.n_numbers), WIDTH))
    conditions = np.zeros((n_conditions, 2, WORDS), np.uint64)
    memory = np.ones(made.n_memory + 1, np.uint8)
    found = np.zeros((BLOCKS, len(outputs), 4, 2, WORDS), np.uint64)
    base = matrix.ctypes.data if matrix.size else numbers.ctypes.data
    for block in range(BLOCKS):
        for place, g in enumerate(places):
            code, value, begin, end = programs(place, g)
            interpret(
                code, value, begin, end, np.uint64(base + block * WIDTH * 8), MARKET.size, np.uint64(numbers.ctypes.data),
                np.uint64(conditions.ctypes.data), WIDTH, memory, made.memory_at[g], WIDTH,
            )  # fmt: skip
            found[block, g] = conditions[outputs[g]]
    return found


def alone(made, code, matrix):
    def own(_, g):
        return code, made.value, made.offsets[g], made.offsets[g + 1]

    return planes(made, made.outputs, made.n_conditions, own, matrix, range(len(made.outputs)))


def together(made, code, matrix, order, edges, most):
    found = shared(made, code, np.array(order), np.array(edges), most)

    def own(place, _):
        return found.code, found.value, found.offsets[place], found.offsets[place + 1]

    return found, planes(made, found.outputs, found.n_conditions, own, matrix, order)


@settings(deadline=None)
@given(
    st.lists(genomes(depth=4), min_size=1, max_size=6),
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.sampled_from([1, 4, 9, 4_096]),
    st.integers(0, 12),
    st.randoms(use_true_random=False),
)
def test_a_crowd_sees_the_bits_that_each_genome_sees_alone(some, chosen, most, edge, chance):
    crowd = [some[i % len(some)] for i in chosen]
    made, code, matrix = programs_of(crowd)
    order = list(range(len(crowd)))
    chance.shuffle(order)
    edges = sorted({0, min(edge, len(crowd) - 1)})
    found, bits = together(made, code, matrix, order, edges, most)
    np.testing.assert_array_equal(bits, alone(made, code, matrix))
    assert len(found.code) <= len(code)


def genome_of(entry, leave):
    return Genome(family="t", entry_long=parse_condition(entry), exit_long=parse_condition(leave))


CROSS, NEAR = "ema(5) crosses_above close", "abs(ema(5) - close) < 3 * 2 + ema(7)"
TWO = [genome_of(CROSS, NEAR), genome_of(NEAR, f"{CROSS} and not (close > 2)")]


def lengths(found):
    return np.diff(found.offsets).tolist()


def test_what_a_neighbour_has_computed_is_not_computed_again_nor_the_numbers_it_needed():
    made, code, _ = programs_of(TWO)
    whole_first, second = lengths(shared(made, code, np.arange(2), np.array([0])))
    assert whole_first == made.offsets[1]
    # close > 2, which needs the constant; its negation, and both together
    assert second == 4


@pytest.mark.parametrize(("edges", "most"), [([0, 1], 4_096), ([0], 1)])
def test_crowds_share_nothing_and_what_is_forgotten_is_computed_anew(edges, most):
    made, code, _ = programs_of(TWO)
    found = shared(made, code, np.arange(2), np.array(edges), most)
    assert lengths(found) == np.diff(made.offsets).tolist()


def test_registers_are_bounded_by_what_may_be_kept_and_by_one_genome():
    many = [genome_of(f"close > {i} and close > open", f"close < {i}") for i in range(200)]
    made, code, _ = programs_of(many)
    longest = int(np.diff(made.offsets).max())
    assert shared(made, code, np.arange(200), np.array([0])).n_conditions > 400
    assert shared(made, code, np.arange(200), np.array([0]), 50).n_conditions <= 50 + longest
