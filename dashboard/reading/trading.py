"""Orders, fills, trades, decisions, refusals: queries on what was traded and why. All of them newest first."""

import sqlite3
from collections.abc import Collection

from dashboard.reading.answers import Row, among, plain, rows
from dashboard.reading.span import Range
from organism.errors import BadInput

MOST = 5_000
GROUPS = {"strategy": "s.genome_id", "symbol": "t.symbol", "regime": "t.regime", "purpose": "t.purpose"}


def orders(db: sqlite3.Connection, span: Range, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
    """Orders that were proposed in a range, refused ones included. Amounts are decimals as text, times market ns."""
    condition, given = among(symbols)
    query = (
        f"SELECT * FROM orders WHERE created_ns BETWEEN ? AND ?{condition} ORDER BY created_ns DESC LIMIT ?"  # noqa: S608
    )
    return rows(db.execute(query, (*span, *given, _most(limit))))


def order(db: sqlite3.Connection, identity: str) -> Row | None:
    """One order by its id or its client order id, with `steps` (its life, oldest first) and `fills`; None if unknown."""
    found = db.execute(
        "SELECT * FROM orders WHERE order_id = ? UNION ALL SELECT * FROM orders WHERE client_order_id = ? LIMIT 1",
        (identity, identity),
    ).fetchone()
    if found is None:
        return None
    name = (found["order_id"],)
    steps = rows(db.execute("SELECT * FROM steps WHERE order_id = ? ORDER BY pos", name))
    filled = rows(db.execute("SELECT * FROM fills WHERE order_id = ? ORDER BY at_ns", name))
    return {**plain(found), "steps": steps, "fills": filled}


def fills(db: sqlite3.Connection, span: Range, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
    """Executions in a range."""
    condition, given = among(symbols)
    query = f"SELECT * FROM fills WHERE at_ns BETWEEN ? AND ?{condition} ORDER BY at_ns DESC LIMIT ?"  # noqa: S608
    return rows(db.execute(query, (*span, *given, _most(limit))))


def trades(db: sqlite3.Connection, span: Range, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
    """Positions, or parts of them, that were closed in a range; `regime` is that of the target that opened it, or ""."""
    condition, given = among(symbols)
    query = f"SELECT * FROM trades WHERE closed_ns BETWEEN ? AND ?{condition} ORDER BY closed_ns DESC LIMIT ?"  # noqa: S608
    return rows(db.execute(query, (*span, *given, _most(limit))))


def decisions(db: sqlite3.Connection, span: Range, symbol: str | None = None, limit: int = 200) -> list[Row]:
    """Targets of the brain in a range, each with who said what."""
    condition, given = among((symbol,) if symbol else ())
    query = f"SELECT * FROM decisions WHERE at_ns BETWEEN ? AND ?{condition} ORDER BY at_ns DESC LIMIT ?"  # noqa: S608
    return rows(db.execute(query, (*span, *given, _most(limit))))


def denials(db: sqlite3.Connection, span: Range, limit: int = 200) -> dict[str, list[Row]]:
    """Refusals in a range: `counts` by reason, most first, with the newest of each, and `rows`, newest first.

    most, observed   the limit and what was seen, in the unit of the limit
    """
    counts = db.execute(
        "SELECT reason, count(*) AS n, max(at_ns) AS last_ns, symbol, most, observed FROM denials"
        " WHERE at_ns BETWEEN ? AND ? GROUP BY reason ORDER BY n DESC, reason",
        span,
    )
    newest = "SELECT * FROM denials WHERE at_ns BETWEEN ? AND ? ORDER BY at_ns DESC, pos DESC LIMIT ?"
    return {"counts": rows(counts), "rows": rows(db.execute(newest, (*span, _most(limit))))}


def attribution(db: sqlite3.Connection, span: Range, by: str = "strategy") -> list[Row]:
    """What closed trades of a range earned, by "strategy", "symbol", "regime" or "purpose", best first.

    A trade that several strategies wanted counts for each in equal parts: `trades` is then a sum of parts. pnl is net of
    fees, account currency; won is the share of trades that earned.

    Raises `BadInput` for another grouping.
    """
    column = GROUPS.get(by)
    if column is None:
        raise BadInput(f"attribution goes by {', '.join(GROUPS)}; it was {by[:40]!r}.")
    query = (
        f"SELECT {column} AS name, sum(s.share) AS trades, sum(s.pnl) AS pnl, sum(s.fees) AS fees,"  # noqa: S608
        " sum(iif(s.pnl > 0, s.share, 0)) / sum(s.share) AS won, max(s.closed_ns) AS last_ns"
        " FROM shares s JOIN trades t ON t.pos = s.pos WHERE s.closed_ns BETWEEN ? AND ? GROUP BY 1 ORDER BY pnl DESC, 1"
    )
    return [_rounded(row) for row in rows(db.execute(query, span))]


def strategies(db: sqlite3.Connection, genome_ids: Collection[str]) -> dict[str, Row]:
    """What is known of strategies, retired ones included: family, weight, parameters, text, state."""
    condition, given = among(genome_ids, "genome_id")
    found = db.execute(f"SELECT * FROM strategies WHERE 1{condition}", given)  # noqa: S608
    return {row["genome_id"]: plain(row) for row in found}


def _rounded(row: Row) -> Row:
    digits: dict[str, int] = {"trades": 4, "pnl": 8, "fees": 8, "won": 6}
    return {k: round(v, digits[k]) if k in digits and v is not None else v for k, v in row.items()}


def _most(limit: int) -> int:
    return max(0, min(limit, MOST))
