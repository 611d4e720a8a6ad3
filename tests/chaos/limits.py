"""Narrow circumstances for child processes: no rights, no threads, no descriptors, no memory, no disk."""

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path

PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 24, 47, 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
VERSION_3 = 0x20080522
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def without_root_rights() -> None:
    """Make file modes count for root, too. For everybody else they do anyway."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def small_files(size: int) -> Callable[[], None]:
    """No file may grow beyond `size` bytes: a disk that is full for each of them."""

    def apply() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return apply


def few_files(n: int) -> Callable[[], None]:
    """At most `n` descriptors."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def little_memory(size: int) -> Callable[[], None]:
    """At most `size` bytes of addresses: allocations fail, and so do stacks of threads."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def few_threads(n: int) -> Callable[[], None]:
    """At most `n` threads more than this user has. Root knows no such limit, so it becomes nobody, who may read all."""

    def apply() -> None:
        if os.geteuid() == 0:
            _become_nobody()
        running = n_threads(os.getuid())
        resource.setrlimit(resource.RLIMIT_NPROC, (running + n, running + n))

    return apply


def n_threads(uid: int) -> int:
    """Threads of a user, all processes together."""
    n = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                n += len(list((entry / "task").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return n


def _become_nobody() -> None:
    assert _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kept = (1 << CAP_DAC_OVERRIDE) | (1 << CAP_DAC_READ_SEARCH)
    header = struct.pack("<Ii", VERSION_3, 0)
    assert _libc.capset(header, struct.pack("<6I", kept, kept, kept, 0, 0, 0)) == 0
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0
