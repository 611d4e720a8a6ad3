"""Folded models as loops. One row and many rows go through the same additions in the same order: the same bits."""

import numpy as np
from numba import njit

from genome.market import F64, I64


@njit(cache=True, nogil=True, error_model="numpy")
def scores(weights: F64, offsets: F64, rows: F64) -> F64:
    """Linear forms of rows: out[i, j] = offsets[j] + Σ weights[j, f] · rows[i, f].

    weights (c, m), offsets (c,), rows (n, m), out (n, c); dimensionless. Where a row has NaN or infinity its scores are
    NaN, whatever the weights: a weight of 0 must not hide a broken feature. Row by row: no look-ahead.
    """
    n, m = rows.shape
    c = offsets.size
    out = np.empty((n, c), dtype=np.float64)
    for i in range(n):
        finite = True
        for f in range(m):
            finite = finite and np.isfinite(rows[i, f])
        for j in range(c):
            total = offsets[j]
            for f in range(m):
                total += weights[j, f] * rows[i, f]
            out[i, j] = total if finite else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def leaves(feature: I64, threshold: F64, left: I64, right: I64, value: F64, rows: F64) -> F64:
    """Value of the leaf each row falls into. Arrays (nodes,), rows (n, k), out (n,); `left` is −1 at a leaf.

    scikit-learn compares features as float32 with thresholds as float64; so does this.
    """
    n = rows.shape[0]
    out = np.empty(n, dtype=np.float64)
    for i in range(n):
        node = 0
        while left[node] >= 0:
            at = np.float64(np.float32(rows[i, feature[node]]))
            node = left[node] if at <= threshold[node] else right[node]
        out[i] = value[node]
    return out
