"""Figures of section 7, each from the whole list of what happened."""

import itertools
import math
from typing import NamedTuple

from tests.genome.oracle.prices import deviation, mean

NAN = math.nan


class Trade(NamedTuple):
    """Flat to flat. `quantity` is positive, `pnl` after fees and funding; bars are indices."""

    side: int
    entry_bar: int
    entry_price: float
    exit_bar: int
    exit_price: float
    quantity: float
    fees: float
    pnl: float
    reason: str


def daily_returns(equity: list[float], days: list[int], capital: float) -> list[float]:
    """One a day: equity at the close of its last bar over that of the day before; 0 once there is nothing."""
    ends = [capital] + [equity[t] for t in range(len(days)) if t + 1 == len(days) or days[t + 1] != days[t]]
    return [after / before - 1 if before > 0 else 0.0 for before, after in itertools.pairwise(ends)]


def figures(
    trades: list[Trade],
    equity: list[float],
    held: list[bool],
    days: list[int],
    capital: float,
    per_year: int,
    taker: float,
) -> dict[str, float]:
    """All of section 7."""
    daily = daily_returns(equity, days, capital)
    closed = [trade for trade in trades if trade.reason != "end"]
    growth, drop = cagr(equity[-1], capital, len(daily), per_year), max_drawdown(equity, capital)
    return {
        "total_return": equity[-1] / capital - 1,
        "cagr": growth,
        "sharpe": sharpe(daily, per_year),
        "sortino": sortino(daily, per_year),
        "max_drawdown": drop,
        "max_drawdown_bars": max_drawdown_bars(equity, capital),
        "calmar": growth / drop if drop > 0 else NAN,
        "n_trades": len(closed),
        "win_rate": mean([trade.pnl > 0 for trade in closed]) if closed else NAN,
        "profit_factor": profit_factor(closed),
        "expectancy": mean([t.pnl / outlay(t, taker) for t in closed]) if closed else NAN,
        "turnover": turnover(trades, equity, days, per_year),
        "exposure": mean(held),
        "mean_holding": mean([t.exit_bar - t.entry_bar for t in closed]) if closed else NAN,
        "fees": sum(trade.fees for trade in trades),
    }


def cagr(last: float, capital: float, n_days: int, per_year: int) -> float:
    try:
        return (last / capital) ** (per_year / n_days) - 1
    except OverflowError:
        return math.inf


def sharpe(daily: list[float], per_year: int) -> float:
    if len(daily) < 2:
        return NAN
    spread = deviation(daily)
    return mean(daily) / spread * math.sqrt(per_year) if spread > 0 else 0.0


def sortino(daily: list[float], per_year: int) -> float:
    if len(daily) < 2:
        return NAN
    if mean(daily) == 0:
        return 0.0
    below = math.sqrt(sum(min(r, 0) ** 2 for r in daily) / (len(daily) - 1))
    return mean(daily) / below * math.sqrt(per_year) if below > 0 else NAN


def max_drawdown(equity: list[float], capital: float) -> float:
    return max(1 - e / max(capital, *equity[: t + 1]) for t, e in enumerate(equity))


def max_drawdown_bars(equity: list[float], capital: float, bit: float = 0.0) -> int:
    """The longest run of closes below the highest equity before them.

    bit   what is this share closer to the peak than it is counts as below it, or where negative as back at it
    """
    longest = run = 0
    for t, e in enumerate(equity):
        peak = max([capital, *equity[:t]])
        run = run + 1 if e != peak and e < peak * (1.0 + bit) else 0
        longest = max(longest, run)
    return longest


def profit_factor(closed: list[Trade]) -> float:
    losses = sum(-t.pnl for t in closed if t.pnl < 0)
    return sum(t.pnl for t in closed if t.pnl > 0) / losses if losses > 0 else NAN


def outlay(trade: Trade, taker: float) -> float:
    """What the entry took, fee included."""
    return trade.quantity * trade.entry_price * (1 + taker)


def turnover(trades: list[Trade], equity: list[float], days: list[int], per_year: int) -> float:
    """Filled notional over mean daily equity, a year. A position marked at the end has not been filled again."""
    filled = sum(
        t.quantity * t.entry_price + (0.0 if t.reason == "end" else t.quantity * t.exit_price) for t in trades
    )
    ends = [equity[t] for t in range(len(days)) if t + 1 == len(days) or days[t + 1] != days[t]]
    average = mean(ends)
    return filled / average / (len(ends) / per_year) if average > 0 else NAN
