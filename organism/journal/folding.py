"""Rows back into messages: what each step consumed, and what it said to whom."""

from collections.abc import Mapping

from organism.effects import Effects, Publish
from organism.errors import JournalDamaged
from organism.journal.pending import Pending
from organism.journal.port import Readable
from organism.journal.rows import Row, Run
from organism.journal.upcast import Payloads
from organism.messages import Envelope, MessageSetAside


class Emitted:
    """A message on its way to one organ; the envelope is made when somebody asks for it."""

    __slots__ = ("effect", "index", "row")

    def __init__(self, row: Row, index: int, effect: Publish) -> None:
        self.row = row
        self.index = index
        self.effect = effect

    def envelope(self) -> Envelope:
        """The envelope that the spine delivered."""
        row = self.row
        return Envelope(
            f"{row.seq}.{self.index}",
            row.organ,
            row.incarnation,
            row.market_ns,
            row.input_id,
            self.effect.message,
        )


class Unfolder:
    """Reads rows in order and knows what is pending. Rows before the first one read are looked up when needed."""

    def __init__(self, journal: Readable, payloads: Payloads | None = None) -> None:
        self._journal = journal
        self._payloads = payloads or Payloads()
        self._runs: dict[int, Run] = dict(journal.runs())
        self.pending: Pending[Emitted] = Pending()

    @property
    def runs(self) -> Mapping[int, Run]:
        """Every run that wrote rows."""
        return self._runs

    def version(self, row: Row) -> int:
        """Payload version of a row."""
        run = self._runs.get(row.run)
        if run is None:
            self._runs = dict(self._journal.runs())
            run = self._runs.get(row.run)
        if run is None:
            raise JournalDamaged(
                f"journal row {row.seq} belongs to run {row.run}, which table runs does not know."
            )
        return run.payload_version

    def effects(self, row: Row) -> Effects:
        """What a row's step did."""
        return self._payloads.effects(row.effects, self.version(row))

    def input(self, row: Row) -> Envelope:
        """The envelope a row consumed, wherever it came from."""
        waiting = self.pending.consumed(row.organ, row.input_id)
        if waiting is not None:
            return waiting.envelope()
        return self._external(row) or self._look_up(row)

    def pass_by(self, row: Row) -> Envelope | None:
        """Note what a row consumed without looking far for it; return it when it came from outside."""
        self.pending.consumed(row.organ, row.input_id)
        return self._external(row)

    def _external(self, row: Row) -> Envelope | None:
        if not row.input:
            return None
        envelope = self._payloads.envelope(row.input, self.version(row))
        if type(envelope.message) is MessageSetAside:  # nobody will consume that one any more
            self.pending.consumed(envelope.message.organ, envelope.message.envelope_id)
        return envelope

    def said(self, row: Row, effects: Effects) -> None:
        """Note what a row said to others."""
        for index, effect in enumerate(effects):
            if type(effect) is Publish:
                emitted = Emitted(row, index, effect)
                kind = type(effect.message)
                for receiver in effect.to:
                    self.pending.emitted(receiver, f"{row.seq}.{index}", kind, emitted)

    def _look_up(self, row: Row) -> Envelope:
        """Find an input that an earlier row emitted."""
        seq, _, index = row.input_id.partition(".")
        if seq.isdigit() and index.isdigit() and 0 < int(seq) < row.seq:
            emitter = next(self._journal.rows(int(seq) - 1))
            effects = self.effects(emitter)
            if int(index) < len(effects):
                effect = effects[int(index)]
                if type(effect) is Publish:
                    return Emitted(emitter, int(index), effect).envelope()
        raise JournalDamaged(
            f"journal row {row.seq} of {row.organ} consumed message {row.input_id}, which no row before it emitted."
        )
