"""`organism config explain`: each setting, its value, where it came from, what it means."""

import sys
from pathlib import Path

from organism.cli.context import emit, settings, state_folder
from organism.cli.parser import Options
from organism.config import explain
from organism.errors import OrganismError
from organism.guardian.lock import LOCK, FolderLock
from organism.journal.reader import Reader


def perform(options: Options) -> int:
    """Print them, section by section."""
    loaded = settings(options)
    _tell_of_another(state_folder(options), loaded.hash)
    rows = explain(loaded)
    if options.json:
        emit([row._asdict() for row in rows])
        return 0
    section = ""
    width = max(len(row.key) for row in rows) + 2
    for row in rows:
        head = row.key.partition(".")[0] if "." in row.key else ""
        if head != section:
            section = head
            print(f"\n[{section}]")
        print(f"{row.key:<{width}}{row.value}  ({row.source})")
        print(f"{'':<{width}}{row.doc}")
    return 0


def _tell_of_another(state: Path, name: str) -> None:
    """Say so when the organism that is running lives by other settings: it keeps those it was started with."""
    if not FolderLock(state / LOCK).is_held():
        return
    try:
        runs = Reader(state).runs()
    except OrganismError:
        return  # what is wrong with a journal is for `organism verify` to say
    if runs and runs[max(runs)].settings_hash != name:
        print(
            f"The organism running on {state} was started with other settings than these (a file, a variable or a flag "
            "differs); these hold after `organism stop` and `organism start`.",
            file=sys.stderr,
        )
