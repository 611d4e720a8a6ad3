"""The life of a process beside the body that may be killed at any moment, and that nobody waits for."""

import os
import threading
import time

from organism.heartbeat import Heart

BEAT_S = 0.5
FAREWELL_S = 0.3  # from the guardian's word to the end: what was under way is made again


class Life:
    """Told to end, and whether it gets on: what such a process's threads share.

    hang_s   so long without getting on is a hang, seconds
    """

    def __init__(self, hang_s: float) -> None:
        self.stopping = threading.Event()
        self.ended = threading.Event()
        self._hang_s = hang_s
        self._moved_s = time.monotonic()

    def moved(self) -> None:
        """It got on."""
        self._moved_s = time.monotonic()

    @property
    def hangs(self) -> bool:
        """Whether it has not got on for too long."""
        return time.monotonic() - self._moved_s > self._hang_s

    def end_soon(self) -> None:
        """The guardian let go: end between two pieces of work, or in the middle of one."""
        self.stopping.set()
        self.ended.wait(FAREWELL_S)
        os._exit(0)

    def beat(self, heart: Heart) -> None:
        """Beat while it gets on; what hangs falls silent, and is put down."""
        while not self.stopping.wait(BEAT_S):
            if not self.hangs:
                heart.beat()
