"""The living body: every part put together, started in order, watched, and stopped in order.

Starting *is* recovering: journal, snapshots and tail give every organ its state and what it had not read yet;
commands given meanwhile are applied; motor reconciles with the venue; then the feed goes on where it was.
"""

import gc
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from organism import __version__
from organism.body.anatomy import instruments_of, organ_cores
from organism.body.children import FeedChild, VenueChild, trees
from organism.body.crashpoints import CrashPoints
from organism.body.desk import Desk, Either
from organism.body.ending import FLUSH_S, ORDERLY_S, OnTheWay
from organism.body.judging import judging_of
from organism.body.past import Past
from organism.body.ready import made_ready
from organism.body.watch import Heard, Parts, Watch
from organism.body.worker import Worker
from organism.clock import SystemClock
from organism.commands import CommandsDb
from organism.config import Loaded
from organism.directory import Activity, Directory
from organism.effects import StoreGenome, VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.journal.pending import Horizon, rebase
from organism.journal.recovery import Recovery, recover
from organism.journal.snapshots import Snapshot, SnapshotStore, state_version
from organism.journal.writer import SqliteJournal
from organism.kept import keep
from organism.messages import (
    AlertRaised,
    BarsArrived,
    Envelope,
    FeedReported,
    Message,
    Priority,
    Severity,
)
from organism.organ import LastGood, Shell
from organism.spine import Origin, Spine
from organism.succession import DeadLetter
from organism.supervisor import Hooks, Supervisor
from organism.view.writer import ViewWriter
from organism.vitals.heal import Action
from organs.motor.paper.client import Remote
from organs.motor.paper.port import Backend, LivePaperPort, Local
from organs.nervous.feeds import instants
from organs.nervous.live import LiveFeed
from organs.reproduction.store_port import GenomeStorePort

log = logging.getLogger(__name__)

QUIET_S = 0.2  # one look at whether the last instant has been digested
COMMANDS_S = 5.0  # longest wait at the start for waiting commands to be applied


class Body:
    """All of it.

    heart         called about every 50 ms while every child beats
    waking        called before that, again and again, as it gets on with reading what it has lived through
    crash         for drills: where to die
    before_step   for drills: (organ, envelope) before each step; may raise, or hang
    has_to_stop   whether it was told to stop. Raises `StopAsked` when that comes before it was put together
    """

    def __init__(
        self,
        loaded: Loaded,
        state: Path,
        *,
        safe: bool,
        heart: Callable[[], None],
        crash: CrashPoints | None = None,
        before_step: Callable[[str, Envelope], None] | None = None,
        has_to_stop: Callable[[], bool] = lambda: False,
        waking: Callable[[], None] = lambda: None,
    ) -> None:
        self._has_to_stop = has_to_stop
        self._on_the_way = OnTheWay(has_to_stop, waking)
        self.settings = loaded.settings
        self.clock = SystemClock()
        self.state = state
        self._safe = safe
        self._crash = crash
        self._before_step = crash.before_step if crash is not None else before_step
        self._open = False  # the feed waits until what was ordered meanwhile has been applied
        self._numbers = itertools.count(1)
        recovery = self._remember(loaded)
        self.activity = Activity()
        self.directory = Directory(
            self.cores, clock=self.clock, activity=self.activity, limit=self.settings.supervision.mailbox
        )
        self._reach_out()
        self._connect()
        self._resume(recovery)
        self.supervisor = self._supervisor(heart)

    # ------------------------------------------------------------------ putting it together

    def _remember(self, loaded: Loaded) -> Recovery:
        """Open the journal and give every organ the state it had."""
        settings, state = self.settings, self.state
        self.journal = SqliteJournal(
            state,
            durability=settings.journal.durability,
            segment_mb=settings.journal.segment_mb,
            keep_segments=settings.journal.keep_segments,
            code_version=__version__,
            settings_hash=loaded.hash,
            seed=settings.seed,
            on_failure=self._journal_failed,
        )
        self.boot = f"{self.journal.begin_incarnation('body')}"
        self.instruments = instruments_of(settings)
        self.cores = organ_cores(settings, self.instruments, self.journal.namespace)
        self.snapshots = SnapshotStore(state / "snapshots")
        keep(state, settings, loaded.hash)
        recovery = recover(
            self.journal,
            self.snapshots,
            self.cores.values(),
            cores_of=Past(state).cores,
            before_row=self._on_the_way.go_on,
        )
        if self._crash is not None:
            self._crash.reached("during_recovery")
            self.journal.on_durable(self._crash.durable)
        self.goods = {
            name: LastGood(organ.state, organ.step, organ.seq, dict.fromkeys(organ.seen), organ.saved)
            for name, organ in recovery.organs.items()
        }
        made_ready(self.goods["brain"].state, settings.market.bar_s)
        return recovery

    def _reach_out(self) -> None:
        """The venue, the view, the operator's desk."""
        paper, state = self.settings.paper, self.state
        self.judging = judging_of(state, self.journal, self.settings, self.directory.deliver)
        self.venue = LivePaperPort(
            lambda: self._connected(
                Remote(state)
                if paper.separate_process
                else Local(paper, self.instruments, state / "paper_venue.db", self.settings.seed)
            ),
            reply=self._venue_replied,
            is_current=self._is_current,
            began=self.activity.begin,
            ended=self.activity.end,
        )
        self.view = ViewWriter(state / "view.db", has_to_stop=self._on_the_way.got_on)
        self.view.catch_up(self.journal)
        self._on_the_way.go_on()
        self.desk = Desk(
            CommandsDb(state / "commands.db"),
            self.directory.deliver,
            lambda: self.journal.durable_seq,
            Either(self.goods["immune"].seen, self.goods["reproduction"].seen),
            lambda: self.view.seq,
        )

    def _connect(self) -> None:
        """The spine, and everybody who listens to it."""
        self.heard = Heard()
        self.horizon = Horizon(self.journal.tip[0])
        self.timekeeper = Worker("timers", self._fire_timers)
        drills = () if self._crash is None else (self._crash.observe,)
        self.spine = Spine(
            self.journal,
            deliver=self.directory.deliver,
            ports=self._ports(self.state),
            observers=(
                *drills,
                self.horizon.observe,
                self.view.observe,
                self.heard.observe,
                self.desk.observe,
            ),
            wake=lambda: self.timekeeper.wake(),  # noqa: PLW0108 - of the one that serves then
        )
        self.activity.held = lambda: self.spine.n_held
        self.journal.on_durable(lambda _seq: self.activity.nudge())

    # ------------------------------------------------------------------ the life of the body

    def run(self) -> None:
        """Live until told to stop; raises what only a new process can answer."""
        try:
            self.supervisor.start(self._has_to_stop)
            self._apply_waiting_commands()
            self._open = True
            gc.collect()
            gc.freeze()  # what is there now stays: collections look at what comes later
            log.info("awake: %s at %g market seconds per second", self._feed_name, self.settings.market.speed)
            self.supervisor.run(self._has_to_stop)
        finally:
            self._stop()

    def _stop(self) -> None:
        """End in order, within a budget: the feed first, so that nothing new comes; what waits is not waited for."""
        self._open = False
        left = self.supervisor.stop(ORDERLY_S)
        if left:
            log.warning("did not stop in time and was written off: %s", ", ".join(left))
        self.journal.flush(FLUSH_S)
        # Files that a written-off thread may still be using are left to it: the next start reads them either way.
        if "watch" not in left:
            if not self.view.is_behind:
                self.watch.show(self.clock.mono_ns())
            self.view.close()
        if "venue" not in left:
            self.venue.close()
        self.journal.close(FLUSH_S)

    def _apply_waiting_commands(self) -> None:
        until_ns = self.clock.mono_ns() + int(COMMANDS_S * 1e9)
        self.desk.turn()
        while not self.desk.is_clear and not self._has_to_stop() and self.clock.mono_ns() < until_ns:
            self.supervisor.turn()
            self.desk.turn()

    def _ports(self, state: Path) -> dict[type, Callable[[Any, Origin], None]]:
        venue: dict[type, Callable[[Any, Origin], None]] = dict.fromkeys(
            (VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport),
            self.judging.watched(self.venue.perform),
        )
        return venue | {StoreGenome: GenomeStorePort(state / "genome.db")}

    def _resume(self, recovery: Recovery) -> None:
        """Deliver again what nobody had read, and arm timers again: what was left to wait is waited."""
        self.spine.market_ns = recovery.market_ns
        for name, organ in recovery.organs.items():
            timers = rebase(organ.timers, recovery.mono_ns, self.clock.mono_ns())
            self.horizon.adopt(name, organ.pending, timers)
            for envelope in organ.pending:
                self.directory.deliver(name, envelope)
            for timer in timers:
                self.spine.timers.schedule(timer)

    def _supervisor(self, heart: Callable[[], None]) -> Supervisor:
        settings = self.settings
        self._feed_name = settings.market.feed
        shell = Shell(
            spine=self.spine,
            clock=self.clock,
            on_ready=lambda *_: None,
            on_death=lambda _: None,
            save_snapshot=self._save_snapshot,
            snapshot_steps=settings.journal.snapshot_steps,
            snapshot_s=settings.journal.snapshot_s,
            before_step=self._before_step,
        )
        supervisor = Supervisor(
            trees(settings.supervision, self._feed_name),
            cores=self.cores,
            goods=self.goods,
            directory=self.directory,
            shell=shell,
            settings=settings.supervision,
            children={
                "venue": lambda: VenueChild(self.venue),
                "timers": self._new_timekeeper,
                "operator": lambda: Worker("operator", self.desk.turn),
                "watch": lambda: Worker("watch", self.watch.turn),
                self._feed_name: self._new_feed,
            },
            hooks=Hooks(dead_letter=self._dead_letter, on_outage=self._outage, heart=heart),
            safe=self._safe,
            seed=settings.seed,
        )
        self.watch = Watch(
            Parts(
                settings=settings, journal=self.journal, view=self.view, heard=self.heard, clock=self.clock,
                samples=supervisor.sample, steps=self._steps, venue=self.venue,
                deliver=self.directory.deliver, remedy=self._remedy, folder=self.state, safe=self._safe,
                boot=self.boot, judging=self.judging,
            )
        )  # fmt: skip
        return supervisor

    def _new_timekeeper(self) -> Worker:
        self.timekeeper = Worker("timers", self._fire_timers)
        return self.timekeeper

    def _new_feed(self) -> FeedChild:
        market = self.settings.market
        cursor = self.goods["nervous"].state.cursor
        feed = LiveFeed(
            self._feed_name,
            lambda after: instants(market, after),
            bar_s=market.bar_s,
            speed=market.speed,
            credit=self._credit,
            deliver=self._bars_arrived,
            report=self._feed_reported,
            after=cursor,
        )
        self.feed = FeedChild(feed)
        return self.feed

    # ------------------------------------------------------------------ called by the parts

    def _credit(self, wait_s: float) -> bool:
        if not self._open:
            self.activity.wait_quiet(min(wait_s, QUIET_S), self.clock)
            return False
        return self.activity.wait_quiet(wait_s, self.clock) and self.directory.has_room()

    def _bars_arrived(self, instant: BarsArrived) -> None:
        # Not only by its time: an instant that could not be believed may come again, and nervous knows duplicates.
        identity = f"bar:{instant.session}:{instant.at_ns}:{self.boot}.{next(self._numbers)}"
        self.directory.deliver("nervous", Envelope(identity, "feed", 0, instant.at_ns, "", instant))

    def _feed_reported(self, report: FeedReported) -> None:
        self._tell(("nervous",), "feed", report)

    def _venue_replied(self, message: Message, origin: Origin) -> None:
        identity = f"venue:{origin.id}:{self.boot}:{next(self._numbers)}"
        envelope = Envelope(identity, "venue", 0, self.spine.market_ns, origin.id, message)
        self.directory.deliver("motor", envelope)
        if self._crash is not None:
            self._crash.delivered(message)

    def _connected(self, venue: Backend) -> Backend:
        return venue if self._crash is None else self._crash.around(venue)

    def _tell(self, organs: tuple[str, ...], sender: str, message: Message) -> None:
        identity = f"{sender}:{self.boot}:{next(self._numbers)}"
        for organ in organs:
            self.directory.deliver(organ, Envelope(identity, sender, 0, self.spine.market_ns, "", message))

    def _is_current(self, organ: str, incarnation: int) -> bool:
        post = self.supervisor.posts.get(organ)
        return post is None or post.incarnation == incarnation

    def _fire_timers(self) -> float:
        now_ns = self.clock.mono_ns()
        self.spine.fire_timers("mono", now_ns)
        due_ns = self.spine.timers.next_due("mono")
        return 0.5 if due_ns is None else min(0.5, max(0.0, (due_ns - now_ns) / 1e9))

    def _steps(self) -> dict[str, int]:
        return {name: good.step for name, good in self.goods.items()}

    def _save_snapshot(self, organ: str, state: Any, step: int, seq: int) -> None:
        """Keep an organ's state; called on its own thread between two steps."""
        horizon_seq = self.horizon.of(organ)
        core = self.cores[organ]
        if self.journal.durable_seq < seq:
            self.journal.flush()
        self.snapshots.save(
            Snapshot(
                organ=organ,
                step=step,
                seq=seq,
                horizon_seq=min(horizon_seq, seq),
                state=msgspec.msgpack.encode(state),
                state_version=state_version(core.state_type),
                code_version=__version__,
                timers=self.horizon.timers(organ),
                run=self.journal.run.run,
                seen=tuple(self.goods[organ].seen),
            )
        )

    def _dead_letter(self, dead: DeadLetter) -> None:
        kind = type(dead.envelope.message).__name__
        log.error("set aside: %s for %s: %s\n%s", kind, dead.organ, dead.why, dead.trace, extra=dead.told)
        self.view.dead_letter(dead.wall_ns, dead.organ, kind, dead.why, dead.trace)

    def _outage(self, late_s: float) -> None:
        log.warning("the machine or this process stood still for %.1f s: reconciling before trading", late_s)
        self.supervisor.remind("motor")

    def _journal_failed(self, error: BaseException) -> None:
        log.critical("the journal cannot be written: %s", error)

    def _remedy(self, action: Action, why: str) -> None:
        log.warning("recovery: %s (%s)", action.value, why)
        if action is Action.RESTART_FEED:
            self.feed.fail("restarted by recovery: its data is stale")
        elif action in {Action.RECONCILE, Action.RECONNECT_VENUE}:
            self.supervisor.remind("motor")
        elif action is Action.COLLECT_GARBAGE:
            gc.collect()
        elif action is Action.CHECK_JOURNAL:
            self.journal.flush()
        else:
            alert = AlertRaised(
                severity=Severity.WARNING, priority=Priority.HIGH, title="Recovery is at work", body=why, dedup_key="recovery",
            )  # fmt: skip
            self._tell(("voice",), "watch", alert)
