"""One compiled call fills in many columns over a stretch of bars: a call from Python takes as long as a quick column.

What is to be done is a table of whole numbers, made once a market: arrays are named by their addresses, so that threads
that share them count no references. Whoever calls keeps the arrays alive.
"""

import numpy as np

from genome.indicators import advance_on, ema_many
from genome.indicators.dispatch import address_of, call
from genome.indicators.lanes import LANES
from genome.jit import kernel, step
from genome.market import F64, I64
from genome.programs.abreast import ema_eight
from genome.programs.pointers import Address, floats_at, table_at

COPIED, PLAIN, CLIMBING, AVERAGES, ABREAST = range(5)
"""Kinds of a step: values known before, an indicator, one on a higher timeframe, exponential averages of one source, eight of
different sources."""
KIND, ROW, END, CODE, SOURCE, VALUES, PARAMETERS, N_PARAMETERS, MEMORY, N_MEMORY, SECONDS, RAW = range(12)
"""Columns of the table of steps: kind; rows from and until (eight abreast name the first of their lanes instead); code of the
indicator; row of its source, or −1 where that is whole, at the address VALUES, as are copied values; its parameters and
memory, each from which slot and how many; seconds of its timeframe, and the raw column that is gathered into it, or −1."""
N_STEP = 12
LANE_ROW, LANE_SOURCE, LANE_VALUES = range(3)
"""Columns of the table of lanes: row of an average, and its source as in the table of steps."""
N_LANE = 3


@kernel
def fill(
    steps: I64, lanes: I64, first: int, every: int, parameters: Address, memory: Address, raw: F64, open_s: I64, bar_s: int, begin: int,
    matrix: Address, stride: int, n: int,
) -> None:  # fmt: skip
    """Take steps first, first + every, … over bars begin … begin + n − 1.

    steps               int64 (steps, N_STEP); none reads a row that another of this call writes
    lanes               int64 (lanes, N_LANE)
    parameters, memory  addresses of float64
    raw                 float64 (len(COLUMNS), T); open_s int64 (T,): of the market
    matrix              address of float64: row r begins r·stride floats further
    """
    for k in range(first, steps.shape[0], every):
        row = steps[k]
        p = floats_at(parameters + np.uint64(row[PARAMETERS] * 8), row[N_PARAMETERS])
        state = floats_at(memory + np.uint64(row[MEMORY] * 8), row[N_MEMORY])
        if row[KIND] == ABREAST:
            _abreast(p, state, lanes, row[ROW], begin, matrix, stride, n)
            continue
        begins = matrix + np.uint64(row[ROW] * stride * 8)
        out = floats_at(begins, n)
        x = floats_at(
            matrix + np.uint64(row[SOURCE] * stride * 8)
            if row[SOURCE] >= 0
            else np.uint64(row[VALUES] + begin * 8),
            n,
        )
        if row[KIND] == COPIED:
            for i in range(n):
                out[i] = x[i]
            continue
        if row[KIND] == AVERAGES:
            count = row[END] - row[ROW]
            ema_many(p, state.reshape((count, 2)), x, table_at(begins, count, n, stride))
        elif row[KIND] == CLIMBING:
            advance_on(row[CODE], row[RAW], p, state, x, raw, open_s, begin, out, bar_s, row[SECONDS])
        else:
            address = address_of(row[CODE])
            if address == 0:
                raise ValueError(
                    "this indicator is not ready in this process; call genome.indicators.code_of first"
                )
            call(address, p, state, x, raw, open_s, begin, out)


@step
def _abreast(
    p: F64, state: F64, lanes: I64, first: int, begin: int, matrix: Address, stride: int, n: int
) -> None:
    """Eight averages, from that lane on."""
    sources, results = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    for k in range(LANES):
        lane = lanes[first + k]
        sources[k] = (
            matrix + np.uint64(lane[LANE_SOURCE] * stride * 8)
            if lane[LANE_SOURCE] >= 0
            else np.uint64(lane[LANE_VALUES] + begin * 8)
        )
        results[k] = matrix + np.uint64(lane[LANE_ROW] * stride * 8)
    ema_eight(p, state.reshape((LANES, 2)), sources, results, n)
