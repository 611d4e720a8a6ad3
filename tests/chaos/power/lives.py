"""What a state folder lives through before the power goes: everybody who tells somebody that something is durable.

All of it is production code; only the organ is small, so that the state it must have after any row is known.
"""

import contextlib
import random
import sqlite3
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from genome.store import GenomeRecord, GenomeStore
from organism.commands import COMMANDS, CommandsDb
from organism.core import Now, OrganCore
from organism.effects import Notify, Publish
from organism.errors import OrganismError
from organism.journal.pending import Horizon
from organism.journal.recovery import Recovery, recover
from organism.journal.snapshots import Snapshot, SnapshotStore, state_version
from organism.journal.writer import SqliteJournal
from organism.market import Bar
from organism.messages import BarClosed, BarsArrived, Envelope, Message, Priority, Severity
from organism.view.writer import ViewWriter
from organs.motor.paper.book import PaperBook
from organs.motor.paper.matching import PaperExchange
from organs.voice.sender.alert import Alert
from organs.voice.sender.courier import DELIVERED, Result
from organs.voice.sender.record import Deliveries
from tests.chaos.power.watch import Watcher
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, bar, order, paper

S = TypeVar("S", GenomeStore, PaperBook, Deliveries)

ORGAN = "nervous"
CHANNEL = "post"


class Tally(msgspec.Struct, frozen=True):
    """How many bars an organ heard, and the last one."""

    n: int = 0
    at_ns: int = 0


def step(state: Tally, message: Message, now: Now) -> tuple[Tally, tuple[Publish | Notify, ...]]:
    """Tell every bar to the brain, every fifth one to a person."""
    del now
    if not isinstance(message, BarsArrived):
        return state, ()
    said = BarClosed(at_ns=message.at_ns, session=1, bars=message.bars)
    told = Notify(
        alert_id=f"a{state.n}", severity=Severity.INFO, priority=Priority.LOW, title="bar", body="b" * 300, tags=()
    )  # fmt: skip
    effects = (Publish(to=("brain",), message=said), *((told,) if state.n % 5 == 0 else ()))
    return Tally(state.n + 1, message.at_ns), effects


CORE: OrganCore[Tally] = OrganCore(ORGAN, Tally, Tally(), step)


def arrived(n: int) -> BarsArrived:
    """The n-th bar."""
    bars = (Bar("X/USDT", n * 300, n * 300 + 300, 1.0, 2.0, 0.5, 1.0 + n, 10.0),)
    return BarsArrived(feed="f", session=1, at_ns=n * 300 + 300, bars=bars)


class House(NamedTuple):
    """A state folder and how its journal is kept."""

    folder: Path
    segment_mb: float
    keep_segments: int
    boot: str = "first"

    def journal(self) -> SqliteJournal:
        """Open the journal as the body does, but inline."""
        return SqliteJournal(
            self.folder, threaded=False, namespace="house",
            segment_mb=self.segment_mb, keep_segments=self.keep_segments,
        )  # fmt: skip

    def recovered(self, journal: SqliteJournal) -> Recovery:
        """Recover the organ as the body does, checking every step against what was recorded."""
        return recover(journal, SnapshotStore(self.folder / "snapshots"), [CORE], check=True)

    def view(self) -> ViewWriter:
        """The view of this folder."""
        return ViewWriter(self.folder / "view.db", boot=self.boot)


class Body:
    """One life of the small organ, from its recovery on."""

    def __init__(self, house: House, watcher: Watcher) -> None:
        self._house, self._watcher = house, watcher
        self.journal = house.journal()
        self.journal.on_durable(lambda seq: watcher.acknowledge("rows", (seq, self.digests[seq])))
        self.digests: dict[int, bytes] = {}
        self._horizon = Horizon(self.journal.tip[0])
        self._view = house.view()
        try:
            self._recover()
        except BaseException:
            self._view.close()
            with contextlib.suppress(OrganismError, sqlite3.Error, OSError):
                self.journal.close()
            raise

    def _recover(self) -> None:
        house = self._house
        self._snapshots = SnapshotStore(house.folder / "snapshots")
        self._view.catch_up(self.journal)
        recovery = house.recovered(self.journal)
        assert recovery.difference is None
        organ = recovery.organs[ORGAN]
        self.state, self._step, self._seq = organ.state, organ.step, organ.seq
        self._incarnation = self.journal.begin_incarnation(ORGAN)
        self._watcher.acknowledge("incarnation", self._incarnation)

    def live(self, n_bars: int) -> None:
        """Hear some bars; the journal may commit by itself."""
        for _ in range(n_bars):
            self._step += 1
            now = Now(self._step, self._step, self._step, self._step)
            envelope = Envelope(f"bar:{self._step}", "feed", 0, self._step, "", arrived(self.state.n))
            self.state, effects = step(self.state, envelope.message, now)
            self._seq = self.journal.record(ORGAN, self._incarnation, self._step, envelope, effects, now)
            self.digests[self._seq] = self.journal.tip[1]
            self._horizon.observe(self._seq, ORGAN, envelope, effects, now)
            self._view.observe(self._seq, ORGAN, envelope, effects, now)

    def flush(self) -> None:
        """Be told that it is durable."""
        self.journal.flush()

    def show(self) -> None:
        """Write the view."""
        self._view.commit(self.journal.durable_seq)

    def snapshot(self) -> None:
        """Keep the state."""
        self.journal.flush()
        self._snapshots.save(
            Snapshot(
                organ=ORGAN, step=self._step, seq=self._seq, horizon_seq=min(self._horizon.of(ORGAN), self._seq),
                state=msgspec.msgpack.encode(self.state), state_version=state_version(Tally),
                run=self.journal.run.run,
            )
        )  # fmt: skip

    def end(self) -> None:
        """Stop in order."""
        self._view.close()
        self.journal.close()


class Others:
    """Everybody else who keeps something in a state folder."""

    def __init__(self, house: House, watcher: Watcher) -> None:
        self._watcher = watcher
        self._commands = CommandsDb(house.folder / "commands.db")
        self._open = contextlib.ExitStack()
        try:
            self._genomes = self._kept(GenomeStore(house.folder / "genome.db"))
            self._book = self._kept(PaperBook(house.folder / "paper_venue.db"))
            self._deliveries = self._kept(Deliveries(house.folder))
        except BaseException:
            self._open.close()
            raise
        self._exchange = PaperExchange(paper(), INSTRUMENTS)
        self._book.load(self._exchange)
        self._n = watcher.n_before
        self._given: list[int] = []

    def act(self, what: str) -> None:
        """Do one thing and note what was said about it."""
        self._n += 1
        getattr(self, f"_{what}")(self._n)

    def _give(self, n: int) -> None:
        number = self._commands.give(COMMANDS[n % 3], "operator", f"note {n}")
        self._given.append(number)
        self._watcher.acknowledge("command", (number, f"note {n}"))

    def _answer(self, n: int) -> None:
        if self._given:
            number = self._given.pop(0)
            self._commands.acknowledge(number, f"done {n}")
            self._watcher.acknowledge("answer", (number, f"done {n}"))

    def _genome(self, n: int) -> None:
        record = GenomeRecord.of("ema_trend", 0, (("fast", float(n)), ("slow", 480.0)))
        self._genomes.put(record)
        self._watcher.acknowledge("genome", record)

    def _trade(self, n: int) -> None:
        instant = self._exchange.instant_ns or START
        self._exchange.submit(f"c{n}", order(f"{n}-0", quantity="0.1", created_ns=instant))
        count = (instant - START) // BAR_NS + 1
        self._exchange.advance(instant + BAR_NS, (bar(count),))
        self._book.save(self._exchange)
        self._watcher.acknowledge("order", (f"c{n}", len(self._exchange.fills)))

    def _alert(self, n: int) -> None:
        alert = Alert(
            id=f"alert-{n}", severity="info", priority="low", title="t", body="b", tags=(), wall_ns=n, seq=n
        )  # fmt: skip
        self._deliveries.accept([(alert, (CHANNEL,))], "journal", n, b"i")
        self._watcher.acknowledge("alert", alert.id)
        if n % 2:
            self._deliveries.note(Result(alert, CHANNEL, DELIVERED, 1, ""))
            self._watcher.acknowledge("delivered", alert.id)

    def end(self) -> None:
        """Let go of the files."""
        self._open.close()

    def _kept(self, store: S) -> S:
        self._open.callback(store.close)
        return store


class Life:
    """A state folder and everybody in it. What refuses goes on: the body with a new one, as under a guardian."""

    DEEDS = ("bars", "bars", "bars", "flush", "flush", "snapshot", "show", "restart",
             "give", "answer", "genome", "trade", "alert")  # fmt: skip

    def __init__(self, house: House, watcher: Watcher, chance: random.Random) -> None:
        self._house, self._watcher, self._chance = house, watcher, chance
        self.body: Body | None = None
        self.others: Others | None = None

    def live(self, n_deeds: int) -> None:
        """Do some deeds, in an order that the seed decides, with orderly restarts in between."""
        for _ in range(n_deeds):
            self.do(self._chance.choice(self.DEEDS))

    def do(self, deed: str) -> None:
        """One deed."""
        if self.body is None:
            self.body = Body(self._house, self._watcher)
        if self.others is None:
            self.others = Others(self._house, self._watcher)
        if deed == "bars":
            self.body.live(self._chance.randint(1, 12))
        elif deed == "restart":
            if self._chance.random() < 0.3:
                self.end_body()
        elif deed in {"flush", "snapshot", "show"}:
            getattr(self.body, deed)()
        else:
            self.others.act(deed)

    def end_body(self) -> None:
        """Stop the body in order; the next deed starts another."""
        body, self.body = self.body, None
        if body is not None:
            body.end()

    def end(self) -> None:
        """Stop everybody."""
        others, self.others = self.others, None
        if others is not None:
            others.end()
        self.end_body()
