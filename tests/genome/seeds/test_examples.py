"""Each seed fires at the bars a person computed: the possibility test of S4-5.3, and its known outputs of S4-24.1."""

from pathlib import Path

import numpy as np
import pytest

from genome.checking import check, effective
from genome.market import market
from genome.programs.running import signals
from genome.seeds import SEEDS, seed
from genome.simulator import backtest
from tests.genome.making import FREE, bars

FLAT_THEN_RISING = [100] * 20 + list(range(101, 121))
FROM_20 = list(range(20, 40))


def fired(genome, market):
    """Bars at which each condition holds: entry long, exit long, entry short, exit short."""
    check(genome)
    return [np.flatnonzero(row).tolist() for row in signals(effective(genome), market)]


@pytest.mark.requirement("S4-5.3", "S4-24.3", "S4-5.1", "S4-5.2", "S1-3.9")
def test_donchian_breaks_out_of_a_flat_market():
    """The highest of the 20 bars before bar 20 is 100: 101 > 100.1. Then each close is 1 above the last high.

    Out and short never; the short's exit channel is broken upwards at the same bars. A channel that holds the bar itself
    would never be broken: no signal at all would be an error.
    """
    found = fired(seed("donchian_breakout"), bars(*FLAT_THEN_RISING))
    assert found == [FROM_20, [], [], FROM_20]


@pytest.mark.requirement("S4-5.2")
def test_the_threshold_is_a_factor_above_and_its_mirror_below():
    """1 %: above 101 and below 99, of a channel of 100. Closes 101 and 99 are at the thresholds, not beyond them."""
    up = bars(*[100] * 20, 101, 100, 102.5)
    assert fired(seed("donchian_breakout", threshold=0.01), up)[0] == [22]
    down = bars(*[100] * 20, 99, 100, 97.5)
    assert fired(seed("donchian_breakout", threshold=0.01), down)[2] == [22]


@pytest.mark.requirement("S4-20.10", "S4-24.3")
def test_the_false_breakout_filter_waits_until_the_breakout_has_held():
    """Breakout at bar 20 (102 of 100); two bars later 103 is still above: long at 22. A breakout that fell back is not followed."""
    held = bars(*[100] * 20, 102, 101, 103)
    failed = bars(*[100] * 20, 102, 101, 99)
    genome = seed("donchian_breakout", false_breakout_filter="yes", hold=2)
    assert fired(genome, held)[0] == [22]
    assert fired(genome, failed)[0] == []
    assert fired(seed("donchian_breakout"), failed)[0] == [20]


@pytest.mark.requirement("S4-24.2", "S4-5.3")
def test_ema_crossover_crosses_where_a_person_says():
    """α = 2/3 and 1/2. Bar 4: 12 over 11.5, equal before. Bar 6: 8.89 under 9.625, over before (12.67, 12.25)."""
    found = fired(seed("ema_crossover", fast=2, slow=3), bars(10, 10, 10, 10, 13, 13, 7, 7))
    assert found == [[4], [6], [6], [4]]


@pytest.mark.requirement("S4-24.6", "S4-5.3")
def test_sma_trend_holds_above_the_long_average():
    """Bar 3: 3.5 over 2.5, close 4. Bar 5: averages equal (3.5), close 2 below: out. Bar 6: 1.5 under 3, close 1: short."""
    found = fired(seed("sma_trend", fast=2, slow=4), bars(1, 2, 3, 4, 5, 2, 1))
    assert found == [[3, 4], [5, 6], [6], [3, 4]]


@pytest.mark.requirement("S4-24.7", "S4-20.7", "S4-5.3")
def test_atr_stop_leaves_at_2_3_atr():
    """Cross at bar 4 (true range 1, before 0: ATR(2) = 0.5). In at 101, stop 101 − 2.3·0.5 = 99.85, hit by the low of bar 6."""
    market = bars(100, 100, 100, 100, 101, (101, 101, 101, 101), (101, 101, 99, 100), 100)
    genome = seed("atr_stop", fast=2, slow=3, atr_period=2)
    assert dict(genome.genes)["stop_atr"] == 2.3
    assert fired(genome, market)[0] == [4]
    trade = backtest(market, genome, FREE).trades[0]
    assert (trade.side, trade.entry_bar, trade.entry_price) == (1, 5, 101.0)
    assert (trade.exit_bar, trade.reason) == (6, "stop")
    assert trade.exit_price == pytest.approx(99.85)


@pytest.mark.requirement("S4-24.8", "S4-5.3")
def test_ichimoku_needs_crossed_lines_and_a_close_above_the_old_cloud():
    """Bar 6: both lines 10.5, no. Bar 7: 11.5 over 11, close 12 above the cloud of bar 5, which is 10. The short's exit: also bar 6."""
    market = bars(*[10] * 6, 11, 12, 13)
    found = fired(seed("ichimoku_cloud", conversion=2, base=3, span=4, displacement=2), market)
    assert found == [[7, 8], [], [], [6, 7, 8]]


@pytest.mark.requirement("S4-24.8")
def test_the_cloud_is_the_one_drawn_displacement_bars_ago():
    """A jump to 20 raises today's span at once; the cloud beneath bars 6 and 7 is that of bars 4 and 5, still 10."""
    market = bars(*[10] * 6, 20, 15, 15)
    found = fired(seed("ichimoku_cloud", conversion=2, base=3, span=4, displacement=2), market)
    # Bar 6: lines (20+10)/2 = (20+10)/2 equal. Bar 7: 17.5 over 15. Bar 8: conversion 15 under base 17.5: out, not in;
    # cloud of bar 6: A = 15, B = 15, close 15 is not above it.
    assert found == [[7], [8], [], [6, 7]]


@pytest.mark.requirement("S4-24.10", "S4-5.3")
def test_volatility_scaling_follows_the_sign_of_the_past_return():
    """Three bars: 11/10, 12/10, 11/10 up at bars 3, 4, 5; 9/11 and 8/12 down at bars 6, 7."""
    found = fired(seed("volatility_scaling", lookback=3), bars(10, 10, 10, 11, 12, 11, 9, 8))
    assert found == [[3, 4, 5], [6, 7], [6, 7], [3, 4, 5]]


@pytest.mark.requirement("S4-24.10", "S4-19.2")
def test_volatility_scaling_holds_less_where_the_market_moves_more():
    """Returns ±1 % against ±4 % a day: 0.2 over σ·√365 is about a quarter of the size."""
    outlays = []
    for swing in (0.01, 0.04):
        closes = 100.0 * np.cumprod(1.0 + swing * np.tile([1.5, -1.0], 20))
        market = bars(*closes, bar_s=86_400)
        genome = seed("volatility_scaling", lookback=20, volatility_window=20, target_volatility=0.2)
        first = backtest(market, genome, FREE).trades[0]
        outlays.append(first.quantity * first.entry_price)
    assert outlays[1] / outlays[0] == pytest.approx(0.25, rel=0.1)


@pytest.mark.requirement("S4-24.4", "S1-3.1", "S4-5.3")
def test_rsi_filter_buys_cheap_and_leaves_in_the_middle():
    """Wilder, two bars. Bar 2: only losses, 0. Bar 3: 0.5/(0.5 + 0.5) = 50, not over 50. Bar 4: 75. Bar 5: 87.5."""
    found = fired(seed("rsi_filter", period=2), bars(10, 9, 8, 9, 10, 11))
    assert found == [[2], [4, 5], [4, 5], [2]]


@pytest.mark.requirement("S4-24.5", "S4-5.3")
def test_stochastic_turns_at_the_ends_of_the_range():
    """%K of five bars, smooth 1, %D of two.

    Bar 5: K 0, D 0. Bar 6: 13 in 12 … 18: K 16.7 over D 8.3, below 20: long. Bars 7 to 9: K 100, 100, 90: out.
    Bar 9: 21 in 12 … 22: K 90 under D 95, before equal: short.
    """
    market = bars(22, 20, 18, 16, 14, 12, 13, 20, 22, 21)
    found = fired(seed("stochastic", k=5, smooth=1, d=2), market)
    assert found == [[6], [7, 8, 9], [9], [5, 6]]


@pytest.mark.requirement("S4-24.9", "S4-5.3")
def test_vwap_reversion_buys_beyond_the_band():
    """Equal volume: VWAP 99.2, σ² = (4·0.8² + 3.2²)/5 = 2.56, z = −3.2/1.6 = −2 at bar 4. Before, z is 0: no entry."""
    found = fired(seed("vwap_reversion", k=1.5), bars(100, 100, 100, 100, 96))
    assert found == [[4], [0, 1, 2, 3], [], [0, 1, 2, 3, 4]]
    assert fired(seed("vwap_reversion", k=2.5), bars(100, 100, 100, 100, 96))[0] == []


@pytest.mark.requirement("S4-20.11")
def test_the_anchor_decides_how_far_back_the_average_reaches():
    """24 hourly bars of 100, then a new day at 96: the day's own VWAP is 96, the week's is not. The first bar is Thursday's."""
    market = bars(*[100] * 24, 96)
    assert fired(seed("vwap_reversion", anchor="day"), market)[0] == []
    assert fired(seed("vwap_reversion", anchor="week"), market)[0] == [24]


def with_funding(*rates):
    n = len(rates)
    flat = np.full(n, 100.0)
    at = np.arange(n, dtype=np.int64) * 28_800
    return market(
        "X/Y", at, 28_800, (flat, flat, flat, flat, np.ones(n)), funding=np.array(rates, dtype=float)
    )


@pytest.mark.requirement("S4-24.11", "S4-5.3")
def test_funding_carry_takes_the_side_that_is_paid():
    found = fired(seed("funding_carry"), with_funding(0.0001, 0.0005, 0.0004, 0.0, -0.0005, 0.0))
    assert found == [[4], [0, 1, 2, 3, 5], [1, 2], [3, 4, 5]]


@pytest.mark.requirement("S4-24.15", "S4-5.3")
def test_fibonacci_buys_the_half_of_a_rise_on_volume():
    """Bar 22: of the 8 bars before, low 100 and then high 110: the half is 105; 105.5 lies within 1 % above it.

    Trend: 50·(105.5/106.5 − 1) = −0.47; volume 3 of a mean of 1.1, capped at 1: −0.6·0.47 + 0.4·1 = 0.12 > 0.
    """
    path = [100] * 15 + [102, 104, 106, 108, 110, 109, 107.5]
    loud, quiet = (bars(*path, (105.5,) * 4 + (volume,)) for volume in (3_000.0, 1_000.0))
    genome = seed("fibonacci", window=8, level=0.5, pivot="extreme")
    assert fired(genome, loud)[0] == [22]
    assert fired(genome, quiet)[0] == []


@pytest.mark.requirement("S4-20.14", "S4-20.18", "S4-5.3", "S1-5.1")
def test_momentum_confluence_needs_two_of_three_and_one_confirmation():
    """1 % a bar. Bar 3: EMA(2) over EMA(4), RSI 100, return of 3 bars 3.03 % > 2 %; confirmed by the week's VWAP below."""
    rising = [100 * 1.01**i for i in range(8)]
    genome = seed("momentum_confluence", fast=2, slow=4, rsi_period=2, lookback=3)
    assert fired(genome, bars(*rising)) == [[3, 4, 5, 6, 7], [], [], [3, 4, 5, 6, 7]]
    falling = fired(genome, bars(*[100 * 0.99**i for i in range(8)]))
    assert falling[0] == []
    assert falling[2] == [3, 4, 5, 6, 7]


@pytest.mark.requirement("S4-20.15", "S1-3.10", "S4-5.3", "S1-5.2")
def test_mean_reversion_setup_buys_the_fall():
    """Bar 7: z = −8.4/4.72 = −1.78, RSI(2) = 3, close 90 under 92.1; volume 3,000 of a mean of 1,400. Nothing before."""
    path = [100, 101, 100, 101, 100, 101, 100]
    genome = seed("mean_reversion_setup", lookback=5, rsi_period=2, z_entry=1.5, bb_k=1.5)
    found = fired(genome, bars(*path, (90, 90, 90, 90, 3_000.0)))
    assert found[0] == [7]
    assert found[2] == []
    assert found[1] == [5]  # the only bar above its mean


@pytest.mark.requirement("S4-20.16", "S1-3.9", "S4-5.3", "S1-5.3")
def test_breakout_validation_breaks_out_of_a_flat_market():
    """Channel and resistance of 20 bars broken at bar 20, on-balance volume above its mean. It leaves under its own mean."""
    found = fired(seed("breakout_validation"), bars(*FLAT_THEN_RISING))
    assert found[0] == FROM_20
    assert found[2] == []


def test_every_seed_with_conditions_has_an_example_here():
    source = Path(__file__).read_text()
    for name, one in SEEDS.items():
        assert one.learns or f'seed("{name}"' in source, name
