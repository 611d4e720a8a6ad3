"""Whether a genome makes sense: types, names, bounds, limits. And the genome that engines compile."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import msgspec

from genome.families import check_without_conditions
from genome.genes import GENES, REGIME, Sizing
from genome.genome import Genome
from genome.grammar import RESERVED, suggestion
from genome.identity import canonical
from genome.limits import MOST_DEPTH, MOST_GENES, MOST_NAME, MOST_NESTED_SOURCES, MOST_NODES
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Condition,
    Cross,
    Either,
    Gene,
    Indicator,
    Not,
    Number,
    Series,
    Truth,
    Unary,
)
from genome.vocabulary import COLUMNS, TIMEFRAMES, WORDS, Parameter, Word
from organism.errors import BadInput

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MOST_NAME - 1}}}")
_MOST_GENERATION = 1_000_000_000
_OPERATORS: Mapping[type, tuple[str, ...]] = {
    Unary: ("-", "abs"),
    Binary: ("+", "-", "*", "/", "min", "max"),
    Compare: (">", "<", ">=", "<="),
    Cross: ("crosses_above", "crosses_below"),
}
_PERSON = {"entry_long": "entry long", "exit_long": "exit long", "entry_short": "entry short", "exit_short": "exit short"}  # fmt: skip


def check(genome: Genome) -> None:
    """Raise `BadInput` with one sentence unless every engine can run the genome."""
    if not isinstance(genome.family, str) or not _NAME.fullmatch(genome.family):
        raise BadInput(
            f"a family is named by at most {MOST_NAME} letters, digits and underscores; was {str(genome.family)[:80]!r}."
        )
    whole = isinstance(genome.generation, int) and not isinstance(genome.generation, bool)
    if not whole or not 0 <= genome.generation <= _MOST_GENERATION:
        raise BadInput(f"a generation is a whole number from 0 up; was {genome.generation!r}.")
    if len(genome.genes) > MOST_GENES:
        raise BadInput(f"a genome has at most {MOST_GENES} genes; was {len(genome.genes)}.")
    genes = dict(canonical(genome.genes))
    for name, value in genes.items():
        if name in GENES:
            GENES[name].check(value)
    used: set[str] = set()
    for name, tree in genome.conditions.items():
        used |= check_condition(tree, genes, _PERSON[name])
    if not genome.conditions:
        check_without_conditions(genome)
    elif genome.entry_long is None and genome.entry_short is None:
        raise BadInput("the genome has exits but no entry, so it would never trade; give it an entry.")
    else:
        _check_names(genes, used)
    _check_sizing(genes)


def check_condition(tree: Condition, genes: Mapping[str, float], where: str = "the condition") -> set[str]:
    """Raise `BadInput` unless the condition is well made; the names of the constants it uses.

    It walks without recursion, so that a tree of any depth is refused rather than overflowing.
    """
    used: set[str] = set()
    nodes = 0
    waiting: list[tuple[Any, int, Any]] = [(tree, 1, Condition)]
    while waiting:
        node, depth, wanted = waiting.pop()
        nodes += 1
        if depth > MOST_DEPTH:
            raise BadInput(f"{where} is more than {MOST_DEPTH} levels deep, which is the most; split it.")
        if nodes > MOST_NODES:
            raise BadInput(f"{where} has more than {MOST_NODES} nodes, which is the most; shorten it.")
        if not isinstance(node, wanted):
            expected = "a condition" if wanted is Condition else "a series of numbers"
            raise BadInput(f"{where}: {expected} was expected, was {type(node).__name__}.")
        try:
            inside = _check_node(node, genes, used)
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from None
        waiting.extend((child, depth + 1, kind) for child, kind in inside)
    return used


def bound(genome: Genome) -> Genome:
    """The same genome with numbers for names in its conditions; all genes stay.

    A constant is rounded (half to even) where an indicator takes whole numbers. Raises `BadInput` for one without a
    value.
    """
    genes = dict(canonical(genome.genes))
    trees = {name: _bound(tree, genes) for name, tree in genome.conditions.items()}
    return msgspec.structs.replace(genome, **trees)


def effective(genome: Genome) -> Genome:
    """The genome that engines compile: `bound`, and with the regime in the entries.

    Constants and regime genes leave the genes, so that equal programs are equal genomes whatever their constants were
    called. The name of a strategy remains that of the genome itself. The entries may be up to three levels deeper
    than `MOST_DEPTH`. Takes a checked genome. Applied twice it changes nothing more.
    """
    if not genome.conditions or all(name in GENES and name not in REGIME for name, _ in genome.genes):
        return genome  # no constant has a name, no regime is to be folded in
    ready = bound(genome)
    genes = dict(canonical(genome.genes))
    trees: dict[str, Condition] = {}
    for name, tree in ready.conditions.items():
        vetoes = _regime(genes, name) if name.startswith("entry") else ()
        trees[name] = reduce(Both, vetoes, tree)
    kept = tuple((name, genes[name]) for name in sorted(genes) if name in GENES and name not in REGIME)
    return msgspec.structs.replace(ready, genes=kept, **trees)


def _check_node(node: Any, genes: Mapping[str, float], used: set[str]) -> Iterable[tuple[Any, Any]]:
    """Check one node alone; what stands in it, with the type that belongs there."""
    operators = _OPERATORS.get(type(node))
    if operators is not None and node.operator not in operators:
        raise BadInput(
            f"there is no operator {str(node.operator)[:20]!r} here; {', '.join(operators)} are known."
        )
    match node:
        case Number(value=value):
            _finite(value)
        case Gene(name=name):
            used.add(_named(name, genes))
        case Column(name=name):
            if name not in COLUMNS:
                raise BadInput(f"there is no column {str(name)[:40]!r}.{suggestion(str(name), COLUMNS)}")
        case Indicator():
            return _check_indicator(node, genes, used)
        case Unary(operand=operand):
            return ((operand, Series),)
        case Binary(left=left, right=right) | Compare(left=left, right=right) | Cross(left=left, right=right):
            return (left, Series), (right, Series)
        case Not(operand=operand):
            return ((operand, Condition),)
        case Both(left=left, right=right) | Either(left=left, right=right):
            return (left, Condition), (right, Condition)
        case Truth(value=value):
            if not isinstance(value, bool):
                raise BadInput(f"a truth is true or false, was {value!r}.")
    return ()


def _check_indicator(
    node: Indicator, genes: Mapping[str, float], used: set[str]
) -> Iterable[tuple[Any, Any]]:
    word = WORDS.get(node.name)
    if word is None:
        raise BadInput(f"there is no indicator {str(node.name)[:40]!r}.{suggestion(str(node.name), WORDS)}")
    if len(node.arguments) != len(word.parameters):
        names = ", ".join(p.name for p in word.parameters) or "no argument"
        raise BadInput(f"{word.name} takes {names}; was given {len(node.arguments)}.")
    for parameter, argument in zip(word.parameters, node.arguments, strict=True):
        if isinstance(argument, Gene):
            value = genes[_named(argument.name, genes)]
            used.add(argument.name)
            _check_argument(word, parameter, _whole(value, parameter), f" (the constant {argument.name!r})")
        elif isinstance(argument, Number):
            _check_argument(word, parameter, argument.value, "")
        else:
            raise BadInput(
                f"{parameter.name!r} of {word.name} is a number or a name, was {type(argument).__name__}."
            )
    if node.timeframe not in TIMEFRAMES:
        known = ", ".join(t for t in TIMEFRAMES if t)
        raise BadInput(f"{word.name} has the timeframe {str(node.timeframe)[:20]!r}; {known} are known.")
    return _check_source(node, word)


def _check_source(node: Indicator, word: Word) -> Iterable[tuple[Any, Any]]:
    if node.source is None:
        return ()
    if not word.takes_source:
        raise BadInput(f"{word.name} is computed of the bars themselves and takes no source.")
    if not isinstance(node.source, Column | Indicator):
        raise BadInput(
            f"the source of {word.name} is a column or an indicator, was {type(node.source).__name__}."
        )
    nested, source = 0, node.source
    while isinstance(source, Indicator):
        nested += 1
        if source.timeframe:
            raise BadInput(
                f"{source.name} has a timeframe, but it is the source of {word.name}; give the timeframe to the outermost."
            )
        if nested > MOST_NESTED_SOURCES:
            raise BadInput(f"{word.name} nests more than {MOST_NESTED_SOURCES} sources, which is the most.")
        if source.source is None:
            break
        source = source.source
    return ((node.source, Series),)


def _check_argument(word: Word, parameter: Parameter, value: float, whose: str) -> None:
    _finite(value)
    if not parameter.low <= value <= parameter.high:
        span = " or ".join(parameter.choices) or f"from {parameter.low:g} to {parameter.high:g}"
        raise BadInput(f"{parameter.name!r} of {word.name} is {span}; was {value:g}{whose}.")
    if (parameter.integer or parameter.choices) and value != int(value):
        raise BadInput(f"{parameter.name!r} of {word.name} is a whole number; was {value:g}{whose}.")


def _finite(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"a constant was {value!r}; constants are finite numbers.")


def _named(name: Any, genes: Mapping[str, float]) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        raise BadInput(f"a constant cannot be named {str(name)[:60]!r}; take another word.")
    if name in GENES and GENES[name].choices:
        raise BadInput(f"{name!r} is a choice, not a number, so no condition can use it.")
    if name not in genes:
        hint = suggestion(name, (*COLUMNS, *genes))
        raise BadInput(f"the constant {name!r} has no value; give it one among the genes.{hint}")
    return name


def _check_names(genes: Mapping[str, float], used: set[str]) -> None:
    for name in genes:
        if name not in GENES and name not in used:
            raise BadInput(
                f"gene {name!r} is unknown, and no condition uses it.{suggestion(name, (*GENES, *used))}"
            )


def _check_sizing(genes: Mapping[str, float]) -> None:
    sizing = genes.get("sizing")
    if sizing == Sizing.RISK and "stop" not in genes and "stop_atr" not in genes:
        raise BadInput(
            "sizing=risk measures the distance to a stop; give the genome the gene stop or stop_atr."
        )


def _whole(value: float, parameter: Parameter) -> float:
    return float(round(value)) if parameter.integer or parameter.choices else value


def _bound(node: Any, genes: Mapping[str, float]) -> Any:
    """The same tree with numbers for names."""
    match node:
        case Gene(name=name):
            return Number(genes[_named(name, genes)])
        case Indicator(arguments=arguments, source=source):
            parameters = WORDS[node.name].parameters
            bound = tuple(
                Number(_whole(genes[_named(a.name, genes)], p)) if isinstance(a, Gene) else a
                for a, p in zip(arguments, parameters, strict=True)
            )
            inner = None if source is None else _bound(source, genes)
            return msgspec.structs.replace(node, arguments=bound, source=inner)
        case Unary(operand=operand) | Not(operand=operand):
            return msgspec.structs.replace(node, operand=_bound(operand, genes))
        case Binary() | Compare() | Cross() | Both() | Either():
            return msgspec.structs.replace(
                node, left=_bound(node.left, genes), right=_bound(node.right, genes)
            )
        case _:
            return node


def _regime(genes: Mapping[str, float], entry: str) -> Iterable[Condition]:
    """Conditions under which the regime genes let an entry be. Unknown is no entry: also where nothing moved at all."""
    ratio = Indicator("volatility_ratio", (Number(20.0), Number(100.0)))
    if "volatility_floor" in genes:
        yield Compare(">=", ratio, Number(genes["volatility_floor"]))
    if "volatility_multiple" in genes:
        yield Compare("<=", ratio, Number(genes["volatility_multiple"]))
    sensitivity = genes.get("fear_greed_sensitivity", 0.0)
    if sensitivity > 0.0:
        mood = Column("fear_greed")
        if entry == "entry_long":
            yield Compare("<=", mood, Number(100.0 - 50.0 * sensitivity))
        else:
            yield Compare(">=", mood, Number(50.0 * sensitivity))
