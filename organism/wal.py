"""Switching an SQLite file to a write-ahead log where several processes may be the first to write it."""

import sqlite3
import time

_POLL_S = 0.02


def use_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """Switch to a write-ahead log, waiting for other writers at most `wait_s` seconds.

    SQLite does not wait here, whatever the timeout of the connection: the first writers of a fresh file, all of whom
    want to switch it, would turn each other away. Raises `sqlite3.OperationalError` where it stays locked.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_POLL_S)
        else:
            return
