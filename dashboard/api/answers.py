"""Answers for programs that the page itself does not ask for. All are read from the view, and bounded."""

import json
import re
from collections.abc import Mapping
from typing import Any

from dashboard import figures
from dashboard.pages.asked import MOST_REFERENCE
from dashboard.shelf import Apart
from dashboard.window import Window
from organism.errors import OrganismError
from organism.view import ViewReader
from organism.view.evolution import evolution_of

MOST_ROWS = 500
_WHOLE_NS = re.compile(r"[0-9]{1,18}|[1-8][0-9]{18}")


def limit_of(query: Mapping[str, str]) -> int:
    """How many rows are wanted: `limit`, 100 unless it says otherwise, at most `MOST_ROWS`."""
    wanted = figures.number(query.get("limit", "100"))
    return 100 if wanted is None else int(max(1, min(MOST_ROWS, wanted)))


def rows(window: Window, table: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of a table of the view, newest first; only of `symbol` where it is given."""
    symbol = query.get("symbol")
    limit = limit_of(query)
    try:
        found = ViewReader(window.view).table(table, limit if symbol is None else 10 * MOST_ROWS)
    except OrganismError:
        return []
    return found if symbol is None else [row for row in found if row.get("symbol") == symbol][:limit]


def portfolio(window: Window) -> dict[str, Any]:
    """Equity, cash, exposure, drawdown, and what is held with its stops. Money is text, exact."""
    glimpse = window.see().glimpse
    reconciled = glimpse.part("reconciled")
    return {
        "portfolio": glimpse.part("portfolio"),
        "positions": glimpse.rows("positions"),
        "unexplained_quantity": reconciled.get("unexplained") if reconciled else None,
    }


def signals(window: Window) -> dict[str, Any]:
    """What each funded strategy forecasts, from -1 (short) to 1 (long), by symbol, and its weight."""
    glimpse = window.see().glimpse
    return {
        "market_ns": glimpse.part("body").get("market_ns"),
        "signals": [
            {
                "strategy": row.get("genome_id"),
                "family": row.get("family"),
                "state": row.get("state"),
                "weight": row.get("weight"),
                "forecasts": _decoded(row.get("forecasts")),
            }
            for row in glimpse.rows("strategies")
        ],
    }


def why(window: Window, query: Mapping[str, str]) -> dict[str, Any]:
    """The chain of a fill or an order back to its bar (`id`), or what stopped an instrument at a bar (`symbol`, `at_ns`)."""
    reading, identity, symbol = window.reading, query.get("id", "")[:160], query.get("symbol", "")[:40]
    at_ns = query.get("at_ns", "")
    if reading is None:
        return {"chain": [], "gate": None}
    asked_of_a_bar = bool(symbol) and _WHOLE_NS.fullmatch(at_ns) is not None
    return {
        "chain": reading.chain(identity) if identity else [],
        "gate": reading.gate(symbol, int(at_ns)) if asked_of_a_bar else None,
    }


def reports(window: Window, query: Mapping[str, str]) -> dict[str, Any]:
    """The stored reports; with `a`, and `b`, whole ones and how far they are apart. Raises `BadInput` for what is none."""
    wanted = [query[name][:MOST_REFERENCE] for name in ("a", "b") if query.get(name)]
    if not wanted:
        listing, limit = window.shelf.listing(window.state), limit_of(query)
        listed = [
            one._asdict() | {"tried": [tried._asdict() for tried in one.tried]}
            for one in listing.known[:limit]
        ]
        return {
            "reports": listed,
            "not_listed": len(listing.known) - len(listed) + listing.waiting + listing.older,
            "broken": [one._asdict() for one in listing.broken[:limit]],
        }
    found = [window.shelf.read(window.state, name) for name in wanted]
    apart = window.shelf.apart(found[0], found[1]) if len(found) > 1 else None
    return {"reports": found, "difference": None if apart is None else _apart(apart)}


def _apart(apart: Apart) -> dict[str, Any]:
    if apart.found is None:
        return {"days": apart.n_days, "unknown": apart.why}
    return {
        "days": apart.n_days,
        "block_days": apart.found.block,
        "sharpe": apart.found.sharpe._asdict(),
        "mean_day": apart.found.mean._asdict(),
    }


def evolution(window: Window) -> dict[str, Any]:
    """How far breeding is, how fast, its best, and that nothing of it is funded."""
    return evolution_of(window.see().glimpse.state)


def _decoded(text: Any) -> Any:
    try:
        return json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
