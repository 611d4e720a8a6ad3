"""Populations over markets on all cores, in one pass over the bars, without an array of genomes × bars."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market
from genome.programs.columns import Columns
from genome.programs.compiling import ColumnKey
from genome.programs.sharing import shared
from genome.simulator import layout as at
from genome.simulator.buffers import matrices
from genome.simulator.cache import Cache, column_key, result_key
from genome.simulator.crowd import BLOCK, BLOCK_WORDS, crowd
from genome.simulator.figures import FIGURES, figures
from genome.simulator.ground import Ground, prepare
from genome.simulator.packing import Packed, pack
from genome.simulator.stretches import MATRICES, Filling, Stretches, Task, each, parts, share
from genome.simulator.traits import checked_capital, fresh_account

CORES = os.cpu_count() or 1
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Results of genomes on markets.

    figures   name → float64 (genomes, markets)
    returns   one float64 (genomes, D) a market: daily returns
    closed    one float64 (genomes, D) a market: trades closed until the end of each day
    days      one int64 (D,) a market: days since the epoch
    """

    figures: dict[str, F64]
    returns: list[F64]
    closed: list[F64]
    days: list[NDArray[np.int64]]

    @property
    def daily(self) -> list[list[F64]]:
        """Daily returns, [genome][market]."""
        return [[returns[g] for returns in self.returns] for g in range(len(self.returns[0]))]


def evaluate(
    genomes: Sequence[Genome] | Packed,
    markets: Sequence[Market],
    costs: Costs = Costs(),  # noqa: B008 - frozen
    capital: float = 10_000.0,
    *,
    threads: int | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Simulate every genome on every market by itself. Genomes need not be effective. Raises `BadInput`.

    genomes    or what was packed before: a flock goes in as `genome.breeding.packing.packed(flock)`
    threads    all cores when None
    cache      results and columns seen before are taken from it, and new ones kept; of packed genomes columns alone
    progress   called with (markets done, markets) after each
    """
    checked_capital(capital)
    count = threads or CORES
    table = np.empty((len(FIGURES), len(genomes), len(markets)))
    returns, closed, days = [], [], []
    for m, market in enumerate(markets):
        ground = prepare(market, costs)
        rows, daily = _on_market(genomes, ground, costs, capital, count, cache)
        table[:, :, m] = rows.T
        returns.append(np.ascontiguousarray(daily[:, 0]))
        closed.append(np.maximum.accumulate(daily[:, 1], axis=1))
        days.append(ground.day_numbers)
        if progress is not None:
            progress(m + 1, len(markets))
    return Evaluation(dict(zip(FIGURES, table, strict=True)), returns, closed, days)


def outcomes(
    crowd_: Packed, market: Market, costs: Costs, capital: float, threads: int | None, cache: Cache | None = None
) -> tuple[F64, F64]:  # fmt: skip
    """What `evaluate` is made of, for whoever sums it up otherwise; nothing is checked.

    Figures (genomes, len(FIGURES)), and float64 (genomes, 2, D): daily returns, and the trades closed until a day's end, 0
    for a day that was passed over.
    """
    return _simulated(crowd_, prepare(market, costs), capital, threads or CORES, cache)


def _on_market(
    genomes: Sequence[Genome] | Packed, ground: Ground, costs: Costs, capital: float, threads: int, cache: Cache | None
) -> tuple[F64, F64]:  # fmt: skip
    if cache is None or isinstance(genomes, Packed):
        return _simulated(genomes, ground, capital, threads, cache)
    keys = [result_key(genome, ground.market, costs, capital) for genome in genomes]
    found = {key: cache.get(key) for key in dict.fromkeys(keys)}
    missing = {key: genome for key, genome in zip(keys, genomes, strict=True) if found[key] is None}
    if missing:
        rows, daily = _simulated(list(missing.values()), ground, capital, threads, cache)
        for i, key in enumerate(missing):
            result = found[key] = (rows[i].copy(), daily[i].copy())
            cache.put(key, result)
    kept = [found[key] for key in keys]
    return np.array([k[0] for k in kept if k]), np.array([k[1] for k in kept if k])


def _simulated(
    genomes: Sequence[Genome] | Packed, ground: Ground, capital: float, threads: int, cache: Cache | None = None
) -> tuple[F64, F64]:  # fmt: skip
    """Figures (genomes, figures) and what `walk` books of days (genomes, 2, D)."""
    if len(genomes) == 0:
        return np.empty((0, len(FIGURES))), np.empty((0, 2, ground.n_days))
    packed = genomes if isinstance(genomes, Packed) else pack(genomes)
    accounts = np.empty((len(genomes), at.N_ACCOUNT))
    accounts[:] = fresh_account(capital)
    daily = np.zeros((len(genomes), 2, ground.n_days))
    Pass(packed, ground, accounts, daily, threads, cache).run()
    table = np.empty((len(genomes), len(FIGURES)))

    def sum_up(i: int) -> None:
        table[rows[i]] = figures(accounts[rows[i]], daily[rows[i]], ground)

    rows = parts(len(genomes), threads)
    each(sum_up, len(rows), threads)
    return table, daily


def _stretch_bars(size: int, rows: int) -> int:
    """So many that the columns stay in the last cache, and not so few that starting on them counts: whole blocks, or all bars.

    In any case whole words of bits.
    """
    bars = min(size, max(1, min(_MOST_BLOCKS, _MATRIX_FLOATS // rows // BLOCK)) * BLOCK)
    return -(-bars // 64) * 64


class Pass:
    """One pass of packed genomes over one market."""

    def __init__(
        self,
        packed: Packed,
        ground: Ground,
        accounts: F64,
        daily: F64,
        threads: int,
        cache: Cache | None = None,
    ) -> None:
        self.packed, self.ground, self.accounts, self.daily = packed, ground, accounts, daily
        n, size = len(accounts), ground.market.size
        self.threads = threads if n * size >= _FEWEST_BAR_GENOMES else 1
        self.cache = cache
        self.columns, self.fresh = self._columns()
        chunks = min(n, 2 * self.threads if self.threads > 1 else 1)  # each reads the columns anew
        self.edges = [n * i // chunks for i in range(chunks + 1)]
        self.shared = shared(packed.programs, packed.code, packed.order, np.array(self.edges[:-1]))
        rows = max(1, len(packed.keys))
        self.stretch = _stretch_bars(size, rows)
        n_stretches = -(-size // self.stretch)
        self.matrices: list[F64] = []
        self.stride = self.stretch + _APART
        self._sized = min(MATRICES, n_stretches), rows, self.stride
        self.memory = np.ones(packed.programs.n_memory + 1, np.uint8)
        self.carried = np.zeros(n, np.uint8)
        self.scratch: list[tuple[F64, NDArray[np.uint64], NDArray[np.uint64]]] = [
            (
                np.zeros((max(1, packed.programs.n_numbers), BLOCK)),
                np.zeros((self.shared.n_conditions, 2, BLOCK_WORDS), np.uint64),
                np.zeros((4, BLOCK_WORDS), np.uint64),
            )
            for _ in range(self.threads)
        ]
        self.plan = Stretches(n_stretches, [len(wave) for wave in self.columns.waves], chunks)

    def _columns(self) -> tuple[Columns, dict[ColumnKey, F64]]:
        """The columns, and whole arrays to be filled of those worth keeping."""
        market, keys = self.ground.market, self.packed.keys
        if self.cache is None:
            return Columns(market, keys, raw=self.ground.raw), {}
        known: dict[ColumnKey, F64] = {}
        fresh: dict[ColumnKey, F64] = {}
        for key in keys:
            if not self.cache.keeps(key):
                continue
            content = column_key(market, key)
            kept = self.cache.get(content)
            if kept is not None:
                known[key] = kept[0]
            elif (
                self.cache.wants(content) and (len(fresh) + 1) * market.size * 8 <= self.cache.most_bytes // 2
            ):
                fresh[key] = np.empty(market.size)
        return Columns(market, keys, known, self.ground.raw), fresh

    def run(self) -> None:
        """All stretches, on all threads."""
        with matrices(*self._sized) as self.matrices:
            share(self.plan, self._work, self.threads)
        self.matrices = []
        if self.cache is not None:
            for key, column in self.fresh.items():
                self.cache.put(column_key(self.ground.market, key), (column,))

    def _work(self, task: Task, thread: int) -> None:
        begin = task.stretch * self.stretch
        matrix = self.matrices[task.stretch % MATRICES][
            :, : min(self.stretch, self.ground.market.size - begin)
        ]
        if isinstance(task, Filling):
            self.columns.waves[task.wave][task.place](begin, matrix)
            return
        if task.chunk == 0:
            for key, column in self.fresh.items():
                column[begin : begin + matrix.shape[1]] = matrix[self.columns.row[key]]
        self._walk(task.chunk, thread, begin, matrix)

    def _walk(self, chunk: int, thread: int, begin: int, matrix: F64) -> None:
        packed, programs, ground = self.packed, self.shared, self.ground
        numbers, conditions, decisions = self.scratch[thread]
        crowd(
            programs.code, programs.value, programs.offsets, programs.outputs, packed.programs.memory_at, packed.needs, packed.order,
            self.edges[chunk], self.edges[chunk + 1], np.uint64(matrix.ctypes.data), self.stride,
            begin, matrix.shape[1], np.uint64(ground.may.ctypes.data), self.memory, self.carried,
            np.uint64(self.accounts.ctypes.data), np.uint64(packed.traits.ctypes.data), ground.matrix, ground.flags,
            ground.summary, ground.following, ground.days, ground.costs, np.uint64(self.daily.ctypes.data), np.uint64(numbers.ctypes.data),
            np.uint64(conditions.ctypes.data), np.uint64(decisions.ctypes.data), _NONE, _NOTHING,
        )  # fmt: skip


_FEWEST_BAR_GENOMES = 500_000
"""Less work than this, half a millisecond, is not worth a second thread."""
_MOST_BLOCKS, _MATRIX_FLOATS = 24, 2_000_000
_APART = 8
"""Floats between two rows of columns. Rows a power of two apart share a few sets of the caches, and push each other out."""
_NONE = np.empty((0, at.N_TRADE))
_NOTHING = np.empty(0)
