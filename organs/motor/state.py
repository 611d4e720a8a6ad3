"""What execution remembers."""

from decimal import Decimal

import msgspec

from organism.fills import Booked
from organism.messages import BarClosed
from organism.trading import ApprovedOrder, Order, OrderStatus

N_ENDED = 500  # ended orders kept, so that a late fill still finds its order


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """One order's life.

    sent_mono_ns   when the live attempt left, or when this process learned of it; monotonic
    n_absent       times the venue proved not to know it, each asked late enough
    n_queries      questions asked since its fate became unknown (back-off)
    cancel         somebody wants it gone
    """

    approved: ApprovedOrder
    status: OrderStatus
    client_order_id: str
    attempt: int = 1
    sent_mono_ns: int = 0
    venue_order_id: str = ""
    filled: Decimal = Decimal(0)
    n_absent: int = 0
    n_queries: int = 0
    cancel: bool = False

    @property
    def order(self) -> Order:
        """What was approved."""
        return self.approved.order


class MotorState(msgspec.Struct, frozen=True, kw_only=True):
    """Execution's memory.

    orders       by order id, in the order of approval; ended ones are pruned
    by_client    client order id of every attempt kept → order id
    positions    per symbol, the sum of our unique fills, base units
    cursor       newest trade id seen at the venue
    clean        the venue's account and ours agreed since this incarnation began
    waiting      approved and not sent yet, because `clean` is not true
    instant      the market instant the venue was told of and has not answered for
    settled_ns   newest instant that was settled
    doubt        what the last report could not explain; it must persist to be believed
    reported     what was told last, to tell changes only
    """

    orders: dict[str, Tracked] = msgspec.field(default_factory=dict)
    by_client: dict[str, str] = msgspec.field(default_factory=dict)
    positions: dict[str, Decimal] = msgspec.field(default_factory=dict)
    booked: Booked = Booked()
    cursor: str = ""
    clean: bool = False
    safe: bool = False
    first: bool = True
    waiting: tuple[ApprovedOrder, ...] = ()
    instant: BarClosed | None = None
    settled_ns: int = 0
    doubt: tuple[tuple[str, Decimal], ...] = ()
    watching: bool = False
