"""What time it is, as something that can be passed in: real, or moved by hand in tests."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks that are never mixed: one to measure with, one to label with."""

    def mono_ns(self) -> int:
        """Monotonic nanoseconds; only differences mean anything, and only in one process run."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch, UTC: labels for people, never arithmetic."""
        ...


class SystemClock:
    """The clocks of this machine."""

    __slots__ = ()

    mono_ns = staticmethod(time.monotonic_ns)
    wall_ns = staticmethod(time.time_ns)


class ManualClock:
    """Clocks that stand still until a test moves them."""

    def __init__(self, mono_ns: int = 0, wall_ns: int = 0) -> None:
        self._lock = threading.Lock()
        self._mono_ns = mono_ns
        self._wall_ns = wall_ns

    def mono_ns(self) -> int:
        """Monotonic nanoseconds."""
        return self._mono_ns

    def wall_ns(self) -> int:
        """Wall-clock nanoseconds."""
        return self._wall_ns

    def advance(self, span_s: float) -> None:
        """Let `span_s` seconds pass on both clocks.

        >>> clock = ManualClock()
        >>> clock.advance(1.5)
        >>> clock.mono_ns(), clock.wall_ns()
        (1500000000, 1500000000)
        """
        span_ns = round(span_s * 1e9)
        with self._lock:
            self._mono_ns += span_ns
            self._wall_ns += span_ns


def suspended_ns() -> int:
    """Nanoseconds this machine has slept since it booted: the clock that counts sleep against the one that does not."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
