"""What an audit says, for people and for scripts."""

from decimal import Decimal
from typing import Any

import msgspec

_SHOWN = 40  # findings printed for a person; --json has more


class Finding(msgspec.Struct, frozen=True):
    """One breach.

    kind   chain, ledger, order, fill, phantom, venue, quantity or cash
    seq    journal row where it shows, None when it is in no single row
    """

    kind: str
    text: str
    seq: int | None = None


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a state folder.

    events         journal rows examined
    orders, fills  in the journal, each counted once
    duplicates     fills told twice, intents executed or approved twice
    phantoms       orders and fills that only one side knows
    lost           executions at the venue that will not reach the journal any more
    in_flight      executions at the venue that are on their way into it
    unexplained    venue quantity − what fills make, by symbol
    chain          "ok", or "damaged"
    compared       whether the venue's book was there to compare with
    """

    ok: bool
    events: int
    orders: int
    open_orders: int
    fills: int
    marks: int
    duplicates: int
    phantoms: int
    lost: int
    in_flight: int
    unbooked: int
    unexplained: dict[str, Decimal]
    cash_difference: Decimal
    chain: str
    first_bad_seq: int | None
    tip_seq: int
    compared: bool
    n_findings: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON. `unexplained_quantity` is the sum of |unexplained| over instruments: 0 is healthy."""
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        found["unexplained_quantity"] = float(sum(map(abs, self.unexplained.values()))) or 0
        found["unexplained"] = {symbol: format(q, "f") for symbol, q in self.unexplained.items()}
        found["cash_difference"] = format(self.cash_difference, "f")
        found["findings"] = [{"kind": f.kind, "text": f.text, "seq": f.seq} for f in self.findings]
        found["notes"] = list(self.notes)
        return found

    def render(self) -> str:
        """For a person: the verdict first."""
        verdict = "Everything holds" if self.ok else f"{self.n_findings} breaches"
        beside = "" if self.compared else " (without the venue's book: there is none)"
        size = (
            f"{self.events:,} journal rows, {self.orders:,} orders ({self.open_orders} open), "
            f"{self.fills:,} fills, {self.marks:,} marks"
        )
        counts = (
            f"chain {self.chain}, {self.duplicates} duplicates, {self.phantoms} phantoms, {self.lost} lost, "
            f"{self.in_flight} under way, unexplained quantity {self.as_dict()['unexplained_quantity']:g}."
        )
        lines = [f"{verdict}: {size}{beside}.", counts]
        for finding in self.findings[:_SHOWN]:
            where = f"row {finding.seq}: " if finding.seq is not None else ""
            lines.append(f"  {finding.kind:9} {where}{finding.text}")
        if self.n_findings > _SHOWN:
            lines.append(f"  … and {self.n_findings - min(_SHOWN, len(self.findings))} more")
        lines += [f"  note: {text}" for text in self.notes]
        return "\n".join(lines)
