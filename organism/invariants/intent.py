"""I1, intent first: nothing leaves that was not approved and intended before, as it was approved, and on disk."""

from dataclasses import dataclass, field

import msgspec

from organism.effects import Publish, VenueSubmit
from organism.invariants.breach import NONE, Breach, Breaches, Kept
from organism.invariants.event import Event
from organism.invariants.rules import SETTLE
from organism.messages import Filled, OrderApproved, OrderUpdated
from organism.trading import Order, OrderStatus

ID = "I1"
HEARS: frozenset[type] = frozenset()
SAID: frozenset[type] = frozenset({OrderApproved, OrderUpdated, Filled, VenueSubmit})

_INTENT = frozenset({OrderStatus.INTENT, OrderStatus.SENT})


class Departure(msgspec.Struct, frozen=True):
    """A request as it left for the venue: the row that asked for it, and how far the journal was durable then."""

    seq: int
    client_order_id: str
    durable_seq: int


@dataclass(slots=True)
class _Intent:
    order: Order
    intended: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)


@dataclass(slots=True)
class State:
    """Orders that immune let through. partial: older rows are gone, so an order nobody knows may be older."""

    orders: Kept[_Intent] = field(default_factory=Kept)
    partial: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    said_sent: list[OrderUpdated] = []
    for effect in event.did:
        if type(effect) is VenueSubmit:
            state.n += 1
            _submitted(state, effect, event, found)
        elif type(effect) is Publish:
            message = effect.message
            if type(message) is OrderApproved and event.organ == "immune":
                order = message.approved.order
                if state.orders.get(order.id) is None:
                    state.orders.put(order.id, _Intent(order))
            elif type(message) is OrderUpdated:
                _updated(state, message, event, found)
                if message.status is OrderStatus.SENT:
                    said_sent.append(message)
            elif type(message) is Filled:
                _filled(state, message, event, found)
    for message in said_sent:
        known = state.orders.get(message.order_id)
        if known is not None and message.client_order_id not in known.left and not state.partial:
            text = f"order {message.order_id} is called sent as {message.client_order_id}, and no row up to here sends it."
            _say(found, event, message.order_id, text)
    return state, tuple(found) if found else NONE


def left(state: State, departure: Departure) -> tuple[State, Breaches]:
    """Judge one request at the moment it left."""
    if departure.durable_seq >= departure.seq:
        return state, NONE
    text = (
        f"{departure.client_order_id} left when the journal was durable up to row {departure.durable_seq}; "
        f"its intent is row {departure.seq}, which must be durable before."
    )
    return state, (Breach(invariant=ID, text=text, seq=departure.seq, subject=departure.client_order_id),)


def _submitted(state: State, effect: VenueSubmit, event: Event, found: list[Breach]) -> None:
    order, client_id = effect.approved.order, effect.client_order_id
    if event.organ != "motor":
        _say(found, event, order.id, f"order {order.id} was sent by {event.organ}; only motor may send.")
    known = state.orders.get(order.id)
    if known is None:
        if not state.partial:
            _say(found, event, order.id, f"order {order.id} was sent, but immune never approved it.")
        known = state.orders.put(order.id, _Intent(order, {client_id}))
    if order != known.order:
        text = (
            f"order {order.id} was sent as {order.side.value} {order.quantity:f} {order.symbol}; approved was "
            f"{known.order.side.value} {known.order.quantity:f} {known.order.symbol}, or another detail differs."
        )
        _say(found, event, order.id, text)
    if client_id not in known.intended:
        text = f"order {order.id} was sent as {client_id}, and no row up to here says that this was intended."
        _say(found, event, order.id, text)
    known.left.add(client_id)


def _updated(state: State, message: OrderUpdated, event: Event, found: list[Breach]) -> None:
    known = state.orders.get(message.order_id)
    if known is None:
        if not state.partial and not message.client_order_id.startswith(SETTLE):
            text = f"order {message.order_id} is {message.status.value}, but immune never approved it."
            _say(found, event, message.order_id, text)
        return
    if message.status in _INTENT and event.organ == "motor":
        known.intended.add(message.client_order_id)
    elif message.status.is_terminal:
        state.orders.end(message.order_id)


def _filled(state: State, message: Filled, event: Event, found: list[Breach]) -> None:
    fill = message.fill
    if not fill.order_id or fill.client_order_id.startswith(SETTLE):
        return  # a foreign or settling execution: reconciliation's business
    known = state.orders.get(fill.order_id)
    if known is None:
        if not state.partial:
            text = f"fill {fill.key} is said to be of order {fill.order_id}, which immune never approved."
            _say(found, event, fill.order_id, text)
    elif fill.client_order_id not in known.left and not state.partial:
        text = f"fill {fill.key} of order {fill.order_id} names {fill.client_order_id}, which never left."
        _say(found, event, fill.order_id, text)


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
