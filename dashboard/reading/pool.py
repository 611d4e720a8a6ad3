"""Connections for queries: a few are kept, none longer than the file they were opened on is the one in its place."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.reading.schema import VERSION, open_reader
from organism.errors import OrganismError

MOST_IDLE = 4


class NotYet(OrganismError):
    """There is no read model, or none of this version: nothing is known yet."""


class Pool:
    """Read-only connections to one file, for many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[int, int], sqlite3.Connection]] = []

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent picture. Raises `NotYet`, or `sqlite3.DatabaseError` for a damaged file."""
        which, db = self._lease()
        try:
            db.execute("BEGIN")
            _refuse_unfinished(db)
            yield db
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append((which, db))
                return
        db.close()

    def close(self) -> None:
        """Let go of what is kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, db in idle:
            db.close()

    def _lease(self) -> tuple[tuple[int, int], sqlite3.Connection]:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - inode and device, nothing else
        except OSError as error:
            raise NotYet("there is no read model yet") from error
        which = (found.st_dev, found.st_ino)
        stale: list[sqlite3.Connection] = []
        chosen: sqlite3.Connection | None = None
        with self._lock:
            while self._idle and chosen is None:
                known, db = self._idle.pop()
                if known == which:
                    chosen = db
                else:
                    stale.append(db)
        for db in stale:
            db.close()
        return which, chosen or open_reader(self._path)


def _refuse_unfinished(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise NotYet("the read model is being built")
