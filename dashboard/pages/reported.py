"""What the page shows of the reports that are opened: curves, figures, what was asked, and the course of evolution."""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from dashboard import figures, tables
from dashboard.pages import measures, shapes
from dashboard.pages.opened import LETTERS, Opened, Subject, day
from dashboard.pages.shapes import Cell, Piece
from dashboard.performance import thinned
from genome.genes import GENES
from organism.reports import Bred, Report

POINTS: Final = 480
_DAY_MS: Final = 86_400_000
_MOST_ASKED, _DEEPEST, _LONGEST = 160, 4, 400
_MOST_WARNINGS = 40
_SHOWN = 12
_MOST_FIGURES = 16
_DIGITS = 10  # characters of a number before it is shortened
_EARLIER = (0.0, 1 / 3, 2 / 3, 1.0)
_LINES = (("accent", "solid", 2.0), ("watch", "dash", 1.75))
_MARKS = (("accent", "circle"), ("watch", "diamond"))


def chosen(found: Opened) -> Piece:
    """What is open, and ways to close it or to change places."""
    if not found.subjects and not found.troubles:
        return {}
    pair = found.pair
    if len(pair) < 2:  # noqa: PLR2004 - of two
        return {"groups": [["Opened", [{"label": "Close, back to the list", "pair": []}]]]}
    ways = [("Close A", pair[1:]), ("Close B", pair[:1]), ("Change places", pair[::-1]), ("Close both", [])]
    return {"groups": [["Opened", [{"label": label, "pair": to} for label, to in ways]]]}


# ---------------------------------------------------------------- curves


def curves(found: Opened) -> Piece:
    """Growth of each from its first day on, and below it how deep under its peak."""
    grown, depths, said = [], [], []
    for nth, one in enumerate(found.subjects):
        if one.daily is None:
            continue
        colour, dash, width = _LINES[nth]
        x, gain, depth = _grown(one.daily)
        letter = f"{LETTERS[nth]} " if len(found.subjects) > 1 else ""
        end, deepest = figures.percent(gain[-1], signed=True), figures.percent(-min(depth))
        grown.append(_line(x, gain, colour, f"{letter}{end}", says=f"{letter}gained", dash=dash, width=width))
        depths.append(_line(x, depth, colour if len(found.subjects) > 1 else "loss", letter.strip(), says=f"{letter}from peak",
                            dash=dash, fill=len(found.subjects) == 1))  # fmt: skip
        said.append(
            f"{letter}{end} over {len(one.daily.days):,} days, at its deepest {deepest} below its peak"
        )
    panels = [
        shapes.panel("", grown, "percent", share=0.68, base=[0.0, "start"]),
        shapes.panel("below peak", depths, "percent", share=0.32, zero=True),
    ]
    piece = shapes.figure(panels, says=f"{'; '.join(said)}.")
    if piece:
        piece["note"] = "Daily, after costs. Each begins at 0 % on its own first day."
    return piece


def _grown(report: Report) -> tuple[list[int], list[float | None], list[float]]:
    """(end of day in ms, gain since the start, fraction below the peak), the start among them."""
    x, gain, depth, value, peak = [report.days[0] * _DAY_MS], [0.0], [0.0], 1.0, 1.0
    for number, returned in zip(report.days, report.returns, strict=True):
        value *= 1.0 + returned
        if not math.isfinite(value):
            break  # what follows cannot be written down
        peak = max(peak, value)
        x.append((number + 1) * _DAY_MS)
        gain.append(round(value - 1.0, 6))
        depth.append(round(value / peak - 1.0, 6))
    return x, list(gain), depth


def _line(x: Sequence[int], y: Sequence[Any], colour: str, label: str, **more: Any) -> dict[str, Any]:
    points = thinned(list(zip(x, y, strict=True)), POINTS)
    return shapes.line([at for at, _ in points], [value for _, value in points], colour, label, **more)


# ---------------------------------------------------------------- figures


def key(one: Subject, own: Any) -> Piece:
    """The few figures that say most. own: a `bootstrap.Found` of its daily returns, None where it is unknown."""
    names = [name for name in measures.KEY if name in one.figures][: measures.MOST_KEY]
    cells = []
    for name in names:
        says = measures.measure(name).says
        if name == "sharpe" and own is not None and one.kind != "evolve":
            says = f"a year; 95 % {within(own.sharpe)}"
        tone = figures.tone(one.figures[name]) if measures.measure(name).style == "gain" else ""
        cells.append(
            (
                measures.measure(name).label,
                measures.written(name, one.figures[name]),
                says,
                tone.replace("level", ""),
            )
        )
    return shapes.facts(cells)


def within(interval: Any, *, fine: bool = False) -> str:
    """Between what a figure lies."""
    low, high = (
        figures.percent(x, 3, signed=True) if fine else figures.plain(x, signed=True) for x in interval[1:]
    )
    return f"{low} to {high}"


def apart(found: Opened) -> Piece:
    """The first less the second, each with its interval; or why that is unknown."""
    gap = found.apart
    if gap is None:
        return {}
    if gap.found is None:
        return shapes.facts([("A − B", "unknown", f"{gap.why[:1].upper()}{gap.why[1:]}.")])
    sharpe, mean = gap.found.sharpe, gap.found.mean
    first, last = gap.days or (0, 0)
    return shapes.facts([
        ("Sharpe, A − B", figures.plain(sharpe.value, signed=True), f"a year; 95 % {within(sharpe)}", _tone(sharpe)),
        ("Mean day, A − B", figures.percent(mean.value, 3, signed=True), f"95 % {within(mean, fine=True)}", _tone(mean)),
        ("Common days", f"{gap.n_days:,}", f"{day(first)} to {day(last)}"),
        ("Blocks", f"{figures.plain(gap.found.block, 0)}{figures.THIN}days", "long on average"),
    ])  # fmt: skip


def _tone(interval: Any) -> str:
    """Coloured only where it is more than luck."""
    return "" if interval.has_zero else figures.tone(interval.value)


def table(found: Opened) -> Piece:
    """All figures of what is open, and of two the difference."""
    subjects = found.subjects
    if not subjects:
        return {}
    two = len(subjects) > 1
    rows = []
    for name in measures.ordered(*(one.figures for one in subjects)):
        values = [one.figures.get(name) for one in subjects]
        cells = [
            shapes.text(measures.measure(name).label, strong=True, title=name),
            *(measures.cell(name, value) for value in values),
        ]
        says = shapes.text(measures.measure(name).says, tone="muted")
        rows.append((name, [*cells, measures.less(name, values[0], values[1]) if two else says]))
    last = (
        shapes.head("A − B", num=True, says="the arrow points up where A is the better one")
        if two
        else shapes.head("What it is", low=True)
    )
    heads = [shapes.head("Figure"), *_heads(subjects, num=True), last]
    note = (
        "An arrow says which is better: ▲ A, ▼ B. A difference alone is no proof: see its interval above."
        if two
        else ""
    )
    return shapes.table(heads, rows, note, most=_MOST_FIGURES)


def _heads(subjects: Sequence[Subject], *, num: bool = False) -> list[dict[str, Any]]:
    """One column for each that is open."""
    if len(subjects) == 1:
        return [shapes.head("Value", num=num)]
    return [
        shapes.head(letter, num=num, says=one.title[:200])
        for letter, one in zip(LETTERS, subjects, strict=False)
    ]


# ---------------------------------------------------------------- what was asked, what it does, warnings


def asked(found: Opened) -> Piece:
    """What was asked for, as `--json` tells it; of two, what differs first."""
    reports = [one.report for one in found.subjects]
    if not any(reports):
        return {}
    return _beside(
        found, [_asked(report) if report else {} for report in reports], "Asked for", _SHOWN, code=False
    )


def _beside(found: Opened, columns: Sequence[dict[str, str]], title: str, most: int, *, code: bool) -> Piece:
    """Texts by name, of two what differs first, then what only one has, then what is the same."""
    two = len(columns) > 1
    rows = []
    for name in dict.fromkeys(name for one in columns for name in one):
        values = [one.get(name) for one in columns]
        rank, mark = _same(values)
        cells = [_told(value, code=code) for value in values]
        first = shapes.text(name, wrap=True, code=not code, strong=code)
        rows.append((rank, name, [first, *cells, *([mark] if two else [])]))
    rows.sort(key=lambda row: row[0])
    heads = [shapes.head(title), *_heads(found.subjects), *([shapes.head("Same?")] if two else [])]
    return shapes.table(heads, [(name, cells) for _, name, cells in rows[:_MOST_ASKED]], most=most)


def _same(values: Sequence[str | None]) -> tuple[int, Cell]:
    if len(values) > 1 and None in values:
        return 1, shapes.tag(f"only {LETTERS[values[0] is None]}")
    return (0, shapes.tag("differs", "watch")) if len(set(values)) > 1 else (2, shapes.tag("same"))


def _told(value: str | None, *, code: bool) -> Cell:
    if value is None:
        return shapes.text(figures.DASH, title="not told")
    exact = figures.number(value)
    if exact is None or len(value) <= _DIGITS:
        return shapes.text(value, wrap=True, code=code)
    return shapes.text(f"{exact:.6g}", wrap=True, code=code, title=value) | {"x": value}


def _asked(report: Report) -> dict[str, str]:
    made = shapes.iso(report.made_s * 1000)
    head = {
        "report": report.id,
        "made": made,
        "version": report.version or "unknown",
        "commit": report.commit or "unknown",
    }
    return {**head, **flat(report.asked), "days_per_year": f"{report.days_per_year:g}"}


def flat(given: Any, name: str = "", depth: int = 0) -> dict[str, str]:
    """Nested settings as "costs.taker": text.

    >>> flat({"costs": {"taker": 0.001}, "symbols": ["A", "B"], "slice": None})
    {'costs.taker': '0.001', 'symbols': 'A, B', 'slice': '–'}
    """
    if isinstance(given, dict) and given and depth < _DEEPEST:
        found: dict[str, str] = {}
        for part, value in given.items():
            if len(found) < _MOST_ASKED:
                found |= flat(value, f"{name}.{part}"[:120] if name else str(part)[:120], depth + 1)
        return found
    return {name: _text(given)[:_LONGEST]}


def _text(value: Any) -> str:
    if value is None:
        return figures.DASH
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(map(_text, value[:100])) or figures.DASH
    if value in ({}, []):
        return figures.DASH
    return json.dumps(value, ensure_ascii=False)


def does(found: Opened) -> Piece:
    """What the best of each, or the genome that is open, does; of two, gene by gene with what differs first."""
    subjects = found.subjects
    if not any(one.says for one in subjects) or (len(subjects) == 1 and subjects[0].whole):
        return {}
    piece = _beside(found, [_parts(one.says) for one in subjects], "Part", 2 * _SHOWN, code=True)
    whole = any(one.whole and one.says for one in subjects)
    return piece | {"aside": "of a report of evolution, its best genome" if whole else ""} if piece else {}


def _parts(says: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Conditions whole, genes one by one."""
    found: dict[str, str] = {}
    for label, text in says[:40]:
        if label == "genes":
            found |= {
                name: value or "yes"
                for name, _, value in (pair.partition("=") for pair in text.split()[: len(GENES)])
            }
        else:
            found[label[:80]] = text[:2_000]
    return found


def warnings(found: Opened) -> Piece:
    """What the runs warned of."""
    two = len(found.subjects) > 1
    said = [
        f"{letter}: {text}" if two else text
        for letter, one in zip(LETTERS, found.subjects, strict=False)
        for text in (one.report.warnings if one.report else [])[:_MOST_WARNINGS]
    ]
    return shapes.strip(
        {"name": text, "state": "", "tone": "watch", "detail": ""} for text in dict.fromkeys(said)
    )


# ---------------------------------------------------------------- evolution


def course(found: Opened) -> Piece:
    """The best and the median Sharpe ratio over generations."""
    series, said = [], []
    two = len(found.subjects) > 1
    for nth, one in enumerate(found.subjects):
        if one.report is None or not one.whole or len(one.report.generations) < 2:  # noqa: PLR2004 - a line has two ends
            continue
        rows, (colour, dash, width) = one.report.generations, _LINES[nth]
        x, letter = [float(row.generation) for row in rows], f"{LETTERS[nth]} " if two else ""
        best = [row.sharpe for row in rows]
        series.append(
            shapes.line(x, best, colour, f"{letter}best", says=f"{letter}best", dash=dash, width=width)
        )
        if not two:
            series.append(shapes.line(x, [row.median for row in rows], "soft", "median", says="median"))
        known = [value for value in best if value is not None]
        said += [f"{letter}from {figures.plain(known[0])} to {figures.plain(known[-1])}"] if known else []
    piece = shapes.figure([shapes.panel("", series, "ratio")], says=f"The best Sharpe ratio went {'; '.join(said)}.", axis="number",
                          x_title="generation")  # fmt: skip
    if piece:
        piece["note"] = (
            "Judged on the bars they were bred on: the best of many trials looks good by luck alone."
        )
    return piece


def front(found: Opened) -> Piece:
    """Gain against depth: of one the fronts of some generations, of two the last one of each."""
    series, two = [], len(found.subjects) > 1
    for nth, one in enumerate(found.subjects):
        known = [each for each in one.report.fronts if each.members] if one.report and one.whole else []
        if not known:
            continue
        picked = (
            [known[-1]]
            if two
            else [known[at] for at in sorted({round(share * (len(known) - 1)) for share in _EARLIER})]
        )
        for each in picked:
            colour, mark = _MARKS[nth] if each is known[-1] else ("faint", "circle-open")
            letter = f"{LETTERS[nth]}, " if two else ""
            texts = [
                f"{letter}generation {each.generation}: Sharpe {y:.2f}, {x:.1%} deep" for x, y in each.members
            ]
            series.append(shapes.dots([round(x, 5) for x, _ in each.members], [round(y, 3) for _, y in each.members], colour, mark, texts,
                                      label=f"{letter}generation {each.generation}", size=9 if each is known[-1] else 6))  # fmt: skip
    if not series:
        return {}
    piece = shapes.figure([shapes.panel("Sharpe, a year", series, "ratio")], says="Sharpe ratio against the deepest drawdown.",
                          axis="percent", x_title="deepest drawdown, at 10 % volatility")  # fmt: skip
    piece["note"] = (
        "Discs: A. Diamonds: B. Last generations."
        if two
        else "Filled: the last generation. Open: earlier ones."
    )
    return piece


def genomes(one: Subject) -> Piece:
    """The best genomes of a report, each with what it does."""
    if one.report is None or not one.whole or not one.report.genomes:
        return {}
    rows: list[tuple[str, list[Cell]]] = []
    for each in one.report.genomes:
        rows.append((each.id, _genome(one.report.id, each)))
        if rules := tables.folded(each.says):
            rows.append((f"{each.id}:rules", [{**rules, "span": 6}]))
    heads = [shapes.head("Genome", says="open it alone"), shapes.head("Sharpe", num=True, says="a year"),
             shapes.head("Drawdown", num=True, says="at 10 % volatility"), shapes.head("Trades", num=True),
             shapes.head("Consistency", num=True, low=True, says="share of windows with a gain"),
             shapes.head("Turnover", num=True, low=True, says="times capital a year")]  # fmt: skip
    return shapes.table(heads, rows, most=4)


def _genome(report: str, each: Bred) -> list[Cell]:
    worth = each.objectives
    depth, turnover = (figures.number(worth.get(name)) for name in ("drawdown", "turnover"))
    return [
        shapes.text(each.id, strong=True, code=True) | {"pair": [f"{report}:{each.id}"]},
        measures.cell("sharpe", worth.get("sharpe")),
        measures.cell("max_drawdown", None if depth is None else -depth),
        measures.cell("n_trades", each.trades),
        measures.cell("consistency", worth.get("consistency")),
        shapes.number(
            figures.plain(None if turnover is None else -turnover, 0),
            None if turnover is None else -turnover,
            tone="muted",
        ),
    ]
