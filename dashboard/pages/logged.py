"""Lines of STATE/log on the Machine page: by organ, level and correlation, newest first."""

from typing import Any

from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.shapes import Cell, Piece
from dashboard.sight import Sight
from organism.logbook import LEVELS, Wanted, read

_LINES = 80
_KEEP_S = 1.0  # viewers of one moment share one reading of the files
_TONES = {"warning": "watch", "error": "act", "critical": "act"}


def lines(asked: Asked, sight: Sight) -> Piece:
    """What the processes logged, narrowed by what the events beside it are narrowed by. Nothing of it belongs to the past."""
    if sight.at_ns is not None:
        return {}
    now = asked.filters()
    level = now.get("level", "info")
    wanted = Wanted(
        organ=now.get("organ", ""), level=level if level in LEVELS else "info", correlation=now.get("root", ""), limit=_LINES
    )  # fmt: skip
    found = sight.kept.get(("log", wanted), _KEEP_S, lambda: read(sight.state, wanted))
    heads = [
        shapes.head("When", says="UTC"), shapes.head("Level"), shapes.head("Process", low=True), shapes.head("Organ", low=True),
        shapes.head("What"), shapes.head("Stems from", low=True, says="what the organ was dealing with, its correlation: leads to Why"),
        shapes.head("", low=True, says="narrow journal and log to it"),
    ]  # fmt: skip
    rows = [(f"{nth}:{line.get('timestamp')}", _line(line, now)) for nth, line in enumerate(found.lines)]
    return shapes.table(heads, rows, most=14)


def _line(line: dict[str, Any], now: dict[str, str]) -> list[Cell]:
    level = str(line.get("level") or "info")
    event = str(line.get("event") or "")
    root = str(line.get("correlation") or "")
    wanted = ";".join(f"{name}:{value}" for name, value in {**now, "root": root}.items() if value)
    trace = str(line.get("exception") or "")
    return [
        shapes.text(
            str(line.get("timestamp") or "")[11:19], tone="muted", title=str(line.get("timestamp") or "")
        ),
        shapes.tag(level, _TONES.get(level, "quiet")),
        shapes.text(line.get("process") or ""),
        shapes.text(line.get("organ") or "", strong=True),
        shapes.text(event[:240], wrap=True, title=trace[-2_000:] or event),
        {"v": root, "about": root, "page": "why", "code": 1, "x": root, "s": root}
        if root
        else shapes.text(""),
        {"v": "only this", "about": wanted, "page": "machine", "x": ""} if root else shapes.text(""),
    ]
