"""A flock is its genomes, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.breeding.flat import GENE_INDEX, flock_of, genome_of, genomes_of, joined
from genome.checking import bound
from genome.genes import GENES
from genome.genome import Genome
from genome.grammar import parse_condition
from organism.errors import BadInput
from tests.genome.random_trees import genomes


def without_names(genome):
    """The same with numbers for names, and without the names."""
    kept = tuple((name, value) for name, value in genome.genes if name in GENES)
    plain = bound(genome)
    return Genome(family=genome.family, generation=genome.generation, genes=kept, **plain.conditions)


@given(st.lists(genomes(depth=3, timeframes=True, nested=2), min_size=1, max_size=5))
def test_what_goes_into_a_flock_comes_out_of_it(some):
    flock = flock_of(some)
    out = [genome_of(flock, i, genome.family, genome.generation) for i, genome in enumerate(some)]
    assert out == [without_names(genome) for genome in some]
    assert flock_of(out).same(flock)


@given(st.lists(genomes(timeframes=True), min_size=1, max_size=5), st.data())
def test_a_flock_is_taken_apart_and_joined(some, data):
    flock = flock_of(some)
    which = data.draw(st.lists(st.integers(0, len(some) - 1), max_size=7))
    assert flock.take(which).same(flock_of([some[i] for i in which]))
    at = data.draw(st.integers(0, len(some)))
    assert joined([flock.take(range(at)), flock.take(range(at, len(some)))]).same(flock)


def test_a_gene_that_is_absent_is_nan():
    genome = Genome(family="t", entry_long=parse_condition("close > open"), genes=(("stop", 0.05),))
    row = flock_of([genome]).genes[0]
    assert row[GENE_INDEX["stop"]] == 0.05
    assert np.isnan(np.delete(row, GENE_INDEX["stop"])).all()


def test_a_genome_without_conditions_is_refused():
    with pytest.raises(BadInput, match="'ema_trend' has no conditions"):
        flock_of([Genome(family="ema_trend")])


def test_a_genome_that_is_not_there_is_named():
    flock = flock_of([Genome(family="t", entry_long=parse_condition("close > open"))])
    assert [genome.family for genome in genomes_of(flock, "u", 3)] == ["u"]
    with pytest.raises(BadInput, match="a flock of 1 has no genome 1"):
        genome_of(flock, 1, "t")
    with pytest.raises(BadInput, match="a flock of 1 has no genome"):
        flock.take([0, 4])
    with pytest.raises(BadInput, match="no flock was given"):
        joined([])
