"""The audit finds what is wrong, and nothing where nothing is."""

import itertools
import json
import sqlite3
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Publish, VenueSubmit
from organism.journal.port import MemoryJournal
from organism.journal.writer import SqliteJournal
from organism.messages import (
    AlertRaised,
    Envelope,
    Filled,
    InstantSettled,
    OrderApproved,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Priority,
    QueryAnswered,
    Recovered,
    Severity,
    VenueAdvanced,
)
from organism.portfolio import MarkedPosition, VenueOrder, VenuePosition
from organism.trading import ApprovedOrder, Fill, Order, OrderKind, OrderStatus, Purpose, Side
from organism.verify import Agreement, Examiner, VenueTruth, conclude, verify

S = OrderStatus
X = "X/USDT"
START = Decimal(1000)
PRICE = 10.0


class World:
    """Organs that behave, a venue that keeps its book, and hands to make either misbehave."""

    def __init__(self, journal=None):
        self.journal = journal or MemoryJournal()
        self.incarnations = {}
        self.steps = {}
        self.reads = itertools.count(1)
        self.questions = itertools.count(1)
        self.trade_ids = itertools.count(1)
        self.orders = {}
        self.filled = {}
        self.cash, self.held, self.fees = START, {}, Decimal(0)
        self.venue_orders, self.venue_fills = {}, {}

    def absent(self, client_id, answered=True, asked_mono_ns=None):
        """The venue says that it knows no such order; each time to another question, unless told which."""
        if asked_mono_ns is None:
            asked_mono_ns = next(self.questions)
        self.row(
            "motor",
            reads=QueryAnswered(client_order_id=client_id, asked_mono_ns=asked_mono_ns, answered=answered),
        )

    def row(self, organ, *effects, reads=None):
        if organ not in self.incarnations:
            self.incarnations[organ] = self.journal.begin_incarnation(organ)
        number = next(self.reads)
        inner = InstantSettled(at_ns=number, session=1, bars=())
        envelope = Envelope(reads or f"x:{number}", "x", 1, number, "", inner)
        if reads is not None and not isinstance(reads, str):
            envelope = Envelope(f"venue:{number}", "venue", 0, number, "", reads)
        step = self.steps[organ] = self.steps.get(organ, 0) + 1
        now = Now(number, number, number, step)
        return self.journal.record(organ, self.incarnations[organ], step, envelope, effects, now)

    def say(self, organ, *messages, to=("metabolism",)):
        return self.row(organ, *(Publish(to=to, message=m) for m in messages))

    def approve(self, name, quantity="2", side=Side.BUY, organ="immune"):
        order = Order(
            id=name, symbol=X, side=side, quantity=Decimal(quantity), kind=OrderKind.MARKET,
            purpose=Purpose.TARGET, reference_price=Decimal(10), created_ns=1,
        )  # fmt: skip
        self.orders[name] = order
        approved = OrderApproved(approved=ApprovedOrder(order=order, approved_ns=1))
        return self.row(
            organ, Publish(to=("metabolism",), message=approved), reads=OrderProposed(order=order)
        )

    def update(self, name, status, filled="0", client_id=None, organ="motor"):
        update = OrderUpdated(
            order_id=name,
            client_order_id=client_id or f"c{name}",
            symbol=X,
            status=status,
            filled=Decimal(filled),
        )
        return self.say(organ, update)

    def send(self, name, client_id=None, order=None, organ="motor"):
        client_id = client_id or f"c{name}"
        sent = order or self.orders[name]
        self.venue_orders[client_id] = VenueOrder(
            client_order_id=client_id, venue_order_id="v", symbol=X, status="open", quantity=sent.quantity,
            filled=Decimal(0),
        )  # fmt: skip
        approved = ApprovedOrder(order=sent, approved_ns=1)
        self.row(organ, VenueSubmit(client_order_id=client_id, approved=approved, valid_for_s=0.5))

    def order(self, name, quantity="2", side=Side.BUY):
        """Approved, intended, sent and accepted."""
        self.approve(name, quantity, side)
        self.update(name, S.INTENT)
        self.send(name)
        self.update(name, S.SENT)
        self.update(name, S.ACKED)

    def execute(self, name, quantity, price="10", client_id=None, fee="0.01"):
        """At the venue only."""
        client_id = client_id or f"c{name}"
        side = self.orders[name].side if name in self.orders else Side.BUY
        fill = Fill(
            venue="paper", symbol=X, trade_id=str(next(self.trade_ids)), order_id=name, client_order_id=client_id,
            side=side, quantity=Decimal(quantity), price=Decimal(price), fee=Decimal(fee), fee_currency="USDT",
            maker=False, at_ns=1,
        )  # fmt: skip
        self.venue_fills[fill.key] = fill
        order = self.venue_orders.get(client_id)
        if order is not None:
            done = order.filled + fill.quantity
            status = "filled" if done >= order.quantity else order.status
            self.venue_orders[client_id] = msgspec.structs.replace(order, filled=done, status=status)
        return fill

    def hear(self, fill, *, booked=True, read=True):
        """Motor tells of it, with the order's new state; metabolism reads and books it."""
        done = self.filled[fill.order_id] = self.filled.get(fill.order_id, Decimal(0)) + fill.quantity
        effects = [Publish(to=("metabolism", "immune"), message=Filled(fill=fill))]
        if fill.order_id in self.orders:
            status = S.FILLED if done >= self.orders[fill.order_id].quantity else S.PARTIAL
            update = OrderUpdated(
                order_id=fill.order_id,
                client_order_id=fill.client_order_id,
                symbol=X,
                status=status,
                filled=done,
            )
            effects.append(Publish(to=("metabolism", "immune"), message=update))
        seq = self.row("motor", *effects, reads=VenueAdvanced(at_ns=1, fills=(fill,), orders=()))
        if booked:
            self.cash -= fill.quantity * fill.side.sign * fill.price + fill.fee
            self.fees += fill.fee
            self.held[X] = self.held.get(X, Decimal(0)) + fill.quantity * fill.side.sign
        if read:
            self.row("metabolism", reads=f"{seq}.0")
        return f"{seq}.0"

    def mark(self, organ="metabolism", **changes):
        value = sum(self.held.values()) * Decimal(10)
        equity = self.cash + value
        positions = tuple(
            MarkedPosition(
                symbol=s, quantity=q, average_price=Decimal(10), mark=PRICE, unrealised=Decimal(0), exposure=0.1,
                opened_ns=1,
            )
            for s, q in self.held.items()
            if q
        )  # fmt: skip
        marked = PortfolioMarked(
            at_ns=1, session=1, cash=self.cash, equity=float(equity), peak=1000.0, drawdown=0.0, day_start=1000.0,
            gross_exposure=0.0, net_exposure=0.0, realised=Decimal(0),
            unrealised=equity - START + self.fees, fees=self.fees, consecutive_losses=0, positions=positions,
        )  # fmt: skip
        return self.say(organ, msgspec.structs.replace(marked, **changes))

    def truth(self, **changes):
        held = sum((f.quantity * f.side.sign for f in self.venue_fills.values()), Decimal(0))
        spent = sum(
            (f.quantity * f.side.sign * f.price + f.fee for f in self.venue_fills.values()), Decimal(0)
        )
        made = VenueTruth(
            orders=tuple(self.venue_orders.values()), fills=tuple(self.venue_fills.values()),
            positions={X: held}, cash=START - spent,
        )  # fmt: skip
        return replace(made, **changes)

    def audit(self, truth=None, again=None, first_seq=1):
        """What `verify` does, without files."""
        self.journal.flush()
        examiner, agreement = Examiner(), None
        examiner.begin(first_seq)
        for row in self.journal.rows(first_seq - 1):
            examiner.examine(row, self.journal.runs())
        examiner.finish()
        if truth is not None:
            agreement = Agreement(examiner, truth, again=lambda: again or truth)
            agreement.compare()
        return conclude(examiner, agreement, chain_ok=True, first_bad_seq=None, tip_seq=self.journal.tip[0])


def lived():
    """An order in two fills, one still open, a settlement, and marks between."""
    world = World()
    world.mark()
    world.order("1")
    world.hear(world.execute("1", "0.5"))
    world.mark()
    world.hear(world.execute("1", "1.5", "11"))
    world.order("2", "1", Side.SELL)
    world.mark()
    world.hear(world.execute("", "1", client_id="settle:1:X", fee="0"))
    world.mark()
    return world


def texts(report):
    return [(f.kind, f.text) for f in report.findings]


def assert_found(report, kind, piece):
    assert not report.ok
    assert any(f.kind == kind and piece in f.text for f in report.findings), texts(report)


# ---------------------------------------------------------------- a clean life


@pytest.mark.requirement("S1-2.12")
def test_a_life_without_a_breach_passes():
    world = lived()
    report = world.audit(world.truth())
    assert report.ok, texts(report)
    assert (report.orders, report.open_orders, report.fills, report.marks) == (2, 1, 3, 4)
    assert (report.duplicates, report.phantoms, report.lost, report.in_flight) == (0, 0, 0, 0)
    assert report.unexplained == {}
    assert report.compared


def test_without_the_venues_book_the_report_says_so():
    report = lived().audit()
    assert report.ok
    assert not report.compared
    assert "without the venue's book" in report.render()


def test_the_report_is_json_with_the_promised_keys():
    world = lived()
    found = json.loads(json.dumps(world.audit(world.truth()).as_dict()))
    promised = {"ok", "events", "orders", "fills", "duplicates", "phantoms", "unexplained_quantity", "chain"}
    assert promised <= found.keys()
    assert (found["ok"], found["unexplained_quantity"], found["chain"], found["findings"]) == (
        True,
        0,
        "ok",
        [],
    )


lives = st.lists(
    st.tuples(
        st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 50), st.lists(st.integers(1, 20), max_size=4)
    ),
    max_size=8,
)


@given(lives, st.integers(0, 10))
def test_any_honest_life_passes_whatever_is_still_under_way(story, unheard):
    """Partial fills, open orders, fills the journal has not heard of yet."""
    world = World()
    world.mark()
    for number, (side, lots, parts) in enumerate(story):
        name = str(number)
        world.order(name, str(Decimal(lots) / 100), side)
        left, executed = lots, []
        for part in parts:
            size = min(part, left)
            left -= size
            if size:
                executed.append(world.execute(name, str(Decimal(size) / 100), "9.87"))
        # What the journal has not heard is the newest: the venue tells in order.
        last = number == len(story) - 1
        for fill in executed[
            : len(executed) - unheard if last and unheard < len(executed) else len(executed)
        ]:
            world.hear(fill)
        world.mark()
    report = world.audit(world.truth())
    assert report.ok, texts(report)


# ---------------------------------------------------------------- each breach has its finding


def unapproved(w):
    w.orders["9"] = msgspec.structs.replace(w.orders["1"], id="9")
    w.send("9")


def altered(w):
    w.approve("9")
    w.update("9", S.INTENT)
    w.send("9", order=msgspec.structs.replace(w.orders["9"], quantity=Decimal(200)))


def sent_without_intent(w):
    w.approve("9")
    w.send("9")


def second_attempt_without_proof(w):
    w.update("2", S.UNKNOWN)
    w.send("2", client_id="c2-again")


def illegal_transition(w):
    w.update("1", S.ACKED, "2")


def filled_fell(w):
    w.update("2", S.PARTIAL, "0.5")
    w.update("2", S.PARTIAL, "0.4")


def reported_too_much(w):
    w.update("2", S.PARTIAL, "3")


def moved_on_unapproved(w):
    w.update("ghost", S.INTENT)


def forged_approval(w):
    w.approve("9", organ="brain")


def forged_submit(w):
    w.approve("9")
    w.update("9", S.INTENT)
    w.send("9", organ="brain")


def approved_twice(w):
    w.approve("2", "1", Side.SELL)


def shared_client_id(w):
    w.approve("9")
    w.update("9", S.INTENT)
    w.send("9", client_id="c2")


def told_twice(w):
    w.say("motor", Filled(fill=next(iter(w.venue_fills.values()))))


def orphan(w):
    w.hear(w.execute("nobody", "1", client_id="manual"))


def wrong_side(w):
    fill = w.execute("2", "1")
    w.hear(msgspec.structs.replace(fill, side=Side.BUY))


def overexecuted(w):
    w.update("2", S.PARTIAL, "1")
    w.say("motor", Filled(fill=w.execute("2", "5")))


def executed_by_two_attempts(w):
    w.approve("9")
    w.update("9", S.INTENT)
    w.send("9")
    w.update("9", S.UNKNOWN)
    w.update("9", S.INTENT)
    w.send("9", client_id="c9-again")
    w.hear(w.execute("9", "1"))
    w.hear(w.execute("9", "1", client_id="c9-again"))


def ended_with_fills_missing(w):
    w.update("2", S.FILLED, "1")


def never_sent_attempt(w):
    w.hear(w.execute("2", "0.5", client_id="c-other"))


def cash_off_by_a_hair(w):
    w.mark(cash=w.cash + Decimal("1e-15"))


def position_off_by_a_hair(w):
    w.held[X] += Decimal("1e-15")
    w.mark()


def position_invented(w):
    w.held["Y/USDT"] = Decimal(1)
    w.mark()


def booked_twice(w):
    identity = w.hear(w.execute("2", "0.5"))
    w.row("metabolism", reads=identity)
    w.cash += Decimal("0.5") * 10
    w.held[X] -= Decimal("0.5")
    w.mark()


def identity_broken(w):
    w.mark(equity=1234.5)


def nan_equity(w):
    w.mark(equity=float("nan"))


def skipped_fill(w):
    w.hear(w.execute("2", "0.2"), booked=False, read=False)
    w.hear(w.execute("2", "0.3"))


def not_told_to_metabolism(w):
    w.say("motor", Filled(fill=w.execute("2", "0.5")), to=("immune",))


BREACHES = [
    (unapproved, "order", "sent without approval"),
    (altered, "order", "sent otherwise than it was approved"),
    (sent_without_intent, "order", "without an intent"),
    (second_attempt_without_proof, "order", "without an intent"),
    (illegal_transition, "order", "from filled to acked"),
    (filled_fell, "order", "filled fell from 0.5 to 0.4"),
    (reported_too_much, "order", "executed 3, intended were 1"),
    (moved_on_unapproved, "order", "never approved"),
    (forged_approval, "order", "only immune may"),
    (forged_submit, "order", "only motor may"),
    (approved_twice, "order", "approved twice"),
    (shared_client_id, "order", "share the client id"),
    (told_twice, "fill", "told twice"),
    (orphan, "fill", "belongs to no order"),
    (wrong_side, "fill", "its order 2 is not"),
    (overexecuted, "fill", "executed 5, intended were 1"),
    (executed_by_two_attempts, "fill", "more than one attempt"),
    (ended_with_fills_missing, "fill", "its fills make 0"),
    (never_sent_attempt, "fill", "which was never sent"),
    (cash_off_by_a_hair, "ledger", "cash was"),
    (position_off_by_a_hair, "ledger", "the books hold"),
    (position_invented, "ledger", "Y/USDT: the books hold 1"),
    (booked_twice, "ledger", "cash was"),
    (identity_broken, "ledger", "equity was 1234.5"),
    (nan_equity, "ledger", "equity was nan"),
    (skipped_fill, "ledger", "was never booked"),
    (not_told_to_metabolism, "ledger", "not told to metabolism"),
]


@pytest.mark.parametrize(("breach", "kind", "piece"), BREACHES, ids=[b[0].__name__ for b in BREACHES])
def test_a_breach_in_the_journal_is_found(breach, kind, piece):
    world = lived()
    breach(world)
    assert_found(world.audit(), kind, piece)


@pytest.mark.parametrize("breach", [told_twice, executed_by_two_attempts, approved_twice])
def test_duplicates_are_counted(breach):
    world = lived()
    breach(world)
    assert world.audit().duplicates == 1


def test_a_breach_that_lasts_is_told_once():
    world = lived()
    world.cash += 1
    for _ in range(5):
        world.mark()
    report = world.audit()
    assert len([f for f in report.findings if "cash was" in f.text]) == 1
    assert all(f.seq for f in report.findings)


def absent_and_sent_again(w):
    w.update("2", S.UNKNOWN)
    w.absent("c2")
    w.absent("c2")
    w.update("2", S.SENT, client_id="c2-again")
    w.send("2", client_id="c2-again")


def test_an_order_proven_absent_twice_may_be_sent_again():
    world = lived()
    absent_and_sent_again(world)
    world.update("2", S.ACKED, client_id="c2-again")
    report = world.audit()
    assert report.ok, texts(report)


@pytest.mark.parametrize("answered", [True, False])
def test_one_proof_of_absence_or_two_failed_questions_are_not_enough(answered):
    world = lived()
    world.update("2", S.UNKNOWN)
    world.absent("c2", answered=answered)
    if not answered:
        world.absent("c2", answered=answered)
    world.update("2", S.SENT, client_id="c2-again")
    world.send("2", client_id="c2-again")
    assert_found(world.audit(), "order", "without proof that c2 never arrived")


def sent_again(w):
    w.update("2", S.SENT, client_id="c2-again")
    w.send("2", client_id="c2-again")


def test_one_answer_that_comes_twice_is_one_proof_of_absence():
    world = lived()
    world.update("2", S.UNKNOWN)
    for _ in range(3):
        world.absent("c2", asked_mono_ns=7)
    sent_again(world)
    assert_found(world.audit(), "order", "without proof that c2 never arrived")


@pytest.mark.parametrize(("n_after", "is_proven"), [(1, False), (2, True)])
def test_a_question_from_before_motor_began_anew_proves_nothing(n_after, is_proven):
    """Its clock may have begun anew too: the later questions may bear smaller times."""
    world = lived()
    world.update("2", S.UNKNOWN)
    world.absent("c2", asked_mono_ns=10**12)
    world.row("motor", reads=Recovered(organ="motor", incarnation=2, process=True))
    for n in range(n_after):
        world.absent("c2", asked_mono_ns=100 + n)
    sent_again(world)
    world.update("2", S.ACKED, client_id="c2-again")
    report = world.audit()
    assert report.ok is is_proven, texts(report)


def test_a_state_told_again_is_no_transition():
    world = lived()
    world.update("2", S.ACKED)
    assert world.audit().ok


def test_an_intent_that_never_left_may_end():
    world = lived()
    world.approve("9")
    world.update("9", S.INTENT)
    world.update("9", S.EXPIRED)
    world.approve("10")
    world.update("10", S.CANCELED)
    assert world.audit().ok


def test_dust_given_up_by_name_leaves_the_books_but_not_the_venue():
    world = lived()
    world.say("metabolism", AlertRaised(
        severity=Severity.INFO, priority=Priority.LOW, title="Dust", body="b", dedup_key=f"dust:{X}",
    ), to=("voice",))  # fmt: skip
    del world.held[X]
    dust = Decimal(3) * 10
    world.mark(equity=float(world.cash), unrealised=world.cash - START + world.fees)
    report = world.audit(world.truth())
    assert report.ok, texts(report)
    assert dust > 0


def test_a_holding_without_a_price_is_no_breach():
    world = lived()
    world.mark(equity=float("nan"), unrealised=Decimal("NaN"))
    assert world.audit().ok


def test_fills_told_but_not_read_yet_are_under_way():
    world = lived()
    world.hear(world.execute("2", "0.5"), booked=False, read=False)
    world.mark()
    report = world.audit()
    assert report.ok, texts(report)
    assert report.unbooked == 1


def test_a_base_currency_fee_leaves_the_position():
    world = World()
    world.mark()
    world.order("1")
    fill = msgspec.structs.replace(world.execute("1", "2"), fee=Decimal("0.002"), fee_currency="X")
    world.hear(fill)
    world.cash += fill.fee
    world.held[X] -= fill.fee
    world.mark(unrealised=Decimal("0.0"), fees=Decimal("0.02"), equity=float(world.cash) + 1.998 * 10)
    assert world.audit().ok


def test_a_journal_whose_beginning_is_archived_is_judged_from_its_first_mark():
    world = lived()
    middle = world.mark()
    world.hear(world.execute("2", "0.5"))
    world.mark()
    report = world.audit(first_seq=middle)
    assert report.ok, texts(report)
    assert any("not here" in note for note in report.notes)
    world.cash += 1
    world.mark()
    assert_found(world.audit(first_seq=middle), "ledger", "cash was")


# ---------------------------------------------------------------- against the venue


def test_an_order_at_the_venue_that_we_never_sent_is_a_phantom():
    world = lived()
    foreign = msgspec.structs.replace(world.venue_orders["c1"], client_order_id="foreign", filled=Decimal(0))
    world.venue_orders["foreign"] = foreign
    report = world.audit(world.truth())
    assert_found(report, "phantom", "foreign")
    assert report.phantoms == 1


def test_an_execution_at_the_venue_that_nobody_ordered_is_a_phantom_and_unexplained():
    world = lived()
    world.execute("manual", "0.25", client_id="manual")
    report = world.audit(world.truth())
    assert report.phantoms == 1
    assert report.unexplained == {X: Decimal("0.25")}
    assert report.as_dict()["unexplained_quantity"] == 0.25
    assert_found(report, "quantity", "+0.25 at the venue")


def test_a_fill_of_ours_that_the_venue_does_not_know_is_a_phantom():
    world = lived()
    fill = world.execute("2", "0.5")
    world.hear(fill)
    world.venue_fills.pop(fill.key)
    report = world.audit(world.truth())
    assert_found(report, "phantom", "is in the journal, but not at the venue")
    assert report.unexplained == {X: Decimal("0.5")}


def test_an_acknowledged_order_that_the_venue_does_not_know_is_a_phantom():
    world = lived()
    del world.venue_orders["c2"]
    assert_found(world.audit(world.truth()), "phantom", "order 2 is acked here")


def test_a_sent_order_without_an_answer_may_be_unknown_to_the_venue():
    world = lived()
    world.approve("9")
    world.update("9", S.INTENT)
    world.send("9")
    world.update("9", S.SENT)
    world.update("9", S.UNKNOWN)
    del world.venue_orders["c9"]
    assert world.audit(world.truth()).ok


def test_an_execution_of_an_open_order_is_under_way_and_explains_its_quantity():
    world = lived()
    world.execute("2", "0.5")
    report = world.audit(world.truth())
    assert report.ok, texts(report)
    assert (report.in_flight, report.lost, report.unexplained) == (1, 0, {})


def test_an_execution_of_an_ended_order_that_we_never_heard_of_is_lost():
    world = lived()
    world.update("2", S.CANCELED)
    world.execute("2", "0.5")
    report = world.audit(world.truth())
    assert report.lost == 1
    assert_found(report, "venue", "never reached the journal")


def test_a_settlement_is_under_way_only_while_it_is_new():
    world = lived()
    old = world.execute("", "1", client_id="settle:2:X")
    assert world.audit(world.truth()).lost == 1
    world.venue_fills[old.key] = msgspec.structs.replace(old, at_ns=10**18)
    report = world.audit(world.truth())
    assert (report.ok, report.in_flight) == (True, 1)


def test_what_happened_between_two_looks_is_nobodys_fault():
    """The body lives on while it is audited: the journal knows more than the first look at the venue."""
    world = lived()
    earlier = world.truth()
    world.hear(world.execute("2", "0.5"))
    world.order("3")
    world.mark()
    report = world.audit(earlier, again=world.truth())
    assert report.ok, texts(report)


def test_a_fill_that_differs_from_the_venues_is_found():
    world = lived()
    fill = next(iter(world.venue_fills.values()))
    world.venue_fills[fill.key] = msgspec.structs.replace(fill, price=Decimal("9.99"))
    assert_found(world.audit(world.truth()), "venue", "not what the venue executed")


def test_an_order_that_ended_here_but_is_open_there_is_found():
    world = lived()
    world.update("2", S.CANCELED)
    assert_found(world.audit(world.truth()), "venue", "open at the venue")


def test_an_attempt_that_came_to_nothing_is_not_held_against_the_one_that_did():
    world = lived()
    world.venue_orders["c2"] = msgspec.structs.replace(world.venue_orders["c2"], status="expired")
    absent_and_sent_again(world)
    world.hear(world.execute("2", "1", client_id="c2-again"))
    report = world.audit(world.truth())
    assert report.ok, texts(report)


def test_an_ended_order_must_have_executed_the_same_at_the_venue():
    world = lived()
    world.venue_orders["c1"] = msgspec.structs.replace(world.venue_orders["c1"], filled=Decimal(1))
    assert_found(world.audit(world.truth()), "venue", "executed 2.0 here, 1 at the venue")


def test_cash_at_the_venue_must_be_what_fills_make():
    world = lived()
    assert_found(world.audit(world.truth(cash=world.truth().cash + 1)), "cash", "+1")
    assert world.audit(world.truth(cash=None)).ok, "a venue that keeps no cash is not asked for it"


def test_positions_may_be_given_one_by_one():
    world = lived()
    listed = tuple(VenuePosition(symbol=s, quantity=q) for s, q in world.truth().positions.items())
    assert world.audit(world.truth(positions=listed)).ok


@given(lives, st.data())
def test_any_one_fill_taken_from_or_given_to_the_venue_is_noticed(story, data):
    world = World()
    world.mark()
    for number, (side, lots, _) in enumerate(story):
        world.order(str(number), str(lots), side)
        world.hear(world.execute(str(number), str(lots)))
    world.order("last", "7")
    if world.venue_fills and data.draw(st.booleans()):
        world.venue_fills.pop(data.draw(st.sampled_from(sorted(world.venue_fills))))
    else:
        world.execute("x", "1", client_id="nobody")
    report = world.audit(world.truth())
    assert not report.ok
    assert report.phantoms == 1
    assert report.unexplained


# ---------------------------------------------------------------- on disk


@pytest.fixture
def folder(tmp_path):
    world = World(SqliteJournal(tmp_path, durability="off", threaded=False))
    world.mark()
    world.order("1")
    world.hear(world.execute("1", "2"))
    world.mark()
    world.journal.close()
    return tmp_path, world


def test_a_whole_state_folder_passes(folder):
    path, world = folder
    report = verify(path, world.truth)
    assert report.ok, texts(report)
    assert (report.events, report.chain, report.compared) == (report.tip_seq, "ok", True)
    assert report.render().startswith("Everything holds")


def test_the_invariants_are_reported_by_id_and_what_was_not_judged_says_why(folder):
    path, world = folder
    report = verify(path, world.truth)
    assert [p.invariant for p in report.invariants] == [f"I{n}" for n in range(1, 13)]
    held = {p.invariant for p in report.invariants if p.holds}
    assert {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I10"} <= held
    told = json.loads(json.dumps(report.as_dict()))["invariants"]
    assert (told["I3"]["holds"], told["I3"]["breaches"], told["I3"]["found"]) == (True, 0, [])
    assert told["I3"]["judged"] > 0
    for name in ("I9", "I11", "I12"):
        assert told[name]["note"]
    assert "I4   equity identity" in report.render()


def test_a_broken_invariant_fails_the_audit_by_its_id(tmp_path):
    world = World(SqliteJournal(tmp_path, durability="off", threaded=False))
    world.mark()
    world.order("1")
    fill = world.execute("1", "2")
    world.row("motor", reads=VenueAdvanced(at_ns=1, fills=(fill,), orders=()))  # heard, and told to nobody
    world.journal.close()
    report = verify(tmp_path)
    assert not report.ok
    (broken,) = [p for p in report.invariants if p.holds is False]
    assert broken.invariant == "I3"
    assert "told to nobody" in broken.found[0].text
    assert "I3 broken" in report.render()


def test_a_row_changed_on_disk_is_named_and_what_comes_before_is_still_judged(folder):
    path, _ = folder
    with sqlite3.connect(path / "journal.db") as db:
        db.execute("UPDATE rows SET market_ns = market_ns + 1 WHERE seq = 5")
    db.close()
    report = verify(path)
    assert not report.ok
    assert (report.chain, report.first_bad_seq, report.events) == ("damaged", 5, 4)
    assert_found(report, "chain", "5")
    assert "1 breaches" in report.render() or f"{report.n_findings} breaches" in report.render()


def test_a_folder_without_a_journal_is_nothing_to_complain_about_or_says_why(tmp_path):
    report = verify(tmp_path)
    assert report.events == 0
    report.render()
