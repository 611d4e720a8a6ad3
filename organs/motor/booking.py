"""What the venue tells of executions and orders: each fill booked once, each order believed, what cannot be, alarmed."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from organism.core import Now
from organism.effects import Effect, Publish, VenueCancel
from organism.fills import position_change
from organism.market import Instrument
from organism.messages import AlertRaised, Filled, Priority, Reconciled, Severity
from organism.portfolio import VenueOrder
from organism.trading import Fill, OrderStatus
from organs.motor import orders
from organs.motor.state import MotorState, Tracked, keeping, tracked_as

Learnt = tuple[MotorState, list[Effect]]
_replace = msgspec.structs.replace
SETTLE = "settle:"  # the venue closes what a session leaves open; nobody ordered that
JUDGES = ("immune", "metabolism", "voice")  # hear of every comparison with the venue


def learned(
    state: MotorState,
    fills: tuple[Fill, ...],
    reports: tuple[VenueOrder, ...],
    now: Now,
    instruments: Mapping[str, Instrument],
    *,
    asked_ns: int | None = None,
    gapless: bool = False,
) -> Learnt:
    """Book fills, each once; then believe what the venue says of orders.

    asked_ns   when the question left, monotonic; None where orders are only told as they change
    gapless    the fills are *all* after the cursor that was sent, so the cursor may follow them
    """
    effects: list[Effect] = []
    for fill in fills:
        if fill not in state.booked:
            state, more = _booked(state, fill, now, instruments)
            effects += more
    if gapless and fills:
        state = _replace(state, cursor=_later(state.cursor, fills[-1].trade_id))
    for report in reports:
        tracked = tracked_as(state, report.client_order_id)
        if tracked is None:
            continue
        if report.client_order_id == tracked.client_order_id and not tracked.status.is_terminal:
            tracked, more = orders.seen(tracked, report, now)
            state = keeping(state, tracked)
            effects += more
        elif report.status == "open" and asked_ns is not None and asked_ns > tracked.ended_mono_ns:
            effects += _stray(tracked, report)
    return state, effects


def _booked(state: MotorState, fill: Fill, now: Now, instruments: Mapping[str, Instrument]) -> Learnt:
    order_id = state.by_client.get(fill.client_order_id, "")
    fill = _replace(fill, order_id=order_id)
    instrument = instruments.get(fill.symbol)
    signed = fill.quantity * fill.side.sign
    change = signed if instrument is None else position_change(fill, instrument)
    positions = {**state.positions, fill.symbol: state.positions.get(fill.symbol, Decimal(0)) + change}
    state = _replace(state, booked=state.booked.adding(fill), positions=positions, filled_mono_ns=now.mono_ns)
    effects: list[Effect] = [Publish(to=orders.HEARERS, message=Filled(fill=fill))]
    tracked = state.orders.get(order_id)
    if tracked is not None:
        state, more = _executed(state, tracked, fill, now)
        return state, effects + more
    if not fill.client_order_id.startswith(SETTLE):
        effects += _breach(state, fill, signed, "The venue executed something we did not order")
        state = _replace(state, clean=False)
    return state, effects


def _executed(state: MotorState, tracked: Tracked, fill: Fill, now: Now) -> Learnt:
    """A fill of an order of ours."""
    effects: list[Effect] = []
    order = tracked.order
    filled = tracked.filled + fill.quantity
    tracked = _replace(tracked, filled=filled)
    over = min(fill.quantity, filled - order.quantity)
    if over > 0:
        title = f"Order {order.id} was filled beyond its quantity"
        effects += _breach(state, fill, over * fill.side.sign, title)
        state = _replace(state, clean=False)
    if tracked.status.is_terminal:
        effects.append(_alarm(fill, f"A fill came after order {order.id} had ended"))
        return keeping(state, tracked), effects
    if fill.client_order_id != tracked.client_order_id:
        effects.append(_alarm(fill, f"An attempt given up for lost of order {order.id} was filled"))
        tracked, more = orders.cancelled(tracked, now)
        return keeping(state, tracked), [*effects, *more]
    if tracked.status is OrderStatus.INTENT:  # its recorded submission did leave
        tracked = _replace(tracked, status=OrderStatus.SENT)
    status = OrderStatus.FILLED if filled >= order.quantity else OrderStatus.PARTIAL
    tracked, more = orders.moved(tracked, status, now)
    return keeping(state, tracked), [*effects, *more]


def _later(cursor: str, trade_id: str) -> str:
    """The later of two cursors. Numbers compare as numbers; other words are the venue's own, newest wins.

    >>> _later("paper-10", "paper-9"), _later("", "paper-9"), _later("b", "a")
    ('paper-10', 'paper-9', 'a')
    """
    old, _, old_number = cursor.rpartition("-")
    new, _, new_number = trade_id.rpartition("-")
    if old == new and old_number.isdecimal() and new_number.isdecimal() and int(new_number) < int(old_number):
        return cursor
    return trade_id


def _stray(tracked: Tracked, report: VenueOrder) -> list[Effect]:
    """Something of ours rests at the venue although its order ended here, or went on as another attempt."""
    title = f"Order {tracked.order.id} ended here, but rests at the venue"
    body = f"It rests as {report.client_order_id} and is being cancelled."
    cancel = VenueCancel(client_order_id=report.client_order_id, symbol=report.symbol)
    return [cancel, _alert(title, body, f"stray:{report.client_order_id}")]


def _breach(state: MotorState, fill: Fill, quantity: Decimal, title: str) -> list[Effect]:
    """What must never happen did: trading has to stop until a person has looked."""
    unknown = tuple(t.order.id for t in state.orders.values() if t.status is OrderStatus.UNKNOWN)
    told = Reconciled(clean=False, unexplained=((fill.symbol, quantity),), foreign=(), unknown=unknown)
    return [_alarm(fill, title), Publish(to=JUDGES, message=told)]


def _alarm(fill: Fill, title: str) -> Publish:
    body = f"{fill.side.value} {fill.quantity} {fill.symbol} at {fill.price} (trade {fill.trade_id}). It was booked."
    return _alert(title, body, f"fill:{fill.key}")


def _alert(title: str, body: str, dedup_key: str) -> Publish:
    return Publish(
        to=("voice",),
        message=AlertRaised(
            severity=Severity.CRITICAL, priority=Priority.CRITICAL, title=title, body=body, dedup_key=dedup_key
        ),
    )  # fmt: skip
