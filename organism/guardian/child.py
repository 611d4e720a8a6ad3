"""A process under the guardian, and the two pipes to it."""

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from organism.guardian.policy import Silence
from organism.heartbeat import BEAT_FD, FAREWELL, PARENT_FD, WAKING

HARMLESS = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|VIRTUAL_ENV|XDG_CACHE_HOME|PYTHON\w+|NUMBA_\w+|LD_LIBRARY_PATH"
)
"""Variables of the environment that a child which needs no key may see."""


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """How to start a child: the body (named "body"), or a service that may come and go.

    keyless   it is given nothing of the environment but what is `HARMLESS`
    """

    name: str
    argv: list[str]
    keyless: bool = False

    @property
    def is_body(self) -> bool:
        """Whether the organism lives and dies with it."""
        return self.name == "body"


class ChildProcess:
    """One run of a command.

    It leads a session of its own: Ctrl-C in the terminal reaches the guardian alone, which then stops the
    children in order.
    """

    def __init__(self, command: ChildCommand, *extra: str) -> None:
        self.command = command
        self.farewell = False
        self.began_s = time.monotonic()
        self.silence = Silence(self.began_s)
        hold_read, hold_write = os.pipe()
        self._hold: int | None = hold_write
        self.beats: int | None
        self.beats, beat_write = os.pipe()
        os.set_blocking(self.beats, False)
        passed = [hold_read, beat_write]
        given = {n: v for n, v in os.environ.items() if not command.keyless or HARMLESS.fullmatch(n)}
        environment = {**given, PARENT_FD: str(hold_read), BEAT_FD: str(beat_write)}
        try:
            self.process = subprocess.Popen(
                [*command.argv, *extra],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=passed,
                start_new_session=True,
            )
        except BaseException:
            self.close()
            raise
        finally:
            for descriptor in passed:
                os.close(descriptor)

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    @property
    def code(self) -> int | None:
        """Exit status, None while it runs; −N when signal N ended it."""
        return self.process.poll()

    def listen(self, looked_s: float) -> None:
        """Read what it said since the last look, which counts as said at `looked_s`, monotonic."""
        while self.beats is not None:
            try:
                data = os.read(self.beats, 4096)
            except BlockingIOError:
                break
            if not data:
                os.close(self.beats)
                self.beats = None
                break
            on_the_way = not data.strip(WAKING)
            self.silence = self.silence.waking(looked_s) if on_the_way else self.silence.heard(looked_s)
            self.farewell |= FAREWELL in data

    def ask_stop(self) -> None:
        """Close the pipe: it ends in order."""
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def dump(self) -> None:
        """Ask for the tracebacks of its threads."""
        self._signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it now, and whatever it started in its session."""
        if self.code is None:  # a reaped id may belong to somebody else
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the pipes."""
        self.ask_stop()
        if self.beats is not None:
            os.close(self.beats)
            self.beats = None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
