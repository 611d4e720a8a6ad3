"""One month of one series: a Parquet file, read whole, checked, and replaced whole.

A part holds all revisions of its rows. What it needs to be understood lies in the file itself: the sources its rows
name by number, and how many rows there are, so that a listing reads footers only. A part appears under its name when it
is complete and on the disk; what a writer that died has left behind has another name, and the next writer removes it.
"""

import contextlib
import glob
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.names import Kind

Column = NDArray[Any]
Table = dict[str, Column]

ENDING = ".parquet"
UNFINISHED = ".tmp"
_KEY = "organism.lake"
_ROOTS: dict[str, np.dtype[Any]] = {
    "source_id": np.dtype(np.int32),
    "received_us": np.dtype(np.int64),
    "revision": np.dtype(np.int32),
}


@dataclass(frozen=True)
class Shape:
    """Columns of a kind: the time, the values, which of them tell one row from another, and which may be NaN: not said."""

    time: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    unsaid: tuple[str, ...] = ()

    def types(self) -> dict[str, np.dtype[Any]]:
        """Every column of a part, in order."""
        values: dict[str, np.dtype[Any]] = dict.fromkeys(self.values, np.dtype(np.float64))
        return {self.time: np.dtype(np.int64), **values, **_ROOTS}


_CANDLES = Shape("open_us", ("open", "high", "low", "close", "volume"), ("open_us",))
SHAPES = {
    Kind.CANDLES: _CANDLES,
    Kind.MARK: Shape("open_us", ("open", "high", "low", "close"), ("open_us",)),
    Kind.FUNDING: Shape("at_us", ("rate",), ("at_us",)),
    Kind.TRADES: Shape("at_us", ("trade_id", "price", "quantity", "buyer_maker"), ("at_us", "trade_id")),
    Kind.OPEN_INTEREST: Shape("at_us", ("amount", "value"), ("at_us",), unsaid=("value",)),
    # A value and when it became known, µs: a later vintage of the same time is a row of its own. Exact up to 2^53 µs, the
    # year 2255.
    Kind.CONTEXT: Shape("at_us", ("known_us", "value"), ("at_us", "known_us")),
}


class Facts(NamedTuple):
    """What the footer of a part says: first and last time, rows (each once), corrections, sources by number."""

    first_us: int
    last_us: int
    rows: int
    corrections: int
    sources: tuple[str, ...]


def facts(connection: Any, paths: Sequence[Path]) -> list[Facts]:
    """Footers of parts, in the order given. Raises `BadInput` naming the file that cannot be read."""
    import duckdb  # noqa: PLC0415 - takes a third of a second; a command that reads no history does not pay for it

    if not paths:
        return []
    try:
        found = connection.execute(
            "SELECT file_name, value FROM parquet_kv_metadata(?) WHERE key = ?",
            [[glob.escape(str(path)) for path in paths], _KEY.encode()],
        ).fetchall()
    except duckdb.Error as error:
        if len(paths) == 1:
            raise _damaged(paths[0], _first_line(error)) from None
        return [facts(connection, [path])[0] for path in paths]  # one of them: say which
    said = {str(name): value for name, value in found}
    return [_facts(path, said.get(str(path))) for path in paths]


def _facts(path: Path, said: bytes | None) -> Facts:
    try:
        document = json.loads(said or b"")
        return Facts(
            int(document["first"]),
            int(document["last"]),
            int(document["rows"]),
            int(document["corrections"]),
            tuple(str(source) for source in document["sources"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _foreign(path, "its footer does not say what the lake writes there") from None


def read(connection: Any, path: Path, shape: Shape) -> tuple[Table, tuple[str, ...]]:
    """All rows of a part by time and revision, and its sources. Raises `BadInput` naming the file."""
    import duckdb  # noqa: PLC0415 - as above

    try:
        found: Table = connection.execute(
            "SELECT * FROM read_parquet(?)", [glob.escape(str(path))]
        ).fetchnumpy()
    except duckdb.Error as error:
        raise _damaged(path, _first_line(error)) from None
    for name in shape.unsaid:  # duckdb keeps NaN as NULL
        if isinstance(found.get(name), np.ma.MaskedArray):
            found[name] = np.ma.filled(found[name].astype(np.float64), np.nan)
    types = {name: column.dtype for name, column in found.items()}
    if types != shape.types() or any(isinstance(column, np.ma.MaskedArray) for column in found.values()):
        has = ", ".join(f"{name} {kind}" for name, kind in list(types.items())[:10])
        raise _foreign(path, f"its columns were {has or 'none'}")
    (said,) = facts(connection, [path])
    times, ids = found[shape.time], found["source_id"]
    if not times.size or (np.diff(times) < 0).any() or ids.min() < 0 or ids.max() >= len(said.sources):
        raise _foreign(path, "its rows were out of order, or named a source that it does not list")
    return found, said.sources


def write(connection: Any, path: Path, shape: Shape, table: Table, sources: tuple[str, ...]) -> Path:
    """Write a part under a name of its own and make it durable; `publish` gives it its true name.

    Raises whatever the disk or duckdb does; nothing that was there before has changed then.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    times = table[shape.time]
    footer = json.dumps(
        {
            "first": int(times[0]),
            "last": int(times[-1]),
            "rows": int((table["revision"] == 0).sum()),
            "corrections": int((table["revision"] > 0).sum()),
            "sources": sources,
        }
    )
    place, footer = str(unfinished).replace("'", "''"), footer.replace("'", "''")
    columns = ", ".join(f'"{name}"' for name in shape.types())
    connection.register("fresh", table)
    try:
        # The place and the footer stand in options of COPY, which take no parameters; both are escaped.
        connection.execute(
            f"COPY (SELECT {columns} FROM fresh) TO '{place}' (FORMAT parquet, COMPRESSION zstd, "  # noqa: S608
            f"KV_METADATA {{'{_KEY}': '{footer}'}})"
        )
        synced(unfinished)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    finally:
        connection.unregister("fresh")
    return unfinished


def publish(fresh: dict[Path, Path]) -> None:
    """Give parts their names, unfinished → final; each is replaced whole, and the folders are made durable."""
    for unfinished, path in fresh.items():
        unfinished.replace(path)
    for folder in {path.parent for path in fresh.values()}:
        synced(folder)


def cleaned(folder: Path) -> None:
    """Remove what a writer that died has left. Only for who holds the lock of the folder."""
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def made(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        if not one.is_dir():
            one.mkdir(mode=0o700, exist_ok=True)
            synced(one.parent)


def synced(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _damaged(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path} cannot be read as Parquet ({why}); restore it from a backup, or move it away and fetch or import "
        "that month again."
    )


def _foreign(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path} is no part of a lake: {why}. Move it away, and bring it in with `organism data import` if it is history."
    )
