"""A feed as a supervised child: a thread that paces market instants and waits until each has been digested."""

import threading
import time
from collections.abc import Callable, Iterator

from organism.errors import without_frames
from organism.messages import BarsArrived, FeedReported
from organs.nervous.state import Cursor

# The thread looks at its orders, and beats, at least this often, seconds.
_LOOK_S = 0.2
# Further behind than this the feed does not catch up by bursts: it goes on from here, seconds.
_LAG_S = 1.0

Source = Callable[[Cursor | None], Iterator[BarsArrived]]


class FeedBroken(Exception):
    """A feed was told to die, by a test or by a fault drill."""


class LiveFeed:
    """Plays a source in real time.

    source    makes the iterator, strictly after a cursor
    bar_s     market seconds between two instants
    speed     market seconds per second; 0 means as fast as credit allows. Warm-up is never paced
    credit    waits up to so many seconds; True once the instant before has been digested
    deliver   takes an instant; called from this thread
    report    takes a `FeedReported`; called from this thread
    after     where to go on; later starts go on after the last instant that was delivered

    `start` may be called again after a death. `stall`, `die` and `corrupt` exist for drills.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        *,
        bar_s: float,
        speed: float,
        credit: Callable[[float], bool],
        deliver: Callable[[BarsArrived], None],
        report: Callable[[FeedReported], None],
        after: Cursor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.cursor = after
        self.last_error: BaseException | None = None
        self.beat_s = monotonic()
        self.n_delivered = 0
        self._source = source
        self._pause_s = bar_s / speed if speed > 0 else 0.0
        self._credit = credit
        self._deliver = deliver
        self._report = report
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._stalled = threading.Event()
        self._dying = threading.Event()
        self._corruption: Callable[[Iterator[BarsArrived]], Iterator[BarsArrived]] | None = None
        self._thread: threading.Thread | None = None
        self._n_starts = 0

    # -------------------------------------------------------------- supervision

    def start(self) -> None:
        """Begin, or begin again after the last delivered instant."""
        if self.is_alive:
            return
        self._n_starts += 1
        self._stop = threading.Event()
        self._dying.clear()
        self.last_error = None
        self.beat_s = self._monotonic()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name=f"feed-{self.name}", daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End in order; return whether the thread is gone. One that is not is retired: it delivers nothing more."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
            return not thread.is_alive()
        return thread is None

    @property
    def is_alive(self) -> bool:
        """Whether the current thread runs and was not told to stop."""
        return self._thread is not None and self._thread.is_alive() and not self._stop.is_set()

    # -------------------------------------------------------------- drills

    def stall(self) -> None:
        """Fall silent until `unstall`; the thread stays alive and beats."""
        self._stalled.set()

    def unstall(self) -> None:
        """Speak again."""
        self._stalled.clear()

    def die(self) -> None:
        """Raise `FeedBroken` before the next instant."""
        self._dying.set()

    def corrupt(self, lie: Callable[[Iterator[BarsArrived]], Iterator[BarsArrived]] | None) -> None:
        """Pass instants through `lie` from the next start on (None: tell the truth again)."""
        self._corruption = lie

    # -------------------------------------------------------------- the thread

    def _run(self, stop: threading.Event) -> None:
        try:
            self._report(
                FeedReported(feed=self.name, condition="restarted" if self._n_starts > 1 else "connected")
            )
            self._play(stop)
        except BaseException as error:  # noqa: BLE001 - whatever ended the thread, its supervisor must hear of it
            self.last_error = without_frames(error)
            if not stop.is_set():
                detail = f"{type(error).__name__}: {error}"
                self._report(FeedReported(feed=self.name, condition="failed", detail=detail))

    def _play(self, stop: threading.Event) -> None:
        instants = self._followed(self._source(self.cursor))
        if self._corruption is not None:
            instants = self._corruption(instants)
        due_s = self._monotonic()
        for instant in instants:
            while not self._credit(_LOOK_S):
                self._beat()
                if stop.is_set():
                    return
            if not instant.warmup:
                due_s = max(due_s + self._pause_s, self._monotonic() - _LAG_S)
            if not self._wait_until(due_s, stop):
                return
            self._deliver(instant)
            self.n_delivered += 1

    def _wait_until(self, due_s: float, stop: threading.Event) -> bool:
        """Wait for the time, and for a stall to end; False when told to stop."""
        while not stop.is_set():
            self._beat()
            left_s = due_s - self._monotonic()
            if self._stalled.is_set():
                left_s = _LOOK_S / 10
            elif left_s <= 0.0:
                return True
            stop.wait(min(left_s, _LOOK_S))
        return False

    def _beat(self) -> None:
        self.beat_s = self._monotonic()
        if self._dying.is_set():
            raise FeedBroken(f"feed {self.name} was told to die")

    def _followed(self, instants: Iterator[BarsArrived]) -> Iterator[BarsArrived]:
        """Move the cursor once an instant has been delivered; what a drill does to it later does not matter."""
        for instant in instants:
            yield instant
            cursor = self.cursor
            same = cursor is not None and (cursor.feed, cursor.session) == (instant.feed, instant.session)
            origin_ns = cursor.origin_ns if same and cursor is not None else instant.at_ns
            self.cursor = Cursor(
                feed=instant.feed, session=instant.session, at_ns=instant.at_ns, origin_ns=origin_ns
            )
