"""Our fills against the venue's own account."""

from decimal import Decimal

import msgspec

from organism.effects import Effect, Publish, VenueReport
from organism.messages import Reconciled, ReportAnswered
from organism.trading import OrderStatus
from organs.motor.state import MotorState

HEARERS = ("immune", "metabolism", "voice")


def compared(state: MotorState, report: ReportAnswered) -> tuple[MotorState, list[Effect]]:
    """Compare positions and open orders. A difference must be there twice in a row to be believed."""
    venue = {p.symbol: p.quantity for p in report.positions}
    symbols = sorted(set(venue) | set(state.positions))
    zero = Decimal(0)
    different = tuple(
        (s, venue.get(s, zero) - state.positions.get(s, zero))
        for s in symbols
        if venue.get(s, zero) != state.positions.get(s, zero)
    )
    if different and different != state.doubt:
        return msgspec.structs.replace(state, doubt=different), [VenueReport(since=state.cursor)]
    foreign = tuple(o.client_order_id for o in report.open_orders if o.client_order_id not in state.by_client)
    unknown = tuple(t.order.id for t in state.orders.values() if t.status is OrderStatus.UNKNOWN)
    clean = not different
    told = Reconciled(clean=clean, unexplained=different, foreign=foreign, unknown=unknown, first=state.first)
    state = msgspec.structs.replace(state, clean=clean, doubt=different, first=False)
    return state, [Publish(to=HEARERS, message=told)]
