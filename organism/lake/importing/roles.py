"""Which column is what: by the names in a header, or, without one, by what the first rows hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from organism.errors import BadInput

# The first that is there is taken. Stamps that are numbers come before texts: a text may be of any zone.
_TIMES: Final = (
    "unix", "unixtimestamp", "unixtime", "timestamp", "opentime", "opentimestamp", "candlebegintime", "starttime",
    "timestampms", "ts", "t", "gmttime", "utctime", "datetimeutc", "datetime", "datetimegmt", "localtime", "date", "time", "dt",
    "start", "dtyyyymmdd", "",
)  # fmt: skip
_UTC: Final = ("gmttime", "utctime", "datetimeutc", "datetimegmt")
_PRICES: Final = {
    "open": ("open", "o", "openprice", "openingprice", "first"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "closingprice", "last", "price"),
}
_VOLUMES: Final = ("volume", "basevolume", "volumebase", "vol", "v", "amount", "tickvol", "tickvolume")
_SIZES: Final = ("qty", "quantity", "amount", "size", "volume", "basevolume")
_SYMBOLS: Final = ("symbol", "ticker", "pair", "instrument")
_STAMP: Final = re.compile(r"\d{9,19}(\.\d+)?|\d(\.\d+)?[eE]\+?\d{1,2}")
_NUMBER: Final = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?|nan|[-+]?inf(inity)?|", re.IGNORECASE)
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


@dataclass(frozen=True, slots=True)
class Roles:
    """Places of columns, from 0; -1 where there is none.

    time, clock   the stamp, and the time of day where it stands in a column of its own
    prices        open, high, low, close; of trades, the price four times
    volume        base units; size of a trade
    ordered       a header says which price is which
    """

    time: int
    prices: tuple[int, int, int, int]
    volume: int
    clock: int = -1
    symbol: int = -1
    trades: bool = False
    ordered: bool = True
    utc: bool = False

    @property
    def used(self) -> tuple[int, ...]:
        """Places that are read."""
        return tuple(
            sorted(
                {
                    place
                    for place in (self.time, self.clock, self.volume, self.symbol, *self.prices)
                    if place >= 0
                }
            )
        )


def plain(name: str) -> str:
    """A column's name without what differs between writers.

    >>> plain("Volume_(BTC)"), plain("<DATE>"), plain(" Open Time ")
    ('volumebtc', 'date', 'opentime')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line names columns: a known name for a time, and one for a price."""
    names = [plain(cell) for cell in cells]
    return any(name in _TIMES and name for name in names) and any(
        name in known for name in names for known in _PRICES.values()
    )


def of_header(said: str, cells: Sequence[str], base: str = "") -> Roles:
    """Columns by their names; `base` is the symbol's base, whose volume is meant. Raises `BadInput`."""
    names = [plain(cell) for cell in cells]
    time = next((names.index(name) for name in _TIMES if name in names), -1)
    prices = tuple(
        next((names.index(name) for name in known if name in names), -1) for known in _PRICES.values()
    )
    symbol = next((names.index(name) for name in _SYMBOLS if name in names), -1)
    if time >= 0 and min(prices) >= 0:
        clock = names.index("time") if names[time] == "date" and "time" in names else -1
        volume = _volume(names, base)
        found = (prices[0], prices[1], prices[2], prices[3])
        return Roles(time, found, volume, clock, symbol, utc=names[time] in _UTC)
    sizes = [names.index(name) for name in _SIZES if name in names]
    if time >= 0 and "price" in names and sizes:
        price = names.index("price")
        return Roles(time, (price,) * 4, sizes[0], -1, symbol, trades=True)
    lacking = [
        word for word, place in zip(("time", *_PRICES), (time, *prices), strict=True) if place < 0
    ]  # fmt: skip
    raise BadInput(
        f"{said} has no column for {', '.join(lacking)}; its columns are: {', '.join(cells[:12])[:200]}. "
        "Name them time, open, high, low, close and volume."
    )


def _volume(names: Sequence[str], base: str) -> int:
    wanted = (f"volume{plain(base)}", *_VOLUMES) if base else _VOLUMES
    exact = next((names.index(name) for name in wanted if name in names), -1)
    if exact >= 0:
        return exact
    return next((place for place, name in enumerate(names) if name.startswith("volume")), -1)


def of_rows(said: str, rows: Sequence[Sequence[str]]) -> Roles:
    """Columns without names. Raises `BadInput` where they are of no known order."""
    first = rows[0]
    numbers = [
        all(_NUMBER.fullmatch(row[i].strip()) is not None for row in rows if i < len(row))
        for i in range(len(first))
    ]
    stamped = _STAMP.fullmatch(first[0].strip()) is not None or not numbers[0]
    if len(first) >= 7 and not numbers[0] and _CLOCK.fullmatch(first[1].strip()) and all(numbers[2:7]):  # noqa: PLR2004
        return Roles(0, (2, 3, 4, 5), 6, clock=1)
    if stamped and len(first) >= 6 and all(numbers[1:6]):  # noqa: PLR2004
        return Roles(0, (1, 2, 3, 4), 5, ordered=len(first) > 7)  # noqa: PLR2004 - an exchange's dump has twelve
    if stamped and len(first) == 5 and all(numbers[1:5]):  # noqa: PLR2004
        return Roles(0, (1, 2, 3, 4), -1, ordered=False)
    if stamped and numbers[0] and len(first) == 3 and all(numbers):  # noqa: PLR2004 - time, price, volume
        return Roles(0, (1, 1, 1, 1), 2, trades=True)
    raise BadInput(
        f"{said} has no header, and its first row {', '.join(first)[:120]!r} is of no known order; give it a header: time, "
        "open, high, low, close, volume."
    )
