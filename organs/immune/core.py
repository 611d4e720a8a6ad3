"""Risk control: the one gate between wanting and doing. Unknown counts as the worst; no answer means no.

The only module that makes an `ApprovedOrder`, which is the only thing a venue accepts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects, Publish
from organism.errors import ConfigError
from organism.fills import position_change
from organism.market import Instrument
from organism.messages import (
    DenialReason,
    Escalated,
    Fact,
    FeedRecovered,
    FeedStalled,
    Filled,
    InvariantBroken,
    Message,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Reconciled,
    Recovered,
    TimerFired,
    VitalsTaken,
)
from organism.settings import RiskSettings
from organism.trading import ApprovedOrder, Fill, Order, OrderStatus, Purpose, Standing
from organs.immune.alarm import alarmed
from organs.immune.change import aged, block, lifted, market_ns, over, settle
from organs.immune.checks import ZERO, Refusal, Reserved, View, judge
from organs.immune.commands import commanded, hibernating
from organs.immune.standing import find
from organs.immune.state import ImmuneState
from organs.immune.watch import marked

_Result = tuple[ImmuneState, Effects]
_replace = msgspec.structs.replace
_NS_PER_MIN = 60 * 1_000_000_000
# Readings in a row below the health limit before hibernation: one bad second is no illness.
LOW_HEALTH_READINGS = 3
# Monotonic time that the fate of an order may stay unknown before entries stop.
UNKNOWN_NS = 60 * 1_000_000_000


@dataclass(frozen=True)
class _Rules:
    risk: RiskSettings
    instruments: Mapping[str, Instrument]


def immune_core(
    risk: RiskSettings, instruments: tuple[Instrument, ...], mode: str = "paper"
) -> OrganCore[ImmuneState]:
    """Build the organ. mode ("paper" or "live") is only named in what people read: the gate is the same."""
    for name in risk.__struct_fields__:
        value = getattr(risk, name)
        if not 0 <= value < math.inf:
            raise ConfigError(f"[risk] {name} must be a finite number of at least 0; was {value!r}.")
    rules = _Rules(risk, {i.symbol: i for i in instruments})
    initial = ImmuneState(standing=Standing(reason=f"Active: {mode} trading."))

    def step(state: ImmuneState, message: Message, now: Now) -> _Result:
        if type(message) is PortfolioMarked:
            return marked(state, message, now, risk)
        return _step(state, message, now, rules)

    return OrganCore("immune", ImmuneState, initial, step)


def _step(state: ImmuneState, message: Fact, now: Now, rules: _Rules) -> _Result:
    match message:
        case OrderProposed(order=order):
            return _proposed(state, order, now, rules)
        case OrderUpdated():
            return _updated(state, message, now), ()
        case Filled(fill=fill):
            return _filled(state, fill, rules), ()
        case VitalsTaken(health=health):
            return _examined(state, health, now, rules)
        case OperatorCommanded(command="close" | "bar", target=target) if target not in rules.instruments:
            return state, ()  # given before anybody could know better: nothing of that name is traded here
        case OperatorCommanded():
            return commanded(state, message, now, rules.risk)
        case TimerFired():
            return _elapsed(state, now)
        case Reconciled():
            return _reconciled(state, message, now)
        case FeedStalled() | FeedRecovered():
            return _fed(state, message, now)
        case Recovered(process=process, safe=safe):
            return _recovered(state, now, process=process, safe=safe)
        case Escalated(organ=organ, why=why):
            return _halted(state, now, f"{organ} gave up: {why}")
        case InvariantBroken(invariant=name, text=text):
            return _halted(state, now, f"invariant {name} is broken: {text}")
        case _:
            return state, ()


def _proposed(state: ImmuneState, order: Order, now: Now, rules: _Rules) -> _Result:
    if order.id in state.reserved:
        return state, ()  # told twice: it has its verdict
    recent = tuple(t for t in state.recent if now.mono_ns - t < _NS_PER_MIN)
    verdict = _verdict(state, order, now, rules, len(recent))
    if isinstance(verdict, Refusal):
        denied = OrderDenied(
            order_id=order.id,
            symbol=order.symbol,
            reason=verdict.reason,
            limit=float(verdict.limit),
            observed=float(verdict.observed),
        )
        state, alarm = alarmed(state, order, verdict, now)
        return state, (Publish(to=("metabolism", "brain"), message=denied), *alarm)
    if verdict.quantity != order.quantity:
        order = verdict
    reserved = Reserved(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        reduce_only=order.reduce_only,
        protect=order.purpose is Purpose.PROTECT,
    )
    state = _replace(state, reserved={**state.reserved, order.id: reserved}, recent=(*recent, now.mono_ns))
    approved = ApprovedOrder(order=order, approved_ns=now.market_ns)
    return state, (Publish(to=("motor", "metabolism"), message=OrderApproved(approved=approved)),)


def _verdict(state: ImmuneState, order: Order, now: Now, rules: _Rules, n_recent: int) -> Order | Refusal:
    """The order as it may leave, or why it may not."""
    if not order.reduce_only:
        blocks = aged(state, market_ns(state, now)).blocks
        if blocks:
            return Refusal(blocks[0].kind, blocks[0].limit, blocks[0].observed)
        since = state.unknown_since_ns
        if since is not None and now.mono_ns - since > UNKNOWN_NS:
            waited_s = (now.mono_ns - since) / 1e9
            return Refusal(DenialReason.UNRECONCILED, UNKNOWN_NS / 1e9, waited_s)
        if order.symbol in state.barred:
            return Refusal(DenialReason.BARRED, 0.0, float(order.quantity))
    mark = state.marked
    view = View(
        positions=state.positions,
        reserved=state.reserved,
        closes=dict(mark.closes) if mark is not None else {},
        equity=mark.equity if mark is not None else math.nan,
        n_recent=n_recent,
        instruments=rules.instruments,
        risk=rules.risk,
    )
    verdict = judge(order, view)
    return verdict if isinstance(verdict, Refusal) else _replace(order, quantity=verdict)


def _updated(state: ImmuneState, update: OrderUpdated, now: Now) -> ImmuneState:
    if update.status is OrderStatus.UNKNOWN and state.unknown_since_ns is None:
        # A comparison would say so, too; but a venue out of reach allows none, and only one ends the doubt.
        state = _replace(state, unknown_since_ns=now.mono_ns)
    held = state.reserved.get(update.order_id)
    if held is None or not update.status.is_terminal:
        return state
    return _with_reserve(state, update.order_id, _replace(held, ended=update.filled))


def _filled(state: ImmuneState, fill: Fill, rules: _Rules) -> ImmuneState:
    if fill in state.booked:
        return state
    instrument = rules.instruments.get(fill.symbol)
    if instrument is None:
        raise ValueError(
            f"fill {fill.key} is for {fill.symbol}, which is not among the instruments of this organism: "
            f"{', '.join(rules.instruments)}. No limit can be held over it."
        )
    quantity = state.positions.get(fill.symbol, ZERO) + position_change(fill, instrument)
    positions = {s: q for s, q in state.positions.items() if s != fill.symbol}
    if quantity:
        positions[fill.symbol] = quantity
    state = _replace(state, positions=positions, booked=state.booked.adding(fill))
    held = state.reserved.get(fill.order_id)
    if held is None:
        return state
    return _with_reserve(state, fill.order_id, _replace(held, booked=held.booked + fill.quantity))


def _with_reserve(state: ImmuneState, order_id: str, held: Reserved) -> ImmuneState:
    """Keep a reserve until the order is terminal *and* the fills it reported have arrived."""
    reserved = {k: r for k, r in state.reserved.items() if k != order_id}
    if held.ended is None or held.booked < held.ended:
        reserved[order_id] = held
    return _replace(state, reserved=reserved)


def _examined(state: ImmuneState, health: float, now: Now, rules: _Rules) -> _Result:
    limit = rules.risk.hibernate_below_health
    if health >= limit:
        return (_replace(state, n_low_health=0) if state.n_low_health else state), ()
    if find(state.blocks, DenialReason.HIBERNATING) is not None:
        return state, ()
    n_low = state.n_low_health + 1
    if n_low < LOW_HEALTH_READINGS:
        return _replace(state, n_low_health=n_low), ()
    text = f"health was {health:.0f}, below {limit:g}, {n_low} readings in a row"
    after = hibernating(state, text, market_ns(state, now), rules.risk.hibernation_h, rules.risk)
    return settle(state, _replace(after, n_low_health=0), now, text)


def _elapsed(state: ImmuneState, now: Now) -> _Result:
    after = aged(state, market_ns(state, now))
    if after is state:
        return state, ()
    return settle(state, after, now, over(state, after))


def _reconciled(state: ImmuneState, report: Reconciled, now: Now) -> _Result:
    before = state
    since = state.unknown_since_ns
    if not report.unknown:
        since = None
    elif since is None:
        since = now.mono_ns
    if since != state.unknown_since_ns:
        state = _replace(state, unknown_since_ns=since)
    if report.unexplained or not (report.clean or report.foreign or report.unknown):
        found = ", ".join(f"{quantity:+f} {symbol}" for symbol, quantity in report.unexplained)
        return _halted(
            state, now, f"unexplained quantity at the venue ({found or 'reported unclean'})", before
        )
    if find(state.blocks, DenialReason.UNRECONCILED) is None:
        return state, ()
    return settle(before, lifted(state, frozenset({DenialReason.UNRECONCILED})), now, "books and venue agree")


def _fed(state: ImmuneState, message: FeedStalled | FeedRecovered, now: Now) -> _Result:
    if isinstance(message, FeedStalled):
        if message.feed in state.stalled:
            return state, ()
        stalled = tuple(sorted({*state.stalled, message.feed}))
        after = _replace(state, stalled=stalled)
        text = f"feed {message.feed} stalled: {message.reason}"
        after = block(
            after,
            DenialReason.FEED_STALLED,
            text,
            market_ns(state, now),
            observed=message.silent_s,
        )
        return settle(state, after, now, text)
    if message.feed not in state.stalled:
        return state, ()
    after = _replace(state, stalled=tuple(f for f in state.stalled if f != message.feed))
    if not after.stalled:
        after = lifted(after, frozenset({DenialReason.FEED_STALLED}))
    return settle(state, after, now, f"feed {message.feed} delivers again")


def _recovered(state: ImmuneState, now: Now, *, process: bool, safe: bool) -> _Result:
    """After a start of the process nothing may grow before books and venue have been compared.

    The monotonic clock of another process run means nothing: recent orders count as sent just now, so that
    a restart is never a way to trade faster.
    """
    if not process:
        return state, ()
    recent = tuple(now.mono_ns for _ in state.recent)
    after = _replace(state, recent=recent, unknown_since_ns=None, alarmed={})
    at_ns = market_ns(state, now)
    after = block(after, DenialReason.UNRECONCILED, "books and venue are not compared yet", at_ns)
    if safe:
        after = block(after, DenialReason.SAFE_MODE, "the body died too often and was started safe", at_ns)
    return settle(state, after, now, "started safe" if safe else "started")


def _halted(state: ImmuneState, now: Now, text: str, before: ImmuneState | None = None) -> _Result:
    before = before or state
    if find(state.blocks, DenialReason.HALTED) is not None:
        return state, ()
    after = block(state, DenialReason.HALTED, text, market_ns(state, now))
    return settle(before, after, now, text)
