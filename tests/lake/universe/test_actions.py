"""Splits, dividends and new units under an old name are applied when history is read, and never to a row."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake.importing import Told, found_in
from organism.lake.names import series
from organism.lake.store import Lake
from organism.lake.universe import Action, adjusted, read_changes, universe, view
from tests.lake.made import START_US, changed, same, walk

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
DAY_US = 86_400_000_000
LATER = START_US + 5_000 * DAY_US


def day(n):
    return START_US + n * DAY_US


def lake_in(folder, table=""):
    lake = Lake(Path(folder) / "lake", now_us=lambda: LATER)
    lake.root.mkdir()
    (lake.root / "instruments.toml").write_text(table)
    return lake


def traded(true, at, units):
    """What was recorded of a price that is smooth in the newest unit: rows before `at` are in the old one."""
    old = np.where(np.arange(len(true)) < at, units, 1.0)
    return changed(
        true, open=true.open * old, high=true.high * old, low=true.low * old, close=true.close * old,
        volume=true.volume / old,
    )  # fmt: skip


SPLIT = '[[action]]\nvenue = "us-equity"\nsymbol = "XYZ"\nat = 2024-01-11\nunits = 7\n'


def test_history_across_a_split_is_in_the_new_unit_and_before_it_in_the_old_one(tmp_path):
    lake, true = lake_in(tmp_path, SPLIT), walk(20, "1d")
    stored = traded(true, 10, 7.0)
    lake.append(series("us-equity", "XYZ", "1d"), stored, source="x", received_us=LATER)
    found = view(lake, "us-equity", "XYZ", "", "1d", LATER).candles
    for ours, theirs in zip(found.values(), true.values(), strict=True):
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_allclose(found.close * found.volume, stored.close * stored.volume)
    assert same(view(lake, "us-equity", "XYZ", "", "1d", day(10) - 1).candles, stored.take(np.arange(9)))
    assert same(lake.read(series("us-equity", "XYZ", "1d")).candles, stored)


def test_a_dividend_leaves_the_return_of_who_held_it():
    candles = walk(10, "1d")
    paid = [Action("us-equity", "XYZ", day(4), dividend=2.0)]
    found = adjusted(candles, paid, LATER)
    np.testing.assert_allclose(found.close[4] / found.close[3], candles.close[4] / (candles.close[3] - 2.0))
    assert np.array_equal(found.volume, candles.volume)
    assert np.array_equal(found.close[4:], candles.close[4:])
    assert adjusted(candles, paid, day(4) - 1) is candles
    with pytest.raises(BadInput, match=r"us-equity XYZ: a dividend of 500 was paid on a close of \d+"):
        adjusted(candles, [Action("us-equity", "XYZ", day(4), dividend=500.0)], LATER)
    early = adjusted(candles, [Action("us-equity", "XYZ", day(0), dividend=500.0)], LATER)
    assert same(early, candles)  # nothing was held before it


def test_a_coin_that_was_redenominated_under_its_old_name_goes_on_without_a_jump(tmp_path):
    table = '[[action]]\nvenue = "binance"\nsymbol = "OLD/USDT"\nat = 2024-01-06T03:00:00Z\nunits = 0.001\n'
    lake, true = lake_in(tmp_path, table), walk(240, "1h")
    stored = traded(true, 123, 0.001)
    lake.append(series("binance", "OLD/USDT", "1h"), stored, source="x", received_us=LATER)
    found = view(lake, "binance", "OLD", "USDT", "1h", LATER).candles
    np.testing.assert_allclose(found.close, true.close)
    np.testing.assert_allclose(found.volume, true.volume)


def test_a_split_is_no_restlessness_of_an_instrument(tmp_path):
    lake, true = lake_in(tmp_path, SPLIT), walk(60, "1d")
    for venue in ("us-equity", "nobody"):
        lake.append(series(venue, "XYZ", "1d"), traded(true, 10, 7.0), source="x", received_us=LATER)
    unknown, known = (one.volatility for one in universe(lake, day(60)))
    assert known < 0.05
    assert unknown > 2.0


acts = st.lists(
    st.builds(
        Action, st.just("v"), st.just("S"), st.integers(-3, 40).map(day), st.floats(0.01, 100), st.just(0.0)
    ),
    max_size=6,
)


@given(acts, st.integers(-5, 45))
def test_turnover_stays_and_actions_of_after_a_date_change_nothing(actions, when):
    candles = walk(30, "1d")
    found = adjusted(candles, actions, day(when))
    np.testing.assert_allclose(found.close * found.volume, candles.close * candles.volume)
    later = [*actions, Action("v", "S", day(when) + 1, 3.0), Action("v", "S", day(when) + 2, dividend=1e9)]
    assert same(adjusted(candles, later, day(when)), found)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("units = 2\ndividend = 1", "either units"),
        ("", "either units"),
        ("units = 0", "units is a positive number"),
        ("units = nan", "units is a positive number"),
        ("dividend = inf", "dividend is a positive number"),
        ("dividend = -1", "dividend is a positive number"),
        ("shares = 2", "no use for shares"),
        (f"units = 2\n{SPLIT}{SPLIT}", "two actions are at one instant"),
    ],
)
def test_an_action_that_cannot_be_is_named(tmp_path, entry, said):
    lake = lake_in(tmp_path, f'[[action]]\nvenue = "us-equity"\nsymbol = "A"\nat = 2024-01-11\n{entry}\n')
    with pytest.raises(BadInput, match=said):
        read_changes(lake)


def test_an_own_entry_stands_above_a_shipped_one(tmp_path):
    table = '[[action]]\nvenue = "us-equity"\nsymbol = "AAPL"\nat = 2020-08-31\nunits = 5\n'
    found = read_changes(lake_in(tmp_path, table)).actions_of("us-equity", "AAPL")
    assert sorted(one.units for one in found) == [2.0, 2.0, 5.0, 7.0]


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded markets of shared/data are not here")
def test_apple_of_twenty_years_is_adjusted_as_another_program_adjusts_it(tmp_path):
    """Prices are recorded unadjusted; Lean's factors of them are (price factor) x (split factor) up to each day."""
    (recorded,) = found_in(next((DATA / "ohlcv/us-equity/AAPL").glob("1d_*")), Told())
    raw = recorded.candles
    path = str(DATA / "corporate_actions" / "AAPL_factors.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT * FROM read_parquet(?) ORDER BY timestamp", [path]).fetchnumpy()
    # The factor of a row is that up to its day, and the next row's is that after it.
    prices = np.append(rows["price_factor"], 1.0)
    last_us = rows["timestamp"] * 1_000
    dividends = [
        Action("us-equity", "AAPL", int(at) + DAY_US, dividend=float(ref * (1.0 - now / then)))
        for at, ref, now, then in zip(last_us, rows["reference_price"], prices, prices[1:], strict=False)
        if now < then
    ]
    splits = read_changes(lake_in(tmp_path)).actions_of("us-equity", "AAPL")
    assert len(dividends) > 20
    found = adjusted(raw, [*splits, *dividends], LATER)
    factor = np.append(rows["price_factor"] * rows["split_factor"], 1.0)
    expected = raw.close * factor[np.searchsorted(last_us, raw.open_us)]
    np.testing.assert_allclose(found.close, expected, rtol=2e-4)
    steps = np.abs(np.diff(np.log(found.close)))
    assert np.abs(np.diff(np.log(raw.close))).max() > 1.9  # seven for one
    assert steps.max() < 0.8  # the worst real day, 2000-09-29, lost half
