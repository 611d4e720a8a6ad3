"""A venue behind a bad line, for the lockstep driver: requests and replies are lost, late and doubled by seed."""

import heapq
import itertools
import random

import msgspec

from organism.core import OrganCore
from organism.effects import (
    Publish,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.journal.port import MemoryJournal
from organism.lockstep import Lockstep
from organism.market import NS_PER_MS, NS_PER_S
from organism.messages import (
    AlertRaised,
    BarClosed,
    BarsArrived,
    CancelRequested,
    Filled,
    InstantSettled,
    OrderApproved,
    OrderUpdated,
    Reconciled,
)
from organism.trading import OrderKind, OrderStatus, Purpose, Side
from organs.motor.core import motor_core
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.venue import PaperVenue
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, VENUE, D, X, Y, approved, bar, paper

SLICE_NS = 50 * NS_PER_MS
REQUESTS = (VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How bad the line is: probabilities per request or reply; `slow_s` is the longest delay."""

    lose_request: float = 0.12
    delay_request: float = 0.2
    double_request: float = 0.1
    slow_engine: float = 0.2
    lose_reply: float = 0.15
    delay_reply: float = 0.2
    slow_s: float = 3.0


class HostileVenue:
    """A port. The engine may work on a submission up to the engine timeout after it arrived in time."""

    def __init__(self, exchange, seed, line):
        self.exchange = exchange
        self.seen: dict[str, int] = {}
        self._line = line
        self._chance = random.Random(f"line-{seed}")
        self._due = []
        self._order = itertools.count()
        self._arrived_ns = 0
        self._venue = PaperVenue(exchange, mono_ns=lambda: self._arrived_ns)
        self.driver = None

    def bind(self, driver):
        self.driver = driver

    def heal(self):
        """From here on nothing goes wrong; what is late still comes."""
        self._line = None

    def perform(self, effect, origin):
        copies = 1
        if self._strikes("lose_request"):
            return
        if type(effect) is VenueSubmit and self._strikes("double_request"):
            copies = 2
        for copy in range(copies):
            delay = self._delay() if copy or self._strikes("delay_request") else 0
            if type(effect) is VenueAdvance:
                delay = min(delay, SLICE_NS)
            asked = self.driver.mono_ns
            self._at(delay, lambda asked=asked: self._arrive(effect, origin, asked))
        self.deliver()

    def deliver(self):
        """Let everything happen that is due by now."""
        while self._due and self._due[0][0] <= self.driver.mono_ns:
            heapq.heappop(self._due)[2]()

    @property
    def is_busy(self):
        return bool(self._due)

    def _arrive(self, effect, origin, asked):
        arrived = self.driver.mono_ns
        work = 0
        if type(effect) is VenueSubmit and self._strikes("slow_engine"):
            work = int(self._chance.random() * VENUE.engine_timeout_s * NS_PER_S)
        self._at(work, lambda: self._happen(effect, origin, asked, arrived))

    def _happen(self, effect, origin, asked, arrived):
        self._arrived_ns = arrived
        before = self.exchange.duplicates_refused
        answer = self._venue.handle(effect, asked)
        if self.exchange.duplicates_refused > before:
            self._saw("duplicate_refused")
        if "validity window" in getattr(answer, "reason", ""):
            self._saw("too_late")
        if self._strikes("lose_reply"):
            return
        delay = self._delay() if self._strikes("delay_reply") else 0
        self._at(delay, lambda: self.driver.answer(answer, origin))

    def _at(self, delay_ns, what):
        heapq.heappush(self._due, (self.driver.mono_ns + delay_ns, next(self._order), what))

    def _delay(self):
        return int(self._chance.random() * (self._line.slow_s if self._line else 0.0) * NS_PER_S)

    def _strikes(self, name):
        if self._line is None or self._chance.random() >= getattr(self._line, name):
            return False
        self._saw(name)
        return True

    def _saw(self, name):
        self.seen[name] = self.seen.get(name, 0) + 1


class Wishes(msgspec.Struct, frozen=True):
    """The state of a toy that wants orders: how many it has made, and which of them still live."""

    n: int = 0
    live: tuple[str, ...] = ()
    held: tuple[str, ...] = ("0", "0")


def wisher(seed):
    """A stand-in for brain, capital and risk: approves its own orders, cancels some, counts its fills."""

    def step(state, message, now):
        if type(message) is Filled:
            at = (X, Y).index(message.fill.symbol)
            held = list(state.held)
            held[at] = str(D(held[at]) + message.fill.quantity * message.fill.side.sign)
            return msgspec.structs.replace(state, held=tuple(held)), ()
        if type(message) is OrderUpdated and message.status.is_terminal:
            live = tuple(i for i in state.live if i != message.order_id)
            return msgspec.structs.replace(state, live=live), ()
        if type(message) is not InstantSettled or message.closing:
            return state, ()
        chance = random.Random(f"{seed}-{message.at_ns}")
        effects = []
        for symbol, held in zip((X, Y), state.held, strict=True):
            if chance.random() < 0.6:
                continue
            wish = _wish(chance, symbol, D(held), f"{now.step}-{symbol[0]}", message.at_ns)
            effects.append(Publish(to=("motor",), message=OrderApproved(approved=wish)))
        ids = tuple(e.message.approved.order.id for e in effects)
        for order_id in state.live:
            if chance.random() < 0.15:
                request = CancelRequested(order_id=order_id, reason="changed its mind")
                effects.append(Publish(to=("motor",), message=request))
        return Wishes(state.n + len(ids), state.live + ids, state.held), tuple(effects)

    return OrganCore("metabolism", Wishes, Wishes(), step)


def _wish(chance, symbol, held, order_id, at_ns):
    selling = held > 0 and chance.random() < 0.5
    kind = chance.choice([OrderKind.MARKET, OrderKind.MARKET, OrderKind.LIMIT])
    if held > 0 and chance.random() < 0.3:
        return approved(
            order_id,
            Side.SELL,
            str(held),
            OrderKind.STOP,
            symbol=symbol,
            stop_price=D("98.5"),
            reduce_only=True,
            purpose=Purpose.PROTECT,
            created_ns=at_ns,
        )
    return approved(
        order_id,
        Side.SELL if selling else Side.BUY,
        str(held) if selling else chance.choice(["0.5", "1", "3"]),
        kind,
        symbol=symbol,
        limit_price=D("99.5") if kind is OrderKind.LIMIT else None,
        reduce_only=selling,
        created_ns=at_ns,
        expires_ns=at_ns + chance.choice([1, 4]) * BAR_NS,
    )


def _nervous(state, message, now):
    if type(message) is BarsArrived:
        closed = BarClosed(
            at_ns=message.at_ns, session=1, bars=message.bars, closing=message.closing, final=message.final
        )
        return state, (Publish(to=("motor",), message=closed),)
    return state, ()


class Life:
    """One seed: organs, line, venue and everything that was said, told by `observe`."""

    def __init__(self, seed, *, line=None, faults=None):
        self.updates: list[OrderUpdated] = []
        self.fills: list[Filled] = []
        self.reconciled: list[Reconciled] = []
        self.alerts: list[AlertRaised] = []
        self.submitted: dict[str, list[str]] = {}
        self.orders = {}
        self._chance = random.Random(f"prices-{seed}")
        self._n = 0
        # Small bars, so that orders fill in parts over several of them.
        settings = paper(spread_bps=2.0, slippage_bps=1.0, volume_share=0.1, starting_cash=3_000.0)
        self.exchange = PaperExchange(settings, INSTRUMENTS, seed=seed)
        self.venue = HostileVenue(self.exchange, seed, line or Line())
        self.driver = Lockstep(
            [
                OrganCore("nervous", Wishes, Wishes(), _nervous),
                wisher(seed),
                motor_core(VENUE, INSTRUMENTS, f"ns-{seed}"),
            ],
            MemoryJournal(),
            ports=dict.fromkeys(REQUESTS, self.venue.perform),
            observers=(self._observe,),
            seed=seed,
            faults=faults,
            before_start=self.venue.bind,
        )

    @property
    def motor(self):
        return self.driver.organs["motor"].state

    def run(self, n_instants, per_instant_s=1.0):
        for _ in range(n_instants):
            self.instant()
            self.wait(per_instant_s)

    def instant(self, *, closing=False):
        self._n += 1
        bars = []
        for symbol in (X, Y):
            opened = 100.0 + self._chance.uniform(-2.0, 2.0)
            closed = opened + self._chance.uniform(-1.0, 1.0)
            high, low = max(opened, closed) + 0.5, min(opened, closed) - 0.5
            bars.append(bar(self._n, opened, high, low, closed, volume=20.0, symbol=symbol))
        at_ns = START + self._n * BAR_NS
        self.driver.inject(
            "nervous",
            BarsArrived(feed="test", session=1, at_ns=at_ns, bars=tuple(bars), closing=closing),
            sender="feed",
        )
        self.turn()

    def wait(self, span_s):
        for _ in range(round(span_s * NS_PER_S / SLICE_NS)):
            self.driver.advance_mono(SLICE_NS)
            self.turn()

    def turn(self):
        self.driver.drain()
        self.venue.deliver()
        self.driver.drain()

    def calm(self):
        """The line heals; the market goes on without new wishes until every doubt is resolved."""
        self.venue.heal()
        self.driver._faults = None
        for _ in range(12):
            self.instant(closing=True)
            self.wait(8.0)
        assert not self.venue.is_busy

    def _observe(self, _seq, _organ, _envelope, effects, _now):
        for effect in effects:
            if type(effect) is VenueSubmit:
                order = effect.approved.order
                self.orders[order.id] = order
                attempts = self.submitted.setdefault(order.id, [])
                if effect.client_order_id not in attempts:
                    attempts.append(effect.client_order_id)
            elif type(effect) is Publish:
                for kind, told in (
                    (OrderUpdated, self.updates),
                    (Filled, self.fills),
                    (Reconciled, self.reconciled),
                    (AlertRaised, self.alerts),
                ):
                    if type(effect.message) is kind:
                        told.append(effect.message)


UNSETTLED = frozenset({OrderStatus.INTENT, OrderStatus.SENT, OrderStatus.UNKNOWN})
