"""What models see: about fifty causal features, checked against the plain words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.genome import Genome
from genome.learned import FEATURES, LOOKBACK, features, walk
from genome.market import market
from tests.genome.learned.planted import random_walk

MARKET = random_walk(700, seed=8)
KNOWN = features(MARKET)


def column(name, of=KNOWN):
    return of[:, FEATURES.index(name)]


@pytest.mark.requirement("S0-2.1.3")
def test_there_are_more_than_fifty_features_each_named_once():
    assert len(FEATURES) == len(set(FEATURES)) == KNOWN.shape[1] >= 50
    assert np.isfinite(KNOWN[LOOKBACK:]).all()
    assert np.isnan(KNOWN[LOOKBACK - 1]).any()


@pytest.mark.requirement("S0-2.1.4", "S0-2.1.5", "S0-2.1.6", "S0-2.1.7")
def test_features_say_what_their_names_say():
    close, volume, t = MARKET.column("close"), MARKET.column("volume"), 600
    for n in (12, 48, 288):
        assert column(f"return_{n}")[t] == pytest.approx(close[t] / close[t - n] - 1.0)
    for n in (12, 48):
        returns = np.diff(np.log(close[t - n : t + 1]))
        assert column(f"volatility_{n}")[t] == pytest.approx(returns.std(ddof=1))
        assert column(f"volume_ratio_{n}")[t] == pytest.approx(volume[t] / volume[t - n + 1 : t + 1].mean())
    window = close[t - 19 : t + 1]
    assert column("bollinger_20")[t] == pytest.approx((close[t] - window.mean()) / window.std())
    assert 0.0 < column("rsi_14")[t] < 100.0
    assert column("macd_histogram")[t] == pytest.approx(column("macd")[t] - column("macd_signal")[t])


@pytest.mark.requirement("S0-2.1.9")
def test_the_clock_is_a_circle_and_knows_market_hours():
    hour, weekday = MARKET.column("hour"), MARKET.column("weekday")
    np.testing.assert_allclose(column("hour_sin") ** 2 + column("hour_cos") ** 2, 1.0)
    np.testing.assert_allclose(column("weekday_sin"), np.sin(2 * np.pi * weekday / 7))
    np.testing.assert_array_equal(column("market_hours"), (hour >= 8) & (hour < 18))


@pytest.mark.requirement("S0-2.1.8")
def test_a_book_is_used_where_there_is_one_and_neutral_where_not():
    assert (column("book_imbalance") == 0.0).all()
    book = np.linspace(-1.0, 1.0, MARKET.size)
    book[350] = np.nan
    ohlcv = tuple(MARKET.column(name) for name in ("open", "high", "low", "close", "volume"))
    with_book = market("X/Y", MARKET.open_s, MARKET.bar_s, ohlcv, book_imbalance=book)
    np.testing.assert_array_equal(column("book_imbalance", features(with_book)), np.nan_to_num(book))


@pytest.mark.requirement("S4-5.1")
@given(st.integers(1, 699))
def test_features_of_the_past_ignore_the_future(cut):
    columns = MARKET.columns.copy()
    columns[:5, cut:] *= 7.0
    tampered = type(MARKET)(MARKET.symbol, MARKET.open_s, MARKET.bar_s, columns)
    np.testing.assert_array_equal(features(tampered)[:cut], KNOWN[:cut])


def test_a_constant_market_teaches_nothing_and_is_silent():
    """Nothing moves: nothing to learn, counted as refused, silent."""
    flat = np.full(900, 100.0)
    at = np.arange(900, dtype=np.int64) * 300
    still = market("X/Y", at, 300, (flat, flat, flat, flat, np.ones(900)))
    genes = (("refit", 100.0), ("window", 300.0))
    for family in ("linear_svc", "pca_tree_quantile"):
        walked = walk(Genome(family=family, genes=genes), still)
        assert walked.refused == len(walked.steps) > 0
        assert np.isnan(walked.predictions).all()


@pytest.mark.requirement("S4-25.15")
def test_a_walk_over_real_features_never_sees_the_future():
    market_ = random_walk(900, seed=5)
    columns = market_.columns.copy()
    columns[:5, 700:] *= np.linspace(1.0, 3.0, 200)
    tampered = type(market_)(market_.symbol, market_.open_s, market_.bar_s, columns)
    one = Genome(family="linear_svc", genes=(("band", 0.001), ("refit", 50.0), ("window", 300.0)))
    before, after = walk(one, market_), walk(one, tampered)
    assert np.isfinite(before.predictions[:700]).any()
    np.testing.assert_array_equal(before.predictions[:700], after.predictions[:700])
