"""A `sqlite3.Connection` over apsw: as much of it as production code uses, so that its own statements run on our disk.

apsw brings a SQLite of its own, which may be newer than the one behind Python's `sqlite3`; statements, transactions
and pragmas are those of the code under test.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import apsw

_CHANGES_ROWS = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_OPERATIONAL = (
    apsw.SQLError, apsw.PermissionsError, apsw.AbortError, apsw.BusyError, apsw.LockedError, apsw.ReadOnlyError,
    apsw.InterruptError, apsw.IOError, apsw.FullError, apsw.CantOpenError, apsw.SchemaChangeError,
)  # fmt: skip


class Adapted:
    """One connection. `rewrite` changes each statement on its way in: how a test sabotages the code it watches."""

    row_factory = None

    def __init__(
        self, path: str, flags: int, vfs: str, timeout_s: float, isolation_level: str | None, rewrite: Any
    ) -> None:
        self.isolation_level = isolation_level
        self._rewrite = rewrite
        with translated():
            self._db = apsw.Connection(path, flags=flags, vfs=vfs)
            self._db.set_busy_timeout(int(timeout_s * 1000))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._db.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Run one statement to its end."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> "Cursor":
        """Run one statement once for each set of parameters."""
        return self.cursor().executemany(sql, many)

    def executescript(self, script: str) -> "Cursor":
        """Commit, and run many statements."""
        self.commit()
        with translated():
            self._db.execute(self._rewrite(script))
        return self.cursor()

    def cursor(self) -> "Cursor":
        """Make a cursor."""
        return Cursor(self)

    def commit(self) -> None:
        """Commit if there is something to commit."""
        if self._db.in_transaction:
            with translated():
                self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back if there is something to roll back."""
        if self._db.in_transaction:
            with translated():
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(
            apsw.Error
        ):  # SQLite says nothing when the last checkpoint fails, and closes
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.commit() if kind is None else self.rollback()

    def run(self, cursor: "Cursor", sql: str, parameters: Sequence[Any]) -> None:
        """Run one statement to its end and leave what came of it in the cursor."""
        sql = self._rewrite(sql)
        changes = _CHANGES_ROWS.match(sql) is not None
        with translated():
            if changes and self.isolation_level is not None and not self._db.in_transaction:
                self._db.execute(f"BEGIN {self.isolation_level}")
            statement = self._db.cursor()
            statement.exec_trace = (
                cursor.described
            )  # columns are known before the first row, and also without one
            cursor.rows = iter(list(statement.execute(sql, parameters)))
        cursor.rowcount = self._db.changes() if changes else -1
        cursor.lastrowid = self._db.last_insert_rowid()


class Cursor:
    """Rows of a statement that has run already."""

    def __init__(self, connection: Adapted) -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount, self.lastrowid = -1, 0
        self.rows: Iterator[tuple[Any, ...]] = iter(())

    def described(self, statement: Any, _sql: str, _parameters: Any) -> bool:
        """Keep the names of the columns."""
        columns = statement.get_description()
        self.description = tuple((name, *[None] * 6) for name, _ in columns) or None
        return True

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Run one statement to its end."""
        self.connection.run(self, sql, parameters)
        return self

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> "Cursor":
        """Run one statement once for each set of parameters."""
        n = 0
        for parameters in many:
            n += max(0, self.execute(sql, parameters).rowcount)
        self.rowcount = n
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Take the next row."""
        return next(self.rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Take all rows."""
        return list(self.rows)

    def close(self) -> None:
        """Nothing is held."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self.rows


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise what Python's `sqlite3` would."""
    try:
        yield
    except apsw.Error as error:
        if isinstance(error, _OPERATIONAL):
            kind: type[sqlite3.Error] = sqlite3.OperationalError
        elif isinstance(error, apsw.ConstraintError | apsw.MismatchError):
            kind = sqlite3.IntegrityError
        else:
            kind = sqlite3.DatabaseError
        said = kind(str(error))
        said.sqlite_errorcode = getattr(error, "extendedresult", 0)
        raise said from error


def flags_of(uri: bool) -> int:
    """How Python's `sqlite3` opens a file."""
    return apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | (apsw.SQLITE_OPEN_URI if uri else 0)


def path_of(database: Any, *, uri: bool) -> str:
    """Where a file lies, whichever way it is named."""
    name = os.fspath(database)
    return re.sub(r"^file:(//)?|\?.*$", "", name) if uri else name
