"""The pages of a search and of a walk: what came of it, what to beware of, and pictures; nothing in them is fetched."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from genome.market import F64
from genome.reporting.charts import Clock, Line, time_chart
from genome.reporting.numbers import bar_name, date, instant, percent, plain
from genome.reporting.plots import Axis, Pair, pair_chart, path_chart, value_scale
from genome.reporting.scales import HEIGHT
from genome.reporting.shell import assumed, beware, shell, tiles, write_page
from genome.reporting.tables import signed, table
from genome.reporting.words import assumptions
from genome.tuning.documents import default_row, n_days
from genome.tuning.fields import clouds, course, field
from genome.tuning.judging import Setting
from genome.tuning.metric import valid
from genome.tuning.search import Search
from genome.tuning.space import Space
from genome.tuning.walk_forward import NEAR, Step, Walk
from genome.tuning.words import (
    LEAST_EFFICIENCY,
    looked,
    looked_walk,
    luck,
    median_text,
    metric_name,
    search_warnings,
    variation_text,
    verdict,
    walk_warnings,
    written,
)

_DAY_S = 86_400
_TOP = 20
_MANY_WINDOWS = 12
_METHODS = {"de": "differential evolution", "grid": "a grid", "tpe": "tree-structured Parzen estimators"}


def write_search(
    path: Path, found: Search, setting: Setting, source: str, said: Sequence[str] = (), counted: str = ""
) -> None:
    """Write the page of a search. said: warnings about the bars; counted: what the store knows. Raises `BadInput` where the file cannot be written."""
    write_page(path, search_page(found, setting, source, said, counted))


def write_walk(path: Path, walk: Walk, source: str, said: Sequence[str] = (), counted: str = "") -> None:
    """Write the page of a walk. Raises `BadInput` where the file cannot be written."""
    write_page(path, walk_page(walk, source, said, counted))


def search_page(
    found: Search, setting: Setting, source: str, said: Sequence[str] = (), counted: str = ""
) -> str:
    """One HTML document."""
    space, market = found.space, setting.market
    days, year = n_days(market), float(market.asset_class.days_per_year)
    name = metric_name(found.metric.name)
    best = ", ".join(f"{k} {v}" for k, v in space.told(found.points[found.best]).items())
    value = written(found.metric.name, float(found.values[found.best]))
    head = (
        f"The best {name} of {space.genome.family} on {market.symbol} was {value}, with {best}."
        if found.found
        else f"No parameters of {space.genome.family} on {market.symbol} trade often enough to be judged."
    )
    body = (
        f'<header><p class="eyebrow">Search · {escape(space.genome.family)} · {escape(market.symbol)} · {_span(setting)}</p>'
        f'<h1>{escape(head)}</h1><p class="trial">{escape(f"{looked(found, days, year)} {counted}".rstrip())}</p></header>'
        + tiles(_search_tiles(found, days, year))
        + beware((*said, *search_warnings(found)))
        + (field(found) + clouds(found) + course(found) if found.found else "")
        + _top(found)
        + assumed("What was run", _run_rows(space, setting, source, found.method, found.seed))
    )
    return shell(f"{space.genome.family} on {market.symbol}: search", body)


def _search_tiles(found: Search, days: int, year: float) -> tuple[tuple[str, str, str, float], ...]:
    figures = {name: float(values[found.best]) for name, values in found.figures.items()}
    return (
        ("Sharpe", plain(figures["sharpe"], 2, signed=True), "of the best, in sample", figures["sharpe"]),
        ("By luck alone", plain(luck(found.trials, days, year), 2, signed=True), f"the best of {found.trials:,} without edge", 0.0),
        ("Return", percent(figures["total_return"], 1, signed=True), "after costs", figures["total_return"]),
        ("Trades", plain(figures["n_trades"], 0), f"{percent(figures['win_rate'], 0)} with a gain", 0.0),
    )  # fmt: skip


def _top(found: Search) -> str:
    f, name = found.figures, found.metric.name
    order = [i for i in found.ranked(_TOP) if valid(found.scores)[i]]
    named = [(str(rank), i) for rank, i in enumerate(order, 1)]
    default = default_row(found)
    if default is not None:
        named.append(("as given", default))
    rows = [
        (
            label, *found.space.told(found.points[i]).values(),
            *((written(name, float(found.values[i])),) if name != "sharpe" else ()),
            signed(float(f["sharpe"][i]), plain(float(f["sharpe"][i]), 2, signed=True)),
            signed(float(f["total_return"][i]), percent(float(f["total_return"][i]), 1, signed=True)),
            percent(float(f["max_drawdown"][i]), 1), plain(float(f["n_trades"][i]), 0),
        )
        for label, i in named
    ]  # fmt: skip
    extra = (metric_name(name),) if name != "sharpe" else ()
    head = ("", *found.space.names, *extra, "Sharpe", "Return", "Drawdown", "Trades")
    return table("top", "The best", head, rows, f"{found.n_valid:,} of {found.trials:,} traded often enough.")


def walk_page(walk: Walk, source: str, said: Sequence[str] = (), counted: str = "") -> str:
    """One HTML document."""
    space, setting = walk.space, walk.setting
    family, symbol = escape(space.genome.family), escape(setting.market.symbol)
    body = (
        f'<header><p class="eyebrow">Walk forward · {family} · {symbol} · {_span(setting)}</p>'
        f'<h1>{escape(verdict(walk))}</h1><p class="trial">{escape(f"{looked_walk(walk)} {counted}".rstrip())}</p></header>'
        + tiles(_walk_tiles(walk))
        + beware((*said, *walk_warnings(walk)))
        + _money(walk)
        + _pairs(walk)
        + _paths(walk)
        + _windows(walk)
        + _stability(walk)
        + _searches(walk)
        + assumed("What was run", _walk_rows(walk, source))
    )
    return shell(f"{space.genome.family} on {setting.market.symbol}: walk forward", body)


def _walk_tiles(walk: Walk) -> tuple[tuple[str, str, str, float], ...]:
    f = walk.figures
    efficiency = walk.efficiency
    tone = 0.0 if np.isnan(efficiency) else 1.0 if efficiency >= LEAST_EFFICIENCY else -1.0
    return (
        ("Efficiency", plain(efficiency, 2, signed=True), "Sharpe out of sample / in", tone),
        ("Sharpe out of sample", plain(f["sharpe"], 2, signed=True), f"in sample {plain(walk.inside_sharpe, 2, signed=True)}", f["sharpe"]),
        ("Return out of sample", percent(f["total_return"], 1, signed=True), f"{percent(f['cagr'], 1, signed=True)} a year", f["total_return"]),
        ("Deepest drawdown", percent(f["max_drawdown"], 1), f"{walk.won} of {len(walk.steps)} windows won", 0.0),
    )  # fmt: skip


def _money(walk: Walk) -> str:
    market, days = walk.setting.market, walk.days
    grown: F64 = np.cumprod(1.0 + walk.returns).astype(np.float64)
    peaks = np.maximum.accumulate(np.maximum(grown, 1.0))
    at_s = (days + 1) * _DAY_S
    first, last = walk.steps[0].window.test_from, walk.steps[-1].window.test_to
    clock = Clock(float(days[0] * _DAY_S), float(at_s[-1]), _DAY_S)
    closes, opens = market.column("close")[first:last], market.column("open")[first:last]
    bars = market.open_s[first:last] + market.bar_s
    ends = np.searchsorted(bars, at_s, side="right") - 1
    held = np.where(ends >= 0, closes[ends], np.nan)
    known = np.flatnonzero(~np.isnan(opens))
    capital = walk.setting.capital
    below: F64 = (grown / peaks - 1.0).astype(np.float64)
    lines = [Line(capital * grown, "main", "out of sample, stitched")]
    if known.size:
        lines.append(Line(capital * held / opens[known[0]], "faint", "buy and hold, no costs"))
    places = clock.place(np.array([step.days[0] * _DAY_S for step in walk.steps[1:]], np.int64))
    edges = "".join(f"M{x:.0f} 0V{HEIGHT}" for x in places)
    return time_chart(
        "equity", "Equity out of sample", lines, at_s, clock, "money", log=True, tall=True,
        marks=lambda _: f'<path class="edge" d="{edges}"/>' if edges else "",
        note="At each day's end, account currency; every upright rule is a new set of parameters, with nothing held.",
    ) + time_chart(
        "drawdown", "Below the peak", [Line(below, "loss", area=True)], at_s, clock, "percent", zero=True
    )  # fmt: skip


def _labels(walk: Walk) -> list[str]:
    stride = -(-len(walk.steps) // _MANY_WINDOWS)
    return [_month(step) if i % stride == 0 else "" for i, step in enumerate(walk.steps)]


def _month(step: Step) -> str:
    return str(step.days[0].astype("datetime64[D]"))[:7]


def _pairs(walk: Walk) -> str:
    pairs = []
    for step, label in zip(walk.steps, _labels(walk), strict=True):
        inside, outside = step.inside["sharpe"], step.outside["sharpe"]
        told = f"tested from {_month(step)}: in {plain(inside, 2, signed=True)}, out {plain(outside, 2, signed=True)}"
        pairs.append(Pair(inside, outside, label, told))
    scale = value_scale(np.array([v for pair in pairs for v in (pair.inside, pair.outside)]), zero=True)
    texts = [(place, plain(value, 1)) for value, place in scale.ticks() if 0.0 <= place <= 1.0]
    note = "Annual Sharpe ratio of each window, by the month in which its test began."
    return pair_chart("pairs", "In sample and out of it", pairs, texts, scale, note)


def _paths(walk: Walk) -> str:
    points = np.array([step.point for step in walk.steps])
    units = walk.space.encoded(points)
    labels = _labels(walk)
    every = tuple(((i + 0.5) / len(labels), label) for i, label in enumerate(labels))
    stride = max(1, -(-sum(bool(label) for label in labels) // 5))
    named = [mark for mark in every if mark[1]][::stride]
    drawn = []
    for i, (p, s) in enumerate(zip(walk.space.parameters, walk.stability, strict=True)):
        told = [
            f"{label or _month(step)}: {p.text(float(v))}"
            for label, step, v in zip(labels, walk.steps, points[:, i], strict=True)
        ]
        middle = float(np.median(units[:, i]))
        marks = [(0.0, p.text(p.low)), (1.0, p.text(p.high))]
        if 0.12 < middle < 0.88:  # noqa: PLR2004 - else it would stand on a bound's label
            marks.append((middle, median_text(s, p)))
        said = f"{percent(s.near, 0)} of windows near the median"
        drawn.append(
            path_chart(f"path-{p.name}", p.name, units[:, i], NEAR, told, (Axis("", tuple(named)), Axis("", tuple(marks))), said)
        )  # fmt: skip
    pairs = "".join(f'<div class="pair">{"".join(drawn[i : i + 2])}</div>' for i in range(0, len(drawn), 2))
    note = "Best parameters of each window between their bounds. Steady ones stay in the band around the median, a tenth of the range to either side."
    return f'<section class="stack"><h3 class="group">Parameters over windows</h3>{pairs}<p class="note">{note}</p></section>'


def _windows(walk: Walk) -> str:
    market, name = walk.setting.market, walk.metric.name
    extra = (f"{metric_name(name)} in", f"{metric_name(name)} out") if name != "sharpe" else ()
    head = (
        "Tested",
        *extra,
        "Sharpe in",
        "Sharpe out",
        "Return out",
        "Trades out",
        *walk.space.names,
        "Learned",
    )
    rows = []
    for step in walk.steps:
        w = step.window
        spans = [
            f"{_day(market.open_s[a])} – {_day(market.open_s[b - 1])}"
            for a, b in ((w.test_from, w.test_to), (w.train_from, w.train_to))
        ]
        both = (written(name, step.inside[name]), written(name, step.outside[name])) if extra else ()
        sharpe, gained = step.outside["sharpe"], step.outside["total_return"]
        rows.append((
            spans[0], *both, plain(step.inside["sharpe"], 2, signed=True), signed(sharpe, plain(sharpe, 2, signed=True)),
            signed(gained, percent(gained, 1, signed=True)), plain(step.outside["n_trades"], 0),
            *walk.space.told(step.point).values(), spans[1],
        ))  # fmt: skip
    return table("windows", "Windows", head, rows, "Days are UTC, both included. Sharpe is annual.")


def _day(seconds: float) -> str:
    return instant(float(seconds))[:10]


def _stability(walk: Walk) -> str:
    rows = [
        (s.name, median_text(s, p), variation_text(s.variation), percent(s.near, 0), percent(s.at_bound, 0))
        for s, p in zip(walk.stability, walk.space.parameters, strict=True)
    ]  # fmt: skip
    note = (
        "Variation: standard deviation over mean. Near: windows within a tenth of the searched range of the median; a "
        "parameter drawn at random would have some 20 %. R. Pardo, The Evaluation and Optimization of Trading Strategies (2008), ch. 11."
    )
    return table(
        "stability", "Stability of parameters", ("", "Median", "Variation", "Near", "On a bound"), rows, note
    )


def _searches(walk: Walk) -> str:
    """What was seen in sample, window by window."""
    if len(walk.space.parameters) < 2:  # noqa: PLR2004 - a field has two sides
        return ""
    folded = []
    for k, step in enumerate(walk.steps):
        best = ", ".join(f"{name} {text}" for name, text in walk.space.told(step.point).items())
        sharpe = f"Sharpe {plain(step.inside['sharpe'], 2, signed=True)} in, {plain(step.outside['sharpe'], 2, signed=True)} out"
        folded.append(
            f"<details><summary><b>{_month(step)}</b> {escape(best)} <small>{escape(sharpe)}</small></summary>"
            f"{field(step.search, f'field-{k}')}</details>"
        )
    return f'<section class="stack" id="searches"><h3 class="group">What was seen in sample</h3>{"".join(folded)}</section>'


def _span(setting: Setting) -> str:
    market = setting.market
    start, end = date(int(market.open_s[0])), date(int(market.open_s[-1]) + market.bar_s - 1)
    return escape(f"{start} to {end}, {bar_name(market.bar_s)} bars")


def _run_rows(space: Space, setting: Setting, source: str, method: str, seed: int) -> list[tuple[str, str]]:
    ranges = "; ".join(
        f"{p.name} {p.text(p.low)} to {p.text(p.high)}{' by ratio' if p.logarithmic else ''}"
        for p in space.parameters
    )
    held = ", ".join(f"{name} {value:g}" for name, value in space.genome.genes if name not in space.names)
    rows = [
        ("Bars", source),
        ("Searched", f"{ranges}; by {_METHODS[method]}, seed {seed}"),
        ("Held", held),
        ("Assumed", "; ".join(assumptions(setting.costs, setting.capital, setting.market))),
        ("Counts", f"points that close at least {setting.fewest_trades} trades"),
    ]
    return [(name, text) for name, text in rows if text]


def _walk_rows(walk: Walk, source: str) -> list[tuple[str, str]]:
    plan, first = walk.plan, walk.planned[0]
    learned = "all bars from the first on" if plan.anchored else f"{plan.train} {plan.days_name}"
    lengths = (
        f"learned {learned}, tested {plan.test} {plan.days_name}, {first.test_from - first.train_to:,} bars left out between "
        f"(the longest lookback is {walk.lookback:,}); every window begins with nothing held and pays for what it leaves"
    )
    rows = _run_rows(walk.space, walk.setting, source, walk.method, walk.seed)
    rows.insert(1, ("Windows", lengths))
    return [*rows, ("Looked for", metric_name(walk.metric.name))]
