"""Evolution, first form: founders are recorded and funded in equal parts; what is bred is remembered, and funded never.

A person may silence a strategy, let it speak again, or retire it for good.
"""

import msgspec

from genome.founders import founders
from organism.core import Now, OrganCore
from organism.effects import Effect, Effects, Publish, StoreGenome
from organism.messages import (
    GenerationBred,
    Message,
    OperatorCommanded,
    Recovered,
    StrategyFunded,
    StrategyPaused,
    StrategyRetired,
)

_replace = msgspec.structs.replace


class ReproductionState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What evolution has done so far.

    funded      genome ids that were given money, for ever
    bred        the newest generation that was bred, for people to see
    paused      of the funded, those that a person silenced
    retired     of the funded, those that trade no longer
    command_id  newest command read: ids rise for ever, and an older one that comes late is void
    """

    funded: tuple[str, ...] = ()
    bred: GenerationBred | None = None
    paused: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    command_id: int = -1


def reproduction_core() -> OrganCore[ReproductionState]:
    """Build the organ."""
    return OrganCore("reproduction", ReproductionState, ReproductionState(), _step)


def _step(state: ReproductionState, message: Message, now: Now) -> tuple[ReproductionState, Effects]:  # noqa: ARG001 - the contract of every core
    if isinstance(message, GenerationBred):
        return _replace(state, bred=message), ()
    if isinstance(message, StrategyRetired):  # the brain could not live by it
        return _replace(state, retired=_with(state.retired, message.genome_id)), ()
    if isinstance(message, OperatorCommanded):
        return _commanded(state, message)
    if not isinstance(message, Recovered):
        return state, ()
    known = founders()
    effects: list[Effect] = [
        Publish(
            to=("brain",),
            message=StrategyFunded(
                genome_id=genome_id,
                family=strategy.family,
                weight=1.0 / len(known),
                parameters=strategy.parameters,
            ),
        )
        for genome_id, strategy in known
        if genome_id not in state.funded
    ]
    if message.process or effects:
        # Writing the same record again changes nothing, so each start makes sure that the store has them.
        effects += [
            StoreGenome(genome_id=genome_id, family=strategy.family, generation=0, genes=strategy.parameters)
            for genome_id, strategy in known
        ]
    funded = tuple(dict.fromkeys((*state.funded, *(genome_id for genome_id, _ in known))))
    return _replace(state, funded=funded), tuple(effects)


def _commanded(state: ReproductionState, command: OperatorCommanded) -> tuple[ReproductionState, Effects]:
    """Silence a funded strategy, let it speak again, or retire it; of another nothing is done."""
    if command.command_id <= state.command_id:
        return state, ()
    state = _replace(state, command_id=command.command_id)
    genome_id = command.target
    if genome_id not in state.funded or genome_id in state.retired:
        return state, ()
    who = f"{command.operator or 'somebody'}" + (f": {command.note}" if command.note else "")
    others = tuple(one for one in state.paused if one != genome_id)
    if command.command == "retire":
        message = StrategyRetired(genome_id=genome_id, reason=f"{genome_id} retired by {who}")
        state = _replace(state, paused=others, retired=_with(state.retired, genome_id))
        return state, (Publish(to=("brain", "voice"), message=message),)
    pausing = command.command == "pause"
    if command.command not in {"pause", "wake"} or pausing is (genome_id in state.paused):
        return state, ()
    word = "paused" if pausing else "woken"
    told = StrategyPaused(genome_id=genome_id, paused=pausing, reason=f"{genome_id} {word} by {who}")
    paused = _with(state.paused, genome_id) if pausing else others
    return _replace(state, paused=paused), (Publish(to=("brain",), message=told),)


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(sorted({*names, name}))
