"""One call into a library, with a deadline that the library cannot overrun.

A timeout of a socket is one of silence: a server that sends a byte now and then holds a call for ever. So the call runs
in a thread of its own, and when its time is over it is left to itself; whatever object it used must be thrown away.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
_LOOK_S = 0.5


class Overdue(Exception):
    """The call took longer than it may; its thread was left to itself."""


class Left(BaseException):
    """Raised in a thread that was left to itself, so that it sends nothing more. No library may catch it as an error."""


class Call:
    """What the thread of a call and its caller share."""

    def __init__(self) -> None:
        self._paused_s, self._pausing_since = 0.0, 0.0
        self.left = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Time that does not count. Raises `Left` in a call that nobody waits for any more."""
        self.go_on()
        self._pausing_since = time.monotonic()
        try:
            yield
        finally:
            since, self._pausing_since = self._pausing_since, 0.0
            self._paused_s += time.monotonic() - since
        self.go_on()

    def go_on(self) -> None:
        """Raises `Left` where nobody waits any more."""
        if self.left:
            raise Left

    @property
    def pausing(self) -> bool:
        """Whether it waits for leave to ask, just now."""
        return self._pausing_since > 0

    def paused_s(self) -> float:
        """Seconds so far that do not count."""
        since = self._pausing_since
        return self._paused_s + (time.monotonic() - since if since else 0.0)


def within(deadline_s: float, work: Callable[[Call], T], name: str) -> T:
    """Do it in a thread, and return or raise what it did. Raises `Overdue`; an interrupt leaves it to itself too."""
    call, done = Call(), threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(call))
        except Left:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            errors.append(error)
        finally:
            done.set()

    start = time.monotonic()
    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        while not done.wait(_LOOK_S if call.pausing else min(_LOOK_S, _left_s(start, deadline_s, call))):
            if _left_s(start, deadline_s, call) <= 0:
                break
    finally:
        call.left = not done.is_set()  # also when a person interrupts
    if call.left:
        raise Overdue
    if errors:
        raise errors[0]
    return results[0]


def _left_s(start: float, deadline_s: float, call: Call) -> float:
    return max(0.0, start + deadline_s + call.paused_s() - time.monotonic())
