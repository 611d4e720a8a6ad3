"""The words of a command line as options, and what is said of those that nobody knows."""

import argparse
import difflib
import re

from organism.cli.parser import Options, build


def understood(words: list[str]) -> Options | None:
    """The options that `words` ask for; None where they name no command, and help was printed.

    Exits with 2 and one sentence for what cannot be understood. An option that nobody knows is refused by the command
    it was given to: argparse by itself would point at the help of the whole.
    """
    whole = build()
    options, rest = whole.parse_known_args(words)
    command: argparse.ArgumentParser = getattr(options, "parser", whole)
    if rest:
        known = re.findall(r"--[a-z-]+", command.format_usage())
        close = difflib.get_close_matches(rest[0].partition("=")[0], known, 1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        command.error(f"`{command.prog}` knows no {rest[0][:80]!r}{hint}")
    if options.command is None:
        whole.print_help()
        return None
    return options
