"""What the lake knows beside candles, as columns of markets: fear and greed, funding."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from genome.history.events import funded, with_fear_greed_known
from genome.market import Market
from genome.vocabulary import COLUMN_INDEX
from organism.lake.context import as_known, context_series, newest, vintages
from organism.lake.names import Kind, Series
from organism.lake.store import Lake

_US_PER_S = 1_000_000
_EVER_US = 7_258_118_400_000_000  # 2200-01-01


def with_context(markets: Iterable[Market], lake: Lake, venue: str) -> list[Market]:
    """Give markets of one venue what the lake has beside their candles; a market of which it has nothing stays as it is.

    Funding makes a market a perpetual: what is paid at a settlement is the rate in its newest revision, what is seen in
    column `funding` is the rate as it was known. Causality: a value at bar t was known at the close of t, by the table
    of lags in `organism.lake.context.lags`. Raises `BadInput` for a damaged part, or two settlements in one minute.
    """
    mood = vintages(lake, context_series("fear_greed"))
    found = []
    for one in markets:
        market = with_fear_greed_known(one, mood) if len(mood) else one
        found.append(_with_funding(market, lake, Series(venue, one.symbol, "", Kind.FUNDING)))
    return found


def _with_funding(market: Market, lake: Lake, series: Series) -> Market:
    read = vintages(lake, series)
    paid = as_known(read, _EVER_US)
    start_us = int(market.open_s[0]) * _US_PER_S
    closes_us = (market.open_s + market.bar_s) * _US_PER_S
    if not ((paid.at_us >= start_us) & (paid.at_us <= closes_us[-1])).any():
        return market
    found = funded(market, paid.at_us, paid.values, series.text)
    columns = found.columns.copy()
    seen = columns[COLUMN_INDEX["funding"]]
    # Where the newest settlement due is missing, an older rate is not passed off as new.
    columns[COLUMN_INDEX["funding"]] = np.where(np.isnan(seen), np.nan, newest(read, closes_us, "funding"))
    return replace(found, columns=columns)
