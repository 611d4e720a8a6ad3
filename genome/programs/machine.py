"""The interpreter: a program over one block of bars, each instruction one vectorised loop.

Blocks are short enough that rows stay in the first caches. Nothing here depends on where a block begins: a `rises`
remembers the last byte of its operand in `memory`, so any cutting into blocks gives the same bytes.
"""

import numpy as np
from numpy.typing import NDArray

from genome.jit import inlined, lean
from genome.programs.opcodes import (
    ABS,
    ADD,
    AND,
    AT_LEAST,
    CONST,
    DIV,
    GREATER,
    MAX,
    MIN,
    MUL,
    NEG,
    NOT,
    OR,
    RISES,
    SUB,
)
from genome.programs.pointers import F64, U8, Address, bytes_at, floats_at, words_at

I32 = NDArray[np.int32]

ENTER_LONG, EXIT_LONG, ENTER_SHORT, EXIT_SHORT = 1, 2, 4, 8
"""Bits of a decision byte."""
_EVERY_BYTE = 0x0101010101010101


@inlined
def _number_row(reference: int, columns: Address, stride: int, numbers: Address, width: int) -> np.uint64:
    """Address of an operand: a register, or a column where negative."""
    if reference < 0:
        return columns + np.uint64((-1 - reference) * stride * 8)
    return numbers + np.uint64(reference * width * 8)


@lean
def interpret(
    code: I32,
    value: F64,
    begin: int,
    end: int,
    columns: Address,
    stride: int,
    numbers: Address,
    conditions: Address,
    width: int,
    memory: U8,
    at: int,
    n: int,
) -> None:
    """Run instructions begin … end − 1 on a block of n bars.

    columns     address of the block's first bar in column 0; column c lies c·stride floats further
    numbers     address of float64 scratch, `width` a row; conditions: uint8 scratch, likewise
    memory      uint8: the last byte each `rises` saw, from `at` on
    """
    for k in range(begin, end):
        operation = code[k, 0]
        if operation < GREATER:
            out = floats_at(numbers + np.uint64(code[k, 1] * width * 8), n)
            if operation == CONST:
                v = value[k]
                for i in range(n):
                    out[i] = v
                continue
            a = floats_at(_number_row(code[k, 2], columns, stride, numbers, width), n)
            if operation == NEG:
                for i in range(n):
                    out[i] = -a[i]
                continue
            if operation == ABS:
                for i in range(n):
                    out[i] = abs(a[i])
                continue
            b = floats_at(_number_row(code[k, 3], columns, stride, numbers, width), n)
            _combine(operation, a, b, out, n)
            continue
        if operation == GREATER:
            truth = bytes_at(conditions + np.uint64(code[k, 1] * width), n)
            a = floats_at(_number_row(code[k, 2], columns, stride, numbers, width), n)
            b = floats_at(_number_row(code[k, 3], columns, stride, numbers, width), n)
            for i in range(n):
                truth[i] = np.uint8(a[i] > b[i]) * np.uint8(2) + np.uint8(not (a[i] <= b[i]))
        elif operation == AT_LEAST:
            truth = bytes_at(conditions + np.uint64(code[k, 1] * width), n)
            a = floats_at(_number_row(code[k, 2], columns, stride, numbers, width), n)
            b = floats_at(_number_row(code[k, 3], columns, stride, numbers, width), n)
            for i in range(n):
                truth[i] = np.uint8(a[i] >= b[i]) * np.uint8(2) + np.uint8(not (a[i] < b[i]))
        elif operation == RISES:
            slot = at + code[k, 4]
            memory[slot] = _rises(code[k, 1], code[k, 2], conditions, width, memory[slot], n)
        else:
            _logic(operation, code[k, 1], code[k, 2], code[k, 3], value[k], conditions, width, n)


@inlined
def _combine(operation: int, a: F64, b: F64, out: F64, n: int) -> None:
    if operation == ADD:
        for i in range(n):
            out[i] = a[i] + b[i]
    elif operation == SUB:
        for i in range(n):
            out[i] = a[i] - b[i]
    elif operation == MUL:
        for i in range(n):
            out[i] = a[i] * b[i]
    elif operation == DIV:
        for i in range(n):
            out[i] = a[i] / b[i] if b[i] != 0.0 else np.nan
    elif operation == MIN:
        for i in range(n):
            out[i] = a[i] if a[i] < b[i] or a[i] != a[i] else b[i]
    elif operation == MAX:
        for i in range(n):
            out[i] = a[i] if a[i] > b[i] or a[i] != a[i] else b[i]


@inlined
def _not(word: np.uint64) -> np.uint64:
    """Kleene's not of eight conditions: 00 ↔ 11, 01 stays."""
    one = np.uint64(1)
    low = np.uint64(_EVERY_BYTE)
    return ~(((word & low) << one) | ((word >> one) & low)) & np.uint64(3 * _EVERY_BYTE)


@inlined
def _rises(target: int, operand: int, conditions: Address, width: int, before: int, n: int) -> int:
    """True and not true one bar earlier; returns the operand at the last bar, which the next block has to know."""
    words = (n + 7) // 8
    out = words_at(conditions + np.uint64(target * width), words)
    a = words_at(conditions + np.uint64(operand * width), words)
    eight = np.uint64(8)
    out[0] = a[0] & _not((a[0] << eight) | np.uint64(before))
    for i in range(1, words):
        out[i] = a[i] & _not((a[i] << eight) | (a[i - 1] >> np.uint64(56)))
    last: int = bytes_at(conditions + np.uint64(operand * width), n)[n - 1]
    return last


@inlined
def _logic(
    operation: int, target: int, left: int, right: int, constant: float, conditions: Address, width: int, n: int
) -> None:  # fmt: skip
    """Conditions of conditions, eight bars to a word."""
    words = (n + 7) // 8
    out = words_at(conditions + np.uint64(target * width), words)
    a = words_at(conditions + np.uint64(left * width), words)
    b = words_at(conditions + np.uint64(right * width), words)
    if operation == AND:
        for i in range(words):
            out[i] = a[i] & b[i]
    elif operation == OR:
        for i in range(words):
            out[i] = a[i] | b[i]
    elif operation == NOT:
        for i in range(words):
            out[i] = _not(a[i])
    else:
        every = np.uint64(constant) * np.uint64(_EVERY_BYTE)
        for i in range(words):
            out[i] = every


@lean
def decide(
    outputs: I32, g: int, conditions: Address, width: int, may: Address, decisions: Address, n: int
) -> None:
    """Decision bytes of a block from its four conditions (SEMANTICS.md, 3.1), eight bars to a word.

    conditions  scratch rows; row 0 is false for ever and stands for an absent condition
    may         address of uint8: 15 where a decision at that close can fill at the next open, else 0
    decisions   address that receives one byte a bar

    All rows are read and written up to the next multiple of eight bars. In a condition byte bit 1 is set for true
    alone.
    """
    words = (n + 7) // 8
    low = np.uint64(_EVERY_BYTE)
    one = np.uint64(1)
    entry_long = words_at(conditions + np.uint64(outputs[g, 0] * width), words)
    exit_long = words_at(conditions + np.uint64(outputs[g, 1] * width), words)
    entry_short = words_at(conditions + np.uint64(outputs[g, 2] * width), words)
    exit_short = words_at(conditions + np.uint64(outputs[g, 3] * width), words)
    allowed = words_at(may, words)
    out = words_at(decisions, words)
    for i in range(words):
        leave_long = (exit_long[i] >> one) & low
        leave_short = (exit_short[i] >> one) & low
        long = (entry_long[i] >> one) & low & ~leave_long
        short = (entry_short[i] >> one) & low & ~leave_short
        both = long & short  # long and short together = none
        entering = (long ^ both) | ((short ^ both) << np.uint64(2))
        out[i] = (entering | (leave_long << one) | (leave_short << np.uint64(3))) & allowed[i]
