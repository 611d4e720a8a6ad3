"""The pure steps of an order, one by one: what each says, when it looks again, and what it refuses to do."""

import msgspec
import pytest

from organism.effects import CancelTimer, Schedule, VenueCancel, VenueQuery
from organism.market import NS_PER_S
from organism.messages import OrderUpdated
from organism.portfolio import VenueOrder
from organism.trading import OrderStatus
from organs.motor import orders
from tests.organs.motor.making import VENUE, D, X, approved, done, now, said

S = OrderStatus
WINDOW = msgspec.structs.replace(VENUE, validity_window_s=1.0, engine_timeout_s=2.0, clock_skew_s=4.0)


def tracked(status, **fields):
    order = orders.intended(approved(), "ns")
    return msgspec.structs.replace(order, status=status, **fields)


def told(status="open", filled="0"):
    return VenueOrder(
        client_order_id=tracked(S.SENT).client_order_id, venue_order_id="p7", symbol=X, status=status,
        quantity=D(1), filled=D(filled), reason="said the venue",
    )  # fmt: skip


def test_an_id_is_26_letters_and_digits_of_which_24_tell_orders_apart():
    assert orders.client_order_id("ns", "1-0", 1) == "og" + "f0691e9cfc095b463c834ad0"
    assert len(orders.client_order_id("ns", "1-0", 1)) == 26


def test_the_window_is_validity_engine_and_skew_together():
    assert orders.window_ns(WINDOW) == 7 * NS_PER_S


def test_what_the_rules_do_not_allow_changes_nothing_and_is_not_told():
    for status in OrderStatus:
        order = tracked(status)
        for next_ in OrderStatus:
            after, effects = orders.moved(order, next_, now(9.0))
            is_allowed = next_ in orders.LEGAL[status]
            assert (after.status is next_) == (is_allowed or next_ is status)
            assert bool(effects) == is_allowed
            assert (after is order) == (not is_allowed)


def test_an_end_notes_its_time_and_nobody_looks_again():
    after, effects = orders.moved(tracked(S.ACKED), S.CANCELED, now(9.0), "why")
    assert after.ended_mono_ns == 9 * NS_PER_S
    assert done(effects, CancelTimer) == [CancelTimer(key="order:1-0")]
    assert [u.reason for u in said(effects, OrderUpdated)] == ["why"]
    after, effects = orders.moved(tracked(S.ACKED), S.UNKNOWN, now(9.0))
    assert (after.ended_mono_ns, done(effects, CancelTimer)) == (0, [])


def test_what_never_left_cannot_be_in_doubt():
    order = tracked(S.INTENT)
    assert orders.doubted(order, now(), "no answer") == (order, [])


def test_questions_pause_a_quarter_of_a_second_doubling_to_eight():
    order, pauses = tracked(S.UNKNOWN), []
    for _ in range(9):
        order, effects = orders.asked(order, now(100.0), [])
        pauses.append(done(effects, Schedule)[0].due_ns / NS_PER_S - 100.0)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
    assert order.n_queries == 9


def test_a_cancellation_is_looked_after_in_a_second_unless_an_answer_is_awaited_anyway():
    """The timer of a submission is longer than a second at a slow venue; a cancel must not shorten its patience."""
    for status, timers in ((S.SENT, []), (S.ACKED, [6]), (S.PARTIAL, [6]), (S.UNKNOWN, [6])):
        after, effects = orders.cancelled(tracked(status), now(5.0))
        assert after.cancel
        assert after.status is status
        assert [c.client_order_id for c in done(effects, VenueCancel)] == [after.client_order_id]
        assert [t.due_ns / NS_PER_S for t in done(effects, Schedule)] == timers


def test_an_open_order_that_is_found_needs_no_more_looking_and_its_proofs_are_void():
    doubt = tracked(S.UNKNOWN, n_absent=1, n_queries=5)
    after, effects = orders.seen(doubt, told(), now(5.0))
    assert (after.status, after.n_absent, after.n_queries, after.venue_order_id) == (S.ACKED, 0, 0, "p7")
    assert effects[-1] == CancelTimer(key="order:1-0")
    after, _ = orders.seen(tracked(S.UNKNOWN, filled=D("0.4")), told(filled="0.4"), now(5.0))
    assert after.status is S.PARTIAL
    known = tracked(S.ACKED)
    after, effects = orders.seen(known, told(), now(5.0))
    assert (after.status, said(effects, OrderUpdated)) == (S.ACKED, []), "known already: nothing to tell"


def test_an_open_order_that_nobody_wants_is_cancelled_again():
    after, effects = orders.seen(tracked(S.UNKNOWN, cancel=True), told(), now(5.0))
    assert after.status is S.ACKED
    assert len(done(effects, VenueCancel)) == 1
    assert done(effects, CancelTimer) == [], "whether the cancel works is looked after"


@pytest.mark.parametrize("status", ["canceled", "expired", "rejected", "filled"])
def test_the_venue_s_word_ends_an_order_once_all_its_fills_are_here(status):
    short = tracked(S.ACKED, filled=D("0.3"))
    after, effects = orders.seen(short, told(status, "0.4"), now(5.0))
    assert after.status is S.ACKED
    assert len(done(effects, VenueQuery)) == 1
    after, effects = orders.seen(short, told(status, "0.3"), now(5.0))
    assert after.status.value == status
    assert [u.reason for u in said(effects, OrderUpdated)] == ["said the venue"]


@pytest.mark.parametrize("status", [S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED])
def test_what_has_ended_hears_nothing_any_more(status):
    over = tracked(status)
    assert orders.seen(over, told(), now(5.0)) == (over, [])
    assert orders.absent(over, 99 * NS_PER_S, VENUE, now(100.0)) == (over, [])


def test_the_venue_cannot_fill_what_never_left():
    order = tracked(S.INTENT)
    after, effects = orders.seen(order, told("filled"), now(5.0))
    assert (after.status, effects) == (S.INTENT, [])


def test_absence_of_a_resting_order_is_one_proof_and_a_doubt():
    """It was there: so one late "not known" makes it UNKNOWN, and only two and a report make it absent."""
    late = 2 * NS_PER_S
    after, effects = orders.absent(tracked(S.ACKED), late, VENUE, now(3.0))
    assert (after.status, after.n_absent) == (S.UNKNOWN, 1)
    assert [u.reason for u in said(effects, OrderUpdated)] == ["the venue does not know it any more"]
    assert orders.absent(after, late, VENUE, now(3.0)) == (after, []), "the same answer again"
    again, effects = orders.absent(after, late + 1, VENUE, now(3.0))
    assert (again.n_absent, effects) == (2, [])


def test_evidence_begins_after_the_window_not_with_it():
    order = tracked(S.UNKNOWN, sent_mono_ns=NS_PER_S, n_absent=2)
    assert not orders.is_nowhere(order, 2 * NS_PER_S, VENUE)
    assert orders.is_nowhere(order, 2 * NS_PER_S + 1, VENUE)
    assert not orders.is_nowhere(msgspec.structs.replace(order, n_absent=1), 3 * NS_PER_S, VENUE)
    assert not orders.is_nowhere(msgspec.structs.replace(order, status=S.ACKED), 3 * NS_PER_S, VENUE)
    after, _ = orders.absent(order, 2 * NS_PER_S, VENUE, now(3.0))
    assert after == order, "nothing is proven"


def test_an_order_that_never_arrived_is_proven_absent_a_moment_after_its_window():
    """Until then nothing is traded in that symbol: a body killed before it could send must not wait for a back-off."""
    for venue in (VENUE, WINDOW):  # windows of one second and of seven
        order, effects = orders.doubted(tracked(S.SENT, sent_mono_ns=NS_PER_S), now(1.0), "killed")
        at_s, asked_s = 1.0, [1.0]
        while order.n_absent < orders.PROOFS:
            order, effects = orders.absent(order, int(at_s * NS_PER_S), venue, now(at_s))
            if not (timers := done(effects, Schedule)):  # what was set when it was asked still runs
                timers = [orders.timer(order, now(at_s), 0.25 * 2.0 ** (order.n_queries - 1))]
            if order.n_absent < orders.PROOFS:
                at_s = timers[0].due_ns / NS_PER_S
                asked_s.append(at_s)
                order, _ = orders.asked(order, now(at_s), [])
        end_s = 1.0 + orders.window_ns(venue) / NS_PER_S
        assert asked_s[-2:] == pytest.approx([end_s + 0.001, end_s + 0.251])
        assert asked_s[1] == 1.25, "and before that it is asked for as often as ever"


def test_a_back_off_that_ends_before_the_window_is_left_as_it_is():
    order = tracked(S.UNKNOWN, sent_mono_ns=NS_PER_S, n_queries=1)
    assert orders.absent(order, NS_PER_S, VENUE, now(1.0)) == (order, [])


@pytest.mark.parametrize(
    ("n_queries", "pause_s"), [(0, 0.25), (1, 0.25), (2, 0.5), (3, 1.0), (6, 8.0), (7, 8.0), (9, 8.0)]
)
def test_only_a_back_off_that_ends_later_than_a_millisecond_after_the_window_is_cut_short(n_queries, pause_s):
    """The back-off is what the question asked for: a quarter of a second, doubled to eight."""
    venue = msgspec.structs.replace(VENUE, validity_window_s=20.0)
    order = tracked(S.UNKNOWN, sent_mono_ns=NS_PER_S, n_queries=n_queries)
    evident_ns = NS_PER_S + orders.window_ns(venue) + 1_000_000
    at_ns = evident_ns - int(pause_s * NS_PER_S)
    assert orders.absent(order, at_ns, venue, now(3.0)) == (order, []), "it ends at that very moment"
    _, effects = orders.absent(order, at_ns + 1, venue, now(3.0))
    assert effects == [Schedule(key="order:1-0", due_ns=evident_ns)]


def test_a_lost_attempt_is_given_up_for_the_reason_that_comes_first():
    lost = tracked(S.UNKNOWN, n_absent=2, absent_mono_ns=7, n_queries=4)
    late = msgspec.structs.replace(lost, approved=approved(expires_ns=1))
    reasons = {
        "halted": orders.again(late, VENUE, "ns", now(3.0), "halted"),
        "the market has moved on": orders.again(late, VENUE, "ns", now(3.0), ""),
        "3 attempts were made": orders.again(
            msgspec.structs.replace(lost, attempt=3, filled=D("0.1")), VENUE, "ns", now(3.0), ""
        ),
        "it was filled in part before": orders.again(
            msgspec.structs.replace(lost, filled=D("0.1")), VENUE, "ns", now(3.0), ""
        ),
    }
    for why, (after, effects) in reasons.items():
        assert after.status is S.EXPIRED
        assert [u.reason for u in said(effects, OrderUpdated)] == [f"proven absent at the venue; {why}"]
    after, _ = orders.again(lost, VENUE, "ns", now(3.0), "")
    assert (after.status, after.attempt, after.sent_mono_ns) == (S.SENT, 2, 3 * NS_PER_S)
    assert (after.n_absent, after.absent_mono_ns, after.n_queries, after.venue_order_id) == (0, 0, 0, "")
