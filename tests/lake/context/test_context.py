"""Context is seen when it was known, and not before."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.context import (
    LAGS,
    Vintages,
    as_known,
    candles_as_known,
    context_series,
    import_file,
    known_at,
    newest,
    table,
    upcoming,
    vintages,
)
from organism.lake.context.moods import Mood, mood
from organism.lake.names import Kind, series
from organism.lake.store import Lake
from tests.lake.made import BTC, START_US, changed, walk

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SOON = START_US + 400 * DAY_US


def lake_in(folder, now_us=SOON):
    return Lake(folder / "lake", now_us=lambda: now_us)


def written(folder, text, name="file.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


said = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 30), st.integers(0, 99)),
    max_size=30,
    unique_by=lambda r: r[:2],
)


def made(rows):
    rows = sorted(rows)
    at, late, value = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    return Vintages(at, at + late, value.astype(float))


@given(said, st.integers(-1, 60))
def test_no_value_is_visible_before_it_was_known(rows, when):
    seen = as_known(made(rows), when)
    assert (seen.known_us <= when).all()
    assert (seen.at_us <= when).all()
    assert (np.diff(seen.at_us) > 0).all()


@given(said, said, st.integers(-1, 60))
def test_what_becomes_known_later_never_changes_what_was_known(rows, more, when):
    keys = {row[:2] for row in rows}
    later = [row for row in more if row[:2] not in keys and row[0] + row[1] > when]
    before, after = made(rows), made([*rows, *later])
    one, other = as_known(before, when), as_known(after, when)
    assert one.at_us.tolist() == other.at_us.tolist()
    assert one.values.tolist() == other.values.tolist()
    asked = np.array([when])
    np.testing.assert_array_equal(newest(before, asked), newest(after, asked))


@given(said, st.lists(st.integers(-1, 60), max_size=8))
def test_the_newest_value_is_the_last_of_what_was_known(rows, times):
    read = made(rows)
    found = newest(read, np.array(times, np.int64))
    for when, value in zip(times, found.tolist(), strict=True):
        there = as_known(read, when)
        np.testing.assert_equal(value, there.values[-1] if len(there) else np.nan)


@pytest.mark.parametrize("name", LAGS)
@given(st.integers(0, 10**15))
def test_a_lag_is_never_negative_and_what_is_said_of_a_day_is_known_when_the_day_is_over(name, at):
    (known,) = known_at(name, np.array([at]), bar_us=HOUR_US).tolist()
    assert known >= at
    if name in {"fear_greed", "vix", "dxy"}:
        assert known % DAY_US == 0
        assert 0 < known - at <= DAY_US
    elif name in {"mark", "candles"}:
        assert known == at + HOUR_US


def test_a_series_without_a_lag_is_refused():
    with pytest.raises(BadInput, match="there is no context series 'gold'"):
        known_at("gold", np.array([0]))
    with pytest.raises(BadInput, match="length of a candle was 0"):
        known_at("mark", np.array([0]))


def test_the_table_for_people_has_every_series():
    rows = table().splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == list(LAGS)


def test_fear_and_greed_of_a_day_is_seen_from_the_next_midnight_and_not_after_a_week(tmp_path):
    lake = lake_in(tmp_path)
    path = written(
        tmp_path, "timestamp,value,classification\n1704067200000,20,Extreme Fear\n1704153600000,60,Greed\n"
    )
    (done,) = import_file(lake, path, "fear_greed")
    assert done.appended == (2, 0, 0)
    assert done.refused == ()
    read = vintages(lake, context_series("fear_greed"))
    hours = START_US + HOUR_US * np.array([0, 23, 24, 47, 48, 48 + 7 * 24, 49 + 7 * 24])
    np.testing.assert_array_equal(newest(read, hours, "fear_greed"), [np.nan, np.nan, 20, 20, 60, 60, np.nan])
    assert import_file(lake, path, "fear_greed")[0].appended == (0, 2, 0)


def test_a_revised_value_shows_what_was_believed_before(tmp_path):
    first, second = lake_in(tmp_path, START_US + 3 * DAY_US), lake_in(tmp_path, START_US + 5 * DAY_US)
    import_file(first, written(tmp_path, "date,value\n2024-01-01,20\n"), "vix")
    import_file(second, written(tmp_path, "date,value\n2024-01-01,25\n"), "vix")
    read = vintages(second, context_series("vix"))
    days = START_US + DAY_US * np.array([0, 1, 4, 5])
    np.testing.assert_array_equal(newest(read, days, "vix"), [np.nan, 20, 20, 25])
    assert len(read) == 2


def test_vintages_that_a_file_tells_are_kept_and_never_move_a_value_forward(tmp_path):
    lake = lake_in(tmp_path)
    text = (
        "date,value,vintage\n2024-01-01,20,2024-01-03\n2024-01-01,22,2024-01-08\n2024-01-02,30,2023-12-01\n"
    )
    import_file(lake, written(tmp_path, text), "dxy")
    read = vintages(lake, context_series("dxy"))
    assert ((read.known_us - START_US) // DAY_US).tolist() == [2, 7, 2]
    assert as_known(read, START_US + 6 * DAY_US).values.tolist() == [20.0, 30.0]
    assert as_known(read, START_US + 7 * DAY_US).values.tolist() == [22.0, 30.0]


def test_funding_is_known_when_it_settles_to_the_microsecond(tmp_path):
    lake = lake_in(tmp_path)
    text = "timestamp,funding_rate\n1704067200008,0.0001\n1704096000000,-0.0002\n"
    where = {"venue": "binance-usdm", "symbol": "BTC/USDT:USDT"}
    import_file(lake, written(tmp_path, text), "funding", **where)
    read = vintages(lake, context_series("funding", **where))
    asked = np.array([START_US, START_US + 8_000, START_US + 8 * HOUR_US])
    np.testing.assert_array_equal(newest(read, asked, "funding"), [np.nan, 0.0001, -0.0002])


def test_mark_prices_and_open_interest_are_known_at_their_close_and_five_minutes_on(tmp_path):
    lake = lake_in(tmp_path)
    where = {"venue": "binance-usdm", "symbol": "BTC/USDT:USDT"}
    marks = "timestamp,open,high,low,close\n1704067200000,10,12,9,11\n1704070800000,11,13,10,12\n1704074400000,1,2,3,4\n"
    (done,) = import_file(lake, written(tmp_path, marks), "mark", **where)
    assert done.series == series("binance-usdm", "BTC/USDT:USDT", "1h", Kind.MARK)
    assert done.refused == ("row 3: its prices are not those of a candle",)
    read = vintages(lake, done.series)
    asked = START_US + np.array([HOUR_US - 1, HOUR_US, 2 * HOUR_US])
    np.testing.assert_array_equal(newest(read, asked), [np.nan, 11, 12])
    interest = "create_time,sum_open_interest,sum_open_interest_value\n2024-01-01 00:00:00,5,500\n"
    (done,) = import_file(lake, written(tmp_path, interest), "open_interest", **where)
    asked = START_US + np.array([5 * 60_000_000 - 1, 5 * 60_000_000])
    np.testing.assert_array_equal(newest(vintages(lake, done.series), asked), [np.nan, 5])
    assert vintages(lake, done.series, value="value").values.tolist() == [500.0]


def test_candles_count_from_their_close_and_a_correction_from_when_it_came(tmp_path):
    lake, candles = lake_in(tmp_path), walk(10)
    lake.append(BTC, candles, source="x", received_us=SOON)
    close = candles.close.copy()
    close[3] = candles.high[3]
    lake.append(BTC, changed(candles, close=close), source="x", received_us=SOON + 5)
    minute = 60_000_000
    assert len(candles_as_known(lake, BTC, START_US + 4 * minute - 1)) == 3
    before = candles_as_known(lake, BTC, SOON + 4)
    assert len(before) == 10
    assert before.close[3] == candles.close[3]
    assert candles_as_known(lake, BTC, SOON + 5).close[3] == candles.high[3]


CALENDAR = """BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;TZID=America/New_York:20240131T140000
SUMMARY:FOMC rate dec
 ision
CREATED:20230801T120000Z
END:VEVENT
BEGIN:VEVENT
DTSTART:20240111T133000Z
SUMMARY:Consumer Price Index\\, December
DTSTAMP:20250101T000000Z
END:VEVENT
BEGIN:VEVENT
DTSTART:20240105T133000Z
SUMMARY:Employment Situation
CREATED:20230901T000000Z
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
DTSTART:20240105T133000Z
RRULE:FREQ=MONTHLY
SUMMARY:Nonfarm payrolls
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_shows_what_was_announced_and_no_surprise_before_it_happened(tmp_path):
    lake = lake_in(tmp_path)
    done = import_file(lake, written(tmp_path, CALENDAR, "dates.ics"), "calendar")
    assert {one.series.symbol for one in done} == {"FOMC", "CPI", "JOBS"}
    assert [line for one in done for line in one.refused] == [
        "event 4: 'Nonfarm payrolls' repeats by a rule (RRULE), which is not followed; list each date"
    ]
    ahead = upcoming(lake, START_US, 60 * DAY_US)
    assert [(one.name, one.at_us) for one in ahead] == [("FOMC", START_US + 30 * DAY_US + 19 * HOUR_US)]
    happened = START_US + 10 * DAY_US + 13 * HOUR_US + HOUR_US // 2
    assert [one.name for one in upcoming(lake, happened - 1, DAY_US)] == []
    assert [one.name for one in upcoming(lake, happened, DAY_US)] == ["CPI"]


def test_a_calendar_of_csv_knows_zones_and_importance(tmp_path):
    lake = lake_in(tmp_path)
    text = (
        "date,event,known_at,importance\n2024-07-05T08:30:00,Non-farm payrolls,2024-01-02,2\n"
        "2024-07-05T08:30:00,GDP,,9\n2024-08-01T08:30:00,Retail sales,2024-02-01,1\n"
    )
    done = import_file(lake, written(tmp_path, text), "calendar", tz="America/New_York")
    assert [line for one in done for line in one.refused] == ["row 2: importance is 0 to 3; was 9"]
    (jobs,) = upcoming(lake, START_US + 182 * DAY_US, 10 * DAY_US)
    assert (jobs.name, jobs.importance) == ("JOBS", 2.0)
    assert jobs.at_us == START_US + 186 * DAY_US + 12 * HOUR_US + HOUR_US // 2


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("timestamp,price\n1704067200000,2\n", "fear_greed", "has no column fear_greed or value; it has timestamp, price"),
        ("timestamp,value\n1704067200000,101\n", "fear_greed", "row 1: fear_greed is 0 to 100; was 101"),
        ("timestamp,value\n1704067200000,inf\n", "vix", "was inf"),
        ("timestamp,value\n", "vix", "has no row"),
        ("timestamp,value\nsoon,3\n", "vix", "row 1: it has no time"),
        ("timestamp,rate\n1704067200000,1\n", "funding", r"--venue and --symbol"),
        ("timestamp,value\n1,1\n", "gold", "there is no context series 'gold'"),
        ("date,event\n2024-03-10T02:30:00,CPI\n", "calendar", "America/New_York"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_one_sentence_and_nothing_is_stored(tmp_path, text, name, said):
    lake = lake_in(tmp_path)
    with pytest.raises(BadInput, match=said):
        import_file(lake, written(tmp_path, text), name, tz="America/New_York" if name == "calendar" else "")
    assert lake.all() == ()


def test_files_that_are_none_are_refused(tmp_path):
    lake = lake_in(tmp_path)
    for path, said in (
        (tmp_path / "absent.csv", "is not a file"),
        (written(tmp_path, "PAR1 cut", "cut.parquet"), "cannot be read"),
        (written(tmp_path, "hello", "x.ics"), "is no calendar|has no column"),
    ):
        with pytest.raises(BadInput, match=said):
            import_file(lake, path, "calendar" if path.suffix == ".ics" else "vix")


def test_a_second_value_for_one_time_is_refused_and_the_first_is_kept(tmp_path):
    lake = lake_in(tmp_path)
    text = "timestamp,value\n1704067200,20\n1704067200,20\n1704067200,21\n"
    (done,) = import_file(lake, written(tmp_path, text), "vix")
    assert done.refused == ("row 3: a second value for the time of row 1, and another one",)
    assert vintages(lake, done.series).values.tolist() == [20.0]


def test_trades_are_no_context(tmp_path):
    lake, name = lake_in(tmp_path), series("kraken", "BTC/USD", "", Kind.TRADES)
    columns = {"trade_id": [1.0], "price": [2.0], "quantity": [3.0], "buyer_maker": [0.0]}
    events = Events(np.array([START_US]), {key: np.array(value) for key, value in columns.items()})
    lake.append_events(name, events, source="x", received_us=1)
    with pytest.raises(BadInput, match="has no value"):
        vintages(lake, name)
    assert vintages(lake, name, value="price").values.tolist() == [2.0]


def test_moods_are_the_five_of_the_service():
    assert [mood(v) for v in (0, 25, 26, 46, 47, 54, 55, 75, 76, 100)] == [
        one for one in Mood for _ in range(2)
    ]
    for odd in (-1, 101, float("nan")):
        with pytest.raises(BadInput, match="runs from 0 to 100"):
            mood(odd)


def test_the_readme_shows_the_table_as_it_is():
    readme = Path(__file__).resolve().parents[3] / "README.md"
    assert table() in readme.read_text(encoding="utf-8")
