"""A backtest for a terminal: a compact table with units; and its trades as CSV."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from genome.analysis import Trade
from genome.market import Market
from genome.reporting.numbers import percent, plain, span
from genome.reporting.words import iso
from organism.errors import BadInput

TRADE_COLUMNS = (
    "side", "entry_at", "entry_price", "exit_at", "exit_price", "quantity", "fees", "pnl", "reason",
)  # fmt: skip
_NAME, _VALUE = 16, 16


_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are = + - @ at full width
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def figure_lines(figures: Mapping[str, float], bar_s: int, interval: tuple[float, float]) -> list[str]:
    """Two columns of figures, each with its unit."""
    f = figures
    between = f"{plain(interval[0], 1, signed=True)} to {plain(interval[1], 1, signed=True)}"
    left = (
        ("total return", percent(f["total_return"], 2, signed=True)),
        ("cagr", percent(f["cagr"], 2, signed=True)),
        ("sharpe a year", plain(f["sharpe"], 3, signed=True)),
        ("  95 % interval", between),
        ("sortino a year", plain(f["sortino"], 3, signed=True)),
        ("max drawdown", percent(f["max_drawdown"], 2)),
        ("  longest", span(f["max_drawdown_bars"] * bar_s)),
        ("calmar", plain(f["calmar"], 3, signed=True)),
    )
    right = (
        ("trades closed", plain(f["n_trades"], 0)),
        ("win rate", percent(f["win_rate"], 1)),
        ("profit factor", plain(f["profit_factor"], 3)),
        ("expectancy", percent(f["expectancy"], 3, signed=True)),
        ("mean holding", span(f["mean_holding"] * bar_s)),
        ("turnover a year", f"{plain(f['turnover'], 1)} ×"),
        ("exposure", percent(f["exposure"], 1)),
        ("fees", plain(f["fees"], 2)),
    )
    return [
        f"{a:<{_NAME}}{b:>{_VALUE}}     {c:<{_NAME}}{d:>{_VALUE}}"
        for (a, b), (c, d) in zip(left, right, strict=True)
    ]


def write_trades(
    path: Path, ledger: Sequence[tuple[Market, Sequence[Trade]]], *, symbols: bool = False
) -> None:
    """Write trades as CSV: one row a trade, times ISO 8601 UTC, prices and amounts unrounded.

    symbols   a last column says which asset. Raises `BadInput` where the file cannot be written.
    """
    rows = [(_row(market, trade), market.symbol) for market, trades in ledger for trade in trades]
    if len(ledger) > 1:
        rows.sort(key=lambda found: found[0][1])  # by entry
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((*TRADE_COLUMNS, "symbol") if symbols else TRADE_COLUMNS)
            writer.writerows((*row, inert(symbol)) if symbols else row for row, symbol in rows)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None


def _row(market: Market, trade: Trade) -> tuple[str, ...]:
    return (
        "long" if trade.side > 0 else "short",
        iso(int(market.open_s[trade.entry_bar])),
        repr(float(trade.entry_price)),
        iso(int(market.open_s[trade.exit_bar])),
        repr(float(trade.exit_price)),
        repr(abs(float(trade.quantity))),
        repr(float(trade.fees)),
        repr(float(trade.pnl)),
        inert(trade.reason),
    )


def inert(text: str) -> str:
    """Text that a spreadsheet takes for text: one that begins as a formula would gets an apostrophe before it.

    Source: OWASP, CSV Injection. Numbers are written as numbers and need none. A row
    stays a row: what breaks a line becomes a space.

    >>> inert("BTC/USDT"), inert("=HYPERLINK(1)")
    ('BTC/USDT', "'=HYPERLINK(1)")
    """
    flat = _BREAKS.sub(" ", text)
    return f"'{flat}" if flat.lstrip(" \u00a0\ufeff")[:1] in _FORMULA else flat
