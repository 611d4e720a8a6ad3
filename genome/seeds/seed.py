"""What a seed is, and how a genome is made of one."""

from collections.abc import Mapping
from dataclasses import dataclass

from genome.genes import GENES, GeneSpec
from genome.genome import Genome
from genome.grammar import parse_condition, suggestion
from genome.identity import canonical
from genome.learned.genes import LEARNED
from organism.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A textbook strategy as a genome: conditions as text, parameters with their textbook names.

    genes         its parameters: constants of the conditions, and genes of the simulator that belong to the rule; each
                  with bounds and the value it has when none is given (`default`)
    mathematics   the rule, exactly
    why           what it hopes to live by
    source        where it comes from
    rows          of the requirements
    example       what a person computed, and a test holds
    columns       of the market, beyond prices and volume, without which it never fires
    enabled       False: left out unless asked for
    """

    name: str
    genes: tuple[GeneSpec, ...]
    mathematics: str
    why: str
    source: str
    rows: str
    example: str
    entry_long: str = ""
    exit_long: str = ""
    entry_short: str = ""
    exit_short: str = ""
    columns: tuple[str, ...] = ()
    enabled: bool = True

    @property
    def family(self) -> str:
        """The family of its genomes."""
        return self.name

    @property
    def learns(self) -> bool:
        """Its signals come from a model (`genome.learned`), not from conditions."""
        return self.name in LEARNED

    def genome(self, parameters: Mapping[str, float | str]) -> Genome:
        """Its genome, with these parameters and its defaults for the others; raises `BadInput`.

        Any gene of the simulator may be given beside its own: stop=0.05. A choice may be given by name: anchor="week".
        """
        own = {spec.name: spec for spec in self.genes}
        values = {spec.name: spec.default for spec in self.genes if spec.default is not None}
        for name, given in parameters.items():
            spec = own.get(name) or GENES.get(name)
            if spec is None:
                raise BadInput(
                    f"seed {self.name!r} has no parameter {name!r}.{suggestion(name, (*own, *GENES))} "
                    f"It takes {', '.join(own)}, and the genes of the simulator."
                )
            values[name] = _number(spec, given)
            spec.check(values[name])
        return Genome(
            family=self.family,
            entry_long=parse_condition(self.entry_long) if self.entry_long else None,
            exit_long=parse_condition(self.exit_long) if self.exit_long else None,
            entry_short=parse_condition(self.entry_short) if self.entry_short else None,
            exit_short=parse_condition(self.exit_short) if self.exit_short else None,
            genes=canonical(tuple(values.items())),
        )


def _number(spec: GeneSpec, given: float | str) -> float:
    if isinstance(given, str):
        if given in spec.choices:
            return float(spec.choices.index(given))
        try:
            return float(given)
        except ValueError:
            wanted = " or ".join(spec.choices) or "a number"
            hint = suggestion(given, spec.choices)
            raise BadInput(f"parameter {spec.name!r} is {wanted}; was {given!r}.{hint}") from None
    return float(given)
