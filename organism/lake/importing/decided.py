"""What a file is of: venue, symbol, kind and length of a candle, by its columns and names, or as a person says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.importing import named, stamps
from organism.lake.importing.events import UNITS
from organism.lake.importing.raw import Raw
from organism.lake.names import Kind, timeframe_text, timeframe_us

I64 = NDArray[np.int64]

KINDS: Final = ("candles", "mark", "funding", "open_interest", "trades")
_DAY_US: Final = 86_400_000_000
_MONTH_US: Final = 28 * _DAY_US
_USUAL: Final = frozenset(
    timeframe_us(text)
    for text in (
        [
            "1s",
            "5s",
            "10s",
            "15s",
            "30s",
            "1m",
            "2m",
            "3m",
            "5m",
            "10m",
            "15m",
            "20m",
            "30m",
            "45m",
            "1h",
            "2h",
            "3h",
            "4h",
            "6h",
            "8h",
            "12h",
            "1d",
            "2d",
            "3d",
            "5d",
            "1w",
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of files; each empty text means: recognise it.

    dates   "dmy" or "mdy"
    tz      a zone's name
    kind    of `KINDS`: what the rows are
    unit    of `events.UNITS`: what the numbers are in
    """

    venue: str = ""
    symbol: str = ""
    timeframe: str = ""
    tz: str = ""
    dates: str = ""
    kind: str = ""
    unit: str = ""

    def checked(self) -> "Told":
        """The same, or `BadInput` for a zone, an order, a timeframe, a kind or a unit that nobody could mean."""
        if self.tz:
            stamps.zone_of(self.tz)
        if self.dates and self.dates not in stamps.ORDERS:
            raise BadInput(f"--dates was {self.dates!r}; it is dmy (day first) or mdy (month first).")
        if self.timeframe:
            timeframe_us(self.timeframe)
        if self.kind and self.kind not in KINDS:
            raise BadInput(f"--kind was {self.kind!r}; it is {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
        if self.unit and self.unit not in UNITS:
            raise BadInput(
                f"--unit was {self.unit!r}; it is fraction or percent (of funding rates), or base (of open interest)."
            )
        return self

    @property
    def kind_told(self) -> Kind | None:
        """The kind, or None: recognise it."""
        return Kind(self.kind) if self.kind else None


def instrument_of(
    raw: Raw, told: Told, names: Sequence[str], form: str, *, equity: bool, ticker: str
) -> tuple[str, str]:
    """Venue and symbol; empty where nothing tells. Raises `BadInput` for several symbols, or two ways to settle."""
    defaults = {
        "exchange dump": "binance",
        "trades dump": "binance",
        "Yahoo": "yahoo",
        "Bitfinex order": "bitfinex",
        "trades": "kraken",
    }
    guess = defaults.get(form, "") if form != "trades" or not raw.header else ""
    venue = told.venue or named.venue_of([*names, raw.above]) or ("us-equity" if equity else guess)
    if len(raw.symbols) > 1 and not told.symbol:
        raise BadInput(
            f"the file holds several symbols ({', '.join(raw.symbols)}…); say which with --symbol."
        )
    symbol = told.symbol or next(filter(None, map(named.symbol_of, (*raw.symbols, ticker, *names))), "")
    if not symbol and (equity or venue in {"yahoo", "us-equity"}):
        symbol = next((found for found in map(named.ticker_of, (ticker, *raw.symbols, *names)) if found), "")
    perpetual = {"um", "futures", "usdm"} & {
        word for one in names for word in re.split(r"[-_ ]", one.lower())
    }
    of_perpetual = _is_of_a_perpetual(raw, told, names)
    if (
        venue == "binance"
        and not told.venue
        and (
            perpetual or of_perpetual or ":" in symbol or (form == "exchange dump" and "count" in raw.header)
        )
    ):
        venue = "binance-usdm"
    return venue, _settled(symbol, venue, of_perpetual=of_perpetual) if not told.symbol else symbol


def _is_of_a_perpetual(raw: Raw, told: Told, names: Sequence[str]) -> bool:
    """Funding, open interest and marks are; and some forms of trades."""
    only = (Kind.FUNDING, Kind.OPEN_INTEREST, Kind.MARK)
    said = told.kind_told or raw.roles.kind
    return said in only or raw.roles.perpetual or (raw.volume is None and is_marked(names))


def _settled(symbol: str, venue: str, *, of_perpetual: bool) -> str:
    """With the currency in which a perpetual settles: that of its quote, but for dollars, which may be either."""
    if "/" not in symbol or ":" in symbol or not (of_perpetual or venue == "binance-usdm"):
        return symbol
    base, _, quote = symbol.partition("/")
    if quote == "USD" and venue != "binance-usdm":
        raise BadInput(
            f"{symbol} of {venue or 'a venue'} is a perpetual that settles in {base} ({symbol}:{base}) or in dollars "
            f"({symbol}:USD), and nothing tells which; say --symbol {symbol}:{base}, with --venue."
        )
    return f"{symbol}:{quote}"


def is_marked(names: Sequence[str]) -> bool:
    """Whether a name says that prices are marks: BTC_USDT-1h-mark, markPriceKlines."""
    words = {word for one in names for word in re.split(r"[-_ .]", one.lower())}
    return not words.isdisjoint({"mark", "markprice", "markpriceklines"})


def kind_of(raw: Raw, told: Told, names: Sequence[str], symbol: str, said: str) -> tuple[Kind, str]:
    """What the rows become in the lake, and a note for the person. Raises `BadInput` where two kinds are as likely."""
    kind = told.kind_told
    become = {
        Kind.TRADES: (Kind.TRADES, Kind.CANDLES),
        Kind.CANDLES: (Kind.CANDLES, Kind.MARK, Kind.FUNDING),
    }.get(raw.roles.kind, (raw.roles.kind,))
    if kind is not None and kind not in become:
        what = str(raw.roles.kind).replace("_", " ")
        raise BadInput(f"{said} holds {what} by its columns, and --kind was {kind}; leave --kind out.")
    if raw.roles.kind is Kind.TRADES:
        return _trades_or_candles(raw, told, said)
    if raw.roles.kind is not Kind.CANDLES:
        return raw.roles.kind, ""
    if kind is not None:
        return kind, ""
    words = {word for one in names for word in re.split(r"[-_ .]", one.lower())}
    if other := {"indexpriceklines", "premiumindexklines", "indexprice", "premiumindex"} & words:
        raise BadInput(
            f"{said} is told to be of {min(other)}; prices of an index or a premium are not kept, say --kind mark where they are "
            "marks all the same."
        )
    if "funding" in {word for one in names[:2] for word in re.split(r"[-_ .]", one.lower())} and not any(
        np.any(column != 0) for column in (*raw.prices[1:], np.zeros(1) if raw.volume is None else raw.volume)
    ):
        return Kind.FUNDING, "rates stood in the column of opens, as freqtrade writes them"
    silent = raw.volume is None or not np.any(raw.volume > 0)
    if silent and is_marked(names):
        return Kind.MARK, ""
    if silent and ":" in symbol:
        column = "no column of volume" if raw.volume is None else "no volume in any row"
        raise BadInput(
            f"{said} has {column}: its prices may be marks of {symbol}, or candles of which the volume was lost. Say --kind mark "
            "or --kind candles."
        )
    return Kind.CANDLES, "there is no column of volume: it is 0" if raw.volume is None else ""


def _trades_or_candles(raw: Raw, told: Told, said: str) -> tuple[Kind, str]:
    lacking = " and ".join(
        word
        for word, there in (
            ("id", "trade_id" in raw.columns and _numbered(raw.columns["trade_id"])),
            ("side", "buyer_maker" in raw.columns),
        )
        if not there
    )
    if told.kind == Kind.TRADES:
        if lacking:
            raise BadInput(
                f"{said}: its trades have no {lacking} that the lake can tell them apart by, so they are kept as candles only; "
                "leave --kind out, or say --kind candles."
            )
        if told.timeframe:
            raise BadInput(f"{said} holds trades, which have no timeframe; leave --timeframe or --kind out.")
        return Kind.TRADES, ""
    if told.kind or told.timeframe or lacking:
        why = f", since they have no {lacking} to be kept by" if lacking else ""
        return (
            Kind.CANDLES,
            f"trades were joined to {told.timeframe or '1m'} candles{why}; the first and the last may be parts of one",
        )
    return Kind.TRADES, "kept trade by trade; `organism data candles` makes candles of them"


def _numbered(ids: NDArray[np.float64]) -> bool:
    """Whether most ids are numbers, and not words."""
    return bool(np.isfinite(ids).mean() > 0.5) if ids.size else True  # noqa: PLR2004


def timeframe_in(open_us: I64, told: Told, names: Sequence[str], said: str) -> str:
    """Length of a candle: the most frequent step, unless the name or a person knows of a finer one with gaps."""
    wanted = told.timeframe or next(filter(None, map(named.timeframe_of, names)), "")
    if open_us.size < 2:  # noqa: PLR2004 - one candle has no step
        if wanted or not open_us.size:
            return wanted or "1m"
        raise BadInput(f"{said} has one candle, and its name tells no timeframe; say --timeframe 1h.")
    steps, counts = np.unique(np.diff(open_us), return_counts=True)
    usual = int(steps[np.argmax(counts)])
    if wanted:
        bar_us = timeframe_us(wanted)
        if usual % bar_us == 0 or int(steps[0]) >= bar_us:
            return wanted
        raise BadInput(
            f"{said}: rows are {_length(usual)} apart, which are no {wanted} candles"
            f"{' as its name says' if not told.timeframe else ''}; say --timeframe {_length(usual)}, coarser ones are derived."
        )
    if usual in _USUAL:
        return timeframe_text(usual)
    hint = (
        "candles of months are not kept"
        if usual >= _MONTH_US
        else "say --timeframe 1m, or whatever a candle lasts"
    )
    raise BadInput(f"{said}: rows are {_length(usual)} apart most often, which is no usual candle; {hint}.")


def _length(us: int) -> str:
    return timeframe_text(us) if us % 1_000_000 == 0 else f"{us / 1_000_000:g} s"
