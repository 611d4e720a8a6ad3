"""One program over one market: its conditions at every close."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from genome.genome import Genome
from genome.market import F64, Market
from genome.programs.columns import in_order, whole
from genome.programs.compiling import ColumnKey, compile_genome
from genome.programs.machine import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, interpret

BLOCK = 512
BLOCK_WORDS = -(-BLOCK // 64)


class Run:
    """A compiled genome over a whole market. known: columns that were computed elsewhere, as those of a panel are."""

    def __init__(self, market: Market, genome: Genome, known: Mapping[ColumnKey, F64] | None = None) -> None:
        self.program = compile_genome(genome)
        self.keys = in_order(self.program.columns)
        self.row: dict[ColumnKey, int] = {key: i for i, key in enumerate(self.keys)}
        self.matrix: F64 = whole(market, self.keys, known)
        self.n = market.size
        self.void = np.isnan(market.columns[:4]).any(axis=0)

    def _blocks(self, take: Callable[[int, int, NDArray[np.uint64]], None]) -> None:
        program, n = self.program, self.n
        code = program.placed(self.row)
        numbers = np.zeros((max(1, program.n_numbers), BLOCK))
        conditions = np.zeros((program.n_conditions, 2, BLOCK_WORDS), np.uint64)
        memory = np.ones(max(1, program.n_memory), np.uint8)
        base = self.matrix.ctypes.data if self.matrix.size else numbers.ctypes.data
        for begin in range(0, n, BLOCK):
            size = min(BLOCK, n - begin)
            interpret(
                code, program.value, 0, len(code), np.uint64(base + begin * 8), n,
                np.uint64(numbers.ctypes.data), np.uint64(conditions.ctypes.data), BLOCK, memory, 0, size,
            )  # fmt: skip
            take(begin, size, conditions)

    def signals(self) -> tuple[NDArray[np.bool_], ...]:
        """Entry long, exit long, entry short, exit short at each close: true, or false where false or unknown."""
        out = np.zeros((4, self.n), bool)

        def take(begin: int, size: int, conditions: NDArray[np.uint64]) -> None:
            true = conditions[self.program.outputs[0], 0].view(np.uint8)
            out[:, begin : begin + size] = np.unpackbits(true, axis=1, count=size, bitorder="little")

        self._blocks(take)
        out[:, self.void] = False
        return tuple(out)

    def decisions(self, may: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Decision bytes, one a close; `may` as in `Ground.flags`."""
        return decided(self.signals(), may)


def decided(levels: Sequence[NDArray[np.bool_]], may: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decision bytes (SEMANTICS.md, 3.1) of entry long, exit long, entry short, exit short at each close, bool (T,)."""
    entry_long, exit_long, entry_short, exit_short = levels
    long, short = entry_long & ~exit_long, entry_short & ~exit_short
    both = long & short  # long and short together = none
    bits = (
        (long ^ both) * ENTER_LONG
        | exit_long * EXIT_LONG
        | (short ^ both) * ENTER_SHORT
        | exit_short * EXIT_SHORT
    )
    made: NDArray[np.uint8] = bits.astype(np.uint8) & may[: bits.size]
    return made


def signals(genome: Genome, market: Market) -> tuple[NDArray[np.bool_], ...]:
    """Entry long, exit long, entry short, exit short at each close, bool (T,) each; the genome must be effective."""
    return Run(market, genome).signals()
