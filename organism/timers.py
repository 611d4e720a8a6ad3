"""Timers that organs scheduled, on two clocks. They are state: recovery arms them again from the journal."""

import msgspec


class Timer(msgspec.Struct, frozen=True):
    """One pending timer. `seq` is the journal row that scheduled it."""

    organ: str
    key: str
    due_ns: int
    clock: str
    seq: int

    @property
    def envelope_id(self) -> str:
        """Identity of the envelope that will announce it."""
        return f"timer:{self.organ}:{self.key}:{self.seq}"


class TimerBook:
    """Pending timers by (organ, key). Not locked: its owner is."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], Timer] = {}
        self._earliest: dict[str, int | None] = {"market": None, "mono": None}

    def __len__(self) -> int:
        return len(self._pending)

    def of(self, organ: str) -> tuple[Timer, ...]:
        """Pending timers of one organ."""
        return tuple(t for t in self._pending.values() if t.organ == organ)

    def schedule(self, timer: Timer) -> None:
        """Arm, replacing an earlier one of the same key."""
        self._pending[timer.organ, timer.key] = timer
        earliest = self._earliest[timer.clock]
        if earliest is None or timer.due_ns < earliest:
            self._earliest[timer.clock] = timer.due_ns

    def cancel(self, organ: str, key: str) -> None:
        """Forget one, if it is there."""
        self._pending.pop((organ, key), None)

    def next_due(self, clock: str) -> int | None:
        """Earliest due time on a clock. May be early after a cancellation, never late."""
        return self._earliest[clock]

    def pop_due(self, clock: str, now_ns: int) -> list[Timer]:
        """Remove and return what is due, earliest first."""
        earliest = self._earliest[clock]
        if earliest is None or earliest > now_ns:
            return []
        due = [t for t in self._pending.values() if t.clock == clock and t.due_ns <= now_ns]
        for timer in due:
            del self._pending[timer.organ, timer.key]
        self._earliest[clock] = min(
            (t.due_ns for t in self._pending.values() if t.clock == clock), default=None
        )
        return sorted(due, key=lambda t: (t.due_ns, t.organ, t.key))
