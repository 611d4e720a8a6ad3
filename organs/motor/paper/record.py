"""Every order and every fill of the paper venue: the newest in memory, the rest in its book, where there is one.

A venue answers for an order as long as it exists, so nothing may be forgotten; but what has ended and is durable
need not be held. Without a book (lockstep, simulations) all of it stays here.
"""

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from organism.trading import Fill
from organs.motor.paper.resting import Resting

N_KEPT = 256  # ended orders, and fills, that stay in memory beside the book


class Archive(Protocol):
    """A book that holds every order and fill it was ever given."""

    def order(self, client_order_id: str) -> Resting | None:
        """An order, None when it never came."""
        ...

    def fills_of(self, client_order_id: str) -> tuple[Fill, ...]:
        """Fills of an order, oldest first."""
        ...

    def fills_between(self, after: int, until: int) -> tuple[Fill, ...]:
        """Fills with after < number ≤ until, oldest first."""
        ...


class Record:
    """Orders by client order id, and fills, of which the n-th ever has the number n.

    orders    all that are open, and the newest that ended; all there are when there is no archive
    fills     the newest, oldest first; all there are when there is no archive
    n_trades  fills there ever were
    archive   holds whatever `tidy` let go; what was added since the last `tidy` need not be in it
    """

    def __init__(self) -> None:
        self.orders: dict[str, Resting] = {}
        self.fills: list[Fill] = []
        self.n_trades = 0
        self.archive: Archive | None = None
        self._ended: deque[str] = deque()
        self._fills_of: dict[str, list[Fill]] = {}

    def order(self, client_order_id: str) -> Resting | None:
        """An order, whether or not it has ended; None when it never came."""
        found = self.orders.get(client_order_id)
        if found is None and self.archive is not None:
            return self.archive.order(client_order_id)
        return found

    def fills_of(self, client_order_id: str) -> tuple[Fill, ...]:
        """Fills of an order, oldest first."""
        if self.archive is None:
            return tuple(self._fills_of.get(client_order_id, ()))
        began = self._began
        old = (f for f in self.archive.fills_of(client_order_id) if number_of(f) <= began)
        return (*old, *(f for f in self.fills if f.client_order_id == client_order_id))

    def fills_after(self, number: int) -> tuple[Fill, ...]:
        """Fills with a greater number, oldest first."""
        began = self._began
        if number >= began or self.archive is None:
            return tuple(self.fills[max(0, number - began) :])
        return (*self.archive.fills_between(number, began), *self.fills)

    def add(self, fill: Fill) -> None:
        """Remember the next fill."""
        self.n_trades += 1
        self.fills.append(fill)
        if self.archive is None:
            self._fills_of.setdefault(fill.client_order_id, []).append(fill)

    def end(self, client_order_id: str) -> None:
        """An order has ended."""
        self._ended.append(client_order_id)

    def tidy(self) -> None:
        """Let go of what is old; call it when all of it is durable in the archive. O(1), amortised."""
        if self.archive is None:
            return
        if len(self._ended) > 2 * N_KEPT:
            while len(self._ended) > N_KEPT:
                self.orders.pop(self._ended.popleft(), None)
        if len(self.fills) > 2 * N_KEPT:
            del self.fills[: len(self.fills) - N_KEPT]

    def restore(
        self, orders: Iterable[Resting], fills: Iterable[Fill], n_trades: int, archive: Archive | None
    ) -> None:
        """Begin from an archive: everything that is open in it, and the newest of what it holds."""
        self.archive = archive
        self.orders = {r.client_order_id: r for r in orders}
        self._ended = deque(k for k, r in self.orders.items() if r.status != "open")
        self.fills = list(fills)
        self.n_trades = n_trades

    @property
    def _began(self) -> int:
        """Number of the newest fill that is not in memory."""
        return self.n_trades - len(self.fills)


def number_of(fill: Fill) -> int:
    """The n-th trade ever has the number n."""
    return int(fill.trade_id.rpartition("-")[2])
