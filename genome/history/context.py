"""What the lake knows beside candles, as columns of markets: fear and greed, funding, and the mark prices of perpetuals."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from genome.history.events import funded, with_fear_greed_known
from genome.market import Market
from genome.vocabulary import COLUMN_INDEX
from organism.lake.columns import opened
from organism.lake.context import as_known, context_series, newest, vintages
from organism.lake.derived import aggregated, source_of
from organism.lake.names import Kind, Series, timeframe_text
from organism.lake.store import Lake
from organism.market import AssetClass

_US_PER_S = 1_000_000
_EVER_US = 7_258_118_400_000_000  # 2200-01-01


def with_context(markets: Iterable[Market], lake: Lake, venue: str) -> list[Market]:
    """Give markets of one venue what the lake has beside their candles; a market of which it has nothing stays as it is.

    Funding makes a market a perpetual: what is paid at a settlement is the rate in its newest revision, what is seen in
    column `funding` is the rate as it was known. Causality: a value at bar t was known at the close of t, by the table
    of lags in `organism.lake.context.lags`. Raises `BadInput` for a damaged part, or two settlements in one minute.

    Mark prices too make it a perpetual, in their newest revision: they liquidate and say what funding is paid on, and no
    column that a strategy reads has them. A bar of which the lake lacks a part of the marks keeps its own prices.
    """
    mood = vintages(lake, context_series("fear_greed"))
    found = []
    for one in markets:
        market = with_fear_greed_known(one, mood) if len(mood) else one
        market = _with_funding(market, lake, Series(venue, one.symbol, "", Kind.FUNDING))
        found.append(_with_marks(market, lake, venue))
    return found


def _with_marks(market: Market, lake: Lake, venue: str) -> Market:
    """Marks of one stored series, the finest that covers the bars; NaN where a bar is not whole or had not closed yet."""
    bar_us = market.bar_s * _US_PER_S
    if not any(bar_us % one.bar_us == 0 for one in lake.timeframes(venue, market.symbol, Kind.MARK)):
        return market
    opens_us = market.open_s * _US_PER_S
    start_us, end_us = int(opens_us[0]), int(opens_us[-1]) + bar_us
    wanted = Series(venue, market.symbol, timeframe_text(bar_us), Kind.MARK)
    source, _ = source_of(lake, wanted, start_us, end_us)
    marks, rows = aggregated(opened(lake, source, start_us, end_us).candles, bar_us)
    marks = marks.take((rows == bar_us // source.bar_us) & (marks.open_us + bar_us <= lake.now_us()))
    there = np.isin(opens_us, marks.open_us)
    if not there.any():
        return market
    at = np.minimum(np.searchsorted(marks.open_us, opens_us), len(marks) - 1)
    opened_at, high, low = (
        np.where(there, column[at], np.nan) for column in (marks.open, marks.high, marks.low)
    )
    return replace(
        market, asset_class=AssetClass.CRYPTO_PERPETUAL, mark_open=opened_at, mark_high=high, mark_low=low
    )


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
