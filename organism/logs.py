"""Logs: one JSON line per event in the state folder, one short line on standard error, no secrets in either.

Redaction happens in the formatter of every handler, because a filter on a logger misses child loggers and
tracebacks. Correlate with `extra={"organ": …, "incarnation": …, "cause": envelope id, "seq": …}`.
"""

import datetime as dt
import logging
import logging.handlers
import os
import select
import sys
import threading
import types
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import msgspec

from organism.redaction import Redactor, one_line

CORRELATION = ("organ", "incarnation", "cause", "seq", "channel", "alert_id")
TALKATIVE = ("apprise", "urllib3", "requests", "ccxt", "websockets", "asyncio")  # print secrets below WARNING
FILE_BYTES = 5_000_000
N_FILES = 5

_encode = msgspec.json.Encoder(enc_hook=str).encode


class JsonLines(logging.Formatter):
    """A record as one JSON object: at, level, process, logger, thread, message, what correlates, traceback."""

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__()
        self._process = process
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted before it is escaped (an escaped secret would no longer be recognised)."""
        redact = self._redact
        line: dict[str, object] = {
            "at": _utc(record.created),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "thread": redact(str(record.threadName)),
            "message": redact(_message(record)),
        }
        for key in CORRELATION:
            value = getattr(record, key, None)
            if value is not None:
                line[key] = value if isinstance(value, int) else redact(str(value))
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(record.stack_info)
        return _encode(line).decode()


class ShortLine(logging.Formatter):
    """A record for a person: time, level, who, what; of an exception only its last line."""

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__()
        self._process = process
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One printable line."""
        text = _message(record)
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}: {record.exc_info[0].__name__}: {record.exc_info[1]}"
        who = getattr(record, "organ", None) or self._process
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        line = self._redact(f"{who}: {level}{text}")  # before `one_line`, which could cut a secret in two
        return f"{_utc(record.created)[11:19]} {one_line(line, 500)}"


class _Quiet(logging.Handler):
    """Says that logging failed without repeating what was logged: the standard way prints the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        kind = sys.exc_info()[0]
        try:
            sys.stderr.write(
                f"log: a record of {record.name} was lost ({kind.__name__ if kind else 'unknown'})\n"
            )
        except (OSError, ValueError, AttributeError):
            return


class _Stderr(_Quiet, logging.Handler):
    """Standard error, whatever it is at the moment."""

    def __init__(self) -> None:
        super().__init__()
        self._n_unshown = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. A reader that went away, or stands still, is no reason to stop working."""
        try:
            if not _takes_more(sys.stderr):
                self._n_unshown += 1
                return
            if self._n_unshown:
                n, self._n_unshown = self._n_unshown, 0
                sys.stderr.write(f"log: {n} lines could not be shown here; the file has them\n")
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as every handler of the library does: logging never raises
            self.handleError(record)


def _takes_more(stream: TextIO) -> bool:
    """Whether a line can be written without waiting for whoever reads a pipe or a terminal."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # no file at all, as under a test
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


class _PrivateFile(_Quiet, logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner can open."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")


class Logs:
    """Logging of this process, as `setup` left it; `close` puts everything back."""

    def __init__(
        self, process: str, redact: Redactor, handlers: tuple[logging.Handler, ...], level: int
    ) -> None:
        self.redact = redact
        self._handlers = handlers
        root = logging.getLogger()
        self._before = (
            root.level,
            root.handlers[:],
            sys.excepthook,
            threading.excepthook,
            sys.unraisablehook,
        )
        self._pinned = {name: logging.getLogger(name).level for name in TALKATIVE}
        root.handlers[:] = list(handlers)
        root.setLevel(level)
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        logging.captureWarnings(capture=True)
        self._log = logging.getLogger(process)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread
        sys.unraisablehook = self._unraisable

    def close(self) -> None:
        """Restore hooks and handlers, and let go of the file."""
        root = logging.getLogger()
        level, root.handlers[:], sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        for name, before in self._pinned.items():
            logging.getLogger(name).setLevel(before)
        for handler in self._handlers:
            handler.close()

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, trace: types.TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self._log.critical("ended by an unexpected error", exc_info=(kind, error, trace))

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or issubclass(args.exc_type, SystemExit):
            return
        name = args.thread.name if args.thread else "?"
        self._log.error(
            "thread %s ended by an unexpected error", name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )  # fmt: skip

    def _unraisable(self, args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is None:
            return
        self._log.error(
            "an error that could not be raised: %s", args.err_msg or "in a destructor",
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )  # fmt: skip


def setup(
    process: str,
    state: Path | None,
    redact: Redactor | None = None,
    *,
    level: int = logging.INFO,
    stderr: bool = True,
) -> Logs:
    """Log this process to `state`/log/<process>.log (rotating, 0600) and, briefly, to standard error."""
    redact = redact or Redactor()
    handlers: list[logging.Handler] = []
    if state is not None:
        folder = state / "log"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _PrivateFile(
            folder / f"{process}.log", maxBytes=FILE_BYTES, backupCount=N_FILES, encoding="utf-8"
        )
        file.setFormatter(JsonLines(process, redact))
        handlers.append(file)
    if stderr:
        stream = _Stderr()
        stream.setFormatter(ShortLine(process, redact))
        handlers.append(stream)
    return Logs(process, redact, tuple(handlers), level)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):  # wrong number of arguments: still worth a line
        text = str(record.msg)
    return text.encode("utf-8", "backslashreplace").decode()  # half a character from a venue must not lose it


def _utc(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
