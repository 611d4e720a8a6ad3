"""What the page says of breeding, in each of its states."""

import pytest

from dashboard import evolution
from dashboard.glimpse import Glimpse
from organism.view.evolution import NOT_FUNDED, SILENT_S
from tests.dashboard.living import bred

SILENT = "The breeder has said nothing for minutes; the machine may be too busy for it. Trading goes on without it."


def told(phase, *, generation=None, alive=True, **live):
    state = {"breeding": {"phase": phase, "silent_s": 1.0, "cpu_share": 0.25, "after_s": 60.0, **live}}
    if generation is not None:
        state["evolution"] = generation
    return evolution.piece(Glimpse(exists=True, state=state), alive=alive)


def cells(piece):
    return {name: value for name, value, _ in piece}


@pytest.mark.parametrize(
    ("phase", "live", "says", "tone"),
    [
        ("off", {}, "Off: nothing is bred, founders only.", "quiet"),
        ("settling", {}, "Begins 60 s after the start at the earliest: the body wakes first.", ""),
        ("waiting", {"needed": 1_240}, "Breeding begins when 1,240 more bars were lived.", ""),
        ("breeding", {}, "Judging the founders of the first round.", ""),
        ("troubled", {"detail": "no room"}, "Hindered, and tried again: no room", "watch"),
        ("waiting", {"silent_s": SILENT_S + 1}, SILENT, "watch"),
    ],
)  # fmt: skip
def test_before_anything_was_bred_each_state_is_said_and_nothing_is_claimed(phase, live, says, tone):
    piece = told(phase, **live)
    assert (piece["say"], piece["tone"]) == (says, tone)
    assert (piece["cells"], piece["best"], piece["name"]) == ([], None, "")


def test_a_view_that_knows_nothing_says_so():
    piece = evolution.piece(Glimpse(exists=True), alive=True)
    assert piece["say"] == "Nothing is known of breeding yet."
    assert piece["best"] is None


def test_generation_rate_trials_and_the_best_of_the_front_are_shown():
    piece = told("breeding", generation=bred())
    assert piece["say"] == "Generation 7 of 10 in round 3, bred on 2,411 bars."
    assert cells(piece["cells"]) == {"Generation": "7", "Rate": "362", "Trials": "14,210", "Front": "23"}
    assert cells(piece["best"]["cells"]) == {
        "Sharpe": "1.84", "Max drawdown": "7.1\u202f%", "Consistency": "0.62", "Trades": "96",
    }  # fmt: skip
    assert [label for label, _ in piece["best"]["rules"]] == ["entry long", "entry short"]
    assert "14,210 trials looks good by luck alone" in piece["best"]["luck"]
    assert piece["name"] == bred()["best"]["genome_id"]


def test_between_two_rounds_the_last_one_stays_and_it_says_what_it_waits_for():
    piece = told("resting", needed=95, generation=bred(generation=10))
    assert piece["say"] == "Round 3 is over; the next one begins when 95 more bars were lived."
    assert piece["best"] is not None


def test_a_body_that_does_not_run_does_not_breed_either():
    piece = told("breeding", generation=bred(), alive=False)
    assert piece["say"] == "The body does not run, and nothing is bred."
    assert piece["tone"] == "quiet"


def test_a_best_that_nobody_can_read_is_said_to_be_refused():
    best = bred()["best"] | {"text": "family: momentum\nentry long: rm -rf /\n"}
    piece = told("breeding", generation=bred(best=best))
    assert piece["best"]["rules"][0][0] == "refused"


@pytest.mark.parametrize(
    "generation", [bred(best=None), bred(best="x", front=None), {"round": 1}, "nonsense"], ids=range(4)
)
def test_half_a_word_is_no_reason_to_fail(generation):
    assert told("breeding", generation=generation)["best"] is None


def test_the_page_says_that_nothing_bred_is_funded(home):
    assert "founders trade" in NOT_FUNDED
    assert NOT_FUNDED in home.browser.get("/_dash-layout").text
