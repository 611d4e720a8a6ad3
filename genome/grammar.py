"""Text → trees: `ema(12) crosses_above ema(26) and rsi(14) < 70`.

```
condition   or  <  and  <  not  <  comparison            comparison: > < >= <= crosses_above crosses_below
series      + -  <  * /  <  -x                           parentheses anywhere
values      12  0.05  1e-7    columns: close, volume, …   abs(x)  min(a, b)  max(a, b)   true  false
indicators  ema(12)  ema(high, 12)  sma(rsi(14), 5)  vwap(week)  rsi()  ema(12)@4h
names       any other word is a constant whose value stands among the genome's genes: ema(fast) > ema(slow)
```

Arguments left out at the end of an indicator take its defaults. `#` begins a comment that ends with the line.
Reading is bounded: the text's length first, then depth and nodes while the tree grows. Bounds of arguments and
values of named constants are not the grammar's: see `genome.checking`.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import NamedTuple, cast

from genome.limits import MOST_DEPTH, MOST_NAME, MOST_NODES
from genome.printing import COMPARISON, NOT, POWERS, SIGN
from genome.tokens import SHOWN, Token, fail, tokens, value
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
    Node,
    Not,
    Number,
    Series,
    Truth,
    Unary,
)
from genome.vocabulary import COLUMNS, TIMEFRAMES, WORDS, Parameter, Word
from organism.errors import BadInput

FUNCTIONS = {"abs": 1, "min": 2, "max": 2}
KEYWORDS = frozenset({"and", "or", "not", "true", "false", "crosses_above", "crosses_below"})
CHOICES = frozenset(c for word in WORDS.values() for p in word.parameters for c in p.choices)
RESERVED = KEYWORDS | FUNCTIONS.keys() | WORDS.keys() | CHOICES | set(COLUMNS)
"""Words that no constant may be called by: their text would mean something else."""

_MOST_OPEN = 4 * MOST_DEPTH


class _Part(NamedTuple):
    """A node, its depth, and the column where its text begins."""

    node: Node
    depth: int
    at: int


def parse_condition(text: str) -> Condition:
    """Read a condition. Raises `BadInput` with the column and what was expected there.

    >>> parse_condition("close > 1 and not rsi() < 30").left
    Compare(operator='>', left=Column(name='close'), right=Number(value=1.0))
    """
    part = _Reader(text).whole()
    if not isinstance(part.node, Condition):
        raise BadInput(
            "a condition was expected, but this is a series of numbers; compare it with something, as in close > 1."
        )
    return part.node


def parse_series(text: str) -> Series:
    """Read a series. Raises `BadInput` with the column and what was expected there.

    >>> parse_series("rsi(14)@4h")
    Indicator(name='rsi', arguments=(Number(value=14.0),), source=None, timeframe='4h')
    """
    part = _Reader(text).whole()
    if not isinstance(part.node, Series):
        raise BadInput("a series of numbers was expected, but this is a condition.")
    return part.node


def suggestion(word: str, known: Collection[str]) -> str:
    """Ask "did you mean …?" where a known word is close; else nothing."""
    close = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


class _Reader:
    """Reads by precedence: operands by what they begin with, operators while they bind tightly enough."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._open = 0
        self._nodes = 0

    def whole(self) -> _Part:
        part = self._expression(0)
        token = self._peek()
        if token.kind != "end":
            if token.text in WORDS or token.kind in {"name", "number"}:
                fail(token.at, f"an operator or the end was expected, was {token}.")
            fail(token.at, f"the end was expected, was {token}.")
        return part

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, text: str, why: str) -> Token:
        token = self._take()
        if token.text != text:
            fail(token.at, f"{text!r} was expected {why}, was {token}.")
        return token

    def _made(self, node: Node, at: int, *parts: _Part) -> _Part:
        self._nodes += 1
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MOST_DEPTH:
            fail(at, f"the expression is more than {MOST_DEPTH} levels deep, which is the most; split it.")
        if self._nodes > MOST_NODES:
            fail(at, f"the expression has more than {MOST_NODES} nodes, which is the most; shorten it.")
        return _Part(node, depth, at)

    def _expression(self, floor: int) -> _Part:
        self._open += 1
        if self._open > _MOST_OPEN:
            fail(
                self._peek().at,
                f"more than {_MOST_OPEN} levels of nesting are open; simplify the expression.",
            )
        left = self._operand()
        while (power := POWERS.get(self._peek().text, 0)) >= max(floor, 1):
            operator = self._take()
            if power == COMPARISON and isinstance(left.node, Compare | Cross):
                fail(
                    operator.at,
                    f"{operator} compares two series, but before it stands a comparison; join both with and.",
                )
            right = self._expression(power + 1)
            left = self._joined(left, operator, right)
        self._open -= 1
        return left

    def _joined(self, left: _Part, operator: Token, right: _Part) -> _Part:
        sign = operator.text
        if sign in {"and", "or"}:
            first, second = _condition(left, sign), _condition(right, sign)
            node: Node = Both(first, second) if sign == "and" else Either(first, second)
        else:
            a, b = _series(left, sign), _series(right, sign)
            if POWERS[sign] == COMPARISON:
                node = Cross(sign, a, b) if sign.startswith("crosses") else Compare(sign, a, b)
            else:
                node = Binary(sign, a, b)
        return self._made(node, left.at, left, right)

    def _operand(self) -> _Part:
        token = self._take()
        if token.kind == "number":
            return self._made(Number(value(token)), token.at)
        if token.kind == "name":
            return self._named(token)
        if token.text == "-":
            if self._peek().kind == "number":
                return self._made(Number(-value(self._take())), token.at)
            inner = self._expression(SIGN)
            return self._made(Unary("-", _series(inner, "-")), token.at, inner)
        if token.text == "(":
            inner = self._expression(0)
            self._expect(")", f"for the parenthesis of column {token.at}")
            return inner._replace(at=token.at)
        return fail(token.at, f"a value, a name or a parenthesis was expected, was {token}.")

    def _named(self, token: Token) -> _Part:
        name, called = token.text, self._peek().text == "("
        if name == "not":
            inner = self._expression(NOT)
            return self._made(Not(_condition(inner, name)), token.at, inner)
        if name in {"true", "false"}:
            return self._made(Truth(name == "true"), token.at)
        if name in KEYWORDS:
            fail(token.at, f"a value was expected, was {token}.")
        if called and name in FUNCTIONS:
            return self._function(token)
        if called and name in WORDS:
            return self._indicator(token)
        if called:
            known = WORDS.keys() | FUNCTIONS.keys()
            fail(token.at, f"there is no indicator {name!r}.{suggestion(name, known)}")
        if name in COLUMNS:
            return self._made(Column(name), token.at)
        if name in WORDS or name in FUNCTIONS:
            fail(token.at, f"{name!r} needs its parentheses, as in {name}(…).")
        return self._made(self._gene(token), token.at)

    def _gene(self, token: Token) -> Gene:
        if token.text in RESERVED:
            fail(token.at, f"{token} cannot stand here; it has a meaning of its own.")
        if len(token.text) > MOST_NAME:
            fail(token.at, f"a name has at most {MOST_NAME} characters, was {len(token.text)}.")
        return Gene(token.text)

    def _function(self, token: Token) -> _Part:
        self._take()
        parts = [self._expression(0)]
        for _ in range(FUNCTIONS[token.text] - 1):
            self._expect(",", f"between the arguments of {token.text}")
            parts.append(self._expression(0))
        self._expect(")", f"after the argument of {token.text}")
        values = [_series(part, token.text) for part in parts]
        node = Unary(token.text, values[0]) if len(values) == 1 else Binary(token.text, values[0], values[1])
        return self._made(node, token.at, *parts)

    def _indicator(self, token: Token) -> _Part:
        word = WORDS[token.text]
        self._take()
        source: _Part | None = None
        arguments: list[Number | Gene] = []
        first = True
        while self._peek().text != ")":
            if not first:
                self._expect(",", f"or ')' in {word.name}(…)")
            ahead = self._peek()
            if ahead.kind == "name" and (ahead.text in COLUMNS or self._peek(1).text == "("):
                source = self._source(word, first=first)
            else:
                arguments.append(self._argument(word, len(arguments)))
            first = False
        self._take()
        arguments.extend(Number(p.default) for p in word.parameters[len(arguments) :])
        of = None if source is None else cast("Column | Indicator", source.node)
        node = Indicator(word.name, tuple(arguments), of, self._timeframe())
        return self._made(node, token.at, *(() if source is None else (source,)))

    def _source(self, word: Word, *, first: bool) -> _Part:
        ahead = self._peek()
        if not word.takes_source:
            fail(
                ahead.at, f"{word.name} is computed of the bars themselves and takes no source, was {ahead}."
            )
        if not first:
            fail(ahead.at, f"only the first argument of {word.name} may be a series, was {ahead}.")
        part = self._expression(SIGN)
        if not isinstance(part.node, Column | Indicator):
            fail(ahead.at, f"the source of {word.name} is a column or an indicator, was {ahead}.")
        return part

    def _argument(self, word: Word, index: int) -> Number | Gene:
        token = self._take()
        if index >= len(word.parameters):
            fail(token.at, f"{_takes(word)}, was given more.")
        parameter = word.parameters[index]
        if token.text == "-" and self._peek().kind == "number":
            return Number(-value(self._take()))
        if token.kind == "number":
            return Number(value(token))
        if token.kind != "name" or token.text in KEYWORDS:
            fail(token.at, f"{parameter.name!r} of {word.name} is a number or a name, was {token}.")
        if token.text in parameter.choices:
            return Number(float(parameter.choices.index(token.text)))
        if parameter.choices and token.text in CHOICES:
            fail(token.at, f"{parameter.name!r} of {word.name} is {_or(parameter)}, was {token}.")
        return self._gene(token)

    def _timeframe(self) -> str:
        if self._peek().text != "@":
            return ""
        at = self._take().at
        text = ""
        while self._peek().kind in {"number", "name"} and len(text) < SHOWN:
            text += self._take().text
            if text[-1:].isalpha():
                break
        if not text or text not in TIMEFRAMES:
            fail(
                at,
                f"after @ a timeframe was expected ({', '.join(t for t in TIMEFRAMES if t)}), was {text!r}.",
            )
        return text


def _condition(part: _Part, operator: str) -> Condition:
    if not isinstance(part.node, Condition):
        fail(
            part.at, f"{operator!r} takes conditions, but here stands a series of numbers; compare it first."
        )
    return part.node


def _series(part: _Part, operator: str) -> Series:
    if not isinstance(part.node, Series):
        fail(
            part.at,
            f"{operator!r} takes series of numbers, but here stands a condition; join conditions with and.",
        )
    return part.node


def _takes(word: Word) -> str:
    names = ", ".join(p.name for p in word.parameters) or "no argument"
    return f"{word.name} takes {names}"


def _or(parameter: Parameter) -> str:
    return " or ".join(parameter.choices)
