"""How far two series of daily returns are apart, and how sure that is: the paired stationary block bootstrap.

Whole blocks of days are drawn, the same ones for both series: what a day owes to the day before it, and what both lived
through together, stay as they were. Lengths of blocks are geometric, and the last day is followed by the first.

Source: D. N. Politis, J. P. Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical Association 89.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
FEWEST_DAYS: Final = 60
DRAWS: Final = 2_000
COVERED: Final = 0.95
_AT_ONCE: Final = 2**18  # values that are drawn together: memory stays small however long the series


class Interval(NamedTuple):
    """A figure, and between what it lies with `COVERED` probability."""

    value: float
    low: float
    high: float

    @property
    def has_zero(self) -> bool:
        """Whether there may be nothing at all."""
        return self.low <= 0.0 <= self.high


class Found(NamedTuple):
    """What daily returns say: of one series, or of the first less the second.

    days     how many went in
    block    mean length of the blocks, days
    sharpe   a year, risk-free rate 0
    mean     of a day, a fraction of equity
    """

    days: int
    block: float
    sharpe: Interval
    mean: Interval


def block_of(days: int) -> float:
    """Mean length of the blocks: the cube root of the days, the rate at which the error of a variance falls fastest.

    >>> block_of(60), block_of(1_000)
    (4.0, 10.0)
    """
    return float(np.ceil(np.cbrt(days) - 1e-9))


def alone(returns: F64, days_per_year: float, seed: int, draws: int = DRAWS) -> Found:
    """Sharpe ratio and mean of one series. Raises `ValueError` as `difference` does."""
    return _found([returns], days_per_year, seed, draws)


def difference(first: F64, second: F64, days_per_year: float, seed: int, draws: int = DRAWS) -> Found:
    """Sharpe ratio and mean of the first less those of the second, on the same days.

    first, second   returns of n days, oldest first, as fractions of equity; the same day at the same place
    seed            the same one gives the same interval

    Raises `ValueError` for fewer than `FEWEST_DAYS`, for unequal numbers of days, and for what is not finite.
    """
    if first.shape != second.shape:
        raise ValueError(f"the series have {first.shape} and {second.shape} days; they must be the same days")
    return _found([first, second], days_per_year, seed, draws)


def drawn(n: int, block: float, k: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Days of k resamples of n days: shape (k, n), each day followed by the next one but where a block begins."""
    begins = generator.random((k, n)) < 1.0 / block
    begins[:, 0] = True
    starts = generator.integers(0, n, (k, n))
    places = np.arange(n)
    last = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    found: NDArray[np.int64] = (np.take_along_axis(starts, last, axis=1) + places - last) % n
    return found


def _found(series: list[F64], days_per_year: float, seed: int, draws: int) -> Found:
    n = series[0].size
    if n < FEWEST_DAYS:
        raise ValueError(f"{n} days are too few; {FEWEST_DAYS} are needed")
    if not all(np.isfinite(one).all() for one in series):
        raise ValueError("a daily return is not finite")
    year, block, generator = np.sqrt(days_per_year), block_of(n), np.random.default_rng(seed)
    sharpes, means = [], []
    left = draws
    while left:
        k = min(left, max(1, _AT_ONCE // n))
        days = drawn(n, block, k, generator)
        both = [_figures(one[days]) for one in series]
        sharpes.append(_less([sharpe for sharpe, _ in both]) * year)
        means.append(_less([mean for _, mean in both]))
        left -= k
    true = [_figures(one[np.newaxis, :]) for one in series]
    return Found(
        days=n,
        block=block,
        sharpe=_interval(_less([sharpe for sharpe, _ in true])[0] * year, np.concatenate(sharpes)),
        mean=_interval(_less([mean for _, mean in true])[0], np.concatenate(means)),
    )


def _figures(rows: F64) -> tuple[F64, F64]:
    """Sharpe ratio of a day and mean of each row; a ratio is 0 where all returns are equal, as `SEMANTICS.md` has it."""
    mean, deviation = rows.mean(axis=1), rows.std(axis=1, ddof=1)
    moves = np.ptp(rows, axis=1) > 0.0
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=moves & (deviation > 0.0)), mean


def _less(values: list[F64]) -> F64:
    return values[0] - values[1] if len(values) > 1 else values[0]


def _interval(value: np.float64, resampled: F64) -> Interval:
    tail = (1.0 - COVERED) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(float(value), float(low), float(high))
