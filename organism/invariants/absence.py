"""What proves that an attempt never reached the venue: questions answered "no such order", asked after its window.

Shared by I2 (may another attempt leave?) and I6 (may it count as ended?). It believes only what motor read. One
answer that comes twice is one look at the venue: what counts are questions, told apart by when they were asked.
"""

from dataclasses import dataclass, field

from organism.invariants.event import Event
from organism.market import NS_PER_S
from organism.messages import QueryAnswered, Recovered, ReportAnswered

PROOFS = 2  # late questions answered "no such order" that the whole report then has to confirm


@dataclass(slots=True)
class Attempt:
    """One sending of an order.

    sent_mono_ns, valid_ns   say when it can take effect at the latest
    n_absent                 late questions since, each answered "no such order"
    absent_mono_ns           when the last of them was asked; an answer to it, or to an earlier one, counts no more
    """

    client_id: str
    seq: int
    sent_mono_ns: int
    valid_ns: int
    n_absent: int = 0
    absent_mono_ns: int = 0


@dataclass(slots=True)
class Clocked:
    """Monotonic time begins anew with each recovery of motor: windows of older attempts count from there."""

    mono_ns: int = 0
    seq: int = 0
    attempts: dict[str, Attempt] = field(default_factory=dict)

    def sent(self, client_id: str, event: Event, sent_mono_ns: int, valid_for_s: float) -> Attempt:
        """An attempt left."""
        attempt = Attempt(client_id, event.seq, sent_mono_ns, int(valid_for_s * NS_PER_S))
        self.attempts[client_id] = attempt
        return attempt

    def read(self, event: Event) -> None:
        """Motor read something: note what it proves about absence."""
        message = event.read
        if type(message) is Recovered:
            self.mono_ns, self.seq = event.mono_ns, event.seq
            for attempt in self.attempts.values():
                attempt.n_absent = attempt.absent_mono_ns = 0
        elif type(message) is QueryAnswered and message.answered:
            known = self.attempts.get(message.client_order_id)
            if known is None:
                return
            if message.order is not None or message.fills:
                known.n_absent = 0
            elif message.asked_mono_ns > known.absent_mono_ns and self.is_late(known, message.asked_mono_ns):
                known.n_absent += 1
                known.absent_mono_ns = message.asked_mono_ns

    def is_late(self, attempt: Attempt, asked_mono_ns: int) -> bool:
        """Whether a question left after nothing of the attempt could take effect any more."""
        since_ns = attempt.sent_mono_ns if attempt.seq > self.seq else self.mono_ns
        return asked_mono_ns > since_ns + attempt.valid_ns

    def is_proven(self, attempt: Attempt, event: Event) -> bool:
        """Whether the report that this event read completes the proof that the attempt is nowhere."""
        report = event.read
        return (
            attempt.n_absent >= PROOFS
            and type(report) is ReportAnswered
            and report.answered
            and self.is_late(attempt, report.asked_mono_ns)
            and all(order.client_order_id != attempt.client_id for order in report.open_orders)
        )
