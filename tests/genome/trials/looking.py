"""Looks for tests: data sets, returns that move together or do not, and a process that counts."""

import hashlib
import sys

import numpy as np

from genome.breeding.growing import ramped
from genome.breeding.lexicon import lexicon
from genome.trials.datasets import Dataset

DAY = 86_400
DAYS = np.arange(20_000, 20_250)


def data(name="a", symbols=("BTCUSDT",), start=20_000, end=20_250, **rest):
    """A data set of some days since the epoch."""
    return Dataset(
        name=name * 8, instruments=tuple(f"venue:{s}" for s in symbols), bar_s=3_600, start_s=start * DAY,
        end_s=end * DAY, **rest,
    )  # fmt: skip


def names(n, of=""):
    """Content hashes of n genomes."""
    return [hashlib.sha256(f"{of}{i}".encode()).hexdigest() for i in range(n)]


def returns(n, seed=0, days=DAYS.size):
    """Daily returns of n strategies that have nothing in common."""
    return np.random.default_rng(seed).normal(0, 0.01, (n, days))


def look(trials, dataset, hashes, daily=None, days=DAYS, origin="evolve", **rest):
    """Count looks, all worth the same."""
    found = returns(len(hashes)) if daily is None else daily
    return trials.add(dataset, hashes, np.zeros((len(hashes), 4)), found, days, origin, at_s=7, **rest)


def flock(n, seed=0):
    """Genomes grown at random."""
    return ramped(n, np.random.default_rng(seed), lexicon(), depths=(2, 3))


def count_for_ever(path, who, batches):
    """A process that counts, and says after each batch that it is counted."""
    from pathlib import Path

    from genome.trials.count import counting

    behaviours = returns(10)
    with counting(Path(path)) as trials:
        for i in range(int(batches)):
            look(trials, data(), [*names(5, "shared"), *names(5, f"{who} {i} ")], behaviours)
            sys.stdout.write(f"{i + 1}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    count_for_ever(*sys.argv[1:])
