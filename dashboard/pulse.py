"""Small finished pieces of the frame and of Vitals, and how only what changed is sent.

A piece is sent only when its digest differs from the one the browser has. Texts are finished here, so that
numbers look the same everywhere and can be tested without a browser.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard import figures
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse

Piece = dict[str, Any]

_GRAVE = 15.0  # points that one part may cost before it is more than something to watch
_HEALTH = ((85.0, "good"), (70.0, "watch"), (0.0, "act"))  # at least so many points, and what that means


def marked(found: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Every piece with its digest, as name: [digest, piece]."""
    return {name: [digest(piece), piece] for name, piece in found.items()}


def changed(found: Mapping[str, list[Any]], have: Mapping[str, str]) -> dict[str, list[Any]]:
    """Of marked pieces those that the browser does not have yet."""
    return {name: pair for name, pair in found.items() if have.get(name) != pair[0]}


def digest(piece: object) -> str:
    """A short name for exactly this content."""
    text = json.dumps(piece, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def frame(glimpse: Glimpse, judged: Judged, unseen: int = 0) -> Piece:
    """What stands around every page: mode, standing, market clock, freshness, alerts that nobody has seen."""
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
    standing = str(glimpse.part("standing").get("state") or "active")
    return {
        "condition": judged.condition.value,
        "mode": str(body.get("mode") or "paper"),
        "standing": "" if standing == "active" else standing,
        "market": f"{feed}{pace}" if speed != 1.0 else feed,
        "market_ms": market_ns // 1_000_000 if isinstance(market_ns, int) and market_ns > 0 else None,
        "age_s": None if judged.age_s is None else round(judged.age_s, 1),
        "age": figures.age(judged.age_s),
        "about": _about(body),
        "unseen": unseen,
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


def health(glimpse: Glimpse, judged: Judged) -> Piece:
    """The score and what each part costs."""
    score = figures.number(glimpse.part("health").get("health"))
    known = score is not None and judged.condition in {Condition.LIVING, Condition.STALE, Condition.STARTING}
    parts = [_part(part) for part in glimpse.part("health").get("parts") or [] if isinstance(part, dict)]
    return {
        "score": figures.plain(score, 0) if known else figures.DASH,
        "share": min(1.0, max(0.0, score / 100.0)) if known and score is not None else 0.0,
        "tone": health_tone(score) if known else "unknown",
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


def health_tone(score: float | None) -> str:
    """Good from 85, watch from 70, act below; unknown is never good."""
    if score is None:
        return "unknown"
    return next((tone for least, tone in _HEALTH if score >= least), "act")


def keys(glimpse: Glimpse) -> Piece:
    """The few numbers beside the sentence: [value, tone, a smaller line]."""
    portfolio = glimpse.part("portfolio")
    equity = figures.number(portfolio.get("equity"))
    start = figures.number(portfolio.get("starting_cash"))
    day = figures.number(portfolio.get("day_start"))
    total = equity - start if equity is not None and start else None
    today = equity - day if equity is not None and day else None
    return {
        "equity": [figures.plain(equity), "level", glimpse.currency if equity is not None else ""],
        "total": _moved(total, start, glimpse.currency),
        "today": _moved(today, day, glimpse.currency),
        "exposure": [figures.percent(portfolio.get("gross_exposure"), 0), "level", ""],
    }


def _moved(amount: float | None, whole: float | None, currency: str) -> list[str]:
    """An amount with its arrow, its share of the whole and its tone."""
    if amount is None or not whole:
        return [figures.DASH, "level", ""]
    share = figures.percent(amount / whole, 2, signed=True)
    return [
        f"{figures.arrow(amount)} {share}",
        figures.tone(amount),
        figures.money(amount, currency, signed=True),
    ]


def organs(glimpse: Glimpse, *, alive: bool) -> Piece:
    """The body figure: each organ as it is, and the messages a second between them."""
    found = {str(row["name"]): _organ(row, alive=alive) for row in glimpse.rows("organs")}
    rates = {
        str(key): round(rate, 1)
        for key, given in glimpse.part("rates").items()
        if (rate := figures.number(given))
    }
    return {"organs": found, "rates": rates if alive else {}, "alive": alive}


def _organ(row: dict[str, Any], *, alive: bool) -> Piece:
    depth = figures.number(row.get("mailbox_depth")) or 0.0
    beat = figures.number(row.get("beat_age_s"))
    state = str(row.get("state") or "unknown")
    return {
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


def controls(glimpse: Glimpse, waiting: Sequence[dict[str, Any]]) -> Piece:
    """What may be done now, and which commands are on their way."""
    return {
        "standing": str(glimpse.part("standing").get("state") or "active"),
        "waiting": [f"{command.get('command')} is waiting for the body" for command in waiting][:6],
        "session": str(glimpse.part("body").get("session", "")),
    }
