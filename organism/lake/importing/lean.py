"""QuantConnect's Lean: minutes by day with the date in the name, prices of equities in ten-thousandths of a dollar.

    equity/usa/minute/spy/20131007_trade.zip   20131007_spy_minute_trade.csv   34200000,1685000,1685500,…   ms since midnight
    equity/usa/daily/spy.zip                   spy.csv                         20131007 00:00,1685000,…

Clocks are those of the market: New York for equities, UTC for crypto.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput

F64 = NDArray[np.float64]
Prices = tuple[F64, F64, F64, F64]

DAILY: Final = re.compile(r"\d{8} \d\d:\d\d")
_MINUTE: Final = re.compile(r"(\d{8})_([a-z0-9.]+)_(minute|second|hour|tick)_(\w+)\.csv")
_SCALE: Final = 10_000.0
_CENT: Final = 100
_CRYPTO: Final = frozenset({"crypto", "cryptofuture", "forex", "cfd"})


@dataclass(frozen=True, slots=True)
class Minute:
    """A file of one day. day_us: its midnight on the market's clock, as if that were UTC."""

    day_us: int
    ticker: str


def minute_of(said: str, name: str) -> Minute | None:
    """What the name of a file of one day says; None for any other name. Raises `BadInput` for what is not kept."""
    match = _MINUTE.fullmatch(name.lower())
    if match is None:
        return None
    if match[3] == "tick" or match[4] != "trade":
        raise BadInput(
            f"{said} holds Lean's {match[3]} {match[4]} rows; candles of trades are imported, as in …_minute_trade.csv."
        )
    try:
        day = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput(f"{said}: {match[1]} is no day; Lean writes the day as 20131007.") from None
    return Minute(int(day.timestamp()) * 1_000_000, match[2])


def is_equity(names: Sequence[str], prices: Prices) -> bool:
    """Whether prices are scaled: the folders say equity, or they do not say and all prices are whole."""
    words = {word.lower() for word in names}
    if "equity" in words or "option" in words:
        return True
    known = prices[3][np.isfinite(prices[3])]
    return (
        words.isdisjoint(_CRYPTO)
        and bool(known.size)
        and bool((known % 1 == 0).all())
        and float(known.min()) >= _CENT
    )


def unscaled(prices: Prices) -> Prices:
    """In dollars."""
    return (prices[0] / _SCALE, prices[1] / _SCALE, prices[2] / _SCALE, prices[3] / _SCALE)
