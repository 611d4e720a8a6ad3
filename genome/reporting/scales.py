"""From values and times to places on a chart, and the round numbers beside it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

WIDTH, HEIGHT = 50_000, 10_000
_HOUR_S, _DAY_S = 3_600, 86_400
_STEPS_S = (
    300,
    900,
    _HOUR_S,
    3 * _HOUR_S,
    6 * _HOUR_S,
    12 * _HOUR_S,
    _DAY_S,
    2 * _DAY_S,
    7 * _DAY_S,
    14 * _DAY_S,
)
_STEPS_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTH_S = 30.44 * _DAY_S


@dataclass(frozen=True, slots=True)
class Scale:
    """Values → 0 (top) to HEIGHT (bottom). low, high: plotted values, logarithms where `log`."""

    low: float
    high: float
    log: bool = False

    def place(self, values: F64) -> F64:
        """Where values stand."""
        plotted = np.log(values) if self.log else values
        found: F64 = (self.high - plotted) / (self.high - self.low) * HEIGHT
        return found

    def ticks(self, most: int = 5) -> list[tuple[float, float]]:
        """Round values and where they stand, as fractions from the top."""
        low, high = (math.exp(self.low), math.exp(self.high)) if self.log else (self.low, self.high)
        values = _logarithmic(low, high) if self.log and high / low > 10 else _linear(low, high, most)  # noqa: PLR2004
        places = self.place(np.array(values)) / HEIGHT
        return list(zip(values, places.tolist(), strict=True))


def scale_of(low: float, high: float, *, log: bool = False, zero: bool = False) -> Scale:
    """A scale with some air at both ends. zero: 0 is on it, without air beyond when nothing lies there."""
    if log:
        low, high = math.log(low), math.log(high)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if not high - low > 1e-12 * max(
        abs(low), abs(high), 1e-280
    ):  # nothing a double can tell apart on a chart
        low, high = low - max(abs(low) * 0.01, 1e-9), high + max(abs(high) * 0.01, 1e-9)
    air = 0.05 * (high - low)
    return Scale(
        low if zero and low == 0.0 else low - air, high if zero and high == 0.0 else high + air, log=log
    )


def _linear(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step)
    return [step * i for i in range(first, math.floor(high / step) + 1)]


def _logarithmic(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few = high / low > 1e3  # noqa: PLR2004
    values = [m * 10.0**p for p in powers for m in ((1,) if few else (1, 2, 5))]
    stride = max(1, len(values) // 8)
    return [v for v in values[::stride] if low <= v <= high]


def time_ticks(start_s: float, end_s: float, most: int = 9) -> list[tuple[float, str]]:
    """Fractions from the left and labels: hours, days, months or years, whichever are round."""
    length = end_s - start_s
    for step in _STEPS_S:
        if length / step <= most:
            first = math.ceil(start_s / step)
            stamps = [i * step for i in range(first, math.floor(end_s / step) + 1)]
            return [((s - start_s) / length, _label(s, step)) for s in stamps]
    months = next((m for m in _STEPS_MONTHS if length / (m * _MONTH_S) <= most), _STEPS_MONTHS[-1])
    moment = datetime.fromtimestamp(start_s, UTC)
    count = -(-(moment.year * 12 + moment.month - 1) // months) * months
    found = []
    while (stamp := datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC).timestamp()) <= end_s:
        if stamp >= start_s:
            found.append(((stamp - start_s) / length, _month(count, months)))
        count += months
    return found


def _label(stamp: int, step: int) -> str:
    moment = datetime.fromtimestamp(stamp, UTC)
    if step < _DAY_S and stamp % _DAY_S:
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}"


def _month(count: int, step: int) -> str:
    year, month = divmod(count, 12)
    if step >= 12 or month == 0:  # noqa: PLR2004
        return str(year)
    return f"{datetime(year, month + 1, 1, tzinfo=UTC):%b}"


def thinned(values: F64, columns: int) -> I64:
    """Indices that draw the same picture: of each of `columns` stretches its first, lowest, highest and last value.

    NaN are left out. Nothing is averaged: every extreme that a reader could see is still there.
    """
    known = np.flatnonzero(np.isfinite(values))
    if known.size <= 4 * columns:
        return known
    edges = np.linspace(0, known.size, columns + 1).astype(np.int64)[:-1]
    kept = values[known]
    lowest, highest = np.minimum.reduceat(kept, edges), np.maximum.reduceat(kept, edges)
    column = np.searchsorted(edges, np.arange(known.size), side="right") - 1
    picked = [edges, np.append(edges[1:], known.size) - 1]
    for extreme in (lowest, highest):
        _, first = np.unique(np.where(kept == extreme[column], column, -1), return_index=True)
        picked.append(first[kept[first] == extreme[column[first]]])
    found: I64 = known[np.unique(np.concatenate(picked))]
    return found
