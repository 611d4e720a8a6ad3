"""Populations over markets on all cores, in one pass over the bars, without an array of genomes × bars."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genome.checking import effective
from genome.costs import Costs
from genome.genome import Genome
from genome.market import F64, Market
from genome.programs.columns import Columns, in_order
from genome.programs.compiling import ColumnKey, Program, compile_genome
from genome.simulator import layout as at
from genome.simulator.cache import Cache, column_key, result_key
from genome.simulator.crowd import BLOCK, crowd
from genome.simulator.figures import FIGURES, figures
from genome.simulator.ground import Ground, prepare
from genome.simulator.traits import Traits, checked_capital, fresh_account, traits

STRETCH_BARS = 8_000
"""Bars whose columns are computed at a time. Not a power of two: rows would fall on the same sets of the cache."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Results of genomes on markets.

    figures   name → float64 (genomes, markets)
    returns   one float64 (genomes, D) a market: daily returns
    days      one int64 (D,) a market: days since the epoch
    """

    figures: dict[str, F64]
    returns: list[F64]
    days: list[NDArray[np.int64]]

    @property
    def daily(self) -> list[list[F64]]:
        """Daily returns, [genome][market]."""
        return [[returns[g] for returns in self.returns] for g in range(len(self.returns[0]))]


@dataclass(frozen=True, slots=True, eq=False)
class _Crowd:
    """Compiled genomes, packed: neighbours share columns, which then are still in the first caches.

    order   int64 (genomes,): which genome each place holds
    """

    code: NDArray[np.int32]
    value: F64
    offsets: NDArray[np.int64]
    outputs: NDArray[np.int32]
    memory_at: NDArray[np.int64]
    needs: NDArray[np.int64]
    traits: F64
    keys: tuple[ColumnKey, ...]
    n_numbers: int
    n_conditions: int
    order: NDArray[np.int64]


def evaluate(
    genomes: Sequence[Genome],
    markets: Sequence[Market],
    costs: Costs = Costs(),  # noqa: B008 - frozen
    capital: float = 10_000.0,
    *,
    threads: int | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Simulate every genome on every market by itself. Genomes need not be effective. Raises `BadInput`.

    threads    all cores when None
    cache      results and columns seen before are taken from it, and new ones kept
    progress   called with (markets done, markets) after each
    """
    checked_capital(capital)
    count = threads or os.cpu_count() or 1
    table = np.empty((len(FIGURES), len(genomes), len(markets)))
    returns, days = [], []
    for m, market in enumerate(markets):
        ground = prepare(market, costs)
        rows, daily = _on_market(genomes, ground, costs, capital, count, cache)
        table[:, :, m] = rows.T
        returns.append(daily)
        days.append(ground.day_numbers)
        if progress is not None:
            progress(m + 1, len(markets))
    return Evaluation(dict(zip(FIGURES, table, strict=True)), returns, days)


def _on_market(
    genomes: Sequence[Genome], ground: Ground, costs: Costs, capital: float, threads: int, cache: Cache | None
) -> tuple[F64, F64]:
    if cache is None:
        return _simulated(genomes, ground, capital, threads)
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


def pack(genomes: Sequence[Genome]) -> _Crowd:
    """Compile genomes and lay their programs end to end over one table of columns."""
    ready = [effective(genome) for genome in genomes]
    compiled = [compile_genome(genome) for genome in ready]
    order = sorted(range(len(ready)), key=lambda g: repr(compiled[g].columns))
    programs = [compiled[g] for g in order]
    genes = [traits(ready[g]) for g in order]
    keys = in_order(_wanted(programs, genes))
    row: dict[object, int] = {key: i for i, key in enumerate(keys)}
    lengths = np.array([len(p.value) for p in programs])
    return _Crowd(
        _placed_together(programs, lengths, row),
        np.concatenate([p.value for p in programs]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array([p.outputs for p in programs]),
        np.concatenate([[0], np.cumsum([p.n_memory for p in programs])]).astype(np.int64),
        np.array([[row[k] if k else -1 for k in (g.atr, g.sigma)] for g in genes], np.int64),
        np.array([g.vector for g in genes]),
        keys,
        max(p.n_numbers for p in programs),
        max(p.n_conditions for p in programs),
        np.array(order),
    )


def _placed_together(
    programs: Sequence[Program], lengths: NDArray[np.int64], row: dict[object, int]
) -> NDArray[np.int32]:
    """All code, end to end, with columns numbered as in the shared matrix; what `placed` does for one program."""
    code = np.concatenate([p.code for p in programs])
    counts = [len(p.columns) for p in programs]
    number = np.array([row[key] for p in programs for key in p.columns], np.int32)
    first = np.repeat(np.cumsum([0, *counts[:-1]]), lengths)
    for side in (2, 3):
        refers = code[:, side] < 0
        code[refers, side] = -1 - number[first[refers] - 1 - code[refers, side]]
    return code


def _wanted(programs: Sequence[Program], genes: Sequence[Traits]) -> dict[ColumnKey, None]:
    wanted: dict[ColumnKey, None] = {}
    for program in programs:
        wanted.update(dict.fromkeys(program.columns))
    for gene in genes:
        wanted.update(dict.fromkeys(key for key in (gene.atr, gene.sigma) if key))
    return wanted


def _simulated(
    genomes: Sequence[Genome], ground: Ground, capital: float, threads: int, cache: Cache | None = None
) -> tuple[F64, F64]:
    """Figures (genomes, figures) and daily returns (genomes, D)."""
    if not genomes:
        return np.empty((0, len(FIGURES))), np.empty((0, ground.n_days))
    packed = pack(genomes)
    accounts = np.tile(fresh_account(capital), (len(genomes), 1))
    daily = np.zeros((len(genomes), ground.n_days))
    _Pass(packed, ground, accounts, daily, threads, cache).run()
    rows = np.empty((len(genomes), len(FIGURES)))
    returns = np.empty_like(daily)
    rows[packed.order], returns[packed.order] = figures(accounts, daily, ground), daily
    return rows, returns


class _Pass:
    """One pass of packed genomes over one market."""

    def __init__(
        self,
        packed: _Crowd,
        ground: Ground,
        accounts: F64,
        daily: F64,
        threads: int,
        cache: Cache | None = None,
    ) -> None:
        self.packed, self.ground, self.accounts, self.daily = packed, ground, accounts, daily
        n = len(accounts)
        self.memory = np.ones(int(packed.memory_at[-1]) + 1, np.uint8)
        self.carried = np.zeros(n, np.uint8)
        self.cache = cache
        self.columns, self.fresh = self._columns()
        self.threads = min(threads, max(1, n // _FEWEST))
        edges = np.linspace(0, n, self.threads + 1).astype(int)
        self.shares = list(pairwise(edges))
        self.scratch = [
            (
                np.zeros((max(1, packed.n_numbers), BLOCK)),
                np.zeros((packed.n_conditions, BLOCK), np.uint8),
                np.zeros(BLOCK + 64, np.uint8),
            )
            for _ in self.shares
        ]

    def _columns(self) -> tuple[Columns, dict[ColumnKey, F64]]:
        """The columns, and whole arrays to be filled of those worth keeping: an average is computed as fast as read."""
        market, keys = self.ground.market, self.packed.keys
        if self.cache is None:
            return Columns(market, keys), {}
        known: dict[ColumnKey, F64] = {}
        fresh: dict[ColumnKey, F64] = {}
        for key in keys:
            if key[0] in _CHEAP:
                continue
            kept = self.cache.get(column_key(market, key))
            if kept is not None:
                known[key] = kept[0]
            elif (len(fresh) + 1) * market.size * 8 <= self.cache.most_bytes // 2:
                fresh[key] = np.empty(market.size)
        return Columns(market, keys, known), fresh

    def _keep(self, begin: int, matrix: F64) -> None:
        for key, column in self.fresh.items():
            column[begin : begin + matrix.shape[1]] = matrix[self.columns.row[key]]

    def run(self) -> None:
        """Stretch after stretch: first the columns, wave by wave, then the genomes."""
        size = self.ground.market.size
        rows, matrix = max(1, len(self.packed.keys)), np.empty((0, 0))
        with ThreadPoolExecutor(self.threads) as pool:
            for begin in range(0, size, STRETCH_BARS):
                bars = min(STRETCH_BARS, size - begin)
                if (
                    matrix.shape[1] != bars
                ):  # all but the last are alike: fresh memory has to be zeroed by the kernel
                    matrix = np.empty((rows, bars))
                for wave in self.columns.waves:
                    list(pool.map(lambda fill: fill(begin, matrix), wave))  # noqa: B023 - used up before the next
                self._keep(begin, matrix)
                list(pool.map(lambda i: self._share(i, begin, matrix), range(self.threads)))  # noqa: B023
        if self.cache is not None:
            for key, column in self.fresh.items():
                self.cache.put(column_key(self.ground.market, key), (column,))

    def _share(self, i: int, begin: int, matrix: F64) -> None:
        packed, ground = self.packed, self.ground
        numbers, conditions, decisions = self.scratch[i]
        crowd(
            packed.code, packed.value, packed.offsets, packed.outputs, packed.memory_at, packed.needs,
            int(self.shares[i][0]), int(self.shares[i][1]), np.uint64(matrix.ctypes.data), matrix.shape[1],
            begin, matrix.shape[1], np.uint64(ground.flags[at.MAY].ctypes.data), self.memory, self.carried,
            np.uint64(self.accounts.ctypes.data), np.uint64(packed.traits.ctypes.data), ground.matrix, ground.flags,
            ground.summary, ground.following, ground.days, ground.costs, np.uint64(self.daily.ctypes.data), np.uint64(numbers.ctypes.data),
            np.uint64(conditions.ctypes.data), np.uint64(decisions.ctypes.data), _NONE, _NOTHING,
        )  # fmt: skip


_CHEAP = frozenset({"raw", "ema"})
_FEWEST = 4
"""Fewer genomes than this a thread are not worth a thread."""
_NONE = np.empty((0, at.N_TRADE))
_NOTHING = np.empty(0)
