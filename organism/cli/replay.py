"""`organism replay`: the journal through the same cores; exit 1 where a decision differs."""

from organism import __version__
from organism.body.anatomy import instruments_of, organ_cores
from organism.body.past import Past
from organism.cli.context import emit, must_exist, settings, state_folder
from organism.cli.parser import Options
from organism.journal.reader import Reader
from organism.journal.replay import ReplayReport, replay


def perform(options: Options) -> int:
    """Fold every row from the first one on; name the first decision that differs."""
    state = state_folder(options)
    must_exist(state)
    today = settings(options).settings
    report = replay(
        Reader(state),
        lambda: organ_cores(today, instruments_of(today), "").values(),
        until_ns=options.until,
        cores_of=Past(state).cores,
    )
    if options.json:
        emit(_document(report))
    else:
        print(_sentence(report))
    return 0 if report.ok else 1


def _document(report: ReplayReport) -> dict[str, object]:
    first = report.first_difference
    return {
        "ok": report.ok,
        "steps": report.n_steps,
        "code_versions": list(report.code_versions),
        "this_version": __version__,
        "first_difference": None
        if first is None
        else {
            "seq": first.seq,
            "organ": first.organ,
            "step": first.step,
            "input_id": first.input_id,
            "recorded": repr(first.expected),
            "now": repr(first.actual),
            "recorded_by": first.recorded_by,
        },
    }


def _sentence(report: ReplayReport) -> str:
    if report.first_difference is None:
        return f"Every decision was made again: {report.n_steps} steps, none differs."
    first = report.first_difference
    other = (
        ""
        if first.recorded_by == __version__
        else f" (recorded by version {first.recorded_by}, this is {__version__})"
    )
    return (
        f"Row {first.seq}: {first.organ}, step {first.step}, decided otherwise{other}, after {report.n_steps} equal steps.\n"
        f"  recorded: {first.expected!r}\n"
        f"  now:      {first.actual!r}"
    )
