"""Which candles are still to be asked for: pages may be short, empty or overlap, and only what was asked twice is absent."""

import numpy as np

from organism.lake.candles import I64, Candles, Flags, joined

_ASKS = 2  # answers that must agree that a candle does not exist
_HELD = 100


class Walk:
    """One stretch of time on its way from a source, page by page. Reads no clock and asks nobody.

    opens_us   (n,) open times of all candles of the stretch, rising by the timeframe
    wanted     (n,) which of them are wanted
    limit      candles of one answer, at most
    """

    def __init__(self, opens_us: I64, wanted: Flags, limit: int) -> None:
        self.opens_us, self._wanted, self._limit = opens_us, wanted, limit
        self._bar_us = int(opens_us[1] - opens_us[0]) if opens_us.size > 1 else 0
        self._asked = np.where(wanted, 0, _HELD).astype(np.int8)
        self._at = 0
        self._came: list[Candles] = []

    def next_us(self) -> int | None:
        """From when the next page is to be; None when nothing is left to ask."""
        while self._at < self.opens_us.size and self._asked[self._at] >= _ASKS:
            self._at += 1
        return int(self.opens_us[self._at]) if self._at < self.opens_us.size else None

    def answered(self, candles: Candles, n_rows: int) -> None:
        """A page from `next_us` on: what it held, and how many rows it had before any was refused.

        A page speaks about everything up to its last candle; one that is not full also about the rest of what it could
        have held. Candles that it does not have are asked for once more, and then are absent.
        """
        since = self._at
        until = since
        if len(candles):
            until = int(np.searchsorted(self.opens_us, candles.open_us[-1], side="right"))
        if n_rows < self._limit:
            until = max(until, since + self._limit)
        until = max(until, since + 1)
        # Not beyond _HELD: a candle that came stays.
        asked = self._asked[since:until]
        asked[asked < _ASKS] += 1
        place = np.searchsorted(self.opens_us, candles.open_us)
        inside = place < self.opens_us.size
        inside[inside] = self.opens_us[place[inside]] == candles.open_us[inside]
        inside[inside] = self._wanted[place[inside]] & (self._asked[place[inside]] != _HELD)
        if inside.any():
            self._asked[place[inside]] = _HELD
            self._came.append(candles.take(inside))

    def resolved(self) -> Flags:
        """(n,) wanted candles that came, or that are absent."""
        found: Flags = self._wanted & (self._asked >= _ASKS)
        return found

    def came(self) -> Flags:
        """(n,) wanted candles that came."""
        found: Flags = self._wanted & (self._asked == _HELD)
        return found

    def n_resolved(self) -> int:
        """How many wanted candles came or are absent."""
        return int(np.count_nonzero(self.resolved()))

    def settled_us(self) -> int:
        """Everything that opens before this is resolved; one candle past the last when all is."""
        found = self.next_us()
        if found is not None:
            return found
        return int(self.opens_us[-1]) + max(self._bar_us, 1) if self.opens_us.size else 0

    def taken(self, before_us: int | None = None) -> Candles:
        """What came and was not taken yet, up to an instant; it is not kept here any longer."""
        held = joined(*self._came)
        found = held.between(None, before_us)
        rest = held.between(before_us, None) if before_us is not None else Candles.empty()
        self._came = [rest] if len(rest) else []
        return found
