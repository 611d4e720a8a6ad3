"""I9, limits at the gate: whatever was proposed, nothing passes that breaks a limit by the gate's own knowledge.

Computed again from what immune had read: its fills, its marks, its own approvals. A unit is valued at the last close,
the cheapest the gate may take, so a stricter gate is never blamed.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from organism.effects import Publish
from organism.invariants.breach import NONE, Breach, Breaches, Newest
from organism.invariants.event import Event
from organism.invariants.losses import Losses
from organism.invariants.position import change
from organism.invariants.rules import EXACT, ZERO, Rules
from organism.market import NS_PER_S
from organism.messages import (
    Filled,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Recovered,
    TimerFired,
)
from organism.settings import RiskSettings
from organism.trading import Order, Side

ID = "I9"
HEARS: frozenset[type] = frozenset({
    Filled, OrderProposed, OrderUpdated, PortfolioMarked, OperatorCommanded, Recovered, TimerFired,
})  # fmt: skip
SAID: frozenset[type] = frozenset({OrderApproved, OrderDenied})

REDUCTIONS_PER_ENTRY = 2
_MINUTE_NS = 60 * NS_PER_S
_SLACK = 1.0 + 1e-9  # limits are floats
_WIDE = Context(
    prec=200
)  # sums of any believable quantities are exact, and absurd ones are judged all the same


@dataclass(slots=True)
class _Reserve:
    order: Order
    booked: Decimal = ZERO
    ended: Decimal | None = None

    @property
    def open(self) -> Decimal:
        """Base units that may still change the position."""
        return max((self.order.quantity if self.ended is None else self.ended) - self.booked, ZERO)


@dataclass(slots=True)
class State:
    """What immune knows of the portfolio. reserved: approved orders by id until they ended and are booked."""

    rules: Rules = field(default_factory=Rules)
    positions: dict[str, Decimal] = field(default_factory=dict)
    reserved: dict[str, _Reserve] = field(default_factory=dict)
    read: Newest = field(default_factory=Newest)
    mark: PortfolioMarked | None = None
    closes: dict[str, float] = field(default_factory=dict)
    recent: deque[int] = field(default_factory=deque)
    losses: Losses = field(default_factory=Losses)
    command_id: int = -1
    partial: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    if event.organ == "immune":
        _hear(state, event)
    verdicts = 0
    for effect in event.did:
        if type(effect) is not Publish:
            continue
        message = effect.message
        if type(message) is OrderApproved:
            verdicts += 1
            _approved(state, message.approved.order, event, found)
        elif type(message) is OrderDenied:
            verdicts += 1
    if event.organ == "immune" and type(event.read) is OrderProposed:
        order = event.read.order
        if verdicts != 1 and not (verdicts == 0 and order.id in state.reserved):
            _say(found, event, order.id, f"order {order.id} must get one verdict; it got {verdicts}.")
    return state, tuple(found) if found else NONE


def _hear(state: State, event: Event) -> None:
    read = event.read
    if type(read) is PortfolioMarked:
        if state.partial and state.mark is None:
            state.positions = {p.symbol: p.quantity for p in read.positions}
            state.losses.granted(read)
        state.losses.marked(read, state.rules.risk)
        state.mark, state.closes = read, dict(read.closes)
    elif type(read) is Filled:
        _booked(state, read)
    elif type(read) is OrderUpdated and read.status.is_terminal:
        held = state.reserved.get(read.order_id)
        if held is not None:
            held.ended = read.filled
            _release(state, read.order_id, held)
    elif type(read) is OperatorCommanded and read.command_id > state.command_id:
        state.command_id = read.command_id
        if read.command == "resume":
            state.losses.resumed(state.mark, state.rules.risk)
    elif type(read) is TimerFired:
        state.losses.elapsed(max(event.market_ns, state.mark.at_ns if state.mark else 0))
    elif type(read) is Recovered and read.process:
        state.recent.clear()  # another process, another monotonic clock


def _booked(state: State, read: Filled) -> None:
    fill = read.fill
    if fill.key in state.read:
        return
    state.read.add(fill.key)
    with localcontext(EXACT):
        quantity = state.positions.get(fill.symbol, ZERO) + change(state.rules, fill)
    if quantity:
        state.positions[fill.symbol] = quantity
    else:
        state.positions.pop(fill.symbol, None)
    held = state.reserved.get(fill.order_id)
    if held is not None:
        held.booked += fill.quantity
        _release(state, fill.order_id, held)


def _release(state: State, order_id: str, held: _Reserve) -> None:
    if held.ended is not None and held.booked >= held.ended:
        del state.reserved[order_id]


def _approved(state: State, order: Order, event: Event, found: list[Breach]) -> None:
    state.n += 1
    if event.organ != "immune":
        _say(
            found,
            event,
            order.id,
            f"order {order.id} was approved by {event.organ}; only immune may approve.",
        )
        return
    asked = event.read
    if asked is not None:
        _as_proposed(asked, order, event, found)
    while state.recent and event.mono_ns - state.recent[0] >= _MINUTE_NS:
        state.recent.popleft()
    for text in _broken(state, order, event):
        _say(found, event, order.id, text)
    if not order.reduce_only:
        state.losses.passed()
    state.reserved[order.id] = _Reserve(order)
    state.recent.append(event.mono_ns)


def _as_proposed(asked: object, order: Order, event: Event, found: list[Breach]) -> None:
    if type(asked) is not OrderProposed or asked.order.id != order.id:
        _say(found, event, order.id, f"order {order.id} must be proposed before it is approved; it was not.")
        return
    before = asked.order
    same = (
        before.symbol, before.side, before.kind, before.purpose, before.reduce_only, before.limit_price,
        before.stop_price,
    ) == (
        order.symbol, order.side, order.kind, order.purpose, order.reduce_only, order.limit_price, order.stop_price,
    )  # fmt: skip
    if not same or order.quantity > before.quantity:
        text = f"order {order.id} may only be approved as proposed, or smaller; {before.quantity:f} became {order.quantity:f}, or another detail differs."
        _say(found, event, order.id, text)


def _broken(state: State, order: Order, event: Event) -> list[str]:
    """Every limit that this approval breaks, as sentences."""
    numbers = [order.quantity, order.reference_price, order.limit_price, order.stop_price]
    if not all(n is None or (n.is_finite() and n > 0) for n in numbers):
        return [f"order {order.id} holds a number that is none, zero or negative; it must not pass."]
    risk = state.rules.risk
    texts = []
    if risk is not None:
        texts += _rate(state, order, risk)
    if state.partial and state.mark is None:
        return texts  # what is held, and at what price, nobody has said yet
    if order.reduce_only:
        held = state.positions.get(order.symbol, ZERO)
        if held * order.side.sign >= 0 or order.quantity > abs(held):
            texts.append(
                f"order {order.id} must shrink the {held:f} {order.symbol} held; it is {order.side.value} {order.quantity:f}."
            )
        return texts
    if risk is None:
        return texts
    why = state.losses.in_the_way(max(event.market_ns, state.mark.at_ns if state.mark else 0))
    if why:
        texts.append(f"order {order.id} may add risk and must not pass while {why}.")
    return texts + _sizes(state, order, risk)


def _rate(state: State, order: Order, risk: RiskSettings) -> list[str]:
    recent = state.recent
    limit = risk.max_orders_per_minute * (REDUCTIONS_PER_ENTRY if order.reduce_only else 1)
    if len(recent) < limit:
        return []
    return [f"at most {limit} orders may pass in a minute; order {order.id} was number {len(recent) + 1}."]


def _sizes(state: State, order: Order, risk: RiskSettings) -> list[str]:
    """Price band, and every size at its worst: all that is open on this side fills, nothing on the other."""
    equity = state.mark.equity if state.mark is not None else math.nan
    close = state.closes.get(order.symbol, math.nan)
    if not (0.0 < equity < math.inf and 0.0 < close < math.inf):
        return [f"order {order.id} may add risk without a believable price ({close}) or equity ({equity})."]
    texts = [
        f"order {order.id}: every price must be within {risk.price_band:g} of {close:g}; was {price:f}."
        for price in (order.reference_price, order.limit_price, order.stop_price)
        if price is not None and not abs(float(price) / close - 1.0) <= risk.price_band * _SLACK
    ]
    reach = _reaches(state, order)
    low, high = reach[order.symbol]
    values = {s: float(max(abs(a), abs(b))) * _unit(state, s) for s, (a, b) in reach.items()}
    worst = float(high if order.side is Side.BUY else -low)
    net = sum(float(b if order.side is Side.BUY else -a) * _unit(state, s) for s, (a, b) in reach.items())
    unit = _unit(state, order.symbol)
    for what, seen, limit in (
        ("its value", float(order.quantity) * unit, risk.max_order_notional),
        ("the exposure of one instrument", worst * unit, risk.max_asset_exposure * equity),
        ("gross exposure", sum(values.values()), risk.max_gross_exposure * equity),
        ("net exposure", net, risk.max_net_exposure * equity),
    ):
        if not seen <= limit * _SLACK:
            texts.append(
                f"order {order.id}: {what} must stay at or below {limit:.2f}; it can come to {seen:.2f}."
            )
    instrument = state.rules.instruments.get(order.symbol)
    if instrument is None:
        return texts
    if low < 0 and order.side is Side.SELL and not instrument.can_short:
        texts.append(f"order {order.id}: {order.symbol} cannot be held short; it can come to {low:g}.")
    others = sum(value >= _smallest(state, s) for s, value in values.items() if s != order.symbol)
    if others >= risk.max_positions:
        texts.append(
            f"order {order.id}: at most {risk.max_positions} positions may be held; {others} others are."
        )
    return texts


def _reaches(state: State, order: Order) -> dict[str, tuple[Decimal, Decimal]]:
    """Lowest and highest quantity of each instrument with this order, whatever fills and whatever does not."""
    reach = {s: (q, q) for s, q in state.positions.items()}
    opened = [(r.order, r.open) for r in state.reserved.values() if not r.order.reduce_only]
    with localcontext(_WIDE):
        for each, quantity in [*opened, (order, order.quantity)]:
            low, high = reach.get(each.symbol, (ZERO, ZERO))
            bought = each.side is Side.BUY
            reach[each.symbol] = (low, high + quantity) if bought else (low - quantity, high)
    return reach


def _smallest(state: State, symbol: str) -> float:
    """Value from which a holding counts as a position: what is less cannot be traded."""
    instrument = state.rules.instruments.get(symbol)
    return math.inf if instrument is None else float(instrument.min_notional) * _SLACK


def _unit(state: State, symbol: str) -> float:
    close = state.closes.get(symbol, math.nan)
    return close * float(state.rules.multiplier(symbol)) if 0.0 < close < math.inf else 0.0


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
