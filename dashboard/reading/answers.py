"""Rows as plain dictionaries, and filters by symbol: shared by all queries."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

Row = dict[str, Any]
_JSON = {"genome_ids", "reasons", "contributions", "parameters", "value", "symbols"}
_FLAGS = {"reduce_only", "maker", "warmup", "seam", "closing", "final"}
MOST_SYMBOLS = 100


def plain(row: sqlite3.Row) -> Row:
    """A row with its JSON columns decoded and its flags as booleans."""
    found: Row = {}
    for name in row.keys():  # noqa: SIM118 - iterating a Row gives values
        value = row[name]
        if name in _JSON and isinstance(value, str):
            value = json.loads(value)
        elif name in _FLAGS and value is not None:
            value = bool(value)
        found[name] = value
    return found


def rows(cursor: Iterable[sqlite3.Row]) -> list[Row]:
    """All rows."""
    return [plain(row) for row in cursor]


def among(symbols: Collection[str], column: str = "symbol") -> tuple[str, tuple[str, ...]]:
    """Condition on a symbol, and its parameters; no symbols mean all of them."""
    if not symbols:
        return "", ()
    chosen = tuple(symbols)[:MOST_SYMBOLS]
    return f" AND {column} IN ({', '.join('?' * len(chosen))})", chosen
