from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import AssetClass, FeeSchedule, Instrument, notional, to_price, to_quantity

BTC = Instrument(
    symbol="BTC/USDT", base="BTC", quote="USDT", venue="paper", tick=Decimal("0.01"), lot=Decimal("0.00001"),
    min_notional=Decimal(5), fees=FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.001")),
)  # fmt: skip


@given(st.floats(0.01, 1e7))
def test_a_buyer_never_pays_less_and_a_seller_never_gets_more_than_the_exact_price(price):
    exact = Decimal(repr(price))
    up, down = to_price(price, BTC, worse_for="buy"), to_price(price, BTC, worse_for="sell")
    assert down <= exact <= up
    assert up - down in {Decimal(0), BTC.tick}
    assert up % BTC.tick == 0


@given(st.floats(-1e6, 1e6))
def test_a_quantity_is_never_rounded_away_from_zero(quantity):
    rounded = to_quantity(quantity, BTC)
    assert abs(rounded) <= abs(Decimal(repr(quantity)))
    assert rounded % BTC.lot == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), 0.0, -1.0])
def test_a_price_that_is_no_price_is_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        to_price(bad, BTC)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_quantity_that_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        to_quantity(bad, BTC)


def test_notional_has_no_sign_and_knows_the_multiplier():
    assert notional(Decimal(-2), Decimal(10), BTC) == 20


def test_days_per_year_follow_the_asset_class():
    assert (AssetClass.CRYPTO_SPOT.days_per_year, AssetClass.EQUITY.days_per_year) == (365, 252)


@pytest.mark.parametrize(
    ("asset_class", "bar_s", "expected"),
    [
        (AssetClass.CRYPTO_PERPETUAL, 3_600, 8_760.0),
        (AssetClass.EQUITY, 1_800, 252 * 13.0),
        (AssetClass.EQUITY, 43_200, 252.0),
        (AssetClass.EQUITY, 86_400, 252.0),
        (AssetClass.FX, 3_600, 260 * 24.0),
        (AssetClass.CRYPTO_SPOT, 7 * 86_400, 365.25 / 7),
        (AssetClass.EQUITY, 7 * 86_400, 365.25 / 7),
    ],
)
def test_bars_per_year_are_those_of_its_trading_days(asset_class, bar_s, expected):
    assert asset_class.bars_per_year(bar_s) == pytest.approx(expected, rel=1e-12)
