"""Mailboxes with stable addresses, and the question whether an instant has been digested."""

import threading

import pytest

from organism.clock import ManualClock
from organism.directory import Activity, Directory
from organism.errors import Fenced
from organism.messages import Envelope, FeedReported, OperatorCommanded, VitalsTaken
from tests.organism.living import CLOCK, until


def letter(n, message=None):
    message = message or FeedReported(feed="toy", condition="gap", detail=str(n))
    return Envelope(f"toy:{n}", "toy", 0, 0, "", message)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def box(clock):
    box = Directory(["brain"], clock=clock, limit=2)["brain"]
    box.hand_over(1)
    return box


def test_control_comes_first_and_the_newest_of_a_kind_last(box):
    command = letter(3, OperatorCommanded(command_id=1, command="halt", operator="me"))
    old, new = (letter(n, VitalsTaken(health=float(n), parts=())) for n in (4, 5))
    for envelope in (old, letter(1), letter(2), new, command):
        box.put(envelope)
    taken = []
    for _ in range(4):
        taken.append(box.take(1).id)
        box.finish(1)
    assert taken == ["toy:3", "toy:1", "toy:2", "toy:5"]
    assert box.conflated == 1


def test_a_retired_incarnation_takes_and_finishes_nothing_and_the_next_one_goes_on(box):
    box.put(letter(1))
    box.put(letter(2))
    box.take(1)
    in_hand = box.retire()
    assert in_hand == letter(1)
    for attempt in (box.take, box.finish):
        with pytest.raises(Fenced):
            attempt(1)
    box.put_back(in_hand)
    box.hand_over(2)
    assert [box.take(2).id, box.take(2).id] == ["toy:1", "toy:2"]


def test_a_thread_that_waits_when_it_is_retired_wakes_up_fenced(box):
    fenced = threading.Event()

    def serve():
        try:
            box.take(1)
        except Fenced:
            fenced.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until(lambda: box._n_waiting == 1)
    box.retire()
    assert fenced.wait(5.0)
    thread.join(5.0)


def test_a_successor_that_waits_beside_a_retired_thread_still_hears_the_next_message(box):
    """The old thread leaves the waiting room after the new one came in: it must not take the bell with it."""
    heard = []

    def serve():
        with pytest.raises(Fenced):
            box.take(1)

    old = threading.Thread(target=serve, daemon=True)
    old.start()
    until(lambda: box._n_waiting == 1)
    box.retire()
    box.hand_over(2)
    new = threading.Thread(target=lambda: heard.append(box.take(2)), daemon=True)
    new.start()
    old.join(5.0)
    until(lambda: box._n_waiting == 1)
    box.put(letter(1))
    new.join(5.0)
    assert heard == [letter(1)]


def test_the_age_of_the_oldest_work_counts_from_its_arrival(box, clock):
    assert box.oldest_age_s(clock.mono_ns()) == 0.0
    box.put(letter(1))
    clock.advance(2.0)
    box.put(letter(2))
    clock.advance(1.0)
    assert box.oldest_age_s(clock.mono_ns()) == 3.0
    box.take(1)
    assert box.oldest_age_s(clock.mono_ns()) == 1.0


def test_credit_ends_at_the_limit_and_work_is_accepted_all_the_same(box):
    box.put(letter(1))
    assert box.has_room
    box.put(letter(2))
    assert not box.has_room
    box.put(letter(3))
    assert len(box) == 3


def test_nothing_is_quiet_while_a_message_is_in_hand_or_something_was_begun(box):
    activity = box._activity
    assert activity.wait_quiet(0.0, CLOCK)
    box.put(letter(1))
    box.take(1)
    assert not activity.wait_quiet(0.01, CLOCK)
    activity.begin()  # a call to the venue
    box.finish(1)
    assert not activity.wait_quiet(0.01, CLOCK)
    activity.end()
    assert activity.wait_quiet(0.0, CLOCK)


def test_effects_that_wait_for_the_disk_are_not_quiet_until_the_commit_says_so():
    held = [1]
    activity = Activity(lambda: held[0])
    assert not activity.wait_quiet(0.01, CLOCK)
    quiet = []
    waiting = threading.Thread(target=lambda: quiet.append(activity.wait_quiet(5.0, CLOCK)), daemon=True)
    waiting.start()
    until(lambda: activity._waiting == 1)
    held[0] = 0
    activity.nudge()
    waiting.join(5.0)
    assert quiet == [True]


def test_a_message_for_an_organ_that_is_not_there_is_nobodys(clock):
    directory = Directory(["brain"], clock=clock)
    directory.deliver("voice", letter(1))
    assert directory.activity.n == 0
    assert "voice" not in directory
    assert [box.name for box in directory] == ["brain"]
