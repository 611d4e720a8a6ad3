"""The oracle on how much an entry takes: each size rule once, by hand."""

import math

import pytest

from genome.costs import Costs
from tests.genome.making import DAY, FREE, bars, genes, levels
from tests.genome.oracle.both import run


def quantity(market, genome, costs=FREE, at=0):
    (trade,) = run(market, genome, costs, 10_000.0, levels(market.size, entry_long=[at])).trades
    return trade.quantity


@pytest.mark.parametrize(("given", "pieces"), [({}, 100), ({"size": 0.25}, 25), ({"size": 3}, 100)])
def test_fixed_is_a_share_of_the_equity_and_never_more_than_all(given, pieces):
    assert quantity(bars(100, 100), genes(**given)) == pytest.approx(pieces)


def test_the_position_limit_holds_for_every_rule():
    assert quantity(bars(100, 100), genes(position_limit=0.1)) == pytest.approx(10)
    assert quantity(bars(100, 100), genes(sizing=3, kelly_cap=0.5, position_limit=0.1)) == pytest.approx(10)


def test_the_outlay_includes_the_fee_for_both_sides():
    costs = Costs(taker=0.25, slippage=0.0)
    assert quantity(bars(100, 100), genes(), costs) == pytest.approx(80)
    short = run(bars(100, 100), genes(), costs, 10_000.0, levels(2, entry_short=[0])).trades[0]
    assert short.quantity == pytest.approx(80)


def test_risk_is_what_the_stop_would_lose():
    # 1 % of 10,000 is 100; a stop 4 % away loses 100 on 2,500.
    assert quantity(bars(100, 100), genes(sizing=1, risk=0.01, stop=0.04)) == pytest.approx(25)
    # A stop nearer than the risk: all, not more.
    assert quantity(bars(100, 100), genes(sizing=1, risk=0.02, stop=0.01)) == pytest.approx(100)


def test_risk_to_a_stop_by_atr_is_measured_at_the_decision():
    # ATR(1) at bar 1 is 4, close 100: two of them are 8 % of the price; 2 % / 8 % = a quarter.
    market = bars((100, 100), (100, 102, 98, 100), (100, 100))
    some = {"sizing": 1, "risk": 0.02, "stop_atr": 2, "atr_period": 1}
    assert quantity(market, genes(**some), at=1) == pytest.approx(25)
    assert quantity(market, genes(**some, stop=0.04), at=1) == pytest.approx(50)  # the tighter is 4 %


def test_volatility_is_brought_to_its_target():
    # Daily closes 100, 110, 100, 110: log returns ± ln 1.1. Two of them: σ = ln 1.1 · √2 a bar, · √365 a year.
    market = bars(*[(x, x) for x in (100, 110, 100, 110)], bar_s=DAY)
    some = genes(sizing=2, target_volatility=0.5, volatility_window=2)

    share = 0.5 / (math.log(1.1) * math.sqrt(2) * math.sqrt(365))
    assert quantity(market, some, at=2) == pytest.approx(10_000 * share / 110)
    # Before two returns are known there is no entry, and none is counted as refused.
    early = run(market, some, FREE, 10_000.0, levels(4, entry_long=[0, 1]))
    assert (early.trades, early.refused) == ([], 0)


def test_a_market_that_does_not_move_takes_the_limit():
    some = {"sizing": 2, "target_volatility": 0.5, "volatility_window": 2}
    assert quantity(bars(*[100] * 5), genes(**some), at=3) == pytest.approx(100)
    assert quantity(bars(*[100] * 5), genes(**some, position_limit=0.5), at=3) == pytest.approx(50)


def kelly(n_wins, n_losses, win, loss):
    """Trades of one bar each with the returns given; the quantity wanted by the entry after them, at 100."""
    closes = [100 * (1 + win)] * n_wins + [100 * (1 - loss)] * n_losses
    rows = [(100, 100), *[(100, close) for close in closes], (100, 100), (100, 100)]
    # Bars jump back to 100 at each open; each trade is closed by its maximum hold at the open after, at 100.
    # So the return is made inside the bar: a target or a stop that the close touches exactly.
    size = len(rows)
    genome = genes(sizing=3, kelly_cap=0.9, target=win, stop=loss)
    some = run(bars(*rows), genome, FREE, 10_000.0, levels(size, entry_long=range(size)))
    assert [t.reason for t in some.trades[:-1]] == ["target"] * n_wins + ["stop"] * n_losses
    equity = 10_000 + sum(t.pnl for t in some.trades[:-1])
    return some.trades[-1].quantity * 100 / equity


def test_kelly_is_half_its_cap_until_twenty_trades_are_closed():
    assert kelly(10, 9, win=0.04, loss=0.02) == pytest.approx(0.45)


def test_kelly_of_its_own_trades():
    # 12 wins of 4 %, 8 losses of 2 %. W = 13/22. Mean win (12 · 0.04 + 0.01)/13, mean loss (8 · 0.02 + 0.01)/9.
    ratio = ((12 * 0.04 + 0.01) / 13) / ((8 * 0.02 + 0.01) / 9)
    assert kelly(12, 8, win=0.04, loss=0.02) == pytest.approx(13 / 22 - (9 / 22) / ratio)  # 0.386


def test_kelly_of_a_losing_record_does_not_enter():
    size = 24
    rows = [(100, 100), *[(100, 98)] * (size - 1)]
    genome = genes(sizing=3, kelly_cap=0.9, stop=0.02)
    some = run(bars(*rows), genome, FREE, 10_000.0, levels(size, entry_long=range(size)))

    assert len(some.trades) == 20
    assert some.refused == 0
