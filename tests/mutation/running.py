"""Mutants, each in a forked process of its own that imports the module it mutates for the first time."""

import importlib
import importlib.machinery
import importlib.util
import math
import os
import resource
import select
import signal
import sys
import time
from dataclasses import dataclass

import pytest

from tests.mutation.mutants import Mutant, mutated

MEMORY = 4 << 30  # a mutant that hoards must not take the machine with it
IDLE_S = 600.0  # by the clock: only for what neither ends nor works
SURVIVED, KILLED, TIMEOUT, UNCOVERED = "survived", "killed", "timeout", "uncovered"

_VERDICTS = {
    0: SURVIVED,
    1: KILLED,
    2: KILLED,
    -signal.SIGXCPU: TIMEOUT,
    -signal.SIGABRT: KILLED,
    -signal.SIGSEGV: KILLED,
}


@dataclass
class Running:
    """A mutant at work: its process, and when its patience ends."""

    mutant: Mutant
    pid: int
    ends: float


class _Broken:
    """A pytest plugin: test files that cannot even be imported. pytest then calls their tests not found."""

    def __init__(self):
        self.files = 0

    def pytest_collectreport(self, report):
        self.files += report.failed


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from the tree it was given."""

    tree = None

    def get_code(self, fullname):
        return compile(self.tree, self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds the mutated module first; everything else is found as ever."""

    def __init__(self, name, path, tree):
        self.name = name
        self.loader = _Loader(name, path)
        self.loader.tree = tree
        self.path = path

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self.loader)


def verdicts(work, sources, n_processes):
    """Yield (mutant, verdict) as they come.

    work     triples of mutant, arguments for pytest, seconds of processor time allowed: a busy machine
             must not make a mutant look like one that never ends
    sources  text by module, read once: somebody may be editing meanwhile
    """
    waiting, running = list(reversed(work)), {}
    while waiting or running:
        while waiting and len(running) < n_processes:
            mutant, arguments, patience_s = waiting.pop()
            if arguments is None:
                yield mutant, UNCOVERED
                continue
            pid = _begun(mutant, sources[mutant.module], arguments, patience_s)
            running[os.pidfd_open(pid)] = Running(mutant, pid, time.monotonic() + IDLE_S)
        if running:
            yield from _ended(running)


def _ended(running):
    """Wait for the next end, at most until somebody's patience is over."""
    first = min(one.ends for one in running.values())
    ready, _, _ = select.select([*running], [], [], max(0.0, first - time.monotonic()))
    for handle in ready:
        one = running.pop(handle)
        _, status = os.waitpid(one.pid, 0)
        os.close(handle)
        code = os.waitstatus_to_exitcode(status)
        if code not in _VERDICTS:  # pytest found no tests, or could not begin: that is no verdict
            raise SystemExit(f"mutation: {one.mutant.key} ended with {code}; were tests renamed meanwhile?")
        yield one.mutant, _VERDICTS[code]
    for handle, one in tuple(running.items()):
        if time.monotonic() > one.ends:
            os.kill(one.pid, signal.SIGKILL)
            os.waitpid(one.pid, 0)
            os.close(handle)
            del running[handle]
            yield one.mutant, TIMEOUT


def _begun(mutant, source, arguments, patience_s):
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        code = _judged(mutant, source, arguments, patience_s)
    finally:
        os._exit(code)


def _judged(mutant, source, arguments, patience_s):
    """In the child: 0 when every test passes although the module is wrong."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(patience_s), math.ceil(patience_s) + 5))
    tree = mutated(source, mutant.number)
    name = mutant.module.removesuffix(".py").replace("/", ".")
    assert name not in sys.modules, "the parent must not have met what it mutates"
    sys.meta_path.insert(0, _Finder(name, mutant.module, tree))
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001  (whatever it is, nobody could overlook it)
        return 1
    broken = _Broken()
    code = int(pytest.main([*arguments], plugins=[broken]))
    return 1 if broken.files else code
