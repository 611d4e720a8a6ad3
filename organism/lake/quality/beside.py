"""What stands beside a series when it is judged: the others of its venue, and the same instrument from elsewhere.

One rule for everybody who judges, so that a series has one score: `organism data check`, and the gate of evolve.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from organism.lake.candles import I64, Candles
from organism.lake.fetching.instrument import is_proxy
from organism.lake.names import DOLLARS, Series, assets_of
from organism.lake.quality.gaps import Neighbour, is_finer
from organism.lake.quality.inspected import Around, Tally
from organism.lake.quality.stretches import Truths
from organism.lake.store import Lake

_PEERS: Final = 6
_DAY_US: Final = 86_400_000_000
_DAYS: Final = 40
"""So many days are asked for one by one; of more, all of the series is read."""
_NEVER: Final = (1, 0)


@dataclass(slots=True, eq=False)
class Held:
    """A series that can be read, and a `Witness` that is read only as far as it is asked.

    read   all of it
    ends   opens of its first and last candle, None where it has none; from all of it where nothing is given
    part   opens from one instant until before another; the same
    """

    series: Series
    read: Callable[[], Candles]
    ends: Callable[[], tuple[int, int] | None] | None = None
    part: Callable[[int, int], I64] | None = None
    _candles: Candles | None = field(default=None, init=False)
    _known: tuple[int, int] | None = field(default=None, init=False)
    _days: dict[int, I64] = field(default_factory=dict, init=False)

    @property
    def symbol(self) -> str:
        """Of what."""
        return self.series.symbol

    @property
    def timeframe_us(self) -> int:
        """Length of its candles, µs."""
        return self.series.bar_us

    @property
    def candles(self) -> Candles:
        """All of it that is at hand, read once. Raises whatever reading does."""
        if self._candles is None:
            self._candles = self.read()
        return self._candles

    def covers(self, at_us: I64) -> Truths:
        """As `Witness`; known without reading the series, where its ends are."""
        if self._candles is not None or self.ends is None:
            return self._all().covers(at_us)
        first_us, last_us = self._span()
        inside: Truths = (at_us >= first_us) & (at_us <= last_us)
        return inside

    def has(self, at_us: I64) -> Truths:
        """As `Witness`."""
        return self._of(np.unique(at_us // _DAY_US)).has(at_us) if at_us.size else np.zeros(0, np.bool_)

    def lives_in(self, start_us: int, end_us: int) -> bool:
        """As `Witness`."""
        if not is_finer(self.timeframe_us, start_us, end_us):
            return False
        if self._candles is None and self.ends is not None:
            first_us, last_us = self._span()
            if last_us < start_us or first_us >= end_us:
                return False
        days = np.arange(start_us // _DAY_US, (end_us - 1) // _DAY_US + 1, dtype=np.int64)
        return self._of(days).lives_in(start_us, end_us)

    def _span(self) -> tuple[int, int]:
        if self._known is None:
            self._known = (None if self.ends is None else self.ends()) or _NEVER
        return self._known

    def _all(self) -> Neighbour:
        return Neighbour(self.symbol, self.timeframe_us, self.candles.open_us)

    def _of(self, days: I64) -> Neighbour:
        """Opens of these days; all, where they are at hand or that would be too many days."""
        if self._candles is not None or self.part is None or days.size > _DAYS:
            return self._all()
        opens = []
        for day in days.tolist():
            if day not in self._days:
                self._days[day] = self.part(day * _DAY_US, (day + 1) * _DAY_US)
            opens.append(self._days[day])
        return Neighbour(self.symbol, self.timeframe_us, np.concatenate(opens))


def held_of(lake: Lake, series: Series, read: Callable[[Lake, Series], Candles]) -> Held:
    """A stored series, of which `read` gives all of it."""

    def ends() -> tuple[int, int] | None:
        span = lake.span(series)
        return None if span is None else (span.first_us, span.last_us)

    def part(start_us: int, end_us: int) -> I64:
        return lake.read(series, start_us, end_us).candles.open_us

    return Held(series, functools.partial(read, lake, series), ends, part)


def around(own: Held, held: Sequence[Held], *, calendar: str = "", tally: Tally | None = None) -> Around:
    """What is known beside `own`, of all that is held (own may be among it), in whichever order.

    Company are all series of its venue; peers those of the same timeframe, the first six by name; the second source is the
    same base, quote and settlement at another venue, the one with most candles in common; where there is none, the same in
    another dollar (BTC/USD beside BTC/USDT). A proxy is no second source.
    """
    one = own.series
    beside = sorted(
        (other for other in held if other is not own and other.series.kind is one.kind), key=lambda other: other.series
    )  # fmt: skip
    near = [other for other in beside if other.series.venue == one.venue]
    peers = [
        other
        for other in near
        if other.series.timeframe == one.timeframe and other.series.symbol != one.symbol
    ]
    second = _second(own, beside)
    return Around(
        one.venue,
        one.symbol,
        calendar,
        company=near,
        peers=[other.candles for other in peers[:_PEERS]],
        second=None if second is None else second.candles,
        second_name="" if second is None else second.series.text,
        tally=tally or Tally(),
    )


def _second(own: Held, beside: Sequence[Held]) -> Held | None:
    one = own.series
    if is_proxy(one):
        return None
    others = [
        other
        for other in beside
        if other.series.venue != one.venue
        and other.series.timeframe == one.timeframe
        and not is_proxy(other.series)
    ]
    same = [other for other in others if other.series.symbol == one.symbol]
    alike = [other for other in others if _any_dollar(other.series.symbol) == _any_dollar(one.symbol)]
    return _most_in_common(own, same) or _most_in_common(own, alike)


def _any_dollar(symbol: str) -> str:
    """The symbol with its quote, where that is a dollar, as any dollar; of a perpetual, with what it settles in."""
    base, quote = assets_of(symbol)
    return f"{base}/${symbol[len(base) + 1 + len(quote) :]}" if quote in DOLLARS else symbol


def _most_in_common(own: Held, others: Sequence[Held]) -> Held | None:
    common = [int(np.isin(own.candles.open_us, other.candles.open_us).sum()) for other in others]
    return others[int(np.argmax(common))] if any(common) else None
