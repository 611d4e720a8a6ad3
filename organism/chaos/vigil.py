"""A vigil: hours at default speed beside a machine that is full, and nobody may be put down for being slow."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from organism.chaos.campaign import Tell
from organism.chaos.habitat import Habitat, NotBack, until
from organism.chaos.orderly import ended_in_order, leashed
from organism.chaos.soak import SPEED
from organism.chaos.stops import SUSPENDED_S, suspend
from organism.chaos.verdict import judged
from organism.errors import BadInput, OrganismError
from organism.status import status

SUSPEND_EVERY_S = 600.0
LOOK_EVERY_S = 1.0
TELL_EVERY_S = 300.0
MOST_HOURS = 168.0
_BUSY: Final = "while True: pass"
_COMPILING: Final = """
import subprocess, sys
while True:
    subprocess.run([sys.executable, "-c", '''
import numba
for _ in range(50):
    numba.njit(lambda x: sum([x + i for i in range(100)])).compile("f8(f8)")
'''])
"""
"""In processes that end: what was compiled is never given back."""


@dataclass
class Vigil:
    """What was seen.

    suspends     how often everybody was seen to stand still for three seconds
    replaced     processes that were started again, by role
    restarts     organs that were started again, by name
    load         load averages over one minute, one a look
    """

    suspends: int = 0
    replaced: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    load: list[float] = field(default_factory=list)

    @property
    def false_kills(self) -> int:
        """Processes and organs that were replaced though nothing was done to them."""
        return sum(self.replaced.values()) + sum(self.restarts.values())


def keep(hours: float, tell: Tell, *, seed: int = 1, nice: int = 0) -> dict[str, Any]:
    """Live for so long at default settings and speed; every core busy, numba compiling, a suspend every ten minutes.

    nice   of the processes that keep the machine busy, 0 to 19

    Raises `BadInput` for nonsense, `NotBack` when the organism does not come up.
    """
    if not 0.0 < hours <= MOST_HOURS or not 0 <= nice <= 19:  # noqa: PLR2004 - what the kernel knows
        raise BadInput(
            f"a vigil lasts up to {MOST_HOURS:g} hours at nice 0 to 19; was {hours:g} hours at {nice}."
        )
    seen = Vigil()
    with tempfile.TemporaryDirectory(prefix="vigil-", ignore_cleanup_errors=True) as folder:
        home = Habitat(Path(folder) / "state", speed=f"{SPEED:g}", dashboard=True, seed=seed)
        load = _full(nice)
        try:
            home.start()
            until(lambda: home.run > 0 and _organs(home), "the first start", 120.0)
            _watch(home, hours * 3600.0, seen, tell)
            code, _ = home.stop()
        finally:
            home.end()
            for one in load:
                one.kill()
                one.wait()
        losses, report = judged(home.state)
    return {
        "hours": hours, "speed": SPEED, "seed": seed, "nice": nice, "suspends": seen.suspends,
        "false_kills": seen.false_kills, "replaced": seen.replaced, "restarts": seen.restarts,
        "load": [min(seen.load), sorted(seen.load)[len(seen.load) // 2], max(seen.load)],
        "rows": report.events, "orders": report.orders, "losses": asdict(losses), "last_stop": code,
    }  # fmt: skip


def kept(found: dict[str, Any]) -> bool:
    """Whether nobody was put down, nothing was lost, doubled, invented or broken, and the end was an orderly one."""
    return not (found["false_kills"] or any(found["losses"].values()) or found["last_stop"])


def _full(nice: int) -> list[subprocess.Popen[bytes]]:
    """As many processes as there are cores that do nothing but compute, and one that compiles."""
    scripts = [_BUSY] * (os.cpu_count() or 1) + [_COMPILING]
    return [
        subprocess.Popen(
            ["nice", "-n", str(nice), *leashed([sys.executable, "-c", script])], stdin=subprocess.DEVNULL
        )
        for script in scripts
    ]


def _watch(home: Habitat, for_s: float, seen: Vigil, tell: Tell) -> None:
    began = time.monotonic()
    before = home.pids()
    suspend_s, told_s = SUSPEND_EVERY_S / 2.0, 0.0
    while (at_s := time.monotonic() - began) < for_s:
        if at_s >= suspend_s:
            suspend_s = at_s + SUSPEND_EVERY_S
            seen.suspends += suspend(list(home.pids().values()), SUSPENDED_S)
        now = home.pids()
        for role in before.keys() & now.keys():
            if before[role] != now[role]:
                seen.replaced[role] = seen.replaced.get(role, 0) + 1
                tell(f"at {at_s:.0f} s {role} was replaced; last was said: {home.said[-300:].strip()!r}")
        before = before | now  # one that is away for a look is remembered
        for name, n in _organs(home).items():
            if n:
                seen.restarts[name] = max(n, seen.restarts.get(name, 0))
        seen.load.append(os.getloadavg()[0])
        if at_s >= told_s:
            told_s = at_s + TELL_EVERY_S
            tell(f"{at_s / 60.0:.0f} of {for_s / 60.0:.0f} minutes, load {seen.load[-1]:.1f}, {seen.suspends} suspends, "
                 f"{seen.false_kills} false kills")  # fmt: skip
        if home.guardian is not None and home.guardian.poll() is not None:
            raise NotBack(f"the guardian has ended with status {home.guardian.returncode}")
        time.sleep(LOOK_EVERY_S)


def _organs(home: Habitat) -> dict[str, int]:
    """Restarts by organ, of the body that lives."""
    return {organ["name"]: int(organ["restarts"]) for organ in status(home.state)["organs"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: 0 when the vigil was kept, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m organism.chaos.vigil", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--hours", type=float, default=2.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--nice", type=int, default=0, help="of the processes that keep the machine busy")
    options = parser.parse_args(arguments)
    tell = partial(print, flush=True)
    try:
        with ended_in_order():
            found = keep(options.hours, tell, seed=options.seed, nice=options.nice)
    except OrganismError as error:
        tell(str(error))
        return error.exit_code
    for name, value in found.items():
        tell(f"{name}: {value}")
    return 0 if kept(found) else 1


if __name__ == "__main__":
    sys.exit(main())
