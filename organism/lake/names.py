"""What a series is called, and where in the lake it lies: a name becomes a path that is safe, and back again.

A symbol comes from an exchange, from a file or from a person: it may hold a slash, a colon, two dots, a letter that no
file system knows. Whatever is not plainly safe is percent-encoded, byte by byte of its UTF-8, and lower-case letters of
a symbol too (upper-case ones of a venue), so that two names never meet on a file system that ignores case.
"""

import enum
import re
from dataclasses import dataclass
from pathlib import PurePath

from organism.errors import BadInput

US_PER_S = 1_000_000
_UNITS_US = {
    "s": US_PER_S,
    "m": 60 * US_PER_S,
    "h": 3_600 * US_PER_S,
    "d": 86_400 * US_PER_S,
    "w": 604_800 * US_PER_S,
}
# 1970-01-01 was a Thursday, and weeks of markets begin on Monday.
_MONDAY_US = -3 * 86_400 * US_PER_S
_TIMEFRAME = re.compile(r"([1-9]\d{0,4})([smhdw])")
_LONGEST = 64  # characters of a venue or a symbol
_LONGEST_PART = 240  # bytes; file systems take 255, and a temporary name needs a few
_EVENTS = "events"  # folder of what has no timeframe
FOLDER = "lake"
"""Of a state folder: where its lake is, unless another is named."""


class Kind(enum.StrEnum):
    """What a series holds."""

    CANDLES = "candles"
    MARK = "mark"
    FUNDING = "funding"
    TRADES = "trades"
    OPEN_INTEREST = "open_interest"
    CONTEXT = "context"

    @property
    def has_timeframe(self) -> bool:
        """Candles do; events come when they come."""
        return self in (Kind.CANDLES, Kind.MARK)

    @property
    def is_large(self) -> bool:
        """Gigabytes, which a venue mostly gives again. The rest is small, and when it was known is told but once."""
        return self in (Kind.CANDLES, Kind.MARK, Kind.TRADES)


@dataclass(frozen=True, order=True)
class Series:
    """One series of one venue. Made by `series`, which checks; `binance` and `binance-usdm` are different venues.

    symbol      as ccxt writes it: BTC/USDT, or BTC/USDT:USDT for a perpetual
    timeframe   1m, 1h, 1d …; empty for events (funding, trades, open interest)
    """

    venue: str
    symbol: str
    timeframe: str
    kind: Kind = Kind.CANDLES

    @property
    def text(self) -> str:
        """For people, as in "binance BTC/USDT 1m".

        >>> Series("binance", "BTC/USDT", "1m").text, Series("ftx", "BTC/USD:USD", "", Kind.FUNDING).text
        ('binance BTC/USDT 1m', 'ftx BTC/USD:USD funding')
        """
        kind = "" if self.kind is Kind.CANDLES else str(self.kind)
        return " ".join(part for part in (self.venue, self.symbol, self.timeframe, kind) if part)

    @property
    def bar_us(self) -> int:
        """Microseconds of one candle; 0 for events."""
        return timeframe_us(self.timeframe) if self.timeframe else 0


def series(venue: str, symbol: str, timeframe: str, kind: Kind = Kind.CANDLES) -> Series:
    """Name a series. Raises `BadInput` for a name that nobody could mean.

    The timeframe is written in its largest unit, so that one series has one name.

    >>> series("binance", "BTC/USDT", "60m").timeframe
    '1h'
    """
    _named("A venue", venue)
    _named("A symbol", symbol)
    if not kind.has_timeframe:
        if timeframe:
            raise BadInput(
                f"{str(kind).replace('_', ' ')} has no timeframe; was {timeframe!r}. Leave it out."
            )
        return Series(venue, symbol, "", kind)
    return Series(venue, symbol, timeframe_text(timeframe_us(timeframe)), kind)


def _named(what: str, text: str) -> None:
    if not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST:
        raise BadInput(
            f"{what} is 1 to {_LONGEST} printable characters without blanks around it; was {text[:80]!r}. "
            "Write it as in binance and BTC/USDT."
        )


DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USDP", "DAI"})
"""Currencies that are a dollar, or are meant to be worth one."""


def assets_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol; no quote where it has none.

    >>> assets_of("BTC/USDT:USDT"), assets_of("SPY")
    (('BTC', 'USDT'), ('SPY', ''))
    """
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]


def timeframe_us(text: str) -> int:
    """Microseconds of a candle. Raises `BadInput`.

    >>> timeframe_us("1m"), timeframe_us("4h")
    (60000000, 14400000000)
    """
    match = _TIMEFRAME.fullmatch(text)
    if match is None:
        raise BadInput(
            f"A timeframe is a number and a unit of s, m, h, d or w, as in 1m, 4h or 1d; was {text[:20]!r}."
        )
    return int(match[1]) * _UNITS_US[match[2]]


def timeframe_text(us: int) -> str:
    """The other way: in the largest unit that divides it.

    >>> timeframe_text(86_400_000_000), timeframe_text(90_000_000)
    ('1d', '90s')
    """
    unit = max((u for u in _UNITS_US if us % _UNITS_US[u] == 0), key=_UNITS_US.__getitem__)
    return f"{us // _UNITS_US[unit]}{unit}"


def origin_us(bar_us: int) -> int:
    """From where candles of this length are counted: weeks from a Monday, all others from 1970-01-01."""
    return _MONDAY_US if bar_us % _UNITS_US["w"] == 0 else 0


def path_of(series: Series) -> PurePath:
    """Where it lies below the lake, as in candles/binance/BTC%2FUSDT/1m. Raises `BadInput`.

    >>> str(path_of(Series("binance", "../etc", "1m")))
    'candles/binance/%2E%2E%2F%65%74%63/1m'
    """
    if series.kind.has_timeframe:
        timeframe_us(series.timeframe)
    folder = series.timeframe or _EVENTS
    return PurePath(
        series.kind, _encoded(series.venue, lower=True), _encoded(series.symbol, lower=False), folder
    )


def series_of(path: PurePath) -> Series:
    """The series of a path that `path_of` made. Raises `BadInput` for any other."""
    if len(path.parts) == 4 and path.parts[0] in Kind.__members__.values():  # noqa: PLR2004 - kind, venue, symbol, timeframe
        kind = Kind(path.parts[0])
        venue, symbol = _decoded(path.parts[1]), _decoded(path.parts[2])
        timeframe = path.parts[3] if kind.has_timeframe else ""
        found = Series(venue, symbol, timeframe, kind)
        if venue and symbol and path_of(found) == path:
            return found
    raise BadInput(
        f"{path} is no place of a series; a series lies in KIND/VENUE/SYMBOL/TIMEFRAME, as in "
        "candles/binance/BTC%2FUSDT/1m."
    )


def _encoded(text: str, *, lower: bool) -> str:
    safe = "abcdefghijklmnopqrstuvwxyz" if lower else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    safe += "0123456789-_"
    try:
        octets = text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadInput(f"A name is Unicode text; was {text[:80]!r}, which has half a character.") from None
    form = "%{:02x}" if lower else "%{:02X}"
    found = "".join(chr(b) if chr(b) in safe else form.format(b) for b in octets)
    if not found or len(found) > _LONGEST_PART:
        raise BadInput(
            f"A name takes 1 to {_LONGEST_PART} bytes on disk; {text[:40]!r} takes {len(found)}. Shorten it."
        )
    return found


def _decoded(part: str) -> str:
    """What was encoded; empty where it cannot have been."""
    pieces = re.findall(r"%[0-9a-fA-F]{2}|[a-zA-Z0-9_-]", part)
    if "".join(pieces) != part:
        return ""
    try:
        return bytes(int(p[1:], 16) if p[0] == "%" else ord(p) for p in pieces).decode("utf-8")
    except UnicodeDecodeError:
        return ""
