"""Swings of the price, each known only when it is confirmed, and Fibonacci's levels between them."""

import numpy as np

from genome.indicators.parts import absent
from genome.indicators.ranges import true_range_of
from genome.indicators.wilder import begun
from genome.jit import lean, lean_step
from genome.market import F64, I64

HIGH, LOW, CLOSE = 1, 2, 3


@lean_step
def _confirmed(state: F64, o: int, n: int, value: float) -> bool:
    """Take a value; whether the one n ago was strictly above n values on both sides. Slots: 1 + 2·n + 1.

    Looked at from the middle outwards, so that nearly all candidates fail at once: O(log T) a bar on average.
    """
    size = 2 * n + 1
    count = int(state[o])
    ring = o + 1
    state[ring + count % size] = value
    state[o] = count + 1.0
    if count < 2 * n:
        return False
    middle = (count - n) % size
    candidate = state[ring + middle]
    left = right = middle
    for _ in range(n):
        left = size - 1 if left == 0 else left - 1
        right = 0 if right == size - 1 else right + 1
        if state[ring + left] >= candidate or state[ring + right] >= candidate:
            return False
    return True


@lean_step
def _swing(p: F64, state: F64, market: F64, at: int, out: F64, row: int, sign: float) -> None:
    n = int(p[0])
    size = 2 * n + 1
    for i in range(out.size):
        t = at + i
        if absent(market, t):
            out[i] = np.nan
            continue
        if _confirmed(state, 2, n, sign * market[row, t]):
            state[0] = 1.0
            state[1] = sign * state[3 + (int(state[2]) - 1 - n) % size]
        out[i] = state[1] if state[0] > 0.0 else np.nan


@lean
def swing_high(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Newest high strictly above the n highs before and the n after it; known n bars after it; NaN before the first."""
    _swing(p, state, market, at, out, HIGH, 1.0)


@lean
def swing_low(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Newest low strictly below the n lows before and the n after it; known n bars after it; NaN before the first."""
    _swing(p, state, market, at, out, LOW, -1.0)


FRACTAL, ZIGZAG, EXTREME = 0, 1, 2
SIDE = 2
"""Bars on each side of a fractal. Source: Williams, "Trading Chaos" (1995)."""
REVERSAL_ATR = 2.0
"""A zigzag turns when price has come back this many ATR(14) from its extreme: a scale that fits any bar length."""
ATR_BARS = 14.0
QUEUE_SLOTS = 3
_PAIR = 5
"""bars so far; price and number (from 1, 0 is none) of the newest swing high and low."""


@lean_step
def _fractal(state: F64, number: float, high: float, low: float) -> None:
    size = 2 * SIDE + 1
    lows = _PAIR + 1 + size
    if _confirmed(state, _PAIR, SIDE, high):
        state[1] = state[_PAIR + 1 + (int(state[_PAIR]) - 1 - SIDE) % size]
        state[2] = number - SIDE
    if _confirmed(state, lows, SIDE, -low):
        state[3] = -state[lows + 1 + (int(state[lows]) - 1 - SIDE) % size]
        state[4] = number - SIDE


@lean_step
def _zigzag(state: F64, number: float, high: float, low: float, close: float) -> None:
    """Slots after the pair: last close, ATR, direction, running high and low with their numbers."""
    o = _PAIR
    if number == 1.0:
        state[o + 3], state[o + 4], state[o + 5], state[o + 6] = high, 1.0, low, 1.0
    else:
        state[o + 1] = begun(ATR_BARS, number - 1.0, state[o + 1], true_range_of(high, low, state[o]))
    state[o] = close
    direction = state[o + 2]
    back = REVERSAL_ATR * state[o + 1] if number > ATR_BARS else np.inf
    fresh_high = direction >= 0.0 and high > state[o + 3]
    fresh_low = direction <= 0.0 and low < state[o + 5]
    if fresh_high:
        state[o + 3], state[o + 4] = high, number
    if fresh_low:
        state[o + 5], state[o + 6] = low, number
    # On a bar that made the extreme itself nobody knows which came first, so it never turns there.
    if direction >= 0.0 and not fresh_high and low <= state[o + 3] - back:
        state[1], state[2] = state[o + 3], state[o + 4]
        state[o + 2], state[o + 5], state[o + 6] = -1.0, low, number
    elif direction <= 0.0 and not fresh_low and high >= state[o + 5] + back:
        state[3], state[4] = state[o + 5], state[o + 6]
        state[o + 2], state[o + 3], state[o + 4] = 1.0, high, number


@lean_step
def _highest(state: F64, o: int, n: int) -> float:
    """Largest of the last n values taken in by `_push`, or NaN when there are fewer."""
    return state[o + QUEUE_SLOTS + int(state[o + 1])] if state[o] >= n else np.nan


@lean_step
def _highest_at(state: F64, o: int, n: int) -> float:
    """Number (from 0) of that largest value; the newest among equals."""
    number: float = state[o + QUEUE_SLOTS + n + int(state[o + 1])]
    return number


@lean_step
def _push(state: F64, o: int, n: int, value: float) -> None:
    """Take a value into a falling queue, which also knows where its largest is: each value enters and leaves once. Slots: QUEUE_SLOTS + 2·n.

    Source: Lemire, "Streaming maximum-minimum filter using no more than three comparisons per element" (2006).
    """
    number = state[o]
    head = int(state[o + 1])
    size = int(state[o + 2])
    values = o + QUEUE_SLOTS
    numbers = values + n
    if size > 0 and state[numbers + head] <= number - n:
        head = 0 if head + 1 == n else head + 1
        size -= 1
    while size > 0:
        tail = head + size - 1
        if tail >= n:
            tail -= n
        if state[values + tail] > value:
            break
        size -= 1
    tail = head + size
    if tail >= n:
        tail -= n
    state[values + tail] = value
    state[numbers + tail] = number
    state[o] = number + 1.0
    state[o + 1] = head
    state[o + 2] = size + 1


@lean_step
def _level(level: float, high: float, high_at: float, low: float, low_at: float) -> float:
    if not high > low:
        return np.nan
    return high - level * (high - low) if high_at >= low_at else low + level * (high - low)


@lean
def fibonacci(p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Level between the newest confirmed swing high and low, both within the last n bars; NaN without such a pair.

    After a high: high − level·(high − low); after a low: low + level·(high − low). `fractal`: strictly beyond two bars on both
    sides, known two bars later. `zigzag`: known when price came back 2 ATR(14). `extreme`: highest high and lowest low of
    the n bars before this one.
    """
    n, method = int(p[1]), int(p[2])
    lows = _PAIR + QUEUE_SLOTS + 2 * n
    for i in range(out.size):
        t = at + i
        out[i] = np.nan
        if absent(market, t):
            continue
        high, low = market[HIGH, t], market[LOW, t]
        number = state[0] + 1.0
        state[0] = number
        if method == EXTREME:
            if number > n:
                top, bottom = _highest(state, _PAIR, n), -_highest(state, lows, n)
                out[i] = _level(p[0], top, _highest_at(state, _PAIR, n), bottom, _highest_at(state, lows, n))
            _push(state, _PAIR, n, high)
            _push(state, lows, n, -low)
            continue
        if method == FRACTAL:
            _fractal(state, number, high, low)
        else:
            _zigzag(state, number, high, low, market[CLOSE, t])
        if number > n and min(state[2], state[4]) > max(number - n, 0.0):
            out[i] = _level(p[0], state[1], state[2], state[3], state[4])


def _fibonacci_slots(p: tuple[float, ...]) -> int:
    by_method = {FRACTAL: 2 * (2 * SIDE + 2), ZIGZAG: 7, EXTREME: 2 * (QUEUE_SLOTS + 2 * int(p[1]))}
    return _PAIR + by_method[int(p[2])]


SLOTS = {
    "swing_high": lambda p: 2 + 2 + 2 * int(p[0]),
    "swing_low": lambda p: 2 + 2 + 2 * int(p[0]),
    "fibonacci": _fibonacci_slots,
}
"""State of each kernel here, in float64 slots."""
