"""Indicators on longer bars, seen only after those have closed.

The bars of a market are gathered into bars of the timeframe (UTC; weeks from Monday) inside the indicator's state, and
the indicator is stepped once for each longer bar that closes: at the bar whose close is that longer bar's close, or, where
the last bars of it are missing or void, at the next bar that comes. What was computed stays until the next one.
"""

import numpy as np

from genome.indicators.dispatch import address_of, call
from genome.indicators.parts import absent, finite
from genome.jit import kernel, step
from genome.market import F64, I64
from genome.vocabulary import COLUMNS, TIMEFRAMES
from organism.errors import BadInput

OPEN, HIGH, LOW, CLOSE, VOLUME, TYPICAL = range(6)
_WIDTH = len(COLUMNS)
_WEEK = 604_800
_TO_MONDAY = 259_200
_VALUE, _ROWS = 3, 4
GATHERED_SLOTS = _ROWS + _WIDTH + 1
"""begun, period, whether a value was seen, the value; the gathered bar, a market of one bar; one source."""
SAMPLED = -1
"""In place of a row: the source is computed."""


def seconds_of(timeframe: str, bar_s: int) -> int:
    """Length of a timeframe in seconds, checked against the bars it is to be made of."""
    if timeframe not in TIMEFRAMES:
        raise BadInput(f"timeframe was {timeframe!r}; it is one of: {', '.join(t for t in TIMEFRAMES if t)}.")
    seconds = TIMEFRAMES[timeframe]
    if timeframe and (seconds <= bar_s or seconds % bar_s):
        raise BadInput(
            f"timeframe {timeframe} was asked of bars of {bar_s} s; it must be longer than a bar and a whole number of bars."
        )
    return seconds


@step
def _gather(bar: F64, market: F64, t: int, begins: bool) -> None:
    """Add a bar: first open, highest high, lowest low, sum of volume, and the newest known value of the other columns."""
    for row in range(_WIDTH):
        value = market[row, t]
        old = bar[row, 0]
        if begins:
            bar[row, 0] = value
        elif row == HIGH:
            bar[row, 0] = max(old, value)
        elif row == LOW:
            bar[row, 0] = min(old, value)
        elif row == VOLUME:
            bar[row, 0] = old + value if finite(old) and finite(value) else value if finite(value) else old
        elif row != OPEN and (finite(value) or row == CLOSE):
            bar[row, 0] = value
    bar[TYPICAL, 0] = (bar[HIGH, 0] + bar[LOW, 0] + bar[CLOSE, 0]) / 3.0


@step
def _sampled(known: float, value: float, begins: bool) -> float:
    return value if begins or finite(value) else known


@step
def _close(
    address: int, source: int, shift: int, timeframe_s: int, p: F64, state: F64, market: F64, opened: I64
) -> None:
    """Step the indicator on the gathered bar, and begin a new one."""
    newest = state[_ROWS + _WIDTH : _ROWS + _WIDTH + 1]
    if source >= 0:
        newest[0] = market[source, 0]
    opened[0] = int(state[1]) * timeframe_s - shift
    call(address, p, state[GATHERED_SLOTS:], newest, market, opened, 0, state[_VALUE : _VALUE + 1])
    state[0], state[2] = 0.0, 1.0


@kernel
def advance_on(
    code: int,
    source: int,
    p: F64,
    state: F64,
    x: F64,
    market: F64,
    open_s: I64,
    at: int,
    out: F64,
    bar_s: int,
    timeframe_s: int,
) -> None:
    """Advance an indicator on a longer timeframe over `out.size` bars of the market.

    code     of `genome.indicators.code_of`
    source   row of the market (COLUMN_INDEX) that is gathered into the indicator's source: its close is the last close,
             its volume the sum … SAMPLED (−1): the newest known value of x instead, for sources that are computed.
             Words that take no source look at neither.
    state    `state_size` with the timeframe
    x        float64 (bars,); looked at only with SAMPLED
    bar_s, timeframe_s   seconds; `seconds_of` checks them
    The rest as in every kernel. A void bar gives NaN here too, and is gathered into nothing.
    """
    address = address_of(code)
    if address == 0:
        raise ValueError("this indicator is not ready in this process; call genome.indicators.code_of first")
    shift = _TO_MONDAY if timeframe_s % _WEEK == 0 else 0
    bar = state[_ROWS : _ROWS + _WIDTH].reshape((_WIDTH, 1))
    opened = np.empty(1, dtype=np.int64)
    for i in range(out.size):
        t = at + i
        out[i] = np.nan
        if absent(market, t):
            continue
        period = (open_s[t] + shift) // timeframe_s
        if state[0] > 0.0 and float(period) != state[1]:
            _close(address, source, shift, timeframe_s, p, state, bar, opened)
        begins = state[0] == 0.0
        _gather(bar, market, t, begins)
        if source < 0:
            state[_ROWS + _WIDTH] = _sampled(state[_ROWS + _WIDTH], x[i], begins)
        state[0], state[1] = 1.0, float(period)
        if open_s[t] + bar_s >= (period + 1) * timeframe_s - shift:
            _close(address, source, shift, timeframe_s, p, state, bar, opened)
        if state[2] > 0.0:
            out[i] = state[_VALUE]
