"""A backtest by hand is a trial too: it is counted in the store of `--state`, and told how many there were before."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genome.breeding.objectives import NAMES, objectives
from genome.costs import Costs
from genome.genome import Genome
from genome.market import I64, Market
from genome.trials.count import Tally, counting
from genome.trials.datasets import dataset_of
from organism.errors import OrganismError

FILE = "genome.db"


class Counted(NamedTuple):
    """tally: of this data and whatever overlaps it, this trial included; None where it could not be counted: then why."""

    tally: Tally | None
    warning: str = ""

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        if self.tally is None:
            return self.warning
        n = self.tally.trials
        if n == 1:
            return "This is the first trial on these bars, or bars that overlap them."
        return (
            f"{n:,} trials were made on these bars and bars that overlap them, this one included; {self.tally.clusters:,} of "
            "them behave differently."
        )


def counted(state: Path, genome: Genome, markets: list[Market], result: Any, costs: Costs, capital: float) -> Counted:  # fmt: skip
    """Count a backtest. What hinders it is told, and breaks nothing."""
    data = dataset_of(markets, costs=costs, rules=f"backtest {capital!r} {len(markets)}")
    daily = np.asarray(result.daily, np.float64)[None]
    days = np.asarray(result.days, np.int64)
    worth = np.full((1, len(NAMES)), np.nan)
    if days.size > 1:
        closed = _closed(markets, result, days)[None]
        wins, turnover = (np.array([result.figures[name]]) for name in ("win_rate", "turnover"))
        per_year = float(markets[0].asset_class.days_per_year)
        worth = objectives(daily, closed, days, wins, turnover, per_year, fewest_trades=0).values
    try:
        with counting(state / FILE) as trials:
            trials.add(data, [genome.content_hash], worth, daily, days, "backtest", at_s=int(time.time()))
            return Counted(trials.tally(data))
    except OrganismError as error:
        return Counted(None, f"This trial was not counted: {error}")


def _closed(markets: list[Market], result: Any, days: I64) -> Any:
    """Trades closed until each day's end, float64 (D,)."""
    at = [
        int(markets[getattr(trade, "asset", 0)].day[trade.exit_bar])
        for trade in result.trades
        if trade.reason != "end"
    ]
    return np.searchsorted(np.sort(np.array(at, np.int64)), days, side="right").astype(np.float64)
