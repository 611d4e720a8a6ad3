"""Every look is counted once, by whomever, and nothing takes it back."""

import sqlite3

import numpy as np
import pytest

from genome.evolution.ports import Scores
from genome.store import GenomeRecord, GenomeStore
from genome.trials import leading, schema
from genome.trials.count import UNREADABLE, Trials, counting
from genome.trials.schema import StoreUnwritable
from organism.errors import BadInput
from tests.genome.trials.looking import DAYS, data, look, names, returns


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "genome.db"


@pytest.fixture
def trials(path):
    made = Trials(path)
    yield made
    made.close()


def test_a_look_is_a_trial_and_looking_again_is_none(trials):
    assert look(trials, data(), names(10)) == 10
    assert look(trials, data(), names(10)) == 0
    assert look(trials, data(), names(12), origin="optimize") == 2
    found = trials.tally(data())
    assert (found.trials, found.by_origin) == (12, {"evolve": 10, "optimize": 2})


def test_a_genome_that_is_given_twice_in_a_batch_counts_once(trials):
    assert look(trials, data(), names(3) + names(3)) == 3
    assert trials.total(data()) == 3


def test_the_same_genome_on_other_data_or_another_slice_is_another_trial(trials):
    assert look(trials, data("a"), names(5)) == 5
    assert look(trials, data("b"), names(5)) == 5
    assert look(trials, data("a", slice="validation"), names(5)) == 5
    assert trials.total(data("a")) == 15


def test_looks_at_overlapping_data_add_up_and_others_do_not(trials):
    look(trials, data("a", end=20_100), names(10))
    look(trials, data("b", start=20_050), names(7))
    look(trials, data("c", ("ETHUSDT",)), names(4))
    assert [
        trials.total(data(n, end=e, start=s)) for n, s, e in (("a", 20_000, 20_100), ("b", 20_050, 20_250))
    ] == [17, 17]
    assert trials.total(data("c", ("ETHUSDT",))) == 4
    assert trials.total(data("never seen", start=20_240, end=20_300)) == 17
    assert trials.total(data("never seen", start=20_250, end=20_300)) == 0


def test_what_was_counted_is_there_after_the_store_was_closed(path):
    for _ in range(2):
        with counting(path) as trials:
            look(trials, data(), names(10))
    with counting(path, writable=False) as reader:
        assert reader.tally(data()).trials == 10


def test_trials_that_move_together_are_one_cluster_across_batches_and_openings(path):
    behaviours = returns(10)
    with counting(path) as trials:
        look(trials, data(), names(10, "a"), behaviours)
        look(trials, data(), names(10, "b"), behaviours * 3)
    with counting(path) as trials:
        look(trials, data(), names(20, "c"), np.concatenate([behaviours, returns(10, seed=1)]))
        assert trials.tally(data())[:2] == (40, 20)


def test_behaviours_are_known_again_on_overlapping_data(trials):
    behaviours = returns(10, days=400)
    look(trials, data("a", end=20_300), names(10, "a"), behaviours[:, :300], np.arange(20_000, 20_300))
    look(
        trials,
        data("b", start=20_100, end=20_400),
        names(10, "b"),
        behaviours[:, 100:],
        np.arange(20_100, 20_400),
    )
    assert trials.tally(data("b", start=20_100, end=20_400))[:2] == (20, 10)


def test_all_that_never_trade_are_one_cluster(trials):
    idle = np.zeros((30, DAYS.size))
    look(trials, data(), names(30), idle)
    look(trials, data(), names(30, "more"), np.concatenate([idle[:20], returns(10)]))
    assert trials.tally(data())[:2] == (60, 11)


def test_trials_without_daily_returns_are_clusters_of_their_own(trials):
    none = np.zeros((4, 0))
    look(trials, data(), names(4), none, np.zeros(0, np.int64))
    assert trials.tally(data())[:2] == (4, 4)


def test_leaders_beyond_what_is_kept_still_count(trials, monkeypatch):
    monkeypatch.setattr(leading, "MOST_LEADERS", 5)
    behaviours = returns(12)
    look(trials, data(), names(12), behaviours)
    look(trials, data(), names(12, "again"), behaviours)
    kept = trials.connection.execute("SELECT count(*) FROM leaders").fetchone()
    assert kept == (5,)
    assert trials.tally(data())[:2] == (24, 12 + 7)


def test_trials_on_new_days_are_counted_when_no_leader_may_be_kept_any_more(trials, monkeypatch):
    monkeypatch.setattr(leading, "MOST_LEADERS", 0)
    for batch in range(3):
        look(trials, data(), names(4, batch), returns(4, seed=batch))
    assert trials.connection.execute("SELECT count(*) FROM leaders").fetchone() == (0,)
    assert trials.tally(data())[:2] == (12, 12)


def test_returns_take_no_more_than_their_share_of_bytes(trials, monkeypatch):
    monkeypatch.setattr(leading, "BYTES_BEFORE", 4_000)
    monkeypatch.setattr(leading, "BYTES_A_TRIAL", 100)
    for batch in range(5):
        look(trials, data(), names(40, batch), returns(40, seed=batch))
        taken = trials.connection.execute("SELECT sum(length(returns)) FROM leaders").fetchone()[0]
        assert taken <= 4_000 + 100 * 40 * (batch + 1)
    assert taken >= 0.9 * (4_000 + 100 * 200)
    assert trials.tally(data())[:2] == (200, 200)


def test_what_is_kept_of_a_trial_is_what_was_told(trials):
    worth = np.array([[1.5, np.nan, -np.inf, 0.25], [2.0, 0.0, 0.0, 0.0]])
    trials.add(data(), names(2), worth, returns(2), DAYS, "walk-forward", run=9, at_s=123)
    ((row,), bad) = schema.sound(trials.connection, "batches")
    kept = dict(zip(schema.COLUMNS["batches"], row, strict=True))
    np.testing.assert_array_equal(np.frombuffer(kept["objectives"], "<f4").reshape(2, 4), worth)
    assert (kept["run"], kept["at_s"], kept["led"], bad) == (9, 123, 2, [])
    assert kept["genomes"].hex() == names(2)[0][:32] + names(2)[1][:32]


def scores(n, days=DAYS):
    return Scores(np.zeros((n, 4)), np.zeros(n), returns(n, days=days.size), days, np.zeros(n))


def test_evolution_counts_through_its_port_and_parts_of_the_data_are_of_its_family(trials):
    count = trials.counter(data(), run=3, now_s=lambda: 5.0)
    assert count.add(data().name, names(5), scores(5), "evolve") == 5
    part = DAYS[50:150]
    assert count.add("a window", names(5), scores(5, part), "walk-forward") == 5
    assert count.add("a window", names(5), scores(5, part), "walk-forward") == 0
    assert trials.total(data()) == 10
    assert trials.total(data("else", start=20_000, end=20_001)) == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"origin": "luck"}, "trials are of evolve, optimize"),
        ({"hashes": ["xyz"]}, "32 or 64 hex digits; was 'xyz'"),
        ({"hashes": names(2)}, "2 genomes came with objectives"),
        ({"days": DAYS[:-1]}, "249 days; give each genome a row"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_counted(trials, change, says):
    given = {"hashes": names(1), "days": DAYS, "origin": "evolve"} | change
    with pytest.raises(BadInput, match=says):
        trials.add(
            data(), given["hashes"], np.zeros((1, 4)), returns(1), given["days"], given["origin"], at_s=0
        )
    assert trials.total(data()) == 0


# ---------------------------------------------------------------- what a machine refuses


def test_a_full_disk_is_one_sentence_and_takes_nothing_back(trials):
    look(trials, data(), names(10))
    pages = trials.connection.execute("PRAGMA page_count").fetchone()[0]
    trials.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnwritable, match="is full; free its disk") as told:
        look(trials, data(), names(500, "more"))
    assert str(told.value).count("\n") == 0
    assert trials.tally(data())[:2] == (10, 10)
    trials.connection.execute(f"PRAGMA max_page_count = {10 * pages + 1_000}")
    assert look(trials, data(), names(500, "more")) == 500
    assert trials.total(data()) == 510


def test_a_store_that_cannot_be_written_is_named(tmp_path, path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnwritable, match="cannot be written"):
        Trials(tmp_path / "file" / "genome.db")
    with pytest.raises(BadInput, match="does not exist"):
        Trials(path, writable=False)
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(BadInput, match="cannot be used as a genome store"):
        Trials(path)


def test_who_only_reads_cannot_count(path):
    Trials(path).close()
    with counting(path, writable=False) as reader, pytest.raises(StoreUnwritable, match="readonly"):
        look(reader, data(), names(1))


# ---------------------------------------------------------------- earlier and later stores

FOUNDER = GenomeRecord.of("ema_trend", 0, (("slow", 480.0), ("fast", 120.0)))


def test_a_store_from_before_trials_is_read_as_it_is_and_grows_when_written(path):
    store = GenomeStore(path)
    store.put(FOUNDER)
    store.close()
    with counting(path, writable=False) as reader:
        assert reader.tally(data()) == (0, 0, {}, 0)
    with counting(path) as trials:
        look(trials, data(), names(3))
    store = GenomeStore(path)
    assert list(store.records()) == [FOUNDER]
    store.close()
    with counting(path, writable=False) as reader:
        assert reader.total(data()) == 3


def test_a_store_of_a_newer_version_is_refused_with_both_named(path):
    Trials(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(BadInput, match=r"newer organism \(version 7 of its tables, 1 is known here\)"):
        Trials(path)


# ---------------------------------------------------------------- damage

DAMAGES = {
    "objectives": "UPDATE batches SET objectives = randomblob(length(objectives)) WHERE id = 1",
    "genomes": "UPDATE batches SET genomes = zeroblob(length(genomes)) WHERE id = 1",
    "number of leaders": "UPDATE batches SET led = 1000000 WHERE id = 1",
    "origin": "UPDATE batches SET origin = 77 WHERE id = 1",
    "run": "UPDATE batches SET run = 77 WHERE id = 1",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_trials_are_set_aside_and_still_counted(path, damage):
    with counting(path) as trials:
        look(trials, data(), names(10))
        look(trials, data(), names(5, "more"), returns(5, seed=3))
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    told = []
    trials = Trials(path, tell=told.append)
    assert trials.damaged() == 1
    assert told == []  # who only looks tells nobody, and sets nothing aside
    assert trials.total(data()) == 15
    assert trials.audit() == 1
    assert trials.tally(data()) == (15, 15, {"evolve": 5, UNREADABLE: 10}, 1)
    assert trials.audit() == 0
    trials.close()
    (sentence,) = told
    assert "a row of batches" in sentence
    assert sentence.endswith("moved to the table set_aside, and what it counted still counts.")


def test_a_damaged_leader_leads_nobody_any_more(path):
    behaviours = returns(4)
    with counting(path) as trials:
        look(trials, data(), names(4), behaviours)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE leaders SET returns = zeroblob(length(returns)) WHERE id % 4 = 1")
    database.close()
    told = []
    trials = Trials(path, tell=told.append)
    look(trials, data(), names(4, "again"), behaviours)
    assert trials.tally(data())[:2] == (8, 5)
    trials.close()
    assert len(told) == 1


def test_trials_of_a_damaged_data_set_count_everywhere(path):
    with counting(path) as trials:
        look(trials, data("a"), names(10))
        look(trials, data("b", ("ETHUSDT",)), names(5))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE datasets SET end_s = end_s + 1 WHERE id = 1")
    database.close()
    told = []
    trials = Trials(path, tell=told.append)
    assert trials.total(data("b", ("ETHUSDT",))) == 15
    assert look(trials, data("a"), names(10)) == 10
    assert trials.total(data("a")) == 20
    trials.close()
    assert len(told) == 1
