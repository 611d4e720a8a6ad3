"""I8, fail closed: while something is wrong nothing may grow; what shrinks a position, and cancels, stay possible.

Each condition is taken from what the gate (immune) and the sender (motor) had *read* when they acted, and each is a
necessary one: the organs may be stricter, never laxer. Where the organs count (health readings, ends of a pause) this
counts a little later, so that a difference of one reading is no breach.
"""

import math
from dataclasses import dataclass, field

from organism.effects import Publish, VenueSubmit
from organism.invariants.breach import NONE, Breach, Breaches
from organism.invariants.event import Event
from organism.invariants.rules import Rules
from organism.market import NS_PER_S
from organism.messages import (
    DenialReason,
    Escalated,
    FeedRecovered,
    FeedStalled,
    InvariantBroken,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    PortfolioMarked,
    Reconciled,
    Recovered,
    TradingStateChanged,
    VitalsTaken,
)
from organism.trading import Order, Purpose, Standing, TradingState

ID = "I8"
HEARS: frozenset[type] = frozenset({
    Recovered, Reconciled, FeedStalled, FeedRecovered, Escalated, InvariantBroken, OperatorCommanded, VitalsTaken,
    TradingStateChanged, OrderProposed, PortfolioMarked,
})  # fmt: skip
SAID: frozenset[type] = frozenset({OrderApproved, OrderDenied, TradingStateChanged, Reconciled, VenueSubmit})

UNKNOWN_LIMIT_NS = 60 * NS_PER_S
LOW_READINGS = 5  # the gate answers to three
_NS_PER_H = 3_600 * NS_PER_S
_R = DenialReason
# Why an order that shrinks a position may be refused: because it is no such order, or no order at all.
_MAY_REFUSE_A_REDUCTION = frozenset({
    _R.REDUCE_ONLY, _R.MALFORMED, _R.NOT_A_NUMBER, _R.ORDER_RATE, _R.PRICE_BAND, _R.MIN_NOTIONAL,
    _R.UNKNOWN_INSTRUMENT,
})  # fmt: skip


@dataclass(slots=True)
class State:
    """What stands in the way, as read. held: reasons only a person lifts. barred: instruments in which nothing may grow.

    motor_clean   whether motor has said that books and venue agree since it recovered last
    motor_safe    whether motor's process was started safe
    """

    rules: Rules = field(default_factory=Rules)
    held: dict[str, str] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    uncompared: bool = False
    unknown_since_ns: int | None = None
    hibernating_until_ns: int = 0
    command_id: int = -1  # newest command read: ids rise for ever, and an older one that comes late is void
    n_low: int = 0
    low_since_ns: int = 0
    marked_ns: int = 0
    standing: Standing | None = None
    market_ns: int = 0
    motor_clean: bool = True
    motor_entries: bool = True
    motor_safe: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    if event.organ == "immune":
        return state, _gate(state, event)
    if event.organ == "motor":
        return state, _sender(state, event)
    return state, NONE


def _gate(state: State, event: Event) -> Breaches:
    _hear(state, event)
    state.market_ns = max(state.market_ns, event.market_ns, state.marked_ns)
    found: list[Breach] = []
    for effect in event.did:
        if type(effect) is not Publish:
            continue
        message = effect.message
        if type(message) is TradingStateChanged:
            state.standing = message.after
        elif type(message) is OrderApproved and not message.approved.order.reduce_only:
            state.n += 1
            order = message.approved.order
            why = _in_the_way(state, event)
            if not why and order.symbol in state.barred:
                why = f"a person bars entries in {order.symbol}"
            if why:
                text = f"order {order.id} may add risk and must not pass while {why}; it was approved."
                _say(found, event, order.id, text)
        elif type(message) is OrderDenied:
            asked = event.read
            reduces = type(asked) is OrderProposed and asked.order.reduce_only
            if reduces and message.reason not in _MAY_REFUSE_A_REDUCTION:
                text = f"order {message.order_id} only reduces and must stay possible; it was refused: {message.reason.value}."
                _say(found, event, message.order_id, text)
    return tuple(found) if found else NONE


def _hear(state: State, event: Event) -> None:
    match event.read:
        case Recovered(process=True, safe=safe):
            state.uncompared, state.unknown_since_ns = True, None
            if safe:
                state.held["safe mode"] = "the body was started safe"
        case Reconciled() as report:
            _reconciled(state, report, event)
        case FeedStalled(feed=feed):
            state.stalled.add(feed)
        case FeedRecovered(feed=feed):
            state.stalled.discard(feed)
        case Escalated(organ=organ):
            state.held["escalated"] = f"{organ} gave up"
        case InvariantBroken(invariant=name):
            state.held["broken"] = f"{name} is broken"
        case OperatorCommanded() as command:
            _commanded(state, command, max(event.market_ns, state.marked_ns))
        case VitalsTaken(health=health):
            _examined(state, health, max(event.market_ns, state.marked_ns))
        case PortfolioMarked(at_ns=at_ns):
            state.marked_ns = at_ns
        case _:
            pass


def _reconciled(state: State, report: Reconciled, event: Event) -> None:
    if not report.unknown:
        state.unknown_since_ns = None
    elif state.unknown_since_ns is None:
        state.unknown_since_ns = event.mono_ns
    if report.unexplained or not (report.clean or report.foreign or report.unknown):
        state.held["unexplained"] = "the venue holds what nobody can explain"
    else:
        state.uncompared = False


def _commanded(state: State, command: OperatorCommanded, at_ns: int) -> None:
    if command.command_id <= state.command_id:
        return
    state.command_id = command.command_id
    risk = state.rules.risk
    match command.command:
        case "halt" | "reduce" | "flatten":
            state.held[command.command] = f"an operator said {command.command}"
        case "hibernate" if risk is not None and at_ns:
            hours = command.hours if command.hours and 0.0 < command.hours < math.inf else risk.hibernation_h
            state.hibernating_until_ns = at_ns + int(hours * _NS_PER_H)
        case "bar":
            state.barred.add(command.target)
        case "allow":
            state.barred.discard(command.target)
        case "resume":
            state.held.clear()
            state.hibernating_until_ns = state.n_low = 0
        case _:
            pass


def _examined(state: State, health: float, at_ns: int) -> None:
    risk = state.rules.risk
    if risk is None or health >= risk.hibernate_below_health:
        state.n_low = 0
        return
    standing = state.standing
    if standing is not None and standing.hibernating_until_ns is not None:
        state.n_low = (
            0  # it hibernates by its own word already, and counts anew once it has said that this is over
        )
        return
    if not state.n_low:
        state.low_since_ns = at_ns
    state.n_low += 1
    if state.n_low >= LOW_READINGS and at_ns:
        # Begun no later than at the fifth reading, for a span that counts from the first at the earliest.
        if state.hibernating_until_ns <= at_ns:
            state.hibernating_until_ns = state.low_since_ns + int(risk.hibernation_h * _NS_PER_H)
        state.n_low = 0


def _in_the_way(state: State, event: Event) -> str:
    """Why nothing may grow, as a clause; "" when it may."""
    if state.held:
        return next(iter(state.held.values()))
    if state.uncompared:
        return "books and venue are not compared since the start"
    if state.stalled:
        return f"feed {min(state.stalled)} is stalled"
    since = state.unknown_since_ns
    if since is not None and event.mono_ns - since > UNKNOWN_LIMIT_NS:
        return f"the fate of an order has been unknown for {(event.mono_ns - since) / NS_PER_S:.0f} s"
    if 0 < max(event.market_ns, state.marked_ns) < state.hibernating_until_ns:
        return "the body hibernates"
    standing = state.standing
    if standing is not None and standing.state is not TradingState.ACTIVE:
        ends = [t for t in (standing.hibernating_until_ns, standing.no_entries_until_ns) if t is not None]
        if not ends or max(ends) > state.market_ns:
            return f"trading is {standing.state.value}"
    return ""


def _sender(state: State, event: Event) -> Breaches:
    read = event.read
    if type(read) is Recovered:
        state.motor_clean = False
        state.motor_safe = read.safe or (state.motor_safe and not read.process)
    elif type(read) is TradingStateChanged:
        state.motor_entries = read.after.state is TradingState.ACTIVE
    found: list[Breach] = []
    for effect in event.did:
        if type(effect) is Publish and type(effect.message) is Reconciled:
            state.motor_clean = effect.message.clean
        elif type(effect) is VenueSubmit and _is_entry(effect.approved.order):
            order = effect.approved.order
            state.n += 1
            if not state.motor_clean:
                text = (
                    f"order {order.id} may add risk and must wait until books and venue agree; it was sent."
                )
                _say(found, event, order.id, text)
            if not state.motor_entries:
                text = f"order {order.id} may add risk and must not leave once motor knows that trading is not active; it was sent."
                _say(found, event, order.id, text)
            if state.motor_safe:
                text = f"order {order.id} may add risk and must not leave a body that was started safe; it was sent."
                _say(found, event, order.id, text)
            if order.expires_ns is not None and event.market_ns >= order.expires_ns:
                text = f"order {order.id} was decided on prices that expired at {order.expires_ns}; it was sent at {event.market_ns}."
                _say(found, event, order.id, text)
    return tuple(found) if found else NONE


def _is_entry(order: Order) -> bool:
    return not order.reduce_only and order.purpose is not Purpose.PROTECT


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
