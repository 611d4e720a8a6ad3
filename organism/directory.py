"""Stable addresses: a mailbox a name, which outlives the incarnations that serve it."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from organism.clock import Clock
from organism.errors import Fenced
from organism.mailbox import Lanes
from organism.messages import Envelope

Held = Callable[[], int]


class Activity:
    """How much is under way: envelopes delivered and not finished, and whatever else was announced with `begin`.

    held   counts what waits elsewhere and is not announced here (effects that wait for the disk)
    """

    def __init__(self, held: Held = lambda: 0) -> None:
        self.held = held
        self._condition = threading.Condition(threading.Lock())
        self._n = 0
        self._n_begun = 0
        self._n_nudges = 0
        self._waiting = 0

    @property
    def n(self) -> int:
        """Envelopes and holds under way."""
        return self._n

    def begin(self) -> None:
        """Something is under way: an envelope, a call to the venue."""
        with self._condition:
            self._n += 1
            self._n_begun += 1

    def end(self) -> None:
        """It is over, and all that it led to was begun before."""
        with self._condition:
            self._n -= 1
            if not self._n and self._waiting:
                self._condition.notify_all()

    def nudge(self) -> None:
        """Look again: what `held` counts may have changed. Call it after each commit of the journal."""
        with self._condition:
            self._n_nudges += 1
            if self._waiting:
                self._condition.notify_all()

    def wait_quiet(self, deadline_s: float, clock: Clock) -> bool:
        """Wait until nothing is under way, at most `deadline_s` monotonic seconds; say whether that came true."""
        until_ns = clock.mono_ns() + int(deadline_s * 1e9)
        while True:
            with self._condition:
                idle, begun, nudges = not self._n, self._n_begun, self._n_nudges
            # `held` may need locks under which others call `begin`, so it is asked without ours; what began
            # in between shows in the count.
            if idle and not self.held():
                with self._condition:
                    if not self._n and self._n_begun == begun:
                        return True
                continue
            left_s = (until_ns - clock.mono_ns()) / 1e9
            if left_s <= 0:
                return False
            with self._condition:
                if self._n_nudges == nudges and (idle or self._n):
                    self._waiting += 1
                    self._condition.wait(min(left_s, 0.1))
                    self._waiting -= 1


class Mailbox:
    """Three lanes behind a lock, served by one incarnation at a time.

    The message in hand stays known here until its step is recorded, so that whoever retires the incarnation
    finds it. Work is always accepted; `limit` only says when there is no more credit for the feed.
    """

    def __init__(self, name: str, *, clock: Clock, activity: Activity, limit: int = 1_000) -> None:
        self.name = name
        self.in_hand: Envelope | None = None
        self._clock = clock
        self._activity = activity
        self._limit = limit
        self._lanes = Lanes()
        self._since: deque[int] = deque()  # when each message of the work lane came
        self._condition = threading.Condition(threading.Lock())
        self._holder = 0
        self._stopping = False
        self._n_waiting = 0

    # ------------------------------------------------------------ for senders

    def put(self, envelope: Envelope) -> None:
        """File an envelope in its lane."""
        self._activity.begin()
        with self._condition:
            grew = self._file(envelope, self._lanes.put)
            if self._n_waiting:
                self._condition.notify()
        if not grew:  # it replaced an older one of its kind
            self._activity.end()

    def put_back(self, envelope: Envelope) -> None:
        """Return a message that was in hand: it is next again. It still counts as under way."""
        with self._condition:
            grew = self._file(envelope, self._lanes.put_back, first=True)
            if self._n_waiting:
                self._condition.notify()
        if not grew:  # a newer one of its kind has come
            self._activity.end()

    def put_first(self, envelope: Envelope) -> None:
        """File an envelope ahead of everything else in its lane."""
        self._activity.begin()
        self.put_back(envelope)

    @property
    def has_room(self) -> bool:
        """Whether the feed may send more work."""
        return len(self._lanes.work) < self._limit

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def conflated(self) -> int:
        """Messages that a newer one of their kind replaced before they were read."""
        return self._lanes.conflated

    def oldest_age_s(self, now_ns: int) -> float:
        """How long the oldest unread message of the work lane has waited, seconds."""
        with self._condition:
            return (now_ns - self._since[0]) / 1e9 if self._since else 0.0

    def _file(self, envelope: Envelope, put: Callable[[Envelope], None], *, first: bool = False) -> bool:
        lanes = self._lanes
        n, n_work = len(lanes), len(lanes.work)
        put(envelope)
        if len(lanes.work) != n_work:
            now_ns = self._clock.mono_ns()
            if first:
                self._since.appendleft(now_ns)
            else:
                self._since.append(now_ns)
        return len(lanes) != n

    # ------------------------------------------------------------ for the incarnation that serves it

    def take(self, incarnation: int) -> Envelope | None:
        """Wait for the next envelope and keep it in hand; None when asked to stop.

        Raises `Fenced` for an incarnation that was retired: it takes nothing any more.
        """
        with self._condition:
            while True:
                if self._holder != incarnation:
                    raise Fenced(f"{self.name} incarnation {incarnation} was retired; it takes no message.")
                if self._stopping:
                    return None
                n_work = len(self._lanes.work)
                envelope = self._lanes.take()
                if envelope is not None:
                    if len(self._lanes.work) != n_work:
                        self._since.popleft()
                    self.in_hand = envelope
                    return envelope
                self._n_waiting += 1
                try:
                    self._condition.wait()
                finally:
                    self._n_waiting -= 1

    def holds(self, incarnation: int) -> bool:
        """Whether this incarnation still serves the mailbox."""
        return self._holder == incarnation

    def finish(self, incarnation: int) -> None:
        """The message in hand is dealt with, and what it led to was delivered."""
        with self._condition:
            if self._holder != incarnation:
                raise Fenced(f"{self.name} incarnation {incarnation} was retired; it finishes nothing.")
            self.in_hand = None
        self._activity.end()

    # ------------------------------------------------------------ for the supervisor

    def hand_over(self, incarnation: int) -> None:
        """Serve this incarnation from now on."""
        with self._condition:
            self._holder = incarnation
            self._stopping = False

    def retire(self) -> Envelope | None:
        """Serve nobody from now on; return the message that was in hand, which still counts as under way."""
        with self._condition:
            self._holder = 0
            envelope, self.in_hand = self.in_hand, None
            self._condition.notify_all()
        return envelope

    def stop(self) -> None:
        """Ask whoever serves it to stop, ahead of everything that waits."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def discard(self) -> None:
        """A message that was in hand is not put back: it is no longer under way."""
        self._activity.end()


class Directory:
    """Organ name → mailbox. Names stay, whoever serves them."""

    def __init__(
        self, names: Iterable[str], *, clock: Clock, activity: Activity | None = None, limit: int = 1_000
    ) -> None:
        self.activity = activity or Activity()
        self._mailboxes = {
            name: Mailbox(name, clock=clock, activity=self.activity, limit=limit) for name in names
        }

    def __getitem__(self, name: str) -> Mailbox:
        return self._mailboxes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._mailboxes

    def __iter__(self) -> Iterator[Mailbox]:
        return iter(self._mailboxes.values())

    def deliver(self, name: str, envelope: Envelope) -> None:
        """Put an envelope into an organ's mailbox; in an anatomy without that organ nobody listens."""
        mailbox = self._mailboxes.get(name)
        if mailbox is not None:
            mailbox.put(envelope)

    def has_room(self, *names: str) -> bool:
        """Whether all these mailboxes (all there are, when none is named) have credit for the feed."""
        chosen = [self._mailboxes[name] for name in names] if names else self._mailboxes.values()
        return all(mailbox.has_room for mailbox in chosen)
