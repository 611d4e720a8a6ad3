"""What may be traded, worked out from what stands in the way.

A *block* is one reason why positions may not grow. As long as there is one, only orders that shrink a position
pass. Blocks with an end go by themselves at that market time; the others stay until a person resumes, or, for
a feed and for reconciliation, until what caused them is over.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from organism.messages import DenialReason
from organism.trading import Standing, TradingState

RESUME = "Resume with `organism resume --note WHY`."

# Strongest first: the first one found gives the state its name, and a refusal its reason.
SEVERITY = (
    DenialReason.HALTED,
    DenialReason.SAFE_MODE,
    DenialReason.REDUCING,
    DenialReason.DRAWDOWN,
    DenialReason.HIBERNATING,
    DenialReason.DAILY_LOSS,
    DenialReason.COOLING_DOWN,
    DenialReason.UNRECONCILED,
    DenialReason.FEED_STALLED,
)
_RANK = {kind: rank for rank, kind in enumerate(SEVERITY)}

# What a person lifts with `resume`. A day's loss limit is not among them: it ends with the day, for everyone.
LIFTED_BY_A_PERSON = frozenset(
    {
        DenialReason.HALTED,
        DenialReason.SAFE_MODE,
        DenialReason.REDUCING,
        DenialReason.DRAWDOWN,
        DenialReason.HIBERNATING,
        DenialReason.COOLING_DOWN,
    }
)

# Passing conditions of the machinery: refusals name them, but they are no trading state of their own.
_PASSING = frozenset({DenialReason.UNRECONCILED, DenialReason.FEED_STALLED})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why positions may not grow.

    text      why, as a clause: "drawdown 15.2 % reached the limit of 15 %"
    until_ns  market time at which it ends by itself; None when it does not
    lasts_ns  span still to begin: given before the first bar, when no market time is known yet
    """

    kind: DenialReason
    text: str
    since_ns: int
    until_ns: int | None = None
    lasts_ns: int = 0
    limit: float = 0.0
    observed: float = 0.0


Blocks = tuple[Block, ...]


def find(blocks: Blocks, kind: DenialReason) -> Block | None:
    """The block of a kind, if it is in force."""
    for block in blocks:
        if block.kind is kind:
            return block
    return None


def adding(blocks: Blocks, block: Block) -> Blocks:
    """With one more block, replacing an earlier one of its kind; strongest first."""
    kept = (b for b in blocks if b.kind is not block.kind)
    return tuple(sorted((*kept, block), key=lambda b: _RANK[b.kind]))


def without(blocks: Blocks, kinds: frozenset[DenialReason]) -> Blocks:
    """What remains when some kinds are lifted."""
    return tuple(b for b in blocks if b.kind not in kinds)


def expired(blocks: Blocks, market_ns: int) -> frozenset[DenialReason]:
    """Kinds whose time is over."""
    return frozenset(b.kind for b in blocks if b.until_ns is not None and b.until_ns <= market_ns)


def begun(blocks: Blocks, market_ns: int) -> Blocks:
    """Give blocks that wait for the first bar their end."""
    return tuple(
        msgspec.structs.replace(b, since_ns=market_ns, until_ns=market_ns + b.lasts_ns, lasts_ns=0)
        if b.lasts_ns
        else b
        for b in blocks
    )


def standing_of(
    blocks: Blocks, rate: float, active_reason: str, before: Standing, market_ns: int
) -> Standing:
    """The standing that follows from all blocks; `before` itself when nothing changed."""
    visible = [b for b in blocks if b.kind not in _PASSING]
    state, reason = TradingState.ACTIVE, active_reason
    if visible:
        halted = visible[0].kind is DenialReason.HALTED
        state = TradingState.HALTED if halted else TradingState.REDUCING
        reason = sentence(visible[0])
    hibernating = find(blocks, DenialReason.HIBERNATING)
    ends = [
        b.until_ns
        for b in blocks
        if b.until_ns is not None and b.kind in {DenialReason.COOLING_DOWN, DenialReason.DAILY_LOSS}
    ]
    after = Standing(
        state=state,
        reason=reason,
        since_ns=before.since_ns,
        hibernating_until_ns=None if hibernating is None else hibernating.until_ns,
        no_entries_until_ns=max(ends, default=None),
        metabolic_rate=rate,
    )
    if after == before:
        return before
    return msgspec.structs.replace(after, since_ns=market_ns)


def sentence(block: Block) -> str:
    """The first thing a person reads: what, why, and how it ends.

    >>> sentence(Block(kind=DenialReason.HALTED, text="drawdown 15.2 % reached the limit of 15 %", since_ns=0))
    'Halted: drawdown 15.2 % reached the limit of 15 %. Resume with `organism resume --note WHY`.'
    """
    word = {
        DenialReason.HALTED: "Halted",
        DenialReason.SAFE_MODE: "Safe mode",
        DenialReason.HIBERNATING: "Hibernating",
    }.get(block.kind, "Reducing")
    if block.kind is DenialReason.HALTED:
        return f"{word}: {block.text}. {RESUME}"
    if block.until_ns is None:
        begins = " counted from the first bar" if block.lasts_ns else ""
        return f"{word}: {block.text}; no entries{begins}. {RESUME}"
    sooner = " `organism resume --note WHY` ends it sooner." if block.kind in LIFTED_BY_A_PERSON else ""
    return f"{word}: {block.text}; no entries until {moment(block.until_ns)}. It ends by itself.{sooner}"


def moment(market_ns: int) -> str:
    """Market time for people, UTC.

    >>> moment(1_704_067_200_000_000_000)
    '2024-01-01 00:00 UTC'
    """
    return f"{_EPOCH + timedelta(microseconds=market_ns // 1_000):%Y-%m-%d %H:%M} UTC"


def percent(fraction: float) -> str:
    """A fraction for people, two significant decimals at most.

    >>> percent(0.152), percent(0.15)
    ('15.2 %', '15 %')
    """
    return f"{fraction * 100:.2f}".rstrip("0").rstrip(".") + " %"
