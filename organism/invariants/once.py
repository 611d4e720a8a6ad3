"""I2, once: at most one live attempt per intent, and never more executed than was intended."""

from dataclasses import dataclass, field
from decimal import Decimal

from organism.effects import Publish, VenueSubmit
from organism.invariants.absence import Clocked
from organism.invariants.breach import NONE, Breach, Breaches, Kept, Newest
from organism.invariants.event import Event
from organism.invariants.rules import ZERO
from organism.messages import Filled, OrderApproved, OrderProposed, OrderUpdated, QueryAnswered, Recovered
from organism.trading import Fill

ID = "I2"
HEARS: frozenset[type] = frozenset({QueryAnswered, Recovered})
SAID: frozenset[type] = frozenset({OrderProposed, OrderApproved, OrderUpdated, Filled, VenueSubmit})


@dataclass(slots=True)
class _Intent:
    quantity: Decimal
    approved_seq: int
    attempts: list[str] = field(default_factory=list)
    executed: Decimal = ZERO
    executed_by: set[str] = field(default_factory=set)
    ended: bool = False


@dataclass(slots=True)
class State:
    """Intents by order id, and which of them each client id belongs to."""

    orders: Kept[_Intent] = field(default_factory=Kept)
    by_client: Kept[str] = field(default_factory=Kept)
    proposed: Newest = field(default_factory=Newest)
    clock: Clocked = field(default_factory=Clocked)
    partial: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    if event.organ == "motor":
        state.clock.read(event)
    for effect in event.did:
        if type(effect) is VenueSubmit:
            state.n += 1
            _submitted(state, effect, event, found)
        elif type(effect) is Publish:
            message = effect.message
            if type(message) is OrderApproved:
                _approved(state, message, event, found)
            elif type(message) is OrderProposed:
                if message.order.id in state.proposed:
                    _say(found, event, message.order.id, f"order {message.order.id} was proposed twice.")
                state.proposed.add(message.order.id)
            elif type(message) is OrderUpdated:
                _updated(state, message)
            elif type(message) is Filled:
                _filled(state, message.fill, event, found)
    return state, tuple(found) if found else NONE


def _approved(state: State, message: OrderApproved, event: Event, found: list[Breach]) -> None:
    order = message.approved.order
    known = state.orders.get(order.id)
    if known is None:
        state.orders.put(order.id, _Intent(order.quantity, event.seq))
    else:
        text = f"order {order.id} was approved twice, first in row {known.approved_seq}."
        _say(found, event, order.id, text)


def _submitted(state: State, effect: VenueSubmit, event: Event, found: list[Breach]) -> None:
    order, client_id = effect.approved.order, effect.client_order_id
    known = state.orders.get(order.id) or state.orders.put(order.id, _Intent(order.quantity, event.seq))
    other = state.by_client.get(client_id)
    if other == order.id:
        _say(found, event, order.id, f"order {order.id} left twice under one client id, {client_id}.")
        return
    if other is not None:
        _say(found, event, order.id, f"orders {other} and {order.id} left under one client id, {client_id}.")
    if known.ended:
        _say(found, event, order.id, f"order {order.id} was sent as {client_id} after it had ended.")
    elif known.attempts:
        before = state.clock.attempts.get(known.attempts[-1])
        if before is not None and not state.clock.is_proven(before, event):
            text = (
                f"order {order.id} was sent again as {client_id} while {before.client_id} may be alive: "
                f"{before.n_absent} late questions and no report prove that it never arrived."
            )
            _say(found, event, order.id, text)
    known.attempts.append(client_id)
    state.by_client.put(client_id, order.id)
    state.clock.sent(client_id, event, effect.sent_mono_ns or event.mono_ns, effect.valid_for_s)


def _updated(state: State, message: OrderUpdated) -> None:
    known = state.orders.get(message.order_id)
    if known is None or known.ended or not message.status.is_terminal:
        return
    known.ended = True
    state.orders.end(message.order_id)
    for client_id in known.attempts:
        state.by_client.end(client_id)
        state.clock.attempts.pop(client_id, None)


def _filled(state: State, fill: Fill, event: Event, found: list[Breach]) -> None:
    known = state.orders.get(fill.order_id)
    if known is None:
        return
    before = known.executed
    known.executed += fill.quantity
    if before <= known.quantity < known.executed:
        text = f"order {fill.order_id} executed {known.executed:f}; intended were {known.quantity:f}."
        _say(found, event, fill.order_id, text)
    known.executed_by.add(fill.client_order_id)
    if len(known.executed_by) > 1 and before:
        sent = " and ".join(sorted(known.executed_by))
        _say(
            found,
            event,
            fill.order_id,
            f"order {fill.order_id} was executed by more than one attempt: {sent}.",
        )


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
