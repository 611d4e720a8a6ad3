"""Files as they are found in the wild become the candles that they mean, or are refused in one sentence."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from organism.errors import BadInput
from organism.lake.importing import Told, bring, files_of, found_in
from organism.lake.names import Kind
from organism.lake.store import Lake

BEGIN_S = 1_609_459_200  # 2021-01-01
ROWS = [(100 + i, 102 + i, 99 + i, 101 + i, 10.5 + i) for i in range(5)]


def one(path, **told):
    (found,) = found_in(path, Told(**told))
    return found


def made(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def assert_rows(found, step_s=60, begin_s=BEGIN_S, rows=ROWS):
    assert found.candles.open_us.tolist() == [(begin_s + i * step_s) * 1_000_000 for i in range(len(rows))]
    for name, column in zip(("open", "high", "low", "close", "volume"), zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(getattr(found.candles, name), column)
    assert found.sifted.refused == {}


def dump(unit, rows=ROWS):
    """A data.binance.vision file of klines, whose stamps count so many a second."""
    return "".join(
        f"{(BEGIN_S + i * 60) * unit},{o}.00000000,{h}.0,{low},{c},{v},{(BEGIN_S + i * 60 + 60) * unit - 1},1.5,7,0.2,0.3,0\n"
        for i, (o, h, low, c, v) in enumerate(rows)
    )


HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_an_exchange_dump_without_header_is_known_in_every_unit(tmp_path, unit):
    found = one(made(tmp_path, "BTCUSDT-1m-2021-01.csv", dump(unit)))
    assert_rows(found)
    assert (found.series.text, found.form) == ("binance BTC/USDT 1m", "exchange dump")


def test_an_exchange_dump_of_perpetuals_has_a_header_and_is_another_venue(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1m-2021-01.csv", HEADER + dump(1_000))
    found = one(made(tmp_path, "BTCUSDT-1m-2021-01.zip", packed.getvalue()))
    assert_rows(found)
    assert found.series.text == "binance-usdm BTC/USDT:USDT 1m"


def test_stamps_that_change_their_unit_midway_are_one_series(tmp_path):
    text = dump(1_000, ROWS)[: dump(1_000).index("\n") + 1] + "".join(
        dump(1_000_000).splitlines(keepends=True)[1:]
    )
    assert_rows(one(made(tmp_path, "BTCUSDT-1m-2025-01.csv", text)))


def test_cryptodatadownload_has_a_comment_comes_newest_first_and_mixes_its_stamps(tmp_path):
    lines = [
        f"{(BEGIN_S + i * 3600) * (1 if i < 3 else 1000)},{datetime.fromtimestamp(BEGIN_S + i * 3600, UTC):%Y-%m-%d %H:%M:%S},"
        f"BTC/USDT,{o},{h},{low},{c},{v},{v * 100},5"
        for i, (o, h, low, c, v) in enumerate(ROWS)
    ]
    text = (
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount\n"
        + "\n".join(reversed(lines))
        + "\n"
    )
    found = one(made(tmp_path, "Binance_BTCUSDT_1h.csv", text))
    assert_rows(found, 3600)
    assert (found.series.text, found.form) == ("binance BTC/USDT 1h", "CryptoDataDownload")


def test_old_cryptodatadownload_writes_hours_of_twelve_and_is_utc(tmp_path):
    hours = ("12-AM", "01-AM", "02-AM", "03-AM", "04-AM")
    lines = [
        f"2021-01-01 {hours[i]},BTCUSD,{o},{h},{low},{c},{v},7" for i, (o, h, low, c, v) in enumerate(ROWS)
    ]
    text = (
        "https://www.CryptoDataDownload.com\nDate,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n"
        + "\n".join(lines[::-1])
    )
    found = one(made(tmp_path, "Bitfinex_BTCUSD_1h.csv", text))
    assert_rows(found, 3600)
    assert found.series.text == "bitfinex BTC/USD 1h"


def test_bitfinex_writes_open_close_high_low(tmp_path):
    text = "".join(
        f"{(BEGIN_S + i * 60) * 1000},{o},{c},{h},{low},{v}\n" for i, (o, h, low, c, v) in enumerate(ROWS)
    )
    found = one(made(tmp_path, "btcusd.csv", text))
    assert_rows(found)
    assert (found.series.text, found.form) == ("bitfinex BTC/USD 1m", "Bitfinex order")


def test_yahoo_has_an_adjusted_close_that_is_not_the_close(tmp_path):
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n" + "".join(
        f"2021-01-{i + 1:02},{o},{h},{low},{c},{c / 2},{v}\n" for i, (o, h, low, c, v) in enumerate(ROWS)
    )
    found = one(made(tmp_path, "BTC-USD.csv", text))
    assert_rows(found, 86_400)
    assert found.series.text == "yahoo BTC/USD 1d"
    assert one(made(tmp_path, "AAPL.csv", text)).series.text == "yahoo AAPL 1d"


def test_yahoo_of_today_has_three_lines_of_header(tmp_path):
    text = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n" + "".join(
        f"2021-01-{i + 1:02},{c},{h},{low},{o},{v}\n" for i, (o, h, low, c, v) in enumerate(ROWS)
    )
    assert_rows(one(made(tmp_path, "AAPL.csv", text), venue="yahoo"), 86_400)


def test_freqtrade_json_is_a_list_of_lists(tmp_path):
    rows = [[(BEGIN_S + i * 300) * 1000, *row] for i, row in enumerate(ROWS)]
    found = one(made(tmp_path, "binance/BTC_USDT-5m.json", json.dumps(rows)))
    assert_rows(found, 300)
    assert found.series.text == "binance BTC/USDT 5m"


def test_freqtrade_feather_is_read_where_pyarrow_is_there(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="the extra [feather] is not installed")
    from pyarrow import feather

    columns = dict(
        zip(("open", "high", "low", "close", "volume"), map(list, zip(*ROWS, strict=True)), strict=True)
    )
    dates = pyarrow.array([(BEGIN_S + i * 300) * 1000 for i in range(5)], pyarrow.timestamp("ms", "UTC"))
    path = tmp_path / "binance" / "BTC_USDT_USDT-5m-futures.feather"
    path.parent.mkdir()
    feather.write_feather(pyarrow.table({"date": dates, **columns}), path)
    found = one(path)
    assert_rows(found, 300)
    assert found.series.text == "binance-usdm BTC/USDT:USDT 5m"


def test_feather_without_pyarrow_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"organism\[feather\]"):
        one(made(tmp_path, "BTC_USDT-5m.feather", b"ARROW1\0\0rest"))


def test_kraken_trades_become_candles(tmp_path):
    text = "1609459200.1234,100.0,1.5\n1609459210,102.5,0.5\n1609459259.9,99.0,1\n1609459260,101,2\n1609459261,-1,2\n"
    found = one(made(tmp_path, "XBTUSD.csv", text))
    assert found.series.text == "kraken BTC/USD 1m"
    assert found.candles.open_us.tolist() == [BEGIN_S * 1_000_000, (BEGIN_S + 60) * 1_000_000]
    assert [column.tolist() for column in found.candles.values()] == [
        [100.0, 101.0], [102.5, 101.0], [99.0, 101.0], [99.0, 101.0], [3.0, 2.0],
    ]  # fmt: skip
    assert [row.text for row in found.sifted.told] == [
        "row 5: price is a positive number up to 1e+15; was '-1'"
    ]
    assert len(one(tmp_path / "XBTUSD.csv", timeframe="1h").candles) == 1


def lean_zip(tmp_path, path, inner, rows):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(inner, "\n".join(rows))
    return made(tmp_path, path, packed.getvalue())


def test_lean_minutes_are_of_new_york_and_in_ten_thousandths(tmp_path):
    rows = [
        f"{34_200_000 + i * 60_000},{o}0000,{h}0000,{low}0000,{c}0000,{v}"
        for i, (o, h, low, c, v) in enumerate(ROWS)
    ]
    path = lean_zip(
        tmp_path, "equity/usa/minute/spy/20131007_trade.zip", "20131007_spy_minute_trade.csv", rows
    )
    found = one(path)
    assert_rows(found, 60, int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp()))
    assert (found.series.text, found.form) == ("us-equity SPY 1m", "Lean")


def test_lean_days_are_labelled_by_their_session(tmp_path):
    rows = [
        f"201310{7 + i:02} 00:00,{o}0000,{h}0000,{low}0000,{c}0000,{v}"
        for i, (o, h, low, c, v) in enumerate(ROWS)
    ]
    found = one(lean_zip(tmp_path, "equity/usa/daily/spy.zip", "spy.csv", rows))
    assert_rows(found, 86_400, int(datetime(2013, 10, 7, tzinfo=UTC).timestamp()))
    assert found.series.text == "us-equity SPY 1d"


def test_lean_quotes_are_no_candles_of_trades(tmp_path):
    with pytest.raises(BadInput, match="quote"):
        one(lean_zip(tmp_path, "20131007_quote.zip", "20131007_eurusd_minute_quote.csv", ["1,2,3,4,5,6"]))


def parquet(path, columns):
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        listed = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, kind, _ in columns)
        connection.execute(
            f"COPY (SELECT {listed}) TO '{path}' (FORMAT parquet)", [list(v) for _, _, v in columns]
        )
    return path


def ours(path, volume=True):
    numbers = list(zip(*ROWS, strict=True))
    columns = [("timestamp", "BIGINT", [(BEGIN_S + i * 3600) * 1000 for i in range(5)])]
    columns += [
        (name, "DOUBLE", values)
        for name, values in zip(("open", "high", "low", "close"), numbers, strict=False)
    ]
    return parquet(path, [*columns, ("volume", "DOUBLE", numbers[4])] if volume else columns)


def test_our_own_parquet_is_named_by_its_folders(tmp_path):
    found = one(ours(tmp_path / "binance-usdm" / "1000PEPE-USDT" / "1h_20210101_20210101.parquet"))
    assert_rows(found, 3600)
    assert found.series.text == "binance-usdm 1000PEPE/USDT:USDT 1h"


def test_mark_prices_have_no_volume_and_are_their_own_kind(tmp_path):
    found = one(ours(tmp_path / "mark" / "binance-usdm" / "BTC-USDT" / "1h.parquet", volume=False))
    assert found.series.kind is Kind.MARK
    assert np.isnan(found.candles.volume).all()


@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:-4] + b"XXXX"])
def test_a_truncated_parquet_file_is_refused(tmp_path, spoil):
    path = ours(tmp_path / "binance" / "BTC-USDT" / "1h.parquet")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BadInput, match=r"1h.parquet cannot be read"):
        one(path)


def test_a_parquet_file_of_another_schema_is_refused_with_its_columns(tmp_path):
    with pytest.raises(BadInput, match="its columns are: sentence, label"):
        one(parquet(tmp_path / "x.parquet", [("sentence", "VARCHAR", ["a"]), ("label", "VARCHAR", ["b"])]))


def plain(rows=ROWS, sep=",", time=lambda i: (BEGIN_S + i * 60) * 1000):
    return (
        sep.join(("timestamp", "open", "high", "low", "close", "volume"))
        + "\n"
        + "".join(sep.join(map(str, (time(i), *row))) + "\n" for i, row in enumerate(rows))
    )


WHO = {"venue": "binance", "symbol": "BTC/USDT"}


def test_a_mark_of_byte_order_semicolons_and_decimal_commas_are_read(tmp_path):
    text = plain(sep=";").replace(".", ",")
    assert_rows(one(made(tmp_path, "x.csv", b"\xef\xbb\xbf" + text.encode()), **WHO))
    assert_rows(one(made(tmp_path, "y.csv", text.encode("utf-16")), **WHO))


def test_scientific_notation_is_a_number(tmp_path):
    rows = [tuple(f"{value:.6e}" for value in row) for row in ROWS]
    assert_rows(
        one(made(tmp_path, "x.csv", plain(rows, time=lambda i: f"{(BEGIN_S + i * 60) * 1000:.12E}")), **WHO)
    )


def test_gz_is_unpacked(tmp_path):
    assert_rows(one(made(tmp_path, "BTCUSDT-1m.csv.gz", gzip.compress(plain().encode())), venue="binance"))


BAD = {
    "NaN": ("nan", "NaN"),
    "infinity": ("inf", "Infinity"),
    "too large a number": ("high", "1e308"),
    "a word": ("close", "n/a"),
    "nothing": ("open", ""),
    "zero": ("low", "0"),
    "minus": ("open", "-5"),
}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e308", "n/a", "", "0", "-5"])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_price_that_cannot_be_is_refused_with_row_rule_and_value(tmp_path, place, value):
    rows = [list(row) for row in ROWS]
    rows[2][place] = value
    found = one(made(tmp_path, "x.csv", plain(rows)), **WHO)
    name = ("open", "high", "low", "close")[place]
    assert [row.text for row in found.sifted.told] == [
        f"row 3: {name} is a positive number up to 1e+15; was {value!r}"
    ]
    assert len(found.candles) == 4


@pytest.mark.parametrize("value", ["-1", "NaN", "inf", "1e308", "none"])
def test_a_volume_that_cannot_be_is_refused(tmp_path, value):
    rows = [list(row) for row in ROWS]
    rows[4][4] = value
    found = one(made(tmp_path, "x.csv", plain(rows)), **WHO)
    assert [(row.row, row.value) for row in found.sifted.told] == [(5, value)]


def test_crossed_prices_times_that_cannot_be_and_short_rows_are_refused_and_counted(tmp_path):
    text = plain() + "1609459500000,10,5,9,8,1\nyesterday,1,2,1,1,1\n99,1,2,1,1,1\n1609459560000,1,2\n"
    found = one(made(tmp_path, "x.csv", text), **WHO)
    assert len(found.candles) == 5
    assert sum(found.sifted.refused.values()) == found.sifted.refused_rows == 4
    assert [row.row for row in found.sifted.told] == [6, 7, 8, 9]
    assert found.sifted.told[0].value == "10 5 9 8"


def test_equal_duplicates_are_dropped_and_differing_ones_reported(tmp_path):
    lines = plain().splitlines()
    other = lines[3].replace(",101", ",100.5", 1)
    found = one(made(tmp_path, "x.csv", "\n".join([*lines, lines[2], lines[2], other])), **WHO)
    assert_rows(found)
    assert (found.sifted.repeated, found.sifted.differing) == (2, 1)
    assert found.sifted.conflicts == ((BEGIN_S + 120) * 1_000_000,)


def test_an_order_of_dates_that_nothing_tells_is_refused_with_both_readings(tmp_path):
    text = plain(time=lambda i: f"0{i + 3}/04/2021")
    path = made(tmp_path, "x.csv", text)
    with pytest.raises(BadInput, match=r"2021-04-03 \(day first\) or 2021-03-04 \(month first\)"):
        one(path, **WHO)
    begin = int(datetime(2021, 4, 3, tzinfo=UTC).timestamp())
    assert_rows(one(path, **WHO, dates="dmy"), 86_400, begin)
    told = made(tmp_path, "y.csv", plain(time=lambda i: f"{i + 11}/04/2021"))
    assert_rows(one(told, **WHO), 86_400, int(datetime(2021, 4, 11, tzinfo=UTC).timestamp()))
    american = made(tmp_path, "z.csv", plain(time=lambda i: f"04/{i + 11}/2021 12:00 AM"))
    assert_rows(one(american, **WHO), 86_400, int(datetime(2021, 4, 11, tzinfo=UTC).timestamp()))


def test_clock_times_without_a_zone_are_refused_with_both_readings_and_read_with_one(tmp_path):
    path = made(tmp_path, "x.csv", plain(time=lambda i: f"2021-07-01 0{i + 5}:00"))
    with pytest.raises(BadInput, match=r"2021-07-01 05:00 UTC.*2021-07-01 09:00 UTC.*--tz"):
        one(path, **WHO)
    five = int(datetime(2021, 7, 1, 5, tzinfo=UTC).timestamp())
    assert_rows(one(path, **WHO, tz="UTC"), 3600, five)
    assert_rows(one(path, **WHO, tz="Europe/Berlin"), 3600, five - 7200)
    assert_rows(
        one(made(tmp_path, "y.csv", plain(time=lambda i: f"2021-07-01T0{i + 5}:00:00Z")), **WHO), 3600, five
    )
    offset = made(tmp_path, "z.csv", plain(time=lambda i: f"2021-07-01 0{i + 5}:00:00+02:00"))
    assert_rows(one(offset, **WHO), 3600, five - 7200)
    with pytest.raises(BadInput, match="leave --tz Asia/Tokyo out"):
        one(offset, **WHO, tz="Asia/Tokyo")
    with pytest.raises(BadInput, match="Mars/Olympus"):
        Told(tz="Mars/Olympus").checked()


def test_the_hour_that_a_clock_shows_twice_is_told_by_the_order_of_the_rows(tmp_path):
    clocks = (
        "2021-10-31 01:00",
        "2021-10-31 02:00",
        "2021-10-31 02:00",
        "2021-10-31 03:00",
        "2021-10-31 04:00",
    )
    found = one(made(tmp_path, "x.csv", plain(time=lambda i: clocks[i])), **WHO, tz="Europe/Berlin")
    assert_rows(found, 3600, int(datetime(2021, 10, 30, 23, tzinfo=UTC).timestamp()))


def test_whose_file_it_is_must_be_told_by_a_name_or_a_person(tmp_path):
    path = made(tmp_path, "prices/x.csv", plain())
    with pytest.raises(BadInput, match=r"no venue.*--venue"):
        one(path)
    with pytest.raises(BadInput, match=r"no symbol.*--symbol"):
        one(path, venue="kraken")


def test_a_name_that_contradicts_the_rows_is_refused(tmp_path):
    with pytest.raises(BadInput, match="rows are 1m apart, which are no 1h candles as its name says"):
        one(made(tmp_path, "Binance_BTCUSDT_1h.csv", plain()))


def test_a_finer_name_than_the_usual_step_is_believed(tmp_path):
    gappy = plain(time=lambda i: (BEGIN_S + i * 120) * 1000)
    assert one(made(tmp_path, "Kraken_BTCUSD_1m.csv", gappy)).series.timeframe == "1m"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "empty"),
        (b"timestamp,open,high,low,close,volume\n", "no rows"),
        (b"hello\nworld\n", "no row of numbers"),
        (b"a,b\n1,2\n3,4\n", "no row of numbers|no known order"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\xfa", "neither UTF-8 text"),
        (b"[1, 2", "JSON of no known form"),
        (b'{"error": 451}', "no column|no known form"),
        (b"1609459200000,1,2\0\0\0", "NUL"),
        (b"timestamp,open,high,close,volume\n1,2,3,4,5\n", "no column for low"),
    ],
)
def test_what_is_no_table_of_candles_is_refused_in_one_sentence(tmp_path, text, why):
    with pytest.raises(BadInput, match=why) as error:
        one(made(tmp_path, "BTCUSDT.csv", text), venue="binance")
    assert "\n" not in str(error.value)


def zipped(tmp_path, entries, name="BTCUSDT-1m.zip"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in entries:
            archive.writestr(inner, content)
    return made(tmp_path, name, packed.getvalue())


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"]
)
def test_a_name_that_points_out_of_an_archive_is_refused_and_writes_nothing(tmp_path, name):
    path = zipped(tmp_path / "in", [(name, dump(1000))])
    with pytest.raises(BadInput, match="points outside"):
        one(path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["BTCUSDT-1m.zip"]


def test_a_bomb_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr("organism.lake.importing.containers._FREE_BYTES", 1 << 20)
    with pytest.raises(BadInput, match="grows beyond"):
        one(zipped(tmp_path, [("BTCUSDT.csv", "0" * (40 << 20))]))
    with pytest.raises(BadInput, match="grows beyond"):
        one(made(tmp_path, "x.csv.gz", gzip.compress(b"0" * (40 << 20))))


def test_too_many_files_in_an_archive_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("organism.lake.importing.containers.MOST_MEMBERS", 3)
    with pytest.raises(BadInput, match="holds 4 files; at most 3"):
        one(zipped(tmp_path, [(f"{i}.csv", "x") for i in range(4)]))


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-30], lambda raw: raw[:20]])
def test_a_damaged_archive_is_refused(tmp_path, spoil):
    whole = zipped(tmp_path, [("BTCUSDT.csv", dump(1000))]).read_bytes()
    with pytest.raises(BadInput, match="damaged"):
        one(made(tmp_path, "BTCUSDT.zip", spoil(whole)))
    with pytest.raises(BadInput, match="damaged"):
        one(made(tmp_path, "BTCUSDT.csv.gz", gzip.compress(dump(1000).encode())[:-12]))


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", now_us=lambda: 1)


def test_a_folder_of_months_becomes_one_series_that_is_measured(tmp_path, lake):
    lines = dump(1000, ROWS * 4).splitlines(keepends=True)
    made(tmp_path, "in/BTCUSDT-1m-2021-01.csv", "".join(lines[:10]))
    made(tmp_path, "in/BTCUSDT-1m-2021-02.csv", "".join(lines[12:]))
    made(tmp_path, "in/notes.txt", "nothing to see")
    outcome = bring(lake, files_of([tmp_path / "in"]), Told(), now_us=lambda: 7)
    (found,) = outcome.series
    assert (found.new, found.same, found.revised, len(found.candles)) == (18, 0, 0, 18)
    assert (found.quality.gaps, found.quality.longest_hole) == (1, 2)
    assert [name for name, _ in outcome.failed] == ["notes.txt"]
    stored = lake.read(found.series)
    np.testing.assert_array_equal(stored.candles.open_us, found.candles.open_us)
    assert stored.sources[0] == "import BTCUSDT-1m-2021-01.csv (exchange dump)"
    again = bring(lake, files_of([tmp_path / "in"]), Told(), now_us=lambda: 8).series[0]
    assert (again.new, again.same) == (0, 18)


def test_stopped_between_months_the_months_that_came_are_kept_whole(tmp_path, lake):
    days = plain(ROWS * 12, time=lambda i: (BEGIN_S + i * 86_400) * 1000)
    path = made(tmp_path, "binance_BTCUSDT_1d.csv", days)
    asked = []
    outcome = bring(lake, [path], Told(), now_us=lambda: 7, stop=lambda: bool(asked.append(1) or True))
    assert outcome.stopped
    assert len(outcome.series[0].candles) == len(lake.read(outcome.series[0].series).candles) == 31


def test_a_second_file_that_differs_is_counted_as_differing_and_kept_as_a_revision(tmp_path, lake):
    first = made(tmp_path, "a/BTCUSDT-1m.csv", dump(1000))
    second = made(tmp_path, "b/BTCUSDT-1m.csv", dump(1000, [(100, 102, 99, 100.5, 10.5), *ROWS[1:]]))
    (found,) = bring(lake, [first, second], Told(), now_us=lambda: 7).series
    assert (found.repeated, found.differing, found.revised) == (4, 1, 1)
    assert lake.read(found.series).candles.close[0] == 100.5


def test_the_bench_imports_every_row_that_it_made(tmp_path):
    from organism.lake.importing.bench import bench_import

    found = bench_import(tmp_path, 20_000)
    assert (found["rows"], found["imported"], found["score"]) == (20_000, 20_000, 100.0)
    assert found["rows_per_s"] > 0
