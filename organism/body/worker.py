"""A supervised thread that does one small thing again and again."""

import threading
import time
from collections.abc import Callable

from organism.errors import without_frames


class Worker:
    """Calls `turn` until asked to stop; `turn` returns how many seconds may pass until the next call.

    It keeps the protocol of `organism.post.Child`: an exception ends it, and its supervisor starts another.
    """

    def __init__(self, name: str, turn: Callable[[], float]) -> None:
        self.name = name
        self.busy_since: float | None = None
        self.last_error: BaseException | None = None
        self._turn = turn
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stopping = True
        self._wake.set()

    def wake(self) -> None:
        """Take the next turn now."""
        self._wake.set()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._wake.clear()
                self.busy_since = time.monotonic()
                pause_s = self._turn()
                self.busy_since = None
                self._wake.wait(pause_s)
        except BaseException as error:  # noqa: BLE001 - whatever ended the thread, its supervisor must hear of it
            self.last_error = without_frames(error)
        finally:
            self.busy_since = None
