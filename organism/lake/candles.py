"""Candles and events as arrays: what a series holds, in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from organism.lake.names import Kind

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
Flags = NDArray[np.bool_]

VALUES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Candles of one timeframe, oldest first, each open time once.

    open_us                  int64 (n,), microseconds since 1970 UTC at which a candle opens, strictly rising
    open, high, low, close   float64 (n,), quote currency
    volume                   float64 (n,), base units; NaN where the series has none (mark prices)
    """

    open_us: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64

    def __len__(self) -> int:
        return self.open_us.size

    @classmethod
    def empty(cls) -> Self:
        """No candle."""
        return cls(np.empty(0, np.int64), *(np.empty(0, np.float64) for _ in VALUES))

    def between(self, start_us: int | None = None, end_us: int | None = None) -> Self:
        """Candles that open at or after `start_us` and before `end_us`; views, not copies."""
        first = 0 if start_us is None else int(np.searchsorted(self.open_us, start_us))
        last = len(self) if end_us is None else int(np.searchsorted(self.open_us, end_us))
        return self._each(lambda column: column[first : max(first, last)])

    def take(self, which: Flags | I64) -> Self:
        """Candles at these places, or where this is true, in their order; copies."""
        return self._each(lambda column: column[which])

    def _each(self, cut: Callable[[NDArray[np.generic]], NDArray[np.generic]]) -> Self:
        columns = [cut(getattr(self, name)) for name in ("open_us", *VALUES)]
        return type(self)(*columns)  # type: ignore[arg-type]  # a cut keeps what is in an array

    def values(self) -> tuple[F64, F64, F64, F64, F64]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume


def joined(*parts: Candles) -> Candles:
    """All candles in order; where two open at the same time, the one of the part named last."""
    if not parts:
        return Candles.empty()
    opens = np.concatenate([part.open_us for part in parts])
    order = np.argsort(opens, kind="stable")
    rising = opens[order]
    last = np.ones(rising.size, np.bool_)
    last[:-1] = rising[1:] != rising[:-1]
    chosen = order[last]
    columns = [np.concatenate([getattr(part, name) for part in parts])[chosen] for name in VALUES]
    return Candles(rising[last], *columns)


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What happened when: funding, trades, open interest; oldest first.

    at_us    int64 (n,), microseconds since 1970 UTC, never falling
    values   float64 (n,) by name; the names of each kind are `store.EVENT_VALUES`
    """

    at_us: I64
    values: dict[str, F64]

    def __len__(self) -> int:
        return self.at_us.size

    def take(self, which: Flags | I64) -> "Events":
        """Events at these places, or where this is true, in their order; copies."""
        return Events(self.at_us[which], {name: column[which] for name, column in self.values.items()})


def wrong(candles: Candles, *, volume: bool = True) -> tuple[int, str] | None:
    """The first candle that cannot be believed, as its place and the rule with the value, or None.

    volume   whether a volume is needed; without, it must be NaN

    Prices are finite, positive and not beyond 1e15; low is the least and high the greatest of the four; a volume is
    finite and not negative; open times rise.
    """
    checks: list[tuple[Flags, Callable[[int], str]]] = []

    def rule(broken: Flags, said: Callable[[int], str]) -> None:
        checks.append((broken, said))

    for name in ("open", "high", "low", "close"):
        prices = getattr(candles, name)
        broken = ~((prices > 0) & (prices <= HIGHEST_PRICE))

        def said(i: int, name: str = name, prices: F64 = prices) -> str:
            return f"{name} must be a positive number up to {HIGHEST_PRICE:g}; was {prices[i]!s}"

        rule(broken, said)
    body_high, body_low = np.maximum(candles.open, candles.close), np.minimum(candles.open, candles.close)
    rule(
        candles.high < np.maximum(body_high, candles.low),
        lambda i: f"high must be the highest price of its candle; was {candles.high[i]!s}",
    )
    rule(
        candles.low > body_low,
        lambda i: f"low must be the lowest price of its candle; was {candles.low[i]!s}",
    )
    good = (
        ((candles.volume >= 0) & (candles.volume <= HIGHEST_VOLUME)) if volume else np.isnan(candles.volume)
    )
    need = f"a number from 0 to {HIGHEST_VOLUME:g}" if volume else "left out (NaN)"
    rule(~good, lambda i: f"volume must be {need}; was {candles.volume[i]!s}")
    falls = np.zeros(len(candles), np.bool_)
    falls[1:] = candles.open_us[1:] <= candles.open_us[:-1]
    rule(
        falls,
        lambda i: f"open times must rise; {candles.open_us[i]} µs came after {candles.open_us[i - 1]} µs",
    )
    found = [(int(np.argmax(broken)), said) for broken, said in checks if broken.any()]
    if not found:
        return None
    place, say = min(found, key=lambda pair: pair[0])
    return place, say(place)


HIGHEST_PRICE = 1e15
HIGHEST_VOLUME = 1e18
_LOWEST_PRICE = 1e-30
RANGES: Mapping[Kind, Mapping[str, tuple[float, float]]] = {
    Kind.FUNDING: {"rate": (-0.5, 0.5)},
    Kind.TRADES: {
        "price": (_LOWEST_PRICE, HIGHEST_PRICE),
        "quantity": (0.0, HIGHEST_VOLUME),
        "buyer_maker": (0.0, 1.0),
    },
    Kind.OPEN_INTEREST: {"amount": (0.0, HIGHEST_VOLUME), "value": (0.0, HIGHEST_VOLUME)},
}
"""Between what values of events are believed, both ends included; what is not here may be any finite number."""


def outside(kind: Kind, events: Events) -> tuple[int, str] | None:
    """The first event with a value that cannot be believed, as its place and the rule with the value, or None.

    NaN is not looked at: whether a value may be unknown is the kind's to say.
    """
    found = []
    for name, (least, most) in RANGES.get(kind, {}).items():
        column = events.values[name]
        broken = (column < least) | (column > most)
        if broken.any():
            at = int(np.argmax(broken))
            found.append((at, f"{name} must lie between {least:g} and {most:g}; was {column[at]!s}"))
    return min(found, default=None)
