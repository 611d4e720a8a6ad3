"""The first thing anyone reads."""

import os

import pytest

from dashboard.condition import Condition, Judged, judge
from dashboard.figures import THIN
from dashboard.glimpse import Glimpse
from dashboard.sentence import say

LIVING = Judged(condition=Condition.LIVING, age_s=0.4)
LIMITS = {"halve_at_drawdown": 0.08, "no_entries_at_drawdown": 0.10, "halt_at_drawdown": 0.15}
NOW = 10**18


def glimpse(positions=(("BTC/USDT", "0.1"), ("SOL/USDT", "3")), orders=(), organs=(), feeds=(), **state):
    known = {
        "body": {"updated_wall_ns": NOW, "market_ns": NOW},
        "portfolio": {"at_ns": NOW, "drawdown": 0.012, "gross_exposure": 0.43},
        "standing": {"state": "active", "reason": "started"},
        "health": {"health": 96.0, "parts": []},
        "limits": LIMITS,
    }
    rows = [{"symbol": symbol, "quantity": quantity} for symbol, quantity in positions]
    tables = {"positions": rows, "orders": list(orders), "organs": list(organs), "feeds": list(feeds)}
    return Glimpse(exists=True, state=known | state, tables=tables)


def said(found, judged=LIVING, *, guarded=True):
    return say(found, judged, guarded=guarded).whole.replace(THIN, " ")


def test_a_well_organism_says_so_in_one_line():
    assert said(glimpse()) == (
        "Awake. Long BTC and SOL, 43 % exposed, 1.2 % below peak; the next brake is 6.8 % away. Nothing needs you."
    )


def test_a_flat_organism_holds_nothing():
    portfolio = {"at_ns": NOW, "drawdown": 0.0, "gross_exposure": 0.0}
    assert said(glimpse(positions=(), portfolio=portfolio)).startswith("Awake. Holding nothing, at its peak;")


def test_the_halted_say_why_and_how_to_resume_before_anything_else():
    standing = {"state": "halted", "reason": "drawdown 15.2 % reached the limit of 15 %"}
    first, _, rest = said(glimpse(standing=standing)).partition(". ")
    assert first.startswith("Halted: drawdown 15.2")
    assert "./run resume" in first
    assert "only shrink" in rest


@pytest.mark.parametrize(
    "worse",
    [
        {"health": {"health": 20.0, "parts": []}},
        {"reconciled": {"unexplained": [["BTC/USDT", "0.5"]]}},
        {"body": {"updated_wall_ns": NOW, "market_ns": NOW, "safe": True}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nothing_speaks_before_a_halt(worse):
    standing = {"state": "halted", "reason": "operator said so"}
    assert said(glimpse(standing=standing, **worse)).startswith("Halted: operator said so")


def test_a_halt_is_still_told_when_the_body_is_down_or_waking():
    standing = {"state": "halted", "reason": "operator said so"}
    for condition in (Condition.DOWN, Condition.STARTING):
        assert "operator said so" in said(glimpse(standing=standing), Judged(condition=condition, age_s=20.0))


@pytest.mark.parametrize(
    ("state", "lead", "needs"),
    [
        ({"reconciled": {"unexplained": [["BTC/USDT", "0.50"]]}}, "Awake, but the books disagree: the venue holds 0.5 BTC", "verify"),
        ({"standing": {"state": "reducing", "reason": "feed silent"}}, "Reducing: feed silent", "resume"),
        ({"standing": {"state": "active", "reason": "health 41", "hibernating_until_ns": NOW + 3600 * 10**9}},
         "Hibernating: health 41. It sleeps for another 1 h of market time", "wakes by itself"),
        ({"standing": {"state": "active", "reason": "3 losses", "no_entries_until_ns": NOW + 600 * 10**9}},
         "Awake, resting: no new positions for another 10 min", "by itself"),
        ({"health": {"health": 64.0, "parts": [{"name": "feeds", "points": 1, "weight": 20, "detail": "late"}]}},
         "Awake, but unwell: health is 64 of 100, mostly its feeds (late)", "doctor"),
        ({"organs": [{"name": "motor", "state": "stopped"}]}, "Awake, but injured: motor is not running", "doctor"),
        ({"feeds": [{"name": "replay", "state": "stalled", "silent_s": 12}]}, "Awake, but blind: feed replay", "12 s"),
        ({"body": {"market_ns": NOW, "safe": True}}, "Safe mode: the body crashed too often", "state/log"),
    ],
    ids=["unexplained", "reducing", "hibernating", "resting", "unwell", "organ", "feed", "safe"],
)  # fmt: skip
def test_each_trouble_is_named_with_what_to_do(state, lead, needs):
    text = said(glimpse(**state))
    assert text.startswith(lead)
    assert needs in text


def test_a_body_that_never_lived_says_how_to_start_one():
    judged = judge(Glimpse(), NOW, 0, guarded=False)
    assert judged.condition is Condition.NEVER
    assert "`./run start`" in said(Glimpse(), judged)


def test_a_dead_body_says_so_and_that_its_stops_rest_at_the_venue():
    found = glimpse(orders=[{"purpose": "protect"}])
    text = said(found, Judged(condition=Condition.DOWN, age_s=120.0), guarded=False)
    assert text.startswith("The body is down: last heard 2 min ago, long BTC and SOL")
    assert "stops rest at the venue" in text
    assert text.endswith("Type `./run start`: it continues where it stopped.")
    assert "guardian is bringing it back" in said(
        found, Judged(condition=Condition.DOWN, age_s=5.0), guarded=True
    )


def age(seconds, **body):
    found = glimpse(body={"updated_wall_ns": NOW - int(seconds * 1e9), **body})
    return judge(found, NOW, 0, guarded=False).condition


def test_the_body_is_judged_by_the_age_of_its_word():
    assert age(0.5) is Condition.LIVING
    assert age(3.5) is Condition.STALE
    assert age(60.0) is Condition.DOWN
    assert age(2.0, pid=2**22 + 1) is Condition.DOWN, "a process that is gone is down at once"


def test_a_body_that_ended_while_its_guardian_was_held_up_is_down_at_once(zombie):
    assert age(2.0, pid=os.getpid()) is Condition.LIVING
    assert age(2.0, pid=zombie.pid) is Condition.DOWN


def test_a_number_that_no_process_can_have_is_down():
    assert age(2.0, pid=10**30) is Condition.DOWN


def test_an_old_view_is_a_start_while_the_guardian_has_just_begun():
    found = glimpse(body={"updated_wall_ns": NOW - 10**12})
    assert judge(found, NOW, NOW - 10**9, guarded=True).condition is Condition.STARTING
    assert judge(found, NOW, NOW - 60 * 10**9, guarded=True).condition is Condition.DOWN
