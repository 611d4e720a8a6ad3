"""Many assets on one equity, by both readings of the page: the oracle's outcome comes back, the engine's has to equal it."""

from dataclasses import replace

from genome.costs import Costs
from genome.simulator import backtest_joint
from tests.genome.oracle import joint
from tests.genome.oracle.both import same


def run(markets, genome, costs=Costs(), capital=10_000.0, gross=1.0, signals=None):  # noqa: B008 (frozen)
    """Markets are named A, B, C … so that one may be given many times."""
    named = [replace(market, symbol=chr(65 + i)) for i, market in enumerate(markets)]
    outcome = joint.run(named, genome, costs, capital, gross, signals)
    same(backtest_joint(named, genome, costs, capital, gross_limit=gross, signals=signals), outcome)
    return outcome
