"""Both learned genomes as one string of 80 bits, 32 of the SVC and 48 of the PCA-tree-quantile (S4-25.9).

Each gene is a field of bits that counts evenly between its bounds of breeding, on its own scale. Where a field can
count further than a gene has values, several patterns mean one value: every 80-bit number is a valid pair.
"""

import math

import numpy as np

from genome.genes import GeneSpec
from genome.identity import Genes, canonical
from genome.learned.genes import PTQ_GENES, SVC_GENES
from organism.errors import BadInput

SVC_FIELDS = {
    "C": 8, "penalty": 1, "loss": 1, "class_weight": 1, "max_iter": 5, "horizon": 4, "window": 4, "refit": 4, "band": 4,
}  # fmt: skip
PTQ_FIELDS = {
    "variance": 6, "whiten": 1, "max_depth": 5, "min_samples_split": 5, "quantile_set": 2, "alpha": 8,
    "horizon": 5, "window": 5, "refit": 5, "band": 6,
}  # fmt: skip
SVC_BITS, PTQ_BITS = 32, 48
MUTATION = {"linear_svc": 0.05, "pca_tree_quantile": 0.03}
"""Chance of each bit to flip."""


def encode(svc: Genes, ptq: Genes) -> int:
    """Genes of both → a number below 2**80, the SVC's bits first. Values move to the nearest that a field can count."""
    return _encoded(svc, SVC_FIELDS, SVC_GENES) << PTQ_BITS | _encoded(ptq, PTQ_FIELDS, PTQ_GENES)


def decode(bits: int) -> tuple[Genes, Genes]:
    """A number below 2**80 → genes of the SVC and of the PCA-tree-quantile; raises `BadInput` for any other."""
    if not 0 <= bits < 1 << (SVC_BITS + PTQ_BITS):
        raise BadInput(f"a chromosome was {bits}; it has {SVC_BITS + PTQ_BITS} bits.")
    return (
        _decoded(bits >> PTQ_BITS, SVC_FIELDS, SVC_GENES),
        _decoded(bits & ((1 << PTQ_BITS) - 1), PTQ_FIELDS, PTQ_GENES),
    )


def mutated(bits: int, rng: np.random.Generator) -> int:
    """Flip each bit by chance: 0.05 in the SVC's part, 0.03 in the other."""
    rates = [MUTATION["linear_svc"]] * SVC_BITS + [MUTATION["pca_tree_quantile"]] * PTQ_BITS
    flips = rng.random(SVC_BITS + PTQ_BITS) < rates
    return bits ^ int("".join("1" if flip else "0" for flip in flips), 2)


def _encoded(genes: Genes, fields: dict[str, int], specs: tuple[GeneSpec, ...]) -> int:
    given, by_name = dict(genes), {spec.name: spec for spec in specs}
    out = 0
    for name, width in fields.items():
        spec = by_name[name]
        low, high = _ends(spec)
        at = (_scaled(spec, given.get(name, spec.default or 0.0)) - low) / (high - low)
        out = out << width | round(min(1.0, max(0.0, at)) * ((1 << width) - 1))
    return out


def _decoded(bits: int, fields: dict[str, int], specs: tuple[GeneSpec, ...]) -> Genes:
    by_name = {spec.name: spec for spec in specs}
    out = []
    for name, width in reversed(fields.items()):
        spec = by_name[name]
        low, high = _ends(spec)
        value = low + (high - low) * (bits & ((1 << width) - 1)) / ((1 << width) - 1)
        bits >>= width
        if spec.scale == "log":
            value = math.exp(value)
        value = float(round(value)) if spec.integer else value
        out.append((name, min(max(value, spec.breeding[0]), spec.breeding[1])))
    return canonical(tuple(out))


def _ends(spec: GeneSpec) -> tuple[float, float]:
    low, high = spec.breeding
    return _scaled(spec, low), _scaled(spec, high)


def _scaled(spec: GeneSpec, value: float) -> float:
    return math.log(value) if spec.scale == "log" else value
