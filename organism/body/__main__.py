"""`python -m organism.body`: the body process, a child of the guardian.

Exit status: 0 after an orderly stop, 2 where only a person can help (bad input, a damaged journal), 70 a
supervisor gave up, 1 anything else that only a new process can answer (an unwritable journal, above all).
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from organism.body.allocator import keep_small
from organism.body.ending import Ending, StopAsked
from organism.config import Loaded, load, without_channels
from organism.errors import BadInput, JournalDamaged, OrganismError, StateBusy, no_room
from organism.guardian.lock import BodyLock
from organism.heartbeat import Heart, dump_tracebacks_to
from organism.kept import changed_since, started_with
from organism.logs import setup

LOCK_S = 10.0  # longest wait for a body that is just ending

log = logging.getLogger("body")


def main(arguments: list[str]) -> int:
    """Live until told to stop."""
    parser = argparse.ArgumentParser(prog="organism.body")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument(
        "--settings", help="hash of kept settings, to live by instead of what the others say now"
    )
    parser.add_argument("--safe", action="store_true")
    options = parser.parse_args(arguments)
    ending, heart = Ending(), Heart()
    try:
        ending.listen()
        heart.watch_parent(ending.ask)
    except (RuntimeError, MemoryError, OSError) as error:
        sys.stderr.write(f"organism: {no_room(error)}\n")
        return 1
    try:
        loaded = _read(options) if options.settings is None else started_with(options.state, options.settings)
        _live(options, loaded._replace(settings=without_channels(loaded.settings)), ending, heart)
    except StopAsked:
        log.info("stopped while starting")
    except BadInput as error:
        if isinstance(error, StateBusy) and ending.is_asked():
            return 0  # it was still waiting for the body before it
        print(f"organism: {error}", file=sys.stderr)
        return error.exit_code
    except JournalDamaged as error:
        # Another process would find the same damage: restarting does not help, so nobody should try.
        log.critical("%s", error)
        return BadInput.exit_code
    except OrganismError as error:
        log.critical("%s", error)
        return error.exit_code
    return 0


def _read(options: argparse.Namespace) -> Loaded:
    overrides = dict(text.split("=", 1) for text in options.set)
    return load(options.config, os.environ, overrides, state=options.state)


def _live(options: argparse.Namespace, loaded: Loaded, ending: Ending, heart: Heart) -> None:
    state: Path = options.state
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    setup("body", state)
    if options.settings is not None and (said := changed_since(options.settings, lambda: _read(options))):
        log.warning("%s", said)
    with _held(state, ending):
        ending.dump_to(dump_tracebacks_to(state / "log" / "tracebacks.log"))
        # Importing the organs takes a while; the guardian hears the first beat when they live.
        from organism.body.crashpoints import CrashPoints
        from organism.body.drills import Drills
        from organism.body.live import Body

        crash = CrashPoints.taken(os.environ)
        drills = Drills(state) if loaded.settings.mode == "paper" else None  # nobody plays with real money
        ending.refuse()
        body = Body(
            loaded, state, safe=options.safe, heart=heart.beat, crash=crash, has_to_stop=ending.is_asked,
            before_step=None if drills is None else drills.before_step, waking=heart.waking,
        )  # fmt: skip
        if drills is not None:
            drills.watch(lambda: body.feed.feed if hasattr(body, "feed") else None)
        body.run()


@contextlib.contextmanager
def _held(state: Path, ending: Ending) -> Iterator[None]:
    lock = BodyLock(state)
    lock.hold(wait_s=LOCK_S, has_to_stop=ending.is_asked)
    try:
        yield
    finally:
        lock.let_go()


if __name__ == "__main__":
    keep_small()
    try:
        status = main(sys.argv[1:])
    except Exception:
        log.critical("the body ended by an unexpected error", exc_info=True)
        status = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # A hung thread that was written off must not keep a body from ending.
    os._exit(status)
