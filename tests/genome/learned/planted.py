"""Rows and markets whose truth is known."""

import numpy as np

from genome.learned import FEATURES
from genome.market import market

NAMES = tuple(f"f{i}" for i in range(50))


def rows(n=1_000, seed=7, noise=0.3):
    """Features (n, 50) of unequal scales, classes and returns that follow features 0 and 3."""
    rng = np.random.default_rng(seed)
    unit = rng.standard_normal((n, 50))
    score = unit[:, 0] - 0.8 * unit[:, 3] + noise * rng.standard_normal(n)
    classes = np.where(score > 0.6, 1.0, np.where(score < -0.6, -1.0, 0.0))
    return unit * rng.uniform(0.01, 100.0, 50) + rng.uniform(-5.0, 5.0, 50), classes, 0.01 * score


def random_walk(n=2_000, seed=3, sigma=0.004, bar_s=300):
    """A market nobody can predict."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(sigma * rng.standard_normal(n)))
    return from_close(close, rng, bar_s)


def from_close(close, rng, bar_s=300):
    opens = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opens, close) * (1.0 + 0.001 * rng.random(close.size))
    low = np.minimum(opens, close) * (1.0 - 0.001 * rng.random(close.size))
    volume = 1.0 + rng.random(close.size)
    at = np.arange(close.size, dtype=np.int64) * bar_s + 1_700_000_000 // bar_s * bar_s
    return market("X/Y", at, bar_s, (opens, high, low, close, volume))


def told(n=1_500, seed=5, horizon=1):
    """A market whose next open-to-open return is told by feature 0 of a matrix of noise; the matrix comes with it."""
    rng = np.random.default_rng(seed)
    known = rng.standard_normal((n, len(FEATURES)))
    returns = np.zeros(n)
    returns[2:] = 0.01 * np.sign(
        known[:-2, 0]
    )  # decided at t, filled at the open of t + 1, out at the open of t + 2
    opens = 100.0 * np.cumprod(1.0 + returns)
    close = np.concatenate([opens[1:], opens[-1:]])
    high, low = np.maximum(opens, close), np.minimum(opens, close)
    at = np.arange(n, dtype=np.int64) * 3_600 + 1_699_999_200
    return market("X/Y", at, 3_600, (opens, high, low, close, np.ones(n))), known
