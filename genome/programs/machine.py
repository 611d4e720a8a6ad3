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
    TRUE,
)
from genome.programs.pointers import (
    F64,
    U8,
    Address,
    at_least_eight,
    bytes_at,
    floats_at,
    greater_eight,
    words_at,
)

I32 = NDArray[np.int32]

ENTER_LONG, EXIT_LONG, ENTER_SHORT, EXIT_SHORT = 1, 2, 4, 8
"""Bits of a decision. In blocks each has a plane of its own, in this order."""
_WORD = 63


@inlined
def words_of(bars: int) -> int:
    """Words of 64 bits that hold a bit for each of so many bars."""
    return (bars + _WORD) >> 6


@inlined
def plane(register: int, conditions: Address, width: int) -> np.uint64:
    """Address of the first plane of a register of conditions; the second follows it."""
    return conditions + np.uint64(register * words_of(width) * 16)


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
    numbers     address of float64 scratch, `width` a row
    conditions  address of uint64 scratch, two planes of words_of(width) a row
    memory      uint8: what each `rises` saw at the last bar, from `at` on; bits of a bar after the n-th mean nothing
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
        target = plane(code[k, 1], conditions, width)
        if operation <= AT_LEAST:
            a = _number_row(code[k, 2], columns, stride, numbers, width)
            b = _number_row(code[k, 3], columns, stride, numbers, width)
            _compare(operation, a, b, target, target + np.uint64(words_of(width) * 8), n)
        elif operation == RISES:
            slot = at + code[k, 4]
            memory[slot] = _rises(
                target, plane(code[k, 2], conditions, width), words_of(width), memory[slot], n
            )
        else:
            left, right = plane(code[k, 2], conditions, width), plane(code[k, 3], conditions, width)
            _logic(operation, target, left, right, value[k], words_of(width), words_of(n))


@inlined
def _compare(operation: int, left: Address, right: Address, yes: Address, no: Address, n: int) -> None:
    """Both planes of a comparison."""
    whole = n >> 3
    if operation == GREATER:
        for i in range(whole):
            at = np.uint64(i)
            greater_eight(left + np.uint64(64) * at, right + np.uint64(64) * at, yes + at, no + at)
    else:
        for i in range(whole):
            at = np.uint64(i)
            at_least_eight(left + np.uint64(64) * at, right + np.uint64(64) * at, yes + at, no + at)
    if whole * 8 < n:
        a, b = floats_at(left, n), floats_at(right, n)
        true, false = 0, 0
        for i in range(whole * 8, n):
            more, less = a[i] > b[i], a[i] < b[i]
            if a[i] == b[i]:
                more, less = operation == AT_LEAST, operation == GREATER
            true |= int(more) << (i & 7)
            false |= int(less) << (i & 7)
        bytes_at(yes, whole + 1)[whole] = np.uint8(true)
        bytes_at(no, whole + 1)[whole] = np.uint8(false)


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
def _rises(target: Address, operand: Address, words: int, before: int, n: int) -> int:
    """True and not true one bar earlier; returns the operand at the last bar, which the next block has to know."""
    yes, no = words_at(target, words), words_at(target + np.uint64(words * 8), words)
    true, false = words_at(operand, words), words_at(operand + np.uint64(words * 8), words)
    one, top = np.uint64(1), np.uint64(63)
    was_true, was_false = np.uint64(before >> 1), np.uint64((before & 1) ^ 1)
    for i in range(words_of(n)):
        t, f = true[i], false[i]
        yes[i] = t & ((f << one) | was_false)
        no[i] = f | ((t << one) | was_true)
        was_true, was_false = t >> top, f >> top
    last, bit = (n - 1) >> 6, np.uint64((n - 1) & _WORD)
    t, f = (true[last] >> bit) & one, (false[last] >> bit) & one
    return int(t) * TRUE + int((t | f) ^ one)


@inlined
def _logic(
    operation: int, target: Address, left: Address, right: Address, constant: float, words: int, n: int
) -> None:  # fmt: skip
    """Conditions of conditions, over n of the `words` of each plane."""
    step = np.uint64(words * 8)
    yes, no = words_at(target, words), words_at(target + step, words)
    a, not_a = words_at(left, words), words_at(left + step, words)
    b, not_b = words_at(right, words), words_at(right + step, words)
    if operation == AND:
        for i in range(n):
            yes[i] = a[i] & b[i]
            no[i] = not_a[i] | not_b[i]
    elif operation == OR:
        for i in range(n):
            yes[i] = a[i] | b[i]
            no[i] = not_a[i] & not_b[i]
    elif operation == NOT:
        for i in range(n):
            yes[i] = not_a[i]
            no[i] = a[i]
    else:
        every = ~np.uint64(0)
        for i in range(n):
            yes[i] = every if constant == TRUE else np.uint64(0)
            no[i] = every if constant == 0.0 else np.uint64(0)


@lean
def decide(
    outputs: I32,
    g: int,
    conditions: Address,
    width: int,
    may: Address,
    decisions: Address,
    before: int,
    n: int,
) -> int:
    """Decisions of a block from its four conditions (SEMANTICS.md, 3.1), 64 bars to a word; returns that of its last close.

    conditions  scratch rows; row 0 is never true and stands for an absent condition
    may         address of uint64 words: a bit for each close whose decision can fill at the next open
    decisions   address that receives four planes of words_of(n): what is decided at a close stands at the bar after it
    before      the decision at the close before the block
    """
    words = words_of(n)
    entry_long = words_at(plane(outputs[g, 0], conditions, width), words)
    exit_long = words_at(plane(outputs[g, 1], conditions, width), words)
    entry_short = words_at(plane(outputs[g, 2], conditions, width), words)
    exit_short = words_at(plane(outputs[g, 3], conditions, width), words)
    allowed, out = words_at(may, words), words_at(decisions, 4 * words)
    one, top = np.uint64(1), np.uint64(63)
    long, leave_long, short, leave_short = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    c0, c1 = np.uint64(before & 1), np.uint64((before >> 1) & 1)
    c2, c3 = np.uint64((before >> 2) & 1), np.uint64((before >> 3) & 1)
    for i in range(words):
        leave_long, leave_short = exit_long[i] & allowed[i], exit_short[i] & allowed[i]
        long = entry_long[i] & ~exit_long[i] & allowed[i]
        short = entry_short[i] & ~exit_short[i] & allowed[i]
        both = long & short  # long and short together = none
        long, short = long ^ both, short ^ both
        out[i], out[words + i] = (long << one) | c0, (leave_long << one) | c1
        out[2 * words + i], out[3 * words + i] = (short << one) | c2, (leave_short << one) | c3
        c0, c1, c2, c3 = long >> top, leave_long >> top, short >> top, leave_short >> top
    bit = np.uint64((n - 1) & _WORD)
    return (
        int((long >> bit) & one) | (int((leave_long >> bit) & one) << 1)
        | (int((short >> bit) & one) << 2) | (int((leave_short >> bit) & one) << 3)
    )  # fmt: skip
