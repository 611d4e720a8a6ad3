"""Rows of the published table: nothing about nothing, and what belongs together is one row."""

import math

import pytest

from organism.chaos.catalogue import CATALOGUE
from organism.chaos.outcome import Losses, Outcome, merged, percentile
from organism.errors import BadInput


def test_the_catalogue_has_every_fault_once():
    ids = [fault.id for fault in CATALOGUE]
    assert len(ids) == len(set(ids)) == 111
    assert all(fault.what and fault.promise for fault in CATALOGUE)


def test_a_fault_nobody_knows_is_refused():
    with pytest.raises(BadInput, match="'Z9'"):
        Outcome("Z9", "process", 1, 1)


@pytest.mark.parametrize(("tried", "seen"), [(1, 2), (0, 1), (3, -1)])
def test_nothing_is_seen_more_often_than_tried(tried, seen):
    with pytest.raises(BadInput, match="A1"):
        Outcome("A1", "process", tried, seen)


def test_rows_of_one_fault_tried_in_one_way_are_added_up():
    one = Outcome("A1", "process", 3, 2, Losses(lost=1), (0.1,), (0.5,), (1, 2), "a")
    two = Outcome("A1", "process", 2, 2, Losses(duplicate=2), (0.3,), (), (3,), "a")
    other = Outcome("A1", "simulation", 1, 1)
    assert merged([one, other, two]) == (
        Outcome("A1", "process", 5, 4, Losses(1, 2), (0.1, 0.3), (0.5,), (1, 2, 3), "a"),
        other,
    )


def test_what_never_happened_proves_nothing():
    assert Outcome("A1", "process", 3, 0).vacuous
    assert not Outcome("A1", "process", 3, 1).vacuous


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 2.0), (0.99, 4.0), (0.25, 1.0), (0.0, 1.0), (1.0, 4.0)]
)
def test_a_percentile_is_one_of_the_values(share, expected):
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == expected


def test_the_percentile_of_nothing_is_unknown():
    assert math.isnan(percentile([], 0.5))
