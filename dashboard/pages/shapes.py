"""The shapes that a piece can have. The browser draws each shape in one way, on every page.

A piece without content is `{}`: the page then shows what will appear there. One that could not be made is
`{"error": sentence}`. Texts are finished here, so that numbers look the same everywhere and can be tested.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dashboard import figures

Piece = dict[str, Any]
Cell = dict[str, Any]

Waiting = Mapping[str, Sequence[str]]
"""By instrument or strategy the commands that the body has not taken yet."""
NONE: Waiting = {}

TONES = ("good", "watch", "act", "unknown", "quiet")


# ---------------------------------------------------------------- tables


def head(title: str, *, num: bool = False, low: bool = False, says: str = "") -> dict[str, Any]:
    """A column: `num` aligns it, `low` hides it on a phone, `says` explains it on hover."""
    return {
        "t": title,
        **({"num": 1} if num else {}),
        **({"low": 1} if low else {}),
        **({"says": says} if says else {}),
    }


def table(
    heads: Sequence[dict[str, Any]],
    rows: Sequence[tuple[str, Sequence[Cell]]],
    note: str = "",
    *,
    most: int = 0,
) -> Piece:
    """Rows of (key, cells). The key stays with its row, so that only what changed is drawn anew.

    most   so many are shown until a person asks for the rest; 0: all
    """
    if not rows:
        return {}
    found = {"heads": list(heads), "rows": [[key, list(cells)] for key, cells in rows], "note": note}
    return {**found, "most": most} if most else found


def text(
    value: object,
    *,
    title: str = "",
    sub: str = "",
    strong: bool = False,
    tone: str = "",
    wrap: bool = False,
    code: bool = False,
) -> Cell:
    """A word, with a smaller one below it. wrap: it may be long; code: as it is typed."""
    cell: Cell = {"v": str(value)}
    if title:
        cell["title"] = title[:400]
    if sub:
        cell["sub"] = sub
    if strong:
        cell["strong"] = 1
    if tone:
        cell["tone"] = tone
    if wrap:
        cell["wrap"] = 1
    if code:
        cell["code"] = 1
    return cell


def number(shown: str, exact: figures.Numeric, *, sub: str = "", tone: str = "", title: str = "") -> Cell:
    """A number as it is `shown`; `exact` sorts it and goes into the CSV."""
    found = figures.number(exact)
    cell: Cell = {"v": shown, "num": 1, "s": found, "x": "" if found is None else str(exact)}
    if sub:
        cell["sub"] = sub
    if tone:
        cell["tone"] = tone
    if title:
        cell["title"] = title
    return cell


def gained(value: figures.Numeric, *, sub: str = "", title: str = "") -> Cell:
    """A signed amount with its arrow: never colour alone."""
    return number(
        f"{figures.arrow(value)} {figures.plain(value, signed=True)}", value,
        tone=figures.tone(value), sub=sub, title=title,
    )  # fmt: skip


def moment(at_ns: object, *, ago: bool = False, year: bool = False) -> Cell:
    """A point in time: written in the viewer's zone, with the year or without it, or as an age; ISO 8601 in the CSV."""
    ms = ms_of(at_ns)
    return {"ms": ms, "s": ms, "x": iso(ms), **({"ago": 1} if ago else {}), **({"year": 1} if year else {})}


def tag(word: str, tone: str = "quiet", title: str = "") -> Cell:
    """A coloured word."""
    return {"tag": word, "tone": tone, "x": word, "s": word, **({"title": title[:400]} if title else {})}


def head_of_acts() -> dict[str, Any]:
    """The column of `acts`: without a word of its own, and not exported."""
    return {"t": "", "says": "What may be ordered", "acts": 1}


def acts(
    choices: Sequence[tuple[str, str, str]], target: str, waiting: Sequence[str] = (), off: str = ""
) -> Cell:
    """Buttons: (command, word on it, what it does, for who cannot see the row).

    waiting   commands for the same target that are on their way
    off       why none may be given here
    """
    found: Cell = {"acts": [list(one) for one in choices], "target": target, "x": ""}
    if waiting:
        found["waits"] = f"{' and '.join(dict.fromkeys(waiting))} on its way"
    return {**found, "off": off} if off else found


def share(fraction: float | None, shown: str, exact: figures.Numeric = None, tone: str = "") -> Cell:
    """A bar from 0 to 1 with its value beside it."""
    found = figures.number(fraction)
    width = 0.0 if found is None else round(min(1.0, max(0.0, found)), 4)
    value = fraction if exact is None else exact
    return {"share": width, "v": shown, "s": figures.number(value), "x": "" if value is None else str(value),
            **({"tone": tone} if tone else {})}  # fmt: skip


# ---------------------------------------------------------------- other shapes


def facts(cells: Iterable[tuple[str, str, str] | tuple[str, str, str, str]]) -> Piece:
    """Named values: (name, value, what it means[, tone])."""
    found = [list(cell) for cell in cells]
    return {"cells": found} if found else {}


def event(at_ns: object, title: str, detail: str = "", tone: str = "unknown", **more: Any) -> dict[str, Any]:
    """Something that happened."""
    return {"ms": ms_of(at_ns), "title": title[:200], "body": detail[:400], "tone": tone, **more}


def events(rows: Iterable[tuple[str, dict[str, Any]]], *, wall: bool) -> Piece:
    """Happenings by key, newest first. `wall`: their times are of this machine's clock, and age."""
    found = [[key, item] for key, item in rows]
    return {"rows": found, "wall": wall} if found else {}


def gauge(name: str, value: float, limit: float, label: str, limit_label: str) -> dict[str, Any]:
    """How much of a limit is used, with both values written out and how far it still is."""
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


def strip(items: Iterable[dict[str, Any]]) -> Piece:
    """Status strip: {name, state, tone, detail, marks: [[tone, title], …]}, one line each."""
    found = list(items)
    return {"items": found} if found else {}


def step(
    title: str,
    body: str = "",
    fields: Sequence[tuple[str, str]] = (),
    tone: str = "unknown",
    at_ns: object = None,
) -> dict[str, Any]:
    """One link of a chain."""
    return {
        "title": title,
        "body": body,
        "fields": [list(pair) for pair in fields],
        "tone": tone,
        "ms": ms_of(at_ns),
    }


# ---------------------------------------------------------------- figures


def line(
    x: Sequence[float], y: Sequence[float | None], colour: str, label: str = "", **more: Any
) -> dict[str, Any]:
    """A line. colour: a token of the style sheet ("accent", "loss", "soft", …); label: written at its end.

    more   width, fill (to zero), dash, step ("hv"), says (what hovering calls it)
    """
    return {"x": list(x), "y": list(y), "colour": colour, "label": label, **more}


def dots(
    x: Sequence[float], y: Sequence[float], colour: str, symbol: str, texts: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """Markers: symbol as Plotly names it; `texts` are shown on hover."""
    return {"x": list(x), "y": list(y), "colour": colour, "symbol": symbol, "texts": list(texts), **more}


def panel(title: str, series: Sequence[dict[str, Any]], style: str, **more: Any) -> dict[str, Any]:
    """One plot of a figure. style: how values are written ("money", "percent", "price", "count", "ratio").

    more   share (of the height), zero (the axis begins there), base ([value, label], a dotted reference)
    """
    return {"title": title, "series": list(series), "style": style, **more}


def figure(
    panels: Sequence[dict[str, Any]], *, says: str, height: int = 352, axis: str = "time", x_title: str = ""
) -> Piece:
    """Plots over one shared x axis, "time" in ms or "number". says: the same in words, for who cannot see it."""
    found = [
        one for one in panels if any(len(series["x"]) > 1 or "symbol" in series for series in one["series"])
    ]
    if not found:
        return {}
    return {"panels": found, "says": says, "height": height, "axis": axis, "x_title": x_title}


# ---------------------------------------------------------------- time


def ms_of(at_ns: object) -> int | None:
    """Milliseconds since 1970, None for no moment."""
    return at_ns // 1_000_000 if isinstance(at_ns, int) and at_ns > 0 else None


def iso(ms: int | None) -> str:
    """ISO 8601, UTC."""
    return (
        ""
        if ms is None
        else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
