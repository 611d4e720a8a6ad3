"""Everything one organ may say to another, or the outside to an organ.

Messages are facts: frozen, tagged, every number with its unit (suffix `_ns` market time unless it says
`mono` or `wall`; `_s` seconds; fractions, never percent). Who sends what to whom stands in each
docstring's first line; `ROUTES` in the README is generated from there. Work is delivered at least once
after a restart and deduplicated by envelope id.
"""

import enum
from decimal import Decimal

import msgspec

from organism.market import Bar
from organism.portfolio import MarkedPosition, VenueOrder, VenuePosition
from organism.trading import ApprovedOrder, BestBred, Fill, Order, OrderStatus, Side, Standing


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Base of all messages; the tag is the class name."""


# ---------------------------------------------------------------- from the outside


class BarsArrived(Fact, frozen=True, kw_only=True):
    """A feed saw these bars close at one instant. Feed → nervous.

    warmup    history that only warms indicators up: nothing is decided or traded on it
    final     the last instant of the recording: the venue settles, a new session begins after it
    """

    feed: str
    session: int
    at_ns: int
    bars: tuple[Bar, ...]
    warmup: bool = False
    closing: bool = False
    final: bool = False


class FeedReported(Fact, frozen=True, kw_only=True):
    """A feed changed its condition: "connected", "failed", "restarted", "gap". Feed → nervous."""

    feed: str
    condition: str
    detail: str = ""


class OperatorCommanded(Fact, frozen=True, kw_only=True):
    """A person gave a command. Operator → immune, or reproduction where it is for a strategy (`organism.commands`).

    command_id rises for ever; a core ignores ids it has seen. target: a symbol or a genome id, "" where all is meant
    """

    command_id: int
    command: str
    operator: str
    note: str = ""
    hours: float | None = None
    target: str = ""


class Recovered(Fact, frozen=True, kw_only=True):
    """This incarnation has its state back and may act. Shell → the organ itself, first of all.

    process   True when the whole process started, False when only this organ was restarted
    safe      protective orders and reconciliation only, no entries
    """

    organ: str
    incarnation: int
    process: bool
    safe: bool = False


class TimerFired(Fact, frozen=True, kw_only=True):
    """A timer that the organ itself scheduled is due. Shell → that organ."""

    key: str
    due_ns: int


class Answer(enum.Enum):
    """What is proven about a request. Everything that is not proven is UNKNOWN."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class SubmitAnswered(Fact, frozen=True, kw_only=True):
    """The venue answered (or did not answer) a submission. Venue → motor."""

    client_order_id: str
    answer: Answer
    venue_order_id: str = ""
    reason: str = ""


class CancelAnswered(Fact, frozen=True, kw_only=True):
    """The venue answered a cancellation; refused means "look", not "gone". Venue → motor."""

    client_order_id: str
    answer: Answer
    reason: str = ""


class QueryAnswered(Fact, frozen=True, kw_only=True):
    """The venue was asked for one order. Venue → motor.

    asked_mono_ns   when the query *started*; "not found" is evidence only if that is late enough
    answered        False when the query itself failed: it then proves nothing
    order           None with `answered` means "the venue knows no such order"
    """

    client_order_id: str
    asked_mono_ns: int
    answered: bool
    order: VenueOrder | None = None
    fills: tuple[Fill, ...] = ()


class VenueAdvanced(Fact, frozen=True, kw_only=True):
    """The venue matched resting orders on the bars of one instant. Venue → motor.

    at_ns is the instant; fills are all those after the cursor that motor sent.
    """

    at_ns: int
    fills: tuple[Fill, ...]
    orders: tuple[VenueOrder, ...]


class ReportAnswered(Fact, frozen=True, kw_only=True):
    """The venue's own account of everything, for reconciliation. Venue → motor.

    asked_mono_ns   when the report was asked for
    fills           every fill after the cursor that was asked for
    """

    answered: bool
    asked_mono_ns: int
    open_orders: tuple[VenueOrder, ...] = ()
    positions: tuple[VenuePosition, ...] = ()
    fills: tuple[Fill, ...] = ()
    cash: Decimal | None = None
    detail: str = ""


# ---------------------------------------------------------------- nervous: market data


class BarClosed(Fact, frozen=True, kw_only=True):
    """One market instant: the complete set of believable bars that closed at it. Nervous → motor, brain.

    missing   symbols whose bar did not come by the deadline
    seam      the first instant of a new session: prices before it are no history of prices after it
    closing   the session is about to end: positions are being closed, nothing new is opened
    final     last instant of a session
    warmup    indicators only; nothing is decided (not sent to motor)
    """

    at_ns: int
    session: int
    bars: tuple[Bar, ...]
    missing: tuple[str, ...] = ()
    warmup: bool = False
    seam: bool = False
    closing: bool = False
    final: bool = False


class FeedStalled(Fact, frozen=True, kw_only=True):
    """A feed has been silent for too long, or lost bars: entries stop. Nervous → immune, voice. Repeated while it lasts."""

    feed: str
    reason: str
    silent_s: float


class FeedRecovered(Fact, frozen=True, kw_only=True):
    """A stalled feed delivers again. Nervous → immune, voice."""

    feed: str


# ---------------------------------------------------------------- brain: forecasts


class Contribution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one genome said. forecast in [−1, 1]; weight in [0, 1] after the regime gate."""

    genome_id: str
    forecast: float
    weight: float


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Wanted position value / equity for one instrument, before sizing limits.

    forecast      blended, in [−1, 1]
    volatility    standard deviation of log returns per bar (fraction), for sizing
    regime        the causal regime label the gate used
    reasons       what shaped it: "blend", "regime:…", "band", …
    """

    symbol: str
    forecast: float
    volatility: float
    regime: str
    contributions: tuple[Contribution, ...]
    reasons: tuple[str, ...] = ()


class ExposureTargeted(Fact, frozen=True, kw_only=True):
    """The brain decided, once for the instant. Brain → metabolism. Empty when nothing should change."""

    at_ns: int
    targets: tuple[Target, ...]


# ---------------------------------------------------------------- metabolism: capital


class OrderProposed(Fact, frozen=True, kw_only=True):
    """An order that awaits a verdict. Metabolism → immune."""

    order: Order


class CancelRequested(Fact, frozen=True, kw_only=True):
    """An order that is no longer wanted. Metabolism → motor. Cancels need no approval: they cannot add risk."""

    order_id: str
    reason: str


class PortfolioMarked(Fact, frozen=True, kw_only=True):
    """The portfolio valued at one instant. Metabolism → immune, brain.

    equity          cash + marked positions, account currency, fees included
    peak            highest equity so far; drawdown = 1 − equity / peak
    day_start       equity at the first mark of this market day (UTC)
    consecutive_losses   closed trades (flat to flat) in a row that lost money after fees
    realised    gross of fees, net of dust written off: equity = start + realised + unrealised − fees
    closes      (symbol, last close) of everything priced so far in this session, held or not
    """

    at_ns: int
    session: int
    cash: Decimal
    equity: float
    peak: float
    drawdown: float
    day_start: float
    gross_exposure: float
    net_exposure: float
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    consecutive_losses: int
    positions: tuple[MarkedPosition, ...]
    closing: bool = False
    closes: tuple[tuple[str, float], ...] = ()


class TradeClosed(Fact, frozen=True, kw_only=True):
    """A position went back to flat, or was reduced. Metabolism → immune, brain, voice. pnl is net of fees."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    fees: Decimal
    opened_ns: int
    closed_ns: int
    genome_ids: tuple[str, ...]
    purpose: str


# ---------------------------------------------------------------- immune: risk control


class DenialReason(enum.Enum):
    """Why an order was refused; `limit` and `observed` in the refusal carry the numbers."""

    MALFORMED = "malformed"
    NOT_A_NUMBER = "not_a_number"
    HALTED = "halted"
    REDUCING = "reducing"
    HIBERNATING = "hibernating"
    COOLING_DOWN = "cooling_down"
    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"
    FEED_STALLED = "feed_stalled"
    UNRECONCILED = "unreconciled"
    SAFE_MODE = "safe_mode"
    ORDER_NOTIONAL = "order_notional"
    ASSET_EXPOSURE = "asset_exposure"
    GROSS_EXPOSURE = "gross_exposure"
    NET_EXPOSURE = "net_exposure"
    PRICE_BAND = "price_band"
    ORDER_RATE = "order_rate"
    POSITION_COUNT = "position_count"
    MIN_NOTIONAL = "min_notional"
    REDUCE_ONLY = "reduce_only"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    BARRED = "barred"


class OrderApproved(Fact, frozen=True, kw_only=True):
    """The order may leave. Immune → motor, metabolism."""

    approved: ApprovedOrder


class OrderDenied(Fact, frozen=True, kw_only=True):
    """The order may not leave. Immune → metabolism, brain."""

    order_id: str
    symbol: str
    reason: DenialReason
    limit: float
    observed: float


class TradingStateChanged(Fact, frozen=True, kw_only=True):
    """What may be traded changed. Immune → all. `cause` says what did it: a limit, a command, a rule."""

    before: Standing
    after: Standing
    cause: str


class ClosePositions(Fact, frozen=True, kw_only=True):
    """Positions must be closed, once. Immune → metabolism. Empty `symbols` means all of them."""

    symbols: tuple[str, ...]
    purpose: str
    reason: str


class EntriesBarred(Fact, frozen=True, kw_only=True):
    """A person bars instruments: what is held there may shrink, nothing may be opened or grow. Immune → brain.

    symbols: all that are barred from now on
    """

    symbols: tuple[str, ...]
    reason: str


# ---------------------------------------------------------------- motor: execution


class OrderUpdated(Fact, frozen=True, kw_only=True):
    """An order moved on. Motor → metabolism, immune."""

    order_id: str
    client_order_id: str
    symbol: str
    status: OrderStatus
    filled: Decimal
    reason: str = ""


class Filled(Fact, frozen=True, kw_only=True):
    """An execution, durable before anyone hears of it. Motor → metabolism, immune."""

    fill: Fill


class InstantSettled(Fact, frozen=True, kw_only=True):
    """The venue has matched the instant and its fills are published: mark now. Motor → metabolism."""

    at_ns: int
    session: int
    bars: tuple[Bar, ...]
    closing: bool = False
    final: bool = False


class Reconciled(Fact, frozen=True, kw_only=True):
    """Our fills compared with the venue's own account. Motor → immune, metabolism, voice.

    unexplained   (symbol, venue quantity − our quantity); healthy is empty
    foreign       open orders at the venue that we never sent
    unknown       orders whose fate is not proven yet
    """

    clean: bool
    unexplained: tuple[tuple[str, Decimal], ...]
    foreign: tuple[str, ...]
    unknown: tuple[str, ...]
    first: bool = False


# ---------------------------------------------------------------- reproduction: evolution


class StrategyFunded(Fact, frozen=True, kw_only=True):
    """A strategy may trade. Reproduction → brain. weight in (0, 1]; parameters as name–value pairs.

    text   the whole genome as text (`genome.documents.canonical_text`), whose id must be `genome_id`;
           "" where family and parameters say everything
    """

    genome_id: str
    family: str
    weight: float
    parameters: tuple[tuple[str, float], ...]
    text: str = ""


class StrategyRetired(Fact, frozen=True, kw_only=True):
    """A strategy may trade no longer. Reproduction → brain; brain → reproduction, of one that it cannot live by."""

    genome_id: str
    reason: str


class StrategyPaused(Fact, frozen=True, kw_only=True):
    """A person silences a funded strategy, or lets it speak again. Reproduction → brain. It goes on stepping meanwhile."""

    genome_id: str
    paused: bool
    reason: str


class GenerationBred(Fact, frozen=True, kw_only=True):
    """A generation was bred beside the living body, which funds nothing of it. Watch → reproduction, which remembers it.

    round        1, 2, 3 …: each is one run of evolution on the history that had been lived when it began
    generation   0 are the founders of the round, of `generations`
    bars         instants that the round is bred on, the newest of which closed at `until_ns`, market time
    evaluations_per_s   by the clock, pauses included
    evaluated    distinct genomes that were judged in this round, this process's part of it
    front        members of the hall of fame
    trials       looks at these bars and whatever overlaps them, ever
    best         the highest Sharpe ratio in the hall of fame; None while nobody holds all constraints
    """

    round: int
    generation: int
    generations: int
    bars: int
    until_ns: int
    evaluations_per_s: float
    evaluated: int
    front: int
    trials: int
    best: BestBred | None = None


# ---------------------------------------------------------------- the body watching itself


class Severity(enum.Enum):
    """How bad, or how good, an alert is."""

    INFO = "info"
    SUCCESS = "success"
    MILESTONE = "milestone"
    WARNING = "warning"
    CRITICAL = "critical"


class Priority(enum.Enum):
    """How soon a person should look."""

    LOW = "low"
    HIGH = "high"
    CRITICAL = "critical"


class AlertRaised(Fact, frozen=True, kw_only=True):
    """Something is worth a person's attention. Any → voice. Equal `dedup_key`s are grouped."""

    severity: Severity
    priority: Priority
    title: str
    body: str
    dedup_key: str


class OrganRestarted(Fact, frozen=True, kw_only=True):
    """A child was restarted. Supervisor → immune, voice."""

    organ: str
    incarnation: int
    why: str
    attempt: int
    limit: int


class MessageSetAside(Fact, frozen=True, kw_only=True):
    """A message killed its organ twice and lies in the dead letters now. Supervisor → voice, immune."""

    organ: str
    envelope_id: str
    message: str
    why: str


class Escalated(Fact, frozen=True, kw_only=True):
    """Something that must never be set aside failed: trading halts. Supervisor → immune, voice."""

    organ: str
    why: str


class InvariantBroken(Fact, frozen=True, kw_only=True):
    """A promise about money or record did not hold: trading halts. Watch → immune, voice.

    invariant   "I1" to "I12"; `breach_id` names this breach for ever, so that it is told once
    """

    invariant: str
    breach_id: str
    text: str


class HealthPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One part of the health score: `points` of at most `weight`, and why."""

    name: str
    points: float
    weight: float
    detail: str = ""


class VitalsTaken(Fact, frozen=True, kw_only=True):
    """The health of the body, 0 to 100. Supervisor → immune, voice. Conflated: only the newest counts."""

    health: float
    parts: tuple[HealthPart, ...]


Message = (
    BarsArrived
    | FeedReported
    | OperatorCommanded
    | Recovered
    | TimerFired
    | SubmitAnswered
    | CancelAnswered
    | QueryAnswered
    | VenueAdvanced
    | ReportAnswered
    | BarClosed
    | FeedStalled
    | FeedRecovered
    | ExposureTargeted
    | OrderProposed
    | CancelRequested
    | PortfolioMarked
    | TradeClosed
    | OrderApproved
    | OrderDenied
    | TradingStateChanged
    | ClosePositions
    | EntriesBarred
    | OrderUpdated
    | Filled
    | InstantSettled
    | Reconciled
    | StrategyFunded
    | StrategyRetired
    | StrategyPaused
    | GenerationBred
    | AlertRaised
    | OrganRestarted
    | MessageSetAside
    | Escalated
    | InvariantBroken
    | VitalsTaken
)

# A poison message of one of these kinds is never set aside: it halts and escalates.
NEVER_SET_ASIDE: tuple[type, ...] = (
    Filled, OrderUpdated, OperatorCommanded, OrderApproved, SubmitAnswered, CancelAnswered,
    QueryAnswered, VenueAdvanced, ReportAnswered, Recovered, Reconciled, TradingStateChanged, InvariantBroken,
)  # fmt: skip

# Latest wins: an older one that was not read yet is worth nothing.
CONFLATED: tuple[type, ...] = (VitalsTaken,)

# First in every mailbox.
CONTROL: tuple[type, ...] = (Recovered, OperatorCommanded, TradingStateChanged, Escalated, InvariantBroken)


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A message on its way.

    id           "seq.i": the i-th message that journal row `seq` emitted; anything else ("bar:…", "cmd:…",
                 "timer:…", "venue:…") came from outside and is stored in the row that consumes it
    sender       an organ, or "feed", "venue", "operator", "timer", "supervisor"
    incarnation  of the sender
    sent_at_ns   market time
    cause        id of the envelope that led to this one, "" for none
    """

    id: str
    sender: str
    incarnation: int
    sent_at_ns: int
    cause: str
    message: Message

    @property
    def is_external(self) -> bool:
        """Whether the message came from outside the journal."""
        return not self.id[:1].isdigit()
