"""A life that keeps every promise breaks none; each way of breaking one is found, by its own id."""

from decimal import Decimal

import msgspec
import pytest

from organism.effects import Notify, Publish
from organism.invariants import TITLES, Bounds, Departure, Judge, Probe, Rules, breach, chain, compare
from organism.journal.port import MemoryJournal
from organism.lockstep import Lockstep
from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    Answer,
    DenialReason,
    Escalated,
    FeedStalled,
    Filled,
    InvariantBroken,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    Priority,
    QueryAnswered,
    Reconciled,
    Recovered,
    ReportAnswered,
    Severity,
    SubmitAnswered,
    TradingStateChanged,
    VenueAdvanced,
    VitalsTaken,
)
from organism.redaction import Redactor
from organism.settings import RiskSettings
from organism.trading import ApprovedOrder, Side, Standing, TradingState
from organism.trading import OrderStatus as S
from tests.organism.invariants.tape import BTC, HEARERS, RULES, D, Tape, X, honest

CANARY = "correct-horse-battery-staple"


def test_an_honest_life_breaks_nothing_and_gives_everything_to_judge():
    tape = honest()
    assert tape.texts() == []
    judged = tape.judge.judged()
    assert all(judged[name] for name in TITLES if name not in {"I11", "I12"}), judged


# ---------------------------------------------------------------- I1 intent first


def sent_without_approval(t):
    t.send(t.make("9"))


def sent_otherwise_than_approved(t):
    order = t.make("9")
    t.approve(order)
    t.send(msgspec.structs.replace(order, quantity=D(11)))


def sent_without_intent(t):
    order = t.make("9")
    t.approve(order)
    t.row("motor", t.submit(order))


def sent_by_the_brain(t):
    order = t.make("9")
    t.approve(order)
    t.update(order, S.INTENT)
    t.update(order, S.SENT)
    t.row("brain", t.submit(order))


def left_before_it_was_durable(t):
    order = t.make("9")
    t.approve(order)
    seq = t.send(order)
    t.judge.departed(Departure(seq, "c9", seq - 1))


def status_of_an_order_nobody_approved(t):
    t.update(t.make("ghost"), S.INTENT)


def fill_of_an_attempt_that_never_left(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "1", client_id="c-other"), S.PARTIAL, "1")


# ---------------------------------------------------------------- I2 once


def approved_twice(t):
    order = t.order("9")
    t.approve(order)


def proposed_twice(t):
    order = t.order("9")
    t.say("metabolism", OrderProposed(order=order), to=("immune",))


def left_twice_under_one_id(t):
    order = t.order("9")
    t.row("motor", t.submit(order))


def two_orders_under_one_id(t):
    t.order("9")
    other = t.make("10")
    t.approve(other)
    t.send(other, "c9")


def second_attempt(t, n_absent=2, report=True, late=True):
    order = t.make("9")
    t.approve(order)
    t.send(order)
    t.update(order, S.UNKNOWN)
    if late:
        t.t += 2 * NS_PER_S
    for _ in range(n_absent):
        t.absent("c9")
    reads = t.report() if report else None
    submit = t.submit(order, "c9b")
    t.row("motor", t.updated(order, S.SENT), submit, reads=reads)


def second_attempt_after_one_absence(t):
    second_attempt(t, n_absent=1)


def second_attempt_after_one_answer_that_came_twice(t):
    order = t.make("9")
    t.approve(order)
    t.send(order)
    t.update(order, S.UNKNOWN)
    t.t += 2 * NS_PER_S
    asked_ns = t.t
    for _ in range(3):
        t.absent("c9", asked_mono_ns=asked_ns)
    t.row("motor", t.updated(order, S.SENT), t.submit(order, "c9b"), reads=t.report())


def second_attempt_without_a_report(t):
    second_attempt(t, report=False)


def second_attempt_on_early_answers(t):
    second_attempt(t, late=False)


def second_attempt_although_the_report_shows_the_first(t):
    order = t.make("9")
    t.approve(order)
    t.send(order)
    t.update(order, S.UNKNOWN)
    t.t += 2 * NS_PER_S
    t.absent("c9")
    t.absent("c9")
    t.row(
        "motor",
        t.updated(order, S.SENT, client_id="c9b"),
        t.submit(order, "c9b"),
        reads=t.report(t.resting(order, "c9")),
    )


def executed_beyond_intent(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "6"), S.PARTIAL, "6")
    t.hear(order, t.fill(order, "6"), S.FILLED, "12")


def executed_by_two_attempts(t):
    second_attempt(t)
    order = t.make("9")
    t.hear(order, t.fill(order, "1", client_id="c9"), S.PARTIAL, "1")
    t.hear(order, t.fill(order, "1", client_id="c9b"), S.PARTIAL, "2")


def sent_after_its_end(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "10"), S.FILLED, "10")
    t.row("motor", t.submit(order, "c9b"))


# ---------------------------------------------------------------- I3 fills are the position


def heard_and_not_told(t):
    order = t.order("9")
    t.row("motor", reads=VenueAdvanced(at_ns=t.t, fills=(t.fill(order, "1"),), orders=()))


def told_and_never_heard(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "1"), S.PARTIAL, "1", heard=())


def told_otherwise_than_executed(t):
    order = t.order("9")
    fill = t.fill(order, "1")
    t.hear(order, fill, S.PARTIAL, "1", heard=(msgspec.structs.replace(fill, price=D("9.99")),))


def told_twice(t):
    order = t.order("9")
    fill = t.fill(order, "1")
    t.hear(order, fill, S.PARTIAL, "1")
    t.say("motor", Filled(fill=fill), reads=VenueAdvanced(at_ns=t.t, fills=(fill,), orders=()))


def not_told_to_the_books(t):
    order = t.order("9")
    fill = t.fill(order, "1")
    told = Publish(to=("immune",), message=Filled(fill=fill))
    t.row(
        "motor",
        told,
        t.updated(order, S.PARTIAL, "1"),
        reads=VenueAdvanced(at_ns=t.t, fills=(fill,), orders=()),
    )


def books_off_by_a_hair(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "1"), S.PARTIAL, "1")
    t.held += D("1e-15")
    t.mark()


def clean_although_the_venue_holds_more(t):
    t.reconcile(positions=())
    order = t.order("9")
    t.hear(order, t.fill(order, "1"), S.PARTIAL, "1")
    t.reconcile(positions=())


def status_says_more_than_the_fills(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "1"), S.PARTIAL, "2")


# ---------------------------------------------------------------- I4 equity identity


def bought(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "3"), S.PARTIAL, "3")
    return order


def cash_off_by_a_hair(t):
    bought(t)
    t.cash += D("1e-15")
    t.mark()


def fees_forgotten(t):
    bought(t)
    t.mark(fees=D(0))


def realised_invented(t):
    bought(t)
    t.mark(realised=D("0.000001"))


def unrealised_invented(t):
    bought(t)
    t.mark(unrealised=D("0.01"))


def equity_invented(t):
    bought(t)
    t.mark(equity=10_000.5)


def known_without_a_price(t):
    bought(t)
    mark = t.marked()
    (position,) = mark.positions
    t.mark(positions=(msgspec.structs.replace(position, mark=float("nan")),))


def start_that_is_not_what_was_given(t):
    late = Tape(Rules(starting_cash=D(9_999)))
    late.mark()
    t.judge.add(tuple(late.judge.breaches))


# ---------------------------------------------------------------- I5 acknowledged is durable


def row_missing(t):
    t.row("voice", seq=len(t.events) + 2)


def row_again(t):
    t.judge.see(t.events[-1])


def step_missing(t):
    t.row("immune", step=t.steps["immune"] + 2)


def retired_incarnation(t):
    t.events.append(None)
    event = t.events[0]
    t.judge.see(
        event._replace(seq=len(t.events), step=t.steps["metabolism"] + 1, incarnation=2, input_id="a:1")
    )
    t.judge.see(
        event._replace(seq=len(t.events) + 1, step=t.steps["metabolism"] + 2, incarnation=1, input_id="a:2")
    )


def read_what_nobody_said(t):
    t.row("brain", input_id="3.7")


def read_twice(t):
    seq = t.say("nervous", FeedStalled(feed="f", reason="r", silent_s=1.0), to=("voice",))
    t.row("voice", input_id=f"{seq}.0")
    t.row("voice", input_id=f"{seq}.0")


def read_from_outside_twice(t):
    t.row("brain", input_id="bar:1:2")
    t.row("brain", input_id="bar:1:2")


# ---------------------------------------------------------------- I6 unknown is not failed


def unknown(t):
    order = t.make("9")
    t.approve(order)
    t.send(order)
    t.update(order, S.UNKNOWN)
    return order


def unknown_called_rejected(t):
    t.update(unknown(t), S.REJECTED)


def unknown_called_expired_after_one_answer(t):
    order = unknown(t)
    t.t += 2 * NS_PER_S
    t.absent("c9")
    t.update(order, S.EXPIRED, reads=t.report())


def unknown_called_expired_after_one_answer_that_came_twice(t):
    order = unknown(t)
    t.t += 2 * NS_PER_S
    asked_ns = t.t
    for _ in range(3):
        t.absent("c9", asked_mono_ns=asked_ns)
    t.update(order, S.EXPIRED, reads=t.report())


def unknown_called_cancelled_on_early_answers(t):
    order = unknown(t)
    t.absent("c9")
    t.absent("c9")
    t.update(order, S.CANCELED, reads=t.report())


def answers_of_an_earlier_life_counted(t):
    """Two questions before a restart prove nothing after it: the clock began anew."""
    order = unknown(t)
    t.t += 2 * NS_PER_S
    t.absent("c9")
    t.absent("c9")
    t.row("motor", reads=Recovered(organ="motor", incarnation=2, process=True))
    t.update(order, S.EXPIRED, reads=t.report())


def a_duplicate_taken_for_a_refusal(t):
    order = unknown(t)
    answer = SubmitAnswered(client_order_id="c9", answer=Answer.REFUSED, reason="duplicate client order id")
    t.update(order, S.REJECTED, reads=answer)


def filled_with_a_fill_missing(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "9"), S.FILLED, "9")


# ---------------------------------------------------------------- I7 only legal transitions


def begins_in_the_middle(t):
    order = t.make("9")
    t.approve(order)
    t.update(order, S.ACKED)


def moves_after_its_end(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "10"), S.FILLED, "10")
    t.update(order, S.ACKED, "10")


def goes_back(t):
    t.update(t.order("9"), S.SENT)


def said_twice(t):
    t.update(t.order("9"), S.ACKED)


def filled_falls(t):
    order = t.order("9")
    t.hear(order, t.fill(order, "5"), S.PARTIAL, "5")
    t.update(order, S.UNKNOWN, "4")


def another_attempt_of_what_is_known(t):
    t.update(t.order("9"), S.SENT, client_id="c9b")


# ---------------------------------------------------------------- I8 fail closed


def hears(t, message):
    t.row("immune", reads=message)
    t.approve(t.make("9"))


def halted_by_a_person(t):
    hears(t, OperatorCommanded(command_id=1, command="halt", operator="me"))


def barred_by_a_person(t):
    hears(t, OperatorCommanded(command_id=1, command="bar", operator="me", target=X))


def hibernating(t):
    hears(t, OperatorCommanded(command_id=1, command="hibernate", operator="me", hours=2.0))


def feed_stalled(t):
    hears(t, FeedStalled(feed="f", reason="r", silent_s=9.0))


def escalated(t):
    hears(t, Escalated(organ="motor", why="w"))


def already_broken(t):
    hears(t, InvariantBroken(invariant="I3", breach_id="b", text="t"))


def unexplained(t):
    hears(t, Reconciled(clean=False, unexplained=((X, D(1)),), foreign=(), unknown=()))


def not_compared_since_the_start(t):
    hears(t, Recovered(organ="immune", incarnation=2, process=True))


def unknown_for_too_long(t):
    t.row("immune", reads=Reconciled(clean=True, unexplained=(), foreign=(), unknown=("5",)))
    t.t += 61 * NS_PER_S
    t.approve(t.make("9"))


def unwell(t):
    for _ in range(5):
        t.row("immune", reads=VitalsTaken(health=10.0, parts=()))
    t.approve(t.make("9"))


def against_its_own_word(t):
    after = Standing(state=TradingState.REDUCING)
    t.say("immune", TradingStateChanged(before=Standing(), after=after, cause="c"), to=("motor",))
    t.approve(t.make("9"))


def sent_before_books_agree(t):
    order = t.make("9")
    t.approve(order)
    t.row("motor", reads=Recovered(organ="motor", incarnation=2, process=False))
    t.send(order)


def sent_again_before_the_verdict_of_the_same_report(t):
    """What a motor did that resolved its doubts first and compared the accounts afterwards."""
    order = t.make("9")
    t.approve(order)
    t.row("motor", reads=Recovered(organ="motor", incarnation=2, process=False))
    report = ReportAnswered(answered=True, asked_mono_ns=t.t, positions=())
    verdict = Reconciled(clean=True, unexplained=(), foreign=(), unknown=())
    first, then = t.updated(order, S.INTENT), t.updated(order, S.SENT)
    t.row("motor", first, then, t.submit(order), Publish(to=HEARERS, message=verdict), reads=report)


def sent_by_a_body_started_safe(t):
    order = t.make("9")
    t.approve(order)
    t.row("motor", reads=Recovered(organ="motor", incarnation=2, process=True, safe=True))
    t.row("motor", reads=Recovered(organ="motor", incarnation=3, process=False))
    t.reconcile()
    t.send(order)


def sent_although_halted(t):
    order = t.make("9")
    t.approve(order)
    after = Standing(state=TradingState.HALTED)
    t.row("motor", reads=TradingStateChanged(before=Standing(), after=after, cause="c"))
    t.send(order)


def sent_on_old_prices(t):
    order = t.make("9", expires_ns=t.t + NS_PER_S)
    t.approve(order)
    t.t += 2 * NS_PER_S
    t.send(order)


def a_way_out_refused(t):
    bought(t)
    order = t.make("10", "1", Side.SELL, reduce_only=True)
    denied = OrderDenied(order_id="10", symbol=X, reason=DenialReason.HALTED, limit=0.0, observed=0.0)
    t.approve(order, verdict=denied)


# ---------------------------------------------------------------- I9 limits at the gate


def too_large(t):
    t.approve(t.make("9", "600"))


def too_far_off(t):
    t.approve(t.make("9", reference_price=D("10.6")))


def too_much_of_one(t):
    for name in ("9", "10"):
        t.approve(t.make(name, "200"))


def too_fast(t):
    for number in range(61):
        t.approve(t.make(f"9{number}", "1"))


def short_where_nobody_can_borrow(t):
    t.approve(t.make("9", "1", Side.SELL))


def grown_by_the_gate(t):
    order = t.make("9")
    t.approve(order, proposed=msgspec.structs.replace(order, quantity=D(9)))


def approved_unasked(t):
    approved = ApprovedOrder(order=t.make("9"), approved_ns=1)
    t.row(
        "immune",
        Publish(to=("motor",), message=OrderApproved(approved=approved)),
        reads=VitalsTaken(health=90.0, parts=()),
    )


def approved_by_the_brain(t):
    approved = ApprovedOrder(order=t.make("9"), approved_ns=1)
    t.say("brain", OrderApproved(approved=approved))


def no_verdict(t):
    t.row("immune", reads=OrderProposed(order=t.make("9")))


def fallen_too_far(t):
    t.mark(drawdown=0.11)
    t.mark(drawdown=0.01)
    t.approve(t.make("9"))


def lost_too_much_today(t):
    t.mark(day_start=11_000.0)
    t.approve(t.make("9"))


def lost_too_often(t):
    t.mark(consecutive_losses=3)
    t.approve(t.make("9"))


def without_a_price(t):
    t.mark(closes=())
    t.approve(t.make("9"))


def reduction_that_reduces_nothing(t):
    t.approve(t.make("9", "1", Side.SELL, reduce_only=True))


def not_a_number(t):
    t.approve(t.make("9", reference_price=D("NaN")))


# ---------------------------------------------------------------- I10 no secret in a row


def note(t, text):
    t.row("immune", reads=OperatorCommanded(command_id=1, command="resume", operator="me", note=text))


def a_canary_in_a_note(t):
    note(t, f"as told: {CANARY}.")


def a_key_by_its_shape(t):
    note(t, "api_key=Zm9vYmFyYmF6")


def an_address_in_an_alert(t):
    t.row("voice", Notify(
        alert_id="a", severity=Severity.INFO, priority=Priority.LOW, title="T", tags=(),
        body="sent to tgram://123456789:ABCdefGhIJKlmNoPQRstuVWXyz012345678/42",
    ))  # fmt: skip


def a_password_in_a_refusal(t):
    order = t.order("9")
    answer = SubmitAnswered(
        client_order_id="c9", answer=Answer.UNKNOWN, reason="GET https://me:hunter22@venue/ failed"
    )
    t.update(order, S.UNKNOWN, reads=answer)


BREAKS = {
    "I1": [
        sent_without_approval, sent_otherwise_than_approved, sent_without_intent, sent_by_the_brain,
        left_before_it_was_durable, status_of_an_order_nobody_approved, fill_of_an_attempt_that_never_left,
    ],
    "I2": [
        approved_twice, proposed_twice, left_twice_under_one_id, two_orders_under_one_id, second_attempt_after_one_absence,
        second_attempt_after_one_answer_that_came_twice,
        second_attempt_without_a_report, second_attempt_on_early_answers,
        second_attempt_although_the_report_shows_the_first, executed_beyond_intent, executed_by_two_attempts,
        sent_after_its_end,
    ],
    "I3": [
        heard_and_not_told, told_and_never_heard, told_otherwise_than_executed, told_twice, not_told_to_the_books,
        books_off_by_a_hair, clean_although_the_venue_holds_more, status_says_more_than_the_fills,
    ],
    "I4": [
        cash_off_by_a_hair, fees_forgotten, realised_invented, unrealised_invented, equity_invented,
        known_without_a_price, start_that_is_not_what_was_given,
    ],
    "I5": [
        row_missing, row_again, step_missing, retired_incarnation, read_what_nobody_said, read_twice,
        read_from_outside_twice,
    ],
    "I6": [
        unknown_called_rejected, unknown_called_expired_after_one_answer,
        unknown_called_expired_after_one_answer_that_came_twice, unknown_called_cancelled_on_early_answers,
        answers_of_an_earlier_life_counted, a_duplicate_taken_for_a_refusal, filled_with_a_fill_missing,
    ],
    "I7": [
        begins_in_the_middle, moves_after_its_end, goes_back, said_twice, filled_falls, another_attempt_of_what_is_known,
    ],
    "I8": [
        halted_by_a_person, barred_by_a_person, hibernating, feed_stalled, escalated, already_broken, unexplained,
        not_compared_since_the_start, unknown_for_too_long, unwell, against_its_own_word, sent_before_books_agree,
        sent_again_before_the_verdict_of_the_same_report, sent_by_a_body_started_safe,
        sent_although_halted, sent_on_old_prices, a_way_out_refused,
    ],
    "I9": [
        too_large, too_far_off, too_much_of_one, too_fast, short_where_nobody_can_borrow, grown_by_the_gate,
        approved_unasked, approved_by_the_brain, no_verdict, fallen_too_far, lost_too_much_today, lost_too_often,
        without_a_price, reduction_that_reduces_nothing, not_a_number,
    ],
    "I10": [a_canary_in_a_note, a_key_by_its_shape, an_address_in_an_alert, a_password_in_a_refusal],
}  # fmt: skip
CASES = [(name, act) for name, acts in BREAKS.items() for act in acts]


@pytest.mark.parametrize(("name", "act"), CASES, ids=[f"{n}-{a.__name__}" for n, a in CASES])
def test_breaking_a_promise_is_found_by_its_id(name, act):
    tape = Tape(redact=Redactor([CANARY])).begin()
    assert tape.texts() == []
    act(tape)
    assert name in tape.broken(), tape.texts()
    (found, *_) = [b for b in tape.judge.breaches if b.invariant == name]
    assert found.text.endswith(".")
    assert CANARY not in repr(tape.judge.breaches)


# Ways that break one promise and must not be blamed on another. What necessarily breaks two is not here.
ALONE = [
    (name, act) for name, act in CASES
    if act in {
        sent_without_approval, left_before_it_was_durable, proposed_twice, left_twice_under_one_id, heard_and_not_told,
        told_and_never_heard, cash_off_by_a_hair, fees_forgotten, equity_invented, row_missing, read_twice,
        unknown_called_rejected, said_twice, halted_by_a_person, unknown_for_too_long, sent_although_halted,
        a_way_out_refused, too_large, too_fast, fallen_too_far, no_verdict, a_canary_in_a_note,
    }
]  # fmt: skip


@pytest.mark.parametrize(("name", "act"), ALONE, ids=[a.__name__ for _, a in ALONE])
def test_what_breaks_one_promise_is_blamed_on_no_other(name, act):
    tape = Tape(redact=Redactor([CANARY])).begin()
    act(tape)
    assert tape.broken() == {name}, tape.texts()


# ---------------------------------------------------------------- what must not be blamed


def test_an_attempt_proven_absent_may_be_sent_again_and_may_be_given_up():
    tape = Tape().begin()
    second_attempt(tape)
    tape.update(tape.make("9"), S.UNKNOWN)
    tape.t += 2 * NS_PER_S
    tape.absent("c9b")
    tape.absent("c9b")
    tape.update(tape.make("9"), S.EXPIRED, reads=tape.report())
    assert tape.texts() == []


def test_an_intent_that_never_left_may_end_without_the_venues_word():
    tape = Tape().begin()
    order = tape.make("9")
    tape.approve(order)
    tape.update(order, S.INTENT)
    tape.update(order, S.EXPIRED)
    assert tape.texts() == []


def test_a_person_who_resumes_lifts_what_a_person_may_lift():
    tape = Tape().begin()
    tape.row("immune", reads=OperatorCommanded(command_id=1, command="halt", operator="me"))
    tape.mark(drawdown=0.2)
    tape.row("immune", reads=OperatorCommanded(command_id=2, command="resume", operator="me"))
    tape.approve(tape.make("9"))
    assert tape.texts() == []


def test_dust_given_up_by_name_is_a_correction_on_record():
    tape = Tape().begin()
    order = tape.order("9")
    tape.hear(order, tape.fill(order, "0.1"), S.PARTIAL, "0.1")
    tape.mark()
    dust = AlertRaised(
        severity=Severity.INFO, priority=Priority.LOW, title="Dust", body="b", dedup_key=f"dust:{X}"
    )
    tape.say("metabolism", dust, to=("voice",))
    tape.realised -= tape.cost
    tape.held = tape.cost = Decimal(0)
    tape.mark()
    assert tape.texts() == []


def test_a_fee_in_the_base_currency_leaves_the_position_at_its_price():
    tape = Tape().begin()
    order = tape.order("9", "10")
    fill = tape.fill(order, "10", fee="0.01", fee_currency="X")
    advanced = VenueAdvanced(at_ns=tape.t, fills=(fill,), orders=())
    told = Publish(to=HEARERS, message=Filled(fill=fill))
    seq = tape.row("motor", told, tape.updated(order, S.FILLED, "10"), reads=advanced)
    for organ in HEARERS:
        tape.row(organ, reads=Filled(fill=fill), input_id=f"{seq}.0")
    tape.held, tape.cost, tape.cash, tape.fees = D("9.99"), D("99.90"), D(9_900), D("0.10")
    tape.mark()
    assert tape.texts() == []


def test_a_difference_that_lasts_is_told_once_and_again_when_it_changes():
    tape = Tape().begin()
    tape.cash += 1
    for _ in range(5):
        tape.mark()
    first = [t for t in tape.texts() if "cash" in t]
    tape.cash += 1
    tape.mark()
    assert (len(first), len([t for t in tape.texts() if "cash" in t])) == (1, 2)


def test_from_the_middle_of_a_journal_what_came_before_is_taken_for_granted():
    whole = honest()
    for cut in range(len(whole.events)):
        judge = Judge(RULES, first_seq=cut + 1)
        for event in whole.events[cut:]:
            # A judge that begins here cannot know what was said before: the recording no longer holds it.
            seq = event.input_id.partition(".")[0]
            judge.see(event._replace(read=None) if seq.isdigit() and int(seq) <= cut else event)
        assert judge.breaches == [], (cut, judge.breaches)


def test_without_the_settings_limits_are_not_judged_but_everything_else_is():
    tape = Tape(Rules(instruments={X: BTC}, starting_cash=D(10_000))).begin()
    too_large(tape)
    assert tape.texts() == []
    cash_off_by_a_hair(tape)
    assert "I4" in tape.broken()


# ---------------------------------------------------------------- I11 and I12


def test_two_lives_that_differ_are_told_apart_at_the_first_row():
    from tests.organism.test_lockstep import CORES, instants

    def live(n, seed):
        journal = MemoryJournal()
        Lockstep(CORES, journal, seed=seed).run(instants(n))
        return list(journal.rows())

    assert compare(live(50, 1), live(50, 1)) == ()
    (shorter,) = compare(live(50, 1), live(49, 1))
    assert (shorter.invariant, "ends before" in shorter.text) == ("I11", True)
    rows = live(50, 1)
    rows[20:] = [msgspec.structs.replace(row, digest=b"x" * 32, step=row.step + 1) for row in rows[20:]]
    (other,) = compare(live(50, 1), rows)
    assert (other.invariant, other.seq, "differs in step" in other.text) == ("I11", 21, True)


@pytest.mark.parametrize(("measure", "good", "bad"), [
    ("memory_mb", 99.0, 101.0), ("inbox_depth", 9, 11), ("threads", 19, 21), ("descriptor_share", 0.8, 0.96),
    ("wal_mb", 255.0, 257.0),
])  # fmt: skip
def test_a_measure_above_its_bound_counts_once_it_lasts(measure, good, bad):
    bounds = Bounds(memory_mb=100.0, inbox_depth=10, threads=20, patience=3)
    judge = Judge(Rules(bounds=bounds))
    for value in (bad, bad, good, bad, bad):
        assert judge.look(Probe(**{measure: value})) == ()
    (told,) = judge.look(Probe(**{measure: bad}))
    assert (told.invariant, told.subject) == ("I12", measure)
    assert judge.look(Probe(**{measure: bad})) == (), "told once while it lasts"
    assert judge.look(Probe()) == ()


def test_memory_of_the_judge_is_bounded_by_what_lives(monkeypatch):
    """A thousand orders later it remembers no more."""
    monkeypatch.setattr(breach, "N_KEPT", 100)
    monkeypatch.setattr(chain, "N_UNREAD", 100)
    busy = msgspec.structs.replace(RiskSettings(), max_orders_per_minute=10**6)
    tape = Tape(msgspec.structs.replace(RULES, risk=busy)).begin()
    sizes = []
    for number in range(1_500):
        reduces = bool(number % 2)
        order = tape.order(str(number), "1", Side.SELL if reduces else Side.BUY, reduce_only=reduces)
        tape.hear(order, tape.fill(order, "1"), S.FILLED, "1")
        if number in {499, 1_499}:
            sizes.append([_size(state) for state in tape.judge._states])
    assert tape.texts() == []
    *others, rate, _ = zip(*sizes, strict=True)
    assert all(after == before for before, after in others), sizes
    assert rate[1] <= rate[0] + 1_000, "approvals of the last minute, and nothing older"


def test_without_limits_the_judge_remembers_the_approvals_of_a_minute_and_no_more():
    tape = Tape(msgspec.structs.replace(RULES, risk=None)).begin()
    for number in range(3_000):
        tape.approve(tape.make(str(number)))
        tape.t += NS_PER_S // 10
    (recent,) = (s.recent for s in tape.judge._states if hasattr(s, "recent"))
    assert 60 / 0.12 <= len(recent) <= 60 / 0.12 + 1 < 3_000


def test_fills_of_an_order_that_lives_are_never_forgotten(monkeypatch):
    """A venue that is asked about it tells them again, however many others there were since."""
    monkeypatch.setattr(breach, "N_KEPT", 10)
    tape = Tape(msgspec.structs.replace(RULES, risk=None)).begin()
    slow = tape.order("slow")
    early = tape.fill(slow, "4")
    tape.hear(slow, early, S.PARTIAL, "4")
    for number in range(50):
        order = tape.order(str(number), "1")
        tape.hear(order, tape.fill(order, "1"), S.FILLED, "1")
    answer = QueryAnswered(
        client_order_id="cslow", asked_mono_ns=tape.t, answered=True, fills=(early,),
        order=tape.resting(slow, "cslow", filled="4"),
    )  # fmt: skip
    tape.row("motor", reads=answer)
    assert tape.texts() == []
    tape.say("motor", Filled(fill=early), reads=answer)
    assert any("told again" in text for text in tape.texts())


def _size(value):
    """How many things hang on an accumulator."""
    if isinstance(value, dict):
        return len(value) + sum(_size(v) for v in value.values())
    if hasattr(value, "__slots__") or hasattr(value, "__dataclass_fields__"):
        names = getattr(value, "__dataclass_fields__", None) or value.__slots__
        return sum(_size(getattr(value, n, None)) for n in names if n not in {"rules", "redact"})
    return len(value) if hasattr(value, "__len__") and not isinstance(value, str) else 0


@pytest.mark.parametrize(("word", "target"), [("bar", "Y/USDT"), ("close", X), ("allow", X)])
def test_a_word_about_another_instrument_or_of_another_kind_bars_nothing(word, target):
    t = Tape()
    t.begin()
    t.row("immune", reads=OperatorCommanded(command_id=1, command="bar", operator="me", target="Y/USDT"))
    hears(t, OperatorCommanded(command_id=2, command=word, operator="me", target=target))
    assert "I8" not in t.broken(), t.texts()


def test_what_is_allowed_again_is_barred_no_more():
    t = Tape()
    t.begin()
    t.row("immune", reads=OperatorCommanded(command_id=1, command="bar", operator="me", target=X))
    hears(t, OperatorCommanded(command_id=2, command="allow", operator="me", target=X))
    assert "I8" not in t.broken(), t.texts()
