"""I12, bounded: memory, inboxes, threads, descriptors and the write-ahead log stay below what was settled."""

from dataclasses import dataclass, field

import msgspec

from organism.invariants.breach import NONE, Breach, Breaches
from organism.invariants.rules import Bounds

ID = "I12"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, taken by whoever can; None where nobody could, which is no breach.

    inbox_depth        messages in the fullest mailbox
    descriptor_share   open files / files allowed
    wal_mb             size of the journal's write-ahead log
    """

    memory_mb: float | None = None
    inbox_depth: int | None = None
    threads: int | None = None
    descriptor_share: float | None = None
    wal_mb: float | None = None


_WHAT = {
    "memory_mb": "resident memory, MB", "inbox_depth": "messages in one mailbox", "threads": "threads",
    "descriptor_share": "share of the files allowed", "wal_mb": "write-ahead log, MB",
}  # fmt: skip


@dataclass(slots=True)
class State:
    """How many looks in a row each measure has been above its bound."""

    bounds: Bounds = field(default_factory=Bounds)
    above: dict[str, int] = field(default_factory=dict)
    n: int = 0


def look(state: State, probe: Probe, seq: int) -> tuple[State, Breaches]:
    """Judge one measurement; seq is the newest row judged. Told once while it lasts."""
    state.n += 1
    found: list[Breach] = []
    for name, what in _WHAT.items():
        value, bound = getattr(probe, name), getattr(state.bounds, name)
        if value is None or value <= bound:
            state.above.pop(name, None)
            continue
        n = state.above[name] = state.above.get(name, 0) + 1
        if n == state.bounds.patience:
            text = f"{what} must stay at or below {bound:g}; was {value:.6g}, and above it for {n} looks in a row."
            found.append(Breach(invariant=ID, text=text, seq=seq, subject=name))
    return state, tuple(found) if found else NONE
