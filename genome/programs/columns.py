"""Indicator columns of one market, computed stretch by stretch with their state carried on.

A population reads hundreds of columns. Kept whole they would fill memory; computed for a few thousand bars at a time
they stay in the cache of the processor, and the kernels do not care where a history is cut.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genome.indicators import SAMPLED, code_of, seconds_of, state_size
from genome.indicators.lanes import LANES
from genome.market import F64, I64, Market
from genome.programs.compiling import ColumnKey, raw_index
from genome.programs.filling import ABREAST, AVERAGES, CLIMBING, COPIED, N_LANE, N_STEP, PLAIN, fill
from organism.errors import BadInput

Fill = Callable[[int, F64], None]
"""(first bar, matrix of columns × bars): fill in some rows."""


def in_order(keys: Iterable[ColumnKey]) -> tuple[ColumnKey, ...]:
    """All columns needed, sources before what is computed of them, exponential averages of one source side by side."""
    found: dict[ColumnKey, None] = {}

    def visit(key: ColumnKey) -> None:
        if key[0] != "raw" and key[2] is not None and raw_index(_source(key)) < 0:
            visit(_source(key))
        found.setdefault(key)

    for key in keys:
        visit(key)
    return tuple(sorted(found, key=_place))


@lru_cache(1 << 14)
def _place(key: ColumnKey) -> tuple[int, bool, str, str]:
    return _depth(key), _is_ema(key), repr(key[2:]), repr(key)


def _source(key: ColumnKey) -> ColumnKey:
    source = key[2]
    if not isinstance(source, tuple):
        raise BadInput(f"{key[0]} has no source; write the genome anew.")
    return source


@lru_cache(1 << 14)
def _depth(key: ColumnKey) -> int:
    return 0 if key[0] == "raw" or raw_index(_source(key)) >= 0 else 1 + _depth(_source(key))


def _is_ema(key: ColumnKey) -> bool:
    return key[0] == "ema" and key[3] == ""


class Columns:
    """The columns of a market, to be filled in from its first bar to its last, each stretch once.

    keys    in the order of the rows
    known   whole columns computed before: they are copied
    raw     `without_void(market)`, where somebody keeps it
    """

    def __init__(
        self,
        market: Market,
        keys: Sequence[ColumnKey],
        known: Mapping[ColumnKey, F64] | None = None,
        raw: F64 | None = None,
    ) -> None:
        self.market = market
        self.keys = tuple(keys)
        self._raw = np.ascontiguousarray(without_void(market) if raw is None else raw)
        self._begins = self._raw.ctypes.data
        self._known = {key: np.ascontiguousarray(values) for key, values in (known or {}).items()}
        self._given: list[float] = []
        self._lane: list[list[int]] = []
        self._n_memory = 0
        self.row = {key: i for i, key in enumerate(self.keys)}
        self.waves = self._planned()
        """Fills of one wave may run at once; a wave needs the ones before it."""

    def fill(self, begin: int, matrix: F64) -> None:
        """Fill all rows for bars begin … begin + bars − 1; the rows of the matrix (columns, bars) are C-contiguous."""
        for wave in self.waves:
            for some in wave:
                some(begin, matrix)

    def _planned(self) -> list[list[Fill]]:
        waves: list[list[list[int]]] = []
        alone: list[list[int]] = []  # rows of averages that fill no eight of one source, by wave
        row, keys = 0, self.keys
        while row < len(keys):
            key, depth = keys[row], _depth(keys[row])
            while len(waves) <= depth:
                waves.append([])
                alone.append([])
            end = row + 1
            if _is_ema(key):
                while end < len(keys) and _is_ema(keys[end]) and keys[end][2] == key[2]:
                    end += 1
                whole = row + (end - row) // LANES * LANES
                for first in range(row, whole, _ABREAST):
                    waves[depth].append(self._averages(first, min(whole, first + _ABREAST)))
                alone[depth].extend(range(whole, end))
            else:
                waves[depth].append(self._single(row))
            row = end
        for steps, rows in zip(waves, alone, strict=True):
            steps.extend(self._mixed(rows[i : i + LANES]) for i in range(0, len(rows), LANES))
        self._parameters, self._memory = np.array(self._given, np.float64), np.zeros(self._n_memory)
        self._lanes = np.array(self._lane, np.int64).reshape(-1, N_LANE)
        return [self._shared_out(np.array(steps, np.int64).reshape(-1, N_STEP)) for steps in waves]

    def _shared_out(self, steps: I64) -> list[Fill]:
        """Fills of a dozen columns; each takes some from everywhere, because slow ones are neighbours."""
        every, market = -(-len(steps) // _STEPS), self.market
        shared = (self._lanes, self._parameters, self._memory, self._raw, market.open_s, market.bar_s)
        return [_Steps(steps, first, every, *shared) for first in range(every)]

    def _input(self, key: ColumnKey) -> tuple[int, int, int]:
        """Source of a column: its row and no address, or none and that of a raw column; and which raw one it is, or none."""
        source = _source(key)
        raw = raw_index(source)
        return (-1, self._address(raw), raw) if raw >= 0 else (self.row[source], 0, SAMPLED)

    def _address(self, raw: int) -> int:
        return self._begins + raw * self._raw.strides[0]

    def _remembering(self, arguments: Sequence[float], slots: int) -> tuple[int, int, int, int]:
        """Where so many parameters and slots of memory lie."""
        made = len(self._given), len(arguments), self._n_memory, slots
        self._given.extend(arguments)
        self._n_memory += slots
        return made

    def _averages(self, row: int, end: int) -> list[int]:
        windows = [_arguments(self.keys[i])[0] for i in range(row, end)]
        slots = sum(state_size("ema", (window,)) for window in windows)  # which checks every window
        source, values, _ = self._input(self.keys[row])
        return [AVERAGES, row, end, 0, source, values, *self._remembering(windows, slots), 0, SAMPLED]

    def _mixed(self, rows: list[int]) -> list[int]:
        """Averages of different sources, at most eight; where they are fewer, the last is done more than once."""
        rows = rows + rows[-1:] * (LANES - len(rows))
        windows = [_arguments(self.keys[row])[0] for row in rows]
        slots = sum(state_size("ema", (window,)) for window in windows)  # which checks every window
        first = len(self._lane)
        for row in rows:
            source, values, _ = self._input(self.keys[row])
            self._lane.append([row, source, values])
        return [ABREAST, first, first + LANES, 0, -1, 0, *self._remembering(windows, slots), 0, SAMPLED]

    def _single(self, row: int) -> list[int]:
        key = self.keys[row]
        raw = raw_index(key)
        if raw >= 0 or key in self._known:
            values = self._address(raw) if raw >= 0 else self._known[key].ctypes.data
            return [COPIED, row, row + 1, 0, -1, values, 0, 0, 0, 0, 0, SAMPLED]
        name, arguments, timeframe = str(key[0]), _arguments(key), str(key[3])
        source, values, gathered = self._input(key)
        lies = self._remembering(arguments, state_size(name, arguments, timeframe))
        seconds = seconds_of(timeframe, self.market.bar_s)
        kind = CLIMBING if timeframe else PLAIN
        return [kind, row, row + 1, code_of(name), source, values, *lies, seconds, gathered]


@dataclass(slots=True, eq=False)
class _Steps:
    """Steps first, first + every, … of a wave. Whole columns that are copied are kept alive by `Columns`."""

    steps: I64
    first: int
    every: int
    lanes: I64
    parameters: F64
    memory: F64
    raw: F64
    open_s: I64
    bar_s: int

    def __call__(self, begin: int, matrix: F64) -> None:
        fill(
            self.steps, self.lanes, self.first, self.every, np.uint64(self.parameters.ctypes.data), np.uint64(self.memory.ctypes.data),
            self.raw, self.open_s, self.bar_s, begin, np.uint64(matrix.ctypes.data), matrix.strides[0] // matrix.itemsize,
            matrix.shape[1],
        )  # fmt: skip


_ABREAST = 4 * LANES
"""Averages of one source that one step computes."""
_STEPS = 16
"""So many at once: few enough that threads end together, and many enough that calling from Python does not count."""


def without_void(market: Market) -> F64:
    """The raw columns; on a void bar every one of them is NaN (SEMANTICS.md, 1)."""
    void = np.isnan(market.columns[:4]).any(axis=0)
    if not void.any():
        return market.columns
    columns = market.columns.copy()
    columns[:, void] = np.nan
    return columns


def _arguments(key: ColumnKey) -> tuple[float, ...]:
    arguments = key[1]
    if not isinstance(arguments, tuple):
        raise BadInput(f"{key[0]} has no arguments; write the genome anew.")
    return arguments


def whole(market: Market, keys: Sequence[ColumnKey], known: Mapping[ColumnKey, F64] | None = None) -> F64:
    """Columns over the whole market, float64 (columns, T). For one genome; a population streams them."""
    matrix = np.empty((len(keys), market.size))
    Columns(market, keys, known).fill(0, matrix)
    return matrix
