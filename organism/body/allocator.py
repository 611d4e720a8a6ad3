"""How the C library keeps the memory of a process with many threads: in few places, and large blocks in none of them."""

import ctypes
import os
from typing import Final

N_ARENAS: Final = 2
LARGE: Final = (
    128 * 1024
)  # bytes; blocks from this size on are mapped one by one, and go back to the system at once
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's <malloc.h>


def keep_small() -> bool:
    """Ask glibc for few arenas and steady thresholds; whether it was asked. Call it before the first thread starts.

    By default each thread gets an arena of its own, up to eight a core, and an organ that is started again may get
    another one than before: what one freed cannot serve the next, and a body in which organs come and go grows by
    2 MB in a minute with nothing to show for it. Besides, the first large block that is freed raises the size from
    which blocks are mapped one by one, for good. Python holds one lock around nearly every allocation, so that
    arenas of their own would not make its threads any faster.

    Another C library, or a person who set `MALLOC_ARENA_MAX`, is left alone.
    Source: mallopt(3), "Environment variables" and M_ARENA_MAX.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    asked = ((_M_ARENA_MAX, N_ARENAS), (_M_MMAP_THRESHOLD, LARGE), (_M_TRIM_THRESHOLD, LARGE))
    said = [mallopt(what, value) for what, value in asked]
    return said == [1] * len(asked)
