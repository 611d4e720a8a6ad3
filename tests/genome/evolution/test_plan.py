"""A plan that cannot be meant is refused in one sentence; random numbers have a purpose."""

import numpy as np
import pytest

from genome.evolution.plan import FOUNDING, PARENTS, Plan
from organism.errors import BadInput


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"population": 0}, "population of evolution was 0"),
        ({"population": -5}, "population of evolution was -5"),
        ({"population": 10**9}, "population of evolution was 1000000000"),
        ({"population": 10.5}, "population of evolution was 10.5"),
        ({"population": True}, "population of evolution was True"),
        ({"generations": -1}, "generations of evolution was -1"),
        ({"population": 100_000, "generations": 1_000}, "more than 10,000,000 evaluations"),
        ({"islands": 0}, "islands of evolution was 0"),
        ({"islands": 150}, "are 1 each; an island needs 2"),
        ({"seed": -1}, "seed of evolution was -1"),
        ({"crossover": 0.9}, "together they are at most 1"),
        ({"crossover": float("nan")}, "crossover of evolution was nan"),
        ({"correlation": 1.5}, "correlation of evolution was 1.5"),
        ({"tournament": 0}, "tournament of evolution was 0"),
        ({"elites": 51}, "51 elites and 2 migrants were asked of islands of 50"),
        ({"migrants": 51}, "4 elites and 51 migrants"),
        ({"novelty": 0.7, "newcomers": 0.5}, "together are at most 1"),
        ({"oldest": 0}, "oldest of evolution was 0"),
        ({"hall": 0}, "hall of evolution was 0"),
        ({"reference": (0.0, 0.0, float("inf"), 0.0)}, "give 4 finite numbers"),
    ],
)
def test_nonsense_is_refused(given, sentence):
    with pytest.raises(BadInput, match=sentence.replace("(", r"\(")):
        Plan(**given)


def test_islands_share_the_population_evenly():
    assert Plan(population=10, islands=3, elites=1).sizes == (4, 3, 3)


def test_each_purpose_generation_and_island_has_numbers_of_its_own():
    plan = Plan(seed=7)
    drawn = [
        plan.generator(purpose, generation, island).random()
        for purpose in (FOUNDING, PARENTS) for generation in range(4) for island in range(3)
    ]  # fmt: skip
    assert len(set(drawn)) == len(drawn)
    assert plan.generator(PARENTS, 2, 1).random() == plan.generator(PARENTS, 2, 1).random()
    assert Plan(seed=8).generator(PARENTS, 2, 1).random() != plan.generator(PARENTS, 2, 1).random()
    assert isinstance(plan.generator(PARENTS, 0, 0), np.random.Generator)
