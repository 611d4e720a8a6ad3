"""A soak: an organism in a hurry, a fault every few seconds, and a straight line through all that must not grow."""

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from organism.body.drills import order
from organism.chaos.campaign import Tell
from organism.chaos.habitat import Habitat, NotBack, habitat, until
from organism.chaos.kills import SENDER
from organism.chaos.outcome import Losses
from organism.chaos.trend import LEAST, Line, fit
from organism.chaos.verdict import judged
from organism.errors import BadInput
from organism.status import status

SPEED = 300.0  # market seconds per second by default; a soak multiplies it
FAULT_EVERY_S = 5.0
SAMPLE_EVERY_S = 1.0
TEN_MINUTES_S = 600.0
SETTLED_S = 600.0
"""A process warms up before its memory means anything: what it remembers of the past is bounded, and fills up first. A
third of a shorter soak."""
ROLES: Final = ("guardian", "body", "venue")
PATIENT: Final = (
    SENDER, "supervision.child_restarts=1000", "supervision.tree_restarts=1000",
    "supervision.max_retired=50",
)  # fmt: skip
FAULTS: Final = (
    "raise", "raise", "raise", "hang", "die", "kill venue", "kill sender", "freeze venue", "freeze sender",
)  # fmt: skip
"""What is drawn from. The body itself is not killed: a process that is replaced has no time to grow."""
WANTED: Final = {"memory_mb": 1.0, "threads": 0.5, "descriptors": 0.5, "wal_mb": 1.0, "oldest_s": 0.5}
"""Growth that is tolerated in ten minutes; half a thread is none."""


@dataclass
class Measured:
    """Points (seconds, value) by process and quantity."""

    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, name: str, at_s: float, value: float) -> None:
        """One more."""
        self.points.setdefault(name, []).append((at_s, value))

    def lines(self, settled_s: float) -> dict[str, Line]:
        """The straight line through each, what came before `settled_s` left out."""
        found = {name: [p for p in points if p[0] >= settled_s] for name, points in self.points.items()}
        return {name: fit(points) for name, points in found.items() if len(points) >= LEAST}


def soak(minutes: float, speed_factor: float, tell: Tell, *, seed: int = 1) -> dict[str, Any]:
    """Live for so long at `speed_factor` times the default speed, hurt every five seconds; what grew, and the verdict."""
    if not 0.1 <= minutes <= 10_080.0 or not 0.0 < speed_factor <= 1_000.0:  # noqa: PLR2004 - a week
        raise BadInput(
            f"a soak lasts from 0.1 minutes to a week, at up to 1000 times the default speed; was {minutes:g} minutes "
            f"at {speed_factor:g}."
        )
    chance, measured, done = random.Random(seed), Measured(), dict.fromkeys(FAULTS, 0)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        with habitat(Path(folder), *PATIENT, speed=f"{SPEED * speed_factor:g}", seed=seed) as home:
            home.start()
            home.trades(1, limit_s=120.0)
            _live(home, minutes * 60.0, chance, measured, done, tell)
            body_restarts = home.run - 1
            code = _stopped(home, tell)
        tell("judging")
        losses, report = judged(home.state)
    settled_s = min(SETTLED_S, minutes * 60.0 / 3.0)
    lines = measured.lines(settled_s)
    return {
        "minutes": minutes, "speed": SPEED * speed_factor, "seed": seed, "faults": done,
        "body_restarts": body_restarts, "last_stop": code, "rows": report.events, "orders": report.orders,
        "losses": _plain(losses), "settled_s": settled_s,
        "growth_in_10_min": {name: _row(name, line) for name, line in sorted(lines.items())},
        "grows": sorted(name for name, line in lines.items() if _grows(name, line)),
    }  # fmt: skip


def _stopped(home: Habitat, tell: Tell) -> int | None:
    """Exit status of an orderly stop; None where it was not to be had, which costs nothing of what was measured."""
    try:
        return home.stop()[0]
    except NotBack as error:
        tell(str(error))
        return None


def _live(
    home: Habitat, for_s: float, chance: random.Random, measured: Measured, done: dict[str, int], tell: Tell
) -> None:
    began = time.monotonic()
    fault_s = sample_s = told_s = 0.0
    while (at_s := time.monotonic() - began) < for_s:
        if at_s >= sample_s:
            sample_s = at_s + SAMPLE_EVERY_S
            _sample(home, at_s, measured)
        if at_s >= fault_s:
            fault_s = at_s + FAULT_EVERY_S
            fault = chance.choice(FAULTS)
            done[fault] += _hurt(home, fault, chance)
        if at_s >= told_s:
            told_s = at_s + 60.0
            tell(f"{at_s / 60.0:.0f} of {for_s / 60.0:g} minutes, {sum(done.values())} faults")
        time.sleep(0.05)


def _hurt(home: Habitat, fault: str, chance: random.Random) -> bool:
    """Do it; whether it could be done."""
    how, _, who = fault.partition(" ")
    if not who:
        organ = chance.choice(("brain", "immune", "metabolism", "motor", "nervous", "voice"))
        order(home.state, how, organ)
        return True
    with contextlib.suppress(ProcessLookupError, NotBack):
        pid = home.send(who, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        if how == "freeze":
            began = time.monotonic()
            until(lambda: time.monotonic() - began > 1.0, "the thaw")
            os.kill(pid, signal.SIGCONT)
        return True
    return False


def _sample(home: Habitat, at_s: float, measured: Measured) -> None:
    pids = home.pids()
    for role in ROLES:
        for name, look in _LOOKS.items():
            with contextlib.suppress(OSError, KeyError, ValueError, IndexError):  # it has just been killed
                measured.add(f"{role} {name}", at_s, look(pids[role]))
    for path in ("journal.db-wal", "paper_venue.db-wal", "view.db-wal"):
        with contextlib.suppress(OSError):
            measured.add(
                f"{path.removesuffix('-wal')} wal_mb", at_s, (home.state / path).stat().st_size / 2**20
            )
    ages = [organ["oldest_s"] or 0.0 for organ in status(home.state)["organs"]]
    if ages:
        measured.add("mailboxes oldest_s", at_s, max(ages))


def _memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _threads(pid: int) -> float:
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


def _descriptors(pid: int) -> float:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


_LOOKS: Final[dict[str, Callable[[int], float]]] = {
    "memory_mb": _memory_mb, "threads": _threads, "descriptors": _descriptors,
}  # fmt: skip


def _grows(name: str, line: Line) -> bool:
    return line.grows(WANTED[name.rpartition(" ")[2]] / TEN_MINUTES_S)


def _row(name: str, line: Line) -> dict[str, Any]:
    wanted = WANTED[name.rpartition(" ")[2]]
    return {
        "slope": round(line.slope * TEN_MINUTES_S, 3), "error": round(line.error * TEN_MINUTES_S, 3),
        "at_first": round(line.level, 2), "n": line.n, "target": f"< {wanted:g}",
    }  # fmt: skip


def _plain(losses: Losses) -> dict[str, int]:
    return {name: getattr(losses, name) for name in losses.__dataclass_fields__}
