"""Those who are new in a generation: children of members, newcomers grown from nothing, and where they came from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.breeding.flat import Flock, joined
from genome.breeding.growing import MOST_GROWN_DEPTH, ramped
from genome.breeding.lexicon import Lexicon
from genome.breeding.variation import Operator, vary
from genome.evolution.keys import U64, Keys, fresh, keys
from genome.evolution.members import Members, empty_flock
from genome.evolution.plan import FOUNDING, NEWCOMING, OPERATORS, PARENTS, VARYING, Plan
from genome.market import I64

I8 = NDArray[np.int8]
_SURPLUS, _FEW = 1.25, 8
"""So many more children are made than wanted: some are there already."""


@dataclass(frozen=True, slots=True, eq=False)
class Ancestry:
    """Where n newborn came from.

    mother, father  int64 (n,): places among the members of the island that bred them; −1 where there was none: a founder
                    or newcomer has no mother, and whoever was not crossed has no father
    operator        int8 (n,) of `Operator`: what befell the trees; NONE where the mother's trees were kept, be it that
                    none was drawn or that no try fitted. Genes may have changed in any case
    """

    mother: I64
    father: I64
    operator: I8

    def __len__(self) -> int:
        return len(self.mother)

    def take(self, which: I64) -> "Ancestry":
        """Those with these indices, in this order."""
        return Ancestry(self.mother[which], self.father[which], self.operator[which])


@dataclass(frozen=True, slots=True, eq=False)
class Newborn:
    """n new genomes, each of a content of its own, and of none that a member has.

    lineage     int64 (n,): generation in which the oldest of its ancestors came in
    duplicates  how many more were made and are left out
    """

    flock: Flock
    keys: U64
    ancestry: Ancestry
    lineage: I64
    duplicates: int

    def __len__(self) -> int:
        return len(self.lineage)


def settled(plan: Plan, island: int, words: Lexicon, founders: Flock) -> Newborn:
    """The first inhabitants of an island: its share of the founders, and ramped half-and-half."""
    size = plan.sizes[island]
    own = founders.take(np.arange(island, len(founders), plan.islands)[:size])
    rng = plan.generator(FOUNDING, 0, island)
    flock = joined([own, ramped(_with_surplus(size - len(own)), rng, words, depths=_depths(plan))])
    made = keys(flock).whole
    chosen = fresh(made, made[:0])
    kept = chosen[:size]
    return Newborn(
        flock.take(kept), made[kept], _without_parents(len(kept)), np.zeros(len(kept), np.int64), len(made) - len(chosen)
    )  # fmt: skip


def bred(members: Members, plan: Plan, generation: int, island: int, words: Lexicon) -> Newborn:
    """Children of members, who stand in order, the best first; and newcomers, more of them where members are few."""
    size = plan.sizes[island]
    n_new = min(size, max(round(plan.newcomers * size), size - len(members)))
    n_children = size - n_new if len(members) else 0
    children, ancestry, lineage, made = _children(
        members, plan, generation, island, words, _with_surplus(n_children)
    )
    chosen = fresh(made, members.keys)
    duplicates = len(made) - len(chosen)
    kept = chosen[:n_children]
    missing = size - len(kept)
    rng = plan.generator(NEWCOMING, generation, island)
    grown = ramped(_with_surplus(missing), rng, words, depths=_depths(plan))
    grown_keys = keys(grown).whole
    known = np.concatenate([members.keys, made[kept]])
    fine = fresh(grown_keys, known)
    duplicates += len(grown_keys) - len(fine)
    fine = fine[:missing]
    whole = _without_parents(len(fine))
    own = ancestry.take(kept)
    return Newborn(
        joined([children.take(kept), grown.take(fine)]),
        np.concatenate([made[kept], grown_keys[fine]]),
        Ancestry(*(np.concatenate([a, b]) for a, b in zip(_parts(own), _parts(whole), strict=True))),
        np.concatenate([lineage[kept], np.full(len(fine), generation, np.int64)]),
        duplicates,
    )


def _children(
    members: Members, plan: Plan, generation: int, island: int, words: Lexicon, n: int
) -> tuple[Flock, Ancestry, I64, U64]:  # fmt: skip
    """So many children, distinct or not: genomes, ancestry, lineage and keys."""
    if n == 0:
        return empty_flock(), _without_parents(0), np.zeros(0, np.int64), members.keys[:0]
    parents = plan.generator(PARENTS, generation, island)
    # Members stand in order, so the best of those drawn is the first (`genome.breeding.selection.tournament` of any size).
    drawn = parents.integers(0, len(members), size=(2, n, plan.tournament)).min(axis=2)
    mothers, fathers = drawn[0], drawn[1]
    cuts = np.cumsum(plan.rates)
    drawn_at = plan.generator(OPERATORS, generation, island).random(n)
    operators = (np.searchsorted(cuts, drawn_at, side="right") + 1) % len(Operator)
    flock = vary(
        members.flock, mothers, fathers, operators, plan.generator(VARYING, generation, island), words, plan.limits,
        mutation=plan.genes, switching=plan.switching,
    )  # fmt: skip
    made: Keys = keys(flock)
    crossed = operators == Operator.CROSSOVER
    changed = (made.trees != keys(members.flock).trees[mothers]).any(axis=1)
    ancestry = Ancestry(
        mothers, np.where(crossed, fathers, -1), np.where(changed, operators, Operator.NONE).astype(np.int8)
    )
    lineage = np.where(
        crossed, np.minimum(members.lineage[mothers], members.lineage[fathers]), members.lineage[mothers]
    )
    return flock, ancestry, lineage, made.whole


def _with_surplus(n: int) -> int:
    return int(n * _SURPLUS) + _FEW if n > 0 else 0


def _depths(plan: Plan) -> tuple[int, int]:
    return 2, min(plan.limits.grown + 1, plan.limits.depth, MOST_GROWN_DEPTH)


def _parts(ancestry: Ancestry) -> tuple[I64, I64, I8]:
    return ancestry.mother, ancestry.father, ancestry.operator


def _without_parents(n: int) -> Ancestry:
    return Ancestry(np.full(n, -1), np.full(n, -1), np.full(n, int(Operator.NONE), np.int8))
