"""Figures of a report by name: how each is called, written and compared."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from dashboard import figures
from dashboard.pages import shapes
from dashboard.pages.shapes import Cell
from dashboard.pages.shared import human

Figures = Mapping[str, float | None]


class Measure(NamedTuple):
    """One figure. style: how it is written; better: 1 where more is better, -1 where less is, 0 where neither."""

    label: str
    style: str = "ratio"
    says: str = ""
    better: int = 0


MEASURES: Final[dict[str, Measure]] = {
    "total_return": Measure("Total return", "gain", "of capital, after costs", 1),
    "cagr": Measure("Return a year", "gain", "compounded", 1),
    "sharpe": Measure("Sharpe", "ratio", "a year", 1),
    "sortino": Measure("Sortino", "ratio", "a year", 1),
    "calmar": Measure("Calmar", "ratio", "return a year by drawdown", 1),
    "max_drawdown": Measure("Max drawdown", "percent", "from the peak", -1),
    "max_drawdown_bars": Measure("Longest drawdown", "count", "bars", -1),
    "consistency": Measure("Consistency", "ratio", "share of windows with a gain", 1),
    "n_trades": Measure("Trades", "parts", "closed"),
    "win_rate": Measure("Won", "percent", "of the trades", 1),
    "profit_factor": Measure("Profit factor", "ratio", "gains by losses", 1),
    "expectancy": Measure("Per trade", "fine", "expected, of its outlay", 1),
    "turnover": Measure("Turnover", "count", "times capital a year", -1),
    "exposure": Measure("In the market", "percent", "of the bars"),
    "mean_holding": Measure("Held for", "count", "bars on average"),
    "fees": Measure("Fees", "money", "account currency", -1),
    "held_return": Measure("Holding instead", "gain", "without costs"),
    "in_sample_sharpe": Measure("In-sample Sharpe", "ratio", "a year, where it was chosen"),
    "efficiency": Measure("Efficiency", "ratio", "out of sample by in sample", 1),
    "won": Measure("Windows won", "count", "out of sample", 1),
    "planned": Measure("Windows", "count", "planned"),
    "luck_sharpe": Measure("Luck alone", "ratio", "Sharpe of the best of so many"),
    "trials": Measure("Tried here", "count", "sets of parameters"),
    "valid": Measure("Valid", "count", "of those tried"),
    "neighbourhood": Measure("Neighbourhood", "ratio", "of the best one's neighbours", 1),
    "generations": Measure("Generations", "count"),
    "population": Measure("Population", "count"),
    "islands": Measure("Islands", "count"),
    "evaluated": Measure("Judged", "count", "genomes"),
    "distinct": Measure("Distinct", "count", "genomes"),
    "evaluations_per_s": Measure("Rate", "count", "evaluations a second"),
    "seconds": Measure("Took", "span"),
    "front": Measure("Front", "count", "nobody beats them in everything"),
    "hypervolume": Measure("Hypervolume", "ratio", "of the front"),
    "diversity": Measure("Diversity", "ratio", "1 when nobody is alike"),
    "trials_new": Measure("New looks", "count", "by this run"),
    "trials_total": Measure("Looks in all", "count", "at these bars, ever"),
    "trials_distinct_behaviour": Measure("Distinct looks", "count", "by behaviour"),
    "weight": Measure("Weight", "percent", "in the body"),
    "pnl": Measure("Result", "signed", "after fees, account currency", 1),
}  # fmt: skip
KEY: Final = ("total_return", "sharpe", "max_drawdown", "n_trades", "win_rate", "held_return", "front", "hypervolume", "diversity",
              "generations", "evaluated", "trials_total")  # fmt: skip
MOST_KEY: Final = 8


def measure(name: str) -> Measure:
    """A figure by its name; one that is not known here is called as it is."""
    return MEASURES.get(name) or Measure(human(name[:60]))


def written(name: str, value: float | None, *, signed: bool = False) -> str:
    """A figure with its unit."""
    style = measure(name).style
    if style == "percent":
        return figures.percent(value, signed=signed)
    if style == "gain":
        return figures.percent(value, signed=True)
    if style == "fine":
        return figures.percent(value, 3, signed=True)
    if style == "span":
        return figures.span(value)
    if style == "signed":
        return figures.plain(value, signed=True)
    if style == "parts":  # a trade of several strategies counts for each in equal parts
        return figures.plain(value, 0 if value is None or value == int(value) else 1, signed=signed)
    return figures.plain(value, 0 if style == "count" else 2, signed=signed)


def cell(name: str, value: float | None, *, tone: str = "") -> Cell:
    """A figure in a table."""
    return shapes.number(written(name, value), value, tone=tone)


def less(name: str, first: float | None, second: float | None) -> Cell:
    """The first less the second: with a sign, and an arrow where one of the two is the better one."""
    mine, theirs = figures.number(first), figures.number(second)
    if mine is None or theirs is None:
        return shapes.number(figures.DASH, None, title="unknown: one of them does not tell it")
    gap, better = mine - theirs, measure(name).better
    shown = (
        figures.plain(gap, 1, signed=True) + f"{figures.THIN}s"
        if measure(name).style == "span"
        else written(name, gap, signed=True)
    )
    if not better or not gap:
        return shapes.number(shown, gap)
    good = gap * better
    return shapes.number(f"{figures.arrow(good)} {shown}", gap, tone=figures.tone(good), title="A is better" if good > 0 else "B is better")  # fmt: skip


def ordered(*found: Figures) -> list[str]:
    """Names of all figures, the known ones first and in one order, then others by name."""
    names = {name for one in found for name in one}
    return [name for name in MEASURES if name in names] + sorted(names - MEASURES.keys())


def looks(found: Figures) -> float | None:
    """How many looks at the same bars stand behind a figure; None where nobody counted."""
    return next(
        (value for name in ("trials_total", "trials") if (value := found.get(name)) is not None), None
    )
