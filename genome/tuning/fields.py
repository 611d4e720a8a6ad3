"""A search as pictures: which parameters mattered, the field of the two that mattered most, clouds, and its course."""

import math

import numpy as np

from genome.market import F64, I64
from genome.reporting.plots import Axis, Cell, heat_map, scatter, value_scale
from genome.reporting.scales import Scale
from genome.tuning.metric import valid
from genome.tuning.parameters import Parameter
from genome.tuning.search import Search
from genome.tuning.words import metric_name, written

_CELLS = 24
_LABELS = 6
_BINS = 8
_MOST_VALUES = 10_000
_EVEN = (np.arange(_CELLS) + 0.5) / _CELLS
_PIVOTS = {"profit_factor": 1.0} | dict.fromkeys(
    ("sharpe", "sortino", "calmar", "total_return", "cagr", "expectancy"), 0.0
)
"""Where gain begins, of figures that have such a place."""


def influence(found: Search) -> F64:
    """Share of the variance of ranks that each parameter alone explains (d,), in eight bins: its correlation ratio.

    Source: K. Pearson (1905), "On the general theory of skew correlation". Biased upwards by bins of few points.
    """
    order = np.argsort(np.argsort(found.scores, kind="stable"), kind="stable").astype(float)
    spread = float(((order - order.mean()) ** 2).sum())
    units = found.space.encoded(found.points)
    shares = []
    for column in units.T:
        bins = np.minimum((column * _BINS).astype(int), _BINS - 1)
        between = sum(
            order[bins == b].size * (order[bins == b].mean() - order.mean()) ** 2 for b in np.unique(bins)
        )
        shares.append(float(between) / spread if spread > 0.0 else 0.0)
    return np.array(shares)


def field(found: Search, name: str = "field") -> str:
    """The heat map of the two parameters that mattered most: the best that was seen in each field. name: of the figure."""
    if len(found.space.parameters) < 2:  # noqa: PLR2004 - a field has two sides
        return ""
    pair = sorted(np.argsort(-influence(found), kind="stable")[:2].tolist())
    across, up = (found.space.parameters[i] for i in pair)
    columns, n_columns, x = _placed(across, found.points[:, pair[0]])
    rows, n_rows, y = _placed(up, found.points[:, pair[1]])
    best: dict[tuple[int, int], int] = {}
    for i in np.argsort(found.scores, kind="stable").tolist():
        best[int(rows[i]), int(columns[i])] = i
    shown = [i for i in best.values() if valid(found.scores)[i]]
    depths, ends = _depths(found, np.array(shown, np.int64))
    depth = dict(zip(shown, depths.tolist(), strict=True))
    cells: list[list[Cell | None]] = [[None] * n_columns for _ in range(n_rows)]
    for (r, c), i in best.items():
        told = ", ".join(f"{name} {text}" for name, text in found.space.told(found.points[i]).items())
        value = written(found.metric.name, float(found.values[i])) if i in depth else "too few trades"
        cells[r][c] = Cell(depth.get(i), f"{told}: {value}")
    others = len(found.space.parameters) - 2
    note = "Each field: the best that was seen in it"
    note += f", whatever the {'other parameter' if others == 1 else 'others'}." if others else "."
    if not math.isfinite(found.space.size) or len(best) < n_columns * n_rows:
        note += " Empty fields were not looked at."
    said = metric_name(found.metric.name)
    mark = (int(rows[found.best]), int(columns[found.best])) if found.found else None
    title = f"{said[:1].upper()}{said[1:]} by {across.name} and {up.name}"
    return heat_map(name, title, cells, (Axis(across.name, x), Axis(up.name, y)), mark, ends, note)


def _placed(p: Parameter, values: F64) -> tuple[I64, int, tuple[tuple[float, str], ...]]:
    """The cell of each value, how many cells there are, and the marks of the axis. Cells no value can be in are left out."""
    seen = np.unique(values)
    exact = p.count <= _CELLS or seen.size <= _CELLS
    if exact:
        every = p.levels(_CELLS) if p.count <= _CELLS else seen
    else:
        every = p.levels(int(p.count)) if p.count <= _MOST_VALUES else p.decoded(_EVEN)
    bins = every if exact else _binned(p, every)
    reachable = np.unique(bins)
    places = np.searchsorted(reachable, values if exact else _binned(p, values))
    first = every[np.searchsorted(bins, reachable)]
    stride = max(1, -(-reachable.size // _LABELS))
    marks = tuple(
        ((i + 0.5) / reachable.size, p.text(_short(p, float(first[i]))))
        for i in range(0, reachable.size, stride)
    )
    return places, int(reachable.size), marks


def _binned(p: Parameter, values: F64) -> F64:
    found: F64 = np.minimum(np.floor(p.encoded(values) * _CELLS + 1e-9), _CELLS - 1)
    return found


def _marks(p: Parameter, count: int = _LABELS) -> tuple[tuple[float, str], ...]:
    at = np.linspace(0.0, 1.0, count)
    found = {
        p.text(_short(p, float(v))): float(p.encoded(np.array([_short(p, float(v))]))[0])
        for v in p.decoded(at)
    }
    return tuple((place, text) for text, place in found.items())


def _short(p: Parameter, value: float) -> float:
    """Two digits are enough beside an axis."""
    if p.integer or p.step or value == 0.0:
        return value
    digits = 1 - math.floor(math.log10(abs(value)))
    return min(max(round(value, digits), p.low), p.high)


def _depths(found: Search, rows: I64) -> tuple[F64, tuple[str, str]]:
    """How deep the colour of each is, −1 to 1, and what the ends of the ramp stand for."""
    name, values = found.metric.name, found.values[rows]
    if not rows.size:
        return np.empty(0), ("", "")
    pivot = _PIVOTS.get(name)
    if pivot is not None:
        away = values - pivot
        deepest, highest = (_reach(side) for side in (-away[away < 0.0], away[away > 0.0]))
        depths = np.clip(np.where(away < 0.0, away / deepest, away / highest), -1.0, 1.0)
        low = pivot - deepest if (away < 0.0).any() else pivot
        high = pivot + highest if (away > 0.0).any() else pivot
        return depths, (written(name, low), written(name, high))
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.ones(values.size)
    good = share if found.metric.more_is_better else 1.0 - share
    ends = written(name, low), written(name, high)
    return good, ends if found.metric.more_is_better else ends[::-1]


def _reach(sizes: F64) -> float:
    """What the deepest colour stands for: a few outliers do not pale the rest."""
    return float(np.quantile(sizes, 0.95)) if sizes.size else 1.0


def clouds(found: Search) -> str:
    """The metric against each parameter, and the share of it that the parameter explains."""
    name, told = found.metric.name, influence(found)
    values = np.where(valid(found.scores), found.values, np.nan)
    scale = value_scale(_trimmed(values))
    drawn = []
    for i, p in enumerate(found.space.parameters):
        share = f'<span class="key">explains {told[i]:.0%} of the ranks</span>'
        drawn.append(
            scatter(
                f"cloud-{p.name}", p.name, (p.encoded(found.points[:, i]), _inside(values, scale)), Axis("", _marks(p)),
                tuple((place, written(name, value)) for value, place in scale.ticks(4)), scale,
                found.best if found.found else None, keys=share,
            )
        )  # fmt: skip
    pairs = "".join(f'<div class="pair">{"".join(drawn[i : i + 2])}</div>' for i in range(0, len(drawn), 2))
    said = metric_name(name)
    outside = int(np.isnan(values).sum())
    left = f" {outside:,} that traded too little are not drawn." if outside else ""
    return (
        f'<section class="stack"><h3 class="group">{said[:1].upper()}{said[1:]} against each parameter</h3>{pairs}'
        f'<p class="note">A point each set of parameters; the large one is the best. A broad hill is worth more than a needle.{left}</p>'
        "</section>"
    )


def course(found: Search) -> str:
    """Every trial in its order, and the best so far."""
    name = found.metric.name
    values = np.where(valid(found.scores), found.values, np.nan)
    scale = value_scale(_trimmed(values))
    better = np.fmax if found.metric.more_is_better else np.fmin
    n = found.trials
    along = (np.arange(n) + 0.5) / n
    marks = tuple((share, f"{max(1, round(share * n)):,}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return scatter(
        "course", "Course of the search", (along, _inside(values, scale)), Axis("trial", marks),
        tuple((place, written(name, value)) for value, place in scale.ticks(4)), scale,
        found.best if found.found else None, line=better.accumulate(values),
        keys='<span class="key"><i></i>best so far</span>',
    )  # fmt: skip


def _trimmed(values: F64) -> F64:
    """Without the worst and best twentieth where they lie far out, so that a few do not flatten the rest."""
    known = values[np.isfinite(values)]
    if known.size < 20:  # noqa: PLR2004 - too few to have outliers
        return known
    low, middle, high = np.quantile(known, (0.05, 0.5, 0.95))
    reach = 2.0 * max(high - middle, middle - low)
    kept: F64 = known[(known >= middle - reach) & (known <= max(middle + reach, known.max()))]
    return kept


def _inside(values: F64, scale: Scale) -> F64:
    """Values beyond the scale lie on its edge."""
    return np.where(np.isfinite(values), np.clip(values, scale.low, scale.high), np.nan)
