"""When a value is asked for, as pure functions of the time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.lake.context.lags import DAY_US
from organism.lake.fetching.faults import Failed, Fault
from organism.lake.polling import schedule
from organism.lake.polling.schedule import FARTHEST_US, HOUR_US, MINUTE_US, Cadence, Heard, Standing

CADENCE = Cadence(every_us=5 * MINUTE_US, settle_us=MINUTE_US, spread_us=2 * MINUTE_US)
NOON_US = 20_000 * DAY_US + 12 * HOUR_US
SETTLED = Heard(NOON_US - 4 * HOUR_US, NOON_US - 4 * HOUR_US, 0.0001, 8 * HOUR_US)


def chance():
    return random.Random(1)


def test_after_an_answer_it_is_asked_for_when_the_next_value_can_exist_and_a_little_later_by_chance():
    next_us = [
        schedule.answered(Standing(), SETTLED, NOON_US, CADENCE, random.Random(seed)).next_us
        for seed in range(20)
    ]
    due_us = NOON_US + 4 * HOUR_US + CADENCE.settle_us
    assert all(due_us <= us <= due_us + CADENCE.spread_us for us in next_us)
    assert len(set(next_us)) > 10, "not everybody asks at once"


def test_a_value_that_was_heard_at_its_midnight_is_asked_for_once_more_when_it_has_settled():
    just = SETTLED._replace(known_us=NOON_US - 1)
    planned = schedule.answered(Standing(), just, NOON_US, CADENCE, chance())
    assert NOON_US + CADENCE.every_us <= planned.next_us < NOON_US + HOUR_US


def test_an_overdue_value_is_asked_for_ever_more_seldom_and_never_oftener_than_allowed():
    waits = []
    for late_h in (0.1, 2, 20, 200):
        now_us = SETTLED.known_us + 8 * HOUR_US + CADENCE.settle_us + int(late_h * HOUR_US)
        planned = schedule.answered(Standing(), SETTLED, now_us, CADENCE, chance())
        waits.append((planned.next_us - now_us) / MINUTE_US)
    assert waits == sorted(waits)
    assert 5 <= waits[0] < 8
    assert waits[1] > 14
    assert waits[3] < 8 * 60 / 8 * 1.5 + 1, "an eighth of a period at most, and half of that by chance"


def test_an_answer_without_any_value_is_followed_by_the_shortest_pause():
    planned = schedule.answered(Standing(failures=3, error="no"), None, NOON_US, CADENCE, chance())
    assert (planned.value, planned.failures, planned.error, planned.answered_us) == (None, 0, "", NOON_US)
    assert CADENCE.every_us <= planned.next_us - NOON_US <= 1.5 * CADENCE.every_us


def test_failures_are_answered_with_longer_and_longer_waits_up_to_an_hour_and_five_minutes():
    standing, longest, drawn = Standing(), 0, chance()
    for _ in range(30):
        standing = schedule.unanswered(standing, Failed(Fault.PASSING, "500"), NOON_US, CADENCE, drawn)
        wait_us = standing.next_us - NOON_US
        assert CADENCE.every_us <= wait_us <= CADENCE.every_us + HOUR_US
        longest = max(longest, wait_us)
    assert standing.failures == 30
    assert standing.error == "500"
    assert longest > 5 * CADENCE.every_us


@pytest.mark.parametrize(
    ("failed", "open_us", "least_us"),
    [
        (Failed(Fault.LIMITED, "429", wait_s=7_200.0), 0, 2 * HOUR_US),
        (Failed(Fault.LASTING, "it does not list it"), 0, 6 * HOUR_US),
        (Failed(Fault.PASSING, "500"), NOON_US + 3 * HOUR_US, 3 * HOUR_US),
    ],
    ids=["retry-after", "lasting", "breaker"],
)  # fmt: skip
def test_whoever_asks_to_be_left_alone_is(failed, open_us, least_us):
    planned = schedule.unanswered(Standing(), failed, NOON_US, CADENCE, chance(), open_us)
    assert least_us <= planned.next_us - NOON_US <= least_us + HOUR_US


def test_a_ban_of_days_is_planned_for_a_day_ahead_at_most():
    failed = Failed(Fault.LIMITED, "418", wait_s=3 * 86_400.0)
    planned = schedule.unanswered(Standing(), failed, NOON_US, CADENCE, chance())
    assert planned.next_us == NOON_US + FARTHEST_US


def test_a_failure_keeps_the_value_that_is_known():
    before = schedule.with_value(Standing(), SETTLED)
    after = schedule.unanswered(before, Failed(Fault.PASSING, "500"), NOON_US, CADENCE, chance())
    assert (after.value, after.at_us, after.known_us) == (before.value, before.at_us, before.known_us)


@pytest.mark.parametrize("back_us", [HOUR_US, DAY_US, 2_000 * DAY_US])
def test_a_clock_that_was_set_back_does_not_silence_anybody(back_us):
    planned = schedule.answered(
        schedule.asking(Standing(), NOON_US, CADENCE), SETTLED, NOON_US, CADENCE, chance()
    )
    now_us = NOON_US - back_us
    assert schedule.bounded(planned, NOON_US, CADENCE) is planned
    again = schedule.bounded(planned, now_us, CADENCE)
    assert again.next_us == now_us + CADENCE.every_us
    assert schedule.bounded(again, now_us + 1, CADENCE) is again, "once"


def test_a_clock_that_was_set_forward_asks_at_once():
    planned = schedule.answered(Standing(), SETTLED, NOON_US, CADENCE, chance())
    later_us = NOON_US + 2_000 * DAY_US
    assert schedule.bounded(planned, later_us, CADENCE).next_us <= later_us


@given(
    st.integers(0, 4 * 10**15), st.integers(0, 4 * 10**15), st.integers(1, 86_400), st.floats(0, 1e9),
    st.sampled_from(list(Fault)), st.integers(0, 2**31), st.booleans(),
)  # fmt: skip
def test_two_questions_are_never_nearer_than_allowed_whatever_the_clock_says(
    known_us, now_us, every_s, wait_s, fault, seed, heard
):
    cadence = Cadence(every_s * 1_000_000, MINUTE_US, MINUTE_US)
    drawn = random.Random(seed)
    value = Heard(known_us, known_us, 1.0, 8 * HOUR_US) if heard else None
    plans = [
        schedule.asking(Standing(), now_us, cadence),
        schedule.answered(Standing(), value, now_us, cadence, drawn),
        schedule.unanswered(Standing(), Failed(fault, "x", wait_s=wait_s), now_us, cadence, drawn, known_us),
    ]
    for plan in plans:
        assert cadence.every_us <= plan.next_us - now_us <= max(FARTHEST_US, cadence.every_us)
        assert schedule.bounded(plan, now_us, cadence) == plan


def test_what_is_shown_of_a_value_follows_from_the_time_alone():
    one = schedule.with_value(Standing(), SETTLED)
    say = lambda late_us: schedule.condition(one, SETTLED.known_us + 8 * HOUR_US + late_us)  # noqa: E731
    assert [say(0), say(HOUR_US), say(HOUR_US + 1)] == ["fresh", "fresh", "stale"]
    assert schedule.condition(one, SETTLED.known_us - 1) == "waiting", "nobody knows it yet"
    assert schedule.condition(Standing(value=float("nan"), error="x"), 0) == "failing"
