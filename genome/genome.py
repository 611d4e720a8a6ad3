"""A genome: four conditions and the genes they and the simulator use. A frozen value with a name made of its content."""

from typing import Any

import msgspec

from genome.identity import Genes, canonical, content_hash, genome_id
from genome.limits import MOST_JSON
from genome.trees import Condition
from organism.errors import BadInput

CONDITIONS = ("entry_long", "exit_long", "entry_short", "exit_short")
"""Names of the four, in the order in which they are written everywhere."""


class Genome(msgspec.Struct, frozen=True, kw_only=True):
    """A heritable strategy.

    entry_long …   conditions, SEMANTICS.md section 3; None is never
    genes          name–value pairs, sorted: constants named in the trees, and genes of `genome.genes.GENES` (stop,
                   target, size, …). A gene of GENES that is absent is off.
    """

    family: str
    generation: int = 0
    entry_long: Condition | None = None
    exit_long: Condition | None = None
    entry_short: Condition | None = None
    exit_short: Condition | None = None
    genes: Genes = ()

    @property
    def conditions(self) -> dict[str, Condition]:
        """Those of the four that there are, by name."""
        return {name: tree for name in CONDITIONS if (tree := getattr(self, name)) is not None}

    @property
    def trees(self) -> str:
        """The conditions as canonical JSON; "" where there are none."""
        conditions = self.conditions
        return _json(_Trees(**conditions)) if conditions else ""

    @property
    def content_hash(self) -> str:
        """SHA-256 over family, genes and conditions, 64 hex digits."""
        return content_hash(self.family, self.genes, self.trees)

    @property
    def genome_id(self) -> str:
        """`{family}_{generation}_{hash8}`."""
        return genome_id(self.family, self.generation, self.genes, self.trees)

    def to_json(self) -> str:
        """One JSON object, with the identity in it."""
        document = _Document(
            genome_id=self.genome_id,
            family=self.family,
            generation=self.generation,
            genes=dict(canonical(self.genes)),
            **self.conditions,
        )
        return _json(document)

    @classmethod
    def from_json(cls, text: str) -> "Genome":
        """Read what `to_json` wrote. Its form is checked, and its identity where it has one; bounds are not.

        Raises `BadInput`. A genome from outside goes through `genome.checking.check` before anything else.
        """
        found: _Document = _decoded(text, _Document)
        genome = cls(
            family=found.family,
            generation=found.generation,
            genes=canonical(tuple(found.genes.items())),
            **found.conditions,
        )
        if found.genome_id not in {None, genome.genome_id}:
            raise BadInput(
                f"the JSON says genome {found.genome_id!r}, but its content is that of {genome.genome_id!r}; "
                "an id is never chosen, so leave it out or export the genome anew."
            )
        return genome


class _Trees(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions alone, as the store keeps them."""

    entry_long: Condition | None = None
    exit_long: Condition | None = None
    entry_short: Condition | None = None
    exit_short: Condition | None = None

    @property
    def conditions(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CONDITIONS}


class _Document(_Trees, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A genome as a file: genes are an object, which a person can read."""

    genome_id: str | None = None
    family: str
    generation: int = 0
    genes: dict[str, float] = {}


def trees_of(text: str) -> dict[str, Any]:
    """The conditions by name, from the JSON of `Genome.trees`. Raises `BadInput`."""
    return _decoded(text, _Trees).conditions if text else dict.fromkeys(CONDITIONS)


def _json(value: _Trees) -> str:
    try:
        # There and back once: what was built with 12 has the name of what was built with 12.0.
        return msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(value), type=type(value))).decode()
    except RecursionError:
        raise BadInput("the genome is nested too deeply; check it first.") from None
    except msgspec.MsgspecError as error:
        raise BadInput(f"the genome cannot be written as JSON: {error}.") from None


def _decoded(text: str, kind: Any) -> Any:
    if len(text) > MOST_JSON:
        raise BadInput(f"the genome's JSON has {len(text):,} characters; at most {MOST_JSON:,} are read.")
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        raise BadInput("the genome's JSON is nested too deeply; no expression needs that.") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadInput(f"the JSON is no genome: {str(error)[:200]}.") from None
