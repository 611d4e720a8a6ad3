"""Series of the lake as markets: whole recorded bars only, nothing filled, nothing unfinished."""

from collections.abc import Callable

from genome.market import Market, market
from organism.errors import BadInput
from organism.lake.derived import bars
from organism.lake.names import timeframe_us
from organism.lake.store import Lake
from organism.market import AssetClass

_US = 1_000_000


def load_series(
    lake: Lake,
    venue: str,
    symbols: tuple[str, ...],
    timeframe: str,
    *,
    start: int | None = None,
    end: int | None = None,
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Market]:
    """Bars of several symbols of one venue, in the order named.

    start, end   seconds since the epoch, UTC; bars with start ≤ open < end are kept
    timeframe    made of the finest stored series that covers the stretch, as `organism.lake.derived.bars` says

    A bar that nobody recorded is absent, not filled, so nothing trades on it. `progress` is told (done, all, symbol)
    before each. Raises `BadInput`.
    """
    found = []
    for done, symbol in enumerate(symbols):
        if progress is not None:
            progress(done, len(symbols), symbol)
        stretch = (None if at is None else at * _US for at in (start, end))
        candles = bars(lake, venue, symbol, timeframe, *stretch).whole()
        if not len(candles):
            raise BadInput(
                f"{venue} {symbol} has not one whole bar of {timeframe} in the wanted stretch; ask for a longer one, or for "
                "a shorter timeframe."
            )
        found.append(
            market(
                symbol,
                candles.open_us // _US,
                timeframe_us(timeframe) // _US,
                candles.values(),
                asset_class=asset_class,
            )
        )
    return found
