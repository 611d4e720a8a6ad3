"""Runs, and whom they bred: fronts, the hall of fame, births and deaths, in the file of the genome store.

Every genome that is kept in a population is written down when it is born, packed. When it comes on a front or into the
hall of fame, it and all its ancestors to the founders are written as text into the table `genomes`. So nothing needs to be
remembered but the population itself, and whatever is on a front can be rebuilt from the tree.

What is written twice, because a run was resumed, stays as it was written first. Nothing is deleted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from genome.breeding.flat import Flock
from genome.evolution.keys import as_bytes, keys
from genome.market import F64
from genome.store import GenomeStore, bred_row, insert_row
from genome.trials import schema
from genome.trials.count import ORIGINS, Trials, short
from genome.trials.datasets import Dataset
from genome.trials.packing import packed, prevalence, unpacked
from organism.errors import BadInput

_HASH = 16
_EVER = 2**62
RUNNING = "running"


class Birth(NamedTuple):
    """How a genome came to be.

    genome     its key, 32 hex digits (`genome.evolution.keys.texts`)
    operator   "seed", "random", "crossover", "point mutation", …
    parents    keys, the mother's first; none for a founder
    cause      why, in a few words: what chose the parents, or what the change was
    """

    genome: str
    operator: str
    parents: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Generation:
    """What one generation leaves behind.

    number       from 0, which is that of the founders
    born         those that are kept, in the population or the hall of fame, for the first time, each once; their parents
                 were kept before them
    flock        n genomes, those of `born`, in their order
    front        keys of the best front; objectives float64 (n, k) in their order
    fame         keys of the hall of fame; fame_objectives as above
    died         who left the population, and why: "dominated", "old", "a double"
    living       the whole population, for the survival of genes; None leaves it out
    report       whatever else there is to tell, JSON
    """

    number: int
    born: Sequence[Birth]
    flock: Flock
    front: Sequence[str]
    objectives: F64
    fame: Sequence[str] = ()
    fame_objectives: F64 | None = None
    died: Mapping[str, str] | None = None
    living: Flock | None = None
    report: Mapping[str, Any] | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is kept. seed: as text, since it may be larger than what SQLite counts with."""

    id: int
    origin: str
    family: str
    seed: str
    plan: dict[str, Any]
    dataset: int
    code: str
    started_s: int
    ended_s: int | None
    generations: int
    outcome: str


class Member(NamedTuple):
    """Somebody on a front."""

    genome_id: str
    objectives: tuple[float, ...]


class Runs:
    """Writes and reads runs; shares the file and the connection of a count."""

    def __init__(self, trials: Trials) -> None:
        self._trials, self._connection, self._path = trials, trials.connection, trials.path
        self._born: dict[tuple[int, bytes], str] = {}

    # ------------------------------------------------------------------ writing

    def begin(
        self, origin: str, seed: int, plan: Mapping[str, Any], dataset: Dataset, *, code: str, at_s: int,
        family: str = "bred",
    ) -> int:  # fmt: skip
        """Write that a run begins; its number. One that is resumed goes on with its own number and does not begin again.

        plan     JSON, what the run would need to be repeated
        code     version of the code
        family   of the genomes that it breeds
        """
        if origin not in ORIGINS:
            raise BadInput(f"runs are of {', '.join(ORIGINS)}; was {origin!r}.")
        GenomeStore(self._path).close()  # makes the table of genomes, or brings an old one up to date
        place = self._trials.register(dataset)
        with schema.writing(self._connection, self._path):
            run = schema.after(self._connection, "runs")
            told = json.dumps(plan, sort_keys=True, separators=(",", ":"))
            row = (run, origin, family, str(seed), told, place, code, at_s, None, 0, RUNNING)
            schema.insert(self._connection, "runs", [row])
        return run

    def again(self, origin: str, plan: Mapping[str, Any], dataset: Dataset) -> int | None:
        """The newest run with this plan on these data, which runs again from now on; None where there is none."""
        place = self._trials.register(dataset)
        told = json.loads(json.dumps(plan))
        for run in reversed(self.all()):
            if (run.origin, run.dataset, _endless(run.plan)) == (origin, place, _endless(told)):
                with schema.writing(self._connection, self._path):
                    self._update(msgspec.structs.replace(run, plan=told, ended_s=None, outcome=RUNNING))
                return run.id
        return None

    def generation(self, run: int, made: Generation, *, at_s: int) -> None:
        """Write a generation: all of it, or nothing. On the disk when it returns.

        Raises `BadInput` where what is told does not fit together, `StoreUnwritable` where it cannot be written.
        """
        if len(made.born) != len(made.flock) or len(made.front) != len(made.objectives):
            raise BadInput(
                f"generation {made.number} tells of {len(made.born)} births with {len(made.flock)} genomes, and of a front of "
                f"{len(made.front)} with {len(made.objectives)} objectives; each needs its own."
            )
        names = [short(birth.genome) for birth in made.born]
        if names != as_bytes(keys(made.flock).whole):
            raise BadInput(
                f"births of generation {made.number} are not named by the keys of their genomes; see `texts`."
            )
        births = [
            (
                run, short(birth.genome), made.number, birth.operator, birth.cause, b"".join(map(short, birth.parents)),
                packed(made.flock, i),
            )
            for i, birth in enumerate(made.born)
        ]  # fmt: skip
        deaths = [(run, short(name), made.number, cause) for name, cause in (made.died or {}).items()]
        report = dict(made.report or {})
        if made.living is not None:
            report["prevalence"] = {k: round(v, 4) for k, v in prevalence(made.living).items()}
        told = json.dumps(report, sort_keys=True, separators=(",", ":"))
        try:
            with schema.writing(self._connection, self._path):
                kept = self._row(run)
                schema.insert(self._connection, "births", births, known="IGNORE")
                schema.insert(self._connection, "deaths", deaths, known="IGNORE")
                self._fronts(kept, made)
                row = (run, made.number, at_s, told)
                schema.insert(self._connection, "generations", [row], known="IGNORE")
                done = max(kept.generations, made.number + 1)
                self._update(msgspec.structs.replace(kept, generations=done))
        except BaseException:
            self._born.clear()
            raise

    def end(self, run: int, *, at_s: int, outcome: str = "done") -> None:
        """Write that a run ended, and how: "done", "stopped", "failed: …"."""
        with schema.writing(self._connection, self._path):
            self._update(msgspec.structs.replace(self._row(run), ended_s=at_s, outcome=outcome))

    def _fronts(self, run: Run, made: Generation) -> None:
        fame = np.zeros((0, 0)) if made.fame_objectives is None else made.fame_objectives
        names = self._named(run, [short(name) for name in (*made.front, *made.fame)])
        front = zip(made.front, np.asarray(made.objectives, "<f4"), strict=True)
        rows = [
            (run.id, made.number, place, names[short(name)], values.tobytes())
            for place, (name, values) in enumerate(front)
        ]
        schema.insert(self._connection, "fronts", rows, known="IGNORE")
        famous = [
            (run.id, names[short(name)], made.number, values.tobytes())
            for name, values in zip(made.fame, np.asarray(fame, "<f4"), strict=True)
        ]
        schema.insert(self._connection, "fame", famous, known="IGNORE")

    def _named(self, run: Run, wanted: list[bytes]) -> dict[bytes, str]:
        """Ids of genomes, which are in the table of genomes with all their ancestors; within a transaction."""
        waiting = list(dict.fromkeys(wanted))
        births: dict[bytes, tuple[Any, ...]] = {}
        while waiting:  # from children to founders
            name = waiting.pop()
            if name in births or (run.id, name) in self._born or self._is_named(run.id, name):
                continue
            births[name] = self._birth(run.id, name)
            waiting.extend(_split(births[name][5]))
        pending = sorted(births, key=lambda one: births[one][2])  # parents are older than their children
        while pending:
            left = [name for name in pending if not self._write(run, births[name])]
            if len(left) == len(pending):
                raise BadInput(
                    f"{len(left)} genomes of run {run.id} are each other's parents; a parent was there before its child."
                )
            pending = left
        return {name: self._born[run.id, name] for name in wanted}

    def _write(self, run: Run, birth: tuple[Any, ...]) -> bool:
        """Write a genome whose parents are written; False where one is not yet: it may be of the same generation."""
        _, name, generation, operator, _, parents, raw = birth
        if any((run.id, parent) not in self._born for parent in _split(parents)):
            return False
        genome = unpacked(raw, run.family, generation)
        ids = tuple(self._born[run.id, parent] for parent in _split(parents))
        row = bred_row(genome, ids, operator)
        if not insert_row(self._connection, row):  # another run bred the same: its record stays
            (kept,) = self._connection.execute(
                "SELECT content_hash FROM genomes WHERE genome_id = ?", (row["genome_id"],)
            ).fetchone()
            if kept != row["content_hash"]:
                self._trials.tell(
                    f"genome {row['genome_id']} of run {run.id} has the name of another, so its text is not kept."
                )
        schema.insert(self._connection, "names", [(run.id, name, row["genome_id"])], known="IGNORE")
        self._born[run.id, name] = row["genome_id"]
        return True

    def _is_named(self, run: int, name: bytes) -> bool:
        """Whether it was written into the table of genomes before, with all its ancestors."""
        good, bad = schema.sound(self._connection, "names", "WHERE run = ? AND genome = ?", (run, name))
        self._trials.doubt("names", bad)
        if good:
            self._born[run, name] = good[0][2]
        return bool(good)

    def _birth(self, run: int, name: bytes) -> tuple[Any, ...]:
        good, bad = schema.sound(self._connection, "births", "WHERE run = ? AND genome = ?", (run, name))
        if bad:
            raise BadInput(
                f"the birth of {name.hex()[:8]} in run {run} of {self._path} is not what was written; begin a new run."
            )
        if not good:
            raise BadInput(
                f"genome {name.hex()[:8]} has an offspring in run {run}, but its own birth was never told; tell of all that "
                "are kept in the population."
            )
        return good[0]

    def _row(self, run: int) -> Run:
        found = self._read("WHERE id = ?", (run,))
        if not found:
            raise BadInput(f"there is no run {run} in {self._path}; begin one.")
        return found[0]

    def _update(self, run: Run) -> None:
        row = (
            run.id, run.origin, run.family, run.seed, json.dumps(run.plan, sort_keys=True, separators=(",", ":")),
            run.dataset, run.code, run.started_s, run.ended_s, run.generations, run.outcome,
        )  # fmt: skip
        schema.insert(self._connection, "runs", [row], known="REPLACE")

    # ------------------------------------------------------------------ reading

    def all(self) -> tuple[Run, ...]:
        """All runs, oldest first, without those that are not what was written."""
        with schema.reading(self._path):
            return tuple(self._read("ORDER BY id"))

    def fronts(self, run: int, *, since: int = 0, until: int | None = None) -> dict[int, tuple[Member, ...]]:
        """The best front of each generation, from one on and before another."""
        found: dict[int, list[Member]] = {}
        for _, generation, _, name, values in self._sound(
            "fronts", "WHERE run = ? AND generation >= ? AND generation < ? ORDER BY generation, place",
            (run, since, _EVER if until is None else until),
        ):  # fmt: skip
            found.setdefault(generation, []).append(Member(name, _numbers(values)))
        return {generation: tuple(members) for generation, members in found.items()}

    def fame(self, run: int) -> tuple[Member, ...]:
        """Everybody who ever was in the hall of fame, in the order in which they came."""
        rows = self._sound("fame", "WHERE run = ? ORDER BY generation, genome_id", (run,))
        return tuple(Member(name, _numbers(values)) for _, name, _, values in rows)

    def reports(self, run: int) -> dict[int, dict[str, Any]]:
        """What each generation had to tell."""
        rows = self._sound("generations", "WHERE run = ? ORDER BY generation", (run,))
        return {generation: json.loads(told) for _, generation, _, told in rows}

    def survival(self, run: int) -> dict[str, tuple[float, ...]]:
        """The share of the population that has each word and gene, by generation; see `packing.prevalence`."""
        told = [report.get("prevalence", {}) for report in self.reports(run).values()]
        names = sorted({name for shares in told for name in shares})
        return {name: tuple(float(shares.get(name, 0.0)) for shares in told) for name in names}

    def _read(self, where: str, values: Sequence[Any] = ()) -> list[Run]:
        return [
            Run(
                id=row[0], origin=row[1], family=row[2], seed=row[3], plan=json.loads(row[4]), dataset=row[5],
                code=row[6], started_s=row[7], ended_s=row[8], generations=row[9], outcome=row[10],
            )
            for row in self._sound("runs", where, values)
        ]  # fmt: skip

    def _sound(self, table: str, where: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with schema.reading(self._path):
            if not schema.has_tables(self._connection):
                return []
            good, bad = schema.sound(self._connection, table, where, values)
            self._trials.doubt(table, bad)
        return good


def _endless(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Of a plan, all but how many generations are wanted: that may change when a run goes on."""
    return {name: value for name, value in plan.items() if name != "generations"}


def _split(parents: bytes) -> list[bytes]:
    return [parents[i : i + _HASH] for i in range(0, len(parents), _HASH)]


def _numbers(values: bytes) -> tuple[float, ...]:
    return tuple(np.frombuffer(values, "<f4").astype(float).tolist())
