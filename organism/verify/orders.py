"""The life of each order: approved, intended, sent, answered, filled; nothing twice, nothing out of turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from organism.effects import VenueSubmit
from organism.messages import OrderApproved, OrderUpdated
from organism.trading import LEGAL, TERMINAL, Fill, Order, OrderStatus

ZERO = Decimal(0)
PROOFS = 2  # questions answered "no such order" that an attempt needs before the next may leave
SETTLE = "settle:"  # the venue closes what a session leaves open; nobody ordered that

# What an order that never left may become at once.
_UNSENT = frozenset({OrderStatus.INTENT, OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.REJECTED})

_UNASKED = (0, -1)

Finds = Callable[[str, str, int | None], None]


@dataclass
class Trace:
    """One order as the journal tells it. client_ids: one an attempt."""

    order: Order
    approved_seq: int
    status: OrderStatus | None = None
    filled: Decimal = ZERO
    updated_seq: int = 0
    may_send: bool = False
    client_ids: list[str] = field(default_factory=list)
    executed: Decimal = ZERO
    executed_by: set[str] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether something may still happen to it."""
        return self.status not in TERMINAL

    @property
    def how(self) -> str:
        """Its status as a word."""
        return "approved" if self.status is None else self.status.value


class Orders:
    """Follows immune and motor.

    partial   the journal's beginning is kept elsewhere: orders nobody has seen approved may be older
    """

    def __init__(self, finds: Finds) -> None:
        self.traces: dict[str, Trace] = {}
        self.by_client_id: dict[str, Trace] = {}
        self.fills: dict[str, tuple[int, Fill]] = {}
        self.n_duplicates = 0
        self._absences: dict[str, tuple[int, int]] = {}  # questions, and when the last of them was asked
        self.partial = False
        self._finds = finds

    def approved(self, message: OrderApproved, seq: int) -> None:
        """Immune let an order through."""
        order = message.approved.order
        known = self.traces.get(order.id)
        if known is None:
            self.traces[order.id] = Trace(order, seq)
        else:
            self.n_duplicates += 1
            self._finds(
                "order", f"order {order.id} was approved twice, first in row {known.approved_seq}.", seq
            )

    def submitted(self, effect: VenueSubmit, seq: int) -> None:
        """Motor sends an order: only what was approved, and only after its intent."""
        order, client_id = effect.approved.order, effect.client_order_id
        trace = self.traces.get(order.id)
        if trace is None:
            if not self.partial:
                self._finds("order", f"order {order.id} was sent without approval.", seq)
            trace = self.traces[order.id] = Trace(order, seq, may_send=True)
        if order != trace.order:
            self._finds("order", f"order {order.id} was sent otherwise than it was approved.", seq)
        if client_id not in trace.client_ids:
            if not trace.may_send:
                self._finds(
                    "order", f"order {order.id} was sent as {client_id} without an intent before.", seq
                )
            if trace.client_ids and self._absences.get(trace.client_ids[-1], _UNASKED)[0] < PROOFS:
                text = f"order {order.id} was sent again without proof that {trace.client_ids[-1]} never arrived."
                self._finds("order", text, seq)
            trace.client_ids.append(client_id)
            other = self.by_client_id.setdefault(client_id, trace)
            if other is not trace:
                text = f"orders {other.order.id} and {order.id} share the client id {client_id}."
                self._finds("order", text, seq)
        trace.may_send = False

    def absent(self, client_id: str, asked_mono_ns: int) -> None:
        """The venue answered that it knows no such order. An answer that comes twice answers one question."""
        n, last_ns = self._absences.get(client_id, _UNASKED)
        if asked_mono_ns > last_ns:
            self._absences[client_id] = (n + 1, asked_mono_ns)

    def recovered(self) -> None:
        """Motor began anew: clocks may differ, and what was asked before proves nothing any more."""
        self._absences.clear()

    def updated(self, message: OrderUpdated, seq: int) -> None:
        """An order moved on: legally, its filled quantity never falling."""
        trace = self.traces.get(message.order_id)
        if trace is None:
            if not self.partial and not message.client_order_id.startswith(SETTLE):
                self._finds("order", f"order {message.order_id!r} moved on, but was never approved.", seq)
            return
        before, after = trace.status, message.status
        if after is OrderStatus.SENT and trace.client_ids and message.client_order_id not in trace.client_ids:
            # Another attempt: the row that says so is its intent. Whether it may leave is judged when it does.
            before, trace.may_send = OrderStatus.INTENT, True
        repeated = before is after and message.filled == trace.filled
        if not repeated and after not in (_UNSENT if before is None else LEGAL[before]):
            self._finds("order", f"order {message.order_id} went from {trace.how} to {after.value}.", seq)
        if message.filled < trace.filled:
            text = f"order {message.order_id}: filled fell from {trace.filled:f} to {message.filled:f}."
            self._finds("order", text, seq)
        if message.filled > trace.order.quantity:
            self._finds("order", self._too_much(trace, message.filled), seq)
        if after is OrderStatus.INTENT:
            trace.may_send = True
        trace.status, trace.filled, trace.updated_seq = after, message.filled, seq

    def filled(self, fill: Fill, seq: int) -> bool:
        """An execution; whether it is the first with its key."""
        known = self.fills.get(fill.key)
        if known is not None:
            self.n_duplicates += 1
            how = "twice" if known[1] == fill else "twice, and differently"
            self._finds("fill", f"fill {fill.key} was told {how}, first in row {known[0]}.", seq)
            return False
        self.fills[fill.key] = (seq, fill)
        trace = self.traces.get(fill.order_id)
        if trace is None:
            if not fill.client_order_id.startswith(SETTLE) and not self.partial:
                self._finds("fill", f"fill {fill.key} belongs to no order ({fill.order_id!r}).", seq)
            return True
        self._executed(trace, fill, seq)
        return True

    def finish(self) -> None:
        """What can only be said at the end: an ended order's fills make what it reported."""
        for trace in self.traces.values():
            if not trace.is_open and trace.filled != trace.executed and not self.partial:
                text = (
                    f"order {trace.order.id} ended {trace.how} with {trace.filled:f} filled, "
                    f"its fills make {trace.executed:f}."
                )
                self._finds("fill", text, trace.updated_seq)

    def _executed(self, trace: Trace, fill: Fill, seq: int) -> None:
        order = trace.order
        if (fill.symbol, fill.side) != (order.symbol, order.side):
            text = f"fill {fill.key} is a {fill.side.value} of {fill.symbol}, its order {order.id} is not."
            self._finds("fill", text, seq)
        if fill.client_order_id not in trace.client_ids and not self.partial:
            text = f"fill {fill.key} names {fill.client_order_id!r}, which was never sent for {order.id}."
            self._finds("fill", text, seq)
        before = trace.executed
        trace.executed += fill.quantity
        if before <= order.quantity < trace.executed:
            self._finds("fill", self._too_much(trace, trace.executed), seq)
        trace.executed_by.add(fill.client_order_id)
        if len(trace.executed_by) == 2:  # noqa: PLR2004 - the second execution is told, later ones are its echo
            self.n_duplicates += 1
            sent = ", ".join(sorted(trace.executed_by))
            self._finds("fill", f"order {order.id} was executed by more than one attempt: {sent}.", seq)

    @staticmethod
    def _too_much(trace: Trace, quantity: Decimal) -> str:
        return f"order {trace.order.id} executed {quantity:f}, intended were {trace.order.quantity:f}."
