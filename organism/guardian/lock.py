"""One organism a state folder: the locks, and the note that says who holds them."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from organism.errors import StateBusy

LOCK = "lock"
BODY_LOCK = "body.lock"
NOTE = "guardian.json"


class FolderLock:
    """An flock on a file that also holds the owner's process id. The kernel lets go of it when the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_hold(self) -> bool:
        """Take it if nobody else has it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def hold(self, *, wait_s: float = 0.0, has_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Take it, waiting for at most `wait_s` and not once we have to stop. Raises `StateBusy`."""
        end = time.monotonic() + wait_s
        while not self.try_hold():
            if time.monotonic() >= end or has_to_stop():
                raise StateBusy(
                    f"The state folder {self.path.parent} is in use by the organism with process id "
                    f"{self.owner() or 'unknown'}; stop it with `organism stop --state {self.path.parent}`, "
                    "or choose another folder with --state."
                )
            time.sleep(0.05)

    def let_go(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def owner(self) -> int | None:
        """Process id of who took it last."""
        try:
            text = self.path.read_text().strip()
        except OSError:
            return None
        return int(text) if text.isdecimal() else None

    def is_held(self) -> bool:
        """Whether another process has it. Does not disturb who has, nor what the file says."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


class BodyLock(FolderLock):
    """Held by the body: one that outlives its guardian for a moment keeps the next one waiting."""

    def __init__(self, state: Path) -> None:
        super().__init__(state / BODY_LOCK)


@contextlib.contextmanager
def held(state: Path) -> Iterator[FolderLock]:
    """Hold the folder. Raises `StateBusy` at once when another guardian does."""
    lock = FolderLock(state / LOCK)
    lock.hold()
    try:
        yield lock
    finally:
        lock.let_go()


def wait_for_body(state: Path, wait_s: float = 10.0, has_to_stop: Callable[[], bool] = lambda: False) -> None:
    """Wait for a body whose guardian was killed to end by itself. Raises `StateBusy` when it does not."""
    lock = BodyLock(state)
    lock.hold(wait_s=wait_s, has_to_stop=has_to_stop)
    lock.let_go()


def write_note(state: Path, note: dict[str, Any]) -> None:
    """Replace `guardian.json` whole."""
    fresh = state / f"{NOTE}.new"
    fresh.write_text(json.dumps(note) + "\n", encoding="utf-8")
    fresh.replace(state / NOTE)


def read_note(state: Path) -> dict[str, Any]:
    """What the guardian last said of itself; empty when there is none or it cannot be read."""
    try:
        note = json.loads((state / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def request_stop(state: Path, wait_s: float = 15.0) -> str:
    """Ask the organism on this folder to stop in order, wait until it has, and say in a sentence how it went."""
    lock = FolderLock(state / LOCK)
    pid = lock.owner()
    if pid is None or not lock.is_held():
        return f"Nothing was running on {state}."
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return f"Nothing was running on {state}."
    try:
        # The handle names one process for ever: if the lock is still held, and by this id, it is the guardian.
        if lock.is_held() and lock.owner() == pid:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    end = time.monotonic() + wait_s
    while lock.is_held():
        if time.monotonic() >= end:
            return (
                f"The organism with process id {pid} was asked to stop and is still running after {wait_s:g} s; "
                f"`kill -9 {pid}` ends it, and its state is safe."
            )
        time.sleep(0.05)
    return f"Stopped the organism with process id {pid}; its state is in {state}."
