"""Windows of a market: accounts begin with nothing held, indicators know the past, and nothing knows the future."""

import itertools

import numpy as np
import pytest

from genome.costs import Costs
from genome.seeds import SEEDS, seed
from genome.simulator import backtest, evaluate
from genome.simulator.windowed import cut, evaluate_within
from genome.tuning.windows import PRESETS, Plan, windows
from organism.errors import BadInput
from tests.genome.making import FREE, bars, genes
from tests.genome.tuning.worlds import DAY, HOUR, made, noise, threshold

COSTS = Costs(taker=0.002, maker=0.002, slippage=0.001)


def test_from_the_first_bar_on_and_flat_at_the_end_it_is_a_backtest():
    market = noise(60)
    genomes = [seed(name) for name, one in SEEDS.items() if not one.learns]
    within, whole = evaluate_within(genomes, market, 0, FREE), evaluate(genomes, [market], FREE)
    for name, values in within.figures.items():
        if name != "turnover":  # what is held at the end is sold
            assert np.allclose(values, whole.figures[name][:, 0], equal_nan=True), name
    assert np.allclose(within.returns, whole.returns[0])
    assert (within.days == whole.days[0]).all()


def test_before_the_window_nothing_is_decided_and_nothing_earned():
    market = noise(60)
    begin = 24 * 30
    found = evaluate_within([seed("ema_crossover")], market, begin, COSTS)
    assert found.days.size == 30
    assert found.days[0] == market.day[begin]
    assert found.returns[0, 0] != 0.0, "it trades on its first day already: the averages are warm"
    cold = evaluate_within([seed("sma_trend")], cut(market, begin, market.size), 0, COSTS)
    warm = evaluate_within([seed("sma_trend")], market, begin, COSTS)
    assert (cold.returns[0, :8] == 0.0).all()
    assert warm.returns[0, :8].any()


def test_figures_of_a_window_are_those_of_the_same_decisions_on_its_bars_alone():
    """A strategy without memory decides the same with and without a past: its figures must not tell the difference."""
    market = noise(60, seed=8)
    begin = 24 * 20
    genome = threshold(float(np.median(market.column("close"))) - 100.0)
    warm = evaluate_within([genome], market, begin, COSTS)
    alone = evaluate_within([genome], cut(market, begin, market.size), 0, COSTS)
    for name, values in warm.figures.items():
        assert values[0] == pytest.approx(alone.figures[name][0], nan_ok=True), name
    assert np.allclose(warm.returns, alone.returns)
    assert (warm.closed == alone.closed).all()


def test_what_is_held_at_the_end_pays_for_leaving():
    market = bars(100, 100, 100, 100)
    genome = threshold(1.0)  # long below 101: from the second bar on
    found = evaluate_within([genome], market, 0, Costs(taker=0.01, maker=0.01, slippage=0.0))
    # 10,000 buy 9,900.99 of it at a fee of 1 %; sold at the last close for a fee of 99.01.
    assert found.figures["total_return"][0] == pytest.approx(9_900.990099 * 0.99 / 10_000 - 1)
    assert found.figures["fees"][0] == pytest.approx(99.00990 * 2)
    assert found.figures["n_trades"][0] == 0
    assert np.prod(1 + found.returns[0]) - 1 == pytest.approx(found.figures["total_return"][0])


def test_the_first_decision_is_that_of_the_first_close_inside():
    market = bars(*range(100, 130))
    always = threshold(1_000.0)
    for begin in (0, 1, 9, 27):
        found = evaluate_within([always], market, begin, FREE)
        bought = float(market.column("open")[begin + 1])
        assert found.figures["total_return"][0] == pytest.approx(129 / bought - 1)
    assert evaluate_within([always], market, 29, FREE).figures["total_return"][0] == 0.0


def test_a_market_is_cut_with_everything_that_belongs_to_a_bar():
    market = bars(*range(100, 120), funding={"open": {3: 0.01, 12: 0.02}})
    part = cut(market, 10, 15)
    assert part.open_s.tolist() == market.open_s[10:15].tolist()
    assert part.funding_open.tolist() == [0, 0, 0.02, 0, 0]
    assert part.column("close").tolist() == [110, 111, 112, 113, 114]
    assert part.columns.flags.c_contiguous
    assert cut(market, 0, 20) is market
    for begin, end in ((5, 5), (-1, 3), (0, 21)):
        with pytest.raises(BadInput, match="which has 20"):
            cut(market, begin, end)


def test_a_window_that_begins_beyond_the_market_is_refused():
    with pytest.raises(BadInput, match="from 0 to 3; was 4"):
        evaluate_within([threshold(0.0)], bars(1, 2, 3, 4), 4)


def test_a_backtest_of_the_window_earns_the_same():
    market, begin = noise(40, seed=3), 24 * 10
    genome = seed("rsi_filter", period=14)
    found = evaluate_within([genome], market, begin, FREE)
    from genome.checking import effective
    from genome.programs.running import Run

    decided = Run(market, effective(genome)).decisions(np.full(market.size + 64, 15, np.uint8))
    rows = [
        ((decided[: market.size] >> bit) & 1).astype(bool) & (np.arange(market.size) >= begin)
        for bit in range(4)
    ]
    direct = backtest(market, genes(), FREE, signals=rows)
    assert found.figures["n_trades"][0] == direct.figures["n_trades"] > 3
    assert np.prod(1 + found.returns[0]) == pytest.approx(direct.equity[-1] / 10_000)


# Where windows lie.


@pytest.mark.requirement("S0-1.3.11")
def test_the_preset_of_a_year_and_a_quarter_counts_days_of_the_calendar():
    market = noise(800, bar_s=4 * HOUR)
    found = windows(market, PRESETS["365/90"], lookback=0)
    assert len(found) == (800 - 365) // 90
    for k, w in enumerate(found):
        assert (w.train_from, w.train_to) == (k * 90 * 6, (365 + 90 * k) * 6)
        assert (w.test_from, w.test_to) == (w.train_to, w.train_to + 90 * 6)


@pytest.mark.requirement("S3-3.1.6")
def test_the_preset_of_an_exchange_counts_the_days_on_which_it_is_open():
    n = 700
    weekdays = np.flatnonzero((np.arange(n) + 19_000 + 3) % 7 < 5)
    market = made(100 + np.random.default_rng(1).normal(0, 1, n).cumsum() * 0.1, DAY, keep=weekdays)
    found = windows(market, PRESETS["252/63"], lookback=0)
    assert all((w.train_to - w.train_from, w.test_to - w.test_from) == (252, 63) for w in found)
    assert len(found) == (weekdays.size - 252) // 63


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("gap", [0, 7, 50, None])
@pytest.mark.parametrize("trading", [False, True])
def test_tests_follow_each_other_and_no_learning_reaches_into_one(anchored, gap, trading):
    market = noise(200)
    plan = Plan(40, 13, trading_days=trading, anchored=anchored, gap=gap)
    found = windows(market, plan, lookback=30)
    left_out = 30 if gap is None else gap
    for w in found:
        assert 0 <= w.train_from < w.train_to
        assert w.test_from - w.train_to == left_out
        assert w.test_from < w.test_to <= market.size
        assert market.open_s[w.test_from] % DAY == 0
        assert anchored or w.train_to - w.train_from == 40 * 24
        assert not anchored or w.train_from == 0
    assert all(a.test_to == b.test_from for a, b in itertools.pairwise(found))


def test_the_gap_is_the_longest_lookback_but_at_most_a_tenth_of_the_learning():
    market = noise(200)
    for lookback, gap in ((30, 30), (96, 96), (500, 96)):
        first = windows(market, Plan(40, 10), lookback)[0]
        assert first.test_from - first.train_to == gap


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (lambda: Plan(0, 90), "--train is at least 1 day; was 0"),
        (lambda: Plan(30, 1), "--test is at least 2 days; was 1"),
        (lambda: Plan(30, 5, gap=-1), "--purge is 0 bars or more"),
        (
            lambda: windows(noise(60), Plan(365, 90)),
            "needs 455 with what is left out between them, but TOY/USD has 60",
        ),
    ],
)
def test_windows_that_cannot_be_are_refused_in_one_sentence(plan, says):
    with pytest.raises(BadInput, match=says):
        plan()
