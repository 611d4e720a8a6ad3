"""A genome's name: family, generation, and eight hex digits of the hash of its content."""

import hashlib
import json
import math

from organism.errors import BadInput

Genes = tuple[tuple[str, float], ...]


def canonical(genes: Genes) -> Genes:
    """Genes sorted by name, values as floats. Raises `BadInput` for a name given twice or a value not finite.

    >>> canonical((("slow", 2), ("fast", 1.5)))
    (('fast', 1.5), ('slow', 2.0))
    """
    ordered = tuple(sorted((name, float(value)) for name, value in genes))
    names = [name for name, _ in ordered]
    if len(set(names)) != len(names):
        raise BadInput(f"a gene was given twice: {', '.join(names)}. Name each once.")
    for name, value in ordered:
        if not math.isfinite(value):
            raise BadInput(f"gene {name!r} was {value}; genes must be finite numbers.")
    return ordered


def content_hash(family: str, genes: Genes, trees: str = "") -> str:
    """SHA-256, 64 hex digits, over family, genes and trees as canonical JSON: order of genes does not matter.

    trees   the conditions as JSON (`Genome.trees`); "" where there are none, which keeps the names that founders
            were given before genomes had conditions
    """
    content = {"family": family, "genes": dict(canonical(genes))}
    if trees:
        content["trees"] = json.loads(trees)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def genome_id(family: str, generation: int, genes: Genes, trees: str = "") -> str:
    """Return `{family}_{generation}_{hash8}`.

    >>> genome_id("ema_trend", 0, (("fast", 12), ("slow", 26)))
    'ema_trend_0_567582e8'
    """
    return f"{family}_{generation}_{content_hash(family, genes, trees)[:8]}"
