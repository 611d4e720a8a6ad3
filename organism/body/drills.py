"""Where a person hurts a running paper body on purpose, to watch it heal: `organism drill`.

An order comes in a small file of the state folder, which only its owner may write to, and is taken once. Nothing of
this exists in a body that is armed with real money.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from organism.errors import OrganismError
from organism.journal.tip import write_atomically
from organism.messages import Envelope, Recovered

FILE: Final = "drill.json"
LOOK_S = 0.1  # between two looks for an order
STALE_S = 10.0  # an order that is older was meant for another body
HANG_S = 30.0  # how long an organ hangs that nobody replaces


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    how           "raise": an error in the organ's next step; "hang": that step does not end; "die": the feed fails;
                  "stall": the feed falls silent and seems well
    organ         whose step it is, for the first two
    given_wall_ns   when it was ordered
    """

    how: str
    organ: str
    given_wall_ns: int


class Drilled(Exception):
    """What a drill raises inside an organ."""


class Feed(Protocol):
    """The feed, as far as a drill needs it."""

    def die(self) -> None:
        """Fail before the next instant."""
        ...

    def stall(self) -> None:
        """Fall silent."""
        ...


def order(state: Path, how: str, organ: str = "") -> None:
    """Write an order down for the body that runs on a state folder."""
    text = msgspec.json.encode(Ordered(how=how, organ=organ, given_wall_ns=time.time_ns()))
    write_atomically(state / FILE, text, sync=False)


def taken(state: Path) -> bool:
    """Whether the body has taken the last order."""
    return not (state / FILE).exists()


class Drills:
    """Takes orders from the file, and strikes in front of a step."""

    def __init__(self, state: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = state / FILE
        self._feed: Callable[[], Feed | None] = lambda: None
        self._now_ns = now_ns
        self._armed: dict[str, str] = {}
        self._let_go = threading.Event()

    def watch(self, feed: Callable[[], Feed | None]) -> None:
        """Look for orders from now on, in a thread of its own. `feed`: the one that serves now, None before there is one."""
        self._feed = feed
        threading.Thread(target=self._run, name="drills", daemon=True).start()

    def look(self) -> None:
        """Take an order if there is one; what cannot be read, or is stale, is thrown away."""
        try:
            ordered = msgspec.json.decode(self._path.read_bytes(), type=Ordered)
        except FileNotFoundError:
            return
        except (OSError, ValueError):  # msgspec's errors are ValueErrors
            ordered = None
        self._path.unlink(missing_ok=True)
        if ordered is None or self._now_ns() - ordered.given_wall_ns > STALE_S * 1e9:
            return
        feed = self._feed()
        if ordered.how == "die" and feed is not None:
            feed.die()
        elif ordered.how == "stall" and feed is not None:
            feed.stall()
        elif ordered.how in {"raise", "hang"}:
            self._armed[ordered.organ] = ordered.how

    def before_step(self, organ: str, envelope: Envelope) -> None:
        """Hook of the actor shell: raise or hang, once, if that was ordered. Never in an organ's very first step."""
        if not self._armed or type(envelope.message) is Recovered:
            return
        how = self._armed.pop(organ, "")
        if how == "raise":
            raise Drilled(f"a drill made {organ} fail")
        if how == "hang":
            self._let_go.wait(HANG_S)

    def _run(self) -> None:
        while not self._let_go.wait(LOOK_S):
            try:
                self.look()
            except (OSError, OrganismError):  # a folder that refuses is told of by those who need it
                continue
