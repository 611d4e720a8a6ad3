"""One consistent look at `state/view.db`: read-only, bounded, and never an exception.

The body may replace, delete or be writing the file at any moment, so every look opens it afresh, reads inside
one transaction and closes it. What cannot be read is said in `trouble`, not guessed.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

Row = dict[str, Any]

# Most rows of each table that one look takes: the page stays small however long the organism lives.
_TABLES: dict[str, str] = {
    "organs": "SELECT * FROM organs LIMIT 32",
    "feeds": "SELECT * FROM feeds ORDER BY name LIMIT 16",
    "positions": "SELECT * FROM positions ORDER BY abs(exposure) DESC LIMIT 40",
    "orders": "SELECT * FROM orders WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected')"
    " ORDER BY created_ns DESC LIMIT 40",
    "fills": "SELECT * FROM fills ORDER BY seq DESC LIMIT 12",
    "trades": "SELECT * FROM trades ORDER BY seq DESC LIMIT 20",
    "alerts": "SELECT * FROM alerts ORDER BY wall_ns DESC LIMIT 20",
    "strategies": "SELECT * FROM strategies WHERE state IS NOT 'retired' ORDER BY weight DESC, genome_id LIMIT 12",
    "quoted": "SELECT symbol FROM marks LIMIT 1",
    "denials": "SELECT * FROM denials ORDER BY n DESC LIMIT 8",
    "restarts": "SELECT * FROM restarts ORDER BY id DESC LIMIT 12",
    "dead_letters": "SELECT * FROM dead_letters ORDER BY id DESC LIMIT 8",
}


@dataclass(frozen=True, kw_only=True)
class Glimpse:
    """What the view held at one moment.

    exists    whether there is a view at all: without one, no body has ever lived here
    trouble   why it could not be read, "" when it could
    state     the `state` table: body, standing, portfolio, health, reconciled, machine, rates, limits
    tables    rows of the other tables, newest or largest first
    """

    exists: bool = False
    trouble: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def part(self, key: str) -> Row:
        """One entry of the `state` table, empty when it is not there yet."""
        found = self.state.get(key)
        return found if isinstance(found, dict) else {}

    @property
    def currency(self) -> str:
        """Of the account, "" where nothing was priced yet: a body watches nothing that is quoted in another one."""
        return "".join(
            str(row.get("symbol")).partition("/")[2].partition(":")[0][:12] for row in self.rows("quoted")
        )

    def rows(self, table: str) -> list[Row]:
        """Rows of one table, empty when there are none."""
        return self.tables.get(table, [])


def look(view: Path) -> Glimpse:
    """Read everything the page shows, in one transaction. Never raises for a missing or damaged file."""
    if not view.exists():
        return Glimpse()
    try:
        with opened(view) as connection:
            connection.execute("BEGIN")
            return held(connection)
    except sqlite3.Error as error:
        return Glimpse(exists=True, trouble=str(error))


def held(connection: sqlite3.Connection) -> Glimpse:
    """What a view holds, however it was opened; rows of the connection must be `sqlite3.Row`."""
    state = {key: _decoded(value) for key, value in connection.execute("SELECT key, value FROM state")}
    tables = {name: _rows(connection, query) for name, query in _TABLES.items()}
    return Glimpse(exists=True, state=state, tables=tables)


@contextmanager
def opened(view: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, closed afterwards."""
    address = f"file:{quote(os.fspath(view.absolute()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=0.25, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.row_factory = sqlite3.Row
        yield connection
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, query: str) -> list[Row]:
    try:
        return [dict(row) for row in connection.execute(query)]
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return []  # a view of another version: show what it has
        raise


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return None
