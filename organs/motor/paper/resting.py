"""An order as the paper venue knows it."""

from decimal import Decimal

import msgspec

from organism.portfolio import VenueOrder
from organism.trading import OrderKind, Side

ZERO = Decimal(0)


class Resting(msgspec.Struct, kw_only=True):
    """An order at the venue. status: open, filled, canceled, rejected.

    active_ns   market time from which it takes part
    triggered   a stop whose price has traded: a market order by now
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    reduce_only: bool
    active_ns: int
    status: str = "open"
    filled: Decimal = ZERO
    triggered: bool = False
    reason: str = ""

    def report(self) -> VenueOrder:
        """What the venue tells of it."""
        return VenueOrder(
            client_order_id=self.client_order_id, venue_order_id=self.venue_order_id, symbol=self.symbol,
            status=self.status, quantity=self.quantity, filled=self.filled, reason=self.reason,
        )  # fmt: skip
