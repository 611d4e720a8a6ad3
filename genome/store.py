"""The genome store: who ever lived, and from whom. Content-addressed and write-once.

The same file holds what was tried, by which run, and how it was bred: see `genome.trials`.

Every row is sealed with a digest of all it says. One that does not say any more what was written is used by nobody: it
is set aside in the table `quarantine`, with the reason, and told in one sentence.

sqlite-utils is imported when a store is opened, because it brings a heavy library with it.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from genome.checking import check
from genome.genome import Genome, trees_of
from genome.identity import Genes, canonical, content_hash, genome_id
from genome.limits import MOST_JSON
from organism.errors import BadInput
from organism.wal import use_wal

_WAIT_S = 5.0
_COLUMNS = (
    "genome_id", "content_hash", "family", "generation", "genes", "parents", "origin", "trees", "digest",
)  # fmt: skip

_log = logging.getLogger("organism.genome")


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
    """One SQLite file. Several processes may write; who only reads opens it with `writable=False`.

    tell   is given one sentence for each row that was changed or damaged after it was written
    """

    def __init__(
        self, path: Path, *, writable: bool = True, tell: Callable[[str], None] = _log.warning
    ) -> None:
        import sqlite3  # noqa: PLC0415 - see the module's docstring

        import sqlite_utils  # noqa: PLC0415

        if writable:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, timeout=_WAIT_S)
        elif path.exists():
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S)
        else:
            raise BadInput(f"{path} does not exist; start the organism once, it writes its founders there.")
        connection.text_factory = _text  # damaged text is text that differs, not an error
        self._tell = tell
        self._writable = writable
        try:
            self._database = sqlite_utils.Database(connection)
            if writable:
                use_wal(connection, _WAIT_S)
                connection.execute("PRAGMA synchronous = FULL")  # the default depends on who built SQLite
                self._prepare()
        except BaseException:
            connection.close()
            raise

    def put(self, record: GenomeRecord) -> bool:
        """Write a record; True if it is new, False if the same one is there already.

        Raises `BadInput` when the id is not that of its content, when a different record holds it, when a parent is
        unknown, or when its conditions do not pass `genome.checking.check`: what is stored can be run.
        """
        row = checked_row(record)
        for parent in record.parents:
            if self.get(parent) is None:
                raise BadInput(f"genome {record.genome_id} names the parent {parent!r}, which is not stored.")
        kept = self.get(record.genome_id)
        if kept is None:
            with self._database.conn:
                new = insert_row(self._database.conn, row)
            if new:
                return True
            kept = self.get(record.genome_id)  # another process was faster
        if kept is not None and _row(kept) == row:
            return False
        raise BadInput(
            f"genome {record.genome_id} is stored with other content; records are written once and never changed."
        )

    def get(self, genome: str) -> GenomeRecord | None:
        """Return one record, or None. One that is not what was written is set aside, and so None."""
        row = next(self._rows("genome_id = ?", [genome]), None)
        return None if row is None else self._sound(row)

    def records(self, family: str | None = None) -> Iterator[GenomeRecord]:
        """All records, oldest generation first, without those that are not what was written."""
        for row in tuple(self._rows("family = ?", [family]) if family is not None else self._rows()):
            record = self._sound(row)
            if record is not None:
                yield record

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
        """Make the table; give one of an earlier form the columns it lacks, and its rows their digests.

        In one immediate transaction: several may be the first, and a read that turns into a write waits for nobody.
        """
        table: Any = self._database["genomes"]
        with self._database.conn:
            self._database.conn.execute("BEGIN IMMEDIATE")
            if table.exists():
                self._bring_up_to_date(table.columns_dict)
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
                    "digest": str,
                },
                pk="genome_id",
                not_null=set(_COLUMNS[1:]),
                defaults={"trees": ""},
                strict=True,
            )

    def _bring_up_to_date(self, columns: dict[str, Any]) -> None:
        database = self._database
        if "trees" not in columns:
            database.execute("ALTER TABLE genomes ADD COLUMN trees TEXT NOT NULL DEFAULT ''")
        if "digest" not in columns:
            database.execute("ALTER TABLE genomes ADD COLUMN digest TEXT NOT NULL DEFAULT ''")
            for row in tuple(self._rows()):
                place = row.pop("rowid")
                database.execute("UPDATE genomes SET digest = ? WHERE rowid = ?", (_digest(row), place))

    def _rows(self, where: str | None = None, values: list[str] | None = None) -> Iterator[dict[str, Any]]:
        found: Iterator[dict[str, Any]] = self._database["genomes"].rows_where(
            where, values, order_by="generation, genome_id", select="rowid, *"
        )
        return found

    def _sound(self, row: dict[str, Any]) -> GenomeRecord | None:
        """The record of a row; None, and the row out of the way, where it is not what was written."""
        place = row.pop("rowid")
        try:
            return _record(row)
        except BadInput as error:
            reason = str(error)
        kept = self._set_aside(place, reason) if self._writable else False
        what = "it was moved to the table quarantine" if kept else "it is passed over"
        self._tell(
            f"genome {str(row['genome_id'])[:80]!r} of the store is not what was written: {reason}; {what}."
        )
        return None

    def _set_aside(self, place: int, reason: str) -> bool:
        connection = self._database.conn
        columns = ", ".join(_COLUMNS)
        try:
            with connection:
                connection.execute(f"CREATE TABLE IF NOT EXISTS quarantine ({columns}, reason)")
                connection.execute(
                    f"INSERT INTO quarantine SELECT {columns}, ? FROM genomes WHERE rowid = ?",  # noqa: S608 - our names
                    (reason, place),
                )
                connection.execute("DELETE FROM genomes WHERE rowid = ?", (place,))
        except connection.DatabaseError:  # the file itself is damaged: then nothing can be moved in it
            return False
        return True


def checked_row(record: GenomeRecord) -> dict[str, Any]:
    """The row of a record that can be run and has the name of its content. Raises `BadInput`: see `GenomeStore.put`."""
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
        raise BadInput(f"genome {record.genome_id!r} has the content of {named!r}; an id is never chosen.")
    return row


def bred_row(genome: Genome, parents: tuple[str, ...], origin: str) -> dict[str, Any]:
    """The row of a genome that has just been bred, as `checked_row` would make it. Raises `BadInput` where it cannot run."""
    check(genome)
    trees, genes = genome.trees, canonical(genome.genes)
    whole = content_hash(genome.family, genes, trees)
    row = {
        "genome_id": f"{genome.family}_{genome.generation}_{whole[:8]}",
        "content_hash": whole,
        "family": genome.family,
        "generation": genome.generation,
        "genes": json.dumps(dict(genes), separators=(",", ":")),
        "parents": json.dumps(parents),
        "origin": origin,
        "trees": trees,
    }
    return row | {"digest": _digest(row)}


def insert_row(connection: Any, row: dict[str, Any]) -> bool:
    """Write a row of `checked_row` into an open transaction, unless a genome of that id is there: False then."""
    columns, places = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
    done = connection.execute(
        f"INSERT OR IGNORE INTO genomes ({columns}) VALUES ({places})",  # noqa: S608 - our names
        [row[name] for name in _COLUMNS],
    )
    return bool(done.rowcount)


def _row(record: GenomeRecord) -> dict[str, Any]:
    row = {
        "genome_id": record.genome_id,
        "content_hash": content_hash(record.family, record.genes, record.trees),
        "family": record.family,
        "generation": record.generation,
        "genes": json.dumps(dict(canonical(record.genes)), separators=(",", ":")),
        "parents": json.dumps(record.parents),
        "origin": record.origin,
        "trees": record.trees,
    }
    return row | {"digest": _digest(row)}


def _record(row: dict[str, Any]) -> GenomeRecord:
    """The record of a row. Raises `BadInput` where the row is not what was written: by its name, and by its digest."""
    try:
        record = GenomeRecord(
            genome_id=row["genome_id"],
            family=row["family"],
            generation=row["generation"],
            genes=canonical(tuple(json.loads(row["genes"]).items())),
            parents=tuple(json.loads(row["parents"])),
            origin=row["origin"],
            trees=row.get("trees", ""),  # a reader may open a store that no writer has brought up to date
        )
        named = genome_id(record.family, record.generation, record.genes, record.trees)
        whole = content_hash(record.family, record.genes, record.trees)
    except (BadInput, ValueError, TypeError, AttributeError, RecursionError):
        raise BadInput("it cannot be read") from None
    if (named, whole) != (record.genome_id, row["content_hash"]):
        raise BadInput(f"its content is that of {named[:80]!r}")
    if row.get("digest") not in {None, _digest(row)}:
        raise BadInput("its digest is that of another row, so its parents or its origin were changed")
    return record


def _digest(row: dict[str, Any]) -> str:
    """SHA-256 over every column but the digest, 64 hex digits."""
    said = [row.get(name, "") for name in _COLUMNS[:-1]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
