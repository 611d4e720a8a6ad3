"""Named points at which a drill kills this process, to prove that no moment is a bad one to die in.

Armed by the environment only, `ORGANISM_CRASH_AT="after_send:3"`: SIGKILL when the body reaches that point for the
third time. Not armed, nothing of this is in anybody's way.
"""

import os
import signal
from collections.abc import Callable, MutableMapping
from typing import Final, Self

from organism.core import Now
from organism.effects import Effect, Effects, Publish, VenueSubmit
from organism.errors import BadInput
from organism.messages import Envelope, Filled, Message, OrderApproved, SubmitAnswered
from organs.motor.paper.port import Backend

VARIABLE: Final = "ORGANISM_CRASH_AT"
POINTS: Final = (
    "before_intent",  # motor is about to step on an approved order
    "after_intent",  # the intent is recorded, not yet durable, nothing has left
    "before_send",  # the intent is durable, the venue knows nothing
    "after_send",  # the venue has the order, its answer was not delivered
    "after_reply",  # the answer is in motor's mailbox
    "on_fill",  # a fill is recorded, not yet durable, nobody was told
    "after_commit",  # a group of rows is durable, what waited for it was not done
    "during_recovery",  # the journal is folded, nothing was delivered again yet
)


def _kill(point: str, n: int) -> None:
    """End as a power cut would: no handler runs, nothing is flushed."""
    os.write(2, f"drill: killed at {point} ({n})\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


class CrashPoints:
    """Counts how often one point is reached, and strikes the n-th time."""

    def __init__(self, point: str, n: int, strike: Callable[[str, int], None] = _kill) -> None:
        if point not in POINTS or n < 1:
            raise BadInput(
                f"{VARIABLE} wants one of {', '.join(POINTS)}, a colon and a number from 1; was '{point}:{n}'."
            )
        self.point = point
        self._n = n
        self._n_reached = 0
        self._strike = strike

    @classmethod
    def taken(cls, environ: MutableMapping[str, str]) -> Self | None:
        """Take the order out of the environment, so that no child inherits it; None when there is none.

        >>> CrashPoints.taken({}) is None
        True
        >>> environ = {"ORGANISM_CRASH_AT": "after_send:3"}
        >>> CrashPoints.taken(environ).point, environ
        ('after_send', {})
        """
        text = environ.pop(VARIABLE, "")
        if not text:
            return None
        point, _, n = text.partition(":")
        return cls(point, int(n) if n.isdecimal() else 0)

    def reached(self, point: str) -> None:
        """Strike if this is the point, and the time."""
        if point == self.point:
            self._n_reached += 1
            if self._n_reached == self._n:
                self._strike(point, self._n)

    # ------------------------------------------------------------------ where the body passes them

    def before_step(self, organ: str, envelope: Envelope) -> None:
        """Hook of the actor shell."""
        if organ == "motor" and type(envelope.message) is OrderApproved:
            self.reached("before_intent")

    def observe(self, _seq: int, organ: str, _envelope: Envelope, effects: Effects, _now: Now) -> None:
        """Observer of the spine: the row is recorded, nothing of it was performed."""
        if organ != "motor":
            return
        for effect in effects:
            if type(effect) is VenueSubmit:
                self.reached("after_intent")
            elif type(effect) is Publish and type(effect.message) is Filled:
                self.reached("on_fill")

    def durable(self, _seq: int) -> None:
        """Listener of the journal; must be its first, so that what waited for the commit was not done."""
        self.reached("after_commit")

    def delivered(self, message: Message) -> None:
        """An answer of the venue was put into motor's mailbox."""
        if type(message) is SubmitAnswered:
            self.reached("after_reply")

    def around(self, backend: Backend) -> Backend:
        """A venue with a point on either side of every order."""
        return _Around(backend, self)


class _Around:
    def __init__(self, backend: Backend, points: CrashPoints) -> None:
        self._backend = backend
        self._points = points

    def handle(self, effect: Effect, sent_ns: int) -> Message | None:
        """Perform a request."""
        if type(effect) is not VenueSubmit:
            return self._backend.handle(effect, sent_ns)
        self._points.reached("before_send")
        message = self._backend.handle(effect, sent_ns)
        self._points.reached("after_send")
        return message

    def close(self) -> None:
        """Let go of the venue."""
        self._backend.close()
