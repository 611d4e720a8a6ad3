"""One file → the series in it: recognised by what it holds, overridden by what a person says."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.candles import Candles
from organism.lake.importing import lean, named, stamps, trades
from organism.lake.importing.containers import Member, members
from organism.lake.importing.raw import NO_TIME, Raw, read
from organism.lake.importing.rows import Sifted, sifted
from organism.lake.names import Kind, Series, series, timeframe_text, timeframe_us

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

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
_DUMP_COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of files; each empty text means: recognise it. dates: "dmy" or "mdy"; tz: a zone's name."""

    venue: str = ""
    symbol: str = ""
    timeframe: str = ""
    tz: str = ""
    dates: str = ""

    def checked(self) -> "Told":
        """The same, or `BadInput` for a zone, an order or a timeframe that nobody could mean."""
        if self.tz:
            stamps.zone_of(self.tz)
        if self.dates and self.dates not in stamps.ORDERS:
            raise BadInput(f"--dates was {self.dates!r}; it is dmy (day first) or mdy (month first).")
        if self.timeframe:
            timeframe_us(self.timeframe)
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One series of one file. said: the file; form: what it was recognised as; notes: what a person should know."""

    series: Series
    sifted: Sifted
    said: str
    form: str
    notes: tuple[str, ...]

    @property
    def candles(self) -> Candles:
        """What can be believed of it."""
        return self.sifted.candles


def found_in(path: Path, told: Told) -> Iterator[Found]:
    """The series of a file, one a member of an archive. Raises `BadInput`, one sentence."""
    with tempfile.TemporaryDirectory(prefix="organism-import-") as folder:
        for member in members(path, Path(folder)):
            yield _found(path, member, told)


def _found(path: Path, member: Member, told: Told) -> Found:
    inside = named.around(path.absolute(), member.name)
    names = [PurePath(one).stem if i < 2 else one for i, one in enumerate(inside)]  # noqa: PLR2004 - two files
    minute = lean.minute_of(member.said, member.name)
    symbol = told.symbol or next(filter(None, map(named.symbol_of, names)), "")
    raw = read(
        member.path, member.said, order=told.dates, base=re.split(r"[/:]", symbol)[0], symbol=told.symbol,
        day_us=None if minute is None else minute.day_us,
    )  # fmt: skip
    form = _form(raw, minute is not None)
    raw, form = (raw, form) if raw.roles.ordered or raw.roles.trades else _ordered(raw, form)
    prices = raw.prices
    notes: tuple[str, ...] = ()
    equity = form == "Lean" and lean.is_equity(names, prices)
    if equity:
        prices = lean.unscaled(prices)
        notes = ("prices were ten-thousandths of a dollar (Lean) and are dollars now",)
    of_days = "America/New_York" if equity else "UTC" if form in {"Lean", "CryptoDataDownload"} else ""
    t_us = _in_utc(raw, told, member.said, of_days)
    venue, symbol = _named(
        raw, told, names, form, equity=equity, ticker="" if minute is None else minute.ticker
    )
    if not venue or not symbol:
        what, option = ("venue", "--venue binance") if not venue else ("symbol", "--symbol BTC/USDT")
        raise BadInput(f"{member.said} and its folders name no {what} that is known; say {option}.")
    kind = Kind.CANDLES
    if raw.roles.trades:
        text = told.timeframe or "1m"
        whole = trades.joined(raw, t_us, timeframe_us(text))
        notes = (f"trades were joined to {text} candles; the first and the last may be parts of one",)
    else:
        volume = raw.volume
        if volume is None:
            volume = np.zeros(t_us.size)
            if any("mark" in re.split(r"[-_ .]", one.lower()) for one in names):
                kind = Kind.MARK
            else:
                notes = (*notes, "there is no column of volume: it is 0")
        whole = sifted(raw, t_us, prices, volume)
        text = _timeframe(whole.candles.open_us, told, names, member.said)
        if equity and timeframe_us(text) >= _DAY_US:  # a session is labelled by its day, at 00:00 UTC
            naive = replace(whole.candles, open_us=_days(whole.candles.open_us))
            whole = replace(whole, candles=naive)
    if kind is Kind.MARK:
        whole = replace(whole, candles=replace(whole.candles, volume=np.full(len(whole.candles), np.nan)))
    return Found(series(venue, symbol, text, kind), whole, member.said, form, notes)


def _days(open_us: I64) -> I64:
    """Midnights of New York → midnights UTC of the same day: New York is four or five hours behind."""
    return open_us // _DAY_US * _DAY_US


def _form(raw: Raw, minute: bool) -> str:  # noqa: FBT001 - one of two facts
    """What the file was recognised as."""
    names = {re.sub(r"[^a-z]", "", name.lower()) for name in raw.header}
    if minute or (not raw.header and lean.DAILY.fullmatch(raw.times.example)):
        return "Lean"
    if raw.roles.trades:
        return "trades"
    if "cryptodatadownload" in raw.above.lower() or ("unix" in names and "symbol" in names):
        return "CryptoDataDownload"
    if "adjclose" in names:
        return "Yahoo"
    if {"takerbuyvolume", "takerbuybasevolume"} & names or (not raw.header and raw.width == _DUMP_COLUMNS):
        return "exchange dump"
    return "table" if raw.header else "rows"


def _ordered(raw: Raw, form: str) -> tuple[Raw, str]:
    """Columns without names: Bitfinex writes open, close, high, low; whichever order has fewer crossed candles is meant."""

    def crossed(prices: Sequence[F64]) -> int:
        opened, high, low, close = prices
        return int(((high < np.maximum(opened, close)) | (low > np.minimum(opened, close))).sum())

    usual = raw.prices
    other = (usual[0], usual[2], usual[3], usual[1])
    if crossed(other) < crossed(usual):
        first, second, third, fourth = raw.roles.prices
        roles = replace(raw.roles, prices=(first, third, fourth, second))
        return replace(raw, prices=other, roles=roles), "Bitfinex order"
    return raw, form


def _in_utc(raw: Raw, told: Told, said: str, zone: str) -> I64:
    """Stamps in UTC. zone: of the format, where it has one. Raises `BadInput` where clock times may be of any zone."""
    times = raw.times
    if told.tz:
        if times.aware and told.tz != "UTC":
            raise BadInput(
                f"{said}: its times tell their zone, as in {times.example!r}; leave --tz {told.tz} out."
            )
        return raw.t_us if times.aware else stamps.to_utc(raw.t_us, stamps.zone_of(told.tz))
    if not times.naive or times.days or raw.roles.utc:
        return raw.t_us
    if zone:
        return stamps.to_utc(raw.t_us, stamps.zone_of(zone))
    known = raw.t_us[raw.t_us != NO_TIME]
    if not known.size or (known % _DAY_US == 0).all():
        return raw.t_us  # days: a zone does not matter
    raise stamps.ambiguous_zone(said, times.example, int(known[0]))


def _named(
    raw: Raw, told: Told, names: Sequence[str], form: str, *, equity: bool, ticker: str
) -> tuple[str, str]:
    """Venue and symbol; empty where nothing tells."""
    defaults = {
        "exchange dump": "binance",
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
    if told.venue:
        return venue, symbol
    perpetual = {"um", "futures", "usdm"} & {
        word for one in names for word in re.split(r"[-_ ]", one.lower())
    }
    if venue == "binance" and (
        perpetual or ":" in symbol or (form == "exchange dump" and "count" in raw.header)
    ):
        venue = "binance-usdm"
    if venue == "binance-usdm" and "/" in symbol and ":" not in symbol and not told.symbol:
        symbol = f"{symbol}:{symbol.partition('/')[2]}"
    return venue, symbol


def _timeframe(open_us: I64, told: Told, names: Sequence[str], said: str) -> str:
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
