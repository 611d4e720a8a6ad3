"""The tables of trials, runs and births, in the file of the genome store; how it is opened, written and doubted.

`PRAGMA user_version` says how far the tables are: a store from before them has 0, and is brought up to date when it is
opened for writing. Rows are sealed with eight bytes of a digest of all they say; see `seal`.

Several processes may write: each transaction is immediate, waits for the others, and is on the disk when it returns.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from organism.errors import BadInput, OrganismError
from organism.wal import use_wal

VERSION = 1
_WAIT_S = 30.0
_SEAL = 8

_TABLES = (
    """CREATE TABLE datasets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, slice TEXT NOT NULL, instruments TEXT NOT NULL,
       bar_s INTEGER NOT NULL, start_s INTEGER NOT NULL, end_s INTEGER NOT NULL, seal BLOB NOT NULL, UNIQUE (name, slice)) STRICT""",
    """CREATE TABLE batches (id INTEGER PRIMARY KEY AUTOINCREMENT, dataset INTEGER NOT NULL, origin INTEGER NOT NULL,
       run INTEGER NOT NULL, at_s INTEGER NOT NULL, led INTEGER NOT NULL, flat INTEGER NOT NULL, genomes BLOB NOT NULL,
       leaders BLOB NOT NULL, objectives BLOB NOT NULL, seal BLOB NOT NULL) STRICT""",
    "CREATE INDEX batches_by_dataset ON batches (dataset)",
    "CREATE TABLE grids (id INTEGER PRIMARY KEY AUTOINCREMENT, days BLOB NOT NULL UNIQUE, seal BLOB NOT NULL) STRICT",
    """CREATE TABLE leaders (id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, grid INTEGER NOT NULL, returns BLOB NOT NULL,
       seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, family TEXT NOT NULL, seed TEXT NOT NULL,
       plan TEXT NOT NULL, dataset INTEGER NOT NULL, code TEXT NOT NULL, started_s INTEGER NOT NULL, ended_s INTEGER,
       generations INTEGER NOT NULL, outcome TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE generations (run INTEGER NOT NULL, generation INTEGER NOT NULL, at_s INTEGER NOT NULL, report TEXT NOT NULL,
       seal BLOB NOT NULL, PRIMARY KEY (run, generation)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE fronts (run INTEGER NOT NULL, generation INTEGER NOT NULL, place INTEGER NOT NULL, genome_id TEXT NOT NULL,
       objectives BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (run, generation, place)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX fronts_by_genome ON fronts (genome_id)",
    """CREATE TABLE fame (run INTEGER NOT NULL, genome_id TEXT NOT NULL, generation INTEGER NOT NULL, objectives BLOB NOT NULL,
       seal BLOB NOT NULL, PRIMARY KEY (run, genome_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE births (run INTEGER NOT NULL, genome BLOB NOT NULL, generation INTEGER NOT NULL, operator TEXT NOT NULL,
       cause TEXT NOT NULL, parents BLOB NOT NULL, packed BLOB NOT NULL, seal BLOB NOT NULL,
       PRIMARY KEY (run, genome)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE names (run INTEGER NOT NULL, genome BLOB NOT NULL, genome_id TEXT NOT NULL, seal BLOB NOT NULL,
       PRIMARY KEY (run, genome)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX names_by_genome ON names (genome_id)",
    """CREATE TABLE deaths (run INTEGER NOT NULL, genome BLOB NOT NULL, generation INTEGER NOT NULL, cause TEXT NOT NULL,
       seal BLOB NOT NULL, PRIMARY KEY (run, genome, generation)) STRICT, WITHOUT ROWID""",
    "CREATE TABLE set_aside (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, dataset INTEGER, trials INTEGER NOT NULL, said TEXT NOT NULL, reason TEXT NOT NULL)",
)  # fmt: skip
COLUMNS = {
    "datasets": ("id", "name", "slice", "instruments", "bar_s", "start_s", "end_s"),
    "batches": ("id", "dataset", "origin", "run", "at_s", "led", "flat", "genomes", "leaders", "objectives"),
    "grids": ("id", "days"),
    "leaders": ("id", "dataset", "grid", "returns"),
    "runs": ("id", "origin", "family", "seed", "plan", "dataset", "code", "started_s", "ended_s", "generations", "outcome"),
    "generations": ("run", "generation", "at_s", "report"),
    "fronts": ("run", "generation", "place", "genome_id", "objectives"),
    "fame": ("run", "genome_id", "generation", "objectives"),
    "births": ("run", "genome", "generation", "operator", "cause", "parents", "packed"),
    "names": ("run", "genome", "genome_id"),
    "deaths": ("run", "genome", "generation", "cause"),
}  # fmt: skip
"""What a seal is of, by table."""
KEYS = {
    "datasets": 1, "batches": 1, "grids": 1, "leaders": 1, "runs": 1, "generations": 2, "fronts": 3, "fame": 2, "births": 2,
    "names": 2, "deaths": 3,
}  # fmt: skip
"""How many of these, from the first on, name a row."""


class StoreUnwritable(OrganismError):
    """The genome store could not be written: nothing of what was to be written is there."""


def opened(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open the store, with all tables where it is writable.

    Raises `BadInput` where it is absent, no store, or of a newer version; `StoreUnwritable` where it cannot be written.
    """
    with _sentences(path):
        if writable:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, timeout=_WAIT_S, isolation_level=None)
        elif path.exists():
            uri = f"{path.resolve().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
        else:
            raise BadInput(f"{path} does not exist; start the organism once, or backtest something.")
        connection.text_factory = _text  # damaged text is text that differs, not an error
        try:
            _ready(connection, path, writable=writable)
        except BaseException:
            connection.close()
            raise
    return connection


def _ready(connection: sqlite3.Connection, path: Path, *, writable: bool) -> None:
    if writable:
        use_wal(connection, _WAIT_S)
        connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise BadInput(
            f"{path} was written by a newer organism (version {version} of its tables, {VERSION} is known here); use that one."
        )
    if version == VERSION or not writable:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another may have been faster
        if version < VERSION:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def has_tables(connection: sqlite3.Connection) -> bool:
    """False for a store from before trials that nobody has written since: then nothing was counted."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(version)


@contextlib.contextmanager
def writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing, and on the disk at the end. Raises `StoreUnwritable`, in one sentence."""
    with _sentences(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite itself has ended it when the disk is full
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What SQLite says of a damaged file becomes one sentence, `BadInput`."""
    with _sentences(path):
        yield


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = "locked" in str(error)
        wait = f"another process has been writing it for {_WAIT_S:g} s; try again."
        free = "free its disk, or name a folder that may be written with --state."
        raise StoreUnwritable(f"{path} cannot be used: {error}; {wait if busy else free}") from None
    except sqlite3.DatabaseError as error:
        raise BadInput(
            f"{path} cannot be used as a genome store: {error}; move it aside or restore it."
        ) from None
    except OSError as error:
        raise StoreUnwritable(
            f"{path} cannot be written: {error.strerror}; name a folder that may be written with --state."
        ) from None


def seal(table: str, row: Sequence[Any]) -> bytes:
    """Eight bytes of BLAKE2b over a row as its table has it, without the seal: chance finds the same once in 10¹⁹ rows."""
    parts = [table.encode()]
    for value in row:
        text = value if isinstance(value, bytes) else repr(value).encode("utf-8", "surrogateescape")
        parts += [b"%d:" % len(text), text]
    return hashlib.blake2b(b"".join(parts), digest_size=_SEAL).digest()


def insert(
    connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]], *, known: str = "ABORT"
) -> int:
    """Seal and write rows; how many were new. known="IGNORE": those whose key is there already stay as they are."""
    columns = COLUMNS[table]
    places = ", ".join("?" * (len(columns) + 1))
    before = connection.total_changes
    connection.executemany(
        f"INSERT OR {known} INTO {table} ({', '.join(columns)}, seal) VALUES ({places})",  # noqa: S608 - our names
        [(*row, seal(table, row)) for row in rows],
    )
    return connection.total_changes - before


def sound(
    connection: sqlite3.Connection, table: str, where: str = "", values: Sequence[Any] = ()
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows that are what was written, and rows that are not; both as the table has them, without the seal."""
    columns = ", ".join(COLUMNS[table])
    good: list[tuple[Any, ...]] = []
    bad: list[tuple[Any, ...]] = []
    for *row, kept in connection.execute(f"SELECT {columns}, seal FROM {table} {where}", values):  # noqa: S608 - our names
        (good if kept == seal(table, row) else bad).append(tuple(row))
    return good, bad


def set_aside(
    connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]], reason: str
) -> None:
    """Move rows to the table `set_aside`, within a transaction. Nothing that was ever written is lost."""
    names = COLUMNS[table]
    keys = " AND ".join(f"{name} IS ?" for name in names[: KEYS[table]])
    for row in rows:
        dataset = row[names.index("dataset")] if "dataset" in names else None
        trials = len(row[names.index("genomes")]) // 16 if table == "batches" else 0
        said = repr(dict(zip(names, row, strict=True))).encode("utf-8", "surrogateescape")
        connection.execute(
            "INSERT INTO set_aside (origin, dataset, trials, said, reason) VALUES (?, ?, ?, ?, ?)",
            (table, dataset, trials, said.decode("utf-8", "replace"), reason),
        )
        connection.execute(f"DELETE FROM {table} WHERE {keys}", row[: KEYS[table]])  # noqa: S608 - our names


def after(connection: sqlite3.Connection, table: str) -> int:
    """The number of the next row of a table whose numbers are never used twice; within a transaction."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 1 if row is None else int(row[0]) + 1


def inside(datasets: Collection[int]) -> str:
    """SQL: of one of these data sets."""
    return f"dataset IN ({', '.join(str(int(one)) for one in datasets)})"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
