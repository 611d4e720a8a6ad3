"""What an organism is given to live by: a family and parameters, or a whole genome as text.

The text is believed only where the id that it came with is that of its content. Nothing heavy is imported until a
genome with conditions is to be stepped.
"""

import threading
from functools import lru_cache
from typing import Any

from genome.documents import identified, readable
from genome.families import module
from genome.founders import FAMILIES, build
from genome.genome import Genome
from genome.identity import Genes, canonical
from genome.strategy import Strategy
from organism.errors import BadInput
from organism.market import NS_PER_S, Bar

_COMPILING = threading.Lock()
"""Kernels are compiled on first use, and by one thread at a time."""


def carried(genome_id: str, family: str, parameters: Genes, text: str) -> Genome:
    """The genome of a text, which must have this id, this family and these genes. Raises `BadInput`."""
    genome = identified(genome_id, text)
    if (genome.family, genome.genes) != (family, canonical(parameters)):
        raise BadInput(
            f"the text of genome {genome_id!r} has another family or other genes than came with it."
        )
    return genome


@lru_cache(maxsize=4_096)
def lived(genome_id: str, family: str, parameters: Genes, text: str = "", bar_s: int = 300) -> Strategy:
    """The strategy that the brain steps, for bars of `bar_s` seconds.

    text   `genome.documents.canonical_text`; "" for a founder or a seed, which family and parameters name

    Raises `BadInput` where the text is no genome, is another one's, or needs more than a bar carries.
    """
    if not text:
        return build(family, parameters, bar_s)
    genome = carried(genome_id, family, parameters, text)
    if not genome.conditions and family in FAMILIES:
        return build(family, genome.genes)
    from genome.compiled import compiled  # noqa: PLC0415 - heavy, and no founder needs it

    with _COMPILING:
        return compiled(genome, bar_s)


@lru_cache(maxsize=256)
def in_words(genome_id: str, family: str, parameters: Genes, text: str = "") -> tuple[tuple[str, str], ...]:
    """(label, text) of what a funded strategy does, for a person. What cannot be read says why, labelled `refused`.

    >>> in_words("ema_trend_0_567582e8", "ema_trend", (("fast", 12.0), ("slow", 26.0)))
    (('genes', 'fast=12 slow=26'),)
    """
    try:
        return readable(carried(genome_id, family, parameters, text) if text else _named(family, parameters))
    except BadInput as error:
        return (("refused", str(error)),)


def _named(family: str, parameters: Genes) -> Genome:
    """The genome of a founder or a seed."""
    if family in FAMILIES:
        return Genome(family=family, genes=canonical(parameters))
    library: Any = module("genome.seeds")
    if family not in getattr(library, "SEEDS", ()):
        raise BadInput(f"there is no strategy family {family[:48]!r}.")
    found: Genome = library.seed(family, **dict(parameters))
    return found


def warm(strategy: Strategy) -> None:
    """Step a strategy once, on a bar that is forgotten: what steps it is then compiled, or read from the disk's cache.

    Compiling takes some ten seconds after an installation or an update, and a second for each word that no simulation on
    this machine has used yet: too long for an organ (`supervision.hang_s`), and for the organs beside it. So whoever
    funds a genome has a process of its own do this first.
    """
    strategy.step(strategy.initial(), Bar("", 0, 300 * NS_PER_S, 1.0, 1.0, 1.0, 1.0, 1.0))
