"""One recorded step as the invariants see it: what an organ read, and what it did about it.

Nothing here comes from an organ's memory. An event is made of a journal row alone, or of the step that is about to
become one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from organism.core import Now
from organism.effects import Effects, Publish
from organism.journal.rows import NO_EFFECTS, PAYLOAD_VERSION, Row, Run
from organism.journal.upcast import Payloads
from organism.messages import (
    Envelope,
    Fact,
    FeedRecovered,
    FeedStalled,
    Filled,
    MessageSetAside,
    OrderApproved,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Reconciled,
    TradingStateChanged,
)

N_UNREAD = 20_000  # messages between organs that somebody has yet to read; beyond that the oldest are let go

# What one organ says to another and some invariant wants to see *read*, not only said.
_CARRIED = frozenset({
    Filled, PortfolioMarked, OrderProposed, OrderApproved, OrderUpdated, Reconciled, FeedStalled, FeedRecovered,
    TradingStateChanged,
})  # fmt: skip


class Event(NamedTuple):
    """One step.

    read           the message consumed; None when the recording no longer holds it
    did            effects, in order
    market_ns, mono_ns   clocks of the step
    run            start of the body that recorded it
    incarnation    of the organ; 0 when not told
    row            as it lies on disk; None for a step seen as it happened
    run_digest     of the run, for the hash of `row`
    """

    seq: int
    organ: str
    step: int
    input_id: str
    read: Fact | None
    did: Effects
    market_ns: int
    mono_ns: int
    run: int = 1
    incarnation: int = 0
    row: Row | None = None
    run_digest: bytes = b""


def seen(seq: int, organ: str, envelope: Envelope, effects: Effects, now: Now) -> Event:
    """An event from what an observer of the spine is told."""
    return Event(
        seq, organ, now.step, envelope.id, envelope.message, effects, now.market_ns, now.mono_ns
    )  # fmt: skip


class Unpacker:
    """Turns rows into events, in order, and finds again what an earlier row said to the one that reads it.

    run_digest   that every hash covers; None for the digest of each row's own run, as a journal on disk has it
    """

    def __init__(self, run_digest: bytes | None = None) -> None:
        self._run_digest = run_digest
        self._payloads = Payloads()
        self._unread: dict[str, tuple[Fact, set[str]]] = {}
        self._digests: dict[int, bytes] = {}

    def event(self, row: Row, runs: Mapping[int, Run]) -> Event:
        """One row, decoded. Raises `BadInput` for a payload that this code cannot read."""
        run = runs.get(row.run)
        version = PAYLOAD_VERSION if run is None else run.payload_version
        digest = self._digests.get(row.run) if self._run_digest is None else self._run_digest
        if digest is None:
            digest = self._digests[row.run] = b"" if run is None else run.digest
        effects: Effects = ()
        if row.effects != NO_EFFECTS:
            effects = self._payloads.effects(row.effects, version)
        read: Fact | None
        if row.input:
            read = self._payloads.envelope(row.input, version).message
            if type(read) is MessageSetAside:
                self._taken(read.organ, read.envelope_id)
        else:
            read = self._taken(row.organ, row.input_id)
        for position, effect in enumerate(effects):
            if type(effect) is Publish and type(effect.message) in _CARRIED:
                self._unread[f"{row.seq}.{position}"] = (effect.message, set(effect.to))
        while len(self._unread) > N_UNREAD:
            del self._unread[next(iter(self._unread))]
        return Event(
            row.seq, row.organ, row.step, row.input_id, read, effects, row.market_ns, row.mono_ns, row.run,
            row.incarnation, row, digest,
        )  # fmt: skip

    @property
    def n_unread(self) -> int:
        """Messages between organs that not all their readers have read."""
        return len(self._unread)

    def _taken(self, organ: str, identity: str) -> Fact | None:
        """What was said to an organ under this id; let go once everybody has read it, or is rid of it."""
        found = self._unread.get(identity)
        if found is None:
            return None
        fact, readers = found
        readers.discard(organ)
        if not readers:
            del self._unread[identity]
        return fact

    def events(self, rows: Iterable[Row], runs: Mapping[int, Run]) -> Iterator[Event]:
        """Rows, decoded one by one."""
        for row in rows:
            yield self.event(row, runs)
