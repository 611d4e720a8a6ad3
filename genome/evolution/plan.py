"""The plan of a run: everything that decides what evolution does, apart from the data and the founders.

A run is a function of its plan, its data, its founders and its lexicon. Nothing else may matter: neither how many workers
judge, nor how often it was interrupted.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from genome.breeding.variation import Limits
from organism.errors import BadInput

MOST_POPULATION, MOST_GENERATIONS, MOST_ISLANDS = 100_000, 1_000_000, 1_000
MOST_EVALUATIONS = 10_000_000
"""Ten million strategies are the most that anybody asked for (S4-21.2)."""

FOUNDING, OPERATORS, PARENTS, VARYING, NEWCOMING = range(5)
"""Purposes of random numbers: each has generators of its own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to breed. Raises `BadInput` where that cannot be meant.

    population, generations, islands   individuals altogether; generations after the founders; populations that mix rarely
    seed                  of all random numbers
    crossover … constant  probability of each operator for a child; what is left to 1 keeps the mother's trees
    genes, switching      probability that a gene of a child mutates, and that it appears or goes
    tournament            of so many drawn members the best becomes a parent
    elites                the best of an island that do not die of age
    migrants, migration   so many of the best go to the next island, every so many generations; 0 generations: never
    novelty               share of the places that go to whoever behaves least like the others
    newcomers             share of each generation that is grown anew
    parsimony             objectives closer than this share of their interquartile range count as equal, and the smaller
                          genome goes first
    oldest                a member lives at most so many generations, unless it is among the elites
    correlation           two whose daily returns are correlated more than this behave alike: the worse one goes
    hall, archive         most members of the hall of fame, and of the archive that novelty is measured against
    remembered            scores of so many genomes judged last are not asked for again
    limits                how large trees may be
    reference             the point that the hypervolume is measured from, in the order of the objectives
    """

    population: int = 200
    generations: int = 20
    islands: int = 4
    seed: int = 1
    crossover: float = 0.5
    subtree: float = 0.15
    point: float = 0.15
    constant: float = 0.15
    genes: float = 0.05
    switching: float = 0.01
    tournament: int = 3
    elites: int = 4
    migrants: int = 2
    migration: int = 5
    novelty: float = 0.1
    newcomers: float = 0.05
    parsimony: float = 0.02
    oldest: int = 15
    correlation: float = 0.95
    hall: int = 64
    archive: int = 256
    remembered: int = 4_000
    limits: Limits = field(default_factory=Limits)
    reference: tuple[float, float, float, float] = (-1.0, 0.0, -1.0, -1_000.0)

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        for name, low, high in _WHOLE:
            value = getattr(self, name)
            if not (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
                raise BadInput(
                    f"{name} of evolution was {value!r}; give a whole number from {low:,} to {high:,}."
                )
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= 1.0:  # also NaN
                raise BadInput(f"{name} of evolution was {getattr(self, name)!r}; give a number from 0 to 1.")
        self._check_together()

    def _check_together(self) -> None:
        """What contradicts each other."""
        if self.population * (self.generations + 1) > MOST_EVALUATIONS:
            raise BadInput(
                f"{self.population:,} genomes in {self.generations:,} generations are more than {MOST_EVALUATIONS:,} "
                "evaluations; ask for fewer."
            )
        if sum(self.rates) > 1.0 + _ROUNDING:
            raise BadInput(
                f"the rates of crossover, subtree, point and constant were {', '.join(f'{r:g}' for r in self.rates)}; "
                "together they are at most 1."
            )
        least = min(self.sizes)
        if least < _FEWEST_OF_ISLAND:
            raise BadInput(
                f"{self.population} genomes on {self.islands} islands are {least} each; an island needs "
                f"{_FEWEST_OF_ISLAND}, so give more genomes or fewer islands."
            )
        if max(self.elites, self.migrants) > least:
            raise BadInput(
                f"{self.elites} elites and {self.migrants} migrants were asked of islands of {least}; give fewer of them."
            )
        if self.novelty + self.newcomers > 1.0:
            raise BadInput(
                f"novelty {self.novelty:g} and newcomers {self.newcomers:g} together are at most 1."
            )
        if len(self.reference) != _OBJECTIVES or not all(math.isfinite(x) for x in self.reference):
            raise BadInput(f"the reference was {self.reference!r}; give {_OBJECTIVES} finite numbers.")

    @property
    def rates(self) -> tuple[float, float, float, float]:
        """Of the operators, in the order of `Operator` without NONE."""
        return self.crossover, self.subtree, self.point, self.constant

    @property
    def sizes(self) -> tuple[int, ...]:
        """Members of each island at most; they differ by one at most."""
        each, rest = divmod(self.population, self.islands)
        return tuple(each + int(i < rest) for i in range(self.islands))

    def generator(self, purpose: int, generation: int, island: int) -> np.random.Generator:
        """Random numbers of one purpose, one generation and one island: who else drew, and where, does not matter."""
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(purpose, generation, island))
        )

    def differences(self, other: "Plan") -> list[tuple[str, Any, Any]]:
        """What differs: name, ours, theirs."""
        pairs = [(f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return [pair for pair in pairs if pair[1] != pair[2]]


_OBJECTIVES, _FEWEST_OF_ISLAND, _ROUNDING = 4, 2, 1e-9
_WHOLE = (
    ("population", 2, MOST_POPULATION), ("generations", 0, MOST_GENERATIONS), ("islands", 1, MOST_ISLANDS),
    ("seed", 0, 2**63 - 1), ("tournament", 1, 1_000), ("elites", 0, MOST_POPULATION), ("migrants", 0, MOST_POPULATION),
    ("migration", 0, MOST_GENERATIONS), ("oldest", 1, MOST_GENERATIONS), ("hall", 1, 256), ("archive", 1, 10_000),
    ("remembered", 0, 1_000_000),
)  # fmt: skip
_SHARES = (
    "crossover", "subtree", "point", "constant", "genes", "switching", "novelty", "newcomers", "parsimony", "correlation",
)  # fmt: skip
