"""A circuit breaker, as a value: a source that failed several times in a row is left alone for a while.

Closed: it is asked. Open: it is not. Half-open, once it was left alone for long enough: it is asked once, and one answer
closes it, one failure opens it again, for twice as long.
"""

import enum
from dataclasses import dataclass, replace


class Position(enum.StrEnum):
    """As the field calls them."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class Breaker:
    """One source's.

    trips_at   failures in a row that open it
    cool_us    how long it stays open the first time; doubles up to `longest_us`
    failures   in a row so far
    opened_us  when it opened; None while closed
    openings   in a row, without an answer between
    """

    trips_at: int = 5
    cool_us: int = 60_000_000
    longest_us: int = 900_000_000
    failures: int = 0
    opened_us: int | None = None
    openings: int = 0

    def position(self, now_us: int) -> Position:
        """Whether the source may be asked: always, never, or once."""
        if self.opened_us is None:
            return Position.CLOSED
        return Position.HALF_OPEN if now_us >= self.until_us else Position.OPEN

    @property
    def until_us(self) -> int:
        """When it may be tried again; 0 while it is closed."""
        if self.opened_us is None:
            return 0
        return self.opened_us + min(self.cool_us << min(self.openings - 1, 30), self.longest_us)

    def succeeded(self) -> "Breaker":
        """It answered."""
        return replace(self, failures=0, opened_us=None, openings=0)

    def failed(self, now_us: int) -> "Breaker":
        """It did not."""
        failures = self.failures + 1
        if self.opened_us is None and failures < self.trips_at:
            return replace(self, failures=failures)
        if self.position(now_us) is Position.OPEN:
            return replace(self, failures=failures)
        return replace(self, failures=failures, opened_us=now_us, openings=self.openings + 1)
