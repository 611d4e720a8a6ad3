"""What a fetch needs of a source, whatever library stands behind it."""

from collections.abc import Sequence
from typing import Protocol

from organism.lake.fetching.instrument import Instrument


class Source(Protocol):
    """One venue's history. Every method raises `Failed`, or whatever its library raises, and then is no worse off."""

    name: str

    def listed(self, instrument: Instrument, timeframe: str) -> int:
        """Candles that one answer holds at most; `Failed` (lasting) where it has not this very instrument."""

    def page(self, instrument: Instrument, timeframe: str, since_us: int, limit: int) -> Sequence[object]:
        """Candles from `since_us` on, as they come: [open time in ms, open, high, low, close, volume], unchecked."""

    def ahead_us(self) -> int:
        """By how much the venue's clock is ahead of this machine's, as far as it says."""
