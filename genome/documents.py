"""A whole genome as text that a person can read and write, and that reads back to the same genome.

```
family: ema_crossover
generation: 0
entry long: ema(fast) crosses_above ema(slow)
exit long: ema(fast) crosses_below ema(slow)
genes: fast=12 slow=26 stop=0.05 sizing=risk risk=0.01
```

A label begins a line; an indented line goes on with the one before it; `#` begins a comment.
"""

from collections.abc import Mapping

from genome.checking import bound, check
from genome.genes import GENES
from genome.genome import CONDITIONS, Genome
from genome.grammar import parse_condition, suggestion
from genome.identity import Genes, canonical
from genome.limits import MOST_GENES, MOST_GENOME_TEXT
from genome.printing import choice_text, number_text, to_text
from organism.errors import BadInput

_LABELS = {name.replace("_", " "): name for name in CONDITIONS}
_KNOWN = ("family", "generation", *_LABELS, "genes")


def genome_text(genome: Genome) -> str:
    """Write a genome, one labelled line for each thing it has."""
    lines = [f"family: {genome.family}", f"generation: {genome.generation}"]
    conditions = genome.conditions
    lines += [
        f"{label}: {to_text(conditions[name])}" for label, name in _LABELS.items() if name in conditions
    ]
    if genome.genes:
        lines.append(f"genes: {genes_text(genome.genes)}")
    return "\n".join(lines) + "\n"


def canonical_text(genome: Genome) -> str:
    """The text a genome travels by: `genome_text`, checked, and proven to read back to the same genome.

    Raises `BadInput` for a genome that no engine could run.
    """
    check(genome)
    text = genome_text(genome)
    identified(genome.genome_id, text)
    return text


def identified(genome_id: str, text: str) -> Genome:
    """The checked genome of a text that must be this one's. Raises `BadInput`."""
    genome = parse_genome(text)
    if genome.genome_id != genome_id:
        raise BadInput(
            f"the text that came as genome {genome_id!r} is that of {genome.genome_id!r}; an id is never chosen."
        )
    return genome


def readable(genome: Genome) -> tuple[tuple[str, str], ...]:
    r"""(label, text) of everything a genome does, with numbers where its conditions name constants. Takes a checked one.

    >>> readable(parse_genome("family: x\nentry long: ema(fast) crosses_above ema(26)\ngenes: fast=12 stop=0.05"))
    (('entry long', 'ema(12) crosses_above ema(26)'), ('genes', 'stop=0.05'))
    """
    conditions = bound(genome).conditions
    lines = [(label, to_text(conditions[name])) for label, name in _LABELS.items() if name in conditions]
    genes = tuple((name, value) for name, value in genome.genes if not conditions or name in GENES)
    return (*lines, ("genes", genes_text(genes))) if genes else tuple(lines)


def genes_text(genes: Genes) -> str:
    """Write genes on one line; choices by name.

    >>> genes_text((("stop", 0.05), ("sizing", 1.0)))
    'sizing=risk stop=0.05'
    """
    return " ".join(f"{name}={gene_text(name, value)}" for name, value in canonical(genes))


def gene_text(name: str, value: float) -> str:
    """One gene's value as it is written."""
    spec = GENES.get(name)
    return choice_text(value, spec.choices) if spec is not None and spec.choices else number_text(value)


def summary(genome: Genome) -> str:
    """One line: what it enters on, or its genes where it has no conditions."""
    if not genome.conditions:
        return genes_text(genome.genes)
    sides = (("long", genome.entry_long), ("short", genome.entry_short))
    return "; ".join(f"{side}: {to_text(tree)}" for side, tree in sides if tree is not None)


def read_genome(text: str) -> Genome:
    """A checked genome from either form, JSON or text. Raises `BadInput`."""
    if text.lstrip()[:1] != "{":
        return parse_genome(text)
    genome = Genome.from_json(text)
    check(genome)
    return genome


def parse_genome(text: str) -> Genome:
    """A checked genome from its text. Raises `BadInput` with the line and what is wrong there."""
    if len(text) > MOST_GENOME_TEXT:
        raise BadInput(f"the genome has {len(text):,} characters; at most {MOST_GENOME_TEXT:,} are read.")
    found = _labelled(text)
    if "family" not in found:
        raise BadInput("the genome says no family; begin it with a line such as family: ema_crossover.")
    parts = {}
    for label, name in _LABELS.items():
        if label in found:
            number, condition = found[label]
            try:
                parts[name] = parse_condition(condition)
            except BadInput as error:
                raise BadInput(f"line {number}, {label}: {error}") from None
    genome = Genome(
        family=found["family"][1].strip(), generation=_generation(found), genes=_genes(found), **parts
    )
    check(genome)
    return genome


def _labelled(text: str) -> dict[str, tuple[int, str]]:
    """Line number and content by label."""
    found: dict[str, tuple[int, str]] = {}
    label = ""
    for number, line in enumerate(text.splitlines(), 1):
        said = line.split("#", 1)[0].rstrip()
        if not said:
            continue
        if said[0].isspace() and label:
            at, before = found[label]
            found[label] = (at, f"{before} {said.strip()}")
            continue
        label, colon, rest = said.partition(":")
        label = " ".join(label.split()).lower()
        if not colon or label not in _KNOWN:
            hint = suggestion(label[:40], _KNOWN) or f" Known are {', '.join(_KNOWN)}."
            raise BadInput(f"line {number}: {label[:40]!r} is no label of a genome.{hint}")
        if label in found:
            raise BadInput(f"line {number}: {label!r} stands on line {found[label][0]} already; say it once.")
        found[label] = (number, rest.strip())
    return found


def _generation(found: Mapping[str, tuple[int, str]]) -> int:
    number, said = found.get("generation", (0, "0"))
    if not (said.isascii() and said.isdigit() and len(said) <= 10):  # noqa: PLR2004 - a billion
        raise BadInput(f"line {number}: a generation is a whole number from 0 up; was {said[:20]!r}.")
    return int(said)


def _genes(found: Mapping[str, tuple[int, str]]) -> Genes:
    number, said = found.get("genes", (0, ""))
    words = said.replace(",", " ").split()
    if len(words) > MOST_GENES:
        raise BadInput(f"line {number}: a genome has at most {MOST_GENES} genes; was {len(words)}.")
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        choices = GENES[name].choices if name in GENES else ()
        if value in choices:
            pairs.append((name, float(choices.index(value))))
            continue
        try:
            pairs.append((name, float(value if equals else "")))
        except ValueError:
            wanted = f"one of {', '.join(choices)}" if choices else "a number, as in stop=0.05"
            raise BadInput(f"line {number}: gene {name[:40]!r} needs {wanted}; was {word[:60]!r}.") from None
    return canonical(tuple(pairs))
