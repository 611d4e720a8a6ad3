"""Trees → text. What is printed here, `genome.grammar` reads back to the same tree, node for node."""

import math
from collections.abc import Sequence

from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Cross,
    Either,
    Gene,
    Indicator,
    Node,
    Not,
    Number,
    Truth,
    Unary,
)
from genome.vocabulary import WORDS, Parameter
from organism.errors import BadInput

# How tightly each form binds; the reader of `genome.grammar` uses the same ladder.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(1, 9)
POWERS = {
    "or": OR, "and": AND, ">": COMPARISON, "<": COMPARISON, ">=": COMPARISON, "<=": COMPARISON,
    "crosses_above": COMPARISON, "crosses_below": COMPARISON, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT,
}  # fmt: skip

_LARGEST_WHOLE = 1e15


def to_text(node: Node) -> str:
    """Write an expression, with no parenthesis more than it needs.

    >>> to_text(Compare("<", Indicator("rsi", (Number(14),)), Number(70)))
    'rsi(14) < 70'
    """
    try:
        return _text(node, 0)
    except RecursionError:
        raise BadInput("the expression is nested too deeply to be written; check it first.") from None


def number_text(value: float) -> str:
    """Shortest decimal that reads back to the same number: 12, 0.05, 1e-07. Raises `BadInput` unless finite.

    >>> number_text(12.0), number_text(-0.5)
    ('12', '-0.5')
    """
    if not math.isfinite(value):
        raise BadInput(f"a constant was {value}; constants are finite numbers.")
    if value == int(value) and abs(value) < _LARGEST_WHOLE:
        return f"{value:.0f}"  # keeps the sign of −0
    return repr(float(value))


def _text(node: Node, floor: int) -> str:
    """Write a node; in parentheses where it binds less tightly than `floor`."""
    text, power = _written(node)
    return f"({text})" if power < floor else text


def _written(node: Node) -> tuple[str, int]:
    match node:
        case Number(value=value):
            return number_text(value), ATOM
        case Gene(name=name) | Column(name=name):
            return name, ATOM
        case Indicator():
            return _indicator(node), ATOM
        case Unary(operator="abs", operand=operand):
            return f"abs({_text(operand, 0)})", ATOM
        case Unary(operator=operator, operand=operand):
            # A sign before digits is part of the number, so a negated number stands in parentheses.
            inner = _text(operand, SIGN)
            return f"{operator}({inner})" if isinstance(operand, Number) else f"{operator}{inner}", SIGN
        case Binary(operator="min" | "max" as operator, left=left, right=right):
            return f"{operator}({_text(left, 0)}, {_text(right, 0)})", ATOM
        case Not(operand=operand):
            return f"not {_text(operand, NOT)}", NOT
        case Truth(value=value):
            return "true" if value else "false", ATOM
        case Both(left=left, right=right):
            return f"{_text(left, AND)} and {_text(right, AND + 1)}", AND
        case Either(left=left, right=right):
            return f"{_text(left, OR)} or {_text(right, OR + 1)}", OR
        case (
            Compare(operator=operator, left=left, right=right)
            | Cross(operator=operator, left=left, right=right)
        ):
            return f"{_text(left, SUM)} {operator} {_text(right, SUM)}", COMPARISON
        case Binary(operator=operator, left=left, right=right):
            power = POWERS.get(operator, ATOM)
            return f"{_text(left, power)} {operator} {_text(right, power + 1)}", power


def _indicator(node: Indicator) -> str:
    word = WORDS.get(node.name)
    parameters: Sequence[Parameter | None] = word.parameters if word else ()
    parts = [] if node.source is None else [_text(node.source, 0)]
    for i, argument in enumerate(node.arguments):
        parts.append(_argument(argument, parameters[i] if i < len(parameters) else None))
    timeframe = f"@{node.timeframe}" if node.timeframe else ""
    return f"{node.name}({', '.join(parts)}){timeframe}"


def _argument(argument: Number | Gene, parameter: Parameter | None) -> str:
    if isinstance(argument, Gene):
        return argument.name
    if parameter is not None and parameter.choices:
        return choice_text(argument.value, parameter.choices)
    return number_text(argument.value)


def choice_text(value: float, choices: Sequence[str]) -> str:
    """The name of a choice, or the number where it names none."""
    whole = 0 <= value < len(choices) and value == int(value)
    return choices[int(value)] if whole else number_text(value)
