"""Who behaves like whom: correlations of daily returns of thousands of genomes, exact and cheap.

A behaviour is what is left of daily returns without their mean and their size: whole numbers of 16 bits, scaled so that
their squares sum to about 4,000². A correlation is then a sum of products of whole numbers, which is the same on every
machine, in whatever order it is added up, and vectorises as it stands; the last bits of a library of linear algebra
depend on its threads, and its threads wait for each other. Rounding moves a correlation by about 10⁻⁴.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genome.jit import inlined, kernel
from genome.market import F64, I64

# The cache of these kernels need not go stale with this folder: they call nothing of other files.

I16 = NDArray[np.int16]
_EXACT = 4_095.0
"""Fits in 16 bits, and its square, which bounds every sum of products, in 32."""
_BLOCK = 64
"""Rows at a time: what is made of them on the way stays in the second-level cache."""


def behaviours(returns: F64) -> I16:
    """Behaviours, int16 (n, D), of daily returns (n, D); all zeros where returns do not vary, or are no numbers."""
    n, days = returns.shape
    out = np.zeros((n, days), np.int16)
    size = np.sqrt(_size_of(days))
    for begin in range(0, n, _BLOCK):
        part = np.ascontiguousarray(returns[begin : begin + _BLOCK], np.float64)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            part = part - part.mean(axis=1, keepdims=True)
            largest = np.abs(part).max(axis=1, keepdims=True, initial=0.0)
            part = part / largest
            whole = part / np.sqrt((part * part).sum(axis=1, keepdims=True)) * size
        varies = np.isfinite(whole).all(axis=1) & (largest[:, 0] > _STILL)
        out[begin : begin + _BLOCK][varies] = np.rint(whole[varies])
    return out


_STILL = 1e-12
"""A day's return that is nothing but rounding."""


def _size_of(days: int) -> float:
    """Sum of squares of a behaviour before rounding, which adds at most half a unit to each of D coordinates."""
    return max(_EXACT - 0.5 * math.sqrt(days), 1.0) ** 2


@inlined
def _product(a: I16, b: I16) -> int:
    """Σ a·b. Whole numbers, so vectorised as they stand, and the same in any order."""
    total = np.int32(0)
    for i in range(a.size):
        total = np.int32(total + np.int32(np.int32(a[i]) * np.int32(b[i])))
    return int(total)


def _varies(shapes: I16) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.asarray(shapes.any(axis=1), np.bool_)
    return found


@kernel
def _products(ours: I16, theirs: I16, out: F64, size: float) -> None:
    for i in range(ours.shape[0]):
        for j in range(theirs.shape[0]):
            out[i, j] = _product(ours[i], theirs[j]) / size


def correlations(ours: I16, theirs: I16) -> F64:
    """float64 (n, m); 0 where one of the two does not vary."""
    out = np.empty((len(ours), len(theirs)))
    _products(ours, theirs, out, _size_of(ours.shape[1]))
    return out


@kernel
def _apart(shapes: I16, flat: NDArray[np.bool_], against: I16, still: int, most: float, kept: I64) -> int:
    """Receives indices; returns how many. still: 1 where somebody who never varies is among those against."""
    n = 0
    for i in range(shapes.shape[0]):
        if n == kept.size:
            break
        alike = flat[i] and still > 0
        j = 0
        while not alike and j < n:
            alike = _product(shapes[i], shapes[kept[j]]) > most
            j += 1
        j = 0
        while not alike and j < against.shape[0]:
            alike = _product(shapes[i], against[j]) > most
            j += 1
        if not alike:
            still = max(still, int(flat[i]))
            kept[n] = i
            n += 1
    return n


def apart(shapes: I16, limit: float, wanted: int, against: I16 | None = None) -> I64:
    """Indices of the first `wanted`, in order, who behave unlike everybody kept before them.

    shapes   int16 (n, D), the best first; of all who never vary the first is kept
    limit    two correlated more than this behave alike
    against  int16 (m, D): nobody kept may behave like these either

    O(n · (wanted + m) · D) time, 25 ns a pair of 834 days; no memory beside what it returns.
    """
    others = shapes[:0] if against is None else against
    kept = np.empty(min(wanted, len(shapes)), np.int64)
    still, flat = int(not _varies(others).all()), ~_varies(shapes)
    n = _apart(shapes, flat, others, still, limit * _size_of(shapes.shape[1]), kept)
    return kept[:n]


@kernel
def _nearest(shapes: I16, others: I16, k: int, sums: I64) -> None:
    """Receives sums of the k largest products of each with others."""
    largest = np.empty(k, np.int64)
    for i in range(shapes.shape[0]):
        n = 0
        for j in range(others.shape[0]):
            x = _product(shapes[i], others[j])
            if n == k and x <= largest[k - 1]:
                continue
            at = min(n, k - 1)
            n = min(n + 1, k)
            while at > 0 and largest[at - 1] < x:
                largest[at] = largest[at - 1]
                at -= 1
            largest[at] = x
        sums[i] = largest[:n].sum()


def novelties(shapes: I16, others: I16, nearest: int = 15) -> F64:
    """How unlike others each behaves, float64 (n,) in [0, 2]: mean of 1 − correlation with the nearest of them.

    Source: J. Lehman and K. Stanley (2011), "Abandoning Objectives: Evolution Through the Search for Novelty Alone",
    Evolutionary Computation 19(2). Who never varies is not novel; without others everybody else is equally.
    """
    found = np.ones(len(shapes))
    k = min(nearest, len(others))
    if k:
        sums = np.empty(len(shapes), np.int64)
        _nearest(shapes, others, k, sums)
        found = 1.0 - sums / (k * _size_of(shapes.shape[1]))
    found[~_varies(shapes)] = 0.0
    return found


def spread(shapes: I16) -> float:
    """Mean of 1 − correlation over all pairs of those who vary; NaN for fewer than two. O(n · D)."""
    n = int(_varies(shapes).sum())
    if n < 2:  # noqa: PLR2004
        return float("nan")
    return 1.0 - _pairs(shapes) / (n * (n - 1) * float(_size_of(shapes.shape[1])))


@kernel
def _pairs(shapes: I16) -> int:
    """Sum of all products of two that are not the same: of the square of their sum, less their own squares."""
    total, own = np.zeros(shapes.shape[1], np.int64), np.int64(0)
    for i in range(shapes.shape[0]):
        own += _product(shapes[i], shapes[i])
        for d in range(total.size):
            total[d] += shapes[i, d]
    return int((total * total).sum() - own)
