"""The page: sections in the order in which a person asks. Nothing in it is fetched: style and script are inside."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from genome.analysis import (
    NAN,
    Result,
    by_reason,
    by_side,
    drawdown,
    drawdown_periods,
    monthly,
    rolling,
    yearly,
)
from genome.costs import Costs
from genome.market import Market
from genome.reporting import tables
from genome.reporting.charts import Clock, Column, Line, bar_chart, missing, time_chart, trade_marks
from genome.reporting.numbers import instant, percent, plain
from genome.reporting.shell import assumed, beware, shell, tiles, write_page
from genome.reporting.words import ONE_TRIAL, assumptions, sharpe_interval, summary
from genome.slices import ByRegime, by_clock, by_regime

_DAY_S = 86_400
_WINDOWS = (90, 30, 10)
_PRICE_COLUMNS = 4_000
_FEWEST_BINS, _MOST_BINS = 9, 41


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What a report is about.

    strategy, params    its name; genes and parameters as they are shown
    conditions          the four conditions as text, by name
    source              where the bars came from
    warnings            sentences
    """

    strategy: str
    params: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str], ...]
    market: Market
    result: Result
    costs: Costs
    capital: float
    source: str
    warnings: tuple[str, ...] = ()


def write(path: Path, told: Told) -> None:
    """Write the page. Raises `BadInput` where the file cannot be written."""
    write_page(path, page(told))


def page(told: Told) -> str:
    """One HTML document."""
    market, result = told.market, told.result
    last = int(market.open_s[-1]) + market.bar_s
    clock = Clock(float(market.open_s[0]), float(last), market.bar_s)
    interval = sharpe_interval(result.daily, result.figures["sharpe"], market.asset_class.days_per_year)
    title = f"{told.strategy} on {market.symbol}"
    losses = any(t.pnl < 0 for t in result.trades if t.reason != "end")
    body = (
        _head(told, interval)
        + tables.figures_table(result.figures, market.bar_s, losses=losses)
        + money_charts(told, clock)
        + price_chart(told, clock)
        + _months(told)
        + f'<div class="pair">{_distribution(told)}{_hours(told)}</div>'
        + _regimes(by_regime(market, result, told.capital))
        + _whence(told)
        + tables.drawdowns_table(drawdown_periods(result.equity, told.capital), market)
        + _rolling(told, clock)
        + tables.trades_table(result.trades, market)
        + _assumed(told)
    )
    return shell(f"{title}: backtest", body)


def _head(told: Told, interval: tuple[float, float]) -> str:
    f = told.result.figures
    cells = (
        ("Return", percent(f["total_return"], 1, signed=True), "after costs", f["total_return"]),
        ("Sharpe", plain(f["sharpe"], 2, signed=True), f"95 %: {plain(interval[0], 1, signed=True)} to {plain(interval[1], 1, signed=True)}", f["sharpe"]),
        ("Deepest drawdown", percent(f["max_drawdown"], 1), "below a peak", 0.0),
        ("Trades", plain(f["n_trades"], 0), f"{percent(f['win_rate'], 0)} with a gain", 0.0),
    )  # fmt: skip
    return (
        f'<header><p class="eyebrow">Backtest · {escape(told.strategy)} · {escape(told.market.symbol)} · '
        f"{escape(tables.period(told.market))}</p>"
        f"<h1>{escape(summary(told.strategy, told.market, told.result, told.capital))}</h1>"
        f'<p class="trial">{escape(ONE_TRIAL)} The interval below is that of this one trial.</p></header>'
        f"{tiles(cells)}{beware(told.warnings)}"
    )


def money_charts(told: Told, clock: Clock) -> str:
    """Equity, and how far below its peak it was."""
    market, result = told.market, told.result
    at_s = market.open_s + market.bar_s
    close = market.column("close")
    known = np.flatnonzero(~np.isnan(close))
    lines = [Line(result.equity, "main", "strategy")]
    if known.size:
        lines.append(
            Line(told.capital * close / market.column("open")[known[0]], "faint", "buy and hold, no costs")
        )
    return time_chart(
        "equity", "Equity", lines, at_s, clock, "money", log=True, tall=True,
        note="At each bar's close, account currency. Drag to zoom all charts, double-click for the whole.",
    ) + time_chart(
        "drawdown", "Below the peak", [Line(-drawdown(result.equity, told.capital), "loss", area=True)], at_s, clock,
        "percent", zero=True,
    )  # fmt: skip


def price_chart(told: Told, clock: Clock) -> str:
    """The trades, on the price."""
    market, trades = told.market, told.result.trades
    marks = None
    if trades:
        rows = np.array(
            [(t.side, t.entry_bar, t.entry_price, t.exit_bar, t.exit_price, t.pnl) for t in trades], float
        )
        opens = market.open_s.astype(np.float64)
        entry = opens[rows[:, 1].astype(np.int64)], rows[:, 2]
        leave = opens[rows[:, 3].astype(np.int64)], rows[:, 4]
        # A trade within one bar would have no width: its exit is drawn at the bar's close.
        leave = np.where(leave[0] > entry[0], leave[0], leave[0] + market.bar_s), leave[1]
        marks = trade_marks(rows[:, 0].astype(np.int64), entry, leave, rows[:, 5], clock)
    return time_chart(
        "price", "Trades on price", [Line(market.column("close"), "price", columns=_PRICE_COLUMNS)],
        market.open_s + market.bar_s, clock, "price", tall=True, marks=marks,
        note="● long  ■ short, at the entry; solid to the exit with a gain, dashed with a loss." if trades else "",
    )  # fmt: skip


def _months(told: Told) -> str:
    daily, days = told.result.daily, told.result.days
    return tables.months_table(monthly(daily, days), yearly(daily, days))


def _distribution(told: Told) -> str:
    daily, days = told.result.daily, told.result.days
    title = "Daily returns"
    if daily.size < _FEWEST_BINS or not daily.any():
        return missing(
            "distribution", title, "Too few days, or none with a return, to show how they are spread."
        )
    reach = float(np.abs(daily).max())
    bins = int(np.clip(np.sqrt(daily.size) * 1.5, _FEWEST_BINS, _MOST_BINS)) | 1
    counts, edges = np.histogram(daily, np.linspace(-reach, reach, bins + 1))
    labelled = {0: edges[0], bins // 2: 0.0, bins - 1: edges[-1]}
    columns = [
        Column(
            float(n),
            percent(labelled[i], 1, signed=True) if i in labelled else "",
            f"{percent(edges[i], 2, signed=True)} to {percent(edges[i + 1], 2, signed=True)}: {n} days",
            "level" if i == bins // 2 else "loss" if i < bins // 2 else "gain",
        )
        for i, n in enumerate(counts.tolist())
    ]
    note = f"Number of days by their return. {tables.worst_and_best(daily.tolist(), days.tolist())}"
    return bar_chart("distribution", title, columns, "money", note=note)


def _hours(told: Told) -> str:
    kind, slices = by_clock(told.market, told.result, told.capital)
    columns = [
        Column(
            NAN if not s.periods else s.mean_return * 10_000,
            s.name if kind == "weekday" or i % 3 == 0 else "",
            f"{s.name}{':00' if kind == 'hour' else ''}: {plain(s.mean_return * 10_000, 2, signed=True)} bp a bar, {s.n_trades} entries",
        )
        for i, s in enumerate(slices)
    ]
    title = "By hour of the day" if kind == "hour" else "By day of the week"
    return bar_chart(
        "clock", title, columns, "number",
        note=f"Mean return of the bars that open in that {kind}, UTC, basis points of equity.",
    )  # fmt: skip


def _regimes(found: ByRegime) -> str:
    if not any(s.periods for s in found.trend):
        return missing(
            "regimes",
            "By regime",
            f"Too few {found.unit}s to rank: regimes need about 60 before the first label.",
        )
    note = (
        f"Each {found.unit} is labelled by the {found.window} {found.unit}s before it, ranked among all earlier ones (thirds); "
        f"{found.unlabelled:,} at the beginning have too little before them."
    )
    return (
        '<section class="stack" id="regimes"><div class="pair">'
        + tables.slices_table("trend", "By trend", found.trend)
        + tables.slices_table("volatility", "By volatility", found.volatility)
        + f'</div><p class="note">{escape(note)}</p></section>'
    )


def _whence(told: Told) -> str:
    trades = told.result.trades
    if not any(t.reason != "end" for t in trades):
        return ""
    return (
        f'<div class="pair">{tables.groups_table("sides", "By side", by_side(trades))}'
        f"{tables.groups_table('reasons', 'By what closed the trade', by_reason(trades))}</div>"
    )


def _rolling(told: Told, clock: Clock) -> str:
    result, market = told.result, told.market
    window = next((w for w in _WINDOWS if result.daily.size >= 2 * w), 0)
    if not window:
        return missing("rolling", "Rolling Sharpe", "Fewer than 20 days: too few to roll.")
    found = rolling(result.daily, window, market.asset_class.days_per_year)
    at_s = np.minimum((result.days + 1) * _DAY_S, int(clock.end_s))
    return time_chart(
        "rolling", f"Sharpe of the last {window} days", [Line(found.sharpe, "main")], at_s,
        Clock(clock.start_s, clock.end_s, _DAY_S), "number", zero=True,
    )  # fmt: skip


def _assumed(told: Told) -> str:
    rows = [("Bars", told.source), ("Assumed", "; ".join(assumptions(told.costs, told.capital, told.market)))]
    rows += [("Parameters", ", ".join(f"{k} {v}" for k, v in told.params))] if told.params else []
    rows += [(name.replace("_", " ").capitalize(), text) for name, text in told.conditions]
    rows.append(
        (
            "Period",
            f"{instant(told.market.open_s[0])} to {instant(told.market.open_s[-1] + told.market.bar_s)} UTC",
        )
    )
    return assumed("What was run", rows)
