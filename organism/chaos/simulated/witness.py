"""What a life's journal says, gathered as it becomes durable: judged by the invariants, kept for the venue's book."""

from collections import Counter, deque
from decimal import Decimal

from organism.chaos.outcome import Losses
from organism.chaos.simulated.plan import Dice
from organism.chaos.simulated.trader import is_wild
from organism.core import Now
from organism.effects import Effects, Publish, VenueSubmit
from organism.invariants import Event, Judge, seen
from organism.lockstep import Lockstep
from organism.market import NS_PER_S
from organism.messages import (
    Answer,
    CancelAnswered,
    DenialReason,
    Envelope,
    ExposureTargeted,
    FeedStalled,
    Filled,
    OrderApproved,
    OrderDenied,
    OrderUpdated,
)
from organism.trading import OrderStatus
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.resting import ZERO

MAD, FAT, STORM = "mad-", "fat-", "storm-"
_AT_VENUE = frozenset({OrderStatus.SENT, OrderStatus.ACKED, OrderStatus.PARTIAL, OrderStatus.UNKNOWN})
_SETTLE = "settle:"


class Witness:
    """Steps wait until they are durable: what never was did not happen, and nobody is told of it."""

    def __init__(self, judge: Judge, dice: Dice, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.judge = judge
        self.dice = dice
        self.n_intents = 0
        self.sent: dict[str, tuple[str, Decimal]] = {}  # client id → (order id, quantity intended)
        self.told: Counter[str] = Counter()  # fills, by key
        self.stalled_ns: list[int] = []
        self.newest: dict[str, int] = {}  # row of each organ's last step
        self.doubts_s: list[float] = []  # how long the fate of an order was unknown, monotonic
        self._doubted: dict[str, int] = {}
        self._waiting: deque[Event] = deque()
        self._acknowledged: set[str] = set()
        self._storms: set[str] = set()

    def observe(self, seq: int, organ: str, envelope: Envelope, effects: Effects, now: Now) -> None:
        """A step was recorded."""
        self.newest[organ] = seq
        self._waiting.append(seen(seq, organ, envelope, effects, now))

    def durable(self, seq: int) -> None:
        """Rows up to here are on the disk: a listener of the journal, before all others."""
        waiting = self._waiting
        see = self.judge.see
        while waiting and waiting[0].seq <= seq:
            event = waiting.popleft()
            see(event)
            if event.did or event.organ == "motor":
                self._note(event)

    def died(self, kept: int) -> None:
        """The process ended; rows after `kept` are gone."""
        self.durable(kept)
        self._waiting.clear()
        self._doubted.clear()  # another process counts from its own beginning

    def _note(self, event: Event) -> None:
        organ = event.organ
        if organ == "motor":
            read = event.read
            if type(read) is CancelAnswered and read.answer is Answer.ACCEPTED:
                self._acknowledged.add(read.client_order_id)
            for effect in event.did:
                if type(effect) is VenueSubmit:
                    order = effect.approved.order
                    self.sent[effect.client_order_id] = order.id, order.quantity
                elif type(effect) is Publish and type(effect.message) is OrderUpdated:
                    self._moved(effect.message, event.mono_ns)
                elif type(effect) is Publish and type(effect.message) is Filled:
                    fill = effect.message.fill
                    self.told[fill.key] += 1
                    if fill.client_order_id in self._acknowledged and self.dice.tried.get(
                        "fill_after_cancel"
                    ):
                        self.dice.tries("fill_after_cancel")
                        self.dice.saw("fill_after_cancel")
        elif organ == "immune":
            for effect in event.did:
                if type(effect) is Publish:
                    if type(effect.message) is OrderApproved:
                        self.n_intents += 1
                        if effect.message.approved.order.id.startswith(FAT):
                            self.dice.saw(
                                "fat_finger"
                            )  # cut down to what the limits allow: the gate judged it
                    elif type(effect.message) is OrderDenied:
                        self._denied(effect.message)
        elif organ == "brain":
            for effect in event.did:
                if type(effect) is Publish and type(effect.message) is ExposureTargeted:
                    n = sum(map(is_wild, effect.message.targets))
                    for _ in range(n):
                        self.dice.tries("wild")
                    self.dice.saw("wild", n)
        elif organ == "nervous":
            for effect in event.did:
                if type(effect) is Publish and type(effect.message) is FeedStalled:
                    self.stalled_ns.append(event.mono_ns)

    def _moved(self, update: OrderUpdated, mono_ns: int) -> None:
        if update.status is OrderStatus.UNKNOWN:
            self._doubted.setdefault(update.order_id, mono_ns)
            return
        since_ns = self._doubted.pop(update.order_id, None)
        if since_ns is not None:
            self.doubts_s.append((mono_ns - since_ns) / NS_PER_S)

    def _denied(self, denied: OrderDenied) -> None:
        identity = denied.order_id
        if identity.startswith(MAD):
            self.dice.saw("wild")
        elif identity.startswith(FAT):
            self.dice.saw("fat_finger")
        elif identity.startswith(STORM) and denied.reason is DenialReason.ORDER_RATE:
            storm = identity.split(".")[0]
            if storm not in self._storms:
                self._storms.add(storm)
                self.dice.saw("storm")


def judged_by_the_book(
    witness: Witness, exchange: PaperExchange, driver: Lockstep
) -> tuple[Losses, list[str]]:
    """Compare everything with the venue's book, once nothing is on its way any more: losses, and each in a sentence."""
    found: list[tuple[str, str]] = []
    _fills(witness, exchange, found)
    _orders(witness, exchange, driver, found)
    _accounts(exchange, driver, found)
    count = Counter(kind for kind, _ in found)
    losses = Losses(
        lost=count["lost"], duplicate=count["duplicate"], phantom=count["phantom"], untracked=count["untracked"],
        breaches=sum(witness.judge.n.values()),
    )  # fmt: skip
    return losses, [f"{kind}: {text}" for kind, text in found]


def _fills(witness: Witness, exchange: PaperExchange, found: list[tuple[str, str]]) -> None:
    true = {fill.key for fill in exchange.fills}
    found += [("lost", f"fill {key} was never heard of") for key in sorted(true - witness.told.keys())]
    for key, n in witness.told.items():
        if n > 1:
            found.append(("duplicate", f"fill {key} was told {n} times"))
        if key not in true:
            found.append(("phantom", f"fill {key} never was"))


def _orders(
    witness: Witness, exchange: PaperExchange, driver: Lockstep, found: list[tuple[str, str]]
) -> None:
    executed: dict[str, dict[str, Decimal]] = {}
    for fill in exchange.fills:
        identity = fill.client_order_id
        if identity.startswith(_SETTLE):
            continue
        if identity not in witness.sent:
            found.append(("untracked", f"{identity} was executed; the journal does not know it"))
            continue
        attempts = executed.setdefault(witness.sent[identity][0], {})
        attempts[identity] = attempts.get(identity, ZERO) + fill.quantity
    for order_id, attempts in executed.items():
        intended = witness.sent[next(iter(attempts))][1]
        if len(attempts) > 1 or sum(attempts.values(), ZERO) > intended:
            found.append(("duplicate", f"order {order_id} of {intended} was executed as {attempts}"))
    if exchange.duplicates_refused:
        found.append(("duplicate", f"{exchange.duplicates_refused} requests left twice under one client id"))
    halves = sum(order.status == "canceled" and order.filled > ZERO for order in exchange.orders.values())
    if "partial" in witness.kinds:
        witness.dice.tried["partial"] = witness.dice.seen["partial"] = halves
    motor = driver.organs["motor"].state
    live = {t.client_order_id for t in motor.orders.values() if t.status in _AT_VENUE}
    there = {o.client_order_id for o in exchange.open_orders()}
    unknown, gone = sorted(there - live), sorted(live - there)
    found += [
        ("untracked", f"{identity} rests at the venue; the body does not know it") for identity in unknown
    ]
    found += [("lost", f"{identity} counts as alive; at the venue it is not open") for identity in gone]


def _accounts(exchange: PaperExchange, driver: Lockstep, found: list[tuple[str, str]]) -> None:
    true = {symbol: quantity for symbol, quantity in exchange.positions.items() if quantity}
    ledger = driver.organs["metabolism"].state.ledger
    ours = {
        "motor": dict(driver.organs["motor"].state.positions),
        "immune": dict(driver.organs["immune"].state.positions),
        "metabolism": {symbol: holding.quantity for symbol, holding in ledger.holdings.items()},
    }
    for symbol, quantity in ledger.dust.items():  # given up by name, but still at the venue
        ours["metabolism"][symbol] = ours["metabolism"].get(symbol, ZERO) + quantity
    for organ, positions in ours.items():
        held = {symbol: quantity for symbol, quantity in positions.items() if quantity}
        if held != true:
            found.append(("lost", f"the venue holds {true}, {organ} {held}"))
    if ledger.cash != exchange.cash:
        found.append(("lost", f"the venue's cash is {exchange.cash}, ours {ledger.cash}"))
