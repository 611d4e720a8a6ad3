"""Why: pick a fill and walk its chain back to the bar; pick a bar and see what stopped it."""

from collections.abc import Callable
from typing import Any

from dashboard import tables
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, coming, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted, told
from dashboard.sentence import Sentence
from dashboard.sight import Sight

MOST_ROWS = 60


def skeleton() -> Any:
    """The page without its contents."""
    return page("why", [
        row(block("Fills", "why-fills", "table", "No fill in this time. Choose a longer time above, or wait for the first order.", "half",
                  aside="newest first"),
            block("Its chain, back to the bar", "why-chain", "chain",
                  "Pick a fill: the order that it executes, who asked for it, what was forecast, and the bar that began it appear here.",
                  "half")),
        coming("What stopped a bar", "Pick a bar, and see the gate at which it ended: no forecast strong enough, a band, costs, a limit.",
               "Appears when the journal's reading is complete."),
    ])  # fmt: skip


def speaks(sight: Sight, asked: Asked) -> Sentence:
    """What can be asked here."""
    if first := told(sight):
        return first
    n = len(_fills(asked, sight))
    if not n:
        return Sentence(lead="Nothing to explain yet.", text="No fill in this time.", need="", tone="unknown")
    said = f"{counted(n, 'fill')} in this time; each can be walked back to the bar that began it."
    return Sentence(lead="Every fill has its reasons.", text=said, need="", tone="good")


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "why-fills": lambda: tables.fills(_fills(asked, sight)[:MOST_ROWS], _more(len(_fills(asked, sight)))),
        "why-chain": lambda: chain(asked, sight),
    }


def _more(n: int) -> str:
    return f"the newest {MOST_ROWS} of {n:,}" if n > MOST_ROWS else ""


def _fills(asked: Asked, sight: Sight) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        rows = sight.rows(
            "SELECT * FROM fills WHERE at_ns >= ? ORDER BY seq DESC LIMIT 2000",
            asked.since_ns(sight.market_ns),
        )
        return [one for one in rows if asked.wants(one["symbol"])]

    return sight.kept.get(("fills", asked.span, asked.symbols), 1.5, read)


def chain(asked: Asked, sight: Sight) -> Piece:
    """What the view knows of a fill: itself, and the order that it executes."""
    if not asked.about:
        return {}
    found = sight.rows("SELECT * FROM fills WHERE key = ? LIMIT 1", asked.about)
    if not found:
        return {"error": "This fill is not known here any more: the view keeps the newest ones."}
    return {"steps": [_fill(found[0]), *(_order(one) for one in sight.rows(
        "SELECT * FROM orders WHERE order_id = ? LIMIT 1", found[0]["order_id"]))]}  # fmt: skip


def _fill(one: dict[str, Any]) -> dict[str, Any]:
    fields = [
        ("quantity", str(one["quantity"])),
        ("price", str(one["price"])),
        ("fee", str(one["fee"])),
        ("fill", str(one["key"])),
    ]
    side = "Bought" if one["side"] == "buy" else "Sold"
    return shapes.step(
        f"{side} {one['symbol']}", "The venue executed an order.", fields, "good", one["at_ns"]
    )


def _order(one: dict[str, Any]) -> dict[str, Any]:
    fields = [("quantity", str(one["quantity"])), ("kind", str(one["kind"])), ("purpose", str(one["purpose"])),
              ("state", str(one["status"])), ("order", str(one["client_order_id"]))]  # fmt: skip
    return shapes.step(
        "The order", f"A {one['kind']} order to {one['side']}.", fields, "unknown", one["created_ns"]
    )
