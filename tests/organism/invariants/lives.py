"""Lives of the real organs in lockstep, on a market and with limits drawn by a seed, judged as they go."""

import itertools
import random

from organism.body.lockstep import Assembled, assemble
from organism.body.past import rules_of
from organism.effects import Effect, VenueSubmit
from organism.invariants import Judge
from organism.journal.port import MemoryJournal
from organism.journal.recovery import recover
from organism.lockstep import Faults
from organism.market import NS_PER_S
from organism.messages import FeedRecovered, FeedStalled, OperatorCommanded, VitalsTaken
from organism.settings import (
    BrainSettings,
    MarketSettings,
    PaperSettings,
    RiskSettings,
    Settings,
    SizingSettings,
)
from organism.spine import Origin, Port
from organs.nervous.feeds import instants

HEAVY = Faults(
    drop=0.02, delay=0.1, delay_s=5.0, duplicate=0.1, raise_=0.02, hang=0.02, lose_reply=0.3, delay_reply=0.3
)
LOST = 0.3  # of the requests to a venue, in a life that is struck
COMMANDS = ("halt", "resume", "resume", "resume", "reduce", "flatten", "hibernate")


def drawn(seed: int, n_bars: int = 700) -> Settings:
    """Settings that trade a lot, with limits that are sometimes tight."""
    draw = random.Random(f"settings-{seed}").choice
    symbols = draw([("BTC/USDT",), ("BTC/USDT", "ETH/USDT"), ("BTC/USDT", "ETH/USDT", "SOL/USDT")])
    halve, none, halt = draw([(0.08, 0.10, 0.15), (0.002, 0.006, 0.012)])
    return Settings(
        seed=seed,
        market=MarketSettings(
            feed=draw(["replay", "simulated"]), seed=seed, max_bars=n_bars, warmup_bars=300, speed=0.0, symbols=symbols
        ),
        paper=PaperSettings(volume_share=draw([0.0002, 0.1]), can_short=draw([True, False])),
        brain=BrainSettings(no_trade_band=0.05, cost_multiple=0.1, min_forecast=0.03),
        sizing=SizingSettings(
            rebalance_band=0.01, method=draw(["volatility", "fixed_fraction"]), fraction=draw([0.25, 0.9]),
            max_exposure=draw([0.3, 0.9]),
        ),
        risk=RiskSettings(
            max_order_notional=draw([5_000.0, 1_500.0]), max_daily_loss=draw([0.05, 0.002]),
            halve_at_drawdown=halve, no_entries_at_drawdown=none, halt_at_drawdown=halt, cool_down_h=draw([4.0, 0.5]), max_positions=draw([1, 2, 10]),
            max_orders_per_minute=draw([60, 12]),
        ),
    )  # fmt: skip


class Life:
    """One life. `trouble`: a person, the machine and the feed interfere; `restarts`: it dies and recovers."""

    def __init__(self, settings: Settings, faults: Faults | None, *, trouble: bool, restarts: bool) -> None:
        self.settings = settings
        self.journal = MemoryJournal()
        self.judge = Judge(rules_of(settings))
        self.n_restarts = self.n_lost = 0
        self._faults, self._trouble, self._restarts = faults, trouble, restarts
        self._draw = random.Random(f"life-{settings.seed}")
        self._n = 0
        self.assembled = self._assemble()

    def live(self, n: int) -> "Life":
        """Through n instants, then silence until everything late has come."""
        source = instants(self.settings.market)
        for instant in itertools.islice(source, n):
            self.assembled.driver.tick(instant)
            self.assembled.look()
            if self._trouble:
                self._interfere()
            if self._restarts and self._draw.random() < 0.01:
                source = self._die()
        self.assembled.driver.settle()
        self.assembled.driver.advance_mono(120 * NS_PER_S)
        self.journal.flush()
        return self

    def _assemble(self, **again: object) -> Assembled:
        made = assemble(self.settings, self.journal, faults=self._faults, judge=self.judge, **again)  # type: ignore[arg-type]
        if self._faults is not None:
            ports = made.driver.spine._ports
            ports[VenueSubmit] = self._lossy(ports[VenueSubmit])
        return made

    def _lossy(self, perform: Port) -> Port:
        """Some requests never reach the venue; nobody says so."""

        def depart(effect: Effect, origin: Origin) -> None:
            if self._draw.random() < LOST:
                self.n_lost += 1
            else:
                perform(effect, origin)

        return depart

    def _interfere(self) -> None:
        draw = self._draw
        if draw.random() < 0.01:
            hours = draw.choice([None, 1.0])
            command = draw.choice(COMMANDS)
            self._tell(
                OperatorCommanded(command_id=self._n, command=command, operator="me", hours=hours), "operator"
            )
        if draw.random() < 0.01:
            for _ in range(draw.choice([1, 3, 6])):
                self._tell(VitalsTaken(health=draw.choice([40.0, 40.0, 90.0]), parts=()), "supervisor")
        if draw.random() < 0.01:
            stalled = FeedStalled(feed="f", reason="r", silent_s=3.0)
            self._tell(draw.choice([stalled, *[FeedRecovered(feed="f")] * 3]), "nervous")

    def _tell(self, message: object, sender: str) -> None:
        self._n += 1
        self.assembled.driver.inject("immune", message, sender=sender, envelope_id=f"{sender}:life:{self._n}")  # type: ignore[arg-type]
        self.assembled.driver.drain()

    def _die(self):  # type: ignore[no-untyped-def]
        """The process ends between two instants and another recovers from the journal."""
        self.n_restarts += 1
        self.journal.flush()
        before = self.assembled
        recovery = recover(self.journal, None, [living.core for living in before.driver.organs.values()])
        states = {name: (organ.state, organ.step) for name, organ in recovery.organs.items()}
        self.assembled = self._assemble(exchange=before.exchange, states=states)
        self.assembled.driver.spine.market_ns = recovery.market_ns
        return instants(self.settings.market, states["nervous"][0].cursor)
