"""One order's steps: send, hear, ask, give up. Pure functions from a tracked order to the next and its effects.

The rules: an intent is durable before anything leaves; what is not proven is UNKNOWN, and stays so until the
venue tells, or until two questions and a report, all asked after nothing can take effect any more, find nothing;
then, and only then, another attempt may leave. One attempt lives at a time, each with an id of its own.
"""

import hashlib

import msgspec

from organism.core import Now
from organism.effects import CancelTimer, Effect, Publish, Schedule, VenueCancel, VenueQuery, VenueSubmit
from organism.market import NS_PER_S, VenueCapabilities
from organism.messages import OrderUpdated
from organism.portfolio import VenueOrder
from organism.trading import LEGAL, ApprovedOrder, Order, OrderStatus, Purpose
from organs.motor.state import Tracked

Steps = tuple[Tracked, list[Effect]]
_replace = msgspec.structs.replace
HEARERS = ("metabolism", "immune")
PROOFS = 2  # proven absences before a report may show that an attempt never arrived
ATTEMPTS = 3
FIRST_PAUSE_S, DOUBLINGS = 0.25, 5  # between two questions: 0.25 s, doubled five times, 8 s from then on
LATER_NS = 1_000_000  # so long after its window an order that is not there never was

_REPORTED = {
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}


def client_order_id(namespace: str, order_id: str, attempt: int) -> str:
    """Deterministic, unique for ever: 26 letters and digits.

    >>> client_order_id("n", "1-0", 1) == client_order_id("n", "1-0", 1) != client_order_id("n", "1-0", 2)
    True
    """
    digest = hashlib.sha256(f"{namespace}|{order_id}|{attempt}".encode()).hexdigest()
    return f"og{digest[:24]}"


def window_ns(venue: VenueCapabilities) -> int:
    """After so long nothing that was sent can still take effect, ns."""
    return int((venue.validity_window_s + venue.engine_timeout_s + venue.clock_skew_s) * NS_PER_S)


def intended(approved: ApprovedOrder, namespace: str) -> Tracked:
    """An intent, before anything leaves."""
    return Tracked(
        approved=approved,
        status=OrderStatus.INTENT,
        client_order_id=client_order_id(namespace, approved.order.id, 1),
    )


def is_entry(order: Order) -> bool:
    """Whether the order may add risk."""
    return not order.reduce_only and order.purpose is not Purpose.PROTECT


def is_late(order: Order, now: Now) -> bool:
    """Whether the market has moved on since the decision."""
    return order.expires_ns is not None and now.market_ns >= order.expires_ns


def moved(tracked: Tracked, status: OrderStatus, now: Now, reason: str = "") -> Steps:
    """The same order in another status, and the word about it. What the rules do not allow changes nothing."""
    if status not in LEGAL[tracked.status]:
        return tracked, []
    tracked = _replace(tracked, status=status)
    effects: list[Effect] = [updated(tracked, reason)]
    if status.is_terminal:
        tracked = _replace(tracked, ended_mono_ns=now.mono_ns)
        effects.append(CancelTimer(key=_key(tracked)))
    return tracked, effects


def updated(tracked: Tracked, reason: str = "") -> Publish:
    """What others are told of an order."""
    return Publish(
        to=HEARERS,
        message=OrderUpdated(
            order_id=tracked.order.id, client_order_id=tracked.client_order_id, symbol=tracked.order.symbol,
            status=tracked.status, filled=tracked.filled, reason=reason,
        ),
    )  # fmt: skip


def sent(tracked: Tracked, venue: VenueCapabilities, now: Now) -> Steps:
    """Let the attempt leave: the row that holds this effect is durable before it does."""
    tracked = _replace(
        tracked, status=OrderStatus.SENT, sent_mono_ns=now.mono_ns, n_absent=0, absent_mono_ns=0, n_queries=0
    )
    patience_s = venue.validity_window_s + venue.engine_timeout_s
    return tracked, [
        updated(tracked),
        VenueSubmit(
            client_order_id=tracked.client_order_id,
            approved=tracked.approved,
            valid_for_s=venue.validity_window_s,
            sent_mono_ns=now.mono_ns,
        ),
        timer(tracked, now, patience_s),
    ]


def timer(tracked: Tracked, now: Now, pause_s: float) -> Schedule:
    """When to look at the order again."""
    return Schedule(key=_key(tracked), due_ns=now.mono_ns + int(pause_s * NS_PER_S))


def doubted(tracked: Tracked, now: Now, reason: str) -> Steps:
    """Nobody knows what became of it: ask, now and again with growing pauses."""
    tracked, effects = moved(tracked, OrderStatus.UNKNOWN, now, reason)
    if tracked.status is not OrderStatus.UNKNOWN:
        return tracked, effects
    return asked(tracked, now, effects)


def asked(tracked: Tracked, now: Now, effects: list[Effect]) -> Steps:
    """Ask the venue for the order and look again after a back-off of 0.25, 0.5, 1 … at most 8 seconds."""
    pause_s = FIRST_PAUSE_S * 2.0 ** min(tracked.n_queries, DOUBLINGS)
    tracked = _replace(tracked, n_queries=tracked.n_queries + 1)
    query = VenueQuery(client_order_id=tracked.client_order_id, symbol=tracked.order.symbol)
    return tracked, [*effects, query, timer(tracked, now, pause_s)]


def cancelled(tracked: Tracked, now: Now) -> Steps:
    """Somebody wants it gone. An order that may be at the venue is cancelled there; only the venue ends it."""
    tracked = _replace(tracked, cancel=True)
    if tracked.status is OrderStatus.INTENT:
        return moved(tracked, OrderStatus.CANCELED, now, "cancelled before it was sent")
    cancel = VenueCancel(client_order_id=tracked.client_order_id, symbol=tracked.order.symbol)
    if tracked.status is OrderStatus.SENT:  # the timer of the answer that is awaited stays as it is
        return tracked, [cancel]
    return tracked, [cancel, timer(tracked, now, 1.0)]


def seen(tracked: Tracked, report: VenueOrder, now: Now) -> Steps:
    """The venue told of the live attempt: believe its status; quantities come from fills alone."""
    if tracked.status.is_terminal:
        return tracked, []
    ended = _REPORTED.get(report.status)
    if ended is not None and report.filled > tracked.filled:
        # It ended with fills we have not seen: they come first, then the end.
        return asked(tracked, now, [])
    tracked = _replace(tracked, n_absent=0, n_queries=0, venue_order_id=report.venue_order_id)
    if ended is not None:
        return moved(tracked, ended, now, report.reason)
    effects: list[Effect] = []
    if tracked.status in {OrderStatus.SENT, OrderStatus.UNKNOWN}:
        status = OrderStatus.PARTIAL if tracked.filled > 0 else OrderStatus.ACKED
        tracked, effects = moved(tracked, status, now)
    if tracked.cancel:
        tracked, more = cancelled(tracked, now)
        return tracked, [*effects, *more]
    return tracked, [*effects, CancelTimer(key=_key(tracked))]


def absent(tracked: Tracked, asked_ns: int, venue: VenueCapabilities, now: Now) -> Steps:
    """The venue does not know it: evidence only when asked after nothing could take effect any more.

    One answer that comes twice is one piece of evidence: a later question must have asked for the other.
    """
    if tracked.status is OrderStatus.SENT or tracked.status.is_terminal:
        return tracked, []
    if not _is_evidence(tracked, asked_ns, venue):
        return tracked, _sooner(tracked, asked_ns, venue)
    if asked_ns <= tracked.absent_mono_ns:
        return tracked, []
    effects: list[Effect] = []
    if tracked.status is not OrderStatus.UNKNOWN:
        tracked, effects = doubted(tracked, now, "the venue does not know it any more")
    tracked = _replace(tracked, n_absent=tracked.n_absent + 1, absent_mono_ns=asked_ns)
    if tracked.n_absent < PROOFS:  # the answer cannot change any more: the next proof need not be waited for
        effects.append(timer(tracked, now, FIRST_PAUSE_S))
    return tracked, effects


def _sooner(tracked: Tracked, asked_ns: int, venue: VenueCapabilities) -> list[Effect]:
    """Ask again as soon as the answer will be evidence, where the back-off would be later than that.

    Until then nothing is traded in that symbol: a body that was killed between intent and sending waits for it.
    """
    pause_s = FIRST_PAUSE_S * 2.0 ** min(max(tracked.n_queries - 1, 0), DOUBLINGS)
    evident_ns = tracked.sent_mono_ns + window_ns(venue) + LATER_NS
    if evident_ns >= asked_ns + int(pause_s * NS_PER_S):
        return []
    return [Schedule(key=_key(tracked), due_ns=evident_ns)]


def is_nowhere(tracked: Tracked, asked_ns: int, venue: VenueCapabilities) -> bool:
    """Whether a report asked for at `asked_ns`, which does not show the order, completes the proof."""
    return (
        tracked.status is OrderStatus.UNKNOWN
        and tracked.n_absent >= PROOFS
        and _is_evidence(tracked, asked_ns, venue)
    )


def again(tracked: Tracked, venue: VenueCapabilities, namespace: str, now: Now, stale: str) -> Steps:
    """The attempt is proven absent: give up (`stale` says why), or send another one."""
    order = tracked.order
    if tracked.cancel:
        return moved(tracked, OrderStatus.CANCELED, now, "proven never to have reached the venue")
    if not stale and is_late(order, now):
        stale = "the market has moved on"
    if not stale and tracked.attempt >= ATTEMPTS:
        stale = f"{ATTEMPTS} attempts were made"
    if not stale and tracked.filled > 0:
        stale = "it was filled in part before"
    if stale:
        return moved(tracked, OrderStatus.EXPIRED, now, f"proven absent at the venue; {stale}")
    attempt = tracked.attempt + 1
    tracked = _replace(
        tracked,
        status=OrderStatus.INTENT,
        attempt=attempt,
        client_order_id=client_order_id(namespace, order.id, attempt),
        venue_order_id="",
    )
    return sent(tracked, venue, now)


def _is_evidence(tracked: Tracked, asked_ns: int, venue: VenueCapabilities) -> bool:
    return asked_ns > tracked.sent_mono_ns + window_ns(venue)


def _key(tracked: Tracked) -> str:
    return f"order:{tracked.order.id}"
