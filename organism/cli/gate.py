"""What may be bred on: the score of every market, from the lake or from files; below 95 a person must insist."""

from collections.abc import Mapping, Sequence

import numpy as np

from genome.market import Market
from organism.errors import BadInput
from organism.lake.candles import Candles
from organism.lake.quality import GATE, MEANING, Around, Neighbour, Quality, inspect
from organism.lake.quality.calendars import ALWAYS, SESSIONS
from organism.market import AssetClass

_US = 1_000_000


def candles_of(market: Market) -> Candles:
    """The bars of a market as candles; void ones stay, with NaN."""
    columns = (
        np.ascontiguousarray(market.column(name), np.float64)
        for name in ("open", "high", "low", "close", "volume")
    )
    return Candles(market.open_s.astype(np.int64) * _US, *columns)


def scored(markets: Sequence[Market], venue: str = "") -> list[Quality]:
    """The quality of each market, the others taken for the same venue: what all of them miss is an outage."""
    every = [candles_of(market) for market in markets]
    company = [
        Neighbour(market.symbol, market.bar_s * _US, one.open_us)
        for market, one in zip(markets, every, strict=True)
    ]
    found = []
    for place, (market, one) in enumerate(zip(markets, every, strict=True)):
        calendar = SESSIONS if market.asset_class is AssetClass.EQUITY else ALWAYS
        others = [*company[:place], *company[place + 1 :]]
        around = Around(venue, market.symbol, calendar, company=others)
        found.append(inspect(one, market.bar_s * _US, around))
    return found


def gate(markets: Sequence[Market], *, allowed: bool, venue: str = "") -> Mapping[str, float]:
    """Scores below 95 by symbol; empty where all is well. Raises `BadInput` where there is one and nobody insists."""
    found = {
        market.symbol: one
        for market, one in zip(markets, scored(markets, venue), strict=True)
        if not one.good
    }
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


def sentences(poor: Mapping[str, float]) -> tuple[str, ...]:
    """What a result says of the data it was bred on."""
    return tuple(
        f"Bred on poor data: {symbol} scores {score:.2f} of 100, below {GATE:g}, and a person insisted."
        for symbol, score in poor.items()
    )
