"""The lake keeps what it was given: revisions, readers at an instant, writers that die, disks that fill."""

import json
import os
import subprocess
import sys
import threading

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake import parts
from organism.lake.candles import Candles, Events, joined
from organism.lake.names import Kind, Series, path_of, series
from organism.lake.store import LOCK, VERSION, Appended, Lake, Span
from tests.lake.made import BTC, START_US, changed, same, walk

MINUTE_US = 60_000_000
MONTH = 44_640  # minutes of January


def lake_in(folder, **options):
    return Lake(folder / "lake", now_us=lambda: START_US, **options)


def part_of(lake, name=BTC, month="2024-01"):
    return lake.root / path_of(name) / f"{month}{parts.ENDING}"


def test_what_goes_in_comes_out_number_for_number_over_months_and_processes(tmp_path):
    candles = walk(MONTH + 500)
    assert lake_in(tmp_path).append(BTC, candles, source="a dump", received_us=7) == Appended(
        MONTH + 500, 0, 0
    )
    stored = lake_in(tmp_path).read(BTC)
    assert same(stored.candles, candles)
    assert stored.sources == ("a dump",)
    assert set(stored.received_us.tolist()) == {7}
    assert not stored.revision.any()
    assert [path.name for path in lake_in(tmp_path).files(BTC)] == ["2024-01.parquet", "2024-02.parquet"]


@pytest.mark.requirement("S0-1.1.2")
def test_a_read_by_symbol_timeframe_start_and_end_touches_only_its_months_in_a_local_folder(tmp_path):
    lake, candles = lake_in(tmp_path), walk(MONTH + 500)
    lake.append(BTC, candles, source="x", received_us=1)
    hourly = walk(48, "1h")
    lake.append(series("binance", "BTC/USDT", "1h"), hourly, source="x", received_us=1)
    lake.append(series("binance", "ETH/USDT", "1m"), walk(10, seed=2), source="x", received_us=1)
    part_of(lake, month="2024-02").write_bytes(b"not read")
    first, last = START_US + 60 * MINUTE_US, START_US + 90 * MINUTE_US
    assert same(lake.read(BTC, first, last).candles, candles.between(first, last))
    assert len(lake.read(BTC, first, last).candles) == 30
    assert same(lake.read(series("binance", "BTC/USDT", "1h")).candles, hourly)
    assert len(lake.read(series("binance", "XRP/USDT", "1m")).candles) == 0
    assert len(lake.read(BTC, last, first).candles) == 0


@pytest.mark.requirement("S0-1.1.5")
def test_the_same_candles_twice_are_there_once(tmp_path):
    lake, candles = lake_in(tmp_path), walk(500)
    lake.append(BTC, candles, source="x", received_us=1)
    before = part_of(lake).stat()
    assert lake.append(BTC, candles, source="y", received_us=2) == Appended(0, 500, 0)
    assert part_of(lake).stat() == before
    assert lake.append(BTC, walk(800), source="y", received_us=3).new == 800 - lake_overlap(
        candles, walk(800)
    )
    opens = lake.read(BTC).candles.open_us
    assert opens.size == np.unique(opens).size == 800


def lake_overlap(one, other):
    return int(np.isin(other.open_us, one.open_us).sum())


def test_a_correction_is_a_new_revision_and_the_old_row_is_known_to_who_asks_as_of_then(tmp_path):
    lake, candles = lake_in(tmp_path), walk(100)
    lake.append(BTC, candles, source="first", received_us=10)
    volume = candles.volume.copy()
    volume[[3, 50]] += 1.0
    assert lake.append(BTC, changed(candles, volume=volume), source="second", received_us=20) == Appended(
        0, 98, 2
    )
    now = lake.read(BTC)
    assert np.array_equal(now.candles.volume, volume)
    assert np.flatnonzero(now.revision).tolist() == [3, 50]
    assert [now.sources[i] for i in now.source_id[[2, 3]]] == ["first", "second"]
    assert now.received_us[[2, 3]].tolist() == [10, 20]
    assert same(lake.read(BTC, as_of_us=19).candles, candles)
    assert len(lake.read(BTC, as_of_us=9).candles) == 0
    assert lake.span(BTC) == Span(START_US, START_US + 99 * MINUTE_US, 100)
    assert lake.corrections(BTC) == 2
    assert lake.sources(BTC) == ("first", "second")
    assert lake.append(BTC, candles, source="first", received_us=30) == Appended(0, 98, 2)
    assert lake.read(BTC).revision[[3, 50]].tolist() == [2, 2]


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 30), st.integers(1, 3)),
            min_size=1,
            max_size=20,
            unique_by=lambda r: r[0],
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_order_of_appends_reads_like_a_dictionary_at_every_instant(tmp_path_factory, batches):
    lake = lake_in(tmp_path_factory.mktemp("any"))
    known, then = {}, []
    for at, batch in enumerate(batches, 1):
        rows = sorted(batch)
        # A step of 20 hours crosses the end of January within 31 rows.
        opens = START_US + np.array([n for n, _ in rows], np.int64) * 72_000_000_000
        price = np.array([float(p) for _, p in rows])
        found = lake.append(
            BTC, Candles(opens, price, price, price, price, price), source=f"s{at % 2}", received_us=at
        )
        fresh = dict(zip(opens.tolist(), price.tolist(), strict=True))
        assert found.new == len(fresh.keys() - known.keys())
        assert found.same == sum(known.get(o) == p for o, p in fresh.items())
        known |= fresh
        then.append(dict(known))
    for at, expected in enumerate(then, 1):
        candles = lake.read(BTC, as_of_us=at).candles
        assert dict(zip(candles.open_us.tolist(), candles.close.tolist(), strict=True)) == expected
        assert (np.diff(candles.open_us) > 0).all()


@pytest.mark.requirement("S3-1.2.4")
def test_only_what_is_missing_need_be_added_and_an_append_touches_only_its_own_month(tmp_path):
    lake, candles = lake_in(tmp_path), walk(MONTH + 500)
    first, later = (
        candles.between(None, START_US + MONTH * MINUTE_US),
        candles.between(START_US + MONTH * MINUTE_US),
    )
    lake.append(BTC, first, source="x", received_us=1)
    missing = lake.gaps(BTC, START_US, int(candles.open_us[-1]) + MINUTE_US)
    assert missing == [(int(later.open_us[0]), int(later.open_us[-1]) + MINUTE_US)]
    january = part_of(lake).stat()
    lake.append(BTC, later, source="x", received_us=2)
    assert part_of(lake).stat() == january
    assert lake.gaps(BTC, START_US, int(candles.open_us[-1]) + MINUTE_US) == []
    assert same(lake.read(BTC).candles, candles)


def test_gaps_are_whole_candles_inside_between_and_around(tmp_path):
    lake, candles = lake_in(tmp_path), walk(20)
    kept = candles.take(np.array([2, 3, 7, 8, 9]))
    lake.append(BTC, kept, source="x", received_us=1)
    at = [START_US + n * MINUTE_US for n in range(21)]
    assert lake.gaps(BTC, at[0], at[12]) == [(at[0], at[2]), (at[4], at[7]), (at[10], at[12])]
    assert lake.gaps(BTC, at[2], at[4]) == []
    assert lake.gaps(BTC, at[3] - 1, at[5] + 1) == [(at[4], at[6])]
    assert lake.gaps(series("binance", "ETH/USDT", "1m"), at[0], at[3]) == [(at[0], at[3])]
    assert lake.gaps(BTC, at[5], at[5]) == []
    with pytest.raises(BadInput, match="it has no gaps"):
        lake.gaps(series("binance", "BTC/USDT", "", Kind.FUNDING), 0, 1)


def test_all_series_are_named_and_strange_folders_are_not(tmp_path):
    lake = lake_in(tmp_path)
    assert lake.all() == ()
    named = (BTC, series("binance", "BTC/USDT", "1h"), series("binance-usdm", "BTC/USDT:USDT", "1m"))
    for one in named:
        lake.append(one, walk(3, one.timeframe), source="x", received_us=1)
    strange = lake.root / "candles" / "binance" / "what ever" / "1m"
    strange.mkdir(parents=True)
    (strange / "2024-01.parquet").touch()
    assert set(lake.all()) == set(named)
    assert lake.span(Series("binance", "NONE", "1m")) is None


def test_mark_prices_have_no_volume(tmp_path):
    lake, candles = lake_in(tmp_path), walk(5)
    mark = series("binance-usdm", "BTC/USDT:USDT", "1m", Kind.MARK)
    with pytest.raises(BadInput, match=r"candle 1 of 5 was refused: volume must be left out"):
        lake.append(mark, candles, source="x", received_us=1)
    bare = changed(candles, volume=np.full(5, np.nan))
    assert lake.append(mark, bare, source="x", received_us=1).new == 5
    assert lake.append(mark, bare, source="x", received_us=1).same == 5


def test_trades_of_one_instant_are_told_apart_and_events_are_checked(tmp_path):
    lake = lake_in(tmp_path)
    name = series("kraken", "BTC/USD", "", Kind.TRADES)
    values = {
        "trade_id": [2.0, 1.0, 1.0],
        "price": [1.0, 2.0, 3.0],
        "quantity": [1.0] * 3,
        "buyer_maker": [0.0] * 3,
    }
    trades = Events(np.array([5, 5, 9]), {key: np.array(column) for key, column in values.items()})
    assert lake.append_events(name, trades, source="x", received_us=1) == Appended(3, 0, 0)
    assert lake.append_events(name, trades, source="x", received_us=1) == Appended(0, 3, 0)
    assert lake.read_events(name).events.values["price"].tolist() == [2.0, 1.0, 3.0]
    trades.values["price"][0] = 7.0
    before = [path.read_bytes() for path in lake.files(name)]
    with pytest.raises(BadInput, match=r"trade 2 of 1970-01 .* says another thing: it was 7 for 1 now"):
        lake.append_events(name, trades, source="x", received_us=2)
    assert [path.read_bytes() for path in lake.files(name)] == before
    assert not list(lake.root.rglob("*.tmp"))
    trades.values["price"][1] = np.inf
    with pytest.raises(BadInput, match="price of row 2 must be a number; was inf"):
        lake.append_events(name, trades, source="x", received_us=2)
    interest = series("kraken", "BTC/USD:USD", "", Kind.OPEN_INTEREST)
    for amount, value, why in (
        (5.0, np.nan, ""),
        (np.nan, 5.0, "amount of row 1"),
        (5.0, np.inf, "value of row 1"),
    ):
        row = Events(np.array([1]), {"amount": np.array([amount]), "value": np.array([value])})
        if why:
            with pytest.raises(BadInput, match=why):
                lake.append_events(interest, row, source="x", received_us=2)
        else:
            assert lake.append_events(interest, row, source="x", received_us=2).new == 1
            assert lake.append_events(interest, row, source="x", received_us=2).same == 1
    funding, prices = (
        series("kraken", "BTC/USD", "", Kind.FUNDING),
        Events(np.array([1]), {"price": np.ones(1)}),
    )
    with pytest.raises(BadInput, match="holds rate; was given price"):
        lake.append_events(funding, prices, source="x", received_us=1)


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        (Kind.FUNDING, "rate", np.nan, "rate of row 2 must be a number; was nan"),
        (
            Kind.FUNDING,
            "rate",
            1e308,
            "row 2 of 3 was refused: rate must lie between -0.5 and 0.5; was 1e+308",
        ),
        (Kind.TRADES, "price", -1.0, "price must lie between 1e-30 and 1e+15; was -1.0"),
        (Kind.TRADES, "price", 0.0, "price must lie between"),
        (Kind.TRADES, "quantity", -2.0, "quantity must lie between 0 and 1e+18; was -2.0"),
        (Kind.TRADES, "buyer_maker", 2.0, "buyer_maker must lie between 0 and 1; was 2.0"),
        (Kind.OPEN_INTEREST, "amount", -1.0, "amount must lie between 0 and 1e+18; was -1.0"),
        (Kind.OPEN_INTEREST, "value", 1e308, "value must lie between 0 and 1e+18; was 1e+308"),
        (Kind.CONTEXT, "value", -np.inf, "value of row 2 must be a number; was -inf"),
    ],
)
def test_an_event_that_cannot_be_believed_never_enters(tmp_path, kind, name, value, said):
    lake, one = lake_in(tmp_path), series("kraken", "BTC/USD", "", kind)
    values = {column: np.array([0.1, 0.2, 0.3]) for column in parts.SHAPES[kind].values}
    lake.append_events(one, Events(np.array([1, 2, 3]), values), source="x", received_us=1)
    values[name][1] = value
    with pytest.raises(BadInput) as refused:
        lake.append_events(one, Events(np.array([7, 8, 9]), values), source="x", received_us=2)
    assert said in str(refused.value)
    assert lake.read_events(one).events.at_us.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("close", np.nan, "candle 3 of 9 was refused: close must be a positive number up to 1e+15; was nan"),
        ("open", np.inf, "open must be a positive number up to 1e+15; was inf"),
        ("high", 1e308, "high must be a positive number up to 1e+15; was 1e+308"),
        ("low", -1.0, "low must be a positive number up to 1e+15; was -1.0"),
        ("low", 0.0, "low must be a positive number up to 1e+15; was 0.0"),
        ("high", 1.0, "high must be the highest price of its candle; was 1.0"),
        ("low", 1e9, "high must be the highest price of its candle"),
        ("volume", -1.0, "volume must be a number from 0 to 1e+18; was -1.0"),
        ("volume", np.nan, "volume must be a number from 0 to 1e+18; was nan"),
        ("volume", 1e308, "volume must be a number from 0 to 1e+18; was 1e+308"),
        ("open_us", START_US, "open times must rise"),
    ],
)
def test_a_candle_that_cannot_be_believed_never_enters(tmp_path, column, value, said):
    lake, candles = lake_in(tmp_path), walk(9)
    broken = getattr(candles, column).copy()
    broken[2] = value
    with pytest.raises(BadInput) as refused:
        lake.append(BTC, changed(candles, **{column: broken}), source="x", received_us=1)
    assert said in str(refused.value)
    assert "candle 3 of 9" in str(refused.value)
    assert lake.all() == ()


def test_a_time_that_is_in_other_units_is_refused(tmp_path):
    candles = walk(3)
    in_ns = changed(candles, open_us=candles.open_us * 1_000)
    with pytest.raises(BadInput, match="must lie between 1970 and 2200, in microseconds"):
        lake_in(tmp_path).append(BTC, in_ns, source="x", received_us=1)


@pytest.mark.parametrize("cut", [0, 3, 100, -4, -1])
def test_a_truncated_part_is_named_in_one_sentence_with_what_to_do(tmp_path, cut):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(100), source="x", received_us=1)
    whole = part_of(lake).read_bytes()
    part_of(lake).write_bytes(whole[:cut])
    for use in (lambda: lake.read(BTC), lambda: lake.span(BTC)):
        with pytest.raises(BadInput) as refused:
            use()
        said = str(refused.value)
        assert str(part_of(lake)) in said
        assert "restore it from a backup" in said
        assert "\n" not in said
    with pytest.raises(BadInput, match="cannot be read as Parquet"):
        lake.append(BTC, walk(200), source="x", received_us=2)
    assert part_of(lake).read_bytes() == whole[:cut]


def test_a_part_with_flipped_bytes_is_an_error_or_whole_never_silently_other(tmp_path):
    lake, candles = lake_in(tmp_path), walk(100)
    lake.append(BTC, candles, source="x", received_us=1)
    whole = part_of(lake).read_bytes()
    part_of(lake).write_bytes(b"PAR1" + bytes(len(whole) - 8) + b"PAR1")
    with pytest.raises(BadInput, match="cannot be read as Parquet"):
        lake.read(BTC)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS timestamp",
        "SELECT open_us, open, high, low, close, volume FROM there",
        "SELECT * REPLACE (CAST(open_us AS DOUBLE) AS open_us) FROM there",
        "SELECT * REPLACE (CASE WHEN open_us % 7 = 0 THEN NULL ELSE close END AS close) FROM there",
        "SELECT *, 1 AS more FROM there",
        "SELECT * FROM there",
        "SELECT * FROM there WHERE open_us < 0",
    ],
)
def test_parquet_that_the_lake_did_not_write_is_named_and_left_alone(tmp_path, query):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(100), source="x", received_us=1)
    path = part_of(lake)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE there AS SELECT * FROM read_parquet(?)", [str(path)])
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(BadInput, match="is no part of a lake") as refused:
        lake.read(BTC)
    assert str(path) in str(refused.value)
    assert "organism data import" in str(refused.value)


def test_a_lake_of_a_newer_version_is_neither_read_nor_written(tmp_path):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(3), source="x", received_us=1)
    (lake.root / VERSION).write_text("2\n")
    with pytest.raises(BadInput, match="is a lake of version 2, and this organism reads version 1"):
        lake_in(tmp_path)
    with pytest.raises(BadInput, match="is a lake of version 2"):
        lake.append(BTC, walk(5), source="x", received_us=1)
    (lake.root / VERSION).write_text("1\n")
    assert len(lake_in(tmp_path).read(BTC).candles) == 3


@pytest.mark.parametrize("said", ["", "one", "0"])
def test_a_lake_that_lost_its_version_is_not_guessed_at(tmp_path, said):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(3), source="x", received_us=1)
    (lake.root / VERSION).write_text(said)
    with pytest.raises(BadInput, match="where a lake says 1"):
        lake_in(tmp_path)
    (lake.root / VERSION).unlink()
    with pytest.raises(BadInput, match="where a lake says 1"):
        lake_in(tmp_path)


def test_nothing_is_made_before_the_first_append(tmp_path):
    lake = lake_in(tmp_path)
    lake.read(BTC), lake.all(), lake.span(BTC)
    assert not lake.root.exists()


HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_waits_and_then_says_so(tmp_path):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(3), source="x", received_us=1)
    lock = str(part_of(lake).parent / LOCK)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match="binance BTC/USDT 1m is being written by another process"):
            lake_in(tmp_path, wait_s=0.05).append(BTC, walk(5), source="x", received_us=2)
        assert len(lake.read(BTC).candles) == 3
        other = series("binance", "ETH/USDT", "1m")
        assert lake.append(other, walk(5), source="x", received_us=2).new == 5
        found = []
        waiting = threading.Thread(
            target=lambda: found.append(lake_in(tmp_path).append(BTC, walk(5), source="x", received_us=2))
        )
        waiting.start()
        holder.stdin.close()
        waiting.join(20.0)
    assert found[0].new + found[0].same + found[0].revised == 5


def test_two_processes_that_append_at_once_lose_nothing(tmp_path):
    program = (
        "import sys; from pathlib import Path; from organism.lake.store import Lake; from tests.lake.made import *\n"
        "lake = Lake(Path(sys.argv[1]), now_us=lambda: 0)\n"
        "for n in range(int(sys.argv[2]), 200, 2):\n"
        "    lake.append(BTC, walk(200).take(slice(n, n + 1)), source=sys.argv[2], received_us=1)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "lake"), str(n)]) for n in range(2)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    stored = lake_in(tmp_path).read(BTC)
    assert same(stored.candles, walk(200))
    assert sorted(stored.sources) == ["0", "1"]


@pytest.mark.parametrize("step", ["write", "synced", "publish"])
def test_a_crash_at_any_point_leaves_the_state_before_or_after_and_no_litter(tmp_path, monkeypatch, step):
    lake, candles = lake_in(tmp_path), walk(MONTH + 500)
    lake.append(BTC, candles.between(None, START_US + MINUTE_US * 100), source="x", received_us=1)
    before = lake.read(BTC).candles

    class Killed(BaseException):
        pass

    real = getattr(parts, step)
    calls = iter(range(100))

    def dies(*given):
        if next(calls) == (1 if step != "publish" else 0):
            raise Killed
        return real(*given)

    monkeypatch.setattr(parts, step, dies)
    with pytest.raises(Killed):
        lake.append(BTC, candles, source="y", received_us=2)
    monkeypatch.undo()
    assert same(lake_in(tmp_path).read(BTC).candles, before)
    assert lake.append(BTC, candles, source="y", received_us=3).new == MONTH + 400
    assert [p.name for p in part_of(lake).parent.iterdir() if p.name.startswith(".")] == [LOCK]


def test_what_a_killed_writer_left_is_never_read_and_is_cleaned_by_the_next(tmp_path):
    lake, candles = lake_in(tmp_path), walk(100)
    lake.append(BTC, candles, source="x", received_us=1)
    litter = part_of(lake).with_name(f".2024-01.parquet.12345{parts.UNFINISHED}")
    litter.write_bytes(b"half a file")
    assert same(lake.read(BTC).candles, candles)
    lake.append(BTC, walk(101), source="x", received_us=2)
    assert not litter.exists()


FULL = """
import resource, signal, sys
from pathlib import Path
from organism.errors import BadInput
from organism.lake.store import Lake
from tests.lake.made import *
lake = Lake(Path(sys.argv[1]), now_us=lambda: 0)
lake.connection()
most = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    lake.append(BTC, walk(60_000), source="y", received_us=2)
except BadInput as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.parametrize("most", [0, 4_096, 100_000, 800_000])
def test_a_disk_that_fills_in_the_middle_of_an_append_leaves_the_previous_state(tmp_path, most):
    lake, candles = lake_in(tmp_path), walk(1_000)
    lake.append(BTC, candles, source="x", received_us=1)
    before = part_of(lake).read_bytes()
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(lake.root), str(most)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "could not be written below" in ended.stdout
    assert "what was stored before is unharmed" in ended.stdout
    assert ended.stdout.count("\n") == 1
    assert part_of(lake).read_bytes() == before
    assert [p.name for p in part_of(lake).parent.iterdir()].count("2024-02.parquet") == 0
    assert same(lake.read(BTC).candles, candles)
    assert not list(lake.root.rglob(f"*{parts.UNFINISHED}"))


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(BadInput):
        lake_in(tmp_path).append(BTC, walk(3), source="x", received_us=1)


def test_joined_candles_are_in_order_and_the_last_word_counts():
    candles = walk(10)
    other = changed(candles.take(slice(5, 10)), volume=np.full(5, 9.0))
    found = joined(other, candles.take(slice(0, 7)))
    assert same(found, joined(candles.take(slice(0, 7)), other.take(slice(2, 5))))
    assert np.array_equal(found.open_us, candles.open_us)
    assert len(joined()) == 0


@pytest.mark.parametrize("source", ["", " ", "a\nb", "x" * 201])
def test_a_source_has_a_name(tmp_path, source):
    with pytest.raises(BadInput, match="A source is 1 to 200 printable characters"):
        lake_in(tmp_path).append(BTC, walk(3), source=source, received_us=1)


def test_any_tool_can_read_a_part(tmp_path):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(10), source="x", received_us=1)
    path = str(part_of(lake))
    with duckdb.connect() as connection:
        connection.execute("SELECT * FROM read_parquet(?)", [path])
        names = [column[0] for column in connection.description]
        codecs = connection.execute("SELECT DISTINCT compression FROM parquet_metadata(?)", [path]).fetchall()
        (footer,) = connection.execute("SELECT value FROM parquet_kv_metadata(?)", [path]).fetchall()
    assert names == [
        "open_us",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "source_id",
        "received_us",
        "revision",
    ]
    assert codecs == [("ZSTD",)]
    assert json.loads(footer[0])["sources"] == ["x"]


def test_a_lake_is_used_on_both_sides_of_a_fork(tmp_path):
    lake = lake_in(tmp_path)
    lake.append(BTC, walk(100), source="x", received_us=1)
    child = os.fork()
    if child == 0:
        os._exit(0 if len(lake.read(BTC).candles) == 100 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(lake.read(BTC).candles) == 100
