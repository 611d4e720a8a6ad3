"""Orders, fills and trading states: the nouns of execution."""

import enum
from decimal import Decimal

import msgspec

from organism.reasons import cause


class Side(enum.Enum):
    """Which way an order changes the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that undoes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(enum.Enum):
    """How an order meets the market."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # becomes a market order when the stop price trades


class Purpose(enum.Enum):
    """Why an order exists."""

    TARGET = "target"  # towards a target exposure
    PROTECT = "protect"  # a stop that rests at the venue
    FLATTEN = "flatten"  # an operator, a session's end or a breaker closes the position
    CUT_LOSS = "cut_loss"  # consecutive losses close losing positions
    DUST = "dust"  # a rest too small to be traded normally


class OrderStatus(enum.Enum):
    """Life of an order. UNKNOWN is a state of its own: sent, and the venue's answer never understood."""

    INTENT = "intent"
    SENT = "sent"
    ACKED = "acked"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing further may happen to the order."""
        return self in TERMINAL


TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})

_S = OrderStatus
LEGAL: dict[OrderStatus, frozenset[OrderStatus]] = {
    # EXPIRED from INTENT: an intent that was never sent and whose market has moved on.
    _S.INTENT: frozenset({_S.SENT, _S.EXPIRED, _S.CANCELED}),
    _S.SENT: frozenset({_S.ACKED, _S.PARTIAL, _S.UNKNOWN, *TERMINAL}),
    _S.UNKNOWN: frozenset(
        {_S.ACKED, _S.PARTIAL, _S.INTENT, *TERMINAL}
    ),  # INTENT: proven absent, may be resent
    _S.ACKED: frozenset({_S.PARTIAL, _S.UNKNOWN, *TERMINAL}),
    _S.PARTIAL: frozenset({_S.PARTIAL, _S.UNKNOWN, *TERMINAL}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REJECTED: frozenset(),
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An intention to trade.

    id               unique for ever within one journal; the *intent* id
    quantity         base units, positive, a multiple of the lot
    reference_price  the price the decision was made on, quote currency
    created_ns       market time
    expires_ns       market time after which an unsent intent is dropped
    genome_ids       who wanted it, for attribution
    """

    id: str
    symbol: str
    side: Side
    quantity: Decimal
    kind: OrderKind
    purpose: Purpose
    reference_price: Decimal
    created_ns: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    expires_ns: int | None = None
    genome_ids: tuple[str, ...] = ()


class ApprovedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order the immune organ let through. Only `organs.immune.core` constructs one (tested)."""

    order: Order
    approved_ns: int


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """An execution. The key (venue, symbol, trade_id) is unique for ever; applying twice changes nothing.

    quantity   base units, positive
    price      quote currency
    fee        positive when paid, in `fee_currency`
    at_ns      market time at the venue
    order_id   the intent, or "" when the venue executed something we never ordered
    """

    venue: str
    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    at_ns: int

    @property
    def key(self) -> str:
        """Idempotency key."""
        return f"{self.venue}|{self.symbol}|{self.trade_id}"


class TradingState(enum.Enum):
    """What may be traded."""

    ACTIVE = "active"
    REDUCING = "reducing"  # only orders that shrink a position
    HALTED = "halted"  # the same, and only a person lifts it

    @property
    def severity(self) -> int:
        """0 for ACTIVE, 1 for REDUCING, 2 for HALTED."""
        return ("active", "reducing", "halted").index(self.value)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The trading state in force, why, and when it ends by itself (never, for a halt).

    hibernating_until_ns, no_entries_until_ns   market time
    metabolic_rate                               fraction in [0, 1] that scales every size
    """

    state: TradingState = TradingState.ACTIVE
    reason: str = "started"
    since_ns: int = 0
    hibernating_until_ns: int | None = None
    no_entries_until_ns: int | None = None
    metabolic_rate: float = 1.0

    @property
    def cause(self) -> str:
        """Why, bare: see `cause`."""
        return cause(self.reason)


class BestBred(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bred genome and what it was worth on the bars that it was bred on.

    text       the whole genome (`genome.documents.canonical_text`); parameters as name–value pairs
    sharpe     a year, at 10 % volatility; max_drawdown a fraction ≥ 0; turnover a year; trades closed
    """

    genome_id: str
    family: str
    parameters: tuple[tuple[str, float], ...]
    text: str
    sharpe: float
    consistency: float
    max_drawdown: float
    turnover: float
    trades: float
