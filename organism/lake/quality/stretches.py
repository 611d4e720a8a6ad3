"""Runs of true in an array of truths: where they begin, where they end."""

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Truths = NDArray[np.bool_]


def runs(flags: Truths) -> tuple[I64, I64]:
    """First index of each run of true, and the index after its last; int64 (R,) each.

    >>> [part.tolist() for part in runs(np.array([False, True, True, False, True]))]
    [[1, 4], [3, 5]]
    """
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return edges[0::2].astype(np.int64), edges[1::2].astype(np.int64)


def beyond(flags: Truths, least: int) -> Truths:
    """True at the `least`-th and each later place of a run: one place less in a run is one less here.

    >>> beyond(np.array([True, True, True, False, True]), 2).tolist()
    [False, True, True, False, False]
    """
    out = flags.copy()
    starts, ends = runs(flags)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        out[start : min(start + least - 1, end)] = False
    return out
