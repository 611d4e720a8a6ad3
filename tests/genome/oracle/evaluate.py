"""What an expression is worth at each bar: SEMANTICS.md, section 2, one node and one bar at a time.

A series is a list of floats (NaN where there is no value), a condition a list of True, False or None (unknown).
`among` are all markets of a joint run, for the words that compare assets; a market alone has none to compare with.
"""

import math
from collections.abc import Sequence

import numpy as np

from genome import indicators
from genome.market import Market
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Condition,
    Cross,
    Either,
    Indicator,
    Not,
    Number,
    Series,
    Truth,
    Unary,
)
from genome.vocabulary import WORDS
from tests.genome.oracle.panel import panel_word
from tests.genome.oracle.prices import voids

NAN = math.nan
Levels = list[bool | None]
Among = Sequence[Market]


def signal(condition: Condition | None, market: Market, among: Among = ()) -> list[bool]:
    """True where the condition is true: unknown is false, absent is false, and void bars say nothing."""
    if condition is None:
        return [False] * market.size
    return [
        level is True and not void
        for level, void in zip(levels(condition, market, among), voids(market), strict=True)
    ]


def levels(condition: Condition, market: Market, among: Among = ()) -> Levels:
    """Three-valued worth of a condition at each bar."""
    match condition:
        case Truth(value):
            return [value] * market.size
        case Not(operand):
            return [negation(a) for a in levels(operand, market, among)]
        case Both(left, right):
            return [both(a, b) for a, b in pairs(levels(left, market, among), levels(right, market, among))]
        case Either(left, right):
            return [either(a, b) for a, b in pairs(levels(left, market, among), levels(right, market, among))]
        case Compare(operator, left, right):
            return [
                comparison(operator, a, b)
                for a, b in pairs(series(left, market, among), series(right, market, among))
            ]
        case Cross(operator, left, right):
            return crosses(operator, series(left, market, among), series(right, market, among))
    raise AssertionError(condition)


def pairs(left, right):
    return zip(left, right, strict=True)


def negation(a):
    """Not unknown is unknown."""
    return None if a is None else not a


def both(a, b):
    """Kleene: false wins, then unknown."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def either(a, b):
    """Kleene: true wins, then unknown."""
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def comparison(operator, a, b):
    """Unknown where either side is NaN."""
    if math.isnan(a) or math.isnan(b):
        return None
    return {">": a > b, "<": a < b, ">=": a >= b, "<=": a <= b}[operator]


def crosses(operator, left, right) -> Levels:
    """Beyond, and not beyond one bar earlier, by Kleene; before the first bar nothing is known."""
    beyond = [
        comparison({"crosses_above": ">", "crosses_below": "<"}[operator], a, b)
        for a, b in pairs(left, right)
    ]
    earlier = [None, *beyond[:-1]]
    return [both(now, negation(before)) for now, before in pairs(beyond, earlier)]


def series(node: Series, market: Market, among: Among = ()) -> list[float]:
    """Numbers of a series at each bar; columns and indicators are NaN on void bars."""
    match node:
        case Number(value):
            return [value] * market.size
        case Column(name):
            return known(market.column(name).tolist(), market)
        case Indicator(name) if WORDS[name].panel:
            return panel_word(name, int(node.arguments[0].value), market, list(among))
        case Indicator():
            return known(indicator(node, market, among), market)
        case Unary("-", operand):
            return [-x for x in series(operand, market, among)]
        case Unary("abs", operand):
            return [abs(x) for x in series(operand, market, among)]
        case Binary(operator, left, right):
            return [
                arithmetic(operator, a, b)
                for a, b in pairs(series(left, market, among), series(right, market, among))
            ]
    raise AssertionError(node)


def known(values: list[float], market: Market) -> list[float]:
    return [NAN if void else x for x, void in zip(values, voids(market), strict=True)]


def arithmetic(operator, a, b):
    """NaN in, NaN out; division by zero is NaN."""
    if math.isnan(a) or math.isnan(b):
        return NAN
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return NAN if b == 0 else a / b
        case "min":
            return min(a, b)
        case "max":
            return max(a, b)
    raise AssertionError(operator)


def indicator(node: Indicator, market: Market, among: Among) -> list[float]:
    """The column of an indicator: those kernels have oracles of their own (TA-Lib, and plain loops)."""
    arguments = tuple(argument.value for argument in node.arguments)
    source = None if node.source is None else np.array(series(node.source, market, among))
    return indicators.compute(node.name, arguments, market, source, node.timeframe).tolist()
