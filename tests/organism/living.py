"""Toy organs under a real supervisor: what the actor tests share."""

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

import msgspec

from organism.clock import SystemClock
from organism.core import OrganCore
from organism.directory import Activity, Directory
from organism.effects import Publish
from organism.journal.port import MemoryJournal
from organism.market import Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    Envelope,
    FeedReported,
    OperatorCommanded,
    Recovered,
    VitalsTaken,
)
from organism.organ import LastGood, Shell
from organism.settings import SupervisionSettings
from organism.spine import Spine
from organism.supervision import ChildSpec, Intensity, Strategy, TreeSpec
from organism.supervisor import Hooks, Supervisor

DEADLINE_S = 10.0
CLOCK = SystemClock()


class Diary(msgspec.Struct, frozen=True):
    """Everything a toy organ has seen."""

    n: int = 0
    said: tuple[str, ...] = ()
    recovered: int = 0


def listener(state, message, now):
    """Remember what came, in order."""
    if isinstance(message, Recovered):
        return msgspec.structs.replace(state, recovered=state.recovered + 1), ()
    text = type(message).__name__
    if isinstance(message, FeedReported):
        text = message.detail
    elif isinstance(message, OperatorCommanded):
        text = message.command
    elif isinstance(message, BarClosed):
        text = str(message.at_ns)
    return Diary(state.n + 1, (*state.said, text), state.recovered), ()


def relay(state, message, now):
    """Pass bars on to the brain."""
    state, _ = listener(state, message, now)
    if isinstance(message, BarsArrived):
        closed = BarClosed(at_ns=message.at_ns, session=1, bars=message.bars)
        return state, (Publish(to=("brain",), message=closed),)
    return state, ()


class SafeJournal(MemoryJournal):
    """The memory journal for several threads; every row is durable at once."""

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()

    def begin_incarnation(self, organ):
        with self.lock:
            return super().begin_incarnation(organ)

    def record(self, *step):
        with self.lock:
            seq = super().record(*step)
            self.flush()
            return seq


class Trap:
    """Fault injection: does something when an organ is about to step on a message."""

    def __init__(self):
        self.rules: list[tuple[Callable[[str, Envelope], bool], Callable[[], None]]] = []
        self.n_sprung = 0

    def set(self, organ, text, act, times=10**9):
        """Call `act` the first `times` times that `organ` takes the message saying `text`."""
        left = [times]

        def applies(name, envelope):
            said = getattr(envelope.message, "detail", getattr(envelope.message, "command", None))
            if name != organ or said != text or not left[0]:
                return False
            left[0] -= 1
            return True

        self.rules.append((applies, act))

    def __call__(self, organ, envelope):
        for applies, act in self.rules:
            if applies(organ, envelope):
                self.n_sprung += 1
                act()


def raising(error):
    def act():
        raise error

    return act


def say(text):
    return FeedReported(feed="toy", condition="gap", detail=text)


def bars(at_ns):
    return BarsArrived(
        feed="toy", session=1, at_ns=at_ns, bars=(Bar("X", at_ns - 1, at_ns, 1.0, 1.0, 1.0, 1.0, 1.0),)
    )


VITALS = VitalsTaken(health=90.0, parts=())
LOOSE = Intensity(1_000, 60.0)
MONEY = ("metabolism", "immune", "motor")
OTHERS = ("nervous", "brain", "voice")


def trees(each=LOOSE, tree=LOOSE, hang_s=1.0, ready_within_s=10.0):
    def specs(names):
        return tuple(
            ChildSpec(name=name, intensity=each, hang_s=hang_s, ready_within_s=ready_within_s)
            for name in names
        )

    return (
        TreeSpec(
            name="money",
            strategy=Strategy.REST_FOR_ONE,
            children=specs(MONEY),
            intensity=tree,
            critical=True,
        ),
        TreeSpec(name="rest", strategy=Strategy.ONE_FOR_ONE, children=specs(OTHERS), intensity=tree),
    )


class Body:
    """A supervisor in a thread of its own, over toy organs."""

    def __init__(
        self, forest=None, *, children=None, limit=1_000, snapshots=None, snapshot_steps=1_000, goods=None
    ):
        self.journal = SafeJournal()
        self.activity = Activity()
        names = (*MONEY, *OTHERS)
        self.directory = Directory(names, clock=CLOCK, activity=self.activity, limit=limit)
        self.spine = Spine(self.journal, deliver=self.directory.deliver, ports={})
        self.activity.held = lambda: self.spine.n_held
        self.trap = Trap()
        self.goods = {name: LastGood(Diary()) for name in names} | (goods or {})
        self.letters = []
        self.outages = []
        self.n_beats = 0
        self.error = None
        self.halt = threading.Event()
        self.sent = 0
        cores = {
            name: OrganCore(name, Diary, Diary(), relay if name == "nervous" else listener) for name in names
        }
        shell = Shell(
            spine=self.spine,
            clock=CLOCK,
            before_step=self.trap,
            save_snapshot=snapshots or (lambda *_: None),
            snapshot_steps=snapshot_steps,
        )
        self.supervisor = Supervisor(
            forest or trees(),
            cores=cores,
            goods=self.goods,
            directory=self.directory,
            shell=shell,
            settings=SupervisionSettings(backoff_base_s=0.005, backoff_cap_s=0.02),
            children=children,
            hooks=Hooks(dead_letter=self.letters.append, on_outage=self.outages.append, heart=self._beat),
        )
        self.thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def _beat(self):
        self.n_beats += 1

    def _run(self):
        try:
            self.supervisor.start(self.halt.is_set)
            self.supervisor.run(self.halt.is_set)
        except Exception as error:  # noqa: BLE001 - whatever ended it is what the test looks at
            self.error = error
        self.supervisor.stop()

    def tell(self, organ, message):
        self.sent += 1
        self.directory.deliver(organ, Envelope(f"toy:{self.sent}", "toy", 0, 0, "", message))

    def quiet(self):
        assert self.activity.wait_quiet(DEADLINE_S, CLOCK), f"{self.activity.n} are still under way"

    def state(self, organ):
        return self.goods[organ].state

    def post(self, organ):
        return self.supervisor.posts[organ]

    def kinds(self, organ, kind):
        return [m for m in self.heard(organ) if isinstance(m, kind)]

    def heard(self, organ):
        from organism.journal.rows import decode_envelope

        with self.journal.lock:
            rows = [row for row in self.journal.rows() if row.organ == organ and row.input]
        return [decode_envelope(row.input).message for row in rows]

    def incarnations(self):
        return {name: post.incarnation for name, post in self.supervisor.posts.items()}


def until(claim, deadline_s=DEADLINE_S):
    """Wait until the claim is true; fail when it is not by the deadline."""
    pause = threading.Event()
    end = time.monotonic() + deadline_s
    while not claim():
        assert time.monotonic() < end, "it did not come true in time"
        pause.wait(0.002)


@contextmanager
def living(forest=None, **options):
    body = Body(forest, **options)
    body.thread.start()
    try:
        until(lambda: body.error or all(post.is_ready for post in body.supervisor.posts.values()))
        yield body
    finally:
        body.halt.set()
        body.thread.join(DEADLINE_S)
        assert not body.thread.is_alive()
