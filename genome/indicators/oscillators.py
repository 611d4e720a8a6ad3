"""Wilder's relative strength index, and the stochastic oscillator."""

import numpy as np

from genome.indicators.parts import EXTREME_SLOTS, MEAN_SLOTS, absent, finite, largest, mean, slide
from genome.jit import kernel, step
from genome.market import F64, I64

NOTHING = 1e-14
"""Movement below this counts as none: TA-Lib's epsilon."""


@step
def wilder(n: float, count: float, average: float, new: float) -> float:
    """The `count`-th value (from 1) into Wilder's average: a sum up to n, at n the mean, then (a·(n − 1) + x)/n."""
    if count < n:
        return average + new
    if count == n:
        return (average + new) / n
    return (average * (n - 1.0) + new) / n


@kernel
def rsi(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """100·gain/(gain + loss), Wilder's averages of rises and falls; 0 where nothing moved at all, as in TA-Lib.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978), section VI.
    """
    n = p[0]
    count, last, gain, loss = state[0], state[1], state[2], state[3]
    for i in range(out.size):
        new = x[i]
        if absent(market, at + i) or not finite(new):
            out[i] = np.nan
            continue
        if count > 0.0:
            change = new - last
            gain = wilder(n, count, gain, max(change, 0.0))
            loss = wilder(n, count, loss, max(-change, 0.0))
        last = new
        count += 1.0
        moved = gain + loss
        value = 100.0 * (gain / moved) if moved >= NOTHING else 0.0
        out[i] = value if count > n else np.nan
    state[0], state[1], state[2], state[3] = count, last, gain, loss


FAST, SLOW = 0, 1


@step
def _stochastic(p: F64, state: F64, market: F64, at: int, out: F64, which: int) -> None:
    k, smooth, d = int(p[0]), int(p[1]), int(p[2])
    lows = EXTREME_SLOTS + k
    smoothed = lows + EXTREME_SLOTS + k
    doubly = smoothed + MEAN_SLOTS + smooth
    for i in range(out.size):
        t = at + i
        out[i] = np.nan
        if absent(market, t):
            continue
        slide(state, 0, k, market[1, t])
        slide(state, lows, k, -market[2, t])
        top = largest(state, 0, k)
        if not finite(top):
            continue
        bottom = -largest(state, lows, k)
        raw = 100.0 * ((market[3, t] - bottom) / (top - bottom)) if top != bottom else 0.0
        fast = mean(state, smoothed, smooth, raw)
        if finite(fast):
            slow = mean(state, doubly, d, fast)
            if finite(slow):
                out[i] = fast if which == FAST else slow


@kernel
def stoch_k(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Slow %K: mean over `smooth` of 100·(close − lowest low)/(highest high − lowest low) of k bars; 0 where flat.

    Begins together with `stoch_d`, as in TA-Lib. Source: Lane, "Lane's Stochastics" (1984).
    """
    _stochastic(p, state, market, at, out, FAST)


@kernel
def stoch_d(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean over d of slow %K."""
    _stochastic(p, state, market, at, out, SLOW)


def _stochastic_slots(p: tuple[float, ...]) -> int:
    return 2 * (EXTREME_SLOTS + int(p[0])) + 2 * MEAN_SLOTS + int(p[1]) + int(p[2])


SLOTS = {"rsi": lambda _: 4, "stoch_k": _stochastic_slots, "stoch_d": _stochastic_slots}
"""State of each kernel here, in float64 slots."""
