"""Start-up is recovery: snapshot, tail of the journal, and what is still to be delivered and to fire."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects, Publish
from organism.errors import JournalDamaged
from organism.journal.folding import Unfolder
from organism.journal.pending import Armed, rebase
from organism.journal.port import Journal
from organism.journal.rows import PAYLOAD_VERSION, Row, Run, encode_effects
from organism.journal.snapshots import Snapshot, SnapshotStore
from organism.journal.upcast import Payloads
from organism.messages import BarClosed, Envelope, MessageSetAside
from organism.timers import Timer

__all__ = ["Difference", "Folded", "RecoveredOrgan", "Recovery", "compare", "rebase", "recover"]

N_SEEN = 4_096  # ids of consumed envelopes kept, as many as a living organ remembers


# The cores as they were built in a run: settings shape decisions, so a row is folded with the settings it was
# made with. None means: as they are built now.
CoresOf = Callable[[Run], Mapping[str, OrganCore[Any]] | None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A step whose effects are not what the journal holds. `expected` is what was recorded."""

    seq: int
    organ: str
    step: int
    input_id: str
    expected: Effects
    actual: Effects
    recorded_by: str = ""


class RecoveredOrgan(msgspec.Struct, frozen=True, kw_only=True):
    """An organ as the journal knows it.

    state     after its last recorded step
    step      number of that step, 0 for none
    seq       row of that step
    pending   what was said to it and not consumed, in order: deliver again before anything new
    timers    what it had scheduled and is still to fire: arm again (see `rebase`)
    seen      envelope ids it consumed last, oldest first
    n_folded  rows replayed to get here
    saved     step and row of the snapshot that this began with, zeros for none
    """

    state: Any
    step: int
    seq: int
    pending: tuple[Envelope, ...]
    timers: tuple[Timer, ...]
    seen: tuple[str, ...]
    n_folded: int
    saved: tuple[int, int] = (0, 0)


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a body needs to go on.

    seq          newest row
    market_ns    newest market instant that was published or recorded
    mono_ns      monotonic clock of the newest row, on the clock of the process that wrote it
    difference   first step that did not fold to what was recorded, when that was checked
    """

    organs: Mapping[str, RecoveredOrgan]
    seq: int
    market_ns: int
    mono_ns: int
    difference: Difference | None = None


class Folded:
    """One organ being folded over its rows."""

    def __init__(self, core: OrganCore[Any], snapshot: Snapshot | None) -> None:
        self.core = core
        self.state = core.initial
        self.step = self.seq = self.horizon = self.run = self.n_folded = 0
        self.seen: dict[str, None] = {}
        if snapshot is not None:
            self.state = msgspec.msgpack.decode(snapshot.state, type=core.state_type)
            self.step, self.seq, self.horizon = snapshot.step, snapshot.seq, snapshot.horizon_seq
            self.run = snapshot.run
            self.seen = dict.fromkeys(snapshot.seen)
        self.saved = (self.step, self.seq)

    def is_behind(self, row: Row) -> bool:
        """Whether what we know of this organ's timers was written before the process that wrote a row."""
        return self.run < row.run if self.run else self.seq < row.seq

    def fold(self, row: Row, envelope: Envelope, core: OrganCore[Any] | None = None) -> Effects:
        """Take the recorded step again, with the core as it was then; return what it does."""
        core = core or self.core
        if not self.step:
            self.state = core.initial
        if row.step <= self.step:
            raise JournalDamaged(
                f"journal row {row.seq} is step {row.step} of {row.organ}, which had come to step {self.step}."
            )
        now = Now(row.market_ns, row.mono_ns, row.wall_ns, row.step)
        self.state, effects = core.step(self.state, envelope.message, now)
        self.step, self.seq = row.step, row.seq
        self.n_folded += 1
        self.remember(envelope.id)
        return effects

    def remember(self, identity: str) -> None:
        """Know a duplicate as one."""
        self.seen[identity] = None
        if len(self.seen) > N_SEEN:
            del self.seen[next(iter(self.seen))]


def recover(
    journal: Journal,
    snapshots: SnapshotStore | None,
    cores: Iterable[OrganCore[Any]],
    *,
    check: bool = False,
    payloads: Payloads | None = None,
    cores_of: CoresOf | None = None,
    before_row: Callable[[], None] = lambda: None,
) -> Recovery:
    """Rebuild organs from their snapshots and the rows after them, in one pass. Effects are dropped.

    cores_of    the cores of an earlier run, so that its rows are folded with its settings
    before_row  called again and again; what it raises ends the recovery

    A snapshot that cannot be used (broken, of another form of the state, of rows the journal does not have)
    costs time, not truth. `check` compares every step folded with what was recorded.
    """
    journal.flush()
    newest = journal.tip[0]
    organs: dict[str, Folded] = {}
    timers: list[Timer] = []
    for core in cores:
        snapshot = None if snapshots is None else snapshots.load(core.name, core.state_type, until_seq=newest)
        try:
            organs[core.name] = Folded(core, snapshot)
        except msgspec.DecodeError:  # the same form, and still not readable: replaying is always right
            organs[core.name] = Folded(core, None)
        else:
            timers += snapshot.timers if snapshot is not None else ()
    unfolder = Unfolder(journal, payloads)
    passing = _Pass(organs, Armed(timers), unfolder, PastCores(unfolder, cores_of), check=check)
    start = min([newest, *(o.horizon for o in organs.values())])
    for row in journal.rows(max(0, start - 1)):  # one row more than needed, for its clocks
        before_row()
        passing.row(row)
    return passing.result(newest)


class PastCores:
    """The core an organ had in the run that wrote a row."""

    def __init__(self, unfolder: Unfolder, cores_of: CoresOf | None) -> None:
        self._unfolder = unfolder
        self._cores_of = cores_of
        self._known: dict[int, Mapping[str, OrganCore[Any]]] = {}

    def of(self, row: Row) -> OrganCore[Any] | None:
        """The core, None for the one of today."""
        if self._cores_of is None:
            return None
        cores = self._known.get(row.run)
        if cores is None:
            self._unfolder.version(row)  # sees to it that the run is known
            cores = self._known[row.run] = self._cores_of(self._unfolder.runs[row.run]) or {}
        return cores.get(row.organ)


class _Pass:
    """One reading of the journal, oldest row first."""

    def __init__(
        self,
        organs: dict[str, Folded],
        armed: Armed,
        unfolder: Unfolder,
        past: PastCores,
        *,
        check: bool,
    ) -> None:
        self._past = past
        self._organs = organs
        self._armed = armed
        self._unfolder = unfolder
        self._check = check
        self._market_ns = 0
        self._last: Row | None = None
        self._difference: Difference | None = None

    def _clocks(self, row: Row) -> None:
        """Note when a row was written, and whether a new process began with it."""
        last = self._last
        if last is not None and row.run != last.run:
            behind = {name for name, organ in self._organs.items() if organ.is_behind(row)}
            self._armed.carry_over(behind, last.mono_ns, row.mono_ns)
        self._last = row
        self._market_ns = max(self._market_ns, row.market_ns)

    def row(self, row: Row) -> None:
        """Take one row."""
        self._clocks(row)
        unfolder = self._unfolder
        effects = unfolder.effects(row)
        folded = self._organs.get(row.organ)
        envelope: Envelope | None
        if folded is not None and row.seq > folded.seq:
            consumed = envelope = unfolder.input(row)
            actual = folded.fold(row, consumed, self._past.of(row))
            if self._check and self._difference is None:
                self._difference = compare(row, effects, actual, unfolder)
            self._armed.step(row.seq, row.organ, row.input_id, effects)
        else:
            envelope = unfolder.pass_by(row)
        if envelope is not None and type(envelope.message) is MessageSetAside:
            self._armed.forget(envelope.message.organ, envelope.message.envelope_id)
        unfolder.said(row, effects)
        for effect in effects:
            if type(effect) is Publish and type(effect.message) is BarClosed:
                self._market_ns = max(self._market_ns, effect.message.at_ns)

    def result(self, newest: int) -> Recovery:
        """What the rows came to."""
        return Recovery(
            organs={name: self._recovered(name, organ) for name, organ in self._organs.items()},
            seq=newest,
            market_ns=self._market_ns,
            mono_ns=self._last.mono_ns if self._last is not None else 0,
            difference=self._difference,
        )

    def _recovered(self, name: str, organ: Folded) -> RecoveredOrgan:
        return RecoveredOrgan(
            state=organ.state,
            step=organ.step,
            seq=organ.seq,
            pending=tuple(e.envelope() for e in self._unfolder.pending.of(name)),
            timers=self._armed.of(name),
            seen=tuple(organ.seen),
            n_folded=organ.n_folded,
            saved=organ.saved,
        )


def compare(row: Row, recorded: Effects, actual: Effects, unfolder: Unfolder) -> Difference | None:
    """None when a step does what was recorded, byte for byte."""
    expected = row.effects if unfolder.version(row) == PAYLOAD_VERSION else encode_effects(recorded)
    if encode_effects(actual) == expected:
        return None
    return Difference(
        seq=row.seq,
        organ=row.organ,
        step=row.step,
        input_id=row.input_id,
        expected=recorded,
        actual=actual,
        recorded_by=unfolder.runs[row.run].code_version,
    )
