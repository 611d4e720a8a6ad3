"""Whether a process of this machine still lives, by its number."""

import os
from pathlib import Path

_ENDED = frozenset("ZX")  # proc(5): zombie, dead


def is_alive(pid: int) -> bool:
    """Whether process `pid` (> 0) exists and may still act; True where that cannot be told.

    A zombie has ended, though its number is taken until its parent asks for its status: a body whose guardian is held
    up, or an orphan in a container whose first process asks for none, would otherwise count as running.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it exists, as somebody else's
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    # the name before the state stands in brackets and may hold any character, brackets too
    return stat.rpartition(b")")[2].strip()[:1].decode("ascii", "replace") not in _ENDED
