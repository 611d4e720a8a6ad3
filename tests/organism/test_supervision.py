"""The rules of supervision, without a thread or a clock."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.messages import (
    CONFLATED,
    NEVER_SET_ASIDE,
    BarClosed,
    BarsArrived,
    Filled,
    OperatorCommanded,
    OrderUpdated,
    Recovered,
    VitalsTaken,
)
from organism.settings import SupervisionSettings
from organism.supervision import (
    Fate,
    Intensity,
    Restart,
    Rung,
    Strategy,
    admit_restart,
    affected,
    backoff_s,
    fate,
    is_restarted,
    organ_trees,
    rung,
)

NAMES = ("a", "b", "c", "d")
times = st.lists(st.floats(0.0, 1_000.0), max_size=40).map(sorted)


@given(times, st.integers(0, 10), st.floats(0.1, 100.0))
def test_the_window_admits_exactly_as_many_as_its_limit(moments, restarts, within_s):
    history = ()
    for i, now_s in enumerate(moments):
        history, holds = admit_restart(history, now_s, Intensity(restarts, within_s))
        recent = [t for t in moments[: i + 1] if now_s - t <= within_s]
        assert history == tuple(recent)
        assert holds == (len(recent) <= restarts)


@given(st.integers(-5, 5_000), st.floats(0.001, 10.0), st.floats(0.001, 100.0), st.floats(0, 1))
def test_back_off_is_nothing_first_then_between_half_and_all_of_a_capped_doubling(
    attempt, base_s, cap_s, chance
):
    wait_s = backoff_s(attempt, base_s=base_s, cap_s=cap_s, chance=chance)
    if attempt <= 1:
        assert wait_s == 0.0
    else:
        full = min(cap_s, base_s * math.pow(2.0, min(attempt - 2, 60)))
        assert full / 2 * 0.999 <= wait_s <= full * 1.001
        assert wait_s <= cap_s


@given(st.sampled_from(Strategy), st.sampled_from(NAMES))
def test_the_failed_child_is_always_among_the_affected_and_order_is_kept(strategy, failed):
    who = affected(strategy, NAMES, failed)
    assert failed in who
    assert list(who) == sorted(who)


def test_the_three_strategies_name_whom_they_should():
    assert affected(Strategy.ONE_FOR_ONE, NAMES, "b") == ("b",)
    assert affected(Strategy.REST_FOR_ONE, NAMES, "b") == ("b", "c", "d")
    assert affected(Strategy.ONE_FOR_ALL, NAMES, "b") == NAMES


@pytest.mark.parametrize(
    ("restart", "failed", "expected"),
    [
        (Restart.PERMANENT, True, True),
        (Restart.PERMANENT, False, True),
        (Restart.TRANSIENT, True, True),
        (Restart.TRANSIENT, False, False),
        (Restart.TEMPORARY, True, False),
        (Restart.TEMPORARY, False, False),
    ],
)
def test_restart_types_are_those_of_otp(restart, failed, expected):
    assert is_restarted(restart, failed=failed) is expected


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_a_spent_budget_always_goes_up_and_a_spent_tree_ends_the_process(
    child_holds, tree_holds, hung, critical
):
    level = rung(child_holds=child_holds, tree_holds=tree_holds, hung=hung, critical=critical)
    assert (level is Rung.CHILD) == (child_holds and tree_holds)
    if not tree_holds:
        assert level is Rung.PROCESS


@pytest.mark.parametrize("kind", NEVER_SET_ASIDE)
@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_what_may_never_be_set_aside_never_is(kind, n):
    assert fate(kind, n) is not Fate.SET_ASIDE


@pytest.mark.parametrize("kind", [Filled, OrderUpdated, OperatorCommanded])
def test_fills_updates_and_commands_are_tried_once_more_and_then_halt(kind):
    assert fate(kind, 1) is Fate.RETRY
    assert fate(kind, 2) is Fate.HALT


@pytest.mark.parametrize("kind", [BarsArrived, BarClosed])
def test_a_market_message_is_tried_once_more_and_then_set_aside(kind):
    assert fate(kind, 1) is Fate.RETRY
    assert fate(kind, 2) is Fate.SET_ASIDE


@pytest.mark.parametrize("kind", [BarClosed, Filled, VitalsTaken])
def test_a_message_whose_step_is_recorded_is_never_tried_again(kind):
    assert fate(kind, 1, recorded=True) is Fate.DROP


def test_recovered_is_not_kept_because_the_next_incarnation_gets_its_own():
    assert fate(Recovered, 1) is Fate.DROP
    assert VitalsTaken in CONFLATED
    assert fate(VitalsTaken, 2) is Fate.DROP


def test_the_tree_is_the_one_in_the_picture():
    trees = organ_trees(SupervisionSettings())
    assert [(t.name, t.strategy.name, [c.name for c in t.children]) for t in trees] == [
        ("money", "REST_FOR_ONE", ["metabolism", "immune", "motor"]),
        ("senses", "ONE_FOR_ONE", ["nervous", "brain"]),
        ("care", "ONE_FOR_ONE", ["reproduction", "voice"]),
    ]
    hang = {c.name: c.hang_s for t in trees for c in t.children}
    assert (hang["motor"], hang["brain"]) == (1.0, 2.0)
    assert [t.critical for t in trees] == [True, False, False]
