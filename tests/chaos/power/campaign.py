"""Lives by seed, each cut at many moments. `python -m tests.chaos.power` runs it."""

import random
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from organism.errors import OrganismError
from tests.chaos.power.disk import Acknowledged, Disk, Operation, acknowledged
from tests.chaos.power.judge import breaches
from tests.chaos.power.lives import House, Life
from tests.chaos.power.watch import Watcher, as_written

CUTS_PER_LIFE = 20
N_DEEDS = 60
SEGMENT_MB = (0.1, 0.2, 256.0)  # an empty segment has 0.08: the first two are sealed again and again
CUT_AGAIN = 0.3  # share of cuts after which the power fails once more, while recovering


class Tally(msgspec.Struct):
    """What a campaign came to.

    n_cuts, n_again      cuts, and those of them that came while recovering from another
    n_torn               cuts that could take something of a file that promises durability
    n_operations         writes, syncs, renames … of all lives
    tested               acknowledgements that a cut put to the test, by what they are about
    broken               seed of each cut that broke a promise, and how
    """

    n_cuts: int = 0
    n_again: int = 0
    n_torn: int = 0
    n_operations: int = 0
    tested: dict[str, int] = msgspec.field(default_factory=dict)
    broken: dict[str, list[str]] = msgspec.field(default_factory=dict)

    def kinds(self) -> Counter[str]:
        """Cuts by what was broken."""
        return Counter(kind for said in self.broken.values() for kind in {s.partition(":")[0] for s in said})

    def n_losing(self) -> int:
        """Cuts that lost something acknowledged."""
        return sum(any("lost" in text for text in said) for said in self.broken.values())


def normal(sql: str) -> str:
    """Sync no commit, only checkpoints: what SQLite recommends for WAL where losing the last commits is no harm."""
    return re.sub(r"(synchronous\s*=\s*)full", r"\1NORMAL", sql, flags=re.IGNORECASE)


class Campaign:
    """Lives of one kind. `rewrite` and `blind_to_folders` sabotage the code or the disk."""

    def __init__(
        self, work: Path, *, rewrite: Callable[[str], str] = as_written, blind_to_folders: bool = False
    ) -> None:
        self._work = work
        self._rewrite = rewrite
        self._blind = blind_to_folders
        self.tally = Tally()

    def run(self, seed: int, n_cuts: int) -> Tally:
        """Cut so many times. The same seed does the same again."""
        for index in range((n_cuts + CUTS_PER_LIFE - 1) // CUTS_PER_LIFE):
            self.life(seed + index, min(CUTS_PER_LIFE, n_cuts - index * CUTS_PER_LIFE))
        return self.tally

    def life(self, seed: int, n_cuts: int, only: int | None = None) -> list[Operation]:
        """Live once and cut that life at many moments, or at the `only` one."""
        chance = random.Random(seed)
        segment_mb = chance.choice(SEGMENT_MB)
        keep_segments = chance.randint(0, 2)
        root = self._fresh("lived")
        watcher = self._watcher(root)
        with watcher.watching():
            life = Life(House(root / "state", segment_mb, keep_segments), watcher, chance)
            life.live(N_DEEDS)
            life.end()
        watcher.complete()
        self.tally.n_operations += len(watcher.operations)
        for number in range(n_cuts) if only is None else (only,):
            self._cut(f"{seed}:{number}", watcher.operations, segment_mb, keep_segments)
        return watcher.operations

    def _cut(self, name: str, operations: list[Operation], segment_mb: float, keep_segments: int) -> None:
        chance = random.Random(name)
        lived = operations[: chance.randint(1, len(operations))]
        root = self._fresh("left")
        house = House(root / "state", segment_mb, keep_segments)
        self._put(root, lived, chance)
        self.tally.n_cuts += 1
        if chance.random() < CUT_AGAIN:
            watcher = self._watcher(root, n_before=1_000_000)
            try:
                with watcher.watching():
                    life = Life(house._replace(boot="again"), watcher, chance)
                    life.live(6)
                    life.end()
            except (OrganismError, sqlite3.Error, AssertionError) as error:
                self.tally.broken[name] = [f"start: lost: {type(error).__name__} {error}"]
                return
            watcher.complete()
            told = [o for o in lived if isinstance(o, Acknowledged)]
            again = watcher.operations[: chance.randint(watcher.n_adopted, len(watcher.operations))]
            lived = [*told, *again]
            self._put(self._fresh("left"), again, chance)
            self.tally.n_cuts += 1
            self.tally.n_again += 1
        for what, told in acknowledged(lived).items():
            self.tally.tested[what] = self.tally.tested.get(what, 0) + len(told)
        found = breaches(house, lived)
        if found:
            self.tally.broken[name] = found

    def _put(self, root: Path, operations: list[Operation], chance: random.Random) -> None:
        """Lay out what a cut leaves."""
        disk = Disk(operations)
        # The view and snapshots are never synced, so something of theirs is in the air all the time.
        self.tally.n_torn += any(not re.search(r"view\.db|snapshots", path) for path in disk.unpromised())
        for path, content in disk.cut(chance).items():
            place = root / path
            if content is None:
                place.mkdir()
            else:
                place.write_bytes(content)
                if path.endswith(".db") and chance.random() < 0.3:
                    (root / f"{path}-shm").write_bytes(chance.randbytes(32768))

    def _watcher(self, root: Path, n_before: int = 0) -> Watcher:
        return Watcher(root, rewrite=self._rewrite, blind_to_folders=self._blind, n_before=n_before)

    def _fresh(self, name: str) -> Path:
        root = self._work / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        return root
