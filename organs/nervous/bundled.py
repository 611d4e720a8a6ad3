"""The bundled market: recorded candles that ship with the organism, and what may be traded on them."""

from decimal import Decimal
from pathlib import Path

from organism.errors import ConfigError
from organism.market import FeeSchedule, Instrument
from organism.settings import PaperSettings
from organs.nervous.columns import Columns, read

FOLDER = Path(__file__).parent / "market"
BAR_S = 300
VENUE = "paper"


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


# Symbol, tick, lot, minimum notional: as the exchange that was recorded had them.
_TERMS = (
    ("BTC/USDT", "0.01", "0.00001", "5"),
    ("ETH/USDT", "0.01", "0.0001", "5"),
    ("SOL/USDT", "0.01", "0.001", "5"),
)
SYMBOLS = tuple(symbol for symbol, _, _, _ in _TERMS)


def bundled_instruments(paper: PaperSettings) -> tuple[Instrument, ...]:
    """Every instrument of the bundled market, with the paper venue's fees."""
    fees = FeeSchedule(maker=_decimal(paper.maker_fee), taker=_decimal(paper.taker_fee))
    return tuple(
        Instrument(
            symbol=symbol,
            base=symbol.partition("/")[0],
            quote=symbol.partition("/")[2],
            venue=VENUE,
            tick=Decimal(tick),
            lot=Decimal(lot),
            min_notional=Decimal(least),
            fees=fees,
            can_short=paper.can_short,
        )
        for symbol, tick, lot, least in _TERMS
    )


def watched_instruments(symbols: tuple[str, ...], paper: PaperSettings) -> tuple[Instrument, ...]:
    """Return the instruments of the given symbols, in that order. Raises `ConfigError` for an unknown one."""
    known = {i.symbol: i for i in bundled_instruments(paper)}
    _check(symbols)
    return tuple(known[s] for s in symbols)


def load_bundled(symbols: tuple[str, ...]) -> dict[str, Columns]:
    """Candles by symbol, open times in market time. Raises `ConfigError` for a symbol that does not ship."""
    _check(symbols)
    return {s: read(FOLDER / f"{s.replace('/', '-')}.npz", s) for s in symbols}


def _check(symbols: tuple[str, ...]) -> None:
    if not symbols:
        raise ConfigError(f"[market] symbols was empty; name at least one of {', '.join(SYMBOLS)}.")
    for symbol in symbols:
        if symbol not in SYMBOLS:
            raise ConfigError(
                f"[market] symbols: {symbol!r} is not in the bundled market; it has {', '.join(SYMBOLS)}."
            )
    if len(set(symbols)) != len(symbols):
        raise ConfigError(f"[market] symbols names one twice: {', '.join(symbols)}. Name each once.")
