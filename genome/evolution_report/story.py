"""What a page of evolution is made of: a run that is over, or stopped, and what the store kept of all its generations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genome.costs import Costs
from genome.evolve import Evolved
from genome.market import F64, I64, Market
from genome.trials.count import counting
from genome.trials.runs import Runs

Figures = Mapping[str, Any]
EARLIER = (0.0, 1 / 3, 2 / 3)
"""Where in the run the earlier fronts that are drawn lie."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What genomes were bred on, and how they were judged.

    source         where the bars came from
    warnings       sentences about the bars
    fewest_trades  closed trades, of all markets together; who has fewer wins nothing
    """

    markets: Sequence[Market]
    costs: Costs
    capital: float
    source: str
    warnings: Sequence[str] = ()
    fewest_trades: int = 0

    @property
    def shown(self) -> Market:
        """The market that the best is shown on: the first by name."""
        return min(self.markets, key=lambda one: one.symbol)

    @property
    def days_per_year(self) -> float:
        """Trading days."""
        return float(self.markets[0].asset_class.days_per_year)


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """A run and its past.

    history   of each generation `Report.document`, and with a store "prevalence", "seconds" and "judged_s"; in order; those
              that the store could not read are left out
    fronts    objectives (n, 4) of the best front of a few earlier generations, by generation
    """

    found: Evolved
    history: Sequence[Figures]
    fronts: Mapping[int, F64]

    @property
    def generations(self) -> I64:
        """Numbers of the generations that are known, int64 (n,)."""
        return np.array([one["generation"] for one in self.history], np.int64)

    @property
    def lost(self) -> int:
        """Generations that the store could not read, or never knew."""
        return self.found.state.generation + 1 - len(self.history)

    def over(self, value: Callable[[Figures], Any]) -> F64:
        """A figure of each generation, float64 (n,); NaN where a generation has none."""

        def number(one: Figures) -> float:
            try:
                told = value(one)
            except KeyError:  # an older version of the code did not tell it
                return float("nan")
            return float("nan") if told is None else float(told)

        return np.array([number(one) for one in self.history], np.float64)


def story_of(found: Evolved, store: Path | None = None) -> Story:
    """The whole run: of what the store has where it was kept there, so that it does not matter how often it was resumed."""
    told = {report.generation: report.document() for report in found.reports}
    fronts: dict[int, F64] = {}
    if store is not None and found.run is not None:
        with counting(store, writable=False) as trials:
            runs = Runs(trials)
            told |= runs.reports(found.run)
            for at in sorted({int(share * found.state.generation) for share in EARLIER}):
                for members in runs.fronts(found.run, since=at, until=at + 1).values():
                    fronts[at] = np.array([member.objectives for member in members], np.float64)
    history = [{**told[at], "generation": at} for at in sorted(told) if at <= found.state.generation]
    return Story(found, history, fronts)
