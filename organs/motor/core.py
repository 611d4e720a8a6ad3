"""Execution: approved orders go to the venue, once; fills come back, once; everything in doubt is asked for."""

from typing import Any

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effect, Effects, Publish, Schedule, VenueAdvance, VenueQuery, VenueReport
from organism.market import NS_PER_S, Instrument, VenueCapabilities
from organism.messages import (
    Answer,
    BarClosed,
    CancelAnswered,
    CancelRequested,
    InstantSettled,
    Message,
    OrderApproved,
    QueryAnswered,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    TimerFired,
    TradingStateChanged,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder
from organism.trading import Order, OrderStatus, Purpose, TradingState
from organs.motor import orders
from organs.motor.booking import learned
from organs.motor.reconcile import compared, concluded, missing
from organs.motor.state import N_MISSED, MotorState, Tracked, keeping, tracked_as

_replace = msgspec.structs.replace
_Result = tuple[MotorState, Effects]
REPORT_S = 30.0  # between two comparisons with the venue's account
IMPATIENT_S = 2.0  # a report or an instant that was not answered for so long is asked for again
PATIENT_S = (
    30.0  # between two looks at the instant while they come in quick succession: the next one shows a loss
)
NOTHING: Effects = ()
DUPLICATE = "duplicate client order id"  # what a venue says that has the order already: look, adopt


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
            TradingStateChanged: self.state_changed,
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
        effects: tuple[Effect, ...] = (_advance(message, state.cursor),)
        missed = state.missed
        if state.instant is not None and state.instant.at_ns < message.at_ns:
            # No answer for the one before: the venue must meet its bars before these.
            missed = (*missed[1 - N_MISSED :], state.instant)
            effects = (*(_advance(m, state.cursor) for m in missed), *effects)
        if state.waiting:
            state, expired = self._expired(state, now)
            effects = (*effects, *expired)
        if not state.watching:
            # One watchdog for all instants: it is armed once and looks whether an answer is overdue.
            brisk = 0 <= now.mono_ns - state.heard_mono_ns < IMPATIENT_S * NS_PER_S
            effects = (*effects, _later("instant", PATIENT_S if brisk else IMPATIENT_S, now))
        return _replace(
            state, instant=message, missed=missed, watching=True, heard_mono_ns=now.mono_ns
        ), effects

    def advanced(self, state: MotorState, message: VenueAdvanced, now: Now) -> _Result:
        if not message.fills and not message.orders:
            return self._settled(state, message.at_ns)
        state, effects = learned(
            state, message.fills, message.orders, now, self.instruments, gapless=True
        )  # fmt: skip
        state, settled = self._settled(state, message.at_ns)
        return state, (*effects, *settled)

    def _settled(self, state: MotorState, at_ns: int) -> _Result:
        instant = state.instant
        if instant is None or at_ns < instant.at_ns:
            return state, NOTHING
        told: Effects = (_settle(instant),)
        if state.missed:  # a session's end is told even when its answer came with a later one
            told = (*(_settle(m) for m in state.missed if m.final), *told)
        return _replace(state, instant=None, missed=(), settled_ns=instant.at_ns), told

    # -------------------------------------------------------------- orders

    def approved(self, state: MotorState, message: OrderApproved, now: Now) -> _Result:
        approved = message.approved
        if approved.order.id in state.orders:
            return state, NOTHING
        tracked = orders.intended(approved, self.namespace)
        effects: list[Effect] = [orders.updated(tracked)]
        if state.safe and orders.is_entry(approved.order):
            tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, now, "safe mode: no entries")
        elif not state.entries and orders.is_entry(approved.order):
            # Approved before trading was restricted, read after it: the restriction travels in the faster lane.
            tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, now, "no entries are allowed any more")
        elif orders.is_late(approved.order, now):
            tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, now, "the market has moved on")
        elif self._must_agree(state, approved.order):
            state = _replace(state, waiting=(*state.waiting, approved.order.id))
            more = []
        else:
            tracked, more = orders.sent(tracked, self.venue, now)
        return keeping(state, tracked), (*effects, *more)

    def _must_agree(self, state: MotorState, order: Order) -> bool:
        """Whether the order may leave only once books and venue agree, and they do not yet."""
        return not state.clean and (orders.is_entry(order) or not self.venue.reduce_only)

    def _expired(self, state: MotorState, now: Now) -> tuple[MotorState, list[Effect]]:
        """Drop what waited too long for a clean reconciliation."""
        effects: list[Effect] = []
        for order_id in state.waiting:
            tracked = state.orders.get(order_id)
            if tracked is not None and orders.is_late(tracked.order, now):
                tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, now, "the market has moved on")
                state = keeping(state, tracked)
                effects += more
        waiting = tuple(i for i in state.waiting if self._waits(state, i))
        return _replace(state, waiting=waiting), effects

    def _released(self, state: MotorState, now: Now) -> tuple[MotorState, list[Effect]]:
        """Our account is the venue's: what waited for that may leave, in order."""
        state, effects = self._expired(state, now)
        for order_id in state.waiting:
            tracked, more = orders.sent(state.orders[order_id], self.venue, now)
            state = keeping(state, tracked)
            effects += more
        return _replace(state, waiting=()), effects

    def state_changed(self, state: MotorState, message: TradingStateChanged, now: Now) -> _Result:
        """Once entries are forbidden, none that waits may leave, and none that was lost may leave again."""
        allowed = message.after.state is TradingState.ACTIVE
        state = _replace(state, entries=allowed)
        if allowed:
            return state, NOTHING
        state, effects = self._forbidden(state, now, f"trading is {message.after.state.value}")
        return state, tuple(effects)

    def _forbidden(self, state: MotorState, now: Now, reason: str) -> tuple[MotorState, list[Effect]]:
        """End the entries that wait: none of them may leave any more."""
        effects: list[Effect] = []
        for order_id in state.waiting:
            tracked = state.orders.get(order_id)
            if tracked is not None and orders.is_entry(tracked.order):
                tracked, more = orders.moved(tracked, OrderStatus.EXPIRED, now, reason)
                state = keeping(state, tracked)
                effects += more
        waiting = tuple(i for i in state.waiting if self._waits(state, i))
        return _replace(state, waiting=waiting), effects

    @staticmethod
    def _waits(state: MotorState, order_id: str) -> bool:
        tracked = state.orders.get(order_id)
        return tracked is not None and tracked.status is OrderStatus.INTENT

    def cancel(self, state: MotorState, message: CancelRequested, now: Now) -> _Result:
        tracked = state.orders.get(message.order_id)
        if tracked is None or tracked.status.is_terminal or tracked.cancel:
            return (
                state,
                NOTHING,
            )  # wished for again and again, a cancel must not put off looking for its answer
        tracked, effects = orders.cancelled(tracked, now)
        return keeping(state, tracked), tuple(effects)

    # -------------------------------------------------------------- answers

    def submit_answered(self, state: MotorState, message: SubmitAnswered, now: Now) -> _Result:
        tracked = tracked_as(state, message.client_order_id)
        if tracked is None:
            return state, NOTHING
        accepted = message.answer is Answer.ACCEPTED and bool(message.venue_order_id)
        if tracked.status.is_terminal or tracked.client_order_id != message.client_order_id:
            # Too late to matter, unless something lives at the venue that should not: look.
            look = VenueQuery(client_order_id=message.client_order_id, symbol=tracked.order.symbol)
            return state, ((look,) if accepted else NOTHING)
        if tracked.status not in {OrderStatus.SENT, OrderStatus.UNKNOWN}:
            return state, NOTHING
        was = tracked
        if accepted:
            report = VenueOrder(
                client_order_id=message.client_order_id, venue_order_id=message.venue_order_id,
                symbol=tracked.order.symbol, status="open", quantity=tracked.order.quantity,
                filled=tracked.filled,
            )  # fmt: skip
            tracked, effects = orders.seen(tracked, report, now)
        elif message.answer is Answer.REFUSED and DUPLICATE not in message.reason:
            tracked, effects = orders.moved(tracked, OrderStatus.REJECTED, now, message.reason)
        else:
            reason = message.reason or "the answer proves nothing"
            tracked, effects = orders.doubted(tracked, now, reason)
        state = keeping(state, tracked)
        return state, (*effects, *self._looking(state, was, tracked))

    def cancel_answered(self, state: MotorState, message: CancelAnswered, now: Now) -> _Result:
        tracked = tracked_as(state, message.client_order_id)
        if tracked is None or tracked.status.is_terminal:
            return state, NOTHING
        # Refused means "look", not "gone"; accepted, the venue's own report ends the order.
        tracked, effects = orders.asked(tracked, now, [])
        return keeping(state, tracked), tuple(effects)

    def query_answered(self, state: MotorState, message: QueryAnswered, now: Now) -> _Result:
        tracked = tracked_as(state, message.client_order_id)
        if not message.answered or tracked is None:
            return state, NOTHING  # a question that failed proves nothing
        if message.order is None and not message.fills:
            if tracked.client_order_id != message.client_order_id:
                return state, NOTHING  # about an attempt that was given up
            tracked, effects = orders.absent(tracked, message.asked_mono_ns, self.venue, now)
            if tracked.n_absent >= orders.PROOFS:
                effects.append(VenueReport(since=state.cursor))  # the last witness
            return keeping(state, tracked), tuple(effects)
        reports = (message.order,) if message.order is not None else ()
        state, effects = learned(
            state, message.fills, reports, now, self.instruments, asked_ns=message.asked_mono_ns
        )
        after = state.orders[tracked.order.id]
        return state, (*effects, *self._looking(state, tracked, after))

    @staticmethod
    def _looking(state: MotorState, before: Tracked, after: Tracked) -> Effects:
        """Once a doubt is resolved, the whole account is compared."""
        if before.status is OrderStatus.UNKNOWN and after.status is not OrderStatus.UNKNOWN:
            return (VenueReport(since=state.cursor),)
        return NOTHING

    def report_answered(self, state: MotorState, message: ReportAnswered, now: Now) -> _Result:
        if not message.answered:
            return state, NOTHING
        asked_ns, filled_ns = message.asked_mono_ns, state.filled_mono_ns
        state, effects = learned(
            state, message.fills, message.open_orders, now, self.instruments, asked_ns=asked_ns, gapless=True
        )
        state, more = missing(state, message, now)
        effects += more
        state, more, is_verdict = compared(state, message, now, filled_ns)
        effects += more
        state, resolved = self._proven(state, message, now)
        if is_verdict:  # told before anything that had to wait for it leaves
            state, more = concluded(state, message)
            effects += more
        effects += resolved
        if state.clean and state.waiting:
            state, more = self._released(state, now)
            effects += more
        return state, tuple(effects)

    def _proven(self, state: MotorState, report: ReportAnswered, now: Now) -> tuple[MotorState, list[Effect]]:
        """Give up, or send again, what two questions and this report could not find.

        What must not leave while books and venue differ stays in doubt: a report on which they agree decides.
        """
        effects: list[Effect] = []
        there = {o.client_order_id for o in report.open_orders}
        for tracked in state.orders.values():
            if tracked.client_order_id in there:
                continue
            if orders.is_nowhere(tracked, report.asked_mono_ns, self.venue):
                stale = self._stale(state, tracked.order)
                tried, more = orders.again(tracked, self.venue, self.namespace, now, stale)
                if not tried.status.is_terminal and self._must_agree(state, tracked.order):
                    continue
                state = keeping(state, tried)
                effects += more
        return state, effects

    @staticmethod
    def _stale(state: MotorState, order: Order) -> str:
        """Why an order must not be sent again; "" when it may."""
        if state.safe and orders.is_entry(order):
            return "safe mode: no entries"
        if not state.entries and orders.is_entry(order):
            return "no entries are allowed any more"
        held = state.positions.get(order.symbol, 0)
        if order.purpose is Purpose.PROTECT and not held * order.side.sign < 0:
            return "there is nothing left to protect"
        return ""

    # -------------------------------------------------------------- time

    def timer(self, state: MotorState, message: TimerFired, now: Now) -> _Result:
        key = message.key
        if key == "report":
            return state, (VenueReport(since=state.cursor), _later(key, REPORT_S, now))
        if key == "recheck":
            return state, (VenueReport(since=state.cursor),)
        if key == "first":
            if not state.first:
                return state, NOTHING
            return state, (VenueReport(since=state.cursor), _later(key, IMPATIENT_S, now))
        if key == "instant":
            return self._overdue(state, now)
        tracked = state.orders.get(key.partition(":")[2])
        if tracked is None or tracked.status.is_terminal:
            return state, NOTHING
        if tracked.status is OrderStatus.SENT:
            tracked, effects = orders.doubted(tracked, now, "no answer in time")
        else:
            tracked, effects = orders.asked(tracked, now, [])
        return keeping(state, tracked), tuple(effects)

    def _overdue(self, state: MotorState, now: Now) -> _Result:
        instant = state.instant
        if instant is None:
            return _replace(state, watching=False), NOTHING
        again = (_advance(m, state.cursor) for m in (*state.missed, instant))
        return _replace(state, watching=True), (*again, _later("instant", IMPATIENT_S, now))

    def recovered(self, state: MotorState, message: Recovered, now: Now) -> _Result:
        """Everything that may be at the venue is in doubt, and its window begins anew: clocks may differ."""
        effects: list[Effect] = []
        for tracked in state.orders.values():
            if tracked.status.is_terminal or tracked.status is OrderStatus.INTENT:
                continue
            fresh = _replace(tracked, sent_mono_ns=now.mono_ns, n_absent=0, absent_mono_ns=0, n_queries=0)
            fresh, more = orders.doubted(fresh, now, "this process cannot know its fate")
            state = keeping(state, fresh)
            effects += more
        state = _replace(
            state, clean=False, first=True, doubt=(), filled_mono_ns=now.mono_ns - 1, watching=False,
            safe=message.safe or (state.safe and not message.process),
        )  # fmt: skip
        state, expired = self._expired(state, now)
        effects += expired
        if state.safe:
            state, expired = self._forbidden(state, now, "safe mode: no entries")
            effects += expired
        if state.instant is not None:
            state, overdue = self._overdue(state, now)
            effects += overdue
        effects += (
            VenueReport(since=state.cursor),
            _later("first", IMPATIENT_S, now),
            _later("report", REPORT_S, now),
        )
        return state, tuple(effects)


def _advance(instant: BarClosed, cursor: str) -> VenueAdvance:
    return VenueAdvance(at_ns=instant.at_ns, bars=instant.bars, settle=instant.final, since=cursor)


def _settle(instant: BarClosed) -> Publish:
    return Publish(
        to=("metabolism",),
        message=InstantSettled(
            at_ns=instant.at_ns,
            session=instant.session,
            bars=instant.bars,
            closing=instant.closing,
            final=instant.final,
        ),
    )


def _later(key: str, span_s: float, now: Now) -> Schedule:
    return Schedule(key=key, due_ns=now.mono_ns + int(span_s * NS_PER_S))


def motor_core(
    capabilities: VenueCapabilities, instruments: tuple[Instrument, ...], namespace: str
) -> OrganCore[MotorState]:
    """Build the organ. namespace: of the journal, so that client order ids are unique for ever."""
    motor = _Motor(capabilities, instruments, namespace)
    return OrganCore(name="motor", state_type=MotorState, initial=MotorState(), step=motor.step)
