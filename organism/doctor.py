"""What is wrong with this machine, and what to do about it. Looks only; changes nothing, imports nothing heavy."""

import fcntl
import os
import re
import resource
import shutil
import socket
import sqlite3
import stat
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from organism.called import called
from organism.errors import BadInput, ConfigError
from organism.lake.names import FOLDER, Kind
from organism.packages import looked_at
from organism.secret import read
from organism.settings import Settings

OLDEST_PYTHON, FIRST_UNTRIED_PYTHON = (3, 11), (3, 14)
FIRST_SOUND_SQLITE = (3, 51, 3)
LEAST_DISK, COMFORTABLE_DISK = 1 * 2**30, 10 * 2**30  # bytes: a busy journal grows by a few GB a day
LEAST_MEMORY = 700 * 2**20  # bytes free: body, page, sender
LEAST_FILES = 1_024
LEAST_CORES = 2
N_PORTS = 10
LATEST_RELEASE_S = 1_735_689_600  # 2025-01-01: a clock before this is wrong
CLOCK_SLACK_S = 60.0


class Finding(NamedTuple):
    """One thing looked at. ok: True fine, False wrong, None worth knowing. next_step is "" when there is none."""

    ok: bool | None
    what: str
    detail: str
    next_step: str = ""


def diagnose(settings: Settings, state: Path, environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at everything that has stopped an organism before, the machine first."""
    environ = os.environ if environ is None else environ
    return [
        python(),
        sqlite(),
        *packages(),
        *folder(state),
        disk(state),
        clock(state),
        cores(),
        memory(),
        files(),
        port(settings, state),
        *channels(settings, environ),
        context(settings, state),
        *beside(state),
        guardian(state),
    ]


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Which Python this is."""
    shown = ".".join(map(str, version))
    if OLDEST_PYTHON <= version < FIRST_UNTRIED_PYTHON:
        return _fine("Python", shown)
    return _wrong("Python", f"{shown}; 3.11 to 3.13 are supported", "Install one of them and remove .venv.")


def sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Finding:
    """Whether this SQLite has the bug in resetting its write-ahead log."""
    shown = ".".join(map(str, version))
    if version >= FIRST_SOUND_SQLITE:
        return _fine("SQLite", shown)
    sound = ".".join(map(str, FIRST_SOUND_SQLITE))
    return _note(
        "SQLite",
        f"{shown} has a bug in resetting its write-ahead log, fixed in {sound}; one writer a file avoids it",
        f"Use a Python that brings SQLite {sound} or later; never open state files for writing with other tools.",
    )


def packages() -> Iterator[Finding]:
    """Whether every package is installed, in which version, and the thing itself."""
    found = looked_at()
    wrong = "; ".join(package.trouble for package in found if package.trouble)
    fine = ", ".join(f"{package.distribution} {package.version}" for package in found if not package.trouble)
    if wrong:
        yield _wrong("packages", wrong, "Remove .venv and run ./run again.")
    if fine:
        yield _fine("packages", fine)


def folder(state: Path) -> Iterator[Finding]:
    """Whether the state folder can be used, and by its owner only."""
    if not state.exists():
        parent = next(p for p in state.absolute().parents if p.exists())
        able = os.access(parent, os.W_OK | os.X_OK)
        step = "" if able else f"Make {parent} writable, or name another folder with --state."
        yield Finding(able, "state folder", f"{state} does not exist yet", step)
        return
    if not state.is_dir():
        yield _wrong("state folder", f"{state} is no folder", "Name a folder with --state.")
        return
    info = state.stat()
    able = os.access(state, os.R_OK | os.W_OK | os.X_OK)
    step = "" if able else f"Run: chmod u+rwx {state}, or name another folder with --state."
    yield Finding(able, "state folder", f"{state} is {'' if able else 'not '}writable", step)
    if info.st_mode & 0o077:
        mode = f"{stat.S_IMODE(info.st_mode):04o}"
        yield _note("state folder", f"others may look into it (mode {mode})", f"Run: chmod 700 {state}")


def disk(state: Path, free: int | None = None) -> Finding:
    """How much room the journal has left."""
    if free is None:
        free = shutil.disk_usage(
            next(p for p in (state.absolute(), *state.absolute().parents) if p.exists())
        ).free
    detail = f"{free / 2**30:.1f} GB free"
    step = "Free some space, or lower [journal] keep_segments."
    if free < LEAST_DISK:
        return _wrong("disk", f"{detail}; at least {LEAST_DISK / 2**30:.0f} GB are needed", step)
    return _fine("disk", detail) if free >= COMFORTABLE_DISK else _note("disk", detail, step)


def clock(state: Path, now_s: float | None = None) -> Finding:
    """Whether the wall clock can be right: not long ago, and not before what this folder has already seen."""
    now_s = time.time() if now_s is None else now_s
    step = "Set the clock, and keep it with NTP."
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    if now_s < LATEST_RELEASE_S:
        return _wrong("clock", f"{shown} has passed long ago", step)
    seen = max((_modified(path) for path in state.glob("*")), default=0.0) if state.is_dir() else 0.0
    if seen > now_s + CLOCK_SLACK_S:
        return _wrong("clock", f"{shown} is {seen - now_s:.0f} s before the newest file of {state}", step)
    return _fine("clock", shown)


def cores() -> Finding:
    """How many cores this process may use."""
    n = len(os.sched_getaffinity(0))
    if n >= LEAST_CORES:
        return _fine("cores", f"{n}")
    return _note(
        "cores", f"{n}; the body, the page and later the breeders share it", "Two or more are better."
    )


def memory(available: int | None = None) -> Finding:
    """How much memory is available."""
    if available is None:
        available = _available_memory()
    detail = f"{available / 2**20:,.0f} MB available"
    if available >= LEAST_MEMORY:
        return _fine("memory", detail)
    return _note("memory", f"{detail}; {LEAST_MEMORY / 2**20:.0f} MB are comfortable", "Close something.")


def files(limit: int | None = None) -> Finding:
    """How many files a process may hold open."""
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= LEAST_FILES:
        return _fine("open files", "unlimited" if limit == resource.RLIM_INFINITY else f"{limit}")
    return _note("open files", f"at most {limit}", f"Run: ulimit -n {LEAST_FILES}")


def port(settings: Settings, state: Path) -> Finding:
    """Whether the dashboard will find a port."""
    page = settings.dashboard
    if not page.enabled:
        return _note("dashboard", "disabled in the settings")
    last = min(page.port + N_PORTS - 1, 65_535)
    free = [number for number in range(page.port, last + 1) if _is_free(page.host, number)]
    if not free:
        step = "Set [dashboard] port to another one, or stop what listens there."
        return _wrong("dashboard", f"no port from {page.port} to {last} is free", step)
    if free[0] == page.port:
        return _fine("dashboard", f"port {page.port} is free")
    ours = "this organism may be using it" if _is_held(state / "lock") else "something else uses it"
    return _note("dashboard", f"port {page.port} is taken ({ours}); {free[0]} would be used")


def channels(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether alerts can reach a person."""
    every = settings.voice.channels
    if not every:
        step = 'Add one: [voice] channels = [{ url = "env:MY_CHANNEL", tags = ["critical"] }]'
        yield _note("alerts", "no channels: alerts show in the dashboard and log only", step)
        return
    for number, channel in enumerate(every, start=1):
        what = f"[voice] channel {number}"
        try:
            read(channel.url, environ, what=what, plain=True)
        except ConfigError as error:
            yield _wrong("alerts", str(error), "Then: organism alerts test --channel all")
        else:
            wants = ", ".join(channel.tags) or "everything"
            yield _fine("alerts", f"{channel.name or what} has an address and takes: {wants}")
    if all(channel.tags and not {"critical", "all"} & set(channel.tags) for channel in every):
        step = 'Add the tag "critical" to one that wakes you.'
        yield _wrong("alerts", "no channel takes critical alerts", step)


def context(settings: Settings, state: Path, now_s: float | None = None) -> Finding:
    """What is asked for beside prices, of whom, and how it went."""
    asked = settings.context
    if not asked.fear_greed and not asked.funding:
        return _note("context", "no service is asked for anything beside prices: [context] is off")
    # Who does not ask for anything needs none of the lake's packages here.
    from organism.lake.polling.schedule import Standing, condition  # noqa: PLC0415 - as said
    from organism.lake.polling.told import heard, wanted  # noqa: PLC0415 - as said

    try:
        told = heard(state)
    except BadInput as error:
        return _wrong("context", str(error), "Delete it, or look who else writes into the state folder.")
    now_us = int((time.time() if now_s is None else now_s) * 1e6)
    found = {name: told.feeds.get(name, Standing()) if told else Standing() for name in wanted(settings)}
    states = {name: condition(one, now_us) for name, one in found.items()}
    counted = ", ".join(f"{n} {state}" for state, n in sorted(Counter(states.values()).items()))
    for name, one in found.items():
        if states[name] in {"failing", "stale"}:
            why = f"{called(name)}: {one.error or 'the next value is overdue'}"
            return _note("context", f"{counted}; {why}", f"Look into {state / 'log' / 'poller.jsonl'}.")
    return _fine("context", counted)


def beside(state: Path) -> Iterator[Finding]:
    """What lies beside the journal, how large it is, and what of it a backup takes along."""
    lake, evolution = state / FOLDER, state / "evolution"
    if evolution.is_dir():
        yield _fine(
            "evolution", f"{_megabytes(evolution)} of rounds and runs under way, which a backup takes along"
        )
    if not lake.is_dir():
        return
    large = sum(map(_bytes, (lake / kind for kind in Kind if kind.is_large)))
    left = (
        f", of which a backup leaves out {large / 2**20:,.1f} MB unless it is told --with-lake"
        if large
        else ""
    )
    try:
        from organism.lake.store import Lake  # noqa: PLC0415 - numpy, where there is no lake for nothing

        Lake(lake, now_us=lambda: 0)
    except ImportError:
        return  # that is a finding of its own
    except BadInput as error:
        yield _wrong(
            "lake", str(error), "Put the lake away, and name another with --lake until it can be read."
        )
    else:
        yield _fine("lake", f"{_megabytes(lake)}{left}")


def guardian(state: Path) -> Finding:
    """Whether an organism lives in this folder."""
    if _is_held(state / "lock"):
        return _fine("guardian", f"an organism is running on {state}")
    return _note("guardian", f"nothing is running on {state}", "Start it with: organism start")


def _fine(what: str, detail: str) -> Finding:
    return Finding(ok=True, what=what, detail=detail)


def _wrong(what: str, detail: str, next_step: str) -> Finding:
    return Finding(ok=False, what=what, detail=detail, next_step=next_step)


def _note(what: str, detail: str, next_step: str = "") -> Finding:
    return Finding(ok=None, what=what, detail=detail, next_step=next_step)


def _megabytes(folder: Path) -> str:
    return f"{_bytes(folder) / 2**20:,.1f} MB"


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # what was replaced meanwhile
            total += path.lstat().st_size if path.is_file() else 0
    return total


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _available_memory() -> int:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        text = ""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _is_free(host: str, number: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the page's server does
        try:
            probe.bind((host, number))
        except OSError:
            return False
    return True


def _is_held(lock: Path) -> bool:
    """Whether another process holds the lock. Taking it for an instant is the only way to know."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
