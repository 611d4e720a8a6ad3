"""What was said and not yet heard, and what was scheduled and has not yet fired: both follow from the rows.

One rule book for the living body, which asks how far back its snapshots must reach, and for recovery, which
delivers again exactly what nobody consumed.
"""

import threading
from collections.abc import Container, Iterable
from typing import Generic, TypeVar

import msgspec

from organism.core import Now
from organism.effects import CancelTimer, Effects, Publish, Schedule
from organism.messages import CONFLATED, Envelope, MessageSetAside
from organism.timers import Timer

V = TypeVar("V")
_CONFLATED = frozenset(CONFLATED)


class Pending(Generic[V]):
    """Envelopes emitted to each organ and not consumed by it, in order of emission, each with a value."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, V]] = {}
        self._newest: dict[tuple[str, type], str] = {}

    def emitted(self, organ: str, identity: str, kind: type, value: V) -> None:
        """`organ` was sent something. A conflated kind replaces its predecessor, as it does in the mailbox."""
        mine = self._of.get(organ)
        if mine is None:
            mine = self._of[organ] = {}
        if kind in _CONFLATED:
            mine.pop(self._newest.get((organ, kind), ""), None)
            self._newest[organ, kind] = identity
        mine[identity] = value

    def consumed(self, organ: str, identity: str) -> V | None:
        """`organ` took it; return its value, None when it was not pending."""
        mine = self._of.get(organ)
        return None if mine is None else mine.pop(identity, None)

    def of(self, organ: str) -> Iterable[V]:
        """Values of what is pending for an organ, oldest first."""
        return self._of.get(organ, {}).values()


def rebase(timers: Iterable[Timer], written_mono_ns: int, now_mono_ns: int) -> tuple[Timer, ...]:
    """Timers for a new process, whose monotonic clock may count from anywhere: what was left to wait is waited.

    written_mono_ns   the old clock when the old process was last heard of (`Recovery.mono_ns`)
    """
    return tuple(
        msgspec.structs.replace(t, due_ns=now_mono_ns + max(0, t.due_ns - written_mono_ns))
        if t.clock == "mono"
        else t
        for t in timers
    )


class Armed:
    """Timers that rows scheduled and that have neither fired (been consumed) nor been cancelled."""

    def __init__(self, timers: Iterable[Timer] = ()) -> None:
        self._pending: dict[tuple[str, str], Timer] = {}
        self.adopt(timers)

    def adopt(self, timers: Iterable[Timer]) -> None:
        """Count timers that earlier rows scheduled."""
        for timer in timers:
            self._pending[timer.organ, timer.key] = timer

    def step(self, seq: int, organ: str, input_id: str, effects: Effects) -> None:
        """Follow one step of an organ."""
        if input_id.startswith("timer:"):
            for timer in self._pending.values():
                if timer.organ == organ and timer.envelope_id == input_id:
                    del self._pending[organ, timer.key]
                    break
        for effect in effects:
            if type(effect) is Schedule:
                timer = Timer(organ, effect.key, effect.due_ns, effect.clock, seq)
                self._pending[organ, timer.key] = timer
            elif type(effect) is CancelTimer:
                self._pending.pop((organ, effect.key), None)

    def forget(self, organ: str, envelope_id: str) -> None:
        """A timer's announcement was set aside as poison."""
        self.step(0, organ, envelope_id, ())

    def carry_over(self, organs: Container[str], written_mono_ns: int, now_mono_ns: int) -> None:
        """A new process began: its monotonic clock counts from elsewhere, so timers of these organs are rebased."""
        waiting = [t for t in self._pending.values() if t.organ in organs]
        self.adopt(rebase(waiting, written_mono_ns, now_mono_ns))

    def of(self, organ: str) -> tuple[Timer, ...]:
        """Pending timers of an organ."""
        return tuple(t for t in self._pending.values() if t.organ == organ)


class Horizon:
    """How far back recovery of each organ must read. An observer of the spine; may be called from any thread.

    Rows are observed after they were recorded, perhaps not in order when several organs step at once, so the
    horizon never lies beyond the first row that was not observed yet.
    """

    def __init__(self, seq: int = 0) -> None:
        self._lock = threading.Lock()
        self._pending: Pending[int] = Pending()
        self._armed = Armed()
        self._complete = seq  # every row up to here was observed
        self._ahead: set[int] = set()

    def observe(self, seq: int, organ: str, envelope: Envelope, effects: Effects, now: Now) -> None:  # noqa: ARG002
        """A step was recorded."""
        with self._lock:
            pending = self._pending
            for index, effect in enumerate(effects):
                if type(effect) is Publish:
                    identity = f"{seq}.{index}"
                    kind = type(effect.message)
                    for receiver in effect.to:
                        pending.emitted(receiver, identity, kind, seq)
            pending.consumed(organ, envelope.id)
            self._armed.step(seq, organ, envelope.id, effects)
            message = envelope.message
            if type(message) is MessageSetAside:
                pending.consumed(message.organ, message.envelope_id)
                self._armed.forget(message.organ, message.envelope_id)
            if seq == self._complete + 1:
                self._complete = seq
                while self._ahead and self._complete + 1 in self._ahead:
                    self._complete += 1
                    self._ahead.remove(self._complete)
            elif seq > self._complete:
                self._ahead.add(seq)

    def adopt(self, organ: str, envelopes: Iterable[Envelope], timers: Iterable[Timer] = ()) -> None:
        """Count what recovery is about to deliver and to arm again."""
        with self._lock:
            self._armed.adopt(timers)
            for envelope in envelopes:
                self._pending.emitted(
                    organ, envelope.id, type(envelope.message), int(envelope.id.partition(".")[0])
                )

    def timers(self, organ: str) -> tuple[Timer, ...]:
        """`timers` for a snapshot: fired ones whose announcement is still in the mailbox included."""
        with self._lock:
            return self._armed.of(organ)

    def of(self, organ: str) -> int:
        """`horizon_seq` for a snapshot of this organ taken now."""
        with self._lock:
            return min(min(self._pending.of(organ), default=self._complete + 1) - 1, self._complete)
