"""Equity over time and what can honestly be said about it."""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard.glimpse import opened

DAY_NS = 86_400 * 10**9
POINTS = 700  # a screen's worth; each bucket keeps its lowest, its highest and its deepest point
FEWEST_DAYS = 20  # daily returns below which a Sharpe ratio would be noise
DAYS_A_YEAR = 365.0  # crypto trades every day

Point = tuple[int, float, float]  # market time in ns, equity, drawdown as a fraction


def curve(view: Path, points: int = POINTS, since_ns: int = 0) -> list[Point]:
    """The equity curve from a moment on, thinned so that no extreme is lost (min–max per bucket), oldest first."""
    if not view.exists():
        return []
    try:
        with opened(view) as connection:
            return _curve(connection, points, since_ns)
    except sqlite3.Error:
        return []


def tip(portfolio: Mapping[str, Any]) -> Point | None:
    """The portfolio as it is now: the curve's own points may be thinned."""
    at_ns, equity, drawdown = (portfolio.get(key) for key in ("at_ns", "equity", "drawdown"))
    if not isinstance(at_ns, int) or equity is None or drawdown is None:
        return None
    return at_ns, float(equity), float(drawdown)


def thinned(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """(moment, value) pairs, of which each bucket keeps its lowest and its highest, and the ends stay.

    >>> thinned([(n, 9.0 if n == 5 else 1.0) for n in range(100)], 6)[:3]
    [(0, 1.0), (5, 9.0), (34, 1.0)]
    """
    if len(points) <= most or most < 4:  # noqa: PLR2004 - two ends and two extremes
        return list(points)
    first, last = points[0][0], points[-1][0]
    width = max(1, (last - first) // max(1, most // 2) + 1)
    buckets: dict[int, list[tuple[int, float]]] = {}
    for point in points:
        buckets.setdefault((point[0] - first) // width, []).append(point)
    kept = {points[0], points[-1]}
    for bucket in buckets.values():
        kept |= {min(bucket, key=lambda one: one[1]), max(bucket, key=lambda one: one[1])}
    return sorted(kept)


def summary(view: Path) -> dict[str, Any]:
    """Daily profit and loss, win rate, Sharpe ratio: null with a reason where there is too little to say.

    Amounts are account currency, ratios are fractions, days are UTC market days.
    """
    empty: dict[str, Any] = {"n_trades": 0, "daily": [], "win_rate": None, "sharpe": None}
    if not view.exists():
        return {**empty, "note": "no body has ever lived here"}
    try:
        with opened(view) as connection:
            days = connection.execute(
                "SELECT at_ns / ? AS day, equity, max(at_ns) FROM equity GROUP BY day ORDER BY day",
                (DAY_NS,),
            ).fetchall()
            first = connection.execute("SELECT equity FROM equity ORDER BY at_ns LIMIT 1").fetchone()
            trades = connection.execute(
                "SELECT count(*), sum(CAST(pnl AS REAL) > 0), sum(CAST(pnl AS REAL)),"
                " sum(max(CAST(pnl AS REAL), 0.0)), sum(min(CAST(pnl AS REAL), 0.0)) FROM trades"
            ).fetchone()
    except sqlite3.Error as error:
        return {**empty, "note": f"state/view.db could not be read: {error}"}
    return _summed([(row[0], row[1]) for row in days], first[0] if first else None, tuple(trades))


def sharpe(returns: Sequence[float]) -> float | None:
    """Annualised Sharpe ratio of daily simple returns, risk-free rate 0; None below `FEWEST_DAYS`."""
    n = len(returns)
    if n < FEWEST_DAYS:
        return None
    mean = math.fsum(returns) / n
    variance = math.fsum((value - mean) ** 2 for value in returns) / (n - 1)
    if not variance > 0.0:
        return None
    return mean / math.sqrt(variance) * math.sqrt(DAYS_A_YEAR)


def _curve(connection: sqlite3.Connection, points: int, since_ns: int) -> list[Point]:
    lowest, highest, count = connection.execute(
        "SELECT min(at_ns), max(at_ns), count(*) FROM equity WHERE at_ns >= ?", (since_ns,)
    ).fetchone()
    if not count:
        return []
    if count <= points:
        rows = connection.execute(
            "SELECT at_ns, equity, drawdown FROM equity WHERE at_ns >= ? ORDER BY at_ns", (since_ns,)
        )
        return [(row[0], row[1], row[2]) for row in rows]
    width = max(1, (highest - lowest) // (points // 3))
    kept: dict[int, Point] = {}
    # With a single min() or max(), SQLite takes the other columns from that very row.
    for extreme in ("min(equity)", "max(equity)", "max(drawdown)", "max(at_ns)"):
        query = (
            f"SELECT at_ns, equity, drawdown, {extreme} FROM equity WHERE at_ns >= ? GROUP BY (at_ns - ?) / ?"  # noqa: S608 - constants
        )
        for row in connection.execute(query, (since_ns, lowest, width)):
            kept[row[0]] = (row[0], row[1], row[2])
    return [kept[at_ns] for at_ns in sorted(kept)]


def _summed(days: list[tuple[int, float]], start: float | None, trades: tuple[Any, ...]) -> dict[str, Any]:
    daily, returns, before = [], [], start
    for day, equity in days:
        if before is not None:
            daily.append({"day_ns": day * DAY_NS, "equity": equity, "pnl": equity - before})
            if before > 0.0:
                returns.append(equity / before - 1.0)
        before = equity
    n_trades, wins, total, won, lost = trades
    ratio = sharpe(returns)
    notes = []
    if ratio is None:
        notes.append(
            f"a Sharpe ratio needs {FEWEST_DAYS} daily returns that differ, there were {len(returns)}"
        )
    if not n_trades:
        notes.append("no trade has been closed yet")
    return {
        "n_trades": n_trades,
        "wins": wins or 0,
        "win_rate": wins / n_trades if n_trades else None,
        "profit_factor": won / -lost if lost else None,
        "trade_pnl": total or 0.0,
        "n_days": len(daily),
        "daily": daily[-400:],
        "sharpe": ratio,
        "note": "; ".join(notes),
    }
