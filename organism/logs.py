"""Logs: one JSON line per event in the state folder, one short line on standard error, no secrets in either.

What the lines hold is said in `organism.logline`; here are the places they go to, and what is taken in: records of
`logging`, structlog's loggers, warnings, and errors that nobody caught. A log that cannot be written costs lines,
never more: no handler raises, waits for a reader, or fills the disk.
"""

import contextlib
import logging
import os
import select
import sys
import threading
import types
from pathlib import Path
from typing import TextIO

import structlog

from organism.logline import JsonLines, ShortLine
from organism.redaction import Redactor

TALKATIVE = ("apprise", "urllib3", "requests", "ccxt", "websockets", "asyncio")  # print secrets below WARNING
FILE_BYTES = 5_000_000
N_FILES = 5  # older files of a process that are kept


class _Quiet(logging.Handler):
    """Says that logging failed without repeating what was logged: the standard way prints the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        kind = sys.exc_info()[0]
        try:
            if _takes_more(sys.stderr):
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


class _PrivateFile(_Quiet, logging.Handler):
    """A file that only its owner can open, moved aside when it is full: body.jsonl is the newest, then body.1.jsonl.

    A line is one write to the end of whatever has the name now, so that a file that was moved or deleted by
    somebody else, or that two processes share, loses nothing. While it cannot be written, lines are counted.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._descriptor = -1
        self._is_torn = False
        self._n_lost = 0
        with contextlib.suppress(OSError):
            self._opened()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or count it."""
        try:
            lines = [self.format(record)]
        except Exception:  # noqa: BLE001 - as every handler of the library does: logging never raises
            self.handleError(record)
            return
        if self._n_lost:
            lines.insert(0, self.format(_left_out(self._n_lost, record.created)))
        try:
            self._write("".join(f"{line}\n" for line in lines).encode())
            self._n_lost = 0
        except OSError:
            self._n_lost += 1
            if self._n_lost == 1:  # the terminal's own disk may be full, too
                self.handleError(record)

    def close(self) -> None:
        """Let go of the file."""
        with self.lock or contextlib.nullcontext():
            self._let_go()
        super().close()

    def _write(self, line: bytes) -> None:
        size = self._opened()
        if size and size + len(line) > FILE_BYTES:
            self._let_go()
            self._move_aside()
            size = self._opened()
        rest = b"\n" + line if self._is_torn else line
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
            self._is_torn = bool(rest)

    def _opened(self) -> int:
        """Have the file open that has our name now; its size, bytes."""
        if self._descriptor >= 0:
            mine = os.fstat(self._descriptor)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(mine, self._path.lstat()):
                    return mine.st_size
            self._let_go()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(self._path, flags, 0o600)
        size = os.fstat(self._descriptor).st_size
        self._is_torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
        return size

    def _move_aside(self) -> None:
        names = [self._path.with_suffix(f".{n}.jsonl") for n in range(1, N_FILES + 1)]
        try:
            for older, newer in zip(names[::-1], [*names[-2::-1], self._path], strict=True):
                with contextlib.suppress(FileNotFoundError):
                    newer.replace(older)
        except OSError:  # the folder may not be changed: the newest lines are worth more than the oldest
            with contextlib.suppress(OSError):
                os.truncate(self._path, 0)

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _left_out(n: int, at_s: float) -> logging.LogRecord:
    record = logging.LogRecord(
        __name__, logging.WARNING, "", 0, "%d lines before this one could not be written", (n,), None
    )
    record.created = at_s
    return record


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
        self._structlog = structlog.get_config() if structlog.is_configured() else None
        self._pinned = {name: logging.getLogger(name).level for name in TALKATIVE}
        root.handlers[:] = list(handlers)
        root.setLevel(level)
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        logging.captureWarnings(capture=True)
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )
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
        structlog.reset_defaults()
        if self._structlog is not None:
            structlog.configure(**self._structlog)
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
    """Log this process to `state`/log/<process>.jsonl (rotating, 0600) and, briefly, to standard error."""
    redact = redact or Redactor()
    handlers: list[logging.Handler] = []
    if state is not None:
        with contextlib.suppress(OSError):  # then lines are lost, and said to be
            (state / "log").mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _PrivateFile(state / "log" / f"{process}.jsonl")
        file.setFormatter(JsonLines(process, redact))
        handlers.append(file)
    if stderr:
        stream = _Stderr()
        stream.setFormatter(ShortLine(process, redact))
        handlers.append(stream)
    return Logs(process, redact, tuple(handlers), level)
