"""Which genome a person means: a seed by name, a genome of the store by id, or a file."""

from pathlib import Path

import msgspec

from genome.checking import check
from genome.documents import read_genome
from genome.genes import GENES
from genome.genome import Genome
from genome.grammar import suggestion
from genome.limits import MOST_JSON
from genome.seeds import SEEDS, seed
from organism.cli.context import state_folder
from organism.cli.parser import Options
from organism.cli.stores import opened
from organism.errors import BadInput

_FILES = (".json", ".txt", ".genome")


def chosen(options: Options) -> Genome:
    """The genome of STRATEGY with `--param`. Raises `BadInput`, with what was perhaps meant."""
    name: str = options.strategy
    given = parameters(options.param)
    if name in SEEDS:
        return seed(name, **given)
    genome = _of_file(Path(name)) if "/" in name or name.endswith(_FILES) else _of_store(name, options)
    if not genome.conditions and genome.family not in SEEDS:
        raise BadInput(
            f"{genome.genome_id} is a founder: it forecasts bar by bar, and has no entry or exit to simulate. "
            f"Seeds are {', '.join(SEEDS)}."
        )
    return _changed(genome, given)


def parameters(texts: list[str]) -> dict[str, float | str]:
    """`k=v` → values; what is no number stays text, for choices.

    >>> parameters(["fast=12", "anchor=week"])
    {'fast': 12.0, 'anchor': 'week'}
    """
    found: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise BadInput(f"--param wants NAME=VALUE; was {text!r}.")
        if name in found:
            raise BadInput(f"--param names {name!r} twice; give it once.")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def _of_file(path: Path) -> Genome:
    try:
        with path.open("rb") as file:
            text = file.read(4 * MOST_JSON + 1).decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8; a genome is JSON or text.") from None
    try:
        return read_genome(text)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def _of_store(name: str, options: Options) -> Genome:
    path = state_folder(options) / "genome.db"
    known: list[str] = []
    if path.exists():
        with opened(path) as store:
            record = store.get(name)
            if record is not None:
                return record.genome()
            known = [one.genome_id for one in store.records()]
    shown = name[:80]
    raise BadInput(
        f"there is no strategy {shown!r}.{suggestion(shown, [*SEEDS, *known])} Name a seed ({', '.join(SEEDS)}), a "
        "genome's id from `organism genome list`, or a file."
    )


def _changed(genome: Genome, given: dict[str, float | str]) -> Genome:
    genes = dict(genome.genes)
    for name, value in given.items():
        if name not in genes and name not in GENES:
            raise BadInput(
                f"{genome.genome_id} has no gene {name!r}.{suggestion(name, [*genes, *GENES])} "
                f"It has {', '.join(genes) or 'none'}, and takes any gene of the simulator."
            )
        choices = GENES[name].choices if name in GENES else ()
        if isinstance(value, str) and value not in choices:
            wanted = " or ".join(choices) or "a number"
            raise BadInput(f"gene {name!r} is {wanted}; was {value!r}.{suggestion(value, choices)}")
        genes[name] = float(choices.index(value)) if isinstance(value, str) else value
    changed = msgspec.structs.replace(genome, genes=tuple(sorted(genes.items())))
    check(changed)
    return changed
