"""What assets that want in at one instant are ranked by, in amounts a person divided."""

import dataclasses

import numpy as np
import pytest

from genome.market import Market
from genome.simulator import backtest_joint
from genome.simulator.ranking import spread
from tests.genome.making import FREE, bars, genes, levels

LAST = 29
"""The bar of the decision; the entry fills at the next."""


def named(symbol, *rows, **rest) -> Market:
    """Thirty bars and more as they are given."""
    return dataclasses.replace(bars(*rows, **rest), symbol=symbol)


def sided(volume, width, size=LAST + 2):
    """Bars about 100 whose closes lie `width` above and below the middle of the range in turn."""
    return [(100.0, 102.0, 100 / 1.02, 100 * width ** (-1) ** t, volume) for t in range(size)]


def outlays(markets, **chosen):
    """What each asset is given when all want in at once."""
    signals = [levels(market.size, entry_long=[LAST]) for market in markets]
    result = backtest_joint(markets, genes(**chosen), FREE, signals=signals)
    return {trade.symbol: trade.quantity * trade.entry_price for trade in result.trades}


def test_a_spread_is_twice_what_closes_lie_off_the_middle():
    # High and low are 100·1.02 and 100 / 1.02, their middle 100 in logs; a close at 101 is ln 1.01 off it.
    found = spread(named("A", *sided(1.0, 1.01)))
    assert np.isnan(found[:20]).all()
    assert found[20:] == pytest.approx(2 * np.log(1.01))
    assert spread(named("A", *sided(1.0, 1.0)))[20:] == pytest.approx(0.0, abs=1e-12)


def test_a_close_between_the_middles_of_its_two_ranges_is_no_spread():
    # The market jumps by 10 %: of the 20 terms one is nothing, for its close lies between the middles.
    rows = sided(1.0, 1.01)
    rows[21:] = [tuple(price * 1.1 for price in row[:4]) + row[4:] for row in rows[21:]]
    found = spread(named("A", *rows))
    assert found[20] == pytest.approx(2 * np.log(1.01))
    assert found[21:] == pytest.approx(2 * np.log(1.01) * 19 / 20)


@pytest.mark.parametrize("broken", [None, (100.0, 102.0, 0.0, 101.0), (0.0, 102.0, 98.0, 101.0)])
def test_a_spread_is_unknown_for_21_bars_after_a_void_bar_or_a_price_that_is_not_positive(broken):
    rows = sided(1.0, 1.01, size=50)
    rows[25] = broken
    known = ~np.isnan(spread(named("A", *rows)))
    assert np.flatnonzero(known).tolist() == [20, 21, 22, 23, 24, 46, 47, 48, 49]
    assert np.isnan(spread(named("A", *rows[:20]))).all()


@pytest.mark.requirement("S4-19.1")
def test_liquidity_is_the_mean_of_the_ranks_of_traded_volume_and_of_a_narrow_spread():
    # Volume ranks B A C at 1, ½, 0; spread ranks A C B at 1, ½, 0: means of ¾, ½, ¼, sizes of 15 % · (1 + L) / 2.
    markets = [
        named("A", *sided(300.0, 1.0)),
        named("B", *sided(500.0, 1.01)),
        named("C", *sided(100.0, 1.005)),
    ]
    assert outlays(markets, liquidity_weight=1.0) == pytest.approx({"A": 1_312.5, "B": 1_125.0, "C": 937.5})
    assert outlays(markets) == pytest.approx(dict.fromkeys("ABC", 1_500.0))


def test_a_spread_that_is_unknown_ranks_last_and_nobody_above_it():
    # C has a void bar among its 21: 0 of its own, and the others are ranked among two.
    rows = sided(100.0, 1.005)
    rows[15] = None
    markets = [named("A", *sided(100.0, 1.02)), named("B", *sided(100.0, 1.01)), named("C", *rows)]
    found = outlays(markets, liquidity_weight=1.0)
    # At bar 29 the closes lie below the middle, that of A most: traded notional ranks A B C at 0, ½, 1.
    volume = {"A": 0.0, "B": 0.5, "C": 1.0}
    expected = {"A": (volume["A"] + 0.0) / 2, "B": (volume["B"] + 1.0) / 2, "C": (volume["C"] + 0.0) / 2}
    assert found == pytest.approx({name: 750.0 * (1 + rank) for name, rank in expected.items()})


@pytest.mark.requirement("S4-19.3")
def test_momentum_is_the_mean_of_the_ranks_over_5_10_and_20_bars():
    def rising(symbol, factor, at):
        return named(symbol, *[100.0 if t < at else 100.0 * factor for t in range(LAST + 2)])

    # B, D, F rose just too early for 5, 10, 20 bars, A, C, E just in time. Ranks in fifths, over 5: A 5, the rest 2;
    # over 10: C 5, B 4, A 3, the rest 1; over 20: E 5, D 4, C 3, B 2, A 1, F 0. The sum of fifths is worth 50 each.
    factors = {"A": (1.1, 25), "B": (1.2, 24), "C": (1.3, 20), "D": (1.4, 19), "E": (1.5, 10), "F": (1.6, 9)}
    found = outlays([rising(name, *how) for name, how in factors.items()], momentum_weight=1.0)
    fifths = {"A": 5 + 3 + 1, "B": 2 + 4 + 2, "C": 2 + 5 + 3, "D": 2 + 1 + 4, "E": 2 + 1 + 5, "F": 2 + 1 + 0}
    assert found == pytest.approx({name: 750.0 + 50.0 * sum_of for name, sum_of in fifths.items()})


def test_momentum_that_is_not_known_over_20_bars_counts_over_5_and_10():
    def rising(symbol, factor, first):
        return named(
            symbol,
            *[100.0 * factor**t for t in range(LAST + 2)][first:],
            start_s=20_000 * 86_400 + 3_600 * first,
        )

    # C is listed 13 bars before the decision and rose most: 1 over 5 and 10, 0 over 20, where A and B have 0 and 1.
    markets = [rising("A", 1.01, 0), rising("B", 1.02, 0), rising("C", 1.03, LAST - 13)]
    signals = [levels(market.size, entry_long=[market.size - 2]) for market in markets]
    result = backtest_joint(markets, genes(momentum_weight=1.0), FREE, signals=signals)
    found = {trade.symbol: trade.quantity * trade.entry_price for trade in result.trades}
    assert found == pytest.approx({"A": 750 * (1 + 0 / 3), "B": 750 * (1 + 2 / 3), "C": 750 * (1 + 2 / 3)})


@pytest.mark.parametrize(
    ("chosen", "flagged"),
    [
        ({}, False),
        ({"size": 0.5}, False),
        ({"sizing": 0}, False),
        ({"sizing": 2}, True),
        ({"sizing": 3}, True),
    ],
)
def test_a_size_rule_is_not_used_and_that_is_said(chosen, flagged):
    market = named("A", *sided(1.0, 1.0))
    result = backtest_joint([market], genes(**chosen), FREE, signals=[levels(market.size, entry_long=[LAST])])
    assert ("size_rule_unused" in result.flags) is flagged
    assert result.trades[0].quantity * result.trades[0].entry_price == pytest.approx(1_500.0)
