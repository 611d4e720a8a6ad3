"""Registers for the instructions of programs: as few as needed, each free again after the last use of its value."""

import numpy as np
from numpy.typing import NDArray

from genome.jit import kernel, step
from genome.market import I64
from genome.programs.opcodes import GREATER, RISES

I32 = NDArray[np.int32]
ABSENT = -(1 << 31)
"""An operand, or a result, that there is none of."""


@step
def _last_uses(wanted: I32, begin: int, end: int, results: I32, last: I64) -> None:
    """The instruction that reads each value last; the end where it is a result."""
    for k in range(end - begin):
        last[k] = k
        for side in (1, 2):
            if wanted[begin + k, side] >= 0:
                last[wanted[begin + k, side]] = k
    for i in range(results.size):
        if results[i] != ABSENT:
            last[results[i]] = end - begin


@kernel
def allocate(wanted: I32, offsets: I64, code: I32, outputs: I32, memory_at: I64, most: I64) -> None:
    """Give every instruction of every program a register.

    wanted     int32 (n, 3): operation, left, right; an operand ≥ 0 is the number of an instruction of that program, one
               below 0 a column, or ABSENT
    offsets    int64 (programs + 1,)
    code       int32 (n, 5) receives operation, destination, left, right, memory slot
    outputs    int32 (programs, 4): instruction of each result, or ABSENT; receives its register, 0 for none
    memory_at  int64 (programs + 1,) receives where the memory of each begins
    most       int64 (2,) receives how many rows of numbers and of conditions the largest program needs

    Rows of numbers and of conditions are numbered apart. Condition row 0 is never true.
    """
    longest = 1
    for g in range(offsets.size - 1):
        longest = max(longest, offsets[g + 1] - offsets[g])
    last, place = np.empty(longest, np.int64), np.empty(longest, np.int64)
    free, n_free, used = np.empty((2, longest), np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
    most[0], most[1] = 0, 1
    for g in range(offsets.size - 1):
        begin, end = offsets[g], offsets[g + 1]
        _last_uses(wanted, begin, end, outputs[g], last)
        n_free[:] = 0
        used[0], used[1] = 0, 1
        slots = 0
        for k in range(end - begin):
            row = code[begin + k]
            row[0] = wanted[begin + k, 0]
            bank = 1 if row[0] >= GREATER else 0
            if n_free[bank] > 0:
                n_free[bank] -= 1
                place[k] = free[bank, n_free[bank]]
            else:
                place[k] = used[bank]
                used[bank] += 1
            row[1] = place[k]
            row[4] = slots if row[0] == RISES else 0
            slots += 1 if row[0] == RISES else 0
            for side in (1, 2):
                operand = wanted[begin + k, side]
                row[side + 1] = 0 if operand == ABSENT else operand if operand < 0 else place[operand]
                if operand >= 0 and last[operand] == k:
                    last[operand] = -1  # once, where it is both operands
                    bank = 1 if wanted[begin + operand, 0] >= GREATER else 0
                    free[bank, n_free[bank]] = place[operand]
                    n_free[bank] += 1
        for i in range(outputs.shape[1]):
            outputs[g, i] = 0 if outputs[g, i] == ABSENT else place[outputs[g, i]]
        memory_at[g + 1] = memory_at[g] + slots
        most[0], most[1] = max(most[0], used[0]), max(most[1], used[1])
