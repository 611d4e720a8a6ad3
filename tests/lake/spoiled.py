"""Candles made by a random walk with a seed, and the ways to spoil them."""

from dataclasses import replace

import numpy as np

from organism.lake.candles import Candles

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BEGIN = 1_609_459_200_000_000  # 2021-01-01


def walk(bars, bar_us=MINUTE, seed=1, begin_us=BEGIN, sigma=0.001):
    """A clean series: each bar opens at the close before it, with a range and a volume of its own."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.standard_normal(bars) * sigma))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + sigma * random.random(bars))
    low = np.minimum(opened, close) * (1 - sigma * random.random(bars))
    return Candles(
        begin_us + bar_us * np.arange(bars, dtype=np.int64), opened, high, low, close, 1 + random.random(bars)
    )


def without(candles, *places):
    """The same without the bars at these places."""
    keep = np.ones(len(candles), np.bool_)
    keep[list(places)] = False
    return candles.take(keep)


def changed(candles, **columns):
    """The same with other columns."""
    return replace(candles, **columns)


def scaled(candles, places, factor):
    """The same with all prices of some bars multiplied; the bars beside them are left as they are."""
    by = np.ones(len(candles))
    by[places] = factor
    return replace(
        candles,
        open=candles.open * by,
        high=candles.high * by,
        low=candles.low * by,
        close=candles.close * by,
    )


def frozen(candles, first, bars, volume=None):
    """The same with `bars` bars from `first` on stuck at one price."""
    at = slice(first, first + bars)
    columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close", "volume")}
    price = columns["close"][first - 1]
    for name in ("open", "high", "low", "close"):
        columns[name][at] = price
    if volume is not None:
        columns["volume"][at] = volume
    return replace(candles, **columns)
