"""Whoever wants impossible orders is reported; whoever wants too many is stopped and reported; room is no news."""

import pytest

from organism.market import NS_PER_S
from organism.messages import AlertRaised, OrderApproved, Priority
from organism.messages import DenialReason as Why
from organism.trading import Order, OrderKind, OrderStatus, Side
from tests.organs.immune.conftest import D

NO_NUMBERS = ("NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "1e-30", "0.0005")
MINUTE_NS = 60 * NS_PER_S


def alarms(g):
    return [a.title for a in g.of(AlertRaised)]


@pytest.mark.parametrize("quantity", NO_NUMBERS)
def test_a_quantity_that_nobody_can_have_meant_is_refused_and_reported(gate, quantity):
    g = gate()
    denied = g.propose(quantity)
    assert denied.reason in {Why.NOT_A_NUMBER, Why.MALFORMED}
    (alert,) = g.of(AlertRaised)
    assert "nobody can have meant" in alert.title
    assert f"buy {D(quantity)} X/USDT" in alert.body
    assert alert.priority is Priority.HIGH


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0", "-100"])
@pytest.mark.parametrize("which", ["price", "limit_price", "stop_price"])
def test_so_is_a_price(gate, which, price):
    g = gate()
    kind = {"limit_price": OrderKind.LIMIT, "stop_price": OrderKind.STOP}.get(which, OrderKind.MARKET)
    given = price if which == "price" else D(price)
    assert g.propose(1, kind=kind, **{which: given}).reason in {Why.NOT_A_NUMBER, Why.MALFORMED}
    assert len(alarms(g)) == 1


def test_a_fat_finger_is_cut_to_the_limits_or_refused_and_a_price_far_off_is_reported(gate):
    g = gate()
    cut = g.propose("5000")
    assert isinstance(cut, Order)
    assert cut.quantity * 100 <= D(5_000)
    assert not alarms(g), "wanting more than there is room for is no fault"
    assert g.propose(1, price=120).reason is Why.PRICE_BAND
    assert alarms(g) == ["An order far off the market was refused"]
    assert g.propose("1e308").reason is not None


def test_of_a_storm_no_more_passes_than_a_minute_may_have_and_it_is_reported_once_a_minute(gate):
    g = gate(max_orders_per_minute=60, max_order_notional=10.0)
    passed, raised = 0, 0
    for _ in range(10_000):
        g.mono_ns += NS_PER_S // 10_000
        g.propose("0.1")
        passed += len(g.of(OrderApproved))
        raised += len(alarms(g))
    assert passed == 60
    assert raised == 1
    g.mono_ns += MINUTE_NS
    for _ in range(100):
        g.propose("0.1")
        raised += len(alarms(g))
    assert raised == 2


def test_ordinary_refusals_are_no_news_and_neither_is_a_portfolio_without_a_number(gate):
    g = gate(marked=False)
    assert g.propose(1, side=Side.SELL, reduce_only=True).reason is Why.REDUCE_ONLY
    assert not alarms(g)
    g.command("halt")
    assert g.propose(1).reason is Why.HALTED
    assert not alarms(g)


def test_an_order_in_doubt_stops_entries_after_a_minute_also_when_no_comparison_can_be_made(gate):
    g = gate()
    doubtful = g.propose(1)
    g.update(doubtful, OrderStatus.UNKNOWN)
    g.mono_ns += MINUTE_NS
    assert isinstance(g.propose(1), Order)
    g.mono_ns += 1
    assert g.propose(1).reason is Why.UNRECONCILED
    g.reconcile()
    assert isinstance(g.propose(1), Order)
