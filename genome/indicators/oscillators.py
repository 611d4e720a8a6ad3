"""Wilder's relative strength index, and the stochastic oscillator."""

import numpy as np

from genome.indicators.extremes import CHANNEL_SLOTS, STOCHASTIC, channel
from genome.indicators.parts import MEAN, MEAN_SLOTS, mean, run
from genome.indicators.wilder import ahead, begun
from genome.jit import inlined, lean, lean_step
from genome.market import F64, I64

CLOSE = 3
RSI_SLOTS = 8
NOTHING = 1e-14
"""Movement below this counts as none: TA-Lib's epsilon."""


@lean_step
def _strength(state: F64, n: float, x: F64, begin: int, end: int, out: F64) -> None:
    """The index over a run. Slots: RSI_SLOTS."""
    count, last = state[0], state[1]
    gain, older_gain, rise = state[2], state[3], state[4]
    loss, older_loss, fall = state[5], state[6], state[7]
    if count == 0.0:
        last, count = x[begin], 1.0
        out[begin] = np.nan
        begin += 1
    while begin < end and count <= n + 1.0:
        change = x[begin] - last
        older_gain, rise = gain, max(change, 0.0)
        older_loss, fall = loss, max(-change, 0.0)
        gain, loss = begun(n, count, gain, rise), begun(n, count, loss, fall)
        last = x[begin]
        count += 1.0
        out[begin] = _index(gain, loss) if count > n else np.nan
        begin += 1
    alpha, beta = 1.0 / n, (n - 1.0) / n
    values, results = x[begin:end], out[begin:end]
    for j in range(values.size):
        change = values[j] - last
        last = values[j]
        up, down = max(change, 0.0), max(-change, 0.0)
        older_gain, gain, rise = gain, ahead(alpha, beta, older_gain, rise, up), up
        older_loss, loss, fall = loss, ahead(alpha, beta, older_loss, fall, down), down
        results[j] = _index(gain, loss)
    count += max(end - begin, 0)
    state[0], state[1] = count, last
    state[2], state[3], state[4] = gain, older_gain, rise
    state[5], state[6], state[7] = loss, older_loss, fall


@inlined
def _index(gain: float, loss: float) -> float:
    moved = gain + loss
    return 100.0 * (gain / moved) if moved >= NOTHING else 0.0


@lean
def rsi(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """100·gain/(gain + loss), Wilder's averages of rises and falls; 0 where nothing moved at all, as in TA-Lib.

    Source: Wilder, "New Concepts in Technical Trading Systems" (1978), section VI.
    """
    end = 0
    while end < out.size:
        begin, end = run(market, at, x, end, -np.inf, out)
        if begin < end:
            _strength(state, p[0], x, begin, end, out)


FAST, SLOW = 0, 1


@lean_step
def _stochastic(p: F64, state: F64, market: F64, at: int, out: F64, which: int) -> None:
    k, smooth, d = int(p[0]), int(p[1]), int(p[2])
    smoothed = CHANNEL_SLOTS + 2 * k
    doubly = smoothed + MEAN_SLOTS + smooth
    closes = market[CLOSE, at : at + out.size]
    end = 0
    while end < out.size:
        begin, end = run(market, at, closes, end, -np.inf, out)
        if begin < end:
            # Each smoothing begins with the first value of what it smooths.
            raw = begin + int(min(max(k - 1 - state[0], 0.0), float(end - begin)))
            channel(state, 0, k, market, at, begin, end, out, STOCHASTIC)
            fast = raw + int(min(max(smooth - 1 - state[smoothed], 0.0), float(end - raw)))
            if raw < end:
                mean(state, smoothed, smooth, out, raw, end, out, MEAN)
            if fast < end:
                if which == SLOW:
                    mean(state, doubly, d, out, fast, end, out, MEAN)
                else:
                    # Fast has its values, and shows them where slow would have one.
                    seen = int(state[doubly])
                    out[fast : min(end, fast + max(d - 1 - seen, 0))] = np.nan
                    state[doubly] = seen + (end - fast)


@lean
def stoch_k(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Slow %K: mean over `smooth` of 100·(close − lowest low)/(highest high − lowest low) of k bars; 0 where flat.

    Begins together with `stoch_d`, as in TA-Lib. Source: Lane, "Lane's Stochastics" (1984).
    """
    _stochastic(p, state, market, at, out, FAST)


@lean
def stoch_d(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Mean over d of slow %K."""
    _stochastic(p, state, market, at, out, SLOW)


def _stochastic_slots(p: tuple[float, ...]) -> int:
    return CHANNEL_SLOTS + 2 * int(p[0]) + 2 * MEAN_SLOTS + int(p[1]) + int(p[2])


SLOTS = {"rsi": lambda _: RSI_SLOTS, "stoch_k": _stochastic_slots, "stoch_d": _stochastic_slots}
"""State of each kernel here, in float64 slots."""
