"""Figures of an instrument from daily candles: liquidity, cost, restlessness. Pure arithmetic of arrays."""

import math

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import Candles
from organism.lake.derived import aggregated

F64 = NDArray[np.float64]

_DAYS_A_YEAR = 365.0
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


def quote_volume(days: Candles, *, in_quote: bool = False) -> float:
    """Median daily volume in quote currency; NaN without a day.

    days       daily candles
    in_quote   whether their volume is in quote currency already
    """
    if not len(days):
        return math.nan
    turnover = days.volume if in_quote else days.volume * (days.high + days.low + days.close) / 3.0
    return float(np.median(turnover))


def spread(candles: Candles, bar_us: int = DAY_US) -> float:
    """Effective bid-ask spread as a fraction of the price, where no book is known; NaN without two candles together.

        s² = 4 · mean of (c[t] − η[t]) · (c[t] − η[t+1]),   η = (ln high + ln low) / 2,  c = ln close

    over candles that follow each other, a negative mean counting as no spread; candles without a trade are left out.
    It is an estimate: with 90 days of daily candles and a volatility of 50 % a year its noise is about one percent, with
    hourly ones a tenth of that. So it tells wide spreads from narrow ones, and not narrow ones from each other.

    Source: F. Abdi, A. Ranaldo, A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices, Review of
    Financial Studies 30 (2017), 4437-4480: the estimator averaged before the root, there of days, here of any candles.
    """
    moved = candles.take((candles.high > candles.low) | (candles.volume > 0))
    beside = np.flatnonzero(np.diff(moved.open_us) == bar_us)
    if not beside.size:
        return math.nan
    middle = (np.log(moved.high) + np.log(moved.low)) / 2.0
    close = np.log(moved.close)
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


def grouped(candles: Candles, bar_us: int, until_us: int) -> Candles:
    """Candles of a longer timeframe that were over at an instant; one without a shorter candle is not there."""
    return aggregated(candles.take((candles.open_us // bar_us + 1) * bar_us <= until_us), bar_us)[0]
