"""One history of an asset across its names, units, splits and dividends: rows are read, scaled, joined, never changed."""

from dataclasses import dataclass
from typing import NamedTuple

from organism.errors import BadInput
from organism.lake.candles import Candles, joined
from organism.lake.context.vintages import candles_as_known
from organism.lake.names import series
from organism.lake.store import Lake
from organism.lake.universe.actions import adjusted
from organism.lake.universe.changes import Change, Changes, read_changes

_LONGEST_CHAIN = 20
_ALWAYS_US = 7_258_118_400_000_000  # 2200-01-01


class Piece(NamedTuple):
    """A stretch of a view: from which symbol, from when until before when, and units of the asset in one stored unit."""

    symbol: str
    start_us: int
    end_us: int
    factor: float


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Candles of an asset in its unit as of the date, and of which pieces they are made."""

    candles: Candles
    pieces: tuple[Piece, ...]


def view(
    lake: Lake,
    venue: str,
    asset: str,
    quote: str,
    timeframe: str,
    as_of_us: int,
    *,
    settle: str = "",
    changes: Changes | None = None,
) -> View:
    """History of an asset under all the names it had until a date, in the unit it had then. Raises `BadInput`.

    asset    its name as of the date: POL, not MATIC; a contract of many units by the asset: PEPE, not 1000PEPE
    quote    empty for an equity, whose symbol is its name
    settle   currency in which a perpetual settles; empty for spot

    A stored unit that is `factor` units of the asset has its prices divided by it and its volume multiplied: turnover
    stays. Splits and dividends are applied to each piece (`actions.adjusted`). Where the asset's own symbol and a contract of many units are both stored, its own is shown. Changes of after
    the date are not applied, and nothing that became known after it is read.
    """
    table = read_changes(lake) if changes is None else changes
    pieces = _pieces(table, venue, asset, as_of_us)
    ending = (f"/{quote}" if quote else "") + (f":{settle}" if settle else "")
    found: list[Candles] = []
    used: list[Piece] = []
    for name, start_us, end_us, factor in pieces:
        multiples = [(one.contract, factor * one.units) for one in table.multiples if one.asset == name]
        for symbol, units in ((name, factor), *multiples):
            stored = series(venue, f"{symbol}{ending}", timeframe)
            there = candles_as_known(lake, stored, as_of_us, start_us, end_us)
            if len(there):
                whole = adjusted(there, table.actions_of(venue, stored.symbol), as_of_us)
                found.append(scaled(whole, units))
                used.append(Piece(stored.symbol, start_us, end_us, units))
                break
    if not found:
        names = ", ".join(f"{piece.symbol}{ending}" for piece in pieces)
        raise BadInput(
            f"{lake.root} holds no {timeframe} candles of {venue} {names} as of that date; fetch them."
        )
    return View(joined(*found), tuple(used))


def _pieces(table: Changes, venue: str, asset: str, as_of_us: int) -> tuple[Piece, ...]:
    """Names of an asset, oldest first. A name that was reused is this asset only from then on."""
    start_us = max(
        (c.at_us for c in table.changes if _reuses(c, venue, asset) and c.at_us <= as_of_us), default=0
    )
    chain = [Piece(asset, start_us, _ALWAYS_US, 1.0)]
    while start_us == 0 and len(chain) < _LONGEST_CHAIN:
        newest = chain[0]
        before = [
            c
            for c in table.changes
            if c.after == newest.symbol and c.at_us <= min(as_of_us, newest.end_us) and c.holds_at(venue)
        ]
        change = max(before, key=lambda c: c.at_us, default=None)
        if change is None or any(piece.symbol == change.before for piece in chain):
            break
        chain[0] = newest._replace(start_us=change.at_us)
        chain.insert(0, Piece(change.before, 0, change.at_us, newest.factor * change.factor))
    return tuple(chain)


def _reuses(change: Change, venue: str, asset: str) -> bool:
    return change.reused and change.before == asset and change.holds_at(venue)


def scaled(candles: Candles, factor: float) -> Candles:
    """Candles in another unit, of which one stored unit is `factor`; a copy. The turnover stays."""
    if factor == 1.0:
        return candles
    opened, high, low, close, volume = candles.values()
    return Candles(
        candles.open_us, opened / factor, high / factor, low / factor, close / factor, volume * factor
    )
