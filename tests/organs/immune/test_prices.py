"""What is no order, and what price is none: refused at the gate, with the numbers that say why."""

import math
from decimal import Decimal

import pytest

from organism.messages import DenialReason as Why
from organism.messages import OrderDenied
from organism.trading import OrderKind, Side

D = Decimal


def refused(verdict):
    assert isinstance(verdict, OrderDenied)
    return verdict.reason, verdict.limit, verdict.observed


# ---------------------------------------------------------------- what is no order


@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.STOP])
def test_an_order_without_the_price_it_needs_is_malformed(gate, kind):
    reason, limit, observed = refused(gate().propose(1, kind=kind))
    assert (reason, limit) == (Why.MALFORMED, 0.0)
    assert math.isnan(observed)


def test_part_of_a_lot_is_malformed(gate):
    assert refused(gate().propose("1.0005")) == (Why.MALFORMED, 0.001, 1.0005)


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_no_quantity_is_malformed(gate, quantity):
    assert refused(gate().propose(quantity)) == (Why.MALFORMED, 0.0, float(quantity))


@pytest.mark.parametrize("field", ["limit_price", "stop_price"])
def test_every_price_must_be_a_positive_number(gate, field):
    kind = {"limit_price": OrderKind.LIMIT, "stop_price": OrderKind.STOP}[field]
    assert refused(gate().propose(1, kind=kind, **{field: D(-1)})) == (Why.MALFORMED, 0.0, -1.0)
    reason, limit, observed = refused(gate().propose(1, kind=kind, **{field: D("NaN")}))
    assert (reason, limit) == (Why.NOT_A_NUMBER, 0.0)
    assert math.isnan(observed)


def test_an_unknown_instrument_is_refused_without_numbers(gate):
    reason, limit, observed = refused(gate().propose(1, symbol="Q/USDT"))
    assert reason is Why.UNKNOWN_INSTRUMENT
    assert math.isnan(limit)
    assert math.isnan(observed)


def test_a_fill_of_an_unknown_instrument_is_an_error_that_names_it(gate):
    g = gate()
    with pytest.raises(
        ValueError, match=r"Q/USDT, which is not among the instruments of this organism: X/USDT, "
    ):
        g.fill(quantity=1, symbol="Q/USDT")


# ---------------------------------------------------------------- price


@pytest.mark.parametrize(
    ("price", "passes"), [("125", True), ("125.01", False), ("75", True), ("74.99", False)]
)
@pytest.mark.parametrize("field", ["price", "limit_price", "stop_price"])
def test_a_price_may_be_as_far_off_as_the_band_is_wide(gate, field, price, passes):
    g = gate(price_band=0.25)
    kind = {"limit_price": OrderKind.LIMIT, "stop_price": OrderKind.STOP}.get(field, OrderKind.MARKET)
    verdict = g.propose(1, kind=kind, **{field: D(price)})
    if passes:
        assert verdict.quantity == 1
    else:
        assert refused(verdict) == (Why.PRICE_BAND, 0.25, pytest.approx(0.2501))


@pytest.mark.parametrize("close", [0.0, -1.0, math.nan])
def test_without_a_price_nothing_is_near_it(gate, close):
    g = gate(marked=False)
    g.closes["X/USDT"] = close
    g.mark()
    reason, limit, observed = refused(g.propose(1))
    assert (reason, limit) == (Why.PRICE_BAND, 0.05)
    assert math.isnan(observed) or close < 0


def test_prices_below_one_are_prices(gate):
    g = gate(marked=False)
    g.closes = dict.fromkeys(g.closes, 0.5)
    g.mark()
    g.fill(quantity=20, symbol="Y/USDT")
    assert g.propose(100, price="0.5").quantity == 100


@pytest.mark.parametrize(("price", "passes"), [("75", True), ("74.99", False)])
def test_a_reduction_may_be_limited_as_far_off_as_the_band_is_wide(gate, price, passes):
    g = gate(price_band=0.25)
    g.fill(quantity=10)
    sale = {"side": Side.SELL, "reduce_only": True, "kind": OrderKind.LIMIT, "limit_price": D(price)}
    verdict = g.propose(1, **sale)
    if passes:
        assert verdict.quantity == 1
    else:
        assert refused(verdict) == (Why.PRICE_BAND, 0.25, pytest.approx(0.2501))


@pytest.mark.parametrize("close", [0.0, -0.5])
def test_a_reduction_without_a_market_price_may_still_leave(gate, close):
    g = gate(marked=False)
    g.closes["X/USDT"] = close
    g.mark()
    g.fill(quantity=10)
    sale = {"side": Side.SELL, "reduce_only": True, "kind": OrderKind.LIMIT, "limit_price": D(1)}
    assert g.propose(10, **sale).quantity == 10


def test_a_reduction_in_a_cheap_market_may_not_be_limited_far_off(gate):
    g = gate(marked=False)
    g.closes["X/USDT"] = 0.5
    g.mark()
    g.fill(quantity=100)
    sale = {"side": Side.SELL, "reduce_only": True, "kind": OrderKind.LIMIT, "limit_price": D("0.1")}
    assert refused(g.propose(100, **sale)) == (Why.PRICE_BAND, 0.05, pytest.approx(0.8))
