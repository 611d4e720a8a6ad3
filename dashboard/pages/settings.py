"""Settings: what is in force, and who said so. Secrets never."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import html

from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, page
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from organism.config import Explained, Loaded, explain, load
from organism.errors import OrganismError
from organism.journal.reader import Reader
from organism.kept import kept
from organism.written import DEFAULT

STARTED = "given at the start"
_KEEP_S = 10.0
_SOURCE = 48  # characters of where a setting came from
_HIDDEN = ". Passwords, keys and addresses of channels are kept elsewhere and are never shown."


def skeleton() -> Any:
    """The page without its contents."""
    return page("settings", [
        block("What was chosen", "settings-chosen", "table", "Every setting is at its default: nothing was chosen."),
        block("Every setting", "settings-all", "table", "The settings cannot be told now."),
        html.P(["The same in the terminal: ", html.Code("./run config explain"), _HIDDEN], className="page-note"),
    ])  # fmt: skip


def speaks(sight: Sight, _: Asked) -> Sentence:
    """Whose settings hold."""
    try:
        rows, runs = told(sight)
    except OrganismError as error:
        return Sentence(lead="The settings cannot be told.", text=str(error)[:300], need="", tone="watch")
    n = sum(1 for one in rows if one.source != DEFAULT)
    lead = (
        "Defaults all through."
        if not n
        else f"{counted(n, 'setting')} chosen, the rest at {'its' if len(rows) == 1 else 'their'} defaults."
    )
    whose = (
        "The body was started with these, and lives by them."
        if runs
        else "No body has lived by them yet; the next one will."
    )
    return Sentence(
        lead=lead, text=whose, need="A change holds after `./run stop` and `./run start`.", tone="good"
    )


def pieces(_: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "settings-chosen": lambda: _table([one for one in told(sight)[0] if one.source != DEFAULT]),
        "settings-all": lambda: _table(told(sight)[0]),
    }


def told(sight: Sight) -> tuple[list[Explained], bool]:
    """Every setting as explained; and whether they are those of a body that lives or lived."""
    return sight.kept.get("settings", _KEEP_S, lambda: _told(sight.state))


def _told(state: Path) -> tuple[list[Explained], bool]:
    """Those of the newest run, with the sources that files and variables name now where they say the same."""
    try:
        now = load(None, os.environ, {}, state=state)
    except OrganismError:
        now = load(None, {}, {}, state=None)  # a file that is wrong now does not hide what the body lives by
    try:
        runs = Reader(state).runs()
    except OrganismError:
        runs = {}
    lived = kept(state, runs[max(runs)].settings_hash) if runs else None
    if lived is None:
        return explain(now), False
    asked = {one.key: one for one in explain(now)}
    found = explain(Loaded(lived, now.sources, now.hash))
    return [_sourced(one, asked[one.key]) for one in found], True


def _sourced(lives: Explained, asks: Explained) -> Explained:
    """A value that no file and no variable of now explains was given when the body was started."""
    return lives if lives.value == asks.value else lives._replace(source=STARTED)


def _table(rows: list[Explained]) -> Piece:
    heads = [
        shapes.head("Setting"),
        shapes.head("Value"),
        shapes.head("Where from"),
        shapes.head("What it means", low=True),
    ]
    return shapes.table(heads, [
        (one.key, [
            shapes.text(one.key, strong=True, wrap=True, code=True), shapes.text(one.value[:300], wrap=True),
            shapes.tag(_brief(one.source), "quiet" if one.source == DEFAULT else "watch", one.source), shapes.text(one.doc, tone="muted", wrap=True),
        ])
        for one in rows
    ])  # fmt: skip


def _brief(source: str) -> str:
    """The end of a long path says more than its beginning."""
    return source if len(source) <= _SOURCE else f"… {source[-_SOURCE:]}"
