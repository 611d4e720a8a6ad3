"""How fast one address, and everyone together, may ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """A token bucket: `size` at once, `rate` a second for ever."""

    size: float
    rate: float
    left: float = field(init=False)
    at_s: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.size

    def take(self, now_s: float) -> bool:
        """Take one token if there is one."""
        self.left = min(self.size, self.left + max(0.0, now_s - self.at_s) * self.rate)
        self.at_s = now_s
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Pace:
    """Reading is generous (a page is some thirty files, then one look a second); writing is not."""

    def __init__(
        self,
        *,
        reading: tuple[float, float] = (400.0, 60.0),
        writing: tuple[float, float] = (20.0, 1.0),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = {False: reading, True: writing}
        self._clock = clock
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def admits(self, address: str, *, writing: bool) -> bool:
        """Whether this request may go on."""
        now_s = self._clock()
        if len(self._buckets) > 256:  # noqa: PLR2004 - forget addresses rather than grow
            self._buckets.clear()
        key = (address, writing)
        bucket = self._buckets.get(key)
        if bucket is None:
            size, rate = self._limits[writing]
            bucket = self._buckets[key] = Bucket(size, rate, at_s=now_s)
        return bucket.take(now_s)
