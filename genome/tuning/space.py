"""What of a family is searched: the constants its trees name and its genes, each within bounds. The trees are held."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from genome.checking import check
from genome.families import learned, spec_of
from genome.genes import GENES, GeneSpec
from genome.genome import Genome
from genome.grammar import suggestion
from genome.identity import canonical
from genome.market import F64
from genome.programs.streaming import lookback
from genome.simulator.packing import pack
from genome.trees import Gene, Indicator
from genome.tuning.parameters import Parameter
from genome.vocabulary import WORDS
from genome.vocabulary import Parameter as Argument
from organism.errors import BadInput


@dataclass(frozen=True, slots=True)
class Space:
    """A genome and the d parameters of it that are searched; its other genes are held.

    Points are rows of values in the order of `parameters`; units are their places between the bounds, 0 to 1.
    """

    genome: Genome
    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters."""
        return tuple(p.name for p in self.parameters)

    @property
    def size(self) -> float:
        """How many points there are; infinite where a parameter is any real number."""
        return math.prod(p.count for p in self.parameters)

    @property
    def default(self) -> F64:
        """The point that was given (d,), a seed's being the textbook's; drawn inside the bounds."""
        given = np.array([p.default for p in self.parameters])
        point: F64 = self.decoded(self.encoded(given[None]))[0]
        return point

    def decoded(self, units: F64) -> F64:
        """Points at units, float64 (n, d), each value one that its parameter can take."""
        columns = [p.decoded(units[:, i]) for i, p in enumerate(self.parameters)]
        return np.column_stack(columns)

    def encoded(self, points: F64) -> F64:
        """Units of points, float64 (n, d)."""
        columns = [p.encoded(points[:, i]) for i, p in enumerate(self.parameters)]
        return np.column_stack(columns)

    def genome_at(self, point: Sequence[float] | F64) -> Genome:
        """The genome with a point's values."""
        found = dict(zip(self.names, map(float, point), strict=True))
        genes = canonical(tuple({**dict(self.genome.genes), **found}.items()))
        return msgspec.structs.replace(self.genome, genes=genes)

    def genomes(self, points: F64) -> list[Genome]:
        """The genomes of points (n, d)."""
        return [self.genome_at(point) for point in points.tolist()]

    def lookback(self, bar_s: int) -> int:
        """Bars before the slowest indicator of any point has a value: that of the upper bounds."""
        corners = [self.genome_at([getattr(p, side) for p in self.parameters]) for side in ("low", "high")]
        return max((lookback(key, bar_s) for key in pack(corners).keys), default=0)

    def told(self, point: Sequence[float] | F64) -> dict[str, str]:
        """A point in words, by name."""
        return {p.name: p.text(float(v)) for p, v in zip(self.parameters, point, strict=True)}


def space_of(
    genome: Genome,
    bounds: Mapping[str, tuple[str, str]] | None = None,
    steps: Mapping[str, float] | None = None,
    held: Iterable[str] = (),
) -> Space:
    """The parameters of a genome. Raises `BadInput` for names it lacks, and bounds that make no sense.

    bounds   name → (low, high) as text, which may name choices; a gene of the simulator that is off is switched on by it
    steps    name → distance between the values it may take
    held     names that keep their value, unless a bound is given

    Without a bound a parameter lies where variation looks (`GeneSpec.breeding`); a constant nobody described, between half
    and twice its value. Choices are held unless bounded: which rule holds is not a number to be tuned.
    """
    if not genome.conditions:
        said = "learns its own parameters" if genome.family in learned() else "has no condition to simulate"
        raise BadInput(f"{genome.family} {said}, so there is nothing to tune; name a family with conditions.")
    bounds, steps, held = dict(bounds or {}), dict(steps or {}), set(held) - set(bounds or {})
    genes = dict(genome.genes)
    for what, names in (("--bound", bounds), ("--step", steps)):
        for name in names:
            if name not in genes and not (name in GENES and name in bounds):
                known = (*genes, *GENES)
                raise BadInput(
                    f"{what} names {name!r}, which {genome.family} has not.{suggestion(name, known)} "
                    f"It has {', '.join(genes) or 'no parameter'}."
                )
    whole = _whole_arguments(genome)
    found = []
    for name in [*genes, *(name for name in bounds if name not in genes)]:
        spec = spec_of(genome, name)
        choices = () if spec is None else spec.choices
        if name in held or (choices and name not in bounds):
            continue
        found.append(_parameter(name, spec, genes.get(name), bounds.get(name), steps.get(name, 0.0), whole))
    if not found:
        raise BadInput(f"{genome.family} has no parameter left to search; hold fewer, or give one a --bound.")
    space = Space(genome, tuple(found))
    for side in ("low", "high"):
        check(space.genome_at([getattr(p, side) for p in found]))
    return space


def _parameter(
    name: str, spec: GeneSpec | None, value: float | None, bound: tuple[str, str] | None, step: float, whole: set[str]
) -> Parameter:  # fmt: skip
    choices = () if spec is None else spec.choices
    integer = name in whole if spec is None else spec.integer or bool(choices)
    log = spec is not None and spec.scale == "log"
    if bound is not None:
        low, high = (_number(name, text, choices) for text in bound)
        if spec is not None and not (spec.low <= low and high <= spec.high):
            raise BadInput(
                f"{name!r} lies between {spec.low:g} and {spec.high:g}; was bounded by {low:g}:{high:g}."
            )
    elif spec is not None:
        low, high = spec.breeding
    elif value:
        low, high = sorted((value / 2.0, value * 2.0))
        low, high = (math.ceil(low), math.floor(high)) if integer else (low, high)
    else:
        raise BadInput(
            f"nothing is known of the constant {name!r}, which is 0; give it bounds: --bound {name}=LOW:HIGH."
        )
    if 0.0 < step < high - low and not (integer and step != int(step)):  # the last value is the bound
        high = float(np.round(low + math.floor((high - low) / step + 1e-9) * step, 12))
    default = value if value is not None else spec.default if spec is not None else None
    return Parameter(
        name, low, high, default if default is not None else (low + high) / 2.0, integer, log, step, choices
    )


def _number(name: str, text: str, choices: Sequence[str]) -> float:
    if text in choices:
        return float(choices.index(text))
    try:
        return float(text)
    except ValueError:
        wanted = " or ".join(choices) or "a number"
        raise BadInput(f"a bound of {name!r} is {wanted}; was {text[:40]!r}.") from None


def _whole_arguments(genome: Genome) -> set[str]:
    """Constants that some indicator takes as a whole number."""
    found: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, Indicator):
            arguments: Sequence[Argument] = WORDS[node.name].parameters
            for argument, parameter in zip(node.arguments, arguments, strict=True):
                if isinstance(argument, Gene) and parameter.integer:
                    found.add(argument.name)
        if isinstance(node, msgspec.Struct):
            for field in node.__struct_fields__:
                visit(getattr(node, field))

    for tree in genome.conditions.values():
        visit(tree)
    return found


def bounds_of(texts: Iterable[str]) -> dict[str, tuple[str, str]]:
    """`NAME=LOW:HIGH` → bounds as text. Raises `BadInput`.

    >>> bounds_of(["fast=5:50"])
    {'fast': ('5', '50')}
    """
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        name, _, span = (part.strip() for part in text.partition("="))
        low, _, high = (part.strip() for part in span.partition(":"))
        if not (name and low and high):
            raise BadInput(f"--bound wants NAME=LOW:HIGH, as in fast=5:50; was {text[:60]!r}.")
        if name in found:
            raise BadInput(f"--bound names {name!r} twice; give it once.")
        found[name] = low, high
    return found


def steps_of(texts: Iterable[str]) -> dict[str, float]:
    """`NAME=STEP` → steps. Raises `BadInput`.

    >>> steps_of(["fast=5"])
    {'fast': 5.0}
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        try:
            step = float(value)
        except ValueError:
            step = math.nan
        if not name or not step > 0.0:
            raise BadInput(f"--step wants NAME=STEP with a positive step, as in fast=5; was {text[:60]!r}.")
        if name in found:
            raise BadInput(f"--step names {name!r} twice; give it once.")
        found[name] = step
    return found
