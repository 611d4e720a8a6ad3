"""The gate, limit by limit: each refusal says which, how much was allowed, and how much there was."""

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import ConfigError
from organism.market import NS_PER_S
from organism.messages import DenialReason as Why
from organism.messages import OrderApproved, OrderDenied, OrderProposed
from organism.settings import RiskSettings
from organism.trading import Order, OrderKind, Side
from organs.immune.core import immune_core

D = Decimal


def test_an_ordinary_order_is_approved_for_motor_and_metabolism(gate):
    g = gate()
    order = g.order(1)
    assert g.submit(order) == order
    assert g.to(OrderApproved) == [("motor", "metabolism")]


def test_a_refusal_goes_to_metabolism_and_brain(gate):
    g = gate(max_positions=0)
    g.propose(1)
    assert g.to(OrderDenied) == [("metabolism", "brain")]


def test_an_order_told_twice_has_one_verdict(gate):
    g = gate()
    order = g.propose(1)
    g.tell(OrderProposed(order=order))
    assert g.effects == ()


@pytest.mark.requirement("S2-1.6")
def test_an_order_is_shrunk_to_the_largest_notional(gate):
    assert gate(max_order_notional=1_000.0).propose(50).quantity == 10


def test_an_order_that_would_become_too_small_is_refused_with_its_numbers(gate):
    denied = gate(max_order_notional=4.0).propose(1)
    assert (denied.reason, denied.limit, denied.observed) == (Why.ORDER_NOTIONAL, 4.0, 100.0)


def test_an_order_below_the_smallest_notional_is_refused(gate):
    denied = gate().propose("0.04")
    assert (denied.reason, denied.limit, denied.observed) == (Why.MIN_NOTIONAL, 5.0, 4.0)


@pytest.mark.requirement("S2-3.7")
def test_one_instrument_has_a_largest_exposure(gate):
    g = gate(max_asset_exposure=0.35)
    assert g.propose(30).quantity == 30
    assert g.propose(30).quantity == 5
    denied = g.propose(30)
    assert (denied.reason, denied.limit) == (Why.ASSET_EXPOSURE, 0.35)
    assert denied.observed == pytest.approx(0.65)


@pytest.mark.requirement("S2-3.7")
def test_all_instruments_together_have_a_largest_gross_exposure(gate):
    g = gate(max_gross_exposure=0.5, can_short=True)
    assert g.propose(30).quantity == 30
    assert g.propose(30, symbol="Y/USDT", side=Side.SELL).quantity == 20
    denied = g.propose(1, symbol="Z/USDT")
    assert (denied.reason, denied.limit) == (Why.GROSS_EXPOSURE, 0.5)
    assert denied.observed == pytest.approx(0.51)


def test_net_exposure_counts_one_side_as_if_the_other_never_filled(gate):
    g = gate(max_net_exposure=0.4, can_short=True)
    g.propose(30)
    g.propose(30, symbol="Y/USDT", side=Side.SELL)
    assert g.propose(30, symbol="Z/USDT").quantity == 10
    denied = g.propose(1, symbol="Z/USDT")
    assert (denied.reason, denied.limit) == (Why.NET_EXPOSURE, 0.4)


def test_a_short_where_none_is_allowed_has_no_room(gate):
    denied = gate().propose(1, side=Side.SELL)
    assert (denied.reason, denied.limit) == (Why.ASSET_EXPOSURE, 0.0)


@pytest.mark.parametrize(
    "prices",
    [
        {"price": 106},
        {"price": 94},
        {"kind": OrderKind.LIMIT, "limit_price": D(106)},
        {"kind": OrderKind.STOP, "stop_price": D(94)},
    ],
)
def test_prices_far_from_the_last_close_are_refused(gate, prices):
    denied = gate().propose(1, **prices)
    assert (denied.reason, denied.limit) == (Why.PRICE_BAND, 0.05)
    assert denied.observed == pytest.approx(0.06)


def test_an_instrument_that_was_never_priced_cannot_be_entered(gate):
    g = gate(marked=False)
    del g.closes["X/USDT"]
    g.mark()
    assert g.propose(1).reason is Why.PRICE_BAND
    assert isinstance(g.propose(1, symbol="Y/USDT"), Order)


def test_before_the_first_mark_nothing_is_entered(gate):
    assert gate(marked=False).propose(1).reason is Why.PRICE_BAND


def test_orders_are_counted_over_a_sliding_minute_of_monotonic_time(gate):
    g = gate(max_orders_per_minute=3)
    for _ in range(3):
        assert isinstance(g.propose(1), Order)
        g.mono_ns += 10 * NS_PER_S
    denied = g.propose(1)
    assert (denied.reason, denied.limit, denied.observed) == (Why.ORDER_RATE, 3, 3)
    g.mono_ns += 31 * NS_PER_S
    assert isinstance(g.propose(1), Order)
    assert isinstance(g.propose(1), OrderDenied)


def test_a_restart_is_never_a_way_to_trade_faster(gate):
    from organism.messages import Recovered

    g = gate(max_orders_per_minute=1)
    g.propose(1)
    g.mono_ns = 5  # another boot, another clock
    g.tell(Recovered(organ="immune", incarnation=2, process=True)).reconcile()
    assert g.propose(1).reason is Why.ORDER_RATE


@pytest.mark.requirement("S1-2.4")
def test_only_so_many_instruments_are_held_at_once(gate):
    g = gate(max_positions=2)
    g.complete(g.propose(1))
    g.propose(1, symbol="Y/USDT")
    denied = g.propose(1, symbol="Z/USDT")
    assert (denied.reason, denied.limit, denied.observed) == (Why.POSITION_COUNT, 2, 3)
    assert isinstance(g.propose(1), Order), "an instrument already held is no new position"


def test_dust_is_no_position(gate):
    g = gate(max_positions=1)
    g.fill(quantity="0.04", symbol="Y/USDT")
    assert isinstance(g.propose(1), Order)


@pytest.mark.parametrize("field", ["quantity", "reference_price", "limit_price", "stop_price"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("reduce_only", [True, False])
def test_nan_never_passes_a_check(gate, field, value, reduce_only):
    g = gate()
    g.fill(quantity=5, side=Side.SELL)
    order = msgspec.structs.replace(g.order(1, reduce_only=reduce_only), **{field: D(value)})
    assert g.submit(order).reason is Why.NOT_A_NUMBER


@pytest.mark.parametrize("quantity", ["1e308", "1e40", "1e-308", "100000000000000000000000000000000.0005"])
@pytest.mark.parametrize("reduce_only", [True, False])
def test_an_amount_that_cannot_be_counted_in_lots_is_refused_like_any_other(gate, quantity, reduce_only):
    g = gate()
    g.fill(quantity=5, side=Side.SELL)
    order = msgspec.structs.replace(g.order(1, reduce_only=reduce_only), quantity=D(quantity))
    assert g.submit(order).reason is Why.MALFORMED


@given(st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0]))
def test_nothing_is_entered_on_an_equity_nobody_knows(gate, equity):
    g = gate()
    g.mark(equity, drawdown=0.0, day_start=-math.inf)
    assert isinstance(g.propose(1), OrderDenied)


def test_nothing_is_entered_while_something_held_has_no_price(gate):
    g = gate()
    g.fill(quantity=1, symbol="Y/USDT")
    g.closes["Y/USDT"] = math.nan
    g.mark()
    assert g.propose(1).reason is Why.NOT_A_NUMBER


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"symbol": "Q/USDT"}, Why.UNKNOWN_INSTRUMENT),
        ({"quantity": D(0)}, Why.MALFORMED),
        ({"quantity": D(-1)}, Why.MALFORMED),
        ({"quantity": D("0.0005")}, Why.MALFORMED),
        ({"kind": OrderKind.LIMIT}, Why.MALFORMED),
        ({"kind": OrderKind.STOP}, Why.MALFORMED),
    ],
)
def test_what_is_no_order_is_refused(gate, fields, reason):
    g = gate()
    assert g.submit(msgspec.structs.replace(g.order(1), **fields)).reason is reason


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_limit_that_is_no_limit_is_refused_at_the_start(bad):
    with pytest.raises(ConfigError, match="max_gross_exposure must be a finite number"):
        immune_core(RiskSettings(max_gross_exposure=bad), ())
