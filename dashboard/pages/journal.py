"""What the journal tells of the machine: messages between organs, and events by organ, level and beginning."""

from typing import Any

from dashboard import figures
from dashboard.glimpse import Row
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.shapes import Cell, Piece
from dashboard.reading.words import LEVELS
from dashboard.sight import Sight


def flow(sight: Sight) -> Piece:
    """Messages by sender, receiver and kind: how many, how often, and how long each waited."""
    history = sight.history
    if history is None:
        return {}
    rows = [
        (f"{one['sender']}>{one['receiver']}:{one['kind']}", [
            shapes.text(f"{one['sender']} → {one['receiver']}", strong=True), shapes.text(one["kind"]),
            shapes.number(figures.plain(one["n"], 0), one["n"]), shapes.number(figures.plain(one["per_s"], 2), one["per_s"]),
            shapes.number(milliseconds(one["age_p50_s"]), one["age_p50_s"], tone="muted"),
            shapes.number(milliseconds(one["age_p99_s"]), one["age_p99_s"], tone="muted"),
        ])
        for one in history.flow("1h")
    ]  # fmt: skip
    heads = [
        shapes.head("Way"), shapes.head("Message"), shapes.head("Messages", num=True, low=True), shapes.head("A second", num=True),
        shapes.head("Waited", num=True, low=True, says="half of them less, from being said to being dealt with"),
        shapes.head("Slowest", num=True, says="99 of 100 waited less"),
    ]  # fmt: skip
    return shapes.table(heads, rows, most=10)


def milliseconds(seconds: figures.Numeric) -> str:
    """A short duration."""
    found = figures.number(seconds)
    return figures.DASH if found is None else f"{figures.plain(found * 1e3, 2)}{figures.THIN}ms"


def choices(asked: Asked, sight: Sight) -> Piece:
    """By what the journal is narrowed: organ, level, and what began it."""
    if sight.history is None:
        return {}
    now = asked.filters()

    def chip(label: str, **change: str) -> dict[str, Any]:
        wanted = {name: value for name, value in {**now, **change}.items() if value}
        on = all(now.get(name, "") == value for name, value in change.items())
        return {
            "label": label,
            "about": ";".join(f"{name}:{value}" for name, value in wanted.items()),
            "on": on,
        }

    organs = sorted(str(one["name"]) for one in sight.glimpse.rows("organs"))
    groups = [
        ["organ", [chip("every organ", organ=""), *(chip(name, organ=name) for name in organs)]],
        ["level", [chip("what matters", level=""), *(chip(f"{level} and worse" if level == "warning" else level, level=level)
                                                      for level in ("warning", "error", "debug"))]],
    ]  # fmt: skip
    if now.get("root"):
        groups.append(["from", [chip(f"only what stems from {now['root']} ×", root="")]])
    return {"groups": groups}


def events(asked: Asked, sight: Sight) -> Piece:
    """Events of the journal, newest first; each leads to all that has the same beginning, and to Why."""
    history = sight.history
    if history is None:
        return {}
    now = asked.filters()
    level = now.get("level", "info")
    found = history.events(
        "all",
        organ=now.get("organ", ""),
        level=level if level in LEVELS else "info",
        correlation=now.get("root", ""),
        limit=80,
    )
    rows = [(str(one["pos"]), _event(one, now)) for one in found.rows]
    heads = [shapes.head("When"), shapes.head("Organ"), shapes.head("Level", low=True), shapes.head("What"),
             shapes.head("Stems from", low=True, says="the envelope from outside that began it: its correlation"),
             shapes.head("Chain", low=True)]  # fmt: skip
    return shapes.table(heads, rows, most=14)


def _event(one: Row, now: dict[str, str]) -> list[Cell]:
    root = str(one["root"])
    wanted = ";".join(f"{name}:{value}" for name, value in {**now, "root": root}.items() if value)
    return [
        shapes.moment(one["wall_ns"], ago=True),
        shapes.text(one["organ"], strong=True),
        shapes.tag(str(one["level"]), {"warning": "watch", "error": "act"}.get(str(one["level"]), "quiet")),
        shapes.text(str(one["text"])[:200], wrap=True, title=f"{one['kind']} · {one['id']}"),
        {"v": root, "about": wanted, "page": "machine", "code": 1, "x": root, "s": root},
        {"v": "why?", "about": str(one["id"]), "page": "why", "x": str(one["id"])},
    ]
