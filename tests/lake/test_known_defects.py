"""Every defect that real files were found to have, each with a small made file, and what is done about it.

The list is that of the README of the recorded markets (shared/data), the defects of files in general below it. A name without
a file is in this one; `test_every_test_that_is_named_is_there` holds the table to the truth.

| defect | test |
|---|---|
| the exchange's own timeframes disagree: volume that does not add up, small differences of high and low | test_own_timeframes_that_disagree_are_told_and_never_mixed |
| the same, as a person is told of it | organism/test_cli_lake.py::test_a_list_compares_a_stored_coarser_series_with_the_finer_one |
| the venue was down, 33 hours at the longest: all symbols miss the same candles | test_quality.py::test_an_outage_that_all_symbols_share_is_named_and_costs_nothing |
| two downloads meet in a hole of 19 hours, which all symbols share | test_quality.py::test_a_hole_of_all_downloads_is_no_outage_where_another_timeframe_has_candles |
| the same of 8 days | test_quality.py::test_a_hole_of_three_days_is_no_outage |
| minutes without trades are absent | test_quality.py::test_minutes_that_bitfinex_leaves_out_are_named_where_binance_would_have_lost_them |
| candles without volume | test_quality.py::test_flat_candles_without_volume_are_minutes_without_trades_and_cost_nothing |
| columns stand in the order open, close, high, low | test_importing.py::test_bitfinex_writes_open_close_high_low |
| the receiver's clock is behind the exchange's | test_a_row_counts_from_the_clock_of_the_exchange_and_not_from_the_receivers |
| the same, of trades | test_a_trade_counts_from_the_clock_of_the_exchange_and_not_from_the_receivers |
| the same, of a correction | test_a_correction_that_came_by_a_clock_behind_is_not_known_before_its_candle_closed |
| a second source in single precision, of another dollar, 0.1 % off and 10 % on single days | test_yahoo_beside_binance_disagrees_on_the_days_that_are_off_and_on_no_other |
| the same, as a check finds the source by itself | test_a_second_source_is_the_same_symbol_or_else_one_of_another_dollar |
| volume is in quote currency | universe/test_universe.py::test_volume_is_the_median_of_days_in_quote_currency |
| equities are not adjusted for splits and dividends | universe/test_actions.py::test_history_across_a_split_is_in_the_new_unit_and_before_it_in_the_old_one |
| the same, of dividends | universe/test_actions.py::test_a_dividend_leaves_the_return_of_who_held_it |
| the same, as the quality of a history tells it | test_a_split_that_nobody_told_is_named_and_no_row_is_touched |
| a coin was redenominated under its old name | universe/test_actions.py::test_a_coin_that_was_redenominated_under_its_old_name_goes_on_without_a_jump |
| a coin has a new name and unit | universe/test_universe.py::test_one_history_goes_on_under_the_new_name_and_the_rows_stay |
| one name was two coins | universe/test_universe.py::test_a_name_used_twice_is_two_assets |
| a contract is of a thousand units | universe/test_universe.py::test_a_contract_of_a_thousand_units_is_shown_as_units |
| a contract migrated: another name and unit, both traded for a while | test_a_contract_that_migrated_is_one_history_though_both_traded_for_a_while |
| sessions, holidays, days labelled 00:00 UTC | test_quality.py::test_equities_owe_nothing_at_night_on_weekends_and_on_holidays |
| funding intervals change | test_funding_is_paid_when_it_settled_whatever_the_interval |
| funding is stamped some milliseconds late | context/test_context.py::test_funding_is_known_when_it_settles_to_the_microsecond |
| two downloads of funding meet in a hole of 231 days | test_a_hole_of_months_in_funding_is_counted_and_no_old_rate_stands_in |
| days are missing from fear and greed | test_a_day_without_fear_and_greed_shows_the_day_before_and_a_week_without_shows_nothing |
| macro series have trading days only | test_a_weekend_of_a_macro_series_shows_friday |
| mark prices have no volume | test_importing.py::test_mark_prices_have_no_volume_and_are_their_own_kind |
| a file names neither venue nor pair | test_importing.py::test_whose_file_it_is_must_be_told_by_a_name_or_a_person |
| no history of prices at all: headlines, factors, means of funding, quotes, order books, chains of options | test_what_is_no_history_is_refused_by_its_columns |
| duplicates, equal and differing | test_importing.py::test_equal_duplicates_are_dropped_and_differing_ones_reported |
| NaN, Infinity, 1e308, nothing, a word, zero, minus | test_importing.py::test_a_price_that_cannot_be_is_refused_with_row_rule_and_value |
| a negative volume | test_importing.py::test_a_volume_that_cannot_be_is_refused |
| crossed prices, impossible times, short rows | test_importing.py::test_crossed_prices_times_that_cannot_be_and_short_rows_are_refused_and_counted |
| the same, of what any program appends | test_store.py::test_a_candle_that_cannot_be_believed_never_enters |
| the same, of rates, trades and open interest | test_store.py::test_an_event_that_cannot_be_believed_never_enters |
| a bad tick, a mad wick | test_quality.py::test_a_bad_tick_that_is_gone_with_the_next_bar_is_an_outlier |
| a feed that repeats its last word | test_quality.py::test_a_feed_that_repeats_its_last_candle_is_stuck |
| a wrong time zone | test_quality.py::test_a_month_in_another_time_zone_is_found_against_a_second_source |
| stamps off the grid | test_quality.py::test_stamps_off_the_grid_are_misaligned_and_their_candles_are_not_missing |
| truncated Parquet that is brought in | test_importing.py::test_a_truncated_parquet_file_is_refused |
| truncated Parquet in the lake | test_store.py::test_a_truncated_part_is_named_in_one_sentence_with_what_to_do |
| Parquet of another schema that is brought in | test_importing.py::test_a_parquet_file_of_another_schema_is_refused_with_its_columns |
| Parquet of another schema in the lake | test_store.py::test_parquet_that_the_lake_did_not_write_is_named_and_left_alone |
| a lake of a newer version | test_store.py::test_a_lake_of_a_newer_version_is_neither_read_nor_written |
| the same, as a person is told of it | test_a_lake_that_cannot_be_used_is_told_in_one_sentence_by_every_command |
| path tricks in the names of symbols | test_names.py::test_a_trick_of_paths_is_one_folder_or_refused |
| the same, as a person types them | test_a_symbol_that_is_a_path_stays_inside_the_lake |
| path tricks in the names inside archives | test_importing.py::test_a_name_that_points_out_of_an_archive_is_refused_and_writes_nothing |
| a full disk in the middle of an append | test_store.py::test_a_disk_that_fills_in_the_middle_of_an_append_leaves_the_previous_state |
| the same, in the middle of an import of a person | test_a_disk_that_fills_in_the_middle_of_an_import_is_one_sentence_and_the_rows_of_before_are_there |
| two writers at once | test_store.py::test_two_processes_that_append_at_once_lose_nothing |
| a writer that is killed | test_store.py::test_a_crash_at_any_point_leaves_the_state_before_or_after_and_no_litter |

Not here, because the lake keeps no such series and refuses it: greeks that a vendor made up, and breaks of sequence in an
order book.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from genome.history.context import with_context
from genome.market import market
from organism.cli import run
from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.context import (
    as_known,
    candles_as_known,
    context_series,
    import_file,
    newest,
    vintages,
)
from organism.lake.derived import aggregated, bars, compared
from organism.lake.importing import Told, found_in
from organism.lake.names import Kind, series
from organism.lake.quality import Around, Defect, inspect
from organism.lake.quality.beside import Held, around
from organism.lake.store import Lake
from organism.lake.universe import view
from tests.lake.made import BTC, START_US, changed, same, walk
from tests.lake.spoiled import scaled

TESTS = Path(__file__).resolve().parents[1]
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
LATER_US = START_US + 4_000 * DAY_US
PERPETUAL = "BTC/USDT:USDT"


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", now_us=lambda: LATER_US)


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_every_test_that_is_named_is_there():
    rows = re.findall(r"\| (?:([\w/]+\.py)::)?(test_\w+) \|", __doc__)
    assert len(rows) == __doc__.count("\n| ") - 1
    for file, name in rows:
        near = TESTS / "lake" / file if file else Path(__file__)
        path = near if near.exists() else TESTS / file
        assert re.search(rf"^def {name}\(", path.read_text(), re.MULTILINE), f"{file} has no {name}"


def test_own_timeframes_that_disagree_are_told_and_never_mixed(lake):
    """As on 2021-04-22 02:00, when the volume of Binance's minutes did not add up to that of its hour."""
    minutes = walk(600)
    made, _ = aggregated(minutes, HOUR_US)
    volume, high, low = made.volume.copy(), made.high.copy(), made.low.copy()
    volume[2] *= 1.07
    high[5] *= 1 + 2e-6  # one tick
    low[7] *= 1 - 2e-6
    own = changed(made, volume=volume, high=high, low=low)
    hourly = series("binance", "BTC/USDT", "1h")
    lake.append(BTC, minutes, source="1m", received_us=1)
    lake.append(hourly, own, source="1h", received_us=1)
    found = compared(lake, hourly, BTC)
    assert (found.both, found.differing) == (10, 3)
    assert found.first_us == tuple(made.open_us[[2, 5, 7]].tolist())
    assert 1e-6 < found.worst_price < 3e-6
    assert found.worst_volume == pytest.approx(0.07 / 1.07)
    assert same(bars(lake, "binance", "BTC/USDT", "1h").candles, made)
    assert same(lake.read(hourly).candles, own)


@pytest.mark.parametrize("receiver", ["local_timestamp", "local_ns", "received_at"])
def test_a_row_counts_from_the_clock_of_the_exchange_and_not_from_the_receivers(tmp_path, receiver):
    """The receiver's clock runs 1.27 s behind: what it received in one minute was made in the next."""
    behind_us = 1_270_000
    at = START_US + MINUTE_US * np.arange(5)
    rows = "".join(
        f"{(us - behind_us) * 1_000},{us // 1_000},{100 + n},{102 + n},{99 + n},{101 + n},5\n"
        for n, us in enumerate(at.tolist())
    )
    path = written(tmp_path, "BTCUSDT-1m.csv", f"{receiver},timestamp,open,high,low,close,volume\n{rows}")
    (found,) = found_in(path, Told(venue="binance"))
    assert found.candles.open_us.tolist() == at.tolist()


def test_a_trade_counts_from_the_clock_of_the_exchange_and_not_from_the_receivers(tmp_path):
    at_ms = [START_US // 1_000 + 59_500 + 1_000 * n for n in range(3)]
    rows = "".join(
        f"{(ms - 1_270) * 1_000_000},{ms},{7 + n},{100 + n},2,True\n" for n, ms in enumerate(at_ms)
    )
    path = written(tmp_path, "BTCUSDT.csv", f"local_ns,timestamp,trade_id,price,qty,is_buyer_maker\n{rows}")
    (found,) = found_in(path, Told(venue="binance"), events=True)
    assert found.events.at_us.tolist() == [ms * 1_000 for ms in at_ms]


def test_a_correction_that_came_by_a_clock_behind_is_not_known_before_its_candle_closed(lake):
    candles = walk(3)
    closes_us = START_US + MINUTE_US * np.arange(1, 4)
    lake.append(BTC, candles, source="x", received_us=int(closes_us[-1]) - 1_270_000)
    volume = candles.volume + 1.0
    lake.append(BTC, changed(candles, volume=volume), source="x", received_us=int(closes_us[-1]) - 1_000_000)
    for known, at_us in enumerate([START_US, *closes_us.tolist()]):
        assert len(candles_as_known(lake, BTC, at_us)) == known
        assert len(candles_as_known(lake, BTC, at_us - 1)) == max(0, known - 1)
    before = candles_as_known(lake, BTC, int(closes_us[-1]) - 1)
    assert before.volume.tolist() == volume[:2].tolist()
    assert candles_as_known(lake, BTC, int(closes_us[-1])).volume.tolist() == volume.tolist()


def test_yahoo_beside_binance_disagrees_on_the_days_that_are_off_and_on_no_other():
    ours = walk(900, "1d", price=40_000.0)
    drawn = np.random.default_rng(3)
    off = (
        1.0 + drawn.standard_normal(900) * 1e-3 + 4e-4
    )  # 0.1 % from day to day, and a dollar that is no tether
    theirs = scaled(ours, slice(None), np.float32(1.0))
    close = (ours.close * off).astype(np.float32).astype(np.float64)
    close[[100, 101, 500]] *= (1.1, 0.92, 1.05)
    theirs = changed(theirs, close=close, volume=ours.volume * ours.close)
    found = inspect(ours, DAY_US, Around("binance", "BTC/USDT", second=theirs))
    assert found.count(Defect.DISAGREEING) == 3
    assert [start for one in found.findings for start, _ in one.spans] == [
        START_US + n * DAY_US for n in (100, 500)
    ]
    assert found.good
    close[[100, 101, 500]] /= (1.1, 0.92, 1.05)
    assert (
        inspect(ours, DAY_US, Around("binance", "BTC/USDT", second=changed(theirs, close=close))).score
        == 100.0
    )


def test_a_second_source_is_the_same_symbol_or_else_one_of_another_dollar():
    def held(text):
        return Held(series(*text.split()), lambda: walk(50, "1d"))

    def second(own, *others):
        return around(held(own), [held(other) for other in others]).second_name

    yahoo, kraken, euro = "yahoo BTC/USD 1d", "kraken BTC/USDT 1d", "kraken BTC/EUR 1d"
    assert second("binance BTC/USDT 1d", yahoo, euro) == yahoo
    assert second("binance BTC/USDT 1d", yahoo, kraken) == kraken
    assert second("yahoo BTC/USD 1d", "binance BTC/USDT 1d") == "binance BTC/USDT 1d"
    for other in (
        euro,
        "binance BTC/USD 1d",
        "yahoo BTC/USD 1h",
        "yahoo ETH/USD 1d",
        "bybit BTC/USDT:USDT 1d",
    ):
        assert second("binance BTC/USDT 1d", other) == ""
    assert second("binance-usdm BTC/USDT:USDT 1d", yahoo, "bybit BTC/USD:BTC 1d") == ""
    assert second("us-equity USD 1d", "yahoo USDT 1d") == ""


def test_a_split_that_nobody_told_is_named_and_no_row_is_touched():
    whole = scaled(walk(900, "1h"), slice(0, 500), 7.0)
    found = inspect(whole, HOUR_US, Around("mine", "XYZ"))
    (split,) = found.findings
    assert (split.defect, split.places, found.score) == (Defect.EXTREME, 1, 100.0)
    assert split.spans[0][0] == START_US + 500 * HOUR_US


def test_a_contract_that_migrated_is_one_history_though_both_traded_for_a_while(lake):
    """A perpetual of OLD became one of a thousand NEW, one OLD being a hundred NEW; the old one went on for three days."""
    lake.root.mkdir()
    (lake.root / "instruments.toml").write_text(
        '[[change]]\nbefore = "OLD"\nafter = "NEW"\nat = 2024-01-11\nfactor = 100\n'
        '[[multiple]]\ncontract = "1000NEW"\nasset = "NEW"\nunits = 1000\n'
    )
    old, new = walk(13, "1d"), walk(10, "1d", START_US + 10 * DAY_US, seed=2, price=1_000.0)
    for symbol, rows in (("OLD/USDT:USDT", old), ("1000NEW/USDT:USDT", new)):
        lake.append(series("binance-usdm", symbol, "1d"), rows, source="x", received_us=LATER_US)
    found = view(lake, "binance-usdm", "NEW", "USDT", "1d", LATER_US, settle="USDT")
    assert [(one.symbol, one.factor) for one in found.pieces] == [
        ("OLD/USDT:USDT", 100.0),
        ("1000NEW/USDT:USDT", 1_000.0),
    ]
    expected = np.r_[old.close[:10] / 100, new.close / 1_000]
    np.testing.assert_allclose(found.candles.close, expected)
    turnover = np.r_[(old.close * old.volume)[:10], new.close * new.volume]
    np.testing.assert_allclose(found.candles.close * found.candles.volume, turnover)


def settled(lake, hours):
    at = START_US + HOUR_US * np.array(hours, np.int64)
    name = series("binance-usdm", PERPETUAL, "", Kind.FUNDING)
    rates = 1e-4 * (1 + np.arange(at.size) % 7)
    lake.append_events(name, Events(at, {"rate": rates}), source="x", received_us=LATER_US)
    return rates


def hourly_market(n):
    flat = np.full(n, 100.0)
    return market(PERPETUAL, START_US // 1_000_000 + 3_600 * np.arange(n), 3_600, (flat,) * 5)


def test_funding_is_paid_when_it_settled_whatever_the_interval(lake):
    hours = [*range(0, 80, 8), *range(80, 120, 4), *range(120, 160), *range(160, 240, 8)]
    rates = settled(lake, hours)
    (found,) = with_context([hourly_market(239)], lake, "binance-usdm")
    assert found.funding_gaps == 0
    assert np.flatnonzero(found.funding_open).tolist() == hours
    np.testing.assert_allclose(found.funding_open[hours], rates)
    seen = found.column("funding")
    last = np.searchsorted(hours, np.arange(1, 240), side="right") - 1  # at the close of each bar
    np.testing.assert_allclose(seen, rates[last])


def test_a_hole_of_months_in_funding_is_counted_and_no_old_rate_stands_in(lake):
    hole_h = 5_544
    settled(lake, [*range(0, 80, 8), *range(72 + hole_h, 72 + hole_h + 80, 8)])
    (found,) = with_context([hourly_market(72 + hole_h + 79)], lake, "binance-usdm")
    assert found.funding_gaps == hole_h // 8 - 1
    seen = found.column("funding")
    assert np.isfinite(seen[:79]).all()
    assert np.isnan(seen[79 : 71 + hole_h]).all()
    assert np.isfinite(seen[71 + hole_h :]).all()


def days(*entries):
    return "".join(
        f"{datetime.fromtimestamp(START_US // 1_000_000 + d * 86_400, UTC):%Y-%m-%d},{v}\n"
        for d, v in entries
    )


def test_a_day_without_fear_and_greed_shows_the_day_before_and_a_week_without_shows_nothing(lake, tmp_path):
    """The service has no value for 14 to 16 April 2018, and none for 26 October 2024."""
    text = "date,value\n" + days(*((d, 10 + d) for d in (0, 1, 2, 6, 7, 20)))
    import_file(lake, written(tmp_path, "fg.csv", text), "fear_greed")
    read = vintages(lake, context_series("fear_greed"))
    midnights = START_US + DAY_US * np.array([2, 3, 4, 6, 7, 8, 15, 16, 21])
    np.testing.assert_array_equal(
        newest(read, midnights, "fear_greed"), [11, 12, 12, 12, 16, 17, 17, np.nan, 30]
    )
    assert as_known(read, LATER_US).at_us.tolist() == [START_US + d * DAY_US for d in (0, 1, 2, 6, 7, 20)]


def test_a_weekend_of_a_macro_series_shows_friday(lake, tmp_path):
    import_file(
        lake, written(tmp_path, "vix.csv", "date,close\n" + days((3, 13.0), (4, 14.0), (7, 15.0))), "vix"
    )
    read = vintages(lake, context_series("vix"))
    midnights = START_US + DAY_US * np.array([5, 6, 7, 8])  # of Saturday to Tuesday
    np.testing.assert_array_equal(newest(read, midnights, "vix"), [14, 14, 14, 15])


@pytest.mark.parametrize(
    "header",
    [
        "sentence,label",
        "timestamp,price_factor,split_factor,reference_price",
        "timestamp,funding_mean,funding_abs",
        "timestamp,bid,bid_qty,ask,ask_qty",
        "timestamp,value,classification",
        "timestamp,underlying,expiry,strike,right,open,high,low,close,volume",
        "timestamp,transact_ms,local_ns,first_id,last_id,prev_last_id,side,price,qty",
        "timestamp,event_ms,last_update_id,side,price,qty",
    ],
)
def test_what_is_no_history_is_refused_by_its_columns(tmp_path, header):
    row = ",".join(["1704067200000", *"123456789"][: header.count(",") + 1])
    path = written(tmp_path, "BTCUSDT-1m.csv", f"{header}\n{row}\n{row}\n")
    why = "its columns (are|were)|of no known order|holds an order book|holds a chain of options"
    with pytest.raises(BadInput, match=why) as refused:
        list(found_in(path, Told(venue="binance")))
    assert str(refused.value).startswith("BTCUSDT-1m.csv")
    assert "\n" not in str(refused.value)


TRICKS = ("../../outside", "/etc/passwd", "..", "a/../../b", "%2e%2e%2fx", "C:\\x", "~root", "nul")


@pytest.mark.parametrize("trick", TRICKS)
def test_a_symbol_that_is_a_path_stays_inside_the_lake(tmp_path, capsys, trick):
    rows = "".join(f"{START_US // 1_000 + n * 60_000},100,102,99,101,5\n" for n in range(5))
    path = written(tmp_path, "mine.csv", f"timestamp,open,high,low,close,volume\n{rows}")
    state = tmp_path / "state"
    words = ["data", "import", str(path), "--venue", "mine", "--symbol", trick, "--state", str(state)]
    status = run(words)
    said = capsys.readouterr().err
    assert status in (0, 1) or (status == 2 and said.count("\n") == 1)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and p != path and not p.is_relative_to(state)]
    assert outside == []
    made = Lake(state / "lake", now_us=lambda: LATER_US)
    assert [one.symbol for one in made.all()] == ([trick] if status != 2 else [])
    assert "Traceback" not in said


def spoil_version(lake):
    (lake.root / "version").write_text("7\n")


def truncate(lake):
    (part,) = lake.files(BTC)
    part.write_bytes(part.read_bytes()[:500])


@pytest.mark.parametrize(
    ("spoil", "said"), [(spoil_version, "is a lake of version 7"), (truncate, "restore it from a backup")]
)
@pytest.mark.parametrize(
    "words",
    [
        ("data", "list"),
        ("data", "check"),
        ("data", "universe", "--as-of", "2024-02-01"),
        ("backtest", "ema_crossover", "--data", "lake", "--venue", "binance", "--symbols", "BTC/USDT", "--timeframe", "1h"),
    ],
)  # fmt: skip
def test_a_lake_that_cannot_be_used_is_told_in_one_sentence_by_every_command(
    tmp_path, capsys, words, spoil, said
):
    lake = Lake(tmp_path / "lake", now_us=lambda: LATER_US)
    lake.append(BTC, walk(3_000), source="x", received_us=1)
    before = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}
    spoil(lake)
    after = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}
    assert run([*words, "--state", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert said in told.err
    assert {p: p.read_bytes() for p in before} == after


LIMITED = """
import resource, sys
from organism.cli import run
from organism.lake.store import Lake
from pathlib import Path
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sys.exit(run(sys.argv[2:]))
"""


def test_a_disk_that_fills_in_the_middle_of_an_import_is_one_sentence_and_the_rows_of_before_are_there(
    tmp_path,
):
    def file(name, n):
        made = walk(n)
        rows = zip(
            (made.open_us // 1_000).tolist(), *(column.tolist() for column in made.values()), strict=True
        )
        text = "\n".join(",".join(map(str, row)) for row in rows)
        return written(tmp_path, name, f"timestamp,open,high,low,close,volume\n{text}\n")

    words = ["--venue", "binance", "--symbol", "BTC/USDT", "--state", str(tmp_path / "state")]
    assert run(["data", "import", str(file("a.csv", 500)), *words]) == 0
    lake = Lake(tmp_path / "state" / "lake", now_us=lambda: LATER_US)
    before = lake.read(BTC).candles
    assert len(before) == 500
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, "30000", "data", "import", str(file("b.csv", 20_000)), *words],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "could not be written" in ended.stderr
    assert "what was stored before is unharmed" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert same(lake.read(BTC).candles, before)
    assert run(["data", "import", str(tmp_path / "b.csv"), *words]) == 0
    assert same(lake.read(BTC).candles, walk(20_000))
