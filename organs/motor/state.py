"""What execution remembers."""

from decimal import Decimal

import msgspec

from organism.fills import Booked
from organism.messages import BarClosed
from organism.trading import ApprovedOrder, Order, OrderStatus

N_ENDED = 128  # ended orders kept, so that a late fill still finds its order
N_MISSED = 8  # older instants told again when their answer never came


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """One order's life.

    sent_mono_ns    when the live attempt left, or when this process learned of it; monotonic
    ended_mono_ns   when it ended; monotonic
    n_absent        questions after which the venue proved not to know it, each asked late enough
    absent_mono_ns  when the last of them was asked; monotonic
    n_queries       questions asked since its fate became unknown (back-off)
    cancel          somebody wants it gone
    """

    approved: ApprovedOrder
    status: OrderStatus
    client_order_id: str
    attempt: int = 1
    sent_mono_ns: int = 0
    ended_mono_ns: int = 0
    venue_order_id: str = ""
    filled: Decimal = Decimal(0)
    n_absent: int = 0
    absent_mono_ns: int = 0
    n_queries: int = 0
    cancel: bool = False

    @property
    def order(self) -> Order:
        """What was approved."""
        return self.approved.order


class MotorState(msgspec.Struct, frozen=True, kw_only=True):
    """Execution's memory.

    orders          by order id, in the order of approval; ended ones are pruned
    by_client       client order id of every attempt kept → order id
    positions       per symbol, the sum of our unique fills, base units
    cursor          trade id up to which the venue has told us every fill
    clean           the venue's account and ours agreed since this incarnation began
    waiting         ids of orders approved and not sent yet, because `clean` is not true
    instant         the market instant the venue was told of and has not answered for
    missed          older instants without an answer; told again, in order, before a newer one
    settled_ns      newest instant that was settled
    watching        the watchdog of instants is armed
    heard_mono_ns   when the newest instant came, monotonic
    entries         whether trading is ACTIVE, so that an entry proven lost may be sent again
    doubt           what the last report could not explain; it must persist to be believed
    filled_mono_ns  when the newest fill was booked; a report asked for earlier compares nothing
    """

    orders: dict[str, Tracked] = msgspec.field(default_factory=dict)
    by_client: dict[str, str] = msgspec.field(default_factory=dict)
    positions: dict[str, Decimal] = msgspec.field(default_factory=dict)
    booked: Booked = Booked()
    cursor: str = ""
    clean: bool = False
    safe: bool = False
    first: bool = True
    waiting: tuple[str, ...] = ()
    instant: BarClosed | None = None
    missed: tuple[BarClosed, ...] = ()
    settled_ns: int = 0
    watching: bool = False
    heard_mono_ns: int = 0
    entries: bool = True
    doubt: tuple[tuple[str, Decimal], ...] = ()
    filled_mono_ns: int = 0


def tracked_as(state: MotorState, client_order_id: str) -> Tracked | None:
    """The order that one of its attempts was sent as."""
    return state.orders.get(state.by_client.get(client_order_id, ""))


def keeping(state: MotorState, tracked: Tracked) -> MotorState:
    """Remember an order as it is now; forget those that ended long ago."""
    order_id = tracked.order.id
    kept = {**state.orders, order_id: tracked}
    by_client = state.by_client
    if by_client.get(tracked.client_order_id) != order_id:
        by_client = {**by_client, tracked.client_order_id: order_id}
    if len(kept) > 2 * N_ENDED:
        ended = [k for k, t in kept.items() if t.status.is_terminal]
        gone = frozenset(ended[:-N_ENDED])
        kept = {k: t for k, t in kept.items() if k not in gone}
        by_client = {c: k for c, k in by_client.items() if k not in gone}
    return msgspec.structs.replace(state, orders=kept, by_client=by_client)
