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
    bar_us     the timeframe
    """

    def __init__(self, opens_us: I64, wanted: Flags, limit: int, bar_us: int) -> None:
        self.opens_us, self._wanted, self._limit, self._bar_us = opens_us, wanted, limit, bar_us
        self._asked = np.where(wanted, 0, _HELD).astype(np.int8)
        self._at = 0
        self._came: list[Candles] = []

    def next_us(self) -> int | None:
        """From when the next page is to be; None when nothing is left to ask.

        A candle that did not come is asked for from one candle earlier: venues disagree whether a bound is included.
        """
        at = self._first()
        if at is None:
            return None
        return int(self.opens_us[at]) - (self._bar_us if self._asked[at] else 0)

    def answered(self, candles: Candles, n_rows: int) -> None:
        """A page from `next_us` on: what it held, and how many rows it had before any was refused.

        A page speaks about everything up to its last candle; one that is not full also about the rest of what it could
        have held. Candles that it does not have are asked for once more, and then are absent.
        """
        at = self._first()
        if at is None:
            return
        until = at + 1
        if len(candles):
            until = max(until, int(np.searchsorted(self.opens_us, candles.open_us[-1], side="right")))
        if n_rows < self._limit:
            until = max(until, at + self._limit - (1 if self._asked[at] else 0))
        asked = self._asked[at:until]
        asked[asked < _ASKS] += 1
        place = np.searchsorted(self.opens_us, candles.open_us)
        inside = place < self.opens_us.size
        inside[inside] = self.opens_us[place[inside]] == candles.open_us[inside]
        inside[inside] = self._asked[place[inside]] != _HELD  # one that came stays as it came first
        if inside.any():
            self._asked[place[inside]] = _HELD
            self._came.append(candles.take(inside))

    def _first(self) -> int | None:
        while self._at < self.opens_us.size and self._asked[self._at] >= _ASKS:
            self._at += 1
        return self._at if self._at < self.opens_us.size else None

    def resolved(self) -> Flags:
        """(n,) wanted candles that came, or that are absent."""
        found: Flags = self._wanted & (self._asked >= _ASKS)
        return found

    def n_resolved(self) -> int:
        """How many wanted candles came or are absent."""
        return int(np.count_nonzero(self.resolved()))

    def settled_us(self) -> int:
        """Everything that opens before this is resolved; the end of the last candle when all is."""
        at = self._first()
        if at is not None:
            return int(self.opens_us[at])
        return int(self.opens_us[-1]) + self._bar_us if self.opens_us.size else 0

    def taken(self, before_us: int | None = None) -> Candles:
        """What came and was not taken yet, up to an instant; it is not kept here any longer."""
        held = joined(*self._came)
        found = held.between(None, before_us)
        rest = held.between(before_us, None) if before_us is not None else Candles.empty()
        self._came = [rest] if len(rest) else []
        return found
