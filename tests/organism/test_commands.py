"""Commands of a person: durable when given, in order, answered once."""

import contextlib
import sqlite3
import stat
import threading

import pytest

from organism.commands import COMMANDS, TARGETED, CommandsDb
from organism.errors import BadInput


@pytest.fixture
def db(tmp_path):
    return CommandsDb(tmp_path / "commands.db")


def test_a_command_waits_until_it_is_acknowledged(db):
    first = db.give("halt", "ann", "too hot")
    second = db.give("hibernate", "bob", "", hours=3.5)

    waiting = db.waiting()
    assert [(c.id, c.command, c.operator, c.note, c.hours) for c in waiting] == [
        (first, "halt", "ann", "too hot", None),
        (second, "hibernate", "bob", "", 3.5),
    ]
    assert [c.id for c in db.waiting(first)] == [second]

    db.acknowledge(first, "halted")

    assert [c.id for c in db.waiting()] == [second]
    assert db.wait_acknowledged(first, 0.0) == "halted"
    assert db.wait_acknowledged(second, 0.0) is None


def test_only_the_first_answer_counts(db):
    number = db.give("halt", "ann", "")
    db.acknowledge(number, "one")
    db.acknowledge(number, "two")
    assert db.find(number).result == "one"


def test_an_answer_that_comes_while_waiting_is_heard(db):
    number = db.give("resume", "ann", "")
    answer = threading.Timer(0.05, db.acknowledge, (number, "active"))
    answer.start()
    assert db.wait_acknowledged(number, 10.0) == "active"
    answer.join()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_list_may_be_given(db, command):
    assert db.find(db.give(command, "ann", "")).command == command


@pytest.mark.parametrize("command", TARGETED)
def test_a_command_for_one_of_several_names_it_and_the_others_name_nothing(db, command):
    assert db.find(db.give(command, "ann", "", target="BTC/USDT")).target == "BTC/USDT"
    for word, target in ((command, ""), ("halt", "BTC/USDT"), (command, "x" * 201)):
        with pytest.raises(BadInput, match="names"):
            db.give(word, "ann", "", target=target)


def test_a_table_of_before_is_read_and_rebuilt_with_what_waits_in_it(tmp_path):
    path = tmp_path / "commands.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE commands (id INTEGER PRIMARY KEY AUTOINCREMENT, given_wall_ns INTEGER NOT NULL,"
            " command TEXT NOT NULL CHECK (command IN ('halt', 'reduce', 'resume', 'flatten', 'hibernate')),"
            " operator TEXT NOT NULL, note TEXT NOT NULL, hours REAL, acknowledged_wall_ns INTEGER, result TEXT) STRICT;"
            "INSERT INTO commands VALUES (5, 1, 'halt', 'ann', 'before', NULL, NULL, NULL),"
            " (6, 1, 'resume', 'ann', '', NULL, 2, 'active');"
        )
    db = CommandsDb(path)
    assert [(one.id, one.command, one.target) for one in db.waiting()] == [(5, "halt", "")]
    fresh = db.give("bar", "ann", "", target="BTC/USDT")
    assert fresh > 6
    assert [(one.id, one.command, one.target) for one in db.waiting()] == [
        (5, "halt", ""),
        (fresh, "bar", "BTC/USDT"),
    ]
    assert db.find(6).result == "active"


@pytest.mark.parametrize(
    ("command", "hours"), [("sell", None), ("", None), ("hibernate", -1.0), ("halt", float("nan"))]
)
def test_anything_else_is_refused_and_leaves_nothing(db, command, hours):
    with pytest.raises(BadInput):
        db.give(command, "ann", "", hours)
    assert db.waiting() == []


def test_ids_rise_over_many_short_writers(tmp_path):
    path, numbers = tmp_path / "commands.db", []

    def give():
        numbers.extend(CommandsDb(path).give("halt", "ann", "") for _ in range(5))

    threads = [threading.Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 20
    assert [command.id for command in CommandsDb(path).waiting()] == sorted(numbers)


def test_the_first_writers_of_a_fresh_file_wait_for_each_other(tmp_path):
    """Switching to a write-ahead log does not wait by itself: a command was lost with "database is locked"."""
    for i in range(40):
        path, numbers, begin = tmp_path / f"{i}.db", [], threading.Barrier(6)

        def give(path=path, numbers=numbers, begin=begin):
            begin.wait(10)
            numbers.append(CommandsDb(path).give("halt", "ann", ""))

        threads = [threading.Thread(target=give) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [command.id for command in CommandsDb(path).waiting()] == sorted(numbers)
        assert len(numbers) == 6


def test_the_file_is_private_and_absence_is_nothing_waiting(tmp_path, db):
    assert db.waiting() == []
    assert db.wait_acknowledged(1, 0.0) is None
    assert not (tmp_path / "commands.db").exists()
    db.give("halt", "ann", "")
    assert stat.S_IMODE((tmp_path / "commands.db").stat().st_mode) == 0o600


def test_a_damaged_file_is_named_in_one_sentence(tmp_path, db):
    (tmp_path / "commands.db").write_bytes(b"not a database" * 99)
    with pytest.raises(BadInput, match=r"commands\.db could not be used"):
        db.give("halt", "ann", "")


def test_a_longest_note_is_cut(db):
    number = db.give("halt", "ann", "x" * 10_000)
    assert len(db.find(number).note) == 1_000


def test_a_secret_in_a_note_is_masked_before_it_is_written(tmp_path):
    path = tmp_path / "commands.db"
    db = CommandsDb(path)
    db.give("halt", "console", "the venue leaks; api_key=sk_live_51Habc")
    assert db.waiting()[0].note == "the venue leaks; api_key=***"
    assert b"sk_live" not in path.read_bytes()
