"""One pass over the journal's rows: what the organs did, judged by rules of its own."""

import re
from collections.abc import Mapping

from organism.effects import Publish, VenueSubmit
from organism.journal.rows import PAYLOAD_VERSION, Row, Run
from organism.journal.upcast import Payloads
from organism.market import Instrument
from organism.messages import (
    AlertRaised,
    Filled,
    Message,
    OrderApproved,
    OrderUpdated,
    PortfolioMarked,
    QueryAnswered,
    Recovered,
)
from organism.trading import Fill
from organism.verify.books import Ledger
from organism.verify.orders import Orders
from organism.verify.report import Finding

MOST_FINDINGS = 200
DUST = "dust:"
# Rows without any of these need not be decoded. Tags are class names, so they stand in the bytes as they are.
_TELLING = re.compile(b"OrderApproved|OrderUpdated|Filled|PortfolioMarked|VenueSubmit|dust:")
_READ = re.compile(b"QueryAnswered|Recovered")
_SPEAKER = {
    OrderApproved: "immune", OrderUpdated: "motor", Filled: "motor", PortfolioMarked: "metabolism",
}  # fmt: skip


class Examiner:
    """Reads rows in order. `begin` first, `finish` last."""

    def __init__(self, instruments: tuple[Instrument, ...] = ()) -> None:
        self.instruments = instruments
        self.seq = 0
        self.n_rows = 0
        self.market_ns = 0
        self.findings: list[Finding] = []
        self.n_findings = 0
        self.notes: list[str] = []
        self.n_unbooked = 0
        self.orders = Orders(self.finds)
        self.ledger = Ledger(instruments, self.finds)
        self._payloads = Payloads()
        self._told: dict[str, Fill] = {}  # by envelope id, until metabolism has read it
        self._newest_read = (0, 0)

    def begin(self, first_seq: int) -> None:
        """Say where the journal begins; beyond row 1 its beginning is kept elsewhere."""
        if first_seq > 1:
            self.orders.partial = self.ledger.partial = True
            self.note(f"rows before {first_seq} are not here: what they began is taken for granted")

    def finds(self, kind: str, text: str, seq: int | None) -> None:
        """Record a breach."""
        self.n_findings += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, text, seq))

    def note(self, text: str) -> None:
        """Record something worth knowing that is no breach."""
        self.notes.append(text)

    def examine(self, row: Row, runs: Mapping[int, Run]) -> None:
        """Judge one row."""
        self.seq, self.n_rows = row.seq, self.n_rows + 1
        self.market_ns = max(self.market_ns, row.market_ns)
        if row.organ == "metabolism":
            self._read_by_metabolism(row.input_id)
        run = runs.get(row.run)
        version = PAYLOAD_VERSION if run is None else run.payload_version
        if row.organ == "motor" and row.input and (version != PAYLOAD_VERSION or _READ.search(row.input)):
            self._read_by_motor(self._payloads.envelope(row.input, version).message)
        if version == PAYLOAD_VERSION and not _TELLING.search(row.effects):
            return
        for position, effect in enumerate(self._payloads.effects(row.effects, version)):
            if type(effect) is VenueSubmit:
                if row.organ != "motor":
                    self.finds("order", f"{row.organ} sent an order; only motor may.", row.seq)
                self.orders.submitted(effect, row.seq)
            elif type(effect) is Publish:
                self._said(row, position, effect)

    def finish(self) -> None:
        """Judge what only the end can tell."""
        self.orders.finish()
        for envelope_id, fill in self._told.items():
            if _place(envelope_id) < self._newest_read:
                self.finds(
                    "ledger", f"fill {fill.key} was never booked; later ones were.", _place(envelope_id)[0]
                )
            else:
                self.n_unbooked += 1
        if self.n_unbooked:
            self.note(f"{self.n_unbooked} fills at the end are told and not yet booked")

    def _said(self, row: Row, position: int, effect: Publish) -> None:
        message = effect.message
        speaker = _SPEAKER.get(type(message))
        if speaker is not None and speaker != row.organ:
            self.finds("order", f"{row.organ} said {type(message).__name__}; only {speaker} may.", row.seq)
        match message:
            case PortfolioMarked():
                self.ledger.mark(message, row.seq)
            case OrderApproved():
                self.orders.approved(message, row.seq)
            case OrderUpdated():
                self.orders.updated(message, row.seq)
            case Filled(fill=fill):
                if self.orders.filled(fill, row.seq):
                    if "metabolism" in effect.to:
                        self._told[f"{row.seq}.{position}"] = fill
                    else:
                        self.finds("ledger", f"fill {fill.key} was not told to metabolism.", row.seq)
            case AlertRaised(dedup_key=key) if row.organ == "metabolism" and key.startswith(DUST):
                self.ledger.books.write_off(key.removeprefix(DUST))
            case _:
                pass

    def _read_by_metabolism(self, envelope_id: str) -> None:
        fill = self._told.pop(envelope_id, None)
        if fill is None:  # not a fill, or one that was read before: it counts once
            return
        self._newest_read = max(self._newest_read, _place(envelope_id))
        self.ledger.books.book(fill)

    def _read_by_motor(self, message: Message) -> None:
        if type(message) is Recovered:
            self.orders.recovered()
        elif (
            type(message) is QueryAnswered
            and message.answered
            and message.order is None
            and not message.fills
        ):
            self.orders.absent(message.client_order_id, message.asked_mono_ns)


def _place(envelope_id: str) -> tuple[int, int]:
    seq, _, position = envelope_id.partition(".")
    return int(seq), int(position)
