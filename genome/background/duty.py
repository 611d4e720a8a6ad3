"""A share of a core: work, then wait until what was worked is that share of the time that went by."""

import time
from collections.abc import Callable

LONGEST_S = 600.0  # one wait: a single piece of work that was enormous must not silence the breeder for a day


class Stopped(Exception):
    """Told to end, between two pieces of work."""


class Duty:
    """Keeps processor time at or below a share of the time by the clock.

    share     above 0, at most 1: of one core
    wait      waits so many seconds; true at once where the breeder is told to end
    worked_s  processor seconds of this process; now_s monotonic seconds. Time that others took from us counts as rest.
    """

    def __init__(
        self,
        share: float,
        wait: Callable[[float], bool],
        *,
        worked_s: Callable[[], float] = time.process_time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share, self._wait = share, wait
        self._worked_s, self._now_s = worked_s, now_s
        self._began = (worked_s(), now_s())

    def rest(self) -> None:
        """After a piece of work of t seconds, wait t · (1/share − 1). Raises `Stopped`."""
        worked, now = self._worked_s() - self._began[0], self._now_s() - self._began[1]
        if self._wait(min(LONGEST_S, max(0.0, worked / self._share - now))):
            raise Stopped
        self._began = (self._worked_s(), self._now_s())
