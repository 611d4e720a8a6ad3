"""The paper venue as something one sends requests to: decide, make it durable, answer."""

import random
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

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
        """Perform one request that left at `sent_ns` (monotonic) and return the answer."""
        message = self._decide(effect, sent_ns)
        if self._book is not None and (self.exchange.touched or self.exchange.new_fills):
            self._book.save(self.exchange)
        return message

    def _decide(self, effect: Effect, sent_ns: int) -> Message:
        exchange = self.exchange
        if type(effect) is VenueAdvance:
            fills, orders = exchange.advance(effect.at_ns, effect.bars, settle=effect.settle)
            return VenueAdvanced(at_ns=effect.at_ns, fills=fills, orders=orders)
        if type(effect) is VenueSubmit:
            late = self._mono_ns() - sent_ns > effect.valid_for_s * 1e9
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


class ReplyFaults(msgspec.Struct, frozen=True, kw_only=True):
    """The switch that loses answers or whole requests: probabilities per request, by seed.

    lose_reply     the request takes effect, its answer never comes
    lose_request   the request never arrives, nor does an answer
    only           names of effects it strikes; empty for all but the venue's clock
    """

    lose_reply: float = 0.0
    lose_request: float = 0.0
    seed: int = 1
    only: tuple[str, ...] = ()

    def striker(self) -> Callable[[Effect], str]:
        """Say for each request what befalls it: "", "request" or "reply"."""
        chance = random.Random(f"replies-{self.seed}")

        def strike(effect: Effect) -> str:
            name = type(effect).__name__
            if (self.only and name not in self.only) or (not self.only and name == "VenueAdvance"):
                return ""
            draw = chance.random()
            if draw < self.lose_request:
                return "request"
            return "reply" if draw < self.lose_request + self.lose_reply else ""

        return strike
