"""The features as a program: columns to advance, and instructions that make features of them.

The instructions are those of `genome.programs.machine`, so a history and a single bar go through the same code. Every
instruction has a row of its own: there are few, and nothing has to be freed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genome.genome import Genome
from genome.learned.kernels import assemble
from genome.learned.matrix import FEATURES, OPTIONAL, written
from genome.market import F64, I64, Market
from genome.programs import opcodes as op
from genome.programs.columns import Columns, in_order
from genome.programs.compiling import ColumnKey, column_key, compile_genome
from genome.programs.machine import I32
from genome.programs.streaming import Plan, plan
from genome.trees import Binary, Column, Gene, Indicator, Number, Series, Unary
from organism.errors import BadInput

HOUR: ColumnKey = ("raw", "hour")
WEEKDAY: ColumnKey = ("raw", "weekday")
_STRETCH = 1_024
_HOURS, _DAYS = 24, 7


def _circles() -> F64:
    out = np.full((4, _HOURS), np.nan)
    for row, n in ((0, _HOURS), (2, _DAYS)):
        for i in range(n):
            out[row, i], out[row + 1, i] = math.sin(2.0 * math.pi * i / n), math.cos(2.0 * math.pi * i / n)
    return out


CIRCLES = _circles()
"""Sine and cosine of hours, of weekdays. Looked up: a vector sine and a scalar one may differ in the last bit."""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What makes the features of a block of bars.

    columns   what has to be advanced, sources first
    code      int32 (instructions, 5), value float64 (instructions,): as of `machine.interpret`
    outputs   int32 (expressions + 2,): rows, or columns written −1 − column, of each feature that is an expression; then
              the hour and the weekday
    optional  int64 (expressions,): 1 where a feature is 0 when the market has none
    """

    columns: tuple[ColumnKey, ...]
    code: I32
    value: F64
    outputs: I32
    optional: I64

    @property
    def n_numbers(self) -> int:
        """Rows of scratch."""
        return int(self.code.shape[0])


@lru_cache(maxsize=8)
def program(extra: tuple[ColumnKey, ...] = ()) -> Written:
    """The features; `extra` columns are advanced with theirs."""
    expressions = written()
    keys = in_order((*_read(expressions.values()), HOUR, WEEKDAY, *extra))
    row = {key: i for i, key in enumerate(keys)}
    rows: dict[tuple[int, int, int, float], int] = {}
    outputs = [_compiled(series, row, rows) for series in expressions.values()]
    return Written(
        keys,
        np.array([(o, at, a, b, 0) for at, (o, a, b, _) in enumerate(rows)], np.int32).reshape(-1, 5),
        np.array([value for *_, value in rows]),
        np.array([*outputs, -1 - row[HOUR], -1 - row[WEEKDAY]], np.int32),
        np.array([name in OPTIONAL for name in expressions], np.int64),
    )


def features(market: Market) -> F64:
    """The feature matrix, float64 (T, len(FEATURES)), C order. Causal: row t is known at the close of t."""
    made = program()
    out = np.empty((market.size, len(FEATURES)))
    columns = Columns(market, made.columns)
    for begin in range(0, market.size, _STRETCH):
        block = out[begin : begin + _STRETCH]
        matrix = np.empty((len(made.columns), block.shape[0]))
        columns.fill(begin, matrix)
        assemble(
            made.code, made.value, made.outputs, made.optional, CIRCLES, np.uint64(matrix.ctypes.data), matrix.shape[1], block
        )  # fmt: skip
    return out


@lru_cache(maxsize=64)
def laid_out(bar_s: int, extra: tuple[ColumnKey, ...] = ()) -> Plan:
    """How the columns of `program(extra)` are advanced by a bar of `bar_s` seconds."""
    return plan(compile_genome(Genome(family="features")), bar_s, program(extra).columns)


def _read(expressions: Iterable[Series]) -> list[ColumnKey]:
    found: list[ColumnKey] = []

    def visit(node: Series) -> None:
        match node:
            case Column() | Indicator():
                found.append(column_key(node))
            case Unary(operand=operand):
                visit(operand)
            case Binary(left=left, right=right):
                visit(left)
                visit(right)
            case _:
                pass

    for series in expressions:
        visit(series)
    return found


def _compiled(node: Series, row: dict[ColumnKey, int], rows: dict[tuple[int, int, int, float], int]) -> int:
    """The row that holds a series, or −1 − column."""

    def emit(operation: int, left: int = 0, right: int = 0, value: float = 0.0) -> int:
        return rows.setdefault((operation, left, right, value), len(rows))

    match node:
        case Number(value):
            return emit(op.CONST, value=value)
        case Column() | Indicator():
            return -1 - row[column_key(node)]
        case Unary(operator, operand):
            return emit(op.NEG if operator == "-" else op.ABS, _compiled(operand, row, rows))
        case Binary(operator, left, right):
            return emit(op.SERIES[operator], _compiled(left, row, rows), _compiled(right, row, rows))
        case Gene(name):
            raise BadInput(
                f"a feature was written with the gene {name!r}; features are made of numbers alone."
            )
