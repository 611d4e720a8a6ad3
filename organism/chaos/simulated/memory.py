"""Snapshots that outlive a simulated process, taken as the living body takes them."""

from typing import Any

import msgspec

from organism import __version__
from organism.journal.pending import Horizon
from organism.journal.port import Journal
from organism.journal.recovery import Recovery
from organism.journal.snapshots import Snapshot, SnapshotStore, state_version
from organism.lockstep import Lockstep


class MemorySnapshots(SnapshotStore):
    """The newest snapshot of each organ, in memory."""

    def __init__(self) -> None:
        self._newest: dict[str, Snapshot] = {}
        self._versions: dict[str, str] = {}

    @property
    def oldest(self) -> int:
        """From about which row on a recovery reads."""
        return min((snapshot.horizon_seq for snapshot in self._newest.values()), default=0)

    def load(
        self,
        organ: str,
        state_type: type | None = None,  # noqa: ARG002 - one form of code only ever runs here
        *,
        until_seq: int | None = None,
    ) -> Snapshot | None:
        """The newest one, when the journal still holds its row."""
        found = self._newest.get(organ)
        return found if found is not None and (until_seq is None or found.seq <= until_seq) else None

    def take(
        self, driver: Lockstep, journal: Journal, horizon: Horizon, seqs: dict[str, int], run: int
    ) -> None:
        """Save every organ between two steps; only what is durable may be saved."""
        for name, living in driver.organs.items():
            seq = seqs.get(name, 0)
            if not seq or seq > journal.durable_seq:
                continue
            kind: Any = living.core.state_type
            if name not in self._versions:
                self._versions[name] = state_version(kind)
            self._newest[name] = Snapshot(
                organ=name, step=living.step, seq=seq, horizon_seq=min(horizon.of(name), seq),
                state=msgspec.msgpack.encode(living.state), state_version=self._versions[name],
                code_version=__version__, timers=horizon.timers(name), run=run, seen=tuple(living.seen),
            )  # fmt: skip


def horizon_of(journal: Journal, recovery: Recovery | None, timers: dict[str, tuple[Any, ...]]) -> Horizon:
    """How far back snapshots of a process that begins here must reach."""
    horizon = Horizon(journal.tip[0])
    if recovery is not None:
        for name, organ in recovery.organs.items():
            horizon.adopt(name, organ.pending, timers[name])
    return horizon
