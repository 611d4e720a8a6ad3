"""Instruments, bars and venues: the nouns of the market.

Prices and volumes of bars are `float` (they feed kernels); everything from an order to the ledger is
`Decimal`. `to_price` and `to_quantity` are the only places where one becomes the other.
"""

import enum
import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import msgspec

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class AssetClass(enum.Enum):
    """What is traded, and on how many days a year (for annualising)."""

    CRYPTO_SPOT = "crypto_spot"
    CRYPTO_PERPETUAL = "crypto_perpetual"
    EQUITY = "equity"
    FX = "fx"

    @property
    def days_per_year(self) -> int:
        """Trading days in a year: 365 for crypto, 252 for equities, 260 for FX."""
        return {"equity": 252, "fx": 260}.get(self.value, 365)

    def bars_per_year(self, bar_s: int) -> float:
        """Bars of `bar_s` seconds in a year, for scaling a volatility per bar.

        An equity trades 6.5 hours a day (New York), the others all day. Bars longer than a day are counted by the calendar.

        >>> AssetClass.CRYPTO_SPOT.bars_per_year(300), AssetClass.EQUITY.bars_per_year(300), AssetClass.EQUITY.bars_per_year(86_400)
        (105120.0, 19656.0, 252.0)
        """
        if bar_s > _DAY_S:
            return _YEAR_S / bar_s
        session_s = _SESSION_S if self is AssetClass.EQUITY else _DAY_S
        return self.days_per_year * max(1.0, session_s / bar_s)


_DAY_S = 86_400
_YEAR_S = 31_557_600
_SESSION_S = 23_400


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue takes, as fractions of notional (0.001 = 10 basis points)."""

    maker: Decimal
    taker: Decimal


class VenueCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue can do, and how long a request to it can still take effect.

    validity_window_s   a request is refused by the venue if it arrives later than this after sending
    engine_timeout_s    a request that arrived in time may take effect up to this much later
    clock_skew_s        how far the venue's clock may differ from ours
    """

    name: str
    validity_window_s: float
    engine_timeout_s: float
    clock_skew_s: float
    resting_stops: bool = True
    reduce_only: bool = True
    can_short: bool = False


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be traded on one venue.

    tick           smallest price step, quote currency
    lot            smallest quantity step, base units
    min_notional   smallest |quantity × price × multiplier| the venue accepts, quote currency
    """

    symbol: str
    base: str
    quote: str
    venue: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal
    fees: FeeSchedule
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT
    multiplier: Decimal = Decimal(1)
    can_short: bool = False


class Bar(msgspec.Struct, frozen=True, gc=False):
    """A closed interval of trading: open, high, low, close in quote currency, volume in base units.

    `open_ns` and `close_ns` are market time, nanoseconds since the epoch, UTC; `close_ns` is the first
    instant at which the bar may be known. `flags` names doubts ("gap", "outlier", …): a flagged bar is
    counted and never repaired.
    """

    symbol: str
    open_ns: int
    close_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    flags: tuple[str, ...] = ()


def to_price(value: float | Decimal, instrument: Instrument, *, worse_for: str | None = None) -> Decimal:
    """Round a price to the instrument's tick.

    `worse_for` is "buy" (round up: a buyer pays more), "sell" (round down) or None (nearest).
    Raises `ValueError` for NaN, infinity, zero and negative prices.

    >>> from decimal import Decimal as D
    >>> i = Instrument(symbol="X/Y", base="X", quote="Y", venue="paper", tick=D("0.05"), lot=D("0.1"),
    ...     min_notional=D(5), fees=FeeSchedule(maker=D(0), taker=D(0)))
    >>> to_price(1.02, i), to_price(1.02, i, worse_for="buy"), to_price(1.04, i, worse_for="sell")
    (Decimal('1.00'), Decimal('1.05'), Decimal('1.00'))
    """
    exact = value if isinstance(value, Decimal) else _from_float(value)
    if not exact > 0:
        raise ValueError(f"a price must be positive; was {value!r}")
    rounding = {"buy": ROUND_CEILING, "sell": ROUND_FLOOR, None: ROUND_HALF_EVEN}[worse_for]
    return (exact / instrument.tick).to_integral_value(rounding) * instrument.tick


def to_quantity(value: float | Decimal, instrument: Instrument) -> Decimal:
    """Round a quantity towards zero to the instrument's lot. Sign is kept; NaN and infinity are refused.

    >>> from decimal import Decimal as D
    >>> i = Instrument(symbol="X/Y", base="X", quote="Y", venue="paper", tick=D("0.05"), lot=D("0.1"),
    ...     min_notional=D(5), fees=FeeSchedule(maker=D(0), taker=D(0)))
    >>> to_quantity(0.19, i), to_quantity(-0.99, i)
    (Decimal('0.1'), Decimal('-0.9'))
    """
    exact = value if isinstance(value, Decimal) else _from_float(value)
    return (exact / instrument.lot).to_integral_value(ROUND_DOWN) * instrument.lot


def notional(quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """|quantity × price × multiplier|, quote currency."""
    return abs(quantity * price * instrument.multiplier)


def _from_float(value: float) -> Decimal:
    if not math.isfinite(value):
        raise ValueError(f"a price or quantity must be finite; was {value!r}")
    # repr() gives the shortest decimal that reads back as the same float: 0.1, not 0.1000000000000000055.
    return Decimal(repr(float(value)))
