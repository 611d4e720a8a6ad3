"""Rolling sums stay exact: at high prices, after jumps, over long histories, and on a price that has stopped."""

import math
from fractions import Fraction

import numpy as np
import pytest

from genome.indicators import compute
from tests.genome.indicators.worlds import copied, walk


def exact(values, t, n):
    """Mean and variance (ddof 0) of the last n, in rational numbers."""
    window = [Fraction(float(v)) for v in values[t - n + 1 : t + 1]]
    mean = sum(window) / n
    return mean, sum((v - mean) ** 2 for v in window) / n


def z(values, t, n):
    mean, variance = exact(values, t, n)
    return float(Fraction(float(values[t])) - mean) / math.sqrt(variance)


@pytest.mark.parametrize("n", [2, 20, 200])
def test_cents_at_sixty_thousand_are_not_cancelled(n):
    rng = np.random.default_rng(1)
    prices = 60_000.0 + rng.choice([-0.01, 0.0, 0.01], 4_000)

    got = compute("bb_z", (n,), walk(4_000), prices)

    for t in (250, 1_023, 1_024, 2_500, 3_999):
        if exact(prices, t, n)[1] > 0:
            assert got[t] == pytest.approx(z(prices, t, n), rel=1e-7)


@pytest.mark.parametrize("jump", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("n", [5, 20, 100])
def test_a_jump_that_has_left_the_window_is_forgotten(jump, n):
    rng = np.random.default_rng(2)
    prices = 100.0 + rng.normal(0.0, 0.01, 1_000)
    prices[300] += jump  # one wild print
    prices[600:] += 7.0 + jump / 1e3  # and a new level

    got = compute("bb_z", (n,), walk(1_000), prices)

    for t in [*range(300 + n, 300 + 2 * n), *range(600 + n, 600 + 2 * n), 999]:
        assert got[t] == pytest.approx(z(prices, t, n), rel=1e-6)


@pytest.mark.parametrize(("name", "n"), [("sma", 20), ("sma", 333), ("wma", 20), ("wma", 333)])
def test_sums_do_not_drift(name, n):
    long = walk(30_000, seed=3, price=50_000.0)
    close = long.column("close")
    weights = [Fraction(k + 1) if name == "wma" else Fraction(1) for k in range(n)]

    got = compute(name, (float(n),), long)

    for t in (n - 1, 1_023, 1_024, 15_000, 29_999):
        window = [Fraction(float(v)) for v in close[t - n + 1 : t + 1]]
        true = sum(w * v for w, v in zip(weights, window, strict=True)) / sum(weights)
        assert abs(Fraction(float(got[t])) - true) / true < Fraction(1, 10**14)


@pytest.mark.parametrize("n", [2, 14, 50])
def test_a_price_that_stops_is_exactly_its_own_average_after_n_bars(n):
    prices = walk(400, seed=4).column("close").copy()
    prices[200:] = prices[200]
    world = walk(400)

    for name in ("sma", "wma", "bb_upper", "bb_lower"):
        params = (float(n), 2.0) if name.startswith("bb") else (float(n),)
        assert set(compute(name, params, world, prices)[200 + n - 1 :]) == {prices[200]}
    for name in ("bb_z", "zscore"):
        assert set(compute(name, (float(n),), world, prices)[200 + n - 1 :]) == {0.0}
    assert set(compute("volatility", (float(n),), world, prices)[200 + n :]) == {0.0}


def test_on_balance_volume_of_large_and_small_volumes_loses_nothing():
    world = walk(2_000, seed=5)
    columns = world.columns.copy()
    columns[4] = np.where(np.arange(2_000) % 2, 1e15, 0.1)
    close = columns[3]

    got = compute("obv", (), copied(world, columns))

    signs = np.r_[1, np.sign(np.diff(close))]
    assert got[-1] == float(sum(Fraction(float(s * v)) for s, v in zip(signs, columns[4], strict=True)))


def test_a_profile_kept_bar_by_bar_is_the_one_made_anew():
    world = walk(3_000, seed=6, step=0.001)
    world.columns[1, ::400] *= 1.2  # a range that holds for long, and moves at times
    fresh = [compute("poc", (300.0,), copied_tail(world, t))[-1] for t in range(400, 3_000, 130)]

    np.testing.assert_allclose(compute("poc", (300.0,), world)[400:3_000:130], fresh, rtol=1e-12)


def copied_tail(world, t):
    """The 300 bars that end with bar t."""
    part = walk(300)
    part.columns[:] = world.columns[:, t - 299 : t + 1]
    return part


def test_a_window_without_volume_has_no_profile_however_the_volume_left_it():
    world = walk(200, seed=7)
    world.columns[4] = np.where(np.arange(200) < 100, 0.1, 0.0)

    assert np.isfinite(compute("poc", (30.0,), world)[29:129]).all()
    assert np.isnan(compute("poc", (30.0,), world)[129:]).all()
