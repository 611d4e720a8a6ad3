"""Power cuts in the rare moments: while tables are migrated, and while a person sets damage aside."""

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("apsw", reason="power cuts need apsw, which is among the test extras")

from organism.journal.audit import audit, quarantine
from organism.journal.schema import MIGRATIONS, Migration, migrate, open_writer
from organism.journal.writer import SqliteJournal
from tests.chaos.power.disk import Disk
from tests.chaos.power.watch import Watcher
from tests.organism.journal.conftest import Steps

pytestmark = pytest.mark.chaos

N_CUTS = 80
NEXT = (
    *MIGRATIONS,
    Migration(99, "one more", ("CREATE TABLE more (n INTEGER) STRICT", "INSERT INTO more VALUES (7)")),
)


def cuts(watcher: Watcher, place: Path, n: int = N_CUTS):
    """Folders that a cut at a random moment leaves."""
    for number in range(n):
        chance = random.Random(number)
        root = place / str(number)
        root.mkdir(parents=True)
        end = len(watcher.operations)
        lived = watcher.operations[: end if number % 8 == 0 else chance.randint(watcher.n_adopted, end)]
        for path, content in Disk(lived).cut(chance).items():
            if content is None:
                (root / path).mkdir()
            else:
                (root / path).write_bytes(content)
        yield root


def lived(folder: Path) -> None:
    journal = SqliteJournal(folder, durability="off", threaded=False, segment_mb=0.0001, keep_segments=9)
    record = Steps(journal)
    for _ in range(3):
        record(10)
        journal.flush()
    journal.close()


def test_a_migration_is_whole_or_not_at_all_whenever_the_power_goes(tmp_path):
    lived(tmp_path / "s")
    watcher = Watcher(tmp_path / "s")
    with watcher.watching(), contextlib.closing(open_writer(tmp_path / "s" / "journal.db")) as connection:
        assert migrate(connection, NEXT) == ["one more"]
        watcher.acknowledge("migrated", value=True)
    watcher.complete()
    n_before = 0
    for root in cuts(watcher, tmp_path / "left"):
        with contextlib.closing(open_writer(root / "journal.db")) as connection:
            again = migrate(connection, NEXT)
            assert again in ([], ["one more"])
            n_before += bool(again)
            assert connection.execute("SELECT n FROM more").fetchall() == [(7,)]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert 0 < n_before < N_CUTS, "before and after must both have happened"


def rows_of(root: Path) -> set[int]:
    """Every row in any file, wherever it was put."""
    found: set[int] = set()
    for path in root.rglob("journal*.db"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
            found |= {seq for (seq,) in db.execute("SELECT seq FROM rows")}
    return found


@pytest.mark.parametrize("at", [5, 15, 30])
def test_setting_damage_aside_can_be_begun_again_whenever_the_power_goes(tmp_path, at):
    lived(tmp_path / "s")
    path = next(p for p in (tmp_path / "s").glob("journal*.db") if at in rows_of_file(p))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE rows SET market_ns = 0 WHERE seq = ?", (at,))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    watcher = Watcher(tmp_path / "s")
    with watcher.watching():
        quarantine(tmp_path / "s", at)
        watcher.acknowledge("set aside", at)
    watcher.complete()
    n_again = 0
    for root in cuts(watcher, tmp_path / "left"):
        assert rows_of(root) >= set(range(1, 31)), "nothing is deleted"
        report = audit(root)
        if not report.ok:
            n_again += 1
            quarantine(root, report.first_bad_seq or report.tip_seq + 1)
        journal = SqliteJournal(root, durability="off", threaded=False)
        assert journal.tip[0] == at - 1
        journal.close()
        assert audit(root).ok
    assert 0 < n_again < N_CUTS


def rows_of_file(path: Path) -> set[int]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {seq for (seq,) in db.execute("SELECT seq FROM rows")}
