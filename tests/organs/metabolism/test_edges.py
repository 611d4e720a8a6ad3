"""Where sizes, prices and cash run out: nothing is proposed that cannot be, and nothing is forgotten for it."""

from decimal import Decimal

import pytest

from organism.messages import ClosePositions
from organism.trading import Purpose, Side

D = Decimal


def test_a_target_too_small_to_hold_closes_the_position(desk):
    d = desk()
    d.enter(1.0)
    (order,) = d.target(0.001)
    assert (order.side, order.quantity, order.reduce_only, order.purpose) == (
        Side.SELL,
        D(25),
        True,
        Purpose.TARGET,
    )
    assert d.state.exits["X/USDT"].reason == "target is too small to hold"


def test_a_target_too_small_to_hold_opens_nothing(desk):
    d = desk(rebalance_band=0.0)
    d.bar()
    assert d.target(0.001) == []
    assert (d.state.exits, d.state.wants) == ({}, {})


def test_a_purchase_that_cash_cannot_pay_for_is_not_proposed(desk):
    d = desk(symbols=("X/USDT", "Z/USDT"), fraction=1.0, max_exposure=1.0)
    d.bar()
    (order,) = d.target(1.0)
    assert order.quantity == D("99.403"), "10000 / 100.6: slippage and fee are paid for too"
    assert d.target(1.0, symbol="Z/USDT") == []
    d.approve(order)
    d.fill(order, price="100.6")
    d.ended(order)
    assert d.target(1.0, symbol="Z/USDT") == [], "what is left buys less than the venue's smallest order"


def test_an_exit_without_a_price_waits_for_one(desk):
    """A new session has shown other symbols only: nobody knows what a sale would be worth."""
    d = desk(symbols=("X/USDT", "Z/USDT"))
    d.enter(1.0)
    d.bar(session=1, symbols=["Z/USDT"])
    d.tell(ClosePositions(symbols=("X/USDT",), purpose="flatten", reason="operator"))
    assert d.proposed == []
    assert d.state.exits["X/USDT"].forced
    d.bar(session=1)
    assert [(o.symbol, o.quantity) for o in d.proposed if o.purpose is Purpose.FLATTEN] == [("X/USDT", D(25))]


@pytest.mark.parametrize("forecast", [0.5, 1.0])
def test_a_long_is_never_bought_with_what_a_working_purchase_needs(desk, forecast):
    d = desk(symbols=("X/USDT", "Z/USDT"), fraction=1.0, max_exposure=1.0)
    d.bar()
    (first,) = d.target(forecast)
    (second,) = d.target(1.0, symbol="Z/USDT") or (None,)
    spent = first.quantity + (second.quantity if second else 0)
    assert spent * D("100.6") <= 10_000
    assert (second is None) == (forecast == 1.0)
