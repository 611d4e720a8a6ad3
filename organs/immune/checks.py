"""Pre-trade checks: each says None, or which limit an order breaks and by what number.

What is approved, working, or UNKNOWN counts at full size until it is proven terminal (`Reserved`), on each
side separately: buys and sells never offset each other before they are filled, because either may fill alone.
Every comparison is written so that NaN fails it, and no Decimal is compared before it is known to be finite.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import msgspec

from organism.market import Instrument, to_quantity
from organism.messages import DenialReason
from organism.settings import RiskSettings
from organism.trading import Order, OrderKind, Purpose, Side

ZERO = Decimal(0)

# Orders that shrink a position are held back only far above the rate at which entries are: they must get out.
REDUCTIONS_PER_ENTRY = 2
MOST_DIGITS = 27  # of a quantity in lots


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """Quantity that an approved order may still add or remove.

    booked  base units that its fills have already moved into the position
    ended   its final filled quantity once terminal with evidence; fills may still be on their way
    """

    symbol: str
    side: Side
    quantity: Decimal
    reduce_only: bool
    protect: bool
    booked: Decimal = ZERO
    ended: Decimal | None = None

    @property
    def open(self) -> Decimal:
        """Base units that may still change the position."""
        return max((self.quantity if self.ended is None else self.ended) - self.booked, ZERO)


class Refusal(NamedTuple):
    """Why not, with the numbers."""

    reason: DenialReason
    limit: float
    observed: float


@dataclass(frozen=True)
class View:
    """What the gate knows when an order comes.

    positions   base units from fills, signed
    closes      last close by symbol
    equity      quote currency; NaN before the first mark
    n_recent    orders approved in the last minute
    """

    positions: Mapping[str, Decimal]
    reserved: Mapping[str, Reserved]
    closes: Mapping[str, float]
    equity: float
    n_recent: int
    instruments: Mapping[str, Instrument]
    risk: RiskSettings

    def open(self, symbol: str, side: Side) -> Decimal:
        """Reserved base units that could enlarge a position on one side."""
        return sum(
            (
                r.open
                for r in self.reserved.values()
                if r.symbol == symbol and r.side is side and not r.reduce_only
            ),
            ZERO,
        )

    def reach(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Lowest and highest quantity the position can come to, whatever fills and whatever does not."""
        held = self.positions.get(symbol, ZERO)
        return held - self.open(symbol, Side.SELL), held + self.open(symbol, Side.BUY)

    def symbols(self) -> set[str]:
        """Everything held or reserved."""
        return {*self.positions, *(r.symbol for r in self.reserved.values())}

    def unit(self, symbol: str) -> Decimal | None:
        """Value of one base unit at the last close, None when there is no believable price."""
        close = self.closes.get(symbol, math.nan)
        if not 0.0 < close < math.inf:
            return None
        return Decimal(repr(close)) * self.instruments[symbol].multiplier


class _Room(NamedTuple):
    """How much an order may have, and what binds."""

    quantity: Decimal
    refusal: Refusal


def judge(order: Order, view: View) -> Decimal | Refusal:
    """How much of an order may leave: its quantity, less of it, or a refusal."""
    refusal = malformed(order, view)
    if refusal is not None:
        return refusal
    if order.reduce_only:
        return _judge_reduction(order, view)
    for check in (price_band, order_rate, position_count):
        refusal = check(order, view)
        if refusal is not None:
            return refusal
    return _fitting(order, view)


def malformed(order: Order, view: View) -> Refusal | None:
    """Refuse what is no order: unknown instrument, NaN, zero or negative numbers, part of a lot, missing price."""
    instrument = view.instruments.get(order.symbol)
    if instrument is None:
        return Refusal(DenialReason.UNKNOWN_INSTRUMENT, math.nan, math.nan)
    prices = [p for p in (order.reference_price, order.limit_price, order.stop_price) if p is not None]
    for number in (order.quantity, *prices):
        if not number.is_finite():
            return Refusal(DenialReason.NOT_A_NUMBER, 0.0, math.nan)
        if not number > 0:
            return Refusal(DenialReason.MALFORMED, 0.0, float(number))
    # More digits than a Decimal keeps have no remainder, and no account has so much: nothing is divided then.
    too_long = order.quantity.adjusted() - instrument.lot.adjusted() >= MOST_DIGITS
    if too_long or order.quantity % instrument.lot != 0:
        return Refusal(DenialReason.MALFORMED, float(instrument.lot), float(order.quantity))
    needed = {OrderKind.LIMIT: order.limit_price, OrderKind.STOP: order.stop_price}
    if needed.get(order.kind, ZERO) is None:
        return Refusal(DenialReason.MALFORMED, 0.0, math.nan)
    return None


def price_band(order: Order, view: View) -> Refusal | None:
    """Every price of an order, its reference included, must be near the last close."""
    close = view.closes.get(order.symbol, math.nan)
    for price in (order.reference_price, order.limit_price, order.stop_price):
        if price is None:
            continue
        off = abs(float(price) / close - 1.0) if close > 0.0 else math.nan
        if not off <= view.risk.price_band:
            return Refusal(DenialReason.PRICE_BAND, view.risk.price_band, off)
    return None


def order_rate(order: Order, view: View) -> Refusal | None:
    """At most so many orders in a sliding minute."""
    limit = view.risk.max_orders_per_minute * (REDUCTIONS_PER_ENTRY if order.reduce_only else 1)
    if view.n_recent < limit:
        return None
    return Refusal(DenialReason.ORDER_RATE, limit, view.n_recent)


def position_count(order: Order, view: View) -> Refusal | None:
    """At most so many instruments held or about to be; dust is no position."""
    others = sum(_counts(symbol, view) for symbol in view.symbols() if symbol != order.symbol)
    if others < view.risk.max_positions:
        return None
    return Refusal(DenialReason.POSITION_COUNT, view.risk.max_positions, others + 1)


def _counts(symbol: str, view: View) -> bool:
    low, high = view.reach(symbol)
    unit = view.unit(symbol)
    largest = max(abs(low), abs(high))
    return largest > 0 and (unit is None or largest * unit >= view.instruments[symbol].min_notional)


def order_notional(order: Order, view: View, unit: Decimal) -> _Room:
    """One order's value, quote currency."""
    limit = view.risk.max_order_notional
    observed = float(order.quantity * unit)
    return _Room(_decimal(limit) / unit, Refusal(DenialReason.ORDER_NOTIONAL, limit, observed))


def asset_exposure(order: Order, view: View, unit: Decimal) -> _Room:
    """Value of one instrument's position / equity, at its worst. A short where none is allowed has no room."""
    limit = view.risk.max_asset_exposure
    most = _decimal(limit) * _decimal(view.equity) / unit
    low, high = view.reach(order.symbol)
    buying = order.side is Side.BUY
    observed = float((high + order.quantity if buying else order.quantity - low) * unit) / view.equity
    if not buying and not view.instruments[order.symbol].can_short:
        most = ZERO
    room = most - high if buying else most + low
    return _Room(room, Refusal(DenialReason.ASSET_EXPOSURE, limit if most else 0.0, observed))


def gross_exposure(order: Order, view: View, unit: Decimal) -> _Room:
    """Σ|value| / equity, each instrument at its worst."""
    limit = view.risk.max_gross_exposure
    others = sum((_worst(s, view) for s in view.symbols() if s != order.symbol), ZERO)
    low, high = view.reach(order.symbol)
    toward = high if order.side is Side.BUY else -low
    most = (_decimal(limit) * _decimal(view.equity) - others) / unit
    away = -low if order.side is Side.BUY else high
    room = most - toward if max(away, abs(view.positions.get(order.symbol, ZERO))) <= most else ZERO
    observed = float(others + max(abs(toward + order.quantity), away) * unit) / view.equity
    return _Room(room, Refusal(DenialReason.GROSS_EXPOSURE, limit, observed))


def net_exposure(order: Order, view: View, unit: Decimal) -> _Room:
    """|Σvalue| / equity, with everything on the order's side filled and nothing on the other."""
    limit = view.risk.max_net_exposure
    buying = order.side is Side.BUY

    def leaning(symbol: str) -> Decimal:
        low, high = view.reach(symbol)
        return high if buying else -low

    others = sum((leaning(s) * (view.unit(s) or ZERO) for s in view.symbols() - {order.symbol}), ZERO)
    left = _decimal(limit) * _decimal(view.equity) - others
    if left < 0:  # there is room only as far as the order's instrument offsets the others: at its cheapest
        unit = min(unit, view.unit(order.symbol) or unit)
    room = (left - leaning(order.symbol) * unit) / unit
    observed = float(others + (leaning(order.symbol) + order.quantity) * unit) / view.equity
    return _Room(room, Refusal(DenialReason.NET_EXPOSURE, limit, observed))


_ROOMS: tuple[Callable[[Order, View, Decimal], _Room], ...] = (
    order_notional, asset_exposure, gross_exposure, net_exposure,
)  # fmt: skip


def _fitting(order: Order, view: View) -> Decimal | Refusal:
    """Shrink an entry until every size limit holds; refuse it when too little is left."""
    instrument = view.instruments[order.symbol]
    if not 0.0 < view.equity < math.inf:
        return Refusal(DenialReason.NOT_A_NUMBER, 0.0, view.equity)
    for symbol in view.symbols() | {order.symbol}:
        if view.unit(symbol) is None:  # a limit cannot be held over something that has no price
            return Refusal(DenialReason.NOT_A_NUMBER, 0.0, math.nan)
    prices = [Decimal(repr(view.closes[order.symbol])), order.reference_price]
    prices += [p for p in (order.limit_price, order.stop_price) if p is not None]
    unit = max(prices) * instrument.multiplier
    quantity = order.quantity
    binding = Refusal(DenialReason.MIN_NOTIONAL, float(instrument.min_notional), float(order.quantity * unit))
    for limit in _ROOMS:
        room = limit(order, view, unit)
        if room.quantity < quantity:
            quantity, binding = max(to_quantity(room.quantity, instrument), ZERO), room.refusal
    if not quantity or quantity * unit < instrument.min_notional:
        return binding
    return quantity


def _judge_reduction(order: Order, view: View) -> Decimal | Refusal:
    """Let an order through that truly shrinks the position, as far as no other order does already.

    Stops rest beside the orders that work on the position, so the two kinds are counted apart.
    """
    instrument = view.instruments[order.symbol]
    held = view.positions.get(order.symbol, ZERO)
    shrinking = held * order.side.sign < 0
    protect = order.purpose is Purpose.PROTECT
    taken = sum(
        (
            r.open
            for r in view.reserved.values()
            if r.symbol == order.symbol and r.side is order.side and r.protect is protect
        ),
        ZERO,
    )
    available = to_quantity(max(abs(held) - taken, ZERO), instrument) if shrinking else ZERO
    if not available:
        return Refusal(DenialReason.REDUCE_ONLY, float(available), float(order.quantity))
    refusal = order_rate(order, view) or _limit_far_off(order, view)
    if refusal is not None:
        return refusal
    quantity = min(order.quantity, available)
    value = quantity * max(order.reference_price * instrument.multiplier, view.unit(order.symbol) or ZERO)
    if value < instrument.min_notional and order.purpose is not Purpose.DUST:
        return Refusal(DenialReason.MIN_NOTIONAL, float(instrument.min_notional), float(value))
    return quantity


def _limit_far_off(order: Order, view: View) -> Refusal | None:
    """Only a limit price can make a reduction sell far below, or buy far above, the market."""
    close = view.closes.get(order.symbol, math.nan)
    if order.limit_price is None or not close > 0.0:
        return None
    off = abs(float(order.limit_price) / close - 1.0)
    return (
        None if off <= view.risk.price_band else Refusal(DenialReason.PRICE_BAND, view.risk.price_band, off)
    )


def _worst(symbol: str, view: View) -> Decimal:
    low, high = view.reach(symbol)
    return max(abs(low), abs(high), abs(view.positions.get(symbol, ZERO))) * (view.unit(symbol) or ZERO)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
