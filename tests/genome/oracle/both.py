"""Hand-made paths are run by both readings of the page: the oracle's outcome comes back, the engine's has to equal it."""

import pytest

from genome.costs import Costs
from genome.simulator import backtest
from tests.genome.oracle import account
from tests.genome.oracle.figures import max_drawdown_bars

CLOSE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}


def run(market, genome, costs=Costs(), capital=10_000.0, signals=None):  # noqa: B008 (frozen)
    outcome = account.run(market, genome, costs, capital, signals)
    same(backtest(market, genome, costs, capital, signals=signals), outcome, capital)
    return outcome


def same(ours, theirs, capital=10_000.0):
    """`ours` of the engine, `theirs` of the oracle.

    A whole number of bars can hang on the last bit of an equity that comes back to its peak: then both readings of that bit
    are right, and no other.
    """
    same_trades(ours.trades, theirs.trades)
    assert list(ours.equity) == pytest.approx(theirs.equity, **CLOSE)
    assert list(ours.daily) == pytest.approx(theirs.daily, **CLOSE)
    bars = "max_drawdown_bars"
    fewest, most = (max_drawdown_bars(theirs.equity, capital, bit) for bit in (-1e-12, 1e-12))
    assert fewest <= ours.figures[bars] <= most
    assert ours.figures | {bars: 0} == pytest.approx(theirs.figures | {bars: 0}, **CLOSE)
    assert ours.refused == theirs.refused
    assert set(ours.flags) == theirs.flags


def same_trades(ours, theirs):
    def told(trades):
        return [(t.side, t.entry_bar, t.exit_bar, t.reason) for t in trades]

    assert told(ours) == told(theirs)
    for name in ("entry_price", "exit_price", "quantity", "fees", "pnl"):
        assert [getattr(t, name) for t in ours] == pytest.approx(
            [getattr(t, name) for t in theirs], **CLOSE
        ), name
