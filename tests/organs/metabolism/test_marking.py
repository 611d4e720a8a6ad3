"""What a portfolio is worth: figure by figure, and NaN where nobody knows."""

import math
from decimal import Decimal

import msgspec
import pytest

from organism.market import FeeSchedule, Instrument
from organism.settings import RiskSettings, SizingSettings
from organism.trading import Order, OrderKind, Purpose, Side
from organs.metabolism.ledger import Holding, Ledger
from organs.metabolism.marking import mark
from organs.metabolism.sizing import Rules
from organs.metabolism.state import MetabolismState, Working

D = Decimal
DAY_NS = 86_400 * 10**9
X, Z = "X/USDT", "Z/USDT"


def instrument(symbol, multiplier):
    return Instrument(
        symbol=symbol, base=symbol[0], quote="USDT", venue="paper", tick=D("0.01"), lot=D("0.001"),
        min_notional=D(5), fees=FeeSchedule(maker=D(0), taker=D(0)), multiplier=D(multiplier), can_short=True,
    )  # fmt: skip


RULES = Rules(
    SizingSettings(), RiskSettings(), {X: instrument(X, "1"), Z: instrument(Z, "0.1")}, 300 * 10**9, 300
)
LONG = Holding(quantity=D(2), cost=D(180), fees=D(1), opened_ns=7, average=D(90))
SHORT = Holding(quantity=D(-30), cost=D(-330), fees=D(1), opened_ns=8, average=D(110))


def state(holdings=None, *, cash=1_000, **fields):
    ledger = Ledger(
        start=D(1_000), cash=D(cash), realised=D(50), fees=D(3), written_off=fields.pop("written_off", D(0)),
        holdings=holdings or {},
    )  # fmt: skip
    given = {"equity": 1_000.0, "peak": 1_000.0, "day_start": 900.0, "day": 1, "losses": 2, **fields}
    return MetabolismState(ledger=ledger, **given)


def marked(held, closes=None, at_ns=DAY_NS, **fields):
    return mark(held, at_ns, 4, closes or {}, **{"closing": False, "rules": RULES, **fields})


def test_a_long_and_a_short_are_worth_what_closing_them_would_bring():
    told = marked(state({X: LONG, Z: SHORT}, written_off=D(8)), {X: 100.0, Z: 100.0})
    assert told.equity == 1_000 + 200 - 300
    assert told.unrealised == 20 + 30
    assert (told.realised, told.fees, told.cash) == (42, 3, 1_000)
    assert (told.gross_exposure, told.net_exposure) == (pytest.approx(500 / 900), pytest.approx(-100 / 900))
    long, short = told.positions
    assert (long.symbol, long.quantity, long.average_price, long.mark) == (X, 2, 90, 100.0)
    assert (long.unrealised, long.exposure, long.opened_ns) == (20, pytest.approx(200 / 900), 7)
    assert (short.unrealised, short.exposure, short.opened_ns) == (30, pytest.approx(-300 / 900), 8)
    assert (told.peak, told.drawdown) == (1_000.0, pytest.approx(0.1))
    assert (told.session, told.closing, told.consecutive_losses) == (4, False, 2)
    assert told.closes == ((X, 100.0), (Z, 100.0))


def test_without_positions_equity_is_cash_and_may_be_a_new_peak():
    told = marked(state(cash=1_500), closing=True)
    assert (told.equity, told.peak, told.drawdown) == (1_500.0, 1_500.0, 0.0)
    assert (told.gross_exposure, told.net_exposure, told.unrealised, told.positions) == (0.0, 0.0, 0, ())
    assert (told.realised, told.closing) == (50, True)


def test_a_day_begins_at_midnight_utc_with_the_equity_of_its_first_mark():
    for at_ns, day_start in (
        (DAY_NS, 900.0),
        (2 * DAY_NS - 1, 900.0),
        (2 * DAY_NS, 1_000.0),
        (DAY_NS - 1, 1_000.0),
    ):
        assert marked(state(), at_ns=at_ns).day_start == day_start, at_ns


@pytest.mark.parametrize("close", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_position_without_a_believable_price_makes_equity_unknown(close):
    told = marked(state({X: LONG}), {} if close is None else {X: close})
    assert math.isnan(told.equity)
    assert math.isnan(told.drawdown)
    assert told.peak == 1_000.0, "what is unknown is no peak"
    assert told.unrealised.is_nan()
    (position,) = told.positions
    assert math.isnan(position.exposure)
    assert position.unrealised.is_nan()
    assert math.isnan(position.mark) == (close is None or math.isnan(close))


def test_a_price_below_one_is_a_price():
    assert marked(state({X: LONG}), {X: 0.25}).equity == 1_000.5


@pytest.mark.parametrize(("cash", "exposure"), [("-200", None), ("-199.5", 400.0), ("-300", None)])
def test_exposure_is_a_multiple_of_an_equity_that_is_there(cash, exposure):
    (position,) = marked(state({X: LONG}, cash=cash), {X: 100.0}).positions
    assert math.isnan(position.exposure) if exposure is None else position.exposure == exposure


def test_drawdown_needs_a_peak_above_nothing():
    assert math.isnan(marked(state(cash=0, peak=0.0)).drawdown)
    assert marked(state(cash=0, peak=0.5)).drawdown == 1.0


def test_a_position_shows_the_stop_that_the_gate_let_through():
    def working(symbol, purpose, approved, stop):
        order = Order(
            id="1-0", symbol=symbol, side=Side.SELL, quantity=D(2), kind=OrderKind.STOP, purpose=purpose,
            reference_price=D(100), created_ns=0, stop_price=D(stop),
        )  # fmt: skip
        return Working(order=order, approved=approved)

    stop = working(X, Purpose.PROTECT, True, 94)
    others = {
        "a": working(Z, Purpose.PROTECT, True, 95),
        "b": working(X, Purpose.TARGET, True, 96),
        "c": working(X, Purpose.PROTECT, False, 97),
    }
    held = state({X: LONG})
    for all_of_them, shown in (({"s": stop, **others}, 94), (others, None), ({}, None)):
        (position,) = marked(msgspec.structs.replace(held, working=all_of_them), {X: 100.0}).positions
        assert position.stop_price == shown
