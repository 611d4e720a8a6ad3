"""A gate: risk control alone, what it says collected, its surroundings played by the test."""

from decimal import Decimal

import msgspec
import pytest

from organism.core import Now
from organism.effects import Publish, Schedule
from organism.market import NS_PER_S, FeeSchedule, Instrument
from organism.messages import (
    Filled,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Reconciled,
    TimerFired,
    TradingStateChanged,
    VitalsTaken,
)
from organism.portfolio import MarkedPosition
from organism.settings import RiskSettings
from organism.trading import Fill, Order, OrderKind, OrderStatus, Purpose, Side
from organs.immune.core import immune_core
from organs.immune.state import ImmuneState

D = Decimal

BAR_NS = 300 * NS_PER_S
HOUR_NS = 3_600 * NS_PER_S
START = 1_704_067_200 * NS_PER_S  # 2024-01-01 00:00 UTC


class Gate:
    def __init__(self, *, can_short=False, symbols=("X/USDT", "Y/USDT", "Z/USDT"), marked=True, **risk):
        self.risk = RiskSettings(
            **{
                "max_order_notional": 5_000.0,
                "max_asset_exposure": 1.0,
                "max_gross_exposure": 2.0,
                "max_net_exposure": 2.0,
                **risk,
            }
        )
        self.instruments = tuple(
            Instrument(
                symbol=s,
                base=s.split("/")[0],
                quote="USDT",
                venue="paper",
                tick=D("0.01"),
                lot=D("0.001"),
                min_notional=D(5),
                fees=FeeSchedule(maker=D("0.001"), taker=D("0.001")),
                can_short=can_short,
            )
            for s in symbols
        )
        self.core = immune_core(self.risk, self.instruments)
        self.state = self.core.initial
        self.market_ns = START
        self.mono_ns = 10**12
        self.steps = self.orders = self.trades = self.commands = 0
        self.closes = dict.fromkeys(symbols, 100.0)
        self.timers = {}
        self.effects = ()
        if marked:
            self.mark()

    def tell(self, message):
        self.steps += 1
        old, before = self.state, msgspec.msgpack.encode(self.state)
        self.state, self.effects = self.core.step(
            self.state, message, Now(self.market_ns, self.mono_ns, 0, self.steps)
        )
        assert msgspec.msgpack.encode(old) == before, "a state was changed in place"
        encoded = msgspec.msgpack.encode(self.state)
        assert msgspec.msgpack.encode(msgspec.msgpack.decode(encoded, type=ImmuneState)) == encoded
        self.timers.update({e.key: e for e in self.effects if isinstance(e, Schedule)})
        return self

    def of(self, kind):
        return [e.message for e in self.effects if isinstance(e, Publish) and type(e.message) is kind]

    def to(self, kind):
        return [e.to for e in self.effects if isinstance(e, Publish) and type(e.message) is kind]

    @property
    def standing(self):
        return self.state.standing

    @property
    def changed(self):
        return bool(self.of(TradingStateChanged))

    def mark(self, equity=10_000.0, *, peak=None, drawdown=None, losses=0, day_start=None, losing=(), skip=1):
        self.market_ns += skip * BAR_NS
        equity = float(equity)
        peak = max(equity, 10_000.0) if peak is None else peak
        positions = tuple(
            MarkedPosition(
                symbol=s,
                quantity=D(1),
                average_price=D(101),
                mark=100.0,
                unrealised=D(-1) if s in losing else D(1),
                exposure=0.01,
                opened_ns=0,
            )
            for s in self.closes
        )
        return self.tell(
            PortfolioMarked(
                at_ns=self.market_ns,
                session=0,
                cash=D(0),
                equity=equity,
                peak=peak,
                drawdown=1.0 - equity / peak if drawdown is None else drawdown,
                day_start=equity if day_start is None else float(day_start),
                gross_exposure=0.0,
                net_exposure=0.0,
                realised=D(0),
                unrealised=D(0),
                fees=D(0),
                consecutive_losses=losses,
                positions=positions,
                closes=tuple(self.closes.items()),
            )
        )

    def order(self, quantity=1, *, symbol="X/USDT", side=Side.BUY, price=100, **fields):
        self.orders += 1
        fields = {"kind": OrderKind.MARKET, "purpose": Purpose.TARGET, **fields}
        return Order(
            id=f"o-{self.orders}",
            symbol=symbol,
            side=side,
            quantity=D(str(quantity)),
            reference_price=D(str(price)),
            created_ns=self.market_ns,
            **fields,
        )

    def propose(self, *args, **fields):
        """The approved order, or the denial."""
        return self.submit(self.order(*args, **fields))

    def submit(self, order):
        self.tell(OrderProposed(order=order))
        (verdict,) = self.of(OrderApproved) + self.of(OrderDenied)
        return verdict.approved.order if isinstance(verdict, OrderApproved) else verdict

    def fill(self, order=None, quantity=None, *, symbol="X/USDT", side=Side.BUY, **fields):
        self.trades += 1
        values = {
            "venue": "paper",
            "symbol": order.symbol if order else symbol,
            "trade_id": f"paper-{self.trades}",
            "order_id": order.id if order else "",
            "client_order_id": "c",
            "side": order.side if order else side,
            "quantity": D(str(quantity)) if quantity is not None else order.quantity,
            "price": D(100),
            "fee": D(0),
            "fee_currency": "USDT",
            "maker": False,
            "at_ns": self.market_ns,
            **fields,
        }
        one = Fill(**values)
        self.tell(Filled(fill=one))
        return one

    def update(self, order, status, filled=0):
        self.tell(
            OrderUpdated(
                order_id=order.id,
                client_order_id="c",
                symbol=order.symbol,
                status=status,
                filled=D(str(filled)),
            )
        )

    def complete(self, order):
        self.fill(order)
        self.update(order, OrderStatus.FILLED, order.quantity)

    def command(self, name, *, note="", hours=None, operator="ann", command_id=None, target=""):
        self.commands += 1
        return self.tell(
            OperatorCommanded(
                command_id=self.commands if command_id is None else command_id,
                command=name,
                operator=operator,
                note=note,
                hours=hours,
                target=target,
            )
        )

    def vitals(self, health):
        return self.tell(VitalsTaken(health=health, parts=()))

    def reconcile(self, *, unexplained=(), foreign=(), unknown=(), clean=None):
        clean = not (unexplained or foreign or unknown) if clean is None else clean
        return self.tell(Reconciled(clean=clean, unexplained=unexplained, foreign=foreign, unknown=unknown))

    def wait(self, span_ns):
        """Market time passes; timers that are due fire."""
        self.market_ns += span_ns
        for key, timer in tuple(self.timers.items()):
            if timer.due_ns <= self.market_ns:
                del self.timers[key]
                self.tell(TimerFired(key=key, due_ns=timer.due_ns))
        return self


@pytest.fixture(scope="session")
def gate():
    """The class itself: hypothesis makes a fresh one for each example."""
    return Gate
