"""Behaviours: correlations are right, exact, and held apart in the order of merit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genome.evolution.distinct import apart, behaviours, correlations, novelties, spread


def some(n=60, days=400, seed=1):
    """Returns in families: many are correlated."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n // 4 + 1, days))
    return (
        base[rng.integers(0, len(base), n)]
        + rng.normal(size=(n, days)) * rng.choice((0.05, 0.3, 2.0), (n, 1))
    ) * 0.01


def test_correlations_are_those_of_numpy_to_a_thousandth():
    returns = some()
    shapes = behaviours(returns)
    np.testing.assert_allclose(correlations(shapes, shapes), np.corrcoef(returns), atol=1e-3)


@pytest.mark.parametrize("days", [2, 3, 30, 5_000, 40_000])
def test_no_sum_of_products_leaves_32_bits(days):
    shapes = behaviours(np.random.default_rng(days).normal(size=(3, days)))
    squares = (shapes.astype(np.int64) ** 2).sum(axis=1)
    assert squares.max() <= 4_096**2
    np.testing.assert_allclose(correlations(shapes, shapes).diagonal(), 1.0, atol=5e-3)


def test_who_never_varies_is_like_nobody_but_another_who_never_varies():
    returns = some(4)
    returns[1], returns[3] = 0.0, 0.001
    returns[2, 5] = np.nan
    shapes = behaviours(returns)
    assert not shapes[1:].any()
    assert correlations(shapes, shapes)[1].tolist() == [0.0] * 4
    assert apart(shapes, 0.95, 4).tolist() == [0, 1]
    assert apart(shapes, 0.95, 4, against=shapes[1:2]).tolist() == [0]


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (12, 25), elements=st.floats(-0.1, 0.1)), st.floats(0.1, 1.0), st.integers(0, 12))
def test_a_size_or_a_rest_of_cash_does_not_change_a_behaviour_and_nobody_kept_is_alike(
    returns, limit, wanted
):
    shapes = behaviours(returns)
    np.testing.assert_allclose(behaviours(4.0 * returns), shapes)
    kept = apart(shapes, limit, wanted)
    assert len(kept) <= wanted
    assert kept.tolist() == sorted(set(kept.tolist()))
    close = correlations(shapes[kept], shapes[kept]) > limit
    assert not np.triu(close, 1).any()
    others = np.setdiff1d(np.arange(12), kept)
    if len(kept) < wanted:  # everybody was looked at: whoever is missing is like a better one, or flat
        for i in others:
            before = kept[kept < i]
            flat = not shapes[i].any() and not shapes[before].any(axis=1).all()
            assert flat or (correlations(shapes[[i]], shapes[before]) > limit).any()


def test_the_better_of_two_alike_stays():
    returns = np.random.default_rng(3).normal(size=(8, 300)) * 0.01
    returns[5] = 3.0 * returns[2] + 1e-3
    shapes = behaviours(returns)
    assert apart(shapes, 0.95, 8).tolist() == [0, 1, 2, 3, 4, 6, 7]
    assert apart(shapes[[5, 2, 0]], 0.95, 3).tolist() == [0, 2]
    assert apart(shapes, 1.0, 8, against=shapes[:0]).tolist() == list(range(8))
    assert apart(shapes[3:], 0.95, 8, against=shapes[:3]).tolist() == [0, 1, 3, 4]


def test_novelty_is_the_distance_to_the_nearest():
    returns = some(40, seed=2)
    shapes = behaviours(returns)
    found = novelties(shapes[:10], shapes[10:], nearest=5)
    expected = 1.0 - np.sort(correlations(shapes[:10], shapes[10:]), axis=1)[:, -5:].mean(axis=1)
    np.testing.assert_allclose(found, expected)
    assert novelties(shapes[:3], shapes[:0]).tolist() == [1.0] * 3
    assert novelties(np.zeros_like(shapes[:1]), shapes).tolist() == [0.0]


def test_spread_is_the_mean_over_all_pairs():
    shapes = behaviours(some(30))
    pairs = correlations(shapes, shapes)[np.triu_indices(30, 1)]
    assert spread(shapes) == pytest.approx(1.0 - pairs.mean())
    assert np.isnan(spread(shapes[:1]))
