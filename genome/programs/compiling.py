"""Trees → flat programs: constants fold, equal subtrees meet, registers are used again.

A program is straight-line code in postfix order. Each instruction writes a row of one block of bars; its operands are
registers or columns (written −1 − column). A result never shares the row of an operand: a loop that writes where it
reads cannot be vectorised.

Breeding compiles a thousand new genomes a generation in a tenth of a second of simulation: what is compiled here passes
through plain tuples of numbers, those of a whole crowd into one list, and becomes arrays once.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.genome import Genome
from genome.jit import kernel
from genome.programs import opcodes as op
from genome.programs.registers import ABSENT, allocate
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
class Programs:
    """The conditions of genomes, compiled and laid end to end.

    code       int32 (n, 5): operation, destination, left, right, memory slot of a `rises` within its program
    value      float64 (n,): constants
    offsets    int64 (programs + 1,): where each begins
    outputs    int32 (programs, 4): condition registers of entry long, exit long, entry short, exit short; 0 where absent
    memory_at  int64 (programs + 1,): where the memory of each begins
    columns    what −1, −2, … stand for, in all of them
    """

    code: NDArray[np.int32]
    value: NDArray[np.float64]
    offsets: NDArray[np.int64]
    outputs: NDArray[np.int32]
    memory_at: NDArray[np.int64]
    n_numbers: int
    n_conditions: int
    columns: tuple[ColumnKey, ...]

    @property
    def n_memory(self) -> int:
        """Bytes that `rises` remember, of all programs."""
        return int(self.memory_at[-1])

    def placed(self, row: dict[ColumnKey, int]) -> NDArray[np.int32]:
        """The code with columns numbered as in a matrix."""
        code = self.code.copy()
        renumber(code, np.array([row[key] for key in self.columns], np.int64))
        return code


@kernel
def renumber(code: NDArray[np.int32], rows: NDArray[np.int64]) -> None:
    """In place: operand −1 − i becomes −1 − rows[i]."""
    for i in range(code.shape[0]):
        for side in (2, 3):
            if code[i, side] < 0:
                code[i, side] = -1 - rows[-1 - code[i, side]]


Truths = int | bool | None
"""An int is a row; True and False are constant, None is unknown for ever."""


class _Builder:
    """Instructions of one genome, each distinct subtree once: `known` has them in order."""

    __slots__ = ("columns", "known")

    def __init__(self, columns: dict[ColumnKey, int]) -> None:
        self.known: dict[tuple[int, int, int, float], int] = {}
        self.columns = columns

    def emit(self, operation: int, left: int = ABSENT, right: int = ABSENT, value: float = 0.0) -> int:
        if right < left and operation in op.COMMUTATIVE:
            left, right = right, left
        known = self.known
        return known.setdefault((operation, left, right, value), len(known))

    def in_row(self, operand: float) -> int:
        """The same operand; a constant gets a row."""
        return operand if type(operand) is int else self.emit(op.CONST, value=operand)

    def series(self, node: Series) -> int | float:
        """An int ≥ 0 is a row, below a column; a float is a constant that is not yet in a row."""
        kind = type(node)
        if kind is Indicator or kind is Column:
            key = column_key(node)  # type: ignore[arg-type]
            columns = self.columns
            return -1 - columns.setdefault(key, len(columns))
        if kind is Number:
            return float(node.value)  # type: ignore[union-attr]
        if kind is Binary:
            left, right = self.series(node.left), self.series(node.right)  # type: ignore[union-attr]
            code = op.SERIES[node.operator]  # type: ignore[union-attr]
            if type(left) is float and type(right) is float:
                return _folded(code, left, right)
            return self.emit(code, self.in_row(left), self.in_row(right))
        if kind is Unary:
            operand = self.series(node.operand)  # type: ignore[union-attr]
            negative = node.operator == "-"  # type: ignore[union-attr]
            if type(operand) is float:
                return -operand if negative else abs(operand)
            return self.emit(op.NEG if negative else op.ABS, operand)  # type: ignore[arg-type]
        raise _unbound(node)

    def condition(self, node: Condition) -> Truths:
        kind = type(node)
        if kind is Compare:
            return self._compared(node)  # type: ignore[arg-type]
        if kind is Cross:
            return self._crossing(node)  # type: ignore[arg-type]
        if kind is Both or kind is Either:
            return self._joined(node)  # type: ignore[arg-type]
        if kind is Not:
            operand = self.condition(node.operand)  # type: ignore[union-attr]
            if operand is None or operand is True or operand is False:
                return None if operand is None else not operand
            return self.emit(op.NOT, operand)
        if kind is Truth:
            return bool(node.value)  # type: ignore[union-attr]
        raise _unbound(node)

    def _crossing(self, node: Cross) -> Truths:
        left, right = self.series(node.left), self.series(node.right)
        if type(left) is float and type(right) is float:
            return False if left == left and right == right else None  # noqa: PLR0124 - NaN
        if node.operator == "crosses_below":
            left, right = right, left
        return self.emit(op.RISES, self.emit(op.GREATER, self.in_row(left), self.in_row(right)))

    def _compared(self, node: Compare) -> Truths:
        left, right = self.series(node.left), self.series(node.right)
        operator = node.operator
        if operator[0] == "<":
            left, right = right, left
        strict = len(operator) == 1
        if type(left) is float and type(right) is float:
            if math.isnan(left) or math.isnan(right):
                return None
            return left > right if strict else left >= right
        return self.emit(op.GREATER if strict else op.AT_LEAST, self.in_row(left), self.in_row(right))

    def _joined(self, node: Both | Either) -> Truths:
        left, right = self.condition(node.left), self.condition(node.right)
        deciding = type(node) is Either  # `or` is decided by true, `and` by false
        for one, other in ((left, right), (right, left)):
            if one is True or one is False:
                return one if one is deciding else other
        if left is None and right is None:
            return None
        a = self.emit(op.TRUTH, value=_UNKNOWN) if left is None else left
        b = self.emit(op.TRUTH, value=_UNKNOWN) if right is None else right
        return a if a == b else self.emit(op.OR if deciding else op.AND, a, b)


_UNKNOWN = float(op.UNKNOWN)
_TRUE = float(op.TRUE)
_MOST_KEYS = 1 << 16
_keys: dict[Column | Indicator, ColumnKey] = {}


def column_key(node: Column | Indicator) -> ColumnKey:
    """What identifies a column of one market: equal keys, equal values.

    >>> column_key(Indicator("ema", (Number(12.0),)))
    ('ema', (12.0,), ('raw', 'close'), '')
    """
    key = _keys.get(node)  # crowds name the same few hundred columns thousands of times
    if key is None:
        if len(_keys) >= _MOST_KEYS:
            _keys.clear()
        key = _keys[node] = _key_of(node)
    return key


def _key_of(node: Column | Indicator) -> ColumnKey:
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


def compile_genome(genome: Genome) -> Programs:
    """Compile one *effective* genome (named constants substituted, `genome.checking.effective`). Raises `BadInput`."""
    return compile_genomes((genome,))


def compile_genomes(genomes: Iterable[Genome]) -> Programs:
    """Compile *effective* genomes into one table of columns. Raises `BadInput`."""
    columns: dict[ColumnKey, int] = {}
    rows: list[tuple[int, int, int, float]] = []
    results: list[int] = []
    offsets = [0]
    for genome in genomes:
        builder = _Builder(columns)
        for tree in (genome.entry_long, genome.exit_long, genome.entry_short, genome.exit_short):
            result = False if tree is None else builder.condition(tree)
            if result is True:
                result = builder.emit(op.TRUTH, value=_TRUE)
            results.append(ABSENT if result is False or result is None else result)
        rows.extend(builder.known)
        offsets.append(len(rows))
    table = np.array(rows, np.float64).reshape(-1, 4)
    wanted = table[:, :3].astype(np.int32)
    begins = np.array(offsets, np.int64)
    code, outputs = np.empty((len(rows), 5), np.int32), np.array(results, np.int32).reshape(-1, 4)
    memory_at, most = np.zeros(len(begins), np.int64), np.zeros(2, np.int64)
    allocate(wanted, begins, code, outputs, memory_at, most)
    return Programs(
        code, np.ascontiguousarray(table[:, 3]), begins, outputs, memory_at, int(most[0]), int(most[1]), tuple(columns)
    )  # fmt: skip


def raw_index(key: ColumnKey) -> int:
    """Row of a raw column, or −1 for an indicator."""
    return COLUMN_INDEX[str(key[1])] if key[0] == "raw" and key[1] in COLUMNS else -1
