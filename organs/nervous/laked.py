"""Any stored series as a recording to live through: what the lake holds, and what may be traded of it."""

import functools
from decimal import Decimal
from pathlib import Path

from organism.errors import BadInput, ConfigError
from organism.lake.derived import bars
from organism.lake.names import timeframe_text
from organism.lake.store import Lake
from organism.market import FeeSchedule, Instrument
from organism.settings import MarketSettings, PaperSettings
from organs.nervous.bundled import SYMBOLS, VENUE, bundled_instruments
from organs.nervous.columns import Columns, aligned

_US = 1_000_000
_NS_PER_US = 1_000
_NEVER_US = (
    7_258_118_400_000_000  # 2200-01-01: a recording is of the past, and all that was recorded has closed
)
# What the lake does not know of an instrument: steps so fine that they change no decision, and the usual least order.
_STEP = Decimal("0.00000001")
_LEAST = Decimal(5)


def recorded(settings: MarketSettings) -> tuple[Columns, ...]:
    """Bars of the settings' symbols on one common set of times, NaN where one of them has none; read once a process.

    Only what was recorded, whole: nothing is filled, and what began or ends inside a bar is left out. Raises
    `ConfigError` where the lake has no such bars.
    """
    return _read(
        settings.lake,
        settings.lake_venue,
        settings.symbols,
        settings.bar_s,
        settings.lake_start_s,
        settings.lake_end_s,
    )


@functools.lru_cache(maxsize=1)
def _read(
    folder: str, venue: str, symbols: tuple[str, ...], bar_s: int, start_s: int, end_s: int
) -> tuple[Columns, ...]:
    try:
        lake = Lake(Path(folder), now_us=lambda: _NEVER_US)
        found = tuple(_columns(lake, venue, symbol, bar_s, start_s, end_s) for symbol in symbols)
    except BadInput as error:
        raise ConfigError(f"[market] lake: {error}") from None
    return aligned(found)


def _columns(lake: Lake, venue: str, symbol: str, bar_s: int, start_s: int, end_s: int) -> Columns:
    stretch = (start_s * _US or None, end_s * _US or None)
    whole = bars(lake, venue, symbol, timeframe_text(bar_s * _US), *stretch).whole()
    if not len(whole):
        raise BadInput(f"{venue} {symbol} has not one whole bar of {bar_s} s there; choose another stretch.")
    return Columns(symbol, whole.open_us * _NS_PER_US, *whole.values())


def instruments(settings: MarketSettings, paper: PaperSettings) -> tuple[Instrument, ...]:
    """What may be traded of a lake's symbols, in their order, with the paper venue's fees.

    Steps of price and quantity are those of the bundled market where it knows the symbol, else finer than any venue's.
    Raises `ConfigError` where the symbols are quoted in several currencies: the book is kept in one.
    """
    quotes = {symbol.partition("/")[2].partition(":")[0] for symbol in settings.symbols}
    if len(quotes) > 1:
        raise ConfigError(
            f"[market] symbols are quoted in {', '.join(sorted(quotes))}; the book is kept in one currency. "
            "Name symbols with the same one."
        )
    known = {i.symbol: i for i in bundled_instruments(paper) if i.symbol in SYMBOLS}
    return tuple(known.get(symbol) or _instrument(symbol, paper) for symbol in settings.symbols)


def _instrument(symbol: str, paper: PaperSettings) -> Instrument:
    base, _, rest = symbol.partition("/")
    maker, taker = (Decimal(repr(fee)) for fee in (paper.maker_fee, paper.taker_fee))
    return Instrument(
        symbol=symbol,
        base=base,
        quote=rest.partition(":")[0],
        venue=VENUE,
        tick=_STEP,
        lot=_STEP,
        min_notional=_LEAST,
        fees=FeeSchedule(maker=maker, taker=taker),
        can_short=paper.can_short,
    )
