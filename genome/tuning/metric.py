"""What is looked for: one figure, the way in which it is good, and how points that may not win are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genome.breeding.objectives import consistency
from genome.grammar import suggestion
from genome.market import F64
from genome.simulator.figures import FIGURES
from genome.simulator.windowed import Windowed
from organism.errors import BadInput

_MINIMISED = frozenset({"max_drawdown", "max_drawdown_bars", "turnover", "exposure", "mean_holding", "fees"})
METRICS: Mapping[str, bool] = {name: name not in _MINIMISED for name in (*FIGURES, "consistency")}
"""Name → whether more is better: the figures of SEMANTICS.md, 7, and the consistency of `genome.breeding.objectives`."""
_REFUSED = 1e12


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure to be made large, or small; and how many trades a point must have closed to count."""

    name: str = "sharpe"
    fewest_trades: int = 10

    def __post_init__(self) -> None:
        """Raise `BadInput` for a figure there is not."""
        if self.name not in METRICS:
            raise BadInput(
                f"there is no metric {self.name[:40]!r}.{suggestion(self.name, METRICS)} There are {', '.join(METRICS)}."
            )
        if self.fewest_trades < 0:
            raise BadInput(f"the least number of trades is 0 or more; was {self.fewest_trades}.")

    @property
    def more_is_better(self) -> bool:
        """Whether it is maximised."""
        return METRICS[self.name]

    def values(self, found: Windowed) -> F64:
        """The figure of each genome (n,), as it is; NaN where it has none."""
        if self.name == "consistency":
            return consistency(found.figures["win_rate"], found.closed, found.days)
        return found.figures[self.name]

    def scores(self, found: Windowed) -> F64:
        """How genomes rank (n,), always finite, more is better.

        Points that keep the constraint come before all that break it; those rank by how little is missing, so that a
        search finds its way out (K. Deb, 2000, "An efficient constraint handling method for genetic algorithms", Computer
        Methods in Applied Mechanics and Engineering 186). A figure that is not a number never wins.
        """
        values = self.values(found)
        trades = found.figures["n_trades"]
        missing = np.maximum(0.0, self.fewest_trades - trades) / max(self.fewest_trades, 1)
        missing = np.where(np.isfinite(values), missing, missing + 2.0)
        signed = values if self.more_is_better else -values
        kept = np.nan_to_num(signed, nan=0.0, posinf=0.0, neginf=0.0)
        scores: F64 = np.where(missing > 0.0, -_REFUSED * (1.0 + missing), kept)
        return scores


def valid(scores: F64) -> np.ndarray:
    """Which scores are those of points that keep the constraint, bool (n,)."""
    return scores > -_REFUSED
