"""Children of a flock: typed crossover, subtree, point and constant mutation, on tokens.

All are functions of parents, numbers and a generator; parents are never written to. A child that would break a limit is
tried anew, and after `_TRIES` failures is its mother (J. Koza 1992, section 6.5). Crossover exchanges subtrees of equal
place and kind (D. Montana 1995, "Strongly Typed Genetic Programming"): conditions with conditions, prices with prices.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from genome.breeding.altering import alter, constant
from genome.breeding.flat import TREES, Flock
from genome.breeding.growing import (
    CONDITION_GOAL,
    FACTOR_GOAL,
    GOALS,
    MOST_GROWN_DEPTH,
    SERIES_GOAL,
    SOURCE_GOAL,
    below,
    grow,
    tokens_of_depth,
    with_room,
)
from genome.breeding.inheritance import inherited
from genome.breeding.kinds import kinds_in
from genome.breeding.lexicon import ANY, PRICE, Lexicon
from genome.breeding.tokens import ARGUMENT, CONDITION, I32, SOURCE, measure
from genome.jit import kernel, step
from genome.limits import MOST_DEPTH, MOST_NESTED_SOURCES, MOST_NODES
from genome.market import F64, I64
from organism.errors import BadInput


class Operator(IntEnum):
    """What befalls the trees of a child."""

    NONE = 0
    CROSSOVER = 1
    SUBTREE = 2
    POINT = 3
    CONSTANT = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a varied tree may be; a mother that is larger stays as she is until a child is small enough.

    nodes, depth  of one condition, at most those of `genome.limits`
    grown         levels of a new subtree
    """

    nodes: int = MOST_NODES
    depth: int = MOST_DEPTH
    grown: int = 4

    def __post_init__(self) -> None:
        """Refuse what no genome may be."""
        bounds = (self.nodes, 3, MOST_NODES), (self.depth, 2, MOST_DEPTH), (self.grown, 2, MOST_GROWN_DEPTH)
        if any(not low <= value <= high for value, low, high in bounds):
            raise BadInput(
                f"limits were {self.nodes} nodes, {self.depth} levels and {self.grown} grown; nodes are 3 to {MOST_NODES}, "
                f"levels 2 to {MOST_DEPTH}, grown 2 to {MOST_GROWN_DEPTH}."
            )


_TRIES = 6
_STRUCTURE = 0.1
"""Share of subtree mutations that add a tree where there is none, or take an exit away."""
_KEEP_LEAF = 0.5
_NONE, _CROSSOVER, _SUBTREE, _POINT, _CONSTANT = (int(operator) for operator in Operator)


@step
def _chosen(rng: np.random.Generator, tokens: I32, begin: int, length: I64, place: I64) -> int:
    """A node of a tree of length[0] tokens, a number of it; inner nodes twice as often as leaves. Arguments are none."""
    at = 0
    for _ in range(_TRIES):
        at = below(rng, length[0])
        while tokens[begin + at] == ARGUMENT:
            at -= 1
        if place[at] == CONDITION or rng.random() < _KEEP_LEAF:
            break
    return at


@step
def _donor(rng: np.random.Generator, tokens: I32, begin: int, where: I64, place: int, kind: int) -> int:
    """A node of another tree of the same place and kind, −1 where there is none. where: measures of that tree."""
    found, seen = -1, 0
    for j in range(where[0, 0]):
        if tokens[begin + j] != ARGUMENT and where[2, j] == place and where[4, j] == kind:
            seen += 1
            if below(rng, seen) == 0:
                found = j
    return found


@step
def _fits(tokens: I32, begin: int, end: int, where: I64, limits: I64) -> bool:
    """Whether a tree is within the limits, and its sources are such as checking lets pass."""
    nodes, depth, plain = measure(tokens, begin, end, where[0], where[1], where[2], where[3])
    nested = 0
    for i in range(end - begin):
        nested = max(nested, where[3, i])
    return nodes <= limits[0] and depth <= limits[1] and plain and nested <= MOST_NESTED_SOURCES


@step
def _copied(tokens: I32, values: F64, begin: int, end: int, out: I32, numbers: F64, at: int) -> int:
    for i in range(begin, end):
        out[at], numbers[at] = tokens[i], values[i]
        at += 1
    return at


@step
def _grown(
    rng: np.random.Generator, words: Lexicon, place: int, kind: int, deepest: int, out: I32, numbers: F64, at: int, goals: I64
) -> int:  # fmt: skip
    """A new subtree for a place."""
    depth, full = 2 + below(rng, deepest - 1), below(rng, 2)
    if place == CONDITION:
        return grow(rng, words, CONDITION_GOAL, ANY, depth, full, out, numbers, at, goals)
    known = kind != ANY and (
        words.word_from[kind + 1] > words.word_from[kind]
        or words.column_from[kind + 1] > words.column_from[kind]
    )
    if place == SOURCE:
        return grow(rng, words, SOURCE_GOAL, kind if known else PRICE, 1, full, out, numbers, at, goals)
    return grow(
        rng, words, SERIES_GOAL if known else FACTOR_GOAL, kind, depth - 1, full, out, numbers, at, goals
    )


@step
def _varied_tree(
    rng: np.random.Generator, words: Lexicon, operator: int, tokens: I32, values: F64, begin: int, end: int, d0: int, d1: int,
    limits: I64, out: I32, numbers: F64, at: int, mother: I64, father: I64, goals: I64,
) -> int:  # fmt: skip
    """Write the varied tree at `at`; returns its end, −1 where no try fits.

    d0, d1          the father's tree
    mother, father  scratch, int64 (5, longest): length, level, place, nested sources, kind of each token
    """
    measure(tokens, begin, end, mother[0], mother[1], mother[2], mother[3])
    kinds_in(tokens, begin, end, mother[0], mother[4])
    if operator == _CROSSOVER:
        measure(tokens, d0, d1, father[0], father[1], father[2], father[3])
        kinds_in(tokens, d0, d1, father[0], father[4])
    for _ in range(_TRIES):
        if operator == _CONSTANT:
            made = constant(rng, words, tokens, values, begin, end, mother[4], out, numbers, at)
        else:
            i = _chosen(rng, tokens, begin, mother[0], mother[2])
            place, kind, after = mother[2, i], mother[4, i], begin + i + mother[0, i]
            made = _copied(tokens, values, begin, begin + i, out, numbers, at)
            if operator == _POINT:
                made = alter(rng, words, tokens, values, begin + i, after, kind, out, numbers, made)
            elif operator == _SUBTREE:
                made = _grown(rng, words, place, kind, limits[2], out, numbers, made, goals)
            else:
                j = _donor(rng, tokens, d0, father, place, kind)
                if j < 0:
                    continue
                made = _copied(tokens, values, d0 + j, d0 + j + father[0, j], out, numbers, made)
            made = _copied(tokens, values, after, end, out, numbers, made) if made >= 0 else -1
        if (
            made >= 0
            and made - at <= father.shape[1]
            and _fits(out, at, made, father if operator != _CROSSOVER else mother, limits)
        ):
            return made
        if operator == _CROSSOVER:
            measure(tokens, begin, end, mother[0], mother[1], mother[2], mother[3])
    return -1


@step
def _slot(rng: np.random.Generator, offsets: I64, g: int) -> int:
    """One of the trees that a genome has."""
    found, seen = 0, 0
    for k in range(TREES):
        if offsets[TREES * g + k + 1] > offsets[TREES * g + k]:
            seen += 1
            if below(rng, seen) == 0:
                found = k
    return found


@step
def _restructured(rng: np.random.Generator, offsets: I64, g: int) -> int:
    """A tree to add where there is none, or an exit to take away; −1 where the genome has no such place."""
    k = below(rng, TREES)
    has = offsets[TREES * g + k + 1] > offsets[TREES * g + k]
    is_exit = k % 2 == 1
    if is_exit and not has and offsets[TREES * g + k] == offsets[TREES * g + k - 1]:
        return -1  # an exit of a side that never enters
    return -1 if has and not is_exit else k


@kernel
def _vary(
    rng: np.random.Generator, words: Lexicon, tokens: I32, values: F64, offsets: I64, mothers: I64, fathers: I64,
    operators: I64, limits: I64, longest: int,
) -> tuple[I32, F64, I64]:  # fmt: skip
    """Trees of children, as in a flock."""
    n = mothers.size
    room = 2 * longest + tokens_of_depth(limits[2])
    out, numbers = np.empty(64 * n + room, np.int32), np.empty(64 * n + room)
    begins, at = np.zeros(TREES * n + 1, np.int64), 0
    mother, father = np.empty((5, room), np.int64), np.empty((5, room), np.int64)
    goals = np.empty((GOALS, 3), np.int64)
    for c in range(n):
        g, f, operator = mothers[c], fathers[c], operators[c]
        chosen = _slot(rng, offsets, g) if operator != _NONE else -1
        changed = _restructured(rng, offsets, g) if operator == _SUBTREE and rng.random() < _STRUCTURE else -1
        other = chosen
        if operator == _CROSSOVER and offsets[TREES * f + chosen + 1] == offsets[TREES * f + chosen]:
            other = _slot(rng, offsets, f)
        for k in range(TREES):
            out, numbers = with_room(out, numbers, at, 2 * room)
            begin, end = offsets[TREES * g + k], offsets[TREES * g + k + 1]
            made = -1
            if changed == k:
                made = at
                if begin == end:
                    made = _grown(rng, words, CONDITION, ANY, limits[2], out, numbers, at, goals)
                    made = made if _fits(out, at, made, mother, limits) else -1
            elif changed < 0 and chosen == k:
                made = _varied_tree(
                    rng, words, operator, tokens, values, begin, end, offsets[TREES * f + other],
                    offsets[TREES * f + other + 1], limits, out, numbers, at, mother, father, goals,
                )  # fmt: skip
            at = made if made >= 0 else _copied(tokens, values, begin, end, out, numbers, at)
            begins[TREES * c + k + 1] = at
    return out[:at].copy(), numbers[:at].copy(), begins


def vary(
    flock: Flock,
    mothers: I64,
    fathers: I64,
    operators: I64,
    rng: np.random.Generator,
    words: Lexicon,
    limits: Limits = Limits(),
    **rates: float,
) -> Flock:
    """Children: trees varied by an operator each, then genes inherited (`genome.breeding.inheritance.inherited`).

    mothers, fathers  int64 (children,): indices of parents in the flock; a father counts in crossover alone
    operators         int64 (children,) of `Operator`
    rates             of `inherited`

    The same parents, numbers and state of the generator give the same children. Raises `BadInput`.
    """
    arrays = [np.ascontiguousarray(a, np.int64).reshape(-1) for a in (mothers, fathers, operators)]
    if len({a.size for a in arrays}) > 1:
        raise BadInput(
            f"mothers, fathers and operators were {', '.join(str(a.size) for a in arrays)}; give one each a child."
        )
    for a, most, name in zip(
        arrays, (len(flock), len(flock), len(Operator)), ("a mother", "a father", "an operator"), strict=True
    ):
        if a.size and (a.min() < 0 or a.max() >= most):
            raise BadInput(f"{name} was {int(a.min())} or {int(a.max())}; they are numbered 0 to {most - 1}.")
    longest = int(np.diff(flock.offsets).max(initial=0))
    bounds = np.array([limits.nodes, limits.depth, limits.grown])
    made = _vary(
        rng,
        words,
        flock.tokens,
        flock.values,
        flock.offsets,
        arrays[0],
        arrays[1],
        arrays[2],
        bounds,
        longest,
    )
    mates = (arrays[2] == _CROSSOVER).astype(np.int64)
    return Flock(*made, inherited(flock, arrays[0], arrays[1], mates, rng, **rates))
