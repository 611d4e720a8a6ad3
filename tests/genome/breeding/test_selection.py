"""Selection: what the definitions say, slowly, and what NSGA-II says, are the same."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genome.breeding.selection import front, hypervolume, lonelier, standing, tournament
from organism.errors import BadInput

NAN, INF = float("nan"), float("inf")
# Few different values, so that ties and equal individuals are common.
VALUES = arrays(
    np.float64,
    st.tuples(st.integers(1, 24), st.integers(1, 4)),
    elements=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)


def dominates(values, broken, a, b):
    if broken[a] or broken[b]:
        return broken[a] < broken[b]
    return all(values[a] >= values[b]) and any(values[a] > values[b])


def peeled(values, broken):
    """Fronts by their definition: take away who nobody dominates, again and again."""
    left, ranks, front = set(range(len(values))), {}, 0
    while left:
        best = {i for i in left if not any(dominates(values, broken, j, i) for j in left)}
        ranks |= dict.fromkeys(best, front)
        left -= best
        front += 1
    return [ranks[i] for i in range(len(values))]


@given(VALUES, st.data())
def test_fronts_are_what_is_left_undominated(values, data):
    broken = data.draw(arrays(np.float64, len(values), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0])))
    assert standing(values, broken).ranks.tolist() == peeled(values, broken)


@given(VALUES, st.data())
def test_the_best_front_alone_is_that_of_all_and_stands_in_the_same_order(values, data):
    broken = data.draw(arrays(np.float64, len(values), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0])))
    assert front(values, broken).tolist() == standing(values, broken).front.tolist()
    best = values[front(values)]
    assert lonelier(best).tolist() == standing(best).order.tolist()


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_the_list_ranks_nobody(values, random):
    places = list(range(len(values)))
    random.shuffle(places)
    assert standing(values[places]).ranks.tolist() == standing(values).ranks[places].tolist()


def test_crowding_is_the_room_to_both_neighbours():
    # A front of four in two objectives: 0-4, 1-3, 3-1, 4-0; extents 4 and 4.
    found = standing(np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]]))
    assert found.ranks.tolist() == [0, 0, 0, 0]
    assert found.crowding.tolist() == [INF, 3 / 4 + 3 / 4, 3 / 4 + 3 / 4, INF]


def test_the_better_front_goes_first_and_on_it_the_lonelier():
    points = np.array([[1.0, 1.0], [0.0, 4.0], [1.5, 2.9], [1.0, 3.0], [4.0, 0.0]])
    assert standing(points).order.tolist() == [1, 4, 2, 3, 0]


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_no_number_is_better_than_nobody(bad):
    points, broken = np.array([[9.0, bad], [0.0, 0.0], [1.0, 0.0]]), np.array([0.0, 5.0, 0.0])
    assert standing(points, broken).order.tolist() == [2, 1, 0]


def test_whoever_breaks_constraints_less_is_better_whatever_the_objectives():
    points = np.array([[9.0], [5.0], [1.0]])
    assert standing(points, np.array([2.0, 1.0, 0.0])).ranks.tolist() == [2, 1, 0]


@pytest.mark.parametrize("broken", [[0.0], [0.0, -1.0], [NAN, 0.0]])
def test_violations_that_are_none_are_refused(broken):
    with pytest.raises(BadInput, match="violations are 2 numbers"):
        standing(np.zeros((2, 1)), np.array(broken))


def test_of_two_drawn_the_better_is_a_parent():
    found = standing(np.array([[3.0], [2.0], [1.0]]))
    chosen = tournament(found, 30_000, np.random.default_rng(1))
    # Of two independent draws the best of three wins 5 times of 9, the second 3, the last 1.
    shares = np.bincount(chosen, minlength=3) / chosen.size
    assert shares == pytest.approx([5 / 9, 3 / 9, 1 / 9], abs=0.015)
    assert (
        tournament(found, 50, np.random.default_rng(2)).tolist()
        == tournament(found, 50, np.random.default_rng(2)).tolist()
    )


def test_an_empty_population_has_no_parents():
    with pytest.raises(BadInput, match="begin with founders"):
        tournament(standing(np.empty((0, 2))), 1, np.random.default_rng(0))


def by_inclusion(points):
    """Volume of a union of boxes from the origin: inclusion and exclusion."""
    total = 0.0
    for k in range(1, len(points) + 1):
        for some in itertools.combinations(points, k):
            total += (-1) ** (k + 1) * float(np.prod(np.min(some, axis=0)))
    return total


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 7), st.integers(1, 4)),
        elements=st.sampled_from([0.25, 0.5, 1.0, 1.5, 3.0]),
    )
)
def test_a_hypervolume_is_that_of_the_union_of_boxes(points):
    reference = np.full(points.shape[1], -1.0)
    assert hypervolume(points - 1.0, reference) == pytest.approx(by_inclusion(points), rel=1e-12)


def test_what_does_not_exceed_the_reference_counts_for_nothing():
    points = np.array([[1.0, 1.0], [5.0, 0.0], [-1.0, 9.0], [NAN, 3.0], [INF, 3.0]])
    assert hypervolume(points, np.zeros(2)) == 1.0
    assert hypervolume(np.empty((0, 3)), np.zeros(3)) == 0.0


def test_a_hypervolume_of_five_objectives_is_refused():
    with pytest.raises(BadInput, match="1 to 4 objectives"):
        hypervolume(np.ones((2, 5)), np.zeros(5))
