"""Order states against a reference of one screen: whatever is told, doubled, reordered or lost, restarts included."""

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from organism.effects import VenueSubmit
from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    Answer,
    CancelAnswered,
    CancelRequested,
    Filled,
    OrderApproved,
    OrderUpdated,
    QueryAnswered,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    TimerFired,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder, VenuePosition
from organism.trading import LEGAL, OrderStatus
from organs.motor.core import motor_core
from organs.motor.orders import ATTEMPTS, client_order_id, window_ns
from organs.motor.state import MotorState
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, VENUE, D, X, approved, done, fill, now, said

QUANTITY = 4
CLIENTS = [client_order_id("ns", "1-0", n) for n in range(1, ATTEMPTS + 1)]
ENDS = {"filled": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED", "rejected": "REJECTED"}
OVER = {"FILLED", "CANCELED", "EXPIRED", "REJECTED"}


class Reference:
    """What the record of one order must say, from the rules of the protocol alone. Whole lots, whole seconds."""

    def __init__(self, expires_s):
        self.status, self.filled, self.position, self.attempt = "SENT", 0, 0, 1
        self.wanted_gone, self.absences, self.sent_s, self.expires_s = False, 0, 0, expires_s
        self.known, self.late_fills, self.absent_s = set(), 0, 0

    def answered(self, attempt, answer):
        if attempt != self.attempt or self.status not in {"SENT", "UNKNOWN"}:
            return
        if answer == "accepted":
            self._is_open()
        else:
            self.status = "REJECTED" if answer == "refused" else "UNKNOWN"

    def executed(self, attempt, trade, quantity):
        if trade in self.known:
            return
        self.known.add(trade)
        self.filled += quantity
        self.position += quantity
        if self.status in OVER:
            self.late_fills += 1
        elif attempt == self.attempt:
            self.status = "FILLED" if self.filled >= QUANTITY else "PARTIAL"
        else:
            self.wanted_gone = True

    def told(self, attempt, status, filled):
        if self.status in OVER or attempt != self.attempt:
            return
        if status == "open":
            self._is_open()
        elif filled <= self.filled:  # else its fills come first
            self.status = ENDS[status]

    def not_found(self, attempt, asked_s):
        proves = attempt == self.attempt and asked_s > self.sent_s + 1 and asked_s > self.absent_s
        if proves and self.status in {"ACKED", "PARTIAL", "UNKNOWN"}:
            self.status, self.absences, self.absent_s = "UNKNOWN", self.absences + 1, asked_s

    def not_in_report(self, asked_s, now_s):
        if self.status != "UNKNOWN" or self.absences < 2 or not asked_s > self.sent_s + 1:
            return
        if self.wanted_gone:
            self.status = "CANCELED"
        elif now_s >= self.expires_s or self.attempt == ATTEMPTS or self.filled:
            self.status = "EXPIRED"
        else:
            self.status, self.attempt, self.absences, self.sent_s = "SENT", self.attempt + 1, 0, now_s
            self.absent_s = 0

    def unanswered(self):
        self.status = "UNKNOWN" if self.status == "SENT" else self.status

    def restarted(self, now_s):
        if self.status not in OVER:
            self.status, self.absences, self.sent_s, self.absent_s = "UNKNOWN", 0, now_s, 0

    def _is_open(self):
        self.absences = 0
        if self.status in {"SENT", "UNKNOWN"}:
            self.status = "PARTIAL" if self.filled else "ACKED"


attempts = st.integers(1, ATTEMPTS)
ages = st.integers(0, 4)
lots = st.integers(0, QUANTITY)


class Orders(RuleBasedStateMachine):
    """One order of execution and its reference hear the same; the venue may say anything at any time."""

    @initialize(expires_s=st.sampled_from([8, 10**6]))
    def begins(self, expires_s):
        self.core = motor_core(VENUE, INSTRUMENTS, "ns")
        self.state, self.heard, self.now_s = self.core.initial, [], 0
        self.booked, self.status, self.live = [], None, None
        self.submitted, self.alarms = [], 0
        self.reference = Reference(expires_s)
        self.hear(Recovered(organ="motor", incarnation=1, process=True, safe=False))
        self.report_of({})
        order = approved("1-0", quantity=str(QUANTITY), expires_ns=START + expires_s * NS_PER_S)
        self.hear(OrderApproved(approved=order))

    def hear(self, message):
        at = now(self.now_s, START + self.now_s * NS_PER_S)
        self.heard.append((message, at))
        self.state, effects = self.core.step(self.state, message, at)
        self.booked += [m.fill.key for m in said(effects, Filled)]
        self.alarms += len([a for a in said(effects, AlertRaised) if a.title.startswith("A fill came after")])
        self.submitted += [e.client_order_id for e in done(effects, VenueSubmit)]
        for update in said(effects, OrderUpdated):
            self.follow(update)

    def follow(self, update):
        """I7: what is told is a chain of legal steps; another attempt begins where a proof ended the last."""
        if self.live not in {None, update.client_order_id}:
            assert self.status is OrderStatus.UNKNOWN
            self.status = OrderStatus.INTENT
        assert self.status is None or update.status in LEGAL[self.status]
        self.status, self.live = update.status, update.client_order_id

    def report_of(self, positions, open_orders=(), fills=(), asked_s=None):
        asked_ns = (self.now_s if asked_s is None else asked_s) * NS_PER_S
        held = tuple(VenuePosition(symbol=s, quantity=D(q)) for s, q in positions.items() if q)
        report = ReportAnswered(
            answered=True, asked_mono_ns=asked_ns, positions=held, open_orders=open_orders, fills=fills
        )
        self.hear(report)

    @rule(seconds=st.integers(1, 3))
    def time_passes(self, seconds):
        self.now_s += seconds

    @rule(attempt=attempts, answer=st.sampled_from(["accepted", "refused", "duplicate", "unproven", "no id"]))
    def submission_answered(self, attempt, answer):
        kinds = {"accepted": Answer.ACCEPTED, "no id": Answer.ACCEPTED, "unproven": Answer.UNKNOWN}
        reason = {"duplicate": "duplicate client order id", "refused": "no funds"}.get(answer, "")
        self.hear(
            SubmitAnswered(
                client_order_id=CLIENTS[attempt - 1], answer=kinds.get(answer, Answer.REFUSED),
                venue_order_id="p1" if answer == "accepted" else "", reason=reason,
            )
        )  # fmt: skip
        if attempt <= self.reference.attempt:
            self.reference.answered(attempt, answer)

    @rule(attempt=attempts, trade=st.integers(1, 6), quantity=st.integers(1, 2))
    def fill_told(self, attempt, trade, quantity):
        """The same trade numbers come again and again, in any order: doubled and reordered reports."""
        attempt, quantity = min(attempt, self.reference.attempt), 1 + trade % 2
        one = fill(trade, CLIENTS[attempt - 1], str(quantity))
        self.hear(VenueAdvanced(at_ns=START + BAR_NS, fills=(one,), orders=()))
        self.reference.executed(attempt, trade, quantity)

    @rule(attempt=attempts, status=st.sampled_from(["open", *ENDS]), filled=lots)
    def order_told(self, attempt, status, filled):
        told = self.there(attempt, status, filled)
        self.hear(VenueAdvanced(at_ns=START + BAR_NS, fills=(), orders=(told,)))
        self.reference.told(attempt, status, filled)

    @rule(attempt=attempts, status=st.sampled_from(["open", *ENDS]), filled=lots)
    def looked_up_and_found(self, attempt, status, filled):
        found = self.there(attempt, status, filled)
        self.query(attempt, self.now_s, found)
        self.reference.told(attempt, status, filled)

    @rule(attempt=attempts, age_s=ages)
    def looked_up_and_not_found(self, attempt, age_s):
        self.query(attempt, self.now_s - age_s, None)
        self.reference.not_found(attempt, self.now_s - age_s)

    @rule(attempt=attempts)
    def lookup_failed(self, attempt):
        self.hear(
            QueryAnswered(
                client_order_id=CLIENTS[attempt - 1], asked_mono_ns=self.now_s * NS_PER_S, answered=False,
                order=None, fills=(),
            )
        )  # fmt: skip

    @rule(age_s=ages)
    def account_reported_without_it(self, age_s):
        self.report_of({X: self.reference.position}, asked_s=self.now_s - age_s)
        self.reference.not_in_report(self.now_s - age_s, self.now_s)

    @rule(age_s=ages)
    def proven_absent(self, age_s):
        """Two lookups and a report, in one go: by chance alone the proof is rarely complete."""
        self.time_passes(2)
        for _ in range(2):
            self.time_passes(1)
            self.looked_up_and_not_found(self.reference.attempt, 0)
        self.account_reported_without_it(age_s)

    @rule(age_s=ages)
    def account_reported_with_it(self, age_s):
        attempt = self.reference.attempt
        rests = self.there(attempt, "open", 0)
        self.report_of({X: self.reference.position}, (rests,), asked_s=self.now_s - age_s)
        self.reference.told(attempt, "open", 0)

    @rule()
    def no_answer_in_time(self):
        self.hear(TimerFired(key="order:1-0", due_ns=0))
        self.reference.unanswered()

    @rule()
    def cancel_wanted(self):
        self.hear(CancelRequested(order_id="1-0", reason="test"))
        self.reference.wanted_gone |= self.reference.status not in OVER

    @rule(attempt=attempts, answer=st.sampled_from(Answer))
    def cancel_answered(self, attempt, answer):
        """I6: neither "accepted" nor "refused" ends an order; both mean look."""
        self.hear(CancelAnswered(client_order_id=CLIENTS[attempt - 1], answer=answer, reason=""))

    @precondition(lambda self: self.heard)
    @rule(process=st.booleans())
    def restarts(self, process):
        """Its state is the fold of what was heard, and what a snapshot gives back."""
        folded = self.core.initial
        for message, at in self.heard:
            folded, _ = self.core.step(folded, message, at)
        written = msgspec.msgpack.encode(self.state)
        assert msgspec.msgpack.encode(folded) == written
        self.state = msgspec.msgpack.decode(written, type=MotorState)
        self.hear(Recovered(organ="motor", incarnation=2, process=process, safe=False))
        self.reference.restarted(self.now_s)

    def query(self, attempt, asked_s, found):
        self.hear(
            QueryAnswered(
                client_order_id=CLIENTS[attempt - 1], asked_mono_ns=asked_s * NS_PER_S, answered=True,
                order=found, fills=(),
            )
        )  # fmt: skip

    @staticmethod
    def there(attempt, status, filled):
        return VenueOrder(
            client_order_id=CLIENTS[attempt - 1], venue_order_id="p1", symbol=X, status=status,
            quantity=D(QUANTITY), filled=D(filled),
        )  # fmt: skip

    @invariant()
    def the_record_is_what_the_rules_say(self):
        tracked, reference = self.state.orders["1-0"], self.reference
        assert tracked.status.name == reference.status == self.status.name
        assert (tracked.filled, tracked.attempt) == (reference.filled, reference.attempt)
        assert tracked.client_order_id == CLIENTS[reference.attempt - 1] == self.live
        assert tracked.cancel is reference.wanted_gone

    @invariant()
    def fills_are_the_position_and_each_is_told_once(self):
        assert self.state.positions.get(X, 0) == self.reference.position
        assert len(self.booked) == len(set(self.booked)) == len(self.reference.known)
        assert self.alarms == self.reference.late_fills

    @invariant()
    def each_attempt_leaves_once(self):
        assert self.submitted == CLIENTS[: self.reference.attempt]


def test_the_window_of_the_reference_is_the_venues():
    assert window_ns(VENUE) == NS_PER_S


TestOrders = Orders.TestCase
