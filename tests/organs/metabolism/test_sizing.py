"""From a forecast to a quantity."""

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import AssetClass, FeeSchedule, Instrument
from organism.settings import RiskSettings, SizingSettings
from organs.metabolism.sizing import Rules, affordable, bars_per_year, is_dust, quantity_for, wanted_exposure

D = Decimal

X = Instrument(
    symbol="X/USDT",
    base="X",
    quote="USDT",
    venue="paper",
    tick=D("0.01"),
    lot=D("0.001"),
    min_notional=D(5),
    fees=FeeSchedule(maker=D("0.001"), taker=D("0.001")),
    can_short=True,
)
SPOT = msgspec.structs.replace(X, can_short=False)


def rules(**sizing):
    return Rules(SizingSettings(**sizing), RiskSettings(), {"X/USDT": X}, 1, 300)


anything = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.requirement("S0-0.8")
@given(
    st.floats(-1, 1),
    st.floats(1e-6, 1),
    st.floats(0, 1),
    st.sampled_from(["volatility", "fixed_fraction"]),
)
def test_the_metabolic_rate_scales_every_size_even_at_the_cap(forecast, volatility, rate, method):
    whole = wanted_exposure(forecast, volatility, 1.0, X, rules(method=method))
    scaled = wanted_exposure(forecast, volatility, rate, X, rules(method=method))
    assert scaled == pytest.approx(whole * rate)


@given(anything, anything, anything, st.sampled_from(["volatility", "fixed_fraction"]), st.booleans())
def test_no_input_whatever_asks_for_more_than_the_cap(forecast, volatility, rate, method, can_short):
    instrument = X if can_short else SPOT
    exposure = wanted_exposure(forecast, volatility, rate, instrument, rules(method=method))
    assert exposure is None or abs(exposure) <= 0.30
    if exposure is not None and not can_short:
        assert exposure >= 0


@pytest.mark.parametrize(
    ("forecast", "volatility", "rate"),
    [
        (math.nan, 0.01, 1.0),
        (0.5, math.nan, 1.0),
        (0.5, math.inf, 1.0),
        (0.5, 0.0, 1.0),
        (0.5, 0.01, math.nan),
        (1.5, 0.01, 1.0),
        (-1.5, 0.01, 1.0),
        (0.5, 0.01, 1.5),
        (0.5, 0.01, -0.5),
    ],
)
def test_nan_never_becomes_a_size(forecast, volatility, rate):
    assert wanted_exposure(forecast, volatility, rate, X, rules(method="volatility")) is None


@pytest.mark.parametrize(
    "given", [{"method": "fixed_fraction", "fraction": math.nan}, {"volatility_target": math.nan}]
)
def test_a_setting_that_is_no_number_never_becomes_the_cap(given):
    assert wanted_exposure(0.5, 0.01, 1.0, X, rules(**given)) is None


@pytest.mark.parametrize(("forecast", "exposure"), [(1.0, 0.3), (-1.0, -0.3)])
def test_a_market_that_hardly_moves_is_held_up_to_the_cap(forecast, exposure):
    """1e-310 a bar: the exposure that would hold the target volatility is not finite."""
    assert wanted_exposure(forecast, 1e-310, 1.0, X, rules()) == exposure


@pytest.mark.parametrize("volatility", [math.nan, 0.0, 1.0])
def test_flat_needs_no_volatility(volatility):
    assert wanted_exposure(0.0, volatility, 1.0, X, rules()) == 0.0


@pytest.mark.requirement("S2-3.4")
def test_volatility_sizing_holds_the_target_volatility():
    # 0.1 % per 5-minute bar is 0.001 × √105120 = 32.4 % a year; a target of 15 % takes 0.46 of equity.
    exposure = wanted_exposure(1.0, 0.001, 1.0, X, rules(max_exposure=1.0))
    assert exposure == pytest.approx(0.15 / (0.001 * math.sqrt(105_120)))


@pytest.mark.parametrize(
    ("asset", "bars"), [("crypto_spot", 365 * 24), ("equity", 252 * 6.5), ("fx", 260 * 24)]
)
def test_a_year_has_as_many_bars_as_its_asset_class_trades_hours(asset, bars):
    instrument = msgspec.structs.replace(X, asset_class=AssetClass(asset))
    assert bars_per_year(instrument, 3_600) == bars


@given(st.floats(-1, 1), st.floats(1, 1e9), st.floats(1e-4, 1e6))
def test_a_quantity_is_whole_lots_never_more_than_wanted_and_never_too_small_to_trade(
    exposure, equity, close
):
    quantity = quantity_for(exposure, equity, close, X)
    assert quantity % X.lot == 0
    assert abs(float(quantity)) * close <= abs(exposure) * equity * (1 + 1e-12)
    assert quantity == 0 or abs(quantity) * D(repr(close)) >= X.min_notional


@pytest.mark.parametrize(
    ("equity", "close"), [(0.0, 100.0), (-1.0, 100.0), (1_000.0, 0.0), (math.nan, 100.0)]
)
def test_without_equity_or_price_nothing_is_wanted(equity, close):
    assert quantity_for(0.5, equity, close, X) == 0


def test_a_quantity_counts_in_units_of_the_contract():
    tenth = msgspec.structs.replace(X, multiplier=D("0.1"))
    assert quantity_for(0.5, 10_000.0, 100.0, tenth) == 500
    assert affordable(D(1_006), 100.0, tenth) == 100


def test_a_value_of_exactly_the_smallest_order_is_no_dust():
    assert not is_dust(D("0.05"), 100.0, X)
    assert not is_dust(D("-0.05"), 100.0, X)
    assert is_dust(D("0.049"), 100.0, X)


@pytest.mark.parametrize("cash", [D(0), D(-5)])
def test_without_cash_nothing_is_affordable(cash):
    assert affordable(cash, 100.0, X) == affordable(cash / 10, 0.001, X) == 0


def test_a_little_cash_buys_a_little():
    assert affordable(D("0.5"), 0.01, X) == D("49.701")


def test_all_the_cash_is_used_but_for_fee_and_slippage():
    assert affordable(D("100.6"), 100.0, X) == 1
    assert affordable(D("100.59"), 100.0, X) == D("0.999")


@given(st.decimals(0, 10**7, places=6), st.floats(1e-3, 1e6))
def test_what_is_affordable_can_be_paid_with_fee_and_slippage(cash, close):
    quantity = affordable(cash, close, X)
    assert quantity * D(repr(close)) * D("1.006") <= cash


def test_where_shorts_are_not_allowed_a_negative_forecast_is_flat():
    assert wanted_exposure(-1.0, 0.01, 1.0, SPOT, rules()) == 0.0
    assert wanted_exposure(1.0, 0.01, 1.0, SPOT, rules()) > 0.0


@pytest.mark.parametrize("close", [0.01, 0.125])
def test_an_account_below_one_is_sized_like_any_other(close):
    free = msgspec.structs.replace(X, min_notional=D(0))
    assert float(quantity_for(1.0, 0.5, close, free)) == 0.5 / close
    assert float(quantity_for(-1.0, 0.5, close, free)) == -0.5 / close
    assert quantity_for(1.0, -0.5, close, free) == quantity_for(1.0, 0.5, -close, free) == 0
