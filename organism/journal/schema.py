"""The journal's tables, how they change over versions, and how the file is opened."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from organism.errors import BadInput, JournalDamaged, JournalUnwritable

PAGE_SIZE = 8192  # bytes; a row is about 400, and bigger pages make bulk inserts cheaper
CACHE_KIB = 512  # rows are appended and rarely read: a larger cache would only grow the body
BUSY_S = 0.5  # the journal has one writer: only a checkpoint ever waits for a reader
FIRST_SOUND_SQLITE = (3, 51, 3)
# Primary result codes that speak of the disk or of other users of the file, not of its content.
_DISK = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip

COLUMNS = (
    "seq", "run", "organ", "incarnation", "step", "input_id", "market_ns", "mono_ns", "wall_ns",
    "input", "effects", "digest",
)  # fmt: skip
RUN_COLUMNS = (
    "run", "started_wall_ns", "code_version", "settings_hash", "seed", "payload_version", "python", "namespace",
)  # fmt: skip


class Migration(NamedTuple):
    """A change of the tables. It commits together with its own record, or not at all."""

    version: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        1,
        "rows, runs, incarnations, meta",
        (
            """CREATE TABLE meta (
                key TEXT PRIMARY KEY,
                value TEXT NOT NULL
            ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE incarnations (
                organ TEXT PRIMARY KEY,
                number INTEGER NOT NULL CHECK (number > 0)
            ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE runs (
                run INTEGER PRIMARY KEY,
                started_wall_ns INTEGER NOT NULL,
                code_version TEXT NOT NULL,
                settings_hash TEXT NOT NULL,
                seed INTEGER NOT NULL,
                payload_version INTEGER NOT NULL,
                python TEXT NOT NULL,
                namespace TEXT NOT NULL
            ) STRICT""",
            """CREATE TABLE rows (
                seq INTEGER PRIMARY KEY,
                run INTEGER NOT NULL REFERENCES runs (run),
                organ TEXT NOT NULL,
                incarnation INTEGER NOT NULL,
                step INTEGER NOT NULL,
                input_id TEXT NOT NULL,
                market_ns INTEGER NOT NULL,
                mono_ns INTEGER NOT NULL,
                wall_ns INTEGER NOT NULL,
                input BLOB NOT NULL,
                effects BLOB NOT NULL,
                digest BLOB NOT NULL
            ) STRICT""",
        ),
    ),
)


def migrate(connection: sqlite3.Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """Bring the tables up to date; return the names of what was applied. A newer schema is refused."""
    applied: list[str] = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_wall_ns INTEGER NOT NULL) STRICT"
        )
        (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    known = migrations[-1].version
    if version > known:
        raise BadInput(
            f"the journal has schema {version}; this code knows up to {known}. "
            f"Install the organism that wrote it, or name another folder with --state."
        )
    for migration in migrations:
        if migration.version > version:
            _apply(connection, migration)
            applied.append(migration.name)
    return applied


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in migration.statements:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations VALUES (?, ?, ?)", (migration.version, migration.name, time.time_ns())
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def open_writer(path: Path, durability: str = "full") -> sqlite3.Connection:
    """Open a journal file for its one writer, creating it (0600) when it is not there.

    durability   "full" syncs each commit; "off" never does and survives only the end of the process
    """
    if durability not in {"full", "off"}:
        raise BadInput(f'[journal] durability must be "full" or "off"; was {durability!r}.')
    if not path.exists():  # SQLite gives -wal and -shm the mode of the database
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=128
    )
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # only the writer checkpoints, when it chooses
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error as error:
        connection.close()
        raise refused(path, error) from error
    return connection


def open_reader(path: Path, *, sealed: bool) -> sqlite3.Connection:
    """Open a journal file read-only; a sealed one is known to change no more and needs no locks."""
    mode = "immutable=1" if sealed else "mode=ro"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{mode}",
        uri=True,
        timeout=5.0,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def unreadable(path: Path, error: Exception) -> str:
    """One sentence about a file that SQLite cannot read."""
    return (
        f"journal file {path.name} could not be read ({error}). Nothing was changed; `organism verify` names "
        f"the first damaged row, and restoring is a person's command: `organism verify --quarantine SEQ`."
    )


def refused(path: Path, error: sqlite3.Error | OSError) -> JournalUnwritable | JournalDamaged:
    """What a file that could not be used suffers from.

    Trouble of the disk may pass, and another start may help; damage only a person can judge.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if isinstance(error, sqlite3.Error) and code & 0xFF not in _DISK:
        return JournalDamaged(unreadable(path, error))
    return JournalUnwritable(
        f"journal file {path.name} could not be used ({error}). That speaks of the disk, not of the journal: see that "
        f"it has space, is not read-only and works, then start again."
    )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `JournalUnwritable` or `JournalDamaged` for whatever SQLite or the system refuses meanwhile."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise refused(path, error) from error


def sqlite_warnings(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> tuple[str, ...]:
    """What a person should know about the SQLite in use."""
    if version >= FIRST_SOUND_SQLITE:
        return ()
    have, want = (".".join(map(str, v)) for v in (version, FIRST_SOUND_SQLITE))
    warning = (
        f"SQLite {have} has a bug in resetting its write-ahead log, fixed in {want}. The journal keeps to one "
        f"writer that alone checkpoints, which avoids it; a Python with a newer SQLite is better still."
    )
    return (warning,)
