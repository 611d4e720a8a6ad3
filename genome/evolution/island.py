"""Who stays on an island: NSGA-II, held apart by behaviour, with room for the novel, and without immortals.

Sources: K. Deb et al. (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II", for ranks and crowding of
parents and children together; S. Luke and L. Panait (2002), "Lexicographic Parsimony Pressure", GECCO, for the smaller of
two that are equal in steps of their objectives; E. Real, A. Aggarwal, Y. Huang and Q. Le (2019), "Regularized Evolution
for Image Classifier Architecture Search", AAAI 33, for members that die of age however well they did, which here spares
an elite; G. Hornby (2006), "ALPS: the age-layered population structure", GECCO, for the age of a lineage, by which the
younger of two that are equal in objectives and size goes first; J. Lehman and K. Stanley (2011) for novelty.
"""

from dataclasses import dataclass

import numpy as np

from genome.breeding.selection import standing
from genome.evolution.distinct import I16, apart, novelties
from genome.evolution.keys import fresh
from genome.evolution.members import Members, gathered
from genome.evolution.plan import Plan
from genome.market import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The outcome of one generation on one island.

    members    who stays, the best first
    origins    int64 (n,): who each of them was: place among the newborn, or −1 − place among the members before
    novel      behaviours of those who stay for their novelty alone
    aged       how many died of age
    alike      how many of those looked at went because they behave like a better one
    """

    members: Members
    origins: I64
    novel: I16
    aged: int
    alike: int


def survivors(
    members: Members, newborn: Members, plan: Plan, generation: int, island: int, archive: I16
) -> Selection:
    """Choose who stays of an island's members, who stand in order, and its newborn.

    archive  int16 (a, D): behaviours that are no longer novel
    """
    size = plan.sizes[island]
    place = np.arange(len(members))
    dies = (generation - members.born > plan.oldest) & (place >= plan.elites)
    pool = gathered([members.take(np.flatnonzero(~dies)), newborn])
    origins = np.concatenate([-1 - place[~dies], np.arange(len(newborn))])
    first = np.lexsort((-pool.lineage, pool.sizes))  # where two are equal, the earlier in the list goes first
    worth = pool.worth.take(first)
    order = standing(stepped(worth.values, worth.violations, plan.parsimony), worth.violations).order
    ranked, ordered = worth.take(order), first[order]
    n_novel = min(round(plan.novelty * size), size - 1)
    best = apart(ranked.shapes, plan.correlation, size - n_novel)
    seen = int(best[-1]) + 1 if len(best) >= size - n_novel and len(best) else len(ordered)
    chosen = ranked.shapes[best]
    novel = _novel(ranked.shapes, ranked.violations, best, n_novel, plan, archive)
    kept = np.sort(np.concatenate([best, novel]))
    return Selection(
        pool.take(ordered[kept]),
        origins[ordered[kept]],
        ranked.shapes[novel],
        int(dies.sum()),
        seen - len(chosen),
    )


def _novel(shapes: I16, violations: F64, best: I64, wanted: int, plan: Plan, archive: I16) -> I64:
    """Places of those whose behaviour is farthest from the chosen and from the archive; they hold all constraints."""
    left = violations == 0.0
    left[best] = False
    rest = np.flatnonzero(left)
    if wanted == 0 or not len(rest):
        return rest[:0]
    others = np.concatenate([shapes[best], archive])
    far = novelties(shapes[rest], others)
    rest = rest[np.argsort(-far, kind="stable")]
    return rest[apart(shapes[rest], plan.correlation, wanted, shapes[best])]


def stepped(values: F64, violations: F64, parsimony: float) -> F64:
    """Objectives in steps of a share of their interquartile range among those who hold all constraints.

    Within a step two are equal, and are told apart by size. Unchanged where parsimony is 0 or fewer than four hold them.
    """
    sound = values[(violations == 0.0) & np.isfinite(values).all(axis=1)]
    if parsimony == 0.0 or len(sound) < _FEWEST_TO_MEASURE:
        return values
    low, high = np.percentile(sound, (25, 75), axis=0)
    steps = parsimony * (high - low)
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.rint(values / np.where(steps > 0.0, steps, 1.0)) * steps
    return np.where(steps > 0.0, rounded, values)


_FEWEST_TO_MEASURE = 4


def migrated(islands: tuple[Members, ...], plan: Plan) -> tuple[tuple[Members, ...], int]:
    """Copies of the best of each island go to the next one in a ring, in the places of its last; how many arrived.

    Source: E. Cantú-Paz (1998), "A Survey of Parallel Genetic Algorithms", Calculateurs Parallèles 10(2): ring, copies.
    Whoever is there already, by content, does not arrive. All leave before anybody arrives.
    """
    arrived, after = 0, []
    for i, here in enumerate(islands):
        guests = islands[i - 1].take(np.arange(min(plan.migrants, len(islands[i - 1]))))
        guests = guests.take(fresh(guests.keys, here.keys))
        room = max(plan.sizes[i] - len(guests), 0)
        arrived += len(guests)
        after.append(_in_order(gathered([here.take(np.arange(min(room, len(here)))), guests]), plan))
    return tuple(after), arrived


def _in_order(members: Members, plan: Plan) -> Members:
    worth = members.worth
    found = standing(stepped(worth.values, worth.violations, plan.parsimony), worth.violations)
    return members.take(found.order)
