"""What the genome store tells of breeding: runs, their generations and fronts, families, ancestors. Reads only.

Rows whose seal is not that of their content are left out, as everywhere else. Nothing heavy is imported.
"""

import json
import math
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from genome.store import GenomeRecord
from genome.trials import schema
from organism.errors import OrganismError

FILE = "genome.db"
_MOST_RUNS = 40
_OBJECTIVES = ("sharpe", "consistency", "drawdown", "turnover")


class Run(NamedTuple):
    """A run: `looks` are genomes judged by it, `bars_s` the time its bars span, in seconds."""

    id: int
    origin: str
    started_s: int
    ended_s: int | None
    generations: int
    outcome: str
    looks: int
    instruments: tuple[str, ...]
    slice: str
    start_s: int
    end_s: int


class Member(NamedTuple):
    """Somebody on a front; drawdown and turnover are negative, more is better."""

    genome_id: str
    sharpe: float
    consistency: float
    drawdown: float
    turnover: float


class Ancestor(NamedTuple):
    """A genome of a family tree; `depth` generations of parents above the one that was asked about."""

    genome_id: str
    depth: int
    origin: str
    generation: int
    parents: tuple[str, ...]


@contextmanager
def opened(state: Path) -> Iterator[sqlite3.Connection | None]:
    """The store, read-only; None where there is none, or none that can be read."""
    try:
        connection = schema.opened(state / FILE, writable=False)
    except (OrganismError, sqlite3.Error):
        yield None
        return
    try:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'genomes'").fetchone()
        yield connection if known else None
    finally:
        connection.close()


def runs(store: sqlite3.Connection) -> list[Run]:
    """The newest runs, newest first."""
    if not schema.has_tables(store):
        return []
    good, _ = schema.sound(store, "runs", "ORDER BY id DESC LIMIT ?", (_MOST_RUNS,))
    data = {row[0]: row for row in schema.sound(store, "datasets")[0]}
    looks = dict(store.execute("SELECT run, sum(length(genomes)) / 16 FROM batches GROUP BY run").fetchall())
    found = []
    for one in good:
        of = data.get(one[5], (0, "", "", "[]", 0, 0, 0))
        names = tuple(str(name).rpartition(":")[2] for name in _list(of[3]))
        found.append(
            Run(
                one[0],
                one[1],
                one[7],
                one[8],
                one[9],
                one[10],
                int(looks.get(one[0], 0)),
                names,
                of[2],
                of[5],
                of[6],
            )
        )
    return found


def looks(store: sqlite3.Connection) -> list[dict[str, Any]]:
    """How often each set of bars was looked at, and by how many runs; the newest first."""
    if not schema.has_tables(store):
        return []
    data = schema.sound(store, "datasets", "ORDER BY id DESC LIMIT 40")[0]
    sums = {
        row[0]: row[1:]
        for row in store.execute(
            "SELECT dataset, sum(length(genomes)) / 16, count(DISTINCT run), max(at_s) FROM batches GROUP BY dataset"
        )
    }
    return [
        {"id": one[0], "slice": one[2], "bar_s": one[4], "instruments": [str(name).rpartition(":")[2] for name in _list(one[3])],
         "start_s": one[5], "end_s": one[6], "looks": sums.get(one[0], (0, 0, 0))[0] or 0, "runs": sums.get(one[0], (0, 0, 0))[1] or 0}
        for one in data
    ]  # fmt: skip


def reports(store: sqlite3.Connection, run: int) -> list[dict[str, Any]]:
    """What each generation of a run told, in order."""
    good, _ = schema.sound(store, "generations", "WHERE run = ? ORDER BY generation", (run,))
    return [{**json.loads(row[3]), "generation": row[1]} for row in good]


def fronts(store: sqlite3.Connection, run: int, generations: list[int]) -> dict[int, list[Member]]:
    """The best fronts of some generations."""
    found: dict[int, list[Member]] = {}
    for at in generations:
        good, _ = schema.sound(store, "fronts", "WHERE run = ? AND generation = ? ORDER BY place", (run, at))
        members = [Member(str(row[3]), *values) for row in good if (values := _floats(row[4]))]
        found[at] = [one for one in members if math.isfinite(one.sharpe) and math.isfinite(one.drawdown)]
    return found


def families(store: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    """(family, how they came to be, how many are kept, newest generation), most first."""
    query = "SELECT family, origin, count(*), max(generation) FROM genomes GROUP BY family, origin ORDER BY 3 DESC, 1, 2 LIMIT 60"
    return [
        (str(family), str(origin), int(n), int(newest)) for family, origin, n, newest in store.execute(query)
    ]


def record(store: sqlite3.Connection, name: str) -> GenomeRecord | None:
    """A genome that is what its name says, or None."""
    row = store.execute(
        "SELECT family, generation, genes, parents, origin, trees FROM genomes WHERE genome_id = ?", (name,)
    ).fetchone()
    if row is None:
        return None
    try:
        genes = tuple((str(key), float(value)) for key, value in json.loads(row[2]).items())
        found = GenomeRecord.of(
            row[0], int(row[1]), genes, tuple(map(str, _list(row[3]))), str(row[4]), str(row[5])
        )
    except (ValueError, TypeError, AttributeError, OrganismError):
        return None
    return found if found.genome_id == name else None


def ancestors(store: sqlite3.Connection, name: str, most: int = 48) -> list[Ancestor]:
    """A genome and whom it was bred from, as a tree walked mother first; each once."""
    found: list[Ancestor] = []
    known: set[str] = set()

    def walk(one: str, depth: int) -> None:
        if one in known or len(found) >= most:
            return
        known.add(one)
        kept = record(store, one)
        if kept is None:
            found.append(Ancestor(one, depth, "lost", 0, ()))
            return
        found.append(Ancestor(one, depth, kept.origin, kept.generation, kept.parents))
        for parent in kept.parents:
            walk(parent, depth + 1)

    walk(name, 0)
    return found


def _list(text: object) -> list[Any]:
    try:
        found = json.loads(str(text))
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _floats(values: bytes) -> tuple[float, ...]:
    if len(values) != 4 * len(_OBJECTIVES):
        return ()
    return struct.unpack(f"<{len(_OBJECTIVES)}f", values)
