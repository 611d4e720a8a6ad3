"""A backtest in words: one sentence, what was assumed, what to beware of; and as one JSON document."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genome.analysis import Result
from genome.costs import Costs
from genome.history.quality import quality
from genome.market import F64, Market
from genome.reporting.numbers import date, instant, percent, plain
from organism.market import AssetClass

_FEW_TRADES = 30
_NORMAL_95 = 1.959964
ONE_TRIAL = "One backtest is one trial: its figures are not deflated for whatever was tried before it."
_FLAGS = {
    "ruined": "Ruined: equity reached zero and the strategy ended there.",
    "liquidated": "A position was liquidated.",
    "drawdown_stop": "The drawdown stop ended the strategy before the market ended.",
    "shorted": "It was short at times; no borrow cost is modelled.",
    "open_at_end": "A position is still open at the end: it is marked at the last close, and counts in equity but not in "
    "win rate, profit factor and expectancy.",
    "funding_missing": "Some funding rates are missing; longs pay the stated constant there, shorts receive nothing.",
    "size_rule_unused": "The size rule of the genome is not used: assets that share an equity are sized by score, "
    "at most 15 % each.",
}


def held_return(market: Market) -> float:
    """What one who bought at the first open and held to the last close would have made, without costs."""
    opens, closes = (market.column(name) for name in ("open", "close"))
    known = np.flatnonzero(~np.isnan(opens) & ~np.isnan(closes))
    return float(closes[known[-1]] / opens[known[0]] - 1.0) if known.size else math.nan


def sharpe_interval(daily: F64, sharpe: float, days_per_year: int) -> tuple[float, float]:
    """95 % interval of an annual Sharpe ratio, days taken as independent and normal.

    Source: A. Lo (2002), "The Statistics of Sharpe Ratios", Financial Analysts Journal 58.
    """
    if daily.size < 2 or not math.isfinite(sharpe):  # noqa: PLR2004 - a deviation needs two
        return math.nan, math.nan
    a_day = sharpe / math.sqrt(days_per_year)
    error = math.sqrt((1.0 + a_day * a_day / 2.0) / daily.size * days_per_year)
    return sharpe - _NORMAL_95 * error, sharpe + _NORMAL_95 * error


def summary(strategy: str, market: Market, result: Result, capital: float) -> str:
    """The whole backtest in two or three sentences of plain language."""
    f = result.figures
    start, end = date(int(market.open_s[0])), date(int(market.open_s[-1]) + market.bar_s - 1)
    head = f"From {start} to {end}, {strategy} on {market.symbol}"
    held = f"Buying and holding would have made {percent(held_return(market), 1, signed=True)}."
    if not result.trades:
        return f"{head} never traded, so {plain(capital, 0)} stayed {plain(capital, 0)}. {held}"
    if "ruined" in result.flags:
        return f"{head} lost everything. {held}"
    n = int(f["n_trades"])
    times = (
        "no trade was closed" if not n else "1 trade was closed" if n == 1 else f"{n:,} trades were closed"
    )
    won = f", {percent(f['win_rate'], 0)} of them with a gain" if n > 1 else ""
    deepest = f["max_drawdown"]
    below = (
        f"it was at worst {percent(deepest)} below its peak" if deepest > 0 else "it was never below its peak"
    )
    return (
        f"{head} turned {plain(capital, 0)} into {plain(capital * (1 + f['total_return']), 0)} "
        f"({percent(f['total_return'], 1, signed=True)}) after costs; {times}{won}, and {below}. {held}"
    )


def assumptions(costs: Costs, capital: float, market: Market) -> tuple[str, ...]:
    """What was assumed, each with its unit."""
    said = [
        f"Capital {plain(capital, 2)}",
        f"fee {percent(costs.taker, 3)} taker, {percent(costs.maker, 3)} maker",
        f"slippage {percent(costs.slippage, 3)} a fill"
        if costs.book_offsets is None
        else "slippage by three book levels",
    ]
    if costs.half_spread:
        said.append(f"half spread {percent(costs.half_spread, 3)}")
    for name, value in (
        ("slippage by volatility", costs.volatility_slippage),
        ("slippage by volume", costs.volume_slippage),
        ("square-root impact", costs.impact),
    ):
        if value:
            said.append(f"{name} × {value:g}")
    if market.tick or market.lot:
        said.append(f"tick {market.tick:g}, lot {market.lot:g}, minimum notional {market.min_notional:g}")
    if market.asset_class is AssetClass.CRYPTO_PERPETUAL:
        said.append(f"funding {percent(costs.missing_funding, 3)} where a rate is missing")
    said.append(f"{market.asset_class.days_per_year} days a year")
    said.append("decided at a bar's close, filled at the next open")
    return tuple(said)


def warnings(markets: Sequence[Market], result: Result) -> tuple[str, ...]:
    """What to beware of: the bars of each market first, then the result."""
    said = []
    for one in markets:
        prefix = f"{one.symbol}: " if len(markets) > 1 else ""
        said += [prefix + sentence for sentence in warnings_of_bars(one)]
    counted = any(one.funding_gaps for one in markets)  # then the market said it, with the number
    flags = [flag for flag in result.flags if not (counted and flag == "funding_missing")]
    if "shorted" not in flags and any(trade.side < 0 for trade in result.trades):
        flags.append("shorted")
    said += [_FLAGS.get(flag, f"{flag}.") for flag in flags]
    refused = getattr(result, "refused", 0)
    if refused:
        said.append(f"{refused:,} entries were refused: below the minimum notional, or less than one lot.")
    n = int(result.figures["n_trades"])
    if 0 < n < _FEW_TRADES:
        said.append(f"{n} closed {'trade is' if n == 1 else 'trades are'} too few to tell skill from luck.")
    return tuple(said)


def warnings_of_bars(market: Market) -> tuple[str, ...]:
    """What to beware of in the bars alone."""
    return tuple(quality(market).sentences())


def document(
    strategy: str,
    params: Mapping[str, float | str],
    markets: Sequence[Market],
    result: Result,
    *,
    capital: float,
    costs: Costs,
    said: tuple[str, ...],
) -> dict[str, Any]:
    """One JSON-ready document: figures by the names of SEMANTICS.md, 7; NaN is None; times ISO 8601, UTC.

    bars is their number over all markets; start the first open, end the last close.
    """
    low, high = sharpe_interval(result.daily, result.figures["sharpe"], markets[0].asset_class.days_per_year)
    return {
        "strategy": strategy,
        "params": dict(params),
        "symbols": [one.symbol for one in markets],
        "bars": sum(one.size for one in markets),
        "bar_s": markets[0].bar_s,
        "start": iso(min(int(one.open_s[0]) for one in markets)),
        "end": iso(max(int(one.open_s[-1]) + one.bar_s for one in markets)),
        "capital": capital,
        "costs": {"taker": costs.taker, "maker": costs.maker, "slippage": costs.slippage},
        **{name: finite(value) for name, value in result.figures.items()},
        "n_trades": int(result.figures["n_trades"]),
        "sharpe_interval": [finite(low), finite(high)],
        "held_return": finite(sum(held_return(one) for one in markets) / len(markets)),
        "trials": 1,
        "flags": list(result.flags),
        "warnings": list(said),
    }


def finite(value: float) -> float | None:
    """None for what JSON cannot say.

    >>> finite(float("nan")), finite(0.5)
    (None, 0.5)
    """
    return float(value) if math.isfinite(value) else None


def iso(seconds: int) -> str:
    """ISO 8601, UTC.

    >>> iso(1_704_067_200)
    '2024-01-01T00:00:00Z'
    """
    text = instant(seconds).replace(" ", "T")
    return f"{text}:{seconds % 60:02d}Z"
