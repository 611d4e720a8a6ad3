"""`organism doctor`: what is wrong with this machine, and what to do about it."""

from organism.cli.context import emit, settings, state_folder
from organism.cli.parser import Options
from organism.doctor import diagnose

_MARKS = {True: "ok     ", False: "WRONG  ", None: "note   "}


def perform(options: Options) -> int:
    """Print findings; exit 1 when something is wrong."""
    findings = diagnose(settings(options).settings, state_folder(options))
    if options.json:
        emit([{"ok": f.ok, "what": f.what, "detail": f.detail, "next_step": f.next_step} for f in findings])
    else:
        for finding in findings:
            print(f"{_MARKS[finding.ok]}{finding.what}: {finding.detail}")
            if finding.ok is not True and finding.next_step:
                print(f"       → {finding.next_step}")
    return int(any(f.ok is False for f in findings))
