"""Real histories and their known defects: what is an outage, what a hole of a download, what a crash."""

from pathlib import Path

import pytest

from organism.lake.importing import Told, found_in
from organism.lake.quality import Around, Defect, Neighbour, inspect

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ohlcv"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded markets of shared/data are not here")


def held(*patterns):
    paths = [path for pattern in patterns for path in sorted(DATA.glob(pattern))]
    return [one for path in paths for one in found_in(path, Told())]


def judged(one, beside):
    company = [Neighbour(o.series.symbol, o.series.bar_us, o.candles.open_us) for o in beside if o is not one]
    return inspect(
        one.candles, one.series.bar_us, Around(one.series.venue, one.series.symbol, company=company)
    )


def test_outages_of_binance_are_named_and_cost_nothing():
    old = held("binance/*/1h_2017*", "binance/*/1h_2018*")
    ada = judged(next(one for one in old if one.series.symbol == "ADA/USDT"), old)
    assert (ada.count(Defect.OUTAGE), ada.count(Defect.MISSING), ada.score) == (87, 0, 100.0)


def test_the_hole_where_two_downloads_meet_is_no_outage_though_all_symbols_share_it():
    minutes = held("binance/*/1m_20210402_20210615*")
    with_hours = [*minutes, *held("binance/BTC-USDT/1h_2017*")]
    eth = judged(next(one for one in minutes if one.series.symbol == "ETH/USDT"), with_hours)
    assert eth.longest_hole == eth.count(Defect.MISSING) == 1_137
    eight_days = held("binance/*/1h_20240101_20250930*")
    sol = judged(next(one for one in eight_days if one.series.symbol == "SOL/USDT"), eight_days)
    assert sol.longest_hole == 166
    assert sol.good


def test_the_crash_of_may_2021_is_flagged_and_every_candle_of_it_stays():
    (doge,) = held("binance/DOGE-USDT/1m_*")
    found = inspect(doge.candles, doge.series.bar_us, Around("binance", "DOGE/USDT"))
    crash = 1_621_382_400_000_000  # 2021-05-19
    spans = next(one.spans for one in found.findings if one.defect is Defect.EXTREME)
    assert any(crash <= start < crash + 86_400_000_000 for start, _ in spans)
    assert found.count(Defect.OUTLIER) == 0
    assert found.rows == 105_718


def test_minutes_that_bitfinex_leaves_out_are_not_counted_as_loss():
    (btc,) = held("bitfinex/BTC-USD/1m_*")
    found = judged(btc, [btc])
    assert found.count(Defect.QUIET) + found.count(Defect.MISSING) == 6_243
    assert found.count(Defect.QUIET) > 5_000
    assert found.good


def test_equities_are_held_to_the_sessions_of_new_york():
    (spy,) = held("us-equity/SPY/1d_*")
    assert spy.series.text == "us-equity SPY 1d"
    found = judged(spy, [spy])
    assert (found.count(Defect.MISSING), found.score) == (0, 100.0)
