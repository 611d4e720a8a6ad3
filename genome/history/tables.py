"""A file of numbers as arrays: Parquet or CSV, read by duckdb, and only when it did not change meanwhile.

Both kinds go through the same engine and end as float64, so that a number is the same number in either. duckdb is
imported when a file is read, because it takes a third of a second.
"""

import csv
import glob
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genome.history import manifest
from organism.errors import BadInput

F64 = NDArray[np.float64]
SUFFIXES = (".csv", ".parquet")
_DELIMITERS = ",;\t|"
_TEXT = ("VARCHAR", "JSON")
# What a cell may be. A cast that is tried makes nothing of a list or of bytes: a file of the wrong schema would be
# read as a market without prices.
_READABLE = re.compile(
    r"VARCHAR|JSON|U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|DATE|TIMESTAMP(?:_\w+| WITH TIME ZONE)?"
    r'|"?NULL"?'
)
_NOTHING = ("", "nan", "null", "none", "na")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of a file, by name in lower case; float64 (rows,), NaN where a cell is empty.

    present    names of all columns the file has, as it spells them
    sha256     of the bytes that were read
    """

    path: Path
    columns: dict[str, F64]
    present: tuple[str, ...]
    sha256: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return next(iter(self.columns.values())).size


def read(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Table:
    """Read named columns of a CSV or Parquet file.

    Raises `BadInput`, one sentence naming file, row and value, when the file is absent, empty or damaged, when a
    required column is missing, when a cell is not a number, when the file changed while it was read, or is not the
    one that `SHA256SUMS` in its folder lists. Rows are counted from 1, the first row of numbers.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file; name a .csv or .parquet file.")
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{path.name} ends in {path.suffix!r}; only .csv and .parquet files are read.")
    before = _fingerprint(path)
    if before[0] == 0:
        raise BadInput(f"{path.name} is empty: 0 bytes; at least a header and one row are needed.")
    manifest.check(path, before[3])
    try:
        found = _query(path, required, optional)
    except BadInput:
        _unchanged(path, before)  # a file that is being written explains most oddities
        raise
    _unchanged(path, before)
    present, columns = found
    if next(iter(columns.values())).size == 0:
        raise BadInput(f"{path.name} has a header and no rows; at least one is needed.")
    return Table(path, columns, present, before[3])


def _fingerprint(path: Path) -> tuple[int, int, int, str]:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        stat = path.stat()
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}.") from None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, digest.hexdigest()


def _unchanged(path: Path, before: tuple[int, int, int, str]) -> None:
    after = _fingerprint(path)
    if after != before:
        what = (
            f"size {before[0]:,} bytes, then {after[0]:,}"
            if after[0] != before[0]
            else "same size, other bytes or time"
        )
        raise BadInput(
            f"{path.name} changed while it was read ({what}); wait until it is complete, or read a copy."
        )


def _query(
    path: Path, required: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, F64]]:
    import duckdb  # noqa: PLC0415 - see the module's docstring

    offline: Any = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with duckdb.connect(":memory:", config=offline) as connection:
        try:
            source, types = _source(connection, path)
            names = _names(path, tuple(types), required, optional)
            _readable(path, names, types)
            chosen = ", ".join(_number(names[n], types[names[n]]) + f" AS {_quoted(n)}" for n in names)
            # Names are quoted and the path is escaped; there is no way to pass either as a parameter here.
            fetched = connection.execute(f"SELECT {chosen} FROM {source}").fetchnumpy()  # noqa: S608
            columns = {name: _plain(fetched[name]) for name in names}
            for name, values in columns.items():
                if types[names[name]] in _TEXT and np.isnan(values).any():
                    _only_empty(connection, path, source, names[name])
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise BadInput(f"{path.name} cannot be read as {path.suffix[1:].lower()}: {first}") from None
    return tuple(types), columns


def _source(connection: Any, path: Path) -> tuple[str, dict[str, str]]:
    """What stands behind FROM, and the type of each column."""
    place = "'" + glob.escape(str(path)).replace("'", "''") + "'"
    if path.suffix.lower() == ".parquet":
        source = f"read_parquet({place})"
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
        return source, {row[0]: row[1] for row in described}
    header, delimiter = _header(path)
    # Everything is said, nothing is guessed: a sniffer that guesses the dialect from one odd row reads the whole
    # file as a single column.
    columns = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in header)
    source = (
        f"read_csv({place}, auto_detect=false, header=true, delim='{delimiter}', quote='\"', escape='\"', "
        f"columns={{{columns}}}, max_line_size=1000000)"
    )
    return source, dict.fromkeys(header, "VARCHAR")


def _header(path: Path) -> tuple[list[str], str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(100_000)
    except UnicodeDecodeError:
        raise BadInput(
            f"{path.name} is not UTF-8 text, so it is no CSV; a Parquet file ends in .parquet."
        ) from None
    delimiter = max(_DELIMITERS, key=line.count)
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])], delimiter


def _names(
    path: Path, present: tuple[str, ...], required: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, str]:
    """Wanted name → the file's spelling of it."""
    lowered = [name.lower() for name in present]
    wanted = [name for name in (*required, *optional) if name in lowered]
    for name in wanted:
        if lowered.count(name) > 1:
            raise BadInput(f"{path.name} has the column {name!r} twice; keep one.")
    missing = [name for name in required if name not in lowered]
    if missing:
        has = ", ".join(present[:12]) or "none"
        raise BadInput(
            f"{path.name} has no column {', '.join(repr(n) for n in missing)}; its columns are: {has}. "
            f"Needed are {', '.join(required)}."
        )
    return {name: present[lowered.index(name)] for name in wanted}


def _readable(path: Path, names: dict[str, str], types: dict[str, str]) -> None:
    for name in names.values():
        if _READABLE.fullmatch(types[name]) is None:
            raise BadInput(
                f"{path.name}: column {name!r} was of type {types[name][:60]}; numbers are read, times, or text that is a "
                "number."
            )


def _number(name: str, kind: str) -> str:
    if kind.startswith(("TIMESTAMP", "DATE")):  # a Parquet time says itself what it counts
        plain = _quoted(name) if "TIME ZONE" in kind else f"CAST({_quoted(name)} AS TIMESTAMP)"
        return f"CAST(epoch_ms({plain}) AS DOUBLE)"
    if kind in _TEXT:
        return f"TRY_CAST(trim({_quoted(name)}) AS DOUBLE)"
    return f"TRY_CAST({_quoted(name)} AS DOUBLE)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(values: Any) -> F64:
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(np.nan)
    return np.ascontiguousarray(values, np.float64)


def _only_empty(connection: Any, path: Path, source: str, name: str) -> None:
    """Refuse a cell that is neither a number nor one of the ways to say nothing."""
    nothing = ", ".join(f"'{word}'" for word in _NOTHING)
    text = f"trim({_quoted(name)})"
    found = connection.execute(
        f"SELECT row, cell FROM (SELECT row_number() OVER () AS row, {text} AS cell FROM {source}) "  # noqa: S608
        f"WHERE cell IS NOT NULL AND TRY_CAST(cell AS DOUBLE) IS NULL AND lower(cell) NOT IN ({nothing}) "
        "ORDER BY row LIMIT 1"
    ).fetchone()
    if found is not None:
        raise BadInput(
            f"{path.name}, row {found[0]:,}: {name} was {found[1][:40]!r}, which is not a number; "
            "leave a cell empty where a value is unknown."
        )
