"""`python -m organism.body.venue`: the paper venue as a process of its own, a child of the guardian.

Like a real exchange it outlives the body: whoever kills the body cannot touch the venue's book.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from organism.body.anatomy import instruments_of
from organism.config import load
from organism.errors import OrganismError
from organism.heartbeat import Heart, leave_tracebacks
from organism.kept import started_with
from organism.logs import setup
from organs.motor.paper.server import Server
from organs.motor.paper.wire import Setup


def main(arguments: list[str]) -> int:
    """Serve until the guardian closes its pipe, or is gone."""
    parser = argparse.ArgumentParser(prog="organism.body.venue")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument(
        "--settings", help="hash of kept settings, to live by instead of what the others say now"
    )
    options = parser.parse_args(arguments)
    try:
        if options.settings is None:
            given = dict(text.split("=", 1) for text in options.set)
            settings = load(options.config, os.environ, given, state=options.state).settings
        else:
            settings = started_with(options.state, options.settings).settings
        setup("venue", options.state)
        leave_tracebacks(options.state, "venue")
        server = Server(
            options.state,
            Setup(
                settings=settings.paper,
                instruments=instruments_of(settings),
                seed=settings.seed,
                durability=settings.journal.durability,
            ),
        )
    except OrganismError as error:
        print(f"organism: {error}", file=sys.stderr)
        return error.exit_code
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    heart = Heart()
    heart.watch_parent(server.stop)
    server.run(heart.beat)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
