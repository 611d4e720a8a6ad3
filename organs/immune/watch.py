"""What a mark of the portfolio says about risk: the drawdown ladder, the day's loss, the losing streak.

The ladder (defaults): from 8 % drawdown every size is halved, and restored once drawdown is below half of that;
from 10 % nothing may grow; from 15 % all is halted. The two upper rungs stay until a person resumes, because a
portfolio that may not trade cannot recover by itself. Resuming accepts the equity of that moment: the upper
rungs count from it from then on (until the old peak is reached again), while sizes stay halved by the true
drawdown. So the ladder never halts again at the instant of a resume, only after a further full loss.
"""

import math

import msgspec

from organism.core import Now
from organism.effects import Effect, Effects, Publish
from organism.messages import (
    AlertRaised,
    ClosePositions,
    DenialReason,
    PortfolioMarked,
    Priority,
    Severity,
)
from organism.settings import RiskSettings
from organism.trading import Purpose
from organs.immune.change import aged, block, over, settle
from organs.immune.standing import find, percent
from organs.immune.state import ImmuneState

_replace = msgspec.structs.replace
NS_PER_H = 3_600 * 1_000_000_000
NS_PER_DAY = 24 * NS_PER_H
_HALVED = 0.5
# Sizes come back once drawdown is below this share of the rung that halved them.
_RESTORE_SHARE = 0.5


def marked(
    state: ImmuneState, mark: PortfolioMarked, now: Now, risk: RiskSettings
) -> tuple[ImmuneState, Effects]:
    """Look at one mark. The ordinary one, with nothing near a limit, costs four comparisons."""
    if (
        not state.watchful
        and mark.drawdown < risk.halve_at_drawdown
        and mark.equity > mark.day_start * (1.0 - risk.max_daily_loss)
        and mark.consecutive_losses < risk.max_consecutive_losses
    ):
        return _replace(state, marked=mark), ()
    before = state
    state = _replace(aged(state, mark.at_ns), marked=mark)
    causes: list[str] = []
    effects: list[Effect] = []
    state = _ladder(state, mark, risk, causes, effects)
    state = _size(state, mark, risk, causes)
    state = _day(state, mark, risk, causes)
    state = _streak(state, mark, risk, causes, effects)
    return settle(before, state, now, "; ".join(causes) or over(before, state), tuple(effects))


def effective_drawdown(state: ImmuneState, mark: PortfolioMarked) -> float:
    """Drawdown that the upper rungs count: from the peak, or from what a person accepted since."""
    if state.rebased_peak is None:
        return mark.drawdown
    return 1.0 - mark.equity / state.rebased_peak


def _ladder(
    state: ImmuneState, mark: PortfolioMarked, risk: RiskSettings, causes: list[str], effects: list[Effect]
) -> ImmuneState:
    if state.rebased_peak is not None and mark.equity > state.rebased_peak:
        state = _replace(state, rebased_peak=mark.equity if mark.equity < mark.peak else None)
    drawdown = effective_drawdown(state, mark)
    if not drawdown < risk.halt_at_drawdown:
        if find(state.blocks, DenialReason.HALTED) is None:
            limit = risk.halt_at_drawdown
            text = f"{_drawdown_text(drawdown)} reached the limit of {percent(limit)}"
            causes.append(text)
            state = block(state, DenialReason.HALTED, text, mark.at_ns, limit=limit, observed=drawdown)
    elif not drawdown < risk.no_entries_at_drawdown and find(state.blocks, DenialReason.DRAWDOWN) is None:
        limit = risk.no_entries_at_drawdown
        text = f"{_drawdown_text(drawdown)} reached {percent(limit)}"
        causes.append(text)
        state = block(state, DenialReason.DRAWDOWN, text, mark.at_ns, limit=limit, observed=drawdown)
        alert = AlertRaised(
            severity=Severity.WARNING,
            priority=Priority.HIGH,
            title=f"No new positions: {text}",
            body=(
                f"Equity is {mark.equity:.2f}, its peak was {mark.peak:.2f}. Positions may only shrink until "
                f"a person resumes with `organism resume --note WHY`; at {percent(risk.halt_at_drawdown)} "
                "trading halts."
            ),
            dedup_key="drawdown:no-entries",
        )
        effects.append(Publish(to=("voice",), message=alert))
    return state


def _size(state: ImmuneState, mark: PortfolioMarked, risk: RiskSettings, causes: list[str]) -> ImmuneState:
    if not mark.drawdown < risk.halve_at_drawdown:
        if state.rate != _HALVED:
            causes.append(
                f"{_drawdown_text(mark.drawdown)} reached {percent(risk.halve_at_drawdown)}: sizes are halved"
            )
            return _replace(state, rate=_HALVED)
    elif mark.drawdown < risk.halve_at_drawdown * _RESTORE_SHARE and state.rate != 1.0:
        causes.append(f"drawdown {percent(mark.drawdown)} is small again: sizes are whole")
        return _replace(state, rate=1.0)
    return state


def _day(state: ImmuneState, mark: PortfolioMarked, risk: RiskSettings, causes: list[str]) -> ImmuneState:
    if mark.equity > mark.day_start * (1.0 - risk.max_daily_loss):
        return state
    if find(state.blocks, DenialReason.DAILY_LOSS) is not None:
        return state
    loss = 1.0 - mark.equity / mark.day_start if mark.day_start > 0.0 else math.nan
    text = f"the day's loss of {percent(loss)} reached the limit of {percent(risk.max_daily_loss)}"
    causes.append(text)
    return block(
        state,
        DenialReason.DAILY_LOSS,
        text,
        mark.at_ns,
        until_ns=(mark.at_ns // NS_PER_DAY + 1) * NS_PER_DAY,
        limit=risk.max_daily_loss,
        observed=loss,
    )


def _streak(
    state: ImmuneState, mark: PortfolioMarked, risk: RiskSettings, causes: list[str], effects: list[Effect]
) -> ImmuneState:
    """Answer a losing streak once; after its cool-down, only as many further losses in a row answer again."""
    losses = mark.consecutive_losses
    if losses < state.losses_base:
        state = _replace(state, losses_base=0)
    if losses - state.losses_base < risk.max_consecutive_losses:
        return state
    if find(state.blocks, DenialReason.COOLING_DOWN) is not None:
        return state
    text = f"{losses} losing trades in a row reached the limit of {risk.max_consecutive_losses}"
    causes.append(text)
    losing = tuple(p.symbol for p in mark.positions if not p.unrealised.is_nan() and p.unrealised < 0)
    if losing:  # an empty list would mean "all of them"
        order = ClosePositions(symbols=losing, purpose=Purpose.CUT_LOSS.value, reason=text)
        effects.append(Publish(to=("metabolism",), message=order))
    return block(
        state,
        DenialReason.COOLING_DOWN,
        text,
        mark.at_ns,
        until_ns=mark.at_ns + int(risk.cool_down_h * NS_PER_H),
        limit=risk.max_consecutive_losses,
        observed=losses,
    )


def _drawdown_text(drawdown: float) -> str:
    return "a drawdown that is not a number" if math.isnan(drawdown) else f"drawdown {percent(drawdown)}"
