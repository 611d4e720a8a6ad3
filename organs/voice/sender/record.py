"""`deliveries.db`: which alert reached which channel, and how far the journal was read. Sender writes, pages read."""

import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from organs.voice.sender.alert import Alert
from organs.voice.sender.courier import FAILED, PENDING, Result

SUMMED_UP, DROPPED = "summed_up", "dropped"
KEPT = 10_000  # alerts; older ones that wait for nothing are forgotten
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    alert_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, wall_ns INTEGER NOT NULL, alert BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    alert_id TEXT NOT NULL, channel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'summed_up', 'dropped')),
    attempts INTEGER NOT NULL, last_error TEXT NOT NULL, wall_ns INTEGER NOT NULL,
    PRIMARY KEY (alert_id, channel)
) STRICT;
CREATE TABLE IF NOT EXISTS cursor (
    source TEXT PRIMARY KEY, position INTEGER NOT NULL, identity BLOB NOT NULL
) STRICT;
"""


class Deliveries:
    """The record. One connection, one thread."""

    def __init__(self, state: Path) -> None:
        path = state / "deliveries.db"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def cursor(self, source: str) -> tuple[int, bytes]:
        """How far a source was read, and what identifies that place."""
        row = self._db.execute("SELECT position, identity FROM cursor WHERE source = ?", (source,)).fetchone()
        return (row[0], row[1]) if row else (0, b"")

    def accept(
        self, alerts: Iterable[tuple[Alert, tuple[str, ...]]], source: str, position: int, identity: bytes
    ) -> list[tuple[Alert, str]]:
        """Note alerts, their channels and the new place in one transaction; return what was not known yet."""
        fresh: list[tuple[Alert, str]] = []
        with self._transaction():
            for alert, channels in alerts:
                self._keep(alert)
                fresh += [(alert, channel) for channel in channels if self._add(alert, channel)]
            self._db.execute("REPLACE INTO cursor VALUES (?, ?, ?)", (source, position, identity))
        return fresh

    def add(self, alert: Alert, channel: str) -> bool:
        """Note one alert for one channel; whether it was new."""
        with self._transaction():
            self._keep(alert)
            return self._add(alert, channel)

    def note(self, result: Result) -> None:
        """What became of it. An alert that arrived stays arrived."""
        self._db.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + ?, last_error = ?, wall_ns = ? "
            "WHERE alert_id = ? AND channel = ? AND state NOT IN ('delivered', 'summed_up')",
            (result.state, result.attempts, result.error, time.time_ns(), result.alert.id, result.channel),
        )

    def pending(self) -> list[tuple[Alert, str]]:
        """What an earlier life of this process did not finish, oldest first."""
        rows = self._db.execute(
            "SELECT a.alert, d.channel FROM deliveries d JOIN alerts a USING (alert_id) "
            "WHERE d.state = ? ORDER BY a.wall_ns, a.rowid",
            (PENDING,),
        )
        return [(_decode(alert), channel) for alert, channel in rows]

    def failed(self, channel: str) -> list[Alert]:
        """What did not reach a channel and was not summed up since, oldest first."""
        rows = self._db.execute(
            "SELECT a.alert FROM deliveries d JOIN alerts a USING (alert_id) "
            "WHERE d.state = ? AND d.channel = ? ORDER BY a.wall_ns, a.rowid",
            (FAILED, channel),
        )
        return [_decode(alert) for (alert,) in rows]

    def sum_up(self, channel: str, alerts: Iterable[Alert]) -> None:
        """These were told of in a summary."""
        with self._transaction():
            self._db.executemany(
                "UPDATE deliveries SET state = ? WHERE alert_id = ? AND channel = ? AND state = ?",
                [(SUMMED_UP, alert.id, channel, FAILED) for alert in alerts],
            )

    def drop_channels(self, known: Iterable[str]) -> None:
        """Give up what waits for channels that are no longer configured."""
        names = list(known)
        holes = ",".join("?" * len(names))
        self._db.execute(
            f"UPDATE deliveries SET state = ? WHERE state IN (?, ?) AND channel NOT IN ({holes})",  # noqa: S608 - only ?
            (DROPPED, PENDING, FAILED, *names),
        )

    def accepted(self) -> list[Alert]:
        """Alerts of the journal that were noted, newest first."""
        rows = self._db.execute("SELECT alert FROM alerts WHERE seq > 0 ORDER BY seq DESC")
        return [_decode(alert) for (alert,) in rows]

    def forget_after(self, seq: int) -> None:
        """The journal was put back to `seq`, or replaced (0): what came after it never happened."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM deliveries WHERE alert_id IN (SELECT alert_id FROM alerts WHERE seq > ?)", (seq,)
            )
            self._db.execute("DELETE FROM alerts WHERE seq > ?", (seq,))

    def trim(self) -> None:
        """Forget the oldest that wait for nothing."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM alerts WHERE rowid NOT IN (SELECT rowid FROM alerts ORDER BY wall_ns DESC LIMIT ?) "
                "AND alert_id NOT IN (SELECT alert_id FROM deliveries WHERE state IN (?, ?))",
                (KEPT, PENDING, FAILED),
            )
            self._db.execute("DELETE FROM deliveries WHERE alert_id NOT IN (SELECT alert_id FROM alerts)")

    def _keep(self, alert: Alert) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?)",
            (alert.id, alert.seq, alert.wall_ns, msgspec.json.encode(alert)),
        )

    def _add(self, alert: Alert, channel: str) -> bool:
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, 0, '', ?)",
            (alert.id, channel, PENDING, time.time_ns()),
        )
        return cursor.rowcount == 1

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _decode(data: bytes) -> Alert:
    return msgspec.json.decode(data, type=Alert)
