"""`organism halt|reduce|resume|flatten|hibernate`: a command with who and why, journalled before it acts."""

import getpass
from pathlib import Path

from organism.cli.context import state_folder
from organism.cli.parser import Options
from organism.commands import CommandsDb
from organism.errors import BadInput


def perform(options: Options) -> int:
    """Give the command; wait a little for the body to answer. A body that is down applies it first of all."""
    state = state_folder(options)
    hours = getattr(options, "hours", None)
    if hours is not None and not 0.0 < hours <= 24 * 365:
        raise BadInput(f"--hours must be above 0 and at most a year; was {hours:g}.")
    return give(state, options.command, options.note, options.wait, said=options.command, hours=hours)


def give(
    state: Path,
    command: str,
    note: str,
    wait_s: float,
    *,
    said: str,
    hours: float | None = None,
    target: str = "",
) -> int:
    """Write it down, wait a little for the answer, and say what came of it. said: as the person typed it.

    Raises `BadInput` where there is no such folder: who halts by a mistyped name must not believe that it is done.
    """
    if not state.is_dir():
        raise BadInput(
            f"there is no folder {state}, so no organism is there and nothing was done. Name the right one with --state."
        )
    commands = CommandsDb(state / "commands.db")
    number = commands.give(command, _operator(), note, hours, target)
    answer = commands.wait_acknowledged(number, wait_s)
    if answer is not None:
        print(f"{said}: {answer}")
    else:
        print(
            f"{said}: noted as command {number}. No body answered within {wait_s:g} s; "
            f"it is applied before anything trades again."
        )
    return 0


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
