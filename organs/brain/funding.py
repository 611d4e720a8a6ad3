"""Who may trade: strategies come, change their weight, go, and are refused where nobody could live by them."""

import math

import msgspec

from genome.lived import lived
from organism.effects import Effects, Publish
from organism.errors import BadInput
from organism.messages import AlertRaised, Priority, Severity, StrategyFunded, StrategyPaused, StrategyRetired
from organs.brain.state import BrainState, Funded

_replace = msgspec.structs.replace
_NAN = float("nan")


def fund(state: BrainState, message: StrategyFunded, bar_s: int) -> tuple[BrainState, Effects]:
    """Add a strategy, or change the weight of one that is there. A weight that is no number is none.

    What no strategy can be built from is refused: it trades no longer if it did, and the reason is published once.
    """
    entry = Funded(message.genome_id, message.family, message.weight, message.parameters, message.text)
    try:
        strategy = lived(entry.genome_id, entry.family, entry.parameters, entry.text, bar_s)
    except BadInput as error:
        return without(state, entry.genome_id), _refusal(entry.genome_id, str(error))
    if not 0.0 < entry.weight <= 1.0 or not math.isfinite(entry.weight):
        return without(state, entry.genome_id), ()
    at = _place(state, entry.genome_id)
    if at is not None:
        if _replace(state.funded[at], weight=entry.weight) == entry:
            return _replace(state, funded=(*state.funded[:at], entry, *state.funded[at + 1 :])), ()
        state = without(state, entry.genome_id)
    fresh = strategy.initial()
    markets = {
        s: _replace(m, states=(*m.states, fresh), forecasts=(*m.forecasts, _NAN))
        for s, m in state.markets.items()
    }
    return _replace(state, funded=(*state.funded, entry), markets=markets), ()


def reconsider(state: BrainState, bar_s: int) -> tuple[BrainState, Effects]:
    """Let go of strategies that this code cannot build any more, as `fund` would refuse them now."""
    effects: Effects = ()
    for f in state.funded:
        try:
            lived(f.genome_id, f.family, f.parameters, f.text, bar_s)
        except BadInput as error:
            state, effects = without(state, f.genome_id), (*effects, *_refusal(f.genome_id, str(error)))
    return state, effects


def silenced(state: BrainState, message: StrategyPaused) -> BrainState:
    """The same mind with one opinion left out, or let in again."""
    paused = {*state.paused} - {message.genome_id}
    if message.paused:
        paused.add(message.genome_id)
    return _replace(state, paused=tuple(sorted(paused)))


def without(state: BrainState, genome_id: str) -> BrainState:
    """The same mind without one strategy and its memories; unchanged when it has none of that name."""
    at = _place(state, genome_id)
    if at is None:
        return state
    markets = {
        s: _replace(
            m, states=m.states[:at] + m.states[at + 1 :], forecasts=m.forecasts[:at] + m.forecasts[at + 1 :]
        )
        for s, m in state.markets.items()
    }
    paused = tuple(one for one in state.paused if one != genome_id)
    return _replace(state, funded=state.funded[:at] + state.funded[at + 1 :], markets=markets, paused=paused)


def _place(state: BrainState, genome_id: str) -> int | None:
    return next((i for i, f in enumerate(state.funded) if f.genome_id == genome_id), None)


def _refusal(genome_id: str, reason: str) -> Effects:
    """One reason, to the two who must know: a person, and whoever funded it."""
    alert = AlertRaised(
        severity=Severity.WARNING,
        priority=Priority.HIGH,
        title=f"Strategy {genome_id} was refused",
        body=f"It trades nothing: {reason}",
        dedup_key=f"strategy-refused:{genome_id}",
    )
    return (
        Publish(to=("voice",), message=alert),
        Publish(to=("reproduction",), message=StrategyRetired(genome_id=genome_id, reason=reason)),
    )
