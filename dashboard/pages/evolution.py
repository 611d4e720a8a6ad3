"""Evolution: who is bred, from whom, and whether it is more than luck."""

from collections.abc import Callable
from typing import Any

from dashboard import figures, tables
from dashboard.evolution import piece
from dashboard.pages import bred, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, coming, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import human, strategy, told
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from genome.documents import readable
from organism.errors import OrganismError
from organism.view.evolution import NOT_FUNDED, evolution_of

_KEEP_S = 3.0
_MOST_MEMBERS = 24
_MOST_LINES = 10
_EARLIER = (0.0, 1 / 3, 2 / 3, 1.0)
_LUCK = "Judged on the bars they were bred on: the best of many trials looks good by luck alone."


def skeleton() -> Any:
    """The page without its contents."""
    return page("evolution", [
        row(block("Breeding now", "bred-figures", "facts", "Generation, rate and trials appear with the first generation.", "narrow"),
            block("The best so far", "bred", "genome", "The best of what was bred appears with the first generation.", "wide")),
        row(block("Sharpe over generations", "evolution-course", "figure", "The course of a run appears with its second generation.", "half"),
            block("The front: gain against depth", "evolution-front", "figure", "The front appears with the first generation.", "half")),
        row(block("On the front", "evolution-members", "table", "Those whom nobody beats in everything appear here.", "wide",
                  aside="best Sharpe first"),
            block("Whom it descends from", "evolution-tree", "tree", "The tree appears with the first genome that was bred.", "narrow")),
        row(block("Runs", "evolution-runs", "table", "No run was ever begun here.", "half"),
            block("Looks at each set of bars", "evolution-looks", "table", "Every look at history is counted here, with what it was spent on.", "half")),
        block("Families", "evolution-families", "table", "Founders are written into the store at the first start."),
        row(coming("Gauntlet", "The verdict on each candidate: out-of-sample windows, costs doubled, neighbours, and its place among placebos.",
                   "Appears with the gauntlet. Until then nothing that was bred is funded.", "half"),
            coming("Real against placebo", "The same search on shuffled bars beside the real one: how much of a result luck alone explains.",
                   "Appears with the gauntlet.", "half")),
    ])  # fmt: skip


def speaks(sight: Sight, _: Asked) -> Sentence:
    """How far breeding is, and that luck is not skill."""
    if first := told(sight):
        return first
    found = evolution_of(sight.glimpse.state)
    trials = found["trials_total"]
    seen = (
        f" {trials:,} looks at these bars so far: the best of so many looks good by luck alone."
        if isinstance(trials, int) and trials
        else ""
    )
    tone = {"troubled": "watch", "silent": "watch", "off": "unknown", "unknown": "unknown"}.get(
        found["phase"], "good"
    )
    lead = {"breeding": "Breeding.", "resting": "Resting.", "waiting": "Waiting for bars.", "settling": "Waking first.",
            "off": "Not breeding.", "troubled": "Hindered.", "silent": "Silent."}.get(found["phase"], "Breeding is unknown.")  # fmt: skip
    said = str(found["sentence"]).removeprefix("Off: ")
    return Sentence(lead=lead, text=f"{said[:1].upper()}{said[1:]}{seen}", need=NOT_FUNDED, tone=tone)


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""

    def part(name: str) -> Callable[[], Any]:
        return lambda: sight.kept.get(("bred", asked.about), _KEEP_S, lambda: _read(asked, sight)).get(
            name, {}
        )

    now = piece(sight.glimpse)
    return {
        "bred-figures": lambda: {"cells": now["cells"], "aside": now["share"]} if now["cells"] else {},
        "bred": lambda: {**now["best"], "aside": now["name"]} if now["best"] else {},
        **{
            f"evolution-{name}": part(name)
            for name in ("course", "front", "tree", "members", "runs", "looks", "families")
        },
    }


def _read(asked: Asked, sight: Sight) -> dict[str, Piece]:
    with bred.opened(sight.state) as store:
        if store is None:
            return {}
        known = bred.runs(store)
        found = {
            "runs": _runs(known),
            "looks": _looks(bred.looks(store)),
            "families": _families(bred.families(store)),
        }
        wanted = [one for one in known if asked.about == f"run:{one.id}"] or known[:1]
        if not wanted:
            return found
        run = wanted[0]
        reports = bred.reports(store, run.id)
        last = reports[-1]["generation"] if reports else 0
        fronts = bred.fronts(store, run.id, sorted({int(share * last) for share in _EARLIER}))
        members = sorted(fronts.get(last, []), key=lambda one: -one.sharpe)
        best = asked.about if asked.about.startswith("bred_") else members[0].genome_id if members else ""
        return found | {
            "course": _course(run, reports),
            "front": _front(fronts, last),
            "members": _members(members, store),
            "tree": _tree(bred.ancestors(store, best)) if best else {},
        }


def _course(run: bred.Run, reports: list[dict[str, Any]]) -> Piece:
    x = [float(one["generation"]) for one in reports]

    def over(*path: str) -> list[float | None]:
        values = []
        for one in reports:
            found: Any = one
            for key in path:
                found = found.get(key) if isinstance(found, dict) else None
            values.append(figures.number(found))
        return values

    sharpe, middle, diversity = over("best", "sharpe"), over("median", "sharpe"), over("diversity")
    panels = [
        shapes.panel("", [shapes.line(x, sharpe, "accent", "best", width=2, says="best"),
                          shapes.line(x, middle, "soft", "median", says="median")], "ratio", share=0.66),
        shapes.panel("diversity: 1 when nobody is alike", [shapes.line(x, diversity, "soft", says="diversity")], "ratio", share=0.34, zero=True),
    ]  # fmt: skip
    known = [value for value in sharpe if value is not None]
    said = (
        f"The best Sharpe ratio went from {figures.plain(known[0])} to {figures.plain(known[-1])}."
        if known
        else ""
    )
    found = shapes.figure(panels, says=said, axis="number", x_title="generation")
    if found:
        found["note"] = f"Run {run.id}, {run.looks:,} genomes judged. {_LUCK}"
    return found


def _front(fronts: dict[int, list[bred.Member]], last: int) -> Piece:
    series = []
    shown = sorted(at for at, members in fronts.items() if members)
    for at in shown:
        members = fronts[at]
        texts = [
            f"{one.genome_id}: Sharpe {one.sharpe:.2f}, {-one.drawdown:.1%} deep, consistency {one.consistency:.2f}"
            for one in members
        ]
        newest = at == last
        series.append(shapes.dots([round(-one.drawdown, 5) for one in members], [round(one.sharpe, 3) for one in members],
                                  "accent" if newest else "faint", "circle" if newest else "circle-open", texts,
                                  label=f"generation {at}", size=9 if newest else 6))  # fmt: skip
    if not series:
        return {}
    found = shapes.figure([shapes.panel("Sharpe, a year", series, "ratio")], says=f"The front of generation {last} has {len(fronts.get(last, []))} members.",
                          axis="percent", x_title="deepest drawdown, at 10 % volatility")  # fmt: skip
    found["note"] = (
        f"Filled: generation {last}. Open: generations {figures.listed([str(at) for at in shown if at != last]) or 'before'}."
    )
    return found


def _members(members: list[bred.Member], store: Any) -> Piece:
    rows: list[tuple[str, list[dict[str, Any]]]] = []
    for one in members[:_MOST_MEMBERS]:
        rows.append((one.genome_id, [
            shapes.text(one.genome_id, strong=True, code=True) | {"about": one.genome_id, "page": "evolution"},
            shapes.number(figures.plain(one.sharpe), round(one.sharpe, 4)),
            shapes.number(figures.percent(-one.drawdown), round(-one.drawdown, 6)),
            shapes.number(figures.plain(one.consistency), round(one.consistency, 4)),
            shapes.number(figures.plain(-one.turnover, 0), round(-one.turnover, 2), tone="muted"),
        ]))  # fmt: skip
        if rules := _rules(one.genome_id, store):
            rows.append((f"{one.genome_id}:rules", [{**rules, "span": 5}]))
    heads = [
        shapes.head("Genome", says="pick one to see whom it descends from"), shapes.head("Sharpe", num=True, says="a year"),
        shapes.head("Drawdown", num=True, says="at 10 % volatility"),
        shapes.head("Consistency", num=True, low=True, says="share of windows with a gain"), shapes.head("Turnover", num=True, low=True, says="times capital a year"),
    ]  # fmt: skip
    return shapes.table(heads, rows, _LUCK if rows else "", most=6)


def _rules(name: str, store: Any) -> dict[str, Any] | None:
    found = bred.record(store, name)
    if found is None:
        return None
    try:
        return tables.folded(readable(found.genome()))
    except OrganismError as error:
        return tables.folded([("refused", str(error))])


def _tree(found: list[bred.Ancestor]) -> Piece:
    return {"nodes": [
        {"depth": one.depth, "name": one.genome_id, "says": f"{one.origin}, generation {one.generation}" if one.origin != "lost" else
         "not readable any more", "tone": {"founder": "good", "lost": "act"}.get(one.origin, "unknown"), "about": one.genome_id}
        for one in found
    ]} if len(found) > 0 else {}  # fmt: skip


def _runs(found: list[bred.Run]) -> Piece:
    rows = [
        (str(one.id), [
            shapes.text(f"run {one.id}", strong=True, sub=one.origin) | {"about": f"run:{one.id}", "page": "evolution", "s": one.id, "x": str(one.id)},
            shapes.moment(one.started_s * 10**9, ago=True),
            shapes.number(f"{one.generations:,}", one.generations), shapes.number(f"{one.looks:,}", one.looks),
            shapes.number(figures.span(one.ended_s - one.started_s) if one.ended_s else figures.DASH, one.ended_s and one.ended_s - one.started_s),
            shapes.tag(human(one.outcome), {"done": "good", "running": "quiet"}.get(one.outcome, "watch")),
        ])
        for one in found
    ]  # fmt: skip
    heads = [shapes.head("Run"), shapes.head("Begun"), shapes.head("Generations", num=True), shapes.head("Judged", num=True, says="genomes judged"),
             shapes.head("Took", num=True, low=True), shapes.head("Outcome", low=True)]  # fmt: skip
    return shapes.table(heads, rows, most=_MOST_LINES)


def _looks(found: list[dict[str, Any]]) -> Piece:
    rows = [
        (str(one["id"]), [
            shapes.text(figures.listed(one["instruments"][:3]) + (" …" if len(one["instruments"]) > 3 else ""), strong=True,  # noqa: PLR2004
                        title=", ".join(one["instruments"]), sub=f"{figures.span(one['bar_s'])} bars, slice {one['slice']}, set {one['id']}", wrap=True),
            shapes.moment(one["start_s"] * 10**9, year=True), shapes.moment(one["end_s"] * 10**9, year=True),
            shapes.number(f"{one['runs']:,}", one["runs"]), shapes.number(f"{one['looks']:,}", one["looks"]),
        ])
        for one in found
    ]  # fmt: skip
    heads = [shapes.head("Bars of"), shapes.head("From", low=True), shapes.head("To", low=True), shapes.head("Runs", num=True),
             shapes.head("Looks", num=True, says="genomes judged on these bars; each makes the next best one less of a wonder")]  # fmt: skip
    return shapes.table(
        heads,
        rows,
        "Looks are counted, not yet limited: how many are left appears with the gauntlet." if rows else "",
        most=_MOST_LINES,
    )


def _families(found: list[tuple[str, str, int, int]]) -> Piece:
    most = max((n for *_, n, _ in found), default=1)
    rows = [
        (f"{family}:{origin}", [shapes.text(strategy(family), strong=True) | {"x": family, "s": family}, shapes.text(human(origin)),
                                shapes.share(n / most, f"{n:,}", n), shapes.number(f"{newest:,}", newest)])
        for family, origin, n, newest in found
    ]  # fmt: skip
    heads = [
        shapes.head("Family"),
        shapes.head("Came by"),
        shapes.head("Kept", says="in the store"),
        shapes.head("Newest generation", num=True, low=True),
    ]
    return shapes.table(heads, rows)
