"""I7, only legal transitions: one state after another, filled never falls, what has ended stays ended."""

from dataclasses import dataclass, field
from decimal import Decimal

from organism.effects import Publish
from organism.invariants.breach import NONE, Breach, Breaches, Kept
from organism.invariants.event import Event
from organism.invariants.rules import SETTLE
from organism.messages import OrderUpdated
from organism.trading import OrderStatus

ID = "I7"
HEARS: frozenset[type] = frozenset()
SAID: frozenset[type] = frozenset({OrderUpdated})

_S = OrderStatus
_ENDS = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED})
# Written down here once more, on purpose: a slip in the organs' own table must not excuse itself.
_NEXT: dict[OrderStatus | None, frozenset[OrderStatus]] = {
    None: frozenset({_S.INTENT}),
    _S.INTENT: frozenset({_S.SENT, _S.EXPIRED, _S.CANCELED}),
    _S.SENT: frozenset({_S.ACKED, _S.PARTIAL, _S.UNKNOWN}) | _ENDS,
    _S.UNKNOWN: frozenset({_S.ACKED, _S.PARTIAL}) | _ENDS,
    _S.ACKED: frozenset({_S.PARTIAL, _S.UNKNOWN}) | _ENDS,
    _S.PARTIAL: frozenset({_S.PARTIAL, _S.UNKNOWN}) | _ENDS,
    **dict.fromkeys(_ENDS, frozenset()),
}


@dataclass(slots=True)
class _Life:
    status: OrderStatus
    client_id: str
    filled: Decimal


@dataclass(slots=True)
class State:
    """Where each order stands. partial: an order first seen in the middle of its life may be older."""

    orders: Kept[_Life] = field(default_factory=Kept)
    partial: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    for effect in event.did:
        if type(effect) is Publish and type(effect.message) is OrderUpdated:
            state.n += 1
            _updated(state, effect.message, event, found)
    return state, tuple(found) if found else NONE


def _updated(state: State, message: OrderUpdated, event: Event, found: list[Breach]) -> None:
    order_id, after = message.order_id, message.status
    if event.organ != "motor":
        _say(
            found,
            event,
            order_id,
            f"the status of order {order_id} was told by {event.organ}; only motor may.",
        )
    life = state.orders.get(order_id)
    if life is None:
        legal = after in _NEXT[None] or state.partial or message.client_order_id.startswith(SETTLE)
        if not legal:
            text = f"order {order_id} must begin as an intent; it began as {after.value}."
            _say(found, event, order_id, text)
        state.orders.put(order_id, _Life(after, message.client_order_id, message.filled))
        return
    before = life.status
    again = message.client_order_id != life.client_id
    # Another attempt is sent at once: its intent is the row that says so. Only what is unknown may be tried again.
    legal = (before is _S.UNKNOWN and after is _S.SENT) if again else after in _NEXT[before]
    if before is _S.PARTIAL and after is _S.PARTIAL and message.filled <= life.filled:
        legal = False
    if not legal:
        how = f" as another attempt, {message.client_order_id}" if again else ""
        _say(
            found,
            event,
            order_id,
            f"order {order_id} went from {before.value} to {after.value}{how}, which is no legal step.",
        )
    if message.filled < life.filled:
        text = (
            f"filled of order {order_id} must never fall; it went from {life.filled:f} to {message.filled:f}."
        )
        _say(found, event, order_id, text)
    if after in _ENDS and before not in _ENDS:
        state.orders.end(order_id)
    state.orders.put(order_id, _Life(after, message.client_order_id, message.filled))


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
