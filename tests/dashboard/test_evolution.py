"""What the page says of breeding, in each of its states."""

from pathlib import Path

import pytest

from dashboard import evolution
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse
from dashboard.pages.asked import asked
from dashboard.pages.evolution import speaks
from dashboard.sight import Sight
from organism.view.evolution import NOT_FUNDED, SILENT_S
from tests.dashboard.living import bred

SILENT = "The breeder has said nothing for minutes; the machine may be too busy for it. Trading goes on without it."


def glimpse_of(phase, *, generation=None, **live):
    state = {"breeding": {"phase": phase, "silent_s": 1.0, "cpu_share": 0.25, "after_s": 60.0, **live}}
    if generation is not None:
        state["evolution"] = generation
    return Glimpse(exists=True, state=state)


def told(phase, *, generation=None, **live):
    return evolution.piece(glimpse_of(phase, generation=generation, **live))


def spoken(glimpse, condition=Condition.LIVING):
    judged = Judged(condition=condition, age_s=1.0)
    return speaks(Sight(glimpse=glimpse, judged=judged, state=Path("nowhere"), now_ns=0), asked({}))


def cells(piece):
    return {name: value for name, value, _ in piece}


@pytest.mark.parametrize(
    ("phase", "live", "lead", "says", "tone"),
    [
        ("off", {}, "Not breeding.", "Nothing is bred, founders only.", "unknown"),
        ("settling", {}, "Waking first.", "Begins 60 s after the start at the earliest: the body wakes first.", "good"),
        ("waiting", {"needed": 1_240}, "Waiting for bars.", "Breeding begins when 1,240 more bars were lived.", "good"),
        ("breeding", {}, "Breeding.", "Judging the founders of the first round.", "good"),
        ("troubled", {"detail": "no room"}, "Hindered.", "Hindered, and tried again: no room", "watch"),
        ("waiting", {"silent_s": SILENT_S + 1}, "Silent.", SILENT, "watch"),
    ],
)  # fmt: skip
def test_before_anything_was_bred_each_state_is_said_and_nothing_is_claimed(phase, live, lead, says, tone):
    found = spoken(glimpse_of(phase, **live))
    assert (found.lead, found.text, found.need, found.tone) == (lead, says, NOT_FUNDED, tone)
    piece = told(phase, **live)
    assert (piece["cells"], piece["best"], piece["name"]) == ([], None, "")


def test_a_view_that_knows_nothing_says_so():
    assert spoken(Glimpse(exists=True)).text == "Nothing is known of breeding yet."
    assert evolution.piece(Glimpse(exists=True))["best"] is None


@pytest.mark.requirement("S0-4.1.10")
def test_generation_rate_trials_and_the_best_of_the_front_are_shown():
    piece = told("breeding", generation=bred())
    said = spoken(glimpse_of("breeding", generation=bred())).text
    assert said.startswith(
        "Generation 7 of 10 in round 3, bred on 2,411 bars. 14,210 looks at these bars so far"
    )
    assert cells(piece["cells"]) == {"Generation": "7", "Rate": "362", "Trials": "14,210", "Front": "23"}
    assert cells(piece["best"]["cells"]) == {
        "Sharpe": "1.84", "Max drawdown": "7.1\u202f%", "Consistency": "0.62", "Trades": "96",
    }  # fmt: skip
    assert [label for label, _ in piece["best"]["rules"]] == ["entry long", "entry short"]
    assert "14,210 trials looks good by luck alone" in piece["best"]["luck"]
    assert piece["name"] == bred()["best"]["genome_id"]


def test_between_two_rounds_the_last_one_stays_and_it_says_what_it_waits_for():
    glimpse = glimpse_of("resting", needed=95, generation=bred(generation=10))
    assert spoken(glimpse).text.startswith(
        "Round 3 is over; the next one begins when 95 more bars were lived."
    )
    assert evolution.piece(glimpse)["best"] is not None


def test_a_body_that_does_not_run_is_said_before_anything_of_breeding():
    assert spoken(glimpse_of("breeding", generation=bred()), Condition.DOWN).lead == "The body is down:"


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
    assert (
        home.browser.get("/api/page/evolution").json["pieces"]["evolution-sentence"][1]["need"] == NOT_FUNDED
    )
