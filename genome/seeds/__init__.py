"""The seed library: textbook strategies as genomes, from which evolution starts (S4-24, S4-25).

Twelve seeds, three families that combine, and Fibonacci, which is off unless asked for. Each states its mathematics and
source, and fires in a test at the bars a person computed. Conditions guard themselves (`fast < slow and …`): parameters
that make no sense give no signals, rather than signals of another strategy (S4-24.17).

>>> seed("ema_crossover", fast=12).genes
(('fast', 12.0), ('slow', 21.0))
"""

import numpy as np

from genome.genome import Genome
from genome.grammar import suggestion
from genome.market import Market
from genome.seeds.combined import COMBINED
from genome.seeds.learning import LEARNING
from genome.seeds.reversion import FIBONACCI, REVERSION
from genome.seeds.seed import Seed
from genome.seeds.trend import TREND
from organism.errors import BadInput

SEEDS: dict[str, Seed] = {s.name: s for s in (*TREND, *REVERSION, *LEARNING, *COMBINED, FIBONACCI)}
"""All seeds by name, Fibonacci included; see `enabled_seeds`."""

__all__ = ["SEEDS", "Seed", "enabled_seeds", "missing_columns", "seed"]


def seed(name: str, /, **parameters: float | str) -> Genome:
    """A seed's genome, generation 0; raises `BadInput` for an unknown name or parameter, or a value out of bounds."""
    found = SEEDS.get(name)
    if found is None:
        raise BadInput(f"there is no seed {name!r}.{suggestion(name, SEEDS)} There are {', '.join(SEEDS)}.")
    return found.genome(parameters)


def enabled_seeds(*, fibonacci: bool = False) -> dict[str, Seed]:
    """The seeds that evolution starts from: without Fibonacci unless asked for (S4-24.14, S4-24.16)."""
    return {name: s for name, s in SEEDS.items() if s.enabled or (fibonacci and name == "fibonacci")}


def missing_columns(name: str, market: Market) -> tuple[str, ...]:
    """Columns a seed needs that this market has no single value of: with any of them missing the seed never fires."""
    return tuple(c for c in SEEDS[name].columns if not np.isfinite(market.column(c)).any())
