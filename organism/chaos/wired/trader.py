"""Gate, execution and voice as they are, over the real client and a bad line, by a clock that is moved by hand.

What takes minutes in life (a venue out of reach, a window that has to pass) takes as long here as its sockets do.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from organism.chaos.outcome import Losses
from organism.chaos.proxy import Proxy
from organism.chaos.strikes import Armed, lengths
from organism.chaos.wired.stand import Stand, Unruly
from organism.core import Now, OrganCore
from organism.effects import (
    Effect,
    Effects,
    Publish,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.invariants import Judge, Rules
from organism.journal.port import MemoryJournal
from organism.lockstep import Lockstep
from organism.market import NS_PER_S, Bar, FeeSchedule, Instrument, VenueCapabilities
from organism.messages import (
    AlertRaised,
    BarClosed,
    BarsArrived,
    CancelRequested,
    Envelope,
    Filled,
    Message,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
)
from organism.settings import PaperSettings, RiskSettings, VoiceSettings
from organism.spine import Origin
from organism.trading import Fill, Order, OrderKind, OrderStatus, Purpose, Side
from organs.immune.core import immune_core
from organs.motor.core import motor_core
from organs.motor.paper.client import Remote
from organs.motor.paper.wire import SOCKET
from organs.motor.state import MotorState, Tracked
from organs.voice.core import voice_core

SYMBOL = "X/USDT"
BAR_NS = 300 * NS_PER_S
START_NS = 1_704_067_200 * NS_PER_S
PRICE = Decimal(100)
CASH = Decimal(10_000)
DEADLINE_S = 0.1  # of one request: what is lost costs this much real time
SLICE_NS = NS_PER_S // 20
CAPABILITIES = VenueCapabilities(
    name="paper", validity_window_s=0.5, engine_timeout_s=0.5, clock_skew_s=0.0, can_short=False
)
INSTRUMENT = Instrument(
    symbol=SYMBOL, base="X", quote="USDT", venue="paper", tick=Decimal("0.01"), lot=Decimal("0.001"),
    min_notional=Decimal(5), fees=FeeSchedule(maker=Decimal(0), taker=Decimal(0)),
)  # fmt: skip
PAPER = PaperSettings(
    spread_bps=0.0, slippage_bps=0.0, maker_fee=0.0, taker_fee=0.0, volume_share=1.0, latency_s=0.0,
    starting_cash=float(CASH),
)  # fmt: skip
_REQUESTS = (VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport)


class _Eyes(msgspec.Struct, frozen=True):
    """The stand-in for the senses remembers nothing."""


def _see(state: _Eyes, message: Message, _now: Now) -> tuple[_Eyes, Effects]:
    if type(message) is not BarsArrived:
        return state, ()
    closed = BarClosed(at_ns=message.at_ns, session=1, bars=message.bars)
    return state, (Publish(to=("motor",), message=closed),)


class Trader:
    """One life. `armed` strikes on the line; `said` holds every message that was published."""

    def __init__(self, folder: Path, risk: RiskSettings | None = None, share: float = 1.0) -> None:
        behind, before = folder / "venue", folder / "line"
        for one in (behind, before):
            one.mkdir(parents=True)
        self.exchange = Unruly(msgspec.structs.replace(PAPER, volume_share=share), (INSTRUMENT,))
        self.said: list[Message] = []
        self.submitted: dict[str, list[str]] = {}
        self.wanted: dict[str, Order] = {}
        self.n_unanswered: Counter[str] = Counter()
        self.armed = Armed()
        self._n_orders = self._n_bars = 0
        risk = risk or RiskSettings()
        self.judge = Judge(Rules(instruments={SYMBOL: INSTRUMENT}, risk=risk, starting_cash=CASH))
        self.stand = Stand(behind, self.exchange, lambda: self.driver.mono_ns)
        self.proxy = Proxy(before / SOCKET, behind / SOCKET, decide=self.armed, framing=lengths)
        self._remote = Remote(
            before, deadline_s=DEADLINE_S, longest_pause_s=0.0
        )  # no pause of real time in virtual time
        cores: list[OrganCore[Any]] = [
            OrganCore("nervous", _Eyes, _Eyes(), _see),
            immune_core(risk, (INSTRUMENT,)),
            motor_core(CAPABILITIES, (INSTRUMENT,), "wired"),
            voice_core(VoiceSettings()),
        ]
        self.driver: Lockstep
        Lockstep(
            cores,
            MemoryJournal(),
            ports=dict.fromkeys(_REQUESTS, self._perform),
            observers=(self.judge.observe, self._observe),
            before_start=self._bind,
        )
        self.bar()

    def close(self) -> None:
        """Leave no thread and no socket."""
        self._remote.close()
        self.proxy.close()
        self.stand.close()

    # -------------------------------------------------------------- what happens

    def bar(self, volume: float = 1_000.0, price: float = float(PRICE)) -> None:
        """The next market instant, and the portfolio valued at it."""
        self._n_bars += 1
        at_ns = START_NS + self._n_bars * BAR_NS
        bar = Bar(SYMBOL, at_ns - BAR_NS, at_ns, price, price, price, price, volume)
        self.driver.inject(
            "nervous", BarsArrived(feed="wired", session=1, at_ns=at_ns, bars=(bar,)), sender="feed"
        )
        self.driver.drain()
        self.mark(at_ns)

    def mark(self, at_ns: int) -> None:
        """Value the portfolio for the gate."""
        equity = float(CASH)
        mark = PortfolioMarked(
            at_ns=at_ns, session=1, cash=CASH, equity=equity, peak=equity, drawdown=0.0, day_start=equity,
            gross_exposure=0.0, net_exposure=0.0, realised=Decimal(0), unrealised=Decimal(0), fees=Decimal(0),
            consecutive_losses=0, positions=(), closes=((SYMBOL, float(PRICE)),),
        )  # fmt: skip
        self.driver.inject("immune", mark, sender="metabolism")
        self.driver.drain()

    def propose(self, quantity: str | Decimal = "1", **changes: Any) -> str:
        """Ask the gate for an order; its id."""
        self._n_orders += 1
        given: dict[str, Any] = {
            "id": f"w-{self._n_orders}", "symbol": SYMBOL, "side": Side.BUY, "quantity": Decimal(quantity),
            "kind": OrderKind.MARKET, "purpose": Purpose.TARGET, "reference_price": PRICE,
            "created_ns": self.driver.spine.market_ns,
        }  # fmt: skip
        order = Order(**{**given, **changes})
        self.wanted[order.id] = order
        self.driver.inject("immune", OrderProposed(order=order), sender="metabolism")
        self.driver.drain()
        return order.id

    def cancel(self, order_id: str) -> None:
        """Wish an order gone."""
        request = CancelRequested(order_id=order_id, reason="changed its mind")
        self.driver.inject("motor", request, sender="metabolism")
        self.driver.drain()

    def wait(self, span_s: float, slice_ns: int = SLICE_NS) -> None:
        """Let monotonic time pass."""
        for _ in range(max(1, round(span_s * NS_PER_S / slice_ns))):
            self.driver.advance_mono(slice_ns)
            self.driver.drain()

    def calm(self, n: int = 4) -> None:
        """The line is good again; the market goes on until every doubt is resolved."""
        self.armed.disarm()
        self.proxy.thaw()
        self.proxy.down(is_down=False)
        for _ in range(n):
            self.bar()
            self.wait(9.0, NS_PER_S // 4)

    # -------------------------------------------------------------- what is known

    @property
    def motor(self) -> MotorState:
        """What execution remembers."""
        state: MotorState = self.driver.organs["motor"].state
        return state

    def order(self, order_id: str) -> Tracked:
        """One order, as execution knows it."""
        return self.motor.orders[order_id]

    def of(self, kind: type) -> list[Any]:
        """Everything of one kind that was published."""
        return [message for message in self.said if type(message) is kind]

    def alarmed(self, words: str) -> int:
        """How often an alert was raised whose title holds these words."""
        return sum(words in alert.title for alert in self.of(AlertRaised))

    def statuses(self, order_id: str) -> list[OrderStatus]:
        """Everything an order was told to be, in order."""
        return [u.status for u in self.of(OrderUpdated) if u.order_id == order_id]

    def denied(self, order_id: str) -> OrderDenied | None:
        """The refusal of the gate, if it refused."""
        return next((d for d in self.of(OrderDenied) if d.order_id == order_id), None)

    def losses(self, *, forced: frozenset[str] = frozenset()) -> Losses:
        """Our side against the venue's book. `forced`: client ids under which it did what it was never asked to."""
        told = [m.fill for m in self.of(Filled)]
        there = {fill.key for fill in self.exchange.fills}
        keys = Counter(fill.key for fill in told)
        return Losses(
            lost=len(there - keys.keys()),
            duplicate=sum(n - 1 for n in keys.values()) + self._doubled(forced),
            phantom=len(keys.keys() - there) + self._invented(forced),
            untracked=self._untracked(),
            breaches=sum(self.judge.n.values()),
        )

    def _doubled(self, forced: frozenset[str]) -> int:
        n = 0
        for order_id, clients in self.submitted.items():
            done = [q for c in clients if c not in forced and (q := self._executed(c))]
            n += len(done) > 1 or sum(done) > self.wanted[order_id].quantity
        return n

    def _executed(self, client: str) -> Decimal:
        return sum((f.quantity for f in self.exchange.fills if f.client_order_id == client), Decimal(0))

    def _invented(self, forced: frozenset[str]) -> int:
        ours = {client for clients in self.submitted.values() for client in clients}
        return sum(client not in ours | forced for client in self.exchange.orders)

    def _untracked(self) -> int:
        held = {s: q for s, q in self.exchange.positions.items() if q}
        ours = {s: q for s, q in self.motor.positions.items() if q}
        n = sum(held.get(s) != ours.get(s) for s in held | ours)
        live = {t.client_order_id for t in self.motor.orders.values() if not t.status.is_terminal}
        return n + len({r.client_order_id for r in self.exchange.open_orders()} ^ live)

    # -------------------------------------------------------------- called by the driver

    def _bind(self, driver: Lockstep) -> None:
        self.driver = driver

    def _perform(self, effect: Effect, origin: Origin) -> None:
        message = self._remote.handle(effect, self.driver.mono_ns)
        if message is None or getattr(message, "answered", True) is False:
            self.n_unanswered[type(effect).__name__] += 1
        if message is not None:
            self.driver.answer(message, origin)

    def _observe(self, _seq: int, _organ: str, _envelope: Envelope, effects: Effects, _now: Now) -> None:
        for effect in effects:
            if type(effect) is Publish:
                self.said.append(effect.message)
            elif type(effect) is VenueSubmit:
                clients = self.submitted.setdefault(effect.approved.order.id, [])
                if effect.client_order_id not in clients:
                    clients.append(effect.client_order_id)


def executed(fills: list[Fill]) -> Decimal:
    """Sum of quantities, signed."""
    return sum((fill.quantity * fill.side.sign for fill in fills), Decimal(0))


@contextlib.contextmanager
def trading(folder: Path, risk: RiskSettings | None = None, share: float = 1.0) -> Iterator[Trader]:
    """One life on a folder of its own, ended in order."""
    trader = Trader(folder, risk, share)
    try:
        yield trader
    finally:
        trader.close()
