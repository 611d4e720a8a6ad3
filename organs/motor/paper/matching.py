"""How the paper venue decides: what it accepts, and at which prices it fills.

An order rests from `latency_s` of market time after it came, so it can fill from the next bar on. A bar is
met in this order: what the open decides (market orders, stops and limits that the open has passed), then stops
inside the bar, then limits that the bar trades through. Prices round to the tick against the trader.
"""

import hashlib
import math
from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from organism.market import NS_PER_S, Bar, Instrument, notional, to_price
from organism.messages import Answer
from organism.portfolio import VenueOrder, VenuePosition
from organism.settings import PaperSettings
from organism.trading import Fill, Order, OrderKind, Side
from organs.motor.paper.record import Record
from organs.motor.paper.resting import ZERO, Resting

BPS = Decimal("0.0001")
AT_OPEN, STOP_INSIDE, LIMIT_INSIDE = range(3)


class _Touch(NamedTuple):
    """A bar would fill an order, at this price."""

    phase: int
    resting: Resting
    price: Decimal
    maker: bool


class PaperExchange:
    """All of the venue's state, in memory; `organs.motor.paper.book` makes it durable.

    `touched`, `new_fills` and `changed` name what changed since the book was last written.
    """

    def __init__(self, settings: PaperSettings, instruments: Iterable[Instrument], *, seed: int = 1) -> None:
        self.settings = settings
        self.instruments = {i.symbol: i for i in instruments}
        self.cash = Decimal(repr(settings.starting_cash))
        self.positions: dict[str, Decimal] = {}
        self.record = Record()
        self.instant_ns = 0
        self.n_orders = 0
        self.duplicates_refused = 0
        self.touched: dict[str, Resting] = {}
        self.new_fills: list[Fill] = []
        self.changed = False
        self._open: dict[str, Resting] = {}
        self._last: dict[str, float] = {}
        self._advanced: tuple[int, tuple[Fill, ...], list[Resting]] = (0, (), [])
        self._seed = seed
        self._ideal = settings.profile == "ideal"
        bps = settings.slippage_bps + (0.0 if self._ideal else settings.spread_bps / 2)
        self._slip = Decimal(repr(bps)) * BPS
        self._maker, self._taker = Decimal(repr(settings.maker_fee)), Decimal(repr(settings.taker_fee))
        self._share = Decimal(repr(settings.volume_share))

    @property
    def orders(self) -> dict[str, Resting]:
        """Orders in memory, by client order id: all there are where there is no book."""
        return self.record.orders

    @property
    def fills(self) -> list[Fill]:
        """Fills in memory, oldest first: all there are where there is no book."""
        return self.record.fills

    # -------------------------------------------------------------- requests

    def submit(self, client_order_id: str, order: Order, *, late: bool = False) -> tuple[Answer, str, str]:
        """Accept or refuse an order: (answer, venue order id, reason). `late`: its validity window is over.

        A client order id is used up by the first request that comes with it, also by one that is refused:
        a copy of a refused request that arrives later can then not be accepted behind our back.
        """
        self.changed = True
        if self.record.order(client_order_id) is not None:
            self.duplicates_refused += 1
            return Answer.REFUSED, "", "duplicate client order id"
        reason = "request arrived after its validity window" if late else self._objection(order)
        if not reason and self._is_unlucky(client_order_id):
            reason = "rejected at random"
        self.n_orders += 1
        latency_ns = 0 if self._ideal else int(self.settings.latency_s * NS_PER_S)
        resting = Resting(
            client_order_id=client_order_id, venue_order_id=f"p{self.n_orders}", symbol=order.symbol,
            side=order.side, kind=order.kind, quantity=order.quantity, limit_price=order.limit_price,
            stop_price=order.stop_price, reduce_only=order.reduce_only,
            active_ns=max(self.instant_ns, order.created_ns) + latency_ns,
        )  # fmt: skip
        self.orders[client_order_id] = self.touched[client_order_id] = resting
        if reason:
            resting.status, resting.reason = "rejected", reason
            self.record.end(client_order_id)
            return Answer.REFUSED, "", reason
        self._open[client_order_id] = resting
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
        resting = self.record.order(client_order_id)
        if resting is None:
            return None, ()
        return resting.report(), self.record.fills_of(client_order_id)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """What rests."""
        return tuple(r.report() for r in self._open.values())

    def held(self) -> tuple[VenuePosition, ...]:
        """Positions that are not zero."""
        return tuple(VenuePosition(symbol=s, quantity=q) for s, q in self.positions.items() if q)

    def fills_after(self, cursor: str) -> tuple[Fill, ...]:
        """Fills after a trade id, oldest first; all of them after "". The n-th trade ever has the number n."""
        number = int(cursor.rpartition("-")[2]) if cursor else 0
        return self.record.fills_after(number) if number < self.record.n_trades else ()

    def advance(
        self, at_ns: int, bars: Iterable[Bar], *, settle: bool = False
    ) -> tuple[tuple[Fill, ...], tuple[VenueOrder, ...]]:
        """Match what rests against the bars of an instant; the same instant again answers the same."""
        if at_ns <= self.instant_ns:
            known_ns, told, over = self._advanced
            return (told, tuple(r.report() for r in over)) if known_ns == at_ns else ((), ())
        self.instant_ns = at_ns
        began = self.record.n_trades
        ended: list[Resting] = []
        for bar in bars:
            if self._open:
                ended += self._match(bar)
            self._last[bar.symbol] = bar.close
        if settle:
            ended += self._settle()
        fills = self.record.fills_after(began)
        self._advanced = (at_ns, fills, ended)
        return fills, tuple(r.report() for r in ended)

    # -------------------------------------------------------------- accepting

    def _objection(self, order: Order) -> str:
        instrument = self.instruments.get(order.symbol)
        if instrument is None:
            return f"no instrument {order.symbol}"
        quantity, price = order.quantity, order.limit_price or order.stop_price or order.reference_price
        if not (quantity.is_finite() and price.is_finite()):
            return "quantity and price must be finite"
        if not quantity > 0 or quantity % instrument.lot:
            return f"quantity {quantity} is not a positive multiple of {instrument.lot}"
        if not price > 0 or any(
            p is not None and p % instrument.tick for p in (order.limit_price, order.stop_price)
        ):
            return f"price {price} is not a positive multiple of {instrument.tick}"
        if (order.kind is OrderKind.LIMIT and order.limit_price is None) or (
            order.kind is OrderKind.STOP and order.stop_price is None
        ):
            return f"a {order.kind.value} order needs its {order.kind.value} price"
        return self._poverty(order, price, instrument)

    def _poverty(self, order: Order, price: Decimal, instrument: Instrument) -> str:
        """Why the account cannot carry the order; "" when it can."""
        held = self.positions.get(order.symbol, ZERO)
        value = notional(order.quantity, price, instrument)
        if order.reduce_only:
            return "" if held * order.side.sign < 0 else "reduce-only order would not reduce a position"
        if value < instrument.min_notional:
            return f"notional is below {instrument.min_notional}"
        if order.side is Side.BUY:
            # Buying back what is short costs nothing that the short sale did not bring.
            covered = min(order.quantity, max(ZERO, -held))
            cost = notional(order.quantity - covered, price, instrument) + value * self._taker
            return "insufficient balance" if cost > self.cash else ""
        beyond = order.quantity - max(ZERO, held)
        if beyond <= 0:
            return ""
        if not self.settings.can_short:
            return "insufficient balance: selling more than is held"
        short = notional(held - order.quantity, price, instrument)
        return "insufficient margin" if short > self._equity(order.symbol, price) else ""

    def _equity(self, symbol: str, price: Decimal) -> Decimal:
        equity = self.cash
        for name, quantity in self.positions.items():
            last = self._last.get(name)
            mark = price if name == symbol or last is None else Decimal(repr(last))
            equity += quantity * mark * self.instruments[name].multiplier
        return equity

    def _is_unlucky(self, client_order_id: str) -> bool:
        """Whether chance refuses the order: by its id, so that a restarted venue decides the same."""
        if not self.settings.reject_rate > 0:
            return False
        digest = hashlib.sha256(f"{self._seed}|{client_order_id}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2.0**64 < self.settings.reject_rate

    # -------------------------------------------------------------- matching

    def _match(self, bar: Bar) -> list[Resting]:
        if not _is_tradable(bar):
            return []
        touches = [
            touch
            for resting in self._open.values()
            if resting.symbol == bar.symbol and resting.active_ns < bar.close_ns
            and (touch := self._touch(resting, bar)) is not None
        ]  # fmt: skip
        touches.sort(key=lambda touch: touch.phase)  # within a phase in the order of arrival
        for touch in touches:
            self._fill(touch, bar)
        return [touch.resting for touch in touches if touch.resting.status != "open"]

    def _touch(self, resting: Resting, bar: Bar) -> _Touch | None:
        opened = Decimal(repr(bar.open))
        if resting.kind is OrderKind.LIMIT:
            return self._limit(resting, bar, opened)
        buying = resting.side is Side.BUY
        phase, start = AT_OPEN, opened
        if resting.kind is OrderKind.STOP and not resting.triggered:
            stop = resting.stop_price or ZERO
            touched = Decimal(repr(bar.high)) >= stop if buying else Decimal(repr(bar.low)) <= stop
            if not touched:
                return None
            resting.triggered = self.changed = True
            self.touched[resting.client_order_id] = resting
            if opened < stop if buying else opened > stop:
                phase, start = STOP_INSIDE, stop
        return _Touch(phase, resting, self._worse(start, resting.side, bar.symbol), maker=False)

    def _limit(self, resting: Resting, bar: Bar, opened: Decimal) -> _Touch | None:
        """A limit fills only when the market trades beyond it: at its price we may be last in the queue."""
        buying, limit = resting.side is Side.BUY, resting.limit_price or ZERO
        through = Decimal(repr(bar.low)) < limit if buying else Decimal(repr(bar.high)) > limit
        if not through:
            return None
        if not (opened < limit if buying else opened > limit):
            return _Touch(LIMIT_INSIDE, resting, limit, maker=True)
        bound = min if buying else max
        if resting.active_ns >= bar.open_ns:  # it came into a market that was there already: it takes
            price = self._worse(opened, resting.side, bar.symbol)
            return _Touch(AT_OPEN, resting, bound(price, limit), maker=False)
        price = to_price(opened, self.instruments[bar.symbol], worse_for=resting.side.value)
        return _Touch(AT_OPEN, resting, bound(price, limit), maker=True)

    def _worse(self, price: Decimal, side: Side, symbol: str) -> Decimal:
        adverse = price * (1 + side.sign * self._slip)
        return to_price(adverse, self.instruments[symbol], worse_for=side.value)

    def _fill(self, touch: _Touch, bar: Bar) -> None:
        """Fill what the bar's volume, the position and the account allow; end what can fill no more."""
        resting, price = touch.resting, touch.price
        instrument = self.instruments[bar.symbol]
        left = resting.quantity - resting.filled
        quantity = (
            left if self._ideal else min(left, _lots(Decimal(repr(bar.volume)) * self._share, instrument))
        )
        held = self.positions.get(bar.symbol, ZERO)
        spent = ""
        if resting.reduce_only or (resting.side is Side.SELL and not self.settings.can_short):
            reducible = abs(held) if held * resting.side.sign < 0 else ZERO
            if quantity >= reducible and left > reducible:
                quantity, spent = reducible, "nothing is left to reduce"
        if resting.side is Side.BUY and held >= 0:
            rate = self._maker if touch.maker else self._taker
            affordable = _lots(self.cash / (price * instrument.multiplier * (1 + rate)), instrument)
            if affordable < quantity:
                quantity, spent = max(ZERO, affordable), "insufficient balance at the fill"
        if quantity > 0:
            self._execute(resting, quantity, price, bar.close_ns, maker=touch.maker)
        if resting.filled == resting.quantity:
            self._end(resting, "filled", "")
        elif spent:
            self._end(resting, "canceled", spent)

    def _execute(
        self, resting: Resting, quantity: Decimal, price: Decimal, at_ns: int, *, maker: bool
    ) -> None:
        instrument, sign = self.instruments[resting.symbol], resting.side.sign
        value = quantity * price * instrument.multiplier
        fee = value * (self._maker if maker else self._taker)
        fill = Fill(
            venue="paper", symbol=resting.symbol, trade_id=f"paper-{self.record.n_trades + 1}", order_id="",
            client_order_id=resting.client_order_id, side=resting.side, quantity=quantity, price=price,
            fee=fee, fee_currency=instrument.quote, maker=maker, at_ns=at_ns,
        )  # fmt: skip
        self.cash -= sign * value + fee
        self.positions[resting.symbol] = self.positions.get(resting.symbol, ZERO) + sign * quantity
        resting.filled += quantity
        self.record.add(fill)
        self.new_fills.append(fill)
        self.touched[resting.client_order_id] = resting
        self.changed = True

    def _settle(self) -> list[Resting]:
        """End of a session: nothing rests, nothing is held."""
        ended = list(self._open.values())
        for resting in ended:
            self._end(resting, "canceled", "the session ended")
        for symbol, held in list(self.positions.items()):
            last = self._last.get(symbol, 0.0)
            if not held or not (last > 0 and math.isfinite(last)):
                continue
            side = Side.SELL if held > 0 else Side.BUY
            closing = Resting(
                client_order_id=f"settle:{self.instant_ns}:{symbol}", venue_order_id="", symbol=symbol,
                side=side, kind=OrderKind.MARKET, quantity=abs(held), limit_price=None, stop_price=None,
                reduce_only=True, active_ns=self.instant_ns, status="filled",
            )  # fmt: skip
            self.orders[closing.client_order_id] = closing
            self.record.end(closing.client_order_id)
            price = self._worse(Decimal(repr(last)), side, symbol)
            self._execute(closing, abs(held), price, self.instant_ns, maker=False)
        return ended

    def _end(self, resting: Resting, status: str, reason: str) -> None:
        resting.status, resting.reason = status, reason
        self._open.pop(resting.client_order_id, None)
        self.record.end(resting.client_order_id)
        self.touched[resting.client_order_id] = resting
        self.changed = True

    def restore(self, last: dict[str, float]) -> None:
        """Go on from what was put into `record`. last: newest price by symbol."""
        self._open = {k: r for k, r in self.orders.items() if r.status == "open"}
        self._last = dict(last)


def _is_tradable(bar: Bar) -> bool:
    """Whether anything can have traded on the bar: NaN, infinity and zero volume fill nothing."""
    figures = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return all(0 < f < math.inf for f in figures) and bar.low <= bar.open <= bar.high


def _lots(quantity: Decimal, instrument: Instrument) -> Decimal:
    return (quantity / instrument.lot).to_integral_value(ROUND_DOWN) * instrument.lot
