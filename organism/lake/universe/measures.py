"""Figures of an instrument from daily candles: liquidity, cost, restlessness. Pure arithmetic of arrays."""

import math

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import Candles

F64 = NDArray[np.float64]

_DAYS_A_YEAR = 365.0
DAY_US = 86_400_000_000


def quote_volume(days: Candles, *, in_quote: bool = False) -> float:
    """Median daily volume in quote currency; NaN without a day.

    days       daily candles
    in_quote   whether their volume is in quote currency already
    """
    if not len(days):
        return math.nan
    turnover = days.volume if in_quote else days.volume * (days.high + days.low + days.close) / 3.0
    return float(np.median(turnover))


def spread(days: Candles) -> float:
    """Effective bid-ask spread as a fraction of the price, where no book is known; NaN with less than two days together.

        s² = 4 · mean of (c[t] − η[t]) · (c[t] − η[t+1]),   η = (ln high + ln low) / 2,  c = ln close

    over days that follow each other, a negative mean counting as no spread. An estimate: on calm, liquid markets it is
    noise of a few hundredths of a percent.

    Source: F. Abdi, A. Ranaldo, A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices, Review of
    Financial Studies 30 (2017), 4437-4480, equation 7, averaged before the root (their "monthly corrected" estimator).
    """
    beside = np.flatnonzero(np.diff(days.open_us) == DAY_US)
    if not beside.size:
        return math.nan
    middle = (np.log(days.high) + np.log(days.low)) / 2.0
    close = np.log(days.close)
    products = (close[beside] - middle[beside]) * (close[beside] - middle[beside + 1])
    return math.sqrt(max(0.0, 4.0 * float(products.mean())))


def volatility(days: Candles) -> float:
    """Standard deviation of daily log returns, for a year of 365 days; NaN with less than two returns.

    Only days that follow each other make a return.
    """
    beside = np.flatnonzero(np.diff(days.open_us) == DAY_US)
    if beside.size < 2:  # noqa: PLR2004 - one return has no deviation
        return math.nan
    returns = np.log(days.close[beside + 1] / days.close[beside])
    return float(returns.std(ddof=1) * math.sqrt(_DAYS_A_YEAR))


def daily(candles: Candles, bar_us: int, until_us: int) -> Candles:
    """Candles of whole UTC days that were over at an instant, made of shorter ones; a day without a candle is not there."""
    day = candles.open_us // DAY_US
    kept = candles.take((day + 1) * DAY_US <= until_us)
    if bar_us == DAY_US or not len(kept):
        return kept
    day = kept.open_us // DAY_US
    heads = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    ends = np.append(heads[1:], day.size) - 1
    return Candles(
        day[heads] * DAY_US,
        kept.open[heads],
        np.maximum.reduceat(kept.high, heads),
        np.minimum.reduceat(kept.low, heads),
        kept.close[ends],
        np.add.reduceat(kept.volume, heads),
    )
