"""What is searched: names, bounds and scales of a family's parameters, and how nonsense is refused."""

import numpy as np
import pytest

from genome.checking import check
from genome.seeds import SEEDS, seed
from genome.tuning.parameters import Parameter
from genome.tuning.space import bounds_of, space_of, steps_of
from organism.errors import BadInput
from tests.genome.tuning.worlds import averaging, threshold

TUNABLE = [name for name, one in SEEDS.items() if not one.learns]


@pytest.mark.parametrize("name", TUNABLE)
def test_every_point_of_every_seed_is_a_genome_that_engines_can_run(name):
    space = space_of(seed(name))
    rng = np.random.default_rng(3)
    units = np.vstack(
        [np.zeros(len(space.names)), np.ones(len(space.names)), rng.random((20, len(space.names)))]
    )
    for genome in space.genomes(space.decoded(units)):
        check(genome)
        assert genome.conditions == seed(name).conditions


@pytest.mark.parametrize("name", TUNABLE)
def test_the_textbook_is_a_point_and_survives_the_way_to_units_and_back(name):
    space = space_of(seed(name))
    there = space.decoded(space.encoded(space.default[None]))[0]
    assert np.allclose(there, space.default, rtol=1e-9)


def test_bounds_narrow_and_a_gene_that_is_off_is_switched_on_by_one():
    space = space_of(seed("ema_crossover"), bounds_of(["fast=5:50", "stop=0.02:0.1"]))
    fast, slow, stop = space.parameters
    assert (fast.low, fast.high, fast.integer, fast.log) == (5, 50, True, True)
    assert (slow.low, slow.high) == (5, 200)
    assert (stop.name, stop.low, stop.high, stop.integer) == ("stop", 0.02, 0.1, False)
    assert dict(space.genome_at([7, 30, 0.05]).genes) == {"fast": 7.0, "slow": 30.0, "stop": 0.05}


def test_a_parameter_that_is_held_is_not_searched_unless_it_is_bounded():
    held = space_of(seed("ema_crossover", fast=12), held=["fast"])
    assert held.names == ("slow",)
    assert dict(held.genome_at([30]).genes)["fast"] == 12.0
    assert space_of(seed("ema_crossover"), bounds_of(["fast=5:9"]), held=["fast"]).names == ("fast", "slow")


def test_a_choice_is_held_unless_it_is_bounded_by_name():
    assert "anchor" not in space_of(seed("vwap_reversion")).names
    space = space_of(seed("vwap_reversion"), bounds_of(["anchor=day:month"]))
    (anchor,) = (p for p in space.parameters if p.name == "anchor")
    assert [anchor.text(v) for v in anchor.levels(10)] == ["day", "week", "month"]


def test_constants_nobody_described_lie_around_their_value_and_are_whole_where_a_word_wants_that():
    edge, span = space_of(averaging()).parameters
    assert (edge.low, edge.high, edge.integer) == (0.505, 2.02, False)
    assert (span.low, span.high, span.integer) == (10, 40, True)


def test_values_are_whole_stepped_or_rounded_and_never_beyond_their_bounds():
    whole = Parameter("fast", 2, 100, 12, integer=True, log=True)
    stepped = Parameter("slow", 20, 47, 26, integer=True, step=5)
    real = Parameter("stop", 0.0123456, 0.1, 0.05, log=True)
    units = np.linspace(-0.2, 1.2, 400)
    assert set(whole.decoded(units)) <= set(range(2, 101))
    assert sorted(set(stepped.decoded(units))) == [20, 25, 30, 35, 40, 45]
    values = real.decoded(units)
    assert values.min() == 0.0123456
    assert values.max() == 0.1
    assert all(
        len(f"{v:.10f}".rstrip("0").lstrip("0.")) <= 4 for v in values[(values > 0.0124) & (values < 0.1)]
    )
    assert (np.diff(values) >= 0).all()


def test_levels_hold_each_value_once_rising_and_as_few_as_asked():
    whole = Parameter("fast", 2, 6, 3, integer=True)
    assert whole.levels(100).tolist() == [2, 3, 4, 5, 6]
    assert whole.levels(3).tolist() == [2, 4, 6]
    assert Parameter("x", 0.0, 1.0, 0.5, step=0.25).levels(2).tolist() == [0, 0.25, 0.5, 0.75, 1.0]


def test_the_longest_lookback_is_that_of_the_upper_bounds():
    assert space_of(seed("sma_trend")).lookback(3_600) == 199
    assert space_of(seed("sma_trend"), bounds_of(["slow=20:50", "fast=2:10"])).lookback(3_600) == 49


@pytest.mark.parametrize(
    ("bounds", "steps", "says"),
    [
        (["fats=5:50"], [], "Did you mean 'fast'"),
        (["fast=50:5"], [], "rise from low to high; was 50:5"),
        (["fast=5:5"], [], "--param fast=VALUE"),
        (["fast=5"], [], "--bound wants NAME=LOW:HIGH"),
        (["fast=five:9"], [], "is a number; was 'five'"),
        (["fast=5:9", "fast=5:9"], [], "twice"),
        (["fast=2.5:9"], [], "whole numbers only; was bounded by 2.5:9"),
        (["stop=0.5:0.9"], [], "'stop' lies between 0.01 and 0.15; was bounded by 0.5:0.9"),
        (["fast=nan:9"], [], "lies between|rise from low"),
        ([], ["fast=0"], "positive step"),
        ([], ["fast=1.5"], "its step is one; was 1.5"),
        ([], ["fast=500"], "at most 98"),
        ([], ["stop=0.1"], "--step names 'stop'"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_sentence(bounds, steps, says):
    with pytest.raises(BadInput, match=says) as refused:
        space_of(seed("ema_crossover"), bounds_of(bounds), steps_of(steps))
    assert "\n" not in str(refused.value)


def test_a_family_that_learns_and_one_with_nothing_left_are_refused():
    with pytest.raises(BadInput, match="linear_svc learns its own parameters"):
        space_of(seed("linear_svc"))
    with pytest.raises(BadInput, match="no parameter left to search"):
        space_of(seed("ema_crossover"), held=["fast", "slow"])
    with pytest.raises(BadInput, match=r"nothing is known of the constant 'cut'.*--bound cut=LOW:HIGH"):
        space_of(threshold(0.0))
