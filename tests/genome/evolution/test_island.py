"""Who stays: the better, the smaller of equals, the novel; nobody for ever, and no two alike."""

import numpy as np
import pytest

from genome.breeding.growing import ramped
from genome.evolution.distinct import behaviours, correlations
from genome.evolution.island import migrated, stepped, survivors
from genome.evolution.keys import as_bytes, keys
from genome.evolution.members import Members, Worth, nobody
from genome.evolution.plan import Plan
from tests.genome.evolution.worlds import WORDS, same_members

DAYS = 60
PLAN = Plan(population=10, islands=1, elites=2, novelty=0.0, migrants=2, parsimony=0.0, oldest=5)
NOTHING_KNOWN = np.zeros((0, DAYS), np.int16)


def members(n, seed=1, born=0, lineage=None, returns=None, **worth):
    """Members of random worth, the best first in their first objective."""
    rng = np.random.default_rng(seed)
    flock = ramped(n, rng, WORDS)
    values = np.sort(rng.normal(size=(n, 4)), axis=0)[::-1]
    shapes = behaviours(rng.normal(size=(n, DAYS)) if returns is None else returns)
    given = {
        "values": np.ascontiguousarray(values),
        "violations": np.zeros(n),
        "trades": np.full(n, 50.0),
    } | worth
    ages = np.full(n, born, np.int64)
    return Members(
        flock, keys(flock).whole, Worth(shapes=shapes, **given), ages, ages if lineage is None else lineage
    )


def test_the_best_of_members_and_newborn_stay_in_their_order():
    old, new = members(10, 1), members(10, 2)
    selection = survivors(old, new, PLAN, 1, 0, NOTHING_KNOWN)
    every = np.concatenate([old.worth.values, new.worth.values])
    assert len(selection.members) == 10
    assert selection.members.worth.values[0].max() == every.max()
    origins = selection.origins
    for place, origin in enumerate(origins.tolist()):
        whose = new.take(np.array([origin])) if origin >= 0 else old.take(np.array([-1 - origin]))
        assert as_bytes(whose.keys) == [as_bytes(selection.members.keys)[place]]


def test_who_breaks_a_constraint_goes_before_whoever_is_merely_bad():
    broken = np.array([0.5, 0.2, 0.0, 0.0] + [1.0] * 6)
    old = members(10, 1, violations=broken)
    new = members(10, 2, violations=np.full(10, np.inf))
    stayed = survivors(old, new, PLAN, 1, 0, NOTHING_KNOWN).members
    assert stayed.worth.violations.tolist() == sorted(broken.tolist())


def test_nobody_stays_who_behaves_like_a_better_one():
    rng = np.random.default_rng(5)
    base = rng.normal(size=(4, DAYS))
    returns = base[np.arange(20) % 4] + 0.01 * rng.normal(size=(20, DAYS))
    selection = survivors(
        members(10, 1, returns=returns[:10]), members(10, 2, returns=returns[10:]), PLAN, 1, 0, NOTHING_KNOWN
    )
    shapes = selection.members.worth.shapes
    assert len(shapes) == 4
    assert np.triu(correlations(shapes, shapes), 1).max() <= PLAN.correlation
    assert selection.alike == 16


def test_of_two_equal_genomes_the_smaller_stays():
    one = np.tile([1.0, 0.5, -0.1, -5.0], (8, 1))
    returns = np.random.default_rng(1).normal(size=(1, DAYS)).repeat(8, axis=0)
    born = members(8, 3, values=one, returns=returns)
    stayed = survivors(nobody(DAYS), born, PLAN, 1, 0, NOTHING_KNOWN).members
    assert stayed.sizes.tolist() == [born.sizes.min()]


def test_within_a_step_of_the_objectives_two_count_as_equal():
    values = np.random.default_rng(2).normal(size=(50, 4))
    found = stepped(values, np.zeros(50), 0.1)
    low, high = np.percentile(values, (25, 75), axis=0)
    assert np.abs(found - values).max() <= 0.05 * (high - low).max() + 1e-12
    assert len(np.unique(found[:, 0])) < 50
    assert stepped(values, np.zeros(50), 0.0) is values
    assert stepped(values, np.ones(50), 0.1) is values
    still = np.ones((50, 4))
    np.testing.assert_array_equal(stepped(still, np.zeros(50), 0.1), still)


def test_of_equals_of_one_size_the_younger_lineage_stays():
    one = members(1, 4, values=np.ones((1, 4)))
    twin = Members(one.flock, one.keys + np.uint64(1), one.worth, one.born, one.lineage + 3)
    for first, second in ((one, twin), (twin, one)):
        stayed = survivors(first, second, PLAN, 1, 0, NOTHING_KNOWN).members
        assert stayed.lineage.tolist() == [3]


def test_members_die_of_age_except_an_elite():
    old = members(10, 1, born=0)
    young = members(10, 2, born=6, values=np.full((10, 4), -9.0) - np.arange(10)[:, None])
    at_limit = survivors(old, young, PLAN, 5, 0, NOTHING_KNOWN)
    assert at_limit.aged == 0
    assert (at_limit.members.born == 0).all()
    beyond = survivors(old, young, PLAN, 6, 0, NOTHING_KNOWN)
    assert beyond.aged == 8
    assert (beyond.members.born == 0).sum() == 2
    assert len(beyond.members) == 10


def test_novelty_gives_places_to_whoever_behaves_like_nobody():
    rng = np.random.default_rng(8)
    crowd = rng.normal(size=DAYS) + 0.6 * rng.normal(size=(20, DAYS))
    strange = rng.normal(size=DAYS)
    values = np.full((20, 4), 1.0) * np.arange(20, 0, -1)[:, None]
    returns = np.concatenate([crowd[:19], strange[None]])
    plan = Plan(population=10, islands=1, elites=2, novelty=0.2, parsimony=0.0)
    born = members(20, 1, values=values, returns=returns)
    with_room = survivors(nobody(DAYS), born, plan, 1, 0, NOTHING_KNOWN)
    without = survivors(nobody(DAYS), born, PLAN, 1, 0, NOTHING_KNOWN)
    assert 19 in with_room.origins
    assert 19 not in without.origins
    assert len(with_room.novel) == 2
    assert with_room.members.worth.values[-1, 0] == values[19, 0]
    known = survivors(nobody(DAYS), born, plan, 1, 0, np.repeat(born.worth.shapes[[19]], 20, axis=0))
    assert 19 not in known.origins


def test_who_breaks_a_constraint_is_not_novel():
    broken = np.array([0.0] * 9 + [1.0])
    plan = Plan(population=8, islands=1, elites=2, novelty=0.5)
    selection = survivors(nobody(DAYS), members(10, 1, violations=broken), plan, 1, 0, NOTHING_KNOWN)
    assert 9 not in selection.origins
    assert len(selection.members) == 8


def test_migrants_go_round_the_ring_and_take_the_last_places():
    plan = Plan(population=12, islands=3, elites=1, migrants=1)
    before = tuple(members(4, seed) for seed in (1, 2, 3))
    after, arrived = migrated(before, plan)
    assert arrived == 3
    for i in range(3):
        here, guest = as_bytes(after[i].keys), as_bytes(before[i - 1].keys)[0]
        assert guest in here
        assert set(here) - {guest} == set(as_bytes(before[i].keys)[:3])
        assert len(here) == 4
    again, more = migrated((before[0], before[0], before[0]), plan)
    assert more == 0
    assert all(same_members(a, b) or set(as_bytes(a.keys)) == set(as_bytes(b.keys)) for a, b in zip(again, (before[0],) * 3, strict=True))  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_an_island_never_outgrows_its_size(seed):
    rng = np.random.default_rng(seed)
    broken = rng.choice([0.0, 0.0, 0.4, np.inf], 30)
    plan = Plan(population=10, islands=1, elites=3, novelty=0.3)
    selection = survivors(
        members(10, seed, violations=broken[:10]),
        members(20, seed + 50, violations=broken[10:]),
        plan,
        1,
        0,
        NOTHING_KNOWN,
    )
    assert len(selection.members) == 10
    assert len(set(as_bytes(selection.members.keys))) == 10
