"""What a fetch needs of a source, whatever library stands behind it."""

from collections.abc import Sequence
from typing import Protocol

from organism.lake.fetching.instrument import Instrument
from organism.lake.names import Kind


class Source(Protocol):
    """One venue's history. Every method raises `Failed`, or whatever its library raises, and then is no worse off."""

    name: str

    def listed(self, instrument: Instrument, timeframe: str, *, mark: bool = False) -> int:
        """Candles that one answer holds at most; `Failed` (lasting) where it has not this very instrument.

        mark   candles of its mark price are meant
        """

    def page(
        self, instrument: Instrument, timeframe: str, since_us: int, limit: int, *, mark: bool = False
    ) -> Sequence[object]:
        """Candles from `since_us` on, as they come: [open time in ms, open, high, low, close, volume], unchecked."""

    def tells(self, instrument: Instrument, kind: Kind, timeframe: str) -> int:
        """How far back it tells of funding or open interest, µs, 0 for ever; `Failed` (lasting) where it does not at all."""

    def funding(self, instrument: Instrument, since_us: int, limit: int) -> Sequence[object]:
        """Rates from `since_us` on, oldest first, as ccxt gives them, unchecked."""

    def interest(self, instrument: Instrument, timeframe: str, since_us: int, limit: int) -> Sequence[object]:
        """Open interest from `since_us` on, the same, so far apart."""

    def ahead_us(self) -> int:
        """By how much the venue's clock is ahead of this machine's, as far as it says."""
