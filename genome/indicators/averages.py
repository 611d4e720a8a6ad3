"""Averages of a source: simple, exponential, weighted, and what is made of exponential ones (MACD)."""

from typing import Any

import numpy as np

from genome.indicators.lanes import LANES, lanes, spread, towards
from genome.indicators.parts import MEAN, MEAN_SLOTS, RESYNC, RESYNC_MASK, finite, mean, run
from genome.jit import inlined, lean, lean_step
from genome.market import F64, I64

WEIGHTED_SLOTS = 7


@lean
def sma(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean of the last n values of the source. O(1) a bar."""
    n = int(p[0])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            mean(state, 0, n, x, begin, end, out, MEAN)


@inlined
def alpha_of(n: float) -> float:
    """The weight of what is new."""
    return 2.0 / (n + 1.0)


@inlined
def ema_step(alpha: float, value: float, new: float) -> float:
    """One step of an exponential average; a price that stands still leaves it exactly where it is."""
    return value + alpha * (new - value)


@lean_step
def _hidden(out: F64, begin: int, end: int, count: float, least: float) -> None:
    """NaN where fewer than `least` values came before; `count` came before bar `begin`."""
    out[begin : min(end, begin + int(max(least - count, 0.0)))] = np.nan


@lean
def ema(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """E += α·(x − e), α = 2/(n + 1), e = the first value at the beginning; no value for n − 1 bars."""
    n = p[0]
    alpha = alpha_of(n)
    count = state[0]
    value = state[1]
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if count == 0.0 and begin < end:
            value = x[begin]
        if begin < end:
            values, results = x[begin:end], out[begin:end]
            for j in range(values.size):
                value = ema_step(alpha, value, values[j])
                results[j] = value
            _hidden(out, begin, end, count, n - 1.0)
            count += end - begin
    state[0] = count
    state[1] = value


@lean
def ema_many(windows: F64, states: F64, x: F64, out: F64) -> None:
    """Advance many exponential averages of one source at once; bit for bit what `ema` gives.

    windows (k,), states (k, 2) as `ema` keeps them, x (n,), out (k, n), C order. Void bars must be NaN in x: there is no
    market to look at. One average waits for its own last value, some 12 cycles a bar; up to 32 side by side fill that time.
    """
    begun = 0
    while begun < x.size and not finite(x[begun]):
        begun += 1
    n_taken = 0  # whole numbers add up eight at a time, floats one after the other
    for t in range(x.size):
        n_taken += finite(x[t])
    taken = float(n_taken)
    for k in range(windows.size):
        if states[k, 0] == 0.0 and begun < x.size:
            states[k, 1] = x[begun]
    k, last = 0, windows.size - 1
    if taken == x.size and x.size >= LANES:
        while k + 4 * LANES <= windows.size:
            _side_by_side(windows, states, x, out, k, 4)
            k += 4 * LANES
        while k + LANES <= windows.size:
            pair = 2 if k + 2 * LANES <= windows.size else 1
            _side_by_side(windows, states, x, out, k, pair)
            k += pair * LANES
    while k < windows.size:
        # Lanes beyond the last window do the last one once more, and write the same numbers to the same place.
        _eight(windows, states, x, out, k, min(k + 1, last), min(k + 2, last), min(k + 3, last), min(k + 4, last),
               min(k + 5, last), min(k + 6, last), min(k + 7, last))  # fmt: skip
        k += LANES
    for k in range(windows.size):
        no_value_yet(windows[k], states[k, 0], x, out[k])
        states[k, 0] += taken


@inlined
def _tile(values: Any, alphas: Any, x: F64, t: int, out: F64, k: int) -> Any:
    """Eight averages over eight bars; returns their newest values."""
    a = towards(values, alphas, x[t])
    b = towards(a, alphas, x[t + 1])
    c = towards(b, alphas, x[t + 2])
    d = towards(c, alphas, x[t + 3])
    e = towards(d, alphas, x[t + 4])
    f = towards(e, alphas, x[t + 5])
    g = towards(f, alphas, x[t + 6])
    h = towards(g, alphas, x[t + 7])
    row = np.uint64(out.strides[0])
    spread(np.uint64(out.ctypes.data) + np.uint64(k) * row + np.uint64(8 * t), row, a, b, c, d, e, f, g, h)
    return h


@inlined
def _begin(states: F64, k: int) -> Any:
    return lanes(states[k, 1], states[k + 1, 1], states[k + 2, 1], states[k + 3, 1], states[k + 4, 1], states[k + 5, 1],
                 states[k + 6, 1], states[k + 7, 1])  # fmt: skip


@inlined
def _alphas(n: F64, k: int) -> Any:
    return lanes(alpha_of(n[k]), alpha_of(n[k + 1]), alpha_of(n[k + 2]), alpha_of(n[k + 3]), alpha_of(n[k + 4]), alpha_of(n[k + 5]),
                 alpha_of(n[k + 6]), alpha_of(n[k + 7]))  # fmt: skip


@lean_step
def _side_by_side(windows: F64, states: F64, x: F64, out: F64, k: int, groups: int) -> None:
    """Averages k … k + 8·groups − 1, of 1, 2 or 4 groups, over bars that are all finite, at least eight."""
    whole = x.size - x.size % LANES
    v0, a0 = _begin(states, k), _alphas(windows, k)
    if groups == 1:
        for t in range(0, whole, LANES):
            v0 = _tile(v0, a0, x, t, out, k)
    else:
        v1, a1 = _begin(states, k + 8), _alphas(windows, k + 8)
        if groups == 2:  # noqa: PLR2004
            for t in range(0, whole, LANES):
                v0 = _tile(v0, a0, x, t, out, k)
                v1 = _tile(v1, a1, x, t, out, k + 8)
        else:
            v2, a2 = _begin(states, k + 16), _alphas(windows, k + 16)
            v3, a3 = _begin(states, k + 24), _alphas(windows, k + 24)
            for t in range(0, whole, LANES):
                v0 = _tile(v0, a0, x, t, out, k)
                v1 = _tile(v1, a1, x, t, out, k + 8)
                v2 = _tile(v2, a2, x, t, out, k + 16)
                v3 = _tile(v3, a3, x, t, out, k + 24)
    for j in range(k, k + LANES * groups):
        alpha, value = alpha_of(windows[j]), out[j, whole - 1]
        for t in range(whole, x.size):
            value = ema_step(alpha, value, x[t])
            out[j, t] = value
        states[j, 1] = value


@lean_step
def _eight(
    n: F64, states: F64, x: F64, out: F64, a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int
) -> None:
    alpha_a, alpha_b, alpha_c, alpha_d = alpha_of(n[a]), alpha_of(n[b]), alpha_of(n[c]), alpha_of(n[d])
    alpha_e, alpha_f, alpha_g, alpha_h = alpha_of(n[e]), alpha_of(n[f]), alpha_of(n[g]), alpha_of(n[h])
    value_a, value_b, value_c, value_d = states[a, 1], states[b, 1], states[c, 1], states[d, 1]
    value_e, value_f, value_g, value_h = states[e, 1], states[f, 1], states[g, 1], states[h, 1]
    for t in range(x.size):
        new = x[t]
        if not finite(new):
            out[a, t] = out[b, t] = out[c, t] = out[d, t] = np.nan
            out[e, t] = out[f, t] = out[g, t] = out[h, t] = np.nan
            continue
        value_a, value_b = ema_step(alpha_a, value_a, new), ema_step(alpha_b, value_b, new)
        value_c, value_d = ema_step(alpha_c, value_c, new), ema_step(alpha_d, value_d, new)
        value_e, value_f = ema_step(alpha_e, value_e, new), ema_step(alpha_f, value_f, new)
        value_g, value_h = ema_step(alpha_g, value_g, new), ema_step(alpha_h, value_h, new)
        out[a, t], out[b, t], out[c, t], out[d, t] = value_a, value_b, value_c, value_d
        out[e, t], out[f, t], out[g, t], out[h, t] = value_e, value_f, value_g, value_h
    states[a, 1], states[b, 1], states[c, 1], states[d, 1] = value_a, value_b, value_c, value_d
    states[e, 1], states[f, 1], states[g, 1], states[h, 1] = value_e, value_f, value_g, value_h


@lean_step
def no_value_yet(n: float, count: float, x: F64, out: F64) -> None:
    """NaN in `out` until n values have come; `count` came before."""
    for t in range(x.size):
        if count >= n:
            return
        if finite(x[t]):
            count += 1.0
        if count < n:
            out[t] = np.nan


WEIGHTED, SLOPE = 0, 1
"""The weighted mean, or the least-squares slope / the plain mean (NaN where that is not positive)."""


@inlined
def _weighted_as(heavy: float, mean: float, n: int, which: int) -> float:
    if which == WEIGHTED:
        return heavy
    # Σ k·v − (n + 1)/2·Σ v over n·(n² − 1)/12, and heavy = Σ k·v / (n·(n + 1)/2).
    return 6.0 * (heavy - mean) / (n - 1.0) / mean if mean > 0.0 else np.nan


@inlined
def weighted(state: F64, n: int, x: F64, begin: int, end: int, out: F64, which: int) -> None:
    """Mean with weights 1 … n, newest heaviest, of the last n values, as one of `which`. Slots: WEIGHTED_SLOTS + n."""
    count, at = int(state[0]), int(state[1])
    reference, total, heavy = state[2] if count > 0 else x[begin], state[3], state[4]
    equal, last = int(state[5]), state[6]
    ring = state[WEIGHTED_SLOTS : WEIGHTED_SLOTS + n]
    weights = 0.5 * n * (n + 1.0)
    while begin < end:
        size = min(end - begin, RESYNC - (count & RESYNC_MASK))
        full, weight, heavier = count >= n, float(n), 0.0
        if not full:
            size, weight, heavier = min(size, n - count), count + 1.0, 1.0
        values, results = x[begin : begin + size], out[begin : begin + size]
        for j in range(size):
            value, place = values[j], np.uint64(at)
            equal = equal + 1 if value == last else 1
            last = value
            heavy += weight * (value - reference) - (total if full else 0.0)
            total -= (ring[place] if full else reference) - reference
            total += value - reference
            weight += heavier
            ring[place] = value
            at = 0 if at + 1 == n else at + 1
            results[j] = _weighted_as(reference + heavy / weights, reference + total / n, n, which)
            if equal >= n:
                size = j + 1
                break
        begin += size
        count += size
        if equal >= n:
            reference, total, heavy = last, 0.0, 0.0
        elif count & RESYNC_MASK == 0 and count >= n:
            reference = last
            total, heavy = _weighted_anew(ring, at, reference)
        results[size - 1] = _weighted_as(reference + heavy / weights, reference + total / n, n, which)
        results[: max(min(n - 1 - (count - size), size), 0)] = np.nan
    state[0], state[1], state[2], state[3] = count, at, reference, total
    state[4], state[5], state[6] = heavy, equal, last


@lean_step
def _weighted_anew(ring: F64, at: int, reference: float) -> tuple[float, float]:
    total = 0.0
    heavy = 0.0
    for k in range(ring.size):
        distance = ring[(at + k) % ring.size] - reference
        total += distance
        heavy += (k + 1) * distance
    return total, heavy


@lean
def wma(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean of the last n values with weights 1 … n. O(1) a bar."""
    n = int(p[0])
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            weighted(state, n, x, begin, end, out, WEIGHTED)


LINE, SIGNAL, HISTOGRAM = 0, 1, 2


@lean_step
def _macd(p: F64, state: F64, x: F64, market: F64, at: int, out: F64, which: int) -> None:
    alpha, beta, gamma = alpha_of(p[0]), alpha_of(p[1]), alpha_of(p[2])
    slow = max(p[0], p[1])
    first = slow + p[2] - 1.0
    count, quick, calm, signal = state[0], state[1], state[2], state[3]
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if count == 0.0 and begin < end:
            quick = calm = x[begin]
        if begin < end:
            values, results = x[begin:end], out[begin:end]
            for j in range(values.size):
                quick = ema_step(alpha, quick, values[j])
                calm = ema_step(beta, calm, values[j])
                line = quick - calm
                if count + j < slow:
                    signal = line
                signal = ema_step(gamma, signal, line)
                results[j] = line if which == LINE else signal if which == SIGNAL else line - signal
            _hidden(out, begin, end, count, first - 1.0)
            count += end - begin
    state[0], state[1], state[2], state[3] = count, quick, calm, signal


@lean
def macd(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """ema(fast) − ema(slow). All three outputs begin together, as in TA-Lib."""
    _macd(p, state, x, market, at, out, LINE)


@lean
def macd_signal(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Exponential average of `macd` over `signal` bars, from the bar on where both averages have a value."""
    _macd(p, state, x, market, at, out, SIGNAL)


@lean
def macd_histogram(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """The line less the signal."""
    _macd(p, state, x, market, at, out, HISTOGRAM)


SLOTS = {
    "sma": lambda p: MEAN_SLOTS + int(p[0]),
    "ema": lambda _: 2,
    "wma": lambda p: WEIGHTED_SLOTS + int(p[0]),
    "macd": lambda _: 4,
    "macd_signal": lambda _: 4,
    "macd_histogram": lambda _: 4,
}
"""State of each kernel here, in float64 slots."""
