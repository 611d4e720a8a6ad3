"""One series held against another: the same instrument from a second source, or the venue's other symbols."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from organism.lake.candles import Candles
from organism.lake.quality.stretches import Truths

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_HOUR_US: Final = 3_600_000_000
_LAGS: Final = 14
_SEGMENT: Final = 30 * 24
_LEAST: Final = 96
_CORRELATED: Final = 0.5
_BETTER: Final = 0.3
_FAR: Final = 0.02
_FAR_SIGMAS: Final = 10.0
_ROUNDING: Final = 1e-12


def against(ours: Candles, theirs: Candles) -> F64:
    """log(our close / their close) at the candles both have (n,), less its median; NaN where they have none."""
    out = np.full(len(ours), np.nan)
    if not len(theirs) or not len(ours):
        return out
    at = np.clip(np.searchsorted(theirs.open_us, ours.open_us), 0, len(theirs) - 1)
    both = np.flatnonzero(theirs.open_us[at] == ours.open_us)
    with np.errstate(divide="ignore", invalid="ignore"):
        out[both] = np.log(ours.close[both] / theirs.close[at[both]])
    known = out[np.isfinite(out)]
    return out - np.median(known) if known.size else out


def disagreeing(difference: F64) -> Truths:
    """Where two sources differ by 2 % and by ten times their usual difference; a constant factor is no difference."""
    known = difference[np.isfinite(difference)]
    usual = 1.4826 * float(np.median(np.abs(known))) if known.size else 0.0
    return np.isfinite(difference) & (np.abs(difference) > max(_FAR, _FAR_SIGMAS * usual))


def confirmed(places: I64, ours: Candles, theirs: Candles) -> Truths:
    """Which of our bars another series has like us: its range and return are half of ours at the least; bool (places,)."""
    out = np.zeros(places.size, np.bool_)
    for i, place in enumerate(places.tolist()):
        at = int(np.searchsorted(theirs.open_us, ours.open_us[place]))
        if place == 0 or not 0 < at < len(theirs) or theirs.open_us[at] != ours.open_us[place]:
            continue
        ranges = [
            float(np.log(one.high[row] / one.low[row]))
            + abs(float(np.log(one.close[row] / one.close[row - 1])))
            for one, row in ((ours, place), (theirs, at))
        ]
        out[i] = ranges[1] >= 0.5 * ranges[0]
    return out


def hourly(candles: Candles, timeframe_us: int) -> tuple[I64, F64]:
    """Hours since 1970 int64 and the log close at the end of each, of candles no longer than an hour."""
    hours = (candles.open_us + timeframe_us - 1) // _HOUR_US
    last = np.flatnonzero(np.diff(hours, append=hours[-1] + 1)) if hours.size else np.zeros(0, np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return hours[last], np.log(candles.close[last])


def _grid(first: int, size: int, hours: I64, logs: F64) -> F64:
    """Hourly returns on a common grid (size,), NaN where an hour or the one before it is absent."""
    held = np.full(size + 1, np.nan)
    at = hours - first + 1
    inside = (at >= 0) & (at <= size)
    held[at[inside]] = logs[inside]
    return np.diff(held)


def shifted(ours: Candles, others: Sequence[Candles], timeframe_us: int) -> tuple[Truths, tuple[int, ...]]:
    """Bars of months in which we move as the others do, but whole hours off; and by how many hours, each month's.

    Months of 720 hours; the correlation of hourly returns with those of the others (their median) at its best lag must
    be 0.5 and 0.3 more than without a lag. Candles longer than an hour tell nothing.
    """
    out = np.zeros(len(ours), np.bool_)
    if timeframe_us > _HOUR_US or not others or len(ours) < _LEAST:
        return out, ()
    hours, logs = hourly(ours, timeframe_us)
    first, size = int(hours[0]) - _LAGS, int(hours[-1] - hours[0]) + 1 + 2 * _LAGS
    mine = _grid(first, size, hours, logs)
    theirs = _middle([_grid(first, size, *hourly(one, timeframe_us)) for one in others if len(one)])
    own = (ours.open_us + timeframe_us - 1) // _HOUR_US - first
    found: list[int] = []
    for start in range(_LAGS, size - _LAGS, _SEGMENT):
        end = min(start + _SEGMENT, size - _LAGS)
        lag = _best_lag(mine, theirs, start, end)
        if lag:
            out |= (own >= start) & (own < end)
            found.append(lag)
    return out, tuple(found)


def _middle(grids: Sequence[F64]) -> F64:
    stacked = np.stack(grids)
    out = np.full(stacked.shape[1], np.nan)
    some = np.isfinite(stacked).any(axis=0)
    out[some] = np.nanmedian(stacked[:, some], axis=0)
    return out


def _best_lag(mine: F64, theirs: F64, start: int, end: int) -> int:
    """Hours by which we are late (positive) or early; 0 where no lag is clearly better than none."""
    found = _correlations(mine[start:end], theirs[start - _LAGS : end + _LAGS])
    best = int(np.argmax(found))
    return best - _LAGS if found[best] >= _CORRELATED and found[best] >= found[_LAGS] + _BETTER else 0


def _correlations(ours: F64, theirs: F64) -> F64:
    """At every lag, from the most early to the most late, of returns (hours,) and theirs (hours + 2 · most,); both may be NaN.

    Returns are clipped at 2.5 sigmas, so that a single crash does not decide; 0 where too little is known. All lags at once,
    by sums over what both have: a search over years of months would take seconds otherwise.
    """
    a, in_a = _clipped(ours)
    b, in_b = (
        np.lib.stride_tricks.sliding_window_view(one, ours.size)[::-1] for one in _clipped(theirs)
    )  # row k begins so many hours before the last row: a lag later
    n = in_b @ in_a
    squares_a, squares_b, sum_a, sum_b = in_b @ (a * a), (b * b) @ in_a, in_b @ a, b @ in_a
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_a, spread_b = squares_a - sum_a**2 / n, squares_b - sum_b**2 / n
        found: F64 = (b @ a - sum_a * sum_b / n) / np.sqrt(spread_a * spread_b)
    # What does not vary but by rounding correlates with nothing.
    varies = (spread_a > _ROUNDING * squares_a) & (spread_b > _ROUNDING * squares_b)
    return np.where((n >= _LEAST) & varies, found, 0.0)


def _clipped(returns: F64) -> tuple[F64, F64]:
    """Returns within 2.5 sigmas, 0 where unknown; and 1.0 where known, else 0.0."""
    known = np.isfinite(returns)
    reach = 2.5 * 1.4826 * float(np.median(np.abs(returns[known]))) if known.any() else 0.0
    return np.clip(np.where(known, returns, 0.0), -reach, reach), known.astype(np.float64)
