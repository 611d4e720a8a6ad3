"""What several genomes ask is answered once a block: a condition that a neighbour has computed is read where it lies.

Relatives share most of their conditions, and half of what a bred crowd computes is a repetition. A condition of a block is
half a kilobyte, while the columns that a comparison reads are thirty; so the former are kept, and numbers on the way to them
are computed only where a new condition asks for them. Nothing changes but where a condition lies, and who computes it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.jit import kernel, step
from genome.market import F64, I64
from genome.programs.compiling import Programs
from genome.programs.hashing import hashed
from genome.programs.opcodes import ABS, AT_LEAST, CONST, GREATER, NEG, NOT, RISES, TRUTH

I32 = NDArray[np.int32]
MOST_KEPT = 4_096
"""Conditions that a crowd keeps at once: two megabytes a block. Then it forgets them all, and begins to keep again."""


class Shared(NamedTuple):
    """Programs of a crowd in an order, each without what those before it have computed.

    code     int32 (n, 5), as of `Programs`, but a register of conditions is the crowd's, not the genome's
    value    float64 (n,)
    offsets  int64 (genomes + 1,): where the program of each place in the order begins
    outputs  int32 (genomes, 4): by genome, not by place
    n_conditions  registers of conditions, the one that is never true among them
    """

    code: I32
    value: F64
    offsets: I64
    outputs: I32
    n_conditions: int


class Known(NamedTuple):
    """What was met since everything was last forgotten. An entry is the number of what it stands for.

    slots     int64 (a power of two,): hash → entry + 1, 0 where there is none
    asked     int64 (entries, 4): operation, both operands, bits of the constant
    register  int64 (entries,): of a condition, where it lies
    state     int64 (2,): entries, and registers taken
    """

    slots: I64
    asked: I64
    register: I64
    state: I64


class Reading(NamedTuple):
    """A program as it is read; int64, by instruction or by register.

    entry      what each instruction computes
    new        1 where nobody before computed it
    wanted     1 where it has to be computed here
    left, right   instruction that made an operand, or −1
    numbers, conditions   the instruction whose result lies in a register
    """

    entry: I64
    new: I64
    wanted: I64
    left: I64
    right: I64
    numbers: I64
    conditions: I64


def shared(programs: Programs, code: I32, order: I64, edges: I64, most: int = MOST_KEPT) -> Shared:
    """Leave out what was computed before, for crowds that take turns: places edges[i] … edges[i + 1] − 1 of the order each.

    code   as of `programs`, with columns numbered as in a matrix
    most   conditions kept at once, more where one genome alone has more
    """
    n, longest = len(code), int(np.diff(programs.offsets).max(initial=0)) + 1
    entries = min(n, 2 * most) + longest
    known = Known(
        np.zeros(1 << int(2 * entries).bit_length(), np.int64), np.empty((entries, 4), np.int64), np.empty(entries, np.int64),
        np.zeros(2, np.int64),
    )  # fmt: skip
    rows = max(programs.n_numbers, programs.n_conditions) + 1
    reading = Reading(*np.zeros((5, longest), np.int64), *np.zeros((2, rows), np.int64))
    made, value = np.empty((n, 5), np.int32), np.empty(n)
    offsets, outputs = np.zeros(len(order) + 1, np.int64), np.zeros_like(programs.outputs)
    bits = np.ascontiguousarray(programs.value).view(np.int64)
    n_made, n_conditions = _shared(
        code, programs.value, bits, programs.offsets, programs.outputs, order, edges, most, known, reading, made, value,
        offsets, outputs,
    )  # fmt: skip
    return Shared(made[:n_made], value[:n_made], offsets, outputs, n_conditions)


@step
def _entry(known: Known, operation: int, left: int, right: int, bits: int) -> int:
    """The number of what is asked, which is new where it is that of the last entry + 1."""
    mask = known.slots.size - 1
    at = hashed(operation, left, right, bits) & mask
    while known.slots[at] > 0:
        entry = known.slots[at] - 1
        asked = known.asked[entry]
        if asked[0] == operation and asked[1] == left and asked[2] == right and asked[3] == bits:
            return int(entry)
        at = (at + 1) & mask
    entry = known.state[0]
    known.state[0] = entry + 1
    known.slots[at] = entry + 1
    asked = known.asked[entry]
    asked[0], asked[1], asked[2], asked[3] = operation, left, right, bits
    return int(entry)


@step
def _read(code: I32, bits: I64, begin: int, end: int, known: Known, reading: Reading) -> None:
    """What each instruction of a program computes, and whether it is new; new conditions get their registers."""
    for k in range(end - begin):
        row = code[begin + k]
        operation = int(row[0])
        place = reading.numbers if operation <= AT_LEAST else reading.conditions  # where its operands lie
        constant, left, right = 0, int(row[2]), int(row[3])
        reading.left[k] = reading.right[k] = -1
        if operation in (CONST, TRUTH):
            constant = int(bits[begin + k])
            left = right = 0
        if operation in (NEG, ABS, RISES, NOT):
            right = 0
        elif operation not in (CONST, TRUTH) and right >= 0:
            reading.right[k] = place[right]
            right = int(reading.entry[reading.right[k]])
        if operation not in (CONST, TRUTH) and left >= 0:
            reading.left[k] = place[left]
            left = int(reading.entry[reading.left[k]])
        before = int(known.state[0])
        entry = _entry(known, operation, left, right, constant)
        reading.entry[k], reading.new[k] = entry, int(entry == before)
        if operation < GREATER:
            reading.numbers[row[1]] = k
            continue
        reading.conditions[row[1]] = k
        if reading.new[k]:
            known.register[entry] = known.state[1]
            known.state[1] += 1


@step
def _want(code: I32, begin: int, end: int, reading: Reading) -> None:
    """New conditions, and the numbers that they need."""
    reading.wanted[: end - begin] = 0
    for k in range(end - begin - 1, -1, -1):
        if code[begin + k, 0] >= GREATER:
            reading.wanted[k] = reading.new[k]
        if reading.wanted[k] and code[begin + k, 0] <= AT_LEAST:
            if reading.left[k] >= 0:
                reading.wanted[reading.left[k]] = 1
            if reading.right[k] >= 0:
                reading.wanted[reading.right[k]] = 1


@kernel
def _shared(
    code: I32, value: F64, bits: I64, offsets: I64, outputs: I32, order: I64, edges: I64, most: int, known: Known, reading: Reading,
    made: I32, values: F64, begins: I64, lie: I32,
) -> tuple[int, int]:  # fmt: skip
    n, registers, edge = 0, 1, 0
    for place in range(order.size):
        g = order[place]
        begin, end = offsets[g], offsets[g + 1]
        turns = edge < edges.size and place == edges[edge]
        edge += int(turns)
        if (
            turns
            or known.state[1] + end - begin > most
            or known.state[0] + end - begin > known.asked.shape[0]
        ):
            known.slots[:] = 0
            known.state[0], known.state[1] = 0, 1
        _read(code, bits, begin, end, known, reading)
        _want(code, begin, end, reading)
        begins[place] = n
        for k in range(end - begin):
            if not reading.wanted[k]:
                continue
            row, new = code[begin + k], made[n]
            new[:] = row
            if row[0] >= GREATER:
                new[1] = known.register[reading.entry[k]]
            if row[0] > AT_LEAST:
                new[2] = known.register[reading.entry[reading.left[k]]] if reading.left[k] >= 0 else 0
                new[3] = known.register[reading.entry[reading.right[k]]] if reading.right[k] >= 0 else 0
            values[n] = value[begin + k]
            n += 1
        for i in range(outputs.shape[1]):
            made_by = reading.conditions[outputs[g, i]]
            lie[g, i] = 0 if outputs[g, i] == 0 else known.register[reading.entry[made_by]]
        registers = max(registers, known.state[1])
    begins[order.size] = n
    return n, registers
