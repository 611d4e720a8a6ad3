"""The published table: what was tried, what was lost, and what nobody tried."""

import pytest

from organism.chaos.catalogue import CATALOGUE
from organism.chaos.outcome import Losses, Outcome
from organism.cli.benches.chaos import Counts, bench, held, lines, report
from organism.errors import BadInput

ROWS = [
    Outcome(
        "A10", "process", 3, 3, detection_s=(0.01, 0.02, 0.5), recovery_s=(1.0, 2.0, 3.0), note="the body"
    ),
    Outcome("A1", "simulation", 50, 40),
]


def test_what_was_tried_and_what_was_not_make_the_whole_catalogue():
    found = report(ROWS, {"power cuts": "no apsw"})
    assert held(found)
    assert len(found["not_covered"]) == len(CATALOGUE) - 2
    text = "\n".join(lines(found))
    assert "0.02 / 0.50" in text
    assert "2.00 / 3.00" in text
    assert "skipped: power cuts: no apsw" in text
    assert "B1 power cut" in text


@pytest.mark.parametrize("name", ["lost", "duplicate", "phantom", "untracked", "breaches"])
def test_one_loss_of_any_kind_fails_the_whole(name):
    assert not held(report([*ROWS, Outcome("A12", "process", 1, 1, Losses(**{name: 1}))], {}))


def test_a_fault_that_was_never_seen_fails_the_whole():
    found = report([*ROWS, Outcome("A12", "process", 5, 0)], {})
    assert found["never_seen"] == ["A12"]
    assert not held(found)


def test_a_fault_that_no_seed_drew_is_not_covered_and_fails_nothing():
    found = report([*ROWS, Outcome("B2", "simulation", 0, 0)], {})
    assert held(found)
    assert any(text.startswith("B2 ") for text in found["not_covered"])


def test_a_campaign_that_is_left_out_is_named_with_the_reason():
    found = bench(Counts(0, 0, 0), lambda _: None)
    assert set(found["skipped"]) == {"processes", "simulation by seed", "bad lines", "power cuts"}
    assert found["faults"] == []


def test_counts_below_zero_are_refused():
    with pytest.raises(BadInput, match="--kills"):
        bench(Counts(-1, 0, 0), lambda _: None)
