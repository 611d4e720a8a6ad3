"""What the rest of the body may ask of a journal, and the simplest one that keeps the promise: in memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from organism.core import Now
from organism.effects import Effects
from organism.errors import Fenced
from organism.journal.rows import (
    GENESIS,
    PAYLOAD_VERSION,
    Row,
    Run,
    encode_effects,
    encode_envelope,
    seal,
)
from organism.messages import Envelope


class Readable(Protocol):
    """Rows and runs of a journal, whoever writes it."""

    def rows(self, after_seq: int = 0) -> Iterator[Row]:
        """Rows with a greater sequence number, in order, durable ones only."""
        ...

    def runs(self) -> Mapping[int, Run]:
        """Every start of the body that wrote rows, by number."""
        ...


class Journal(Protocol):
    """An append-only record of steps. What is durable is always a prefix of what was recorded."""

    @property
    def namespace(self) -> str:
        """Random name of this journal, part of every client order id."""
        ...

    @property
    def tip(self) -> tuple[int, bytes]:
        """Sequence number and digest of the newest recorded row."""
        ...

    @property
    def durable_seq(self) -> int:
        """Highest sequence number that survives a power cut."""
        ...

    def begin_incarnation(self, organ: str) -> int:
        """Fence every earlier incarnation of `organ` and return the next number, durably, rising for ever."""
        ...

    def record(
        self,
        organ: str,
        incarnation: int,
        step: int,
        envelope: Envelope,
        effects: Effects,
        now: Now,
    ) -> int:
        """Append one step and return its sequence number at once; durability follows.

        Raises `Fenced` when `incarnation` is not the current one, `JournalUnwritable` after a failed commit.
        """
        ...

    def on_durable(self, listener: Callable[[int], None]) -> None:
        """Call `listener(seq)` after each commit, from the thread that committed."""
        ...

    def flush(self) -> None:
        """Return when everything recorded so far is durable."""
        ...

    def rows(self, after_seq: int = 0) -> Iterator[Row]:
        """Rows with a greater sequence number, in order, flushed ones only."""
        ...

    def runs(self) -> Mapping[int, Run]:
        """Every start of the body that wrote rows, by number."""
        ...

    def close(self) -> None:
        """Flush and let go of the file."""
        ...


class MemoryJournal:
    """A journal for tests and simulations that outlives nothing."""

    def __init__(self, namespace: str = "memory", run: int = 1) -> None:
        self.namespace = namespace
        self._run = run
        self._rows: list[Row] = []
        self._digest = GENESIS
        self._incarnations: dict[str, int] = {}
        self._listeners: list[Callable[[int], None]] = []
        self.durable_seq = 0

    @property
    def tip(self) -> tuple[int, bytes]:
        """Sequence number and digest of the newest row."""
        return len(self._rows), self._digest

    def begin_incarnation(self, organ: str) -> int:
        """Return the next incarnation; earlier ones are fenced from here on."""
        number = self._incarnations.get(organ, 0) + 1
        self._incarnations[organ] = number
        return number

    def record(
        self,
        organ: str,
        incarnation: int,
        step: int,
        envelope: Envelope,
        effects: Effects,
        now: Now,
    ) -> int:
        """Append one step."""
        if self._incarnations.get(organ) != incarnation:
            raise Fenced(f"{organ} incarnation {incarnation} was retired; the step was not recorded.")
        seq = len(self._rows) + 1
        data = encode_envelope(envelope) if envelope.is_external else b""
        encoded = encode_effects(effects)
        digest = seal(
            self._digest, seq, self._run, organ, incarnation, step, envelope.id,
            now.market_ns, now.mono_ns, now.wall_ns, data, encoded,
        )  # fmt: skip
        self._rows.append(
            Row(
                seq,
                self._run,
                organ,
                incarnation,
                step,
                envelope.id,
                now.market_ns,
                now.mono_ns,
                now.wall_ns,
                data,
                encoded,
                digest,
            )
        )
        self._digest = digest
        return seq

    def on_durable(self, listener: Callable[[int], None]) -> None:
        """Call `listener(seq)` at each flush."""
        self._listeners.append(listener)

    def flush(self) -> None:
        """Declare everything durable."""
        seq = len(self._rows)
        if seq != self.durable_seq:
            self.durable_seq = seq
            for listener in self._listeners:
                listener(seq)

    def rows(self, after_seq: int = 0) -> Iterator[Row]:
        """Rows after a sequence number."""
        return iter(self._rows[after_seq:])

    def runs(self) -> Mapping[int, Run]:
        """The one run."""
        return {self._run: Run(self._run, 0, "", "", 0, PAYLOAD_VERSION, "", self.namespace)}

    def close(self) -> None:
        """Nothing to let go of."""
        self.flush()
