"""Who judges the points of a search: one window of one market, and a count that forgets no look."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genome.breeding.objectives import objectives
from genome.costs import Costs
from genome.evolution.ports import Count, Scores
from genome.genome import Genome
from genome.market import Market
from genome.simulator.cache import market_digest
from genome.simulator.windowed import Windowed, cut, evaluate_within

_WARM_LOOKBACKS = 4
_WARM_DAYS = 32
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """On what genomes are judged, and what it costs.

    market     all of its bars; windows are cut out of them
    warm_bars  so many before a window are read by indicators: see `warm_bars`
    count      is told of every genome that was judged; None: nobody counts
    """

    market: Market
    costs: Costs = Costs()  # noqa: RUF009 - frozen
    capital: float = 10_000.0
    warm_bars: int = 0
    fewest_trades: int = 10
    count: Count | None = None
    threads: int | None = None


def warm_bars(lookback: int, bar_s: int) -> int:
    """Bars read before a window: four times the longest lookback, and a month for what begins anew each month.

    An exponential average of n bars has by then forgotten all but e⁻⁸ of how it began.
    """
    return _WARM_LOOKBACKS * lookback + -(-_WARM_DAYS * _DAY_S // bar_s)


class Window:
    """Judges genomes on bars begin … end − 1 of a market: nothing later exists for it."""

    def __init__(self, setting: Setting, begin: int, end: int, origin: str) -> None:
        self._setting, self._origin = setting, origin
        first = max(0, begin - setting.warm_bars)
        self.market = cut(setting.market, first, end)
        self.begin = begin - first

    def __call__(self, genomes: Sequence[Genome]) -> Windowed:
        """Results of the window, and the count is told."""
        s = self._setting
        found = evaluate_within(genomes, self.market, self.begin, s.costs, s.capital, threads=s.threads)
        if s.count is not None:
            s.count.add(
                self.data, [genome.content_hash for genome in genomes], self._scores(found), self._origin
            )
        return found

    @property
    def data(self) -> str:
        """Names the bars, where the window begins in them, costs and capital: 64 hex digits."""
        s = self._setting
        said = repr((self.begin, s.costs, s.capital, s.fewest_trades))
        return hashlib.sha256(market_digest(self.market) + said.encode()).hexdigest()

    def _scores(self, found: Windowed) -> Scores:
        s = self._setting
        judged = objectives(
            found.returns, found.closed, found.days, found.figures["win_rate"], found.figures["turnover"],
            float(s.market.asset_class.days_per_year), s.fewest_trades,
        )  # fmt: skip
        values = np.where(np.isfinite(judged.values), judged.values, -np.inf)
        return Scores(values, judged.violations, found.returns, found.days, found.closed[:, -1])
