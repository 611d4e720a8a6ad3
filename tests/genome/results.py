"""A backtest made by hand: what analysis and reports need, without an engine."""

from typing import Any, NamedTuple

import numpy as np

from genome.market import Market, market

NEW_YEAR = 1_704_067_200  # 2024-01-01, a Monday


class Trade(NamedTuple):
    side: int
    entry_bar: int
    entry_price: float
    exit_bar: int
    exit_price: float
    quantity: float
    fees: float
    pnl: float
    reason: str


class Result(NamedTuple):
    trades: tuple[Trade, ...]
    equity: Any
    daily: Any
    days: Any
    figures: dict[str, float]
    flags: tuple[str, ...]
    position: Any


def bars(close, bar_s=3_600, start=NEW_YEAR, **rest) -> Market:
    """A market whose bars open where the one before closed."""
    close = np.asarray(close, float)
    opened = np.concatenate((close[:1], close[:-1]))
    high, low = np.fmax(opened, close) * 1.001, np.fmin(opened, close) * 0.999
    opens = start + bar_s * np.arange(close.size, dtype=np.int64)
    return market("BTC/USDT", opens, bar_s, (opened, high, low, close, np.full(close.size, 5.0)), **rest)


def trade(pnl, reason="signal", side=1, entry=0, leave=1, fees=1.0, price=100.0, quantity=10.0):
    return Trade(side, entry, price, leave, price + side * pnl / quantity, quantity, fees, pnl, reason)


def result(found: Market, equity, trades=(), capital=10_000.0, flags=()) -> Result:
    """Figures are not those of the simulator: only what a test looks at is true."""
    equity = np.asarray(equity, float)
    ends = np.append(np.flatnonzero(np.diff(found.day)), found.size - 1)
    at_end = equity[ends]
    before = np.concatenate(([capital], at_end[:-1]))
    daily = np.divide(at_end, before, out=np.ones(at_end.size), where=before > 0) - 1
    peak = np.maximum(np.maximum.accumulate(equity), capital)
    deviation = daily.std(ddof=1) if daily.size > 1 else np.nan
    closed = [t for t in trades if t.reason != "end"]
    figures = {
        "total_return": equity[-1] / capital - 1, "cagr": 0.1,
        "sharpe": daily.mean() / deviation * 365**0.5 if deviation else 0.0, "sortino": 1.0, "calmar": float("nan"),
        "max_drawdown": float((1 - equity / peak).max()), "max_drawdown_bars": 5.0, "n_trades": float(len(closed)),
        "win_rate": sum(t.pnl > 0 for t in closed) / len(closed) if closed else float("nan"),
        "profit_factor": float("nan"), "expectancy": 0.0, "turnover": 3.0, "exposure": 0.5, "mean_holding": 4.0,
        "fees": float(sum(t.fees for t in trades)),
    }  # fmt: skip
    position = np.zeros(found.size, np.int8)
    return Result(tuple(trades), equity, daily, found.day[ends], figures, tuple(flags), position)
