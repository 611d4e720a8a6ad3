"""One compiled call fills in many columns over a stretch of bars: a call from Python takes as long as a quick column.

What is to be done is a table of whole numbers, made once a market: arrays are named by their addresses, so that threads
that share them count no references. Whoever calls keeps the arrays alive.
"""

import numpy as np

from genome.indicators import advance_on, ema_many
from genome.indicators.dispatch import address_of, call
from genome.jit import kernel
from genome.market import F64, I64
from genome.programs.pointers import Address, floats_at, table_at

COPIED, PLAIN, CLIMBING, AVERAGES = range(4)
"""Kinds of a step: values known before, an indicator, one on a higher timeframe, exponential averages of one source."""
KIND, ROW, END, CODE, SOURCE, VALUES, PARAMETERS, N_PARAMETERS, MEMORY, N_MEMORY, SECONDS, RAW = range(12)
"""Columns of the table of steps: kind; rows from and until; code of the indicator; row of its source, or −1 where that is
whole, at the address VALUES, as are copied values; its parameters and memory, each from which slot and how many; seconds of
its timeframe, and the raw column that is gathered into it, or −1."""
N_STEP = 12


@kernel
def fill(
    steps: I64, first: int, every: int, parameters: Address, memory: Address, raw: F64, open_s: I64, bar_s: int, begin: int,
    matrix: Address, stride: int, n: int,
) -> None:  # fmt: skip
    """Take steps first, first + every, … over bars begin … begin + n − 1.

    steps               int64 (steps, N_STEP); none reads a row that another of this call writes
    parameters, memory  addresses of float64
    raw                 float64 (len(COLUMNS), T); open_s int64 (T,): of the market
    matrix              address of float64: row r begins r·stride floats further
    """
    for k in range(first, steps.shape[0], every):
        step = steps[k]
        begins = matrix + np.uint64(step[ROW] * stride * 8)
        out = floats_at(begins, n)
        x = floats_at(
            matrix + np.uint64(step[SOURCE] * stride * 8)
            if step[SOURCE] >= 0
            else np.uint64(step[VALUES] + begin * 8),
            n,
        )
        if step[KIND] == COPIED:
            for i in range(n):
                out[i] = x[i]
            continue
        p = floats_at(parameters + np.uint64(step[PARAMETERS] * 8), step[N_PARAMETERS])
        state = floats_at(memory + np.uint64(step[MEMORY] * 8), step[N_MEMORY])
        if step[KIND] == AVERAGES:
            count = step[END] - step[ROW]
            ema_many(p, state.reshape((count, 2)), x, table_at(begins, count, n, stride))
        elif step[KIND] == CLIMBING:
            advance_on(step[CODE], step[RAW], p, state, x, raw, open_s, begin, out, bar_s, step[SECONDS])
        else:
            address = address_of(step[CODE])
            if address == 0:
                raise ValueError(
                    "this indicator is not ready in this process; call genome.indicators.code_of first"
                )
            call(address, p, state, x, raw, open_s, begin, out)
