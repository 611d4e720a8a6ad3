"""Text → tokens, each with its column, for `genome.grammar`."""

import math
import re
from typing import NamedTuple, NoReturn

from genome.limits import MOST_TEXT
from organism.errors import BadInput

_TOKEN = re.compile(
    r"(?P<space>(?:\s|\#[^\n]*)+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>>=|<=|[-+*/<>(),@])"
)
_INSTEAD = {"=": ">= and <=", "&": "and", "|": "or", "!": "not", "≥": ">=", "≤": "<=", "[": "(", "]": ")"}
SHOWN = 20
"""Characters of a token that a message repeats."""


class Token(NamedTuple):
    """kind: "number", "name", "mark" or "end"; at: column, counted from 1."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text[:SHOWN])


def fail(at: int, sentence: str) -> NoReturn:
    """Refuse the text, naming the column."""
    raise BadInput(f"column {at}: {sentence}")


def tokens(text: str) -> list[Token]:
    """Split an expression; the last token is the end. Raises `BadInput` for what no expression contains."""
    if len(text) > MOST_TEXT:
        raise BadInput(f"the expression has {len(text):,} characters; at most {MOST_TEXT:,} are read.")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            instead = _INSTEAD.get(text[at])
            hint = f"; write {instead}" if instead else ""
            fail(at + 1, f"{text[at]!r} means nothing here{hint}.")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), at + 1))
        at = match.end()
    found.append(Token("end", "", len(text) + 1))
    return found


def value(token: Token) -> float:
    """The number a token of that kind stands for, which must be finite."""
    number = float(token.text)
    if not math.isfinite(number):
        fail(token.at, f"{token} is too large for a number.")
    return number
