"""What one backtest did, looked at from several sides: drawdowns, months, sides, strategies.

Everything here is computed after the run from its equity, daily returns and trades; nothing feeds back. Parts of the
time, by regime and by hour, are in `genome.slices`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
K = TypeVar("K")

NAN = float("nan")
_DAY_S = 86_400


class Trade(Protocol):
    """A trade, flat to flat. side +1 or −1; bars are indices; prices are fills; pnl after fees and funding."""

    @property
    def side(self) -> int: ...  # noqa: D102
    @property
    def entry_bar(self) -> int: ...  # noqa: D102
    @property
    def entry_price(self) -> float: ...  # noqa: D102
    @property
    def exit_bar(self) -> int: ...  # noqa: D102
    @property
    def exit_price(self) -> float: ...  # noqa: D102
    @property
    def quantity(self) -> float: ...  # noqa: D102
    @property
    def fees(self) -> float: ...  # noqa: D102
    @property
    def pnl(self) -> float: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102


class Result(Protocol):
    """What the simulator says of one genome on one market.

    equity, position    float64 (T,), int8 (T,): at each bar's close
    daily, days         float64 (D,) returns and int64 (D,) days since the epoch
    figures             by the names of SEMANTICS.md, 7
    """

    @property
    def trades(self) -> Sequence[Trade]: ...  # noqa: D102
    @property
    def equity(self) -> F64: ...  # noqa: D102
    @property
    def daily(self) -> F64: ...  # noqa: D102
    @property
    def days(self) -> I64: ...  # noqa: D102
    @property
    def figures(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def flags(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def position(self) -> I8: ...  # noqa: D102


class Drawdown(NamedTuple):
    """A stretch below a peak.

    peak_bar     last bar at the peak; −1 is the start, where equity is the capital
    trough_bar   lowest close
    end_bar      first bar at or above the peak again; None while it lasts
    depth        1 − lowest / peak
    bars         bars under water, as `max_drawdown_bars` counts them
    """

    peak_bar: int
    trough_bar: int
    end_bar: int | None
    depth: float
    bars: int


def drawdown(equity: F64, capital: float) -> F64:
    """1 − equity / running peak at each bar's close, the capital being the first peak."""
    peak = np.maximum(np.maximum.accumulate(equity), capital)
    under: F64 = 1.0 - equity / peak
    return under


def drawdown_periods(equity: F64, capital: float) -> tuple[Drawdown, ...]:
    """All stretches under water, deepest first.

    >>> [(d.peak_bar, d.end_bar, round(d.depth, 2)) for d in drawdown_periods(np.array([110.0, 99.0, 120.0, 90.0]), 100.0)]
    [(2, None, 0.25), (0, 2, 0.1)]
    """
    under = drawdown(equity, capital)
    wet = np.concatenate(([False], under > 0.0, [False]))
    begins, ends = np.flatnonzero(wet[1:] & ~wet[:-1]), np.flatnonzero(~wet[1:] & wet[:-1])
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        trough = begin + int(np.argmax(under[begin:end]))
        back = end if end < equity.size else None
        found.append(Drawdown(begin - 1, trough, back, float(under[trough]), end - begin))
    return tuple(sorted(found, key=lambda d: -d.depth))


class Rolling(NamedTuple):
    """Figures of the last `window` days at each day, float64 (D,), NaN before there are so many. Annualised but the return."""

    window: int
    total_return: F64
    volatility: F64
    sharpe: F64


def rolling(daily: F64, window: int, days_per_year: int) -> Rolling:
    """Rolling figures. Causal: day d uses d − window + 1 … d."""
    total, volatility, sharpe = (np.full(daily.size, NAN) for _ in range(3))
    if daily.size >= window > 1:
        stretch = np.lib.stride_tricks.sliding_window_view(daily, window)
        spread = stretch.std(axis=1, ddof=1)
        total[window - 1 :] = np.prod(1.0 + stretch, axis=1) - 1.0
        volatility[window - 1 :] = spread * np.sqrt(days_per_year)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = stretch.mean(axis=1) / spread * np.sqrt(days_per_year)
        sharpe[window - 1 :] = np.where(spread > 0.0, ratio, 0.0)
    return Rolling(window, total, volatility, sharpe)


def monthly(daily: F64, days: I64) -> dict[tuple[int, int], float]:
    """Return of each calendar month, by (year, month); a month begun or cut short counts as far as it goes."""
    return _compounded(daily, ((d.year, d.month) for d in _dates(days)))


def yearly(daily: F64, days: I64) -> dict[int, float]:
    """Return of each calendar year."""
    return _compounded(daily, (d.year for d in _dates(days)))


def _dates(days: I64) -> Iterable[datetime]:
    return (datetime.fromtimestamp(int(day) * _DAY_S, UTC) for day in days)


def _compounded(daily: F64, keys: Iterable[K]) -> dict[K, float]:
    grown: dict[K, float] = {}
    for key, change in zip(keys, daily.tolist(), strict=True):
        grown[key] = grown.get(key, 1.0) * (1.0 + change)
    return {key: value - 1.0 for key, value in grown.items()}


class Group(NamedTuple):
    """Trades with something in common. Those still open at the end are not in it.

    mean_return   mean of pnl / entry notional, a fraction
    share         of the net pnl of all groups together; NaN when that is zero
    """

    name: str
    n_trades: int
    win_rate: float
    mean_return: float
    profit_factor: float
    pnl: float
    fees: float
    share: float


def by_group(trades: Sequence[Trade], name: Callable[[Trade], str]) -> tuple[Group, ...]:
    """Attribution: where the money came from, largest effect first. Closed trades only; groups add up to their sum."""
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        if trade.reason != "end":
            groups.setdefault(name(trade), []).append(trade)
    total = sum(trade.pnl for members in groups.values() for trade in members)
    found = [_group(key, members, total) for key, members in groups.items()]
    return tuple(sorted(found, key=lambda g: (-abs(g.pnl), g.name)))


def _group(name: str, trades: Sequence[Trade], total: float) -> Group:
    gains = sum(t.pnl for t in trades if t.pnl > 0)
    losses = -sum(t.pnl for t in trades if t.pnl < 0)
    pnl = sum(t.pnl for t in trades)
    returns = [t.pnl / (abs(t.quantity) * t.entry_price) for t in trades if t.quantity]
    return Group(
        name,
        len(trades),
        sum(t.pnl > 0 for t in trades) / len(trades) if trades else NAN,
        sum(returns) / len(returns) if returns else NAN,
        gains / losses if losses else NAN,
        pnl,
        sum(t.fees for t in trades),
        pnl / total if total else NAN,
    )


def by_side(trades: Sequence[Trade]) -> tuple[Group, ...]:
    """Long against short."""
    return by_group(trades, lambda t: "long" if t.side > 0 else "short")


def by_reason(trades: Sequence[Trade]) -> tuple[Group, ...]:
    """By what closed the trade."""
    return by_group(trades, lambda t: t.reason)


class StrategyRow(NamedTuple):
    """One strategy beside others: its own figures, and its part in their common profit."""

    name: str
    total_return: float
    sharpe: float
    sortino: float
    max_drawdown: float
    trades: Group


def by_strategy(results: Mapping[str, Result]) -> tuple[StrategyRow, ...]:
    """Win rate, average return, Sharpe and share of the profit of each strategy (or asset), in the order given."""
    closed = {name: [t for t in result.trades if t.reason != "end"] for name, result in results.items()}
    total = sum(t.pnl for trades in closed.values() for t in trades)
    return tuple(
        StrategyRow(
            name,
            result.figures["total_return"],
            result.figures["sharpe"],
            result.figures["sortino"],
            result.figures["max_drawdown"],
            _group(name, closed[name], total),
        )
        for name, result in results.items()
    )
