"""Equity and prices over time, thinned so that no extreme is lost."""

import sqlite3
from typing import Any

from dashboard.reading.answers import Row
from dashboard.reading.schema import WIDTHS
from dashboard.reading.span import Range

MOST_ROWS = 6_000  # rows one query reads; beyond, sums over longer stretches are taken
MOST_POINTS = 4_000


def equity(db: sqlite3.Connection, span: Range, points: int = 700) -> list[Row]:
    """The equity curve, oldest first: at_ns, equity, drawdown, gross. About `points`, with the lowest and highest of each part.

    Where sums are read, drawdown is the deepest of the part and gross its last.
    """
    points = max(2, min(points, MOST_POINTS))
    width = _width(db, "equity_summed", "", (), span)
    if width is None:
        found = db.execute(
            "SELECT at_ns, equity, drawdown, gross FROM equity WHERE at_ns BETWEEN ? AND ? ORDER BY at_ns",
            span,
        ).fetchall()
        return _thinned([(r[0], r[1], r[2], r[3]) for r in found], points)
    sums = db.execute(
        "SELECT low_ns, low, high_ns, high, last_ns, last, drawdown, gross FROM equity_summed"
        " WHERE width = ? AND bucket BETWEEN ? AND ? ORDER BY bucket",
        (width, span.start_ns // width, span.end_ns // width),
    )
    drawn: dict[int, tuple[int, float, float, float]] = {}
    for low_ns, low, high_ns, high, last_ns, last, drawdown, gross in sums:
        for at_ns, value in sorted(((low_ns, low), (high_ns, high), (last_ns, last))):
            if span.start_ns <= at_ns <= span.end_ns:
                drawn[at_ns] = (at_ns, value, drawdown, gross)
    return _thinned(list(drawn.values()), points)


def prices(db: sqlite3.Connection, symbol: str, span: Range, points: int = 700) -> list[Row]:
    """Candles of one instrument, oldest first, at most about `points`: at_ns (of the last bar in it), open … volume, n bars."""
    points = max(2, min(points, MOST_POINTS))
    found = db.execute("SELECT id FROM symbols WHERE name = ?", (symbol,)).fetchone()
    if found is None:
        return []
    number = found[0]
    width = _width(db, "bars_summed", "symbol = ? AND ", (number,), span)
    if width is None:
        bars = db.execute(
            "SELECT at_ns, open, high, low, close, volume, 1 FROM bars WHERE symbol = ? AND at_ns BETWEEN ? AND ?"
            " ORDER BY at_ns",
            (number, *span),
        ).fetchall()
    else:
        bars = db.execute(
            "SELECT (bucket + 1) * width, open, high, low, close, volume, n FROM bars_summed"
            " WHERE symbol = ? AND width = ? AND bucket BETWEEN ? AND ? ORDER BY bucket",
            (number, width, span.start_ns // width, span.end_ns // width),
        ).fetchall()
    return _candles(bars, points)


def _width(
    db: sqlite3.Connection, table: str, condition: str, given: tuple[Any, ...], span: Range
) -> int | None:
    """The finest sums that are few enough; None when the single points are."""
    shortest = WIDTHS[0]
    query = f"SELECT count(*), sum(n), min(bucket) FROM {table} WHERE {condition}width = ? AND bucket BETWEEN ? AND ?"  # noqa: S608
    for width in WIDTHS:
        n, total, first = db.execute(
            query, (*given, width, span.start_ns // width, span.end_ns // width)
        ).fetchone()
        if not n:
            return None
        if width == shortest and total <= MOST_ROWS and _has_points(db, table, given, first * width):
            return None
        if n <= MOST_ROWS:
            return width
    return WIDTHS[-1]


def _has_points(db: sqlite3.Connection, table: str, given: tuple[Any, ...], from_ns: int) -> bool:
    """Whether single points are still kept from a time on: old ones are not."""
    single, condition = table.removesuffix("_summed"), "symbol = ? AND " if given else ""
    query = f"SELECT min(at_ns) FROM {single} WHERE {condition}at_ns >= 0"  # noqa: S608
    (oldest,) = db.execute(query, given).fetchone()
    return oldest is not None and oldest < from_ns + WIDTHS[0]


def _thinned(points: list[tuple[int, float, float, float]], most: int) -> list[Row]:
    """Lowest and highest of each of `most` / 2 equal parts, and the last point."""
    n = len(points)
    if n > most:
        parts = max(1, most // 2)
        kept: dict[int, None] = {}
        for part in range(parts):
            among = range(part * n // parts, (part + 1) * n // parts)
            low = min(among, key=lambda i: points[i][1])
            high = max(among, key=lambda i: points[i][1])
            kept |= dict.fromkeys(sorted((low, high)))
        points = [points[i] for i in (kept | {n - 1: None})]
    return [{"at_ns": p[0], "equity": p[1], "drawdown": p[2], "gross": p[3]} for p in points]


def _candles(bars: list[Any], most: int) -> list[Row]:
    step = -(-len(bars) // most) or 1
    found: list[Row] = []
    for at in range(0, len(bars), step):
        part = bars[at : at + step]
        found.append({
            "at_ns": part[-1][0], "open": part[0][1], "high": max(b[2] for b in part), "low": min(b[3] for b in part),
            "close": part[-1][4], "volume": sum(b[5] for b in part), "n": sum(b[6] for b in part),
        })  # fmt: skip
    return found
