"""Cluster leaders of a store: read once, assigned, and written with the trials that they lead.

Of no more than `MOST_LEADERS` of a family, and no more than a number of bytes for each trial, the daily returns are kept.
A leader beyond that counts as a cluster, but nobody can join it: the number of clusters is told too large, never too small.
"""

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genome.market import I64
from genome.trials import clusters, schema

MOST_LEADERS = 4_096
BYTES_BEFORE, BYTES_A_TRIAL = 4 << 20, 200
"""A family keeps so many bytes of returns before it has any trial, and so many more for each."""
MOST_BITS = 20
"""A batch has fewer than 2²⁰ trials."""
Doubt = Callable[[str, Sequence[tuple[Any, ...]]], None]


class _Memory:
    """Leaders of a family that are known to this process.

    members     data sets of the family, that of the batch first
    newest      the id up to which all are known
    kept, taken how many leaders have returns, and how many bytes these take
    counted     trials of the family, at least
    grid        the number of these days in the store; 0 before it was asked for
    """

    def __init__(self, members: tuple[int, ...], days: I64, counted: int) -> None:
        self.members, self.days = members, days.tobytes()
        self.known = clusters.Known(days)
        self.newest = self.kept = self.taken = self.grid = 0
        self.counted = counted

    def room(self, coming: int, size: int) -> int:
        """How many leaders more may keep their returns of `size` bytes."""
        allowed = BYTES_BEFORE + BYTES_A_TRIAL * (self.counted + coming) - self.taken
        return max(0, min(MOST_LEADERS - self.kept, allowed // max(size, 1)))


def trial_id(batch: int, row: I64 | int) -> I64:
    """The number of a trial: of its batch, and its row there; never 0."""
    return (np.int64(batch) << MOST_BITS) + np.asarray(row, np.int64)


class Leading:
    """Assigns new trials to leaders, within a transaction of the caller's.

    doubt   is given a table and rows of it that are not what was written
    """

    def __init__(self, connection: sqlite3.Connection, doubt: Doubt) -> None:
        self._connection, self._doubt = connection, doubt
        self._memory: _Memory | None = None

    def forget(self) -> None:
        """What is known may not be what is written: read it anew."""
        self._memory = None

    def led(self, members: tuple[int, ...], batch: int, returns: clusters.F32, days: I64) -> I64:
        """Leaders of new trials of a family, int64 (n,): ids of trials, see `trial_id`.

        batch     the number of the batch that these trials will be, in the data set members[0]
        returns   float32 (n, D), on `days` int64 (D,); D may be 0: then each leads itself
        """
        own = trial_id(batch, np.arange(len(returns)))
        if not days.size:
            return own
        found = np.full(len(returns), clusters.FLAT, np.int64)
        unit, flat = clusters.units(returns)
        rows = np.flatnonzero(~flat)
        memory = self._read(members, days)
        moving = slice(None) if rows.size == len(returns) else rows  # a slice copies nothing
        found[rows] = memory.known.nearest(returns[moving], unit[moving])
        rows = rows[found[rows] < 0]
        if rows.size:
            leader = clusters.among(unit[rows])
            found[rows] = own[rows[leader]]
            heads = rows[leader == np.arange(rows.size)][: memory.room(len(returns), 4 * days.size)]
            memory.grid = memory.grid or self._grid(days)
            values = [(int(own[row]), members[0], memory.grid, returns[row].tobytes()) for row in heads]
            schema.insert(self._connection, "leaders", values)
            memory.known.add(clusters.Leaders(own[heads], returns[heads], days))
            memory.kept += heads.size
            memory.taken += 4 * days.size * heads.size
        memory.newest = int(trial_id(batch + 1, 0)) - 1
        memory.counted += len(returns)
        return found

    def _read(self, members: tuple[int, ...], days: I64) -> _Memory:
        """Leaders of a family that kept their returns: those in memory, and whatever others have written since."""
        memory = self._memory
        inside = schema.inside(members)
        if memory is None or (memory.members, memory.days) != (members, days.tobytes()):
            (counted,) = self._connection.execute(
                f"SELECT coalesce(sum(length(genomes)), 0) / 16 FROM batches WHERE {inside}"  # noqa: S608 - numbers
            ).fetchone()
            memory = self._memory = _Memory(members, days, counted)
        (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM leaders").fetchone()
        if last > memory.newest:
            where = f"WHERE id > ? AND {inside} ORDER BY id"
            good, bad = schema.sound(self._connection, "leaders", where, (memory.newest,))
            self._doubt("leaders", bad)
            self._add(memory, good)
            memory.newest = max(last, memory.newest)
        return memory

    def _add(self, memory: _Memory, rows: Sequence[tuple[Any, ...]]) -> None:
        by_grid: dict[int, list[tuple[int, bytes]]] = {}
        for one, _, grid, values in rows:
            by_grid.setdefault(grid, []).append((one, values))
            memory.kept += 1
            memory.taken += len(values)
        for grid, those in by_grid.items():
            days = self._days(grid)
            if days is not None:
                ids = np.array([one for one, _ in those], np.int64)
                values = np.frombuffer(b"".join(v for _, v in those), np.float32).reshape(-1, days.size)
                memory.known.add(clusters.Leaders(ids, values, days))

    def _grid(self, days: I64) -> int:
        """The number of a list of days, which is written where it is new."""
        packed = zlib.compress(days.astype("<i8").tobytes(), 6)
        row = self._connection.execute("SELECT id FROM grids WHERE days = ?", (packed,)).fetchone()
        if row is not None:
            return int(row[0])
        place = schema.after(self._connection, "grids")
        schema.insert(self._connection, "grids", [(place, packed)])
        return place

    def _days(self, grid: int) -> I64 | None:
        good, bad = schema.sound(self._connection, "grids", "WHERE id = ?", (grid,))
        self._doubt("grids", bad)
        return np.frombuffer(zlib.decompress(good[0][1]), "<i8").astype(np.int64) if good else None
