"""The picture of a lineage: one HTML file that needs nothing else. Founders on top, the genome at the foot.

A row is a generation; who has no place for a box is a dot. Everybody is a link to his line in the table below.
"""

from collections import Counter
from html import escape
from importlib.resources import files
from pathlib import Path

from genome.trials.layout import Point, layout
from genome.trials.lineage import Ancestor, Lineage, worth_text
from organism.errors import BadInput

_BOX, _GAP, _HIGH = 140, 16, 44
_DOT, _DOT_GAP = 14, 10
_ROW_BOX, _ROW_DOT = 92, 56
_LEFT, _TOP = 44, 12
_MOST_BOXES = 7
_ROOM, _WIDEST = 1_000.0, 200.0
_STYLE = """
.tree { overflow: auto; margin-top: 12px; }
.tree svg { display: block; margin: 0 auto; }
.tree text { font: 12px var(--sans); fill: var(--soft); }
.tree text.id { font: 13px var(--mono); fill: var(--ink); }
.tree text.row { fill: var(--faint); }
.tree line { stroke: var(--line); }
.tree path { stroke: var(--held); stroke-width: 1.5px; }
.tree path.two { stroke: var(--accent); }
.tree rect { fill: var(--raised); stroke: var(--strong); stroke-width: 1.25px; opacity: 1; }
.tree .two rect { stroke: var(--accent); } .tree .founder rect { stroke: var(--soft); stroke-width: 2px; }
.tree .lost rect { stroke: var(--loss); stroke-dasharray: 4 3; }
.tree .dot rect { fill: var(--held); stroke: var(--raised); } .tree .dot.two rect { fill: var(--accent); }
.tree .dot.founder rect { fill: var(--soft); } .tree .dot.lost rect { fill: var(--loss); }
.tree .itself rect { fill: var(--accent); stroke: var(--accent); } .tree .itself text { fill: var(--paper) !important; }
.tree a:hover rect, .tree a:focus-visible rect { stroke: var(--ink); stroke-width: 2.5px; }
.tree a:focus-visible { outline: none; }
i.two { border-top-color: var(--accent) !important; } i.one { border-top-color: var(--held) !important; }
#ancestors td { text-align: left; white-space: normal; vertical-align: top; }
#ancestors td.text { min-width: 280px; font: 12px/18px var(--mono); overflow-wrap: anywhere; }
#ancestors th { vertical-align: top; text-align: left; font-family: var(--mono); font-size: 12px; }
#ancestors thead th { font-family: var(--sans); }
#ancestors tr:target > * { background: var(--watch-soft); }
"""


def write(path: Path, found: Lineage) -> None:
    """Write the page. Raises `BadInput` where the file cannot be written."""
    try:
        path.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None


def page(found: Lineage) -> str:
    """One HTML document."""
    css = files("genome.reporting").joinpath("page.css").read_text(encoding="utf-8")
    body = _head(found) + _tree(found) + _table(found)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f'<link rel="icon" href="data:,"><title>{escape(found.genome_id)}: lineage</title>'
        f"<style>{css}{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def sentence(found: Lineage) -> str:
    """The lineage in one sentence."""
    first = found.ancestors[0]
    if not first.parents:
        return f"{first.genome_id} is a founder: nobody bred it."
    n_founders = len(found.founders)
    births = Counter(one.origin for one in found.ancestors if one.parents)
    made = ", ".join(f"{number} by {origin}" for origin, number in births.most_common())
    return (
        f"{first.genome_id} descends from {n_founders} {'founder' if n_founders == 1 else 'founders'}, through "
        f"{births.total()} {'birth' if births.total() == 1 else 'births'}: {made}."
    )


def _head(found: Lineage) -> str:
    first = found.ancestors[0]
    rows = {one.generation for one in found.ancestors}
    fronts = sum(1 for one in found.ancestors if one.fronts)
    tiles = (
        ("Ancestors", str(len(found.ancestors) - 1), "each told once"),
        ("Founders", str(len(found.founders)), "bred by nobody"),
        ("Generations", str(len(rows)), f"from {min(rows)} to {max(rows)}"),
        ("On a best front", str(fronts), "of these, at some time"),
    )
    cells = "".join(
        f'<div class="tile level"><span>{escape(name)}</span><b>{escape(value)}</b><small>{escape(more)}</small></div>'
        for name, value, more in tiles
    )
    said = "".join(f"<li>{escape(one)}</li>" for one in found.warnings)
    beware = f'<section class="beware" aria-label="Beware"><ul>{said}</ul></section>' if said else ""
    worth = f'<p class="trial">{escape(_sure(worth_text(first.objectives)))}</p>' if first.objectives else ""
    return (
        f'<header><p class="eyebrow">Lineage · {escape(first.family)}</p><h1>{escape(sentence(found))}</h1>{worth}</header>'
        f'<div class="tiles">{cells}</div>{beware}'
    )


def _sure(worth: str) -> str:
    return f"On the last best front that it was on: {worth}, on the data that it was bred on; not deflated for other trials."


def _tree(found: Lineage) -> str:
    by_generation: dict[int, list[Ancestor]] = {}
    for one in found.ancestors:
        by_generation.setdefault(one.generation, []).append(one)
    generations = sorted(by_generation)
    most = max(len(row) for row in by_generation.values())
    boxes = most <= _MOST_BOXES
    high, step = (_HIGH, _ROW_BOX) if boxes else (_DOT, _ROW_DOT)
    wide = max(_BOX + _GAP if boxes else _DOT + _DOT_GAP, min(_ROOM / most, _WIDEST))
    drawn = layout(
        [[one.genome_id for one in by_generation[number]] for number in generations],
        {one.genome_id: one.parents for one in found.ancestors},
        wide=wide,
        step=step,
    )
    width, height = _LEFT + drawn.width, 2 * _TOP + drawn.height + high
    middle = _TOP + high / 2
    svg = "".join(
        f'<text class="row" x="0" y="{middle + i * step + 4:.0f}">{number}</text>'
        f'<line x1="{_LEFT - 14}" x2="{width:.0f}" y1="{middle + i * step:.0f}" y2="{middle + i * step:.0f}"/>'
        for i, number in enumerate(generations)
    )
    two = {one.genome_id for one in found.ancestors if len(set(one.parents)) > 1}
    svg += "".join(_line(points, high, two=child in two) for child, _, points in drawn.lines)
    svg += "".join(
        _node(one, drawn.places[one.genome_id], boxes=boxes, itself=one.genome_id == found.genome_id)
        for one in found.ancestors
    )
    return (
        '<figure class="block" id="tree"><figcaption><h3>From the founders</h3>'
        '<span class="key"><i class="two"></i>two parents</span><span class="key"><i class="one"></i>one parent</span>'
        f'</figcaption><div class="wide tree" tabindex="0"><svg role="img" aria-label="{escape(sentence(found))}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">{svg}</svg></div>'
        '<p class="note">A row is a generation, its number at the left. Each leads to its line in the table below.'
        f"{'' if boxes else ' Founders have the pale dots.'}</p></figure>"
    )


def _line(points: list[Point], high: float, *, two: bool) -> str:
    """From the foot of a parent to the head of a child, upright through the rows between."""
    x, y = _LEFT + points[0].x, _TOP + points[0].y + high
    path = f"M{x:.1f} {y:.1f}"
    for i, point in enumerate(points[1:], 1):
        x1, y1 = _LEFT + point.x, _TOP + point.y
        bend = (y1 - y) / 2
        path += f"C{x:.1f} {y + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        if i < len(points) - 1:
            path += f"V{y1 + high:.1f}"
        x, y = x1, y1 + high
    return f'<path class="{"two" if two else "one"}" d="{path}"/>'


def _node(one: Ancestor, place: Point, *, boxes: bool, itself: bool) -> str:
    kind = "lost" if one.origin == "lost" else "founder" if not one.parents else "two" if len(set(one.parents)) > 1 else "one"  # fmt: skip
    look = f"{kind}{'' if boxes else ' dot'}{' itself' if itself else ''}"
    title = f"<title>{escape(one.genome_id)}: {escape(one.origin)}, generation {one.generation}</title>"
    size = _BOX if boxes else _DOT
    high = _HIGH if boxes else _DOT
    round_ = 6 if boxes else _DOT / 2
    at = Point(_LEFT + place.x, _TOP + place.y)
    text = ""
    if boxes:
        name = one.genome_id.rsplit("_", 1)[-1]
        text = (
            f'<text class="id" x="{at.x:.1f}" y="{at.y + 18:.1f}" text-anchor="middle">{escape(name)}</text>'
            f'<text x="{at.x:.1f}" y="{at.y + 35:.1f}" text-anchor="middle">{escape(_short(one.origin))}</text>'
        )
    return (
        f'<a class="{look}" href="#{escape(one.genome_id)}">{title}<rect x="{at.x - size / 2:.1f}" y="{at.y:.1f}" '
        f'width="{size}" height="{high}" rx="{round_:.0f}"/>{text}</a>'
    )


def _short(text: str, most: int = 20) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _table(found: Lineage) -> str:
    rows = "".join(
        f'<tr id="{escape(one.genome_id)}"><th>{escape(one.genome_id)}</th><td>{one.generation}</td>'
        f"<td>{escape(_how(one))}</td><td>{escape(', '.join(one.parents) or 'none')}</td>"
        f'<td>{escape(_worth(one))}</td><td class="text">{escape(one.text)}</td></tr>'
        for one in sorted(found.ancestors, key=lambda one: -one.generation)
    )
    head = "".join(
        f"<th>{name}</th>" for name in ("Genome", "Generation", "How", "Parents", "Fronts", "Conditions")
    )
    return (
        '<section class="block" id="ancestors"><h3>Everybody in it</h3><div class="wide" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _how(one: Ancestor) -> str:
    parts = [one.origin, one.cause]
    parts += [f"gone in {one.died[0]}: {one.died[1]}"] if one.died is not None else []
    return "; ".join(part for part in parts if part)


def _worth(one: Ancestor) -> str:
    return f"{one.fronts}: {worth_text(one.objectives)}" if one.objectives else "none"
