"""What is opened on the page of reports: at most two reports or strategies, A and B, each with what is known of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboard import figures, tables
from dashboard.glimpse import Row
from dashboard.pages import measures
from dashboard.pages.shared import listed, strategy
from dashboard.shelf import Apart, bred_figures, checked
from dashboard.sight import Sight
from organism.errors import BadInput
from organism.reports import Report

LETTERS: Final = ("A", "B")
KINDS: Final = {
    "backtest": "backtest",
    "evolve": "evolution",
    "walk-forward": "walk-forward",
    "optimize": "search",
    "body": "living",
}
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One of the two.

    ref      how the address names it
    kind     of its report, "body" for one that lives
    says     (label, text) of what it does; empty where it was not told
    report   it is of; None for one that lives
    whole    whether it is the report itself, not one of its genomes
    daily    the report whose daily returns are its own, None where nobody kept them, with the reason in `why`
    """

    ref: str
    kind: str
    title: str
    figures: measures.Figures
    says: Sequence[tuple[str, str]] = ()
    report: Report | None = None
    whole: bool = False
    daily: Report | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """subjects: what could be opened; troubles: why the rest could not; apart: of two, the first less the second."""

    subjects: tuple[Subject, ...] = ()
    troubles: tuple[str, ...] = ()
    apart: Apart | None = None

    @property
    def pair(self) -> list[str]:
        """References of what is open."""
        return [one.ref for one in self.subjects]


def opened(pair: Sequence[str], sight: Sight) -> Opened:
    """What an address names."""
    subjects, troubles = [], []
    for ref in pair:
        try:
            subjects.append(_subject(ref, sight))
        except BadInput as error:
            troubles.append(str(error))
    return Opened(tuple(subjects), tuple(troubles), _apart(subjects, sight))


def _apart(subjects: Sequence[Subject], sight: Sight) -> Apart | None:
    if len(subjects) < 2:  # noqa: PLR2004 - a difference is of two
        return None
    first, second = subjects
    if first.daily is None or second.daily is None:
        letter, lacking = ("A", first) if first.daily is None else ("B", second)
        return Apart(0, None, f"the daily returns of {letter} were not kept: {lacking.why}")
    return sight.shelf.apart(first.daily, second.daily)


def _subject(ref: str, sight: Sight) -> Subject:
    name, genome = checked(ref)
    if name == "body":
        return _living(ref, genome, sight)
    report = sight.shelf.read(sight.state, name)
    if not genome:
        says = report.genomes[0].says if report.genomes else ()
        daily = report if report.days else None
        return Subject(ref=ref, kind=report.kind, title=report.title, figures=report.figures, says=says, report=report, whole=True,
                       daily=daily, why="" if daily else "the run had none")  # fmt: skip
    for nth, one in enumerate(report.genomes):
        if one.id == genome:
            best = nth == 0 and bool(report.days)
            found = bred_figures(one) | {
                name: report.figures.get(name) for name in ("trials_total",) if name in report.figures
            }
            return Subject(ref=ref, kind=report.kind, title=genome, figures=found, says=one.says, report=report,
                           daily=report if best else None, why="a report keeps those of its best genome alone")  # fmt: skip
    raise BadInput(f"{name} does not tell of a genome {genome[:80]!r}.")


def _living(ref: str, genome: str, sight: Sight) -> Subject:
    rows, earned = living(sight)
    row = next((one for one in rows if one["genome_id"] == genome), None)
    if row is None:
        raise BadInput(f"no strategy {genome[:80]!r} lives in the body now.")
    found = tables.rules_of(row) or {"rules": [], "more": []}
    says = dict([*map(tuple, found["rules"]), *map(tuple, found["more"])])
    return Subject(ref=ref, kind="body", title=strategy(row.get("family")), figures=lived(row, earned), says=tuple(says.items()),
                   why="the body keeps equity of all its strategies together")  # fmt: skip


def living(sight: Sight) -> tuple[list[Row], dict[str, tuple[float, float]]]:
    """Strategies of the body, and by genome what closed trades brought it: (trades, result after fees)."""
    earned: dict[str, tuple[float, float]] = {}
    for trade in sight.over(0).trades():
        names = [str(name) for name in listed(trade.get("genome_ids"))]
        for name in names:
            n, pnl = earned.get(name, (0.0, 0.0))
            share = 1.0 / len(names)
            earned[name] = n + share, pnl + share * (figures.number(trade.get("pnl")) or 0.0)
    return sight.glimpse.rows("strategies"), earned


def lived(row: Row, earned: dict[str, tuple[float, float]]) -> dict[str, float | None]:
    """What is known of a strategy that lives."""
    n, pnl = earned.get(str(row["genome_id"]), (0.0, 0.0))
    return {"weight": figures.number(row.get("weight")), "n_trades": n, "pnl": pnl if n else None}


def day(number: int) -> str:
    """A day since 1970 as a date, UTC.

    >>> day(19_723)
    '2024-01-01'
    """
    return time.strftime("%Y-%m-%d", time.gmtime(number * _DAY_S)) if abs(number) < 10**6 else figures.DASH
