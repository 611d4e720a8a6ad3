"""`organism genome list|show|lineage|export|import`: the store, read by anyone; written only while no organism lives there."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from genome.checking import check
from genome.documents import gene_text, genome_text, read_genome, summary
from genome.families import seeds, spec_of
from genome.founders import founders
from genome.genome import Genome
from genome.grammar import suggestion
from genome.limits import MOST_JSON
from genome.printing import choice_text, to_text
from genome.store import GenomeRecord
from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.cli.stores import opened
from organism.errors import BadInput
from organism.guardian.lock import BodyLock, held

_FILE = "genome.db"
_WIDE = 100


def perform(options: Options) -> int:
    """Do one of them."""
    actions: dict[str, Callable[[Options, Path], None]] = {
        "list": _list, "show": _show, "lineage": _lineage, "export": _export, "import": _import,
    }  # fmt: skip
    actions[options.action](options, state_folder(options))
    return 0


def _list(options: Options, state: Path) -> None:
    if options.what is not None:
        raise BadInput(
            f"list takes no name; was {options.what!r}. `organism genome show {options.what}` shows one."
        )
    records = tuple(_stored(state, options.family))
    if not records and not any(_stored(state)):
        why = "holds none yet" if (state / _FILE).exists() else "does not exist yet"
        print(f"organism: {state / _FILE} {why}; these are the genomes of the code.", file=sys.stderr)
        records = tuple(r for r in _coded() if options.family in {None, r.family})
    if options.json:
        emit([{**_head(r), "text": summary(r.genome())} for r in records])
        return
    rows = [(r.genome_id, r.family, str(r.generation), r.origin, _cut(summary(r.genome()))) for r in records]
    _table(("id", "family", "generation", "origin", "genome"), rows)


def _show(options: Options, state: Path) -> None:
    record = _found(options, state)
    genome = record.genome()
    genes = [_gene(genome, name, value) for name, value in genome.genes]
    if options.json:
        conditions = {name: to_text(tree) for name, tree in genome.conditions.items()}
        emit({**_head(record), "conditions": conditions, "genes": genes, "text": genome_text(genome)})
        return
    print(genome_text(genome))
    rows = [(g["name"], g["text"], g["unit"], g["bounds"], g["meaning"]) for g in genes]
    if rows:
        _table(("gene", "value", "unit", "bounds", "meaning"), rows)
        print()
    print(f"id: {record.genome_id}\norigin: {record.origin}\nparents: {', '.join(record.parents) or 'none'}")


def _lineage(options: Options, state: Path) -> None:
    from genome.trials import picture  # one of five actions needs it
    from genome.trials.lineage import Unknown, lineage, lines

    name = _named(options, "a genome's id")
    try:
        found = lineage(state / _FILE, name)
    except Unknown as error:
        if name in {r.genome_id for r in _coded()}:
            raise BadInput(
                f"{name} is of the code, and {state / _FILE} does not hold it: it is a founder, and has no ancestors."
            ) from None
        raise BadInput(f"{error}{suggestion(name[:80], [r.genome_id for r in _stored(state)])}") from None
    if options.report is not None:
        picture.write(options.report, found)
    for sentence in found.warnings:
        print(f"organism: {sentence}", file=sys.stderr)
    if options.json:
        emit(found.document())
        return
    print("\n".join(lines(found)))
    print(f"\n{picture.sentence(found)}")
    if options.report is not None:
        print(f"Wrote {options.report}.")


def _export(options: Options, state: Path) -> None:
    text = json.dumps(json.loads(_found(options, state).genome().to_json()), indent=2) + "\n"
    if options.out is None:
        sys.stdout.write(text)
        return
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{options.out} cannot be written: {error.strerror}; name another with --out."
        ) from None
    if options.json:
        emit({"file": str(options.out)})
    else:
        print(f"Wrote {options.out}.")


def _import(options: Options, state: Path) -> None:
    path = Path(_named(options, "a file"))
    try:
        genome = read_genome(_read(path))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    check(genome)
    of_code = genome.genome_id in {r.genome_id for r in _coded()}
    # The organism writes its founders at its next start; theirs must be the same record.
    record = GenomeRecord.from_genome(genome, origin="founder" if of_code else "import")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(state), _body_gone(state), opened(state / _FILE, writable=True) as store:
        kept = store.get(record.genome_id)
        same = kept is not None and (kept.genes, kept.trees) == (record.genes, record.trees)
        new = not same and store.put(record)
    if options.json:
        emit({"genome_id": record.genome_id, "new": new})
    elif new:
        print(f"Imported {record.genome_id}.")
    else:
        print(f"{record.genome_id} is stored already; nothing was changed.")


@contextlib.contextmanager
def _body_gone(state: Path) -> Iterator[None]:
    """A body that outlives its guardian for a moment still writes the store."""
    lock = BodyLock(state)
    lock.hold()
    try:
        yield
    finally:
        lock.let_go()


def _stored(state: Path, family: str | None = None) -> Iterator[GenomeRecord]:
    if (state / _FILE).exists():
        with opened(state / _FILE) as store:
            yield from store.records(family)


def _coded() -> Iterator[GenomeRecord]:
    """Founders and seeds, as the code has them."""
    for _, strategy in founders():
        yield GenomeRecord.of(strategy.family, 0, strategy.parameters)
    for genome in seeds().values():
        yield GenomeRecord.from_genome(genome)


def _found(options: Options, state: Path) -> GenomeRecord:
    """The record that was asked for: by id from the store, else by id or family from the code."""
    name = _named(options, "a genome's id")
    if (state / _FILE).exists():
        with opened(state / _FILE) as store:
            record = store.get(name)
        if record is not None:
            return record
    coded = tuple(_coded())
    for record in reversed(coded):  # a family that is a founder's and a seed's too: the seed
        if name in {record.genome_id, record.family}:
            return record
    known = [r.genome_id for r in _stored(state)] + [r.family for r in coded]
    hint = suggestion(name[:80], known)
    raise BadInput(f"there is no genome {name[:80]!r}; `organism genome list` names all.{hint}")


def _named(options: Options, what: str) -> str:
    if options.what is None:
        raise BadInput(f"{options.action} needs {what}; see `organism genome --help`.")
    name: str = options.what
    return name


def _read(path: Path) -> str:
    """The file's text; one that is too large is not read to its end."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MOST_JSON + 1)
        return raw.decode("utf-8")
    except OSError as error:
        raise BadInput(f"it cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput("it is not text in UTF-8; a genome is JSON or text.") from None


def _head(record: GenomeRecord) -> dict[str, Any]:
    return {
        "genome_id": record.genome_id,
        "family": record.family,
        "generation": record.generation,
        "origin": record.origin,
        "parents": list(record.parents),
    }


def _gene(genome: Genome, name: str, value: float) -> dict[str, Any]:
    spec = spec_of(genome, name)
    choices = () if spec is None else spec.choices
    text = choice_text(value, choices) if choices else gene_text(name, value)
    said: dict[str, Any] = {"name": name, "value": value, "text": text}
    if spec is None:
        meaning = "a constant of the conditions" if genome.conditions else ""
        return said | {"unit": "", "low": None, "high": None, "bounds": "", "meaning": meaning}
    bounds = ", ".join(spec.choices) or f"{spec.low:g} to {spec.high:g}"
    return said | {
        "unit": spec.unit, "low": spec.low, "high": spec.high, "bounds": bounds, "meaning": spec.meaning,
    }  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
