"""Which column is what: by the names in a header, or, without one, by what the first rows hold."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from organism.errors import BadInput
from organism.lake.names import Kind

# The first that is there is taken. Stamps that are numbers come before texts: a text may be of any zone.
_TIMES: Final = (
    "unix", "unixtimestamp", "unixtime", "timestamp", "opentime", "opentimestamp", "candlebegintime", "starttime",
    "timestampms", "ts", "t", "fundingtime", "fundingratetimestamp", "calctime", "createtime", "transacttime", "createdtime",
    "gmttime", "utctime", "datetimeutc", "datetime", "datetimegmt", "localtime", "date", "time", "dt", "start", "dtyyyymmdd", "",
)  # fmt: skip
_UTC: Final = ("gmttime", "utctime", "datetimeutc", "datetimegmt")
_PRICES: Final = {
    "open": ("open", "o", "openprice", "openingprice", "first"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "closingprice", "last", "price"),
}
_VOLUMES: Final = ("volume", "basevolume", "volumebase", "vol", "v", "amount", "tickvol", "tickvolume")
_SIZES: Final = ("baseqty", "qty", "quantity", "amount", "size", "volume", "basevolume")
_SYMBOLS: Final = ("symbol", "ticker", "pair", "instrument", "instrumentname", "instid")
_IDS: Final = ("tradeid", "aggtradeid", "id", "tid")
_MAKERS: Final = ("isbuyermaker", "buyermaker", "m")
_SIDES: Final = ("takerside", "side")
_STRIKES: Final = ("strike", "strikeprice")
_EXPIRIES: Final = ("expiry", "expiration", "expirationdate", "expirydate")
_RATES: Final = ("fundingrate", "lastfundingrate")
_RATES_TOLD: Final = (*_RATES, "realizedrate", "rate", "funding")
_AMOUNTS: Final = ("sumopeninterest", "openinterestamount", "oiccy", "openinterest", "oi")
_AMOUNTS_OR_VALUES: Final = ("openinterest", "oi")
_WORTHS: Final = ("sumopeninterestvalue", "openinterestvalue", "openinterestusd", "oiusd")
_STAMP: Final = re.compile(r"\d{9,19}(\.\d+)?|\d(\.\d+)?[eE]\+?\d{1,2}")
_NUMBER: Final = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?|nan|[-+]?inf(inity)?|", re.IGNORECASE)
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_TRUTH: Final = re.compile(r"true|false", re.IGNORECASE)
_SIDE: Final = re.compile(r"buy|sell", re.IGNORECASE)
_WHOLE_STAMP: Final = re.compile(r"\d{13}|\d{16}")


@dataclass(frozen=True, slots=True)
class Roles:
    """Places of columns, from 0; -1 where there is none.

    time, clock   the stamp, and the time of day where it stands in a column of its own
    prices        open, high, low, close of candles
    volume        base units, of candles
    kind          what the rows are; trades may yet be joined to candles
    values        of rows that are no candles: names of the lake's columns with their places; "side" for the taker's
    aggregated    trades of one order at one price are one row
    perpetual     the form is one of perpetuals
    ordered       a header says which price is which
    """

    time: int
    prices: tuple[int, ...] = ()
    volume: int = -1
    clock: int = -1
    symbol: int = -1
    kind: Kind = Kind.CANDLES
    values: tuple[tuple[str, int], ...] = ()
    aggregated: bool = False
    perpetual: bool = False
    ordered: bool = True
    utc: bool = False

    def place(self, value: str) -> int:
        """Of a value of rows that are no candles."""
        return dict(self.values).get(value, -1)


def plain(name: str) -> str:
    """A column's name without what differs between writers.

    >>> plain("Volume_(BTC)"), plain("<DATE>"), plain(" Open Time ")
    ('volumebtc', 'date', 'opentime')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line names columns: a known name for a time, and one for a price, a rate or open interest."""
    names = [plain(cell) for cell in cells]
    known = {name for names in _PRICES.values() for name in names} | {*_RATES, *_AMOUNTS, *_WORTHS}
    return any(name in _TIMES and name for name in names) and any(name in known for name in names)


def of_header(said: str, cells: Sequence[str], base: str = "", kind: Kind | None = None) -> Roles:
    """Columns by their names. Raises `BadInput`.

    base   of the symbol, whose volume is meant
    kind   what a person says that rows are; None: recognise it
    """
    names = [plain(cell) for cell in cells]

    def first(known: Sequence[str]) -> int:
        return next((names.index(name) for name in known if name in names), -1)

    if min(first(_STRIKES), first(_EXPIRIES)) >= 0:
        raise BadInput(
            f"{said} holds a chain of options, many at one time, which the lake does not keep; import candles of one instrument."
        )
    time, symbol = first(_TIMES), first(_SYMBOLS)
    prices = tuple(first(known) for known in _PRICES.values())
    sizes = first(_SIZES)
    trades = time >= 0 and "price" in names and sizes >= 0
    rates = first(_RATES if kind is not Kind.FUNDING else _RATES_TOLD)
    amounts, worths = first(_AMOUNTS), first(_WORTHS)
    # freqtrade writes rates as candles whose opens they are.
    ohlc = (None, Kind.CANDLES, Kind.MARK, *((Kind.FUNDING,) if rates < 0 else ()))
    if kind in ohlc and time >= 0 and min(prices) >= 0:
        clock = names.index("time") if names[time] == "date" and "time" in names else -1
        return Roles(time, prices, _volume(names, base), clock, symbol, utc=names[time] in _UTC)
    if kind is None and time >= 0 and rates >= 0 and max(amounts, worths) >= 0:
        raise BadInput(
            f"{said} has a column of funding rates ({cells[rates]}) and one of open interest ({cells[max(amounts, worths)]}), and "
            "one is read at a time; say --kind funding or --kind open_interest."
        )
    if time >= 0 and rates >= 0 and kind in (None, Kind.FUNDING):
        utc = names[time] in _UTC
        return Roles(time, symbol=symbol, kind=Kind.FUNDING, values=(("rate", rates),), utc=utc)
    if time >= 0 and max(amounts, worths) >= 0 and kind in (None, Kind.OPEN_INTEREST):
        return _interest(said, names, (time, symbol, amounts, worths))
    if trades and kind in (None, Kind.TRADES, Kind.CANDLES):
        return _trades(said, names, time, symbol, sizes)
    wanted = _wanted(kind)
    lacking = [word for word, place in zip(("time", *_PRICES), (time, *prices), strict=True) if place < 0]
    missing = ", ".join(lacking) if kind in (None, Kind.CANDLES, Kind.MARK) else wanted
    raise BadInput(
        f"{said} has no column for {missing}; its columns are: {', '.join(cells[:12])[:200]}. Name them {wanted}."
    )


def _wanted(kind: Kind | None) -> str:
    return {
        Kind.FUNDING: "timestamp and funding_rate",
        Kind.OPEN_INTEREST: "timestamp, sum_open_interest and sum_open_interest_value",
        Kind.TRADES: "timestamp, trade_id, price, qty and is_buyer_maker",
        Kind.MARK: "time, open, high, low and close",
    }.get(kind or Kind.CANDLES, "time, open, high, low, close and volume")


def _interest(said: str, names: Sequence[str], places: tuple[int, int, int, int]) -> Roles:
    time, symbol, amounts, worths = places
    if amounts < 0:
        raise BadInput(
            f"{said} has the value of open interest ({names[worths]}) and not its amount in base units, which the lake keeps; "
            "name a column of it sum_open_interest."
        )
    found = [("amount", amounts)] + ([("value", worths)] if worths >= 0 else [])
    # Binance's metrics tell the time as text, in UTC.
    utc = names[time] in (*_UTC, "createtime")
    return Roles(time, symbol=symbol, kind=Kind.OPEN_INTEREST, values=tuple(found), utc=utc)


def unit_is_open(roles: Roles, header: Sequence[str]) -> bool:
    """Whether a column of open interest may be an amount or a value: nothing beside it tells."""
    if roles.kind is not Kind.OPEN_INTEREST or roles.place("value") >= 0:
        return False
    return plain(header[roles.place("amount")]) in _AMOUNTS_OR_VALUES


def _trades(said: str, names: Sequence[str], time: int, symbol: int, sizes: int) -> Roles:
    if not {"lastid", "prevlastid", "lastupdateid", "updateid", "bidprice"}.isdisjoint(names):
        raise BadInput(f"{said} holds an order book, which the lake does not keep; import trades or candles.")
    values = [("price", names.index("price")), ("quantity", sizes)]
    for name, known in (("trade_id", _IDS), ("buyer_maker", _MAKERS), ("side", _SIDES)):
        place = next((names.index(one) for one in known if one in names), -1)
        if place >= 0 and not (name == "side" and "buyer_maker" in dict(values)):
            values.append((name, place))
    aggregated = "aggtradeid" in names or "firsttradeid" in names
    return Roles(time, symbol=symbol, kind=Kind.TRADES, values=tuple(values), aggregated=aggregated)


def _volume(names: Sequence[str], base: str) -> int:
    wanted = (f"volume{plain(base)}", *_VOLUMES) if base else _VOLUMES
    exact = next((names.index(name) for name in wanted if name in names), -1)
    if exact >= 0:
        return exact
    return next((place for place, name in enumerate(names) if name.startswith("volume")), -1)


def of_rows(said: str, rows: Sequence[Sequence[str]]) -> Roles:
    """Columns without names. Raises `BadInput` where they are of no known order."""
    first = rows[0]

    def all_are(pattern: re.Pattern[str], i: int) -> bool:
        return all(pattern.fullmatch(row[i].strip()) is not None for row in rows if i < len(row))

    dump = _dump(first, all_are)
    if dump is not None:
        return dump
    numbers = [all_are(_NUMBER, i) for i in range(len(first))]
    stamped = _STAMP.fullmatch(first[0].strip()) is not None or not numbers[0]
    if len(first) >= 7 and not numbers[0] and _CLOCK.fullmatch(first[1].strip()) and all(numbers[2:7]):  # noqa: PLR2004
        return Roles(0, (2, 3, 4, 5), 6, clock=1)
    if stamped and len(first) >= 6 and all(numbers[1:6]):  # noqa: PLR2004
        return Roles(0, (1, 2, 3, 4), 5, ordered=len(first) > 7)  # noqa: PLR2004 - an exchange's dump has twelve
    if stamped and len(first) == 5 and all(numbers[1:5]):  # noqa: PLR2004
        return Roles(0, (1, 2, 3, 4), -1, ordered=False)
    if stamped and numbers[0] and len(first) == 3 and all(numbers):  # noqa: PLR2004 - time, price, volume
        return Roles(0, kind=Kind.TRADES, values=(("price", 1), ("quantity", 2)))
    raise BadInput(
        f"{said} has no header, and its first row {', '.join(first)[:120]!r} is of no known order; give it a header: time, "
        "open, high, low, close, volume."
    )


def _dump(first: Sequence[str], are: Callable[[re.Pattern[str], int], bool]) -> Roles | None:
    """Trades as exchanges dump them without a header: told by where the stamp is, and by what ends in true or false.

    trades       id, price, quantity, quote, time, buyer is maker (perpetuals) and whether it was the best price (spot)
    aggTrades    id, price, quantity, first id, last id, time, buyer is maker (perpetuals), the best price (spot)
    freqtrade    time, id, type, side, price, amount
    """
    width = len(first)
    for length, time, maker, aggregated, perpetual in (
        (6, 4, 5, False, True), (7, 4, 5, False, False), (7, 5, 6, True, True), (8, 5, 6, True, False),
    ):  # fmt: skip
        ends = range(maker, length)
        if width == length and are(_WHOLE_STAMP, time) and all(are(_TRUTH, i) for i in ends):
            values = (("trade_id", 0), ("price", 1), ("quantity", 2), ("buyer_maker", maker))
            return Roles(time, kind=Kind.TRADES, values=values, aggregated=aggregated, perpetual=perpetual)
    if width >= 6 and are(_WHOLE_STAMP, 0) and are(_SIDE, 3) and are(_NUMBER, 4) and are(_NUMBER, 5):  # noqa: PLR2004
        values = (("trade_id", 1), ("price", 4), ("quantity", 5), ("side", 3))
        return Roles(0, kind=Kind.TRADES, values=values)
    return None
