"""From a recorded effect to the paper venue and back: at once in lockstep, on a thread of its own when alive."""

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from organism.effects import Effect, VenueCancel, VenueSubmit
from organism.errors import without_frames
from organism.lockstep import Lockstep
from organism.market import NS_PER_S, Instrument
from organism.messages import Message
from organism.settings import PaperSettings
from organism.spine import Origin
from organs.motor.paper.book import PaperBook
from organs.motor.paper.faults import ReplyFaults
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.venue import PaperVenue


class LockstepPaperPort:
    """Answers within the step that asked; the driver's faults lose and delay what it says."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._driver: Lockstep | None = None
        self._venue = PaperVenue(exchange, mono_ns=self._now)

    def bind(self, driver: Lockstep) -> None:
        """Answer through this driver."""
        self._driver = driver

    def perform(self, effect: Effect, origin: Origin) -> None:
        """Perform one request."""
        if self._driver is None:
            raise RuntimeError("the port is used before a driver was bound to it")
        self._driver.answer(self._venue.handle(effect, self._driver.mono_ns), origin)

    def _now(self) -> int:
        return self._driver.mono_ns if self._driver is not None else 0


class Backend(Protocol):
    """A venue in this process, or a connection to one in another."""

    def handle(self, effect: Effect, sent_ns: int) -> Message | None:
        """Perform a request; None when no answer came."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Local:
    """The venue in this process, over its durable book."""

    def __init__(
        self,
        settings: PaperSettings,
        instruments: tuple[Instrument, ...],
        path: Path,
        seed: int,
        *,
        durability: str = "full",
    ) -> None:
        exchange = PaperExchange(settings, instruments, seed=seed)
        self._book = PaperBook(path, durability=durability)
        self._book.load(exchange)
        self._venue = PaperVenue(exchange, self._book)

    def handle(self, effect: Effect, sent_ns: int) -> Message | None:
        """Perform a request."""
        return self._venue.handle(effect, sent_ns)

    def close(self) -> None:
        """Close the book."""
        self._book.close()


Reply = Callable[[Message, Origin], None]
Request = tuple[Effect, Origin, int]


class LivePaperPort:
    """Requests in the order they were recorded, one at a time, on one thread; nobody waits for it.

    is_current    (organ, incarnation): a request of a retired incarnation does not leave
    began, ended  called around every request, so that the body knows what is under way
    """

    def __init__(
        self,
        connect: Callable[[], Backend],
        *,
        reply: Reply,
        is_current: Callable[[str, int], bool],
        began: Callable[[], None],
        ended: Callable[[], None],
        faults: ReplyFaults | None = None,
    ) -> None:
        self.busy_since: float | None = None
        self.last_error: BaseException | None = None
        self._connect = connect
        self._backend: Backend | None = None
        self._reply = reply
        self._is_current = is_current
        self._began, self._ended = began, ended
        self._strike = (faults or ReplyFaults()).striker()
        # Not a SimpleQueue, whose `get` may outlast its timeout for ever when a signal comes (before Python 3.13).
        self._requests: queue.Queue[Request | None] = queue.Queue()
        self._waiting_since: dict[int, int] = {}
        self._late: list[tuple[int, int, Message, Origin]] = []
        self._n_late = itertools.count()
        self._thread: threading.Thread | None = None

    def perform(self, effect: Effect, origin: Origin) -> None:
        """Take a request; returns at once."""
        self._began()
        sent_ns = time.monotonic_ns()
        self._waiting_since[id(origin)] = sent_ns
        self._requests.put((effect, origin, sent_ns))

    def oldest_pending_s(self) -> float:
        """Age of the oldest request without an answer, seconds."""
        since = min(list(self._waiting_since.values()), default=0)
        return (time.monotonic_ns() - since) / 1e9 if since else 0.0

    # -------------------------------------------------------------- supervision

    def start(self) -> None:
        """Begin; what waits is performed first."""
        self.last_error = None
        self._thread = threading.Thread(target=self._run, name="venue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End once what waits has been performed; returns at once."""
        self._requests.put(None)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Let go of the venue."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _run(self) -> None:
        try:
            if self._backend is None:
                self._backend = self._connect()
            while (request := self._next()) is not None:
                self.busy_since = time.monotonic()
                try:
                    self._perform(self._backend, *request)
                finally:
                    self._waiting_since.pop(id(request[1]), None)
                    self._ended()
                    self.busy_since = None
        except BaseException as error:  # noqa: BLE001 - whatever ended the thread, its supervisor must hear of it
            # The venue may have decided what its book does not hold: the next thread reads the book again.
            self.close()
            self.last_error = without_frames(error)

    def _next(self) -> Request | None:
        """The next request, delivering late answers meanwhile."""
        while self._late:
            wait_s = (self._late[0][0] - time.monotonic_ns()) / NS_PER_S
            if wait_s <= 0:
                _, _, message, origin = heapq.heappop(self._late)
                self._reply(message, origin)
                continue
            try:
                return self._requests.get(timeout=wait_s)
            except queue.Empty:
                continue
        return self._requests.get()

    def _perform(self, backend: Backend, effect: Effect, origin: Origin, sent_ns: int) -> None:
        acts = type(effect) in {VenueSubmit, VenueCancel}
        if acts and not self._is_current(origin.organ, origin.incarnation):
            return
        struck = self._strike(effect)
        if struck.how == "request":
            return
        message = backend.handle(effect, sent_ns)
        if message is None or struck.how == "reply":
            return
        if struck.how == "late":
            due_ns = time.monotonic_ns() + int(struck.delay_s * NS_PER_S)
            heapq.heappush(self._late, (due_ns, next(self._n_late), message, origin))
            return
        self._reply(message, origin)
