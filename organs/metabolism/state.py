"""What metabolism remembers between two messages."""

from decimal import Decimal

import msgspec

from organism.fills import Booked
from organism.messages import Target
from organism.trading import Order, Purpose, Standing
from organs.metabolism.ledger import ZERO, Ledger


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may still change the position.

    approved    the gate has let it through (until then motor does not know it)
    booked      base units of its fills in the ledger
    ended       its final filled quantity once terminal; kept until that much is booked
    cancel_ns   market time at which motor was last asked to cancel it
    unwanted    why it is to be cancelled, "" while it is wanted
    """

    order: Order
    approved: bool = False
    booked: Decimal = ZERO
    ended: Decimal | None = None
    cancel_ns: int | None = None
    unwanted: str = ""

    @property
    def remaining(self) -> Decimal:
        """Base units that may still be filled."""
        return self.order.quantity - self.booked


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """A target not yet turned into an order: another order, or the first half of a reversal, is in the way."""

    target: Target
    at_ns: int


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """A position that is being closed until it is flat.

    forced      by risk control: targets for the symbol are ignored until flat
    dust_tried  the venue was offered the dust once and did not take it
    """

    purpose: Purpose
    reason: str
    forced: bool = False
    dust_tried: bool = False


class StopLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Where the protective stop belongs, and the signed quantity and entry price it was worked out for."""

    level: Decimal
    quantity: Decimal
    entry: Decimal


class MetabolismState(msgspec.Struct, frozen=True, kw_only=True):
    """Books, marks and intentions.

    at_ns        instant of the last mark, market time
    closes       last close by symbol, this session
    day          days since the epoch, UTC, of the last mark
    losses       losing trades in a row, flat to flat, after fees
    working      by order id
    wants, exits, stops   by symbol
    """

    ledger: Ledger
    equity: float
    peak: float
    day_start: float
    day: int = -1
    at_ns: int = 0
    session: int = 0
    closing: bool = False
    losses: int = 0
    closes: dict[str, float] = {}
    booked: Booked = Booked()
    standing: Standing = Standing()
    working: dict[str, Working] = {}
    wants: dict[str, Want] = {}
    exits: dict[str, Exit] = {}
    stops: dict[str, StopLevel] = {}
