"""Tables of a report: figures, months, groups, trades. Numbers stand right, signs always, meanings never by colour alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from genome.analysis import Drawdown, Group, Trade
from genome.market import Market
from genome.reporting.numbers import DASH, THIN, bar_name, date, instant, percent, plain, price, span
from genome.slices import Slice

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL_HEAT = 0.15
MOST_TRADES = 500
MOST_DRAWDOWNS = 10


def table(name: str, title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A plain table; a cell that begins with `<td` is taken as it is. The first column is the row's name."""
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(cell if cell.startswith("<td") else f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    caption = f"<h3>{escape(title)}</h3>" if title else ""
    foot = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<section class="block" id="{name}">{caption}<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>{foot}</section>"
    )


def signed(value: float, text: str) -> str:
    """A cell whose text carries its sign, tinted by it."""
    look = "gain" if value > 0 else "loss" if value < 0 else "level"
    return f'<td class="{look}">{escape(text)}</td>'


def figures_table(figures: Mapping[str, float], bar_s: int, *, losses: bool) -> str:
    """The figures that the tiles above do not have, each with its unit."""
    f = figures
    rows = (
        ("Growth a year", percent(f["cagr"], 1, signed=True), "compounded (CAGR)"),
        ("Sortino", plain(f["sortino"], 2, signed=True), "a year"),
        ("Calmar", plain(f["calmar"], 2, signed=True), "growth a year / deepest drawdown"),
        ("Under water", span(f["max_drawdown_bars"] * bar_s), "at the longest"),
        ("Profit factor", plain(f["profit_factor"], 2), "gains / losses" if losses else "no trade lost"),
        ("Expectancy", percent(f["expectancy"], 3, signed=True), "a trade, of its outlay"),
        ("Holding", span(f["mean_holding"] * bar_s), "a trade, on average"),
        ("Exposure", percent(f["exposure"], 1), "of bars with a position"),
        ("Turnover", f"{plain(f['turnover'], 1)}{THIN}×", "of equity, a year"),
        ("Fees", plain(f["fees"], 2), "account currency, in all"),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><small>{escape(unit)}</small></div>"
        for name, value, unit in rows
    )
    return f'<dl class="figures">{cells}</dl>'


def months_table(months: Mapping[tuple[int, int], float], years: Mapping[int, float]) -> str:
    """Months across, years down; the depth of a cell's tint is the size of its return."""
    rows = [
        [str(year), *(_heat(months.get((year, m))) for m in range(1, 13)), _heat(total)]
        for year, total in years.items()
    ]
    return table(
        "months",
        "Months",
        ("Year", *MONTHS, "Year"),
        rows,
        "Returns after costs, percent; the first and last month as far as they go.",
    )


def _heat(value: float | None) -> str:
    if value is None:
        return '<td class="none"></td>'
    look = "gain" if value > 0 else "loss" if value < 0 else "level"
    depth = min(abs(value) / _FULL_HEAT, 1.0) * 55
    return f'<td class="heat {look}" style="--depth:{depth:.0f}%">{plain(100 * value, 1, signed=True)}</td>'


def slices_table(name: str, title: str, rows: Sequence[Slice], note: str = "") -> str:
    """Parts of the time."""
    head = ("", "Share of time", "Return", "Sharpe", "Trades", "Win rate")
    cells = [
        (
            row.name,
            percent(row.share, 0),
            signed(row.total_return, percent(row.total_return, 1, signed=True)),
            plain(row.sharpe, 2, signed=True),
            plain(row.n_trades, 0),
            percent(row.win_rate, 0),
        )
        for row in rows
    ]
    return table(name, title, head, cells, note)


def groups_table(name: str, title: str, rows: Sequence[Group]) -> str:
    """Where the money came from."""
    head = ("", "Trades", "Win rate", "Mean return", "Profit or loss", "Fees")
    cells = [
        (
            row.name,
            plain(row.n_trades, 0),
            percent(row.win_rate, 0),
            percent(row.mean_return, 2, signed=True),
            signed(row.pnl, plain(row.pnl, 2, signed=True)),
            plain(row.fees, 2),
        )
        for row in rows
    ]
    return table(name, title, head, cells)


def drawdowns_table(found: Sequence[Drawdown], market: Market) -> str:
    """The deepest stretches under water."""
    cells = [
        (
            f"{rank}.",
            percent(d.depth, 2),
            instant(market.open_s[max(d.peak_bar, 0)]) if d.peak_bar >= 0 else "the start",
            instant(market.open_s[d.trough_bar]),
            "not yet" if d.end_bar is None else instant(market.open_s[d.end_bar]),
            span(d.bars * market.bar_s),
        )
        for rank, d in enumerate(found[:MOST_DRAWDOWNS], 1)
    ]
    note = f"The {len(cells)} deepest of {len(found):,}." if len(found) > len(cells) else ""
    return table(
        "drawdowns", "Drawdowns", ("", "Depth", "Peak", "Lowest", "Recovered", "Under water"), cells, note
    )


def trades_table(trades: Sequence[Trade], market: Market) -> str:
    """The first trades, in time."""
    head = (
        "",
        "Side",
        "Entry, UTC",
        "Price",
        "Exit, UTC",
        "Price",
        "Quantity",
        "Fees",
        "Profit or loss",
        "Closed by",
    )
    cells = [
        (
            f"{i}",
            "long ▲" if t.side > 0 else "short ▼",
            instant(market.open_s[t.entry_bar]),
            price(t.entry_price),
            instant(market.open_s[t.exit_bar]),
            price(t.exit_price),
            f"{abs(t.quantity):.6g}",
            plain(t.fees, 2),
            signed(t.pnl, plain(t.pnl, 2, signed=True)),
            t.reason,
        )
        for i, t in enumerate(trades[:MOST_TRADES], 1)
    ]
    note = (
        f"The first {len(cells):,} of {len(trades):,}; `--trades FILE` writes them all."
        if len(trades) > len(cells)
        else ""
    )
    return table("trades", "Trades", head, cells, note)


def worst_and_best(daily: Sequence[float], days: Sequence[int]) -> str:
    """A sentence about the ends of the distribution."""
    if not daily:
        return DASH
    worst, best = min(range(len(daily)), key=daily.__getitem__), max(range(len(daily)), key=daily.__getitem__)
    return (
        f"Worst day {percent(daily[worst], 1, signed=True)} ({date(days[worst] * 86_400)}), "
        f"best {percent(daily[best], 1, signed=True)} ({date(days[best] * 86_400)})."
    )


def period(market: Market) -> str:
    """From when to when, and in what bars."""
    first, last = int(market.open_s[0]), int(market.open_s[-1]) + market.bar_s
    at = [datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%d") for s in (first, last)]
    return f"{at[0]} to {at[1]} UTC, {market.size:,} {bar_name(market.bar_s)} bars"
