"""Exponential averages of different sources, eight at a time: averages of averages, whose sources are few of a kind."""

import numpy as np
from numpy.typing import NDArray

from genome.indicators.averages import alpha_of, ema_step, no_value_yet
from genome.indicators.lanes import LANES, lanes, tile_of_eight
from genome.indicators.parts import finite
from genome.jit import lean, lean_step
from genome.market import F64
from genome.programs.pointers import floats_at

U64 = NDArray[np.uint64]


@lean
def ema_eight(windows: F64, states: F64, sources: U64, results: U64, n: int) -> None:
    """Advance eight exponential averages over n bars, each of a source of its own; bit for bit what `ema` gives.

    windows (8,), states (8, 2) as `ema` keeps them; sources, results (8,): addresses of float64 (n,), which may be the same
    for two lanes only where all of them is the same. Void bars must be NaN in the sources: there is no market to look at.
    """
    head = 0  # bars until all sources are whole: averages have none at the beginning of a market
    for k in range(LANES):
        x = floats_at(sources[k], n)
        t = n
        while t > head and finite(x[t - 1]):
            t -= 1
        head = max(head, t)
    whole = head + (n - head) // LANES * LANES
    for k in range(LANES):
        _one(windows[k], states[k], floats_at(sources[k], n), floats_at(results[k], n), 0, head)
    if whole > head:
        _abreast(windows, states, sources, results, head, whole)
    for k in range(LANES):
        x, out = floats_at(sources[k], n), floats_at(results[k], n)
        _one(windows[k], states[k], x, out, whole, n)


@lean_step
def _one(window: float, state: F64, x: F64, out: F64, begin: int, end: int) -> None:
    alpha, count, value = alpha_of(window), state[0], state[1]
    for t in range(begin, end):
        if not finite(x[t]):
            out[t] = np.nan
            continue
        value = ema_step(alpha, x[t] if count == 0.0 else value, x[t])
        count += 1.0
        out[t] = value if count >= window else np.nan
    state[0], state[1] = count, value


@lean_step
def _abreast(windows: F64, states: F64, sources: U64, results: U64, begin: int, end: int) -> None:
    """Bars begin … end − 1, whole eights, at which every source is finite."""
    for k in range(LANES):
        if states[k, 0] == 0.0:
            states[k, 1] = floats_at(sources[k], end)[begin]
    alphas = lanes(alpha_of(windows[0]), alpha_of(windows[1]), alpha_of(windows[2]), alpha_of(windows[3]),
                   alpha_of(windows[4]), alpha_of(windows[5]), alpha_of(windows[6]), alpha_of(windows[7]))  # fmt: skip
    values = lanes(states[0, 1], states[1, 1], states[2, 1], states[3, 1], states[4, 1], states[5, 1], states[6, 1],
                   states[7, 1])  # fmt: skip
    of, to = np.uint64(sources.ctypes.data), np.uint64(results.ctypes.data)
    for t in range(begin, end, LANES):
        values = tile_of_eight(values, alphas, of, to, np.uint64(8 * t))
    for k in range(LANES):  # of all, before any is hidden: two lanes may be one
        states[k, 1] = floats_at(results[k], end)[end - 1]
    for k in range(LANES):
        x, out = floats_at(sources[k], end), floats_at(results[k], end)
        no_value_yet(windows[k], states[k, 0], x[begin:end], out[begin:end])
        states[k, 0] += float(end - begin)
