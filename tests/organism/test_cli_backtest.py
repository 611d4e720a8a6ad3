"""`organism backtest` as a person types it: what it prints, what it writes, and how it refuses."""

import csv
import json

import msgspec
import numpy as np
import pytest

from genome import simulator
from genome.seeds import seed
from organism.cli import run
from tests.genome.results import NEW_YEAR

REQUIRED = (
    "strategy", "params", "bars", "start", "end", "total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown",
    "n_trades", "win_rate", "profit_factor", "turnover", "exposure", "fees",
)  # fmt: skip


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Forty days of hours that swing, as CSV."""
    path = tmp_path_factory.mktemp("bars") / "XYZ.csv"
    at = np.arange(24 * 40)
    close = 100 + 10 * np.sin(at / 20) + np.random.default_rng(1).normal(0, 0.2, at.size)
    opened = np.concatenate((close[:1], close[:-1]))
    rows = zip(
        at, opened, np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1, close, strict=True
    )
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        + "".join(f"{(NEW_YEAR + 3_600 * t) * 1_000},{o},{h},{low},{c},5\n" for t, o, h, low, c in rows)
    )
    return path


@pytest.fixture
def said(capsys, tmp_path):
    """Run a command; give its status, output and complaint."""

    def perform(*words):
        status = run(["backtest", *map(str, words), "--state", str(tmp_path)])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


def document(said, *words):
    status, out, _ = said(*words, "--json")
    assert status == 0
    return json.loads(out)


@pytest.mark.requirement("S4-14.4", "S4-14.7")
def test_stored_bars_and_a_seed_become_figures_in_one_document(said, hours):
    found = document(said, "ema_crossover", "--data", hours, "--param", "fast=5", "slow=12")
    assert set(REQUIRED) <= found.keys()
    assert found["params"] | {"fast": 5, "slow": 12} == found["params"]
    assert (found["bars"], found["symbols"]) == (960, ["XYZ"])
    assert (found["start"], found["end"]) == ("2024-01-01T00:00:00Z", "2024-02-10T00:00:00Z")
    assert found["n_trades"] > 5
    assert found["elapsed_s"]["run"] >= 0


def test_the_figures_are_those_of_the_simulator(said, hours):
    from genome.costs import Costs
    from genome.history import load

    words = ("--data", hours, "--fee", "0.002", "--slippage", "0.001", "--capital", "5000")
    found = document(said, "donchian_breakout", *words)
    costs = Costs(taker=0.002, maker=0.002, slippage=0.001)
    direct = simulator.backtest(load(hours), seed("donchian_breakout"), costs, 5_000.0)
    for name, value in direct.figures.items():
        assert found[name] == (None if np.isnan(value) else pytest.approx(value)), name


@pytest.mark.requirement("S4-6.4")
@pytest.mark.parametrize("capital", [500, 10_000])
def test_either_starting_capital_is_run_and_the_default_is_ten_thousand(said, hours, capital):
    found = document(said, "sma_trend", "--data", hours, "--capital", capital)
    assert found["capital"] == capital
    assert document(said, "sma_trend", "--data", hours)["capital"] == 10_000


@pytest.mark.requirement("S0-1.3.5", "S0-1.3.6")
def test_trades_and_a_page_are_written_and_a_table_is_printed(said, hours, tmp_path):
    trades, page = tmp_path / "t.csv", tmp_path / "r.html"
    status, out, _ = said("ema_crossover", "--data", hours, "--trades", trades, "--report", page)
    assert status == 0
    for word in (
        "total return",
        "sharpe a year",
        "max drawdown",
        "win rate",
        "assumed",
        "fee 0.100",
        "One backtest is",
    ):
        assert word in out
    assert max(map(len, out.splitlines())) <= 140
    with trades.open() as file:
        rows = list(csv.DictReader(file))
    header = "side,entry_at,entry_price,exit_at,exit_price,quantity,fees,pnl,reason"
    assert trades.read_text().splitlines()[0] == header
    found = document(said, "ema_crossover", "--data", hours)
    assert sum(row["reason"] != "end" for row in rows) == found["n_trades"]
    assert {row["side"] for row in rows} == {"long", "short"}
    assert "no borrow cost is modelled" in out
    assert page.read_text().count("<figure") >= 6


def test_long_only_leaves_no_short(said, hours, tmp_path):
    trades = tmp_path / "t.csv"
    said("ema_crossover", "--data", hours, "--long-only", "--trades", trades)
    assert {row["side"] for row in csv.DictReader(trades.read_text().splitlines())} == {"long"}


def test_size_start_end_and_timeframe_are_kept(said, hours):
    half = document(said, "ema_crossover", "--data", hours, "--size", "0.5")
    whole = document(said, "ema_crossover", "--data", hours, "--size", "1")
    assert half["turnover"] < 0.7 * whole["turnover"]
    cut = document(
        said, "ema_crossover", "--data", hours, "--start", "2024-01-05", "--end", "2024-01-20T12:00"
    )
    assert (cut["start"], cut["end"]) == ("2024-01-05T00:00:00Z", "2024-01-20T12:00:00Z")
    long = document(said, "ema_crossover", "--data", hours, "--timeframe", "4h")
    assert (long["bars"], long["bar_s"]) == (240, 14_400)


def test_without_data_the_recording_that_ships_is_run(said):
    found = document(said, "ema_crossover", "--timeframe", "4h", "--param", "stop=0.05")
    assert found["symbols"] == ["BTC/USDT"]
    assert found["params"]["stop"] == 0.05
    assert "ships with the organism" in found["source"]


def test_a_genome_is_taken_from_a_file_and_from_the_store(said, hours, tmp_path):
    from genome.store import GenomeRecord, GenomeStore

    genome = seed("ema_crossover", fast=5, slow=12)
    path = tmp_path / "mine.json"
    path.write_text(genome.to_json())
    of_file = document(said, path, "--data", hours)
    store = GenomeStore(tmp_path / "genome.db")
    store.put(GenomeRecord.from_genome(genome, origin="import"))
    store.close()
    of_store = document(said, genome.genome_id, "--data", hours, "--param", "fast=6")
    assert of_file["genome_id"] == genome.genome_id
    assert of_store["params"]["fast"] == 6
    by_name = document(said, "ema_crossover", "--data", hours, "--param", "fast=5", "slow=12")
    assert of_file["total_return"] == by_name["total_return"]


def test_funding_makes_a_perpetual_and_missing_rates_are_said(said, hours, tmp_path):
    funding = tmp_path / "funding.csv"
    funding.write_text(
        "timestamp,funding_rate\n"
        + "".join(f"{(NEW_YEAR + 28_800 * i) * 1_000},0.0005\n" for i in range(100))
    )
    plain = document(said, "ema_crossover", "--data", hours, "--long-only")
    paid = document(said, "ema_crossover", "--data", hours, "--long-only", "--funding", funding)
    assert paid["total_return"] < plain["total_return"]
    assert any("funding rates are missing" in sentence for sentence in paid["warnings"])


def test_a_seed_without_its_column_says_that_it_never_fires(said, hours):
    found = document(said, "funding_carry", "--data", hours)
    assert found["n_trades"] == 0
    assert any("needs funding, which XYZ lacks" in sentence for sentence in found["warnings"])
    assert found["win_rate"] is None


def test_one_bar_runs_and_says_that_nothing_can_fill(said, tmp_path):
    path = tmp_path / "ONE.csv"
    path.write_text(f"timestamp,open,high,low,close,volume\n{NEW_YEAR}000,1,1,1,1,1\n")
    status, out, _ = said("ema_crossover", "--data", path, "--report", tmp_path / "one.html")
    assert status == 0
    assert "no fill is possible" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ema_crosover",), "no strategy 'ema_crosover'. Did you mean"),
        (("ema_crossover", "--param", "fats=3"), "no parameter 'fats'"),
        (("ema_crossover", "--param", "fast"), "--param wants NAME=VALUE; was 'fast'"),
        (("ema_crossover", "--param", "fast=3", "fast=4"), "twice"),
        (("ema_crossover", "--fee", "-1"), "costs are finite and not negative"),
        (("ema_crossover", "--capital", "0"), "--capital was 0"),
        (("ema_crossover", "--size", "7"), "'size' (fraction) lies between"),
        (("ema_crossover", "--data", "absent.csv"), "absent.csv is not a file"),
        (("absent.json",), "absent.json cannot be read"),
        (("ema_crossover", "--report", "absent/r.html"), "there is no folder absent"),
        (("ema_crossover", "--start", "2030-01-01"), "the bundled recording has no bar"),
        (("ema_crossover", "--timeframe", "7x"), "a timeframe looks like"),
    ],
)
def test_bad_words_are_refused_in_one_sentence(said, words, sentence):
    status, out, err = said(*words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_a_founder_is_refused_with_what_to_use_instead(said, tmp_path):
    from genome.founders import founders
    from genome.store import GenomeRecord, GenomeStore

    _, strategy = founders()[0]
    record = GenomeRecord.of(strategy.family, 0, strategy.parameters)
    store = GenomeStore(tmp_path / "genome.db")
    store.put(record)
    store.close()
    status, _, err = said(record.genome_id)
    assert status == 2
    assert "is a founder" in err
    assert "ema_crossover" in err


def test_size_is_refused_where_another_rule_sizes(said, hours):
    status, _, err = said(
        "ema_crossover",
        "--data",
        hours,
        "--param",
        "sizing=volatility",
        "target_volatility=0.2",
        "--size",
        "1",
    )
    assert status == 2
    assert "sized by volatility" in err


def test_a_genome_that_only_shorts_has_nothing_left_long_only(said, tmp_path, hours):
    genome = msgspec.structs.replace(seed("ema_crossover"), entry_long=None, exit_long=None, family="bear")
    path = tmp_path / "bear.json"
    path.write_text(genome.to_json())
    status, _, err = said(path, "--data", hours, "--long-only")
    assert status == 2
    assert "only ever goes short" in err


@pytest.fixture(scope="module")
def many(hours, tmp_path_factory):
    """A folder of two assets; the second is listed ten days later and moves otherwise."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "AAA.csv").write_text(hours.read_text())
    head, *rows = hours.read_text().splitlines()
    moved = [
        ",".join([row.split(",")[0], *(str(float(x) * (1 + t / 500)) for x in row.split(",")[1:5]), "7"])
        for t, row in enumerate(rows)
    ]
    (folder / "BBB.csv").write_text("\n".join([head, *moved[240:]]) + "\n")
    return folder


def test_a_folder_is_one_joint_run_on_one_account(said, many, tmp_path):
    trades = tmp_path / "t.csv"
    status, out, _ = said("ema_crossover", "--data", many, "--capital", "2000", "--trades", trades)

    assert status == 0
    assert "ema_crossover on 2 assets" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("AAA", "BBB"))] == ["AAA", "BBB"]
    rows = list(csv.DictReader(trades.read_text().splitlines()))
    assert {row["symbol"] for row in rows} == {"AAA", "BBB"}
    assert [row["entry_at"] for row in rows] == sorted(row["entry_at"] for row in rows)
    first = rows[0]  # 15 % of the equity, its fee included
    assert float(first["quantity"]) * float(first["entry_price"]) * 1.001 == pytest.approx(300.0)
    found = document(said, "ema_crossover", "--data", many, "--capital", "2000")
    earned = sum(float(row["pnl"]) for row in rows)
    assert found["total_return"] * 2_000 == pytest.approx(earned, rel=1e-6)
    assert found["n_trades"] == len([row for row in rows if row["reason"] != "end"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(("--report", "r.html"), "--report draws one asset"), (("--size", "0.5"), "--size is for one asset")],
)
def test_what_is_of_one_asset_is_refused_for_a_folder(said, many, words, complaint):
    status, _, err = said("ema_crossover", "--data", many, *words)
    assert status == 2
    assert complaint in err


def test_a_folder_says_that_a_size_rule_is_not_used(said, many):
    words = "The size rule of the genome is not used"
    by_kelly = ("ema_crossover", "--param", "sizing=kelly", "--data")
    _, out, _ = said(*by_kelly, many)
    assert words in out
    assert any(words in sentence for sentence in document(said, *by_kelly, many)["warnings"])
    for without in ((*by_kelly, many / "AAA.csv"), ("ema_crossover", "--data", many)):
        assert words not in said(*without)[1]


def test_a_learned_seed_learns_each_asset_of_a_folder_and_trades_them_on_one_account(said, many, tmp_path):
    trades = tmp_path / "t.csv"
    status, out, _ = said(
        "linear_svc", "--data", many, "--trades", trades, "--long-only", "--param", "window=300", "refit=100"
    )
    assert status == 0
    assert "on 2 assets" in out
    rows = list(csv.DictReader(trades.read_text().splitlines()))
    assert {row["side"] for row in rows} == {"long"}
