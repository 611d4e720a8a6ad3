"""Hand-made paths are run by both readings of the page: the oracle's outcome comes back, the engine's has to equal it."""

import pytest

from genome.costs import Costs
from genome.simulator import backtest
from tests.genome.oracle import account

CLOSE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}


def run(market, genome, costs=Costs(), capital=10_000.0, signals=None):  # noqa: B008 (frozen)
    outcome = account.run(market, genome, costs, capital, signals)
    same(backtest(market, genome, costs, capital, signals=signals), outcome)
    return outcome


def same(ours, theirs):
    """`ours` of the engine, `theirs` of the oracle."""
    same_trades(ours.trades, theirs.trades)
    assert list(ours.equity) == pytest.approx(theirs.equity, **CLOSE)
    assert list(ours.daily) == pytest.approx(theirs.daily, **CLOSE)
    assert ours.figures == pytest.approx(theirs.figures, **CLOSE)
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
