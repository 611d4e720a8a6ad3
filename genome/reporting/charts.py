"""Charts as SVG that scales with the page: lines stretch, while text and line widths keep their size.

Drawings are whole without any script. The script of the page adds a crosshair and zoom; for that each time chart
carries its values, thinned, beside its drawing.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from genome.reporting import numbers
from genome.reporting.scales import HEIGHT, WIDTH, Scale, scale_of, thinned, time_ticks

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_COLUMNS = 1_400
_READ_COLUMNS = 700
_HOLE_BARS = 25
_TRADES_DRAWN = 3_000
WRITTEN: dict[str, Callable[[float], str]] = {
    "money": lambda v: numbers.plain(v, 0),
    "percent": lambda v: numbers.percent(v, 0 if abs(v) >= 0.1 or v == 0 else 1),  # noqa: PLR2004
    "price": numbers.price,
    "number": lambda v: numbers.plain(v, 1),
}
"""How a value of each kind is written; the page's script knows the same kinds."""


@dataclass(frozen=True, slots=True)
class Line:
    """values float64 (T,), NaN where there is nothing; look: a class of the style sheet; area: filled down to zero."""

    values: F64
    look: str
    name: str = ""
    area: bool = False
    columns: int = _COLUMNS


@dataclass(frozen=True, slots=True)
class Clock:
    """The common time axis of the page. at_s: int64 (T,) instants of the values; a step beyond `hole_s` breaks a line."""

    start_s: float
    end_s: float
    bar_s: int

    def place(self, at_s: F64 | I64) -> F64:
        """Where instants stand, 0 to WIDTH."""
        found: F64 = (at_s.astype(np.float64) - self.start_s) / (self.end_s - self.start_s) * WIDTH
        return found


def time_chart(
    name: str,
    title: str,
    lines: Sequence[Line],
    at_s: I64,
    clock: Clock,
    kind: str,
    *,
    note: str = "",
    zero: bool = False,
    log: bool = False,
    tall: bool = False,
    marks: Callable[[Scale], str] | None = None,
) -> str:
    """A figure with time along its foot. The first line is the one read out under the crosshair."""
    every = np.concatenate([line.values[np.isfinite(line.values)] for line in lines])
    if not every.size:
        return missing(name, title, "There is too little to draw.")
    low, high = float(every.min()), float(every.max())
    scales = {"lin": scale_of(low, high, zero=zero)}
    if log and low > 0.0:
        scales["log"] = scale_of(low, high, log=True)
    layers, rules = [], []
    for which, scale in scales.items():
        drawn = "".join(_drawn(line, at_s, clock, scale) for line in lines)
        layers.append(f'<g class="{which}">{drawn}{marks(scale) if marks else ""}</g>')
        rules.append(f'<div class="ys {which}">{_rules(scale, kind)}</div>')
    switch = (
        f'<label class="switch"><input type="checkbox" id="{name}-log"> log scale</label>'
        if "log" in scales
        else ""
    )
    hours = "".join(
        f'<span style="left:{100 * place:.2f}%">{escape(text)}</span>'
        for place, text in time_ticks(clock.start_s, clock.end_s)
    )
    told = "".join(
        f'<span class="key"><i class="{line.look}"></i>{escape(line.name)}</span>'
        for line in lines
        if line.name
    )
    return (
        f'<figure class="chart time{" tall" if tall else ""}" id="{name}" data-kind="{kind}">'
        f'<figcaption><h3>{escape(title)}</h3>{told}<output class="now"></output>{switch}</figcaption>'
        f'<div class="plot">{"".join(rules)}<svg role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">{"".join(layers)}</svg></div>'
        f'<div class="xs">{hours}</div>{_note(note)}'
        f'<script type="application/json">{_values(lines[0], at_s, clock, scales)}</script></figure>'
    )


def missing(name: str, title: str, why: str) -> str:
    """A figure that says why it is empty."""
    return (
        f'<figure class="chart" id="{name}"><figcaption><h3>{escape(title)}</h3></figcaption>'
        f'<p class="empty">{escape(why)}</p></figure>'
    )


def _note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>' if note else ""


def _rules(scale: Scale, kind: str) -> str:
    ticks = [(value, place) for value, place in scale.ticks() if 0.0 <= place <= 1.0]
    whole = all(value == round(value) for value, _ in ticks)
    written = WRITTEN["money"] if whole and kind in {"price", "number"} else WRITTEN[kind]
    return "".join(
        f'<span style="top:{100 * place:.2f}%"{" class=zero" if value == 0 else ""}><b>{written(value)}</b></span>'
        for value, place in ticks
    )


def _drawn(line: Line, at_s: I64, clock: Clock, scale: Scale) -> str:
    rows = thinned(line.values, line.columns)
    if not rows.size:
        return ""
    x = np.rint(clock.place(at_s[rows])).astype(np.int64)
    y = np.rint(scale.place(line.values[rows])).astype(np.int64)
    # Breaks are looked for in the values themselves: a thinned line has long steps everywhere.
    far = np.concatenate(([0], np.cumsum(np.diff(at_s) > _HOLE_BARS * max(clock.bar_s, 1))))
    torn = np.concatenate(([True], np.diff(far[rows]) > 0))
    path = _path(x, y, torn)
    area = ""
    if line.area:
        base = int(np.clip(np.rint(scale.place(np.zeros(1))[0]), 0, HEIGHT))
        whole = np.zeros(x.size, np.bool_)
        whole[0] = True
        filled = f"M{x[0]} {base}L{x[0]} {y[0]}{_path(x, y, whole)[len(f'M{x[0]} {y[0]}') :]}V{base}Z"
        area = f'<path class="area {line.look}" d="{filled}"/>'
    return f'{area}<path class="line {line.look}" d="{path}"/>'


def _path(x: I64, y: I64, torn: NDArray[np.bool_]) -> str:
    """Relative steps: a third of the length of absolute ones."""
    dx, dy = np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist()
    parts = []
    for i, breaks in enumerate(torn.tolist()):
        parts.append(f"M{x[i]} {y[i]}" if breaks else f"l{dx[i]} {dy[i]}")
    return "".join(parts).replace(" -", "-")


def _values(line: Line, at_s: I64, clock: Clock, scales: dict[str, Scale]) -> str:
    """What the script reads: of each stretch its last value, lowest and highest."""
    known = np.flatnonzero(np.isfinite(line.values))
    edges = np.unique(np.linspace(0, known.size, min(known.size, _READ_COLUMNS) + 1).astype(np.int64))[:-1]
    kept = line.values[known]
    ends = np.append(edges[1:], known.size) - 1
    data = {
        "span": [clock.start_s, clock.end_s],
        "scales": {which: [scale.low, scale.high] for which, scale in scales.items()},
        "at": at_s[known[ends]].tolist(),
        "value": _short(kept[ends]),
        "low": _short(np.minimum.reduceat(kept, edges)),
        "high": _short(np.maximum.reduceat(kept, edges)),
    }
    return json.dumps(data, separators=(",", ":"))


def _short(values: F64) -> list[float]:
    return [float(f"{v:.6g}") for v in values.tolist()]


def trade_marks(
    sides: I64, entry: tuple[F64, F64], leave: tuple[F64, F64], pnl: F64, clock: Clock
) -> Callable[[Scale], str]:
    """Each trade from entry to exit: (instants, prices). Round marks are long, square ones short; losses are dashed."""
    shown = np.sort(np.argsort(-np.abs(pnl), kind="stable")[:_TRADES_DRAWN])

    def drawn(scale: Scale) -> str:
        x0, x1 = (np.rint(clock.place(part[0][shown])).astype(np.int64) for part in (entry, leave))
        y0, y1 = (np.rint(scale.place(part[1][shown])).astype(np.int64) for part in (entry, leave))
        found = []
        for side, look in ((1, "long"), (-1, "short")):
            for gained, name in ((True, "gain"), (False, "loss")):
                rows = np.flatnonzero((sides[shown] == side) & ((pnl[shown] > 0) == gained))
                steps = "".join(f"M{x0[i]} {y0[i]}L{x1[i]} {y1[i]}" for i in rows)
                # A line of no length with a round or square end is a mark that the page cannot stretch.
                dots = "".join(f"M{x0[i]} {y0[i]}h.1" for i in rows)
                if steps:
                    found.append(
                        f'<path class="hold {name}" d="{steps}"/><path class="dot {look} {name}" d="{dots}"/>'
                    )
        return f'<g class="trades">{"".join(found)}</g>'

    return drawn


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of a bar chart: its value, the text under it (may be empty) and what is said on hover."""

    value: float
    label: str
    told: str
    look: str = ""


def bar_chart(name: str, title: str, columns: Sequence[Column], kind: str, *, note: str = "") -> str:
    """Bars from zero, up and down."""
    values = np.array([c.value if np.isfinite(c.value) else 0.0 for c in columns])
    if not values.any():
        return missing(name, title, note or "There is nothing to draw.")
    scale = scale_of(float(values.min()), float(values.max()), zero=True)
    width, zero = WIDTH / len(columns), float(scale.place(np.zeros(1))[0])
    drawn = []
    for i, (column, top) in enumerate(zip(columns, scale.place(values).tolist(), strict=True)):
        look = column.look or ("gain" if column.value > 0 else "loss")
        drawn.append(
            f'<rect class="{look}" x="{width * (i + 0.1):.0f}" width="{width * 0.8:.0f}" y="{min(top, zero):.0f}" '
            f'height="{abs(zero - top):.0f}"><title>{escape(column.told)}</title></rect>'
        )
    labels = "".join(
        f'<span style="left:{100 * (i + 0.5) / len(columns):.2f}%">{escape(c.label)}</span>'
        for i, c in enumerate(columns)
        if c.label
    )
    return (
        f'<figure class="chart" id="{name}"><figcaption><h3>{escape(title)}</h3></figcaption>'
        f'<div class="plot"><div class="ys">{_rules(scale, kind)}</div>'
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'{"".join(drawn)}</svg></div><div class="xs middle">{labels}</div>{_note(note)}</figure>'
    )
