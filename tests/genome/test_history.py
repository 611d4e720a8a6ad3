"""Markets from files: what is read, what is refused, and in which words."""

from datetime import UTC, datetime

import numpy as np
import pytest

from genome.history import (
    load,
    load_folder,
    quality,
    resampled,
    timeframe_seconds,
    with_fear_greed,
    with_funding,
)
from genome.history import tables as reading
from genome.market import market as made
from organism.errors import BadInput
from organism.market import AssetClass

NEW_YEAR = 1_704_067_200  # 2024-01-01, a Monday
HEADER = "timestamp,open,high,low,close,volume"
HOUR = 3_600


def row(i, price=100.0, step_s=300, **other):
    cells = {
        "timestamp": (NEW_YEAR + i * step_s) * 1_000, "open": price, "high": price + 1, "low": price - 1,
        "close": price + 0.5, "volume": 2.0,
    } | other  # fmt: skip
    return ",".join(str(v) for v in cells.values())


def csv(folder, rows, header=HEADER, name="BTC-USDT.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def refusal(path, **options):
    with pytest.raises(BadInput) as caught:
        load(path, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def bars(opens_s, bar_s=300, close=None, **rest):
    opens_s = np.asarray(opens_s, np.int64)
    close = np.full(opens_s.size, 100.0) if close is None else np.asarray(close, float)
    return made("X", opens_s, bar_s, (close, close + 1, close - 1, close, np.ones(opens_s.size)), **rest)


@pytest.mark.requirement("S4-14.4")
def test_parquet_and_csv_of_the_same_bars_are_the_same_market(tmp_path):
    import duckdb

    source = csv(tmp_path, [row(i, 100.1 + i / 3) for i in range(50)])
    target = tmp_path / "BTC.parquet"
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}'")  # noqa: S608

    one, other = load(source), load(target)

    assert one.symbol == "BTC-USDT"
    assert other.symbol == "BTC"
    assert one.bar_s == other.bar_s == 300
    assert one.size == 50
    np.testing.assert_array_equal(one.columns, other.columns)
    np.testing.assert_array_equal(one.open_s, other.open_s)


def test_a_parquet_time_says_itself_what_it_counts(tmp_path):
    import duckdb

    for kind in ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ", "TIMESTAMP_MS"):
        path = tmp_path / f"{kind}.parquet"
        # A zoned time is made of an instant: a cast from a plain one would take the machine's zone.
        instant = "to_timestamp" if kind == "TIMESTAMPTZ" else "epoch_ms"
        unit = 1 if kind == "TIMESTAMPTZ" else 1_000
        duckdb.sql(
            f"COPY (SELECT {instant}(({NEW_YEAR} + i * 300) * {unit})::{kind} AS timestamp, 10.0 AS open, "  # noqa: S608
            f"11.0 AS high, 9.0 AS low, 10.0 AS close, 1 AS volume FROM range(3) t(i)) TO '{path}'"
        )
        assert load(path).open_s.tolist() == [NEW_YEAR, NEW_YEAR + 300, NEW_YEAR + 600]


def test_columns_stand_in_any_order_and_optional_ones_are_taken(tmp_path):
    path = tmp_path / "A[1] 'b'.csv"
    path.write_text(
        "\ufeffVolume;close;LOW;high;open;timestamp;funding;mark_high;colour\n"
        f"3;10;9;12;11;{NEW_YEAR}000;0.0001;12.5;red\n4;;9;12;11;{NEW_YEAR + 60}000;;;blue\n"
    )
    found = load(path, symbol="A/B")

    assert found.symbol == "A/B"
    assert found.column("volume").tolist() == [3.0, 4.0]
    assert found.column("funding")[0] == 0.0001
    assert found.mark_high[0] == 12.5
    assert found.mark_low is None
    assert np.isnan(found.column("close")[1])
    assert np.isnan(found.column("fear_greed")).all()


@pytest.mark.requirement("S0-1.1.8")
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"high": 90}, "high was 90 and low 99"),
        ({"close": 250}, "close was 250, outside low 99 to high 101"),
        ({"open": 0}, "open was 0; a price is a positive number"),
        ({"low": -3}, "low was -3"),
        ({"close": "inf"}, "close was inf"),
        ({"volume": -1}, "volume was -1"),
        ({"open": "12,5x"}, "open was '12,5x', which is not a number"),
        ({"timestamp": ""}, "timestamp is missing"),
        ({"timestamp": "2024-01-01"}, "timestamp was '2024-01-01', which is not a number"),
        ({"timestamp": NEW_YEAR * 1_000 + 600_000.5}, "whole milliseconds"),
        ({"timestamp": NEW_YEAR * 1_000 + 600_001}, "opens on a whole second"),
    ],
)
def test_what_cannot_be_is_refused_by_file_row_and_value(tmp_path, cells, said):
    cells = {k: f'"{v}"' if "," in str(v) else v for k, v in cells.items()}
    sentence = refusal(csv(tmp_path, [row(0), row(1), row(2, **cells), row(3)]))
    assert sentence.startswith("BTC-USDT.csv, row 3")
    assert said in sentence


@pytest.mark.requirement("S0-1.1.8")
def test_order_and_completeness_of_stamps_are_checked(tmp_path):
    assert "row 3: 2024-01-01T00:05:00Z comes after 2024-01-01T00:10:00Z" in refusal(
        csv(tmp_path, [row(0), row(2), row(1)])
    )
    assert "row 3: 2024-01-01T00:05:00Z stands there twice, as 2 rows in all repeat" in refusal(
        csv(tmp_path, [row(0), row(1), row(1), row(2), row(2)])
    )
    late = row(9, timestamp=(NEW_YEAR + 400) * 1_000)
    assert "row 3: 2024-01-01T00:06:40Z opens 100 s after the bar before it" in refusal(
        csv(tmp_path, [row(0), row(1), late, row(2), row(3)])
    )


@pytest.mark.parametrize(
    ("factor", "unit"), [(1, "seconds"), (1_000_000, "microseconds"), (1_000_000_000, "nanoseconds")]
)
def test_stamps_in_another_unit_are_refused_by_the_reading_that_makes_sense(tmp_path, factor, unit):
    rows = [row(i, timestamp=(NEW_YEAR + 300 * i) * factor) for i in range(3)]
    sentence = refusal(csv(tmp_path, rows))
    assert f"looks like {unit} (2024-01-01T00:00:00Z)" in sentence
    assert "by 1,000" in sentence


def test_stamps_that_are_no_time_in_any_unit_are_refused(tmp_path):
    assert "no time between 1990 and 2100" in refusal(
        csv(tmp_path, [row(0, timestamp=0), row(0, timestamp=1)])
    )


def test_a_missing_or_doubled_column_is_named(tmp_path):
    sentence = refusal(csv(tmp_path, ["1,2"], header="timestamp,open"))
    assert "has no column 'high', 'low', 'close', 'volume'; its columns are: timestamp, open" in sentence
    assert "'open' twice" in refusal(csv(tmp_path, [row(0) + ",1"], header=HEADER + ",Open"))


@pytest.mark.parametrize("name", ["BTC.csv", "BTC.parquet"])
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, name):
    path = tmp_path / name
    assert "is not a file" in refusal(path)
    path.write_bytes(b"")
    assert "is empty: 0 bytes" in refusal(path)
    path.write_bytes(bytes(range(256)) * 20)
    assert refusal(path).startswith(name)
    assert "ends in '.xlsx'" in refusal(csv(tmp_path, [], name="a.xlsx"))


def test_a_header_alone_and_a_torn_row_are_refused(tmp_path):
    assert "has a header and no rows" in refusal(csv(tmp_path, []))
    assert refusal(csv(tmp_path, [row(0), "1704067500000,100", row(2)])).startswith(
        "BTC-USDT.csv cannot be read as csv"
    )


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = csv(tmp_path, [row(i) for i in range(5)])
    query = reading._query

    def meanwhile(change):
        def slow(*asked):
            found = query(*asked)
            change()
            return found

        monkeypatch.setattr(reading, "_query", slow)
        return refusal(path)

    assert "changed while it was read (size" in meanwhile(lambda: path.write_text(path.read_text() + row(5)))
    text = path.read_text()
    assert "same size, other bytes or time" in meanwhile(
        lambda: path.write_text(text.replace("100.5", "100.6"))
    )
    monkeypatch.setattr(reading, "_query", query)
    assert load(path).size == 6


def test_missing_prices_are_kept_as_void_bars_and_counted(tmp_path):
    found = load(csv(tmp_path, [row(0), row(1, close="nan"), row(2, volume=""), row(4), row(40)]))
    seen = quality(found)

    assert (seen.bars, seen.void, seen.no_volume) == (5, 1, 1)
    assert (seen.missing, seen.gaps) == (36, 2)
    assert [(h.after_s, h.until_s, h.missing) for h in seen.holes] == [
        (NEW_YEAR + 1_200, NEW_YEAR + 12_000, 35)
    ]
    said = " ".join(seen.sentences())
    assert "1 of 5 bars is void" in said
    assert "36 bars are missing, in 2 places" in said
    assert (
        "1 hole of more than 24 bars, which no position crosses: 2024-01-01T00:20:00Z to 2024-01-01T03:20:00Z"
        in said
    )


def test_twenty_four_missing_bars_are_no_hole():
    assert quality(bars([NEW_YEAR, NEW_YEAR + 300, NEW_YEAR + 300 * 26])).holes == ()
    assert len(quality(bars([NEW_YEAR, NEW_YEAR + 300, NEW_YEAR + 300 * 27])).holes) == 1


def test_one_bar_a_constant_market_and_a_good_one_are_told_apart(tmp_path):
    one = quality(load(csv(tmp_path, [row(0)])))
    flat = made("X", NEW_YEAR + 300 * np.arange(9), 300, (np.full(9, 5.0),) * 5)
    good = quality(load(csv(tmp_path, [row(i, 100 + i) for i in range(9)])))

    assert "no fill is possible" in one.sentences()[0]
    assert quality(flat).sentences() == ("The price never moves.",)
    assert good.sentences() == ()


def test_start_is_kept_and_end_is_not(tmp_path):
    path = csv(tmp_path, [row(i) for i in range(10)])
    found = load(path, start=NEW_YEAR + 600, end=NEW_YEAR + 1_500)
    assert found.open_s.tolist() == [NEW_YEAR + 600, NEW_YEAR + 900, NEW_YEAR + 1_200]
    assert load(path, start=NEW_YEAR + 2_700).bar_s == 300  # the file's step, though one bar is left
    assert "its bars run from 2024-01-01T00:00:00Z to 2024-01-01T00:45:00Z" in refusal(
        path, start=NEW_YEAR + 9_999
    )


def test_a_longer_timeframe_joins_bars_and_leaves_out_what_is_cut():
    close = np.arange(1.0, 31.0) + 100
    found = resampled(bars(NEW_YEAR + 600 + 300 * np.arange(30), close=close), HOUR)

    assert found.open_s.tolist() == [NEW_YEAR + HOUR]  # 00:10 begins and 02:40 ends inside an hour
    np.testing.assert_array_equal(found.columns[:5, 0], [111.0, 123.0, 110.0, 122.0, 12.0])
    assert found.bar_s == HOUR


def test_void_bars_and_gaps_within_a_longer_bar():
    close = np.array([10.0, np.nan, 12.0, np.nan, np.nan, np.nan])
    opens = NEW_YEAR + 300 * np.array([0, 1, 2, 3, 4, 5])
    found = resampled(bars(opens, close=close), 900)

    np.testing.assert_array_equal(found.column("close"), [12.0, np.nan])
    np.testing.assert_array_equal(found.column("high"), [13.0, np.nan])
    np.testing.assert_array_equal(found.column("volume"), [2.0, np.nan])


def test_weeks_begin_on_mondays(tmp_path):
    rows = [row(i, step_s=86_400) for i in range(21)]
    found = load(csv(tmp_path, rows), timeframe="1w")
    assert [datetime.fromtimestamp(int(s), UTC).weekday() for s in found.open_s] == [0, 0, 0]


def test_a_timeframe_that_is_no_multiple_is_refused(tmp_path):
    path = csv(tmp_path, [row(i) for i in range(20)])
    assert "7m" not in refusal(path, timeframe="7m")
    assert "is none" in refusal(path, timeframe="7m")
    assert "not one whole bar" in refusal(path, timeframe="1d")
    with pytest.raises(BadInput, match="looks like 5m"):
        timeframe_seconds("5 minutes")


def test_a_folder_is_one_market_a_file(tmp_path):
    csv(tmp_path, [row(i) for i in range(3)], name="ETH.csv")
    csv(tmp_path, [row(i) for i in range(5)], name="BTC.csv")
    (tmp_path / "notes.txt").write_text("not a market")
    told = []

    found = load_folder(tmp_path, progress=lambda *now: told.append(now))

    assert [(m.symbol, m.size) for m in found] == [("BTC", 5), ("ETH", 3)]
    assert told == [(0, 2, "BTC"), (1, 2, "ETH")]
    assert [m.symbol for m in load_folder(tmp_path, start=NEW_YEAR + 900)] == ["BTC"]
    with pytest.raises(BadInput, match="no bar between"):
        load_folder(tmp_path, start=NEW_YEAR + 9_000)
    (tmp_path / "BTC.parquet").write_bytes(b"x")
    with pytest.raises(BadInput, match="the same symbol twice"):
        load_folder(tmp_path)


def test_an_empty_folder_and_no_folder_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"holds no \.csv"):
        load_folder(tmp_path)
    with pytest.raises(BadInput, match="is not a folder"):
        load_folder(tmp_path / "absent")


def funding_file(folder, entries):
    path = folder / "funding.csv"
    path.write_text("timestamp,funding_rate\n" + "".join(f"{ms},{rate}\n" for ms, rate in entries))
    return path


def test_funding_is_rounded_to_the_minute_and_seen_only_after_settlement(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(24), HOUR)
    late_ms = 17  # a venue's stamp comes some milliseconds after the hour
    path = funding_file(
        tmp_path, [((NEW_YEAR + 8 * HOUR * i) * 1_000 + late_ms, 0.0001 * (i + 1)) for i in range(3)]
    )

    found = with_funding(market, path)

    assert found.asset_class is AssetClass.CRYPTO_PERPETUAL
    assert np.flatnonzero(found.funding_open).tolist() == [0, 8, 16]
    assert not found.funding_inside.any()
    seen = found.column("funding")
    assert seen[6] == 0.0001  # closes at 07:00
    # It closes at 08:00:00.000 and the venue stamped 08:00:00.017: rounded to the minute, it was seen 17 ms early.
    assert seen[7] == 0.0001
    assert seen[8] == 0.0002
    assert found.funding_gaps == 0


def test_a_rate_stamped_at_the_close_of_a_bar_is_seen_at_that_close(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(24), HOUR)
    path = funding_file(tmp_path, [((NEW_YEAR + 8 * HOUR * i) * 1_000, 0.0001 * (i + 1)) for i in range(3)])
    seen = with_funding(market, path).column("funding")
    assert seen[6] == 0.0001
    assert seen[7] == 0.0002


def test_funding_inside_a_bar_is_summed_and_a_missing_one_is_counted(tmp_path):
    market = bars(NEW_YEAR + 86_400 * np.arange(3), 86_400)
    stamps = [i for i in range(9) if i != 5]
    path = funding_file(tmp_path, [((NEW_YEAR + 28_800 * i) * 1_000, 0.001) for i in stamps])

    found = with_funding(market, path)

    np.testing.assert_allclose(found.funding_open, [0.001, 0.001, 0.001])
    np.testing.assert_allclose(found.funding_inside, [0.002, np.nan, 0.002])
    assert found.funding_gaps == 1
    assert "1 funding rates are missing" in " ".join(quality(found).sentences())


def test_a_venue_may_change_the_interval_of_its_funding(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(24 * 20), HOUR)
    hours = [*range(0, 240, 8), *range(240, 480, 4)]
    found = with_funding(
        market, funding_file(tmp_path, [((NEW_YEAR + h * HOUR) * 1_000, 0.0001) for h in hours])
    )
    assert found.funding_gaps == 0
    assert np.flatnonzero(found.funding_open).tolist() == hours


def test_rates_before_and_after_the_file_are_missing(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(72), HOUR)
    path = funding_file(tmp_path, [((NEW_YEAR + h * HOUR) * 1_000, 0.0001) for h in (24, 32, 40)])
    found = with_funding(market, path)
    assert np.flatnonzero(np.isnan(found.funding_open)).tolist() == [0, 8, 16, 48, 56, 64]
    assert found.funding_gaps == 6
    assert np.isnan(
        found.column("funding")[50]
    )  # the newest rate due is unknown; an old one is not passed off as new


def test_a_settlement_between_absent_bars_is_paid_at_the_next_open_but_not_across_a_hole(tmp_path):
    hours = np.array([0, 1, 2, 10, 11, 60, 61])
    market = bars(NEW_YEAR + HOUR * hours, HOUR)
    path = funding_file(tmp_path, [((NEW_YEAR + h * HOUR) * 1_000, 0.001) for h in range(0, 64, 8)])
    found = with_funding(market, path)
    assert np.flatnonzero(found.funding_open).tolist() == [0, 3]
    assert found.funding_open[3] == 0.001


def test_bad_funding_is_refused(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(20), HOUR)
    for entries, said in (
        ([(NEW_YEAR * 1_000, 1.0)], "a fraction is meant"),
        ([(NEW_YEAR * 1_000, 0.1), (NEW_YEAR * 1_000 + 5, 0.1)], "a second rate settles"),
        ([((NEW_YEAR - 99 * HOUR) * 1_000, 0.1)], "has no rate within the bars of X"),
    ):
        with pytest.raises(BadInput, match=said):
            with_funding(market, funding_file(tmp_path, entries))


def test_fear_and_greed_of_a_day_is_seen_from_the_next_day_on(tmp_path):
    path = tmp_path / "fg.csv"
    path.write_text(f"timestamp,value\n{NEW_YEAR}000,20\n{NEW_YEAR + 86_400}000,80\n")
    market = bars(NEW_YEAR + HOUR * np.arange(24 * 12), HOUR)

    seen = with_fear_greed(market, path).column("fear_greed")

    assert np.isnan(seen[:23]).all()
    assert seen[23] == 20  # closes at midnight
    assert seen[46] == 20
    assert seen[47] == 80
    assert np.isnan(seen[-1])  # ten days old is not today's mood


def test_the_future_of_events_never_changes_the_past(tmp_path):
    market = bars(NEW_YEAR + HOUR * np.arange(48), HOUR)
    entries = [((NEW_YEAR + 8 * HOUR * i) * 1_000, 0.0001 * (i + 1)) for i in range(6)]
    before = with_funding(market, funding_file(tmp_path, entries)).column("funding")
    tampered = [*entries[:3], *((ms, 0.3) for ms, _ in entries[3:])]
    after = with_funding(market, funding_file(tmp_path, tampered)).column("funding")
    np.testing.assert_array_equal(before[:23], after[:23])
    assert after[23] == 0.3


def test_reading_a_file_does_not_touch_it(tmp_path):
    path = csv(tmp_path, [row(i) for i in range(5)])
    path.chmod(0o444)
    before = path.read_bytes(), path.stat().st_mtime_ns
    load(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
