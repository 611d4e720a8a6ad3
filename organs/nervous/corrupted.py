"""A feed that lies, by seed: for proving that no lie gets past the checks."""

import random
from collections.abc import Callable, Iterable, Iterator

import msgspec

from organism.market import Bar
from organism.messages import BarsArrived

_FUTURE_NS = 30 * 86_400 * 1_000_000_000
_replace = msgspec.structs.replace


class FeedFaults(msgspec.Struct, frozen=True, kw_only=True):
    """Chance of each lie, per instant.

    nan, negative, zero   a price of one bar is replaced
    crossed               high and low of one bar are swapped
    future                one bar carries a stamp in the future
    future_instant        the whole instant does, and its bars with it
    duplicate             one bar comes twice
    repeated              the whole instant comes twice
    late                  the instant comes again after its successor: out of order
    missing               one bar is left out
    lost                  the whole instant is left out
    """

    nan: float = 0.0
    negative: float = 0.0
    zero: float = 0.0
    crossed: float = 0.0
    future: float = 0.0
    future_instant: float = 0.0
    duplicate: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    missing: float = 0.0
    lost: float = 0.0


class Corrupted:
    """Iterates over a feed's instants, some of them corrupted. `told` counts the lies by kind."""

    def __init__(self, feed: Iterable[BarsArrived], faults: FeedFaults, seed: int = 1) -> None:
        self.told: dict[str, int] = {}
        self._feed = feed
        self._faults = faults
        self._random = random.Random(f"feed-{seed}")

    def __iter__(self) -> Iterator[BarsArrived]:
        late: BarsArrived | None = None
        for instant in self._feed:
            yield from self._tell(instant)
            if late is not None:
                yield late
            late = instant if self._strikes("late") else None

    def _tell(self, instant: BarsArrived) -> Iterator[BarsArrived]:
        if self._strikes("lost"):
            return
        if self._strikes("future_instant"):
            shifted = tuple(
                _replace(b, open_ns=b.open_ns + _FUTURE_NS, close_ns=b.close_ns + _FUTURE_NS)
                for b in instant.bars
            )
            yield _replace(instant, at_ns=instant.at_ns + _FUTURE_NS, bars=shifted)
        bars = instant.bars
        for kind, change in _CHANGES.items():
            if bars and self._strikes(kind):
                at = self._random.randrange(len(bars))
                bars = (*bars[:at], *change(bars[at]), *bars[at + 1 :])
        told = instant if bars is instant.bars else _replace(instant, bars=bars)
        yield told
        if self._strikes("repeated"):
            yield told

    def _strikes(self, kind: str) -> bool:
        chance: float = getattr(self._faults, kind)
        if chance <= 0.0 or self._random.random() >= chance:
            return False
        self.told[kind] = self.told.get(kind, 0) + 1
        return True


_CHANGES: dict[str, Callable[[Bar], tuple[Bar, ...]]] = {
    "nan": lambda bar: (_replace(bar, close=float("nan")),),
    "negative": lambda bar: (_replace(bar, low=-bar.low),),
    "zero": lambda bar: (_replace(bar, open=0.0),),
    "crossed": lambda bar: (_replace(bar, high=bar.low * 0.99, low=bar.high * 1.01),),
    "future": lambda bar: (_replace(bar, close_ns=bar.close_ns + _FUTURE_NS),),
    "duplicate": lambda bar: (bar, bar),
    "missing": lambda _bar: (),
}
