"""Rows of the tables about what is held, ordered, traded and decided."""

import json
from collections.abc import Sequence
from typing import Any

from dashboard import figures
from dashboard.glimpse import Glimpse, Row
from dashboard.pages import shapes
from dashboard.pages.shapes import NONE, Cell, Piece, Waiting, head
from dashboard.pages.shared import (
    between_s,
    family_of,
    human,
    instrument,
    lasted,
    listed,
    priced,
    sized,
    strategy,
)
from genome.lived import in_words

ENDED = frozenset({"filled", "canceled", "expired", "rejected"})
_AT_FIRST = 12  # rows that are shown before a person asks for all
_SHORT = 200  # characters of a condition that are shown before it is unfolded
_PAUSED = {"tag": "paused", "tone": "watch"}  # a person silenced it
_LIFE = {
    "approved": "let pass", "intent": "written down", "sent": "on its way", "acked": "at the venue", "partial": "partly filled",
    "unknown": "fate unknown", "canceled": "cancelled", "rejected": "refused by the venue", "denied": "refused here",
}  # fmt: skip
_STATUS = {"unknown": "watch", "rejected": "act", "denied": "act", "filled": "good"}


def stops_of(glimpse: Glimpse) -> dict[str, float]:
    """How much of each instrument living protective orders cover."""
    found: dict[str, float] = {}
    for row in glimpse.rows("orders"):
        if row.get("purpose") == "protect" and row.get("status") not in ENDED | {"unknown"}:
            left = (figures.number(row.get("quantity")) or 0.0) - (figures.number(row.get("filled")) or 0.0)
            found[str(row["symbol"])] = found.get(str(row["symbol"]), 0.0) + max(0.0, left)
    return found


def spark(closes: list[float]) -> list[int]:
    """Prices scaled to 0 … 100, newest last; empty below two of them."""
    found = [price for close in closes if (price := figures.number(close)) is not None]
    if len(found) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    low, high = min(found), max(found)
    width = high - low or 1.0
    return [round((price - low) / width * 100) for price in found]


def orders(rows: Sequence[Row], note: str = "") -> Piece:
    """Orders and their life: what rests, what is on its way, what nobody knows, and what ended."""
    heads = [
        head("Changed"), head("Instrument"), head("Quantity", num=True, low=True), head("Filled", num=True, low=True),
        head("Price", num=True), head("Purpose", low=True), head("State"), head("Because", low=True),
    ]  # fmt: skip
    return shapes.table(heads, [(str(row["order_id"]), _order(row)) for row in rows], note, most=_AT_FIRST)


def _order(row: Row) -> list[Cell]:
    status = str(row.get("status") or "")
    return [
        shapes.moment(row.get("updated_ns")),
        instrument(row["symbol"], f"{row.get('side')} {row.get('kind')}")
        | {"title": f"{row['symbol']} · {row.get('client_order_id') or ''}"},
        sized(row.get("quantity")),
        sized(row.get("filled")),
        priced(row.get("price")),
        shapes.tag(human(row.get("purpose"))),
        shapes.tag(
            _LIFE.get(status, human(status).lower()),
            _STATUS.get(status, "quiet"),
            str(row.get("reason") or ""),
        ),
        shapes.text(str(row.get("reason") or "")[:120], tone="muted", title=str(row.get("reason") or "")),
    ]


def trades(rows: Sequence[Row], note: str = "") -> Piece:
    """Closed trades: what came of each."""
    heads = [
        head("Closed"), head("Instrument"), head("Quantity", num=True, low=True), head("Price", num=True),
        head("Held", num=True, low=True), head("Strategy", low=True), head("Fees", num=True, low=True),
        head("Result", num=True, says="after fees"),
    ]  # fmt: skip
    return shapes.table(heads, [(str(row["key"]), _trade(row)) for row in rows], note, most=_AT_FIRST)


def _trade(row: Row) -> list[Cell]:
    families = [strategy(family_of(str(one))) for one in listed(row.get("genome_ids"))]
    purpose = str(row.get("purpose") or "")
    side = "long" if row.get("side") in {"buy", "long"} else "short"
    return [
        shapes.moment(row.get("closed_ns")),
        instrument(row["symbol"], side if purpose in {"", "target"} else f"{side}, {human(purpose).lower()}"),
        sized(row.get("quantity")),
        priced(row.get("exit_price"), sub=f"from {figures.price(row.get('entry_price'))}"),
        lasted(between_s(row.get("opened_ns"), row.get("closed_ns")), tone="muted"),
        shapes.text(figures.listed(sorted(set(families))) or figures.DASH, tone="muted"),
        shapes.number(figures.plain(row.get("fees")), row.get("fees"), tone="muted"),
        shapes.gained(row.get("pnl")),
    ]


def fills(rows: Sequence[Row], note: str = "") -> Piece:
    """Executions; each leads to its chain of causes."""
    heads = [
        head("When"), head("Instrument"), head("Quantity", num=True, low=True), head("Price", num=True),
        head("Fee", num=True, low=True), head("Chain"),
    ]  # fmt: skip
    return shapes.table(heads, [(str(row["key"]), _fill(row)) for row in rows], note, most=_AT_FIRST)


def _fill(row: Row) -> list[Cell]:
    return [
        shapes.moment(row.get("at_ns")),
        instrument(row["symbol"], "bought" if row.get("side") == "buy" else "sold"),
        sized(row.get("quantity")),
        priced(row.get("price")),
        shapes.number(figures.plain(row.get("fee"), 4), row.get("fee"), tone="muted"),
        {"v": "why?", "about": str(row["key"]), "x": str(row["key"])},
    ]


# ---------------------------------------------------------------- strategies


def strategies(glimpse: Glimpse, waiting: Waiting = NONE, off: str = "") -> Piece:
    """Who decides: weight and forecast by instrument, what may be ordered, and on a line of its own what the strategy does.

    waiting   commands that the body has not taken yet
    off       why nothing may be ordered here; "" where it may
    """
    forecasts = [(row, _numbers(row.get("forecasts"))) for row in glimpse.rows("strategies")]
    symbols = sorted({symbol for _, found in forecasts for symbol in found})[:4]
    rows: list[tuple[str, list[Cell]]] = []
    for row, found in forecasts:
        name = str(row["genome_id"])
        called = strategy(row.get("family"))
        is_paused = row.get("state") == "paused"
        rows.append((name, [
            shapes.text(called, title=name, strong=True) | {"x": name, "s": name} | (_PAUSED if is_paused else {}),
            shapes.number(figures.percent(row.get("weight"), 0), row.get("weight")),
            *(_lean(found.get(symbol)) for symbol in symbols),
            shapes.acts(
                [("wake", "Resume", f"Resume {called}") if is_paused else ("pause", "Pause", f"Pause {called}"),
                 ("retire", "Retire", f"Retire {called}")],
                name, waiting.get(name, ()), off,
            ),
        ]))  # fmt: skip
        if rules := rules_of(row):
            rows.append((f"{name}:rules", [{**rules, "span": len(symbols) + 3}]))
    heads = [
        head("Strategy"),
        head("Weight", num=True),
        *(head(figures.base(one), says=f"forecast for {one}, short to long") for one in symbols),
        shapes.head_of_acts(),
    ]
    return shapes.table(heads, rows, off if rows else "")


def _lean(value: float | None) -> Cell:
    shown = None if value is None else round(max(-1.0, min(1.0, value)), 2)
    return {"lean": shown, "s": shown, "x": "" if value is None else str(value)}


def rules_of(row: Row) -> dict[str, Any] | None:
    """What a strategy does: entries at once, exits and genes unfolded; a condition that is long is cut at first."""
    genes = tuple(_numbers(row.get("parameters")).items())
    words = in_words(str(row["genome_id"]), str(row.get("family")), genes, str(row.get("text") or ""))
    return folded(words)


def folded(words: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """(label, text) pairs with what is shown at once, and what unfolds."""
    first = [pair for pair in words if pair[0].startswith("entry")] or list(words)
    short = [[label, _cut(text)] for label, text in first]
    whole = any(len(text) > _SHORT for _, text in first)
    more = [list(pair) for pair in words if whole or pair not in first]
    return {"rules": short, "more": more} if short else None


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1].rstrip()}…"


def _numbers(text: object) -> dict[str, float]:
    try:
        found = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): value for key, raw in found.items() if (value := figures.number(raw)) is not None}


# ---------------------------------------------------------------- what happened


def lately_body(glimpse: Glimpse, reborn: str = "") -> list[tuple[str, dict[str, Any]]]:
    """What happened in the body, by wall time, newest first. reborn: how often its guardian started it anew; "" for never."""
    woke = figures.number(glimpse.part("body").get("started_wall_ns"))
    found = (
        [
            (
                int(woke),
                "reborn",
                "The body was started anew",
                f"by its guardian, {reborn} so far; ./run doctor and state/log tell more",
                "watch",
            )
        ]
        if reborn and woke
        else []
    )
    found += [
        (row.get("wall_ns") or 0, f"restart:{row['id']}", f"{row.get('organ')} was restarted", str(row.get("why") or ""), "watch")
        for row in glimpse.rows("restarts")
    ] + [
        (row.get("wall_ns") or 0, f"dead:{row['id']}", f"{row.get('organ')} set a {row.get('message')} aside",
         str(row.get("why") or ""), "act")
        for row in glimpse.rows("dead_letters")
    ]  # fmt: skip
    return _newest(found)


def lately_market(glimpse: Glimpse) -> list[tuple[str, dict[str, Any]]]:
    """What happened in the market, by market time, newest first."""
    found = [
        (row.get("at_ns") or 0, f"fill:{row['key']}", f"{_did(row)} {figures.quantity(row.get('quantity'))} {figures.base(str(row['symbol']))}",
         f"at {figures.price(row.get('price'))}, fee {figures.plain(row.get('fee'), 2)}", "good")
        for row in glimpse.rows("fills")
    ] + [
        (row.get("last_ns") or 0, f"denied:{row['reason']}", f"Refused: {human(row.get('reason'))}",
         f"{row.get('n')} {'order' if row.get('n') == 1 else 'orders'} so far", "watch")
        for row in glimpse.rows("denials")
    ]  # fmt: skip
    return _newest(found)


def _newest(found: list[tuple[int, str, str, str, str]]) -> list[tuple[str, dict[str, Any]]]:
    found.sort(reverse=True)
    return [(key, shapes.event(ns, title, detail[:240], tone)) for ns, key, title, detail, tone in found[:7]]


def _did(row: Row) -> str:
    return "Bought" if row.get("side") == "buy" else "Sold"
