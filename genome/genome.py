"""A genome: four conditions and the genes they and the simulator use. A frozen value with a name made of its content."""

import msgspec

from genome.identity import Genes
from genome.trees import Condition


class Genome(msgspec.Struct, frozen=True, kw_only=True):
    """A heritable strategy.

    entry_long …   conditions, SEMANTICS.md section 3; None is never
    genes          name–value pairs, sorted: constants named in the trees, and genes of `genome.genes.GENES` (stop,
                   target, size, …). A gene of GENES that is absent is off.
    """

    family: str
    generation: int = 0
    entry_long: Condition | None = None
    exit_long: Condition | None = None
    entry_short: Condition | None = None
    exit_short: Condition | None = None
    genes: Genes = ()
