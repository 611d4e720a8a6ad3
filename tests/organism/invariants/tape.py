"""Events made by hand: a life that keeps every promise, and hands to break any of them."""

from decimal import Decimal

import msgspec

from organism.effects import Publish, VenueQuery, VenueSubmit
from organism.invariants import Event, Judge, Rules
from organism.market import NS_PER_S, FeeSchedule, Instrument
from organism.messages import (
    Answer,
    Filled,
    OrderApproved,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    QueryAnswered,
    Reconciled,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    VenueAdvanced,
)
from organism.portfolio import MarkedPosition, VenueOrder, VenuePosition
from organism.settings import RiskSettings
from organism.trading import ApprovedOrder, Fill, Order, OrderKind, OrderStatus, Purpose, Side

D = Decimal
S = OrderStatus
X = "X/USDT"
BTC = Instrument(
    symbol=X, base="X", quote="USDT", venue="paper", tick=D("0.01"), lot=D("0.1"), min_notional=D(5),
    fees=FeeSchedule(maker=D(0), taker=D("0.001")),
)  # fmt: skip
RULES = Rules(instruments={X: BTC}, risk=RiskSettings(), starting_cash=D(10_000))
VALID_S = 0.5
HEARERS = ("metabolism", "immune")


class Tape:
    """Steps of organs, one after another, each second of market and monotonic time."""

    def __init__(self, rules=RULES, **options):
        self.judge = Judge(rules, **options)
        self.events = []
        self.steps = {}
        self.sent = {}
        self.n_fills = 0
        self.cash, self.held, self.cost, self.realised, self.fees = D(10_000), D(0), D(0), D(0), D(0)
        self.t = 0

    # ------------------------------------------------------------ recording

    def row(self, organ, *effects, reads=None, input_id="", step=None, seq=None, wait_s=0.01):
        """One step; an organ reads something from outside unless `input_id` names a message."""
        self.t += int(wait_s * NS_PER_S)
        seq = seq or len(self.events) + 1
        step = step or self.steps.get(organ, 0) + 1
        self.steps[organ] = step
        event = Event(
            seq, organ, step, input_id or f"x:{seq}:{len(self.events)}", reads, effects, self.t, self.t, incarnation=1
        )  # fmt: skip
        self.events.append(event)
        self.judge.see(event)
        return seq

    def say(self, organ, message, to=HEARERS, **how):
        return self.row(organ, Publish(to=to, message=message), **how)

    def broken(self):
        return {b.invariant for b in self.judge.breaches}

    def texts(self):
        return [f"{b.invariant}: {b.text}" for b in self.judge.breaches]

    # ------------------------------------------------------------ a life

    def begin(self):
        """Everybody recovers, books and venue are compared, the first mark is read."""
        for organ in ("metabolism", "immune", "motor"):
            self.row(organ, reads=Recovered(organ=organ, incarnation=1, process=True))
        self.reconcile()
        self.mark()
        return self

    def reconcile(self, *, clean=True, positions=None, unexplained=(), unknown=()):
        held = (VenuePosition(symbol=X, quantity=self.held),) if positions is None else positions
        report = ReportAnswered(answered=True, asked_mono_ns=self.t, positions=held)
        told = Reconciled(clean=clean, unexplained=unexplained, foreign=(), unknown=unknown)
        seq = self.say("motor", told, to=("immune",), reads=report)
        self.row("immune", reads=told, input_id=f"{seq}.0")

    def marked(self, price=10.0, **changes):
        value = self.held * D(repr(price))
        equity = self.cash + value
        positions = (
            MarkedPosition(
                symbol=X, quantity=self.held, average_price=D(10), mark=price, unrealised=value - self.cost,
                exposure=0.1, opened_ns=1,
            ),
        )  # fmt: skip
        mark = PortfolioMarked(
            at_ns=self.t, session=1, cash=self.cash, equity=float(equity), peak=10_000.0, drawdown=0.0,
            day_start=10_000.0, gross_exposure=0.0, net_exposure=0.0, realised=self.realised,
            unrealised=value - self.cost, fees=self.fees, consecutive_losses=0,
            positions=positions if self.held else (), closes=((X, price),),
        )  # fmt: skip
        return msgspec.structs.replace(mark, **changes)

    def mark(self, price=10.0, **changes):
        mark = self.marked(price, **changes)
        seq = self.say("metabolism", mark, to=("immune",))
        self.row("immune", reads=mark, input_id=f"{seq}.0")

    def make(self, name, quantity="10", side=Side.BUY, **changes):
        order = Order(
            id=name, symbol=X, side=side, quantity=D(quantity), kind=OrderKind.MARKET, purpose=Purpose.TARGET,
            reference_price=D(10), created_ns=self.t,
        )  # fmt: skip
        return msgspec.structs.replace(order, **changes)

    def approve(self, order, *, proposed=None, verdict=None):
        asked = OrderProposed(order=proposed or order)
        seq = self.say("metabolism", asked, to=("immune",))
        verdict = verdict or OrderApproved(approved=ApprovedOrder(order=order, approved_ns=self.t))
        return self.say("immune", verdict, to=("motor", "metabolism"), reads=asked, input_id=f"{seq}.0")

    def update(self, order, status, filled="0", client_id=None, **how):
        return self.row("motor", self.updated(order, status, filled, client_id), **how)

    def updated(self, order, status, filled="0", client_id=None):
        client_id = client_id or self.sent.get(order.id, f"c{order.id}")
        message = OrderUpdated(
            order_id=order.id, client_order_id=client_id, symbol=X, status=status, filled=D(filled)
        )  # fmt: skip
        return Publish(to=HEARERS, message=message)

    def submit(self, order, client_id=None):
        client_id = client_id or f"c{order.id}"
        self.sent[order.id] = client_id
        return VenueSubmit(
            client_order_id=client_id, approved=ApprovedOrder(order=order, approved_ns=1), valid_for_s=VALID_S,
            sent_mono_ns=self.t,
        )  # fmt: skip

    def send(self, order, client_id=None, **how):
        """Intent, and off it goes, in one row."""
        submit = self.submit(order, client_id)
        first = self.updated(order, S.INTENT)
        return self.row("motor", first, self.updated(order, S.SENT), submit, **how)

    def ack(self, order):
        client_id = self.sent[order.id]
        answer = SubmitAnswered(client_order_id=client_id, answer=Answer.ACCEPTED, venue_order_id="v")
        self.update(order, S.ACKED, reads=answer)

    def order(self, name, quantity="10", side=Side.BUY, **changes):
        """Proposed, approved, sent and accepted."""
        order = self.make(name, quantity, side, **changes)
        self.approve(order)
        self.send(order)
        self.ack(order)
        return order

    def fill(self, order, quantity, price="10", fee="0.01", client_id=None, **changes):
        self.n_fills += 1
        made = Fill(
            venue="paper", symbol=X, trade_id=str(self.n_fills), order_id=order.id,
            client_order_id=client_id or self.sent.get(order.id, ""), side=order.side, quantity=D(quantity), price=D(price),
            fee=D(fee), fee_currency="USDT", maker=False, at_ns=self.t,
        )  # fmt: skip
        return msgspec.structs.replace(made, **changes)

    def hear(self, order, fill, status, filled, *, heard=None):
        """Motor hears of it and tells; the books and the gate read it."""
        advanced = VenueAdvanced(at_ns=self.t, fills=(fill,) if heard is None else heard, orders=())
        told = Filled(fill=fill)
        seq = self.row(
            "motor", Publish(to=HEARERS, message=told), self.updated(order, status, filled), reads=advanced
        )  # fmt: skip
        self.book(fill)
        for organ in HEARERS:
            self.row(organ, reads=told, input_id=f"{seq}.0")
        self.row("immune", reads=self.updated(order, status, filled).message, input_id=f"{seq}.1")
        return seq

    def book(self, fill):
        signed, unit = fill.quantity * fill.side.sign, fill.price
        if self.held and (signed > 0) != (self.held > 0):
            out = self.cost * -signed / self.held
            self.realised += -signed * unit - out
            self.cost -= out
        else:
            self.cost += signed * unit
        self.held += signed
        self.cash -= signed * unit + fill.fee
        self.fees += fill.fee

    def absent(self, client_id, asked_mono_ns=None):
        answer = QueryAnswered(
            client_order_id=client_id, asked_mono_ns=self.t if asked_mono_ns is None else asked_mono_ns, answered=True
        )  # fmt: skip
        self.row("motor", VenueQuery(client_order_id=client_id, symbol=X), reads=answer)

    def report(self, *open_orders):
        return ReportAnswered(answered=True, asked_mono_ns=self.t, open_orders=open_orders)

    @staticmethod
    def resting(order, client_id, status="open", filled="0"):
        return VenueOrder(
            client_order_id=client_id, venue_order_id="v", symbol=X, status=status, quantity=order.quantity,
            filled=D(filled),
        )  # fmt: skip


def honest(**options):
    """Bought in two parts, sold in one; another order sent twice because the first never arrived; one cancelled."""
    tape = Tape(**options).begin()
    first = tape.order("1")
    tape.hear(first, tape.fill(first, "4"), S.PARTIAL, "4")
    tape.mark()
    tape.hear(first, tape.fill(first, "6", "11"), S.FILLED, "10")
    tape.mark(10.5)
    lost = tape.make("2")
    tape.approve(lost)
    tape.send(lost)
    tape.update(lost, S.UNKNOWN)
    tape.t += 2 * NS_PER_S
    tape.absent("c2")
    tape.absent("c2")
    again = tape.submit(lost, "c2b")
    tape.row("motor", tape.updated(lost, S.SENT), again, reads=tape.report())
    tape.ack(lost)
    ended = VenueAdvanced(at_ns=tape.t, fills=(), orders=(tape.resting(lost, "c2b", "canceled"),))
    tape.update(lost, S.CANCELED, reads=ended)
    out = tape.order("3", "10", Side.SELL, reduce_only=True)
    tape.hear(out, tape.fill(out, "10", "12"), S.FILLED, "10")
    tape.mark(12.0)
    tape.reconcile()
    return tape
