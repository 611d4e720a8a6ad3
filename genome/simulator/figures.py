"""Figures of finished accounts, SEMANTICS.md section 7, for any number of genomes at once."""

import numpy as np

from genome.market import F64
from genome.simulator import layout as at
from genome.simulator.ground import Ground

FIGURES = (
    "total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_bars", "n_trades", "win_rate",
    "profit_factor", "expectancy", "turnover", "exposure", "mean_holding", "fees",
)  # fmt: skip


def figures(accounts: F64, daily: F64, ground: Ground) -> F64:
    """float64 (genomes, len(FIGURES)) from accounts (genomes, N_ACCOUNT) and daily returns (genomes, D)."""
    return figures_over(accounts, daily, ground.market.asset_class.days_per_year, ground.market.size)


def figures_over(accounts: F64, daily: F64, days_per_year: int, n_bars: int) -> F64:
    """The same for any number of bars, or instants of many markets."""
    year = float(days_per_year)
    n_days = daily.shape[1]
    growth = accounts[:, at.EQUITY] / accounts[:, at.CAPITAL]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        cagr = np.where(growth > 0.0, growth ** (year / n_days) - 1.0, -1.0)
        sharpe, sortino = risk_adjusted(daily, year)
        trades, wins = accounts[:, at.N_TRADES], accounts[:, at.N_WINS]
        last = n_bars - 1.0 - accounts[:, at.PEAK_BAR]
        mean_equity = accounts[:, at.DAY_SUM] / n_days
        drawdown = np.maximum(accounts[:, at.DRAWDOWN], 1.0 - accounts[:, at.TROUGH] / accounts[:, at.PEAK])
        nan = np.nan
        table = {
            "total_return": growth - 1.0,
            "cagr": cagr,
            "sharpe": sharpe,
            "sortino": sortino,
            "calmar": np.where(drawdown > 0.0, cagr / drawdown, nan),
            "max_drawdown": drawdown,
            "max_drawdown_bars": np.maximum(accounts[:, at.LONGEST], last),
            "n_trades": trades,
            "win_rate": np.where(trades > 0, wins / trades, nan),
            "profit_factor": np.where(
                accounts[:, at.LOST] > 0.0, accounts[:, at.WON] / accounts[:, at.LOST], nan
            ),
            "expectancy": np.where(trades > 0, accounts[:, at.RETURNS] / trades, nan),
            "turnover": np.where(
                mean_equity > 0.0, accounts[:, at.TURNOVER] / mean_equity / (n_days / year), nan
            ),
            "exposure": accounts[:, at.EXPOSED] / n_bars,
            "mean_holding": np.where(trades > 0, accounts[:, at.HELD] / trades, nan),
            "fees": accounts[:, at.FEES],
        }
    return np.column_stack([table[name] for name in FIGURES])


def risk_adjusted(daily: F64, days_a_year: float) -> tuple[F64, F64]:
    """Sharpe and Sortino ratios, annualised, of daily returns (genomes, D).

    Source: W. Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21; F. Sortino and L. Price (1994),
    Journal of Investing 3. Rate of return without risk: zero.
    """
    n = daily.shape[1]
    if n < 2:  # noqa: PLR2004 - a deviation needs two
        nan = np.full(daily.shape[0], np.nan)
        return nan, nan.copy()
    mean = daily.mean(axis=1)
    root = np.sqrt(days_a_year)
    same = (daily == daily[:, :1]).all(axis=1)
    spread = daily.std(axis=1, ddof=1)
    sharpe = np.where(same, 0.0, mean / np.where(same, 1.0, spread) * root)
    below = np.sqrt((np.minimum(daily, 0.0) ** 2).sum(axis=1) / (n - 1))
    sortino = np.where(
        mean == 0.0, 0.0, np.where(below > 0.0, mean / np.where(below > 0.0, below, 1.0) * root, np.nan)
    )
    return sharpe, sortino
