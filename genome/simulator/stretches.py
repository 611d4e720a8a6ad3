"""Who does what next, when threads share the columns and genomes of one pass over a market.

The bars are passed stretch by stretch. Of each stretch first the columns are filled in, wave after wave, then every chunk
of genomes walks it. Threads never wait for all others: there are two matrices, so the columns of the next stretch are
filled in while genomes still walk this one, and a chunk goes on as soon as its own last stretch is done.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from os import cpu_count, register_at_fork
from threading import Condition
from typing import TypeVar

T = TypeVar("T")
MATRICES = 2


@dataclass(frozen=True, slots=True)
class Filling:
    """Fill `place` of `wave` over `stretch`."""

    stretch: int
    wave: int
    place: int


@dataclass(frozen=True, slots=True)
class Walking:
    """Chunk `chunk` walks `stretch`."""

    stretch: int
    chunk: int


Task = Filling | Walking


class Stretches:
    """The order of tasks; holds no lock.

    Fills of one wave may run at once, a wave needs the one before it, and all of a stretch need those of the last. A
    stretch may be filled once every chunk has left the stretch whose matrix it takes.
    """

    def __init__(self, stretches: int, waves: Sequence[int], chunks: int) -> None:
        self._stretches, self._waves = stretches, [n for n in waves if n]
        self._whole = [w for w, n in enumerate(waves) if n]
        self._walked = [0] * chunks  # stretches behind each chunk
        self._busy = [False] * chunks
        self._filled = 0 if self._waves else stretches
        self._wave = self._given = self._returned = 0

    @property
    def finished(self) -> bool:
        """Whether every chunk has walked everything."""
        return min(self._walked) >= self._stretches

    def take(self) -> Task | None:
        """A task that may begin, or None where all wait for tasks under way, or none is left."""
        if self._filled < self._stretches and self._given < self._waves[self._wave]:
            free = (
                self._filled < MATRICES or min(self._walked) > self._filled - MATRICES
            )  # its matrix is read no more
            if free:
                self._given += 1
                return Filling(self._filled, self._whole[self._wave], self._given - 1)
        last, found = self._filled, -1
        for chunk, walked in enumerate(self._walked):
            if walked < last and not self._busy[chunk]:
                last, found = walked, chunk
        if found < 0:
            return None
        self._busy[found] = True
        return Walking(last, found)

    def done(self, task: Task) -> None:
        """A task that was taken has ended."""
        if isinstance(task, Walking):
            self._busy[task.chunk] = False
            self._walked[task.chunk] += 1
            return
        self._returned += 1
        if self._returned == self._waves[self._wave]:
            self._given = self._returned = 0
            self._wave += 1
            if self._wave == len(self._waves):
                self._wave, self._filled = 0, self._filled + 1


def share(plan: Stretches, work: Callable[[Task, int], None], threads: int) -> None:
    """Do all tasks on this thread and `threads − 1` others; `work(task, thread)`. The first exception is raised again."""
    if threads == 1:
        while (task := plan.take()) is not None:
            work(task, 0)
            plan.done(task)
        return
    news, failed = Condition(), False

    def following() -> Task | None:
        """The next task, waited for; None when all is done."""
        with news:
            while not failed and not plan.finished:
                task = plan.take()
                if task is not None:
                    return task
                news.wait()
        return None

    def serve(thread: int) -> None:
        nonlocal failed
        try:
            while (task := following()) is not None:
                work(task, thread)
                with news:
                    plan.done(task)
                    news.notify_all()
        except BaseException:
            with news:
                failed = True
                news.notify_all()
            raise

    others: list[Future[None]] = [_threads().submit(serve, i) for i in range(1, threads)]
    try:
        serve(0)
    finally:
        for other in (
            others
        ):  # one that has not begun would find nothing left; one at work still writes where it was told to
            if not other.cancel():
                wait((other,))
    for other in others:
        if not other.cancelled():
            other.result()


def each(work: Callable[[int], T], n: int, threads: int) -> list[T]:
    """What `work` makes of 0 … n − 1, in order, on this thread and `threads − 1` others: whoever is free takes the next."""
    made: dict[int, T] = {}

    def do(task: Task, thread: int) -> None:
        if isinstance(task, Walking):
            made[task.chunk] = work(task.chunk)

    if n:
        share(Stretches(1, (), n), do, min(threads, n))
    return [made[i] for i in range(n)]


def parts(n: int, threads: int) -> list[slice]:
    """So many rows cut for threads; few rows are not worth cutting."""
    count = max(1, min(2 * threads, n // _FEWEST_ROWS)) if threads > 1 else 1
    return [slice(n * i // count, n * (i + 1) // count) for i in range(count)]


_FEWEST_ROWS = 64
_pool: ThreadPoolExecutor | None = None


def _threads() -> ThreadPoolExecutor:
    """Threads that wait for the next pass: starting them anew costs as much as a small one."""
    global _pool  # noqa: PLW0603
    if _pool is None:
        _pool = ThreadPoolExecutor(max(1, (cpu_count() or 1) - 1), "genome")
    return _pool


def _forget() -> None:
    global _pool  # noqa: PLW0603
    _pool = None


register_at_fork(after_in_child=_forget)
"""A forked process has the pool, but none of its threads."""
