"""`organism walk-forward` as a person types it: each window, what was kept, and how it refuses."""

import json

import numpy as np
import pytest

from organism.cli import run
from tests.genome.results import NEW_YEAR

KEYS = {
    "strategy", "held", "parameters", "points", "symbols", "bars", "bar_s", "start", "end", "capital", "costs", "metric",
    "maximised", "fewest_trades", "method", "seed", "train", "test", "trading_days", "anchored", "purged_bars",
    "lookback_bars", "windows", "planned", "out_of_sample", "in_sample_sharpe", "efficiency", "won", "stability", "equity",
    "trials", "ended", "looked", "warnings", "source", "proxies", "elapsed_s", "trials_new", "trials_total",
}  # fmt: skip
WINDOW = {
    "train_start", "train_end", "test_start", "test_end", "params", "in_sample", "out_of_sample", "efficiency", "found",
    "trials",
}  # fmt: skip
SHORT = ("--train", "60", "--test", "20", "--trials", "30", "--bound", "fast=2:20", "slow=10:40")


def written(path, days, seed=1):
    at = np.arange(days * 6)
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, at.size)))
    opened = np.concatenate((close[:1], close[:-1]))
    rows = zip(at, opened, np.maximum(opened, close), np.minimum(opened, close), close, strict=True)
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        + "".join(f"{(NEW_YEAR + 14_400 * t) * 1_000},{o},{h},{low},{c},5\n" for t, o, h, low, c in rows)
    )
    return path


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A random walk of 160 days, bars of four hours."""
    return written(tmp_path_factory.mktemp("bars") / "XYZ.csv", 160)


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    """A random walk of 700 days."""
    return written(tmp_path_factory.mktemp("bars") / "LONG.csv", 700)


@pytest.fixture
def said(capsys, tmp_path):
    """Run a command; give its status, output and complaint."""

    def perform(*words):
        status = run(["walk-forward", *map(str, words), "--state", str(tmp_path)])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


@pytest.mark.requirement("S0-1.3.11", "S0-1.3.12")
def test_a_walk_is_one_document_with_each_window(said, bars):
    status, out, _ = said("ema_crossover", "--data", bars, *SHORT, "--json")
    found = json.loads(out)
    assert status == 0
    assert found.keys() == KEYS
    assert all(one.keys() == WINDOW for one in found["windows"])
    assert len(found["windows"]) == found["planned"] >= 4
    assert found["trials"] == 30 * found["planned"]
    for one, after in zip(found["windows"], found["windows"][1:], strict=False):
        assert one["train_end"] < one["test_start"]
        assert one["test_end"] == after["test_start"]
    again = json.loads(said("ema_crossover", "--data", bars, *SHORT, "--json")[1])
    assert found | {"elapsed_s": 0, "trials_new": 0} == again | {"elapsed_s": 0}


@pytest.mark.requirement("S0-1.3.11", "S3-3.1.6")
@pytest.mark.parametrize(
    ("words", "train", "test", "trading"),
    [((), 365, 90, False), (("--preset", "365/90"), 365, 90, False), (("--preset", "252/63"), 252, 63, True)],
)
def test_presets_are_a_year_and_a_quarter(said, years, words, train, test, trading):
    found = json.loads(said("ema_crossover", "--data", years, "--trials", "12", *words, "--json")[1])
    assert (found["train"], found["test"], found["trading_days"]) == (train, test, trading)
    assert len(found["windows"]) >= 3


@pytest.mark.requirement("S0-1.3.12", "S3-3.1.7")
def test_a_table_a_page_and_warnings_are_told(said, bars, tmp_path):
    page = tmp_path / "w.html"
    status, out, _ = said("ema_crossover", "--data", bars, *SHORT, "--report", page)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 140
    for words in (
        "tested from",
        "Sharpe in",
        "Sharpe out",
        "efficiency",
        "windows near it",
        "verdict",
        "trials",
    ):
        assert words in out
    html = page.read_text()
    for name in ("equity", "drawdown", "pairs", "path-fast", "path-slow", "windows", "stability", "field-0"):
        assert f'id="{name}"' in html
    assert "http" not in html.replace("http-equiv", "")


def test_refits_and_tests_are_counted_on_the_bars_of_all_windows(said, bars):
    words = ("ema_crossover", "--data", bars, *SHORT, "--json")
    first, again = (json.loads(said(*words)[1]) for _ in range(2))
    windows = first["planned"]
    assert first["trials_total"] == first["trials_new"] == 30 * windows + windows
    assert (again["trials_new"], again["trials_total"]) == (0, first["trials_total"])


def test_anchored_windows_learn_from_the_first_bar_on(said, bars):
    found = json.loads(
        said("ema_crossover", "--data", bars, *SHORT, "--anchored", "--purge", "0", "--json")[1]
    )
    assert {one["train_start"] for one in found["windows"]} == {"2024-01-01T00:00:00Z"}
    assert all(one["train_end"] == one["test_start"] for one in found["windows"])
    assert found["purged_bars"] == 0


def test_an_interrupt_prints_the_windows_that_are_whole(said, bars, monkeypatch):
    from genome.tuning import judging

    real, seen = judging.evaluate_within, []

    def impatient(genomes, *rest, **more):
        seen.append(len(genomes))
        if seen.count(1) == 2 and len(genomes) > 1:
            raise KeyboardInterrupt
        return real(genomes, *rest, **more)

    monkeypatch.setattr(judging, "evaluate_within", impatient)
    status, out, _ = said("ema_crossover", "--data", bars, *SHORT)
    assert status == 130
    assert "Interrupted: 2 of" in out


def test_an_interrupt_before_the_first_window_says_that_there_is_nothing(said, bars, monkeypatch):
    from genome.tuning import judging

    def at_once(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "evaluate_within", at_once)
    status, out, complaint = said("ema_crossover", "--data", bars, *SHORT)
    assert (status, out) == (130, "")
    assert "interrupted before the first window was whole" in complaint


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--preset", "365/90", "--train", "100"), "--preset names both lengths"),
        (("--train", "0"), "--train is at least 1 day; was 0"),
        (("--test", "1"), "--test is at least 2 days; was 1"),
        (("--purge", "-5"), "--purge is 0 bars or more"),
        ((), "but XYZ has 160; take longer data, or shorter windows with --train and --test"),
        (("--metric", "luck"), "there is no metric 'luck'"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(said, bars, words, says):
    status, out, complaint = said("ema_crossover", "--data", bars, *words)
    assert (status, out) == (2, "")
    assert says in complaint
    assert len(complaint.strip().splitlines()) == 1
