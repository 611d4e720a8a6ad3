"""Looking at the view: read-only, each read short. Imports nothing but the standard library."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from organism.errors import BadInput, OrganismError
from organism.view.schema import NEWEST, SCHEMA

_JSON = {"value", "tags", "genome_ids", "forecasts", "parameters"}
_BUSY_S = 0.25
_HIDDEN = {"equity": {"n"}, "trades": {"part"}, "dead_letters": {"envelope_id"}}


class NeverStarted(BadInput):
    """There is no view: no organism has run on this state folder yet."""


class ViewUnreadable(OrganismError):
    """The view cannot be read just now; it is disposable and rebuilt at the next start."""


class ViewReader:
    """Reads a view that another process may be writing, or may just have replaced.

    Each call opens the file anew (about a millisecond): a rebuilt view is seen at once, and no reader ever
    keeps the writer from tidying up.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def status(self) -> dict[str, Any]:
        """State keys, organs, feeds, positions, strategies and denials, all from one consistent moment."""
        with self._reading() as db:
            pairs = db.execute("SELECT key, value FROM state").fetchall()
            found: dict[str, Any] = {row["key"]: json.loads(row["value"]) for row in pairs}
            for table in ("organs", "feeds", "positions", "strategies", "denials"):
                found[table] = _rows(db, table, 1_000)
            found["meta"] = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM meta")}
        return found

    def table(self, name: str, limit: int = 100) -> list[dict[str, Any]]:
        """The newest rows of a table, newest first."""
        if name not in NEWEST:
            raise BadInput(f"the view has no table {name!r}. It has: {', '.join(sorted(NEWEST))}.")
        with self._reading() as db:
            return _rows(db, name, limit)

    def equity(self, max_points: int = 600) -> list[dict[str, Any]]:
        """The equity curve, oldest first, evenly thinned to about `max_points`; its last point is the newest."""
        return self._curve("equity", "", (), max_points)

    def marks(self, symbol: str, max_points: int = 2_000) -> list[dict[str, Any]]:
        """Closing prices of one instrument, oldest first."""
        return self._curve("marks", "WHERE symbol = ?", (symbol,), max_points)

    def _curve(self, table: str, where: str, given: tuple[str, ...], most: int) -> list[dict[str, Any]]:
        numbered = f"SELECT *, row_number() OVER (ORDER BY at_ns DESC) - 1 AS back FROM {table} {where}"  # noqa: S608
        with self._reading() as db:
            (n,) = db.execute(f"SELECT count(*) FROM {table} {where}", given).fetchone()  # noqa: S608
            stride = max(1, -(-n // max(1, most)))
            rows = db.execute(
                f"SELECT * FROM ({numbered}) WHERE back % ? = 0 ORDER BY at_ns",  # noqa: S608
                (*given, stride),
            ).fetchall()
            points = [_decoded(row, table, "back") for row in rows]
            if table == "equity":
                _close_with_newest(points, db)
        return points

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            raise NeverStarted(
                f"no organism has run on {self._path.parent} yet. Start one with `organism start`."
            )
        uri = f"file:{quote(str(self._path))}?mode=ro"
        try:
            db = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
            try:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA query_only = ON")
                (schema,) = db.execute("PRAGMA user_version").fetchone()
                if schema != SCHEMA:
                    raise ViewUnreadable(
                        f"{self._path} has schema {schema}, this version reads {SCHEMA}. "
                        "It is rebuilt when the organism starts."
                    )
                db.execute("BEGIN")
                yield db
            finally:
                db.close()
        except (sqlite3.Error, json.JSONDecodeError) as error:
            raise ViewUnreadable(
                f"{self._path} could not be read: {error}. It is disposable: the organism rebuilds it "
                "from its journal when it starts."
            ) from error


def _rows(db: sqlite3.Connection, table: str, limit: int) -> list[dict[str, Any]]:
    query = f"SELECT * FROM {table} ORDER BY {NEWEST[table]} LIMIT ?"  # noqa: S608 - names from NEWEST
    return [_decoded(row, table) for row in db.execute(query, (max(0, limit),))]


def _decoded(row: sqlite3.Row, table: str, *hidden: str) -> dict[str, Any]:
    hide = _HIDDEN.get(table, set()).union(hidden)
    return {
        name: json.loads(row[name]) if name in _JSON and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118 - iterating a Row gives values
        if name not in hide
    }


def _close_with_newest(points: list[dict[str, Any]], db: sqlite3.Connection) -> None:
    """Thinning may have dropped the newest point: the portfolio has it."""
    found = db.execute("SELECT value FROM state WHERE key = 'portfolio'").fetchone()
    newest = json.loads(found["value"]) if found else None
    if newest and (not points or points[-1]["at_ns"] != newest["at_ns"]):
        points.append({
            "at_ns": newest["at_ns"], "session": newest["session"], "equity": newest["equity"],
            "drawdown": newest["drawdown"], "gross": newest["gross_exposure"], "cash": float(newest["cash"]),
        })  # fmt: skip
