"""Mark prices of the lake liquidate and are what funding is paid on; no strategy sees them, and none comes early."""

import numpy as np

from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.history.context import with_context
from genome.history.lake import load_series
from genome.simulator import backtest
from organism.lake.candles import Events
from organism.lake.names import Kind, series
from organism.lake.store import Lake
from organism.market import AssetClass
from tests.lake.made import START_US, changed, walk

HOUR_US = 3_600_000_000
LATER_US = START_US + 9_000 * HOUR_US
PERPETUAL = "BTC/USDT:USDT"
HOURLY = series("binance-usdm", PERPETUAL, "1h")


def lake_in(folder, now_us=LATER_US):
    return Lake(folder / "lake", now_us=lambda: now_us)


def traded(lake, n=48):
    made = walk(n, "1h")
    lake.append(HOURLY, made, source="x", received_us=LATER_US)
    return made


def marked(lake, made, timeframe="1h", **columns):
    name = series("binance-usdm", PERPETUAL, timeframe, Kind.MARK)
    columns = {"volume": np.full(len(made), np.nan), **columns}
    lake.append(name, changed(made, **columns), source="x", received_us=LATER_US)


def of_the_lake(lake, timeframe="1h"):
    (found,) = with_context(load_series(lake, "binance-usdm", (PERPETUAL,), timeframe), lake, "binance-usdm")
    return found


def held(market, side):
    """One position from the first bar to the last, with nothing to pay but funding."""
    genome = Genome(family="t", **{side: parse_condition("close > 0")})
    return backtest(market, genome, Costs(taker=0.0, maker=0.0, slippage=0.0))


def test_marks_stand_beside_the_prices_of_their_bar_and_in_no_column(tmp_path):
    lake = lake_in(tmp_path)
    made = traded(lake)
    bare = of_the_lake(lake)
    marked(lake, made, high=made.high * 1.02, low=made.low * 0.99)
    found = of_the_lake(lake)
    np.testing.assert_array_equal(found.mark_open, made.open)
    np.testing.assert_array_equal(found.mark_high, made.high * 1.02)
    np.testing.assert_array_equal(found.mark_low, made.low * 0.99)
    np.testing.assert_array_equal(found.columns, bare.columns)
    assert (bare.mark_high, bare.asset_class) == (None, AssetClass.CRYPTO_SPOT)
    assert found.asset_class is AssetClass.CRYPTO_PERPETUAL


def test_finer_marks_are_joined_and_a_bar_that_lacks_some_keeps_its_own(tmp_path):
    lake = lake_in(tmp_path)
    traded(lake)
    fine = walk(4 * 48, "15m", price=101.0)
    marked(lake, fine.take(np.arange(len(fine)) != 4 * 10 + 2), "15m")
    found = of_the_lake(lake)
    assert np.flatnonzero(np.isnan(found.mark_high)).tolist() == [10]
    assert np.flatnonzero(np.isnan(found.mark_open)).tolist() == [10]
    np.testing.assert_array_equal(found.mark_high[:10], fine.high.reshape(-1, 4).max(axis=1)[:10])
    np.testing.assert_array_equal(found.mark_low[11:], fine.low.reshape(-1, 4).min(axis=1)[11:])
    np.testing.assert_array_equal(found.mark_open[:10], fine.open.reshape(-1, 4)[:10, 0])


def test_coarser_marks_and_marks_of_another_time_change_nothing(tmp_path):
    lake = lake_in(tmp_path)
    traded(lake)
    marked(lake, walk(12, "4h"), "4h")
    assert of_the_lake(lake).mark_high is None
    marked(lake, walk(12, "1h", START_US + 500 * HOUR_US))
    assert of_the_lake(lake).mark_high is None
    assert of_the_lake(lake).asset_class is AssetClass.CRYPTO_SPOT


def test_what_comes_later_changes_no_mark_before_it_and_no_open_candle_is_one(tmp_path):
    lake = lake_in(tmp_path, START_US + 40 * HOUR_US + 1)
    made = traded(lake)
    marked(lake, made.take(np.arange(30)))
    before = of_the_lake(lake)
    marked(lake, made)  # the lake's own clock stands in the bar of hour 40
    after = of_the_lake(lake)
    np.testing.assert_array_equal(before.mark_high[:30], after.mark_high[:30])
    assert np.isnan(before.mark_high[30:]).all()
    assert after.size == 40
    assert not np.isnan(after.mark_high).any()


def test_a_mark_that_trades_never_reached_liquidates(tmp_path):
    """Short with all its equity: the mark doubles for one hour, no trade does."""
    lake = lake_in(tmp_path)
    made = traded(lake)
    high = made.high.copy()
    high[20] *= 2.5
    at_trades = of_the_lake(lake)
    marked(lake, made, high=high)
    at_marks = of_the_lake(lake)
    assert [one.reason for one in held(at_trades, "entry_short").trades] == ["end"]
    first = held(at_marks, "entry_short").trades[0]
    assert (first.reason, first.exit_bar) == ("liquidation", 20)


def test_funding_is_paid_on_the_mark(tmp_path):
    lake = lake_in(tmp_path)
    made = traded(lake)
    name = series("binance-usdm", PERPETUAL, "", Kind.FUNDING)
    at = START_US + 8 * HOUR_US * np.arange(6)
    lake.append_events(name, Events(at, {"rate": np.full(6, 0.01)}), source="x", received_us=LATER_US)
    (plain,) = held(of_the_lake(lake), "entry_long").trades
    marked(lake, made, **{one: getattr(made, one) * 1.5 for one in ("open", "high", "low", "close")})
    (dearer,) = held(of_the_lake(lake), "entry_long").trades
    assert (plain.entry_bar, plain.quantity) == (dearer.entry_bar, dearer.quantity) == (1, plain.quantity)
    # At hours 8, 16 … 40, on the mark of the open; without marks, on the close before it, which here is the open.
    paid = 0.01 * plain.quantity * made.open[8:48:8].sum()
    np.testing.assert_allclose(plain.pnl - dearer.pnl, paid * 0.5, rtol=1e-9)
