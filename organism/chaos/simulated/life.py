"""One life: the real organs, spine, recovery and paper venue in lockstep, under everything a plan holds.

The process dies and is restarted as often as the plan wants; the exchange outlives it. Nothing here decides what is
right: that is up to the invariants and the venue's book.
"""

import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from organism.body.anatomy import instruments_of, organ_cores
from organism.body.past import rules_of
from organism.chaos.outcome import Losses
from organism.chaos.simulated.counting import count_refusals, detected
from organism.chaos.simulated.feed import market, told
from organism.chaos.simulated.memory import MemorySnapshots, horizon_of
from organism.chaos.simulated.mortal import Killed, MortalJournal, Reaper
from organism.chaos.simulated.plan import KINDS, Dice, Plan
from organism.chaos.simulated.settings import settings_of
from organism.chaos.simulated.trader import Make, fat_order, mad_order, plain_order, restless
from organism.chaos.simulated.venue import REQUESTS, StruckVenue
from organism.chaos.simulated.witness import FAT, MAD, STORM, Witness, judged_by_the_book
from organism.effects import Effect, VenueSubmit
from organism.errors import EffectFailed, JournalUnwritable
from organism.invariants import Breach, Departure, Judge, Probe
from organism.journal.recovery import Recovery, rebase, recover
from organism.lockstep import Faults, Lockstep
from organism.market import NS_PER_S
from organism.messages import BarsArrived, OperatorCommanded, Recovered
from organism.spine import Observer, Origin
from organism.trading import TradingState
from organs.motor.paper.matching import PaperExchange

SILENCE_S = 20.0
STORM_SIZE = 10_000
SNAPSHOT_EVERY = 20  # instants
COMMITTED = 0.7  # share of the instants after which a group of rows is committed, beside what orders force
RESTARTS = 4  # of one organ in an instant: a supervisor gives up beyond, and each asks again for all that is in doubt
PATIENCE = 4  # instants that trading may be held before a person resumes
_HOUR_NS = 3_600 * NS_PER_S
_COMMANDS = ("halt", "reduce", "flatten", "hibernate")
_STRUCK = {
    "delay": "delay",
    "duplicate": "duplicate",
    "raise_": "raise",
    "hang": "hang",
}  # by the driver itself
_DISK = {"disk_full": "no space left", "disk_error": "input/output error", "failed_sync": "fsync failed"}


@dataclass
class Lived:
    """What came of a life.

    failed      why it is no good, in sentences; empty is what is promised
    silences_s  from each silence of the feed to its alarm; doubts_s: how long each order's fate was unknown; monotonic
    """

    plan: Plan
    tip: tuple[int, bytes]
    n_instants: int
    n_bars: int
    n_intents: int
    n_deaths: int
    losses: Losses
    failed: list[str]
    tried: dict[str, int]
    seen: dict[str, int]
    silences_s: tuple[float, ...]
    doubts_s: tuple[float, ...]
    by_point: dict[str, int]


class Life:
    """Lives a plan. `live` once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.settings = settings_of(plan)
        self.dice = Dice(plan)
        self.reaper = Reaper()
        self.failed: list[str] = []
        self._chance = random.Random(f"life-{plan.seed}")
        self._instruments = instruments_of(self.settings)
        self.exchange = PaperExchange(self.settings.paper, self._instruments, seed=plan.seed)
        self.witness = Witness(Judge(rules_of(self.settings)), self.dice, plan.kinds)
        self.journal = MortalJournal(f"sim{plan.seed}", self.witness.observe)
        self.venue = StruckVenue(self.exchange, self.dice, self.reaper.point, self._departs)
        cores = organ_cores(self.settings, self._instruments, self.journal.namespace)
        if plan.trader == "restless":
            wild = KINDS["wild"].rate if self.dice.has("wild") else 0.0
            cores["brain"] = restless(plan.seed, self.settings.market.symbols, wild=wild)
        self._cores = tuple(cores.values())
        self._market = market(self.settings.market, plan.n_instants + 40)
        self._span_ns = self._chance.choice((NS_PER_S // 2, NS_PER_S, 2 * NS_PER_S))
        self._silences: list[int] = []
        self._struck: dict[str, int] = {}
        self._n_told = self._n_deaths = self._n_bars = self._n_instants = self._n_held = 0
        self._snapshots = MemorySnapshots()
        self._mortal = any(self.dice.has(kind) for kind in ("kill", *_DISK))

    # ------------------------------------------------------------------ living

    def live(self) -> Lived:
        """From birth to the verdict."""
        try:
            self._begin(None, 0)
            while self._n_instants < self.plan.n_instants and not self.witness.judge.breaches:
                self._guarded(self._instant)
            self._calm()
            losses, sentences = judged_by_the_book(self.witness, self.exchange, self.driver)
        except Exception as error:  # noqa: BLE001 - whatever an organ raises on its own is a finding, not our end
            losses, sentences = Losses(lost=0, breaches=1), [_told(error)]
        breaches = [_said(breach) for breach in self.witness.judge.breaches[:10]]
        self.failed = [*self.failed, *breaches, *sentences]
        count_refusals(self.dice, self.driver.organs["nervous"].state)
        silences_s = detected(self._silences, self.witness.stalled_ns, SILENCE_S)
        self.dice.saw("silence", len(silences_s))
        return Lived(
            plan=self.plan, tip=self.journal.tip, n_instants=self._n_instants, n_bars=self._n_bars,
            n_intents=self.witness.n_intents, n_deaths=self._n_deaths, losses=losses, failed=self.failed,
            tried=self.dice.tried, seen=self.dice.seen, silences_s=silences_s, doubts_s=tuple(self.witness.doubts_s), by_point=self.reaper.by_point,
        )  # fmt: skip

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (Killed, JournalUnwritable, EffectFailed) as end:
            cause = end.__cause__ if isinstance(end, EffectFailed) else end
            if not isinstance(cause, Killed | JournalUnwritable):
                raise
            self._die(cause)

    def _instant(self) -> None:
        self._n_instants += 1
        dice, driver, chance = self.dice, self.driver, self._chance
        if dice.strikes("kill"):
            self.reaper.arm("kill", dice.chance("kill").randint(1, 250))
        for kind, why in _DISK.items():
            if dice.strikes(kind):
                self.journal.fail(f"{kind}: {why}", dice.chance(kind).randint(1, 3))
        for organ in driver.organs.values():
            organ.restarts = 0
        self._stand_still()
        self._interfere()
        instant = next(self._source, None)
        driver.advance_mono(self._span_ns)
        if instant is not None:
            self._n_bars += len(instant.bars)
            driver.inject("nervous", instant, sender="feed")
            driver.drain()
        if chance.random() < COMMITTED:
            self.journal.flush()  # a group of rows is committed
            driver.drain()
        if self._mortal and self._n_instants % SNAPSHOT_EVERY == 0:
            self._snapshots.take(driver, self.journal, self._horizon, self.witness.newest, self.journal.run)
        if self._n_instants % 8 == 0:
            deepest = max(len(living.lanes) for living in driver.organs.values())
            self.witness.judge.look(Probe(inbox_depth=deepest))

    def _stand_still(self) -> None:
        dice, driver = self.dice, self.driver
        if dice.happens("wall_jump"):
            jump_ns = dice.chance("wall_jump").choice((1, -1, 24, -24)) * _HOUR_NS
            driver.wall_ahead_ns += jump_ns
        if dice.happens("suspend"):
            driver.mono_ns += int(dice.chance("suspend").uniform(60.0, 3_600.0) * NS_PER_S)
            motor = driver.organs["motor"]
            again = Recovered(organ="motor", incarnation=motor.incarnation, process=False)
            driver.inject("motor", again, sender="supervisor")  # as the supervisor does after an outage
            driver.drain()
        if dice.strikes("silence"):
            self._silences.append(driver.mono_ns)
            driver.advance_mono(int(SILENCE_S * NS_PER_S))

    def _interfere(self) -> None:
        dice = self.dice
        if dice.happens("command"):
            self._command(dice.chance("command").choice(_COMMANDS))
        held = self.driver.organs["immune"].state.standing.state is not TradingState.ACTIVE
        self._n_held = self._n_held + 1 if held else 0
        if self._n_held > PATIENCE:
            self._n_held = 0
            self._command("resume")
        if dice.strikes("wild"):
            self._ask(MAD, mad_order, dice.chance("wild"))
        if dice.strikes("fat_finger"):
            self._ask(FAT, fat_order, dice.chance("fat_finger"))
        if dice.strikes("storm"):
            self._storm()

    def _command(self, word: str) -> None:
        self._n_told += 1
        command = OperatorCommanded(command_id=self._n_told, command=word, operator="me", note="simulated")
        self.driver.inject("immune", command, sender="operator", envelope_id=f"cmd:{self._n_told}")
        self.driver.drain()

    def _ask(self, prefix: str, make: Make, chance: random.Random) -> None:
        instrument = chance.choice(self._instruments)
        close = self._close(instrument.symbol)
        self._n_told += 1
        order = make(f"{prefix}{self._n_told}", instrument, close, self.driver.spine.market_ns, chance)
        self.driver.inject("immune", order, sender="brain")
        self.driver.drain()

    def _storm(self) -> None:
        driver, instrument = self.driver, self._instruments[0]
        self._n_told += 1
        for n in range(STORM_SIZE):
            identity = f"{STORM}{self._n_told}.{n}"
            order = plain_order(identity, instrument, self._close(instrument.symbol), driver.spine.market_ns)
            driver.inject("immune", order, sender="brain")
        driver.drain()

    def _close(self, symbol: str) -> Decimal:
        close = self.driver.organs["metabolism"].state.closes.get(symbol, 100.0)
        return Decimal(repr(close))

    # ------------------------------------------------------------------ dying

    def _die(self, cause: BaseException) -> None:
        """The process has ended. What the disk holds is what was durable, or a little more."""
        self._n_deaths += 1
        self.reaper.left = 0
        journal, dice = self.journal, self.dice
        durable, newest = journal.durable_seq, journal.tip[0]
        reboot = isinstance(cause, Killed) and dice.happens("reboot")
        kept = durable if reboot else self._chance.randint(durable, newest)
        if isinstance(cause, Killed):
            dice.saw(self.reaper.why)
        else:
            kind = journal.broken.partition(":")[0]
            dice.saw(kind)
            if kind != "failed_sync":
                kept = durable
        journal.die(kept)
        self.witness.died(kept)
        mono_ns = self.driver.mono_ns + int(self._chance.uniform(0.05, 5.0) * NS_PER_S)
        if reboot:
            self.venue.ground()
            mono_ns = int(self._chance.uniform(0.0, 1e13))
        while True:
            try:
                self._begin(self._recovered(), mono_ns)
                return
            except (Killed, EffectFailed) as end:
                if isinstance(end, EffectFailed) and not isinstance(end.__cause__, Killed):
                    raise
            dice.saw("kill_again")
            self._n_deaths += 1
            kept = self._chance.randint(journal.durable_seq, journal.tip[0])
            journal.die(kept)
            self.witness.died(kept)

    def _recovered(self) -> Recovery:
        """Fold the journal; the process may die at any row of it, and at any point of its first steps."""
        dice = self.dice
        if dice.strikes("kill_again"):
            chance = dice.chance("kill_again")
            n_rows = self.journal.tip[0] - self._snapshots.oldest
            self.reaper.arm(
                "kill_again", chance.choice((chance.randint(1, 60), n_rows + chance.randint(1, 120)))
            )
        recovery = recover(
            self.journal,
            self._snapshots,
            self._cores,
            check=True,
            before_row=lambda: self.reaper.point("recovery"),
        )
        if recovery.difference is not None:
            self.failed.append(f"recovery decided otherwise than was recorded: {recovery.difference}")
        return recovery

    def _begin(self, recovery: Recovery | None, mono_ns: int) -> None:
        """A process begins."""
        journal = self.journal
        journal.on_durable(self.witness.durable)
        observers: tuple[Observer, ...] = ()
        if self._mortal:
            organs = {} if recovery is None else recovery.organs
            timers = {n: rebase(o.timers, recovery.mono_ns, mono_ns) for n, o in organs.items() if recovery}
            self._horizon = horizon_of(journal, recovery, timers)
            observers = (self._horizon.observe,)
        self.driver = Lockstep(
            self._cores, journal, ports=dict.fromkeys(REQUESTS, self.venue.perform), observers=observers,
            seed=self.plan.seed + self._n_deaths, faults=self._faults(), before_start=self.venue.bind,
            resume=recovery, mono_ns=mono_ns, buggify=self.reaper.point,
        )  # fmt: skip
        self.driver.struck = self._struck
        self._source: Iterator[BarsArrived] = told(
            self._market, self.driver.organs["nervous"].state.cursor, self.dice
        )

    def _faults(self) -> Faults | None:
        rates = {
            name: KINDS[kind].rate
            for name, kind in (
                ("delay", "delay"),
                ("duplicate", "duplicate"),
                ("raise_", "raise"),
                ("hang", "hang"),
            )
            if self.dice.has(kind)
        }
        return Faults(**rates, most_restarts=RESTARTS) if rates and self.dice.on else None

    def _departs(self, effect: Effect, origin: Origin) -> None:
        if self.journal.broken:
            self.failed.append(f"{effect} left after the disk had failed")
        if type(effect) is VenueSubmit:
            durable_seq = self.journal.durable_seq
            self.witness.judge.departed(Departure(origin.seq, effect.client_order_id, durable_seq))

    # ------------------------------------------------------------------ the end

    def _calm(self) -> None:
        """No more faults: what is on its way arrives, and everything in doubt is asked for."""
        self.dice.on = False
        self.reaper.left = 0
        self.journal.fail("", 0)
        driver = self.driver
        driver.faults = None
        driver.advance_mono(60 * NS_PER_S)
        self._command("resume")
        for _ in range(6):
            instant = next(self._source, None)
            driver.advance_mono(NS_PER_S)
            if instant is not None:
                driver.inject("nervous", instant, sender="feed")
                driver.drain()
        driver.advance_mono(120 * NS_PER_S)
        self.journal.flush()
        driver.drain()
        for kind, name in (
            ("delay", "delay"),
            ("duplicate", "duplicate"),
            ("raise", "raise_"),
            ("hang", "hang"),
        ):
            n = self._struck.get(name, 0)
            self.dice.tried[kind] = n
            self.dice.saw(kind, n)


def _said(breach: Breach) -> str:
    return f"{breach.invariant} in row {breach.seq}: {breach.text}"


def _told(error: Exception) -> str:
    last = traceback.extract_tb((error.__cause__ or error).__traceback__)[-1]
    return f"raised: {error.__cause__ or error!r} at {last.name} in {last.filename.rpartition('/')[2]}:{last.lineno}"
