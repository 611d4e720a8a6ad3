"""The paper venue as something one sends requests to: decide, make it durable, answer."""

import time
from collections.abc import Callable
from typing import Protocol

from organism.effects import Effect, VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.messages import (
    CancelAnswered,
    Message,
    QueryAnswered,
    ReportAnswered,
    SubmitAnswered,
    VenueAdvanced,
)
from organs.motor.paper.matching import PaperExchange


class Book(Protocol):
    """Where the venue keeps its truth."""

    def save(self, exchange: PaperExchange) -> None:
        """Make everything that changed durable before it is answered."""
        ...


class PaperVenue:
    """An exchange and its book. One caller at a time.

    mono_ns   the venue's clock for validity windows; the machine's own, so that processes agree
    """

    def __init__(
        self,
        exchange: PaperExchange,
        book: Book | None = None,
        mono_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.exchange = exchange
        self._book = book
        self._mono_ns = mono_ns

    def handle(self, effect: Effect, sent_ns: int) -> Message:
        """Perform one request that left at `sent_ns` (monotonic) and return the answer.

        Raises when the book cannot be written: what was decided is then not true, and this object is void.
        """
        message = self._decide(effect, sent_ns)
        if self._book is not None and self.exchange.changed:
            self._book.save(self.exchange)
        return message

    def _decide(self, effect: Effect, sent_ns: int) -> Message:
        exchange = self.exchange
        if type(effect) is VenueAdvance:
            _, orders = exchange.advance(effect.at_ns, effect.bars, settle=effect.settle)
            fills = exchange.fills_after(effect.since)
            return VenueAdvanced(at_ns=effect.at_ns, fills=fills, orders=orders)
        if type(effect) is VenueSubmit:
            # Counted from the decision. A stamp of the future comes from another run of the machine.
            late = not 0 <= self._mono_ns() - effect.sent_mono_ns <= effect.valid_for_s * 1e9
            answer, identity, reason = exchange.submit(
                effect.client_order_id, effect.approved.order, late=late
            )
            return SubmitAnswered(
                client_order_id=effect.client_order_id, answer=answer, venue_order_id=identity, reason=reason
            )
        if type(effect) is VenueCancel:
            answer, reason = exchange.cancel(effect.client_order_id)
            return CancelAnswered(client_order_id=effect.client_order_id, answer=answer, reason=reason)
        if type(effect) is VenueQuery:
            order, fills = exchange.query(effect.client_order_id)
            return QueryAnswered(
                client_order_id=effect.client_order_id, asked_mono_ns=sent_ns, answered=True, order=order,
                fills=fills,
            )  # fmt: skip
        if type(effect) is VenueReport:
            return ReportAnswered(
                answered=True, asked_mono_ns=sent_ns, open_orders=exchange.open_orders(),
                positions=exchange.held(), fills=exchange.fills_after(effect.since), cash=exchange.cash,
            )  # fmt: skip
        raise TypeError(f"the paper venue has no request {effect!r}")
