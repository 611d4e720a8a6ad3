"""Genes of children: simulated binary crossover and polynomial mutation, within breeding bounds.

Sources: K. Deb and R. B. Agrawal (1995), "Simulated Binary Crossover for Continuous Search Space", Complex Systems 9;
K. Deb and M. Goyal (1996), "A Combined Genetic Adaptive Search (GeneAS) for Engineering Design", Computer Science and
Informatics 26(4): both in the form that bounds the spread. Genes with a log scale are crossed and mutated as logarithms,
whole numbers are rounded afterwards, choices are taken from either parent or drawn anew. A gene may be absent, which is
off: a child has it as one of its parents has, and mutation switches it.
"""

import math

import numpy as np

from genome.breeding.flat import GENE_INDEX, GENE_NAMES, Flock
from genome.genes import GENES, Sizing
from genome.jit import kernel, step
from genome.market import F64, I64
from organism.errors import BadInput

N_GENES = len(GENE_NAMES)
_SPECS = tuple(GENES.values())
LOW: F64 = np.array([spec.breeding[0] for spec in _SPECS], np.float64)
HIGH: F64 = np.array([spec.breeding[1] for spec in _SPECS], np.float64)
"""Bounds of breeding."""
_LOG: I64 = np.array([int(spec.scale == "log") for spec in _SPECS])
_WHOLE: I64 = np.array([int(spec.integer or bool(spec.choices)) for spec in _SPECS])
_CHOICES: I64 = np.array([len(spec.choices) for spec in _SPECS])
_SIZING, _STOP, _STOP_ATR = GENE_INDEX["sizing"], GENE_INDEX["stop"], GENE_INDEX["stop_atr"]
_RISK, _FIXED = float(Sizing.RISK), float(Sizing.FIXED)
_ALIKE = 1e-14
PRESENT = 0.25
"""Share of genes that a new genome has."""


@step
def _inside(gene: int, x: float) -> float:
    """A value within the bounds, whole where it has to be."""
    if _WHOLE[gene] > 0:
        x = np.round(x)
    return float(min(max(x, LOW[gene]), HIGH[gene]))


@step
def _scaled(gene: int, x: float) -> float:
    return math.log(x) if _LOG[gene] > 0 else x


@step
def _back(gene: int, x: float) -> float:
    return _inside(gene, math.exp(x) if _LOG[gene] > 0 else x)


@step
def _drawn(rng: np.random.Generator, gene: int) -> float:
    if _CHOICES[gene] > 0:
        return _inside(gene, math.floor(rng.random() * _CHOICES[gene]))
    low, high = _scaled(gene, LOW[gene]), _scaled(gene, HIGH[gene])
    return _back(gene, low + (high - low) * rng.random())


@step
def _crossed(rng: np.random.Generator, gene: int, a: float, b: float, eta: float) -> float:
    """One of the two children of SBX with bounds."""
    first = rng.random() < 0.5  # noqa: PLR2004
    if math.isnan(a) or math.isnan(b) or _CHOICES[gene] > 0:
        chosen = a if first else b
        return chosen if math.isnan(chosen) else _inside(gene, chosen)
    x, y = _scaled(gene, _inside(gene, a)), _scaled(gene, _inside(gene, b))
    low, high = _scaled(gene, LOW[gene]), _scaled(gene, HIGH[gene])
    x, y = min(x, y), max(x, y)
    u = rng.random()
    if y - x <= _ALIKE:
        return _inside(gene, a)
    room = (x - low) if first else (high - y)
    alpha = 2.0 - (1.0 + 2.0 * room / (y - x)) ** -(eta + 1.0)
    spread = u * alpha if u <= 1.0 / alpha else 1.0 / (2.0 - u * alpha)
    spread = spread ** (1.0 / (eta + 1.0))
    return _back(gene, 0.5 * (x + y - spread * (y - x)) if first else 0.5 * (x + y + spread * (y - x)))


@step
def _mutated(rng: np.random.Generator, gene: int, a: float, eta: float) -> float:
    """Polynomial mutation with bounds; a choice is drawn anew, and a whole number moves by one at least."""
    if _CHOICES[gene] > 0:
        return _drawn(rng, gene)
    x = _scaled(gene, _inside(gene, a))
    low, high = _scaled(gene, LOW[gene]), _scaled(gene, HIGH[gene])
    u = rng.random()
    power = 1.0 / (eta + 1.0)
    if u < 0.5:  # noqa: PLR2004
        rest = 1.0 - (x - low) / (high - low)
        step = (2.0 * u + (1.0 - 2.0 * u) * rest ** (eta + 1.0)) ** power - 1.0
    else:
        rest = 1.0 - (high - x) / (high - low)
        step = 1.0 - (2.0 * (1.0 - u) + (2.0 * u - 1.0) * rest ** (eta + 1.0)) ** power
    made = _back(gene, x + step * (high - low))
    if _WHOLE[gene] > 0 and made == a:
        made = _inside(gene, a - 1.0 if u < 0.5 else a + 1.0)  # noqa: PLR2004
    return made


@step
def _mended(row: F64) -> None:
    """Sizing by risk measures the distance to a stop; without one the size is fixed."""
    if row[_SIZING] == _RISK and math.isnan(row[_STOP]) and math.isnan(row[_STOP_ATR]):
        row[_SIZING] = _FIXED


@kernel
def _inherit(
    rng: np.random.Generator, genes: F64, mothers: I64, fathers: I64, mates: I64, rates: F64, children: F64
) -> None:  # fmt: skip
    """rates: of mutation, of switching a gene, η of SBX, η of mutation."""
    for i in range(mothers.size):
        row = children[i]
        for k in range(row.size):
            a = genes[mothers[i], k]
            if mates[i] > 0:
                a = _crossed(rng, k, a, genes[fathers[i], k], rates[2])
            if rng.random() < rates[1]:
                a = _drawn(rng, k) if math.isnan(a) else np.nan
            elif not math.isnan(a) and rng.random() < rates[0]:
                a = _mutated(rng, k, a, rates[3])
            row[k] = a
        _mended(row)


@kernel
def _draw(rng: np.random.Generator, children: F64) -> None:
    for i in range(children.shape[0]):
        for k in range(children.shape[1]):
            children[i, k] = _drawn(rng, k) if rng.random() < PRESENT else np.nan
        _mended(children[i])


def drawn_genes(n: int, rng: np.random.Generator) -> F64:
    """Genes of n new genomes, float64 (n, len(GENES)): each present or absent, uniform on its scale."""
    children = np.empty((n, N_GENES))
    _draw(rng, children)
    return children


def inherited(
    flock: Flock,
    mothers: I64,
    fathers: I64,
    mates: I64,
    rng: np.random.Generator,
    *,
    mutation: float = 1.0 / N_GENES,
    switching: float = 0.25 / N_GENES,
    eta_crossover: float = 15.0,
    eta_mutation: float = 20.0,
) -> F64:
    """Genes of children, float64 (children, len(GENES)); those of their mothers where nothing befell them.

    mothers, fathers  int64 (children,): indices of parents
    mates             int64 (children,): 1 where both parents give genes, 0 where the mother alone does
    mutation          probability that a gene mutates; switching: that it appears or goes
    eta_…             the larger, the closer children stay to their parents
    """
    if not (0.0 <= mutation <= 1.0 and 0.0 <= switching <= 1.0 and min(eta_crossover, eta_mutation) >= 0.0):
        raise BadInput(
            f"probabilities were {mutation} and {switching}, indices {eta_crossover} and {eta_mutation}; probabilities lie "
            "between 0 and 1, and indices are not negative."
        )
    children = np.empty((len(mothers), N_GENES))
    rates = np.array([mutation, switching, eta_crossover, eta_mutation])
    _inherit(rng, flock.genes, mothers, fathers, mates, rates, children)
    return children
