"""What a breach is, the names of the twelve invariants, and the memory every judgement needs."""

from collections import deque
from typing import Generic, TypeVar

import msgspec

V = TypeVar("V")

TITLES = {
    "I1": "intent first",
    "I2": "once",
    "I3": "fills are the position",
    "I4": "equity identity",
    "I5": "acknowledged is durable",
    "I6": "unknown is not failed",
    "I7": "only legal transitions",
    "I8": "fail closed",
    "I9": "limits at the gate",
    "I10": "no secret in a row",
    "I11": "deterministic",
    "I12": "bounded",
}
# Twice what motor keeps of what has ended. A busy body at ten times the speed has filled it within a minute: what grows
# longer than that is no window.
N_KEPT = 512  # ended orders, fills and the like that are remembered; what lives is never forgotten


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant that did not hold.

    invariant   "I1" to "I12"
    text        one sentence: what was expected and what was seen
    seq         journal row where it showed; 0 when it is in no row
    subject     order (intent) id, symbol, fill key or organ that it is about, "" when it is about none
    """

    invariant: str
    text: str
    seq: int
    subject: str = ""

    @property
    def identity(self) -> str:
        """Names this breach, however often the same rows are judged."""
        return f"{self.invariant}:{self.seq}:{self.subject}"


Breaches = tuple[Breach, ...]
NONE: Breaches = ()


class Kept(Generic[V]):
    """Values by id, of which only those that have ended are ever forgotten, the oldest first.

    So memory stays bounded by what lives at one time, however long a life lasts.
    """

    __slots__ = ("_ended", "_most", "_values")

    def __init__(self, most_ended: int | None = None) -> None:
        self._values: dict[str, V] = {}
        self._ended: deque[str] = deque()
        self._most = N_KEPT if most_ended is None else most_ended

    def __len__(self) -> int:
        return len(self._values)

    def get(self, identity: str) -> V | None:
        """The value, None when it is not known (any more)."""
        return self._values.get(identity)

    def put(self, identity: str, value: V) -> V:
        """Remember it."""
        self._values[identity] = value
        return value

    def end(self, identity: str) -> None:
        """It has ended: it may be forgotten once enough others have ended after it."""
        self._ended.append(identity)
        if len(self._ended) > self._most:
            self._values.pop(self._ended.popleft(), None)


class Newest:
    """The newest N of a stream of ids."""

    __slots__ = ("_known", "_most")

    def __init__(self, most: int | None = None) -> None:
        self._known: dict[str, None] = {}
        self._most = N_KEPT if most is None else most

    def __contains__(self, identity: str) -> bool:
        return identity in self._known

    def add(self, identity: str) -> None:
        """Remember one more, and forget the oldest when there are too many."""
        known = self._known
        known[identity] = None
        if len(known) > self._most:
            del known[next(iter(known))]


class Lasting(Generic[V]):
    """Tells a difference when it appears or changes, not each time it is seen again."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[str, V] = {}

    def is_new(self, subject: str, difference: V) -> bool:
        """Whether this difference has not been told yet."""
        if self._said.get(subject) == difference:
            return False
        self._said[subject] = difference
        return True

    def over(self, subject: str) -> None:
        """There is no difference (any more)."""
        if self._said:
            self._said.pop(subject, None)
