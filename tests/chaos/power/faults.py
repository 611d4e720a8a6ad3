"""Lives on a disk that refuses: full, I/O errors on write, sync, open and rename, once or for good."""

import errno
import random
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import msgspec

from organism.errors import JournalUnwritable, OrganismError
from tests.chaos.power.disk import Acknowledged, Disk
from tests.chaos.power.judge import breaches
from tests.chaos.power.lives import House, Life
from tests.chaos.power.watch import Watcher

REFUSED = (OrganismError, sqlite3.Error, OSError)
N_DEEDS = 30
CUTS_PER_LIFE = 2
KINDS = {
    "full on write": ("write", errno.ENOSPC),
    "I/O error on write": ("write", errno.EIO),
    "I/O error on sync": ("sync", errno.EIO),
    "I/O error on truncate": ("truncate", errno.EIO),
    "refused to open": ("open", errno.EACCES),
    "refused to rename": ("rename", errno.EIO),
}
"""Which operation fails, and with what. SQLite makes its own error of it: FULL, IOERR_WRITE, IOERR_FSYNC …"""


class Report(msgspec.Struct):
    """What lives on bad disks came to, by kind of fault.

    struck    operations that failed
    refused   errors that somebody was told, by type
    carried   rows that a journal acknowledged after one of its own syncs had failed: none may be
    broken    seed of each life that broke a promise, and how
    """

    struck: Counter[str] = msgspec.field(default_factory=Counter)
    refused: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    carried: list[str] = msgspec.field(default_factory=list)
    broken: dict[str, list[str]] = msgspec.field(default_factory=dict)


class Fault:
    """Fails the n-th operation of a kind and, when it is `lasting`, all after it."""

    def __init__(self, kind: str, number: int, nth: int, *, lasting: bool, whose: str = "") -> None:
        self._kind, self._number, self._nth, self._lasting = kind, number, nth, lasting
        self._whose = whose
        self.n_struck = 0
        self.mended = False

    def __call__(self, kind: str, path: str) -> int:
        if kind != self._kind or self.mended or path.endswith(("view.db", "view.db-wal", "view.db-journal")):
            return 0  # the view has its own tests: it swallows every trouble
        if self._whose not in path:
            return 0
        self._nth -= 1
        if self._nth > 0 or (self._nth < 0 and not self._lasting):
            return 0
        self.n_struck += 1
        return self._number


class Trial:
    """One life under one fault."""

    def __init__(self, work: Path, report: Report, kind: str, seed: int) -> None:
        self._work, self._report, self._kind, self._name = work, report, kind, f"{kind}:{seed}"
        self._chance = random.Random(self._name)
        operation, number = KINDS[kind]
        whose = self._chance.choice(("", "journal"))
        most = {"write": 600, "sync": 200, "open": 100, "truncate": 30, "rename": 20}[operation]
        nth = self._chance.randint(1, most // 3 if whose else most)
        self.fault = Fault(operation, number, nth, lasting=self._chance.random() < 0.5, whose=whose)
        self._house = House(work / "lived" / "state", self._chance.choice((0.1, 256.0)), 1)

    def run(self) -> None:
        """Live, be refused, go on as long as possible, and be cut off."""
        root = self._fresh("lived")
        watcher = Watcher(root, strike=self.fault)
        life = Life(self._house, watcher, self._chance)
        with watcher.watching():
            for index in range(N_DEEDS):
                try:
                    life.live(1)
                except REFUSED as error:
                    self._refused(life, watcher, error)
                if index == N_DEEDS - 5:
                    self.fault.mended = True  # space returns
            try:
                life.end()
            except REFUSED as error:
                self._note(error)
        watcher.complete()
        self._report.struck[self._kind] += self.fault.n_struck
        for number in range(CUTS_PER_LIFE):
            self._judge(watcher, number)

    def _note(self, error: BaseException) -> None:
        self._report.refused.setdefault(self._kind, Counter())[type(error).__name__] += 1

    def _refused(self, life: Life, watcher: Watcher, error: BaseException) -> None:
        self._note(error)
        body = life.body
        if body is None or body.journal.failure is None:
            return
        # A journal that failed must never again say that something is durable, whatever the disk does now.
        before = sum(isinstance(o, Acknowledged) for o in watcher.operations)
        self.fault.mended, mended = True, self.fault.mended
        try:
            body.live(1)
            body.flush()
        except JournalUnwritable:
            pass
        else:
            self._report.carried.append(self._name)
        if sum(isinstance(o, Acknowledged) for o in watcher.operations) != before:
            self._report.carried.append(self._name)
        self.fault.mended = mended
        try:
            life.end_body()
        except REFUSED as again:
            self._note(again)

    def _judge(self, watcher: Watcher, number: int) -> None:
        chance = random.Random(f"{self._name}:{number}")
        operations = (
            watcher.operations
            if number == 0
            else watcher.operations[: chance.randint(1, len(watcher.operations))]
        )
        root = self._fresh("left")
        for path, content in Disk(operations).cut(chance).items():
            place = root / path
            if content is None:
                place.mkdir()
            else:
                place.write_bytes(content)
        found = breaches(self._house._replace(folder=root / "state"), operations)
        if found:
            self._report.broken[f"{self._name}:{number}"] = found

    def _fresh(self, name: str) -> Path:
        root = self._work / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        return root
