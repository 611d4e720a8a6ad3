"""Our fills against the venue's own account."""

from decimal import Decimal

import msgspec

from organism.core import Now
from organism.effects import Effect, Publish, Schedule
from organism.market import NS_PER_S
from organism.messages import Reconciled, ReportAnswered
from organism.trading import OrderStatus
from organs.motor import orders
from organs.motor.booking import JUDGES
from organs.motor.state import MotorState, keeping

SETTLING_S = 1.0  # a difference is looked at again after so long
_RESTING = frozenset({OrderStatus.ACKED, OrderStatus.PARTIAL})
_replace = msgspec.structs.replace


def compared(
    state: MotorState, report: ReportAnswered, now: Now, filled_mono_ns: int
) -> tuple[MotorState, list[Effect], bool]:
    """Compare positions; the last part of the result is whether that was a verdict, to be told by `concluded`.

    A difference must be there twice in a row to be believed.

    filled_mono_ns   when the newest fill before this report's own was booked
    """
    venue = {p.symbol: p.quantity for p in report.positions}
    ours = state.positions
    zero = Decimal(0)
    different = tuple(
        (s, venue.get(s, zero) - ours.get(s, zero))
        for s in sorted(venue.keys() | ours.keys())
        if venue.get(s, zero) != ours.get(s, zero)
    )
    is_old = filled_mono_ns >= report.asked_mono_ns  # we know of executions that the report may not know of
    if different and (is_old or different != state.doubt):
        look = Schedule(key="recheck", due_ns=now.mono_ns + int(SETTLING_S * NS_PER_S))
        return (state if is_old else _replace(state, doubt=different)), [look], False
    return _replace(state, clean=not different, doubt=different), [], True


def concluded(state: MotorState, report: ReportAnswered) -> tuple[MotorState, list[Effect]]:
    """Tell the verdict of `compared`, with the orders at the venue that nobody here knows and those in doubt."""
    foreign = tuple(o.client_order_id for o in report.open_orders if o.client_order_id not in state.by_client)
    unknown = tuple(t.order.id for t in state.orders.values() if t.status is OrderStatus.UNKNOWN)
    told = Reconciled(
        clean=state.clean, unexplained=state.doubt, foreign=foreign, unknown=unknown, first=state.first
    )
    return _replace(state, first=False), [Publish(to=JUDGES, message=told)]


def missing(state: MotorState, report: ReportAnswered, now: Now) -> tuple[MotorState, list[Effect]]:
    """Ask for each order that should rest at the venue and is not among its open orders: it ended unheard."""
    effects: list[Effect] = []
    there = {o.client_order_id for o in report.open_orders}
    for tracked in state.orders.values():
        if tracked.status not in _RESTING or tracked.client_order_id in there:
            continue
        if tracked.sent_mono_ns < report.asked_mono_ns:
            asking, more = orders.asked(tracked, now, [])
            state = keeping(state, asking)
            effects += more
    return state, effects
