"""Schema changes commit with their own record, or not at all; a newer schema is refused."""

import sqlite3

import pytest

from organism.errors import BadInput
from organism.journal import schema
from organism.journal.schema import MIGRATIONS, Migration, migrate, open_writer, sqlite_warnings

ADDED = Migration(
    2, "a note on rows", ("CREATE TABLE notes (seq INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",)
)
BROKEN = Migration(2, "broken", ("CREATE TABLE notes (seq INTEGER) STRICT", "CREATE TABLE nonsense ("))


def tables(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture
def connection(tmp_path):
    connection = open_writer(tmp_path / "x.db")
    yield connection
    connection.close()


@pytest.mark.requirement("S2-4.7")
def test_a_migration_commits_with_its_record_and_is_applied_once(connection):
    assert migrate(connection) == [MIGRATIONS[0].name]
    assert migrate(connection, (*MIGRATIONS, ADDED)) == ["a note on rows"]
    assert migrate(connection, (*MIGRATIONS, ADDED)) == []
    recorded = connection.execute("SELECT version, name FROM migrations ORDER BY version").fetchall()
    assert recorded == [(1, MIGRATIONS[0].name), (2, "a note on rows")]
    assert "notes" in tables(connection)


def test_a_migration_that_fails_half_way_leaves_nothing_behind(connection):
    migrate(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, BROKEN))
    assert "notes" not in tables(connection)
    assert connection.execute("SELECT max(version) FROM migrations").fetchone() == (1,)
    assert migrate(connection, (*MIGRATIONS, ADDED)) == ["a note on rows"]


def test_a_newer_schema_is_refused_in_one_sentence(tmp_path, opened, steps, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(schema.migrate, "__defaults__", ((*MIGRATIONS, ADDED),))
        journal = opened(tmp_path)
        steps(journal)(3)
        journal.close()
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(BadInput, match="has schema 2; this code knows up to 1") as refused:
        opened(tmp_path)
    assert refused.value.exit_code == 2
    assert (tmp_path / "journal.db").read_bytes() == before


def test_an_older_journal_is_migrated_when_it_is_opened(tmp_path, opened, steps, monkeypatch):
    journal = opened(tmp_path)
    steps(journal)(3)
    journal.close()
    monkeypatch.setattr(schema.migrate, "__defaults__", ((*MIGRATIONS, ADDED),))
    again = opened(tmp_path)
    assert [row.seq for row in again.rows()] == [1, 2, 3]
    assert "notes" in tables(again._disk._connection)


def test_tables_refuse_values_of_another_type(connection):
    migrate(connection)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO incarnations VALUES ('o', 'many')")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO incarnations VALUES ('o', 0)")


def test_the_journal_is_written_ahead_and_synced(connection):
    pragma = {p: connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous")}
    assert pragma == {"journal_mode": "wal", "synchronous": 2}
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_an_unknown_durability_is_refused(tmp_path):
    with pytest.raises(BadInput, match='must be "full" or "off"; was \'maybe\''):
        open_writer(tmp_path / "x.db", "maybe")


def test_a_sqlite_with_the_reset_bug_is_worth_a_warning_and_no_refusal():
    (warning,) = sqlite_warnings((3, 40, 1))
    assert "3.40.1" in warning
    assert "3.51.3" in warning
    assert sqlite_warnings((3, 51, 3)) == ()
