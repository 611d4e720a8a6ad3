"""Features and folded models as loops. One bar and many bars go through the same additions in the same order: the same bits."""

import numpy as np

from genome.jit import kernel, step
from genome.market import F64, I64
from genome.programs.machine import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, I32, interpret
from genome.programs.pointers import Address, floats_at

N_SPOKEN = 4
"""Numbers a model says of a bar: its prediction, and three quantiles, which are NaN for a classifier."""
_OPEN_H, _CLOSE_H = 8, 18


@kernel
def assemble(
    code: I32, value: F64, outputs: I32, optional: I64, circles: F64, columns: Address, stride: int, out: F64
) -> None:  # fmt: skip
    """Features of a block of bars from its columns.

    code, value, outputs, optional   of `genome.learned.program.Written`
    circles   float64 (4, 24): sine and cosine of the hour, sine and cosine of the weekday
    columns   address of the block's first bar in column 0; column c lies c·stride floats further
    out       float64 (bars, features) receives them; the five of the clock come last, NaN on a void bar
    """
    n = out.shape[0]
    rows = np.empty((code.shape[0] + 1, n))
    nothing = np.zeros(8, np.uint8)
    numbers = np.uint64(rows.ctypes.data)
    interpret(
        code, value, 0, code.shape[0], columns, stride, numbers, np.uint64(nothing.ctypes.data), n, nothing, 0, n
    )  # fmt: skip
    expressions = optional.shape[0]
    for j in range(outputs.shape[0]):
        place = columns + np.uint64((-1 - outputs[j]) * stride * 8)
        if outputs[j] >= 0:
            place = numbers + np.uint64(outputs[j] * n * 8)
        row = floats_at(place, n)
        for i in range(n):
            if j < expressions:
                out[i, j] = 0.0 if optional[j] > 0 and not np.isfinite(row[i]) else row[i]
            elif j == expressions:
                _hour(row[i], circles, out[i, expressions:])
            else:
                _weekday(row[i], circles, out[i, expressions:])


@step
def _hour(hour: float, circles: F64, out: F64) -> None:
    out[0] = out[1] = out[4] = np.nan
    if not np.isnan(hour):
        at = int(hour)
        out[0], out[1] = circles[0, at], circles[1, at]
        out[4] = 1.0 if _OPEN_H <= at < _CLOSE_H else 0.0


@step
def _weekday(weekday: float, circles: F64, out: F64) -> None:
    out[2] = out[3] = np.nan
    if not np.isnan(weekday):
        out[2], out[3] = circles[2, int(weekday)], circles[3, int(weekday)]


@step
def _linear(weights: F64, offsets: F64, row: F64, out: F64) -> None:
    """out[j] = offsets[j] + Σ weights[j, f] · row[f]; NaN where the row is not finite: a weight of 0 hides no broken feature."""
    finite = True
    for f in range(row.shape[0]):
        finite = finite and np.isfinite(row[f])
    for j in range(offsets.shape[0]):
        total = offsets[j]
        for f in range(row.shape[0]):
            total += weights[j, f] * row[f]
        out[j] = total if finite else np.nan


@kernel
def scores(weights: F64, offsets: F64, rows: F64) -> F64:
    """Linear forms of rows: out[i, j] = offsets[j] + Σ weights[j, f] · rows[i, f].

    weights (c, m), offsets (c,), rows (n, m), out (n, c); dimensionless. NaN where a row is not finite. No look-ahead.
    """
    out = np.empty((rows.shape[0], offsets.shape[0]))
    for i in range(rows.shape[0]):
        _linear(weights, offsets, rows[i], out[i])
    return out


@step
def _leaf(links: I64, splits: F64, row: F64) -> float:
    """Value of the leaf a row falls into; scikit-learn compares features as float32 with thresholds as float64."""
    node = 0
    while links[1, node] >= 0:
        left = np.float64(np.float32(row[links[0, node]])) <= splits[0, node]
        node = links[1, node] if left else links[2, node]
    return float(splits[1, node])


@step
def speak(
    weights: F64, offsets: F64, told: F64, components: F64, component_offsets: F64, links: I64, splits: F64, row: F64, z: F64,
    out: F64,
) -> None:  # fmt: skip
    """What a model (`genome.learned.fits.Model`) says of one row of features; out float64 (N_SPOKEN,), z scratch."""
    said = out[1:]
    _linear(weights, offsets, row, z)
    if links.shape[1] == 0:
        best = 0
        for c in range(1, offsets.shape[0]):
            if z[c] > z[best]:
                best = c
        out[0] = told[best] if np.isfinite(z[best]) else np.nan
        said[:] = np.nan
        return
    for j in range(3):
        said[j] = z[j]
    _linear(components, component_offsets, row, z)
    leaf = _leaf(links, splits, z)
    for j in range(3):
        said[j] += leaf * told[j]
    said.sort()
    out[0] = said[0] * told[3] + said[1] * told[4] + said[2] * told[5]


@kernel
def spoken(
    weights: F64, offsets: F64, told: F64, components: F64, component_offsets: F64, links: I64, splits: F64, rows: F64
) -> F64:  # fmt: skip
    """What a model says of rows of features (n, features): float64 (n, N_SPOKEN). Row by row: no look-ahead."""
    out = np.empty((rows.shape[0], N_SPOKEN))
    z = np.empty(max(offsets.shape[0], component_offsets.shape[0]))
    for i in range(rows.shape[0]):
        speak(weights, offsets, told, components, component_offsets, links, splits, rows[i], z, out[i])
    return out


@step
def level(spoken_row: F64, band: float) -> int:
    """Levels of one bar as bits; `genome.learned.walking.decided` says what they mean."""
    expected, low, high = spoken_row[0], spoken_row[1], spoken_row[3]
    bits = (EXIT_LONG if expected <= 0.0 else 0) | (EXIT_SHORT if expected >= 0.0 else 0)
    if np.isnan(low):  # a classifier
        return bits | (ENTER_LONG if expected > 0.0 else 0) | (ENTER_SHORT if expected < 0.0 else 0)
    if expected > band and high >= -low:
        bits |= ENTER_LONG
    if expected < -band and -low >= high:
        bits |= ENTER_SHORT
    return bits


@kernel
def levels(said: F64, band: float) -> I64:
    """Levels of bars, int64 (n,), of what was said of them, float64 (n, N_SPOKEN)."""
    out = np.empty(said.shape[0], np.int64)
    for i in range(said.shape[0]):
        out[i] = level(said[i], band)
    return out


@step
def decision(bits: int) -> int:
    """Levels → a decision byte (SEMANTICS.md, 3.1): no entry where it is to be left, both sides at once is none."""
    long = bits & ENTER_LONG != 0 and bits & EXIT_LONG == 0
    short = bits & ENTER_SHORT != 0 and bits & EXIT_SHORT == 0
    leaving = bits & (EXIT_LONG | EXIT_SHORT)
    if long == short:
        return leaving
    return leaving | (ENTER_LONG if long else ENTER_SHORT)
