"""The child's end of the two pipes to the guardian: beats go up, and when the other one closes, stop in order.

Standard library only, and nothing else of the organism: every process imports it first.
"""

import contextlib
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

PARENT_FD: Final = "ORGANISM_PARENT_FD"  # read end: closes when the guardian stops this child, or dies
BEAT_FD: Final = "ORGANISM_BEAT_FD"  # write end: one byte a beat
BEAT: Final = b"."
WAKING: Final = b"~"  # "I am not up yet, and get on with it": before the first beat, patience begins anew
WAKING_S: Final = 0.25  # it is said at most so often, by whom it costs nothing to say it each row
FAREWELL: Final = b"!"  # "I end on my own, in order": the guardian then ends too


class Heart:
    """Connects a process to its guardian. Without one (run by hand, in a test) it does nothing."""

    def __init__(self) -> None:
        self._parent = _taken(PARENT_FD)
        self._beat = _taken(BEAT_FD)
        self._waking_s = -WAKING_S
        if self._beat is not None:
            os.set_blocking(self._beat, False)

    @property
    def is_guarded(self) -> bool:
        """Whether a guardian holds the other end."""
        return self._parent is not None

    def beat(self) -> None:
        """Say that all is well. Never waits: a guardian that does not read is not worth waiting for."""
        self._write(BEAT)

    def waking(self) -> None:
        """Say that something was got done on the way to the first beat.

        Call it where there is progress, never from a thread that would go on when that stands still.
        """
        now_s = time.monotonic()
        if now_s - self._waking_s >= WAKING_S:
            self._waking_s = now_s
            self._write(WAKING)

    def farewell(self) -> None:
        """Say that this process will end with status 0 because its work is done."""
        self._write(FAREWELL)

    def watch_parent(self, on_eof: Callable[[], None]) -> threading.Thread | None:
        """Call `on_eof` once, from a thread, when the guardian closes the pipe or dies."""
        if self._parent is None:
            return None
        thread = threading.Thread(
            target=_wait_for_eof, args=(self._parent, on_eof), name="guardian-watch", daemon=True
        )
        thread.start()
        return thread

    def _write(self, data: bytes) -> None:
        if self._beat is not None:
            # Full: the guardian stands still. Closed: it is gone, and the other pipe says so.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._beat, data)


def dump_tracebacks_to(path: Path) -> TextIO:
    """Write every thread's traceback to a file on SIGUSR1, which the guardian sends before it kills; return it."""
    file = path.open("a", encoding="utf-8")  # stays open: the signal may come when nothing can be opened
    faulthandler.enable(file, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file, all_threads=True)
    return file


def leave_tracebacks(state: Path, name: str) -> TextIO:
    """As `dump_tracebacks_to`, in the log folder of a state folder, in a file of this process's own."""
    folder = state / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return dump_tracebacks_to(folder / f"tracebacks-{name}.log")


def _taken(name: str) -> int | None:
    """Take a descriptor out of the environment, so that no grandchild mistakes it for its own."""
    text = os.environ.pop(name, "")
    if not text.isdecimal():
        return None
    descriptor = int(text)
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keyword
    except OSError:  # inherited the variable, not the pipe
        return None
    return descriptor


def _wait_for_eof(descriptor: int, on_eof: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 64):
            pass
    on_eof()
