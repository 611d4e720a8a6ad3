"""The same instrument, by its parts; and the name of a series that only stands in for another."""

import re
from typing import NamedTuple

from organism.errors import BadInput
from organism.lake.names import Series, series

PROXY = "proxy:"
_CODE = r"[A-Z0-9]{1,20}"
_SYMBOL = re.compile(rf"({_CODE})[/_-]({_CODE})(?::({_CODE}))?")


class Instrument(NamedTuple):
    """What is traded for what, and how: two venues have the same instrument where all three agree.

    settle   currency of a perpetual's profit; empty for spot
    """

    base: str
    quote: str
    settle: str = ""

    @property
    def symbol(self) -> str:
        """As ccxt writes it.

        >>> Instrument("BTC", "USDT").symbol, Instrument("BTC", "USDT", "USDT").symbol
        ('BTC/USDT', 'BTC/USDT:USDT')
        """
        return f"{self.base}/{self.quote}" + (f":{self.settle}" if self.settle else "")

    @property
    def type(self) -> str:
        """As ccxt calls it: spot or swap."""
        return "swap" if self.settle else "spot"


def instrument(text: str) -> Instrument:
    """Read what a person wrote. Raises `BadInput`.

    >>> instrument("btc-usdt"), instrument("BTC/USDT:USDT").type
    (Instrument(base='BTC', quote='USDT', settle=''), 'swap')
    """
    match = _SYMBOL.fullmatch(text.strip().upper())
    if match is None:
        raise BadInput(
            f"A symbol names what is traded and for what, as in BTC/USDT, or BTC/USDT:USDT for a perpetual; "
            f"was {text[:40]!r}."
        )
    return Instrument(match[1], match[2], match[3] or "")


def stand_in(venue: str, symbol: str, timeframe: str) -> Series:
    """The series that stands in for one of `venue`: its rows are another quote's or another venue's.

    >>> stand_in("binance", "BTC/USDT", "1h").text
    'proxy:binance BTC/USDT 1h'
    """
    return series(PROXY + venue, symbol, timeframe)


def is_proxy(one: Series) -> bool:
    """Whether its prices are another instrument's: nothing is bred on it unless a person asks for that."""
    return one.venue.startswith(PROXY)
