"""What a family says of its constants, and families whose signals do not come from conditions.

A genome without conditions is a founder, or of a family that learns; everything else has at least one entry. What
knows them is imported when a genome of theirs is met, because it brings heavy libraries with it.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from genome.founders import FAMILIES, build
from genome.genes import CONSTANTS, GENES, REGIME, GeneSpec
from genome.genome import Genome
from organism.errors import BadInput


def module(name: str) -> ModuleType | None:
    """A module that a smaller installation may leave out."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def seeds() -> dict[str, Genome]:
    """The seed library by name, each with its textbook parameters."""
    found: Any = module("genome.seeds")
    return {name: found.seed(name) for name in getattr(found, "SEEDS", ())}


def learned() -> Mapping[str, tuple[GeneSpec, ...]]:
    """Families that learn, and their constants."""
    found = module("genome.learned.genes")
    specs: Mapping[str, tuple[GeneSpec, ...]] = found.LEARNED if found is not None else {}
    return specs


def spec_of(genome: Genome, name: str) -> GeneSpec | None:
    """What is known of a gene: of the simulator, of its family, or of a constant that families share."""
    if name in GENES:
        return GENES[name]
    if genome.family in FAMILIES and not genome.conditions:
        return None  # a founder says what it takes in its own class
    seed = getattr(module("genome.seeds"), "SEEDS", {}).get(genome.family)
    own = learned().get(genome.family, ()) if seed is None else seed.genes
    return next((spec for spec in own if spec.name == name), CONSTANTS.get(name))


def check_without_conditions(genome: Genome) -> None:
    """Raise `BadInput` unless the family trades without conditions and takes these genes."""
    if genome.family in FAMILIES:
        build(
            genome.family, genome.genes
        )  # the organism steps founders itself: they take no gene of the simulator
        return
    if genome.family not in learned():
        raise BadInput(
            f"genome of family {genome.family!r} has no entry, so it would never trade; give it an entry long or an "
            "entry short."
        )
    for name, _ in genome.genes:
        if name in REGIME:
            raise BadInput(
                f"gene {name!r} is a condition on entries, and family {genome.family!r} has no conditions; leave it out."
            )
    importlib.import_module("genome.learned.genes").settings(genome)
