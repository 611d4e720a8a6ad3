"""Fitness, chromosome and size of the learned seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.genome import Genome
from genome.learned import FEATURES, LEARNED, Risk, walk
from genome.learned.chromosome import (
    PTQ_BITS,
    PTQ_FIELDS,
    SVC_BITS,
    SVC_FIELDS,
    decode,
    encode,
    mutated,
)
from genome.learned.fitness import (
    COMBINED_WEIGHTS,
    PTQ_WEIGHTS,
    SVC_WEIGHTS,
    combined_fitness,
    ptq_fitness,
    ptq_parts,
    svc_fitness,
    svc_parts,
)
from genome.learned.genes import settings
from genome.learned.sizing import size
from organism.errors import BadInput
from tests.genome.learned.planted import random_walk, told

SHORT = (("band", 0.001), ("horizon", 1.0), ("refit", 200.0), ("window", 300.0))
MARKET, KNOWN = told(1_000)
NOISE, NOISY = random_walk(1_000), np.random.default_rng(2).standard_normal((1_000, len(FEATURES)))
SVC, PTQ = (Genome(family=family, genes=SHORT) for family in LEARNED)
GOOD = walk(SVC, MARKET, known=KNOWN), walk(PTQ, MARKET, known=KNOWN)
POOR = walk(SVC, NOISE, known=NOISY), walk(PTQ, NOISE, known=NOISY)


@pytest.mark.requirement("S4-25.3", "S4-25.7", "S4-25.11")
def test_the_weights_are_the_stated_ones():
    assert list(SVC_WEIGHTS.values()) == [0.30, 0.25, 0.20, 0.15, 0.10]
    assert list(PTQ_WEIGHTS.values()) == [0.25, 0.20, 0.20, 0.15, 0.10, 0.10]
    assert list(COMBINED_WEIGHTS.values()) == [0.35, 0.35, 0.20, 0.10]
    for weights in (SVC_WEIGHTS, PTQ_WEIGHTS, COMBINED_WEIGHTS):
        assert sum(weights.values()) == pytest.approx(1.0)


@pytest.mark.requirement("S4-25.3", "S4-25.7")
def test_a_planted_signal_is_fitter_than_noise():
    assert svc_fitness(GOOD[0]) > svc_fitness(POOR[0]) + 0.2
    assert ptq_fitness(GOOD[1]) > ptq_fitness(POOR[1]) + 0.1
    assert combined_fitness(*GOOD) > combined_fitness(*POOR) + 0.1


def test_every_part_is_a_share():
    for svc, ptq in (GOOD, POOR):
        parts = {**svc_parts(svc), **ptq_parts(ptq)}
        assert all(0.0 <= value <= 1.0 for value in parts.values()), parts
        assert set(svc_parts(svc)) == set(SVC_WEIGHTS)
        assert set(ptq_parts(ptq)) == set(PTQ_WEIGHTS)


@pytest.mark.requirement("S4-24.17")
def test_a_walk_that_never_spoke_is_worth_nothing():
    short, known = told(300)
    assert svc_fitness(walk(SVC, short, known=known)) == 0.0
    assert ptq_fitness(walk(PTQ, short, known=known)) == 0.0


@pytest.mark.requirement("S4-25.9")
def test_the_chromosome_has_32_and_48_bits():
    assert sum(SVC_FIELDS.values()) == SVC_BITS == 32
    assert sum(PTQ_FIELDS.values()) == PTQ_BITS == 48


@pytest.mark.requirement("S4-25.9", "S4-25.1", "S4-25.5")
@given(st.integers(0, 2**80 - 1))
def test_every_chromosome_is_a_valid_pair_and_reads_back(bits):
    svc, ptq = decode(bits)
    for family, genes in (("linear_svc", svc), ("pca_tree_quantile", ptq)):
        settings(Genome(family=family, genes=genes))  # checks every bound
    assert decode(encode(svc, ptq)) == (svc, ptq)


def test_the_ends_of_the_chromosome_are_the_bounds_of_breeding():
    low, high = decode(0), decode(2**80 - 1)
    assert dict(low[0])["C"] == pytest.approx(0.001)
    assert dict(high[0])["C"] == pytest.approx(1_000.0)
    assert (dict(low[1])["max_depth"], dict(high[1])["max_depth"]) == (3.0, 20.0)
    assert (dict(low[1])["variance"], dict(high[1])["variance"]) == pytest.approx((0.80, 0.99))
    for outside in (-1, 2**80):
        with pytest.raises(BadInput, match="it has 80 bits"):
            decode(outside)


@pytest.mark.requirement("S4-25.9")
def test_bits_flip_at_their_rates():
    rng = np.random.default_rng(0)
    flips = [mutated(0, rng) for _ in range(4_000)]
    svc = sum((bits >> PTQ_BITS).bit_count() for bits in flips) / (4_000 * SVC_BITS)
    ptq = sum((bits & (2**PTQ_BITS - 1)).bit_count() for bits in flips) / (4_000 * PTQ_BITS)
    assert svc == pytest.approx(0.05, abs=0.003)
    assert ptq == pytest.approx(0.03, abs=0.002)
    assert mutated(5, np.random.default_rng(9)) == mutated(5, np.random.default_rng(9))


def risk(expected, down, up):
    return Risk(expected, down, up, 0.0, up - down)


@pytest.mark.requirement("S4-25.12")
def test_the_adverse_quantile_costs_what_is_risked():
    """Downside 5 %, upside 15 %: three quarters of the interval lie above. 1 % risked: 0.75 · 0.01 / 0.05 = 0.15."""
    assert size(risk(0.03, -0.05, 0.15), most=1.0) == pytest.approx(0.15)
    assert size(risk(-0.03, -0.15, 0.05), most=1.0) == pytest.approx(-0.15)
    assert size(risk(0.03, -0.10, 0.15), most=1.0) == pytest.approx(0.6 * 0.1)
    assert size(risk(0.03, -0.001, 0.15)) == 0.15  # the cap


@pytest.mark.requirement("S4-25.12")
@given(st.floats(allow_nan=True), st.floats(-1, 1), st.floats(-1, 1))
def test_a_size_never_passes_the_cap_and_nan_is_nothing(expected, a, b):
    got = size(risk(expected, min(a, b), max(a, b)))
    assert abs(got) <= 0.15
    assert got == 0.0 or math.copysign(1.0, got) == math.copysign(1.0, expected)
    assert size(risk(math.nan, -0.1, 0.1)) == size(risk(0.1, math.nan, 0.1)) == 0.0
