"""Objectives: by hand, and blind to the size of the position."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.bench_crowds import walk_market
from genome.breeding.objectives import NAMES, consistency, drawdown, objectives, trades_a_day
from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.simulator import evaluate

JANUARY = int(np.datetime64("2024-01-01").astype("datetime64[D]").astype(int))
DAYS_91 = np.arange(JANUARY, JANUARY + 91)  # January 31, February 29, March 31


def closing(*per_month, lengths=(31, 29, 31)):
    """Trades closed by each day's end, all of a month on its first day."""
    return np.repeat(np.cumsum(per_month), lengths).astype(float)[None]


def test_the_drawdown_is_the_largest_fall_and_counts_the_start():
    falls = np.array([[0.5, -0.5, 0.1], [-0.2, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, -1.5, 0.3]])
    assert drawdown(falls) == pytest.approx([0.5, 0.2, 0.0, 1.0])


def test_the_drawdown_is_to_the_bit_that_of_the_equity_at_every_day():
    rng = np.random.default_rng(1)
    returns, scale = rng.normal(0.0, 0.3, (50, 40)), rng.uniform(0.1, 2.0, 50)
    returns[3, 7], returns[4], scale[5], scale[6] = np.nan, 0.0, np.nan, 0.0
    returns[7, 20], returns[8] = -40.0, np.abs(returns[8])
    with np.errstate(over="ignore"):
        equity = np.cumprod(np.maximum(1.0 + returns * scale[:, None], 0.0), axis=1)
    peaks = np.maximum.accumulate(np.maximum(equity, 1.0), axis=1)
    expected = (1.0 - equity / peaks).max(axis=1)
    assert np.isnan(expected[[3, 5]]).all()
    assert expected[[4, 6, 7, 8]].tolist() == [0.0, 0.0, 1.0, 0.0]
    np.testing.assert_array_equal(drawdown(returns, scale), expected)


def test_trades_of_a_month_are_shared_among_its_days():
    assert trades_a_day(closing(31, 58, 0), DAYS_91)[0].tolist() == [1.0, 2.0, 0.0]


def test_a_month_of_a_few_days_says_nothing_unless_there_is_no_other():
    days = np.arange(JANUARY - 3, JANUARY + 31)
    closed = closing(90, 31, lengths=(3, 31))
    assert trades_a_day(closed, days)[0].tolist() == [1.0]
    assert trades_a_day(closing(6, lengths=(3,)), days[:3])[0].tolist() == [2.0]


@pytest.mark.requirement("S4-27.14")
def test_consistency_is_half_winning_and_half_trading_alike():
    # A trade a day in every month: no variation. Rates 1, 2, 0: deviation √(2/3), mean 1.
    assert consistency(np.array([0.6]), closing(31, 29, 31), DAYS_91)[0] == pytest.approx(0.5 * 0.6 + 0.5)
    expected = 0.5 * 0.6 + 0.5 * (1 - math.sqrt(2 / 3))
    assert consistency(np.array([0.6]), closing(31, 58, 0), DAYS_91)[0] == pytest.approx(expected)
    # All in one month: deviation √2 of the mean, clipped.
    assert consistency(np.array([0.6]), closing(0, 29, 0), DAYS_91)[0] == pytest.approx(0.3)


def test_whoever_never_trades_breaks_the_constraint_beyond_measure():
    found = objectives(
        np.zeros((1, 91)), np.zeros((1, 91)), DAYS_91, np.array([np.nan]), np.array([0.0]), 365.0, 10
    )
    assert found.violations.tolist() == [math.inf]


@pytest.mark.parametrize(("trades", "expected"), [(3, 0.7), (10, 0.0), (11, 0.0)])
def test_too_few_trades_break_the_constraint_by_the_share_that_is_missing(trades, expected):
    rng = np.random.default_rng(1)
    found = objectives(
        rng.normal(size=(1, 91)) * 0.01,
        closing(trades, 0, 0),
        DAYS_91,
        np.array([0.5]),
        np.array([5.0]),
        365.0,
        10,
    )
    assert found.violations[0] == pytest.approx(expected)


@given(st.floats(0.05, 5.0))
def test_nothing_is_bought_by_a_smaller_size(size):
    rng = np.random.default_rng(2)
    returns = rng.normal(0.001, 0.004, size=(3, 91))
    rest = (closing(9, 9, 9).repeat(3, axis=0), DAYS_91, np.full(3, 0.5))
    whole = objectives(returns, *rest, np.full(3, 20.0), 365.0, 5)
    part = objectives(returns * size, *rest, np.full(3, 20.0 * size), 365.0, 5)
    assert part.values == pytest.approx(whole.values, rel=1e-9)


def test_at_the_common_volatility_a_year_deviates_by_a_tenth():
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0, 0.02, size=(1, 365))
    found = objectives(
        returns,
        np.ones((1, 365)),
        np.arange(JANUARY, JANUARY + 365),
        np.array([0.5]),
        np.array([8.0]),
        365.0,
        1,
    )
    volatility = returns.std(ddof=1) * math.sqrt(365)
    assert found.values[0, NAMES.index("turnover")] == pytest.approx(-8.0 * 0.10 / volatility)
    assert found.values[0, NAMES.index("drawdown")] == pytest.approx(
        -drawdown(returns * 0.10 / volatility)[0]
    )


def test_the_sharpe_ratio_is_the_simulators():
    market = walk_market(20_000)
    crowd = [
        Genome(
            family="t",
            entry_long=parse_condition(f"ema({fast}) > ema({slow})"),
            exit_long=parse_condition(f"ema({fast}) < ema({slow})"),
        )
        for fast, slow in ((3, 20), (10, 60), (40, 200))
    ]
    found = evaluate(crowd, [market], Costs())
    made = objectives(
        found.returns[0], found.closed[0], found.days[0], found.figures["win_rate"][:, 0],
        found.figures["turnover"][:, 0], 365.0, 10,
    )  # fmt: skip
    assert made.values[:, 0] == pytest.approx(found.figures["sharpe"][:, 0], rel=1e-9)
    assert not made.violations.any()
    assert (made.values[:, 1] > 0).all()
