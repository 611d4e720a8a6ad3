"""Capital and risk control together against a small venue, under whatever a market and a venue may do.

The venue here is the test's own: it fills in pieces, rejects, cancels late, triggers stops, takes fees in
quote or base, and keeps the book that everything is judged by.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Publish
from organism.fills import position_change
from organism.market import NS_PER_S, Bar, FeeSchedule, Instrument
from organism.messages import (
    ExposureTargeted,
    Filled,
    InstantSettled,
    OperatorCommanded,
    OrderUpdated,
    PortfolioMarked,
    Target,
)
from organism.settings import RiskSettings, SizingSettings
from organism.trading import Fill, OrderKind, OrderStatus, Purpose, Side
from organs.immune.core import immune_core
from organs.metabolism.core import metabolism_core
from organs.metabolism.ledger import imbalance

D = Decimal

BAR_NS = 300 * NS_PER_S


class Market:
    """Routes messages between the two organs and plays motor and venue."""

    def __init__(self, *, can_short):
        self.instruments = {
            s: Instrument(
                symbol=s,
                base=s.split("/")[0],
                quote="USDT",
                venue="paper",
                tick=D("0.01"),
                lot=D("0.01"),
                min_notional=D(5),
                fees=FeeSchedule(maker=D("0.001"), taker=D("0.001")),
                can_short=can_short,
            )
            for s in ("X/USDT", "Z/USDT")
        }
        instruments = tuple(self.instruments.values())
        sizing = SizingSettings(method="fixed_fraction", fraction=0.5, max_exposure=0.5)
        self.risk = RiskSettings(max_asset_exposure=0.6, max_order_notional=4_000.0)
        self.cores = {
            "metabolism": metabolism_core(sizing, self.risk, instruments, D(10_000), 300),
            "immune": immune_core(self.risk, instruments),
        }
        self.states = {name: core.initial for name, core in self.cores.items()}
        self.steps = dict.fromkeys(self.cores, 0)
        self.now_ns = 1_704_067_200 * NS_PER_S
        self.price = dict.fromkeys(self.instruments, 100.0)
        self.live, self.cancels, self.fills, self.marks, self.ids = {}, set(), [], [], set()

    def tell(self, organ, message):
        self.steps[organ] += 1
        now = Now(self.now_ns, self.now_ns, 0, self.steps[organ])
        self.states[organ], effects = self.cores[organ].step(self.states[organ], message, now)
        for effect in effects:
            if isinstance(effect, Publish):
                for to in effect.to:
                    self.route(to, effect.message)

    def route(self, to, message):
        if to in self.cores:
            self.tell(to, message)
        elif to == "motor" and type(message).__name__ == "OrderApproved":
            order = message.approved.order
            assert order.id not in self.ids, "an order id was used twice"
            self.ids.add(order.id)
            self.live[order.id] = [order, D(0)]
        elif to == "motor" and type(message).__name__ == "CancelRequested":
            self.cancels.add(message.order_id)
        elif to == "brain" and type(message) is PortfolioMarked:
            self.marks.append(message)

    def update(self, order, status, filled):
        if status.is_terminal:
            del self.live[order.id]
        message = OrderUpdated(
            order_id=order.id, client_order_id="c", symbol=order.symbol, status=status, filled=filled
        )
        for organ in self.cores:
            self.tell(organ, message)

    def held(self, symbol):
        return sum(
            (position_change(f, self.instruments[symbol]) for f in self.fills if f.symbol == symbol), D(0)
        )

    def execute(self, order, quantity, *, fee_in_base):
        price = D(repr(self.price[order.symbol])).quantize(D("0.01"))
        fee = quantity * D("0.001") * (1 if fee_in_base else price)
        fill = Fill(
            venue="paper",
            symbol=order.symbol,
            trade_id=f"paper-{len(self.fills)}",
            order_id=order.id,
            client_order_id="c",
            side=order.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_currency=order.symbol.split("/")[0] if fee_in_base else "USDT",
            maker=False,
            at_ns=self.now_ns,
        )
        self.fills.append(fill)
        for _ in range(2):  # every fill is told twice
            for organ in self.cores:
                self.tell(organ, Filled(fill=fill))

    def match(self, fate, *, fee_in_base):
        """The venue works its book: `fate` decides how much of each order fills, or whether it is refused."""
        for order_id in tuple(self.live):
            order, filled = self.live[order_id]
            rest = order.quantity - filled
            if order_id in self.cancels:
                self.update(order, OrderStatus.CANCELED, filled)
                continue
            if order.kind is OrderKind.STOP:
                price = D(repr(self.price[order.symbol]))
                if (price - order.stop_price) * order.side.sign < 0:
                    continue
            if order.reduce_only:
                rest = min(rest, max(-self.held(order.symbol) * order.side.sign, D(0)))
                rest = rest // D("0.01") * D("0.01")
            part = {"all": rest, "some": rest / 3 // D("0.01") * D("0.01"), "none": D(0)}.get(fate, D(0))
            if part:
                self.live[order_id][1] = filled = filled + part
                self.execute(order, part, fee_in_base=fee_in_base)
            if filled == order.quantity:
                self.update(order, OrderStatus.FILLED, filled)
            elif fate == "refuse" or (fate == "all" and order.reduce_only):
                self.update(order, OrderStatus.REJECTED if not filled else OrderStatus.CANCELED, filled)
            elif fate == "unknown":
                self.update(order, OrderStatus.UNKNOWN, filled)

    def instant(self):
        bars = tuple(
            Bar(s, self.now_ns - BAR_NS, self.now_ns, p, p, p, p, 1.0) for s, p in self.price.items()
        )
        self.tell("metabolism", InstantSettled(at_ns=self.now_ns, session=0, bars=bars))

    def cancel_now(self):
        for order_id in tuple(self.cancels):
            if order_id in self.live:
                order, filled = self.live[order_id]
                self.update(order, OrderStatus.CANCELED, filled)

    def check(self):
        ledger = self.states["metabolism"].ledger
        assert imbalance(ledger) == 0
        for symbol in self.instruments:
            held = self.held(symbol)
            assert ledger.quantity(symbol) + ledger.dust.get(symbol, D(0)) == held
            assert self.states["immune"].positions.get(symbol, D(0)) == held
            orders = [(o, o.quantity - f) for o, f in self.live.values() if o.symbol == symbol]
            stops = [o for o, _ in orders if o.purpose is Purpose.PROTECT]
            assert len(stops) <= 1, "two stops rest beside one position"
            assert len(orders) - len(stops) <= 1, "two orders work on one position"
            if not self.instruments[symbol].can_short:
                assert held >= -D("0.05"), "more was sold than held"
        ids = set(self.states["metabolism"].working)
        assert set(self.live) <= ids, "a live order was forgotten"
        mark = self.marks[-1]
        expected = float(10_000 + mark.realised + mark.unrealised - mark.fees)
        assert mark.equity == pytest.approx(expected, rel=1e-12)


moves = st.lists(
    st.tuples(
        st.floats(0.9, 1.1),
        st.sampled_from(["all", "all", "some", "none", "refuse", "unknown"]),
        st.sampled_from([None, None, -1.0, -0.4, 0.0, 0.3, 0.6, 1.0]),
        st.sampled_from(["X/USDT", "Z/USDT"]),
        st.booleans(),
        st.sampled_from([None] * 8 + ["flatten", "resume", "halt"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


def live_through(stream, *, can_short, fee_in_base):
    market = Market(can_short=can_short)
    market.instant()
    for n, (move, fate, forecast, symbol, both, command, prompt) in enumerate(stream):
        market.now_ns += BAR_NS
        for s in market.price if both else (symbol,):
            market.price[s] = min(max(market.price[s] * move, 20.0), 500.0)
        market.match(fate, fee_in_base=fee_in_base)
        market.instant()
        if forecast is not None:
            target = Target(symbol=symbol, forecast=forecast, volatility=0.01, regime="", contributions=())
            market.tell("metabolism", ExposureTargeted(at_ns=market.now_ns, targets=(target,)))
        if command is not None:
            told = OperatorCommanded(command_id=n, command=command, operator="ann")
            market.tell("immune", told)
        if prompt:
            market.cancel_now()
        market.check()
    return market


@pytest.mark.requirement("S0-0.3")
@settings(max_examples=60)
@given(moves, st.booleans(), st.booleans())
def test_books_limits_and_stops_hold_whatever_market_and_venue_do(stream, can_short, fee_in_base):
    live_through(stream, can_short=can_short, fee_in_base=fee_in_base)


@settings(max_examples=60)
@given(moves, st.booleans(), st.booleans())
def test_once_flattened_and_served_by_the_venue_nothing_is_held_and_nothing_rests(
    stream, can_short, fee_in_base
):
    market = live_through(stream, can_short=can_short, fee_in_base=fee_in_base)
    market.tell("immune", OperatorCommanded(command_id=10_000, command="flatten", operator="ann"))
    for _ in range(6):
        market.cancel_now()
        market.now_ns += BAR_NS
        market.match("all", fee_in_base=fee_in_base)
        market.instant()
        market.check()
    market.cancel_now()
    state = market.states["metabolism"]
    assert state.ledger.holdings == {}
    assert market.live == {}
    assert state.working == state.exits == state.wants == {}
    assert market.states["immune"].reserved == {}


@settings(max_examples=30)
@given(moves)
def test_the_same_messages_give_the_same_state_byte_for_byte(stream):
    first, second = (live_through(stream, can_short=True, fee_in_base=False) for _ in range(2))
    for organ in first.cores:
        assert msgspec.msgpack.encode(first.states[organ]) == msgspec.msgpack.encode(second.states[organ])


def test_the_small_venue_of_this_test_really_trades():
    stream = [(1.0, "all", 1.0, "X/USDT", True, None, True)] * 3
    market = live_through(stream, can_short=False, fee_in_base=False)
    assert len(market.fills) >= 1
    assert any(o.purpose is Purpose.PROTECT for o, _ in market.live.values())
    assert any(f.side is Side.BUY for f in market.fills)
