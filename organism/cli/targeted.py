"""`organism strategy pause|resume|retire ID` and `organism position close|bar|allow SYMBOL`: commands for one of several."""

import difflib
from pathlib import Path

from organism.cli.context import state_folder
from organism.cli.operator import give
from organism.cli.parser import Options
from organism.errors import BadInput, OrganismError
from organism.view.reader import ViewReader

_WORDS = {"resume": "wake"}
"""What a person calls it, where another command has the name already."""


def perform(options: Options) -> int:
    """Give the command for what is there; a name that nobody knows is refused while it can still be corrected."""
    state = state_folder(options)
    command = _WORDS.get(options.action, options.action)
    known = strategies(state) if options.command == "strategy" else instruments(state)
    if known and options.target not in known:
        close = difflib.get_close_matches(options.target, known, 1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There is {', '.join(sorted(known)[:8])}."
        raise BadInput(f"there is no {options.command} {options.target[:80]!r} here. {hint}")
    return give(
        state,
        command,
        options.note,
        options.wait,
        said=f"{options.command} {options.action}",
        target=options.target,
    )


def strategies(state: Path) -> set[str]:
    """Genome ids that the view knows; empty where there is no view."""
    return _column(state, "strategies", "genome_id")


def instruments(state: Path) -> set[str]:
    """Symbols that the view has seen a price or a position of."""
    return _column(state, "marks", "symbol") | _column(state, "positions", "symbol")


def _column(state: Path, table: str, column: str) -> set[str]:
    try:
        return {str(row[column]) for row in ViewReader(state / "view.db").table(table, 5_000)}
    except OrganismError:
        return set()
