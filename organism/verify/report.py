"""What an audit says, for people and for scripts."""

from decimal import Decimal
from typing import Any

import msgspec

from organism.verify.promises import Promise

_SHOWN = 40  # findings printed for a person; --json has more


class Finding(msgspec.Struct, frozen=True):
    """One breach.

    kind   chain, ledger, order, fill, phantom, venue, quantity, cash or trials
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
    invariants     I1 to I12, each judged from the rows alone
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
    invariants: tuple[Promise, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON. `unexplained_quantity` is the sum of |unexplained| over instruments: 0 is healthy."""
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        found["unexplained_quantity"] = float(sum(map(abs, self.unexplained.values()))) or 0
        found["unexplained"] = {symbol: format(q, "f") for symbol, q in self.unexplained.items()}
        found["cash_difference"] = format(self.cash_difference, "f")
        found["findings"] = [{"kind": f.kind, "text": f.text, "seq": f.seq} for f in self.findings]
        found["notes"] = list(self.notes)
        found["invariants"] = {p.invariant: _as_dict(p) for p in self.invariants}
        return found

    def render(self) -> str:
        """For a person: the verdict first."""
        broken = [p.invariant for p in self.invariants if p.holds is False]
        verdict = "Everything holds" if self.ok else f"{self.n_findings} breaches"
        if broken:
            verdict += f", {', '.join(broken)} broken"
        beside = "" if self.compared else " (without the venue's book: there is none)"
        size = (
            f"{self.events:,} journal rows, {self.orders:,} orders ({self.open_orders} open), "
            f"{self.fills:,} fills, {self.marks:,} marks"
        )
        counts = (
            f"chain {self.chain}, {self.duplicates} duplicates, {self.phantoms} phantoms, {self.lost} lost, "
            f"{self.in_flight} under way, unexplained quantity {self.as_dict()['unexplained_quantity']:g}."
        )
        lines = [f"{verdict}: {size}{beside}.", counts, *map(_line, self.invariants)]
        for promise in self.invariants:
            lines += [f"  {b.invariant:9} {f'row {b.seq}: ' if b.seq else ''}{b.text}" for b in promise.found]
        for finding in self.findings[:_SHOWN]:
            where = f"row {finding.seq}: " if finding.seq is not None else ""
            lines.append(f"  {finding.kind:9} {where}{finding.text}")
        if self.n_findings > _SHOWN:
            lines.append(f"  … and {self.n_findings - min(_SHOWN, len(self.findings))} more")
        lines += [f"  note: {text}" for text in self.notes]
        return "\n".join(lines)


def _as_dict(promise: Promise) -> dict[str, Any]:
    found = [{"seq": b.seq, "subject": b.subject, "text": b.text} for b in promise.found]
    return {
        **{n: getattr(promise, n) for n in ("title", "holds", "judged", "breaches", "note")},
        "found": found,
    }


def _line(promise: Promise) -> str:
    word = {True: "holds", False: f"BROKEN, {promise.breaches} times", None: "not judged"}[promise.holds]
    times = f", judged {promise.judged:,} times" if promise.judged else ""
    note = f" ({promise.note})" if promise.note else ""
    return f"  {promise.invariant:4} {promise.title:24} {word}{times}{note}"
