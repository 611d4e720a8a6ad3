"""Mailbox lanes, timers, encoding and the hash chain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Publish, Schedule, is_gated
from organism.errors import Fenced
from organism.journal.port import MemoryJournal
from organism.journal.rows import (
    GENESIS,
    decode_effects,
    decode_envelope,
    encode_effects,
    encode_envelope,
    matches,
)
from organism.mailbox import Lanes
from organism.market import Bar
from organism.messages import BarsArrived, Envelope, OperatorCommanded, TimerFired, VitalsTaken
from organism.timers import Timer, TimerBook
from organism.trading import LEGAL, TERMINAL, OrderStatus

NOW = Now(1, 2, 3, 1)


def envelope(message, identity="x:1"):
    return Envelope(identity, "test", 0, 0, "", message)


def test_control_comes_first_then_work_in_order_then_only_the_newest_of_each_conflated_kind():
    lanes = Lanes()
    for i in range(3):
        lanes.put(envelope(VitalsTaken(health=float(i), parts=()), f"v:{i}"))
        lanes.put(envelope(TimerFired(key="k", due_ns=i), f"t:{i}"))
    lanes.put(envelope(OperatorCommanded(command_id=1, command="halt", operator="me"), "c:1"))

    taken = [lanes.take().id for _ in range(5)]

    assert taken == ["c:1", "t:0", "t:1", "t:2", "v:2"]
    assert lanes.take() is None
    assert lanes.conflated == 2


def test_a_message_put_back_is_the_next_one():
    lanes = Lanes()
    lanes.put(envelope(TimerFired(key="k", due_ns=1), "t:1"))
    lanes.put(envelope(TimerFired(key="k", due_ns=2), "t:2"))
    first = lanes.take()
    lanes.put_back(first)
    assert lanes.take().id == "t:1"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.sampled_from(["market", "mono"]))))
def test_a_timer_fires_once_at_its_last_schedule_and_never_early(schedules):
    book, last = TimerBook(), {}
    for i, (key, due, clock) in enumerate(schedules):
        book.schedule(Timer("o", key, due, clock, i))
        last[key] = (due, clock)
    fired = {"market": [], "mono": []}
    for now in range(51):
        for clock, seen in fired.items():
            popped = book.pop_due(clock, now)
            assert all(t.due_ns <= now for t in popped)
            seen += popped
    assert sorted((t.key, t.due_ns, t.clock) for seen in fired.values() for t in seen) == sorted(
        (key, due, clock) for key, (due, clock) in last.items()
    )
    assert len(book) == 0


def test_nan_survives_the_journal_encoding():
    bar = Bar("X", 0, 1, math.nan, 1.0, 1.0, 1.0, 1.0)
    back = decode_envelope(encode_envelope(envelope(BarsArrived(feed="f", session=1, at_ns=1, bars=(bar,)))))
    assert math.isnan(back.message.bars[0].open)


def test_effects_read_back_as_they_were_written():
    effects = (Publish(to=("a", "b"), message=TimerFired(key="k", due_ns=1)), Schedule(key="k", due_ns=5))
    assert decode_effects(encode_effects(effects)) == effects


def test_only_what_leaves_the_body_waits_for_the_disk():
    assert not is_gated(Publish(to=("a",), message=TimerFired(key="k", due_ns=1)))
    assert not is_gated(Schedule(key="k", due_ns=1))


def test_rows_are_chained_and_a_changed_field_breaks_the_chain():
    journal = MemoryJournal()
    number = journal.begin_incarnation("o")
    for i in range(3):
        journal.record("o", number, i + 1, envelope(TimerFired(key="k", due_ns=i), f"t:{i}"), (), NOW)
    rows, previous = list(journal.rows()), GENESIS
    for row in rows:
        assert matches(row, previous)
        assert not matches(row, b"\1" * 32)
        previous = row.digest


def test_a_retired_incarnation_records_nothing():
    journal = MemoryJournal()
    old = journal.begin_incarnation("o")
    new = journal.begin_incarnation("o")
    with pytest.raises(Fenced):
        journal.record("o", old, 1, envelope(TimerFired(key="k", due_ns=1)), (), NOW)
    assert journal.record("o", new, 1, envelope(TimerFired(key="k", due_ns=1)), (), NOW) == 1


def test_terminal_is_final_and_every_status_has_a_rule():
    assert set(LEGAL) == set(OrderStatus)
    assert all(not LEGAL[status] for status in TERMINAL)
    assert OrderStatus.REJECTED not in LEGAL[OrderStatus.INTENT]
