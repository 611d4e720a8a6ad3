"""Record, then act: what happens between an organ's step and the world.

A step is recorded, then its effects are performed in order. From the first gated effect on (a venue call,
a fill told to others, an alert) everything this organ says waits until that row is durable, so that order
per sender holds; nothing else waits.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from organism.core import Now
from organism.effects import CancelTimer, Effect, Effects, Publish, Schedule, is_gated
from organism.errors import EffectFailed
from organism.journal.port import Journal
from organism.messages import BarClosed, Envelope, TimerFired
from organism.timers import Timer, TimerBook


class Origin(NamedTuple):
    """Which recorded effect of which step this is."""

    organ: str
    incarnation: int
    seq: int
    position: int
    cause: str
    market_ns: int

    @property
    def id(self) -> str:
        """Identity of the effect, and of the envelope if it is one."""
        return f"{self.seq}.{self.position}"


Port = Callable[[Effect, Origin], None]
# A point in this code at which a simulation lets a fault enter, by name: what it raises is the fault. Nobody passes
# one outside simulations, and then a point is one comparison with None.
Buggify = Callable[[str], None]
POINTS = (
    "before_record",  # a step was taken, nothing of it is recorded
    "after_record",  # it is recorded, nothing of it was done
    "before_effect",  # before each effect: some of them were done, some wait for the disk
)
Observer = Callable[[int, str, Envelope, Effects, Now], None]


class Spine:
    """Connects steps, journal, mailboxes, timers and ports. Both drivers use it.

    deliver   puts an envelope into an organ's mailbox
    ports     performs effects that leave the body, by effect type
    wake      called after timers or gates changed, so that a live driver can look at the clock again
    buggify   lets faults in at `POINTS`; None for a body that lives
    """

    def __init__(
        self,
        journal: Journal,
        *,
        deliver: Callable[[str, Envelope], None],
        ports: Mapping[type, Port],
        observers: tuple[Observer, ...] = (),
        wake: Callable[[], None] = lambda: None,
        buggify: Buggify | None = None,
    ) -> None:
        self.journal = journal
        self.timers = TimerBook()
        self.market_ns = 0
        self._deliver = deliver
        self._ports = dict(ports)
        self._observers = observers
        self._wake = wake
        self._buggify = buggify
        self._held: dict[str, deque[tuple[int, Effect, Origin]]] = {}
        self._lock = threading.RLock()
        journal.on_durable(self.release)

    @property
    def n_held(self) -> int:
        """Effects that wait for the disk."""
        with self._lock:  # so that none is seen as released before what it says was delivered
            return sum(len(q) for q in self._held.values())

    def complete(
        self,
        organ: str,
        incarnation: int,
        step: int,
        envelope: Envelope,
        effects: Effects,
        now: Now,
    ) -> int:
        """Record a step, then perform its effects.

        Raises `Fenced` before anything happened, and `EffectFailed` when the step *is* recorded but not all of
        its effects were performed.
        """
        if self._buggify is not None:
            self._buggify("before_record")
        seq = self.journal.record(organ, incarnation, step, envelope, effects, now)
        try:
            if self._buggify is not None:
                self._buggify("after_record")
            self._perform_all(seq, organ, incarnation, envelope, effects, now)
        except BaseException as error:
            raise EffectFailed(
                f"step {step} of {organ} was recorded as row {seq}, but its effects were not all performed: "
                f"{error!r}. The process must restart and deliver them from the journal."
            ) from error
        return seq

    def _perform_all(
        self,
        seq: int,
        organ: str,
        incarnation: int,
        envelope: Envelope,
        effects: Effects,
        now: Now,
    ) -> None:
        for observe in self._observers:
            observe(seq, organ, envelope, effects, now)
        if effects:
            with self._lock:
                held = self._held.get(organ)
                for index, effect in enumerate(effects):
                    origin = Origin(organ, incarnation, seq, index, envelope.id, now.market_ns)
                    if held or is_gated(effect):
                        if held is None:
                            held = self._held.setdefault(organ, deque())
                        held.append((seq, effect, origin))
                    else:
                        self._perform(effect, origin)
                if held and self.journal.durable_seq >= seq:
                    self.release(self.journal.durable_seq)

    def release(self, durable_seq: int) -> None:
        """Perform what waited for rows up to `durable_seq`."""
        with self._lock:
            for held in self._held.values():
                while held and held[0][0] <= durable_seq:
                    _, effect, origin = held.popleft()
                    self._perform(effect, origin)

    def fire_timers(self, clock: str, now_ns: int) -> int:
        """Deliver timers that are due on a clock; return how many."""
        with self._lock:
            due = self.timers.pop_due(clock, now_ns)
            for timer in due:
                message = TimerFired(key=timer.key, due_ns=timer.due_ns)
                self._deliver(
                    timer.organ,
                    Envelope(timer.envelope_id, "timer", 0, self.market_ns, f"{timer.seq}", message),
                )
        return len(due)

    def _perform(self, effect: Effect, origin: Origin) -> None:
        if self._buggify is not None:
            self._buggify("before_effect")
        kind = type(effect)
        if kind is Publish:
            message = effect.message  # type: ignore[union-attr]
            if type(message) is BarClosed and message.at_ns > self.market_ns:
                # Market time moves with the instant, and timers due by then speak before its bars do.
                self.market_ns = message.at_ns
                self.fire_timers("market", message.at_ns)
            envelope = Envelope(
                origin.id, origin.organ, origin.incarnation, origin.market_ns, origin.cause, message
            )
            for receiver in effect.to:  # type: ignore[union-attr]
                self._deliver(receiver, envelope)
        elif kind is Schedule:
            self.timers.schedule(
                Timer(origin.organ, effect.key, effect.due_ns, effect.clock, origin.seq)  # type: ignore[union-attr]
            )
            self._wake()
        elif kind is CancelTimer:
            self.timers.cancel(origin.organ, effect.key)  # type: ignore[union-attr]
        else:
            port = self._ports.get(kind)
            if port is not None:
                port(effect, origin)
