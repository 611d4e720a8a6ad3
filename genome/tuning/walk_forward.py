"""Walking forward: parameters are searched in one window and tested in the next, again and again, as one would have lived.

The trees are held; integers and real numbers are searched anew in each window, from nothing but the bars of its learning
and those before them. Windows know nothing of each other: any of them can be repeated alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from genome.market import F64, I64
from genome.simulator.figures import risk_adjusted
from genome.simulator.windowed import Windowed
from genome.tuning import judging
from genome.tuning.judging import Setting
from genome.tuning.metric import Metric
from genome.tuning.search import Search, search
from genome.tuning.space import Space
from genome.tuning.windows import Plan, Window

NEAR = 0.1
"""Values closer than this share of the searched range (of its logarithm, where it is searched so) count as the same."""
Progress = Callable[[int, int, int, int], None]
"""Called with windows done, windows, trials done in this one, trials allowed in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One window: the search in it, and what its best point did in sample and out of it.

    inside, outside   figures by name, and the metric under its own; each of its window alone
    returns, days     float64, int64 (D,): daily returns out of sample; days since the epoch
    """

    window: Window
    search: Search
    inside: dict[str, float]
    outside: dict[str, float]
    returns: F64
    days: I64

    @property
    def point(self) -> F64:
        """The best parameters (d,)."""
        point: F64 = self.search.points[self.search.best]
        return point

    @property
    def efficiency(self) -> float:
        """Annualised Sharpe ratio out of sample over that in sample; NaN where there was none to keep."""
        return ratio(self.outside["sharpe"], self.inside["sharpe"])


@dataclass(frozen=True, slots=True)
class Stability:
    """How one parameter moved over the windows.

    median      of its best values
    variation   coefficient of variation: standard deviation (ddof 1) over the mean's size; NaN for one window or a mean of 0
    near        share of windows within `NEAR` of the median; some 0.2 for a parameter that is drawn at random
    at_bound    share of windows in which it lay on a bound
    """

    name: str
    median: float
    variation: float
    near: float
    at_bound: float


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """All windows that were walked. `ended` is "done" or "interrupted", then `planned` has more than there are steps."""

    space: Space
    metric: Metric
    plan: Plan
    setting: Setting
    method: str
    seed: int
    steps: tuple[Step, ...]
    planned: tuple[Window, ...]
    lookback: int
    ended: str = "done"
    days_a_year: float = field(default=365.0)

    @property
    def trials(self) -> int:
        """Distinct points that were evaluated in sample, over all windows."""
        return sum(step.search.trials for step in self.steps)

    @property
    def returns(self) -> F64:
        """Daily returns out of sample, one window after the other."""
        return np.concatenate([step.returns for step in self.steps])

    @property
    def days(self) -> I64:
        """Days of `returns`."""
        return np.concatenate([step.days for step in self.steps])

    @property
    def figures(self) -> dict[str, float]:
        """Of the stitched returns: see `of_days`; and the trades closed."""
        found = of_days(self.returns, self.days_a_year)
        return found | {"n_trades": float(sum(step.outside["n_trades"] for step in self.steps))}

    @property
    def inside_sharpe(self) -> float:
        """Mean over windows of the annualised Sharpe ratio in sample."""
        return float(np.mean([step.inside["sharpe"] for step in self.steps]))

    @property
    def efficiency(self) -> float:
        """Annualised Sharpe ratio of all that was out of sample, over the mean of those in sample; NaN without one to keep.

        Pardo's walk-forward efficiency is the same ratio of annualised profits; that of Sharpe ratios does not change with
        size. He calls a strategy robust above 0.5 to 0.6 (2008, ch. 11).
        """
        return ratio(self.figures["sharpe"], self.inside_sharpe)

    @property
    def won(self) -> int:
        """Windows with a gain out of sample."""
        return sum(step.outside["total_return"] > 0.0 for step in self.steps)

    @property
    def stability(self) -> tuple[Stability, ...]:
        """Of each parameter: S3-3.1.7."""
        points = np.array([step.point for step in self.steps])
        units = self.space.encoded(points)
        return tuple(
            _stability(p.name, points[:, i], units[:, i]) for i, p in enumerate(self.space.parameters)
        )


def ratio(outside: float, inside: float) -> float:
    """One over the other; NaN unless there was something to keep."""
    return outside / inside if inside > 0.0 else float("nan")


def _stability(name: str, values: F64, units: F64) -> Stability:
    mean = abs(float(values.mean()))
    spread = float(values.std(ddof=1)) if values.size > 1 else float("nan")
    return Stability(
        name,
        float(np.median(values)),
        spread / mean if mean > 0.0 else float("nan"),
        float((np.abs(units - np.median(units)) <= NEAR + 1e-9).mean()),
        float(((units <= 0.0) | (units >= 1.0)).mean()),
    )


def of_days(returns: F64, days_a_year: float) -> dict[str, float]:
    """Figures that daily returns alone tell, compounded: the drawdown is that of the closes of days."""
    equity = np.cumprod(1.0 + returns)
    growth = float(equity[-1])
    peaks = np.maximum.accumulate(np.maximum(equity, 1.0))
    deepest = float((1.0 - equity / peaks).max())
    cagr = growth ** (days_a_year / returns.size) - 1.0 if growth > 0.0 else -1.0
    sharpe, sortino = risk_adjusted(returns[None], days_a_year)
    return {
        "total_return": growth - 1.0,
        "cagr": cagr,
        "sharpe": float(sharpe[0]),
        "sortino": float(sortino[0]),
        "calmar": cagr / deepest if deepest > 0.0 else float("nan"),
        "max_drawdown": deepest,
    }


def walk_forward(
    space: Space,
    setting: Setting,
    plan: Plan,
    planned: Sequence[Window],
    metric: Metric,
    *,
    method: str = "de",
    trials: int = 300,
    seed: int = 1,
    progress: Progress | None = None,
) -> Walk:
    """Search and test in each window. Raises `BadInput`.

    planned   from `genome.tuning.windows.windows`
    trials    distinct points at most, in each window

    A window's search is seeded by the seed and the window's number. What follows a window never changes it. Interrupted from
    the keyboard, the windows that are whole are returned; the interrupt goes on where there is none.
    """
    steps: list[Step] = []
    ended = "done"
    for k, window in enumerate(planned):
        told = None if progress is None else _within(progress, k, len(planned))
        try:
            own = int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
            judge = judging.Window(setting, window.train_from, window.train_to, "walk-forward")
            found = search(space, judge, metric, method=method, trials=trials, seed=own, progress=told)
            if found.ended != "interrupted":
                steps.append(_tested(setting, window, found))
        except KeyboardInterrupt:
            if not steps:
                raise
            ended = "interrupted"
        else:
            ended = "interrupted" if found.ended == "interrupted" else ended
        if ended == "interrupted":
            break
    if not steps:
        raise KeyboardInterrupt
    per_year = float(setting.market.asset_class.days_per_year)
    lookback = space.lookback(setting.market.bar_s)
    return Walk(
        space, metric, plan, setting, method, seed, tuple(steps), tuple(planned), lookback, ended, per_year
    )


def _within(progress: Progress, k: int, total: int) -> Callable[[int, int, float], None]:
    def told(done: int, allowed: int, best: float) -> None:
        del best
        progress(k, total, done, allowed)

    return told


def _tested(setting: Setting, window: Window, found: Search) -> Step:
    tested = judging.Window(setting, window.test_from, window.test_to, "walk-forward")([found.genome])
    inside = {name: float(values[found.best]) for name, values in found.figures.items()}
    inside |= {found.metric.name: float(found.values[found.best])}
    return Step(window, found, inside, _first(tested, found.metric), tested.returns[0], tested.days)


def _first(found: Windowed, metric: Metric) -> dict[str, float]:
    figures = {name: float(values[0]) for name, values in found.figures.items()}
    return figures | {metric.name: float(metric.values(found)[0])}
