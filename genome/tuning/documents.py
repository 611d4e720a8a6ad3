"""A search and a walk as one JSON document each: figures by their names in SEMANTICS.md, 7; NaN is None; times ISO 8601."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from genome.market import F64, Market
from genome.reporting.words import finite, iso
from genome.tuning.judging import Setting
from genome.tuning.search import Search
from genome.tuning.space import Space
from genome.tuning.walk_forward import Step, Walk
from genome.tuning.words import looked, looked_walk, luck, neighbourhood, search_warnings, walk_warnings

_MOST_TOP = 10


def search_document(found: Search, setting: Setting) -> dict[str, Any]:
    """What was found, and everything that a person would have to know to find it again."""
    market, days = setting.market, n_days(setting.market)
    year = float(market.asset_class.days_per_year)
    return {
        **_whence(found.space, setting),
        "metric": found.metric.name,
        "maximised": found.metric.more_is_better,
        "fewest_trades": found.metric.fewest_trades,
        "method": found.method,
        "seed": found.seed,
        "trials": found.trials,
        "valid": found.n_valid,
        "found": found.found,
        "ended": found.ended,
        "best": _row(found, found.best) | {"genome_id": found.genome.genome_id},
        "default": _default(found),
        "top": [_row(found, i) for i in found.ranked(_MOST_TOP)],
        "neighbourhood": finite(neighbourhood(found)),
        "luck_sharpe": finite(luck(found.trials, days, year)),
        "looked": looked(found, days, year),
        "warnings": list(search_warnings(found)),
    }


def default_row(found: Search) -> int | None:
    """Which point is what was given, before anything was searched; None where it was not looked at."""
    given = [p.default for p in found.space.parameters]
    rows = np.flatnonzero((found.points == given).all(axis=1))
    return int(rows[0]) if rows.size else None


def n_days(market: Market) -> int:
    """Days on which a market has bars."""
    return int(np.unique(market.day).size)


def _default(found: Search) -> dict[str, Any] | None:
    row = default_row(found)
    return None if row is None else _row(found, row)


def _row(found: Search, i: int) -> dict[str, Any]:
    figures = {name: float(values[i]) for name, values in found.figures.items()}
    return {
        "params": params(found.space, found.points[i]),
        "value": finite(float(found.values[i])),
        **_figures(figures),
    }


def _figures(figures: Mapping[str, float]) -> dict[str, Any]:
    known = {name: finite(value) for name, value in figures.items()}
    return known | {"n_trades": int(figures["n_trades"])}


def params(space: Space, point: F64) -> dict[str, float | str]:
    """A point as JSON: whole numbers whole, choices by name."""
    found: dict[str, float | str] = {}
    for p, value in zip(space.parameters, point.tolist(), strict=True):
        found[p.name] = p.text(value) if p.choices else int(value) if value == int(value) else value
    return found


def _whence(space: Space, setting: Setting) -> dict[str, Any]:
    market, costs = setting.market, setting.costs
    searched = [
        {
            "name": p.name, "low": p.low, "high": p.high, "integer": p.integer, "log": p.logarithmic, "step": p.step or None,
            "choices": list(p.choices) or None,
        }
        for p in space.parameters
    ]  # fmt: skip
    return {
        "strategy": space.genome.family,
        "held": {name: value for name, value in space.genome.genes if name not in space.names},
        "parameters": searched,
        "points": int(space.size) if math.isfinite(space.size) else None,
        "symbols": [market.symbol],
        "bars": market.size,
        "bar_s": market.bar_s,
        "start": iso(int(market.open_s[0])),
        "end": iso(int(market.open_s[-1]) + market.bar_s),
        "capital": setting.capital,
        "costs": {"taker": costs.taker, "maker": costs.maker, "slippage": costs.slippage},
    }


def walk_document(walk: Walk) -> dict[str, Any]:
    """Every window, what came of all, and how steady it was."""
    plan = walk.plan
    return {
        **_whence(walk.space, walk.setting),
        "metric": walk.metric.name,
        "maximised": walk.metric.more_is_better,
        "fewest_trades": walk.metric.fewest_trades,
        "method": walk.method,
        "seed": walk.seed,
        "train": plan.train,
        "test": plan.test,
        "trading_days": plan.trading_days,
        "anchored": plan.anchored,
        "purged_bars": walk.planned[0].test_from - walk.planned[0].train_to,
        "lookback_bars": walk.lookback,
        "windows": [_window(step, walk) for step in walk.steps],
        "planned": len(walk.planned),
        "out_of_sample": _figures(walk.figures),
        "in_sample_sharpe": finite(walk.inside_sharpe),
        "efficiency": finite(walk.efficiency),
        "won": walk.won,
        "stability": [
            {"name": s.name, "median": s.median, "variation": finite(s.variation), "near": s.near, "at_bound": s.at_bound}
            for s in walk.stability
        ],
        "equity": _equity(walk),
        "trials": walk.trials,
        "ended": walk.ended,
        "looked": looked_walk(walk),
        "warnings": list(walk_warnings(walk)),
    }  # fmt: skip


def _window(step: Step, walk: Walk) -> dict[str, Any]:
    market, w, name = walk.setting.market, step.window, walk.metric.name
    return {
        "train_start": iso(int(market.open_s[w.train_from])),
        "train_end": iso(int(market.open_s[w.train_to - 1]) + market.bar_s),
        "test_start": iso(int(market.open_s[w.test_from])),
        "test_end": iso(int(market.open_s[w.test_to - 1]) + market.bar_s),
        "params": params(walk.space, step.point),
        "in_sample": {"value": finite(step.inside[name]), **_figures(step.inside)},
        "out_of_sample": {"value": finite(step.outside[name]), **_figures(step.outside)},
        "efficiency": finite(step.efficiency),
        "found": step.search.found,
        "trials": step.search.trials,
    }


def _equity(walk: Walk) -> dict[str, list[Any]]:
    """Stitched out of sample, at the end of each day; the capital is that of the beginning."""
    grown = walk.setting.capital * np.cumprod(1.0 + walk.returns)
    days = [str(day) for day in walk.days.astype("datetime64[D]")]
    return {"day": days, "equity": [round(float(value), 6) for value in grown]}
