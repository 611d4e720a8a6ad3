"""The body watching itself: vital signs each second, the view twice a second, remedies every half minute."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from organism import __version__
from organism.body.breeding import BreedingEar
from organism.body.judging import Judging
from organism.body.polled import PolledEar
from organism.clock import Clock
from organism.core import Now
from organism.effects import Effects, Publish
from organism.invariants import Probe
from organism.journal.port import Journal
from organism.messages import (
    BarClosed,
    Envelope,
    GenerationBred,
    OrganRestarted,
    PortfolioMarked,
    Reconciled,
    VitalsTaken,
)
from organism.post import Sample
from organism.settings import Settings
from organism.view.live import BodyLive, FeedLive, LiveSample, OrganLive
from organism.view.writer import ViewWriter
from organism.vitals import FeedSign, Machine, MachineSampler, OrganSign, VitalInputs, health, unknown
from organism.vitals.heal import EVERY_S, Action, Healing, tend

TURN_S = 0.5
VITALS_S = 1.0
RESTARTS_WITHIN_S = 600.0
WARM_S = 20.0  # a body this young is not scored while too little is known


@dataclass
class Heard:
    """What went by on the spine, as far as vital signs need it."""

    marked: PortfolioMarked | None = None
    reconciled: Reconciled | None = None
    reconciled_mono_ns: int = 0
    bar_mono_ns: int = 0
    bar_at_ns: int = 0
    session: int = 0
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)
    restarts: deque[int] = field(default_factory=lambda: deque(maxlen=1_000))

    def observe(self, _seq: int, organ: str, envelope: Envelope, effects: Effects, now: Now) -> None:
        """Note one step; called on the organs' threads."""
        if type(envelope.message) is OrganRestarted and organ == "immune":
            self.restarts.append(now.mono_ns)
        for effect in effects:
            if type(effect) is not Publish:
                continue
            for receiver in effect.to:
                self.routes[organ, receiver] += 1
            message = effect.message
            if type(message) is PortfolioMarked:
                self.marked = message
            elif type(message) is BarClosed:
                self.bar_mono_ns, self.bar_at_ns, self.session = now.mono_ns, message.at_ns, message.session
            elif type(message) is Reconciled:
                self.reconciled, self.reconciled_mono_ns = message, now.mono_ns


class Venue(Protocol):
    """What vital signs ask of the connection to the venue."""

    def oldest_pending_s(self) -> float:
        """Age of the oldest question without an answer, seconds; 0 when there is none."""
        ...


@dataclass(frozen=True)
class Parts:
    """What the watch looks at."""

    settings: Settings
    journal: Journal
    view: ViewWriter
    heard: Heard
    clock: Clock
    samples: Callable[[], tuple[Sample, ...]]
    steps: Callable[[], Mapping[str, int]]
    venue: Venue
    deliver: Callable[[str, Envelope], None]
    remedy: Callable[[Action, str], None]
    folder: Path
    safe: bool
    boot: str
    judging: Judging


class Watch:
    """One turn each half second; what it measures goes to immune, voice and the view."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._machine = MachineSampler(parts.folder)
        self._healing = Healing()
        self._started_wall_ns = parts.clock.wall_ns()
        self._began_ns = self._vitals_ns = self._healed_ns = parts.clock.mono_ns()
        self._routes: Counter[tuple[str, str]] = Counter()
        self._routed_ns = self._began_ns
        self._rates: dict[str, float] = {}
        self._vitals: VitalsTaken | None = None
        self._n_vitals = 0
        self._inputs: VitalInputs | None = None
        self._lagging: tuple[int, int] | None = None
        self._commit_ms = 0.0
        self._n_bred = 0
        self._polled = PolledEar(parts.folder, parts.settings)
        self._breeding = BreedingEar(parts.folder, parts.settings.evolution, self._bred)

    def turn(self) -> float:
        """Measure when it is time, heal when it is time, and bring the view up to date."""
        now_ns = self._parts.clock.mono_ns()
        if self._vitals is None or now_ns - self._vitals_ns >= VITALS_S * 1e9:
            self._vitals_ns = now_ns
            self._take_vitals(now_ns)
        if now_ns - self._healed_ns >= EVERY_S * 1e9 and self._inputs is not None:
            self._healed_ns = now_ns
            self._healing = tend(self._healing, self._look, self._parts.remedy, now_ns)
        self.show(now_ns)
        return TURN_S

    def show(self, now_ns: int) -> None:
        """Bring the view up to what is durable."""
        started = time.perf_counter()
        self._parts.view.commit(self._parts.journal.durable_seq, self._sample(now_ns))
        self._commit_ms = (time.perf_counter() - started) * 1e3

    def _take_vitals(self, now_ns: int) -> None:
        self._parts.judging.turn(self._probe())
        inputs = self._look()
        young = now_ns - self._began_ns < WARM_S * 1e9
        if young and not set(unknown(inputs)) <= {"slope"}:
            return  # a body that has not finished starting is not yet unwell
        self._inputs = inputs
        taken = self._vitals = health(inputs)
        self._n_vitals += 1
        identity = f"vitals:{self._parts.boot}:{self._n_vitals}"
        envelope = Envelope(identity, "supervisor", 0, self._parts.heard.bar_at_ns, "", taken)
        self._parts.deliver("immune", envelope)
        self._parts.deliver("voice", envelope)
        self._breeding.turn(now_ns)
        self._measure_rates(now_ns)

    def _bred(self, message: GenerationBred) -> None:
        self._n_bred += 1
        identity = f"bred:{self._parts.boot}:{self._n_bred}"
        envelope = Envelope(identity, "supervisor", 0, self._parts.heard.bar_at_ns, "", message)
        self._parts.deliver("reproduction", envelope)

    def _probe(self) -> Probe:
        machine = self._inputs.machine if self._inputs is not None else Machine()
        return Probe(
            memory_mb=machine.memory_mb,
            inbox_depth=max((s.mailbox_depth for s in self._parts.samples()), default=0),
            threads=machine.threads,
            descriptor_share=machine.descriptor_share,
        )

    def _look(self) -> VitalInputs:
        parts, heard = self._parts, self._parts.heard
        risk = parts.settings.risk
        now_ns = parts.clock.mono_ns()
        marked, reconciled = heard.marked, heard.reconciled
        while heard.restarts and now_ns - heard.restarts[0] > RESTARTS_WITHIN_S * 1e9:
            heard.restarts.popleft()
        organs = tuple(
            OrganSign(name=s.name, beat_age_s=s.beat_age_s, oldest_s=s.oldest_age_s)
            for s in parts.samples()
            if s.tree in {"money", "senses", "care"}
        )
        return VitalInputs(
            organs=organs,
            feeds=(self._feed(now_ns),),
            n_restarts=len(heard.restarts),
            drawdown_share=0.0 if marked is None else marked.drawdown / risk.halt_at_drawdown,
            losses_share=0.0 if marked is None else marked.consecutive_losses / risk.max_consecutive_losses,
            n_unexplained=None if reconciled is None else len(reconciled.unexplained),
            n_unknown=None if reconciled is None else len(reconciled.unknown),
            reconciled_age_s=None if reconciled is None else (now_ns - heard.reconciled_mono_ns) / 1e9,
            n_broken=parts.judging.n_broken,
            venue_silent_s=parts.venue.oldest_pending_s(),
            journal_lag_s=self._journal_lag_s(now_ns),
            machine=self._machine.sample(),
        )

    def _feed(self, now_ns: int) -> FeedSign:
        market = self._parts.settings.market
        pause_s = market.bar_s / market.speed if market.speed > 0 else 0.0
        since_ns = self._parts.heard.bar_mono_ns or self._began_ns
        return FeedSign(
            name=market.feed, silent_s=(now_ns - since_ns) / 1e9, stall_s=market.stall_s + pause_s
        )

    def _journal_lag_s(self, now_ns: int) -> float:
        durable = self._parts.journal.durable_seq
        if durable >= self._parts.journal.tip[0]:
            self._lagging = None
            return 0.0
        if self._lagging is None or self._lagging[0] != durable:
            self._lagging = (durable, now_ns)
        return (now_ns - self._lagging[1]) / 1e9

    def _measure_rates(self, now_ns: int) -> None:
        routes = Counter(dict(list(self._parts.heard.routes.items())))
        span_s = max(1e-3, (now_ns - self._routed_ns) / 1e9)
        self._rates = {f"{a}>{b}": round(n / span_s, 2) for (a, b), n in (routes - self._routes).items()}
        self._routes, self._routed_ns = routes, now_ns

    def _sample(self, now_ns: int) -> LiveSample:
        parts, heard = self._parts, self._parts.heard
        market, steps = parts.settings.market, parts.steps()
        feed = self._feed(now_ns)
        inputs = self._inputs
        return LiveSample(
            body=BodyLive(
                pid=os.getpid(),
                started_wall_ns=self._started_wall_ns,
                updated_wall_ns=parts.clock.wall_ns(),
                mode=parts.settings.mode,
                safe=parts.safe,
                version=__version__,
                feed=market.feed,
                speed=market.speed,
                venue="paper",
                seed=parts.settings.seed,
                session=heard.session,
                market_ns=heard.bar_at_ns,
                last_bar_ns=heard.bar_at_ns,
                commit_ms=round(self._commit_ms, 2),
            ),
            organs=tuple(
                OrganLive(
                    name=s.name,
                    state=s.state,
                    incarnation=s.incarnation,
                    restarts=s.restarts,
                    mailbox_depth=s.mailbox_depth,
                    oldest_s=s.oldest_age_s,
                    beat_age_s=s.beat_age_s,
                    busy_s=s.busy_s,
                    step=steps.get(s.name, 0),
                    conflated=s.conflated,
                    last_error=s.last_error,
                )
                for s in parts.samples()
                if s.name in steps
            ),
            feeds=(FeedLive(name=feed.name, silent_s=feed.silent_s or 0.0),),
            machine=msgspec.to_builtins(inputs.machine) if inputs is not None else {},
            rates=self._rates,
            limits=msgspec.to_builtins(parts.settings.risk),
            vitals=self._vitals,
            invariants=parts.judging.summary(),
            breeding=self._breeding.live(now_ns),
            context=self._polled.live(parts.clock.wall_ns()),
        )
