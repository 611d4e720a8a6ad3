"""A market as the simulator sees it: one asset's bars as arrays, checked once, never changed."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genome.vocabulary import COLUMN_INDEX, COLUMNS
from organism.errors import BadInput
from organism.market import AssetClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Market:
    """Bars of one asset, oldest first.

    open_s          int64 (T,), bar opens, seconds since the epoch, UTC, strictly rising
    bar_s           length of a bar, seconds
    columns         float64 (len(COLUMNS), T), C order, rows as in `genome.vocabulary.COLUMNS`
    mark_high …     float64 (T,) or None: mark price of a perpetual; None means the bar's own
    funding_open    float64 (T,) or None: rate settled at the very open of the bar, 0 where none is due
    funding_inside  float64 (T,) or None: sum of the rates settled inside the bar
    funding_gaps    stamps whose rate was missing and taken from the stated constant
    tick, lot, min_notional   0 means none
    """

    symbol: str
    open_s: I64
    bar_s: int
    columns: F64
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT
    tick: float = 0.0
    lot: float = 0.0
    min_notional: float = 0.0
    mark_open: F64 | None = None
    mark_high: F64 | None = None
    mark_low: F64 | None = None
    funding_open: F64 | None = None
    funding_inside: F64 | None = None
    funding_gaps: int = 0
    day: I64 = field(init=False)

    def __post_init__(self) -> None:
        """Check shape and order; raises `BadInput`."""
        n = self.open_s.size
        if n == 0:
            raise BadInput(f"{self.symbol} has no bars; a market needs at least one.")
        if self.columns.shape != (len(COLUMNS), n):
            raise BadInput(
                f"{self.symbol} has columns of shape {self.columns.shape}; {(len(COLUMNS), n)} is needed."
            )
        if n > 1 and not bool((np.diff(self.open_s) > 0).all()):
            at = int(np.argmin(np.diff(self.open_s) > 0)) + 1
            raise BadInput(
                f"{self.symbol}: bar {at} opens at {int(self.open_s[at])} s, not after the bar before it; "
                "sort the bars and drop duplicates."
            )
        object.__setattr__(self, "day", self.open_s // _DAY_S)

    @property
    def size(self) -> int:
        """Number of bars."""
        return int(self.open_s.size)

    def column(self, name: str) -> F64:
        """One row of `columns`."""
        row: F64 = self.columns[COLUMN_INDEX[name]]
        return row


def market(
    symbol: str,
    open_s: I64,
    bar_s: int,
    ohlcv: tuple[F64, F64, F64, F64, F64],
    *,
    funding: F64 | None = None,
    fear_greed: F64 | None = None,
    book_imbalance: F64 | None = None,
    **rest: object,
) -> Market:
    """Build a market from open, high, low, close, volume; the derived columns are filled in, the missing ones NaN."""
    n = open_s.size
    columns = np.full((len(COLUMNS), n), np.nan)
    for name, values in zip(("open", "high", "low", "close", "volume"), ohlcv, strict=True):
        columns[COLUMN_INDEX[name]] = values
    columns[COLUMN_INDEX["typical"]] = (ohlcv[1] + ohlcv[2] + ohlcv[3]) / 3.0
    for name, given in (("funding", funding), ("fear_greed", fear_greed), ("book_imbalance", book_imbalance)):
        if given is not None:
            columns[COLUMN_INDEX[name]] = given
    close_s = open_s + bar_s
    columns[COLUMN_INDEX["hour"]] = (close_s // 3_600) % 24
    columns[COLUMN_INDEX["weekday"]] = (close_s // _DAY_S + 3) % 7  # 1970-01-01 was a Thursday
    return Market(symbol, open_s.astype(np.int64), bar_s, columns, **rest)  # type: ignore[arg-type]
