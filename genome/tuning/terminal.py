"""A search and a walk as tables for a terminal."""

from collections.abc import Sequence

from genome.reporting.numbers import percent, plain
from genome.tuning.documents import default_row
from genome.tuning.metric import valid
from genome.tuning.search import Search
from genome.tuning.walk_forward import Step, Walk
from genome.tuning.words import median_text, metric_name, variation_text, written

_TOP = 10


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first left, the others right."""
    every = [head, *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    ]


def search_lines(found: Search) -> list[str]:
    """The best ten points and what was given."""
    name = found.metric.name
    head = ("", *found.space.names, metric_name(name), "return", "drawdown", "trades")
    order = [i for i in found.ranked(_TOP) if valid(found.scores)[i]] or [found.best]
    rows = [_point(f"{rank}", found, i) for rank, i in enumerate(order, 1)]
    default = default_row(found)
    if default is not None and default != found.best:
        rows.append(_point("as given", found, default))
    return columns(head, rows)


def _point(label: str, found: Search, i: int) -> tuple[str, ...]:
    f = found.figures
    return (
        label,
        *found.space.told(found.points[i]).values(),
        written(found.metric.name, float(found.values[i])),
        percent(float(f["total_return"][i]), 1, signed=True),
        percent(float(f["max_drawdown"][i]), 1),
        plain(float(f["n_trades"][i]), 0),
    )


def walk_lines(walk: Walk) -> list[str]:
    """One line a window."""
    name = walk.metric.name
    shown = ("sharpe",) if name == "sharpe" else (name, "sharpe")
    heads = [f"{metric_name(one)} {where}" for one in shown for where in ("in", "out")]
    head = ("tested from", *heads, "return out", "trades", *walk.space.names)
    return columns(head, [_step(step, walk, shown) for step in walk.steps])


def _step(step: Step, walk: Walk, shown: Sequence[str]) -> tuple[str, ...]:
    pairs = [written(one, part[one]) for one in shown for part in (step.inside, step.outside)]
    return (
        str(step.days[0].astype("datetime64[D]")),
        *pairs,
        percent(step.outside["total_return"], 1, signed=True),
        plain(step.outside["n_trades"], 0),
        *walk.space.told(step.point).values(),
    )


def stability_lines(walk: Walk) -> list[str]:
    """One line a parameter."""
    rows = [
        (s.name, median_text(s, p), variation_text(s.variation), percent(s.near, 0))
        for s, p in zip(walk.stability, walk.space.parameters, strict=True)
    ]  # fmt: skip
    return columns(("parameter", "median", "variation", "windows near it"), rows)


def stitched_lines(walk: Walk) -> list[str]:
    """All of it that was out of sample, in two lines of four."""
    f = walk.figures
    pairs = (
        ("return", percent(f["total_return"], 1, signed=True)),
        ("a year", percent(f["cagr"], 1, signed=True)),
        ("Sharpe", plain(f["sharpe"], 2, signed=True)),
        ("Sortino", plain(f["sortino"], 2, signed=True)),
        ("drawdown", percent(f["max_drawdown"], 1)),
        ("trades", plain(f["n_trades"], 0)),
        ("won", f"{walk.won} of {len(walk.steps)} windows"),
        ("efficiency", plain(walk.efficiency, 2)),
    )
    return ["   ".join(f"{name} {value}" for name, value in pairs[i : i + 4]) for i in (0, 4)]
