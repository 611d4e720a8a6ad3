"""Our fills against the venue's account, function by function: what counts as a difference, and when it is believed."""

import msgspec

from organism.effects import Schedule, VenueQuery
from organism.market import NS_PER_S
from organism.messages import AlertRaised, Filled, OrderUpdated, Reconciled, ReportAnswered
from organism.portfolio import VenueOrder, VenuePosition
from organism.trading import OrderStatus, Side
from organs.motor import orders
from organs.motor.booking import JUDGES, learned
from organs.motor.reconcile import compared, concluded, missing
from organs.motor.state import MotorState, keeping
from tests.organs.motor.making import INSTRUMENTS, D, X, Y, approved, done, fill, now, said

S = OrderStatus
KNOWN = {i.symbol: i for i in INSTRUMENTS}


def report(positions=None, open_orders=(), asked_s=10):
    held = tuple(VenuePosition(symbol=s, quantity=D(q)) for s, q in (positions or {}).items())
    return ReportAnswered(
        answered=True, asked_mono_ns=asked_s * NS_PER_S, positions=held, open_orders=open_orders, fills=()
    )


def remembered(*tracked, **fields):
    state = MotorState(**fields)
    for one in tracked:
        state = keeping(state, one)
    return state


def order(order_id="1-0", status=S.ACKED, quantity="1", **fields):
    tracked = orders.intended(approved(order_id, quantity=quantity), "ns")
    return msgspec.structs.replace(tracked, status=status, **fields)


def told(one, status="open", filled="0"):
    return VenueOrder(
        client_order_id=one.client_order_id, venue_order_id="p1", symbol=X, status=status, quantity=D(1),
        filled=D(filled),
    )  # fmt: skip


# ---------------------------------------------------------------- comparing


def judged(state, heard, at, filled_mono_ns):
    """Compare, and tell the verdict if that was one."""
    state, effects, is_verdict = compared(state, heard, at, filled_mono_ns)
    if not is_verdict:
        return state, effects
    assert effects == [], "a verdict needs no second look"
    return concluded(state, heard)


def test_the_difference_is_what_the_venue_has_more_than_we_by_symbol_in_order():
    state = remembered(positions={X: D(2), Y: D(-3)}, clean=True)
    after, effects = judged(state, report({X: "5", "Z/USDT": "1"}), now(10.0), 0)
    assert after.doubt == ((X, D(3)), (Y, D(3)), ("Z/USDT", D(1)))
    assert done(effects, Schedule) == effects == [Schedule(key="recheck", due_ns=11 * NS_PER_S)]
    assert after.clean, "once is no proof"
    after, effects = judged(after, report({X: "5", "Z/USDT": "1"}), now(11.0), 0)
    (judgement,) = said(effects, Reconciled)
    assert judgement.unexplained == after.doubt
    assert (judgement.clean, after.clean, effects[0].to) == (False, False, JUDGES)


def test_another_difference_begins_to_be_doubted_anew():
    state = remembered(doubt=((X, D(1)),))
    after, effects = judged(state, report({X: "2"}), now(10.0), 0)
    assert said(effects, Reconciled) == []
    assert after.doubt == ((X, D(2)),)


def test_a_report_asked_for_at_the_instant_of_a_fill_may_not_know_it():
    state = remembered(doubt=((X, D(1)),), clean=True)
    after, effects = judged(state, report({X: "1"}), now(10.0), 10 * NS_PER_S)
    assert (after, said(effects, Reconciled)) == (state, [])
    _, effects = judged(state, report({X: "1"}), now(10.0), 10 * NS_PER_S - 1)
    assert len(said(effects, Reconciled)) == 1


def test_equal_accounts_end_every_doubt():
    state = remembered(positions={X: D(1)}, doubt=((X, D(1)),))
    after, effects = judged(state, report({X: "1"}), now(10.0), 99 * NS_PER_S)
    (judgement,) = said(effects, Reconciled)
    assert (judgement.clean, judgement.first, judgement.unexplained) == (True, True, ())
    assert (after.clean, after.first, after.doubt) == (True, False, ())


def test_a_resting_order_is_missed_by_reports_asked_for_after_it_left():
    there, gone = order("1-0"), order("1-1", S.PARTIAL, sent_mono_ns=9 * NS_PER_S)
    young, lost = order("1-2", sent_mono_ns=10 * NS_PER_S), order("1-3", S.UNKNOWN)
    state = remembered(there, gone, young, lost)
    after, effects = missing(state, report(open_orders=(told(there),)), now(12.0))
    assert [q.client_order_id for q in done(effects, VenueQuery)] == [gone.client_order_id]
    assert after.orders["1-1"].n_queries == 1
    assert [after.orders[i] for i in ("1-0", "1-2", "1-3")] == [there, young, lost]


# ---------------------------------------------------------------- booking


def hear(state, *fills, reports=(), **fields):
    return learned(state, fills, reports, now(12.0), KNOWN, **fields)


def test_a_fill_of_an_intent_shows_that_its_submission_left():
    one = order(status=S.INTENT, quantity="2")
    state, effects = hear(remembered(one), fill(1, one.client_order_id, "1"))
    assert [u.status for u in said(effects, OrderUpdated)] == [S.PARTIAL]
    assert state.orders["1-0"].filled == 1
    assert state.filled_mono_ns == 12 * NS_PER_S
    (booked,) = said(effects, Filled)
    assert booked.fill.order_id == "1-0"


def test_only_what_goes_beyond_the_quantity_is_unexplained():
    """2 ordered, 1.5 filled, then 1: half a unit nobody ordered. And then 1 more: the whole of it."""
    one = order(quantity="2", filled=D("1.5"))
    client = one.client_order_id
    state, effects = hear(remembered(one, order("1-1", S.UNKNOWN), clean=True), fill(1, client, "1"))
    (breach,) = said(effects, Reconciled)
    assert (breach.unexplained, breach.unknown, breach.clean, breach.foreign) == (
        ((X, D("0.5")),),
        ("1-1",),
        False,
        (),
    )
    assert (state.clean, state.orders["1-0"].status) == (False, S.FILLED)
    state, effects = hear(state, fill(2, client, "1"))
    assert said(effects, Reconciled)[0].unexplained == ((X, D(1)),)


def test_a_sale_beyond_its_quantity_is_unexplained_with_its_sign():
    tracked = orders.intended(approved("1-0", Side.SELL), "ns")
    one = msgspec.structs.replace(tracked, status=S.ACKED)
    _, effects = hear(remembered(one), fill(1, one.client_order_id, "3", Side.SELL))
    assert said(effects, Reconciled)[0].unexplained == ((X, D(-2)),)


def test_exactly_the_quantity_is_no_breach():
    one = order(quantity="2", filled=D(1))
    state, effects = hear(remembered(one, clean=True), fill(1, one.client_order_id, "1"))
    assert said(effects, Reconciled) == said(effects, AlertRaised) == []
    assert (state.clean, state.orders["1-0"].status) == (True, S.FILLED)


def test_what_nobody_ordered_counts_in_base_units_and_says_what_was_executed():
    state, effects = hear(remembered(clean=True), fill(1, "by-hand", "2", Side.SELL, symbol="Q/USDT"))
    assert state.positions == {"Q/USDT": D(-2)}
    assert not state.clean
    assert said(effects, Reconciled)[0].unexplained == (("Q/USDT", D(-2)),)
    (alert,) = said(effects, AlertRaised)
    assert alert.body == "sell 2 Q/USDT at 100 (trade paper-1). It was booked."


def test_a_fee_in_base_units_leaves_the_position():
    taken = msgspec.structs.replace(fill(1, "settle:1", "2"), fee=D("0.25"), fee_currency="X")
    state, effects = hear(remembered(positions={X: D(1)}, clean=True), taken)
    assert state.positions == {X: D("2.75")}
    assert said(effects, AlertRaised) == []
    assert state.clean


def test_the_cursor_follows_only_fills_without_a_gap():
    state, _ = hear(remembered(cursor="paper-1"), fill(3), gapless=True)
    assert state.cursor == "paper-3"
    assert hear(state, fill(2), gapless=True)[0].cursor == "paper-3", "never back"
    assert hear(state, fill(9))[0].cursor == "paper-3"
    assert hear(state, gapless=True)[0].cursor == "paper-3"
    other = msgspec.structs.replace(fill(1), trade_id="new-2")
    assert hear(state, other, gapless=True)[0].cursor == "new-2", "another kind of number begins anew"
    same = msgspec.structs.replace(state, booked=MotorState().booked)
    assert hear(same, fill(3), gapless=True)[0].cursor == "paper-3"


def test_a_stray_is_cancelled_only_when_it_was_seen_after_the_end():
    ended = order(status=S.CANCELED, ended_mono_ns=5 * NS_PER_S)
    for asked_s, n in ((None, 0), (5, 0), (6, 1)):
        asked_ns = None if asked_s is None else asked_s * NS_PER_S
        _, effects = hear(remembered(ended), reports=(told(ended),), asked_ns=asked_ns)
        assert len(said(effects, AlertRaised)) == n, asked_s
    _, effects = hear(remembered(ended), reports=(told(ended, "canceled"),), asked_ns=6 * NS_PER_S)
    assert effects == []


def test_the_word_on_an_unknown_order_hides_no_other():
    one = order()
    foreign = msgspec.structs.replace(told(one), client_order_id="by-hand")
    state, _ = hear(remembered(one), reports=(foreign, told(one, "canceled")))
    assert state.orders["1-0"].status is S.CANCELED
