"""One genome, one bar at a time: indicators, the account through the bar, the decision at its close.

The same kernels as for whole histories, called with one bar; so what is decided live is, bit for bit, what was decided in
the simulation. All that is remembered lies in one row of numbers.
"""

import numpy as np

from genome.indicators import advance_any, advance_on
from genome.jit import kernel, step
from genome.market import F64, I64
from genome.programs.machine import (
    ENTER_LONG,
    ENTER_SHORT,
    EXIT_LONG,
    EXIT_SHORT,
    I32,
    decide,
    interpret,
)
from genome.simulator import layout as at
from genome.simulator.fills import wanted_share
from genome.simulator.walk import walk

N_OWN = 4
"""Bars seen, the last decision, the share of the open or wanted position, the last close."""
SEEN, DECIDED, SHARE, LAST_CLOSE = range(N_OWN)


@kernel
def advance(
    table: I64, parameters: F64, memory: F64, market: F64, open_s: I64, bar_s: int, values: F64
) -> None:
    """Advance all columns by one bar: market float64 (len(COLUMNS), 1); values (columns,) receives them."""
    source = np.empty(1)
    for i in range(table.shape[0]):
        code, reads = table[i, 0], table[i, 1]
        if code < 0:
            values[i] = market[reads, 0]
            continue
        source[0] = market[reads, 0] if reads >= 0 else values[-1 - reads]
        p = parameters[table[i, 2] : table[i, 3]]
        state = memory[table[i, 4] : table[i, 5]]
        out = values[i : i + 1]
        if table[i, 6] > 0:
            advance_on(code, reads, p, state, source, market, open_s, 0, out, bar_s, table[i, 6])
        else:
            advance_any(code, p, state, source, market, open_s, 0, out)


@step
def _through(own: F64, account: F64, traits: F64, market: F64, atr: F64, sigma: F64, costs: F64) -> None:
    """The account through this bar, which is bar 1 of a window of two; the next one will be bar 1 again."""
    void = np.isnan(market[0, 0] + market[1, 0] + market[2, 0] + market[3, 0])
    matrix = np.zeros((at.N_MARKET, 2))
    matrix[at.OPEN, 1], matrix[at.HIGH, 1], matrix[at.LOW, 1] = market[0, 0], market[1, 0], market[2, 0]
    matrix[at.SLIPPAGE, 1] = costs[at.FLAT]
    matrix[at.CLOSE, 0] = own[LAST_CLOSE]
    matrix[at.CLOSE, 1] = own[LAST_CLOSE] if void else market[3, 0]
    matrix[at.MARK_HIGH, 1] = matrix[at.ABOVE, 1] = market[1, 0]
    matrix[at.MARK_LOW, 1] = matrix[at.BELOW, 1] = market[2, 0]
    own[LAST_CLOSE] = matrix[at.CLOSE, 1]
    flags = np.zeros((at.N_FLAGS, 2 + at.PADDING), np.uint8)
    flags[at.VOID, 1] = np.uint8(void)
    made = np.zeros(4, np.uint64)  # four planes of a word
    for k in range(4):
        made[k] = np.uint64((int(own[DECIDED]) >> k) & 1)
    walk(
        account, traits, matrix, flags, np.zeros((at.N_SUMMARY, 1)), np.ones((2, 3), np.int64), np.arange(3),
        np.uint64(made.ctypes.data), atr, sigma, 1, 2, costs, np.zeros(6), np.empty((0, at.N_TRADE)), np.empty(2), np.empty(2),
    )  # fmt: skip
    for place in (at.BAR_IN, at.BAR_OUT, at.PEAK_BAR):
        account[place] -= 1.0


@step
def _forecast(own: F64, account: F64, traits: F64, costs: F64) -> float:
    """Side that will be held after the next open, which is bar 1, times the wanted share."""
    decision = int(own[DECIDED])
    q = account[at.QUANTITY]
    held = 1.0 if q > 0.0 else -1.0 if q < 0.0 else 0.0
    if held != 0.0:
        leaves = EXIT_LONG | ENTER_SHORT if held > 0.0 else EXIT_SHORT | ENTER_LONG
        expires = 1.0 - account[at.BAR_IN] >= traits[at.MAXIMUM_HOLD]
        if not (decision & leaves or expires or account[at.LEAVING] > 0.0):
            return float(held * own[SHARE])
    enters = 1.0 if decision & ENTER_LONG else -1.0 if decision & ENTER_SHORT else 0.0
    waits = traits[at.COOL_DOWN] > 0.0 and (held != 0.0 or account[at.BAR_OUT] + traits[at.COOL_DOWN] >= 1.0)
    if enters * (enters - held) == 0.0 or waits or account[at.DEAD] != at.ALIVE:
        return 0.0
    share = wanted_share(
        account, traits, account[at.ATR_BEFORE], account[at.SIGMA_BEFORE], own[LAST_CLOSE], costs
    )
    own[SHARE] = max(0.0, share)
    return float(enters * own[SHARE])


@step
def trade(
    own: F64, account: F64, traits: F64, costs: F64, market: F64, atr: F64, sigma: F64, decision: int
) -> float:
    """The account through this bar; then what was decided at its close (a byte as of `decide`) gives the forecast."""
    _through(own, account, traits, market, atr, sigma, costs)
    own[DECIDED] = 0.0 if np.isnan(market[:4, 0].sum()) else float(decision)
    own[SEEN] += 1.0
    return _forecast(own, account, traits, costs)


@kernel
def live(
    table: I64, parameters: F64, code: I32, value: F64, outputs: I32, sizes: I64, memory: F64, traits: F64, costs: F64,
    market: F64, open_s: I64,
) -> float:  # fmt: skip
    """Take one bar in; return the forecast for the next open.

    sizes    memory of the columns, number of `rises`, number rows, condition rows, bar_s, column of ATR, column of σ (−1: none)
    memory   float64: own, account, `rises`, columns
    """
    own = memory[:N_OWN]
    account = memory[N_OWN : N_OWN + at.N_ACCOUNT]
    rises = memory[N_OWN + at.N_ACCOUNT : N_OWN + at.N_ACCOUNT + sizes[1]]
    values = np.empty(table.shape[0] + 1)
    advance(table, parameters, memory[N_OWN + at.N_ACCOUNT + sizes[1] :], market, open_s, sizes[4], values)
    atr = values[sizes[5] : sizes[5] + 1] if sizes[5] >= 0 else values[:0]
    sigma = values[sizes[6] : sizes[6] + 1] if sizes[6] >= 0 else values[:0]
    numbers = np.empty(sizes[2] + 1)
    conditions = np.zeros(2 * sizes[3], np.uint64)
    told = np.empty(sizes[1] + 1, np.uint8)
    for i in range(sizes[1]):
        told[i] = np.uint8(rises[i])
    rows = np.uint64(conditions.ctypes.data)
    interpret(
        code, value, 0, code.shape[0], np.uint64(values.ctypes.data), 1, np.uint64(numbers.ctypes.data), rows, 1, told, 0, 1
    )  # fmt: skip
    for i in range(sizes[1]):
        rises[i] = told[i]
    may, planes = np.ones(1, np.uint64), np.zeros(4, np.uint64)
    decision = decide(outputs, 0, rows, 1, np.uint64(may.ctypes.data), np.uint64(planes.ctypes.data), 0, 1)
    return trade(own, account, traits, costs, market, atr, sigma, decision)
