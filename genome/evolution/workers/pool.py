"""An evaluator of many processes: a flock is cut, judged in parts, and put together again.

A genome's score depends on the genome and the data alone, so it does not matter how a flock is cut, who judges which part,
or how often a part is begun anew because its worker died. A part that kills its workers is halved until the genome that
does it stands alone; that one is judged by no number.
"""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

import numpy as np

from genome.breeding.flat import Flock
from genome.evolution.judge import Local
from genome.evolution.ports import Scores
from genome.evolution.workers import wire
from genome.evolution.workers.shelf import put
from genome.evolution.workers.worker import FULL
from organism.errors import BadInput, OrganismError

MOST_WORKERS: Final = 256
_TRIES: Final = 2
_FEWEST: Final = 32  # genomes in a part: fewer share too few columns
_PARTS: Final = 2  # a worker; who is done early takes another
_FAREWELL_S: Final = 5.0
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
Log = Callable[[str], None]


class WorkersFailed(OrganismError):
    """No worker can be started, or none lives long enough to judge anything."""


@dataclass(slots=True)
class Pool:
    """Judges by worker processes; use it in a `with`, or `close` it. Numbers are those of `local`, to the last bit.

    local      what would judge in this process: data, costs, slice
    workers    how many processes; 1 also keeps a crash of the simulator away from who asks
    threads    of each; None shares the cores among the workers
    nice       priority of the workers, 0 to 19; 10 and more beside a living body
    memory_mb  a worker that has grown beyond is replaced after its answer
    limit_s    for one part; who takes longer is killed, as if it had died
    tell       hears of every worker that was replaced for a fault, in a sentence
    module     what a worker runs
    """

    local: Local
    workers: int = 1
    threads: int | None = None
    nice: int = 0
    memory_mb: float = 800.0
    limit_s: float = 600.0
    tell: Log = field(default=lambda _: None)
    module: str = "genome.evolution.workers.worker"
    deaths: int = field(init=False, default=0)
    _folder: Path = field(init=False)
    _free: "SimpleQueue[_Worker]" = field(init=False, default_factory=SimpleQueue)
    _all: "list[_Worker]" = field(init=False, default_factory=list)
    _threads: ThreadPoolExecutor = field(init=False)
    _closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Lay the markets out for the workers; they start with the first flock."""
        if not 1 <= self.workers <= MOST_WORKERS:
            raise BadInput(
                f"workers were {self.workers}; give 1 to {MOST_WORKERS}, as many as there are cores."
            )
        if not 0 <= self.nice <= 19:  # noqa: PLR2004 - what the kernel knows
            raise BadInput(f"the priority of workers was nice {self.nice}; it is 0 to 19.")
        if not self.memory_mb > 0.0 or not self.limit_s > 0.0:
            raise BadInput(
                f"workers were given {self.memory_mb:g} MB and {self.limit_s:g} s; both are positive."
            )
        if self.threads is None:
            self.threads = max(1, (os.cpu_count() or 1) // self.workers)
        self._folder = Path(tempfile.mkdtemp(prefix="genome-workers-"))
        local = self.local
        try:
            put(self._folder, local.cut, local.costs, local.capital, local.fewest_trades)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._all = [_Worker(self._command()) for _ in range(self.workers)]
        for worker in self._all:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(self.workers, "genome-pool")

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", self.module, str(self._folder), "--threads", str(self.threads),
            "--nice", str(self.nice), "--memory-mb", f"{self.memory_mb:g}",
        ]  # fmt: skip

    @property
    def data(self) -> str:
        """What genomes are judged by."""
        return self.local.data

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that were started."""
        return [worker.pid for worker in self._all if worker.pid]

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self.close()

    def close(self) -> None:
        """End the workers, whatever they are at, and clear up. What was not judged is not."""
        if self._closed:
            return
        self._closed = True
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __call__(self, flock: Flock) -> Scores:
        """Scores of every genome of a flock, in its order. Raises `WorkersFailed` where nobody can judge."""
        if self._closed:
            raise WorkersFailed("the workers have ended; open another pool to judge genomes.")
        n = len(flock)
        if n == 0:
            return self.local.unjudged(0)
        n_parts = 1 if self.workers == 1 else max(1, min(n // _FEWEST, _PARTS * self.workers))
        edges = [n * i // n_parts for i in range(n_parts + 1)]
        parts = [flock.take(np.arange(a, b)) for a, b in itertools.pairwise(edges)]
        shares = _Shares(n_parts, self.workers)
        futures: list[Future[list[tuple[int, Scores]]]] = [
            self._threads.submit(self._served, parts, shares) for _ in range(min(self.workers, n_parts))
        ]
        found = dict(itertools.chain.from_iterable(future.result() for future in futures))
        return joined([found[i] for i in range(n_parts)])

    def _served(self, parts: list[Flock], shares: "_Shares") -> list[tuple[int, Scores]]:
        """What a worker that is free makes of its parts, and then of others'."""
        worker, found = self._free.get(), []
        try:
            whose = self._all.index(worker)
            while (part := shares.next(whose)) is not None:
                found.append((part, self._part(worker, parts[part])))
        finally:
            self._free.put(worker)
        return found

    def _part(self, worker: "_Worker", flock: Flock) -> Scores:
        for attempt in range(1, _TRIES + 1):
            found = self._asked(worker, flock)
            if found is not None:
                return found
            if self._closed:
                raise WorkersFailed("the workers were ended while they judged.")
            self.deaths += 1
            self.tell(
                f"a worker died over {len(flock)} genomes ({worker.last}); attempt {attempt} of {_TRIES}"
            )
        if len(flock) == 1:
            self.tell("one genome kills whoever judges it; it is judged by no number")
            return self.local.unjudged(1)
        half = len(flock) // 2
        one, other = flock.take(np.arange(half)), flock.take(np.arange(half, len(flock)))
        return joined([self._part(worker, one), self._part(worker, other)])

    def _asked(self, worker: "_Worker", flock: Flock) -> Scores | None:
        arrays = worker.ask((flock.tokens, flock.values, flock.offsets, flock.genes), self.limit_s)
        if arrays is None:
            return None
        values, violations, returns, days, trades = arrays
        return Scores(values, violations, returns, days, trades)


def joined(parts: list[Scores]) -> Scores:
    """Scores of one flock, from those of its parts in order."""
    if len(parts) == 1:
        return parts[0]
    return Scores(
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.violations for p in parts]),
        np.concatenate([p.returns for p in parts]),
        parts[0].days,
        np.concatenate([p.trades for p in parts]),
    )


class _Shares:
    """Who judges which part next.

    The same worker begins with the same share of every flock: its genomes descend from those there a generation ago, whose
    slow columns it has kept. Who is done takes the last part of whoever has most before him.
    """

    def __init__(self, parts: int, workers: int) -> None:
        edges = [parts * w // workers for w in range(workers + 1)]
        self._left = [deque(range(a, b)) for a, b in itertools.pairwise(edges)]
        self._lock = threading.Lock()

    def next(self, worker: int) -> int | None:
        """A part nobody else gets, or None where all are given out."""
        with self._lock:
            if self._left[worker]:
                return self._left[worker].popleft()
            most = max(self._left, key=len)
            return most.pop() if most else None


class _Worker:
    """A place for a process: started when asked, again after it died. One thread at a time asks."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self.last = "it was not started"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def ask(self, arrays: Sequence[wire.Array], limit_s: float) -> list[wire.Array] | None:
        """The answer; None where the process died or took too long, and then it is gone. Raises `WorkersFailed`."""
        for _ in range(2):  # the first may only just have ended, having grown too large
            answer, code = self._exchange(self._living(limit_s), arrays, limit_s)
            if code != FULL:
                return answer
        return None

    def _exchange(
        self, process: subprocess.Popen[bytes] | None, arrays: Sequence[wire.Array] | None, limit_s: float
    ) -> tuple[list[wire.Array] | None, int]:
        """Send, unless it is None, and receive; the answer, or None and the status of the process that is gone."""
        if process is None or process.stdin is None or process.stdout is None:
            return None, 0
        late = threading.Timer(limit_s, process.kill)
        late.daemon = True
        late.start()
        try:
            if arrays is not None:
                wire.send(process.stdin, arrays)
            answer = wire.receive(process.stdout)
            said = ""
        except (OSError, EOFError, ValueError) as error:
            answer, said = None, f"{type(error).__name__}: {error}"
        took_too_long = not late.is_alive()
        late.cancel()
        if answer is not None:
            return answer, 0
        code = self._bury(said)
        if took_too_long:
            self.last = f"no answer within {limit_s:g} s"
        return None, code

    def _living(self, limit_s: float) -> subprocess.Popen[bytes] | None:
        if self._ended:
            return None
        if self._process is not None and self._process.poll() is not None:
            self._bury("")
        if self._process is None:
            paths = os.pathsep.join(path for path in sys.path if path)
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    env={**os.environ, **_ONE_THREAD, "PYTHONPATH": paths},
                )  # fmt: skip
            except OSError as error:
                raise WorkersFailed(f"a worker could not be started: {error}.") from None
            if self._exchange(self._process, None, limit_s)[0] is None and not self._ended:
                raise WorkersFailed(f"a worker ended before it could judge anything: {self.last}.")
        return None if self._ended else self._process

    def kill(self) -> None:
        """For good."""
        self._ended = True
        process = self._process
        if process is not None:
            with suppress(OSError):
                process.kill()
            process.wait()

    def clear(self) -> None:
        """Close what is open, when nobody asks any more."""
        self._bury("")

    def _bury(self, why: str) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            code = process.wait(_FAREWELL_S)  # its pipe may be closed a moment before it has ended
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        ended = f"killed by signal {-code}" if code < 0 else f"it ended with status {code}"
        self.last = f"{ended}; {why}" if why else ended
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return code
