"""Lines over counted steps, generation by generation; and lines small enough for a cell of a table.

Each step can be pointed at and then tells its figures; nothing of it needs a script.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genome.reporting.charts import WRITTEN, missing
from genome.reporting.numbers import plain
from genome.reporting.plots import Axis, figure, value_scale
from genome.reporting.scales import HEIGHT, WIDTH, Scale, thinned

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_COLUMNS = 300
_POINTED = 200
_STOPS = 40
_MARKS = 8
_SPARK = (120, 24)
_CELLS = 40


@dataclass(frozen=True, slots=True)
class Course:
    """values float64 (n,), NaN where there is nothing; look: a class of the style sheet; area: filled down to zero."""

    values: F64
    look: str
    name: str = ""
    area: bool = False


def course_chart(
    name: str,
    title: str,
    steps: I64,
    courses: Sequence[Course],
    told: Sequence[str],
    kind: str,
    *,
    zero: bool = False,
    unit: str = "generation",
    level: tuple[float, str] | None = None,
    note: str = "",
    empty: str = "There is nothing to draw.",
) -> str:
    """Courses over the same steps.

    steps   int64 (n,), rising; where one is left out, lines are torn
    told    n texts: what each step says when it is pointed at
    kind    how values are written: a key of `genome.reporting.charts.WRITTEN`
    unit    what a step is;  level  a value that a dashed rule stands at, and its name
    """
    every = np.concatenate([course.values for course in courses])
    if not np.isfinite(every).any():
        return missing(name, title, empty)
    shown = every if level is None else np.append(every, level[0])
    if not np.nan_to_num(shown).any():
        shown = np.append(shown, 1.0)  # nothing but zeros: they lie at the foot
    scale = value_scale(shown, zero=zero)
    first, n = int(steps[0]), int(steps[-1] - steps[0]) + 1
    places = (steps - first + 0.5) / n
    drawn = [_line(course, steps, places, scale) for course in courses]
    keys = [_key(course.look, course.name) for course in courses if course.name]
    if level is not None:
        at = float(scale.place(np.array([level[0]]))[0])
        drawn.insert(0, f'<path class="line watch" d="M0 {at:.0f}H{WIDTH}"/>')
        keys.append(_key("watch", level[1]))
    inner = "".join(drawn) + _pointed(places, n, told)
    ticks = [(value, place) for value, place in scale.ticks() if 0.0 <= place <= 1.0]
    text = (
        WRITTEN["money"]
        if all(value == round(value) for value, _ in ticks) and kind == "number"
        else WRITTEN[kind]
    )
    side = Axis("", tuple((1.0 - place, text(value)) for value, place in ticks))
    return figure(
        name, "course", title, inner, Axis(unit, _marks(first, n)), side, keys="".join(keys), note=note
    )


def _key(look: str, name: str) -> str:
    return f'<span class="key"><i class="{look}"></i>{escape(name)}</span>'


def _marks(first: int, n: int) -> tuple[tuple[float, str], ...]:
    """Round steps along the foot, the first one always."""
    stride = next(m * 10**p for p in range(18) for m in (1, 2, 5) if n <= m * 10**p * _MARKS)
    start = -(-first // stride) * stride
    return tuple(((step - first + 0.5) / n, f"{step:,}") for step in range(start, first + n, stride))


def _line(course: Course, steps: I64, places: F64, scale: Scale) -> str:
    rows = thinned(course.values, _COLUMNS)
    if not rows.size:
        return ""
    x = np.rint(places[rows] * WIDTH).astype(int)
    y = np.rint(scale.place(course.values[rows])).astype(int)
    # A line is torn where a step is missing, or has no value: not where it was only thinned.
    holes = np.cumsum(~np.isfinite(course.values) | (np.diff(steps, prepend=steps[0]) > 1))
    torn = np.diff(holes[rows], prepend=-1) > 0
    path = "".join(f"{'M' if t else 'L'}{a} {b}" for a, b, t in zip(x, y, torn, strict=True))
    area = ""
    if course.area:
        base = int(np.clip(np.rint(scale.place(np.zeros(1))[0]), 0, HEIGHT))
        edges = [*np.flatnonzero(torn).tolist(), rows.size]
        shapes = "".join(
            f"M{x[a]} {base}" + "".join(f"L{x[i]} {y[i]}" for i in range(a, b)) + f"V{base}Z"
            for a, b in pairwise(edges)
        )
        area = f'<path class="area {course.look}" d="{shapes}"/>'
    dots = "".join(f"M{a} {b}h.1" for a, b in zip(x, y, strict=True)) if rows.size <= _STOPS else ""
    stops = f'<path class="point {course.look}" d="{dots}"/>' if dots else ""
    return f'{area}<path class="line {course.look}" d="{path}"/>{stops}'


def _pointed(places: F64, n: int, told: Sequence[str]) -> str:
    """Columns that say what is in them: of many steps an even choice."""
    shown = np.arange(len(told))
    if shown.size > _POINTED:
        shown = np.unique(np.linspace(0, shown.size - 1, _POINTED).astype(int))
    wide = WIDTH * max(1.0 / n, 1.0 / _POINTED)
    return "".join(
        f'<rect class="column" x="{places[i] * WIDTH - wide / 2:.0f}" width="{wide:.0f}" y="0" height="{HEIGHT}">'
        f"<title>{escape(told[i])}</title></rect>"
        for i in shown.tolist()
    )


def spark(values: F64, highest: float, told: str) -> str:
    """A cell of a table: values (n,) from 0 to `highest` as a filled line; of many values means of stretches."""
    means = stretched(values)
    wide, tall = _SPARK
    known = np.flatnonzero(np.isfinite(means))
    if not known.size or not highest > 0.0:
        return '<td class="spark"></td>'
    places = np.linspace(0.0, wide, means.size) if means.size > 1 else np.array([0.0])
    y = (tall - 1) * (1.0 - np.clip(means[known] / highest, 0.0, 1.0)) + 0.5
    x = places[known]
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)]
    if known.size == 1:  # one value is a level
        points = [f"0 {y[0]:.1f}", f"{wide} {y[0]:.1f}"]
        x = np.array([0.0, float(wide)])
    line = "L".join(points)
    return (
        f'<td class="spark"><svg role="img" aria-label="{escape(told)}" viewBox="0 0 {wide} {tall}" '
        f'preserveAspectRatio="none"><title>{escape(told)}</title>'
        f'<path class="area" d="M{x[0]:.1f} {tall}L{line}V{tall}Z"/><path class="line" d="M{line}"/></svg></td>'
    )


def stretched(values: F64, most: int = _CELLS) -> F64:
    """Means of at most so many stretches, of what is known in each.

    >>> stretched(np.array([1.0, np.nan, 3.0, 5.0]), 2).tolist()
    [1.0, 4.0]
    """
    parts = np.array_split(np.asarray(values, np.float64), min(most, max(len(values), 1)))
    return np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in parts])


def ratio(part: float, whole: float) -> float:
    """NaN where there is nothing to divide by."""
    return part / whole if whole else float("nan")


def times(value: float) -> str:
    """A factor.

    >>> times(1.25), times(float("nan"))
    ('×1.25', '–')
    """
    text = plain(value, 2)
    return f"×{text}" if np.isfinite(value) else text
