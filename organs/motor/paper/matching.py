"""How the paper venue decides: what it accepts, and at which prices it fills.

An order rests from `latency_s` of market time after it came, so it can fill from the next bar on. A bar is
met in this order: stops and market orders at the open (a stop that the open has passed fills there), then
stops inside the bar, then limits that the bar trades through. Prices round to the tick against the trader.
"""

import random
from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

import msgspec

from organism.market import NS_PER_S, Bar, Instrument, notional, to_price
from organism.messages import Answer
from organism.portfolio import VenueOrder, VenuePosition
from organism.settings import PaperSettings
from organism.trading import Fill, Order, OrderKind, Side

ZERO = Decimal(0)
BPS = Decimal("0.0001")


class Resting(msgspec.Struct, kw_only=True):
    """An order as the venue knows it. status: open, filled, canceled, expired, rejected."""

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


class PaperExchange:
    """All of the venue's state, in memory; `organs.motor.paper.book` makes it durable.

    `touched` and `new_fills` name what changed since the book was last written.
    """

    def __init__(self, settings: PaperSettings, instruments: Iterable[Instrument], *, seed: int = 1) -> None:
        self.settings = settings
        self.instruments = {i.symbol: i for i in instruments}
        self.cash = Decimal(repr(settings.starting_cash))
        self.positions: dict[str, Decimal] = {}
        self.orders: dict[str, Resting] = {}
        self.fills: list[Fill] = []
        self.instant_ns = 0
        self.n_orders = 0
        self.n_trades = 0
        self.duplicates_refused = 0
        self.touched: dict[str, Resting] = {}
        self.new_fills: list[Fill] = []
        self._open: dict[str, Resting] = {}
        self._last: dict[str, Decimal] = {}
        self._advanced: tuple[int, list[Fill], list[Resting]] = (0, [], [])
        self._chance = random.Random(f"paper-{seed}")
        self._ideal = settings.profile == "ideal"

    # -------------------------------------------------------------- requests

    def submit(self, client_order_id: str, order: Order, *, late: bool = False) -> tuple[Answer, str, str]:
        """Accept or refuse an order: (answer, venue order id, reason). `late`: its validity window is over."""
        if client_order_id in self.orders:
            self.duplicates_refused += 1
            return Answer.REFUSED, "", "duplicate client order id"
        reason = "request arrived after its validity window" if late else self._objection(order)
        if reason:
            return Answer.REFUSED, "", reason
        self.n_orders += 1
        latency_ns = 0 if self._ideal else int(self.settings.latency_s * NS_PER_S)
        resting = Resting(
            client_order_id=client_order_id, venue_order_id=f"p{self.n_orders}", symbol=order.symbol,
            side=order.side, kind=order.kind, quantity=order.quantity, limit_price=order.limit_price,
            stop_price=order.stop_price, reduce_only=order.reduce_only,
            active_ns=self.instant_ns + latency_ns,
        )  # fmt: skip
        self.orders[client_order_id] = self._open[client_order_id] = resting
        self.touched[client_order_id] = resting
        return Answer.ACCEPTED, resting.venue_order_id, ""

    def cancel(self, client_order_id: str) -> tuple[Answer, str]:
        """Cancel an open order; anything else is refused."""
        resting = self._open.get(client_order_id)
        if resting is None:
            return Answer.REFUSED, "no such open order"
        self._end(resting, "canceled", "cancelled on request")
        return Answer.ACCEPTED, ""

    def query(self, client_order_id: str) -> tuple[VenueOrder | None, tuple[Fill, ...]]:
        """One order and its fills; None when it never came."""
        resting = self.orders.get(client_order_id)
        if resting is None:
            return None, ()
        fills = tuple(f for f in self.fills if f.client_order_id == client_order_id)
        return resting.report(), fills

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """What rests."""
        return tuple(r.report() for r in self._open.values())

    def held(self) -> tuple[VenuePosition, ...]:
        """Positions that are not zero."""
        return tuple(VenuePosition(symbol=s, quantity=q) for s, q in self.positions.items() if q)

    def fills_after(self, cursor: str) -> tuple[Fill, ...]:
        """Fills after a trade id, oldest first."""
        number = int(cursor.rpartition("-")[2]) if cursor else 0
        return tuple(self.fills[number - self._first :]) if number >= self._first else tuple(self.fills)

    _first = 0  # trades forgotten from the front of `fills`; the miniature forgets none

    def advance(
        self, at_ns: int, bars: Iterable[Bar], *, settle: bool = False
    ) -> tuple[tuple[Fill, ...], tuple[VenueOrder, ...]]:
        """Match what rests against the bars of an instant; the same instant again answers the same."""
        if at_ns <= self.instant_ns:
            known_ns, told, over = self._advanced
            return (tuple(told), tuple(r.report() for r in over)) if known_ns == at_ns else ((), ())
        self.instant_ns = at_ns
        began = len(self.fills)
        ended: list[Resting] = []
        for bar in bars:
            if self._open:
                ended += self._match(bar)
            if settle and bar.symbol in self.instruments:
                ended += self._settle(bar)
        fills = self.fills[began:]
        self._advanced = (at_ns, fills, ended)
        return tuple(fills), tuple(r.report() for r in ended)

    # -------------------------------------------------------------- accepting

    def _objection(self, order: Order) -> str:
        instrument = self.instruments.get(order.symbol)
        if instrument is None:
            return f"no instrument {order.symbol}"
        quantity, price = order.quantity, order.limit_price or order.stop_price or order.reference_price
        if not quantity > 0 or quantity % instrument.lot:
            return f"quantity {quantity} is not a positive multiple of {instrument.lot}"
        if not price > 0 or any(
            p is not None and p % instrument.tick for p in (order.limit_price, order.stop_price)
        ):
            return f"price {price} is not a positive multiple of {instrument.tick}"
        held = self.positions.get(order.symbol, ZERO)
        if order.reduce_only:
            if held * order.side.sign >= 0:
                return "reduce-only order would not reduce a position"
        elif notional(quantity, price, instrument) < instrument.min_notional:
            return f"notional is below {instrument.min_notional}"
        elif order.side is Side.SELL and not self.settings.can_short and quantity > held:
            return "insufficient balance: selling more than is held"
        elif order.side is Side.BUY and self._cost(quantity, price) > self.cash:
            return "insufficient balance"
        if self.settings.reject_rate > 0 and self._chance.random() < self.settings.reject_rate:
            return "rejected at random"
        return ""

    def _cost(self, quantity: Decimal, price: Decimal) -> Decimal:
        return quantity * price * (1 + Decimal(repr(self.settings.taker_fee)))

    # -------------------------------------------------------------- matching

    def _match(self, bar: Bar) -> list[Resting]:
        ended: list[Resting] = []
        if not (bar.volume > 0 and bar.low > 0 and bar.high >= bar.low and bar.open > 0):  # NaN fails, too
            return ended
        for resting in [r for r in self._open.values() if r.symbol == bar.symbol]:
            if resting.active_ns >= bar.close_ns or resting.client_order_id not in self._open:
                continue
            price, maker = self._price(resting, bar)
            if price is None:
                continue
            if self._fill(resting, price, bar, maker=maker):
                ended.append(resting)
        return ended

    def _price(self, resting: Resting, bar: Bar) -> tuple[Decimal | None, bool]:
        buying = resting.side is Side.BUY
        if resting.kind is OrderKind.LIMIT:
            limit = resting.limit_price or ZERO
            through = bar.low < limit if buying else bar.high > limit
            if not through:
                return None, True
            opened = Decimal(repr(bar.open))
            gapped = opened < limit if buying else opened > limit
            return (to_price(opened, self.instruments[bar.symbol]) if gapped else limit), True
        start = Decimal(repr(bar.open))
        if resting.kind is OrderKind.STOP and not resting.triggered:
            stop = resting.stop_price or ZERO
            touched = bar.high >= stop if buying else bar.low <= stop
            if not touched:
                return None, False
            resting.triggered = True
            self.touched[resting.client_order_id] = resting
            start = max(start, stop) if buying else min(start, stop)
        return self._worse(start, resting.side, bar.symbol), False

    def _worse(self, price: Decimal, side: Side, symbol: str) -> Decimal:
        settings = self.settings
        bps = settings.slippage_bps + (0.0 if self._ideal else settings.spread_bps / 2)
        adverse = price * (1 + side.sign * Decimal(repr(bps)) * BPS)
        return to_price(adverse, self.instruments[symbol], worse_for=side.value)

    def _fill(self, resting: Resting, price: Decimal, bar: Bar, *, maker: bool) -> bool:
        """Fill what the bar's volume and the account allow; return whether the order ended."""
        instrument = self.instruments[bar.symbol]
        left = resting.quantity - resting.filled
        quantity = left
        if not self._ideal:
            most = Decimal(repr(bar.volume)) * Decimal(repr(self.settings.volume_share))
            quantity = min(left, (most / instrument.lot).to_integral_value(ROUND_DOWN) * instrument.lot)
        held = self.positions.get(bar.symbol, ZERO)
        if resting.reduce_only or (resting.side is Side.SELL and not self.settings.can_short):
            reducible = abs(held) if held * resting.side.sign < 0 else ZERO
            if left > reducible:
                quantity = min(quantity, reducible)
        if resting.side is Side.BUY and held >= 0:
            rate = Decimal(repr(self.settings.maker_fee if maker else self.settings.taker_fee))
            affordable = (self.cash / (price * (1 + rate)) / instrument.lot).to_integral_value(ROUND_DOWN)
            if affordable * instrument.lot < quantity:
                quantity = max(ZERO, affordable * instrument.lot)
                if quantity == 0:
                    self._end(resting, "canceled", "insufficient balance at the fill")
                    return True
        if quantity > 0:
            self._execute(resting, quantity, price, bar.close_ns, maker=maker)
        if resting.filled == resting.quantity:
            self._end(resting, "filled", "")
            return True
        clamped = resting.reduce_only and self.positions.get(bar.symbol, ZERO) * resting.side.sign >= 0
        if clamped:
            self._end(resting, "canceled", "reduce-only: nothing is left to reduce")
            return True
        return False

    def _execute(
        self, resting: Resting, quantity: Decimal, price: Decimal, at_ns: int, *, maker: bool
    ) -> None:
        rate = Decimal(repr(self.settings.maker_fee if maker else self.settings.taker_fee))
        fee = quantity * price * rate
        self.n_trades += 1
        fill = Fill(
            venue="paper", symbol=resting.symbol, trade_id=f"paper-{self.n_trades}", order_id="",
            client_order_id=resting.client_order_id, side=resting.side, quantity=quantity, price=price,
            fee=fee, fee_currency=self.instruments[resting.symbol].quote, maker=maker, at_ns=at_ns,
        )  # fmt: skip
        self.cash -= resting.side.sign * quantity * price + fee
        self.positions[resting.symbol] = (
            self.positions.get(resting.symbol, ZERO) + resting.side.sign * quantity
        )
        resting.filled += quantity
        self.fills.append(fill)
        self.new_fills.append(fill)
        self.touched[resting.client_order_id] = resting

    def _settle(self, bar: Bar) -> list[Resting]:
        """End of a session: nothing rests, nothing is held."""
        ended = [r for r in self._open.values() if r.symbol == bar.symbol]
        for resting in ended:
            self._end(resting, "canceled", "the session ended")
        held = self.positions.get(bar.symbol, ZERO)
        if held:
            side = Side.SELL if held > 0 else Side.BUY
            closing = Resting(
                client_order_id=f"settle:{self.instant_ns}:{bar.symbol}", venue_order_id="", symbol=bar.symbol,
                side=side, kind=OrderKind.MARKET, quantity=abs(held), limit_price=None, stop_price=None,
                reduce_only=True, active_ns=self.instant_ns, status="filled",
            )  # fmt: skip
            price = self._worse(Decimal(repr(bar.close)), side, bar.symbol)
            self._execute(closing, abs(held), price, self.instant_ns, maker=False)
            self.orders[closing.client_order_id] = closing
        return ended

    def _end(self, resting: Resting, status: str, reason: str) -> None:
        resting.status, resting.reason = status, reason
        self._open.pop(resting.client_order_id, None)
        self.touched[resting.client_order_id] = resting

    def restore(self, orders: Iterable[Resting], fills: Iterable[Fill]) -> None:
        """Take over what a book holds."""
        self.orders = {r.client_order_id: r for r in orders}
        self._open = {k: r for k, r in self.orders.items() if r.status == "open"}
        self.fills = list(fills)
