"""A thousand flipped bytes anywhere in the journal's files: every one is found, and none is taken for the truth."""

import contextlib
import random
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from organism.errors import JournalDamaged
from organism.journal.audit import audit
from organism.journal.rows import Row
from organism.journal.schema import COLUMNS
from organism.journal.writer import SqliteJournal
from tests.organism.journal.conftest import Steps

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(300)]

SEED = 4
N_FLIPS = 1_000
N_ROWS = 400
SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows ORDER BY seq"  # noqa: S608


def written(folder: Path) -> None:
    """A journal of several segments, closed in order."""
    journal = SqliteJournal(folder, durability="off", threaded=False, segment_mb=0.15, keep_segments=1)
    record = Steps(journal)
    for _ in range(N_ROWS // 10):
        record(10)
        journal.flush()
    journal.close()


def killed(folder: Path, place: Path) -> None:
    """Files of a journal that goes on and is then never closed, copied while its write-ahead log holds rows."""
    journal = SqliteJournal(folder, durability="off", threaded=False)
    Steps(journal)(50)
    journal.flush()
    journal._disk.keep_tip(journal.tip, now=True)
    shutil.copytree(folder, place)
    journal.close()


def flipped(folder: Path, chance: random.Random) -> tuple[Path, int]:
    """Flip a byte at random: every byte of every file is as likely as any other."""
    files = sorted(p for p in folder.rglob("journal*") if p.is_file() and not p.name.endswith("-shm"))
    place = chance.randrange(sum(p.stat().st_size for p in files))
    for path in files:
        size = path.stat().st_size
        if place < size:
            data = bytearray(path.read_bytes())
            data[place] ^= chance.randint(1, 255)
            path.write_bytes(data)
            return path, place
        place -= size
    raise AssertionError("there is always a file")


def trials(folder: Path, work: Path, n: int):
    """Copies of a folder with one flip each."""
    chance = random.Random(SEED)
    for _ in range(n):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work, ignore=shutil.ignore_patterns("*-shm"))
        yield flipped(work, chance)


def content(folder: Path) -> tuple[dict[int, Row], list[object]]:
    """Everything that SQLite gives, whatever it is worth: rows, and what stands beside them and decides something."""
    rows: dict[int, Row] = {}
    beside: list[object] = []
    for path in sorted(folder.rglob("journal*.db")):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
            rows.update({values[0]: Row(*values) for values in db.execute(SELECT)})
            beside += db.execute("SELECT key, value FROM meta WHERE key <> 'created_wall_ns'").fetchall()
            for table in ("runs", "incarnations"):
                beside += db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            beside += db.execute("SELECT version FROM migrations").fetchall()
    return rows, beside


@pytest.mark.requirement("S4-4.3")
def test_every_flipped_byte_of_a_journal_at_rest_is_found(tmp_path):
    written(tmp_path / "s")
    assert audit(tmp_path / "s").ok
    assert len(list((tmp_path / "s").rglob("journal*.db"))) > 2, "archived, sealed and current"
    found: Counter[str] = Counter()
    unseen = []
    for path, place in trials(tmp_path / "s", tmp_path / "t", N_FLIPS):
        report = audit(tmp_path / "t")
        if report.ok:
            unseen.append((path.name, place))
        else:
            found[
                "by the whole file alone" if "byte for byte" in report.details[0] else "by what it says"
            ] += 1
    print(f"\nseed {SEED}: {N_FLIPS} flips, found {dict(found)}, not found {unseen}")  # noqa: T201
    assert not unseen
    assert found["by the whole file alone"] > 0, "or empty space was no part of the experiment"


def test_a_flip_in_a_journal_that_was_killed_is_found_or_changes_no_row(tmp_path):
    """Nobody could note what the file was: bytes that carry nothing may change unseen, and no other."""
    written(tmp_path / "lived")
    killed(tmp_path / "lived", tmp_path / "s")
    assert (tmp_path / "s" / "journal.db-wal").stat().st_size > 0
    shutil.copytree(tmp_path / "s", tmp_path / "read")
    whole = content(tmp_path / "read")
    assert len(whole[0]) == N_ROWS + 50
    unseen = 0
    for path, place in trials(tmp_path / "s", tmp_path / "t", N_FLIPS // 4):
        if audit(tmp_path / "t").ok:
            unseen += 1
            assert content(tmp_path / "t") == whole, (path.name, place)
    print(f"\nseed {SEED}: {N_FLIPS // 4} flips, {unseen} of them unseen in bytes that carry nothing")  # noqa: T201
    assert unseen > 0


def test_a_body_does_not_start_on_flipped_rows(tmp_path):
    """Opening proves the newest rows; what it lets pass, it reads as it was written."""
    written(tmp_path / "s")
    rows = list(SqliteJournal(tmp_path / "s", durability="off", threaded=False).rows())
    shutil.rmtree(tmp_path / "s")
    written(tmp_path / "s")
    outcome: Counter[str] = Counter()
    for _ in trials(tmp_path / "s", tmp_path / "t", N_FLIPS // 4):
        try:
            journal = SqliteJournal(tmp_path / "t", durability="off", threaded=False)
        except JournalDamaged:
            outcome["refused to start"] += 1
            continue
        try:
            read = list(journal.rows())
        except JournalDamaged:
            outcome["refused to read"] += 1
        else:
            outcome["nothing changed"] += 1
            assert [r.effects for r in read] == [r.effects for r in rows]
            assert [r.seq for r in read] == [r.seq for r in rows]
        journal._disk._connection.close()
    print(f"\nseed {SEED}: {dict(outcome)}")  # noqa: T201
    assert outcome["refused to start"] > 0
