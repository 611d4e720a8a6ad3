"""The simulator: genomes over markets, as genome/SEMANTICS.md says, many at once or one with everything on record."""

from genome.simulator.cache import Cache
from genome.simulator.joint import JointBacktest, JointTrade, backtest_joint
from genome.simulator.population import Evaluation, evaluate
from genome.simulator.single import Backtest, Trade, backtest

__all__ = [
    "Backtest", "Cache", "Evaluation", "JointBacktest", "JointTrade", "Trade", "backtest", "backtest_joint", "evaluate",
]  # fmt: skip
