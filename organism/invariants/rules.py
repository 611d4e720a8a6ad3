"""What the invariants must be told because no journal row says it: instruments, limits, bounds."""

from collections.abc import Mapping
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

import msgspec

from organism.market import Instrument
from organism.settings import RiskSettings

ZERO, ONE = Decimal(0), Decimal(1)
# Sums and products lose no digit, or raise.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
SETTLE = "settle:"  # client ids of what the venue closes at a session's end: nobody ordered that
DUST = (
    "dust:"  # metabolism gives a rest too small to trade up by an alert with this key: a correction on record
)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a body may use (I12). Readings above a bound count once they have lasted for `patience` looks."""

    memory_mb: float = 1_500.0
    inbox_depth: int = 4_000
    threads: int = 400
    descriptor_share: float = 0.95
    wal_mb: float = 256.0
    patience: int = 10


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Constants of one run.

    instruments     by symbol; one that is missing has multiplier 1 and the currencies that its symbol tells
    risk            the limits the gate was given; None leaves I9 and the timed parts of I8 unjudged
    starting_cash   quote currency; None takes what the first mark implies
    """

    instruments: Mapping[str, Instrument] = {}
    risk: RiskSettings | None = None
    starting_cash: Decimal | None = None
    bounds: Bounds = Bounds()

    def multiplier(self, symbol: str) -> Decimal:
        """Quote currency per base unit and unit of price."""
        instrument = self.instruments.get(symbol)
        return ONE if instrument is None else instrument.multiplier

    def currencies(self, symbol: str) -> tuple[str, str]:
        """Base and quote.

        >>> Rules().currencies("BTC/USDT:USDT")
        ('BTC', 'USDT')
        """
        instrument = self.instruments.get(symbol)
        if instrument is not None:
            return instrument.base, instrument.quote
        base, _, rest = symbol.partition("/")
        return base, rest.partition(":")[0]
