"""The operator's commands: a small table of its own that many short writers share (CLI, dashboard, body).

A command is durable before `give` returns. A body that is down when it is given applies it before it trades.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from organism.errors import BadInput, no_room
from organism.journal.tip import sync_new_folder
from organism.redaction import Redactor
from organism.wal import use_wal

COMMANDS = ("halt", "reduce", "resume", "flatten", "hibernate")
OF_INSTRUMENTS = ("close", "bar", "allow")
OF_STRATEGIES = ("pause", "wake", "retire")
TARGETED = (*OF_INSTRUMENTS, *OF_STRATEGIES)
LONGEST_TEXT = 1_000  # characters of a note, an operator, a result
LONGEST_TARGET = 200
_BUSY_S = 5.0
_POLL_S = 0.02
_TABLE = """
    CREATE TABLE IF NOT EXISTS commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        given_wall_ns INTEGER NOT NULL,
        command TEXT NOT NULL CHECK (command IN ('halt', 'reduce', 'resume', 'flatten', 'hibernate',
            'close', 'bar', 'allow', 'pause', 'wake', 'retire')),
        operator TEXT NOT NULL,
        note TEXT NOT NULL,
        hours REAL,
        acknowledged_wall_ns INTEGER,
        result TEXT,
        target TEXT NOT NULL DEFAULT ''
    ) STRICT
"""
_SEEN = "CREATE TABLE IF NOT EXISTS acknowledged_alerts (alert_id TEXT PRIMARY KEY) STRICT"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it was given.

    hours    market time, for `hibernate`; None means the setting
    target   a symbol for `OF_INSTRUMENTS`, a genome id for `OF_STRATEGIES`, else ""
    """

    id: int
    given_wall_ns: int
    command: str
    operator: str
    note: str
    hours: float | None
    acknowledged_wall_ns: int | None
    result: str | None
    target: str = ""


_redact = Redactor()  # by shape: a person may paste a key into a note, and this file is read by many
_COLUMNS = ", ".join(Command.__struct_fields__)


class CommandsDb:
    """The table `commands` in a file. Each call opens and closes it: nobody holds it, and it may be deleted."""

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def give(
        self, command: str, operator: str, note: str, hours: float | None = None, target: str = ""
    ) -> int:
        """Write a command durably; return its id, which rises for ever: also over a file that was moved aside or put back.

        The body knows by its id that a command was carried out already: an id given twice would be a halt unheard.
        """
        if command not in (*COMMANDS, *TARGETED):
            raise BadInput(f"a command must be one of {', '.join((*COMMANDS, *TARGETED))}; was {command!r}.")
        if bool(target) != (command in TARGETED) or len(target) > LONGEST_TARGET:
            raise BadInput(
                f"{command} {'names an instrument or a strategy' if command in TARGETED else 'is meant for all, and names nothing'}; "
                f"was {target[:60]!r}."
            )
        if hours is not None and not 0.0 < hours <= 24 * 365:
            raise BadInput(f"hours must be above 0 and at most a year; was {hours:g}.")
        now_ns = time.time_ns()
        values = (
            now_ns // 1_000,
            now_ns,
            command,
            operator[:LONGEST_TEXT],
            _redact(note)[:LONGEST_TEXT],
            hours,
            target,
        )
        with self._writing() as connection:
            (number,) = connection.execute(
                "INSERT INTO commands (id, given_wall_ns, command, operator, note, hours, target)"
                " VALUES (max(?, (SELECT coalesce(max(id), 0) + 1 FROM commands)), ?, ?, ?, ?, ?, ?) RETURNING id",
                values,
            ).fetchone()
        return int(number)

    def waiting(self, after_id: int = 0) -> list[Command]:
        """Commands with a greater id that nobody acknowledged, oldest first."""
        return self._select("id > ? AND acknowledged_wall_ns IS NULL", after_id)

    def acknowledge(self, number: int, result: str) -> None:
        """Say what came of a command. Only the first answer counts."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE commands SET acknowledged_wall_ns = ?, result = ?"
                " WHERE id = ? AND acknowledged_wall_ns IS NULL",
                (time.time_ns(), result[:LONGEST_TEXT], number),
            )

    def note_seen(self, alert_id: str) -> None:
        """Keep a person's word that they have seen an alert."""
        with self._writing() as connection:
            connection.execute(_SEEN)
            connection.execute("INSERT OR IGNORE INTO acknowledged_alerts VALUES (?)", (alert_id,))

    def find(self, number: int) -> Command | None:
        """One command, None when there is none of that id."""
        return next(iter(self._select("id = ?", number)), None)

    def wait_acknowledged(self, number: int, deadline_s: float) -> str | None:
        """The answer to a command, None when there was none within so many seconds."""
        until = time.monotonic() + deadline_s
        while True:
            command = self.find(number)
            if command is not None and command.acknowledged_wall_ns is not None:
                return command.result or ""
            if not time.monotonic() < until:
                return None
            time.sleep(_POLL_S)

    def _select(self, where: str, value: int) -> list[Command]:
        if not self._path.exists():
            return []
        with self._open() as connection:
            if not (known := _known_columns(connection)):
                return []
            columns = _COLUMNS if "target" in known else _COLUMNS.replace("target", "'' AS target")
            found = connection.execute(
                f"SELECT {columns} FROM commands WHERE {where} ORDER BY id",  # noqa: S608
                (value,),
            )
            return [
                msgspec.convert(dict(zip(Command.__struct_fields__, row, strict=True)), Command)
                for row in found
            ]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction: a deferred one that turns into a write fails without waiting its turn."""
        with self._open() as connection:
            use_wal(connection, _BUSY_S)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                known = _known_columns(connection)
                if known and "target" not in known:
                    _rebuild(connection)
                connection.execute(_TABLE)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._path.exists():
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
                sync_new_folder(self._path.parent)  # a command may be given before the first start
            with contextlib.closing(
                sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            ) as connection:
                yield connection
        except OSError as error:
            raise BadInput(f"{self._path} could not be made: {no_room(error)}") from error
        except sqlite3.Error as error:
            raise BadInput(
                f"{self._path.name} could not be used ({error}). It holds only commands that wait: stop the "
                f"organism, move the file aside, and give the command again."
            ) from error


def _known_columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(commands)")]


def _rebuild(connection: sqlite3.Connection) -> None:
    """A table of before commands had targets: what waits in it is kept, with its ids. Inside the caller's transaction."""
    earlier = _COLUMNS.removesuffix(", target")
    connection.execute("ALTER TABLE commands RENAME TO commands_before")
    connection.execute(_TABLE)
    connection.execute(f"INSERT INTO commands ({earlier}) SELECT {earlier} FROM commands_before")  # noqa: S608 - constants
    connection.execute("DROP TABLE commands_before")
