"""Indicator columns of one market, computed stretch by stretch with their state carried on.

A population reads hundreds of columns. Kept whole they would fill memory; computed for a few thousand bars at a time
they stay in the cache of the processor, and the kernels do not care where a history is cut.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genome.indicators import advance_on, code_of, ema_many, kernel, seconds_of, state_size
from genome.market import F64, I64, Market
from genome.programs.compiling import ColumnKey, raw_index
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
        self._raw = without_void(market) if raw is None else raw
        self._known = known or {}
        self.row = {key: i for i, key in enumerate(self.keys)}
        self.waves = self._planned()
        """Fills of one wave may run at once; a wave needs the ones before it."""

    def fill(self, begin: int, matrix: F64) -> None:
        """Fill all rows, C order (columns, bars), for bars begin … begin + bars − 1."""
        for wave in self.waves:
            for fill in wave:
                fill(begin, matrix)

    def _planned(self) -> list[list[Fill]]:
        waves: list[list[Fill]] = []
        row, keys = 0, self.keys
        while row < len(keys):
            key, depth = keys[row], _depth(keys[row])
            while len(waves) <= depth:
                waves.append([])
            end = row + 1
            if _is_ema(key):
                most = min(len(keys), row + _LANES)
                while end < most and _is_ema(keys[end]) and keys[end][2] == key[2]:
                    end += 1
                waves[depth].append(self._averages(row, end))
            else:
                waves[depth].append(self._single(row))
            row = end
        return waves

    def _input(self, key: ColumnKey) -> F64 | int:
        """Source of a column: a whole raw column, or the row of another."""
        source = _source(key)
        raw = raw_index(source)
        return self._raw[raw] if raw >= 0 else self.row[source]

    def _averages(self, row: int, end: int) -> Fill:
        windows = np.array([_arguments(self.keys[i])[0] for i in range(row, end)])
        size = max(state_size("ema", (window,)) for window in windows.tolist())  # which checks every window
        return _Averages(row, end, windows, np.zeros((end - row, size)), self._input(self.keys[row]))

    def _single(self, row: int) -> Fill:
        key = self.keys[row]
        raw = raw_index(key)
        if raw >= 0 or key in self._known:
            return _Copied(row, self._raw[raw] if raw >= 0 else self._known[key])
        name, arguments, timeframe = str(key[0]), _arguments(key), str(key[3])
        p, memory = np.array(arguments, np.float64), np.zeros(state_size(name, arguments, timeframe))
        if timeframe:
            return _Climbing(
                row, code_of(name), raw_index(_source(key)), p, memory, self._input(key), self._raw, self.market,
                seconds_of(timeframe, self.market.bar_s),
            )  # fmt: skip
        return _Plain(row, kernel(name), p, memory, self._input(key), self._raw, self.market.open_s)


# How a row is filled in. Records with slots: of thousands of closures, each with a cell for everything it knows, the
# collector of garbage would look through all that Python holds once a market, which takes a quarter of a second.


def _stretch(source: F64 | int, begin: int, matrix: F64) -> F64:
    return matrix[source] if isinstance(source, int) else source[begin : begin + matrix.shape[1]]


@dataclass(slots=True, eq=False)
class _Copied:
    row: int
    values: F64

    def __call__(self, begin: int, matrix: F64) -> None:
        matrix[self.row] = self.values[begin : begin + matrix.shape[1]]


@dataclass(slots=True, eq=False)
class _Averages:
    row: int
    end: int
    windows: F64
    states: F64
    source: F64 | int

    def __call__(self, begin: int, matrix: F64) -> None:
        source = _stretch(self.source, begin, matrix)
        ema_many(self.windows, self.states, source, matrix[self.row : self.end])


@dataclass(slots=True, eq=False)
class _Plain:
    row: int
    advance: Callable[[F64, F64, F64, F64, I64, int, F64], None]
    p: F64
    memory: F64
    source: F64 | int
    raw: F64
    open_s: I64

    def __call__(self, begin: int, matrix: F64) -> None:
        source = _stretch(self.source, begin, matrix)
        self.advance(self.p, self.memory, source, self.raw, self.open_s, begin, matrix[self.row])


@dataclass(slots=True, eq=False)
class _Climbing:
    """On a higher timeframe."""

    row: int
    code: int
    row_of_source: int
    p: F64
    memory: F64
    source: F64 | int
    raw: F64
    market: Market
    seconds: int

    def __call__(self, begin: int, matrix: F64) -> None:
        market, source = self.market, _stretch(self.source, begin, matrix)
        advance_on(
            self.code, self.row_of_source, self.p, self.memory, source, self.raw, market.open_s, begin, matrix[self.row],
            market.bar_s, self.seconds,
        )  # fmt: skip


_LANES = 32


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
