"""The page of `organism data check --report`: one picture a series, of what is there and what is wrong with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from genome.reporting.shell import beware, shell, tiles, write_page
from organism.cli.data.context import instant
from organism.lake.quality import GATE, MEANING, PENALTIES, Defect

_WIDE: Final = 960.0
_LEAST: Final = 1.5
_YEAR_US: Final = 31_557_600_000_000
# Colour and lane: what is missing is cut out of the band, what is wrong stands below it, what is named above it.
_LANES: Final = {
    Defect.MISSING: ("#d64545", 1), Defect.OUTAGE: ("#8a94a6", 1), Defect.QUIET: ("#c3cad5", 1),
    Defect.OUTLIER: ("#c026d3", 2), Defect.UNUSABLE: ("#7f1d1d", 2), Defect.DISAGREEING: ("#ea580c", 2),
    Defect.STUCK: ("#b7791f", 2), Defect.VOLUME: ("#0e7490", 2), Defect.MISALIGNED: ("#4338ca", 2),
    Defect.SHIFTED: ("#be123c", 2), Defect.EXTREME: ("#15803d", 0), Defect.JUMP: ("#db2777", 0),
}  # fmt: skip
_TOPS: Final = (2, 14, 38)
_HIGH: Final = (10, 22, 10)
_STYLE: Final = (
    "<style>.q .block{margin-bottom:1rem}.q svg{width:100%;height:auto;display:block}.q h3{margin:0 0 .3rem}.q .poor{color:#d64545}"
    ".q p{margin:.3rem 0;font-size:.85rem}.q .key{display:inline-block;width:.7em;height:.7em;margin:0 .3em 0 .9em}"
    ".q text{font-size:11px;fill:currentColor;opacity:.7}.q table{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto;max-width:100%}.q h3,.q p{overflow-wrap:anywhere}"
    ".q td,.q th{padding:.15rem .8rem .15rem 0;text-align:left}.q td.n{text-align:right}</style>"
)


def write(path: Path, found: Sequence[Any]) -> None:
    """Write the page. Raises `BadInput` where it cannot be written."""
    write_page(path, page(found))


def page(found: Sequence[Any]) -> str:
    """One document that fetches nothing. found: `check.Measured`, the worst shown first."""
    order = sorted(found, key=lambda one: one.quality.score)
    poor = [one for one in order if not one.quality.good]
    rows = sum(one.quality.rows for one in found)
    lost = sum(one.quality.count(Defect.MISSING) for one in found)
    head = tiles([
        ("series", f"{len(found):,}", f"{rows:,} candles", 0.0),
        ("worst score", f"{order[0].quality.score:.2f}" if order else "–", order[0].series.text if order else "", -1.0 if poor else 1.0),
        (f"below {GATE:g}", f"{len(poor):,}", "nothing is bred on them", -1.0 if poor else 1.0),
        ("missing", f"{lost:,}", "candles, outages left out", -1.0 if lost else 0.0),
    ])  # fmt: skip
    said = [f"{one.series.text} scores {one.quality.score:.2f}: {_why(one.quality)}." for one in poor[:10]]
    body = f"<h1>Quality of history</h1>{head}{beware(said)}<div class='q'>{_key()}{''.join(map(_section, order))}{_table()}</div>"
    return shell("Quality of history", _STYLE + body)


def _why(found: Any) -> str:
    costly = [f"{one.bars:,} {str(one.defect).replace('_', ' ')}" for one in found.findings if one.points > 0]
    hole = f"; longest hole {found.longest_hole:,} candles" if found.longest_hole else ""
    return (", ".join(costly) or "no candles") + hole


def _key() -> str:
    shown = "".join(
        f'<i class="key" style="background:{colour}"></i>{escape(str(defect).replace("_", " "))}'
        for defect, (colour, _) in _LANES.items()
    )
    return (
        '<section class="block"><p>Each picture runs from the first candle to the last. In the band: what is there, and in '
        "colour what is missing. Above it: what is named and costs nothing. Below it: what is wrong.</p>"
        f"<p>{shown}</p></section>"
    )


def _section(one: Any) -> str:
    found = one.quality
    title = f"{one.series.text}{' · ' + one.file if one.file else ''}"
    grade = "" if found.good else ' class="poor"'
    rows = "".join(
        f'<tr><td>{escape(str(d.defect).replace("_", " "))}</td><td class="n">{d.bars:,}</td><td class="n">{d.places:,}</td>'
        f'<td class="n">{d.points:.2f}</td><td>{escape(MEANING[d.defect])}</td></tr>'
        for d in found.findings
    )
    table = (
        f"<details><summary>What was found</summary><table><tr><th>defect</th><th>bars</th><th>places</th><th>points</th>"
        f"<th>what it is</th></tr>{rows}</table></details>"
        if found.findings
        else "<p>no defect</p>"
    )
    span = (
        ""
        if found.first_us is None
        else f"{instant(found.first_us)} to {instant(found.last_us)}, {found.rows:,} candles"
    )
    return (
        f'<section class="block"><h3>{escape(title)} <b{grade}>{found.score:.2f}</b></h3>'
        f"{picture(found)}<p>{span}; {escape(_why(found)) if any(d.points for d in found.findings) else 'nothing lost'}.</p>{table}</section>"
    )


def picture(found: Any) -> str:
    """Coverage and defects on one line of time, as SVG."""
    if found.first_us is None:
        return ""
    first, span = (
        int(found.first_us),
        max(int(found.last_us) + int(found.timeframe_us) - int(found.first_us), 1),
    )

    def at(us: int) -> float:
        return (us - first) / span * _WIDE

    marks = []
    for one in found.findings:
        if one.defect not in _LANES:
            continue
        colour, lane = _LANES[one.defect]
        for start, end in one.spans:
            wide = max(at(end) - at(start), _LEAST)
            when = f"{one.defect}: {instant(start)} to {instant(end)}"
            marks.append(
                f'<rect x="{at(start):.1f}" y="{_TOPS[lane]}" width="{wide:.1f}" height="{_HIGH[lane]}" style="fill:{colour}">'
                f"<title>{escape(when)}</title></rect>"
            )
    return (
        f'<svg viewBox="0 0 {_WIDE:.0f} 64" role="img" aria-label="coverage and defects">'
        f'<rect x="0" y="14" width="{_WIDE:.0f}" height="22" rx="3" style="fill:#3b82c4;opacity:.35"/>{"".join(marks)}{_ticks(found, at)}</svg>'
    )


def _ticks(found: Any, at: Any) -> str:
    """Years, or months of a short series."""
    begin, end = (datetime.fromtimestamp(us / 1e6, UTC) for us in (found.first_us, found.last_us))
    long = found.last_us - found.first_us > 2 * _YEAR_US
    drawn: list[tuple[float, str]] = []
    for month in range(begin.year * 12 + begin.month, end.year * 12 + end.month):
        year, number = divmod(month, 12)
        if long and number:
            continue
        when = datetime(year, number + 1, 1, tzinfo=UTC)
        x = at(int(when.timestamp() * 1e6))
        if drawn and x - drawn[-1][0] < 60:  # noqa: PLR2004 - labels must not touch
            continue
        drawn.append((x, f"{when:%Y}" if long else f"{when:%b %Y}"))
    return "".join(
        f'<line x1="{x:.1f}" y1="12" x2="{x:.1f}" y2="50" stroke="currentColor" opacity=".25"/><text x="{x + 3:.1f}" y="61">{text}</text>'
        for x, text in drawn
    )


def _table() -> str:
    rows = "".join(
        f'<tr><td>{escape(str(defect).replace("_", " "))}</td><td class="n">{points:g}</td><td>{escape(MEANING[defect])}</td></tr>'
        for defect, points in PENALTIES.items()
    )
    return (
        '<section class="block"><h3>How the score is made</h3><p>100, less the points of each defect for every percent of the candles '
        "that have it, less 1.5 points for every tenfold of the longest hole beyond 5 candles.</p>"
        f"<table><tr><th>defect</th><th>points a percent</th><th>what it is</th></tr>{rows}</table></section>"
    )
