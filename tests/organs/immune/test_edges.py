"""Each limit at its edge: what is exactly allowed passes, the next thing does not, and the numbers say why."""

import math
from decimal import Decimal

import msgspec
import pytest

from organism.errors import ConfigError
from organism.messages import DenialReason as Why
from organism.messages import FeedStalled, OrderDenied
from organism.settings import RiskSettings
from organism.trading import OrderKind, OrderStatus, Purpose, Side, TradingState
from organs.immune.checks import REDUCTIONS_PER_ENTRY, Reserved, View, judge, position_count
from organs.immune.core import UNKNOWN_NS, immune_core

D = Decimal
NS_PER_MIN = 60 * 10**9


def refused(verdict):
    assert isinstance(verdict, OrderDenied)
    return verdict.reason, verdict.limit, verdict.observed


# ---------------------------------------------------------------- rate


def test_a_minute_has_as_many_entries_as_the_limit_and_twice_as_many_orders(gate):
    g = gate(max_orders_per_minute=2)
    g.fill(quantity=10)
    assert [g.propose(1).quantity for _ in range(2)] == [1, 1]
    assert refused(g.propose(1)) == (Why.ORDER_RATE, 2.0, 2.0)
    sale = {"side": Side.SELL, "reduce_only": True}
    n_more = 2 * REDUCTIONS_PER_ENTRY - 2
    assert [g.propose(1, **sale).quantity for _ in range(n_more)] == [1] * n_more
    assert refused(g.propose(1, **sale)) == (Why.ORDER_RATE, 4.0, 4.0)
    g.mono_ns += NS_PER_MIN - 1
    assert isinstance(g.propose(1), OrderDenied)
    g.mono_ns += 1
    assert g.propose(1).quantity == 1, "a minute later the minute is over"
    assert len(g.state.recent) == 1


# ---------------------------------------------------------------- number of positions


def test_there_may_be_as_many_positions_as_the_limit_the_one_at_hand_included(gate):
    g = gate(max_positions=2)
    g.fill(quantity=1)
    assert g.propose(1, symbol="Y/USDT").quantity == 1
    assert refused(g.propose(1, symbol="Z/USDT")) == (Why.POSITION_COUNT, 2.0, 3.0)
    assert g.propose(1).quantity == 1, "more of what is held is no further position"


@pytest.mark.parametrize(("quantity", "counts"), [("0.049", False), ("0.05", True)])
def test_what_is_below_the_smallest_order_is_no_position(gate, quantity, counts):
    g = gate(max_positions=1)
    g.fill(quantity=quantity, symbol="Y/USDT")
    assert isinstance(g.propose(1), OrderDenied) is counts


def test_a_position_without_a_price_is_one(gate):
    g = gate(max_positions=1)
    g.fill(quantity="0.001", symbol="Y/USDT")
    g.closes["Y/USDT"] = 0.0
    g.mark()
    assert refused(g.propose(1)) == (Why.POSITION_COUNT, 1.0, 2.0)


# ---------------------------------------------------------------- sizes


def test_the_dearest_of_all_prices_counts(gate):
    """100 at the market, 104 as a limit: 5000 buys 48.076 at the limit."""
    g = gate(max_order_notional=5_000.0)
    verdict = g.propose(60, kind=OrderKind.LIMIT, limit_price=D(104))
    assert verdict.quantity == D("48.076")
    assert g.propose(60, price=103).quantity == D("48.543")


def test_a_short_has_the_exposure_a_long_has(gate):
    g = gate(can_short=True, max_asset_exposure=0.35)
    g.fill(quantity=10)
    assert g.propose(60, side=Side.SELL).quantity == 45, "through flat: 10 to close, 35 to open"
    denied = g.propose(1, side=Side.SELL)
    assert refused(denied) == (Why.ASSET_EXPOSURE, 0.35, pytest.approx(0.36))


def test_a_sale_where_no_short_is_allowed_goes_to_flat_and_no_further(gate):
    g = gate()
    g.fill(quantity=10)
    assert g.propose(60, side=Side.SELL).quantity == 10
    assert refused(g.propose(1, side=Side.SELL)) == (Why.ASSET_EXPOSURE, 0.0, pytest.approx(0.01))


def test_gross_exposure_counts_shorts_of_others_at_their_worst(gate):
    g = gate(can_short=True, max_gross_exposure=0.5)
    g.fill(quantity=20, symbol="Y/USDT", side=Side.SELL)
    assert g.propose(60, side=Side.SELL).quantity == 30
    assert refused(g.propose(1, side=Side.SELL)) == (Why.GROSS_EXPOSURE, 0.5, pytest.approx(0.51))


@pytest.mark.parametrize(("away", "allowed"), [("50", True), ("50.001", False)])
@pytest.mark.parametrize("side", Side)
def test_an_order_that_leans_the_other_way_needs_room_for_what_may_fill_before_it(gate, side, away, allowed):
    """What already reaches the limit on one side leaves the other its room; what is beyond it leaves none."""
    g = gate(can_short=True, max_gross_exposure=0.5)
    seen = view(g, reserved={"a": reserved("X/USDT", away, side.opposite)})
    verdict = judge(g.order(10, side=side), seen)
    if allowed:
        assert verdict == 10
    else:
        assert verdict == (Why.GROSS_EXPOSURE, 0.5, pytest.approx(0.50001))


def test_net_exposure_of_shorts_has_the_limit_of_longs(gate):
    g = gate(can_short=True, max_net_exposure=0.5)
    g.fill(quantity=20, symbol="Y/USDT", side=Side.SELL)
    assert g.propose(60, side=Side.SELL).quantity == 30
    assert refused(g.propose(1, side=Side.SELL)) == (Why.NET_EXPOSURE, 0.5, pytest.approx(0.51))
    assert g.propose(40).quantity == 40, "buying leans the other way"


@pytest.mark.parametrize("side", Side)
def test_what_offsets_others_counts_at_its_cheapest_price(gate, side):
    """Net 0.6 less 0.3 in X: at a reference of 104 the rest of X would offset more than it is worth at the close."""
    g = gate(can_short=True, max_net_exposure=0.5)
    sign = side.sign
    seen = view(g, positions={"Y/USDT": D(60) * sign, "X/USDT": D(-30) * sign})
    assert judge(g.order(25, side=side, price=104), seen) == 20, "0.6 less 0.1 is the limit"


@pytest.mark.parametrize(("others", "unit"), [("50", 104), ("50.005", 100)])
@pytest.mark.parametrize("side", Side)
def test_the_cheapest_price_is_for_what_offsets_and_the_dearest_for_what_adds(gate, side, others, unit):
    """The others at the limit are no more than it allows; one half of the quote currency more and X must offset them."""
    g = gate(can_short=True, max_net_exposure=0.5)
    sign = side.sign
    seen = view(g, positions={"Y/USDT": D(others) * sign, "X/USDT": D("-0.01") * sign})
    observed = (float(others) * 100 + 0.99 * unit) / 10_000
    assert judge(g.order(1, side=side, price=104), seen) == (
        Why.NET_EXPOSURE,
        0.5,
        pytest.approx(observed, rel=1e-12),
    )


@pytest.mark.parametrize("limit", ["max_gross_exposure", "max_net_exposure"])
def test_others_count_at_their_own_price(gate, limit):
    g = gate(**{limit: 0.5})
    seen = view(g, positions={"Y/USDT": D(10)}, closes={"X/USDT": 100.0, "Y/USDT": 200.0})
    assert judge(g.order(60), seen) == 30, "5000 less 10 at 200, at 100 each"
    seen = view(g, positions={"Y/USDT": D(10)}, closes={"X/USDT": 104.0, "Y/USDT": 200.0})
    assert judge(g.order(60), seen) == D("28.846"), "the dearer of close and reference"


@pytest.mark.parametrize("equity", [0.0, -1.0, math.inf, math.nan])
def test_no_equity_is_no_room(gate, equity):
    g = gate()
    reason, limit, observed = judge(g.order(1), view(g, equity=equity))
    assert (reason, limit) == (Why.NOT_A_NUMBER, 0.0)
    assert observed == pytest.approx(equity, nan_ok=True)


def test_an_account_below_one_has_its_share(gate):
    g = gate(max_asset_exposure=1.0)
    small = {i.symbol: msgspec.structs.replace(i, min_notional=D("0.01")) for i in g.instruments}
    seen = view(g, equity=0.5, instruments=small, closes={"X/USDT": 0.1})
    assert judge(g.order(9, price="0.1"), seen) == 5


def test_the_smallest_order_is_refused_by_its_own_name(gate):
    assert gate().propose("0.05").quantity == D("0.05")
    assert refused(gate(max_order_notional=4.0).propose("0.04")) == (Why.MIN_NOTIONAL, 5.0, 4.0)


# ---------------------------------------------------------------- reductions


def test_a_reduction_takes_what_no_other_takes_stops_apart(gate):
    g = gate()
    g.fill(quantity=10)
    sale = {"side": Side.SELL, "reduce_only": True}
    stop = {**sale, "purpose": Purpose.PROTECT, "kind": OrderKind.STOP, "stop_price": D(94)}
    assert g.propose(10, **stop).quantity == 10
    assert g.propose(7, **sale).quantity == 7
    assert g.propose(7, **sale).quantity == 3
    assert refused(g.propose(1, **sale)) == (Why.REDUCE_ONLY, 0.0, 1.0)
    assert refused(g.propose(1, **stop)) == (Why.REDUCE_ONLY, 0.0, 1.0)


def test_a_reduction_must_shrink(gate):
    g = gate()
    for side in (Side.BUY, Side.SELL):
        assert refused(g.propose(1, side=side, reduce_only=True)) == (Why.REDUCE_ONLY, 0.0, 1.0), "flat"
    g.fill(quantity="0.5")
    assert refused(g.propose("0.5", reduce_only=True)) == (Why.REDUCE_ONLY, 0.0, 0.5)
    assert g.propose("0.5", side=Side.SELL, reduce_only=True).quantity == D("0.5")


def test_a_reduction_below_the_smallest_order_leaves_only_as_dust(gate):
    g = gate()
    g.fill(quantity=10)
    sale = {"side": Side.SELL, "reduce_only": True}
    assert refused(g.propose("0.049", **sale)) == (Why.MIN_NOTIONAL, 5.0, pytest.approx(4.9))
    assert g.propose("0.05", **sale).quantity == D("0.05")
    assert g.propose("0.049", purpose=Purpose.DUST, **sale).quantity == D("0.049")


# ---------------------------------------------------------------- doubt, health, settings


def test_an_order_in_doubt_for_longer_than_a_minute_stops_entries(gate):
    g = gate()
    order = g.propose(1)
    g.update(order, OrderStatus.UNKNOWN)
    g.mono_ns += UNKNOWN_NS
    assert g.propose(1).quantity == 1
    g.mono_ns += 10**9
    assert refused(g.propose(1)) == (Why.UNRECONCILED, 60.0, 61.0)
    g.fill(quantity=1)
    assert g.propose(1, side=Side.SELL, reduce_only=True).quantity == 1
    g.reconcile()
    assert g.propose(1).quantity == 1


def test_doubt_begins_with_the_first_word_of_it_and_with_nothing_else(gate):
    g = gate()
    order = g.propose(1)
    g.update(order, OrderStatus.ACKED)
    g.mono_ns += UNKNOWN_NS + 1
    assert g.propose(1).quantity == 1
    g.update(order, OrderStatus.UNKNOWN)
    g.mono_ns += UNKNOWN_NS // 2
    g.update(order, OrderStatus.UNKNOWN)
    g.mono_ns += UNKNOWN_NS // 2 + 1
    assert refused(g.propose(1))[0] is Why.UNRECONCILED


def test_of_two_reasons_the_stronger_one_is_named_with_its_numbers(gate):
    g = gate()
    g.tell(FeedStalled(feed="a", reason="silent", silent_s=7.0))
    g.mark(drawdown=0.125)
    assert refused(g.propose(1)) == (Why.DRAWDOWN, 0.10, 0.125)


@pytest.mark.parametrize("field", RiskSettings().__struct_fields__)
@pytest.mark.parametrize("value", [-1, math.inf, math.nan])
def test_a_limit_that_is_no_limit_is_refused_by_name(field, value):
    with pytest.raises(ConfigError, match=rf"\[risk\] {field} must be a finite number"):
        immune_core(msgspec.structs.replace(RiskSettings(), **{field: value}), ())


def test_three_low_readings_in_a_row_are_an_illness(gate):
    g = gate()
    for health in (49.9, 49.9, 50.0, 49.9, 49.9):
        g.vitals(health)
        assert g.standing.state is TradingState.ACTIVE
    g.vitals(49.9)
    assert g.standing.state is TradingState.REDUCING
    assert g.state.n_low_health == 0


# ---------------------------------------------------------------- figures of the view


def view(g, **fields):
    given = {
        "positions": {}, "reserved": {}, "closes": dict.fromkeys(g.closes, 100.0), "equity": 10_000.0,
        "n_recent": 0, "instruments": {i.symbol: i for i in g.instruments}, "risk": g.risk,
    }  # fmt: skip
    return View(**{**given, **fields})


def reserved(symbol, quantity, side=Side.BUY, **fields):
    given = {"reduce_only": False, "protect": False, **fields}
    return Reserved(symbol=symbol, side=side, quantity=D(quantity), **given)


def test_a_quantity_has_fewer_than_28_digits_in_lots(gate):
    assert gate().propose("1E+23").quantity == 50, "absurd, but arithmetic still holds: shrunk to the limit"
    assert refused(gate().propose("1E+24")) == (Why.MALFORMED, 0.001, 1e24)


def test_a_unit_is_a_price_times_the_multiplier(gate):
    g = gate()
    tenth = {i.symbol: msgspec.structs.replace(i, multiplier=D("0.1")) for i in g.instruments}
    assert view(g, instruments=tenth).unit("X/USDT") == 10
    for close in (0.0, -1.0, math.inf, math.nan):
        assert view(g, closes={"X/USDT": close}).unit("X/USDT") is None
    assert view(g, closes={}).unit("X/USDT") is None
    assert view(g, closes={"X/USDT": 0.5}).unit("X/USDT") == D("0.5")


def test_a_size_counts_in_units_of_the_contract(gate):
    g = gate(max_asset_exposure=0.1)
    tenth = {i.symbol: msgspec.structs.replace(i, multiplier=D("0.1")) for i in g.instruments}
    assert judge(g.order(500), view(g, instruments=tenth)) == 100
    held = view(g, instruments=tenth, positions={"X/USDT": D(10)})
    sale = g.order("0.4", side=Side.SELL, reduce_only=True)
    assert judge(sale, held) == (Why.MIN_NOTIONAL, 5.0, pytest.approx(4.0))


def test_what_can_move_nothing_is_no_position(gate):
    """Only an exit works on it, and nothing is held: no price is needed to know that it counts for nothing."""
    g = gate(max_positions=1)
    leaving = {"a": reserved("Y/USDT", 5, Side.SELL, reduce_only=True)}
    assert position_count(g.order(1), view(g, reserved=leaving, closes={"X/USDT": 100.0})) is None
    entering = {"a": reserved("Y/USDT", 5)}
    assert position_count(g.order(1), view(g, reserved=entering)) == (Why.POSITION_COUNT, 1, 2)


def test_nothing_may_grow_beside_something_without_a_price(gate):
    g = gate()
    held = view(g, positions={"Y/USDT": D(1)}, closes={"X/USDT": 100.0, "Y/USDT": math.inf})
    reason, limit, observed = judge(g.order(1), held)
    assert (reason, limit) == (Why.NOT_A_NUMBER, 0.0)
    assert math.isnan(observed)


def test_a_reserve_is_what_may_still_be_filled_and_never_less_than_nothing():
    order = reserved("X/USDT", 5, booked=D(2))
    assert order.open == 3
    assert msgspec.structs.replace(order, ended=D(4)).open == 2
    assert msgspec.structs.replace(order, ended=D(1)).open == 0


def test_each_side_reaches_as_far_as_its_own_orders(gate):
    orders = {
        "a": reserved("X/USDT", 5),
        "b": reserved("X/USDT", 3, Side.SELL),
        "c": reserved("X/USDT", 9, Side.SELL, reduce_only=True),
        "d": reserved("Y/USDT", 7),
    }
    seen = view(gate(), positions={"X/USDT": D(2)}, reserved=orders)
    assert seen.reach("X/USDT") == (-1, 7)
    assert seen.reach("Y/USDT") == (0, 7)
    assert seen.symbols() == {"X/USDT", "Y/USDT"}
