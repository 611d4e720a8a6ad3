"""From one step of the journal to what changes in the view. Pure: no file, no clock, no memory.

The living body and a rebuild run this same function over the same facts, so both give the same view.
"""

import enum
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from organism.effects import Effects, Notify, Publish
from organism.messages import (
    BarClosed,
    BarsArrived,
    EntriesBarred,
    ExposureTargeted,
    Fact,
    FeedRecovered,
    FeedReported,
    FeedStalled,
    Filled,
    GenerationBred,
    Message,
    MessageSetAside,
    OrderApproved,
    OrderDenied,
    OrderUpdated,
    OrganRestarted,
    PortfolioMarked,
    Reconciled,
    StrategyFunded,
    StrategyPaused,
    StrategyRetired,
    TradeClosed,
    TradingStateChanged,
    VitalsTaken,
)

Values = dict[str, Any]


class StepFacts(NamedTuple):
    """A journal row, decoded. `input` is the message consumed if it came from outside, else None."""

    seq: int
    input: Message | None
    effects: Effects
    market_ns: int
    wall_ns: int


class Put(NamedTuple):
    """Set one key of table `state`."""

    key: str
    value: Values


class Upsert(NamedTuple):
    """Insert a row, or change the given columns of the row with the same key."""

    table: str
    values: Values


class Once(NamedTuple):
    """Insert a row unless its key is there."""

    table: str
    values: Values


class Count(NamedTuple):
    """Add to counters of the row with this key and set other columns. A table uses `Count` alone, or never."""

    table: str
    key: str
    add: dict[str, int]
    values: Values


class Replace(NamedTuple):
    """These rows are all there is."""

    table: str
    rows: list[Values]


class Point(NamedTuple):
    """One point of the equity curve; the writer thins old ones."""

    values: Values


class Mark(NamedTuple):
    """One closing price."""

    symbol: str
    at_ns: int
    close: float


class Forecast(NamedTuple):
    """What a strategy said last, by symbol."""

    genome_id: str
    forecasts: dict[str, float | None]


Op = Put | Upsert | Once | Count | Replace | Point | Mark | Forecast


def plain(value: Any) -> Any:
    """What JSON can hold: decimals as text, enumerations by value, numbers that are none as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def project(facts: StepFacts) -> Iterator[Op]:
    """Everything that one step changes in the view, in order."""
    if facts.input is not None:
        heard = _HEARD.get(type(facts.input))
        if heard is not None:
            yield from heard(facts.input, facts)
    for position, effect in enumerate(facts.effects):
        if type(effect) is Publish:
            said = _SAID.get(type(effect.message))
            if said is not None:
                yield from said(effect.message, facts)
            elif type(effect.message) is TradeClosed:
                yield _traded(effect.message, facts, position)
        elif type(effect) is Notify:
            yield _notified(effect, facts)


# ---------------------------------------------------------------- said by organs


def _closed(message: BarClosed, _: StepFacts) -> Iterator[Op]:
    for bar in message.bars:
        yield Mark(bar.symbol, message.at_ns, bar.close)


def _marked(m: PortfolioMarked, _: StepFacts) -> Iterator[Op]:
    start = m.equity - float(m.realised) - float(m.unrealised) + float(m.fees)
    value = plain(m)
    for name in ("positions", "closing", "closes"):
        value.pop(name, None)
    value["starting_cash"] = round(start, 6) if math.isfinite(start) else None
    yield Put("portfolio", value)
    yield Replace("positions", [plain(position) for position in m.positions])
    yield Point({
        "at_ns": m.at_ns, "session": m.session, "equity": plain(m.equity), "drawdown": plain(m.drawdown),
        "gross": plain(m.gross_exposure), "cash": float(m.cash),
    })  # fmt: skip


def _targeted(message: ExposureTargeted, _: StepFacts) -> Iterator[Op]:
    for target in message.targets:
        for said in target.contributions:
            yield Forecast(said.genome_id, {target.symbol: plain(said.forecast)})


def _approved(message: OrderApproved, facts: StepFacts) -> Iterator[Op]:
    order = message.approved.order
    price = order.limit_price or order.stop_price or order.reference_price
    yield Upsert("orders", {
        "order_id": order.id, "symbol": order.symbol, "side": order.side.value,
        "quantity": plain(order.quantity), "kind": order.kind.value, "purpose": order.purpose.value,
        "status": "approved", "filled": "0", "price": plain(price), "created_ns": order.created_ns,
        "updated_ns": facts.market_ns, "reason": "",
    })  # fmt: skip


def _updated(message: OrderUpdated, facts: StepFacts) -> Iterator[Op]:
    yield Upsert("orders", {
        "order_id": message.order_id, "client_order_id": message.client_order_id, "symbol": message.symbol,
        "status": message.status.value, "filled": plain(message.filled), "updated_ns": facts.market_ns,
        "reason": message.reason,
    })  # fmt: skip


def _denied(message: OrderDenied, facts: StepFacts) -> Iterator[Op]:
    yield Count("denials", message.reason.value, {"n": 1}, {"last_ns": facts.market_ns})


def _filled(message: Filled, facts: StepFacts) -> Iterator[Op]:
    fill = message.fill
    yield Once("fills", {
        "key": fill.key, "order_id": fill.order_id, "symbol": fill.symbol, "side": fill.side.value,
        "quantity": plain(fill.quantity), "price": plain(fill.price), "fee": plain(fill.fee),
        "at_ns": fill.at_ns, "seq": facts.seq,
    })  # fmt: skip


def _traded(trade: TradeClosed, facts: StepFacts, position: int) -> Op:
    value: Values = {"seq": facts.seq, "part": position, **plain(trade)}
    value["genome_ids"] = list(trade.genome_ids)
    return Once("trades", value)


def _changed(message: TradingStateChanged, _: StepFacts) -> Iterator[Op]:
    yield Put("standing", plain(message.after))


def _reconciled(message: Reconciled, facts: StepFacts) -> Iterator[Op]:
    value = {name: plain(getattr(message, name)) for name in ("clean", "unexplained", "unknown", "foreign")}
    yield Put("reconciled", {**value, "wall_ns": facts.wall_ns})


def _funded(message: StrategyFunded, _: StepFacts) -> Iterator[Op]:
    yield Upsert("strategies", {
        "genome_id": message.genome_id, "family": message.family, "weight": plain(message.weight),
        "state": "funded", "parameters": plain(dict(message.parameters)), "text": message.text,
    })  # fmt: skip


def _paused(message: StrategyPaused, _: StepFacts) -> Iterator[Op]:
    state = "paused" if message.paused else "funded"
    yield Upsert("strategies", {"genome_id": message.genome_id, "state": state})


def _barred(message: EntriesBarred, _: StepFacts) -> Iterator[Op]:
    yield Put("barred", {"symbols": list(message.symbols), "reason": message.reason})


def _retired(message: StrategyRetired, _: StepFacts) -> Iterator[Op]:
    yield Upsert("strategies", {"genome_id": message.genome_id, "state": "retired"})


def _stalled(message: FeedStalled, _: StepFacts) -> Iterator[Op]:
    silent_s = plain(message.silent_s)
    yield Count(
        "feeds", message.feed, {}, {"state": "stalled", "silent_s": silent_s, "detail": message.reason}
    )


def _feed_back(message: FeedRecovered, _: StepFacts) -> Iterator[Op]:
    yield Count("feeds", message.feed, {}, {"state": "live", "silent_s": 0.0, "detail": ""})


def _notified(effect: Notify, facts: StepFacts) -> Op:
    return Upsert("alerts", {
        "alert_id": effect.alert_id, "wall_ns": facts.wall_ns, "market_ns": facts.market_ns,
        "severity": effect.severity.value, "priority": effect.priority.value, "title": effect.title,
        "body": effect.body, "tags": list(effect.tags), "count": effect.count,
    })  # fmt: skip


# ---------------------------------------------------------------- heard from outside


def _arrived(message: BarsArrived, facts: StepFacts) -> Iterator[Op]:
    told = [
        bar
        for effect in facts.effects
        if type(effect) is Publish and type(effect.message) is BarClosed
        for bar in effect.message.bars
    ]
    add = {"bars": len(told), "refused": len(message.bars) - len(told)}
    doubtful = sum(1 for bar in told if bar.flags)
    if doubtful:
        add |= {"doubtful": doubtful, "gaps": sum(1 for bar in told if "gap" in bar.flags)}
    heard = {"state": "live", "last_bar_ns": message.at_ns} if told else {}
    yield Count("feeds", message.feed, add, heard)


def _reported(message: FeedReported, _: StepFacts) -> Iterator[Op]:
    yield Count("feeds", message.feed, {}, {"state": message.condition, "detail": message.detail})


def _restarted(message: OrganRestarted, facts: StepFacts) -> Iterator[Op]:
    yield Once("restarts", {
        "wall_ns": facts.wall_ns, "organ": message.organ, "incarnation": message.incarnation,
        "why": message.why,
    })  # fmt: skip


def _set_aside(message: MessageSetAside, facts: StepFacts) -> Iterator[Op]:
    lines = message.why.strip().splitlines() or [""]
    yield Once("dead_letters", {
        "wall_ns": facts.wall_ns, "organ": message.organ, "envelope_id": message.envelope_id,
        "message": message.message, "why": lines[-1], "traceback": message.why if len(lines) > 1 else "",
    })  # fmt: skip


def health_of(taken: VitalsTaken, wall_ns: int) -> Put:
    """The score and its parts, as the page shows them."""
    value = {"health": plain(taken.health), "parts": plain(taken.parts), "wall_ns": wall_ns}
    return Put("health", value)


def _measured(message: VitalsTaken, facts: StepFacts) -> Iterator[Op]:
    yield health_of(message, facts.wall_ns)


def _bred(message: GenerationBred, facts: StepFacts) -> Iterator[Op]:
    yield Put("evolution", {**plain(message), "wall_ns": facts.wall_ns})


_Reader = Callable[[Any, StepFacts], Iterator[Op]]
_SAID: dict[type[Fact], _Reader] = {
    BarClosed: _closed, PortfolioMarked: _marked, ExposureTargeted: _targeted, OrderApproved: _approved,
    OrderUpdated: _updated, OrderDenied: _denied, Filled: _filled, TradingStateChanged: _changed,
    Reconciled: _reconciled, StrategyFunded: _funded, StrategyRetired: _retired, FeedStalled: _stalled,
    FeedRecovered: _feed_back, StrategyPaused: _paused, EntriesBarred: _barred,
}  # fmt: skip
_HEARD: dict[type[Fact], _Reader] = {
    BarsArrived: _arrived, FeedReported: _reported, OrganRestarted: _restarted, MessageSetAside: _set_aside,
    VitalsTaken: _measured, GenerationBred: _bred,
}  # fmt: skip

HEARD: frozenset[type[Fact]] = frozenset(_HEARD)
