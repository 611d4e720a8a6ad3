"""Many genomes through one stretch of bars: interpret, decide, walk, block by block, one thread.

Blocks are the outer loop: the columns of a block are read by all genomes while they lie in a near cache. A block is long all
the same, because what each genome remembers is fetched from a far one at its beginning.
"""

import numpy as np

from genome.jit import lean
from genome.market import F64, I64
from genome.programs.machine import I32, decide, interpret
from genome.programs.pointers import U8, Address, floats_at
from genome.simulator import layout as at
from genome.simulator.walk import Flags, walk

BLOCK = 2_048
BLOCK_WORDS = BLOCK // 64


@lean
def crowd(
    code: I32,
    value: F64,
    offsets: I64,
    outputs: I32,
    memory_at: I64,
    needs: I64,
    order: I64,
    first: int,
    last: int,
    columns: Address,
    stride: int,
    begin: int,
    size: int,
    may: Address,
    memory: U8,
    carried: U8,
    accounts: Address,
    traits: Address,
    market: F64,
    flags: Flags,
    summary: F64,
    following: I64,
    days: I64,
    costs: F64,
    daily: Address,
    numbers: Address,
    conditions: Address,
    decisions: Address,
    none: F64,
    nothing: F64,
) -> None:
    """Take the genomes at places first … last − 1 through bars begin … begin + size − 1; `begin` is a multiple of 64.

    code … outputs   of `genome.programs.sharing.Shared`: a program may read what those before it have computed in this block
    order       int64 (genomes,): neighbours share columns, which then are still in the first caches
    needs       int64 (genomes, 2): column of ATR and of volatility, −1 where not needed
    columns     address of float64 (columns, stride): this stretch
    carried     uint8 (genomes,): decision at the close of the bar before
    accounts, traits   addresses of float64 (genomes, at.N_ACCOUNT) and (genomes, at.N_TRAITS)
    decisions   address of uint64 scratch, four planes of a block
    may         address of uint64: a bit for each bar of the market
    none, nothing   empty arrays: no trades, no curve are recorded
    """
    width = BLOCK
    for start in range(0, size, BLOCK):
        n = min(BLOCK, size - start)
        here = begin + start
        block = columns + np.uint64(start * 8)
        for place in range(first, last):
            g = order[place]
            interpret(
                code, value, offsets[place], offsets[place + 1], block, stride, numbers, conditions, width, memory, memory_at[g], n
            )  # fmt: skip
            carried[g] = decide(
                outputs, g, conditions, width, may + np.uint64((here >> 6) * 8), decisions, carried[g], n
            )
            account = floats_at(accounts + np.uint64(g * at.N_ACCOUNT * 8), at.N_ACCOUNT)
            trait = floats_at(traits + np.uint64(g * at.N_TRAITS * 8), at.N_TRAITS)
            atr, sigma = needs[g, 0], needs[g, 1]
            walk(
                account, trait, market, flags, summary, following, days, decisions,
                floats_at(block + np.uint64(max(atr, 0) * stride * 8), n if atr >= 0 else 0),
                floats_at(block + np.uint64(max(sigma, 0) * stride * 8), n if sigma >= 0 else 0),
                here, here + n, costs, floats_at(daily + np.uint64(g * days[days.size - 1] * 16), 2 * days[days.size - 1]),
                none, nothing, nothing,
            )  # fmt: skip
