"""Processes that are stopped: frozen for a while, told to end once or twice, started twice, or all suspended at once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from organism.chaos.campaign import Campaign, Tally
from organism.chaos.habitat import BACK_S, Habitat, NotBack, until
from organism.chaos.kills import SENDER
from organism.errors import BadInput
from organism.guardian import GuardOptions
from organism.processes import lives, state_of

SHORT_S, LONG_S, SUSPENDED_S = 2.0, 60.0, 3.0
BETWEEN_BEATS_S = 0.5  # the last beat may lie so long before the freeze
STOPS_S = 10.0  # an orderly stop takes no longer
CALM = "6000"  # twenty bars a second: a suspend is judged at a pace that leaves processes time to sleep
AWAY = ("dashboard", "sender", "venue", "guardian")
SERVICES = AWAY[:-1]  # nobody replaces a guardian
LEAST = GuardOptions(state=Path())
"""Patience that a guardian has by default, as the organisms here have it."""


def campaigns(n: int, *, long: bool) -> list[Campaign]:
    """Each way about `n` times; `long` adds 60 s of a frozen guardian and of a suspended machine, one of each.

    Nobody else can be frozen for so long: the guardian is patient for 2 s with the body, for 5 s with a venue's process
    and for 10 s with page and sender; who is silent for longer is replaced.
    """
    found = [
        Campaign("A12", "the body frozen until it is replaced", freeze_body, n),
        Campaign("A12", f"the body frozen for {SHORT_S:g} s", Frozen("body", SHORT_S), n),
        *(
            Campaign("A12", f"{name} frozen for {SHORT_S:g} s", Frozen(name, SHORT_S), max(1, n // 2), (SENDER,),
                     dashboard=name == "dashboard")
            for name in AWAY
        ),
        *(
            Campaign("A12", f"{name} frozen until it is replaced", FrozenForGood(name), max(1, n // 2), (SENDER,),
                     dashboard=name == "dashboard")
            for name in SERVICES
        ),
        Campaign("E3", f"everything suspended for {SUSPENDED_S:g} s", Suspended(SUSPENDED_S), n, speed=CALM),
        Campaign("A13", "SIGTERM", Ended(signal.SIGTERM), n),
        Campaign("A13", "SIGTERM twice", Ended(signal.SIGTERM, signal.SIGTERM), n),
        Campaign("A13", "Ctrl-C", Ended(signal.SIGINT), max(1, n // 2)),
        Campaign("A13", "Ctrl-C twice", Ended(signal.SIGINT, signal.SIGINT), n),
        Campaign("A13", "SIGTERM to one process at a time", end_one, max(3, n), (SENDER,)),
        Campaign("A15", "another organism on the same folder", start_another, n),
        Campaign("A15", "another body, and another venue, on the same folder", start_parts, max(1, n // 2)),
    ]  # fmt: skip
    if long:
        found += [
            Campaign("A12", f"guardian frozen for {LONG_S:g} s", Frozen("guardian", LONG_S), 1, (SENDER,)),
            Campaign("E3", f"everything suspended for {LONG_S:g} s", Suspended(LONG_S), 1, (SENDER,),
                     dashboard=True, speed=CALM),
        ]  # fmt: skip
    return found


# ---------------------------------------------------------------- frozen


def freeze_body(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """SIGSTOP and nothing more: the guardian must put it down and start another."""
    home.trades(chance.randint(1, 10))
    pid = home.send("body", signal.SIGSTOP)
    began, last = time.monotonic(), home.last
    tally.seen += _stopped(pid)
    tally.detection_s.append(until(lambda: not lives(pid), "the end of the frozen body"))
    tally.back(*home.returns(last, began))


class FrozenForGood:
    """A service that stands still for ever: the guardian must put it down when its patience is over, and not before."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, home: Habitat, chance: random.Random, tally: Tally) -> None:
        """Freeze it once."""
        home.trades(chance.randint(1, 10))
        body, pid = home.pid("body"), home.send(self._name, signal.SIGSTOP)
        began, patience_s = time.monotonic(), LEAST.patience_s(self._name)
        tally.seen += _stopped(pid)
        until(lambda: home.replaced(self._name, pid), f"another {self._name}", patience_s + BACK_S)
        noticed_s = time.monotonic() - began
        tally.detection_s.append(noticed_s)
        if noticed_s < patience_s - BETWEEN_BEATS_S:
            tally.wrong.append(
                f"{self._name} was replaced after {noticed_s:.1f} s; {patience_s:g} s are promised"
            )
        home.trades(3)
        tally.recovery_s.append(time.monotonic() - began)
        if home.pid("body") != body:
            tally.wrong.append(f"the body was replaced because {self._name} was frozen")


class Frozen:
    """SIGSTOP to one process, SIGCONT so many seconds later. Neither it nor anybody else may fall for it.

    The body alone may: two seconds are just what the guardian is patient for.
    """

    def __init__(self, name: str, for_s: float) -> None:
        self._name, self._for_s = name, for_s

    def __call__(self, home: Habitat, chance: random.Random, tally: Tally) -> None:
        """Freeze it once."""
        home.trades(chance.randint(1, 10))
        body, run = home.pid("body"), home.run
        pid = home.send(self._name, signal.SIGSTOP)
        began = time.monotonic()
        tally.seen += _stopped(pid)
        until(
            lambda: time.monotonic() - began >= self._for_s or not lives(pid), "the thaw", self._for_s + 1.0
        )
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        thawed = time.monotonic()
        if self._name == "body":  # at the limit of the guardian's patience: it may be replaced, or go on
            until(lambda: not lives(pid) or time.monotonic() - thawed > 1.0, "a decision")
            home.trades(after_run=0 if lives(pid) else run)
        else:
            home.trades(3)
            if home.pid("body") != body:
                tally.wrong.append(f"the body was replaced because {self._name} was frozen")
            if home.pid(self._name) != pid:
                tally.wrong.append(f"a false kill: {self._name} was replaced after {self._for_s:g} s")
        tally.recovery_s.append(time.monotonic() - thawed)


class Suspended:
    """Everybody frozen at once and thawed in the other order, as a machine that slept: nobody may be killed for it."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s

    def __call__(self, home: Habitat, chance: random.Random, tally: Tally) -> None:
        """Suspend once."""
        home.trades(1, limit_s=2 * BACK_S)
        pids = home.pids()
        order = list(pids.values())
        chance.shuffle(order)
        tally.seen += suspend(order, self._for_s)
        thawed = time.monotonic()
        home.trades(1, limit_s=2 * BACK_S)
        tally.recovery_s.append(time.monotonic() - thawed)
        if home.pids() != pids:
            tally.wrong.append("a false kill: somebody was replaced after a suspend")


def suspend(pids: list[int], for_s: float) -> bool:
    """Stop these processes for so long and let them go on, last first; whether all of them stood still."""
    _each(pids, signal.SIGSTOP)
    stood = sum(map(_stopped, pids)) == len(pids)
    began = time.monotonic()
    until(lambda: time.monotonic() - began >= for_s, "the end of the night", for_s + 1.0)
    _each(reversed(pids), signal.SIGCONT)
    return stood


def _stopped(pid: int) -> bool:
    """Whether the kernel says that it stands still; waits until it does."""
    until(lambda: state_of(pid) in {"T", "", "Z"}, "the freeze")
    return state_of(pid) == "T"


def _each(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


# ---------------------------------------------------------------- ended


class Ended:
    """Signals to the guardian: it must end with everybody in time; then it is started again."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers

    def __call__(self, home: Habitat, chance: random.Random, tally: Tally) -> None:
        """End it once."""
        home.trades(chance.randint(1, 10))
        run, pids = home.run, home.pids()
        code, took_s = home.stop(*self._numbers)
        tally.seen += 1
        tally.detection_s.append(took_s)
        if took_s > STOPS_S or (code and len(self._numbers) == 1):
            tally.wrong.append(f"a stop took {took_s:.1f} s and ended with status {code}")
        if left := [name for name, pid in pids.items() if lives(pid)]:
            tally.wrong.append(f"left behind by a stop: {', '.join(left)}")
        began = time.monotonic()
        home.start()
        home.trades(after_run=run)
        tally.recovery_s.append(time.monotonic() - began)


def end_one(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """SIGTERM to body, venue and sender in turn: each ends in order and is started again."""
    name = ("body", "venue", "sender")[tally.tried % 3]
    home.trades(chance.randint(1, 10))
    run, pid = home.run, home.send(name, signal.SIGTERM)
    began = time.monotonic()
    tally.seen += 1
    tally.detection_s.append(until(lambda: home.replaced(name, pid), f"another {name}"))
    home.trades(after_run=run if name == "body" else 0)
    tally.recovery_s.append(time.monotonic() - began)


# ---------------------------------------------------------------- twice


def start_another(home: Habitat, _chance: random.Random, tally: Tally) -> None:
    """`organism start` where one runs: refused in a sentence with status 2, and the first one is not disturbed."""
    pids = home.pids()
    began = time.monotonic()
    tally.seen += _refused(home, home.another, tally, "another organism")
    tally.detection_s.append(time.monotonic() - began)
    home.trades(3)
    if home.pids() != pids:
        tally.wrong.append("the first organism was disturbed by a second start")


def start_parts(home: Habitat, _chance: random.Random, tally: Tally) -> None:
    """A second body and a second venue without a guardian: each is refused."""
    pids, n_refused = home.pids(), 0
    modules = ("organism.body", "organism.body.venue")
    for module in modules:
        argv = [sys.executable, "-m", module, "--state", str(home.state), *home.chosen]
        with home.log.open("ab") as log:
            n_refused += _refused(home, partial(_started, argv, log), tally, module)
    tally.seen += n_refused == len(modules)
    home.trades(3)
    if home.pids() != pids:
        tally.wrong.append("the first organism was disturbed by a second body or venue")


def _started(argv: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, stderr=log, stdout=log)


def _refused(home: Habitat, start: Callable[[], subprocess.Popen[bytes]], tally: Tally, what: str) -> bool:
    run = home.run
    second = start()
    try:
        code = second.wait(BACK_S)
    except subprocess.TimeoutExpired:
        second.kill()
        raise NotBack(f"{what} was not refused within {BACK_S:g} s") from None
    if code != BadInput.exit_code or home.run != run:
        tally.wrong.append(f"{what} ended with status {code} and began {home.run - run} runs")
    return code == BadInput.exit_code
