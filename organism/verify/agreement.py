"""The journal against the venue's own book, for a body that may still be running.

The venue is read first, then the journal, then the venue again where something of ours seems to be missing
there: so neither side is blamed for what happened between two looks. Only what is under way is excused: fills
of orders that have not ended in our journal. They are counted, and none are left once the body has reconciled.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext

from organism.trading import OrderStatus
from organism.verify.books import EXACT, ZERO, Books
from organism.verify.examiner import Examiner
from organism.verify.orders import SETTLE, Trace
from organism.verify.truth import TruthFill, TruthOrder, VenueTruth

_OPEN = "open"
# States that only the venue's word can bring about.
_PROVEN = frozenset({OrderStatus.ACKED, OrderStatus.PARTIAL, OrderStatus.FILLED})


class Agreement:
    """Compares, and reports into the examiner's findings."""

    def __init__(self, examiner: Examiner, truth: VenueTruth, *, again: Callable[[], VenueTruth]) -> None:
        self.n_phantoms = 0
        self.n_lost = 0
        self.n_in_flight = 0
        self.unexplained: dict[str, Decimal] = {}
        self.cash_difference = ZERO
        self._examiner = examiner
        self._orders = examiner.orders
        self._truth = truth
        self._again = again
        self._under_way = Books(examiner.instruments)

    def compare(self) -> None:
        """Everything: what the venue has and we do not, what we have and it does not, and the sums."""
        fills = {fill.key: fill for fill in self._truth.fills}
        orders = {order.client_order_id: order for order in self._truth.orders}
        for order in orders.values():
            self._order_there(order)
        for fill in fills.values():
            self._fill_there(fill)
        nowhere = self._ours(fills, orders)
        self._sums(fills.keys() | nowhere)
        if self.n_in_flight:
            self._examiner.note(
                f"{self.n_in_flight} executions are under way between the venue and the journal"
            )

    # -------------------------------------------------------------- at the venue

    def _order_there(self, order: TruthOrder) -> None:
        client_id = order.client_order_id
        trace = self._orders.by_client_id.get(client_id)
        if trace is None:
            if not client_id.startswith(SETTLE) and not self._orders.partial:
                self._phantom(f"the venue has order {client_id}, which we never sent.")
            return
        if trace.is_open or client_id != trace.client_ids[-1]:
            return
        if order.status == _OPEN:
            self._finds(f"order {trace.order.id} ended here, but is open at the venue as {client_id}.")
        elif order.filled != trace.executed and len(trace.executed_by) <= 1:
            self._finds(
                f"order {trace.order.id} executed {trace.executed:f} here, {order.filled:f} at the venue."
            )

    def _fill_there(self, fill: TruthFill) -> None:
        known = self._orders.fills.get(fill.key)
        if known is not None:
            ours = known[1]
            same = (ours.symbol, ours.side.value, ours.quantity, ours.price, ours.fee, ours.client_order_id)
            side = getattr(fill.side, "value", fill.side)
            if same != (fill.symbol, side, fill.quantity, fill.price, fill.fee, fill.client_order_id):
                self._finds(f"fill {fill.key} is not what the venue executed.", known[0])
            return
        trace = self._orders.by_client_id.get(fill.client_order_id)
        if self._is_under_way(fill, trace):
            self.n_in_flight += 1
            self._under_way.book(fill)
        elif trace is not None:
            self.n_lost += 1
            self._finds(f"fill {fill.key} of order {trace.order.id} at the venue never reached the journal.")
        elif fill.client_order_id.startswith(SETTLE):
            self.n_lost += 1
            self._finds(f"fill {fill.key}, a settlement at the venue, never reached the journal.")
        elif not self._orders.partial:
            self._phantom(f"the venue executed {fill.key} for {fill.client_order_id!r}, which we never sent.")

    def _is_under_way(self, fill: TruthFill, trace: Trace | None) -> bool:
        if trace is not None:
            return trace.is_open
        at_ns = getattr(fill, "at_ns", None)
        settles = fill.client_order_id.startswith(SETTLE)
        return settles and at_ns is not None and at_ns >= self._examiner.market_ns

    # -------------------------------------------------------------- here

    def _ours(self, fills: dict[str, TruthFill], orders: dict[str, TruthOrder]) -> set[str]:
        """What we have and the venue does not; keys of such fills."""
        no_fills = [key for key in self._orders.fills if key not in fills]
        no_orders = [
            t for t in self._orders.traces.values() if self._proven(t) and not self._there(t, orders)
        ]
        if not no_fills and not no_orders:
            return set()
        truth = self._again()
        later = {fill.key for fill in truth.fills}
        sent = {order.client_order_id: order for order in truth.orders}
        nowhere = {key for key in no_fills if key not in later}
        for key in nowhere:
            self._phantom(f"fill {key} is in the journal, but not at the venue.", self._orders.fills[key][0])
        for trace in no_orders:
            if not self._there(trace, sent):
                text = f"order {trace.order.id} is {trace.how} here, "
                self._phantom(f"{text}but the venue does not know it.", trace.updated_seq)
        return nowhere

    @staticmethod
    def _proven(trace: Trace) -> bool:
        return trace.status in _PROVEN

    @staticmethod
    def _there(trace: Trace, orders: dict[str, TruthOrder]) -> bool:
        return any(client_id in orders for client_id in trace.client_ids)

    # -------------------------------------------------------------- sums

    def _sums(self, keys: set[str]) -> None:
        """Quantity and cash at the venue, less what our fills and those under way make of them."""
        if self._orders.partial:
            self._examiner.note(
                "quantities are not compared with the venue: the journal's beginning is not here"
            )
            return
        # Not every fill of ours: those that happened after the first look at the venue are not in its sums.
        ours = Books(self._examiner.instruments)
        for key, (_, fill) in self._orders.fills.items():
            if key in keys:
                ours.book(fill)
        held = self._truth.held()
        for symbol in sorted(held.keys() | ours.quantities.keys() | self._under_way.quantities.keys()):
            with localcontext(EXACT):
                explained = ours.quantities.get(symbol, ZERO) + self._under_way.quantities.get(symbol, ZERO)
                rest = held.get(symbol, ZERO) - explained
            if rest:
                self.unexplained[symbol] = rest
                self._finds(
                    f"{symbol}: {rest:+f} at the venue cannot be explained by any fill.", None, "quantity"
                )
        start = self._examiner.ledger.start
        if self._truth.cash is not None and start is not None:
            with localcontext(EXACT):
                self.cash_difference = self._truth.cash - (start + ours.cash + self._under_way.cash)
            if self.cash_difference:
                text = f"cash at the venue is {self.cash_difference:+f} beside what the fills make."
                self._finds(text, None, "cash")

    def _phantom(self, text: str, seq: int | None = None) -> None:
        self.n_phantoms += 1
        self._examiner.finds("phantom", text, seq)

    def _finds(self, text: str, seq: int | None = None, kind: str = "venue") -> None:
        self._examiner.finds(kind, text, seq)
