"""How a body is told to stop, and what ends it when it does not.

A stop has one budget. Ending in order takes a fraction of a second; whatever could last longer (a call that hangs,
a disk that does not answer) is given up when the budget is spent, because the journal makes it as safe to be
killed as to stop: what was not done is done after the next start.
"""

import faulthandler
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TextIO

LIMIT_S = 7.5  # from being asked to being ended by force, below the patience of the guardian (8 s)
ORDERLY_S = 5.0  # of it, for the children of the supervisor: what follows them needs the rest
FLUSH_S = 1.0  # of it, for the journal's last rows, and again for closing it


class StopAsked(Exception):
    """The process was told to stop while it was still starting: there is nothing to put in order yet."""


class OnTheWay:
    """What a body that is not up yet asks itself where it gets on: whether it may go on, telling its guardian that it does."""

    def __init__(self, has_to_stop: Callable[[], bool], waking: Callable[[], None]) -> None:
        self._has_to_stop, self._waking = has_to_stop, waking

    def got_on(self) -> bool:
        """Something was done; whether to stop all the same."""
        self._waking()
        return self._has_to_stop()

    def go_on(self) -> None:
        """As `got_on`, where nothing could be left half done. Raises `StopAsked`."""
        if self.got_on():
            raise StopAsked


class Ending:
    """Whether this process was told to stop, by a signal or by its guardian.

    limit_s   seconds it may take from then on; who takes longer leaves tracebacks and exits with status 1
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._asked = False
        self._file: TextIO = sys.stderr

    def is_asked(self) -> bool:
        """Whether it was told to stop."""
        return self._asked

    def ask(self, *_: object) -> None:
        """Stop. May be called from a signal handler, and from several threads."""
        # Nothing here takes a lock: a signal may interrupt the handler of another one.
        if not self._asked:
            self._asked = True
            # The timer of faulthandler needs no interpreter lock: it strikes whatever holds that one.
            try:
                faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)
            except (RuntimeError, MemoryError, OSError):
                signal.alarm(
                    math.ceil(self._limit_s)
                )  # no memory for a timer's thread: the system's own kills us

    def listen(self) -> None:
        """Take SIGTERM and SIGINT. Must be called in the main thread."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        # The main thread runs handlers when it comes to the next line of Python, which may be never; the number
        # of the signal is in the pipe at once, and another thread reads it.
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)
        threading.Thread(target=self._hear, args=(read,), name="signals", daemon=True).start()

    def dump_to(self, file: TextIO) -> None:
        """Leave the tracebacks there rather than on standard error."""
        self._file = file

    def refuse(self) -> None:
        """Raise `StopAsked` when it was told to stop: for the long loops of a start."""
        if self._asked:
            raise StopAsked

    def _hear(self, descriptor: int) -> None:
        while numbers := os.read(descriptor, 64):
            if signal.SIGTERM in numbers or signal.SIGINT in numbers:
                self.ask()
