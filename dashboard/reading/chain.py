"""From a fill or an order back to the bar: who said what, why, who allowed it, and what came of it."""

import sqlite3
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.reading.answers import Row, plain, rows
from dashboard.reading.schema import N_PARTS
from dashboard.reading.trading import order, strategies
from genome.lived import in_words

_STATUS = {
    "proposed": "The order was proposed.", "approved": "Risk control let it pass.", "intent": "It was written down before it left.",
    "sent": "It left for the venue.", "acked": "The venue has it.", "partial": "Part of it is filled.",
    "unknown": "Its fate was not known.", "filled": "It is filled.", "canceled": "It was cancelled.",
    "expired": "It was dropped unsent.", "rejected": "The venue refused it.",
}  # fmt: skip


def chain(db: sqlite3.Connection, identity: str) -> list[Row]:
    """Steps from the bar to the fill, oldest first; empty for an id that nobody knows.

    identity   key of a fill, id of an order, client order id, or envelope id of a fill

    Each step: `what` (bar, forecast, target, position, command, proposal, verdict, order, fill, trade), `text` for a
    person, `at_ns`, `wall_ns` (None where unknown), `id` of the envelope, `fields`.
    """
    fill = db.execute(
        "SELECT * FROM fills WHERE key = ? UNION ALL SELECT * FROM fills WHERE id = ? LIMIT 1",
        (identity, identity),
    ).fetchone()
    found = order(db, fill["order_id"] if fill is not None and fill["order_id"] else identity)
    if found is None:
        return [] if fill is None else [_fill(plain(fill))]
    steps = [*_reasons(db, found), _proposal(found)]
    steps += [_life(step) for step in found["steps"] if step["what"] not in {"proposed", "filled"}]
    for one in found["fills"]:
        steps.append(_fill(one))
        steps += [
            _trade(row) for row in rows(db.execute("SELECT * FROM trades WHERE cause = ?", (one["id"],)))
        ]
    head, rest = _split(steps)
    return head + sorted(rest, key=lambda step: (_place(step), step["at_ns"]))


def _split(steps: list[Row]) -> tuple[list[Row], list[Row]]:
    """What led to the order stays in the order of reasons; what happened to it goes in the order of the journal."""
    happened = {"verdict", "order", "fill", "trade"}
    return [s for s in steps if s["what"] not in happened], [s for s in steps if s["what"] in happened]


def _place(step: Row) -> tuple[int, int]:
    seq, _, index = str(step["id"]).partition(".")
    return (int(seq), int(index)) if seq.isdecimal() and index.isdecimal() else (0, 0)


def _step(what: str, text: str, at_ns: int | None, wall_ns: int | None, identity: str, **fields: Any) -> Row:
    return {"what": what, "text": text, "at_ns": at_ns, "wall_ns": wall_ns, "id": identity, "fields": fields}


def _reasons(db: sqlite3.Connection, found: Row) -> list[Row]:
    if found["decision"]:
        return _decision(db, found["decision"], found["nth"] or 0)
    if found["purpose"] == "protect":
        return _protected(db, found)
    return _commanded(db, found)


def _decision(db: sqlite3.Connection, identity: str, nth: int) -> list[Row]:
    row = db.execute("SELECT * FROM decisions WHERE id = ? AND nth = ?", (identity, nth)).fetchone()
    return [] if row is None else decided(db, plain(row))


def decided(db: sqlite3.Connection, d: Row) -> list[Row]:
    """The bar, every forecast and the target of a decision."""
    known = strategies(db, [c["genome_id"] for c in d["contributions"]])
    steps = [*_bar(db, d["symbol"], d["at_ns"])]
    steps += [_forecast(said, known.get(said["genome_id"]), d) for said in d["contributions"]]
    reasons = ", ".join(d["reasons"])
    forecast = "nothing" if d["forecast"] is None else f"{d['forecast']:+.2f}"
    text = f"The brain aimed at {forecast} of {d['symbol']} in regime {d['regime']} ({reasons})."
    fields = {k: d[k] for k in ("symbol", "forecast", "volatility", "regime", "reasons")}
    return [*steps, _step("target", text, d["at_ns"], d["wall_ns"], d["id"], **fields)]


def _bar(db: sqlite3.Connection, symbol: str, at_ns: int) -> list[Row]:
    bar = db.execute(
        "SELECT b.* FROM bars b JOIN symbols s ON s.id = b.symbol WHERE s.name = ? AND b.at_ns = ?",
        (symbol, at_ns),
    ).fetchone()
    instant = db.execute("SELECT * FROM instants WHERE at_ns = ?", (at_ns,)).fetchone()
    if bar is None:
        return []
    values = {k: bar[k] for k in ("open", "high", "low", "close", "volume", "flags")}
    doubt = f", doubtful: {bar['flags']}" if bar["flags"] else ""
    text = f"A bar of {symbol} closed at {bar['close']:g}{doubt}."
    wall_ns, identity = (instant["wall_ns"], instant["id"]) if instant is not None else (None, "")
    return [_step("bar", text, at_ns, wall_ns, identity, symbol=symbol, **values)]


def _forecast(said: Row, strategy: Row | None, d: Row) -> Row:
    genome_id, forecast, weight = str(said["genome_id"]), said["forecast"], said["weight"]
    fields: Row = {"genome_id": genome_id, "forecast": forecast, "weight": weight, "genome": []}
    if strategy is not None:
        genes = tuple((str(k), float(v)) for k, v in (strategy["parameters"] or {}).items() if v is not None)
        fields["family"] = strategy["family"]
        fields["genome"] = [
            list(p) for p in in_words(genome_id, strategy["family"], genes, strategy["text"] or "")
        ]
    opinion = "had no opinion" if forecast is None else f"said {forecast:+.2f}"
    heard = "was not heard in this regime" if not weight else f"counted {weight:.2f}"
    return _step(
        "forecast", f"{genome_id} {opinion} and {heard}.", d["at_ns"], d["wall_ns"], d["id"], **fields
    )


def _protected(db: sqlite3.Connection, found: Row) -> list[Row]:
    """A stop: the newest fill of the position that it protects."""
    row = db.execute(
        "SELECT f.* FROM fills f LEFT JOIN orders o ON o.order_id = f.order_id WHERE f.symbol = ? AND f.at_ns <= ?"
        " AND coalesce(o.purpose, '') != 'protect' ORDER BY f.at_ns DESC LIMIT 1",
        (found["symbol"], found["created_ns"]),
    ).fetchone()
    if row is None:
        return []
    text = f"It protects the position in {row['symbol']} that the fill of {row['quantity']} at {row['price']} made."
    fields = {k: row[k] for k in ("key", "order_id", "symbol", "side", "quantity", "price")}
    return [_step("position", text, row["at_ns"], row["wall_ns"], row["id"], **fields)]


def _commanded(db: sqlite3.Connection, found: Row) -> list[Row]:
    seq, _, index = str(found["cause"] or "").partition(".")
    if not (seq.isdecimal() and index.isdecimal()):
        return []
    event = db.execute(
        "SELECT * FROM events WHERE pos = ?", (int(seq) * N_PARTS + int(index) + 1,)
    ).fetchone()
    if event is None:
        return []
    return [
        _step("command", event["text"], event["at_ns"], event["wall_ns"], event["id"], kind=event["kind"])
    ]


def _proposal(o: Row) -> Row:
    first = next((s for s in o["steps"] if s["what"] == "proposed"), None)
    later = (
        ""
        if o["cause_kind"] in {"ExposureTargeted", "ClosePositions"} or not o["decision"]
        else " when nothing was in the way"
    )
    text = f"Metabolism proposed to {o['side']} {o['quantity']} {o['symbol']} ({o['kind']}, {o['purpose']}){later}."
    names = ("order_id", "symbol", "side", "quantity", "kind", "purpose", "reference_price", "limit_price", "stop_price",
             "reduce_only", "genome_ids")  # fmt: skip
    wall_ns = first["wall_ns"] if first else None
    return _step("proposal", text, o["created_ns"], wall_ns, o["proposal"] or "", **{k: o[k] for k in names})


def _life(s: Row) -> Row:
    fields = {k: s[k] for k in ("status", "filled", "reason")}
    if s["what"] == "denied":
        return _step(
            "verdict", f"Risk control refused it: {s['reason']}.", s["at_ns"], s["wall_ns"], s["id"], **fields
        )
    if s["what"] == "cancel wanted":
        return _step(
            "order", f"It was no longer wanted: {s['reason']}.", s["at_ns"], s["wall_ns"], s["id"], **fields
        )
    text = _STATUS.get(s["status"], f"It is {s['status']}.")
    if s["reason"]:
        text = f"{text[:-1]}: {s['reason']}."
    what = "verdict" if s["what"] == "approved" else "order"
    return _step(what, text, s["at_ns"], s["wall_ns"], s["id"], **fields)


def _fill(f: Row) -> Row:
    done = "Bought" if f["side"] == "buy" else "Sold"
    text = f"{done} {f['quantity']} {f['symbol']} at {f['price']}, fee {_rounded(f['fee'], '.4f')} {f['fee_currency']}."
    if not f["order_id"]:
        text += " Nobody here had ordered it."
    names = (
        "key",
        "order_id",
        "client_order_id",
        "venue",
        "symbol",
        "side",
        "quantity",
        "price",
        "fee",
        "fee_currency",
        "maker",
    )
    return _step("fill", text, f["at_ns"], f["wall_ns"], f["id"], **{k: f[k] for k in names})


def _rounded(value: object, style: str) -> str:
    """An amount as a sentence has it; the fields beside it have all of its digits."""
    try:
        return format(Decimal(str(value)), style)
    except (InvalidOperation, ValueError):
        return str(value)


def _trade(t: Row) -> Row:
    seq, part = divmod(t["pos"], N_PARTS)
    text = f"That closed {t['quantity']} {t['symbol']} with {_rounded(t['pnl'], '+,.2f')} after fees."
    names = (
        "symbol",
        "side",
        "quantity",
        "entry_price",
        "exit_price",
        "pnl",
        "fees",
        "opened_ns",
        "genome_ids",
        "regime",
    )
    return _step("trade", text, t["closed_ns"], None, f"{seq}.{part - 1}", **{k: t[k] for k in names})
