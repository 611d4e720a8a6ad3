"""History by name: what the lake holds, and commands that read it."""

import json

import numpy as np
import pytest

from organism.cli import run
from organism.lake.candles import VALUES
from organism.lake.derived import aggregated
from organism.lake.names import Kind, series
from organism.lake.store import Lake
from tests.lake.made import BTC, START_US, changed, walk

HOUR_US = 3_600_000_000
NAMED = ("--data", "lake", "--venue", "binance", "--symbols", "BTC/USDT", "--timeframe", "1h")


@pytest.fixture
def lake(tmp_path):
    """Forty days of minutes of two symbols, the first without three of them."""
    made = Lake(tmp_path / "lake", now_us=lambda: START_US)
    there = ~np.isin(np.arange(57_600), [100, 101, 30_000])
    made.append(BTC, walk(57_600).take(there), source="a dump", received_us=1)
    made.append(series("binance", "ETH/USDT", "1m"), walk(57_600, seed=2), source="a dump", received_us=1)
    return made


@pytest.fixture
def said(capsys, tmp_path):
    """Run a command; give its status, output and complaint."""

    def perform(*words):
        status = run([*map(str, words), "--state", str(tmp_path)])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


def test_a_list_names_each_series_from_when_to_when_and_where_it_came_from(said, lake):
    status, out, _ = said("data", "list", "--json")
    assert status == 0
    assert json.loads(out)[0] == {
        "kind": "candles",
        "venue": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1m",
        "first": "2024-01-01T00:00:00Z",
        "last": "2024-02-09T23:59:00Z",
        "rows": 57_597,
        "missing": 3,
        "corrected": 0,
        "sources": ["a dump"],
    }
    status, out, _ = said("data", "list")
    assert status == 0
    assert out.splitlines()[0].split()[:3] == ["binance", "BTC/USDT", "1m"]
    assert "57,597 rows  3 missing  a dump" in out


def test_a_list_of_another_folder_or_venue_says_that_there_is_nothing(said, lake, tmp_path):
    status, out, _ = said("data", "list", "--lake", tmp_path / "none")
    assert status == 0
    assert "Nothing" in out
    assert json.loads(said("data", "list", "--venue", "kraken", "--json")[1]) == []


def test_a_list_compares_a_stored_coarser_series_with_the_finer_one(said, lake):
    made, _ = aggregated(lake.read(BTC).candles, HOUR_US)
    volume = made.volume.copy()
    volume[5] *= 2
    lake.append(
        series("binance", "BTC/USDT", "1h"), changed(made, volume=volume), source="rest", received_us=2
    )
    rows = {
        (row["symbol"], row["timeframe"]): row
        for row in json.loads(said("data", "list", "--compare", "--json")[1])
    }
    found = rows["BTC/USDT", "1h"]["compared"]
    assert (found["from_timeframe"], found["both"], found["differing"]) == ("1m", 960, 1)
    assert found["first"] == ["2024-01-01T05:00:00Z"]
    assert rows["BTC/USDT", "1m"]["compared"] is None
    assert "1 of 960 differ from 1m" in said("data", "list", "--compare")[1]


def test_a_list_names_events_too(said, lake):
    from organism.lake.candles import Events

    funding = series("binance-usdm", "BTC/USDT:USDT", "", Kind.FUNDING)
    lake.append_events(
        funding, Events(np.array([START_US]), {"rate": np.array([1e-4])}), source="x", received_us=1
    )
    (row,) = json.loads(said("data", "list", "--venue", "binance-usdm", "--json")[1])
    assert (row["kind"], row["rows"], row["missing"]) == ("funding", 1, None)


def test_a_newer_lake_is_refused_in_a_sentence(said, lake):
    (lake.root / "version").write_text("9\n")
    status, out, err = said("data", "list")
    assert (status, out) == (2, "")
    assert "is a lake of version 9" in err


def test_a_backtest_reads_the_lake_by_name_and_equals_one_of_the_same_bars_in_a_file(said, lake, tmp_path):
    status, out, err = said("backtest", "ema_crossover", *NAMED, "--json")
    assert status == 0, err
    by_name = json.loads(out)
    bars, _ = aggregated(lake.read(BTC).candles, HOUR_US)
    path = tmp_path / "file.csv"
    lines = zip(bars.open_us // 1_000, *(column.tolist() for column in bars.values()), strict=True)
    path.write_text(
        ",".join(("timestamp", *VALUES))
        + "\n"
        + "".join(",".join(map(repr, map(float, x))) + "\n" for x in lines)
    )
    by_file = json.loads(said("backtest", "ema_crossover", "--data", path, "--json")[1])
    assert by_name["bars"] == by_file["bars"] == 960
    for figure in ("total_return", "sharpe", "max_drawdown", "n_trades", "fees"):
        assert by_name[figure] == by_file[figure]


def test_start_and_end_choose_bars_of_the_lake(said, lake):
    found = json.loads(
        said("backtest", "ema_crossover", *NAMED, "--start", "2024-01-05", "--end", "2024-01-15", "--json")[1]
    )
    assert found["bars"] == 240
    assert found["start"].startswith("2024-01-05T00:00")


def test_nothing_trades_on_what_was_not_recorded(said, lake, tmp_path):
    status, out, _ = said(
        "backtest", "ema_crossover", "--data", "lake", "--venue", "binance", "--symbols", "BTC/USDT", "--timeframe", "1m",
        "--end", "2024-01-02", "--json",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out)["bars"] == 1_440 - 2


@pytest.mark.slow
def test_evolve_optimize_and_walk_forward_read_the_lake_by_name(said, lake):
    for command in (
        (
            "evolve",
            "--population",
            "8",
            "--generations",
            "1",
            "--islands",
            "1",
            "--symbols",
            "BTC/USDT,ETH/USDT",
        ),
        ("optimize", "ema_crossover", "--bound", "fast=5:9", "--method", "grid"),
        (
            "walk-forward",
            "ema_crossover",
            "--bound",
            "fast=5:9",
            "--train",
            "14",
            "--test",
            "7",
            "--trials",
            "8",
        ),
    ):
        status, out, err = said(command[0], *NAMED, *command[1:], "--json")
        assert status == 0, err
        assert "from the lake" in out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--data", "lake"), "--data lake needs --venue, --timeframe and --symbols or --universe"),
        (
            ("--venue", "binance"),
            "--venue, --symbols and --universe name series of the lake: add --data lake",
        ),
        ((*NAMED[:-1], "7s"), "binance BTC/USDT 7s cannot be made of what"),
        ((*NAMED, "--venue", "ftx"), "holds no ftx BTC/USDT; it holds binance BTC/USDT, binance ETH/USDT"),
        ((*NAMED, "--start", "2030-01-01"), "it runs from 2024-01-01T00:00:00Z"),
        ((*NAMED, "--symbols", "../../etc"), "holds no binance ../../etc"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(said, lake, words, complaint):
    status, out, err = said("backtest", "ema_crossover", *words)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--data", "lake"), "needs --data-venue, --symbols and --timeframe"),
        (("--symbols", "BTC/USDT"), "name series of the lake: add --data lake"),
        (
            ("--data", "lake", "--data-venue", "binance", "--symbols", "XRP/USDT", "--timeframe", "1h"),
            "holds no binance XRP/USDT",
        ),
        (
            ("--data", "lake", "--data-venue", "binance", "--symbols", "BTC/USDT", "--timeframe", "1d"),
            "leaves 40 bars, but 500 warm up",
        ),
        (
            ("--data", "lake", "--data-venue", "proxy:binance", "--symbols", "BTC/USDT", "--timeframe", "1h"),
            "and no proxy, whose prices are another instrument's; was 'proxy:binance'",
        ),
    ],
)
def test_an_organism_does_not_start_on_history_that_is_not_there(said, lake, words, complaint):
    status, out, err = said("start", *words)
    assert (status, out) == (2, "")
    assert complaint in err
