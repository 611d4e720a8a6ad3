"""Candles for tests: a walk that any seed makes again."""

import numpy as np

from organism.lake.candles import Candles
from organism.lake.names import Series, series, timeframe_us

START_US = 1_704_067_200_000_000  # 2024-01-01
BTC: Series = series("binance", "BTC/USDT", "1m")


def walk(n, timeframe="1m", start_us=START_US, seed=1, price=100.0):
    """n candles without a gap."""
    # Row by row, so that a longer walk begins with the shorter one.
    drawn = np.random.default_rng(seed).standard_normal((n, 4))
    close = price * np.exp(np.cumsum(drawn[:, 0] * 1e-3))
    opened = np.concatenate(([price], close[:-1]))
    high = np.maximum(opened, close) * (1 + np.abs(drawn[:, 1]) * 1e-3)
    low = np.minimum(opened, close) * (1 - np.abs(drawn[:, 2]) * 1e-3)
    at = start_us + np.arange(n, dtype=np.int64) * timeframe_us(timeframe)
    return Candles(at, opened, high, low, close, np.exp(drawn[:, 3]))


def changed(candles, **columns):
    """The same candles with other columns."""
    names = ("open_us", "open", "high", "low", "close", "volume")
    return Candles(**{name: columns.get(name, getattr(candles, name)) for name in names})


def same(one, other):
    """Whether two lots of candles are equal, number for number."""
    names = ("open_us", "open", "high", "low", "close", "volume")
    return all(np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in names)
