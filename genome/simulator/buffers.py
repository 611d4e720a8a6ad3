"""Memory for columns that is used again: fresh memory has to be zeroed by the kernel of the system, page after page."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np

from genome.market import F64

_MOST_FLOATS = 4 << 20
_free: list[F64] = []
_lock = Lock()


@contextmanager
def matrices(count: int, rows: int, columns: int) -> Iterator[list[F64]]:
    """Lend float64 matrices (rows, columns), full of whatever was there. 32 MiB at most are kept for the next time."""
    floats = rows * columns
    lent = [_taken(floats) for _ in range(count)]
    try:
        yield [buffer[:floats].reshape(rows, columns) for buffer in lent]
    finally:
        with _lock:
            for buffer in lent:
                if buffer.size + sum(kept.size for kept in _free) <= _MOST_FLOATS:
                    _free.append(buffer)


def _taken(floats: int) -> F64:
    with _lock:
        fitting = [i for i, buffer in enumerate(_free) if buffer.size >= floats]
        if fitting:
            return _free.pop(min(fitting, key=lambda i: _free[i].size))
        if _free:
            _free.pop(0)  # what was kept is too small for the work that is done now
    return np.empty(floats)
