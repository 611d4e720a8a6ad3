"""The machine and this process, measured: psutil is imported when the first sample is taken."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MB = 1024.0 * 1024.0
WINDOW_S = 600.0  # over which the slope of memory is measured
SPAN_S = 60.0  # below which it is not known


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One measurement; None where the machine would not tell.

    cpu                   of this process, fraction of one core since the last sample
    memory_mb             resident memory of this process
    memory_slope_mb_min   least-squares slope of it over the last ten minutes; None in the first one
    descriptors           open files and sockets; `descriptor_share` of what the system allows
    disk_free_mb          where the state folder lies
    load                  runnable processes of the machine per core, one-minute mean
    clock_jump_s          |wall clock − monotonic clock| gained since the last sample: stepped, or slept
    """

    cpu: float | None = None
    memory_mb: float | None = None
    memory_slope_mb_min: float | None = None
    threads: int | None = None
    descriptors: int | None = None
    descriptor_share: float | None = None
    disk_free_mb: float | None = None
    load: float | None = None
    clock_jump_s: float | None = None


def slope(points: Iterable[tuple[float, float]]) -> float | None:
    """Least-squares slope of y over x; None when x does not vary.

    >>> slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    2.0
    >>> slope([(1.0, 1.0)]) is None
    True
    """
    known = list(points)
    n = len(known)
    if n == 0:
        return None
    mean_x = sum(x for x, _ in known) / n
    mean_y = sum(y for _, y in known) / n
    spread = sum((x - mean_x) ** 2 for x, _ in known)
    if spread == 0.0:
        return None
    return sum((x - mean_x) * (y - mean_y) for x, y in known) / spread


class MachineSampler:
    """Takes a `Machine` now and then. Not shared between threads.

    mono_s, wall_s   clocks, seconds; `process` a psutil.Process, this one by default
    """

    def __init__(
        self,
        folder: Path,
        *,
        process: Any = None,
        mono_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._process = process
        self._mono_s = mono_s
        self._wall_s = wall_s
        self._memory: deque[tuple[float, float]] = deque()
        self._offset_s: float | None = None

    def sample(self) -> Machine:
        """Measure now; what cannot be measured is None."""
        import psutil  # noqa: PLC0415 - 30 ms that commands which never sample need not pay

        if self._process is None:
            self._process = psutil.Process()
        process, refused = (
            self._process,
            (psutil.Error, OSError, AttributeError, ImportError, NotImplementedError),
        )

        def measured(read: Callable[[], Any]) -> Any:
            try:
                return read()
            except refused:
                return None

        with process.oneshot():
            cpu = measured(lambda: process.cpu_percent(None) / 100.0)
            memory_mb = measured(lambda: process.memory_info().rss / _MB)
            threads = measured(process.num_threads)
            descriptors = measured(lambda: _descriptors(process))
        most = measured(_most_descriptors)
        return Machine(
            cpu=cpu,
            memory_mb=memory_mb,
            memory_slope_mb_min=self._slope(memory_mb),
            threads=threads,
            descriptors=descriptors,
            descriptor_share=descriptors / most if descriptors is not None and most else None,
            disk_free_mb=measured(lambda: psutil.disk_usage(str(self._folder)).free / _MB),
            load=measured(lambda: os.getloadavg()[0] / (os.cpu_count() or 1)),
            clock_jump_s=self._jump(),
        )

    def _slope(self, memory_mb: float | None) -> float | None:
        now_s, memory = self._mono_s(), self._memory
        if memory_mb is not None:
            memory.append((now_s, memory_mb))
        while memory and now_s - memory[0][0] > WINDOW_S:
            memory.popleft()
        if not memory or now_s - memory[0][0] < SPAN_S:
            return None
        per_s = slope(memory)
        return None if per_s is None else per_s * 60.0

    def _jump(self) -> float:
        offset_s = self._wall_s() - self._mono_s()
        before, self._offset_s = self._offset_s, offset_s
        return 0.0 if before is None else abs(offset_s - before)


def _descriptors(process: Any) -> int:
    count: int = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return count


def _most_descriptors() -> int:
    import resource  # noqa: PLC0415 - not on every system

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
