"""What a person may tell risk control, of everything or of one instrument. Each command at most once."""

import math

import msgspec

from organism.core import Now
from organism.effects import Effect, Effects, Publish
from organism.messages import ClosePositions, DenialReason, EntriesBarred, OperatorCommanded
from organism.settings import RiskSettings
from organism.trading import Purpose
from organs.immune.change import block, lifted, market_ns, settle
from organs.immune.standing import LIFTED_BY_A_PERSON
from organs.immune.state import ImmuneState
from organs.immune.watch import NS_PER_H, effective_drawdown

_replace = msgspec.structs.replace


def commanded(
    state: ImmuneState, command: OperatorCommanded, now: Now, risk: RiskSettings
) -> tuple[ImmuneState, Effects]:
    """Do what a person asked, with their name and reason in what everyone is told."""
    if command.command_id <= state.command_id:
        return state, ()
    before = state
    state = _replace(state, command_id=command.command_id)
    at_ns = market_ns(state, now)
    who = (
        f"{command.operator or 'somebody'}: {command.note}"
        if command.note
        else command.operator or "somebody"
    )
    effects: list[Effect] = []
    active_reason = ""
    match command.command:
        case "halt":
            state = block(state, DenialReason.HALTED, f"halted by {who}", at_ns)
        case "reduce":
            state = block(state, DenialReason.REDUCING, f"told to by {who}", at_ns)
        case "flatten":
            state = block(state, DenialReason.REDUCING, f"flattened by {who}", at_ns)
            order = ClosePositions(symbols=(), purpose=Purpose.FLATTEN.value, reason=f"flattened by {who}")
            effects.append(Publish(to=("metabolism",), message=order))
        case "hibernate":
            state = hibernating(state, f"told to by {who}", at_ns, command.hours or risk.hibernation_h, risk)
        case "resume":
            state = _resumed(state, risk)
            active_reason = f"Active: resumed by {who}."
        case "close" | "bar" | "allow":
            return _of_one(state, command, who)
        case _:
            return state, ()
    return settle(before, state, now, f"{command.command} by {who}", tuple(effects), active_reason)


def _of_one(state: ImmuneState, command: OperatorCommanded, who: str) -> tuple[ImmuneState, Effects]:
    """Close one position now, or let nothing be opened or grow there until it is allowed again."""
    symbol = command.target
    if command.command == "close":
        text = f"{symbol} closed by {who}"
        order = ClosePositions(symbols=(symbol,), purpose=Purpose.FLATTEN.value, reason=text)
        return state, (Publish(to=("metabolism",), message=order),)
    barred = {*state.barred, symbol} if command.command == "bar" else {*state.barred} - {symbol}
    if barred == set(state.barred):
        return state, ()
    state = _replace(state, barred=tuple(sorted(barred)))
    word = "no entries in" if command.command == "bar" else "entries again in"
    message = EntriesBarred(symbols=state.barred, reason=f"{word} {symbol}, told by {who}")
    return state, (Publish(to=("brain",), message=message),)


def hibernating(state: ImmuneState, text: str, at_ns: int, hours: float, risk: RiskSettings) -> ImmuneState:
    """No entries for some hours of market time; they count from the first bar when there was none yet."""
    if not 0.0 < hours < math.inf:
        hours = risk.hibernation_h
    span = int(hours * NS_PER_H)
    if at_ns:
        return block(state, DenialReason.HIBERNATING, text, at_ns, until_ns=at_ns + span)
    return block(state, DenialReason.HIBERNATING, text, at_ns, lasts_ns=span)


def _resumed(state: ImmuneState, risk: RiskSettings) -> ImmuneState:
    mark = state.marked
    # Not `<`: whatever would stop the ladder at the next mark is what the person has just accepted.
    if (
        mark is not None
        and mark.equity > 0.0
        and not effective_drawdown(state, mark) < risk.no_entries_at_drawdown
    ):
        state = _replace(state, rebased_peak=mark.equity)
    return _replace(lifted(state, LIFTED_BY_A_PERSON), n_low_health=0)
