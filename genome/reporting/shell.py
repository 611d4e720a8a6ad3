"""What every page has: one document that fetches nothing, its head of tiles, and what to beware of."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from organism.errors import BadInput

Tile = tuple[str, str, str, float]
"""Name, value, what is small below it, and a number whose sign tints it (0: not at all)."""


def shell(title: str, body: str) -> str:
    """One HTML document: style and script are inside, and its policy lets nothing else in."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_part("page.css")}</style></head>'
        f"<body><main>{body}</main><script>{_part('page.js')}</script></body></html>\n"
    )


def _part(name: str) -> str:
    return files("genome.reporting").joinpath(name).read_text(encoding="utf-8")


def tiles(cells: Sequence[Tile]) -> str:
    """The four figures that are read first."""
    drawn = "".join(
        f'<div class="tile {"gain" if v > 0 else "loss" if v < 0 else "level"}"><span>{escape(name)}</span>'
        f"<b>{escape(value)}</b><small>{escape(more)}</small></div>"
        for name, value, more, v in cells
    )
    return f'<div class="tiles">{drawn}</div>'


def beware(sentences: Sequence[str]) -> str:
    """What to beware of; nothing where there is nothing."""
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="beware" aria-label="Beware"><ul>{said}</ul></section>' if said else ""


def assumed(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """What was run, as names and texts."""
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f'<section class="block" id="assumed"><h3>{escape(title)}</h3><dl class="assumed">{cells}</dl></section>'


def write_page(path: Path, text: str) -> None:
    """Write a page. Raises `BadInput` where the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None
