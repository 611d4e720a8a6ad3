"""What evolution needs from outside: somebody who tells what genomes are worth, and somebody who counts the telling.

The loop knows neither threads nor processes nor files. An `Evaluator` of one process, of many, or of a cluster gives the
same numbers for the same flock; a `Count` may be the store, or nothing in a notebook.
"""

from dataclasses import dataclass
from typing import Protocol

from genome.breeding.flat import Flock
from genome.market import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What n genomes are worth on the data that an evaluator holds.

    values      float64 (n, 4): objectives in the order of `genome.breeding.objectives.NAMES`, maximised
    violations  float64 (n,) ≥ 0: 0 where all constraints hold, infinite where a genome cannot be judged
    returns     float64 (n, D): daily returns, of the portfolio where there are several markets
    days        int64 (D,): days since the epoch
    trades      float64 (n,): closed trades
    """

    values: F64
    violations: F64
    returns: F64
    days: I64
    trades: F64

    def __len__(self) -> int:
        return len(self.values)


class Evaluator(Protocol):
    """Tells what genomes are worth. A pure function of the flock: not of threads, workers, or what it was asked before."""

    @property
    def data(self) -> str:
        """Names what genomes are judged by: content of the markets, slice, costs, capital, rule of objectives."""
        ...

    def __call__(self, flock: Flock) -> Scores:
        """Scores of every genome of a flock, in its order. A genome that raises is judged −∞ and does not take others along."""
        ...


class Count(Protocol):
    """Remembers that somebody looked. Trials are counted, never forgotten, and never change what evolution does."""

    def add(self, data: str, hashes: list[str], scores: Scores, origin: str) -> int:
        """Note evaluations of these distinct genomes; how many were new trials.

        hashes   what their content is called: `genome.evolution.keys.texts`, or `Genome.content_hash` of one made by hand
        """
        ...
