"""vectorbt on the crowds of the bench: signals shifted by a bar, fills at the open, Sharpe from resampled daily returns.

vectorbt is not a dependency: it is measured beside the simulator where somebody installed it (extra `[bench]`). Columns
are run twenty at a time, which is what it does fastest.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genome.bench_crowds import gene
from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market
from genome.trees import Cross, Indicator, Number

CHUNK = 20
_YEAR = 365.0
Trades = list[tuple[int, int, float, float]]
"""Entry bar, exit bar, entry price, exit price, of the closed trades of one genome."""


def installed() -> str | None:
    """Version of vectorbt, or None where it is not installed."""
    return importlib.import_module("vectorbt").__version__ if importlib.util.find_spec("vectorbt") else None


def figures(genomes: Sequence[Genome], market: Market, costs: Costs) -> F64:
    """Total return, Sharpe, maximum drawdown, closed trades: float64 (genomes, 4)."""
    return np.vstack(
        [_figures(_portfolio(genomes[i : i + CHUNK], market, costs)) for i in range(0, len(genomes), CHUNK)]
    )


def trades(genomes: Sequence[Genome], market: Market, costs: Costs) -> list[Trades]:
    """Closed trades, genome by genome."""
    found: list[Trades] = []
    for i in range(0, len(genomes), CHUNK):
        portfolio = _portfolio(genomes[i : i + CHUNK], market, costs)
        records = portfolio.trades.closed.records
        for column in range(len(genomes[i : i + CHUNK])):
            rows = records[records["col"] == column].sort_values("entry_idx")
            found.append(
                list(
                    zip(
                        rows["entry_idx"],
                        rows["exit_idx"],
                        rows["entry_price"],
                        rows["exit_price"],
                        strict=True,
                    )
                )
            )
    return found


def _portfolio(genomes: Sequence[Genome], market: Market, costs: Costs) -> Any:
    vectorbt, pandas = importlib.import_module("vectorbt"), importlib.import_module("pandas")
    index = pandas.to_datetime(market.open_s, unit="s")
    prices = {
        name: pandas.Series(market.column(name), index=index) for name in ("open", "high", "low", "close")
    }
    fast, slow = (
        vectorbt.MA.run(
            prices["close"], np.array([_windows(g)[k] for g in genomes]), ewm=True, short_name=name
        )
        for k, name in enumerate(("fast", "slow"))
    )
    up, down = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    up, down = (x.vbt.signals.fshift(1) for x in (up, down))
    sides = {"short_entries": down, "short_exits": up} if genomes[0].entry_short is not None else {}
    stops = np.array([[gene(g, "stop"), gene(g, "target"), gene(g, "trailing")] for g in genomes])
    if not np.isnan(stops).all():
        enums = importlib.import_module("vectorbt.portfolio.enums")
        trails = ~np.isnan(stops[:, 2])
        sides |= {
            "sl_stop": np.where(trails, stops[:, 2], stops[:, 0])[None, :],
            "sl_trail": trails[None, :],
            "tp_stop": stops[:, 1][None, :],
            "stop_entry_price": enums.StopEntryPrice.FillPrice,
            "stop_exit_price": enums.StopExitPrice.StopMarket,
            "open": prices["open"],
            "high": prices["high"],
            "low": prices["low"],
        }
    return vectorbt.Portfolio.from_signals(
        prices["close"], up, down, price=prices["open"], fees=costs.taker, slippage=costs.slippage, init_cash=1.0,
        freq=f"{market.bar_s}s", **sides,
    )  # fmt: skip


def _windows(genome: Genome) -> tuple[int, int]:
    entry = genome.entry_long
    if not isinstance(entry, Cross):
        raise TypeError("the bench knows crossing averages alone")
    pair = []
    for side in (entry.left, entry.right):
        if not isinstance(side, Indicator) or not isinstance(side.arguments[0], Number):
            raise TypeError("the bench knows crossing averages alone")
        pair.append(int(side.arguments[0].value))
    return pair[0], pair[1]


def _figures(portfolio: Any) -> F64:
    value = portfolio.value()
    daily = value.resample("1D").last().to_numpy()
    returns = np.diff(np.vstack([np.ones(daily.shape[1]), daily]), axis=0) / np.vstack(
        [np.ones(daily.shape[1]), daily[:-1]]
    )
    sharpe = returns.mean(axis=0) / returns.std(axis=0, ddof=1) * np.sqrt(_YEAR)
    drawdown = -np.asarray(portfolio.max_drawdown())
    closed: NDArray[np.int64] = np.asarray(portfolio.trades.closed.count())
    return np.column_stack([np.asarray(portfolio.total_return()), sharpe, drawdown, closed])
