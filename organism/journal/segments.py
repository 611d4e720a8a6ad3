"""The files a journal consists of: sealed segments, the current one, and how one follows the other.

`journal-000001.db` … are sealed and never change; `journal.db` is being written. A segment begins with the
number and digest of the last row before it. Rolling over is two renames, and a crash between any two steps
leaves either the old current segment or sealed ones from whose newest the current one is built anew.
"""

import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from organism.journal.rows import GENESIS, Run
from organism.journal.schema import RUN_COLUMNS, migrate, open_reader, open_writer, refused
from organism.journal.tip import fingerprint, sync_file, sync_folder

CURRENT = "journal.db"
NEXT = "journal.next.db"
ARCHIVE = "archive"
_SEALED = re.compile(r"journal-(\d{6,})\.db")
_INSERT_RUN = f"INSERT INTO runs VALUES ({', '.join('?' * len(RUN_COLUMNS))})"  # noqa: S608


class Meta(msgspec.Struct, frozen=True):
    """How a segment begins.

    namespace         random name of the journal
    segment           1, 2, 3 …
    previous_seq      last row of the segment before, 0 for the first
    previous_digest   its digest
    previous_file     `fingerprint` of the segment before, "" for the first and where nobody knows
    """

    namespace: str
    segment: int
    previous_seq: int
    previous_digest: bytes
    previous_file: str = ""


class Segment(msgspec.Struct, frozen=True):
    """One file of the journal. number 0 means the current one."""

    path: Path
    number: int

    @property
    def sealed(self) -> bool:
        """Whether it changes no more."""
        return self.number > 0


def segments(folder: Path) -> list[Segment]:
    """Files of the journal, oldest first, archived ones included."""
    found: dict[int, Segment] = {}
    for place in (folder / ARCHIVE, folder):
        if place.is_dir():
            for path in place.iterdir():
                match = _SEALED.fullmatch(path.name)
                if match:
                    found[int(match[1])] = Segment(path, int(match[1]))
    ordered = [found[number] for number in sorted(found)]
    current = folder / CURRENT
    return [*ordered, Segment(current, 0)] if current.exists() else ordered


def read_meta(connection: sqlite3.Connection) -> Meta:
    """How this segment begins."""
    values = dict(connection.execute("SELECT key, value FROM meta"))
    try:
        return Meta(
            values["namespace"],
            int(values["segment"]),
            int(values["previous_seq"]),
            bytes.fromhex(values["previous_digest"]),
            values.get("previous_file", ""),  # segments of earlier versions have none
        )
    except (KeyError, ValueError, TypeError) as error:
        raise sqlite3.DatabaseError(f"its table meta is incomplete: {error!r}") from error


def read_runs(connection: sqlite3.Connection) -> dict[int, Run]:
    """Runs whose rows this segment may hold."""
    return {row[0]: Run(*row) for row in connection.execute(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs")}  # noqa: S608


def read_incarnations(connection: sqlite3.Connection) -> dict[str, int]:
    """Newest incarnation of each organ."""
    return dict(connection.execute("SELECT organ, number FROM incarnations"))


def read_last(connection: sqlite3.Connection, meta: Meta) -> tuple[int, bytes]:
    """Number and digest of the newest row, of the segment before when this one is empty."""
    last = connection.execute("SELECT seq, digest FROM rows ORDER BY seq DESC LIMIT 1").fetchone()
    return (last[0], last[1]) if last else (meta.previous_seq, meta.previous_digest)


def insert_run(connection: sqlite3.Connection, run: Run) -> None:
    """Store a run's row."""
    connection.execute(_INSERT_RUN, msgspec.structs.astuple(run))


def build(
    folder: Path,
    meta: Meta,
    incarnations: Mapping[str, int],
    runs: Mapping[int, Run],
    *,
    durability: str,
) -> Path:
    """Write a complete empty segment beside the journal, under a name that nobody reads, and return it."""
    path = folder / NEXT
    forget(path)
    connection = open_writer(path, durability)
    try:
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [
                ("namespace", meta.namespace),
                ("segment", str(meta.segment)),
                ("previous_seq", str(meta.previous_seq)),
                ("previous_digest", meta.previous_digest.hex()),
                ("previous_file", meta.previous_file),
                ("created_wall_ns", str(time.time_ns())),
            ],
        )
        connection.executemany("INSERT INTO incarnations VALUES (?, ?)", sorted(incarnations.items()))
        for run in runs.values():
            insert_run(connection, run)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return path


def forget(path: Path) -> None:
    """Remove a database that is of no use, with what SQLite keeps beside it."""
    path.unlink(missing_ok=True)
    forget_companions(path)


def forget_companions(path: Path) -> None:
    """Remove -wal and -shm: a database must never meet those of another one that had its name."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def begin_first(folder: Path, namespace: str, *, durability: str) -> None:
    """Begin a journal where there is none."""
    build(folder, Meta(namespace, 1, 0, GENESIS), {}, {}, durability=durability)
    _put_in_place(folder, durability)


def roll(folder: Path, number: int, *, durability: str) -> None:
    """Seal the current segment as `number` and begin the next.

    The caller has closed the current segment after a checkpoint that left its write-ahead log empty.
    """
    current = folder / CURRENT
    _build_after(folder, Segment(current, 0), durability)
    current.rename(folder / f"journal-{number:06d}.db")
    sync_folder(folder)
    # In this moment there is no journal.db, so nobody can open it: what lies beside its name is left over.
    _put_in_place(folder, durability)


def finish_interrupted_roll(folder: Path, *, durability: str) -> None:
    """Repair what a crash left between the steps of `roll`."""
    if (folder / CURRENT).exists():
        forget(folder / NEXT)
        return
    sealed = [s for s in segments(folder) if s.sealed]
    if sealed:
        _build_after(folder, sealed[-1], durability)
        _put_in_place(folder, durability)


def last_of(segment: Segment) -> tuple[int, bytes]:
    """Number and digest of a segment's newest row."""
    try:
        connection = open_reader(segment.path, sealed=segment.sealed)
        try:
            return read_last(connection, read_meta(connection))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise refused(segment.path, error) from error


def archive(folder: Path, keep: int) -> list[Path]:
    """Move all but the newest `keep` sealed segments to the archive; return their new places."""
    sealed = [s for s in segments(folder) if s.sealed and s.path.parent == folder]
    moved: list[Path] = []
    for segment in sealed[: max(0, len(sealed) - keep)]:
        target = folder / ARCHIVE
        if not target.is_dir():
            target.mkdir(mode=0o700)
            sync_folder(folder)
        moved.append(segment.path.rename(target / segment.path.name))
        forget_companions(segment.path)
    if moved:
        sync_folder(folder)
    return moved


def _build_after(folder: Path, last: Segment, durability: str) -> None:
    try:
        connection = open_reader(last.path, sealed=True)
        try:
            meta = read_meta(connection)
            seq, digest = read_last(connection, meta)
            incarnations = read_incarnations(connection)
            runs = read_runs(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise refused(last.path, error) from error
    newest = {run: runs[run] for run in sorted(runs)[-1:]}  # the run that is going on
    build(
        folder,
        Meta(meta.namespace, meta.segment + 1, seq, digest, fingerprint(last.path)),
        incarnations,
        newest,
        durability=durability,
    )


def _put_in_place(folder: Path, durability: str) -> None:
    path = folder / NEXT
    if durability == "full":
        sync_file(path)
    forget_companions(path)
    forget_companions(folder / CURRENT)
    path.rename(folder / CURRENT)
    sync_folder(folder)
