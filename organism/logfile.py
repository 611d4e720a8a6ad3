"""The file that a process logs to, and handlers that never raise, wait for a reader, or fill the disk.

Apart from `organism.logs` because structlog takes longer to import than all that a guardian does.
"""

import contextlib
import logging
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from organism.errors import OrganismError
from organism.logrecord import PlainLines
from organism.redaction import Redactor

FILE_BYTES = 5_000_000
N_FILES = 5  # older files of a process that are kept


class Quiet(logging.Handler):
    """Says that logging failed without repeating what was logged: the standard way prints the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say so where there is somebody to read it."""
        kind = sys.exc_info()[0]
        try:
            if takes_more(sys.stderr):
                sys.stderr.write(
                    f"log: a record of {record.name} was lost ({kind.__name__ if kind else 'unknown'})\n"
                )
        except (OSError, ValueError, AttributeError):
            return


def takes_more(stream: TextIO) -> bool:
    """Whether a line can be written without waiting for whoever reads a pipe or a terminal."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # no file at all, as under a test
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


class PrivateFile(Quiet, logging.Handler):
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


@contextlib.contextmanager
def guardian_log(state: Path) -> Iterator[None]:
    """Log to `state`/log/guardian.jsonl, whose lines are those of every process. Ends with the block.

    An error that nobody here knows is logged on its way out; one that a person is told is not.
    """
    handler = PrivateFile(state / "log" / "guardian.jsonl")
    handler.setFormatter(PlainLines("guardian", Redactor()))
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    except OrganismError:
        raise
    except Exception:
        logging.getLogger("guardian").critical("ended by an unexpected error", exc_info=True)
        raise
    finally:
        level, root.handlers[:] = before
        root.setLevel(level)
        handler.close()
