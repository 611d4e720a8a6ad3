"""The way to the paper venue and back, on which everything gets lost, late, doubled and contradicted."""

from collections.abc import Callable
from typing import Any

import msgspec

from organism.chaos.simulated.plan import Dice
from organism.effects import Effect, VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.lockstep import Lockstep
from organism.market import NS_PER_S
from organism.messages import (
    Answer,
    Message,
    QueryAnswered,
    ReportAnswered,
    SubmitAnswered,
)
from organism.spine import Origin
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.venue import PaperVenue

_replace = msgspec.structs.replace
WINDOW_NS = NS_PER_S  # after so long nothing that was sent to the paper venue takes effect: only then absence is proof
_ACTS = (VenueSubmit, VenueCancel)


class StruckVenue:
    """A port for the lockstep driver. The exchange behind it decides as ever: its book is the judge.

    point     called before and after the exchange decides: the body may die there
    departs   called with each request that acts, the moment it leaves
    """

    def __init__(
        self,
        exchange: PaperExchange,
        dice: Dice,
        point: Callable[[str], None],
        departs: Callable[[Effect, Origin], None],
    ) -> None:
        self.exchange = exchange
        self._dice = dice
        self._point = point
        self._departs = departs
        self._driver: Lockstep | None = None
        self._venue = PaperVenue(exchange, mono_ns=lambda: self._at.mono_ns)
        self._flying: dict[int, tuple[int, Effect, Origin, int]] = {}
        self._n = 0
        self._sent: dict[str, str] = {}  # order id → client id of its newest attempt
        self._lied: set[str] = set()
        self._left_ns: dict[str, int] = {}  # when each attempt left
        self._cancelling: dict[str, Any] = {}  # client id → filled when its cancel left late

    @property
    def _at(self) -> Lockstep:
        if self._driver is None:
            raise RuntimeError("the port is used before a driver was bound to it")
        return self._driver

    def bind(self, driver: Lockstep) -> None:
        """Another process begins: what is on its way to the venue still arrives, answers to the dead do not."""
        self._driver = driver
        flying, self._flying = self._flying, {}
        for due_ns, effect, origin, sent_ns in flying.values():
            self._fly(effect, origin, sent_ns, max(0, due_ns - driver.mono_ns), None)

    def ground(self) -> None:
        """The machine restarted: nothing is on its way any more."""
        self._flying.clear()

    # ------------------------------------------------------------------ there

    def perform(self, effect: Effect, origin: Origin) -> None:
        """Take one request; it leaves, or is lost."""
        driver, dice = self._at, self._dice
        sent_ns = driver.mono_ns
        kind = type(effect)
        if kind in _ACTS:
            if driver.organs[origin.organ].incarnation != origin.incarnation:
                return  # as at the living port: a request of a retired incarnation does not leave
            self._departs(effect, origin)
        if kind is VenueSubmit:
            self._left_ns[effect.client_order_id] = sent_ns  # type: ignore[union-attr]
        self._point("before_venue")
        if dice.happens("lost_request"):
            return
        span_ns = self._lateness(effect)
        if span_ns:
            self._fly(effect, origin, sent_ns, span_ns, driver)
        else:
            self._arrive(effect, origin, sent_ns, driver)

    def _lateness(self, effect: Effect) -> int:
        dice = self._dice
        if dice.happens("late_request"):
            return int(dice.chance("late_request").uniform(0.0, 3.0) * NS_PER_S)
        if dice.happens("very_late_request"):
            return int(dice.chance("very_late_request").uniform(3.0, 30.0) * NS_PER_S)
        if type(effect) is VenueCancel and dice.strikes("cancel_race"):
            resting = self.exchange.orders.get(effect.client_order_id)
            if resting is not None and resting.status == "open":
                self._cancelling[effect.client_order_id] = resting.filled
            return int(dice.chance("cancel_race").uniform(0.5, 4.0) * NS_PER_S)
        return 0

    def _fly(
        self, effect: Effect, origin: Origin, sent_ns: int, span_ns: int, asker: Lockstep | None
    ) -> None:
        self._n += 1
        number = self._n
        self._flying[number] = (self._at.mono_ns + span_ns, effect, origin, sent_ns)

        def land() -> None:
            del self._flying[number]
            self._arrive(effect, origin, sent_ns, asker)

        self._at.later(span_ns, land)

    def _arrive(self, effect: Effect, origin: Origin, sent_ns: int, asker: Lockstep | None) -> None:
        if type(effect) is VenueCancel:
            self._raced(effect)
        message = self._refused(effect) or self._venue.handle(effect, sent_ns)
        self._point("after_venue")
        if asker is self._at:  # nobody else would hear it
            self._answer(effect, message, origin, sent_ns)

    def _raced(self, effect: VenueCancel) -> None:
        before = self._cancelling.pop(effect.client_order_id, None)
        if before is not None and self.exchange.orders[effect.client_order_id].filled > before:
            self._dice.saw("cancel_race")

    def _refused(self, effect: Effect) -> Message | None:
        """Refuse an order as a real venue does, for want of balance: it uses its client id up."""
        if type(effect) is not VenueSubmit or effect.client_order_id in self.exchange.orders:
            return None
        if not self._dice.happens("refused"):
            return None
        order = _replace(effect.approved.order, quantity=effect.approved.order.quantity * -1)
        answer, identity, reason = self.exchange.submit(effect.client_order_id, order)
        return SubmitAnswered(
            client_order_id=effect.client_order_id, answer=answer, venue_order_id=identity, reason=reason
        )

    # ------------------------------------------------------------------ and back

    def _answer(self, effect: Effect, message: Message, origin: Origin, sent_ns: int) -> None:
        dice = self._dice
        if dice.on:
            if type(effect) is VenueSubmit:
                self._stale(effect, origin, sent_ns)
            message = self._contradicted(message)
        if type(effect) is VenueAdvance and dice.strikes("fill_after_cancel"):
            # Seen in the journal: a fill booked after its cancel was acknowledged.
            self._say(message, origin, dice.chance("fill_after_cancel").uniform(0.5, 6.0))
            return
        if dice.happens("lost_reply"):
            return
        if dice.happens("double_reply"):
            self._say(message, origin, dice.chance("double_reply").uniform(0.0, 20.0))
        if dice.happens("late_reply"):
            self._say(message, origin, dice.chance("late_reply").uniform(0.0, 3.0))
        elif dice.happens("very_late_reply"):
            self._say(message, origin, dice.chance("very_late_reply").uniform(5.0, 40.0))
        else:
            self._at.answer(message, origin)

    def _say(self, message: Message, origin: Origin, in_s: float) -> None:
        driver = self._at
        driver.later(int(in_s * NS_PER_S), lambda: driver.answer(message, origin))

    def _contradicted(self, message: Message) -> Message:
        dice = self._dice
        if type(message) is SubmitAnswered:
            identity = message.client_order_id
            if dice.happens("unknown_answer"):
                return SubmitAnswered(client_order_id=identity, answer=Answer.UNKNOWN, reason="503")
            if message.answer is Answer.ACCEPTED and dice.happens("called_double"):
                reason = "duplicate client order id"
                return SubmitAnswered(client_order_id=identity, answer=Answer.REFUSED, reason=reason)
        elif type(message) is QueryAnswered:
            if dice.happens("query_fails"):
                return _replace(message, answered=False, order=None, fills=())
            identity = message.client_order_id
            asked_late = message.asked_mono_ns > self._left_ns.get(identity, 0) + WINDOW_NS
            can_lie = message.order is not None and asked_late and identity not in self._lied
            if can_lie and dice.happens("lying_absent"):
                self._lied.add(identity)
                return _replace(message, order=None, fills=())
        elif type(message) is ReportAnswered and message.open_orders and dice.happens("omitted"):
            left_out = dice.chance("omitted").randrange(len(message.open_orders))
            there = message.open_orders
            return _replace(message, open_orders=there[:left_out] + there[left_out + 1 :])
        return message

    def _stale(self, effect: VenueSubmit, origin: Origin, sent_ns: int) -> None:
        """Answers 'no such order' that were true once and come when they are true no more, or about another attempt."""
        dice, identity = self._dice, effect.client_order_id
        order_id = effect.approved.order.id
        before = self._sent.get(order_id, identity)
        self._sent[order_id] = identity
        if dice.happens("stale_absent"):
            asked_ns = sent_ns + int(dice.chance("stale_absent").uniform(0.0, 0.9) * NS_PER_S)
            absent = QueryAnswered(client_order_id=identity, asked_mono_ns=asked_ns, answered=True)
            for _ in range(2):
                self._say(absent, origin, dice.chance("stale_absent").uniform(1.0, 20.0))
        if before != identity and dice.happens("absent_again"):
            for _ in range(2):
                asked_ns = sent_ns + 3 * NS_PER_S
                absent = QueryAnswered(client_order_id=before, asked_mono_ns=asked_ns, answered=True)
                self._say(absent, origin, dice.chance("absent_again").uniform(3.0, 10.0))


REQUESTS: tuple[type, ...] = (VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport)
