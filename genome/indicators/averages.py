"""Averages of a source: simple, exponential, weighted, and what is made of exponential ones (MACD)."""

import numpy as np

from genome.indicators.parts import MEAN_SLOTS, RESYNC_MASK, absent, finite, mean
from genome.jit import kernel, step
from genome.market import F64, I64

WEIGHTED_SLOTS = 7
_LANES = 8


@kernel
def sma(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean of the last n values of the source. O(1) a bar."""
    n = int(p[0])
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
        else:
            out[i] = mean(state, 0, n, x[i])


@step
def _alpha(n: float) -> float:
    return 2.0 / (n + 1.0)


@step
def ema_step(alpha: float, value: float, new: float) -> float:
    """One step of an exponential average; a price that stands still leaves it exactly where it is."""
    return value + alpha * (new - value)


@kernel
def ema(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """E += α·(x − e), α = 2/(n + 1), e = the first value at the beginning; no value for n − 1 bars."""
    n = p[0]
    alpha = _alpha(n)
    count = state[0]
    value = state[1]
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
            continue
        value = ema_step(alpha, x[i] if count == 0.0 else value, x[i])
        count += 1.0
        out[i] = value if count >= n else np.nan
    state[0] = count
    state[1] = value


@kernel
def ema_many(windows: F64, states: F64, x: F64, out: F64) -> None:
    """Advance many exponential averages of one source at once; bit for bit what `ema` gives.

    windows (k,), states (k, 2) as `ema` keeps them, x (n,), out (k, n). Void bars must be NaN in x: there is no market to
    look at. One average waits for its own last value, some 12 cycles a bar; eight side by side fill that time.
    """
    begun = 0
    while begun < x.size and not finite(x[begun]):
        begun += 1
    taken = 0.0
    for t in range(x.size):
        taken += finite(x[t])
    for k in range(windows.size):
        if states[k, 0] == 0.0 and begun < x.size:
            states[k, 1] = x[begun]
    last = windows.size - 1
    for k in range(0, windows.size, _LANES):
        # Lanes beyond the last window do the last one once more, and write the same numbers to the same place.
        _eight(windows, states, x, out, k, min(k + 1, last), min(k + 2, last), min(k + 3, last), min(k + 4, last),
               min(k + 5, last), min(k + 6, last), min(k + 7, last))  # fmt: skip
    for k in range(windows.size):
        _no_value_yet(windows[k], states[k, 0], x, out[k])
        states[k, 0] += taken


@step
def _eight(
    n: F64, states: F64, x: F64, out: F64, a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int
) -> None:
    alpha_a, alpha_b, alpha_c, alpha_d = _alpha(n[a]), _alpha(n[b]), _alpha(n[c]), _alpha(n[d])
    alpha_e, alpha_f, alpha_g, alpha_h = _alpha(n[e]), _alpha(n[f]), _alpha(n[g]), _alpha(n[h])
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


@step
def _no_value_yet(n: float, count: float, x: F64, out: F64) -> None:
    for t in range(x.size):
        if count >= n:
            return
        if finite(x[t]):
            count += 1.0
        if count < n:
            out[t] = np.nan


@step
def weighted(state: F64, o: int, n: int, value: float) -> tuple[float, float]:
    """Mean with weights 1 … n, newest heaviest, and the plain mean, of the last n values. Slots: WEIGHTED_SLOTS + n."""
    count = int(state[o])
    at = int(state[o + 1])
    ring = o + WEIGHTED_SLOTS
    run = state[o + 5] + 1.0 if count > 0 and value == state[o + 6] else 1.0
    reference = state[o + 2] if count > 0 else value
    total = state[o + 3]
    heavy = state[o + 4]
    if count >= n:
        heavy += n * (value - reference) - total
        total -= state[ring + at] - reference
    else:
        heavy += (count + 1) * (value - reference)
    total += value - reference
    state[ring + at] = value
    at = 0 if at + 1 == n else at + 1
    count += 1
    if run >= n:
        reference, total, heavy = value, 0.0, 0.0
    elif count & RESYNC_MASK == 0 and count >= n:
        reference, total, heavy = value, 0.0, 0.0
        for k in range(n):
            distance = state[ring + (at + k) % n] - reference
            total += distance
            heavy += (k + 1) * distance
    state[o] = count
    state[o + 1] = at
    state[o + 2] = reference
    state[o + 3] = total
    state[o + 4] = heavy
    state[o + 5] = run
    state[o + 6] = value
    if count < n:
        return np.nan, np.nan
    return reference + heavy / (0.5 * n * (n + 1.0)), reference + total / n


@kernel
def wma(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean of the last n values with weights 1 … n. O(1) a bar."""
    n = int(p[0])
    for i in range(out.size):
        if absent(market, at + i) or not finite(x[i]):
            out[i] = np.nan
        else:
            out[i] = weighted(state, 0, n, x[i])[0]


LINE, SIGNAL, HISTOGRAM = 0, 1, 2


@step
def _macd(p: F64, state: F64, x: F64, market: F64, at: int, out: F64, which: int) -> None:
    alpha, beta, gamma = _alpha(p[0]), _alpha(p[1]), _alpha(p[2])
    slow = max(p[0], p[1])
    first = slow + p[2] - 1.0
    count, quick, calm, signal = state[0], state[1], state[2], state[3]
    for i in range(out.size):
        new = x[i]
        if absent(market, at + i) or not finite(new):
            out[i] = np.nan
            continue
        quick = ema_step(alpha, new if count == 0.0 else quick, new)
        calm = ema_step(beta, new if count == 0.0 else calm, new)
        count += 1.0
        line = quick - calm
        if count >= slow:
            signal = ema_step(gamma, line if count == slow else signal, line)
        value = line if which == LINE else signal if which == SIGNAL else line - signal
        out[i] = value if count >= first else np.nan
    state[0], state[1], state[2], state[3] = count, quick, calm, signal


@kernel
def macd(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """ema(fast) − ema(slow). All three outputs begin together, as in TA-Lib."""
    _macd(p, state, x, market, at, out, LINE)


@kernel
def macd_signal(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Exponential average of `macd` over `signal` bars, from the bar on where both averages have a value."""
    _macd(p, state, x, market, at, out, SIGNAL)


@kernel
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
