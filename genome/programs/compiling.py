"""Trees → flat programs: constants fold, equal subtrees meet, registers are used again.

A program is straight-line code in postfix order. Each instruction writes a row of one block of bars; its operands are
registers or columns (written −1 − column). A result never shares the row of an operand: a loop that writes where it
reads cannot be vectorised.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.genome import Genome
from genome.programs import opcodes as op
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Condition,
    Cross,
    Either,
    Gene,
    Indicator,
    Node,
    Not,
    Number,
    Series,
    Truth,
    Unary,
)
from genome.vocabulary import COLUMN_INDEX, COLUMNS
from organism.errors import BadInput

ColumnKey = tuple[object, ...]
"""("raw", name), or (indicator, arguments, source key or None, timeframe): equal keys are equal columns of one market."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The conditions of a genome, compiled.

    code     int32 (n, 5): operation, destination, left, right, memory slot of a `rises`
    value    float64 (n,): constants
    outputs  int32 (4,): condition registers of entry long, exit long, entry short, exit short; 0 where absent
    columns  what −1, −2, … stand for
    """

    code: NDArray[np.int32]
    value: NDArray[np.float64]
    outputs: NDArray[np.int32]
    columns: tuple[ColumnKey, ...]
    n_numbers: int
    n_conditions: int
    n_memory: int


class _Builder:
    """Instructions in order, each distinct subtree once."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, object, object, float]] = []
        self.known: dict[object, object] = {}
        self.columns: dict[ColumnKey, int] = {}

    # An operand is a float (a folded constant), a bool or None (a folded condition), or ("v", row), ("c", column).

    def emit(self, operation: int, left: object = None, right: object = None, value: float = 0.0) -> object:
        if operation in op.COMMUTATIVE and repr(right) < repr(left):
            left, right = right, left
        key = (operation, left, right, value)
        found = self.known.get(key)
        if found is None:
            self.rows.append((operation, left, right, value))
            found = self.known[key] = ("v", len(self.rows) - 1)
        return found

    def column(self, key: ColumnKey) -> object:
        index = self.columns.setdefault(key, len(self.columns))
        return ("c", index)

    def number(self, operand: object) -> object:
        return self.emit(op.CONST, value=operand) if isinstance(operand, float) else operand

    def series(self, node: Series) -> object:
        kind = type(node)
        if kind is Indicator or kind is Column:
            return self.column(column_key(node))  # type: ignore[arg-type]
        if kind is Number:
            return float(node.value)  # type: ignore[union-attr]
        if isinstance(node, Unary):
            operand = self.series(node.operand)
            if isinstance(operand, float):
                return -operand if node.operator == "-" else abs(operand)
            return self.emit(op.NEG if node.operator == "-" else op.ABS, operand)
        if isinstance(node, Binary):
            left, right = self.series(node.left), self.series(node.right)
            code = op.SERIES[node.operator]
            if isinstance(left, float) and isinstance(right, float):
                return _folded(code, left, right)
            return self.emit(code, self.number(left), self.number(right))
        raise _unbound(node)

    def condition(self, node: Condition) -> object:
        """A row, or True, False, None (unknown for ever)."""
        if isinstance(node, Compare):
            return self._compared(node)
        if isinstance(node, Cross):
            left, right = self.series(node.left), self.series(node.right)
            if isinstance(left, float) and isinstance(right, float):
                return False if left == left and right == right else None  # noqa: PLR0124 - NaN
            if node.operator == "crosses_below":
                left, right = right, left
            above = self.emit(op.GREATER, self.number(left), self.number(right))
            return self.emit(op.RISES, above)
        if isinstance(node, Truth):
            return node.value
        if isinstance(node, Not):
            operand = self.condition(node.operand)
            if operand is None or isinstance(operand, bool):
                return None if operand is None else not operand
            return self.emit(op.NOT, operand)
        if isinstance(node, Both | Either):
            return self._joined(node)
        raise _unbound(node)

    def _compared(self, node: Compare) -> object:
        left, right = self.series(node.left), self.series(node.right)
        if node.operator in {"<", "<="}:
            left, right = right, left
        strict = node.operator in {">", "<"}
        if isinstance(left, float) and isinstance(right, float):
            if math.isnan(left) or math.isnan(right):
                return None
            return left > right if strict else left >= right
        return self.emit(op.GREATER if strict else op.AT_LEAST, self.number(left), self.number(right))

    def _joined(self, node: Both | Either) -> object:
        left, right = self.condition(node.left), self.condition(node.right)
        deciding = isinstance(node, Either)  # `or` is decided by true, `and` by false
        for one, other in ((left, right), (right, left)):
            if isinstance(one, bool):
                return one if one is deciding else other
        if left is None and right is None:
            return None
        rows = [self.emit(op.TRUTH, value=float(op.UNKNOWN)) if x is None else x for x in (left, right)]
        if rows[0] == rows[1]:
            return rows[0]
        return self.emit(op.OR if deciding else op.AND, rows[0], rows[1])


def column_key(node: Column | Indicator) -> ColumnKey:
    """What identifies a column of one market: equal keys, equal values.

    >>> column_key(Indicator("ema", (Number(12.0),)))
    ('ema', (12.0,), ('raw', 'close'), '')
    """
    if isinstance(node, Column):
        return ("raw", node.name)
    arguments = []
    for argument in node.arguments:
        if isinstance(argument, Gene):
            raise _unbound(argument)
        arguments.append(float(argument.value))
    source = _CLOSE if node.source is None else column_key(node.source)
    return (node.name, tuple(arguments), source, node.timeframe)


_CLOSE: ColumnKey = ("raw", "close")


def _unbound(node: Node) -> BadInput:
    if isinstance(node, Gene):
        return BadInput(f"the constant {node.name!r} has no value; give it one among the genome's genes.")
    return BadInput(
        f"{type(node).__name__} was found where an expression was expected; write the genome anew."
    )


def _folded(code: int, a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return math.nan
    if code == op.DIV:
        return a / b if b != 0.0 else math.nan
    return _FOLD[code](a, b)


_FOLD: dict[int, Callable[[float, float], float]] = {
    op.ADD: lambda a, b: a + b,
    op.SUB: lambda a, b: a - b,
    op.MUL: lambda a, b: a * b,
    op.MIN: min,
    op.MAX: max,
}


def compile_genome(genome: Genome) -> Program:
    """Compile an *effective* genome (named constants substituted, `genome.checking.effective`). Raises `BadInput`."""
    builder = _Builder()
    conditions = (genome.entry_long, genome.exit_long, genome.entry_short, genome.exit_short)
    results: list[object] = []
    for tree in conditions:
        result = False if tree is None else builder.condition(tree)
        if result is True:
            result = builder.emit(op.TRUTH, value=float(op.TRUE))
        results.append(result if isinstance(result, tuple) else None)
    return _allocated(builder, results)


def _allocated(builder: _Builder, results: list[object]) -> Program:
    """Give rows registers; a register is free again after the last use of its value."""
    rows = builder.rows
    last = list(range(len(rows)))
    for at, (_, left, right, _) in enumerate(rows):
        for operand in (left, right):
            if isinstance(operand, tuple) and operand[0] == "v":
                last[operand[1]] = at
    for result in results:
        if isinstance(result, tuple):
            last[result[1]] = len(rows)
    free: tuple[list[int], list[int]] = ([], [])
    used = [0, 1]  # condition row 0 is false for ever
    place: list[int] = []
    code: list[tuple[int, ...]] = []
    slots = 0
    for at, (operation, left, right, _) in enumerate(rows):
        bank = int(operation >= op.GREATER)
        if free[bank]:
            register = free[bank].pop()
        else:
            register, used[bank] = used[bank], used[bank] + 1
        place.append(register)
        slot = 0
        if operation == op.RISES:
            slot, slots = slots, slots + 1
        code.append((operation, register, _reference(left, place), _reference(right, place), slot))
        for operand in (left, right) if left != right else (left,):
            if isinstance(operand, tuple) and operand[0] == "v" and last[operand[1]] == at:
                free[int(rows[operand[1]][0] >= op.GREATER)].append(place[operand[1]])
    outputs = np.array([place[r[1]] if isinstance(r, tuple) else 0 for r in results], np.int32)
    return Program(
        np.array(code, np.int32).reshape(len(code), 5),
        np.array([row[3] for row in rows]),
        outputs,
        tuple(builder.columns),
        used[0],
        used[1],
        slots,
    )


def _reference(operand: object, place: list[int]) -> int:
    if not isinstance(operand, tuple):
        return 0
    return -1 - int(operand[1]) if operand[0] == "c" else place[operand[1]]


def raw_index(key: ColumnKey) -> int:
    """Row of a raw column, or −1 for an indicator."""
    return COLUMN_INDEX[str(key[1])] if key[0] == "raw" and key[1] in COLUMNS else -1
