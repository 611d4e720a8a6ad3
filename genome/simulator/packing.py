"""Genomes as arrays: one table of columns, all programs end to end, one row of traits each."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from genome.checking import effective
from genome.genome import Genome
from genome.jit import kernel
from genome.market import F64, I64
from genome.programs.columns import in_order
from genome.programs.compiling import ColumnKey, Programs, compile_genomes
from genome.simulator.traits import traits_of


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Compiled genomes over one table of columns.

    code    int32 (instructions, 5): that of `programs`, with columns numbered as in `keys`
    needs   int64 (genomes, 2): column of ATR and of volatility, −1 where not needed
    traits  float64 (genomes, N_TRAITS)
    order   int64 (genomes,): an order in which neighbours share columns
    """

    programs: Programs
    code: NDArray[np.int32]
    keys: tuple[ColumnKey, ...]
    needs: I64
    traits: F64
    order: I64

    def __len__(self) -> int:
        return len(self.needs)


_MOST_CROWDS = 4
_kept: OrderedDict[tuple[int, ...], tuple[tuple[Genome, ...], Packed]] = OrderedDict()
_lock = Lock()


def pack(genomes: Sequence[Genome]) -> Packed:
    """Compile genomes, effective or not, and lay them out for the simulator. Raises `BadInput`.

    A crowd meets one market after another, and one window after another: the newest crowds stay packed.
    """
    key = tuple(map(id, genomes))
    with _lock:
        found = _kept.get(key)
        if found is not None:  # it holds its genomes, so no others can have those ids
            _kept.move_to_end(key)
            return found[1]
    made = _packed(genomes)
    with _lock:
        _kept[key] = tuple(genomes), made
        while len(_kept) > _MOST_CROWDS:
            _kept.popitem(last=False)
    return made


def forget() -> None:
    """Pack anew the next time; for measurements."""
    with _lock:
        _kept.clear()


def _packed(genomes: Sequence[Genome]) -> Packed:
    ready = [effective(genome) for genome in genomes]
    programs = compile_genomes(ready)
    table, needed = traits_of(ready)
    keys = in_order((*programs.columns, *dict.fromkeys(key for pair in needed for key in pair if key)))
    row = {key: i for i, key in enumerate(keys)}
    code = programs.placed(row)
    needs = [[-1 if key is None else row[key] for key in pair] for pair in needed]
    return Packed(programs, code, keys, np.array(needs, np.int64), table, by_columns(programs, code))


def by_columns(programs: Programs, code: NDArray[np.int32]) -> I64:
    """Return an order of genomes: by the first and the last column that they read."""
    reach = np.empty((2, len(programs.outputs)), np.int64)
    _reach(programs.offsets, code, reach)
    return np.lexsort(reach)


@kernel
def _reach(offsets: I64, code: NDArray[np.int32], reach: I64) -> None:
    """Receives the last column that each program reads, and the first, as the code writes them."""
    for g in range(offsets.size - 1):
        low, high = np.int64(0), np.int64(NOTHING_READ)
        for i in range(offsets[g], offsets[g + 1]):
            for side in (2, 3):
                operand = np.int64(code[i, side])
                low = operand if operand < low else low  # noqa: FURB136 - min of numpy's numbers has no type
                if high < operand < 0:
                    high = operand
        reach[0, g], reach[1, g] = low, high


NOTHING_READ = -(1 << 31)
