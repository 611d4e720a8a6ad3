"""From a forecast to a quantity."""

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import AssetClass, FeeSchedule, Instrument
from organism.settings import RiskSettings, SizingSettings
from organs.metabolism.sizing import Rules, affordable, bars_per_year, quantity_for, wanted_exposure

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
    [(math.nan, 0.01, 1.0), (0.5, math.nan, 1.0), (0.5, 0.0, 1.0), (0.5, 0.01, math.nan), (1.5, 0.01, 1.0)],
)
def test_nan_never_becomes_a_size(forecast, volatility, rate):
    assert wanted_exposure(forecast, volatility, rate, X, rules(method="volatility")) is None


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


@given(st.decimals(0, 10**7, places=6), st.floats(1e-3, 1e6))
def test_what_is_affordable_can_be_paid_with_fee_and_slippage(cash, close):
    quantity = affordable(cash, close, X)
    assert quantity * D(repr(close)) * D("1.006") <= cash
