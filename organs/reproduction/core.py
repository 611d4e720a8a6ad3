"""Evolution, first form: founders are recorded and funded in equal parts; what is bred is remembered, and funded never."""

import msgspec

from genome.founders import founders
from organism.core import Now, OrganCore
from organism.effects import Effect, Effects, Publish, StoreGenome
from organism.messages import GenerationBred, Message, Recovered, StrategyFunded

_replace = msgspec.structs.replace


class ReproductionState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """funded: genome ids that were given money, for ever. bred: the newest generation that was bred, for people to see."""

    funded: tuple[str, ...] = ()
    bred: GenerationBred | None = None


def reproduction_core() -> OrganCore[ReproductionState]:
    """Build the organ."""
    return OrganCore("reproduction", ReproductionState, ReproductionState(), _step)


def _step(state: ReproductionState, message: Message, now: Now) -> tuple[ReproductionState, Effects]:  # noqa: ARG001 - the contract of every core
    if isinstance(message, GenerationBred):
        return _replace(state, bred=message), ()
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
