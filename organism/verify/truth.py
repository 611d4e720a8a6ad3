"""The venue's own account of itself, as an audit needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from organism.portfolio import VenuePosition


class TruthOrder(Protocol):
    """An order in the venue's book; `organism.portfolio.VenueOrder` is one. status "open" may still trade."""

    @property
    def client_order_id(self) -> str:
        """Id we gave it."""
        ...

    @property
    def status(self) -> str:
        """open, filled, canceled, expired or rejected."""
        ...

    @property
    def filled(self) -> Decimal:
        """Base units executed."""
        ...


class TruthFill(Protocol):
    """An execution in the venue's book; `organism.trading.Fill` is one. side is "buy", "sell" or a `Side`."""

    @property
    def key(self) -> str:
        """Unique for ever."""
        ...

    @property
    def client_order_id(self) -> str:
        """Id we gave it."""
        ...

    @property
    def symbol(self) -> str:
        """Instrument."""
        ...

    @property
    def side(self) -> Any:
        """Which way."""
        ...

    @property
    def quantity(self) -> Decimal:
        """Base units, positive."""
        ...

    @property
    def price(self) -> Decimal:
        """Quote currency."""
        ...

    @property
    def fee(self) -> Decimal:
        """Positive when paid."""
        ...


@dataclass(frozen=True, kw_only=True)
class VenueTruth:
    """One consistent moment of the venue's book.

    orders      every order ever accepted; refused ones may be left out
    fills       every execution ever
    positions   base units, signed, by symbol or one by one
    cash        quote currency; None when the venue does not keep it
    """

    orders: Iterable[TruthOrder]
    fills: Iterable[TruthFill]
    positions: Mapping[str, Decimal] | Iterable[VenuePosition]
    cash: Decimal | None = None

    def held(self) -> dict[str, Decimal]:
        """Quantities that are not zero, by symbol."""
        if isinstance(self.positions, Mapping):
            found = dict(self.positions)
        else:
            found = {position.symbol: position.quantity for position in self.positions}
        return {symbol: quantity for symbol, quantity in found.items() if quantity}
