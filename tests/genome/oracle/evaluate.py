"""What an expression is worth at each bar: SEMANTICS.md, section 2, one node and one bar at a time.

A series is a list of floats (NaN where there is no value), a condition a list of True, False or None (unknown).
"""

import math

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

NAN = math.nan
Levels = list[bool | None]


def voids(market: Market) -> list[bool]:
    """Bars with NaN in open, high, low or close."""
    rows = [market.column(name).tolist() for name in ("open", "high", "low", "close")]
    return [any(math.isnan(price) for price in bar) for bar in zip(*rows, strict=True)]


def signal(condition: Condition | None, market: Market) -> list[bool]:
    """True where the condition is true: unknown is false, absent is false, and void bars say nothing."""
    if condition is None:
        return [False] * market.size
    return [
        level is True and not void
        for level, void in zip(levels(condition, market), voids(market), strict=True)
    ]


def levels(condition: Condition, market: Market) -> Levels:
    """Three-valued worth of a condition at each bar."""
    match condition:
        case Truth(value):
            return [value] * market.size
        case Not(operand):
            return [negation(a) for a in levels(operand, market)]
        case Both(left, right):
            return [both(a, b) for a, b in pairs(levels(left, market), levels(right, market))]
        case Either(left, right):
            return [either(a, b) for a, b in pairs(levels(left, market), levels(right, market))]
        case Compare(operator, left, right):
            return [comparison(operator, a, b) for a, b in pairs(series(left, market), series(right, market))]
        case Cross(operator, left, right):
            return crosses(operator, series(left, market), series(right, market))
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


def series(node: Series, market: Market) -> list[float]:
    """Numbers of a series at each bar; columns and indicators are NaN on void bars."""
    match node:
        case Number(value):
            return [value] * market.size
        case Column(name):
            return known(market.column(name).tolist(), market)
        case Indicator():
            return known(indicator(node, market), market)
        case Unary("-", operand):
            return [-x for x in series(operand, market)]
        case Unary("abs", operand):
            return [abs(x) for x in series(operand, market)]
        case Binary(operator, left, right):
            return [arithmetic(operator, a, b) for a, b in pairs(series(left, market), series(right, market))]
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


def indicator(node: Indicator, market: Market) -> list[float]:
    """The column of an indicator: those kernels have oracles of their own (TA-Lib, and plain loops)."""
    arguments = tuple(argument.value for argument in node.arguments)
    source = None if node.source is None else np.array(series(node.source, market))
    return indicators.compute(node.name, arguments, market, source, node.timeframe).tolist()
