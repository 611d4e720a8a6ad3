"""What evolution wants of a genome: four numbers, all to be made larger, at one common volatility.

Sharpe, consistency, −drawdown and −turnover (S4-27.14), of daily returns scaled to 10 % a year: a genome that merely
trades a smaller size is neither safer nor cheaper by that. The scale is one number a genome, so Sharpe does not change.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.jit import kernel
from genome.market import F64, I64

NAMES = ("sharpe", "consistency", "drawdown", "turnover")
VOLATILITY = 0.10
"""A year; the common scale."""
_FEWEST_DAYS = 10
"""Months of which the market shows fewer days say little about trading in a month."""


@dataclass(frozen=True, slots=True, eq=False)
class Objectives:
    """values float64 (n, 4) in the order of NAMES, maximised; violations float64 (n,), 0 where enough was traded."""

    values: F64
    violations: F64


def objectives(
    returns: F64, closed: F64, days: I64, win_rate: F64, turnover: F64, days_a_year: float, fewest_trades: int
) -> Objectives:
    """The objectives of n genomes on one market.

    returns, closed     float64 (n, D): daily returns, trades closed until each day's end (`Evaluation`)
    days                int64 (D,): days since the epoch
    win_rate, turnover  float64 (n,): as in the figures; turnover times a year
    fewest_trades       fewer closed trades break the constraint, by their share that is missing

    A genome whose returns never vary has no volatility to scale: it breaks the constraint beyond measure.
    """
    trades = closed[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, deviation = _moments(returns)
        scale = VOLATILITY / (deviation * np.sqrt(days_a_year))
        sharpe = mean * scale / VOLATILITY * days_a_year
        fallen = drawdown(returns, np.where(np.isfinite(scale), scale, np.nan))
        values = np.column_stack([sharpe, consistency(win_rate, closed, days), -fallen, -turnover * scale])
    values[np.isnan(values)] = np.nan  # whose sign depends on how many rows were divided at once
    short = np.maximum(0.0, fewest_trades - trades) / max(fewest_trades, 1)
    return Objectives(values, np.where(np.isfinite(values).all(axis=1), short, np.inf))


_ROWS = 64
"""So many at a time: what is made of them on the way stays in the second-level cache."""


def _moments(returns: F64) -> tuple[F64, F64]:
    """Mean and deviation (ddof 1) of each row."""
    mean, deviation = np.empty(len(returns)), np.empty(len(returns))
    for begin in range(0, len(returns), _ROWS):
        some = slice(begin, begin + _ROWS)
        mean[some] = returns[some].mean(axis=1)
        deviation[some] = returns[some].std(axis=1, ddof=1)
    return mean, deviation


def drawdown(returns: F64, scale: F64 | None = None) -> F64:
    """Largest fall from a peak of the compounded equity (n,), peaks including the start; 1 where nothing is left.

    returns   float64 (n, D); scale float64 (n,): what each row is multiplied by, 1 when None. NaN where either is NaN
    """
    fallen = np.empty(len(returns))
    _fall(
        np.ascontiguousarray(returns, np.float64), np.ones(len(returns)) if scale is None else scale, fallen
    )
    return fallen


@kernel
def _fall(returns: F64, scale: F64, fallen: F64) -> None:
    for g in range(returns.shape[0]):
        equity, peak, trough, deepest, unknown = 1.0, 1.0, 1.0, 0.0, False
        for r in returns[g]:
            growth = 1.0 + r * scale[g]
            equity *= 0.0 if growth < 0.0 else growth  # noqa: FURB136 - NaN stays NaN
            unknown = unknown or equity - equity != 0.0
            if (
                equity > peak
            ):  # of one peak, the lowest equity after it is the largest fall: one division a peak
                deepest = max(deepest, 1.0 - trough / peak)
                peak = trough = equity
            trough = min(trough, equity)
        fallen[g] = np.nan if unknown else max(deepest, 1.0 - trough / peak)


def consistency(win_rate: F64, closed: F64, days: I64) -> F64:
    """Half the win rate, half one less the coefficient of variation of trades a month, clipped to [0, 1] (S4-27.14).

    Months are calendar months; those cut by the ends of the market count by their days. NaN without trades.
    """
    rates = trades_a_day(closed, days)
    with np.errstate(divide="ignore", invalid="ignore"):
        varies = np.clip(rates.std(axis=1) / rates.mean(axis=1), 0.0, 1.0)
        steady: F64 = 0.5 * win_rate + 0.5 * (1.0 - varies)
    return steady


def trades_a_day(closed: F64, days: I64) -> F64:
    """Trades closed in each calendar month over its days in the market, float64 (n, months)."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    ends = np.flatnonzero(np.append(month[1:] != month[:-1], True))
    lengths: NDArray[np.int64] = np.diff(np.concatenate([[-1], ends]))
    counts = np.diff(closed[:, ends], axis=1, prepend=0.0)
    whole = lengths >= min(_FEWEST_DAYS, int(lengths.max()))
    return counts[:, whole] / lengths[whole]
