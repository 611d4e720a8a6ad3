"""Where in time a backtest earned: by the market's regime, by the hour of the day.

Computed after the run; nothing feeds back. A regime's label uses only what was known before its day or bar began.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.analysis import F64, I8, NAN, Result, Trade
from genome.market import Market

_DAY_S = 86_400
_HOUR_S = 3_600
UNKNOWN = -1


class Regimes(NamedTuple):
    """Terciles, int8: 0 low, 1 middle, 2 high, −1 where too little was known."""

    trend: I8
    volatility: I8


TREND_NAMES = ("falling", "sideways", "rising")
VOLATILITY_NAMES = ("calm", "usual", "wild")


def regimes(close: F64, window: int = 20, least: int = 40) -> Regimes:
    """Label each period by the trend and the volatility *before* it.

    trend        the change of log price over `window` periods to the end of the one before
    volatility   the standard deviation of those periods' log returns, ddof 1
    Both are ranked among all earlier values of the same market, of which there must be `least`: a label never changes
    when later prices do. The limits between terciles are renewed as periods go by, at most two hundred times.
    """
    n = close.size
    trend, spread = np.full(n, NAN), np.full(n, NAN)
    if n > window + 1:
        steps = np.diff(np.log(close))
        stretch = np.lib.stride_tricks.sliding_window_view(steps, window)[:-1]
        trend[window + 1 :] = stretch.sum(axis=1)
        spread[window + 1 :] = stretch.std(axis=1, ddof=1)
    return Regimes(_terciles(trend, least), _terciles(spread, least))


def _terciles(values: F64, least: int) -> I8:
    labels = np.full(values.size, UNKNOWN, np.int8)
    stride = max(1, values.size // 200)
    known = np.cumsum(~np.isnan(values))
    for begin in range(0, values.size, stride):
        if begin == 0 or known[begin - 1] < least:
            continue
        low, high = np.nanquantile(values[:begin], (1 / 3, 2 / 3))
        part = values[begin : begin + stride]
        labels[begin : begin + stride] = np.where(
            np.isnan(part), UNKNOWN, (part > low).astype(int) + (part > high)
        )
    return labels


class Slice(NamedTuple):
    """A part of the time: how much of it, what the strategy earned in it, and the trades that were entered in it.

    periods, share    days or bars, and their share of all
    mean_return       per period, a fraction
    sharpe            annualised; NaN for fewer than two periods, 0 where nothing moved
    """

    name: str
    periods: int
    share: float
    total_return: float
    mean_return: float
    sharpe: float
    n_trades: int
    win_rate: float


class ByRegime(NamedTuple):
    """unit: "day" or "bar", what was labelled; unlabelled: how many had too little before them."""

    unit: str
    window: int
    unlabelled: int
    trend: tuple[Slice, ...]
    volatility: tuple[Slice, ...]


_FEWEST_DAYS = 120


def by_regime(market: Market, result: Result, capital: float, window: int = 20) -> ByRegime:
    """Returns and trades by trend and by volatility. Days are labelled, or bars where there are fewer than 120 days."""
    per_year = float(market.asset_class.days_per_year)
    if result.daily.size >= _FEWEST_DAYS:
        unit, returns = "day", result.daily
        ends = np.append(np.flatnonzero(np.diff(market.day)), market.size - 1)
        of_bar = np.searchsorted(result.days, market.day)
    else:
        unit, returns = "bar", bar_returns(result.equity, capital)
        ends = of_bar = np.arange(market.size)
        per_year = market.asset_class.bars_per_year(market.bar_s)
    found = regimes(_carried(market.column("close"))[ends], window)

    def slices(labels: I8, names: tuple[str, ...]) -> tuple[Slice, ...]:
        at_entry = [labels[of_bar[t.entry_bar]] for t in result.trades]
        return tuple(
            _slice(
                name,
                returns,
                labels == code,
                per_year,
                [t for t, c in zip(result.trades, at_entry, strict=True) if c == code],
            )
            for code, name in enumerate(names)
        )

    return ByRegime(
        unit,
        window,
        int((found.trend == UNKNOWN).sum()),
        slices(found.trend, TREND_NAMES),
        slices(found.volatility, VOLATILITY_NAMES),
    )


def bar_returns(equity: F64, capital: float) -> F64:
    """Simple return of each bar, close to close, 0 after ruin."""
    before = np.concatenate(([capital], equity[:-1]))
    return np.divide(equity, before, out=np.ones(equity.size), where=before > 0.0) - 1.0


def _carried(close: F64) -> F64:
    """The newest close at or before each bar; the first known one before there is any."""
    known = np.flatnonzero(~np.isnan(close))
    if not known.size:
        return np.ones(close.size)
    at = np.maximum(np.searchsorted(known, np.arange(close.size), side="right") - 1, 0)
    found: F64 = close[known[at]]
    return found


def _slice(
    name: str, returns: F64, within: NDArray[np.bool_], per_year: float, trades: Sequence[Trade]
) -> Slice:
    part = returns[within]
    spread = float(part.std(ddof=1)) if part.size > 1 else NAN
    closed = [t for t in trades if t.reason != "end"]
    return Slice(
        name,
        int(part.size),
        part.size / returns.size if returns.size else NAN,
        float(np.prod(1.0 + part) - 1.0),
        float(part.mean()) if part.size else NAN,
        float(part.mean()) / spread * per_year**0.5 if spread > 0.0 else 0.0 if spread == 0.0 else NAN,
        len(closed),
        sum(t.pnl > 0 for t in closed) / len(closed) if closed else NAN,
    )


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def by_clock(market: Market, result: Result, capital: float) -> tuple[str, tuple[Slice, ...]]:
    """Bars by the hour of the day in which they open, UTC, or by weekday where a bar lasts a day or longer."""
    returns = bar_returns(result.equity, capital)
    per_year = market.asset_class.bars_per_year(market.bar_s)
    names: tuple[str, ...] = WEEKDAYS
    kind, code = "weekday", (market.day + 3) % 7
    if market.bar_s < _DAY_S:
        kind, code, names = "hour", market.open_s // _HOUR_S % 24, tuple(f"{h:02d}" for h in range(24))
    entries = [int(code[t.entry_bar]) for t in result.trades]
    return kind, tuple(
        _slice(
            name,
            returns,
            code == i,
            per_year,
            [t for t, e in zip(result.trades, entries, strict=True) if e == i],
        )
        for i, name in enumerate(names)
    )
