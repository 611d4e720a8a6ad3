"""Markets of the lake see fear and greed and funding as they were known."""

import numpy as np
import pytest

from genome.history.context import with_context
from genome.market import market
from organism.cli.bars import markets_of
from organism.cli.parser import build
from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.context import context_series, import_file
from organism.lake.names import Kind, series
from organism.lake.store import Lake
from organism.market import AssetClass
from tests.lake.made import walk

NEW_YEAR = 1_704_067_200
HOUR = 3_600
US = 1_000_000
LATER = (NEW_YEAR + 9_000 * HOUR) * US
PERPETUAL = "BTC/USDT:USDT"


def hourly(n, symbol=PERPETUAL):
    flat = np.full(n, 100.0)
    return market(symbol, NEW_YEAR + HOUR * np.arange(n), HOUR, (flat, flat, flat, flat, flat))


def lake_in(folder):
    return Lake(folder / "lake", now_us=lambda: LATER)


def settled(lake, entries, received_us=LATER):
    at = np.array([(NEW_YEAR + hour * HOUR) * US for hour, _ in entries], np.int64)
    rates = np.array([rate for _, rate in entries])
    name = series("binance-usdm", PERPETUAL, "", Kind.FUNDING)
    lake.append_events(name, Events(at, {"rate": rates}), source="x", received_us=received_us)


def test_a_lake_without_context_changes_nothing(tmp_path):
    one = hourly(5)
    assert with_context([one], lake_in(tmp_path), "binance-usdm") == [one]


def test_fear_and_greed_of_the_lake_is_that_of_a_file(tmp_path):
    lake = lake_in(tmp_path)
    path = tmp_path / "fg.csv"
    path.write_text(f"timestamp,value\n{NEW_YEAR}000,20\n{NEW_YEAR + 24 * HOUR}000,80\n")
    import_file(lake, path, "fear_greed")
    (found,) = with_context([hourly(60)], lake, "binance")
    seen = found.column("fear_greed")
    assert np.isnan(seen[:23]).all()
    assert set(seen[23:47]) == {20.0}
    assert set(seen[47:]) == {80.0}
    assert found.asset_class is AssetClass.CRYPTO_SPOT


def test_a_rate_that_was_corrected_is_paid_as_corrected_and_seen_as_it_was_known(tmp_path):
    lake = lake_in(tmp_path)
    settled(lake, [(0, 0.0001), (8, 0.0002), (16, 0.0003)])
    settled(lake, [(8, 0.0009)], received_us=(NEW_YEAR + 12 * HOUR) * US)
    (found,) = with_context([hourly(24)], lake, "binance-usdm")
    assert found.asset_class is AssetClass.CRYPTO_PERPETUAL
    assert [found.funding_open[h] for h in (0, 8, 16)] == [0.0001, 0.0009, 0.0003]
    seen = found.column("funding")
    assert [seen[h] for h in (6, 7, 10, 11, 15)] == [0.0001, 0.0002, 0.0002, 0.0009, 0.0003]


def test_a_settlement_that_is_missing_is_not_replaced_by_the_one_before(tmp_path):
    lake = lake_in(tmp_path)
    settled(lake, [(0, 0.0001), (8, 0.0001), (16, 0.0001), (32, 0.0001), (40, 0.0001), (48, 0.0001)])
    (found,) = with_context([hourly(50)], lake, "binance-usdm")
    assert np.isnan(found.column("funding")[23:31]).all()
    assert found.column("funding")[31] == 0.0001
    assert found.funding_gaps == 1


def test_funding_of_another_time_leaves_a_market_as_it_is(tmp_path):
    lake = lake_in(tmp_path)
    settled(lake, [(900, 0.0001)])
    (found,) = with_context([hourly(24)], lake, "binance-usdm")
    assert found.funding_open is None


def test_what_comes_later_never_changes_what_a_market_saw(tmp_path):
    lake = lake_in(tmp_path)
    settled(lake, [(h, 0.0001 * h) for h in range(0, 48, 8)])
    (before,) = with_context([hourly(40)], lake, "binance-usdm")
    settled(lake, [(h, -0.004) for h in (24, 32, 40, 48)], received_us=(NEW_YEAR + 24 * HOUR) * US)
    (after,) = with_context([hourly(40)], lake, "binance-usdm")
    np.testing.assert_array_equal(before.column("funding")[:23], after.column("funding")[:23])
    assert after.column("funding")[23] == -0.004


def test_only_an_instruments_own_series_is_named_so():
    with pytest.raises(BadInput, match="--venue"):
        context_series("funding")


def test_a_command_that_reads_the_lake_gets_its_context(tmp_path):
    lake = Lake(tmp_path / "lake", now_us=lambda: LATER)
    candles = walk(60, "1h", NEW_YEAR * US)
    lake.append(series("binance-usdm", PERPETUAL, "1h"), candles, source="x", received_us=LATER)
    settled(lake, [(h, 0.0001) for h in range(0, 60, 8)])
    path = tmp_path / "fg.csv"
    path.write_text(f"timestamp,value\n{NEW_YEAR}000,20\n")
    import_file(lake, path, "fear_greed")
    words = ["backtest", "golden_cross", "--data", "lake", "--venue", "binance-usdm", "--symbols", PERPETUAL]
    (found,) = markets_of(build().parse_args([*words, "--timeframe", "1h", "--lake", str(lake.root)])).markets
    assert found.column("fear_greed")[-1] == 20.0
    assert found.column("funding")[-1] == 0.0001
    assert found.asset_class is AssetClass.CRYPTO_PERPETUAL
