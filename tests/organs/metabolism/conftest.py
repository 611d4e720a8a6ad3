"""A desk: metabolism alone, its answers collected, its surroundings played by the test."""

from decimal import Decimal

import msgspec
import pytest

from organism.core import Now
from organism.market import NS_PER_S, Bar, FeeSchedule, Instrument
from organism.messages import (
    CancelRequested,
    Contribution,
    ExposureTargeted,
    Filled,
    InstantSettled,
    OrderApproved,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Target,
    TradingStateChanged,
)
from organism.settings import RiskSettings, SizingSettings
from organism.trading import ApprovedOrder, Fill, OrderStatus, Side, Standing
from organs.metabolism.core import metabolism_core
from organs.metabolism.state import MetabolismState

D = Decimal

BAR_NS = 300 * NS_PER_S
START = 1_704_067_200 * NS_PER_S  # 2024-01-01 00:00 UTC


class Desk:
    def __init__(self, *, can_short=False, lot="0.001", multiplier="1", symbols=("X/USDT",), **sizing):
        self.instruments = tuple(
            Instrument(
                symbol=s,
                base=s.split("/")[0],
                quote="USDT",
                venue="paper",
                tick=D("0.01"),
                lot=D(lot),
                min_notional=D(5),
                fees=FeeSchedule(maker=D("0.001"), taker=D("0.001")),
                can_short=can_short,
                multiplier=D(multiplier),
            )
            for s in symbols
        )
        settings = SizingSettings(
            **{"method": "fixed_fraction", "fraction": 0.25, "max_exposure": 0.5, **sizing}
        )
        self.core = metabolism_core(settings, RiskSettings(), self.instruments, D(10_000), 300)
        self.state = self.core.initial
        self.market_ns = START
        self.steps = 0
        self.trades = 0
        self.said = []

    def tell(self, message):
        """One step; what it published, as (receivers, message)."""
        self.steps += 1
        before = msgspec.msgpack.encode(self.state)
        old = self.state
        self.state, effects = self.core.step(
            self.state, message, Now(self.market_ns, self.market_ns, 0, self.steps)
        )
        assert msgspec.msgpack.encode(old) == before, "a state was changed in place"
        encoded = msgspec.msgpack.encode(self.state)
        restored = msgspec.msgpack.decode(encoded, type=MetabolismState)
        assert msgspec.msgpack.encode(restored) == encoded
        self.said = [(e.to, e.message) for e in effects]
        return [m for _, m in self.said]

    def of(self, kind):
        return [m for _, m in self.said if type(m) is kind]

    @property
    def proposed(self):
        return [m.order for m in self.of(OrderProposed)]

    @property
    def cancelled(self):
        return [m.order_id for m in self.of(CancelRequested)]

    def bar(self, price=100.0, *, session=0, closing=False, final=False, skip=1, symbols=None):
        """An instant settles; the mark."""
        self.market_ns += skip * BAR_NS
        names = symbols or [i.symbol for i in self.instruments]
        bars = tuple(
            Bar(s, self.market_ns - BAR_NS, self.market_ns, price, price, price, price, 1.0) for s in names
        )
        self.tell(
            InstantSettled(at_ns=self.market_ns, session=session, bars=bars, closing=closing, final=final)
        )
        marks = self.of(PortfolioMarked)
        return marks[0] if marks else None

    def target(self, forecast, *, symbol="X/USDT", volatility=0.002):
        target = Target(
            symbol=symbol,
            forecast=forecast,
            volatility=volatility,
            regime="calm",
            contributions=(
                Contribution(genome_id="for", forecast=forecast, weight=1.0),
                Contribution(genome_id="against", forecast=-forecast, weight=1.0),
            ),
        )
        self.tell(ExposureTargeted(at_ns=self.market_ns, targets=(target,)))
        return self.proposed

    def approve(self, order, quantity=None):
        if quantity is not None:
            order = msgspec.structs.replace(order, quantity=quantity)
        self.tell(OrderApproved(approved=ApprovedOrder(order=order, approved_ns=self.market_ns)))
        return order

    def fill(self, order=None, quantity=None, price=None, **fields):
        self.trades += 1
        known = {}
        if order is not None:
            known = {
                "symbol": order.symbol,
                "order_id": order.id,
                "side": order.side,
                "quantity": order.quantity,
                "price": order.reference_price,
            }
        values = {
            "venue": "paper",
            "symbol": "X/USDT",
            "trade_id": f"paper-{self.trades}",
            "order_id": "",
            "client_order_id": "c",
            "side": Side.BUY,
            "quantity": D(1),
            "price": D(100),
            "fee": D(0),
            "fee_currency": "USDT",
            "maker": False,
            "at_ns": self.market_ns,
            **known,
            **fields,
        }
        if quantity is not None:
            values["quantity"] = D(str(quantity))
        if price is not None:
            values["price"] = D(str(price))
        one = Fill(**values)
        self.tell(Filled(fill=one))
        return one

    def ended(self, order, status=OrderStatus.FILLED, filled=None):
        filled = order.quantity if filled is None else D(str(filled))
        self.tell(
            OrderUpdated(
                order_id=order.id, client_order_id="c", symbol=order.symbol, status=status, filled=filled
            )
        )

    def stand(self, **fields):
        after = Standing(**fields)
        self.tell(TradingStateChanged(before=self.state.standing, after=after, cause="test"))

    def enter(self, forecast=1.0, price=100.0):
        """Bar, target, approval, complete fill on the next bar: an open position with its stop approved."""
        self.bar(price)
        (order,) = self.target(forecast)
        self.approve(order)
        self.fill(order)
        self.ended(order)
        self.bar(price)
        (stop,) = self.proposed
        self.approve(stop)
        return stop

    def held(self, symbol="X/USDT"):
        return self.state.ledger.quantity(symbol)


@pytest.fixture(scope="session")
def desk():
    """The class itself: hypothesis makes a fresh one for each example."""
    return Desk
