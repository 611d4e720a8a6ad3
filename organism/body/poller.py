"""`python -m organism.body.poller`: values of context, asked for while the body lives; a child of the guardian.

It may be killed at any moment, and hang in a library without the body noticing. It writes `STATE/lake`, the shared budgets
and `poller.json`, and is given no variable of the environment that could hold a key: everything it asks for is public.

Exit status: 0 told to end, 2 where only a person can help.
"""

import argparse
import logging
import os
import random
import resource
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from organism.body.aside import Life
from organism.errors import OrganismError
from organism.heartbeat import Heart, leave_tracebacks
from organism.kept import started_with
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.client import Exchange
from organism.lake.fetching.shared import ALONE, Clock
from organism.lake.fetching.shared import FOLDER as BUDGETS
from organism.lake.names import FOLDER
from organism.lake.polling.feeds import DEADLINE_S, FearGreed, Feed, Funding
from organism.lake.polling.poller import Poller
from organism.lake.polling.told import perpetuals
from organism.lake.store import Lake
from organism.logs import setup
from organism.settings import Settings

HANG_S = 600.0  # one question may list a venue's markets, page by page, and wait for the budget
MOST_BYTES = 1 << 30
_NICE = 10
_PATIENCE = Patience(call_s=DEADLINE_S, block_s=20.0)


def main(arguments: list[str]) -> int:
    """Ask until the guardian closes its pipe, or is gone."""
    parser = argparse.ArgumentParser(prog="organism.body.poller")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--settings", required=True, help="hash of kept settings")
    options = parser.parse_args(arguments)
    heart, life = Heart(), Life(HANG_S)
    heart.beat()
    heart.watch_parent(life.end_soon)
    threading.Thread(target=life.beat, args=(heart,), name="beat", daemon=True).start()
    with suppress(OSError):
        # Behind the body, but not idle: a deadline counts also while somebody else has the processor.
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    with suppress(OSError, ValueError):
        # A library reads an answer to its end, however long it is: a stranger must not fill the machine the body lives on.
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    try:
        settings = started_with(options.state, options.settings).settings
        setup("poller", options.state)
        leave_tracebacks(options.state, "poller")
        clock = Clock(wait=life.stopping.wait)
        feeds = feeds_of(settings, options.state, clock)
        Poller(feeds, options.state, clock=clock, chance=random.SystemRandom(), moved=life.moved).live(
            life.stopping.wait
        )
    except OrganismError as error:
        sys.stderr.write(f"organism: poller: {error}\n")
        return error.exit_code
    finally:
        life.ended.set()
    return 0


def feeds_of(settings: Settings, state: Path, clock: Clock) -> Sequence[Feed]:
    """What the settings ask for. Nothing is asked yet."""
    wanted, endpoint = settings.context, settings.history.endpoint
    lake = Lake(state / FOLDER, now_us=clock.wall_us)
    every_us = int(wanted.every_s * 1e6)
    budgets = state / BUDGETS
    found: list[Feed] = []
    if wanted.fear_greed:
        found.append(
            FearGreed(
                lake, folder=budgets, clock=clock, share=lambda: ALONE, every_us=every_us, endpoint=endpoint
            )
        )
    instruments = perpetuals(settings)
    if instruments:
        venue = Exchange(
            wanted.funding_venue, folder=budgets, clock=clock, share=lambda: ALONE, patience=_PATIENCE,
            endpoint=endpoint,
        )  # fmt: skip
        found += [
            Funding(lake, venue, one, every_us=every_us, n_symbols=len(instruments)) for one in instruments
        ]
    return found


if __name__ == "__main__":
    status = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
