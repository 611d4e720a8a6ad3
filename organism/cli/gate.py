"""What may be bred on: the score of every market, from the lake or from files; below 95 a person must insist."""

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np

from genome.market import Market
from organism.cli.bars import Read
from organism.errors import BadInput
from organism.lake.candles import Candles
from organism.lake.columns import opened
from organism.lake.derived import bars
from organism.lake.names import Kind, Series, timeframe_text
from organism.lake.quality import GATE, MEANING, Quality, inspect
from organism.lake.quality.beside import Held, around, held_of
from organism.lake.quality.calendars import SESSIONS
from organism.lake.store import Lake
from organism.market import AssetClass

_US: Final = 1_000_000
_WITNESSES: Final = 12
"""Other symbols of the venue that are made into bars to tell an outage from a loss: enough, and never a whole venue."""


def candles_of(market: Market) -> Candles:
    """The bars of a market as candles; void ones stay, with NaN."""
    columns = (
        np.ascontiguousarray(market.column(name), np.float64)
        for name in ("open", "high", "low", "close", "volume")
    )
    return Candles(market.open_s.astype(np.int64) * _US, *columns)


def scored(read: Read) -> list[Quality]:
    """The quality of each market in the stretch that was read, as `organism data check` measures a series.

    Beside it stands whatever the lake holds of its venue and of its instrument; files stand beside each other.
    """
    own = [
        Held(Series(read.venue, one.symbol, timeframe_text(one.bar_s * _US)), functools.partial(candles_of, one))
        for one in read.markets
    ]  # fmt: skip
    held = own if read.lake is None else [*own, *_of_the_lake(read.lake, own)]
    found = []
    for one, market in zip(own, read.markets, strict=True):
        calendar = SESSIONS if market.asset_class is AssetClass.EQUITY else ""
        found.append(inspect(one.candles, market.bar_s * _US, around(one, held, calendar=calendar)))
    return found


def _of_the_lake(lake: Lake, own: list[Held]) -> list[Held]:
    """What is stored of the venue, and elsewhere in this timeframe; only names, until it is asked.

    Where the markets are made of a finer series, so are those beside them that are not stored in their timeframe.
    """
    venue, timeframe = own[0].series.venue, own[0].series.timeframe
    mine = {one.series for one in own}
    every = [one for one in lake.all() if one.kind is Kind.CANDLES]
    stored = [one for one in every if one not in mine]
    found = [
        held_of(lake, one, _opened) for one in stored if one.venue == venue or one.timeframe == timeframe
    ]
    if mine <= set(every):
        return found
    there = {(one.venue, one.symbol) for one in (*mine, *every) if one.timeframe == timeframe}
    made = [
        Series(at, symbol, timeframe)
        for at, symbol in dict.fromkeys((one.venue, one.symbol) for one in stored)
        if (at, symbol) not in there
    ]
    near, elsewhere = [one for one in made if one.venue == venue], [one for one in made if one.venue != venue]
    return [*found, *(Held(one, functools.partial(_made, lake, one)) for one in (*near[:_WITNESSES], *elsewhere))]  # fmt: skip


def _opened(lake: Lake, one: Series) -> Candles:
    return opened(lake, one).candles


def _made(lake: Lake, one: Series) -> Candles:
    try:
        return bars(lake, one.venue, one.symbol, one.timeframe).whole()
    except BadInput:  # in no timeframe that divides this one: it tells nothing
        return Candles.empty()


def gate(read: Read, *, allowed: bool) -> Mapping[str, float]:
    """Scores below 95 by symbol; empty where all is well. Raises `BadInput` where there is one and nobody insists."""
    found = {
        market.symbol: one
        for market, one in zip(read.markets, scored(read), strict=True)
        if not one.good
    }  # fmt: skip
    if found and not allowed:
        worst = min(found, key=lambda symbol: found[symbol].score)
        more = "" if len(found) == 1 else f" (and {len(found) - 1} more are below {GATE:g})"
        raise BadInput(
            f"the data of {worst} score {found[worst].score:.2f} of 100, and nothing is bred below {GATE:g}{more}: "
            f"{_why(found[worst])}. Mend or cut the data with --start and --end, or insist with --allow-poor-data, which the "
            "result will tell for ever."
        )
    return {symbol: one.score for symbol, one in found.items()}


def _why(found: Quality) -> str:
    told = [f"{one.bars:,} bars: {MEANING[one.defect]}" for one in found.findings[:2] if one.points > 0]
    if found.longest_hole:
        told.append(f"the longest hole is {found.longest_hole:,} bars")
    return "; ".join(told) or "it holds no bars"
