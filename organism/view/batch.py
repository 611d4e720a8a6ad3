"""Changes to the view, gathered and written in as few statements as their meaning allows."""

import json
import sqlite3
from collections import deque
from typing import Any

from organism.view.project import (
    Count,
    Forecast,
    Mark,
    Once,
    Op,
    Point,
    Put,
    Replace,
    Upsert,
    Values,
)
from organism.view.schema import CAPS, EQUITY_POINTS, KEYS, MARKS_PER_SYMBOL, NEWEST

_PATCH = (
    "INSERT INTO strategies (genome_id, forecasts) VALUES (?, ?) ON CONFLICT (genome_id) "
    "DO UPDATE SET forecasts = json_patch(coalesce(forecasts, '{}'), excluded.forecasts)"
)
_THIN = "DELETE FROM equity WHERE n % ? != 0"


def as_json(value: Any) -> str:
    """Compact JSON; refuses NaN, which `plain` has already turned into null."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


class Batch:
    """Operations in order. What a later one makes worthless is dropped; what adds up is added up."""

    def __init__(self) -> None:
        self._puts: dict[str, Values] = {}
        self._rows: list[Upsert | Once | Forecast] = []
        self._counts: dict[tuple[str, str], tuple[dict[str, int], Values]] = {}
        self._replaced: dict[str, list[Values]] = {}
        self._marks: dict[str, deque[Mark]] = {}
        self._points: list[Values] = []

    def add(self, op: Op) -> None:
        """Take one more operation."""
        if isinstance(op, Mark):
            self._marks.setdefault(op.symbol, deque(maxlen=MARKS_PER_SYMBOL)).append(op)
        elif isinstance(op, Put):
            self._puts[op.key] = op.value
        elif isinstance(op, Count):
            add, values = self._counts.setdefault((op.table, op.key), ({}, {}))
            for name, n in op.add.items():
                add[name] = add.get(name, 0) + n
            values.update(op.values)
        elif isinstance(op, Replace):
            self._replaced[op.table] = op.rows
        elif isinstance(op, Point):
            self._points.append(op.values)
        elif isinstance(op, Upsert | Once | Forecast):
            self._rows.append(op)

    def write(self, db: sqlite3.Connection, curve: "Curve") -> None:
        """Carry everything out, inside the caller's transaction."""
        for key, value in self._puts.items():
            upsert(db, "state", {"key": key, "value": as_json(value)})
        for row in self._rows:
            if isinstance(row, Forecast):
                db.execute(_PATCH, (row.genome_id, as_json(row.forecasts)))
            elif isinstance(row, Upsert):
                upsert(db, row.table, row.values)
            else:
                _insert_once(db, row.table, row.values)
        for (table, key), (add, values) in self._counts.items():
            _count(db, table, key, add, values)
        for table, rows in self._replaced.items():
            replace_all(db, table, rows)
        for marks in self._marks.values():
            db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", marks)
            _prune_marks(db, marks[-1].symbol)
        curve.write(db, self._points)
        for table in {row.table for row in self._rows if not isinstance(row, Forecast)} & CAPS.keys():
            _prune(db, table)


class Curve:
    """The equity curve in bounded space: point n is kept while n is a multiple of the stride, which doubles.

    n counts marks from the first on, so what is kept does not depend on how marks were batched.
    """

    def __init__(self, n: int = 0, stride: int = 1) -> None:
        self.n = n
        self.stride = stride

    def write(self, db: sqlite3.Connection, points: list[Values]) -> None:
        """Append points, then thin."""
        for values in points:
            if self.n % self.stride == 0:
                upsert(db, "equity", {**values, "n": self.n})
            self.n += 1
        before = self.stride
        while self.n > EQUITY_POINTS * self.stride:
            self.stride *= 2
        if self.stride != before:
            db.execute(_THIN, (self.stride,))


_statements: dict[tuple[str, ...], str] = {}


def upsert(db: sqlite3.Connection, table: str, values: Values) -> None:
    """Insert a row, or change the given columns of the row with the same key."""
    shape = ("upsert", table, *values)
    statement = _statements.get(shape)
    if statement is None:
        keys = KEYS[table]
        changes = [f"{name} = excluded.{name}" for name in values if name not in keys]
        then = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
        statement = f"{_insert(table, values)} ON CONFLICT ({', '.join(keys)}) DO {then}"
        _statements[shape] = statement
    db.execute(statement, _flat(values))


def replace_all(db: sqlite3.Connection, table: str, rows: list[Values]) -> None:
    """Make these rows all there is."""
    db.execute(f"DELETE FROM {table}")  # noqa: S608 - table names are ours
    for values in rows:
        upsert(db, table, values)


def _insert_once(db: sqlite3.Connection, table: str, values: Values) -> None:
    db.execute(f"{_insert(table, values)} ON CONFLICT DO NOTHING", _flat(values))


def _count(db: sqlite3.Connection, table: str, key: str, add: dict[str, int], values: Values) -> None:
    (name,) = KEYS[table]
    changes = [f"{c} = coalesce({c}, 0) + excluded.{c}" for c in add]
    changes += [f"{c} = excluded.{c}" for c in values]
    row = {name: key, **add, **values}
    then = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
    db.execute(f"{_insert(table, row)} ON CONFLICT ({name}) DO {then}", _flat(row))


def _insert(table: str, values: Values) -> str:
    marks = ", ".join("?" * len(values))
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - our own names


def _flat(values: Values) -> list[Any]:
    return [as_json(v) if isinstance(v, list | dict) else v for v in values.values()]


def _prune(db: sqlite3.Connection, table: str) -> None:
    keep = f"SELECT rowid FROM {table} ORDER BY {NEWEST[table]} LIMIT {CAPS[table]}"  # noqa: S608
    ended = " AND status IN ('filled', 'canceled', 'expired', 'rejected')" if table == "orders" else ""
    (n,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    if n > CAPS[table]:
        db.execute(f"DELETE FROM {table} WHERE rowid NOT IN ({keep}){ended}")  # noqa: S608


def _prune_marks(db: sqlite3.Connection, symbol: str) -> None:
    newest = "SELECT at_ns FROM marks WHERE symbol = ? ORDER BY at_ns DESC LIMIT 1 OFFSET ?"
    first_too_many = db.execute(newest, (symbol, MARKS_PER_SYMBOL)).fetchone()
    if first_too_many:
        db.execute("DELETE FROM marks WHERE symbol = ? AND at_ns <= ?", (symbol, first_too_many[0]))
