"""Start-up is recovery: snapshot, tail of the journal, and what is still to be delivered and to fire."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects
from organism.errors import JournalDamaged
from organism.journal.folding import Unfolder
from organism.journal.pending import Armed
from organism.journal.port import Journal
from organism.journal.rows import PAYLOAD_VERSION, Row, encode_effects
from organism.journal.snapshots import Snapshot, SnapshotStore
from organism.journal.upcast import Payloads
from organism.messages import BarClosed, Envelope, MessageSetAside
from organism.timers import Timer

N_SEEN = 4_096  # ids of consumed envelopes kept, as many as a living organ remembers


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
    """

    state: Any
    step: int
    seq: int
    pending: tuple[Envelope, ...]
    timers: tuple[Timer, ...]
    seen: tuple[str, ...]
    n_folded: int


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
        self.step = self.seq = self.horizon = self.n_folded = 0
        self.seen: dict[str, None] = {}
        if snapshot is not None:
            self.state = msgspec.msgpack.decode(snapshot.state, type=core.state_type)
            self.step, self.seq, self.horizon = snapshot.step, snapshot.seq, snapshot.horizon_seq
            self.seen = dict.fromkeys(snapshot.seen)

    def fold(self, row: Row, envelope: Envelope) -> Effects:
        """Take the recorded step again; return what it does now."""
        if row.step <= self.step:
            raise JournalDamaged(
                f"journal row {row.seq} is step {row.step} of {row.organ}, which had come to step {self.step}."
            )
        now = Now(row.market_ns, row.mono_ns, row.wall_ns, row.step)
        self.state, effects = self.core.step(self.state, envelope.message, now)
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
) -> Recovery:
    """Rebuild organs from their snapshots and the rows after them, in one pass. Effects are dropped.

    A snapshot that cannot be used (broken, of another form of the state, of rows the journal does not have)
    costs time, not truth. `check` compares every step folded with what was recorded.
    """
    journal.flush()
    newest = journal.tip[0]
    organs = {core.name: Folded(core, None) for core in cores}
    timers: list[Timer] = []
    if snapshots is not None:
        for name, organ in organs.items():
            loaded = _usable(snapshots, organ.core, newest)
            if loaded is not None:
                organs[name], snapshot = loaded
                timers += snapshot.timers
    unfolder = Unfolder(journal, payloads)
    armed = Armed(timers)
    market_ns, last = 0, None
    difference: Difference | None = None
    start = min([newest - 1, *(o.horizon for o in organs.values())]) if newest else 0
    for row in journal.rows(max(0, start)):
        effects = unfolder.effects(row)
        folded = organs.get(row.organ)
        if folded is not None and row.seq > folded.seq:
            envelope: Envelope | None
            consumed = envelope = unfolder.input(row)
            actual = folded.fold(row, consumed)
            if check and difference is None:
                difference = compare(row, effects, actual, unfolder)
            armed.step(row.seq, row.organ, row.input_id, effects)
        else:
            envelope = unfolder.pass_by(row)
        if envelope is not None and type(envelope.message) is MessageSetAside:
            armed.forget(envelope.message.organ, envelope.message.envelope_id)
        unfolder.said(row, effects)
        market_ns = max([market_ns, row.market_ns, *_instants(effects)])
        last = row
    return Recovery(
        organs={name: _recovered(name, organ, unfolder, armed) for name, organ in organs.items()},
        seq=newest,
        market_ns=market_ns,
        mono_ns=last.mono_ns if last is not None else 0,
        difference=difference,
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


def rebase(timers: Iterable[Timer], written_mono_ns: int, now_mono_ns: int) -> tuple[Timer, ...]:
    """Timers for a new process, whose monotonic clock may count from anywhere: what was left to wait is waited.

    written_mono_ns   `Recovery.mono_ns`
    """
    return tuple(
        msgspec.structs.replace(t, due_ns=now_mono_ns + max(0, t.due_ns - written_mono_ns))
        if t.clock == "mono"
        else t
        for t in timers
    )


def _usable(snapshots: SnapshotStore, core: OrganCore[Any], newest: int) -> tuple[Folded, Snapshot] | None:
    snapshot = snapshots.load(core.name, core.state_type, until_seq=newest)
    if snapshot is None:
        return None
    try:
        return Folded(core, snapshot), snapshot
    except msgspec.DecodeError:  # the same form, and still not readable: replaying is always right
        return None


def _recovered(name: str, organ: Folded, unfolder: Unfolder, armed: Armed) -> RecoveredOrgan:
    return RecoveredOrgan(
        state=organ.state,
        step=organ.step,
        seq=organ.seq,
        pending=tuple(e.envelope() for e in unfolder.pending.of(name)),
        timers=armed.of(name),
        seen=tuple(organ.seen),
        n_folded=organ.n_folded,
    )


def _instants(effects: Effects) -> Iterable[int]:
    for effect in effects:
        message = getattr(effect, "message", None)
        if type(message) is BarClosed:
            yield message.at_ns
