"""Logs: one JSON line per event in the state folder, one short line on standard error, no secrets in either.

What the lines hold is said in `organism.logline`; here are the places they go to, and what is taken in: records of
`logging`, structlog's loggers, warnings, and errors that nobody caught. A log that cannot be written costs lines,
never more: no handler raises, waits for a reader, or fills the disk.
"""

import contextlib
import logging
import sys
import threading
import types
from pathlib import Path

import structlog

from organism.logfile import PrivateFile, Quiet, takes_more
from organism.logline import JsonLines, ShortLine
from organism.redaction import Redactor

TALKATIVE = ("apprise", "urllib3", "requests", "ccxt", "websockets", "asyncio")  # print secrets below WARNING


class _Stderr(Quiet, logging.Handler):
    """Standard error, whatever it is at the moment."""

    def __init__(self) -> None:
        super().__init__()
        self._n_unshown = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. A reader that went away, or stands still, is no reason to stop working."""
        try:
            if not takes_more(sys.stderr):
                self._n_unshown += 1
                return
            if self._n_unshown:
                n, self._n_unshown = self._n_unshown, 0
                sys.stderr.write(f"log: {n} lines could not be shown here; the file has them\n")
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as every handler of the library does: logging never raises
            self.handleError(record)


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
        file = PrivateFile(state / "log" / f"{process}.jsonl")
        file.setFormatter(JsonLines(process, redact))
        handlers.append(file)
    if stderr:
        stream = _Stderr()
        stream.setFormatter(ShortLine(process, redact))
        handlers.append(stream)
    return Logs(process, redact, tuple(handlers), level)
