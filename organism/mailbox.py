"""Three lanes: control first, then work in order, then the newest of each conflated kind."""

from collections import deque

from organism.messages import CONFLATED, CONTROL, Envelope

_CONTROL = frozenset(CONTROL)
_CONFLATED = frozenset(CONFLATED)


class Lanes:
    """What a mailbox holds, without locks: the lockstep driver uses it bare, actors behind a condition.

    Work is never dropped and never conflated. `conflated` counts messages that a newer one replaced.
    """

    __slots__ = ("conflated", "control", "latest", "work")

    def __init__(self) -> None:
        self.control: deque[Envelope] = deque()
        self.work: deque[Envelope] = deque()
        self.latest: dict[type, Envelope] = {}
        self.conflated = 0

    def __len__(self) -> int:
        return len(self.control) + len(self.work) + len(self.latest)

    def put(self, envelope: Envelope) -> None:
        """File an envelope in its lane."""
        kind = type(envelope.message)
        if kind in _CONTROL:
            self.control.append(envelope)
        elif kind in _CONFLATED:
            self.conflated += kind in self.latest
            self.latest[kind] = envelope
        else:
            self.work.append(envelope)

    def put_back(self, envelope: Envelope) -> None:
        """Return the message in hand to the head of its lane: it is next again."""
        kind = type(envelope.message)
        if kind in _CONTROL:
            self.control.appendleft(envelope)
        elif kind in _CONFLATED:
            self.latest.setdefault(kind, envelope)
        else:
            self.work.appendleft(envelope)

    def take(self) -> Envelope | None:
        """Next envelope, or None."""
        if self.control:
            return self.control.popleft()
        if self.work:
            return self.work.popleft()
        if self.latest:
            return self.latest.pop(next(iter(self.latest)))
        return None
