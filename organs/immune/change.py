"""How blocks come and go. Every change of the standing is told to everyone, with what caused it."""

import msgspec

from organism.core import Now
from organism.effects import CancelTimer, Effect, Effects, Publish, Schedule
from organism.messages import DenialReason, TradingStateChanged
from organism.trading import TradingState
from organs.immune.standing import (
    Block,
    Blocks,
    adding,
    begun,
    expired,
    find,
    percent,
    standing_of,
    without,
)
from organs.immune.state import ImmuneState

_replace = msgspec.structs.replace
EVERYONE = ("metabolism", "brain", "motor", "nervous", "reproduction", "voice")
_COOLING = frozenset({DenialReason.COOLING_DOWN})


def market_ns(state: ImmuneState, now: Now) -> int:
    """Best knowledge of market time; 0 before the first bar."""
    return max(now.market_ns, state.marked.at_ns if state.marked is not None else 0)


def settle(
    before: ImmuneState,
    state: ImmuneState,
    now: Now,
    cause: str,
    more: Effects = (),
    active_reason: str = "",
) -> tuple[ImmuneState, Effects]:
    """Work out the standing from the blocks, arm and disarm timers, and tell when anything changed.

    active_reason   what to say when nothing stands in the way any more
    """
    at_ns = market_ns(state, now)
    effects: list[Effect] = _timers(before.blocks, state.blocks)
    reason = _reason_to_trade(before, state, cause, active_reason)
    standing = standing_of(state.blocks, state.rate, reason, before.standing, at_ns)
    state = _replace(state, standing=standing, watchful=_watchful(state))
    if standing is not before.standing:
        told = TradingStateChanged(before=before.standing, after=standing, cause=cause)
        effects.append(Publish(to=EVERYONE, message=told))
    return state, (*effects, *more)


def _reason_to_trade(before: ImmuneState, state: ImmuneState, cause: str, given: str) -> str:
    was_active = before.standing.state is TradingState.ACTIVE
    if was_active and before.rate == state.rate and not given:
        return before.standing.reason
    reason = given or f"Active: {cause}."
    if state.rate < 1.0 and state.marked is not None and (given or before.rate == state.rate):
        reason += f" Sizes stay × {state.rate:g}: drawdown was {percent(state.marked.drawdown)}."
    return reason


def block(
    state: ImmuneState,
    kind: DenialReason,
    text: str,
    at_ns: int,
    *,
    until_ns: int | None = None,
    lasts_ns: int = 0,
    limit: float = 0.0,
    observed: float = 0.0,
) -> ImmuneState:
    """Put something in the way of entries."""
    added = Block(
        kind=kind,
        text=text,
        since_ns=at_ns,
        until_ns=until_ns,
        lasts_ns=lasts_ns,
        limit=float(limit),  # a snapshot must give back what it was given: no int where float is declared
        observed=float(observed),
    )
    return _replace(state, blocks=adding(state.blocks, added))


def lifted(state: ImmuneState, kinds: frozenset[DenialReason]) -> ImmuneState:
    """Take blocks away. Losses that a cool-down answered are not counted again when it is over."""
    if find(state.blocks, DenialReason.COOLING_DOWN) and kinds & _COOLING and state.marked is not None:
        state = _replace(state, losses_base=state.marked.consecutive_losses)
    return _replace(state, blocks=without(state.blocks, kinds))


def aged(state: ImmuneState, at_ns: int) -> ImmuneState:
    """Let time pass: blocks that waited for the first bar begin, blocks whose time is over go."""
    if at_ns and any(b.lasts_ns for b in state.blocks):
        state = _replace(state, blocks=begun(state.blocks, at_ns))
    over = expired(state.blocks, at_ns)
    return lifted(state, over) if over else state


def over(before: ImmuneState, after: ImmuneState) -> str:
    """Which pauses ended by themselves, as a cause: what stood in the way names each."""
    left = {b.kind for b in after.blocks}
    gone = [b.text for b in before.blocks if b.kind not in left]
    return f"the pause is over ({'; '.join(gone)})" if gone else "a pause is over"


def _timers(before: Blocks, after: Blocks) -> list[Effect]:
    old = {b.kind: b.until_ns for b in before}
    new = {b.kind: b.until_ns for b in after}
    effects: list[Effect] = []
    for kind, until in new.items():
        if until is not None and until != old.get(kind):
            effects.append(Schedule(key=kind.value, due_ns=until, clock="market"))
    for kind, until in old.items():
        if until is not None and new.get(kind) is None:
            effects.append(CancelTimer(key=kind.value))
    return effects


def _watchful(state: ImmuneState) -> bool:
    return (
        state.rate < 1.0
        or state.rebased_peak is not None
        or state.losses_base > 0
        or any(b.until_ns is not None or b.lasts_ns for b in state.blocks)
    )
