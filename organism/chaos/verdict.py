"""The judge of a folder after a fault: the venue's book against the journal, and every invariant."""

from pathlib import Path

from organism.body.past import rules_in
from organism.body.truth import venue_truth
from organism.chaos.outcome import Losses
from organism.verify import verify
from organism.verify.report import VerifyReport

_APART = frozenset(
    {"venue", "quantity", "cash", "phantom"}
)  # findings that are counted by a name of their own


def losses(report: VerifyReport) -> Losses:
    """What an audit found, in the five counts of the table. Whatever is not well makes one of them more than zero.

    untracked   open, executed or held at the venue, but not so in our books
    breaches    of an invariant, or anything else that an audit found wrong
    """
    n = {kind: sum(f.kind == kind for f in report.findings) for kind in ("venue", "quantity", "cash")}
    found = Losses(
        lost=report.lost,
        duplicate=report.duplicates,
        phantom=report.phantoms,
        untracked=max(0, n["venue"] - report.lost) + n["quantity"] + n["cash"] + report.unbooked,
        breaches=sum(p.breaches for p in report.invariants)
        + sum(f.kind not in _APART for f in report.findings)
        + (not report.compared),
    )
    return Losses(breaches=1) if found.none and not report.ok else found


def judged(state: Path) -> tuple[Losses, VerifyReport]:
    """Audit a folder as `organism verify` does."""
    report = verify(state, venue_truth(state), rules_of=rules_in(state))
    return losses(report), report
