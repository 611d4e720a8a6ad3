"""Auditing a state folder: whether the journal is whole, the books add up, and the venue agrees.

Nothing is believed that can be computed again: positions and cash are the sum of fills, an order's life is the
sequence of its updates, and the venue's own book has the last word.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from organism.errors import OrganismError
from organism.invariants import Rules
from organism.journal.audit import audit
from organism.journal.reader import newest, read_rows, read_runs_of
from organism.market import Instrument
from organism.verify.agreement import Agreement
from organism.verify.examiner import Examiner
from organism.verify.promises import Promise, Promises, RulesOf
from organism.verify.report import Finding, VerifyReport
from organism.verify.truth import VenueTruth

__all__ = [
    "Agreement",
    "Examiner",
    "Finding",
    "Promise",
    "Promises",
    "RulesOf",
    "VenueTruth",
    "VerifyReport",
    "conclude",
    "verify",
]


def verify(
    state_dir: Path,
    venue_truth: Callable[[], VenueTruth] | None = None,
    *,
    instruments: tuple[Instrument, ...] = (),
    rules_of: RulesOf | None = None,
) -> VerifyReport:
    """Audit a state folder, of a stopped body or of a living one. Reads only; a breach is reported, not raised.

    venue_truth   reads the venue's own book; None leaves that comparison out, and the report says so
    instruments   for contracts whose multiplier is not 1, and base currencies that the symbol does not tell
    rules_of      the limits and instruments that a run was set up with; without it I9 is not judged
    """
    folder = Path(state_dir)
    examiner = Examiner(instruments)
    # The venue first, then the journal: whatever the venue knew by then was durable before it was sent.
    earlier = venue_truth() if venue_truth is not None else None
    chain = audit(folder)
    given = Rules(instruments={i.symbol: i for i in instruments})
    promises = Promises(chain.first_seq, rules_of, given)
    for sentence in chain.details:
        examiner.finds("chain", sentence, chain.first_bad_seq)
        promises.damaged(sentence, chain.first_bad_seq)
    try:
        runs = read_runs_of(folder)
        examiner.begin(chain.first_seq)
        for row in read_rows(folder, max(0, chain.first_seq - 1), newest(folder)):
            examiner.examine(row, runs)
            promises.see(row, runs)
    except OrganismError as error:
        if chain.ok:
            examiner.finds("chain", str(error), None)
            promises.damaged(str(error), None)
        examiner.note(f"rows from {examiner.seq + 1} on could not be examined")
    examiner.finish()
    agreement = None
    if earlier is not None and venue_truth is not None:
        agreement = Agreement(examiner, earlier, again=venue_truth)
        agreement.compare()
    return conclude(
        examiner,
        agreement,
        chain_ok=chain.ok,
        first_bad_seq=chain.first_bad_seq,
        tip_seq=chain.tip_seq,
        invariants=promises.report(),
    )


def conclude(
    examiner: Examiner,
    agreement: Agreement | None,
    *,
    chain_ok: bool,
    first_bad_seq: int | None,
    tip_seq: int,
    invariants: tuple[Promise, ...] = (),
) -> VerifyReport:
    """Put what was found into a report."""
    orders = examiner.orders
    return VerifyReport(
        ok=chain_ok and not examiner.n_findings and all(p.holds is not False for p in invariants),
        events=examiner.n_rows,
        orders=len(orders.traces),
        open_orders=sum(trace.is_open for trace in orders.traces.values()),
        fills=len(orders.fills),
        marks=examiner.ledger.n_marks,
        duplicates=orders.n_duplicates,
        phantoms=agreement.n_phantoms if agreement else 0,
        lost=agreement.n_lost if agreement else 0,
        in_flight=agreement.n_in_flight if agreement else 0,
        unbooked=examiner.n_unbooked,
        unexplained=agreement.unexplained if agreement else {},
        cash_difference=agreement.cash_difference if agreement else Decimal(0),
        chain="ok" if chain_ok else "damaged",
        first_bad_seq=first_bad_seq,
        tip_seq=tip_seq,
        compared=agreement is not None,
        n_findings=examiner.n_findings,
        findings=tuple(examiner.findings),
        notes=tuple(examiner.notes),
        invariants=invariants,
    )
