"""Prices and volumes that cannot be, or that nobody should believe.

Everything here looks at bars on both sides of one: it judges a recording, never a moment, and nothing trades on it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from organism.lake.quality.stretches import Truths, beyond

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_ROUNDING: Final = 1e-9
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_COPIES: Final = 3
_FLAT: Final = 6
_BLOCK: Final = 256
_TO_SIGMA: Final = 1.4826  # median absolute deviation → standard deviation, of a normal distribution
_SPIKE_SIGMAS: Final = 20.0
_SPIKE_LEAST: Final = 0.02
_WICK_SIGMAS: Final = 40.0
_WICK_LEAST: Final = 0.15
_BACK: Final = 0.25
_SPIKE_BARS: Final = 3
_SHORT_US: Final = 300_000_000
_EXTREME_SIGMAS: Final = 10.0
_EXTREME_LEAST: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Columns of the candles, float64 (n,), and where two neighbours are one timeframe apart (bool (n,), the first false)."""

    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    adjacent: Truths
    timeframe_us: int


def unusable(at: Prices) -> Truths:
    """A price that is missing, not finite, not positive, or outside its own low and high."""
    ohlc = (at.open, at.high, at.low, at.close)
    bad = np.zeros(at.open.size, np.bool_)
    for values in ohlc:
        bad |= ~(np.isfinite(values) & (values > 0))
    for values in (at.open, at.close):
        bad |= (values > at.high * (1 + _ROUNDING)) | (values < at.low * (1 - _ROUNDING))
    return bad | (at.high < at.low)


def flat(at: Prices) -> Truths:
    """Candles whose four prices are one."""
    found: Truths = np.logical_and.reduce([at.high == at.low, at.open == at.close, at.open == at.high])
    return found


def stuck(at: Prices) -> Truths:
    """Bars of a stretch in which nothing changes, from the bar on that is one too many.

    The very same candle, volume and all, three times; or one flat price for an hour, six bars at the least (three, of
    days): that is a feed that repeats its last word, or a venue that does not trade.
    """
    same = np.zeros(at.open.size, np.bool_)
    if same.size < 2:  # noqa: PLR2004 - one bar repeats nothing
        return same
    columns = (at.open, at.high, at.low, at.close)
    same[1:] = np.logical_and.reduce([values[1:] == values[:-1] for values in columns]) & at.adjacent[1:]
    copies = same.copy()
    copies[1:] &= (at.volume[1:] == at.volume[:-1]) & (at.volume[1:] > 0)
    least = _COPIES if at.timeframe_us >= _DAY_US else max(_FLAT, _HOUR_US // at.timeframe_us)
    # The first bar of a stretch is the one that is repeated: it counts for its length.
    return beyond(copies, _COPIES - 1) | beyond(same & flat(at), least - 1)


def without_volume(at: Prices) -> tuple[Truths, Truths, bool]:
    """Bars whose volume contradicts their prices; flat bars without trades; whether there is no volume at all.

    A series without any volume (an index, a mark price) is named once, not blamed bar by bar.
    """
    none = ~(at.volume > 0)
    if at.volume.size and bool(none.all()) and not bool((at.volume < 0).any()):
        nothing = np.zeros(at.volume.size, np.bool_)
        return nothing, nothing, True
    still = flat(at) & (at.volume == 0)
    return none & ~still, still, False


def moves(at: Prices) -> F64:
    """Log returns of the closes (n,): 0 at the first bar, after a gap, and where a price cannot be used."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(at.close)
        found = np.diff(logs, prepend=np.nan)
    return np.where(at.adjacent & np.isfinite(found), found, 0.0)


def spread(returns: F64) -> F64:
    """Robust standard deviation about each bar (n,): from the median of |return| in windows of 768 bars.

    Windows are three blocks of 256 bars about the bar's own; the floor is a quarter of the usual move of the whole
    series, so that a quiet night does not make an ordinary move look mad.
    """
    size = returns.size
    if size == 0:
        return np.zeros(0)
    moved = np.abs(returns)
    some = moved[moved > 0]
    floor = max(0.25 * _TO_SIGMA * float(np.median(some)) if some.size else 0.0, 1e-9)
    blocks = -(-size // _BLOCK)
    padded = np.full(blocks * _BLOCK, np.nan)
    padded[:size] = moved
    table = padded.reshape(blocks, _BLOCK)
    whole = table[:-1] if size % _BLOCK else table
    medians = np.empty(blocks)
    medians[: len(whole)] = np.median(whole, axis=1)
    if size % _BLOCK:
        medians[-1] = np.median(moved[max(size - _BLOCK, 0) :])
    around = np.stack([np.roll(medians, 1), medians, np.roll(medians, -1)])
    around[0, 0], around[2, -1] = medians[0], medians[-1]
    return np.repeat(np.maximum(np.max(around, axis=0) * _TO_SIGMA, floor), _BLOCK)[:size]


def outliers(at: Prices, returns: F64, sigma: F64) -> Truths:
    """Bars whose price goes far off and is back at once: spikes of one to three closes, and mad wicks.

    A spike leaves by 20 sigmas (2 % at the least) and three quarters of it are gone with the next bar, or within three
    bars of at most 5 minutes. A wick reaches 40 sigmas (15 % at the least) beyond its own close and all prices of the bars
    on both sides: a crash that goes on is none.
    """
    size = returns.size
    found = np.zeros(size, np.bool_)
    if size < 3:  # noqa: PLR2004 - before, off, back
        return found
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(at.close)
        top = np.maximum(at.close, np.maximum(_earlier(at.high), _later(at.high)))
        bottom = np.minimum(at.close, np.minimum(_earlier(at.low), _later(at.low)))
        reach = np.maximum(np.log(at.high / top), np.log(bottom / at.low))
    left = np.flatnonzero(np.abs(returns) >= np.maximum(_SPIKE_SIGMAS * sigma, _SPIKE_LEAST))
    for bars in range(1, (_SPIKE_BARS if at.timeframe_us <= _SHORT_US else 1) + 1):
        left = left[left + bars < size]
        home = np.abs(logs[left + bars] - logs[left - 1]) <= _BACK * np.abs(returns[left])
        for one in left[home].tolist():
            if at.adjacent[one + 1 : one + bars + 1].all():
                found[one : one + bars] = True
        left = left[~home]
    wick: Truths = np.isfinite(reach) & at.adjacent & _later(at.adjacent)
    wick &= reach >= np.maximum(_WICK_SIGMAS * sigma, _WICK_LEAST)
    return found | wick


def _earlier(values: Any) -> Any:
    """What the bar before has; the first bar has its own."""
    return np.concatenate([values[:1], values[:-1]])


def _later(values: Any) -> Any:
    """What the bar after has; the last bar has its own."""
    return np.concatenate([values[1:], values[-1:]])


def extremes(at: Prices, returns: F64, sigma: F64) -> Truths:
    """Great moves: a close that leaves by 10 sigmas and 5 %, or a bar whose range is that wide twice over."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.log(at.high / at.low)
    moved = np.abs(returns) >= np.maximum(_EXTREME_SIGMAS * sigma, _EXTREME_LEAST)
    return moved | (np.isfinite(wide) & (wide >= 2 * np.maximum(_EXTREME_SIGMAS * sigma, _EXTREME_LEAST)))
