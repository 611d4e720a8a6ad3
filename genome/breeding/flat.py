"""A flock: many genomes as a handful of arrays, and the way there and back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genome.breeding import tokens as tk
from genome.breeding.tokens import I32
from genome.checking import bound
from genome.genes import GENES
from genome.genome import CONDITIONS, Genome
from genome.market import F64, I64
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
    Truth,
    Unary,
)
from genome.vocabulary import COLUMN_INDEX, COLUMNS
from organism.errors import BadInput

GENE_NAMES = tuple(GENES)
"""The columns of `Flock.genes`."""
GENE_INDEX = {name: i for i, name in enumerate(GENE_NAMES)}
TREES = len(CONDITIONS)


@dataclass(frozen=True, slots=True, eq=False)
class Flock:
    """n genomes. Nobody writes into its arrays: variation makes new ones.

    tokens   int32 (N,): all trees end to end in prefix order, see `genome.breeding.tokens`
    values   float64 (N,): the number beside each token
    offsets  int64 (4·n + 1,): tree k of genome i (entry long, exit long, entry short, exit short) is at offsets[4·i + k]
             up to offsets[4·i + k + 1]; there is none where the two are equal
    genes    float64 (n, len(GENES)): in the order of `GENE_NAMES`; NaN is absent
    """

    tokens: I32
    values: F64
    offsets: I64
    genes: F64

    def __len__(self) -> int:
        return len(self.genes)

    def take(self, which: Sequence[int] | I64) -> "Flock":
        """The genomes with these indices, in this order; an index may stand twice."""
        chosen = np.asarray(which, np.int64).reshape(-1)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(self)):
            raise BadInput(
                f"a flock of {len(self)} has no genome {int(chosen.max())} or {int(chosen.min())}."
            )
        trees = (TREES * chosen[:, None] + np.arange(TREES)).reshape(-1)
        begins, sizes = self.offsets[trees], np.diff(self.offsets)[trees]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], sizes)
        return Flock(self.tokens[at], self.values[at], offsets, self.genes[chosen])

    def same(self, other: "Flock") -> bool:
        """Whether the genomes are the same, bit by bit."""
        pairs = zip(_arrays(self), _arrays(other), strict=True)
        return all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)


def _arrays(flock: Flock) -> tuple[Any, ...]:
    return flock.tokens, flock.values, flock.offsets, flock.genes


def joined(flocks: Iterable[Flock]) -> Flock:
    """One flock after another. Raises `BadInput` where there is none."""
    parts = list(flocks)
    if not parts:
        raise BadInput("no flock was given; join at least one.")
    offsets, total = [np.zeros(1, np.int64)], 0
    for part in parts:
        offsets.append(part.offsets[1:] + total)
        total += len(part.tokens)
    return Flock(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate(offsets),
        np.concatenate([part.genes for part in parts]),
    )


def flock_of(genomes: Iterable[Genome]) -> Flock:
    """Flatten checked genomes; numbers take the place of named constants, whose names are lost.

    Raises `BadInput` for a genome without conditions: a founder, or one of a family that learns.
    """
    tokens: list[int] = []
    values: list[float] = []
    offsets = [0]
    rows: list[list[float]] = []
    for genome in genomes:
        if not genome.conditions:
            raise BadInput(
                f"a genome of family {genome.family!r} has no conditions, so there is nothing to cross or mutate; "
                "breed from genomes that have an entry."
            )
        ready = bound(genome)
        for name in CONDITIONS:
            tree = getattr(ready, name)
            if tree is not None:
                _flatten(tree, tokens, values)
            offsets.append(len(tokens))
        row = [np.nan] * len(GENE_NAMES)
        for name, value in genome.genes:
            place = GENE_INDEX.get(name)
            if place is not None:
                row[place] = float(value)
        rows.append(row)
    return Flock(
        np.array(tokens, np.int32),
        np.array(values, np.float64),
        np.array(offsets, np.int64),
        np.array(rows, np.float64).reshape(-1, len(GENE_NAMES)),
    )


def genome_of(flock: Flock, i: int, family: str, generation: int = 0) -> Genome:
    """Genome i of a flock. Raises `BadInput` where there is none."""
    if not 0 <= i < len(flock):
        raise BadInput(f"a flock of {len(flock)} has no genome {i}; count from 0.")
    trees: dict[str, Condition] = {}
    for k, name in enumerate(CONDITIONS):
        begin, end = flock.offsets[TREES * i + k], flock.offsets[TREES * i + k + 1]
        if end > begin:
            trees[name] = _raised(flock.tokens[begin:end].tolist(), flock.values[begin:end].tolist())
    genes = tuple(
        (name, float(value)) for name, value in sorted(zip(GENE_NAMES, flock.genes[i], strict=True)) if value == value  # noqa: PLR0124 - NaN
    )  # fmt: skip
    return Genome(family=family, generation=generation, genes=genes, **trees)


def genomes_of(flock: Flock, family: str, generation: int = 0) -> list[Genome]:
    """All of them."""
    return [genome_of(flock, i, family, generation) for i in range(len(flock))]


_OPERATORS: dict[type, dict[str, int]] = {
    Unary: tk.UNARIES,
    Binary: tk.BINARIES,
    Compare: tk.COMPARISONS,
    Cross: tk.CROSSES,
}
_JOINED: dict[type, int] = {Both: tk.AND, Either: tk.OR, Not: tk.NOT}
_NAMED: dict[int, tuple[Any, str]] = {
    token: (kind, operator) for kind, known in _OPERATORS.items() for operator, token in known.items()
}
_JOINS: dict[int, Any] = {token: kind for kind, token in _JOINED.items()}


def _flatten(tree: Condition, tokens: list[int], values: list[float]) -> None:
    """Append a tree in prefix order."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        kind, value = type(node), 0.0
        if kind is Number:
            token, value = tk.NUMBER, float(node.value)
        elif kind is Truth:
            token, value = tk.TRUTH, float(node.value)
        elif kind is Column:
            token = tk.RAW + COLUMN_INDEX[node.name]
        elif kind is Indicator:
            tokens.append(tk.word_token(node.name, node.timeframe, source=node.source is not None))
            values.append(0.0)
            for argument in node.arguments:
                tokens.append(tk.ARGUMENT)
                values.append(float(argument.value))
            if node.source is not None:
                waiting.append(node.source)
            continue
        elif kind in _JOINED:
            token = _JOINED[kind]
        else:
            token = _OPERATORS[kind][node.operator]
        tokens.append(token)
        values.append(value)
        waiting.extend((node.operand,) if kind in {Unary, Not} else ())
        waiting.extend((node.right, node.left) if kind not in _LEAVES | {Unary, Not} else ())


_LEAVES = {Number, Truth, Column}


def _raised(tokens: list[int], values: list[float]) -> Condition:
    """The tree of some tokens: read backwards, every node finds its children on the stack, the first on top."""
    made: list[Any] = []
    for token, value in zip(reversed(tokens), reversed(values), strict=True):
        if token in {tk.NUMBER, tk.ARGUMENT}:
            made.append(Number(value))
        elif token == tk.TRUTH:
            made.append(Truth(value != 0.0))
        elif token >= tk.WORD:
            made.append(_indicator(token, made))
        elif token >= tk.RAW:
            made.append(Column(COLUMNS[token - tk.RAW]))
        elif token == tk.NOT:
            made.append(Not(made.pop()))
        elif token in _JOINS:
            made.append(_JOINS[token](made.pop(), made.pop()))
        else:
            kind, operator = _NAMED[token]
            made.append(
                kind(operator, made.pop()) if kind is Unary else kind(operator, made.pop(), made.pop())
            )
    tree: Condition = made.pop()
    return tree


def _indicator(token: int, made: list[Any]) -> Indicator:
    place = (token - tk.WORD) // 2
    word = tk.WORD_LIST[place // tk.N_TIMEFRAMES]
    arguments = tuple(made.pop() for _ in word.parameters)
    source = made.pop() if token & 1 else None
    return Indicator(word.name, arguments, source, tk.TIMEFRAME_LIST[place % tk.N_TIMEFRAMES])
