"""The whole organism in one thread: virtual clocks, a seeded scheduler, faults by seed.

The same cores, spine and journal as the living body; only threads, real time and the real venue are gone.
The same seed gives the same journal, hash for hash.
"""

import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from organism.core import Now, OrganCore
from organism.errors import Fenced
from organism.journal.pending import rebase
from organism.journal.port import Journal
from organism.journal.recovery import Recovery
from organism.mailbox import Lanes
from organism.market import NS_PER_S
from organism.messages import BarsArrived, Envelope, Message, Recovered
from organism.spine import Buggify, Observer, Origin, Port, Spine

N_REMEMBERED = 4096  # consumed ids an organ remembers to drop duplicates


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How often each fault strikes, as probabilities per opportunity.

    drop        an envelope from outside never arrives
    delay       an envelope arrives after up to `delay_s` of virtual monotonic time (and so out of order)
    duplicate   an envelope arrives twice
    raise_      the organ raises before its step is recorded
    hang        the organ is replaced while its step runs: what the old one decided is fenced
    lose_reply, delay_reply   an answer of the venue never comes, or late
    most_restarts   `raise_` and `hang` strike an organ only so often, as a supervisor would not tolerate more: count
                    `restarts` of the organ anew to go on; 0 for no bound
    """

    drop: float = 0.0
    delay: float = 0.0
    delay_s: float = 2.0
    duplicate: float = 0.0
    raise_: float = 0.0
    hang: float = 0.0
    lose_reply: float = 0.0
    delay_reply: float = 0.0
    most_restarts: int = 0


@dataclass
class _Living:
    core: OrganCore[Any]
    state: Any
    incarnation: int
    step: int = 0
    lanes: Lanes = field(default_factory=Lanes)
    seen: dict[str, None] = field(default_factory=dict)
    restarts: int = 0
    queued: bool = False


Recover = Callable[[str], tuple[Any, int]]


class Lockstep:
    """Drives cores through market instants.

    ports(effect types) get `(effect, origin)`; what they answer comes back through `inject`.
    seed          of the scheduler and of the faults (two separate generators)
    faults        may be set at any time; None for none
    recover       organ name → (state, last step), used after an injected crash; default keeps the last state
    before_start   called with the driver before anything happens, so that ports can keep it
    mono_per_instant_s   virtual monotonic time between two market instants
    resume        go on where a journal ends: states, what nobody had read, timers, as a body that starts again
    mono_ns       the monotonic clock at the start
    wall_ahead_ns   wall clock − monotonic clock; may be set at any time, forwards and backwards
    buggify       lets faults in at the points of the spine
    """

    def __init__(
        self,
        cores: Iterable[OrganCore[Any]],
        journal: Journal,
        *,
        ports: Mapping[type, Port] | None = None,
        observers: tuple[Observer, ...] = (),
        seed: int = 1,
        faults: Faults | None = None,
        recover: Recover | None = None,
        mono_per_instant_s: float = 1.0,
        safe: bool = False,
        states: Mapping[str, tuple[Any, int]] | None = None,
        before_start: Callable[["Lockstep"], None] | None = None,
        resume: Recovery | None = None,
        mono_ns: int = 0,
        buggify: Buggify | None = None,
    ) -> None:
        self.journal = journal
        self.mono_ns = mono_ns
        self.wall_ahead_ns = 0
        self.struck: dict[str, int] = {}
        self.faults = faults
        self._recover = recover
        self._choose = random.Random(f"schedule-{seed}")
        self._strike = random.Random(f"faults-{seed}")
        self._per_instant_ns = int(mono_per_instant_s * NS_PER_S)
        self._late: list[tuple[int, int, Callable[[], None]]] = []
        self._n_injected = 0
        self._began = journal.tip[0]  # ids must not come again when another driver goes on with this journal
        self._ready: list[_Living] = []
        self.spine = Spine(
            journal, deliver=self._deliver, ports=ports or {}, observers=observers, buggify=buggify
        )
        self.organs: dict[str, _Living] = {}
        for core in cores:
            state, step = (states or {}).get(core.name, (core.initial, 0))
            self.organs[core.name] = _Living(core, state, journal.begin_incarnation(core.name), step)
        if before_start is not None:
            before_start(self)
        if resume is not None:
            self.spine.market_ns = resume.market_ns
        for name, living in self.organs.items():
            self.inject(
                name,
                Recovered(organ=name, incarnation=living.incarnation, process=True, safe=safe),
                sender="supervisor",
            )
        if resume is not None:
            self._resume(resume)
        self.drain()

    # -------------------------------------------------------------- from outside

    def inject(self, organ: str, message: Message, *, sender: str, envelope_id: str = "") -> None:
        """Give an organ a message from outside."""
        self._n_injected += 1
        identity = envelope_id or f"{sender}:{self._began}.{self._n_injected}"
        self._deliver(organ, Envelope(identity, sender, 0, self.spine.market_ns, "", message))

    def answer(self, message: Message, origin: Origin, organ: str = "motor") -> None:
        """Give the venue's answer to `origin`, unless a fault takes or delays it."""
        self._n_injected += 1
        envelope = Envelope(
            f"venue:{origin.id}:{self._n_injected}",
            "venue",
            0,
            self.spine.market_ns,
            origin.id,
            message,
        )
        if self.faults and self._struck("lose_reply", self.faults.lose_reply):
            return
        if self.faults and self._struck("delay_reply", self.faults.delay_reply):
            self._postpone(organ, envelope, self.faults.delay_s)
            return
        self._deliver(organ, envelope)

    def later(self, span_ns: int, act: Callable[[], None]) -> None:
        """Do something when so much monotonic time has passed, in the order of its time."""
        self._n_injected += 1
        heapq.heappush(self._late, (self.mono_ns + span_ns, self._n_injected, act))

    def postponed(self) -> list[tuple[str, Envelope]]:
        """Envelopes on their way that a fault made late, each with its organ."""
        acts = (act for _, _, act in self._late)
        return [act.args for act in acts if isinstance(act, partial) and act.func == self._file]

    def run(self, instants: Iterable[BarsArrived]) -> int:
        """Live through market instants; return how many."""
        n = 0
        for instant in instants:
            self.tick(instant)
            n += 1
        self.settle()
        return n

    def tick(self, instant: BarsArrived) -> None:
        """Live through one market instant, until nothing is left to do."""
        self.advance_mono(self._per_instant_ns)
        self.inject("nervous", instant, sender="feed", envelope_id=f"bar:{instant.session}:{instant.at_ns}")
        self.drain()

    def advance_mono(self, span_ns: int) -> None:
        """Let monotonic time pass, firing timers and late envelopes in order."""
        end = self.mono_ns + span_ns
        while True:
            due = self.spine.timers.next_due("mono")
            late = self._late[0][0] if self._late else None
            upcoming = min((t for t in (due, late) if t is not None), default=None)
            if upcoming is None or upcoming > end:
                break
            self.mono_ns = max(self.mono_ns, upcoming)
            self._deliver_late()
            self.spine.fire_timers("mono", self.mono_ns)
            self.drain()
        self.mono_ns = end

    def settle(self, limit_s: float = 60.0) -> None:
        """Let time pass until late envelopes have arrived, at most `limit_s`."""
        waited = 0
        while self._late and waited < limit_s * NS_PER_S:
            self.advance_mono(NS_PER_S)
            waited += NS_PER_S

    def drain(self) -> None:
        """Take steps until every mailbox is empty and nothing waits for the disk."""
        ready = self._ready
        choose = self._choose.random
        while True:
            while ready:
                n = len(ready)
                index = int(choose() * n) if n > 1 else 0
                living = ready[index]
                envelope = living.lanes.take()
                if envelope is None:
                    living.queued = False
                    ready[index] = ready[-1]
                    ready.pop()
                    continue
                self._step(living, envelope)
            if not self.spine.n_held:
                break
            self.journal.flush()

    # -------------------------------------------------------------- inside

    def _resume(self, recovery: Recovery) -> None:
        for name, organ in recovery.organs.items():
            living = self.organs[name]
            living.state, living.step = organ.state, organ.step
            living.seen = dict.fromkeys(organ.seen)
            for envelope in organ.pending:
                self._file(name, envelope)
            for timer in rebase(organ.timers, recovery.mono_ns, self.mono_ns):
                self.spine.timers.schedule(timer)

    def _deliver(self, organ: str, envelope: Envelope) -> None:
        faults = self.faults
        if faults is None:
            living = self.organs.get(organ)
            if living is not None:
                living.lanes.put(envelope)
                if not living.queued:
                    living.queued = True
                    self._ready.append(living)
            return
        if envelope.is_external and envelope.sender == "feed" and self._struck("drop", faults.drop):
            return
        if type(envelope.message) is not Recovered and self._struck("delay", faults.delay):
            self._postpone(organ, envelope, faults.delay_s)
            return
        if self._struck("duplicate", faults.duplicate):
            self._file(organ, envelope)
        self._file(organ, envelope)

    def _file(self, organ: str, envelope: Envelope) -> None:
        living = self.organs.get(organ)
        if living is None:  # an anatomy without this organ: nobody listens
            return
        living.lanes.put(envelope)
        if not living.queued:
            living.queued = True
            self._ready.append(living)

    def _step(self, living: _Living, envelope: Envelope) -> None:
        if envelope.id in living.seen:
            return
        faults = self.faults
        now = Now(self.spine.market_ns, self.mono_ns, self.mono_ns + self.wall_ahead_ns, living.step + 1)
        if faults is not None and 0 < faults.most_restarts <= living.restarts:
            faults = None
        if faults is not None and self._struck("raise_", faults.raise_):
            self._restart(living, envelope)
            return
        state, effects = living.core.step(living.state, envelope.message, now)
        if faults is not None and self._struck("hang", faults.hang):
            old = living.incarnation
            self._restart(living, envelope)
            try:
                self.spine.complete(living.core.name, old, now.step, envelope, effects, now)
            except Fenced:
                return
            raise AssertionError(f"{living.core.name} acted after it was retired")
        self.spine.complete(living.core.name, living.incarnation, now.step, envelope, effects, now)
        living.state = state
        living.step = now.step
        seen = living.seen
        seen[envelope.id] = None
        if len(seen) > N_REMEMBERED:
            del seen[next(iter(seen))]

    def _restart(self, living: _Living, envelope: Envelope) -> None:
        name = living.core.name
        living.incarnation = self.journal.begin_incarnation(name)
        living.restarts += 1
        if self._recover is not None:
            living.state, living.step = self._recover(name)
        living.lanes.put_back(envelope)
        self.inject(
            name,
            Recovered(organ=name, incarnation=living.incarnation, process=False),
            sender="supervisor",
        )

    def _struck(self, name: str, probability: float) -> bool:
        if probability <= 0.0 or self._strike.random() >= probability:
            return False
        self.struck[name] = self.struck.get(name, 0) + 1
        return True

    def _postpone(self, organ: str, envelope: Envelope, most_s: float) -> None:
        self.later(int(self._strike.random() * most_s * NS_PER_S), partial(self._file, organ, envelope))

    def _deliver_late(self) -> None:
        while self._late and self._late[0][0] <= self.mono_ns:
            heapq.heappop(self._late)[2]()
