"""Bars that swing, as a person's file."""

import numpy as np

from tests.genome.results import NEW_YEAR


def hours(path, days):
    """Write so many days of hours as CSV; the path."""
    at = np.arange(24 * days)
    close = 100 + 10 * np.sin(at / 20) + np.random.default_rng(1).normal(0, 0.2, at.size)
    opened = np.concatenate((close[:1], close[:-1]))
    rows = zip(at, opened, np.maximum(opened, close), np.minimum(opened, close), close, strict=True)
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        + "".join(f"{(NEW_YEAR + 3_600 * t) * 1_000},{o},{h},{low},{c},5\n" for t, o, h, low, c in rows)
    )
    return path
