"""How many different things were tried: trials whose daily returns move together are one.

Leader clustering (J. A. Hartigan, Clustering Algorithms, 1975, ch. 3): a trial belongs to a leader with which its daily
returns correlate above `ALIKE` on their common days; one that has none leads from then on. It is done as trials come in,
and takes one product of matrices for a batch.

That product is of sketches: each vector, centred and scaled to length 1, is projected on `_WIDTH` random directions and
scaled to length 1 again. The cosine of two sketches is that of the vectors with a deviation of (1 − ρ²) / √_WIDTH, 0.014 at
ρ = 0.95; who comes within four of these is compared in full. So nothing is joined wrongly; of those just above the limit, a
few in a hundred thousand lead a cluster of their own, which makes the number of clusters too large, never too small.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genome.market import F64, I64

F32 = NDArray[np.float32]
ALIKE = 0.95
FLAT = 0
"""The cluster of all whose returns never vary, or are no numbers: they are one trial at most."""
LEAST_COMMON = 60
"""Days: vectors of other days are compared on at least as many common ones."""
_WIDTH = 48
_CANDIDATE = ALIKE - 4.0 * (1.0 - ALIKE**2) / _WIDTH**0.5
_ROUNDS = 3
_SEED = 20_140_501


@dataclass(frozen=True, slots=True, eq=False)
class Leaders:
    """Leaders on the same days.

    ids       int64 (L,), all > 0
    returns   float32 (L, D)
    days      int64 (D,): days since the epoch, rising
    """

    ids: I64
    returns: F32
    days: I64


class Known:
    """Leaders, ready to be compared with returns on the given days; the newest may be added."""

    def __init__(self, days: I64) -> None:
        self._days = days
        self._groups: list[_Group] = []

    def __len__(self) -> int:
        return sum(group.size for group in self._groups)

    def add(self, leaders: Leaders) -> None:
        """Remember some more, on whatever days; there may be none, where no room was left for them."""
        if not len(leaders.ids):
            return
        for group in self._groups:
            if np.array_equal(group.days, leaders.days):
                group.add(leaders.ids, leaders.returns)
                return
        if np.array_equal(self._days, leaders.days):
            group = _Group(leaders.days, None, None)
        else:
            common, mine, theirs = np.intersect1d(self._days, leaders.days, return_indices=True)
            if common.size < LEAST_COMMON:
                return
            group = _Group(leaders.days, mine, theirs)
        group.add(leaders.ids, leaders.returns)
        self._groups.append(group)

    def nearest(self, returns: F32, unit: F32) -> I64:
        """The leader of each row, int64 (n,); −1 where none is alike. Both float32 (n, D), on the days given: see `units`."""
        found = np.full(len(returns), -1, np.int64)
        for group in self._groups:
            waiting = np.flatnonzero(found < 0)
            if not waiting.size:
                break
            part = slice(None) if waiting.size == len(returns) else waiting
            mine = unit[part] if group.mine is None else units(returns[part][:, group.mine])[0]
            found[waiting] = group.nearest(mine)
        return found


class _Group:
    """Leaders of the same days, on the days that they have in common with the batch. Room for twice as many is made."""

    def __init__(self, days: I64, mine: I64 | None, theirs: I64 | None) -> None:
        self.days, self.mine, self._theirs, self.size = days, mine, theirs, 0
        width = days.size if theirs is None else theirs.size
        self._ids: I64 = np.zeros(0, np.int64)
        self._unit: F32 = np.zeros((0, width), np.float32)
        self._sketch: F32 = np.zeros((0, _WIDTH), np.float32)

    def add(self, ids: I64, returns: F32) -> None:
        unit, _ = units(returns if self._theirs is None else returns[:, self._theirs])
        need = self.size + len(ids)
        if need > len(self._ids):
            room = 2 * need - self.size
            self._ids = np.concatenate([self._ids[: self.size], np.zeros(room, np.int64)])
            self._unit = _widened(self._unit[: self.size], room)
            self._sketch = _widened(self._sketch[: self.size], room)
        new = slice(self.size, need)
        self._ids[new], self._unit[new], self._sketch[new] = ids, unit, sketches(unit)
        self.size = need

    def nearest(self, unit: F32) -> I64:
        found = np.full(len(unit), -1, np.int64)
        near = sketches(unit) @ self._sketch[: self.size].T
        waiting = np.arange(len(unit))
        for _ in range(_ROUNDS):
            best = near.argmax(axis=1)
            hopeful = near[np.arange(len(waiting)), best] > _CANDIDATE
            near, waiting, best = near[hopeful], waiting[hopeful], best[hopeful]
            if not waiting.size:
                break
            alike = np.einsum("ij,ij->i", unit[waiting], self._unit[best]) > ALIKE
            found[waiting[alike]] = self._ids[best[alike]]
            near[np.arange(len(waiting)), best] = -1.0
            near, waiting = near[~alike], waiting[~alike]
        return found


def _widened(values: F32, room: int) -> F32:
    return np.concatenate([values, np.zeros((room, values.shape[1]), np.float32)])


def units(returns: F32 | F64) -> tuple[F32, NDArray[np.bool_]]:
    """Rows centred and scaled to length 1, float32 (n, D), and which are flat: those rows are zero.

    A row that does not vary beyond rounding is flat, and so is one with a value that is no finite number.
    """
    values = np.asarray(returns, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.abs(values).max(axis=1, initial=0.0)
        unit = values - values.mean(axis=1, keepdims=True)
        length = np.sqrt(np.einsum("ij,ij->i", unit, unit))
        flat = ~(length > 1e-6 * largest * values.shape[1] ** 0.5) | ~np.isfinite(length)
        unit /= np.where(flat, 1.0, length)[:, None]
    unit[flat] = 0.0
    return unit, flat


def sketches(unit: F32) -> F32:
    """Float32 (n, _WIDTH), rows of length 1 (0 for a flat one)."""
    found: F32 = unit @ _directions(unit.shape[1])
    length = np.sqrt(np.einsum("ij,ij->i", found, found))
    found /= np.where(length > 0.0, length, 1.0)[:, None]
    return found


@lru_cache(maxsize=16)
def _directions(n: int) -> F32:
    return np.random.default_rng(_SEED).standard_normal((n, _WIDTH), np.float32)


def among(unit: F32) -> I64:
    """The leader of each row among the rows before it, int64 (n,): its own index where it leads.

    unit   float32 (n, D), rows of length 1: none is flat
    """
    leader = np.arange(len(unit))
    if len(unit) < 2:  # noqa: PLR2004 - nobody to compare with
        return leader
    sketch = sketches(unit)
    near = (sketch @ sketch.T) > _CANDIDATE
    led = np.zeros(len(unit), np.bool_)
    for row in np.flatnonzero(np.count_nonzero(near, axis=1) > 1):  # each is near itself
        if led[row]:
            continue
        followers = row + 1 + np.flatnonzero(near[row, row + 1 :] & ~led[row + 1 :])
        alike = followers[unit[followers] @ unit[row] > ALIKE]
        leader[alike], led[alike] = row, True
    return leader
