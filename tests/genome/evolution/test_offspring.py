"""The newborn: none that is there already, each as old as its oldest ancestor, and newcomers where members are few."""

from dataclasses import replace

import numpy as np

from genome.breeding.growing import ramped
from genome.breeding.variation import Operator
from genome.evolution.keys import as_bytes, keys
from genome.evolution.members import Members, Worth, nobody
from genome.evolution.offspring import bred
from genome.evolution.plan import Plan
from tests.genome.evolution.worlds import WORDS

PLAN = Plan(population=60, islands=1, newcomers=0.0, seed=3)


def members(n, seed=1):
    flock = ramped(n, np.random.default_rng(seed), WORDS)
    worth = Worth(np.zeros((n, 4)), np.zeros(n), np.zeros(n), np.zeros((n, 5), np.int16))
    return Members(flock, keys(flock).whole, worth, np.zeros(n, np.int64), np.arange(n) % 7)


def test_a_child_is_as_old_as_the_older_of_its_parents():
    parents = members(60)
    newborn = bred(parents, PLAN, 9, 0, WORDS)
    ancestry = newborn.ancestry
    mothers, fathers = parents.lineage[ancestry.mother], parents.lineage[ancestry.father]
    crossed = ancestry.father >= 0
    assert (ancestry.mother >= 0).all()
    assert (mothers != fathers)[crossed].any()
    np.testing.assert_array_equal(newborn.lineage, np.where(crossed, np.minimum(mothers, fathers), mothers))


def test_nobody_is_born_whom_a_member_or_another_child_is_already():
    parents = members(60)
    still = replace(PLAN, crossover=0.3, subtree=0.0, point=0.0, constant=0.1, genes=0.0, switching=0.0)
    newborn = bred(parents, still, 9, 0, WORDS)
    made = as_bytes(newborn.keys)
    assert newborn.duplicates > 20  # most children are their mothers
    assert len(made) == len(set(made)) == 60
    assert not set(made) & set(as_bytes(parents.keys))
    newcomers = newborn.ancestry.mother < 0
    assert newcomers.any()
    assert (newborn.lineage[newcomers] == 9).all()
    assert (newborn.ancestry.operator[newcomers] == Operator.NONE).all()


def test_places_that_members_left_empty_are_filled_by_newcomers():
    few = bred(members(15), PLAN, 2, 0, WORDS)
    assert len(few) == 60
    assert (few.ancestry.mother < 0).sum() >= 45
    none = bred(nobody(5), PLAN, 2, 0, WORDS)
    assert len(none) == 60
    assert (none.ancestry.mother < 0).all()


def test_better_members_have_more_children():
    parents = members(60)
    mothers = bred(parents, replace(PLAN, tournament=4), 2, 0, WORDS).ancestry.mother
    assert (mothers[mothers >= 0] < 20).mean() > 0.6  # (1 − (2/3)⁴) is 0.8
    plain = bred(parents, replace(PLAN, tournament=1), 2, 0, WORDS).ancestry.mother
    assert (plain[plain >= 0] < 20).mean() < 0.55
