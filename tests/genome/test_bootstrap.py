"""The paired stationary bootstrap: exact where nothing is random, right as often as it says, and no NaN goes in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genome.bootstrap import FEWEST_DAYS, alone, block_of, difference, drawn

YEAR = 365.0
RETURNS = arrays(
    np.float64, st.integers(FEWEST_DAYS, 90), elements=st.floats(-0.5, 0.5, allow_subnormal=False).map(lambda x: round(x, 4))
)  # fmt: skip


def noise(seed, n=120, mean=0.0, width=0.02):
    return np.random.default_rng(seed).normal(mean, width, n)


@settings(max_examples=30, deadline=None)
@given(RETURNS, st.integers(0, 2**32))
def test_a_series_does_not_differ_from_itself(returns, seed):
    found = difference(returns, returns.copy(), YEAR, seed, draws=40)
    assert found.sharpe == found.mean == (0.0, 0.0, 0.0)
    assert found.sharpe.has_zero


@settings(max_examples=30, deadline=None)
@given(RETURNS, st.integers(0, 2**32))
def test_the_other_way_round_is_the_mirror(returns, seed):
    other = returns[::-1].copy()
    there, back = (difference(*pair, YEAR, seed, draws=60) for pair in ((returns, other), (other, returns)))
    for one, mirrored in ((there.sharpe, back.sharpe), (there.mean, back.mean)):
        assert one.low <= one.high
        assert np.allclose([one.value, one.low, one.high], [-mirrored.value, -mirrored.high, -mirrored.low])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.floats(0.1, 5.0))
def test_leverage_moves_the_mean_and_not_the_sharpe_ratio(seed, leverage):
    returns = noise(seed)
    small, large = alone(returns, YEAR, seed, draws=60), alone(returns * leverage, YEAR, seed, draws=60)
    assert np.allclose(small.sharpe, large.sharpe)
    assert np.allclose(np.array(small.mean) * leverage, large.mean)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    first, second = noise(1), noise(2)
    assert difference(first, second, YEAR, 7) == difference(first, second, YEAR, 7)
    assert difference(first, second, YEAR, 7) != difference(first, second, YEAR, 8)


def test_the_figures_are_those_of_the_textbook():
    first, second = noise(1, mean=0.002), noise(2)
    found = difference(first, second, YEAR, 1, draws=50)
    ratios = [one.mean() / one.std(ddof=1) * np.sqrt(YEAR) for one in (first, second)]
    assert found.sharpe.value == pytest.approx(ratios[0] - ratios[1])
    assert found.mean.value == pytest.approx(first.mean() - second.mean())
    assert alone(first, YEAR, 1, draws=50).sharpe.value == pytest.approx(ratios[0])


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    held = {"sharpe": 0, "mean": 0}
    for seed in range(160):
        shared, generator = noise(seed, 250), np.random.default_rng(10_000 + seed)
        first = shared + generator.normal(0.002, 0.01, 250)
        second = shared + generator.normal(0.0, 0.01, 250)
        found = difference(first, second, YEAR, seed, draws=300)
        deviation = np.sqrt(0.02**2 + 0.01**2)
        held["mean"] += found.mean.low <= 0.002 <= found.mean.high
        held["sharpe"] += found.sharpe.low <= 0.002 / deviation * np.sqrt(YEAR) <= found.sharpe.high
    assert all(0.88 <= n / 160 <= 0.99 for n in held.values()), held


def test_what_both_lived_through_cancels():
    shared = noise(3, 250, width=0.05)
    first, second = shared + noise(4, 250, 0.002, 0.001), shared + noise(5, 250, 0.0, 0.001)
    paired = difference(first, second, YEAR, 1)
    apart = difference(first, second[::-1].copy(), YEAR, 1)
    assert not paired.mean.has_zero
    assert apart.mean.has_zero


def test_days_follow_each_other_in_blocks_of_the_length_that_is_said():
    days = drawn(100, 5.0, 400, np.random.default_rng(1))
    assert days.shape == (400, 100)
    assert days.min() == 0
    assert days.max() == 99
    follows = (days[:, 1:] - days[:, :-1]) % 100 == 1
    assert 1.0 / (1.0 - follows.mean()) == pytest.approx(5.0, rel=0.1)
    assert (
        np.bincount(days.ravel(), minlength=100).std() < 60
    )  # every day as often as any other: 400 times each
    assert [block_of(n) for n in (60, 64, 65, 1_000)] == [4.0, 4.0, 5.0, 10.0]


def test_correlated_days_widen_the_interval():
    generator = np.random.default_rng(2)
    steps, moved = generator.normal(0.0, 0.01, 400), np.zeros(400)
    for nth in range(1, 400):
        moved[nth] = 0.8 * moved[nth - 1] + steps[nth]
    shuffled = generator.permutation(moved)
    as_lived, mixed = alone(moved, YEAR, 1).mean, alone(shuffled, YEAR, 1).mean
    assert as_lived.high - as_lived.low > 1.5 * (mixed.high - mixed.low)


def test_one_that_never_traded_has_a_sharpe_ratio_of_zero():
    still = np.zeros(80)
    assert alone(still, YEAR, 1).sharpe == (0.0, 0.0, 0.0)
    assert alone(np.full(80, 0.001), YEAR, 1).sharpe == (0.0, 0.0, 0.0)
    assert np.isfinite(difference(noise(1, 80), still, YEAR, 1).sharpe).all()


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(strange):
    returns = noise(1)
    returns[5] = strange
    for wrong in (lambda: alone(returns, YEAR, 1), lambda: difference(noise(2), returns, YEAR, 1)):
        with pytest.raises(ValueError, match="not finite"):
            wrong()


def test_too_few_days_and_other_days_are_refused():
    with pytest.raises(ValueError, match="59 days are too few; 60"):
        alone(noise(1, FEWEST_DAYS - 1), YEAR, 1)
    with pytest.raises(ValueError, match="the same days"):
        difference(noise(1, 70), noise(2, 80), YEAR, 1)
