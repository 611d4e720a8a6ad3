"""Longer candles of shorter ones: which series they are made of, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake.candles import VALUES, joined
from organism.lake.derived import aggregated, bars, compared, source_of
from organism.lake.names import Kind, series, timeframe_us
from organism.lake.store import Lake
from tests.lake.made import BTC, START_US, changed, same, walk

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
HOURLY = series("binance", "BTC/USDT", "1h")
LATER_US = START_US + 400 * 24 * HOUR_US


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", now_us=lambda: LATER_US)


def hourly(lake, *stretch, **options):
    return bars(lake, "binance", "BTC/USDT", "1h", *stretch, **options)


@pytest.mark.parametrize("timeframe", ["5m", "1h", "1d", "1w"])
def test_longer_candles_are_those_that_pandas_makes(timeframe):
    candles = walk(30_000, start_us=START_US + 17 * MINUTE_US).take(np.arange(30_000) % 97 != 5)
    found, rows = aggregated(candles, timeframe_us(timeframe))
    frame = pd.DataFrame(
        dict(zip(VALUES, candles.values(), strict=True)),
        index=pd.to_datetime(candles.open_us, unit="us", utc=True),
    )
    rule = {"5m": "5min", "1h": "1h", "1d": "1D", "1w": "W-MON"}[timeframe]
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    groups = frame.resample(rule, label="left", closed="left")
    expected, counts = groups.agg(how).dropna(), groups.size()
    assert found.open_us.tolist() == (expected.index.as_unit("us").astype("int64")).tolist()
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(found, name), expected[name].to_numpy())
    assert np.allclose(found.volume, expected["volume"].to_numpy(), rtol=1e-12)
    assert rows.tolist() == counts[counts > 0].tolist()


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(1, 59))
def test_volume_is_neither_lost_nor_invented_and_prices_stay_inside(minutes, minute):
    candles = walk(401).take(np.array(sorted(minutes)))
    found, rows = aggregated(candles, minute * MINUTE_US)
    assert rows.sum() == len(candles)
    assert found.volume.sum() == pytest.approx(candles.volume.sum())
    assert found.high.max() == candles.high.max()
    assert found.low.min() == candles.low.min()
    assert (found.open_us % (minute * MINUTE_US) == 0).all()
    assert (np.diff(found.open_us) > 0).all()


def test_bars_are_made_of_the_finest_series_that_covers_the_stretch(lake):
    lake.append(HOURLY, walk(100, "1h"), source="x", received_us=1)
    lake.append(BTC, walk(3_000, start_us=START_US + 10 * HOUR_US), source="x", received_us=1)
    lake.append(series("binance", "BTC/USDT", "4h"), walk(50, "4h", seed=3), source="x", received_us=1)
    at = START_US + 10 * HOUR_US
    assert hourly(lake, at, at + 20 * HOUR_US).from_timeframe == "1m"
    assert hourly(lake, START_US, at).from_timeframe == "1h"
    assert hourly(lake).from_timeframe == "1h"
    assert same(hourly(lake).candles, walk(100, "1h"))
    assert source_of(lake, series("binance", "BTC/USDT", "4h"))[0].timeframe == "4h"
    made = hourly(lake, at, at + 20 * HOUR_US)
    assert same(made.candles, aggregated(walk(1_200, start_us=at), HOUR_US)[0])
    assert made.rows.tolist() == [60] * 20


def test_a_series_that_begins_within_the_first_bar_still_covers_the_stretch(lake):
    lake.append(HOURLY, walk(48, "1h"), source="x", received_us=1)
    lake.append(BTC, walk(48 * 60 - 7, start_us=START_US + 3 * MINUTE_US), source="x", received_us=1)
    found = hourly(lake, START_US, START_US + 48 * HOUR_US)
    assert found.from_timeframe == "1m"
    assert np.flatnonzero(found.provisional).tolist() == [0, 47]
    assert len(found.whole()) == 46


def test_a_bar_is_provisional_until_it_has_closed_and_all_of_it_was_recorded(tmp_path):
    now = START_US + 90 * MINUTE_US
    lake = Lake(tmp_path / "lake", now_us=lambda: now)
    lake.append(BTC, walk(90), source="x", received_us=1)
    assert hourly(lake).provisional.tolist() == [False, True]
    assert hourly(lake).rows.tolist() == [60, 30]
    lake.append(HOURLY.__class__("binance", "ETH/USDT", "1h"), walk(2, "1h"), source="x", received_us=1)
    assert bars(lake, "binance", "ETH/USDT", "1h").provisional.tolist() == [False, True]


def test_bars_as_of_an_instant_know_nothing_later(lake):
    candles = walk(240)
    lake.append(
        BTC, candles.between(None, START_US + 100 * MINUTE_US), source="x", received_us=START_US + HOUR_US * 2
    )
    lake.append(BTC, candles, source="x", received_us=START_US + HOUR_US * 5)
    wrong = changed(candles, volume=candles.volume + 1)
    lake.append(BTC, wrong, source="x", received_us=START_US + HOUR_US * 9)
    then = hourly(lake, as_of_us=START_US + HOUR_US * 2)
    assert then.rows.tolist() == [60, 40]
    assert then.provisional.tolist() == [False, True]
    assert same(hourly(lake, as_of_us=START_US + HOUR_US * 5).candles, aggregated(candles, HOUR_US)[0])
    assert same(hourly(lake).candles, aggregated(wrong, HOUR_US)[0])


@pytest.mark.requirement("S0-1.1.6")
def test_only_gaps_of_fewer_than_five_are_filled_in_a_view_flagged_and_never_stored(lake):
    candles = walk(60)
    absent = np.isin(np.arange(60), [5, 10, 11, 12, 13, 20, 21, 22, 23, 24, 40, 41])
    lake.append(BTC, candles.take(~absent), source="x", received_us=1)
    found = bars(lake, "binance", "BTC/USDT", "1m", fill=True)
    minute = ((found.candles.open_us - START_US) // MINUTE_US).tolist()
    assert [m for m, flag in zip(minute, found.filled, strict=True) if flag] == [5, 10, 11, 12, 13, 40, 41]
    assert sorted(set(range(60)) - set(minute)) == [20, 21, 22, 23, 24]
    for m in (5, 10, 13, 41):
        at = minute.index(m)
        before = {5: 4, 10: 9, 13: 9, 41: 39}[m]
        flat = [getattr(found.candles, name)[at] for name in VALUES]
        assert flat == [candles.close[before]] * 4 + [0.0]
        assert found.rows[at] == 0
    assert same(found.whole(), candles.take(~absent))
    assert same(lake.read(BTC).candles, candles.take(~absent))
    assert same(bars(lake, "binance", "BTC/USDT", "1m").candles, candles.take(~absent))


@given(st.sets(st.integers(0, 60), min_size=2))
def test_filling_never_touches_what_was_recorded(tmp_path_factory, minutes):
    lake = Lake(tmp_path_factory.mktemp("fill") / "lake", now_us=lambda: LATER_US)
    candles = walk(61).take(np.array(sorted(minutes)))
    lake.append(BTC, candles, source="x", received_us=1)
    found = bars(lake, "binance", "BTC/USDT", "1m", fill=True)
    assert same(found.candles.take(~found.filled), candles)
    assert (np.diff(found.candles.open_us) > 0).all()
    gaps = np.diff(candles.open_us) // MINUTE_US - 1
    assert found.filled.sum() == gaps[gaps < 5].sum()


def test_a_stored_coarser_series_is_compared_and_never_mixed(lake):
    minutes = walk(600, start_us=START_US + HOUR_US)
    lake.append(BTC, minutes, source="x", received_us=1)
    made, _ = aggregated(minutes, HOUR_US)
    volume, high = made.volume.copy(), made.high.copy()
    volume[2] *= 1.5
    high[4] *= 1.01
    stored = changed(made, volume=volume, high=high)
    earlier = walk(1, "1h")
    lake.append(HOURLY, joined(earlier, stored.take(np.arange(10) != 7)), source="y", received_us=1)
    found = compared(lake, HOURLY, BTC)
    assert (found.both, found.only_stored, found.only_derived, found.differing) == (9, 0, 1, 2)
    assert found.worst_volume == pytest.approx(1 / 3)
    assert found.worst_price == pytest.approx(0.01 / 1.01)
    assert found.first_us == tuple(made.open_us[[2, 4]].tolist())
    assert same(hourly(lake, int(made.open_us[0]), int(made.open_us[-1]) + 1).candles, made)
    with pytest.raises(BadInput, match="1m is not made of 1h"):
        compared(lake, BTC, HOURLY)


def test_series_that_agree_are_said_to_agree(lake):
    lake.append(BTC, walk(600), source="x", received_us=1)
    lake.append(HOURLY, aggregated(walk(600), HOUR_US)[0], source="y", received_us=1)
    found = compared(lake, HOURLY, BTC)
    assert (found.both, found.differing, found.worst_price, found.only_stored, found.only_derived) == (
        10,
        0,
        0.0,
        0,
        0,
    )


def test_mark_prices_stay_without_volume(lake):
    mark = series("binance-usdm", "X/USDT:USDT", "1m", Kind.MARK)
    lake.append(mark, changed(walk(130), volume=np.full(130, np.nan)), source="x", received_us=1)
    found = bars(lake, "binance-usdm", "X/USDT:USDT", "1h", kind=Kind.MARK)
    assert np.isnan(found.candles.volume).all()
    assert found.candles.high[0] == walk(60).high.max()


@pytest.mark.parametrize(
    ("symbol", "timeframe", "said"),
    [
        ("ETH/USDT", "1h", "holds no binance ETH/USDT; it holds binance BTC/USDT"),
        ("BTC/USDT", "90s", "binance BTC/USDT 90s cannot be made of what .* holds of it, which is 1m"),
        ("BTC/USDT", "1M", "A timeframe is a number and a unit"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(lake, symbol, timeframe, said):
    lake.append(BTC, walk(60), source="x", received_us=1)
    with pytest.raises(BadInput, match=said):
        bars(lake, "binance", symbol, timeframe)


def test_a_stretch_without_candles_is_said_with_the_one_there_is(lake):
    lake.append(BTC, walk(60), source="x", received_us=1)
    with pytest.raises(BadInput, match="it runs from 2024-01-01T00:00:00Z to 2024-01-01T00:59:00Z"):
        hourly(lake, START_US + 90 * HOUR_US, START_US + 95 * HOUR_US)
