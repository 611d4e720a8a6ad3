"""The page's lists, row by row: [key, cells]. A cell is a text, or {v, tone, title, ms, spark, bar, tag, rules}.

`ms` is a moment (milliseconds since 1970, market or wall time) that the browser writes in the viewer's zone;
`spark` a short line of prices, `bar` a value in [−1, 1], `tag` a coloured word, `rules` what a strategy does: [label,
text] of each condition, and in `more` those to be unfolded, over `span` columns.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from dashboard import figures
from dashboard.glimpse import Glimpse, Row
from genome.lived import in_words
from organism.alerts import Delivery

Cell = str | dict[str, Any]
Rows = list[list[Any]]

_SHORT = 200  # characters of a condition that are shown before it is unfolded

_ACRONYMS = {"ema", "rsi", "vwap", "atr", "macd"}
_SEVERITY = {"info": "unknown", "success": "good", "warning": "watch", "critical": "act"}
_DELIVERY = {
    "delivered": ("delivered", "quiet"),
    "pending": ("waiting", "watch"),
    "failed": ("failed", "act"),
    "summed_up": ("told in a summary", "quiet"),
    "dropped": ("given up, the channel is gone", "watch"),
}
_FEED = {
    "live": "good",
    "running": "good",
    "connected": "good",
    "ok": "good",
    "stalled": "act",
    "failed": "act",
    "fresh": "good",
    "stale": "watch",
    "failing": "watch",
}


def positions(glimpse: Glimpse, closes: dict[str, list[float]]) -> Rows:
    """Holdings, largest first."""
    rows: Rows = []
    for row in glimpse.rows("positions"):
        size = figures.decimal(row.get("quantity"))
        if not size:
            continue
        symbol = str(row["symbol"])
        entry, mark = figures.number(row.get("average_price")), figures.number(row.get("mark"))
        sign = 1.0 if size > 0 else -1.0
        gain = (mark / entry - 1.0) * sign if entry and mark is not None else None
        rows.append([symbol, [
            {"v": figures.base(symbol), "title": symbol, "strong": True, "sub": "long" if size > 0 else "short"},
            {"spark": spark(closes.get(symbol, [])), "entry": _within(entry, closes.get(symbol, []))},
            {"v": figures.quantity(size), "num": True},
            {"v": figures.price(mark), "num": True, "sub": f"from {figures.price(entry)}"},
            {"v": figures.percent(row.get("exposure"), 0), "num": True},
            {"v": f"{figures.arrow(row.get('unrealised'))} {figures.plain(row.get('unrealised'), signed=True)}",
             "num": True, "tone": figures.tone(row.get("unrealised")), "sub": figures.percent(gain, 1, signed=True)},
            {"v": figures.price(row.get("stop_price")), "num": True, "tone": "muted"},
        ]])  # fmt: skip
    return rows


def spark(closes: list[float]) -> list[int]:
    """Prices scaled to 0 … 100, newest last; empty below two of them."""
    found = [price for close in closes if (price := figures.number(close)) is not None]
    if len(found) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    low, high = min(found), max(found)
    width = high - low or 1.0
    return [round((price - low) / width * 100) for price in found]


def strategies(glimpse: Glimpse) -> dict[str, Any]:
    """Who decides: weight and forecast by instrument, and on a line of its own what the strategy does."""
    rows, symbols = [], []
    for row in glimpse.rows("strategies"):
        forecasts = _numbers(row.get("forecasts"))
        for symbol in forecasts:
            if symbol not in symbols:
                symbols.append(symbol)
        rows.append((row, forecasts))
    symbols = sorted(symbols)[:4]
    lines: Rows = []
    for row, forecasts in rows:
        cells: list[Cell] = [
            {"v": _strategy(row.get("family")), "title": str(row["genome_id"]), "strong": True,
             "sub": f"weight {figures.percent(row.get('weight'), 0)}"},
            *({"bar": _clamped(forecasts.get(symbol))} for symbol in symbols),
        ]  # fmt: skip
        lines.append([str(row["genome_id"]), cells])
        if rules := rules_of(row):
            lines.append([f"{row['genome_id']}:rules", [{**rules, "span": len(symbols) + 1}]])
    return {"heads": [figures.base(symbol) for symbol in symbols], "rows": lines}


def trades(glimpse: Glimpse) -> Rows:
    """The last closed trades, newest first."""
    rows: Rows = []
    for row in glimpse.rows("trades")[:12]:
        symbol = str(row["symbol"])
        held_s = _between_s(row.get("opened_ns"), row.get("closed_ns"))
        rows.append([f"{row['seq']}.{row.get('part') or 0}", [
            {"ms": _ms(row.get("closed_ns"))},
            {"v": figures.base(symbol), "title": symbol, "strong": True, "sub": _held(row)},
            {"v": figures.quantity(row.get("quantity")), "num": True},
            {"v": figures.price(row.get("exit_price")), "num": True, "sub": f"from {figures.price(row.get('entry_price'))}"},
            {"v": figures.span(held_s), "num": True, "tone": "muted"},
            {"v": f"{figures.arrow(row.get('pnl'))} {figures.plain(row.get('pnl'), signed=True)}",
             "num": True, "tone": figures.tone(row.get("pnl")), "title": f"after fees of {figures.plain(row.get('fees'))}"},
        ]])  # fmt: skip
    return rows


def orders(glimpse: Glimpse) -> Rows:
    """Orders still alive: what rests at the venue, what is on its way, what nobody knows."""
    rows: Rows = []
    for row in glimpse.rows("orders")[:10]:
        symbol, unknown = str(row["symbol"]), row.get("status") == "unknown"
        rows.append([str(row["order_id"]), [
            {"v": figures.base(symbol), "title": str(row.get("client_order_id") or ""), "strong": True,
             "sub": f"{row.get('side')} {row.get('kind')}"},
            {"v": figures.quantity(row.get("quantity")), "num": True},
            {"v": figures.price(row.get("price")), "num": True},
            {"tag": _human(row.get("purpose")), "tone": "quiet"},
            {"tag": _human(row.get("status")), "tone": "watch" if unknown else "quiet", "title": str(row.get("reason") or "")},
        ]])  # fmt: skip
    return rows


def alerts(
    glimpse: Glimpse, seen: Collection[str] = (), sent: Mapping[str, list[Delivery]] | None = None
) -> Rows:
    """What was worth saying, newest first; whether a person has `seen` it, and where it was `sent`."""
    rows: Rows = []
    for row in glimpse.rows("alerts")[:10]:
        n = int(row.get("count") or 1)
        rows.append([str(row["alert_id"]), {
            "tone": _SEVERITY.get(str(row.get("severity")), "unknown"),
            "severity": str(row.get("severity") or ""),
            "title": str(row.get("title") or "")[:160] + (f" ({n}×)" if n > 1 else ""),
            "body": str(row.get("body") or "")[:400],
            "ms": _ms(row.get("wall_ns")),
            "id": str(row["alert_id"]),
            "seen": row["alert_id"] in seen,
            "sent": [_sent(delivery) for delivery in (sent or {}).get(row["alert_id"], ())],
        }])  # fmt: skip
    return rows


def _sent(delivery: Delivery) -> dict[str, str]:
    says, tone = _DELIVERY.get(delivery.state, (_human(delivery.state), "quiet"))
    return {"tag": f"{delivery.channel}: {says}", "tone": tone, "title": delivery.error[:200]}


def lately(glimpse: Glimpse) -> dict[str, Rows]:
    """What happened: in the body by wall time, in the market by market time. Never mixed."""
    body = [
        (row.get("wall_ns") or 0, f"restart:{row['id']}", f"{row.get('organ')} was restarted", str(row.get("why") or ""), "watch")
        for row in glimpse.rows("restarts")
    ] + [
        (row.get("wall_ns") or 0, f"dead:{row['id']}", f"{row.get('organ')} set a {row.get('message')} aside",
         str(row.get("why") or ""), "act")
        for row in glimpse.rows("dead_letters")
    ]  # fmt: skip
    body.sort(reverse=True)
    market = [
        (row.get("at_ns") or 0, f"fill:{row['key']}", f"{_did(row)} {figures.quantity(row.get('quantity'))} {figures.base(str(row['symbol']))}",
         f"at {figures.price(row.get('price'))}, fee {figures.plain(row.get('fee'), 2)}", "good")
        for row in glimpse.rows("fills")
    ] + [
        (row.get("last_ns") or 0, f"denied:{row['reason']}", f"Refused: {_human(row.get('reason'))}",
         f"{row.get('n')} {'order' if row.get('n') == 1 else 'orders'} so far", "watch")
        for row in glimpse.rows("denials")
    ]  # fmt: skip
    market.sort(reverse=True)
    return {
        "body": [[key, _event(ns, title, detail, tone)] for ns, key, title, detail, tone in body[:7]],
        "market": [[key, _event(ns, title, detail, tone)] for ns, key, title, detail, tone in market[:7]],
    }


def feeds(glimpse: Glimpse) -> Rows:
    """Where the market comes from, and whether it can be believed."""
    rows: Rows = []
    for row in glimpse.rows("feeds"):
        state = str(row.get("state") or "unknown")
        doubts = [
            f"{row[key]} {word}"
            for key, word in (("refused", "refused"), ("doubtful", "doubtful"), ("gaps", "gaps"))
            if row.get(key)
        ]
        rows.append([str(row["name"]), {
            "name": str(row["name"]), "state": _human(state).lower(), "tone": _FEED.get(state, "unknown"),
            "bars": f"{figures.plain(row.get('bars'), 0)} bars", "last": f"last bar {figures.age(row.get('silent_s'))}",
            "doubts": ", ".join(doubts) or "none doubted", "detail": str(row.get("detail") or "")[:200],
        }])  # fmt: skip
    return rows + [_context(row) for row in glimpse.part("context").get("feeds") or []]


def _context(row: Row) -> list[Any]:
    """A value of context that is polled. Its service speaks a few times a day: how long it was silent alarms nobody."""
    name, state = str(row.get("name")), str(row.get("state"))
    answered = row.get("silent_s")
    return [name, {
        "name": name, "state": state, "tone": _FEED.get(state, "unknown"), "bars": "", "doubts": "",
        "last": "never answered" if answered is None else f"answered {figures.age(answered)}",
        "detail": str(row.get("detail") or "")[:200],
    }]  # fmt: skip


def _event(at_ns: int, title: str, detail: str, tone: str) -> dict[str, Any]:
    return {"ms": _ms(at_ns), "title": title, "body": detail[:240], "tone": tone}


def _did(row: Row) -> str:
    return "Bought" if row.get("side") == "buy" else "Sold"


def _held(row: Row) -> str:
    purpose = str(row.get("purpose") or "")
    side = "long" if row.get("side") in {"buy", "long"} else "short"
    return side if purpose in {"", "target"} else f"{side}, {_human(purpose).lower()}"


def _human(word: object) -> str:
    text = str(word or "").replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else figures.DASH


def _strategy(family: object) -> str:
    words = str(family or "").split("_")
    return _human(" ".join(word.upper() if word in _ACRONYMS else word for word in words))


def rules_of(row: Row) -> dict[str, Any] | None:
    """What a strategy does: entries at once, exits and genes unfolded; a condition that is long is cut at first."""
    genes = tuple(_numbers(row.get("parameters")).items())
    words = in_words(str(row["genome_id"]), str(row.get("family")), genes, str(row.get("text") or ""))
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


def _clamped(value: float | None) -> float | None:
    return None if value is None else round(max(-1.0, min(1.0, value)), 2)


def _within(entry: float | None, closes: list[float]) -> int | None:
    """Where the entry price lies on the sparkline, 0 … 100; None when it is off the line."""
    if entry is None or len(closes) < 2:  # noqa: PLR2004 - as for the line itself
        return None
    low, high = min(closes), max(closes)
    return round((entry - low) / (high - low) * 100) if low <= entry <= high and high > low else None


def _ms(at_ns: object) -> int | None:
    return at_ns // 1_000_000 if isinstance(at_ns, int) and at_ns > 0 else None


def _between_s(start_ns: object, end_ns: object) -> float | None:
    return (end_ns - start_ns) / 1e9 if isinstance(start_ns, int) and isinstance(end_ns, int) else None
