"""I6, unknown is not failed: an order that left ends by the venue's word, or by proof that it never arrived."""

from dataclasses import dataclass, field
from decimal import Decimal

from organism.effects import Publish, VenueSubmit
from organism.invariants.absence import Clocked
from organism.invariants.breach import NONE, Breach, Breaches, Kept
from organism.invariants.event import Event
from organism.invariants.rules import ZERO
from organism.messages import (
    Answer,
    Filled,
    OrderUpdated,
    QueryAnswered,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder
from organism.trading import OrderStatus

ID = "I6"
HEARS: frozenset[type] = frozenset({SubmitAnswered, VenueAdvanced, QueryAnswered, ReportAnswered, Recovered})
SAID: frozenset[type] = frozenset({OrderUpdated, Filled, VenueSubmit})

DUPLICATE = "duplicate client order id"  # this refusal says that the order *is* there


@dataclass(slots=True)
class _Fate:
    quantity: Decimal
    client_id: str
    executed: Decimal = ZERO
    words: set[str] = field(default_factory=set)  # what the venue said became of it


@dataclass(slots=True)
class State:
    """Orders that left, and what the venue said of each."""

    orders: Kept[_Fate] = field(default_factory=Kept)
    by_client: Kept[str] = field(default_factory=Kept)
    clock: Clocked = field(default_factory=Clocked)
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    if event.organ != "motor":
        return state, NONE
    state.clock.read(event)
    _listen(state, event)
    ended: list[OrderUpdated] = []
    for effect in event.did:
        if type(effect) is VenueSubmit:
            _left(state, effect, event)
        elif type(effect) is Publish:
            message = effect.message
            if type(message) is Filled:
                fate = state.orders.get(message.fill.order_id)
                if fate is not None:
                    fate.executed += message.fill.quantity
            elif type(message) is OrderUpdated and message.status.is_terminal:
                ended.append(message)
    if not ended:
        return state, NONE
    return state, tuple(breach for update in ended for breach in _ended(state, update, event))


def _left(state: State, effect: VenueSubmit, event: Event) -> None:
    order = effect.approved.order
    fate = state.orders.get(order.id)
    if fate is None:
        fate = state.orders.put(order.id, _Fate(order.quantity, effect.client_order_id))
    elif fate.client_id != effect.client_order_id:
        state.clock.attempts.pop(fate.client_id, None)
        state.by_client.end(fate.client_id)
    fate.client_id = effect.client_order_id
    fate.words.clear()  # said of an attempt that was given up
    state.by_client.put(effect.client_order_id, order.id)
    state.clock.sent(effect.client_order_id, event, effect.sent_mono_ns or event.mono_ns, effect.valid_for_s)


def _listen(state: State, event: Event) -> None:
    read = event.read
    if type(read) is SubmitAnswered:
        if read.answer is Answer.REFUSED and DUPLICATE not in read.reason:
            _word(state, read.client_order_id, "rejected")
        return
    reports: tuple[VenueOrder, ...] = ()
    if type(read) is VenueAdvanced:
        reports = read.orders
    elif type(read) is QueryAnswered and read.answered and read.order is not None:
        reports = (read.order,)
    elif type(read) is ReportAnswered and read.answered:
        reports = read.open_orders
    for report in reports:
        _word(state, report.client_order_id, report.status)


def _word(state: State, client_id: str, word: str) -> None:
    fate = state.orders.get(state.by_client.get(client_id) or "")
    if fate is not None and fate.client_id == client_id:
        fate.words.add(word)


def _ended(state: State, update: OrderUpdated, event: Event) -> Breaches:
    fate = state.orders.get(update.order_id)
    if fate is None:
        return NONE  # it never left: nobody has to be asked
    state.n += 1
    attempt = state.clock.attempts.pop(fate.client_id, None)
    state.orders.end(update.order_id)
    state.by_client.end(fate.client_id)
    status = update.status
    if status.value in fate.words:
        return NONE
    if status is OrderStatus.FILLED and fate.executed >= fate.quantity:
        return NONE
    if (
        status in {OrderStatus.CANCELED, OrderStatus.EXPIRED}
        and attempt is not None
        and state.clock.is_proven(attempt, event)
    ):
        return NONE
    heard = ", ".join(sorted(fate.words)) or "nothing"
    text = (
        f"order {update.order_id} became {status.value} as {fate.client_id}; that takes the venue's word or proof "
        f"that it never arrived. The venue said: {heard}; late questions without it: "
        f"{attempt.n_absent if attempt is not None else 0}; executed {fate.executed:f} of {fate.quantity:f}."
    )
    return (Breach(invariant=ID, text=text, seq=event.seq, subject=update.order_id),)
