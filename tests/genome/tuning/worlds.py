"""Markets for searches: one whose best parameters a person can tell, and one that is nothing but noise."""

import numpy as np

from genome.genome import Genome
from genome.market import market
from genome.trees import Binary, Column, Compare, Gene, Indicator, Number

DAY, HOUR = 86_400, 3_600
START = 19_000 * DAY  # midnight UTC


def made(close, bar_s=HOUR, start_s=START, keep=None):
    """A market of closes; each bar opens at the close before it."""
    close = np.asarray(close, float)
    opened = np.concatenate((close[:1], close[:-1]))
    at = start_s + bar_s * np.arange(close.size)
    columns = (opened, np.maximum(opened, close), np.minimum(opened, close), close, np.full(close.size, 10.0))
    if keep is not None:
        at, columns = at[keep], tuple(column[keep] for column in columns)
    return market("TOY/USD", at, bar_s, columns)


def noise(days=120, seed=1, bar_s=HOUR):
    """A random walk."""
    bars = days * DAY // bar_s
    return made(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, bars))), bar_s)


def planted(level=0.37, days=60, seed=5):
    """A market in which the close of each bar tells the next: above 100 + level by less than nothing it falls, below it rises.

    The close hops over a ladder of prices around 100; whoever is long below 100 + `level` and short above it takes every
    hop, and every rung between a threshold and `level` costs trades in the wrong direction.
    """
    rng = np.random.default_rng(seed)
    close = [100.0]
    for _ in range(days * 24 - 1):
        away = close[-1] - 100.0 - level
        close.append(close[-1] - np.sign(away) * abs(rng.normal(0.3, 0.1)) + rng.normal(0, 0.05))
    return made(close)


def threshold(value=0.0, **genes) -> Genome:
    """Long below 100 + `cut`, short above it; `cut` is a constant nobody described."""
    cut = Binary("+", Number(100.0), Gene("cut"))
    below, above = Compare("<", Column("close"), cut), Compare(">", Column("close"), cut)
    found = {"cut": float(value), **genes}
    return Genome(
        family="threshold", entry_long=below, exit_long=above, entry_short=above, exit_short=below,
        genes=tuple(sorted(found.items())),
    )  # fmt: skip


def averaging() -> Genome:
    """Two constants that nobody described, one of them whole by the word that takes it."""
    mean = Indicator("sma", (Gene("span"),))
    return Genome(
        family="averaging", entry_long=Compare(">", Column("close"), Binary("*", mean, Gene("edge"))),
        exit_long=Compare("<", Column("close"), mean), genes=(("edge", 1.01), ("span", 20.0)),
    )  # fmt: skip
