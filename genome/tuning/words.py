"""A search and a walk in words: what was found, how much of it may be luck, and what to beware of."""

import math
from statistics import NormalDist

import numpy as np

from genome.reporting.numbers import DASH, percent, plain
from genome.tuning.metric import valid
from genome.tuning.parameters import Parameter
from genome.tuning.search import Search
from genome.tuning.walk_forward import NEAR, Stability, Walk

LEAST_EFFICIENCY = 0.5
"""Below it most of what was found in sample is not kept out of it."""
_LEAST_NEAR = 0.5
_FEW_TRADES = 30
_FEW_WINDOWS = 5
_FEWEST_NEIGHBOURS = 4
_EULER = 0.5772156649015329
_INTEGER_FIGURES = frozenset({"n_trades", "max_drawdown_bars"})
_SHARES = frozenset({"total_return", "cagr", "max_drawdown", "win_rate", "expectancy", "exposure"})


def luck(trials: int, days: int, days_a_year: float) -> float:
    """Annual Sharpe ratio to be expected of the best of so many independent strategies without any edge.

    Trials of one family resemble each other, so fewer are independent and the truth is lower.
    Source: D. Bailey, J. Borwein, M. López de Prado and Q. J. Zhu (2014), "Pseudo-Mathematics and Financial
    Charlatanism", Notices of the AMS 61, proposition 1.

    >>> round(luck(100, 365, 365.0), 2)
    2.53
    """
    if trials < 2 or days < 1:  # noqa: PLR2004 - the best of one is no choice
        return 0.0
    normal = NormalDist()
    expected = (1.0 - _EULER) * normal.inv_cdf(1.0 - 1.0 / trials)
    expected += _EULER * normal.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return expected * math.sqrt(days_a_year / days)


def metric_name(name: str) -> str:
    """As it is said."""
    return {"sharpe": "Sharpe", "sortino": "Sortino", "calmar": "Calmar"}.get(name, name.replace("_", " "))


def written(name: str, value: float) -> str:
    """A figure as it is written."""
    if name in _SHARES:
        return percent(value, 1, signed=name in {"total_return", "cagr", "expectancy"})
    if name in _INTEGER_FIGURES:
        return plain(value, 0)
    return plain(value, 2, signed=name in {"sharpe", "sortino", "calmar"})


def looked(found: Search, days: int, days_a_year: float) -> str:
    """How often somebody looked, and what that alone would show."""
    n = found.trials
    said = f"{n:,} {'set of parameters was' if n == 1 else 'sets of parameters were'} looked at"
    bar, sharpe = luck(n, days, days_a_year), float(found.figures["sharpe"][found.best])
    if n == 1:
        return f"{said}. Figures are those of that one trial."
    if not found.found:
        return f"{said}, all on the same {days:,} days, and none of them may win."
    return (
        f"{said}, all on the same {days:,} days. The best of so many without any edge, were they independent, would be "
        f"expected to show a Sharpe of about {plain(bar, 1)}; the best has {plain(sharpe, 2, signed=True)}. The winner's "
        "figures are no forecast: walk it forward."
    )


def search_warnings(found: Search) -> tuple[str, ...]:
    """What to beware of in a search."""
    fewest, said = found.metric.fewest_trades, []
    if found.ended == "interrupted":
        said.append("The search was interrupted: this is the best of what was looked at until then.")
    if not found.found:
        why = f"closes at least {fewest} trades and has a {metric_name(found.metric.name)}"
        return (*said, f"No point {why}: nothing was found, and the first line is only the nearest to it.")
    trades = int(found.figures["n_trades"][found.best])
    if trades < _FEW_TRADES:
        said.append(f"The best has {trades} closed trades, too few to tell skill from luck.")
    bound = _bounds_met(found)
    if bound:
        said.append(
            f"The best lies on a bound of {_listed(bound)}: better may lie beyond; widen it with --bound."
        )
    around, best = neighbourhood(found), float(found.values[found.best])
    usual = float(np.median(found.values[valid(found.scores)]))
    if math.isfinite(around) and abs(around - best) > abs(around - usual):
        name = found.metric.name
        said.append(
            f"The best is a lonely peak: its neighbours, within a tenth of each range, have a median {metric_name(name)} of "
            f"{written(name, around)} against its {written(name, best)}, nearer to the {written(name, usual)} of all points."
        )
    return tuple(said)


def neighbourhood(found: Search) -> float:
    """Median metric of the points within `NEAR` of the best in every parameter; NaN for fewer than four."""
    units = found.space.encoded(found.points)
    close = (np.abs(units - units[found.best]) <= NEAR).all(axis=1) & valid(found.scores)
    close[found.best] = False
    return float(np.median(found.values[close])) if close.sum() >= _FEWEST_NEIGHBOURS else math.nan


def _bounds_met(found: Search) -> list[str]:
    units = found.space.encoded(found.points[found.best][None])[0]
    return [
        p.name
        for p, u in zip(found.space.parameters, units, strict=True)
        if u in {0.0, 1.0} and not p.choices
    ]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def verdict(walk: Walk) -> str:
    """The walk in two sentences."""
    f, n = walk.figures, len(walk.steps)
    windows = "1 window" if n == 1 else f"{n} windows"
    head = (
        f"Out of sample, over {windows}, it made {percent(f['total_return'], 1, signed=True)} after costs at a Sharpe of "
        f"{plain(f['sharpe'], 2, signed=True)}; in sample the chosen parameters had {plain(walk.inside_sharpe, 2, signed=True)}."
    )
    efficiency = walk.efficiency
    if not math.isfinite(efficiency):
        return f"{head} There was no Sharpe in sample to keep."
    if efficiency < 0.0:
        return f"{head} Nothing of it was kept."
    return f"{head} It kept {percent(efficiency, 0)} of it."


def looked_walk(walk: Walk) -> str:
    """How often somebody looked."""
    n = len(walk.steps)
    return (
        f"{walk.trials:,} sets of parameters were looked at in sample, in {n} {'window' if n == 1 else 'windows'}, and the "
        f"best of each once out of sample. Whoever runs this again with other bounds, lengths or families, and keeps the "
        "best, looks again: each run is a further trial."
    )


def walk_warnings(walk: Walk) -> tuple[str, ...]:
    """What to beware of in a walk."""
    n, said = len(walk.steps), []
    if walk.ended == "interrupted":
        said.append(f"Interrupted: {n} of {len(walk.planned)} windows were walked.")
    efficiency = walk.efficiency
    if not math.isfinite(efficiency):
        said.append("The parameters had no positive Sharpe even in sample: there is nothing to keep.")
    elif efficiency < LEAST_EFFICIENCY:
        kept = "nothing" if efficiency <= 0.0 else percent(efficiency, 0)
        said.append(
            f"Efficiency is low: {kept} of the Sharpe in sample was kept out of it, below the {percent(LEAST_EFFICIENCY, 0)} "
            "that Pardo asks for. What was found is mostly the past itself."
        )
    if n >= 2:  # noqa: PLR2004 - one window cannot jump
        said += _jumps(walk.stability)
    if 2 * walk.won < n:
        said.append(f"Only {walk.won} of {n} windows gained out of sample.")
    lost = sum(not step.search.found for step in walk.steps)
    if lost:
        said.append(
            f"In {lost} of {n} windows no parameters closed {walk.metric.fewest_trades} trades in sample; the nearest were taken."
        )
    trades = int(walk.figures["n_trades"])
    if trades < _FEW_TRADES:
        said.append(f"{trades} closed trades out of sample are too few to tell skill from luck.")
    if n < _FEW_WINDOWS:
        said.append(f"{n} {'window is' if n == 1 else 'windows are'} few: one good quarter can carry it.")
    return tuple(said)


def _jumps(found: tuple[Stability, ...]) -> list[str]:
    said = []
    jumping = [s.name for s in found if s.near < _LEAST_NEAR]
    if jumping:
        said.append(
            f"The best {_listed(jumping)} {'jumps' if len(jumping) == 1 else 'jump'} from window to window: fewer than half "
            "of the windows agree within a tenth of the range. What is refitted is mostly noise."
        )
    held = [s.name for s in found if s.at_bound >= _LEAST_NEAR]
    if held:
        said.append(
            f"The best {_listed(held)} lies on a bound in half of the windows or more; widen it with --bound."
        )
    return said


def variation_text(value: float) -> str:
    """A coefficient of variation."""
    return percent(value, 0) if math.isfinite(value) else DASH


def median_text(of: Stability, parameter: Parameter) -> str:
    """The median of a parameter, which may lie between two values that it can take."""
    return plain(of.median, 0) if parameter.integer else f"{of.median:.4g}"
