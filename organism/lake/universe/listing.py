"""The instruments of a lake as of a date: each with its dates, its figures, its tier.

What is asked of a date is answered from candles that had closed by then and from announcements made by then. An
instrument that stopped trading stays in the list, with the dates between which it could be traded; one that came later is
not in it. So a trial over years meets each instrument from its first day to its last, the dead ones too.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from organism.lake import parts
from organism.lake.candles import Candles
from organism.lake.context.vintages import candles_as_known
from organism.lake.names import DOLLARS, Kind, Series, assets_of
from organism.lake.quality import Around, inspect
from organism.lake.store import Lake, month_of
from organism.lake.universe import measures
from organism.lake.universe.actions import Action, adjusted
from organism.lake.universe.changes import Change, Changes, read_changes

DAY_US: Final = measures.DAY_US
WINDOW_DAYS: Final = 90
SILENT_DAYS: Final = 7
"""An instrument without a candle for longer, while its venue had some, counts as no longer traded."""
TIERS: Final = ((1, 1e8), (2, 1e7), (3, 1e6), (4, 0.0))
"""Tier and the least median daily volume of it, dollars."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument as of a date. Times µs UTC; figures NaN where nothing is known.

    first_us, last_us   between which it could be traded; last is when its last known candle closed, or when it was
                        delisted
    trading             whether it still was, on that date
    age_days            from first to the date, to the newest candle of the venue where that is earlier, or to last
    volume              median daily volume of the window, quote currency
    spread              fraction of the price, estimated (Abdi and Ranaldo 2017)
    volatility          of daily returns, a year
    score               of quality, 0 to 100, over the window
    tier                1 (most traded) to 4; 0 where the volume is not in dollars, or unknown
    timeframe           of the candles it was measured with
    became              what its asset had become by then
    """

    venue: str
    symbol: str
    first_us: int
    last_us: int
    trading: bool
    age_days: float
    volume: float
    spread: float
    volatility: float
    score: float
    tier: int
    timeframe: str
    became: Change | None = None

    def document(self) -> dict[str, Any]:
        """For JSON: what is not known is null."""

        def known(value: float, digits: int) -> float | None:
            return None if math.isnan(value) else round(value, digits)

        change = self.became
        return {
            "venue": self.venue,
            "symbol": self.symbol,
            "first_us": self.first_us,
            "last_us": self.last_us,
            "trading": self.trading,
            "age_days": round(self.age_days, 3),
            "volume": known(self.volume, 2),
            "spread": known(self.spread, 8),
            "volatility": known(self.volatility, 6),
            "score": known(self.score, 2),
            "tier": self.tier or None,
            "timeframe": self.timeframe,
            "became": None
            if change is None
            else {"asset": change.after, "factor": change.factor, "at_us": change.at_us},
        }


def universe(
    lake: Lake,
    as_of_us: int,
    *,
    venue: str | None = None,
    window_days: int = WINDOW_DAYS,
    changes: Changes | None = None,
) -> tuple[Instrument, ...]:
    """Every instrument that had traded by a date, by venue and symbol.

    window_days   over how many days before the date the figures are taken (before its end, for one that stopped)

    Causality: candles that close after `as_of_us`, corrections received after it, changes and delistings of after it
    alter nothing. Raises `BadInput` for a damaged part or table.
    """
    table = read_changes(lake) if changes is None else changes
    byvenue: dict[str, dict[str, list[Series]]] = {}
    for one in lake.all():
        fits = one.kind is Kind.CANDLES and one.bar_us <= DAY_US and DAY_US % one.bar_us == 0
        if fits and venue in (None, one.venue):
            byvenue.setdefault(one.venue, {}).setdefault(one.symbol, []).append(one)
    found: list[Instrument] = []
    for name, symbols in byvenue.items():
        spans = {
            symbol: span
            for symbol, all_of in symbols.items()
            if (span := _span(lake, all_of, as_of_us)) is not None
        }
        venue_last = max((last for _, last in spans.values()), default=0)
        found += [
            _instrument(lake, symbols[symbol], span, as_of_us, venue_last, window_days, table)
            for symbol, span in spans.items()
            if (listed := table.dates(name, symbol).listed_us) is None or listed <= as_of_us
        ]
    return tuple(sorted(found, key=lambda one: (one.venue, one.symbol)))


def _span(lake: Lake, all_of: list[Series], as_of_us: int) -> tuple[int, int] | None:
    """First open and last close of what was known; None where that was nothing."""
    firsts, lasts = [], []
    for one in all_of:
        files = lake.files(one)
        before = [f for f in files if f.name.removesuffix(parts.ENDING) <= month_of(max(as_of_us, 0))]
        if not before:
            continue
        first_us = parts.facts(lake.connection(), before[:1])[0].first_us
        last = _last_close(lake, one, before, as_of_us)
        if last is not None:
            firsts.append(first_us)
            lasts.append(last)
    return (min(firsts), max(lasts)) if firsts else None


def _last_close(lake: Lake, one: Series, before: list[Any], as_of_us: int) -> int | None:
    # Only the newest month can reach beyond the date; the one before it is read where nothing of that had closed.
    for path in reversed(before):
        (fact,) = parts.facts(lake.connection(), [path])
        if fact.last_us + one.bar_us <= as_of_us:
            return fact.last_us + one.bar_us
        there = candles_as_known(lake, one, as_of_us, fact.first_us)
        if len(there):
            return int(there.open_us[-1]) + one.bar_us
    return None


def _instrument(
    lake: Lake,
    all_of: list[Series],
    span: tuple[int, int],
    as_of_us: int,
    venue_last_us: int,
    window_days: int,
    table: Changes,
) -> Instrument:
    venue, symbol = all_of[0].venue, all_of[0].symbol
    told = table.dates(venue, symbol)
    first_us, last_us = span
    first_us = first_us if told.listed_us is None else max(first_us, told.listed_us)
    silent = venue_last_us - last_us > SILENT_DAYS * DAY_US
    announced = told.delisted_us if told.announced_us is None else told.announced_us
    gone = told.delisted_us is not None and told.delisted_us <= as_of_us and (announced or 0) <= as_of_us
    if gone and told.delisted_us is not None:
        last_us = min(last_us, told.delisted_us)
    trading = not silent and not gone
    # A lake that ends before the date knows nothing of what came after: age and window are those of its end.
    end_us = min(as_of_us, venue_last_us) if trading else last_us
    best, candles, days, cost = _measured(
        lake, all_of, as_of_us, end_us, window_days, table.actions_of(venue, symbol)
    )
    volume = measures.quote_volume(days, in_quote=venue in table.quote_volume)
    base, quote = assets_of(symbol)
    return Instrument(
        venue=venue,
        symbol=symbol,
        first_us=first_us,
        last_us=last_us,
        trading=trading,
        age_days=max(0.0, (end_us - first_us) / DAY_US),
        volume=volume,
        spread=cost,
        volatility=measures.volatility(days),
        score=inspect(candles, best.bar_us, Around(venue=venue, symbol=symbol)).score
        if len(candles)
        else math.nan,
        tier=_tier(volume, quote),
        timeframe=best.timeframe,
        became=table.of(venue, base, as_of_us),
    )


def _measured(
    lake: Lake,
    all_of: list[Series],
    as_of_us: int,
    end_us: int,
    window_days: int,
    actions: tuple[Action, ...],
) -> tuple[Series, Candles, Candles, float]:
    """The series with most days in the window, the longest candles among equals, as known; its days; the spread.

    What lies after the date must not choose, so the lake's own choice by all it holds is not asked. The spread is of
    hours where a series of them is as complete: shorter candles make it far less noisy.
    """
    start_us = (end_us // DAY_US - window_days) * DAY_US
    found = []
    for one in sorted(all_of, key=lambda s: -s.bar_us):
        candles = adjusted(candles_as_known(lake, one, as_of_us, start_us, end_us), actions, as_of_us)
        found.append((one, candles, measures.grouped(candles, DAY_US, end_us)))
        if len(found[-1][2]) == window_days and one.bar_us <= measures.HOUR_US:
            break  # no finer one has more
    best, candles, days = max(found, key=lambda entry: len(entry[2]))
    for one, shorter, of_days in found:
        if measures.HOUR_US % one.bar_us == 0 and len(of_days) == len(days):
            hours = measures.grouped(shorter, measures.HOUR_US, end_us)
            return best, candles, days, measures.spread(hours, measures.HOUR_US)
    return best, candles, days, measures.spread(days)


def _tier(volume: float, quote: str) -> int:
    if quote not in DOLLARS or not np.isfinite(volume):
        return 0
    return next(tier for tier, least in TIERS if volume >= least)
