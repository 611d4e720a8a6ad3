"""Whom a trial is made with is decided by what was known at its start; who died later is in it until it died."""

import argparse
import json

import numpy as np
import pytest

from organism.cli import run
from organism.cli.universe import STOPPED, sought
from organism.errors import BadInput
from organism.lake.names import series
from organism.lake.store import Lake
from organism.lake.universe import Wanted, chosen
from tests.lake.made import START_US, changed, walk

DAY_US = 86_400_000_000
BEGIN = "2024-02-10"
BEGIN_US = START_US + 40 * DAY_US
DAYS = 100
TOML = """
[[change]]
before = "LUNA"
after = "LUNC"
at = 2024-03-01T00:00:00Z
factor = 1.0
reused = true

[[instrument]]
venue = "binance"
symbol = "FTT/USDT"
delisted = 2024-03-05T06:00:00Z

[[instrument]]
venue = "binance"
symbol = "SECRET/USDT"
delisted = 2024-02-01T00:00:00Z
announced = 2024-03-01T00:00:00Z
"""


def put(lake, name, volume, first=0, last=DAYS, timeframe="1h"):
    """Candles from one day of 2024 until before another, so much traded an hour."""
    a_day = 24 if timeframe == "1h" else 1
    candles = walk((last - first) * a_day, timeframe, start_us=START_US + first * DAY_US, seed=len(name))
    lake.append(
        series("binance", f"{name}/USDT", timeframe), changed(candles, volume=np.full(len(candles), float(volume))),
        source="x", received_us=1,
    )  # fmt: skip


@pytest.fixture
def lake(tmp_path):
    made = Lake(tmp_path / "state" / "lake", now_us=lambda: START_US + 400 * DAY_US)
    made.root.mkdir(parents=True)
    (made.root / "instruments.toml").write_text(TOML)
    put(made, "BTC", 500)
    put(made, "DEAD", 400, last=60)
    put(made, "LUNA", 300)
    put(made, "FTT", 200)
    put(made, "QUIET", 1, last=40)
    put(made, "QUIET", 90_000, first=40)  # the most traded, later
    put(made, "LATE", 90_000, first=41)
    put(made, "GONE", 90_000, last=20)
    return made


@pytest.fixture
def said(capsys, lake, tmp_path):
    """Run a command on that lake; give its status, output and complaint."""

    def perform(*words):
        status = run([
            *map(str, words), "--data", "lake", "--venue", "binance", "--timeframe", "1h", "--state", str(tmp_path / "state"),
        ])  # fmt: skip
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


def names(found):
    return [one.symbol.removesuffix("/USDT") for one in found.picked]


def test_what_was_listed_after_the_start_is_not_chosen_and_what_died_after_it_is(lake):
    assert names(chosen(lake, "binance", BEGIN_US, Wanted())) == ["BTC", "DEAD", "LUNA", "FTT", "QUIET"]
    assert names(chosen(lake, "binance", BEGIN_US, Wanted(), top=3)) == ["BTC", "DEAD", "LUNA"]
    later = chosen(lake, "binance", BEGIN_US + 50 * DAY_US, Wanted(min_age=60))
    assert names(later) == ["QUIET", "BTC", "LUNA"]  # who had died by then is not, nor who was too young


def test_nothing_that_the_lake_learns_of_later_days_changes_who_is_chosen(lake, tmp_path):
    early = Lake(tmp_path / "early", now_us=lambda: START_US + 400 * DAY_US)
    early.root.mkdir()
    (early.root / "instruments.toml").write_text(TOML)
    for one in lake.all():
        candles = lake.read(one).candles.between(None, BEGIN_US)
        if len(candles):
            early.append(one, candles, source="x", received_us=1)
    then, now = (chosen(of, "binance", BEGIN_US, Wanted()) for of in (early, lake))
    assert [one.instrument for one in then.picked] == [one.instrument for one in now.picked]
    assert then.known == now.known


def test_a_backtest_meets_each_of_them_from_the_start_until_it_ended(said):
    status, out, _ = said("backtest", "ema_crossover", "--universe", "4", "--start", BEGIN, "--json")
    found = json.loads(out)
    told = {one["symbol"]: one for one in found["universe"]["chosen"]}
    assert status == 0
    assert list(told) == ["BTC/USDT", "DEAD/USDT", "LUNA/USDT", "FTT/USDT"]
    assert {one["first"] for one in told.values()} == {f"{BEGIN}T00:00:00Z"}
    assert [one["last"] for one in told.values()] == [
        "2024-04-09T23:00:00Z", "2024-02-29T23:00:00Z", "2024-02-29T23:00:00Z", "2024-03-05T05:00:00Z",
    ]  # fmt: skip
    assert [one["ended"] for one in told.values()] == [
        None, "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-05T06:00:00Z",
    ]  # fmt: skip
    assert [one["why"] for one in told.values()] == [
        "", STOPPED, "its name went to another asset; the asset is LUNC since", "delisted",
    ]  # fmt: skip
    assert (found["universe"]["as_of"], found["universe"]["words"], found["universe"]["known"]) == (
        f"{BEGIN}T00:00:00Z", "4", 6,
    )  # fmt: skip
    assert "4 of the 6 instruments of binance as of 2024-02-10 (4), 1h, from the lake" in found["source"]
    assert any("LUNA/USDT on 2024-03-01" in one for one in found["warnings"])


def test_evolve_breeds_on_them_and_goes_on_with_the_same(said):
    words = (
        "evolve",
        "--universe",
        "3,min-age=30",
        "--start",
        BEGIN,
        "--end",
        "2024-03-20",
        "--population",
        "12",
    )
    more = ("--islands", "2", "--min-trades", "0", "--json")
    first = json.loads(said(*words, *more, "--generations", "1")[1])
    again = json.loads(said(*words, *more, "--generations", "2", "--resume")[1])
    assert [one["symbol"] for one in first["universe"]["chosen"]] == ["BTC/USDT", "DEAD/USDT", "LUNA/USDT"]
    assert again["universe"] == first["universe"]
    assert (again["run"], again["generations"]) == (first["run"], 2)
    assert (
        json.loads(said("backtest", "ema_crossover", "--symbols", "BTC/USDT", "--json")[1])["universe"]
        is None
    )


def test_who_is_chosen_but_cannot_be_had_is_named_and_not_replaced(lake, said):
    put(lake, "DAILY", 24 * 450, timeframe="1d")
    put(lake, "SECRET", 450)
    status, out, _ = said("backtest", "ema_crossover", "--universe", "top=4", "--start", BEGIN, "--json")
    found = json.loads(out)
    assert status == 0
    assert [one["symbol"] for one in found["universe"]["chosen"]] == ["BTC/USDT", "DEAD/USDT"]
    left = {one["symbol"]: one["why"] for one in found["universe"]["left_out"]}
    assert left.keys() == {"DAILY/USDT", "SECRET/USDT"}
    assert "1d" in left["DAILY/USDT"]
    assert left["SECRET/USDT"] == "delisted"  # before the start, which nobody knew then
    assert any("left out" in one and "SECRET/USDT (delisted)" in one for one in found["warnings"])


def test_a_hole_of_the_recording_is_not_told_as_a_death(lake, said):
    put(lake, "HOLE", 600, last=50)
    put(lake, "HOLE", 600, first=90)
    found = json.loads(
        said("backtest", "ema_crossover", "--universe", "1", "--start", BEGIN, "--end", "2024-03-20", "--json")[1]
    )  # fmt: skip
    assert [(one["symbol"], one["ended"]) for one in found["universe"]["chosen"]] == [("HOLE/USDT", None)]
    assert any("hole of the recording: HOLE/USDT on 2024-02-20" in one for one in found["warnings"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--universe", "3"), "--start 2023-01-01"),
        (("--universe", "3", "--symbols", "BTC/USDT", "--start", BEGIN), "leave --symbols out"),
        (("--universe", "3", "--start", "2023-06-01"), "begins on 2024-01-01: begin later"),
        (("--universe", "min-volume=1e18", "--start", BEGIN), "none of the 6 instruments of binance"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_sentence(said, words, sentence):
    status, out, err = said("backtest", "ema_crossover", *words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tier=7", "was 'tier=7'"),
        ("3,3", "top came twice"),
        ("min-age=nan", "min_age is a number from 0 on; was nan"),
    ],
)
def test_words_that_nobody_could_mean_are_refused(said, capsys, text, sentence):
    with pytest.raises(SystemExit, match="2"):
        said("backtest", "ema_crossover", "--universe", text, "--start", BEGIN)
    assert sentence in capsys.readouterr().err


def test_a_search_of_parameters_takes_a_universe_of_one(said):
    words = ("optimize", "ema_crossover", "--bound", "fast=5:10", "--trials", "4", "--start", BEGIN)
    assert json.loads(said(*words, "--universe", "1", "--json")[1])["source"].startswith(
        "1 of the 6 instruments"
    )
    status, _, err = said(*words, "--universe", "2")
    assert (status, "searched on one asset" in err) == (2, True)


def test_words_of_a_universe():
    found = sought("tier=1, tier=2,by=age,window=30,min-score=95")
    assert (found.top, found.by, found.window_days) == (None, "age", 30)
    assert (found.wanted.tiers, found.wanted.min_score) == ((1, 2), 95.0)
    assert (sought("all").top, sought("12").top) == (None, 12)
    for text in ("", "0", "-3", "top=x", "by=luck", "all=1", "age", "min-age", "tier"):
        with pytest.raises(argparse.ArgumentTypeError, match="a universe is written as"):
            sought(text)


def test_a_venue_of_which_nothing_is_held_is_named(lake):
    with pytest.raises(BadInput, match="holds no candles of kraken; it holds those of binance"):
        chosen(lake, "kraken", BEGIN_US, Wanted())
