"""Whether a process of this machine still lives, by its number."""

import os
from pathlib import Path


def state_of(pid: int) -> str:
    """The kernel's letter for a process: R, S, D, T (stopped), Z (dead, not yet buried); "" where none can be seen.

    proc(5): the name before it stands in brackets and may hold any character, brackets too.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat.rpartition(b")")[2].strip()[:1].decode("ascii", "replace")


def lives(pid: int) -> bool:
    """Whether a process runs, or would if it were let; True where that cannot be told.

    A zombie has ended, though its number is taken until its parent asks for its status: a body whose guardian is held
    up, or an orphan in a container whose first process asks for none, would otherwise count as running.
    """
    if pid <= 0:
        return False
    if state := state_of(pid):
        return state not in {"Z", "X"}
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it exists, as somebody else's
    return True


def may_live(pid: object) -> bool:
    """`lives`, of what somebody wrote down as a process's number; True where it is none, for nothing is known then."""
    return not isinstance(pid, int) or pid <= 0 or lives(pid)
