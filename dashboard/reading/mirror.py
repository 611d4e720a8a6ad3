"""The view as it was: the live view's own projection and tables, in memory, kept from time to time as a checkpoint."""

import sqlite3
import zlib
from typing import Any

import msgspec

from organism.effects import Publish
from organism.messages import CancelRequested, OrderProposed, PortfolioMarked
from organism.view.batch import Batch, Curve
from organism.view.project import Mark, Point, Put, StepFacts, project
from organism.view.schema import NEWEST, SCHEMA, TABLES

# Rows that a checkpoint keeps of tables that grow; what is open or funded is always kept.
_KEPT = {"fills": 60, "trades": 60, "alerts": 60, "restarts": 40, "dead_letters": 20, "denials": 40}
_ENDED = 60
_TABLES = (
    "state", "feeds", "positions", "orders", "fills", "trades", "alerts", "strategies", "denials", "restarts",
    "dead_letters",
)  # fmt: skip
_QUIET = {OrderProposed, CancelRequested}  # of which the view shows nothing
_MOST_BYTES = 64 * 2**20


class Mirror:
    """A view in memory without its curve and prices, which the read model has of its own."""

    def __init__(self, body: bytes | None = None) -> None:
        """Begin empty, or with what a checkpoint holds. Raises `ValueError` for a checkpoint that cannot be read."""
        self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.executescript(f"BEGIN; {TABLES} COMMIT;")
        self._batch = Batch()
        self._marked: StepFacts | None = None
        if body is not None:
            self._load(body)

    def close(self) -> None:
        """Let go of the memory."""
        self.db.close()

    def feed(self, facts: StepFacts) -> None:
        """Take one step of the journal, in order."""
        if not facts.effects and facts.input is None:
            return
        kinds = {type(e.message) for e in facts.effects if type(e) is Publish}
        if PortfolioMarked in kinds:
            if facts.input is None and kinds <= {PortfolioMarked, *_QUIET}:
                self._marked = facts  # only the newest is worth anything
                return
            self._marked = None
        self._project(facts)

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Set one key of the table `state`."""
        self._batch.add(Put(key, value))

    def settle(self) -> None:
        """Write what was fed."""
        marked, self._marked = self._marked, None
        if marked is not None:
            self._project(marked)
        batch, self._batch = self._batch, Batch()
        self.db.execute("BEGIN")
        batch.write(self.db, Curve())
        self.db.execute("COMMIT")

    def checkpoint(self) -> bytes:
        """Everything it holds, small enough to be kept often."""
        self.settle()
        self._prune()
        held = {}
        for table in _TABLES:
            cursor = self.db.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            held[table] = ([column[0] for column in cursor.description], [tuple(row) for row in cursor])
        return zlib.compress(msgspec.msgpack.encode((SCHEMA, held)), 3)

    def _load(self, body: bytes) -> None:
        try:
            unpacker = zlib.decompressobj()
            schema, held = msgspec.msgpack.decode(unpacker.decompress(body, _MOST_BYTES))
            if schema != SCHEMA:
                raise ValueError(f"it has schema {schema}")
            self.db.execute("BEGIN")
            for table in _TABLES:
                columns, rows = held[table]
                marks = ", ".join("?" * len(columns))
                self.db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608
            self.db.execute("COMMIT")
        except (zlib.error, msgspec.DecodeError, sqlite3.Error, KeyError, TypeError) as error:
            raise ValueError(f"a checkpoint of the read model cannot be read: {error!r}") from error

    def _project(self, facts: StepFacts) -> None:
        for op in project(facts):
            if type(op) is not Point and type(op) is not Mark:
                self._batch.add(op)

    def _prune(self) -> None:
        for table, n in _KEPT.items():
            self.db.execute(
                f"DELETE FROM {table} WHERE rowid NOT IN (SELECT rowid FROM {table} ORDER BY {NEWEST[table]} LIMIT ?)",  # noqa: S608
                (n,),
            )
        ended = "status IN ('filled', 'canceled', 'expired', 'rejected')"
        self.db.execute(
            f"DELETE FROM orders WHERE {ended} AND rowid NOT IN"  # noqa: S608
            f" (SELECT rowid FROM orders WHERE {ended} ORDER BY {NEWEST['orders']} LIMIT ?)",
            (_ENDED,),
        )
        self.db.execute("DELETE FROM strategies WHERE state IS 'retired'")
