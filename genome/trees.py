"""Expression trees: typed, frozen, hashable, and JSON by themselves.

Two types: a *series* has a number at each bar (or NaN), a *condition* is true, false or unknown (SEMANTICS.md, 2).
Trees are data: checking, printing, reading and compiling live in their own modules.
"""

import msgspec


class _Node(msgspec.Struct, frozen=True, tag_field="is", gc=False):
    """Base of all nodes."""


class Number(_Node, frozen=True, tag="number", gc=False):
    """A constant."""

    value: float


class Gene(_Node, frozen=True, tag="gene", gc=False):
    """A constant by name; its value stands among the genome's genes, so that it can be tuned with the tree fixed."""

    name: str


class Column(_Node, frozen=True, tag="column", gc=False):
    """A column of the market, by its name in `genome.vocabulary.COLUMNS`."""

    name: str


class Indicator(_Node, frozen=True, tag="indicator", gc=False):
    """An indicator of `genome.vocabulary.WORDS`.

    arguments   one for each of its parameters, in order
    source      what it is computed of, where it takes a source; None is `close`
    timeframe   "" for the bars themselves, else a key of TIMEFRAMES: computed on those bars, visible after their close
    """

    name: str
    arguments: tuple["Number | Gene", ...] = ()
    source: "Column | Indicator | None" = None
    timeframe: str = ""


class Unary(_Node, frozen=True, tag="unary", gc=False):
    """operator: "-" or "abs"."""

    operator: str
    operand: "Series"


class Binary(_Node, frozen=True, tag="binary", gc=False):
    """operator: "+", "-", "*", "/", "min" or "max". Division by zero is NaN."""

    operator: str
    left: "Series"
    right: "Series"


Series = Number | Gene | Column | Indicator | Unary | Binary


class Compare(_Node, frozen=True, tag="compare", gc=False):
    """operator: ">", "<", ">=" or "<="."""

    operator: str
    left: Series
    right: Series


class Cross(_Node, frozen=True, tag="cross", gc=False):
    """operator: "crosses_above" or "crosses_below"."""

    operator: str
    left: Series
    right: Series


class Not(_Node, frozen=True, tag="not", gc=False):
    """Unknown stays unknown."""

    operand: "Condition"


class Both(_Node, frozen=True, tag="and", gc=False):
    """Kleene's and."""

    left: "Condition"
    right: "Condition"


class Either(_Node, frozen=True, tag="or", gc=False):
    """Kleene's or."""

    left: "Condition"
    right: "Condition"


class Truth(_Node, frozen=True, tag="truth", gc=False):
    """true or false."""

    value: bool


Condition = Compare | Cross | Not | Both | Either | Truth
Node = Series | Condition
