"""Pictures without a time axis: fields of colour, clouds of points, pairs of bars, and paths over windows.

They stretch with the page like the charts of `genome.reporting.charts`; text keeps its size because it stands beside them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from genome.reporting.charts import missing
from genome.reporting.scales import HEIGHT, WIDTH, Scale, scale_of

F64 = NDArray[np.float64]
_POINTS_DRAWN = 4_000
_FAINTEST = 0.05
_AIR = 0.05


@dataclass(frozen=True, slots=True)
class Axis:
    """Marks along a side: (place from 0 to 1, text); a text may be empty."""

    title: str
    marks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of a heat map. depth from −1 (loss) over 0 (paper) to 1 (gain), None for no value; told on hover."""

    depth: float | None
    told: str


def _axes(x: Axis, y: Axis) -> tuple[str, str]:
    ups = "".join(
        f'<span style="top:{100 * (1 - at):.2f}%"><b>{escape(text)}</b></span>' for at, text in y.marks
    )
    along = "".join(f'<span style="left:{100 * at:.2f}%">{escape(text)}</span>' for at, text in x.marks)
    return f'<div class="ys">{ups}</div>', f'<div class="xs middle">{along}</div>'


def figure(
    name: str, look: str, title: str, inner: str, x: Axis, y: Axis, keys: str = "", note: str = ""
) -> str:
    """Frame a drawing: title, keys, marks beside it and below it, and a note."""
    rules, along = _axes(x, y)
    foot = f'<p class="note">{escape(note)}</p>' if note else ""
    above = f'<p class="axis">{escape(y.title)} ↑</p>' if y.title else ""
    below = f'<p class="axis end">{escape(x.title)} →</p>' if x.title else ""
    return (
        f'<figure class="chart {look}" id="{name}"><figcaption><h3>{escape(title)}</h3>{keys}</figcaption>{above}'
        f'<div class="plot">{rules}<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none">{inner}</svg></div>{along}{below}{foot}</figure>'
    )


def heat_map(
    name: str,
    title: str,
    cells: Sequence[Sequence[Cell | None]],
    axes: tuple[Axis, Axis],
    best: tuple[int, int] | None,
    ends: tuple[str, str],
    note: str = "",
) -> str:
    """Fields of colour: cells[row][column], the first row at the foot; None is a field nobody looked at.

    best   row and column that are marked;  ends   what the faintest, or deepest loss, and the deepest gain stand for
    """
    rows, across = len(cells), len(cells[0]) if cells else 0
    if not rows or not across or not any(cell for row in cells for cell in row):
        return missing(name, title, "There is nothing to draw.")
    wide, tall = WIDTH / across, HEIGHT / rows
    drawn = []
    for r, row in enumerate(cells):
        for c, cell in enumerate(row):
            if cell is None:
                continue
            look = "none" if cell.depth is None else "gain" if cell.depth >= 0 else "loss"
            opacity = _FAINTEST + (1.0 - _FAINTEST) * min(abs(cell.depth or 0.0), 1.0)
            drawn.append(
                f'<rect class="cell {look}" fill-opacity="{opacity:.2f}" x="{wide * c:.0f}" y="{HEIGHT - tall * (r + 1):.0f}" '
                f'width="{wide:.0f}" height="{tall:.0f}"><title>{escape(cell.told)}</title></rect>'
            )
    if best is not None:
        x, y = wide * (best[1] + 0.5), HEIGHT - tall * (best[0] + 0.5)
        drawn.append(
            f'<path class="ring" d="M{x:.0f} {y:.0f}h.1"/><path class="core" d="M{x:.0f} {y:.0f}h.1"/>'
        )
    depths = [cell.depth for row in cells for cell in row if cell is not None]
    known = [depth for depth in depths if depth is not None]
    down, up = any(depth < 0 for depth in known), any(depth > 0 for depth in known)
    kind = " two" if down and up else " down" if down else ""
    ramp = f'<span class="key">{escape(ends[0])}<i class="ramp{kind}"></i>{escape(ends[1])}</span>'
    keys = ramp if known else ""
    keys += '<span class="key"><i class="box none"></i>too few trades</span>' if None in depths else ""
    keys += '<span class="key"><i class="mark"></i>best</span>' if best is not None else ""
    return figure(name, "field", title, "".join(drawn), *axes, keys=keys, note=note)


def scatter(
    name: str,
    title: str,
    points: tuple[F64, F64],
    x: Axis,
    texts: tuple[tuple[float, str], ...],
    scale: Scale,
    best: int | None,
    *,
    line: F64 | None = None,
    note: str = "",
    keys: str = "",
) -> str:
    """A cloud: places along (n,) from 0 to 1, and values (n,) on a scale; NaN is not drawn.

    texts   (place from the top, text) of the rules;  line  values (n,) of a step line through the same places
    """
    along, values = points
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return missing(name, title, "There is nothing to draw.")
    shown = known
    if known.size > _POINTS_DRAWN:  # the best and an even choice of the others
        shown = known[np.linspace(0, known.size - 1, _POINTS_DRAWN).astype(int)]
    px, py = np.rint(along * WIDTH).astype(int), scale.place(np.where(np.isfinite(values), values, 0.0))
    dots = "".join(f"M{px[i]} {py[i]:.0f}h.1" for i in shown)
    inner = f'<path class="cloud" d="{dots}"/>'
    if line is not None:
        steps = scale.place(line)
        kept = [i for i in range(line.size) if np.isfinite(line[i]) and (i == 0 or line[i] != line[i - 1])]
        if kept:
            path = f"M{px[kept[0]]} {steps[kept[0]]:.0f}" + "".join(
                f"H{px[i]}V{steps[i]:.0f}" for i in kept[1:]
            )
            inner += f'<path class="line" d="{path}H{WIDTH}"/>'
    if best is not None:
        inner += f'<path class="ring" d="M{px[best]} {py[best]:.0f}h.1"/><path class="core" d="M{px[best]} {py[best]:.0f}h.1"/>'
    y = Axis("", tuple((1.0 - place, text) for place, text in texts))
    return figure(name, "cloudy", title, inner, x, y, keys=keys, note=note)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bars side by side: in and out of sample."""

    inside: float
    outside: float
    label: str
    told: str


def pair_chart(
    name: str,
    title: str,
    pairs: Sequence[Pair],
    texts: Sequence[tuple[float, str]],
    scale: Scale,
    note: str = "",
) -> str:
    """Pairs of bars from zero, in sample hollow, out of sample full."""
    wide, zero = WIDTH / len(pairs), float(scale.place(np.zeros(1))[0])
    drawn = []
    for i, pair in enumerate(pairs):
        for value, start, look in (
            (pair.inside, 0.1, "hollow"),
            (pair.outside, 0.5, "gain" if pair.outside > 0 else "loss"),
        ):
            if not np.isfinite(value):
                continue
            top = float(scale.place(np.array([value]))[0])
            drawn.append(
                f'<rect class="{look}" x="{wide * (i + start):.0f}" width="{wide * 0.4:.0f}" y="{min(top, zero):.0f}" '
                f'height="{max(abs(zero - top), 20):.0f}"><title>{escape(pair.told)}</title></rect>'
            )
    along = Axis("", tuple(((i + 0.5) / len(pairs), pair.label) for i, pair in enumerate(pairs)))
    y = Axis("", tuple((1.0 - place, text) for place, text in texts))
    keys = (
        '<span class="key"><i class="box hollow"></i>in sample</span>'
        '<span class="key"><i class="box gain"></i><i class="box loss"></i>out of sample, gain or loss</span>'
    )
    return figure(name, "pairs", title, "".join(drawn), along, y, keys=keys, note=note)


def padded(units: F64) -> F64:
    """Places with some air at both ends, so that a mark on a bound is whole."""
    return _AIR + (1.0 - 2.0 * _AIR) * units


def path_chart(
    name: str,
    title: str,
    units: F64,
    near: float,
    told: Sequence[str],
    axes: tuple[Axis, Axis],
    said: str,
) -> str:
    """A parameter over windows: units (n,) from 0 (its lower bound) to 1; the band is what counts as staying near."""
    n = units.size
    x = (np.arange(n) + 0.5) / n * WIDTH
    y = HEIGHT * (1.0 - padded(units))
    middle = float(np.median(units))
    edges = padded(np.clip([middle + near, middle - near], 0.0, 1.0))
    top, bottom = (HEIGHT * (1.0 - edges)).tolist()
    inner = f'<rect class="band" x="0" width="{WIDTH}" y="{top:.0f}" height="{bottom - top:.0f}"/>'
    path = "M" + "L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    inner += f'<path class="line" d="{path}"/>'
    for i in range(n):
        look = "near" if abs(float(units[i]) - middle) <= near + 1e-9 else "far"
        inner += (
            f'<path class="stop {look}" d="M{x[i]:.0f} {y[i]:.0f}h.1"><title>{escape(told[i])}</title></path>'
        )
    keys = f'<span class="key">{escape(said)}</span>'
    marks = tuple((float(padded(np.array([at]))[0]), text) for at, text in axes[1].marks)
    return figure(name, "paths", title, inner, axes[0], Axis(axes[1].title, marks), keys=keys)


@dataclass(frozen=True, slots=True)
class Dot:
    """A point by itself: values along and up, its width in pixels, and what is said on hover."""

    x: float
    y: float
    width: float
    told: str


def dot_chart(
    name: str,
    title: str,
    dots: Sequence[Dot],
    before: Sequence[tuple[str, F64, F64]],
    scales: tuple[Scale, Scale],
    axes: tuple[Axis, Axis],
    *,
    level: float | None = None,
    keys: str = "",
    note: str = "",
) -> str:
    """Points by two values; the first one is marked.

    before   fainter points below them: (class of the style sheet, values along (n,), values up (n,)); those beyond a scale
             lie on its edge
    scales   along and up;  level  a value up that a dashed rule stands at
    """
    along, up = scales

    def placed(x: F64, y: F64) -> list[tuple[int, int]]:
        px = WIDTH * (1.0 - along.place(np.clip(x, along.low, along.high)) / HEIGHT)
        py = up.place(np.clip(y, up.low, up.high))
        return list(zip(np.rint(px).astype(int).tolist(), np.rint(py).astype(int).tolist(), strict=True))

    drawn = []
    if level is not None and up.low <= level <= up.high:
        drawn.append(f'<path class="line watch" d="M0 {up.place(np.array([level]))[0]:.0f}H{WIDTH}"/>')
    for look, x, y in before:
        known = np.isfinite(x) & np.isfinite(y)
        steps = "".join(f"M{a} {b}h.1" for a, b in placed(x[known], y[known]))
        drawn.append(f'<path class="cloud {look}" d="{steps}"/>' if steps else "")
    at = placed(np.array([dot.x for dot in dots]), np.array([dot.y for dot in dots]))
    for i, (dot, (a, b)) in reversed(list(enumerate(zip(dots, at, strict=True)))):
        ring = f'<path class="ring" d="M{a} {b}h.1"/>' if i == 0 else ""
        drawn.append(
            f'{ring}<path class="dot one{" best" if i == 0 else ""}" style="--dot:{dot.width:.1f}px" d="M{a} {b}h.1">'
            f"<title>{escape(dot.told)}</title></path>"
        )
    return figure(name, "dots", title, "".join(drawn), *axes, keys=keys, note=note)


def along_axis(scale: Scale, title: str, text: Callable[[float], str], most: int = 6) -> Axis:
    """Marks of a scale that lies along the foot, or, with its places, stands at the side."""
    marks = tuple((1.0 - place, text(value)) for value, place in scale.ticks(most) if 0.0 <= place <= 1.0)
    return Axis(title, marks)


def value_scale(values: F64, *, zero: bool = False) -> Scale:
    """A scale around the finite values."""
    known = values[np.isfinite(values)]
    return scale_of(float(known.min()), float(known.max()), zero=zero) if known.size else scale_of(0.0, 1.0)
