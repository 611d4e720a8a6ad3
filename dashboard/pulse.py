"""What the page shows each second, as small finished pieces: the browser only puts them in their places.

A piece is sent only when its digest differs from the one the browser has. Texts are finished here, so that
numbers look the same everywhere and can be tested without a browser.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dashboard import evolution, figures, tables
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse
from dashboard.sentence import BRAKES, say
from organism.alerts import Delivery

Piece = dict[str, Any]

# Health: at least so many points, and what that means.
_GRAVE = 15.0  # points that one part may cost before it is more than something to watch
_HEALTH = ((85.0, "good"), (70.0, "watch"), (0.0, "act"))


def pieces(
    glimpse: Glimpse,
    judged: Judged,
    *,
    guarded: bool,
    closes: dict[str, list[float]],
    waiting: Sequence[dict[str, Any]] = (),
    seen: Collection[str] = (),
    sent: Mapping[str, list[Delivery]] | None = None,
) -> dict[str, Any]:
    """Everything on the page but the curve, by name. `waiting` are commands not acknowledged yet.

    seen, sent   alerts that a person has seen, and what became of each on its way
    """
    sentence = say(glimpse, judged, guarded=guarded)
    body = glimpse.part("body")
    return {
        "sentence": {
            "lead": sentence.lead,
            "text": sentence.text,
            "need": sentence.need,
            "tone": sentence.tone,
        },
        "frame": _frame(glimpse, judged),
        "health": _health(glimpse, judged),
        "figures": _figures(glimpse),
        "organs": _organs(glimpse, judged),
        "brakes": _brakes(glimpse),
        "positions": tables.positions(glimpse, closes),
        "strategies": tables.strategies(glimpse),
        "evolution": evolution.piece(glimpse, alive=judged.condition is Condition.LIVING),
        "trades": tables.trades(glimpse),
        "orders": tables.orders(glimpse),
        "alerts": tables.alerts(glimpse, seen, sent),
        "lately": tables.lately(glimpse),
        "feeds": tables.feeds(glimpse),
        "machine": _machine(glimpse),
        "controls": {
            "standing": str(glimpse.part("standing").get("state") or "active"),
            "waiting": [_waiting(command) for command in waiting][:6],
            "session": str(body.get("session", "")),
        },
    }


def changed(found: dict[str, Any], have: dict[str, str]) -> dict[str, list[Any]]:
    """The pieces whose digest the browser does not have yet, as name: [digest, piece]."""
    fresh = {}
    for name, piece in found.items():
        mark = digest(piece)
        if have.get(name) != mark:
            fresh[name] = [mark, piece]
    return fresh


def digest(piece: object) -> str:
    """A short name for exactly this content."""
    text = json.dumps(piece, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _frame(glimpse: Glimpse, judged: Judged) -> Piece:
    """The page's own frame: mode, market clock, freshness."""
    body = glimpse.part("body")
    speed = figures.number(body.get("speed"))
    feed = str(body.get("feed") or "")
    pace = (
        ""
        if not feed or speed is None
        else " as fast as it goes"
        if speed == 0
        else f" {figures.plain(speed, 0)}×"
    )
    market_ns = body.get("market_ns")
    return {
        "condition": judged.condition.value,
        "mode": str(body.get("mode") or "paper"),
        "market": f"{feed}{pace}" if speed != 1.0 else feed,
        "market_ms": market_ns // 1_000_000 if isinstance(market_ns, int) and market_ns > 0 else None,
        "age_s": None if judged.age_s is None else round(judged.age_s, 1),
        "age": figures.age(judged.age_s),
        "about": _about(body),
    }


def _about(body: dict[str, Any]) -> str:
    said = [
        f"organism {body['version']}" if body.get("version") else "",
        f"session {body['session']}" if body.get("session") is not None else "",
        f"journal row {figures.plain(body['seq'], 0)}" if body.get("seq") is not None else "",
        f"commit {figures.plain(body['commit_ms'], 1)}{figures.THIN}ms"
        if body.get("commit_ms") is not None
        else "",
        f"venue {body['venue']}" if body.get("venue") else "",
        f"seed {body['seed']}" if body.get("seed") is not None else "",
    ]
    return " · ".join(text for text in said if text)


def _health(glimpse: Glimpse, judged: Judged) -> Piece:
    health = figures.number(glimpse.part("health").get("health"))
    known = health is not None and judged.condition in {Condition.LIVING, Condition.STALE, Condition.STARTING}
    parts = [_part(part) for part in glimpse.part("health").get("parts") or [] if isinstance(part, dict)]
    return {
        "score": figures.plain(health, 0) if known else figures.DASH,
        "share": min(1.0, max(0.0, health / 100.0)) if known and health is not None else 0.0,
        "tone": health_tone(health) if known else "unknown",
        "known": known,
        "parts": parts,
    }


def _part(part: dict[str, Any]) -> Piece:
    """One part of the score: how many of the hundred points it costs."""
    lost = max(0.0, (figures.number(part.get("weight")) or 0.0) - (figures.number(part.get("points")) or 0.0))
    return {
        "name": str(part.get("name")),
        "lost": round(lost, 1),
        "label": f"{figures.MINUS}{lost:.0f}"
        if lost >= 1.0
        else "well"
        if lost == 0.0
        else f"{figures.MINUS}{lost:.1f}",
        "tone": "good" if lost < 1.0 else "watch" if lost < _GRAVE else "act",
        "detail": str(part.get("detail") or "")[:160],
    }


def health_tone(health: float | None) -> str:
    """Good from 85, watch from 70, act below; unknown is never good."""
    if health is None:
        return "unknown"
    return next((tone for least, tone in _HEALTH if health >= least), "act")


def _figures(glimpse: Glimpse) -> Piece:
    portfolio = glimpse.part("portfolio")
    equity = figures.number(portfolio.get("equity"))
    start = figures.number(portfolio.get("starting_cash"))
    day = figures.number(portfolio.get("day_start"))
    total = equity - start if equity is not None and start else None
    today = equity - day if equity is not None and day else None
    return {
        "equity": [figures.plain(equity), "level", ""],
        "total": _moved(total, start),
        "today": _moved(today, day),
        "cash": [figures.plain(portfolio.get("cash")), "level", ""],
        "exposure": [figures.percent(portfolio.get("gross_exposure"), 0), "level", ""],
        "fees": [figures.plain(portfolio.get("fees")), "level", ""],
    }


def _moved(amount: float | None, whole: float | None) -> list[str]:
    """An amount with its arrow, its share of the whole and its tone."""
    if amount is None or not whole:
        return [figures.DASH, "level", ""]
    share = figures.percent(amount / whole, 2, signed=True)
    return [f"{figures.arrow(amount)} {share}", figures.tone(amount), figures.plain(amount, signed=True)]


def _organs(glimpse: Glimpse, judged: Judged) -> Piece:
    alive = judged.condition in {Condition.LIVING, Condition.STARTING}
    organs = {}
    for row in glimpse.rows("organs"):
        depth = figures.number(row.get("mailbox_depth")) or 0.0
        beat = figures.number(row.get("beat_age_s"))
        state = str(row.get("state") or "unknown")
        organs[str(row["name"])] = {
            "state": state if alive else "unknown",
            "beating": alive and state == "running" and beat is not None and beat < 3.0,  # noqa: PLR2004 - as FRESH_S
            "load": round(min(1.0, depth / 100.0), 2),
            "incarnation": row.get("incarnation"),
            "restarts": row.get("restarts") or 0,
            "depth": f"{depth:.0f}",
            "beat": figures.age(beat),
            "busy": figures.span(row.get("busy_s")) if figures.number(row.get("busy_s")) else "",
            "step": figures.plain(row.get("step"), 0),
            "oldest": figures.span(row.get("oldest_s")) if depth else "",
            "error": str(row.get("last_error") or "")[:300],
        }
    rates = {
        str(key): round(found, 1)
        for key, rate in glimpse.part("rates").items()
        if (found := figures.number(rate))
    }
    return {"organs": organs, "rates": rates if alive else {}, "alive": alive}


def _brakes(glimpse: Glimpse) -> Piece:
    """How much of each limit is used, as a fraction, with both values written out."""
    limits, portfolio = glimpse.part("limits"), glimpse.part("portfolio")
    drawdown = figures.number(portfolio.get("drawdown"))
    rows = []
    halt = figures.number(limits.get("halt_at_drawdown"))
    if halt and drawdown is not None:
        steps = [(figures.number(limits.get(name)), what) for name, what in BRAKES]
        row = _gauge(
            "Drawdown", drawdown, halt, figures.percent(drawdown), f"halts at {figures.percent(halt, 0)}"
        )
        row["marks"] = [
            [round(at / halt, 4), f"{what} at {figures.percent(at, 0)}"]
            for at, what in steps
            if at and at < halt
        ]
        rows.append(row)
    day, equity = figures.number(portfolio.get("day_start")), figures.number(portfolio.get("equity"))
    daily = figures.number(limits.get("max_daily_loss"))
    if daily and day and equity is not None:
        loss = max(0.0, 1.0 - equity / day)
        rows.append(
            _gauge("Loss today", loss, daily, figures.percent(loss), f"stops at {figures.percent(daily, 0)}")
        )
    for name, key, limit_key in (
        ("Gross exposure", "gross_exposure", "max_gross_exposure"),
        ("Net exposure", "net_exposure", "max_net_exposure"),
    ):
        value, limit = figures.number(portfolio.get(key)), figures.number(limits.get(limit_key))
        if value is not None and limit:
            rows.append(
                _gauge(name, abs(value), limit, figures.percent(value, 0), f"of {figures.percent(limit, 0)}")
            )
    losses, most = portfolio.get("consecutive_losses"), limits.get("max_consecutive_losses")
    if losses is not None and most:
        rows.append(_gauge("Losses in a row", float(losses), float(most), f"{losses}", f"rests at {most}"))
    rate = figures.number(glimpse.part("standing").get("metabolic_rate"))
    return {"rows": rows, "rate": figures.percent(rate, 0), "unhurt": rate is None or rate >= 1.0}


def _gauge(name: str, value: float, limit: float, label: str, limit_label: str) -> Piece:
    used = min(1.0, max(0.0, value / limit))
    tone = "act" if used >= 1.0 else "watch" if used >= 0.75 else "good"  # noqa: PLR2004 - three quarters
    return {
        "name": name,
        "used": round(used, 4),
        "tone": tone,
        "label": label,
        "limit": limit_label,
        "marks": [],
    }


def _machine(glimpse: Glimpse) -> Piece:
    machine = glimpse.part("machine")
    disk = figures.number(machine.get("disk_free_mb"))
    growth = figures.plain(machine.get("memory_slope_mb_min"), 2, signed=True)
    growth += "" if growth == figures.DASH else f"{figures.THIN}MB/min"
    cells = [
        ["Processor", figures.percent(machine.get("cpu"), 0), "of one core, by the body"],
        ["Memory", f"{figures.plain(machine.get('memory_mb'), 0)}{figures.THIN}MB", "resident, by the body"],
        [
            "Growth",
            growth,
            "of memory",
        ],
        ["Threads", figures.plain(machine.get("threads"), 0), "in the body"],
        ["Descriptors", figures.plain(machine.get("descriptors"), 0), "open files and sockets"],
        [
            "Disk free",
            figures.DASH if disk is None else f"{disk / 1024:,.1f}{figures.THIN}GB",
            "where state lives",
        ],
        ["Load", figures.plain(machine.get("load"), 2), "of the machine, one minute"],
    ]
    return {"cells": cells if machine else []}


def _waiting(command: dict[str, Any]) -> str:
    return f"{command.get('command')} is waiting for the body"
