"""Figures of finished accounts, SEMANTICS.md section 7, for any number of genomes at once."""

import math

import numpy as np

from genome.jit import kernel, step
from genome.market import F64
from genome.simulator import layout as at
from genome.simulator.ground import Ground

FIGURES = (
    "total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_bars", "n_trades", "win_rate",
    "profit_factor", "expectancy", "turnover", "exposure", "mean_holding", "fees",
)  # fmt: skip


def figures(accounts: F64, daily: F64, ground: Ground) -> F64:
    """float64 (genomes, len(FIGURES)) from accounts (genomes, N_ACCOUNT) and daily returns, as `figures_over` takes them."""
    return figures_over(accounts, daily, ground.market.asset_class.days_per_year, ground.market.size)


def figures_over(accounts: F64, daily: F64, days_per_year: int, n_bars: int) -> F64:
    """The same for any number of bars, or instants of many markets.

    daily   float64 (genomes, D), or (genomes, k, D), of which the first row of each is read
    """
    table = np.empty((len(accounts), len(FIGURES)))
    rows = daily if daily.ndim == 3 else daily[:, None]  # noqa: PLR2004
    _figures(accounts, np.ascontiguousarray(rows), float(days_per_year), float(n_bars), table)
    return table


def risk_adjusted(daily: F64, days_a_year: float) -> tuple[F64, F64]:
    """Sharpe and Sortino ratios, annualised, of daily returns (genomes, D).

    Source: W. Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21; F. Sortino and L. Price (1994),
    Journal of Investing 3. Rate of return without risk: zero.
    """
    table = np.empty((len(daily), 2))
    _ratios(np.ascontiguousarray(daily, np.float64), days_a_year, table)
    return table[:, 0].copy(), table[:, 1].copy()


@kernel
def _ratios(daily: F64, days_a_year: float, out: F64) -> None:
    for g in range(daily.shape[0]):
        out[g, 0], out[g, 1] = _ratio(daily[g], days_a_year)


@step
def _ratio(daily: F64, days_a_year: float) -> tuple[float, float]:
    """Sharpe and Sortino of one row."""
    n = daily.size
    if n < 2:  # noqa: PLR2004 - a deviation needs two
        return math.nan, math.nan
    total, same = 0.0, True
    for r in daily:
        total += r
        same = same and r == daily[0]
    mean = total / n
    squares, below = 0.0, 0.0
    for r in daily:
        squares += (r - mean) * (r - mean)
        below += min(r, 0.0) * min(r, 0.0)
    root = math.sqrt(days_a_year)
    sharpe = 0.0 if same else mean / math.sqrt(squares / (n - 1)) * root
    if mean == 0.0:
        return sharpe, 0.0
    return sharpe, mean / math.sqrt(below / (n - 1)) * root if below > 0.0 else math.nan


@step
def _share(part: float, whole: float) -> float:
    """NaN where the whole is not positive."""
    return part / whole if whole > 0.0 else math.nan


@kernel
def _figures(accounts: F64, daily: F64, year: float, n_bars: float, out: F64) -> None:
    """One row of `out` an account, in the order of FIGURES."""
    n_days = daily.shape[2]
    for g in range(accounts.shape[0]):
        account, row = accounts[g], out[g]
        growth, trades = account[at.EQUITY] / account[at.CAPITAL], account[at.N_TRADES]
        cagr = growth ** (year / n_days) - 1.0 if growth > 0.0 else -1.0
        drawdown = max(account[at.DRAWDOWN], 1.0 - account[at.TROUGH] / account[at.PEAK])
        row[0], row[1] = growth - 1.0, cagr
        row[2], row[3] = _ratio(daily[g, 0], year)
        row[4] = _share(cagr, drawdown)
        row[5] = drawdown
        row[6] = max(account[at.LONGEST], n_bars - 1.0 - account[at.PEAK_BAR])
        row[7] = trades
        row[8] = _share(account[at.N_WINS], trades)
        row[9] = _share(account[at.WON], account[at.LOST])
        row[10] = _share(account[at.RETURNS], trades)
        row[11] = _share(account[at.TURNOVER], account[at.DAY_SUM] / n_days) / (n_days / year)
        row[12] = account[at.EXPOSED] / n_bars
        row[13] = _share(account[at.HELD], trades)
        row[14] = account[at.FEES]
