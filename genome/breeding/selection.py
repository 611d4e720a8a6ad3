"""Who survives and who breeds, when several things count at once: NSGA-II.

Source: K. Deb, A. Pratap, S. Agarwal and T. Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm:
NSGA-II", IEEE Transactions on Evolutionary Computation 6(2); constrained domination is its section VI.

Objectives are *maximised*. A violation is 0 where all constraints hold, and larger the more they are broken; whoever has
an objective that is no number breaks them beyond all measure. Only `tournament` draws random numbers, of the generator it
is given. Where two are equal in everything, the earlier in the list goes first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.jit import kernel, step
from genome.market import F64, I64
from organism.errors import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where everybody stands.

    ranks     int64 (n,): 0 on the best front
    crowding  float64 (n,): how much room an individual has to its neighbours on its front; infinite at the ends
    """

    ranks: I64
    crowding: F64

    @property
    def order(self) -> I64:
        """Everybody, the best first: by rank, and the lonelier first."""
        return np.lexsort((-self.crowding, self.ranks))

    @property
    def front(self) -> I64:
        """The individuals of the best front, in the order of the list."""
        return np.flatnonzero(self.ranks == 0)


def standing(objectives: F64, violations: F64 | None = None) -> Standing:
    """Rank by domination, then by crowding.

    objectives   float64 (n, k), maximised
    violations   float64 (n,) ≥ 0, None: nobody breaks a constraint
    """
    values, broken = _checked(objectives, violations)
    order = np.lexsort((*(-values[:, k] for k in reversed(range(values.shape[1]))), broken))
    ranks = np.zeros(len(values), np.int64)
    _rank(values, broken, order, ranks)
    return Standing(ranks, _crowding(values, ranks))


def front(objectives: F64, violations: F64 | None = None) -> I64:
    """Who is on the best front, in the order of the list: that of `standing`, without a look at the others."""
    values, broken = _checked(objectives, violations)
    order = np.lexsort((*(-values[:, k] for k in reversed(range(values.shape[1]))), broken))
    best = np.zeros(len(values), np.bool_)
    _front(values, broken, order, best)
    return np.flatnonzero(best)


def lonelier(objectives: F64) -> I64:
    """The order of individuals that are one front: who has more room first."""
    values, _ = _checked(objectives, None)
    alike = np.zeros(len(values), np.int64)
    return Standing(alike, _crowding(values, alike)).order


def _checked(objectives: F64, violations: F64 | None) -> tuple[F64, F64]:
    values = np.array(objectives, np.float64, ndmin=2)
    broken = np.zeros(len(values)) if violations is None else np.array(violations, np.float64)
    if broken.shape != (len(values),) or np.isnan(broken).any() or (broken < 0.0).any():
        raise BadInput(
            f"violations are {len(values)} numbers from 0, one an individual; give each of them one."
        )
    lost = ~np.isfinite(values).all(axis=1)
    values[lost], broken[lost] = 0.0, np.inf
    return values, broken


@step
def _dominates(values: F64, broken: F64, a: int, b: int) -> bool:
    """Whether a is better than b: breaks its constraints less, or is nowhere worse and somewhere better."""
    if broken[a] > 0.0 or broken[b] > 0.0:
        return bool(broken[a] < broken[b])
    better = False
    for k in range(values.shape[1]):
        if values[a, k] < values[b, k]:
            return False
        better = better or values[a, k] > values[b, k]
    return better


@kernel
def _rank(values: F64, broken: F64, order: I64, ranks: I64) -> None:
    """In `order` nobody is dominated by one after him, so each is held against the fronts before him only.

    Source: X. Zhang, Y. Tian, R. Cheng and Y. Jin (2015), "An Efficient Approach to Nondominated Sorting for
    Evolutionary Multiobjective Optimization", IEEE Transactions on Evolutionary Computation 19(2).
    """
    n = order.size
    newest, before = np.full(n, -1, np.int64), np.full(n, -1, np.int64)  # each front as a list, newest first
    for place in range(n):
        i = order[place]
        front = 0
        while True:
            other = newest[front]
            while other >= 0 and not _dominates(values, broken, other, i):
                other = before[other]
            if other < 0:
                break
            front += 1
        ranks[i] = front
        before[i] = newest[front]
        newest[front] = i


@kernel
def _front(values: F64, broken: F64, order: I64, best: NDArray[np.bool_]) -> None:
    """The first front of `_rank`."""
    front, n = np.empty(order.size, np.int64), 0
    for place in range(order.size):
        i, other = order[place], n - 1
        while other >= 0 and not _dominates(values, broken, front[other], i):
            other -= 1
        if other < 0:
            best[i] = True
            front[n] = i
            n += 1


def _crowding(values: F64, ranks: I64) -> F64:
    """Sum over objectives of the gap between both neighbours on the front, as a share of the front's extent."""
    n = len(values)
    crowding = np.zeros(n)
    if n == 0:
        return crowding
    for k in range(values.shape[1]):
        order = np.lexsort((values[:, k], ranks))
        sorted_values, fronts = values[order, k], ranks[order]
        first = np.concatenate([[True], np.diff(fronts) != 0])
        last = np.concatenate([first[1:], [True]])
        begins, ends = np.flatnonzero(first), np.flatnonzero(last)
        extent = np.repeat(sorted_values[ends] - sorted_values[begins], ends - begins + 1)
        gap = np.full(n, np.inf)
        inner = np.flatnonzero(~first & ~last)
        room = sorted_values[inner + 1] - sorted_values[inner - 1]
        gap[inner] = np.divide(room, extent[inner], out=np.zeros(inner.size), where=extent[inner] > 0.0)
        crowding[order] += gap
    return crowding


def tournament(found: Standing, n: int, rng: np.random.Generator) -> I64:
    """N parents: of two drawn at random, the one on the better front, or the lonelier, or the first drawn."""
    if len(found.ranks) == 0:
        raise BadInput("nobody can be chosen from an empty population; begin with founders.")
    drawn = rng.integers(0, len(found.ranks), size=(n, 2))
    one, other = drawn[:, 0], drawn[:, 1]
    ranks, room = found.ranks, found.crowding
    loses = (ranks[other] < ranks[one]) | ((ranks[other] == ranks[one]) & (room[other] > room[one]))
    return np.where(loses, other, one)


def hypervolume(points: F64, reference: F64) -> float:
    """Volume of what some point dominates and that dominates the reference; exact, 1 to 4 objectives.

    Source: E. Zitzler and L. Thiele (1999), "Multiobjective evolutionary algorithms: a comparative case study and the
    strength Pareto approach", IEEE Transactions on Evolutionary Computation 3(4); computed slice by slice.

    points     float64 (n, k), maximised; what does not exceed the reference everywhere counts for nothing
    reference  float64 (k,)
    """
    heights = np.array(points, np.float64, ndmin=2) - np.asarray(reference, np.float64)
    if not 1 <= heights.shape[1] <= _MOST_OBJECTIVES:
        raise BadInput(f"a hypervolume has 1 to {_MOST_OBJECTIVES} objectives here; was {heights.shape[1]}.")
    heights = heights[(heights > 0.0).all(axis=1) & np.isfinite(heights).all(axis=1)]
    if not len(heights):
        return 0.0
    missing = _MOST_OBJECTIVES - heights.shape[1]
    whole = np.concatenate([heights, np.ones((len(heights), missing))], axis=1)
    return float(_volume(np.ascontiguousarray(whole[np.lexsort((whole[:, 2], whole[:, 3]))[::-1]])))


_MOST_OBJECTIVES = 4


@step
def _area(rows: F64, chosen: I64, n: int) -> float:
    """Area under the first two coordinates of n chosen rows, which are sorted by the first, the largest first."""
    area, height = 0.0, 0.0
    for i in range(n):
        row = rows[chosen[i]]
        if row[1] > height:
            area += row[0] * (row[1] - height)
            height = row[1]
    return area


@kernel
def _volume(rows: F64) -> float:
    """Boxes (n, 4) > 0, sorted by the last coordinate, the largest first. O(n³)."""
    n = rows.shape[0]
    volume = 0.0
    by_third, by_first = np.empty(n, np.int64), np.empty(n, np.int64)
    for upto in range(1, n + 1):
        below = rows[upto, 3] if upto < n else 0.0
        # Insert the new one among those that reach this high, by the third coordinate.
        place = upto - 1
        while place > 0 and rows[by_third[place - 1], 2] < rows[upto - 1, 2]:
            by_third[place] = by_third[place - 1]
            place -= 1
        by_third[place] = upto - 1
        if rows[upto - 1, 3] == below:
            continue
        solid = 0.0
        for k in range(upto):
            place = k
            while place > 0 and rows[by_first[place - 1], 0] < rows[by_third[k], 0]:
                by_first[place] = by_first[place - 1]
                place -= 1
            by_first[place] = by_third[k]
            lower = rows[by_third[k + 1], 2] if k + 1 < upto else 0.0
            if rows[by_third[k], 2] > lower:
                solid += _area(rows, by_first, k + 1) * (rows[by_third[k], 2] - lower)
        volume += solid * (rows[upto - 1, 3] - below)
    return volume
