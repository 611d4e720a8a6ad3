"""What evolve may breed on: the score that `data check` gives, proxies only where a person insists, and that said for ever."""

import json

import numpy as np
import pytest

from genome.trials.count import counting
from genome.trials.runs import Runs
from organism.cli import run
from organism.cli.bars import markets_of
from organism.cli.gate import scored
from organism.cli.parser import build
from organism.lake.names import series
from organism.lake.quality.beside import Held, around, held_of
from organism.lake.store import Lake
from tests.lake.made import START_US, changed, walk

NOW_US = START_US + 400 * 86_400_000_000
N = 24 * 60
OUTAGE = range(400, 412)
SMALL = ("--population", "12", "--generations", "1", "--islands", "2", "--min-trades", "0")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "state" / "lake", now_us=lambda: NOW_US)


@pytest.fixture
def said(capsys, tmp_path):
    """Run a command on that lake; give its status, output and complaint."""

    def perform(*words):
        status = run([*map(str, words), "--state", str(tmp_path / "state")])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


def put(lake, name, seed=1, n=N, gone=(), dearer=()):
    """A walk without some candles, and with some a tenth dearer."""
    one = series(*name.split())
    candles = walk(n, one.timeframe, seed=seed)
    factor = np.where(np.isin(np.arange(n), list(dearer)), 1.1, 1.0)
    whole = changed(
        candles, **{key: getattr(candles, key) * factor for key in ("open", "high", "low", "close")}
    )
    lake.append(one, whole.take(~np.isin(np.arange(n), list(gone))), source="x", received_us=1)


def named(symbols="BTC/USDT", venue="binance", timeframe="1h"):
    return ("--data", "lake", "--venue", venue, "--symbols", symbols, "--timeframe", timeframe)


def scores(lake, *words):
    options = build().parse_args(["evolve", *named(*words), "--lake", str(lake.root)])
    return dict(zip(words[0].split(","), scored(markets_of(options)), strict=True))


def checked(said, *names):
    rows = json.loads(said("data", "check", *names, "--json")[1])
    return {f"{row['venue']} {row['symbol']} {row['timeframe']}": row for row in rows}


def test_a_check_and_the_gate_agree_to_the_last_defect(lake, said):
    put(lake, "binance BTC/USDT 1h", gone=(*OUTAGE, *range(900, 1000)))
    for seed, name in enumerate(("AAA", "BBB", "ETH"), start=2):
        put(lake, f"binance {name}/USDT 1h", seed=seed, gone=OUTAGE)
    put(lake, "binance ETH/USDT 5m", seed=9, n=20)
    put(lake, "kraken BTC/USDT 1h", dearer=[50])
    put(lake, "kraken ETH/USD 1h", seed=4, dearer=[60])
    found = checked(said)
    for symbols in ("BTC/USDT", "ETH/USDT,BTC/USDT,AAA/USDT"):
        for symbol, quality in scores(lake, symbols).items():
            there = found[f"binance {symbol} 1h"]
            told = json.loads(json.dumps(quality.document()))
            assert told == {name: there[name] for name in told}
    btc = found["binance BTC/USDT 1h"]
    assert btc["score"] < 95
    assert btc["defects"]["outages"]["bars"] == len(OUTAGE)
    assert btc["defects"]["missing"]["bars"] == 100
    assert btc["defects"]["disagreeing"]["bars"] == 1  # with Kraken
    status, _, err = said("evolve", *named(), *SMALL)
    assert status == 2
    assert f"the data of BTC/USDT score {btc['score']:.2f} of 100" in err


def test_a_check_of_one_series_says_what_a_check_of_all_says(lake, said):
    for seed, name in enumerate(("AAA", "BBB", "CCC")):
        put(lake, f"binance {name}/USDT 1h", seed=seed, gone=OUTAGE)
    put(lake, "binance CCC/USDT 5m", seed=9, n=24 * 12 * 30)
    every = checked(said)
    for name, row in every.items():
        assert checked(said, name) == {name: row}
    assert every["binance AAA/USDT 1h"]["defects"]["missing"]["bars"] == len(
        OUTAGE
    )  # CCC 5m: the venue was up


def test_what_a_person_insists_on_is_in_document_page_and_record_also_when_the_run_goes_on(
    lake, said, tmp_path
):
    put(lake, "proxy:binance BTC/USDT 1h", gone=range(300, 420))
    words = ("evolve", *named(venue="proxy:binance"), *SMALL[:2], "--islands", "2", "--min-trades", "0")
    status, out, err = said(*words, "--generations", "1", "--allow-poor-data")
    assert (status, out) == (2, "")
    assert "proxy:binance BTC/USDT 1h" in err
    assert "--allow-proxies" in err
    assert "--allow-poor-data" in said(*words, "--allow-proxies")[2]
    insist = ("--allow-proxies", "--allow-poor-data", "--report", tmp_path / "e.html")
    first = json.loads(said(*words, *insist, "--generations", "1", "--json")[1])
    again = json.loads(said(*words, *insist, "--generations", "2", "--resume", "--json")[1])
    for found in (first, again):
        assert found["proxies"] == ["proxy:binance BTC/USDT 1h"]
        assert found["poor_data"].keys() == {"BTC/USDT"}
        assert any(
            "Prices of another instrument: proxy:binance BTC/USDT 1h" in one for one in found["warnings"]
        )
    assert (again["generations"], again["run"]) == (2, first["run"])
    page = (tmp_path / "e.html").read_text()
    assert "Prices of another instrument: proxy:binance BTC/USDT 1h" in page
    assert "Bred on poor data: BTC/USDT" in page
    text = " ".join(said(*words, *insist, "--generations", "2", "--resume")[1].split())
    assert "Prices of another instrument: proxy:binance BTC/USDT 1h" in text
    with counting(tmp_path / "state" / "genome.db") as trials:
        (kept,) = Runs(trials).all()
    assert kept.plan["proxies"] == first["proxies"]
    assert kept.plan["poor_data"] == first["poor_data"]


TRIED = {
    "backtest": ("backtest", "ema_crossover"),
    "optimize": ("optimize", "ema_crossover", "--bound", "fast=5:10", "--trials", "4"),
    "walk-forward": (
        "walk-forward", "ema_crossover", "--bound", "fast=5:10", "--trials", "4", "--train", "20", "--test", "10",
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", TRIED)
def test_nothing_is_tried_on_a_proxy_unless_a_person_insists_and_then_every_form_of_the_result_says_so(
    lake, said, tmp_path, command
):
    put(lake, "proxy:binance BTC/USDT 1h")
    words = (*TRIED[command], *named(venue="proxy:binance"))
    status, out, err = said(*words)
    assert (status, out) == (2, "")
    assert "prices of proxy:binance BTC/USDT 1h are another instrument's" in err
    status, out, _ = said(*words, "--allow-proxies", "--json", "--report", tmp_path / "r.html")
    found = json.loads(out)
    told = "Prices of another instrument: proxy:binance BTC/USDT 1h"
    assert status == 0
    assert found["proxies"] == ["proxy:binance BTC/USDT 1h"]
    assert any(told in one for one in found["warnings"])
    assert told in (tmp_path / "r.html").read_text()
    assert told in " ".join(said(*words, "--allow-proxies")[1].split())


def test_a_series_whose_outage_the_venue_shares_is_bred_on_and_is_refused_without_witnesses(lake, said):
    long = range(400, 440)
    for seed, name in enumerate(("BTC", "ETH", "SOL"), start=1):
        put(lake, f"binance {name}/USDT 1h", seed=seed, n=500, gone=long)
    put(lake, "okx BTC/USDT 1h", n=500, gone=long)
    assert scores(lake, "BTC/USDT")["BTC/USDT"].good
    status, out, _ = said("evolve", *named(), *SMALL, "--json")
    assert (status, json.loads(out)["poor_data"]) == (0, {})
    assert said("evolve", *named(venue="okx"), *SMALL)[0] == 2


def test_minutes_without_trades_cost_nothing_where_the_venue_leaves_them_out(lake):
    gone = range(100, N, 9)
    put(lake, "bitfinex BTC/USD 1m", gone=gone)
    put(lake, "binance BTC/USD 1m", gone=gone)
    assert scores(lake, "BTC/USD", "bitfinex", "1m")["BTC/USD"].score == 100.0
    assert not scores(lake, "BTC/USD", "binance", "1m")["BTC/USD"].good


def spiked(candles):
    close = candles.close.copy()
    close[700] *= 1.5
    return close


def test_a_move_that_another_symbol_shares_is_no_outlier_of_files_either(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("AAA", "BBB"):
        candles = walk(N, "1h", seed=len(name))
        close = spiked(candles)
        rows = zip(
            candles.open_us // 1_000, candles.open, np.maximum(candles.high, close), candles.low, close, strict=True
        )  # fmt: skip
        (folder / f"{name}.csv").write_text(
            "timestamp,open,high,low,close,volume\n" + "".join(f"{t},{o},{h},{low},{c},5\n" for t, o, h, low, c in rows)
        )  # fmt: skip
    both = scored(markets_of(build().parse_args(["evolve", "--data", str(folder)])))
    (alone,) = scored(markets_of(build().parse_args(["evolve", "--data", str(folder / "AAA.csv")])))
    assert alone.score < both[0].score == 100.0


def test_bars_made_of_a_finer_series_have_others_made_alike_beside_them(lake):
    gone = range(60 * 30, 60 * 36)
    for seed, name in enumerate(("BTC", "ETH", "SOL"), start=1):
        put(lake, f"binance {name}/USDT 1m", seed=seed, n=60 * 72, gone=gone)
    found = scores(lake, "BTC/USDT")["BTC/USDT"]
    assert (found.score, found.longest_hole) == (100.0, 0)


def test_of_a_venue_only_the_days_in_question_are_read(lake):
    gone = (500, 501)
    for seed, name in enumerate(("AAA", "BBB", "CCC"), start=1):
        put(lake, f"binance {name}/USDT 1h", seed=seed, gone=gone)
    put(lake, "binance CCC/USDT 1m", n=60 * 24)
    whole = []

    def read(of, one):
        whole.append(one.text)
        return of.read(one).candles

    every = [held_of(lake, one, read) for one in lake.all()]
    own = next(one for one in every if one.series.text == "binance AAA/USDT 1h")
    beside = around(own, every)
    assert [one.symbol for one in beside.company] == ["BBB/USDT", "CCC/USDT", "CCC/USDT"]
    at = own.candles.open_us[:1] + np.array([0, 500, 501, N - 1, N]) * 3_600_000_000
    bbb = beside.company[0]
    minutes = beside.company[2]
    whole.clear()
    fresh = held_of(lake, bbb.series, read)
    assert fresh.has(at).tolist() == [True, False, False, True, False]
    assert fresh.covers(at).tolist() == [True, True, True, True, False]
    fresh = held_of(lake, minutes.series, read)
    assert fresh.lives_in(START_US, START_US + 3_600_000_000)
    assert not fresh.lives_in(START_US + 40 * 86_400_000_000, START_US + 41 * 86_400_000_000)
    assert whole == []
    assert Held(bbb.series, lambda: lake.read(bbb.series).candles).has(at).tolist() == fresh_has(
        lake, bbb, at
    )


def fresh_has(lake, held, at):
    return held_of(lake, held.series, lambda of, one: of.read(one).candles).has(at).tolist()


def test_a_proxy_is_no_second_source_and_has_none(lake):
    put(lake, "binance BTC/USDT 1h")
    put(lake, "proxy:binance BTC/USDT 1h")
    put(lake, "okx BTC/USDT 1h", n=300)
    put(lake, "kraken BTC/USDT 1h", n=200)
    every = [held_of(lake, one, lambda of, s: of.read(s).candles) for one in lake.all()]
    found = {one.series.venue: around(one, every).second_name for one in every}
    assert found == {
        "binance": "okx BTC/USDT 1h",
        "proxy:binance": "",
        "okx": "binance BTC/USDT 1h",
        "kraken": "binance BTC/USDT 1h",
    }
