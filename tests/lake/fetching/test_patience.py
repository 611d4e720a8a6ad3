"""Breaker, back-off, deadlines, and what a failure means."""

import random
import threading

import pytest

from organism.lake.fetching.asking import Asking, GaveUp
from organism.lake.fetching.backoff import Patience, wait_s
from organism.lake.fetching.breaker import Breaker, Position
from organism.lake.fetching.calls import Overdue, within
from organism.lake.fetching.faults import Failed, Fault, failed, retry_after_s
from tests.body.waiting import until
from tests.lake.fetching.lanes import Hands


def test_a_breaker_opens_after_failures_in_a_row_tries_once_and_stays_open_for_twice_as_long_when_that_fails():
    breaker = Breaker(trips_at=2, cool_us=100)
    breaker = breaker.failed(0).succeeded().failed(1)
    assert breaker.position(1) is Position.CLOSED
    breaker = breaker.failed(2)
    assert [breaker.position(us) for us in (2, 101, 102)] == [
        Position.OPEN,
        Position.OPEN,
        Position.HALF_OPEN,
    ]
    again = breaker.failed(102)
    assert [again.position(us) for us in (301, 302)] == [Position.OPEN, Position.HALF_OPEN]
    assert breaker.succeeded().position(102) is Position.CLOSED


def test_waits_grow_twofold_to_a_cap_and_are_drawn_from_the_whole_span():
    patience = Patience(base_s=1.0, cap_s=8.0)
    chance = random.Random(3)
    for failures, most in ((1, 1), (2, 2), (4, 8), (60, 8)):
        drawn = [wait_s(patience, failures, chance) for _ in range(300)]
        assert 0 <= min(drawn) < 0.1 * most
        assert 0.9 * most < max(drawn) <= most


def test_a_call_that_hangs_is_left_to_itself_and_sends_nothing_more():
    hangs, after = threading.Event(), []

    def work(call):
        hangs.wait(20)
        call.go_on()
        after.append("sent")

    with pytest.raises(Overdue):
        within(0.05, work, "hung call")
    hangs.set()
    until(lambda: not any(t.name == "hung call" for t in threading.enumerate()))
    assert after == []


def test_a_wait_for_leave_to_ask_does_not_count_against_the_deadline():
    asked = threading.Event()

    def work(call):
        with call.paused():
            asked.wait(0.3)  # never set: longer than the deadline
        return "answer"

    assert within(0.1, work, "call that waits") == "answer"


def test_what_a_call_raises_is_raised_to_who_waits():
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda _call: 1 / 0, "call")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 60.0),
        ("-3", None),
        ("soon", None),
        ("9" * 30, 259_200.0),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(text, seconds):
    assert retry_after_s({"retry-after": text}, 0) == seconds


def test_a_status_of_429_counts_whatever_class_the_library_made_of_it():
    found = failed(ValueError("not JSON"), 429, {"Retry-After": "3"}, 0, 60.0)
    assert (found.fault, found.wait_s) == (Fault.LIMITED, 3.0)
    assert failed(ValueError(""), 418, {}, 0, 60.0).wait_s == 120.0
    assert failed(ValueError("x"), 500, {}, 0, 60.0).fault is Fault.PASSING


def _asking(hands, **patience):
    chosen = Patience(**patience)
    return Asking(hands.clock, chosen, random.Random(1), Breaker(trips_at=100))


def test_a_limit_is_waited_out_for_as_long_as_the_venue_says_and_leaves_the_breaker_alone():
    hands, answers = Hands(), [Failed(Fault.LIMITED, "429", wait_s=7.0), "rows"]

    def question():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asking = _asking(hands)
    assert asking(question) == "rows"
    assert hands.waits == [7.0]
    assert asking.breaker.failures == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Failed(Fault.LASTING, "it does not list X"), "it does not list X"),
        (Failed(Fault.LIMITED, "418", wait_s=7_200.0), "not to be asked again for 7,200 s"),
        (
            RuntimeError("No timezone found"),
            "4 attempts failed, the last with RuntimeError: No timezone found",
        ),
    ],
)
def test_it_gives_up_with_the_reason(error, said):
    def question():
        raise error

    with pytest.raises(GaveUp, match=said):
        _asking(Hands(), attempts=4)(question)


def test_all_attempts_together_have_a_deadline():
    hands = Hands()

    def question():
        hands.now_us += 40_000_000
        raise RuntimeError("slow and broken")

    with pytest.raises(GaveUp, match="no answer within 100 s"):
        _asking(hands, attempts=50, total_s=100.0)(question)
