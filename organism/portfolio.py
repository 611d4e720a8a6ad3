"""What is held, as others see it. The ledger itself belongs to metabolism."""

from decimal import Decimal

import msgspec


class MarkedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One holding valued at a bar's close.

    quantity        base units, signed
    average_price   volume-weighted entry price, quote currency
    mark            closing price, quote currency
    exposure        signed value / equity, a multiple
    """

    symbol: str
    quantity: Decimal
    average_price: Decimal
    mark: float
    unrealised: Decimal
    exposure: float
    opened_ns: int
    stop_price: Decimal | None = None


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A holding as the venue reports it."""

    symbol: str
    quantity: Decimal


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue reports it; `status` is one of open, filled, canceled, expired, rejected."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    status: str
    quantity: Decimal
    filled: Decimal
    reason: str = ""
