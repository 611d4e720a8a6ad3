"""The genome store: who ever lived, and from whom. Content-addressed and write-once.

sqlite-utils is imported when a store is opened, because it brings a heavy library with it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from genome.checking import check
from genome.genome import Genome, trees_of
from genome.identity import Genes, canonical, content_hash, genome_id
from genome.limits import MOST_JSON
from organism.errors import BadInput


class GenomeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A genome as it is kept.

    genome_id   `{family}_{generation}_{hash8}`, computed from the rest
    trees       the conditions as canonical JSON, `Genome.trees`; "" for a founder, which has none
    parents     genome ids, in order; none for a founder
    origin      "founder", "crossover", "mutation", "import"
    """

    genome_id: str
    family: str
    generation: int
    genes: Genes
    parents: tuple[str, ...] = ()
    origin: str = "founder"
    trees: str = ""

    @classmethod
    def of(
        cls,
        family: str,
        generation: int,
        genes: Genes,
        parents: tuple[str, ...] = (),
        origin: str = "founder",
        trees: str = "",
    ) -> "GenomeRecord":
        """Make a record and name it."""
        ordered = canonical(genes)
        return cls(
            genome_id=genome_id(family, generation, ordered, trees),
            family=family,
            generation=generation,
            genes=ordered,
            parents=parents,
            origin=origin,
            trees=trees,
        )

    @classmethod
    def from_genome(
        cls, genome: Genome, parents: tuple[str, ...] = (), origin: str = "founder"
    ) -> "GenomeRecord":
        """The record of a genome."""
        return cls.of(genome.family, genome.generation, genome.genes, parents, origin, genome.trees)

    def genome(self) -> Genome:
        """The genome of a record. Raises `BadInput` where its trees cannot be read."""
        return Genome(
            family=self.family, generation=self.generation, genes=self.genes, **trees_of(self.trees)
        )


class GenomeStore:
    """One SQLite file with one table. One process writes; others may open it with `writable=False`."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        import sqlite3  # noqa: PLC0415 - see the module's docstring

        import sqlite_utils  # noqa: PLC0415

        if writable:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
        elif path.exists():
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
        else:
            raise BadInput(f"{path} does not exist; start the organism once, it writes its founders there.")
        self._database = sqlite_utils.Database(connection)
        if writable:
            self._database.enable_wal()
            self._prepare()

    def put(self, record: GenomeRecord) -> bool:
        """Write a record; True if it is new, False if the same one is there already.

        Raises `BadInput` when the id is not that of its content, when a different record holds it, when a parent is
        unknown, or when its conditions do not pass `genome.checking.check`: what is stored can be run.
        """
        if record.trees:
            genome = record.genome()
            check(genome)
            if genome.trees != record.trees:
                raise BadInput(
                    f"genome {record.genome_id!r} was not written in canonical form; use Genome.trees."
                )
        row = _row(record)
        if len(row["genes"]) + len(row["parents"]) > MOST_JSON:
            raise BadInput(
                f"genome {record.genome_id!r} has more than {MOST_JSON:,} characters of genes and parents."
            )
        named = genome_id(record.family, record.generation, record.genes, record.trees)
        if record.genome_id != named:
            raise BadInput(
                f"genome {record.genome_id!r} has the content of {named!r}; an id is never chosen."
            )
        for parent in record.parents:
            if self.get(parent) is None:
                raise BadInput(f"genome {record.genome_id} names the parent {parent!r}, which is not stored.")
        kept = self._find(record.genome_id)
        if kept == row:
            return False
        if kept is not None:
            raise BadInput(
                f"genome {record.genome_id} is stored with other content; records are written once and never changed."
            )
        table: Any = self._database["genomes"]
        table.insert(row)
        return True

    def get(self, genome: str) -> GenomeRecord | None:
        """Return one record, or None."""
        row = self._find(genome)
        return None if row is None else _record(row)

    def records(self, family: str | None = None) -> Iterator[GenomeRecord]:
        """All records, oldest generation first."""
        where, values = ("family = ?", [family]) if family is not None else (None, None)
        for row in self._database["genomes"].rows_where(where, values, order_by="generation, genome_id"):
            yield _record(row)

    def lineage(self, genome: str) -> tuple[GenomeRecord, ...]:
        """Return a genome and all its ancestors, each once, nearest first. Raises `BadInput` for an unknown one."""
        found: dict[str, GenomeRecord] = {}
        waiting = [genome]
        for current in waiting:  # grows while it is read
            if current in found:
                continue
            record = self.get(current)
            if record is None:
                raise BadInput(
                    f"there is no genome {current!r} in the store; `organism genome list` names all."
                )
            found[current] = record
            waiting.extend(record.parents)
        return tuple(found.values())

    def close(self) -> None:
        """Let go of the file."""
        self._database.conn.close()

    def _prepare(self) -> None:
        """Make the table; give one that was made before genomes had conditions the column for them."""
        table: Any = self._database["genomes"]
        if table.exists():
            if "trees" not in table.columns_dict:
                self._database.execute("ALTER TABLE genomes ADD COLUMN trees TEXT NOT NULL DEFAULT ''")
            return
        table.create(
            {
                "genome_id": str,
                "content_hash": str,
                "family": str,
                "generation": int,
                "genes": str,
                "parents": str,
                "origin": str,
                "trees": str,
            },
            pk="genome_id",
            not_null={"content_hash", "family", "generation", "genes", "parents", "origin", "trees"},
            defaults={"trees": ""},
            if_not_exists=True,
            strict=True,
        )

    def _find(self, genome: str) -> dict[str, Any] | None:
        return next(iter(self._database["genomes"].rows_where("genome_id = ?", [genome])), None)


def _row(record: GenomeRecord) -> dict[str, Any]:
    return {
        "genome_id": record.genome_id,
        "content_hash": content_hash(record.family, record.genes, record.trees),
        "family": record.family,
        "generation": record.generation,
        "genes": json.dumps(dict(canonical(record.genes)), separators=(",", ":")),
        "parents": json.dumps(record.parents),
        "origin": record.origin,
        "trees": record.trees,
    }


def _record(row: dict[str, Any]) -> GenomeRecord:
    return GenomeRecord(
        genome_id=row["genome_id"],
        family=row["family"],
        generation=row["generation"],
        genes=canonical(tuple(json.loads(row["genes"]).items())),
        parents=tuple(json.loads(row["parents"])),
        origin=row["origin"],
        trees=row.get("trees", ""),  # a reader may open a store that no writer has brought up to date
    )
