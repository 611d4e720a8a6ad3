"""`organism data SUBCOMMAND`: which there are, and what all of them take.

A sub-command is a module here with NAME, SUMMARY, EXAMPLE, `declare(parser)` for its own options and
`perform(options)`. It is imported for `--help` too, so whatever is heavy it imports inside `perform`.
"""

import argparse
from pathlib import Path
from typing import Any

from organism.cli.data import candled, check, fetch, imported, known, listed, universe

_COMMANDS: tuple[Any, ...] = (listed, fetch, imported, candled, check, universe, known)


def declare(parser: argparse.ArgumentParser) -> None:
    """Give `organism data` its sub-commands."""
    actions = parser.add_subparsers(
        dest="action", metavar="SUBCOMMAND", required=True, parser_class=type(parser)
    )
    for command in _COMMANDS:
        one = actions.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.SUMMARY,
            epilog=f"Example: {command.EXAMPLE}",
            allow_abbrev=False,
        )
        # Said again, so that they may stand after the sub-command; what stood before it is kept.
        one.add_argument(
            "--state", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="folder of run-time data"
        )
        one.add_argument(
            "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="settings, TOML"
        )
        one.add_argument("--lake", type=Path, metavar="DIR", help="folder of the lake; default STATE/lake")
        one.add_argument("--json", action="store_true", help="one JSON document")
        command.declare(one)
        one.set_defaults(perform=command.perform, parser=one)
