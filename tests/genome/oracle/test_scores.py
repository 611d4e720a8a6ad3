"""Weights of the joint pass (SEMANTICS.md, 8): liquidity by notional and spread, momentum over three windows."""

import math

import pytest

from tests.genome.making import FREE, bars, genes, levels
from tests.genome.oracle import both_joint
from tests.genome.oracle.prices import spread
from tests.genome.oracle.scores import rank

NAN = math.nan
FROM, SIZE = 24, 26


def shares(markets, fill=FROM, **weights):
    """w · 10,000 of each that enters long at bar `fill`, by the market's place."""
    signals = [levels(market.size, entry_long=[fill - 1]) for market in markets]
    some = both_joint.run(markets, genes(**weights), FREE, signals=signals)
    return [trade.quantity * trade.entry_price for trade in some.trades]


def test_ranks_share_ties_and_leave_the_unknown_last():
    row = {0: 1.0, 1: 2.0, 2: 2.0, 3: NAN}
    assert [rank(row, i) for i in row] == [0.0, 0.75, 0.75, 0.0]
    assert rank({0: 5.0}, 0) == rank({0: 5.0, 1: NAN}, 0) == 0.5


def bouncing(low, high, volume=1_000.0, size=SIZE):
    """Closes at the ask, at the bid, at the ask …"""
    return [(low, high, low, high if t % 2 else low, volume) for t in range(size)]


def test_the_spread_is_the_bounce_between_bid_and_ask():
    found = spread(bars(*bouncing(100, 101)))
    assert all(math.isnan(s) for s in found[:20])
    assert found[20:] == pytest.approx([math.log(101 / 100)] * 6)
    # A close that stands above the middle of its bar and below that of the next says nothing of a spread.
    rising = bars(*[(2.0**t, 2.0 ** (t + 1), 2.0**t, 2.0 ** (t + 1)) for t in range(SIZE)])
    assert spread(rising)[20:] == pytest.approx([0.0] * 6, abs=1e-7)
    # One bounce in twenty: the mean is a twentieth.
    once = (
        [(100, 101, 99, 100)] * 10 + [(100, 110, 100, 110), (100, 110, 100, 105)] + [(105,) * 4] * (SIZE - 12)
    )
    expected = math.log(110) - (math.log(110) + math.log(100)) / 2
    assert spread(bars(*once))[20] == pytest.approx((2 * expected + by_hand(once)) / 20)


def by_hand(rows):
    """All terms up to bar 20 but that of the bounce."""

    def term(t):
        m, after = ((math.log(h) + math.log(low)) / 2 for _, h, low, _ in (rows[t - 1], rows[t]))
        return math.sqrt(max(0.0, 4 * (math.log(rows[t - 1][3]) - m) * (math.log(rows[t - 1][3]) - after)))

    return sum(term(t) for t in range(1, 21) if t != 11)


@pytest.mark.parametrize("bad", [None, (100, 101, 0, 100), (0, 101, -5, 101)], ids=str)
def test_a_void_bar_or_a_price_that_is_not_positive_makes_the_spread_unknown_for_its_21_bars(bad):
    rows = bouncing(100, 101, size=50)
    rows[22] = bad
    found = spread(bars(*rows))
    assert [t for t in range(20, 50) if math.isnan(found[t])] == list(range(22, 43))


@pytest.mark.requirement("S4-19.1")
def test_liquidity_is_traded_notional_and_a_narrow_spread_in_equal_parts():
    wide, narrow = bars(*bouncing(99, 101)), bars(*bouncing(99.9, 100.1))
    twice = bars(*bouncing(99, 101, volume=2_000.0))
    # Both parts equal: rank 0.5 in each. (1 + 0.5) / 2 of 1,500.
    assert shares([wide, wide], liquidity_weight=1) == pytest.approx([1_125, 1_125])
    # Notional equal to the close of 99 or 101, 99.9 or 100.1 at bar 23: 101 is more; the spread of the other is less.
    assert shares([wide, narrow], liquidity_weight=1) == pytest.approx([1_125, 1_125])
    # Twice the volume at the same spread: (1 + (1 + 0.5)/2) / 2, and (1 + (0 + 0.5)/2) / 2.
    assert shares([wide, twice], liquidity_weight=1) == pytest.approx([937.5, 1_312.5])


def test_an_unknown_spread_ranks_last_and_leaves_the_other_part():
    # A void bar among the last 21: V·close passes over it, the spread does not.
    rows = bouncing(99, 101, size=30)
    torn = bars(*rows[:10], None, *rows[11:])
    whole = bars(*rows)
    # At bar 28 the torn one's notional is the equal of the other's; its spread is unknown: 0, and the other is alone: 0.5.
    assert shares([torn, whole], fill=28, liquidity_weight=1) == pytest.approx(
        [1_500 * (1 + 0.25) / 2, 1_500 * (1 + 0.5) / 2]
    )


@pytest.mark.requirement("S4-19.3")
@pytest.mark.requirement("S4-19.6")
def test_momentum_is_the_mean_rank_over_five_ten_and_twenty_bars():
    still = bars(*[100] * SIZE)
    recovering = bars(*[300] * 10, *[50] * 10, *[60] * (SIZE - 20))  # down over 20 bars; up over 5 and 10
    assert shares([still, recovering], momentum_weight=1) == pytest.approx(
        [1_500 * (1 + 1 / 3) / 2, 1_500 * (1 + 2 / 3) / 2]
    )


@pytest.mark.requirement("S4-19.2")
def test_what_is_calm_ranks_first():
    still, lively = bars(*[100] * SIZE), bars(*([100, 110] * SIZE)[:SIZE])
    assert shares([still, lively], volatility_weight=1) == pytest.approx([1_500, 750])
