"""What a core asks its shell to do. Effects are recorded with the step that produced them, then performed.

Gated effects wait until the row that holds them, and so everything before it, is durable on disk: venue
calls, fills told to others, notifications. Everything else is performed at once.
"""

import msgspec

from organism.market import Bar
from organism.messages import Fact, Filled, Message, Priority, Severity
from organism.trading import ApprovedOrder


class Deed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Base of all effects; the tag is the class name."""


class Publish(Deed, frozen=True, kw_only=True):
    """Say something to other organs, by name."""

    to: tuple[str, ...]
    message: Message


class Schedule(Deed, frozen=True, kw_only=True):
    """Send me `TimerFired(key)` when the clock reaches `due_ns`. Scheduling a key again replaces it.

    clock   "market" or "mono"
    """

    key: str
    due_ns: int
    clock: str = "mono"


class CancelTimer(Deed, frozen=True, kw_only=True):
    """Forget a timer; nothing happens when there is none."""

    key: str


class VenueAdvance(Deed, frozen=True, kw_only=True):
    """Tell the paper venue that these bars closed. Idempotent by `at_ns`; answered by `VenueAdvanced`.

    since    trade id cursor: the answer holds every fill after it, so that a lost answer loses none; "" for all
    settle   end of session: cancel resting orders, close positions at the last price
    """

    at_ns: int
    bars: tuple[Bar, ...]
    settle: bool = False
    since: str = ""


class VenueSubmit(Deed, frozen=True, kw_only=True):
    """Send an order. Answered by `SubmitAnswered`, or never.

    valid_for_s    the venue refuses the request if it arrives later than this after sending
    sent_mono_ns   when that span began, monotonic: at the decision, not when the disk let the request leave
    """

    client_order_id: str
    approved: ApprovedOrder
    valid_for_s: float
    sent_mono_ns: int = 0


class VenueCancel(Deed, frozen=True, kw_only=True):
    """Cancel an order by its client id. Answered by `CancelAnswered`, or never."""

    client_order_id: str
    symbol: str


class VenueQuery(Deed, frozen=True, kw_only=True):
    """Ask for one order by its client id. Answered by `QueryAnswered`, or never."""

    client_order_id: str
    symbol: str


class VenueReport(Deed, frozen=True, kw_only=True):
    """Ask for everything: open orders, positions, cash, fills. Answered by `ReportAnswered`, or never.

    since   trade id cursor: fills after this one, "" for all
    """

    since: str


class Notify(Deed, frozen=True, kw_only=True):
    """Put an alert in the outbox: the sender process delivers it, exactly this row is the record."""

    alert_id: str
    severity: Severity
    priority: Priority
    title: str
    body: str
    tags: tuple[str, ...]
    count: int = 1


class StoreGenome(Deed, frozen=True, kw_only=True):
    """Write a genome's record to the store (write-once, content-addressed).

    text   the whole genome as text (`genome.documents.canonical_text`); "" where family and genes say everything
    """

    genome_id: str
    family: str
    generation: int
    genes: tuple[tuple[str, float], ...]
    parents: tuple[str, ...] = ()
    origin: str = "founder"
    text: str = ""


Effect = (
    Publish | Schedule | CancelTimer | VenueAdvance | VenueSubmit | VenueCancel | VenueQuery | VenueReport
    | Notify | StoreGenome
)  # fmt: skip
Effects = tuple[Effect, ...]

_GATED: frozenset[type] = frozenset((VenueSubmit, VenueCancel, Notify, StoreGenome))
_GATED_MESSAGES: frozenset[type[Fact]] = frozenset((Filled,))


def is_gated(effect: Effect) -> bool:
    """Whether the effect must wait for its row to be durable.

    Queries, reports and the paper venue's clock change nothing we answer for, so they need not wait.
    """
    if type(effect) is Publish:
        return type(effect.message) in _GATED_MESSAGES
    return type(effect) in _GATED
