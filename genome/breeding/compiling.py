"""From a flock to programs, without a tree between: what `compile_genomes` makes of the effective genomes, by the thousand.

Trees are read from the left, as `genome.programs.compiling` reads them, so that the same instructions come in the same
order. An operator waits until its last operand is known; operands lie on a stack.
"""

import math
from typing import NamedTuple

import numpy as np

from genome.breeding import tokens as tk
from genome.breeding.columns import Table, column_at, interned, keys_of, read, table_for
from genome.breeding.flat import GENE_INDEX, TREES, Flock
from genome.breeding.tokens import I32
from genome.jit import kernel, step
from genome.market import F64, I64
from genome.programs import opcodes as op
from genome.programs.compiling import ColumnKey, Programs
from genome.programs.hashing import hashed
from genome.programs.registers import ABSENT, allocate
from genome.vocabulary import COLUMN_INDEX

_FLOOR, _MULTIPLE, _MOOD = (
    GENE_INDEX["volatility_floor"],
    GENE_INDEX["volatility_multiple"],
    GENE_INDEX["fear_greed_sensitivity"],
)
_RATIO = tk.WORD_INDEX["volatility_ratio"] * tk.N_TIMEFRAMES
_RATIO_SHORT, _RATIO_LONG = 20.0, 100.0
_FEAR_GREED = COLUMN_INDEX["fear_greed"]
_CLOSE = COLUMN_INDEX["close"]
_WIDEST = 100.0
_SLOPE = 50.0
_UNKNOWN_TRUTH, _TRUE_TRUTH = float(op.UNKNOWN), float(op.TRUE)

_CONSTANT = 1 << 30
"""An operand that is a number and has no row yet."""
_IS_TRUE, _IS_FALSE, _IS_UNKNOWN = -1, -2, -3
"""Conditions that need no row."""
_SERIES_CODE = np.array([-1, -1, op.NEG, op.ABS, op.ADD, op.SUB, op.MUL, op.DIV, op.MIN, op.MAX])
_REGIME_INSTRUCTIONS = 32
"""More than a genome's regime, unknown truths and constant results can need."""


class Code(NamedTuple):
    """Instructions as they are met.

    wanted  int32 (most, 3): operation, left, right, see `registers.allocate`
    value   float64 (most,)
    bits    int64, the same memory
    slots   int64 (a power of two): hash → instruction + 1; what is before `state[1]` is of another genome
    state   int64 (2,): instructions, and where those of this genome begin
    """

    wanted: I32
    value: F64
    bits: I64
    slots: I64
    state: I64


class Stacks(NamedTuple):
    """Operators that wait for operands, and operands; int64 and float64 (longest tree + 1,)."""

    operators: I64
    missing: I64
    references: I64
    numbers: F64
    chain: I64


@step
def _emit(code: Code, operation: int, left: int, right: int, value: float) -> int:
    """The instruction of this genome that does this."""
    if right < left and operation in (op.ADD, op.MUL, op.MIN, op.MAX, op.AND, op.OR):
        left, right = right, left
    new, begin = code.state[0], code.state[1]
    code.value[new] = np.nan if math.isnan(value) else value + 0.0  # −0 is 0 to whoever looks it up
    mask = code.slots.size - 1
    at = hashed(operation, left, right, code.bits[new]) & mask
    while code.slots[at] > begin:
        known = code.slots[at] - 1
        if (
            code.wanted[known, 0] == operation and code.wanted[known, 1] == left and code.wanted[known, 2] == right
            and (code.value[known] == value or code.bits[known] == code.bits[new])
        ):  # fmt: skip
            return int(known - begin)
        at = (at + 1) & mask
    code.slots[at] = new + 1
    code.wanted[new, 0], code.wanted[new, 1], code.wanted[new, 2] = operation, left, right
    code.value[new] = value
    code.state[0] = new + 1
    return int(new - begin)


@step
def _in_row(code: Code, reference: int, number: float) -> int:
    return _emit(code, op.CONST, ABSENT, ABSENT, number) if reference == _CONSTANT else reference


@step
def _folded(operation: int, a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return np.nan
    if operation == op.ADD:
        return a + b
    if operation == op.SUB:
        return a - b
    if operation == op.MUL:
        return a * b
    if operation == op.DIV:
        return a / b if b != 0.0 else np.nan
    if operation == op.MIN:
        return b if b < a else a  # noqa: FURB136 - the first where they are equal, be it −0
    return b if b > a else a  # noqa: FURB136


@step
def _compared(code: Code, token: int, r: int, x: float, s: int, y: float) -> int:
    """A comparison or a cross of two series, each a reference and, where that is a constant, its number."""
    if r == _CONSTANT and s == _CONSTANT:
        if math.isnan(x) or math.isnan(y):
            return _IS_UNKNOWN
        if token >= tk.CROSSES_ABOVE:
            return _IS_FALSE
        holds = (
            x > y if token == tk.GREATER else x < y if token == tk.LESS else x >= y if token == tk.AT_LEAST else x <= y
        )  # fmt: skip
        return _IS_TRUE if holds else _IS_FALSE
    if token in (tk.LESS, tk.AT_MOST, tk.CROSSES_BELOW):
        r, x, s, y = s, y, r, x
    left = _in_row(code, r, x)
    right = _in_row(code, s, y)
    operation = op.AT_LEAST if token in (tk.AT_LEAST, tk.AT_MOST) else op.GREATER
    made = _emit(code, operation, left, right, 0.0)
    return _emit(code, op.RISES, made, ABSENT, 0.0) if token >= tk.CROSSES_ABOVE else made


@step
def _joined(code: Code, token: int, left: int, right: int) -> int:
    deciding = _IS_TRUE if token == tk.OR else _IS_FALSE
    if left in (_IS_TRUE, _IS_FALSE):
        return left if left == deciding else right
    if right in (_IS_TRUE, _IS_FALSE):
        return right if right == deciding else left
    if left == _IS_UNKNOWN and right == _IS_UNKNOWN:
        return _IS_UNKNOWN
    a = _emit(code, op.TRUTH, ABSENT, ABSENT, _UNKNOWN_TRUTH) if left == _IS_UNKNOWN else left
    b = _emit(code, op.TRUTH, ABSENT, ABSENT, _UNKNOWN_TRUTH) if right == _IS_UNKNOWN else right
    return a if a == b else _emit(code, op.OR if token == tk.OR else op.AND, a, b, 0.0)


@step
def _reduced(code: Code, token: int, stacks: Stacks, top: int) -> int:
    """Put what an operator makes of the operands on top in their place; returns the new top."""
    references, numbers = stacks.references, stacks.numbers
    if token == tk.NOT:
        was = references[top]
        references[top] = (
            _IS_FALSE if was == _IS_TRUE else _IS_TRUE if was == _IS_FALSE else was if was == _IS_UNKNOWN
            else _emit(code, op.NOT, was, ABSENT, 0.0)
        )  # fmt: skip
        return top
    if token <= tk.ABS:
        if references[top] == _CONSTANT:
            numbers[top] = -numbers[top] if token == tk.NEG else abs(numbers[top])
        else:
            references[top] = _emit(code, _SERIES_CODE[token], references[top], ABSENT, 0.0)
        return top
    top -= 1
    r, x, s, y = references[top], numbers[top], references[top + 1], numbers[top + 1]
    if token >= tk.AND:
        references[top] = _joined(code, token, r, s)
    elif token >= tk.GREATER:
        references[top] = _compared(code, token, r, x, s, y)
    elif r == _CONSTANT and s == _CONSTANT:
        numbers[top] = _folded(_SERIES_CODE[token], x, y)
    else:
        left = _in_row(code, r, x)
        right = _in_row(code, s, y)
        references[top] = _emit(code, _SERIES_CODE[token], left, right, 0.0)
    return top


@step
def _condition(code: Code, table: Table, stacks: Stacks, tokens: I32, values: F64, at: int, end: int) -> int:
    """The instruction of a condition, or what it is for ever."""
    top, waiting = -1, -1
    while at < end:
        token = tokens[at]
        if token >= tk.RAW:
            column, at = column_at(table, tokens, values, at, stacks.chain)
            top += 1
            stacks.references[top] = read(table, column)
        elif token == tk.NUMBER:
            top += 1
            stacks.references[top], stacks.numbers[top] = _CONSTANT, values[at]
            at += 1
        elif token == tk.TRUTH:
            top += 1
            stacks.references[top] = _IS_TRUE if values[at] != 0.0 else _IS_FALSE
            at += 1
        else:
            waiting += 1
            stacks.operators[waiting], stacks.missing[waiting] = token, tk.arity(token)
            at += 1
            continue
        while waiting >= 0:
            stacks.missing[waiting] -= 1
            if stacks.missing[waiting] > 0:
                break
            top = _reduced(code, stacks.operators[waiting], stacks, top)
            waiting -= 1
    return int(stacks.references[0])


@step
def _vetoed(code: Code, table: Table, result: int, genes: F64, entry: int) -> int:
    """The condition of an entry, and the regime genes (`genome.checking.effective`)."""
    for gene in (_FLOOR, _MULTIPLE):
        if not math.isnan(genes[gene]):
            row = table.arguments[table.counts[0]]
            row[:] = 0.0
            row[0], row[1] = _RATIO_SHORT, _RATIO_LONG
            ratio = read(table, interned(table, _RATIO, _CLOSE))
            comparison = tk.AT_LEAST if gene == _FLOOR else tk.AT_MOST
            veto = _compared(code, comparison, ratio, 0.0, _CONSTANT, genes[gene])
            result = _joined(code, tk.AND, result, veto)
    if genes[_MOOD] > 0.0:
        mood = read(table, _FEAR_GREED)
        comparison = tk.AT_MOST if entry == 0 else tk.AT_LEAST
        bound = _WIDEST - _SLOPE * genes[_MOOD] if entry == 0 else _SLOPE * genes[_MOOD]
        result = _joined(code, tk.AND, result, _compared(code, comparison, mood, 0.0, _CONSTANT, bound))
    return result


@kernel
def _assemble(
    tokens: I32, values: F64, offsets: I64, genes: F64, code: Code, table: Table, stacks: Stacks, begins: I64, outputs: I32
) -> None:  # fmt: skip
    """Instructions of all genomes; where each begins, and the instruction of each result."""
    for g in range(outputs.shape[0]):
        code.state[1] = begins[g] = code.state[0]
        for k in range(TREES):
            at, end = offsets[TREES * g + k], offsets[TREES * g + k + 1]
            outputs[g, k] = ABSENT
            if end == at:
                continue
            result = _condition(code, table, stacks, tokens, values, at, end)
            if k == 0 or k == TREES // 2:
                result = _vetoed(code, table, result, genes[g], k)
            if result == _IS_TRUE:
                result = _emit(code, op.TRUTH, ABSENT, ABSENT, _TRUE_TRUTH)
            if result >= 0:
                outputs[g, k] = result
    begins[outputs.shape[0]] = code.state[0]


def compiled(flock: Flock) -> Programs:
    """What `compile_genomes` makes of the effective genomes of the flock, whose genomes are checked ones."""
    return programs_and_columns(flock)[0]


def programs_and_columns(flock: Flock) -> tuple[Programs, Table, list[ColumnKey]]:
    """Programs, the table of their columns with room for two more of each genome, and what those in it are."""
    n, words = len(flock), int(np.count_nonzero(flock.tokens >= tk.WORD))
    sizes = np.diff(flock.offsets)
    longest = int(sizes.max(initial=0)) + 1
    of_one = flock.offsets[TREES::TREES] - flock.offsets[:-1:TREES]
    largest = 2 * int(of_one.max(initial=0)) + _REGIME_INSTRUCTIONS
    most = 2 * len(flock.tokens) + _REGIME_INSTRUCTIONS * n + 1
    value = np.empty(most)
    slots = np.zeros(1 << int(2 * largest).bit_length(), np.int64)
    code = Code(np.empty((most, 3), np.int32), value, value.view(np.int64), slots, np.zeros(2, np.int64))
    stack = np.empty((4, longest), np.int64)
    stacks = Stacks(stack[0], stack[1], stack[2], np.empty(longest), stack[3])
    table = table_for(words + 1 + 2 * n)
    begins, outputs = np.empty(n + 1, np.int64), np.empty((n, TREES), np.int32)
    _assemble(flock.tokens, flock.values, flock.offsets, flock.genes, code, table, stacks, begins, outputs)
    made = int(code.state[0])
    wanted = code.wanted[:made]
    placed, memory_at, rows = np.empty((made, 5), np.int32), np.zeros(n + 1, np.int64), np.zeros(2, np.int64)
    allocate(wanted, begins, placed, outputs, memory_at, rows)
    keys = keys_of(table)
    columns = tuple(keys[i] for i in table.read[: table.counts[1]].tolist())
    most_numbers, most_conditions = rows.tolist()
    programs = Programs(
        placed, value[:made].copy(), begins, outputs, memory_at, most_numbers, most_conditions, columns
    )
    return programs, table, keys
