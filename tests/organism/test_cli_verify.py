"""`organism verify` also reads the count of trials: every deflated statistic rests on it."""

import json
import sqlite3

import pytest

from genome.trials.count import counting
from organism.cli import run
from organism.journal.writer import SqliteJournal
from tests.genome.trials.looking import data, look, names


@pytest.fixture
def state(tmp_path):
    SqliteJournal(tmp_path).close()
    with counting(tmp_path / "genome.db") as trials:
        look(trials, data(), names(10))
    return tmp_path


def verdict(state, capsys):
    status = run(["verify", "--json", "--state", str(state)])
    return status, json.loads(capsys.readouterr().out)


def test_a_count_that_is_what_was_written_is_said_to_be(state, capsys):
    status, found = verdict(state, capsys)
    assert (status, found["ok"]) == (0, True)
    assert "the count of trials is what was written" in found["notes"]


def test_a_trial_that_was_changed_is_a_breach_and_only_read(state, capsys):
    with sqlite3.connect(state / "genome.db") as database:
        database.execute("UPDATE batches SET genomes = zeroblob(length(genomes))")
    database.close()
    for _ in range(2):  # a first look must not have set it aside
        status, found = verdict(state, capsys)
        assert (status, found["ok"]) == (1, False)
        assert [(one["kind"], one["text"]) for one in found["findings"]] == [
            ("trials", "1 row of the count of trials in genome.db is not what was written.")
        ]


def test_a_count_that_cannot_be_read_is_a_breach(state, capsys):
    (state / "genome.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    status, found = verdict(state, capsys)
    assert status == 1
    (one,) = found["findings"]
    assert one["kind"] == "trials"


def test_a_folder_without_a_count_says_nothing_of_it(tmp_path, capsys):
    SqliteJournal(tmp_path).close()
    status, found = verdict(tmp_path, capsys)
    assert status == 0
    assert not any("trials" in note for note in found["notes"])
