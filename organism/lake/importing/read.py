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
from organism.lake.candles import Candles, Events
from organism.lake.importing import lean, named, stamps, trades
from organism.lake.importing.containers import Member, members
from organism.lake.importing.decided import Told, instrument_of, kind_of, timeframe_in
from organism.lake.importing.events import SiftedEvents, sifted_events, values
from organism.lake.importing.raw import NO_TIME, PRICES, Raw, read
from organism.lake.importing.rows import Sifted, sifted
from organism.lake.names import Kind, Series, series, timeframe_us

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_DAY_US: Final = 86_400_000_000
_DUMP_COLUMNS: Final = 12
AGGREGATED: Final = "aggregated trades"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One series of one file.

    sifted   candles and marks; `SiftedEvents` of funding, open interest and trades
    said     the file
    form     what it was recognised as
    notes    what a person should know
    """

    series: Series
    sifted: Sifted | SiftedEvents
    said: str
    form: str
    notes: tuple[str, ...]

    @property
    def candles(self) -> Candles:
        """What can be believed of it; none, where it holds no candles."""
        return self.sifted.candles if isinstance(self.sifted, Sifted) else Candles.empty()

    @property
    def events(self) -> Events | None:
        """The same of funding, open interest and trades; None, where it holds candles."""
        return self.sifted.events if isinstance(self.sifted, SiftedEvents) else None


class NoCandlesError(BadInput):
    """A good file of something else."""


def found_in(path: Path, told: Told, *, events: bool = False) -> Iterator[Found]:
    """The series of a file, one a member of an archive. Raises `BadInput`, one sentence.

    events   whether funding rates, open interest and trades are wanted too; without, trades are joined to candles
    """
    with tempfile.TemporaryDirectory(prefix="organism-import-") as folder:
        for member in members(path, Path(folder)):
            yield _found(path, member, told, events=events)


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """What is known of a file before its rows are sifted. t_us in UTC; prices (of candles) in the quote currency."""

    raw: Raw
    t_us: I64
    prices: Sequence[F64]
    names: Sequence[str]
    said: str
    form: str
    equity: bool


def _found(path: Path, member: Member, told: Told, *, events: bool) -> Found:
    inside = named.around(path.absolute(), member.name)
    names = [PurePath(one).stem if i < 2 else one for i, one in enumerate(inside)]  # noqa: PLR2004 - two files
    minute = lean.minute_of(member.said, member.name)
    symbol = told.symbol or next(filter(None, map(named.symbol_of, names)), "")
    raw = read(
        member.path, member.said, order=told.dates, base=re.split(r"[/:]", symbol)[0], symbol=told.symbol, kind=told.kind_told,
        day_us=None if minute is None else minute.day_us,
    )  # fmt: skip
    form = _form(raw, minute is not None)
    candles = raw.roles.kind is Kind.CANDLES
    raw, form = (raw, form) if raw.roles.ordered or not candles else _ordered(raw, form)
    equity = candles and form == "Lean" and lean.is_equity(names, raw.prices)
    prices: Sequence[F64] = () if not candles else lean.unscaled(raw.prices) if equity else raw.prices
    of_days = "America/New_York" if equity else "UTC" if form in {"Lean", "CryptoDataDownload"} else ""
    t_us = _in_utc(raw, told, member.said, of_days)
    venue, symbol = instrument_of(
        raw, told, names, form, equity=equity, ticker="" if minute is None else minute.ticker
    )
    if not venue or not symbol:
        what, option = ("venue", "--venue binance") if not venue else ("symbol", "--symbol BTC/USDT")
        raise BadInput(f"{member.said} and its folders name no {what} that is known; say {option}.")
    kind, note = kind_of(
        raw, told if events else _candles_only(raw, told, member.said), names, symbol, member.said
    )
    looked = _Looked(raw, t_us, prices, names, member.said, form, equity)
    if not kind.has_timeframe:
        return _of_events(looked, told, series(venue, symbol, "", kind), note)
    return _of_candles(looked, told, (venue, symbol, kind), note)


def _candles_only(raw: Raw, told: Told, said: str) -> Told:
    if raw.roles.kind is Kind.TRADES:
        return replace(told, kind=Kind.CANDLES)
    if raw.roles.kind is not Kind.CANDLES:
        what = str(raw.roles.kind).replace("_", " ")
        raise NoCandlesError(
            f"{said} holds {what}, which comes when it comes; candles are measured, of this there are none."
        )
    return told


def _of_events(looked: _Looked, told: Told, wanted: Series, note: str) -> Found:
    """Funding, open interest, trades."""
    if told.timeframe and wanted.kind is not Kind.TRADES:
        what = str(wanted.kind).replace("_", " ")
        raise BadInput(
            f"{looked.said} holds {what}, which has no timeframe; leave --timeframe {told.timeframe} out."
        )
    columns = values(looked.raw, wanted.kind, told.unit, looked.said, wanted.symbol)
    sifted_ = sifted_events(looked.raw, looked.t_us, wanted.kind, columns)
    form = AGGREGATED if looked.raw.roles.aggregated else looked.form
    notes = (note,) if note else ()
    if looked.raw.roles.place("side") >= 0 and wanted.kind is Kind.TRADES:
        notes = (*notes, "the side of a trade was taken as that of who took")
    return Found(wanted, sifted_, looked.said, form, notes)


def _of_candles(looked: _Looked, told: Told, of: tuple[str, str, Kind], note: str) -> Found:
    venue, symbol, kind = of
    raw, t_us = looked.raw, looked.t_us
    notes = (note,) if note else ()
    if raw.roles.kind is Kind.TRADES:
        text = told.timeframe or "1m"
        whole = trades.joined(raw, t_us, timeframe_us(text))
        return Found(series(venue, symbol, text), whole, looked.said, looked.form, notes)
    if looked.equity:
        notes = ("prices were ten-thousandths of a dollar (Lean) and are dollars now", *notes)
    volume = raw.volume if raw.volume is not None and kind is Kind.CANDLES else np.zeros(t_us.size)
    whole = sifted(raw, t_us, looked.prices, volume)
    text = timeframe_in(whole.candles.open_us, told, looked.names, looked.said)
    if looked.equity and timeframe_us(text) >= _DAY_US:  # a session is labelled by its day, at 00:00 UTC
        naive = replace(whole.candles, open_us=_days(whole.candles.open_us))
        whole = replace(whole, candles=naive)
    if kind is Kind.MARK:
        whole = replace(whole, candles=replace(whole.candles, volume=np.full(len(whole.candles), np.nan)))
    return Found(series(venue, symbol, text, kind), whole, looked.said, looked.form, notes)


def _days(open_us: I64) -> I64:
    """Midnights of New York → midnights UTC of the same day: New York is four or five hours behind."""
    return open_us // _DAY_US * _DAY_US


def _form(raw: Raw, minute: bool) -> str:  # noqa: FBT001 - one of two facts
    """What the file was recognised as."""
    names = {re.sub(r"[^a-z]", "", name.lower()) for name in raw.header}
    if minute or (not raw.header and lean.DAILY.fullmatch(raw.times.example)):
        return "Lean"
    if raw.roles.kind is Kind.FUNDING:
        return "funding rates"
    if raw.roles.kind is Kind.OPEN_INTEREST:
        return "open interest"
    if raw.roles.kind is Kind.TRADES:
        dump = not raw.header and raw.roles.place("buyer_maker") >= 0
        return "trades dump" if dump or "quote_qty" in raw.header or raw.roles.aggregated else "trades"
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
        columns = {**raw.columns, **dict(zip(PRICES, other, strict=True))}
        return replace(raw, columns=columns, roles=roles), "Bitfinex order"
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
