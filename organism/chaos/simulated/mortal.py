"""A process that can die at any point, and its journal, whose disk can fail."""

from dataclasses import dataclass, field

from organism.core import Now
from organism.effects import Effects
from organism.errors import JournalUnwritable
from organism.journal.port import MemoryJournal
from organism.journal.rows import GENESIS, PAYLOAD_VERSION, Run
from organism.messages import Envelope
from organism.spine import Observer


class Killed(BaseException):
    """The simulated process ends here, as by SIGKILL: no handler runs."""


@dataclass
class Reaper:
    """Kills at the n-th point that is passed from now on. by_point: where it did, how often."""

    left: int = 0
    why: str = ""
    by_point: dict[str, int] = field(default_factory=dict)

    def arm(self, why: str, left: int) -> None:
        """Kill at the n-th point from here, for this reason."""
        self.why, self.left = why, left

    def point(self, name: str) -> None:
        """A point is passed."""
        if self.left:
            self.left -= 1
            if not self.left:
                self.by_point[name] = self.by_point.get(name, 0) + 1
                raise Killed(name)


class MortalJournal(MemoryJournal):
    """What is durable outlives the process; of the rest, some. After a failed commit it takes nothing more.

    observe   sees each row that is recorded, even when the process dies before anybody else of it does
    broken    why nothing can be written any more; "" while it can
    """

    def __init__(self, namespace: str, observe: Observer) -> None:
        super().__init__(namespace)
        self._observe = observe
        self.broken = ""
        self._fails_in = 0
        self._why = ""

    @property
    def run(self) -> int:
        """Number of the process that writes."""
        return self._run

    def fail(self, why: str, in_commits: int) -> None:
        """Let a commit to come fail, for this reason."""
        self._why, self._fails_in = why, in_commits

    def record(
        self, organ: str, incarnation: int, step: int, envelope: Envelope, effects: Effects, now: Now
    ) -> int:
        """Append one step."""
        self._check()
        seq = super().record(organ, incarnation, step, envelope, effects, now)
        self._observe(seq, organ, envelope, effects, now)
        return seq

    def flush(self) -> None:
        """Commit, unless the disk fails."""
        self._check()
        if self._fails_in and self.durable_seq != len(self._rows):
            self._fails_in -= 1
            if not self._fails_in:
                self.broken = self._why
                self._check()
        super().flush()

    def die(self, kept: int) -> None:
        """The process has ended: rows after `kept` never reached the disk. Another process begins here."""
        if not self.durable_seq <= kept <= len(self._rows):
            raise AssertionError(
                f"rows up to {self.durable_seq} are durable; {kept} cannot be all that is kept."
            )
        del self._rows[kept:]
        self._digest = self._rows[-1].digest if self._rows else GENESIS
        self.durable_seq = kept
        self._listeners.clear()
        self._run += 1
        self._fails_in, self.broken = 0, ""

    def runs(self) -> dict[int, Run]:
        """Every process that wrote here."""
        return {n: Run(n, 0, "", "", 0, PAYLOAD_VERSION, "", self.namespace) for n in range(1, self._run + 1)}

    def _check(self) -> None:
        if self.broken:
            raise JournalUnwritable(f"the simulated disk refuses: {self.broken}. The body must end.")
