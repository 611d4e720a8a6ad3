"""`organism verify`: an audit of a state folder; exit 1 on any breach."""

from organism.body.past import rules_in
from organism.body.truth import venue_truth
from organism.cli.context import emit, must_exist, state_folder
from organism.cli.parser import Options
from organism.guardian.lock import held, wait_for_body
from organism.journal.audit import quarantine
from organism.verify import verify


def perform(options: Options) -> int:
    """Check chain, tip, ledger, orders, the invariants and the venue's book; or, on a person's word, set damage aside."""
    state = state_folder(options)
    must_exist(state)
    if options.quarantine is not None:
        with held(state):  # nothing may run on what is set aside
            wait_for_body(state, 0.0)
            print(quarantine(state, options.quarantine))
        return 0
    report = verify(state, venue_truth(state), rules_of=rules_in(state))
    if options.json:
        emit(report.as_dict())
    else:
        print(report.render())
    return 0 if report.ok else 1
