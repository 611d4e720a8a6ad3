"""Execution, one step at a time."""

import msgspec
import pytest

from organism.effects import (
    Publish,
    Schedule,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    Answer,
    BarClosed,
    CancelAnswered,
    CancelRequested,
    Filled,
    InstantSettled,
    OrderApproved,
    OrderUpdated,
    PortfolioMarked,
    QueryAnswered,
    Reconciled,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    TimerFired,
    TradingStateChanged,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder, VenuePosition
from organism.trading import OrderStatus, Purpose, Side, Standing, TradingState
from organs.motor.core import motor_core
from organs.motor.orders import client_order_id
from organs.motor.state import N_ENDED, MotorState
from tests.organs.motor.making import (
    BAR_NS,
    INSTRUMENTS,
    START,
    VENUE,
    D,
    X,
    Y,
    approved,
    bar,
    done,
    fill,
    now,
    said,
)

C1, C2 = client_order_id("ns", "1-0", 1), client_order_id("ns", "1-0", 2)
S = OrderStatus


class Motor:
    """A motor whose time the test sets; what the last step said is kept."""

    def __init__(self, *, clean=True, safe=False, **venue):
        capabilities = msgspec.structs.replace(VENUE, **venue)
        self.core = motor_core(capabilities, INSTRUMENTS, "ns")
        self.state = self.core.initial
        self.mono_s, self.market_ns = 0.0, START
        self.effects = ()
        self.hear(Recovered(organ="motor", incarnation=1, process=True, safe=safe))
        if clean:
            self.report()

    def hear(self, message):
        at = now(self.mono_s, self.market_ns)
        self.state, self.effects = self.core.step(self.state, message, at)
        return self.effects

    def order(self, order_id="1-0", *args, **kwargs):
        return self.hear(OrderApproved(approved=approved(order_id, *args, **kwargs)))

    def timer(self, key="order:1-0"):
        return self.hear(TimerFired(key=key, due_ns=0))

    def query(self, found=None, fills=(), asked_s=None, client=C1, answered=True):
        asked = self.mono_s if asked_s is None else asked_s
        return self.hear(
            QueryAnswered(
                client_order_id=client,
                asked_mono_ns=round(asked * NS_PER_S),
                answered=answered,
                order=found,
                fills=fills,
            )
        )

    def report(self, positions=None, open_orders=(), fills=(), asked_s=None):
        asked = self.mono_s if asked_s is None else asked_s
        return self.hear(
            ReportAnswered(
                answered=True,
                asked_mono_ns=round(asked * NS_PER_S),
                positions=tuple(VenuePosition(symbol=s, quantity=D(q)) for s, q in (positions or {}).items()),
                open_orders=open_orders,
                fills=fills,
            )
        )

    def accepted(self, client=C1):
        return self.hear(SubmitAnswered(client_order_id=client, answer=Answer.ACCEPTED, venue_order_id="p1"))

    def advanced(self, fills=(), orders=(), n=1):
        return self.hear(VenueAdvanced(at_ns=START + n * BAR_NS, fills=fills, orders=orders))

    def status(self, order_id="1-0"):
        return self.state.orders[order_id].status


def there(status="open", filled="0", client=C1):
    return VenueOrder(
        client_order_id=client, venue_order_id="p1", symbol=X, status=status, quantity=D(1), filled=D(filled)
    )


def closed(n=1, **kwargs):
    return BarClosed(at_ns=START + n * BAR_NS, session=1, bars=(bar(n),), **kwargs)


# ------------------------------------------------------------------ sending


def test_an_intent_is_told_and_sent_once_with_an_id_of_its_own_and_a_deadline():
    motor = Motor()
    motor.mono_s = 3.0
    effects = motor.order()

    (sent,) = done(effects, VenueSubmit)
    assert sent.client_order_id == C1
    assert (sent.valid_for_s, sent.sent_mono_ns) == (0.5, 3 * NS_PER_S)
    assert [u.status for u in said(effects, OrderUpdated)] == [S.INTENT, S.SENT]
    assert done(effects, Schedule)[0].due_ns == 4 * NS_PER_S
    assert motor.order() == (), "the same approval again sends nothing"


def test_client_order_ids_are_short_plain_and_different_for_each_attempt_order_and_journal():
    ids = {client_order_id(n, o, a) for n in ("a", "b") for o in ("1-0", "1-1") for a in (1, 2)}
    assert len(ids) == 8
    assert all(len(i) <= 32 and i.isalnum() and i == i.lower() for i in ids)


def test_an_order_whose_market_has_moved_on_is_never_sent():
    motor = Motor()
    motor.market_ns = START + BAR_NS
    effects = motor.order(expires_ns=START + BAR_NS)
    assert done(effects, VenueSubmit) == []
    assert motor.status() is S.EXPIRED


def test_entries_wait_in_order_for_the_first_clean_comparison_and_reducing_orders_do_not():
    motor = Motor(clean=False)
    assert done(motor.order("1-0"), VenueSubmit) == []
    assert done(motor.order("1-1"), VenueSubmit) == []
    assert len(done(motor.order("1-2", Side.SELL, reduce_only=True), VenueSubmit)) == 1
    left = done(motor.report(), VenueSubmit)
    assert [e.approved.order.id for e in left] == ["1-0", "1-1"]
    assert done(motor.report(), VenueSubmit) == []


def test_reducing_orders_wait_too_at_a_venue_that_knows_no_reduce_only():
    motor = Motor(clean=False, reduce_only=False)
    assert done(motor.order("1-2", Side.SELL, reduce_only=True), VenueSubmit) == []


def test_what_waits_too_long_expires_even_if_the_venue_never_answers():
    motor = Motor(clean=False)
    motor.order(expires_ns=START + BAR_NS)
    motor.market_ns = START + BAR_NS
    assert [u.status for u in said(motor.hear(closed()), OrderUpdated)] == [S.EXPIRED]
    assert done(motor.report(), VenueSubmit) == []


def test_an_entry_approved_before_a_halt_and_read_after_it_never_leaves():
    """A change of the trading state travels in the faster lane, and overtakes what was approved before it."""
    motor = Motor()
    halted = Standing(state=TradingState.HALTED)
    motor.hear(TradingStateChanged(before=Standing(), after=halted, cause="a person"))
    effects = motor.order()
    assert [u.status for u in said(effects, OrderUpdated)] == [S.INTENT, S.EXPIRED]
    assert done(effects, VenueSubmit) == []
    assert len(done(motor.order("2-0", reduce_only=True), VenueSubmit)) == 1, "the way out stays open"
    motor.hear(TradingStateChanged(before=halted, after=Standing(), cause="a person"))
    assert len(done(motor.order("3-0"), VenueSubmit)) == 1


def test_an_order_cancelled_while_it_waits_never_leaves():
    motor = Motor(clean=False)
    motor.order()
    effects = motor.hear(CancelRequested(order_id="1-0", reason="no"))
    assert motor.status() is S.CANCELED
    assert done((*effects, *motor.report()), VenueSubmit) == done(effects, VenueCancel) == []


def test_safe_mode_sends_protection_and_no_entries():
    motor = Motor(safe=True)
    assert done(motor.order("1-0"), VenueSubmit) == []
    assert motor.status() is S.EXPIRED
    protect = {"reduce_only": True, "purpose": Purpose.PROTECT}
    assert len(done(motor.order("1-1", Side.SELL, **protect), VenueSubmit)) == 1


def test_an_entry_that_waited_when_the_body_ended_does_not_leave_a_body_started_safe():
    motor = Motor(clean=False)
    motor.order("1-0")
    motor.order("1-1", Side.SELL, reduce_only=True)
    effects = motor.hear(Recovered(organ="motor", incarnation=2, process=True, safe=True))
    assert [(u.order_id, u.status) for u in said(effects, OrderUpdated)][-1:] == [("1-0", S.EXPIRED)]
    assert done(motor.report(), VenueSubmit) == []
    assert motor.state.waiting == ()


# ------------------------------------------------------------------ doubt


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"answer": Answer.ACCEPTED, "venue_order_id": "p1"}, S.ACKED),
        ({"answer": Answer.ACCEPTED}, S.UNKNOWN),
        ({"answer": Answer.UNKNOWN, "reason": "504"}, S.UNKNOWN),
        ({"answer": Answer.REFUSED, "reason": "insufficient balance"}, S.REJECTED),
        ({"answer": Answer.REFUSED, "reason": "duplicate client order id"}, S.UNKNOWN),
    ],
    ids=["accepted", "accepted without an id", "unknown", "refused", "refused as a duplicate"],
)
def test_only_what_is_proven_is_believed(answer, status):
    motor = Motor()
    motor.order()
    effects = motor.hear(SubmitAnswered(client_order_id=C1, **answer))
    assert motor.status() is status
    assert bool(done(effects, VenueQuery)) == (status is S.UNKNOWN)


def test_silence_is_doubt_and_questions_come_at_growing_intervals():
    motor = Motor()
    motor.order()
    pauses = []
    for _ in range(8):
        effects = motor.timer()
        assert len(done(effects, VenueQuery)) == 1
        pauses.append(done(effects, Schedule)[0].due_ns / NS_PER_S)
    assert motor.status() is S.UNKNOWN
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def doubtful():
    motor = Motor()
    motor.order(expires_ns=START + 4 * BAR_NS)
    motor.mono_s = 1.0
    motor.timer()
    return motor


@pytest.mark.requirement("S4-9.2")
def test_absence_needs_two_late_questions_and_a_late_report_and_then_another_attempt_leaves():
    motor = doubtful()
    motor.query(asked_s=1.0)
    motor.report()
    assert motor.state.orders["1-0"].n_absent == 0, "asked within the window: no evidence"
    motor.mono_s = 1.5
    motor.query()
    assert done(motor.report(), VenueSubmit) == [], "one question is not enough"
    motor.mono_s = 1.75
    assert len(done(motor.query(), VenueReport)) == 1
    assert motor.status() is S.UNKNOWN
    assert done(motor.report(asked_s=0.9), VenueSubmit) == [], "an old report proves nothing"
    (again,) = done(motor.report(), VenueSubmit)
    assert again.client_order_id == C2
    assert motor.status() is S.SENT


def test_failed_questions_prove_nothing_however_many():
    motor = doubtful()
    motor.mono_s = 5.0
    for _ in range(100):
        assert motor.query(answered=False) == ()
    assert done(motor.report(), VenueSubmit) == []
    assert motor.status() is S.UNKNOWN


def test_an_open_order_in_the_report_outweighs_questions_that_found_nothing():
    motor = doubtful()
    motor.mono_s = 5.0
    motor.query()
    motor.query()
    assert done(motor.report(open_orders=(there(),)), VenueSubmit) == []
    assert motor.status() is S.ACKED


def proven_absent(motor):
    return proven_absent_in({}, motor)


def proven_absent_in(positions, motor):
    motor.mono_s += 5.0
    for _ in range(2):
        motor.mono_s += 0.25
        motor.query(client=motor.state.orders["1-0"].client_order_id)
    return motor.report(positions)


def test_one_answer_that_comes_twice_proves_no_absence():
    """A repeated answer is the same look at the venue: one look may be wrong, and then a copy would leave."""
    motor = doubtful()
    motor.mono_s += 5.0
    asked_s = motor.mono_s
    for _ in range(3):
        motor.query(asked_s=asked_s)
    assert done(motor.report(), VenueSubmit) == []
    assert motor.status() is S.UNKNOWN
    motor.mono_s += 0.5
    motor.query()
    assert len(done(motor.report(), VenueSubmit)) == 1


def test_a_stale_answer_about_a_given_up_attempt_changes_nothing():
    motor = doubtful()
    proven_absent(motor)
    before = motor.state
    motor.mono_s += 0.1
    assert motor.query(client=C1) == ()
    motor.hear(SubmitAnswered(client_order_id=C1, answer=Answer.REFUSED, reason="too late"))
    assert motor.state == before


def test_three_attempts_are_enough():
    motor = doubtful()
    for _ in range(2):
        assert len(done(proven_absent(motor), VenueSubmit)) == 1
        motor.timer()
    assert done(proven_absent(motor), VenueSubmit) == []
    assert motor.status() is S.EXPIRED


def test_an_absent_order_is_not_sent_again_once_the_market_has_moved_on():
    motor = doubtful()
    motor.market_ns = START + 4 * BAR_NS
    assert done(proven_absent(motor), VenueSubmit) == []
    assert motor.status() is S.EXPIRED


def test_a_lost_entry_leaves_again_only_once_books_and_venue_agree():
    """The report that completes the proof of absence may be the one that shows a difference."""
    motor = doubtful()
    motor.hear(Recovered(organ="motor", incarnation=2, process=False))
    effects = proven_absent_in({X: "1"}, motor)
    assert done(effects, VenueSubmit) == said(effects, Reconciled) == [], "a difference must be there twice"
    motor.mono_s += 1.0
    effects = motor.report({X: "1"})
    assert done(effects, VenueSubmit) == []
    assert said(effects, Reconciled)[0].unknown == ("1-0",)
    motor.mono_s += 1.0
    effects = motor.report()
    (judgement,), (again,) = said(effects, Reconciled), done(effects, VenueSubmit)
    assert (judgement.clean, judgement.unknown, again.client_order_id) == (True, (), C2)
    told = [e.message for e in effects if type(e) is Publish]
    assert told.index(judgement) < told.index(said(effects, OrderUpdated)[0]), "the verdict comes first"


def test_a_lost_entry_is_given_up_even_while_books_and_venue_differ():
    motor = doubtful()
    motor.hear(Recovered(organ="motor", incarnation=2, process=False))
    motor.market_ns = START + 4 * BAR_NS
    proven_absent_in({X: "1"}, motor)
    assert motor.status() is S.EXPIRED


@pytest.mark.parametrize("can_reduce", [True, False])
def test_a_lost_way_out_leaves_again_at_once_where_the_venue_lets_it_only_reduce(can_reduce):
    motor = Motor(reduce_only=can_reduce)
    motor.order("1-0", Side.SELL, reduce_only=True)
    motor.mono_s = 1.0
    motor.timer()
    motor.hear(Recovered(organ="motor", incarnation=2, process=False))
    assert len(done(proven_absent_in({X: "1"}, motor), VenueSubmit)) == can_reduce


def test_an_absent_stop_is_not_sent_again_when_nothing_is_left_to_protect():
    motor = Motor()
    motor.order("1-0", Side.SELL, purpose=Purpose.PROTECT, reduce_only=True)
    motor.mono_s = 1.0
    motor.timer()
    assert done(proven_absent(motor), VenueSubmit) == []
    assert motor.status() is S.EXPIRED


def test_an_absent_order_that_nobody_wants_any_more_is_canceled():
    motor = doubtful()
    motor.hear(CancelRequested(order_id="1-0", reason="no"))
    assert done(proven_absent(motor), VenueSubmit) == []
    assert motor.status() is S.CANCELED


def test_an_order_found_is_adopted_with_its_fills_and_the_account_compared():
    motor = doubtful()
    effects = motor.query(there("filled", "1"), fills=(fill(1, C1),))
    assert motor.status() is S.FILLED
    assert said(effects, Filled)[0].fill.order_id == "1-0"
    assert len(done(effects, VenueReport)) == 1


def test_an_end_with_fills_we_have_not_seen_waits_for_them():
    motor = doubtful()
    effects = motor.query(there("canceled", "0.5"))
    assert motor.status() is S.UNKNOWN
    assert len(done(effects, VenueQuery)) == 1
    motor.query(there("canceled", "0.5"), fills=(fill(1, C1, "0.5"),))
    assert motor.status() is S.CANCELED


def test_others_trade_on_while_one_is_in_doubt():
    motor = doubtful()
    assert len(done(motor.order("1-1", symbol=Y), VenueSubmit)) == 1


# ------------------------------------------------------------------ fills


@pytest.mark.requirement("S1-0.2")
def test_a_fill_counts_once_however_often_and_whoever_tells_it():
    motor = Motor()
    motor.order()
    first = motor.advanced(fills=(fill(1, C1, "0.4"),))
    assert len(said(first, Filled)) == 1
    for again in (
        motor.advanced(fills=(fill(1, C1, "0.4"),)),
        motor.query(there("open", "0.4"), fills=(fill(1, C1, "0.4"),)),
        motor.report({X: "0.4"}, (there("open", "0.4"),), fills=(fill(1, C1, "0.4"),)),
    ):
        assert said(again, Filled) == []
    assert motor.state.positions == {X: D("0.4")}
    assert motor.status() is S.PARTIAL


def test_fills_may_come_in_any_order():
    motor = Motor()
    motor.order()
    motor.query(there("open", "0.6"), fills=(fill(2, C1, "0.6"),))
    motor.advanced(fills=(fill(1, C1, "0.4"), fill(2, C1, "0.6")))
    assert motor.status() is S.FILLED
    assert motor.state.positions == {X: D(1)}


def test_the_cursor_follows_only_answers_that_leave_no_gap_and_never_goes_back():
    motor = Motor()
    motor.order()
    motor.query(there("open", "0.1"), fills=(fill(5, C1, "0.1"),))
    assert motor.state.cursor == "", "fills of one order say nothing about those of others"
    motor.advanced(fills=(fill(5, C1, "0.1"), fill(6, C1, "0.1")))
    assert motor.state.cursor == "paper-6"
    motor.advanced(fills=(fill(5, C1, "0.1"),))
    assert motor.state.cursor == "paper-6"
    assert done(motor.hear(closed(2)), VenueAdvance)[0].since == "paper-6"


def test_a_fill_after_the_end_is_booked_and_alarmed_and_the_end_stays():
    motor = Motor()
    motor.order()
    motor.hear(SubmitAnswered(client_order_id=C1, answer=Answer.REFUSED, reason="no"))
    effects = motor.advanced(fills=(fill(1, C1),))
    assert len(said(effects, Filled)) == 1
    assert len(said(effects, AlertRaised)) == 1
    assert said(effects, OrderUpdated) == []
    assert motor.status() is S.REJECTED
    assert motor.state.positions == {X: D(1)}


def test_more_than_was_ordered_is_booked_and_stops_trading():
    motor = Motor()
    motor.order()
    effects = motor.advanced(fills=(fill(1, C1, "1.5"),))
    (told,) = said(effects, Reconciled)
    assert not told.clean
    assert told.unexplained == ((X, D("0.5")),)
    assert said(effects, AlertRaised)
    assert motor.state.positions == {X: D("1.5")}
    assert done(motor.order("1-1"), VenueSubmit) == [], "entries wait for a clean comparison"


@pytest.mark.parametrize("symbol", [X, "NEVER/HEARD"])
def test_what_we_never_ordered_is_booked_and_stops_trading(symbol):
    motor = Motor()
    effects = motor.advanced(fills=(fill(1, "whose", symbol=symbol, side=Side.SELL),))
    (told,) = said(effects, Reconciled)
    assert told.unexplained == ((symbol, D(-1)),)
    assert said(effects, Filled)[0].fill.order_id == ""
    assert said(effects, AlertRaised)


def test_a_settlement_by_the_venue_is_booked_without_alarm():
    motor = Motor()
    effects = motor.advanced(fills=(fill(1, f"settle:1:{X}", side=Side.SELL),))
    assert len(said(effects, Filled)) == 1
    assert said(effects, AlertRaised) == said(effects, Reconciled) == []


def test_the_end_of_one_attempt_given_up_for_lost_cancels_the_other():
    motor = doubtful()
    proven_absent(motor)
    effects = motor.advanced(fills=(fill(1, C1, "0.4"),))
    assert [c.client_order_id for c in done(effects, VenueCancel)] == [C2]
    assert said(effects, AlertRaised)
    assert motor.state.orders["1-0"].filled == D("0.4")


# ------------------------------------------------------------------ cancelling


def resting():
    motor = Motor()
    motor.order()
    motor.accepted()
    return motor


@pytest.mark.parametrize("answer", [Answer.ACCEPTED, Answer.REFUSED, Answer.UNKNOWN])
def test_the_answer_to_a_cancellation_is_a_reason_to_look_and_no_end(answer):
    motor = resting()
    assert len(done(motor.hear(CancelRequested(order_id="1-0", reason="no")), VenueCancel)) == 1
    effects = motor.hear(CancelAnswered(client_order_id=C1, answer=answer))
    assert len(done(effects, VenueQuery)) == 1
    assert motor.status() is S.ACKED


def test_a_fill_that_wins_the_race_against_its_cancellation_counts():
    motor = resting()
    motor.hear(CancelRequested(order_id="1-0", reason="no"))
    motor.hear(CancelAnswered(client_order_id=C1, answer=Answer.REFUSED))
    motor.query(there("filled", "1"), fills=(fill(1, C1),))
    assert motor.status() is S.FILLED
    assert motor.state.positions == {X: D(1)}


def test_a_lost_cancellation_is_asked_about_and_repeated():
    motor = resting()
    motor.hear(CancelRequested(order_id="1-0", reason="no"))
    assert len(done(motor.timer(), VenueQuery)) == 1
    assert len(done(motor.query(there()), VenueCancel)) == 1
    motor.query(there("canceled"))
    assert motor.status() is S.CANCELED


def test_an_ended_order_found_resting_at_the_venue_is_cancelled_there_and_alarmed():
    motor = doubtful()
    motor.market_ns = START + 4 * BAR_NS
    proven_absent(motor)
    motor.mono_s += 1.0
    assert len(done(motor.accepted(), VenueQuery)) == 1, "an acceptance after the end: look"
    effects = motor.query(there())
    assert [c.client_order_id for c in done(effects, VenueCancel)] == [C1]
    assert said(effects, AlertRaised)
    assert motor.status() is S.EXPIRED


# ------------------------------------------------------------------ comparing


@pytest.mark.requirement("S1-9.1", "S1-0.6")
def test_a_difference_is_believed_when_it_is_there_twice():
    motor = Motor()
    motor.mono_s = 30.0
    effects = motor.report({X: "1"})
    assert said(effects, Reconciled) == []
    assert [e.key for e in done(effects, Schedule)] == ["recheck"]
    motor.mono_s = 31.0
    assert len(done(motor.timer("recheck"), VenueReport)) == 1
    (told,) = said(motor.report({X: "1"}), Reconciled)
    assert not told.clean
    assert told.unexplained == ((X, D(1)),)


def test_a_report_older_than_the_newest_fill_compares_nothing():
    motor = resting()
    motor.mono_s = 2.0
    motor.advanced(fills=(fill(1, C1),))
    for _ in range(3):
        assert said(motor.report({}, asked_s=1.0), Reconciled) == []
    motor.mono_s = 3.0
    (told,) = said(motor.report({X: "1"}), Reconciled)
    assert told.clean


def test_missed_fills_in_a_report_are_applied_before_it_is_compared():
    motor = resting()
    motor.mono_s = 30.0
    effects = motor.report({X: "1"}, fills=(fill(1, C1),))
    assert said(effects, Reconciled)[0].clean
    assert motor.status() is S.FILLED
    assert motor.state.cursor == "paper-1"


def test_an_order_missing_among_the_open_ones_is_asked_for():
    motor = resting()
    motor.mono_s = 30.0
    assert [q.client_order_id for q in done(motor.report(), VenueQuery)] == [C1]
    motor.query(there("canceled"))
    assert motor.status() is S.CANCELED


def test_foreign_orders_are_counted_and_never_touched():
    motor = Motor()
    effects = motor.report(open_orders=(there(client="by-hand"),))
    (told,) = said(effects, Reconciled)
    assert told.foreign == ("by-hand",)
    assert done(effects, VenueCancel) == []


def test_orders_in_doubt_are_named():
    motor = doubtful()
    assert said(motor.report(), Reconciled)[0].unknown == ("1-0",)


def test_a_report_that_failed_says_nothing():
    motor = Motor(clean=False)
    assert motor.hear(ReportAnswered(answered=False, asked_mono_ns=0)) == ()
    assert len(done(motor.timer("first"), VenueReport)) == 1, "asked again until the first one came"
    assert said(motor.report(), Reconciled)[0].first
    assert motor.timer("first") == ()


def test_the_account_is_compared_again_and_again():
    motor = Motor()
    effects = motor.timer("report")
    assert len(done(effects, VenueReport)) == 1
    assert [e.key for e in done(effects, Schedule)] == ["report"]


# ------------------------------------------------------------------ market instants


def test_an_instant_is_settled_once_the_venue_has_answered_and_fills_come_first():
    motor = resting()
    (advance,) = done(motor.hear(closed(closing=True, final=True)), VenueAdvance)
    assert advance.settle
    effects = motor.advanced(fills=(fill(1, C1),))
    assert [type(e.message) for e in effects if hasattr(e, "message")] == [
        Filled,
        OrderUpdated,
        InstantSettled,
    ]
    (settled,) = said(effects, InstantSettled)
    assert (settled.at_ns, settled.bars, settled.closing, settled.final) == (
        START + BAR_NS, (bar(1),), True, True,
    )  # fmt: skip
    assert said(motor.advanced(), InstantSettled) == []
    assert motor.hear(closed()) == (), "an instant of the past"


def test_an_instant_without_an_answer_is_told_again():
    motor = Motor()
    motor.hear(closed())
    assert done(motor.timer("instant"), VenueAdvance) == done(motor.timer("instant"), VenueAdvance)
    assert len(done(motor.effects, VenueAdvance)) == 1
    motor.advanced()
    assert motor.timer("instant") == ()


def test_the_venue_meets_missed_instants_in_order_before_the_next_and_only_the_newest_is_settled():
    motor = Motor()
    motor.hear(closed(1))
    motor.hear(closed(2, final=True))
    told = done(motor.hear(closed(3)), VenueAdvance)
    assert [a.at_ns for a in told] == [START + n * BAR_NS for n in (1, 2, 3)]
    assert said(motor.advanced(n=1), InstantSettled) == []
    settled = said(motor.advanced(n=3), InstantSettled)
    assert [s.at_ns for s in settled] == [START + n * BAR_NS for n in (2, 3)], (
        "a session's end is always told"
    )
    assert len(done(motor.hear(closed(4)), VenueAdvance)) == 1


def test_in_an_outage_of_the_venue_the_memory_of_instants_stays_small():
    motor = Motor()
    for n in range(1, 100):
        motor.hear(closed(n))
    assert len(done(motor.effects, VenueAdvance)) == 9


# ------------------------------------------------------------------ recovery and memory


def test_after_a_restart_everything_under_way_is_in_doubt_and_its_window_begins_anew():
    motor = resting()
    motor.mono_s = 500.0
    effects = motor.hear(Recovered(organ="motor", incarnation=2, process=True))
    assert motor.status() is S.UNKNOWN
    assert [q.client_order_id for q in done(effects, VenueQuery)] == [C1]
    assert len(done(effects, VenueReport)) == 1
    assert done(effects, VenueSubmit) == []
    motor.mono_s = 501.0
    motor.query(asked_s=501.0)
    assert motor.state.orders["1-0"].n_absent == 0, "what left last may still arrive"
    assert done(motor.order("1-1"), VenueSubmit) == [], "entries wait for the comparison"
    assert len(done(motor.report(open_orders=(there(),)), VenueSubmit)) == 1
    assert motor.status() is S.ACKED


def test_after_a_restart_a_monotonic_clock_that_began_anew_blocks_nothing():
    motor = resting()
    motor.mono_s = 5_000.0
    motor.advanced(fills=(fill(1, C1, "0.5"),))
    motor.mono_s = 1.0
    motor.hear(Recovered(organ="motor", incarnation=2, process=True))
    (told,) = said(motor.report({X: "0.5"}, (there("open", "0.5"),)), Reconciled)
    assert told.clean
    assert told.first
    assert motor.status() is S.PARTIAL


def test_an_instant_under_way_is_told_again_after_a_restart():
    motor = Motor()
    motor.hear(closed())
    effects = motor.hear(Recovered(organ="motor", incarnation=2, process=False))
    assert len(done(effects, VenueAdvance)) == 1
    assert len(said(motor.advanced(), InstantSettled)) == 1


def test_safe_mode_outlives_the_restart_of_the_organ_and_not_that_of_the_process():
    motor = Motor(safe=True)
    motor.hear(Recovered(organ="motor", incarnation=2, process=False))
    assert motor.state.safe
    motor.hear(Recovered(organ="motor", incarnation=3, process=True))
    assert not motor.state.safe


def test_ended_orders_are_forgotten_and_live_ones_never():
    motor = Motor()
    motor.order("0-0")
    motor.accepted(client_order_id("ns", "0-0", 1))
    for n in range(1, 4 * N_ENDED):
        motor.order(f"{n}-0")
        motor.hear(
            SubmitAnswered(
                client_order_id=client_order_id("ns", f"{n}-0", 1), answer=Answer.REFUSED, reason="no"
            )
        )
    assert len(motor.state.orders) <= 2 * N_ENDED + 1
    assert motor.status("0-0") is S.ACKED
    assert motor.status(f"{4 * N_ENDED - 1}-0") is S.REJECTED
    assert len(motor.state.by_client) == len(motor.state.orders)


def test_its_memory_survives_a_snapshot():
    motor = doubtful()
    motor.hear(closed(1))
    motor.hear(closed(2))
    motor.advanced(fills=(fill(1, C1, "0.4"),))
    data = msgspec.msgpack.encode(motor.state)
    assert msgspec.msgpack.decode(data, type=MotorState) == motor.state


def test_what_does_not_concern_it_changes_nothing():
    motor = Motor()
    before = motor.state
    mark = PortfolioMarked(
        at_ns=1, session=1, cash=D(1), equity=1.0, peak=1.0, drawdown=0.0, day_start=1.0, gross_exposure=0.0,
        net_exposure=0.0, realised=D(0), unrealised=D(0), fees=D(0), consecutive_losses=0, positions=(),
    )  # fmt: skip
    assert motor.hear(mark) == ()
    assert motor.hear(CancelRequested(order_id="nobody's", reason="no")) == ()
    assert motor.query(client="nobody's") == ()
    assert motor.state is before
