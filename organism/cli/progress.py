"""Progress on standard error: a bar where a person looks on, one line where nobody does."""

import importlib
import sys
import time
from types import TracebackType
from typing import Any, Self

_WIDTH = 24
_LEAST_S = 0.1


class Progress:
    """A bar that is drawn over itself, at most ten times a second, and wiped at the end. Silent off a terminal."""

    def __init__(self, what: str) -> None:
        self._what, self._shown_s, self._drawn = what, 0.0, False
        self._watched = sys.stderr.isatty()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if not self._watched or (now - self._shown_s < _LEAST_S and done):
            return
        full = _WIDTH * done // max(total, 1)
        self.line(f"{self._what} [{'█' * full}{'·' * (_WIDTH - full)}] {done} of {total} {name}")
        self._shown_s = now

    def line(self, text: str) -> None:
        """Draw over what is there."""
        if self._watched:
            sys.stderr.write(f"\r\x1b[2K{text[:110]}")
            sys.stderr.flush()
            self._drawn = True

    def wipe(self) -> None:
        """Leave nothing behind."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()


def _events() -> Any:
    return importlib.import_module("numba.core.event")  # a second of imports, and no types


class Compiling(Progress):
    """While kernels are compiled, say so: it takes seconds, once after installing, and looks like a hang.

    numba tells of each compilation and of none that it finds in its cache. How many are to come is not known before.
    """

    def __init__(self) -> None:
        super().__init__("compiling kernels (once)")
        self._count = 0
        self._listener: Any = None

    def __enter__(self) -> Self:
        event = _events()

        told = {"on_start": lambda _, event: self._compiles(event), "on_end": lambda *_: None}
        self._listener = type("Listener", (event.Listener,), told)()
        event.register("numba:compile", self._listener)
        return self

    def _compiles(self, event: Any) -> None:
        self._count += 1
        if self._count == 1 and not self._watched:
            print("organism: compiling kernels (once) …", file=sys.stderr, flush=True)
        name = getattr(event.data.get("dispatcher"), "__name__", "") if isinstance(event.data, dict) else ""
        self.line(f"compiling kernels (once), {self._count} so far: {name}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        event = _events()

        event.unregister("numba:compile", self._listener)
        super().__exit__(kind, error, trace)
