"""A harness that is told to end takes its organism with it."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Final

_TAKEN: Final = (signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `SystemExit`, as Ctrl-C raises, so that every `finally` runs.

    Once: a second signal must not interrupt the clearing up. What was ignored on purpose, as SIGHUP under nohup, stays
    ignored. Must be entered in the main thread.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        for one in old:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    old = {number: signal.getsignal(number) for number in _TAKEN}
    old = {number: handler for number, handler in old.items() if handler is not signal.SIG_IGN}
    for number in old:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def leashed(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` in the same process, which then dies with whoever started it.

    For a harness that is killed and clears up nothing. The system sends SIGKILL: whoever is stopped takes no other
    signal, and a guardian may be killed at any moment, its children end by themselves.
    """
    return [sys.executable, "-m", "organism.chaos.orderly", str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Ask for the end of the one who started us to be ours, hear signals as in a terminal, and become the command."""
    parent, *command = arguments
    for number in (
        signal.SIGINT,
        *_TAKEN,
    ):  # a harness in the background has Ctrl-C ignored, and so would all it starts
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        # The wish outlives what replaces this program, and no code runs between fork and exec of the harness.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it died before it could be asked for
            sys.exit(128 + signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606 - the organism's own command line


if __name__ == "__main__":
    main(sys.argv[1:])
