"""`organism genome lineage`, and backtests that count, as a person types them."""

import json
import sqlite3

import numpy as np
import pytest

from genome.founders import founders
from genome.store import GenomeRecord, GenomeStore
from organism.cli import run
from tests.genome.results import NEW_YEAR

FOUNDER = GenomeRecord.of("ema_trend", 0, (("fast", 120.0), ("slow", 480.0)))
CHILD = GenomeRecord.of("ema_trend", 1, (("fast", 110.0), ("slow", 480.0)), (FOUNDER.genome_id,), "mutation")


@pytest.fixture
def say(tmp_path, capsys):
    def said(*words, state=tmp_path / "state"):
        status = run([*map(str, words), "--state", str(state)])
        out, err = capsys.readouterr()
        return status, out, err

    return said


@pytest.fixture
def stored(tmp_path):
    store = GenomeStore(tmp_path / "state" / "genome.db")
    store.put(FOUNDER)
    store.put(CHILD)
    store.close()
    return tmp_path / "state" / "genome.db"


def test_a_lineage_is_printed_as_a_tree_as_json_and_drawn(say, stored, tmp_path):
    picture = tmp_path / "tree.html"
    status, out, err = say("genome", "lineage", CHILD.genome_id, "--report", picture)
    assert (status, err) == (0, "")
    assert out.startswith(f"{CHILD.genome_id}  mutation, generation 1\n")
    assert f"└─ {FOUNDER.genome_id}  founder, generation 0" in out
    assert f"{CHILD.genome_id} descends from 1 founder, through 1 birth: 1 by mutation." in out
    assert "<svg" in picture.read_text()
    found = json.loads(say("genome", "lineage", CHILD.genome_id, "--json")[1])
    assert [one["genome_id"] for one in found["ancestors"]] == [CHILD.genome_id, FOUNDER.genome_id]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "lineage needs a genome's id"),
        (("ema_trend_1_xxxxxxxx",), "there is no genome 'ema_trend_1_xxxxxxxx'"),
        ((CHILD.genome_id[:-1],), f"Did you mean {CHILD.genome_id!r}?"),
        ((CHILD.genome_id, "--report", "no/such/x.html"), "cannot be written"),
    ],
)
def test_a_lineage_that_cannot_be_told_is_one_sentence_and_status_2(say, stored, words, says):
    status, out, err = say("genome", "lineage", *words)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_damage_is_told_in_one_sentence(say, stored):
    with sqlite3.connect(stored) as database:
        database.execute("UPDATE genomes SET parents = '[]' WHERE generation = 1")
    database.close()
    status, out, err = say("genome", "lineage", CHILD.genome_id)
    assert (status, out) == (2, "")
    assert "is not what was written" in err
    assert err.count("\n") == 1


def test_a_founder_of_the_code_that_nobody_stored_has_no_ancestors(say, tmp_path):
    GenomeStore(tmp_path / "state" / "genome.db").close()
    status, _, err = say("genome", "lineage", founders()[0][0])
    assert status == 2
    assert "has no ancestors" in err
    assert "does not exist" in say("genome", "lineage", "x", state=tmp_path / "none")[2]


# ---------------------------------------------------------------- backtests that count


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Sixty days of hours that swing, as CSV."""
    path = tmp_path_factory.mktemp("bars") / "XYZ.csv"
    close = 100 + 10 * np.sin(np.arange(24 * 60) / 20)
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        + "".join(
            f"{(NEW_YEAR + 3_600 * t) * 1_000},{c},{c + 0.1},{c - 0.1},{c},5\n" for t, c in enumerate(close)
        )
    )
    return path


def total(say, *words):
    status, out, _ = say("backtest", "ema_crossover", *words, "--json")
    assert status == 0
    return json.loads(out)["trials_total"]


def test_a_backtest_is_a_trial_and_running_it_again_is_none(say, hours, tmp_path):
    assert total(say, "--data", hours) == 1
    assert total(say, "--data", hours) == 1
    assert total(say, "--data", hours, "--param", "fast=7") == 2
    copy = tmp_path / "renamed.csv"
    copy.write_bytes(hours.read_bytes())
    assert total(say, "--data", copy) == 2


def test_backtests_of_overlapping_bars_add_up_whatever_their_length_or_costs(say, hours):
    assert total(say, "--data", hours, "--end", "2024-02-01") == 1
    assert total(say, "--data", hours, "--start", "2024-01-25") == 2
    assert total(say, "--data", hours, "--timeframe", "4h") == 3
    assert total(say, "--data", hours, "--fee", "0.002") == 4
    assert total(say, "--timeframe", "1d") == 1


def test_a_person_is_told_how_often_the_bars_were_looked_at(say, hours):
    assert "This is the first trial on these bars" in " ".join(
        say("backtest", "ema_crossover", "--data", hours)[1].split()
    )
    out = say("backtest", "donchian_breakout", "--data", hours)[1]
    assert "2 trials were made on these bars and bars that overlap them, this one included" in " ".join(
        out.split()
    )


def test_a_store_that_cannot_be_written_is_a_warning_and_breaks_no_backtest(say, hours, tmp_path):
    blocked = tmp_path / "blocked"
    (blocked / "genome.db").mkdir(parents=True)
    status, out, err = say("backtest", "ema_crossover", "--data", hours, "--json", state=blocked)
    found = json.loads(out)
    assert (status, err, found["trials_total"]) == (0, "", None)
    (warning,) = (one for one in found["warnings"] if "not counted" in one)
    assert warning.startswith("This trial was not counted: ")
    assert warning.count("\n") == 0
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "genome.db").write_bytes(b"no database" * 1_000)
    status, out, _ = say("backtest", "ema_crossover", "--data", hours)
    assert status == 0
    assert "This trial was not counted" in " ".join(out.split())


def test_genomes_are_listed_from_the_code_while_the_store_holds_trials_only(say, hours):
    total(say, "--data", hours)
    status, out, err = say("genome", "list")
    assert status == 0
    assert "ema_trend" in out
    assert "holds none yet; these are the genomes of the code" in err
