"""What evolution says of a genome it has bred: store it, fund it, retire it. Each carries the whole genome as text.

Before a genome is funded, a process of its own calls `genome.lived.warm` on it. Compiling it anew takes ten seconds and
more, and in the body it would hold up the brain, and the other organs with it; from the disk's cache it takes one.
"""

from genome.documents import canonical_text
from genome.genome import Genome
from genome.identity import canonical
from organism.effects import Publish, StoreGenome
from organism.errors import BadInput
from organism.messages import StrategyFunded, StrategyRetired


def stored(genome: Genome, parents: tuple[str, ...] = (), origin: str = "mutation") -> StoreGenome:
    """The effect that writes a genome's record. Its parents must have been stored before it.

    Raises `BadInput` for a genome that no engine could run.
    """
    return StoreGenome(
        genome_id=genome.genome_id,
        family=genome.family,
        generation=genome.generation,
        genes=canonical(genome.genes),
        parents=parents,
        origin=origin,
        text=canonical_text(genome),
    )


def funded(genome: Genome, weight: float) -> Publish:
    """The effect that lets a genome trade, or changes the weight of one that does.

    weight   in (0, 1]: its share of the forecasts that are blended

    Raises `BadInput` for another weight, and for a genome that no engine could run. One that reads what a bar does
    not carry (funding, fear and greed, other assets) is refused by the brain, which answers `StrategyRetired`.
    """
    if not 0.0 < weight <= 1.0:
        raise BadInput(f"the weight of {genome.genome_id} lies above 0 and is at most 1; was {weight}.")
    message = StrategyFunded(
        genome_id=genome.genome_id,
        family=genome.family,
        weight=weight,
        parameters=canonical(genome.genes),
        text=canonical_text(genome),
    )
    return Publish(to=("brain",), message=message)


def retired(genome_id: str, reason: str) -> Publish:
    """The effect that ends a strategy's trading; `reason` is a clause without a full stop, for people."""
    return Publish(to=("brain",), message=StrategyRetired(genome_id=genome_id, reason=reason))
