"""What a generation did: figures for a person, and every newborn for whoever counts trials and keeps the family tree."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from genome.breeding.flat import GENE_NAMES, Flock
from genome.breeding.objectives import NAMES
from genome.breeding.selection import front, hypervolume
from genome.breeding.variation import Operator
from genome.evolution.distinct import spread
from genome.evolution.keys import U64, as_bytes, texts
from genome.evolution.members import Members, gathered, nodes
from genome.evolution.offspring import I8
from genome.evolution.plan import Plan
from genome.evolution.ports import Scores
from genome.market import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Births:
    """Everybody who was born in a generation, island after island.

    keys       uint64 (n, 2): content (`genome.evolution.keys`; `texts` makes hex of them)
    mothers, fathers   uint64 (n, 2): contents of the parents; zeros where there was none
    operators  int8 (n,) of `Operator`: what changed the trees
    islands    int64 (n,)
    survived   bool (n,): was still there when the generation was over
    judged     int64 (m,): places of those who were judged for the first time as far as the run remembers; the others'
               scores were remembered, or an equal was born on another island
    scores     of the judged, m of them, with daily returns
    """

    flock: Flock
    keys: U64
    mothers: U64
    fathers: U64
    operators: I8
    islands: I64
    survived: np.ndarray[Any, np.dtype[np.bool_]]
    judged: I64
    scores: Scores

    @property
    def names(self) -> list[str]:
        """Keys in hex."""
        return texts(self.keys)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """One generation.

    evaluated      genomes asked of the evaluator; distinct, for nobody is asked twice in a generation
    cache_hits     newborn whose scores were remembered, or found on another island
    duplicates     children made and left out, because a member or another child has their content
    alike          those looked at who went because a better one behaves like them
    aged, migrated members that died of age; copies that arrived from other islands
    members        alive when the generation was over
    distinct       contents among the living
    front          of the living, not dominated, on all islands together
    hypervolume    of the hall of fame, from the plan's reference
    best, median   of the living that hold all constraints, of each objective; NaN where nobody does
    diversity      mean of 1 − correlation of daily returns over all pairs of living members
    feasible       share of the living that hold all constraints
    mean_nodes, mean_lineage   size of the living, and generations since their oldest ancestor came in
    bred, survived   newborn by operator (in the order of `Operator`, newcomers last), and those of them who stayed
    genes_born, genes_alive   share of newborn, and of the living, that have each gene of GENE_NAMES
    """

    generation: int
    evaluated: int
    cache_hits: int
    duplicates: int
    alike: int
    aged: int
    migrated: int
    members: int
    distinct: int
    front: int
    hypervolume: float
    best: tuple[float, ...]
    median: tuple[float, ...]
    diversity: float
    feasible: float
    mean_nodes: float
    mean_lineage: float
    bred: tuple[int, ...]
    survived: tuple[int, ...]
    genes_born: tuple[float, ...]
    genes_alive: tuple[float, ...]
    births: Births

    def document(self) -> dict[str, Any]:
        """As it goes into JSON; births are left out."""
        plain = {
            name: getattr(self, name)
            for name in (
                "generation", "evaluated", "cache_hits", "duplicates", "alike", "aged", "migrated", "members", "distinct",
                "front", "feasible", "mean_nodes", "mean_lineage",
            )
        }  # fmt: skip
        plain["hypervolume"], plain["diversity"] = _number(self.hypervolume), _number(self.diversity)
        for name, values in (("best", self.best), ("median", self.median)):
            plain[name] = {objective: _number(x) for objective, x in zip(NAMES, values, strict=True)}
        plain["operators"] = {
            name: {"bred": b, "survived": s}
            for name, b, s in zip(OPERATORS, self.bred, self.survived, strict=True)
        }
        plain["genes"] = {
            name: {"born": b, "alive": a}
            for name, b, a in zip(GENE_NAMES, self.genes_born, self.genes_alive, strict=True)
        }
        return plain


OPERATORS = (*(operator.name.lower() for operator in Operator), "newcomer")
"""Names of what `bred` and `survived` count."""


def _number(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def reported(
    generation: int,
    plan: Plan,
    births: Births,
    islands: tuple[Members, ...],
    hall: Members,
    counts: dict[str, int],
) -> Report:
    """Sum a generation up. counts: evaluated, cache_hits, duplicates, alike, aged, migrated."""
    alive = gathered(islands)
    worth = alive.worth
    sound = (worth.violations == 0.0) & np.isfinite(worth.values).all(axis=1)
    best = front(worth.values, worth.violations)
    kinds = np.where(births.mothers.any(axis=1), births.operators, len(Operator))
    n = max(len(alive), 1)
    held, nothing = worth.values[sound], (float("nan"),) * len(NAMES)
    return Report(
        generation=generation,
        members=len(alive),
        distinct=len(set(as_bytes(alive.keys))),
        front=int(sound[best].sum()),
        hypervolume=hypervolume(hall.worth.values, np.array(plan.reference)),
        best=tuple(held.max(axis=0).tolist()) if len(held) else nothing,
        median=tuple(np.median(held, axis=0).tolist()) if len(held) else nothing,
        diversity=spread(worth.shapes),
        feasible=float(sound.sum()) / n,
        mean_nodes=float(nodes(alive.flock).sum()) / n,
        mean_lineage=float((generation - alive.lineage).sum()) / n,
        bred=_counted(kinds),
        survived=_counted(kinds[births.survived]),
        genes_born=_present(births.flock.genes),
        genes_alive=_present(alive.flock.genes),
        births=births,
        **counts,
    )


def _counted(kinds: I8 | I64) -> tuple[int, ...]:
    return tuple(np.bincount(kinds, minlength=len(OPERATORS)).tolist())


def _present(genes: F64) -> tuple[float, ...]:
    return tuple((~np.isnan(genes)).mean(axis=0).tolist()) if len(genes) else (0.0,) * len(GENE_NAMES)
