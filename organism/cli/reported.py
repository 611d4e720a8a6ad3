"""What a run leaves in `STATE/reports` for the page: made of what `--json` tells, and of its daily returns."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from genome.breeding.objectives import NAMES
from genome.documents import readable
from genome.evolution.judge import Local
from genome.evolution_report.story import story_of
from genome.evolve import Evolved
from organism import __version__, reports
from organism.errors import OrganismError

_ROOT: Final = Path(__file__).resolve().parents[2]
_MOST_GENOMES, _MOST_GENERATIONS, _MOST_MEMBERS = 24, 600, 200
_LARGE: Final = frozenset({"front", "history", "equity", "windows", "top", "warnings", "stability"})
"""Parts of `--json` that are no answer to what was asked."""


def keep(state: Path, kind: str, made: Callable[[], Mapping[str, Any]]) -> str:
    """Write a report; its id. What hinders it is told on standard error, and breaks nothing."""
    try:
        told = {"version": __version__, "commit": commit(_ROOT), **made()}
        return reports.write(state, kind, int(time.time()), told)
    except (OrganismError, OSError) as error:
        why = str(error)
    except KeyboardInterrupt:  # what was found is still to be printed
        why = "it was interrupted."
    print(f"organism: no report was kept for the page: {why}", file=sys.stderr)
    return ""


def content(
    title: str,
    document: Mapping[str, Any],
    figures: Mapping[str, Any],
    daily: tuple[Any, Any],
    days_per_year: float,
) -> dict[str, Any]:
    """Fields of a report that all kinds share. daily: days since 1970, and returns."""
    days, returns = daily
    return {
        "title": title[:400],
        "asked": {name: value for name, value in document.items() if name not in _LARGE | figures.keys()},
        "figures": {name: _number(value) for name, value in figures.items()},
        "warnings": [str(one)[:2_000] for one in document.get("warnings", [])][:100],
        "days_per_year": float(days_per_year),
        "days": [int(day) for day in days],
        "returns": [max(-1.0, float(value)) for value in returns],
    }


def named(document: Mapping[str, Any], symbols: Sequence[str]) -> str:
    """What was run on what."""
    where = symbols[0] if len(symbols) == 1 else f"{len(symbols)} assets"
    return f"{document.get('strategy', 'evolve')} on {where}"


def bred(found: Evolved, document: Mapping[str, Any], judge: Local, store: Path) -> dict[str, Any]:
    """Fields of a report of evolution: its course, fronts of some generations, the best genomes, the best one's returns."""
    front, last = found.front, found.reports[-1] if found.reports else None
    daily: tuple[Any, Any] = ((), ())
    if front:
        best = int(found.state.hall.worth.values[:, 0].argmax())
        scores = judge(found.state.hall.flock.take(_one(best)))
        daily = scores.days, scores.returns[0]
    figures = {
        **{name: document.get(name) for name in _FIGURES},
        "sharpe": front[0].objectives[0] if front else None,
        "n_trades": front[0].trades if front else None,
        "front": len(front),
        "hypervolume": None if last is None else last.hypervolume,
        "diversity": None if last is None else last.diversity,
    }
    symbols = [one.symbol for one in judge.cut]
    shared = content(named({}, symbols), document, figures, daily, judge.cut[0].asset_class.days_per_year)
    shared["asked"] |= {"symbols": symbols[:200], "capital": judge.capital, "slice": judge.slice}
    story = story_of(found, store)
    fronts = {at: [(-row[2], row[0]) for row in values.tolist()] for at, values in story.fronts.items()}
    fronts[found.state.generation] = [(-one.objectives[2], one.objectives[0]) for one in front]
    return shared | {
        "genomes": [
            {
                "id": one.genome.genome_id,
                "says": [(label, text[:20_000]) for label, text in readable(one.genome)],
                "objectives": {name: _number(x) for name, x in zip(NAMES, one.objectives, strict=True)},
                "trades": _number(one.trades),
            }
            for one in front[:_MOST_GENOMES]
        ],
        "generations": [_generation(one) for one in thinned(story.history, _MOST_GENERATIONS)],
        "fronts": [
            {"generation": at, "members": [pair for pair in members if all(map(math.isfinite, pair))][:_MOST_MEMBERS]}
            for at, members in sorted(fronts.items())
        ],
    }  # fmt: skip


_FIGURES: Final = (
    "generations", "population", "islands", "evaluated", "distinct", "evaluations_per_s", "seconds", "trials_new", "trials_total",
    "trials_distinct_behaviour",
)  # fmt: skip


def _one(nth: int) -> Any:
    import numpy as np

    return np.array([nth])


def _generation(told: Mapping[str, Any]) -> dict[str, Any]:
    best, median = told.get("best") or {}, told.get("median") or {}
    return {
        "generation": int(told["generation"]),
        "sharpe": _number(best.get("sharpe")),
        "median": _number(median.get("sharpe")),
        **{name: _number(told.get(name)) for name in ("front", "hypervolume", "diversity", "evaluated")},
    }


def thinned(rows: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the rows, evenly, the first and the last among them.

    >>> thinned(range(10), 4)
    [0, 3, 6, 9]
    """
    if len(rows) <= most:
        return list(rows)
    return [rows[round(nth * (len(rows) - 1) / (most - 1))] for nth in range(most)]


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def numbers(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those of the names that a document has."""
    return {name: document[name] for name in names if name in document}


def commit(root: Path) -> str:
    """Which commit a checkout stands at, "" where that is not known; no program is run for it."""
    try:
        told = (root / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        if not told.startswith("ref: "):
            return told[:40]
        where = root / ".git" / told.removeprefix("ref: ")
        if where.is_file():
            return where.read_text(encoding="utf-8").strip()[:40]
        packed = (root / ".git" / "packed-refs").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line[:40] for line in packed if line.endswith(f" {told.removeprefix('ref: ')}")), "")
