"""A genome and all its ancestors, as a person asks for them: who was bred from whom, how, why, and what came of it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from genome.breeding.objectives import NAMES
from genome.documents import summary
from genome.reporting.numbers import plain
from genome.store import GenomeRecord, GenomeStore
from genome.trials import schema
from organism.errors import BadInput

_WIDE = 100


class Unknown(BadInput):
    """There is no such genome in the store."""


class Ancestor(msgspec.Struct, frozen=True, kw_only=True):
    """One genome of a lineage.

    origin       what made it: "founder", "crossover", …; "lost" for one whose record is not readable any more
    cause        why, in the words of the run; "" where nobody said
    fronts       on how many best fronts it was, of all runs
    objectives   on the last of them, by name
    died         generation in which it left the population, and why; None while it lived, or where nobody said
    text         its conditions in one line
    """

    genome_id: str
    family: str
    generation: int
    origin: str
    parents: tuple[str, ...]
    text: str
    cause: str = ""
    run: int | None = None
    fronts: int = 0
    objectives: dict[str, float | None] | None = None
    died: tuple[int, str] | None = None


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """ancestors: the genome itself first, then whoever is nearer before whoever is farther, each once."""

    genome_id: str
    ancestors: tuple[Ancestor, ...]
    warnings: tuple[str, ...] = ()

    @property
    def founders(self) -> tuple[Ancestor, ...]:
        """Those without parents."""
        return tuple(one for one in self.ancestors if not one.parents)

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        found: dict[str, Any] = json.loads(msgspec.json.encode(self))
        return found | {"founders": [one.genome_id for one in self.founders]}


def lineage(path: Path, genome_id: str) -> Lineage:
    """The lineage of a genome of a store. Reads only.

    An ancestor whose record was damaged is shown as lost, with what is known of it, and said so in `warnings`.
    Raises `Unknown` where there is no such genome, `BadInput` where its own record was damaged or there is no store.
    """
    said: list[str] = []
    with schema.reading(path):
        connection = schema.opened(path, writable=False)
        store = GenomeStore(path, writable=False, tell=said.append)
        try:
            records, lost = _records(store, genome_id, said)
            about = _About(connection) if schema.has_tables(connection) else None
            found = tuple(
                _lost(one) if record is None else _ancestor(record, about) for one, record in records.items()
            )
        finally:
            store.close()
            connection.close()
    said += [f"{one}, an ancestor, is not in the store: what came before it is not known." for one in lost]
    return Lineage(genome_id=genome_id, ancestors=found, warnings=tuple(dict.fromkeys(said)))


def _records(
    store: GenomeStore, genome_id: str, said: list[str]
) -> tuple[dict[str, GenomeRecord | None], list[str]]:
    found: dict[str, GenomeRecord | None] = {genome_id: store.get(genome_id)}
    if found[genome_id] is None:
        if said:
            raise BadInput(said[0])
        raise Unknown(
            f"there is no genome {genome_id[:80]!r} in the store; `organism genome list` names all."
        )
    waiting = [genome_id]
    for one in waiting:  # grows while it is read
        record = found[one]
        for parent in () if record is None else record.parents:
            if parent not in found:
                found[parent] = store.get(parent)
                waiting.append(parent)
    return found, [one for one, record in found.items() if record is None]


class _About:
    """What runs had to tell of a genome."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def birth(self, record: GenomeRecord) -> dict[str, Any]:
        """Why it was bred, by the first run that bred it; and how it died there."""
        named, _ = schema.sound(
            self._connection, "names", "WHERE genome_id = ? ORDER BY run LIMIT 1", (record.genome_id,)
        )
        if not named:
            return {}
        run, name, _ = named[0]
        good, _ = schema.sound(self._connection, "births", "WHERE run = ? AND genome = ?", (run, name))
        if not good:
            return {}
        cause = str(good[0][4])
        deaths, _ = schema.sound(
            self._connection, "deaths", "WHERE run = ? AND genome = ? ORDER BY generation DESC LIMIT 1", (run, name)
        )  # fmt: skip
        died = {"died": (int(deaths[0][2]), str(deaths[0][3]))} if deaths else {}
        return {"run": run, "cause": cause, **died}

    def fronts(self, genome_id: str) -> dict[str, Any]:
        """On how many fronts it was, and what it was worth on the last."""
        good, _ = schema.sound(
            self._connection, "fronts", "WHERE genome_id = ? ORDER BY run, generation", (genome_id,)
        )
        if not good:
            return {}
        values = np.frombuffer(good[-1][4], "<f4").astype(float)
        names = (
            NAMES if len(values) == len(NAMES) else tuple(f"objective {i + 1}" for i in range(len(values)))
        )
        worth = {
            name: float(value) if np.isfinite(value) else None
            for name, value in zip(names, values.tolist(), strict=True)
        }
        return {"fronts": len(good), "objectives": worth}


def _ancestor(record: GenomeRecord, about: _About | None) -> Ancestor:
    more = {} if about is None else about.birth(record) | about.fronts(record.genome_id)
    return Ancestor(
        genome_id=record.genome_id,
        family=record.family,
        generation=record.generation,
        origin=record.origin,
        parents=record.parents,
        text=summary(record.genome()),
        **more,
    )


def _lost(genome_id: str) -> Ancestor:
    family, _, rest = genome_id.rpartition("_")
    family, _, generation = family.rpartition("_")
    known = int(generation) if generation.isdigit() and rest else 0
    return Ancestor(genome_id=genome_id, family=family, generation=known, origin="lost", parents=(), text="")


def lines(found: Lineage, most: int = 200) -> Iterator[str]:
    """The tree as text: a genome, below it its parents, and so on to the founders. Who comes again is told once."""
    by_id = {one.genome_id: one for one in found.ancestors}
    told: set[str] = set()
    waiting: list[tuple[str, str, str]] = [(found.genome_id, "", "")]
    count = 0
    while waiting:
        name, head, rest = waiting.pop()
        if count >= most:
            yield f"… and {len(by_id) - len(told):,} more ancestors; --json tells all."
            return
        one = by_id[name]
        again = name in told and bool(one.parents)
        yield f"{head}{name}  {told_briefly(one)}{' (its parents are above)' if again else ''}"
        count += 1
        if again:
            continue
        told.add(name)
        parents = list(dict.fromkeys(one.parents))
        if one.text:
            text = one.text if len(one.text) <= _WIDE else f"{one.text[: _WIDE - 1]}…"
            yield f"{rest}{'│' if parents else ' '}    {text}"
        for i, parent in enumerate(reversed(parents)):
            last = i == 0
            waiting.append((parent, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}"))


def told_briefly(one: Ancestor) -> str:
    """What made it, when, and what it was worth.

    >>> told_briefly(Ancestor(genome_id="x", family="x", generation=3, origin="crossover", parents=("a", "b"), text=""))
    'crossover, generation 3'
    """
    parts = [one.origin, f"generation {one.generation}"]
    parts += [one.cause] if one.cause else []
    if one.objectives:
        parts.append(worth_text(one.objectives))
        parts.append("on 1 front" if one.fronts == 1 else f"on {one.fronts:,} fronts")
    if one.died is not None:
        parts.append(f"gone in generation {one.died[0]}: {one.died[1]}")
    return ", ".join(parts)


def worth_text(objectives: dict[str, float | None]) -> str:
    """Objectives in words; those that are kept negative, so that more is better, are told as they are known.

    >>> worth_text({"sharpe": 1.234, "drawdown": -0.12})
    'Sharpe 1.23, drawdown 0.12'
    """
    said = []
    for name, value in objectives.items():
        shown = value if value is None or name not in {"drawdown", "turnover"} else abs(value)
        said.append(
            f"{'Sharpe' if name == 'sharpe' else name} {'none' if shown is None else plain(shown, 2)}"
        )
    return ", ".join(said)
