"""`python -m organs.voice.sender --state DIR [--config FILE]`: deliver alerts until the guardian closes its pipe."""

import argparse
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from organism import logs
from organism.config import load
from organism.errors import OrganismError
from organism.heartbeat import Heart, leave_tracebacks
from organism.redaction import Redactor
from organs.voice.sender.channel import resolve
from organs.voice.sender.courier import Limits
from organs.voice.sender.post import PostOffice
from organs.voice.sender.relay import Relay, sinks_of

log = logging.getLogger(__name__)
TURN_S = 0.1
LINGER_S, LONGEST_FLUSH_S = 1.0, 3.0  # after the pipe closed: others are still saying their last
PARENT = "ORGANISM_PARENT_FD"


def main(arguments: list[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run until told to stop; 0, or 2 with one sentence when the settings cannot be used."""
    environ = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(prog="organs.voice.sender", description="Deliver alerts of the journal.")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument("--config", type=Path, metavar="FILE")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C reaches the whole group; the guardian decides, and its pipe tells us
    parent = _parent(environ)
    heart = Heart()
    signal.signal(signal.SIGINT, signal.SIG_IGN if parent is not None else lambda *_: stop.set())
    redact = Redactor()
    try:
        overrides = dict(text.split("=", 1) for text in options.set)
        settings = load(options.config, environ, overrides, state=options.state).settings
        voice = settings.voice
        running = logs.setup("sender", options.state, redact)
        leave_tracebacks(options.state, "sender")
    except (OrganismError, ValueError, OSError) as error:
        sys.stderr.write(f"sender: {redact(str(error))}\n")
        return getattr(error, "exit_code", 2)
    targets = resolve(voice.channels, environ, redact)
    for target in targets:
        if target.problem:
            log.error("channel %r cannot be used: %s", target.name, target.problem)
    relay = Relay(options.state, sinks_of(settings.logs, environ, redact), redact)
    office = PostOffice(options.state, targets, Limits(voice.attempts, voice.total_deadline_s), redact)
    log.info("delivering to %d channels", len(targets))
    relay.start()
    try:
        serve(office, stop, parent, heart.beat)
    finally:
        office.close()
        relay.close()
        running.close()
    return 0


def serve(
    office: PostOffice, stop: threading.Event, parent: int | None, beat: Callable[[], None] = lambda: None
) -> None:
    """Turn until `stop` is set or the pipe closes; then a little longer, so that the last words leave.

    beat   called before each turn, about ten times a second
    """
    while not stop.is_set() and not _closed(parent):
        beat()
        office.turn()
        office.note_results(wait_s=TURN_S)
    ended = time.monotonic()
    while (waited := time.monotonic() - ended) < LONGEST_FLUSH_S and (waited < LINGER_S or office.carrying):
        beat()
        office.turn()
        office.note_results(wait_s=TURN_S)


def _parent(environ: Mapping[str, str]) -> int | None:
    text = environ.get(PARENT, "")
    return int(text) if text.isdigit() else None


def _closed(parent: int | None) -> bool:
    """Whether the guardian let go of its end."""
    if parent is None:
        return False
    try:
        readable, _, _ = select.select([parent], [], [], 0)
        return bool(readable) and os.read(parent, 4096) == b""
    except (OSError, ValueError):
        return True


if __name__ == "__main__":
    sys.exit(main())
