"""The faults of the wire, tried: `run(n, tell)` gives the rows that `organism bench chaos` publishes of them.

Ways: "proxy" is real processes behind a bad line, in real time; "unit" is gate, execution and voice as they are over the
real client and a bad line, in virtual time, against an exchange that can be made to break its word.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from organism.chaos.outcome import Outcome, merged
from organism.chaos.wired import alerts, doubt, fills, gate, lost
from organism.chaos.wired.body import lived
from organism.chaos.wired.lives import life
from organism.chaos.wired.trial import Scenario
from organism.chaos.wired.unread import unread
from organism.errors import BadInput

Tell = Callable[[str], None]
SEED = 4_004
LIVES_PER_BODY = 50  # whole lives in virtual time for each one of a real body


def scripted(seed: int) -> Iterator[tuple[str, Scenario]]:
    """Every scenario of C1 to C25, one fault at a time."""
    return itertools.chain(lost.scenarios(), doubt.scenarios(), fills.scenarios(), gate.scenarios(seed))


def tried(scenarios: Iterable[tuple[str, Scenario]], seed: int) -> list[Outcome]:
    """Each in a folder of its own; a row for each fault."""
    found = []
    for _, scenario in scenarios:
        with _folder() as folder:
            found.append(scenario(folder / "life").outcome(seed))
    return list(merged(found))


def lives(seeds: Iterable[int]) -> list[Outcome]:
    """Whole lives on a bad line, by seed; a row for each fault."""
    found: list[Outcome] = []
    for seed in seeds:
        with _folder() as folder:
            found += life(folder / "life", seed)
    return list(merged(found))


def run(n: int, tell: Tell, *, seed: int = SEED) -> list[Outcome]:
    """Try everything.

    n      whole lives in virtual time, by seed; one real body for every fifty, and every script once for each body
    tell   hears what is being done
    seed   of the first; the others count up. Rows name them
    """
    if n < 1:
        raise BadInput(f"faults of the wire must be tried at least once; n was {n}.")
    bodies = range(seed, seed + -(-n // LIVES_PER_BODY))
    found: list[Outcome] = []
    tell(f"{n} lives of gate and execution on a bad line, seeds {seed} to {seed + n - 1}")
    found += lives(range(seed, seed + n))
    for one in bodies:
        tell(f"C1 to C25, D1 to D3, B13, G1, G2 one at a time, seed {one}")
        found += tried(scripted(one), one)
        found += _real(one)
    return list(merged(found))


def _real(seed: int) -> list[Outcome]:
    """Real processes."""
    with _folder() as folder:
        found = lived(folder / "body", seed)
        found.append(unread(folder, seed))
        found += alerts.outages(folder / "alerts", seed)
        found.append(alerts.storm(folder / "storm", seed))
        return found


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wires-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
