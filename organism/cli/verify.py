"""`organism verify`: an audit of a state folder; exit 1 on any breach."""

from pathlib import Path

import msgspec

from organism.body.past import rules_in
from organism.body.truth import venue_truth
from organism.cli.context import emit, must_exist, state_folder
from organism.cli.parser import Options
from organism.errors import OrganismError
from organism.guardian.lock import held, wait_for_body
from organism.journal.audit import quarantine
from organism.verify import Finding, VerifyReport, verify


def perform(options: Options) -> int:
    """Check chain, tip, ledger, orders, the invariants and the venue's book; or, on a person's word, set damage aside."""
    state = state_folder(options)
    must_exist(state)
    if options.quarantine is not None:
        with held(state):  # nothing may run on what is set aside
            wait_for_body(state, 0.0)
            print(quarantine(state, options.quarantine))
        return 0
    report = with_trials(verify(state, venue_truth(state), rules_of=rules_in(state)), state / "genome.db")
    if options.json:
        emit(report.as_dict())
    else:
        print(report.render())
    return 0 if report.ok else 1


def with_trials(report: VerifyReport, path: Path) -> VerifyReport:
    """The report, and what became of the count of trials in a genome store, which is only read.

    Deflated statistics rest on that count: a trial that was lost would make luck look like skill.
    """
    if not path.exists():
        return report
    from genome.trials.count import counting  # takes a second, and most folders hold no trial

    try:
        with counting(path, writable=False) as trials:
            n_damaged = trials.damaged()
    except OrganismError as error:
        n_damaged, said = 1, str(error)
    else:
        rows = "1 row" if n_damaged == 1 else f"{n_damaged:,} rows"
        verb = "is" if n_damaged == 1 else "are"
        said = f"{rows} of the count of trials in {path.name} {verb} not what was written."
    if not n_damaged:
        return msgspec.structs.replace(
            report, notes=(*report.notes, "the count of trials is what was written")
        )
    return msgspec.structs.replace(
        report,
        ok=False,
        n_findings=report.n_findings + 1,
        findings=(*report.findings, Finding("trials", said)),
    )
