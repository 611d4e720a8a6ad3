"""I3, fills are the position: what the venue told is told on, once, and sums to what is held, to the last digit."""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from organism.effects import Publish
from organism.invariants.breach import NONE, Breach, Breaches, Kept, Lasting, Newest
from organism.invariants.event import Event
from organism.invariants.rules import DUST, EXACT, ZERO, Rules
from organism.messages import (
    AlertRaised,
    Filled,
    OrderApproved,
    OrderUpdated,
    PortfolioMarked,
    QueryAnswered,
    Reconciled,
    ReportAnswered,
    VenueAdvanced,
)
from organism.trading import Fill

ID = "I3"
HEARS: frozenset[type] = frozenset({VenueAdvanced, QueryAnswered, ReportAnswered, Filled})
SAID: frozenset[type] = frozenset({
    Filled, OrderApproved, OrderUpdated, PortfolioMarked, Reconciled, AlertRaised,
})  # fmt: skip

_TELLS = frozenset({VenueAdvanced, QueryAnswered, ReportAnswered})


@dataclass(slots=True)
class _Done:
    """What was executed of an order, base units; keys of its fills, for as long as it lives."""

    quantity: Decimal = ZERO
    keys: list[str] = field(default_factory=list)
    ended: bool = False


@dataclass(slots=True)
class State:
    """Sums of fills as motor told them and as metabolism read them, base units by symbol.

    told   keys of fills. A venue tells again what is newer than our cursor, and all of an order that it is asked about
    """

    rules: Rules = field(default_factory=Rules)
    told: Kept[str] = field(default_factory=Kept)
    sums: dict[str, Decimal] = field(default_factory=dict)
    read: Newest = field(default_factory=Newest)
    booked: dict[str, Decimal] = field(default_factory=dict)
    filled: Kept[_Done] = field(default_factory=Kept)
    lasting: Lasting[Decimal] = field(default_factory=Lasting)
    partial: bool = False
    opened: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    read = event.read
    if type(read) is Filled and event.organ == "metabolism":
        _booked(state, read.fill)
    told_here: list[Fill] = []
    for effect in event.did:
        if type(effect) is not Publish:
            continue
        message = effect.message
        if type(message) is Filled:
            _told(state, effect, message.fill, event, found)
            told_here.append(message.fill)
        elif type(message) is OrderApproved:
            state.filled.put(message.approved.order.id, _Done())
        elif type(message) is OrderUpdated:
            _filled(state, message, event, found)
        elif type(message) is PortfolioMarked and event.organ == "metabolism":
            state.n += 1
            _marked(state, message, event, found)
        elif type(message) is Reconciled and message.clean and event.organ == "motor":
            _reconciled(state, event, found)
        elif type(message) is AlertRaised and event.organ == "metabolism":
            symbol = message.dedup_key.removeprefix(DUST)
            state.booked |= {} if symbol == message.dedup_key else {symbol: ZERO}
    if event.organ == "motor" and (told_here or type(read) in _TELLS):
        _heard(state, event, told_here, found)
    return state, tuple(found) if found else NONE


def change(rules: Rules, fill: Fill) -> Decimal:
    """What a fill does to the quantity held: a fee in the base currency included."""
    with localcontext(EXACT):
        signed = fill.quantity * fill.side.sign
        return signed - fill.fee if fill.fee_currency == rules.currencies(fill.symbol)[0] else signed


def _told(state: State, effect: Publish, fill: Fill, event: Event, found: list[Breach]) -> None:
    for organ in ("metabolism", "immune"):
        if organ not in effect.to:
            _say(
                found,
                event,
                fill.key,
                f"fill {fill.key} must be told to {organ}; it was told to {effect.to}.",
            )
    if event.organ != "motor":
        _say(
            found,
            event,
            fill.key,
            f"fill {fill.key} was told by {event.organ}; only motor may tell of fills.",
        )
    if state.told.get(fill.key) is not None:
        _say(found, event, fill.key, f"fill {fill.key} must be told once; it was told again.")
        return
    state.told.put(fill.key, fill.order_id)
    done = state.filled.get(fill.order_id)
    with localcontext(EXACT):
        state.sums[fill.symbol] = state.sums.get(fill.symbol, ZERO) + change(state.rules, fill)
        if done is not None:
            done.quantity += fill.quantity
    if done is None or done.ended:
        state.told.end(fill.key)
    else:
        done.keys.append(fill.key)


def _heard(state: State, event: Event, told_here: list[Fill], found: list[Breach]) -> None:
    """What motor read from the venue against what it told: nothing kept back, nothing made up."""
    read = event.read
    fills = read.fills if isinstance(read, VenueAdvanced | QueryAnswered | ReportAnswered) else ()
    heard = {fill.key: fill for fill in fills}
    here = {fill.key for fill in told_here}
    for key in heard:
        if state.told.get(key) is None and key not in here and not state.partial:
            _say(found, event, key, f"fill {key} was heard from the venue and told to nobody.")
    if read is None:
        return
    for fill in told_here:
        source = heard.get(fill.key)
        if source is None:
            _say(
                found, event, fill.key, f"fill {fill.key} was told, but the venue's answer does not hold it."
            )
        elif _execution(source) != _execution(fill):
            _say(found, event, fill.key, f"fill {fill.key} was told otherwise than the venue executed it.")


def _execution(fill: Fill) -> tuple[object, ...]:
    return (
        fill.client_order_id, fill.side, fill.quantity, fill.price, fill.fee, fill.fee_currency, fill.at_ns,
    )  # fmt: skip


def _booked(state: State, fill: Fill) -> None:
    if fill.key in state.read:
        return
    state.read.add(fill.key)
    with localcontext(EXACT):
        state.booked[fill.symbol] = state.booked.get(fill.symbol, ZERO) + change(state.rules, fill)


def _marked(state: State, mark: PortfolioMarked, event: Event, found: list[Breach]) -> None:
    said = {p.symbol: p.quantity for p in mark.positions}
    if state.partial and not state.opened:
        state.booked = dict(said)
        state.opened = True
    for symbol in said.keys() | state.booked.keys():
        ours, theirs = state.booked.get(symbol, ZERO), said.get(symbol, ZERO)
        if ours == theirs:
            state.lasting.over(symbol)
        elif state.lasting.is_new(symbol, theirs - ours):
            text = f"{symbol}: fills make {ours:f}; the books hold {theirs:f}."
            _say(found, event, symbol, text)


def _reconciled(state: State, event: Event, found: list[Breach]) -> None:
    report = event.read
    if state.partial or type(report) is not ReportAnswered or not report.answered:
        return
    venue = {p.symbol: p.quantity for p in report.positions}
    for symbol in venue.keys() | state.sums.keys():
        ours, theirs = state.sums.get(symbol, ZERO), venue.get(symbol, ZERO)
        if ours != theirs:
            text = f"{symbol}: called clean, but the venue reports {theirs:f} and our fills make {ours:f}."
            _say(found, event, symbol, text)


def _filled(state: State, update: OrderUpdated, event: Event, found: list[Breach]) -> None:
    done = state.filled.get(update.order_id)
    if done is None:
        return
    if done.quantity != update.filled:
        text = f"order {update.order_id}: its fills make {done.quantity:f}; its status says {update.filled:f} filled."
        _say(found, event, update.order_id, text)
    if update.status.is_terminal and not done.ended:
        done.ended = True
        state.filled.end(update.order_id)
        for key in done.keys:
            state.told.end(key)
        done.keys = []


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
