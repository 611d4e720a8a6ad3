"""Execution: approved orders go to the venue, once; fills come back, once; everything in doubt is asked for."""

from decimal import Decimal
from typing import Any

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effect, Effects, Publish, Schedule, VenueAdvance, VenueReport
from organism.fills import position_change
from organism.market import NS_PER_S, Instrument, VenueCapabilities
from organism.messages import (
    AlertRaised,
    Answer,
    BarClosed,
    CancelAnswered,
    CancelRequested,
    Filled,
    InstantSettled,
    Message,
    OrderApproved,
    Priority,
    QueryAnswered,
    Recovered,
    ReportAnswered,
    Severity,
    SubmitAnswered,
    TimerFired,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder
from organism.trading import ApprovedOrder, Fill, OrderStatus
from organs.motor import orders
from organs.motor.orders import HEARERS
from organs.motor.reconcile import compared
from organs.motor.state import N_ENDED, MotorState, Tracked

_replace = msgspec.structs.replace
_Result = tuple[MotorState, Effects]
REPORT_S = 30.0  # between two comparisons with the venue's account
IMPATIENT_S = 2.0  # a report or an instant that was not answered for so long is asked for again
NOTHING: Effects = ()


class _Motor:
    def __init__(self, venue: VenueCapabilities, instruments: tuple[Instrument, ...], namespace: str) -> None:
        self.venue = venue
        self.instruments = {i.symbol: i for i in instruments}
        self.namespace = namespace
        self.arms: dict[type, Any] = {
            BarClosed: self.bar,
            VenueAdvanced: self.advanced,
            OrderApproved: self.approved,
            CancelRequested: self.cancel,
            SubmitAnswered: self.submit_answered,
            CancelAnswered: self.cancel_answered,
            QueryAnswered: self.query_answered,
            ReportAnswered: self.report_answered,
            TimerFired: self.timer,
            Recovered: self.recovered,
        }

    def step(self, state: MotorState, message: Message, now: Now) -> _Result:
        arm = self.arms.get(type(message))
        if arm is None:
            return state, NOTHING
        result: _Result = arm(state, message, now)
        return result

    # -------------------------------------------------------------- the market instant

    def bar(self, state: MotorState, message: BarClosed, now: Now) -> _Result:
        if message.at_ns <= state.settled_ns:
            return state, NOTHING
        advance = VenueAdvance(at_ns=message.at_ns, bars=message.bars, settle=message.final)
        if state.watching:
            return _replace(state, instant=message), (advance,)
        # One watchdog for all instants: it is armed once and looks whether an answer is overdue.
        due = Schedule(key="instant", due_ns=now.mono_ns + int(IMPATIENT_S * NS_PER_S))
        return _replace(state, instant=message, watching=True), (advance, due)

    def advanced(self, state: MotorState, message: VenueAdvanced, now: Now) -> _Result:
        if not message.fills and not message.orders:
            return self._settled(state, message.at_ns)
        state, effects = self._learn(state, message.fills, message.orders, now)
        state, settled = self._settled(state, message.at_ns)
        return state, (*effects, *settled)

    def _settled(self, state: MotorState, at_ns: int) -> _Result:
        instant = state.instant
        if instant is None or at_ns < instant.at_ns:
            return state, NOTHING
        told = InstantSettled(
            at_ns=instant.at_ns,
            session=instant.session,
            bars=instant.bars,
            closing=instant.closing,
            final=instant.final,
        )
        state = _replace(state, instant=None, settled_ns=instant.at_ns)
        return state, (Publish(to=("metabolism",), message=told),)

    # -------------------------------------------------------------- orders

    def approved(self, state: MotorState, message: OrderApproved, now: Now) -> _Result:
        approved = message.approved
        if approved.order.id in state.orders:
            return state, NOTHING
        tracked = orders.intended(approved, self.namespace)
        state = self._keep(state, tracked)
        effects: list[Effect] = [orders.updated(tracked)]
        if state.safe and orders.is_entry(approved.order):
            tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, "safe mode: no entries")
            return self._keep(state, tracked), (*effects, *more)
        if not state.clean and orders.is_entry(approved.order):
            return _replace(state, waiting=(*state.waiting, approved)), tuple(effects)
        tracked, more = orders.sent(tracked, self.venue, now)
        return self._keep(state, tracked), (*effects, *more)

    def cancel(self, state: MotorState, message: CancelRequested, now: Now) -> _Result:
        tracked = state.orders.get(message.order_id)
        if tracked is None or tracked.status.is_terminal:
            return state, NOTHING
        tracked, effects = orders.cancelled(tracked, now)
        return self._keep(state, tracked), tuple(effects)

    def submit_answered(self, state: MotorState, message: SubmitAnswered, now: Now) -> _Result:
        tracked = self._of(state, message.client_order_id)
        if tracked is None or tracked.status not in {OrderStatus.SENT, OrderStatus.UNKNOWN}:
            return state, NOTHING
        if message.answer is Answer.REFUSED:
            tracked, effects = orders.moved(tracked, OrderStatus.REJECTED, message.reason)
        elif message.answer is Answer.ACCEPTED and message.venue_order_id:
            report = VenueOrder(
                client_order_id=message.client_order_id, venue_order_id=message.venue_order_id,
                symbol=tracked.order.symbol, status="open", quantity=tracked.order.quantity,
                filled=tracked.filled,
            )  # fmt: skip
            tracked, effects = orders.seen(tracked, report, now)
        else:
            tracked, effects = orders.doubted(tracked, now, message.reason or "the answer proves nothing")
        return self._keep(state, tracked), tuple(effects)

    def cancel_answered(self, state: MotorState, message: CancelAnswered, now: Now) -> _Result:
        tracked = self._of(state, message.client_order_id)
        if tracked is None or tracked.status.is_terminal:
            return state, NOTHING
        # Refused means "look", not "gone"; accepted, the venue's own report ends the order.
        tracked, effects = orders.asked(tracked, now, [])
        return self._keep(state, tracked), tuple(effects)

    def query_answered(self, state: MotorState, message: QueryAnswered, now: Now) -> _Result:
        tracked = self._of(state, message.client_order_id)
        if not message.answered or tracked is None:
            return state, NOTHING  # a question that failed proves nothing
        if message.order is None and not message.fills:
            tracked, effects = orders.absent(tracked, message.asked_mono_ns, self.venue, self.namespace, now)
            return self._keep(state, tracked), tuple(effects)
        reports = (message.order,) if message.order is not None else ()
        state, learned = self._learn(state, message.fills, reports, now)
        return state, tuple(learned)

    # -------------------------------------------------------------- doubt

    def timer(self, state: MotorState, message: TimerFired, now: Now) -> _Result:
        if message.key == "report":
            due = Schedule(key="report", due_ns=now.mono_ns + int(REPORT_S * NS_PER_S))
            return state, (VenueReport(since=state.cursor), due)
        if message.key == "first":
            if state.clean:
                return state, NOTHING
            due = Schedule(key="first", due_ns=now.mono_ns + int(IMPATIENT_S * NS_PER_S))
            return state, (VenueReport(since=state.cursor), due)
        if message.key == "instant":
            return self._overdue(state, now)
        tracked = state.orders.get(message.key.partition(":")[2])
        if tracked is None or tracked.status.is_terminal:
            return state, NOTHING
        if tracked.status is OrderStatus.SENT:
            tracked, effects = orders.doubted(tracked, now, "no answer in time")
        else:
            tracked, effects = orders.asked(tracked, now, [])
        return self._keep(state, tracked), tuple(effects)

    def _overdue(self, state: MotorState, now: Now) -> _Result:
        instant = state.instant
        if instant is None:
            return _replace(state, watching=False), NOTHING
        advance = VenueAdvance(at_ns=instant.at_ns, bars=instant.bars, settle=instant.final)
        due = Schedule(key="instant", due_ns=now.mono_ns + int(IMPATIENT_S * NS_PER_S))
        return state, (advance, due)

    def recovered(self, state: MotorState, message: Recovered, now: Now) -> _Result:
        """Everything that may be at the venue is in doubt, and its window begins anew: clocks may differ."""
        effects: list[Effect] = []
        kept = dict(state.orders)
        waiting: list[ApprovedOrder] = []
        for tracked in state.orders.values():
            if tracked.status.is_terminal:
                continue
            if tracked.status is OrderStatus.INTENT:
                waiting.append(tracked.approved)
                continue
            fresh = _replace(tracked, sent_mono_ns=now.mono_ns, n_absent=0, n_queries=0)
            kept[tracked.order.id], more = orders.doubted(fresh, now, "this process cannot know its fate")
            effects += more
        state = _replace(
            state, orders=kept, clean=False, first=True, doubt=(), waiting=tuple(waiting),
            safe=message.safe or (state.safe and not message.process), watching=False,
        )  # fmt: skip
        instant = state.instant
        if instant is not None:
            state, more_effects = self._overdue(state, now)
            state = _replace(state, watching=True)
            effects += more_effects
        effects += (
            VenueReport(since=state.cursor),
            Schedule(key="first", due_ns=now.mono_ns + int(IMPATIENT_S * NS_PER_S)),
            Schedule(key="report", due_ns=now.mono_ns + int(REPORT_S * NS_PER_S)),
        )
        return state, tuple(effects)

    def report_answered(self, state: MotorState, message: ReportAnswered, now: Now) -> _Result:
        if not message.answered:
            return state, NOTHING
        state, effects = self._learn(state, message.fills, message.open_orders, now)
        state, told = compared(state, message)
        effects += told
        if state.clean and state.waiting:
            waiting, state = state.waiting, _replace(state, waiting=())
            for approved in waiting:
                tracked = state.orders.get(approved.order.id)
                if tracked is None or tracked.status is not OrderStatus.INTENT:
                    continue
                expires = approved.order.expires_ns
                if expires is not None and now.market_ns >= expires:
                    tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, "the market has moved on")
                else:
                    tracked, more = orders.sent(tracked, self.venue, now)
                state = self._keep(state, tracked)
                effects += more
        return state, tuple(effects)

    # -------------------------------------------------------------- fills

    def _learn(
        self, state: MotorState, fills: tuple[Fill, ...], reports: tuple[VenueOrder, ...], now: Now
    ) -> tuple[MotorState, list[Effect]]:
        """Book fills, each once; then believe what the venue says of orders."""
        effects: list[Effect] = []
        for fill in fills:
            if fill in state.booked:
                continue
            state, more = self._book(state, fill)
            effects += more
        for report in reports:
            tracked = self._of(state, report.client_order_id)
            if tracked is not None and tracked.client_order_id == report.client_order_id:
                tracked, more = orders.seen(tracked, report, now)
                state = self._keep(state, tracked)
                effects += more
        return state, effects

    def _book(self, state: MotorState, fill: Fill) -> tuple[MotorState, list[Effect]]:
        effects: list[Effect] = []
        order_id = state.by_client.get(fill.client_order_id, "")
        fill = _replace(fill, order_id=order_id)
        positions = dict(state.positions)
        change = position_change(fill, self.instruments[fill.symbol])
        positions[fill.symbol] = positions.get(fill.symbol, Decimal(0)) + change
        state = _replace(state, booked=state.booked.adding(fill), positions=positions, cursor=fill.trade_id)
        effects.append(Publish(to=HEARERS, message=Filled(fill=fill)))
        tracked = state.orders.get(order_id)
        if tracked is None:
            if not fill.client_order_id.startswith("settle:"):
                effects.append(_alarm(fill, "The venue executed something we did not order"))
            return state, effects
        was_over = tracked.status.is_terminal
        filled = tracked.filled + fill.quantity
        tracked = _replace(tracked, filled=filled)
        if was_over:
            effects.append(_alarm(fill, f"A fill came after order {order_id} had ended"))
            return self._keep(state, tracked), effects
        if filled > tracked.order.quantity:
            effects.append(_alarm(fill, f"Order {order_id} was filled beyond its quantity"))
        full = filled >= tracked.order.quantity
        if tracked.status is OrderStatus.INTENT:  # its recorded submission did leave
            tracked = _replace(tracked, status=OrderStatus.SENT)
        tracked, more = orders.moved(tracked, OrderStatus.FILLED if full else OrderStatus.PARTIAL)
        return self._keep(state, tracked), [*effects, *more]

    # -------------------------------------------------------------- memory

    def _of(self, state: MotorState, client_order_id: str) -> Tracked | None:
        return state.orders.get(state.by_client.get(client_order_id, ""))

    def _keep(self, state: MotorState, tracked: Tracked) -> MotorState:
        order_id = tracked.order.id
        kept = {**state.orders, order_id: tracked}
        by_client = state.by_client
        if by_client.get(tracked.client_order_id) != order_id:
            by_client = {**by_client, tracked.client_order_id: order_id}
        if len(kept) > 2 * N_ENDED:
            ended = [k for k, t in kept.items() if t.status.is_terminal][: len(kept) - N_ENDED]
            gone = set(ended)
            kept = {k: t for k, t in kept.items() if k not in gone}
            by_client = {c: k for c, k in by_client.items() if k not in gone}
        return _replace(state, orders=kept, by_client=by_client)


def _alarm(fill: Fill, title: str) -> Publish:
    body = f"{fill.side.value} {fill.quantity} {fill.symbol} at {fill.price} (trade {fill.trade_id}). It was booked."
    return Publish(
        to=("voice",),
        message=AlertRaised(
            severity=Severity.CRITICAL, priority=Priority.CRITICAL, title=title, body=body,
            dedup_key=f"fill:{fill.key}",
        ),
    )  # fmt: skip


def motor_core(
    capabilities: VenueCapabilities, instruments: tuple[Instrument, ...], namespace: str
) -> OrganCore[MotorState]:
    """Build the organ. namespace: of the journal, so that client order ids are unique for ever."""
    motor = _Motor(capabilities, instruments, namespace)
    return OrganCore(name="motor", state_type=MotorState, initial=MotorState(), step=motor.step)
