"""A plain file → arrays as they stand in it, by duckdb: text, JSON, Parquet and Feather end as the same columns."""

import glob
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.importing import stamps
from organism.lake.importing.dialect import Dialect, dialect_of
from organism.lake.importing.roles import Roles, of_header, of_rows
from organism.lake.names import Kind

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Prices = tuple[F64, F64, F64, F64]

PRICES: Final = ("open", "high", "low", "close")
NO_TIME: Final = int(np.iinfo(np.int64).min)
_OFFLINE: Final[Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_SAMPLE: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Rows in the order of the file.

    t_us      int64 (n,), µs; NO_TIME where a cell is no time; clock times where `times.naive`
    columns   float64 (n,) by name, NaN where a cell is no number: open, high, low, close and volume (where there is such a
              column) of candles; of other rows what the lake calls their values
    width     columns of the file
    symbols   what a column of symbols holds, at most three
    cells     the texts of some rows by their numbers from 0: for sentences
    """

    t_us: I64
    columns: dict[str, F64]
    times: stamps.Stamps
    roles: Roles
    above: str
    header: tuple[str, ...]
    width: int
    symbols: tuple[str, ...]
    cells: Callable[[Sequence[int]], list[tuple[str, ...]]]

    @property
    def prices(self) -> Prices:
        """Open, high, low, close as columns say."""
        opened, high, low, close = (self.columns[name] for name in PRICES)
        return opened, high, low, close

    @property
    def volume(self) -> F64 | None:
        """Of candles, or None where there is no such column."""
        return self.columns.get("volume")


@dataclass(frozen=True, slots=True)
class _Source:
    """What stands behind FROM, and SQL of each column as trimmed text; `typed` gives the stamp of a typed column."""

    table: str
    texts: tuple[str, ...]
    names: tuple[str, ...]
    above: str = ""
    header: bool = True
    rows: tuple[tuple[str, ...], ...] = ()
    typed: tuple[str, ...] = ()


def read(
    path: Path, said: str, *, order: str = "", base: str = "", symbol: str = "", kind: Kind | None = None,
    day_us: int | None = None,
) -> Raw:  # fmt: skip
    """Read one plain file. Raises `BadInput`, one sentence.

    order    of dates, where a person says so; base: whose volume is meant where there are several
    symbol   rows of this symbol only, where a column names symbols
    kind     what a person says that rows are; None: recognise it
    day_us   the day that times of day in ms count from (Lean); then the columns are time, open, high, low, close, volume
    """
    import duckdb  # noqa: PLC0415 - a third of a second, for whoever imports a file

    try:
        with duckdb.connect(":memory:", config=_OFFLINE) as connection:
            return _read(connection, path, said, order, base, symbol, kind, day_us)
    except duckdb.Error as error:
        first = re.sub(r' in file "[^"]*"', "", str(error).strip().splitlines()[0])
        raise BadInput(f"{said} cannot be read: {first[:200]} Was it written to the end?") from None
    except OSError as error:
        raise BadInput(f"{said} cannot be read: {error.strerror or error}.") from None


def _read(
    connection: Any, path: Path, said: str, order: str, base: str, symbol: str, kind: Kind | None,
    day_us: int | None,
) -> Raw:  # fmt: skip
    source = _source(connection, path, said)
    sample = source.rows or tuple(
        tuple("" if cell is None else str(cell) for cell in row)
        for row in connection.execute(
            f"SELECT {', '.join(source.texts)} FROM {source.table} LIMIT {_SAMPLE}"  # noqa: S608 - as below
        ).fetchall()
    )
    if not sample:
        raise BadInput(f"{said} holds no rows; at least one is needed.")
    if day_us is not None and len(source.texts) > 5:  # noqa: PLR2004 - a time, four prices, a volume
        roles = Roles(0, (1, 2, 3, 4), 5)  # Lean
    else:
        roles = of_header(said, source.names, base, kind) if source.header else of_rows(said, sample)
    where = ""
    symbols: tuple[str, ...] = ()
    if roles.symbol >= 0:
        cell = source.texts[roles.symbol]
        found = connection.execute(
            f"SELECT DISTINCT {cell} AS s FROM {source.table} WHERE s IS NOT NULL ORDER BY s LIMIT 3"  # noqa: S608
        ).fetchall()
        symbols = tuple(row[0] for row in found)
        if len(symbols) > 1 and symbol:
            where = f" WHERE {_letters(cell)} = '{_plain(symbol)}'"
    if day_us is None:
        times = _times(connection, source, said, roles, sample, order)
    else:
        since = f"{int(day_us)} + CAST(round(TRY_CAST({source.texts[0]} AS DOUBLE) * 1000) AS BIGINT)"
        times = stamps.Stamps(since, sample[0][0], naive=True)
    wanted = _wanted(roles, source, sample)
    chosen = [f"{times.sql} AS t", *(f"{sql} AS p{i}" for i, sql in enumerate(wanted.values()))]
    # Names come from this module and paths are escaped; there is no way to pass either as a parameter here.
    got = connection.execute(f"SELECT {', '.join(chosen)} FROM {source.table}{where}").fetchnumpy()  # noqa: S608
    columns = {name: _floats(got[f"p{i}"]) for i, name in enumerate(wanted)}
    return Raw(
        np.ma.filled(got["t"], NO_TIME).astype(np.int64, copy=False), columns, times, roles, source.above,
        source.names if source.header else (), len(source.texts), symbols, _teller(path, source, where),
    )  # fmt: skip


def _wanted(roles: Roles, source: _Source, sample: Any) -> dict[str, str]:
    """SQL of each column that is read, by what it is."""
    if roles.kind is Kind.CANDLES:
        places = dict(zip(PRICES, roles.prices, strict=True))
        places |= {} if roles.volume < 0 else {"volume": roles.volume}
        return {name: f"TRY_CAST({source.texts[at]} AS DOUBLE)" for name, at in places.items()}
    found = {}
    for name, at in roles.values:
        text = source.texts[at]
        if name in ("buyer_maker", "side"):
            # Who buys is the maker where the taker sold.
            found["buyer_maker"] = (
                f"CASE lower(CAST({text} AS VARCHAR)) WHEN {_YES[name]} THEN 1.0 WHEN {_NO[name]} THEN 0.0 END"
            )
        elif name == "rate" and any(str(row[at]).endswith("%") for row in sample if at < len(row)):
            found[name] = f"TRY_CAST(rtrim({text}, '% ') AS DOUBLE) / 100"
        else:
            found[name] = f"TRY_CAST({text} AS DOUBLE)"
    return found


_YES: Final = {"buyer_maker": "'true' THEN 1.0 WHEN '1'", "side": "'sell'"}
_NO: Final = {"buyer_maker": "'false' THEN 0.0 WHEN '0'", "side": "'buy'"}


def _letters(cell: str) -> str:
    return f"regexp_replace(upper({cell}), '[^A-Z0-9]', '', 'g')"


def _plain(symbol: str) -> str:
    return "".join(c for c in symbol.upper() if c.isascii() and c.isalnum())


def _floats(values: Any) -> F64:
    return np.ascontiguousarray(
        np.ma.filled(values, np.nan) if np.ma.isMaskedArray(values) else values, np.float64
    )


def _teller(path: Path, source: _Source, where: str) -> Callable[[Sequence[int]], list[tuple[str, ...]]]:
    def cells(rows: Sequence[int]) -> list[tuple[str, ...]]:
        import duckdb  # noqa: PLC0415

        if not rows or not path.exists():
            return [()] * len(rows)
        wanted = ", ".join(str(int(row) + 1) for row in rows)
        with duckdb.connect(":memory:", config=_OFFLINE) as connection:
            inner = f"SELECT {', '.join(f'{text} AS c{i}' for i, text in enumerate(source.texts))} FROM {source.table}{where}"  # noqa: S608
            got = connection.execute(
                f"SELECT * FROM (SELECT row_number() OVER () AS r, * FROM ({inner})) WHERE r IN ({wanted})"  # noqa: S608
            ).fetchall()
        by = {row[0] - 1: tuple("" if cell is None else str(cell) for cell in row[1:]) for row in got}
        return [by.get(int(row), ()) for row in rows]

    return cells


def _times(
    connection: Any, source: _Source, said: str, roles: Roles, sample: Any, order: str
) -> stamps.Stamps:
    if source.typed and source.typed[roles.time]:
        return stamps.Stamps(source.typed[roles.time], str(sample[0][roles.time]))
    text = source.texts[roles.time]
    cells = [row[roles.time] if roles.time < len(row) else "" for row in sample]
    if roles.clock >= 0:
        text = f"({text} || ' ' || {source.texts[roles.clock]})"
        cells = [f"{row[roles.time]} {row[roles.clock]}" for row in sample if roles.clock < len(row)]

    def ends(pattern: str) -> tuple[int, int]:
        both = ", ".join(
            f"max(TRY_CAST(regexp_extract({text}, '{pattern}', {i}) AS INTEGER))" for i in (1, 2)
        )
        left, right = connection.execute(f"SELECT {both} FROM {source.table}").fetchone()  # noqa: S608
        return int(left or 0), int(right or 0)

    return stamps.stamps_of(said, text, cells, order, ends)


def _source(connection: Any, path: Path, said: str) -> _Source:
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PAR1"):
        return _typed(connection, f"read_parquet({_place(path)})")
    if head.startswith((b"ARROW1", b"FEA1")):
        return _feather(connection, path, said)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"[", b"{")):
        return _json(path, said, text)
    return _text(path, dialect_of(path, said))


def _place(path: Path) -> str:
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _typed(connection: Any, table: str) -> _Source:
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()  # noqa: S608
    names = tuple(row[0] for row in described)
    quoted = tuple('"' + name.replace('"', '""') + '"' for name in names)
    typed = []
    for name, row in zip(quoted, described, strict=True):
        kind = str(row[1])
        if kind.startswith(("TIMESTAMP", "DATE")):
            typed.append(
                f"epoch_us({name})"
                if kind.startswith("TIMESTAMP")
                else f"epoch_us(CAST({name} AS TIMESTAMP))"
            )
        else:
            typed.append(stamps.numbers(name) if "INT" in kind or kind in {"DOUBLE", "FLOAT"} else "")
    texts = tuple(
        f"trim(CAST({name} AS VARCHAR))" if "CHAR" in str(row[1]) else name
        for name, row in zip(quoted, described, strict=True)
    )
    return _Source(table, texts, names, typed=tuple(typed))


def _feather(connection: Any, path: Path, said: str) -> _Source:
    try:
        from pyarrow import feather  # noqa: PLC0415 - an extra
    except ImportError:
        raise BadInput(
            f"{said} is a Feather file, which pyarrow reads; install it with `pip install 'organism[feather]'`, or convert the "
            "file to Parquet or CSV."
        ) from None
    try:
        table = feather.read_table(path, memory_map=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{said} is a damaged Feather file: {str(error)[:120]}. Get it again.") from None
    connection.register("feather_table", table)
    return _typed(connection, "feather_table")


def _json(path: Path, said: str, head: bytes) -> _Source:
    """A list of rows: [[ms, open, high, low, close, volume], …], or [{"time": …, "open": …}, …]."""
    inner = head.decode("utf-8", "replace").removeprefix("[").lstrip() if head.startswith(b"[") else ""
    options = "format='array', maximum_object_size=16777216"
    if head.startswith(b"[") and inner.startswith("["):
        rows = f"(SELECT row FROM read_json({_place(path)}, {options}, records=false, columns={{row: 'VARCHAR[]'}}))"  # noqa: S608 - a path, escaped
        return _Source(rows, tuple(f"trim(row[{i}])" for i in range(1, 7)), (), header=False)
    try:
        first, _ = json.JSONDecoder().raw_decode(inner)
        names = tuple(str(name) for name in first)
    except (ValueError, TypeError):
        raise BadInput(
            f"{said} is JSON of no known form; rows are [[ms, open, high, low, close, volume], …] or "
            '[{"time": …, "open": …}, …].'
        ) from None
    quoted = ["'" + name.replace("'", "''") + "': 'VARCHAR'" for name in names]
    table = f"read_json({_place(path)}, {options}, columns={{{', '.join(quoted)}}})"
    texts = ['trim("' + name.replace('"', '""') + '")' for name in names]
    return _Source(table, tuple(texts), names)


def _text(path: Path, found: Dialect) -> _Source:
    width = found.width
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    mark = found.separator.replace("\t", "\\t")
    # Everything is said, nothing is guessed: a row that is short, long or no row at all is refused alone, by its number.
    table = (
        f"read_csv({_place(path)}, auto_detect=false, header=false, skip={found.skip}, delim='{mark}', quote='\"', "
        f"escape='\"', columns={{{columns}}}, null_padding=true, strict_mode=false, max_line_size=1000000)"
    )
    texts = [f"trim(c{i})" for i in range(width)]
    if found.comma:
        texts = [f"replace({text}, ',', '.')" for text in texts]
    return _Source(table, tuple(texts), found.header or (), found.above, found.header is not None, found.rows)
