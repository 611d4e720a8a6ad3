"""Tokens: a tree in prefix order as whole numbers, with a number beside each.

| token | stands for | the number beside it |
|---|---|---|
| `ARGUMENT` | an argument of the indicator before it | its value |
| `NUMBER` | a constant | its value |
| `NEG` … `MAX` | an operator on series | 0 |
| `GREATER` … `CROSSES_BELOW` | a condition of two series | 0 |
| `NOT`, `AND`, `OR` | a condition of conditions | 0 |
| `TRUTH` | true or false | 1 or 0 |
| `RAW + c` | column c of `COLUMNS` | 0 |
| `WORD + 2·(t + N_TIMEFRAMES·w) + s` | word w at timeframe t; s = 1: a source follows its arguments | 0 |

What follows a token are its children: an indicator's arguments and then its source, an operator's operands. A token
alone says how many there are, so that the end of a subtree is found without pointers.
"""

import numpy as np
from numpy.typing import NDArray

from genome.jit import inlined, step
from genome.market import I64
from genome.vocabulary import TIMEFRAMES, WORDS

I32 = NDArray[np.int32]

ARGUMENT, NUMBER, NEG, ABS, ADD, SUB, MUL, DIV, MIN, MAX = range(10)
GREATER, LESS, AT_LEAST, AT_MOST, CROSSES_ABOVE, CROSSES_BELOW, NOT, AND, OR, TRUTH = range(10, 20)
RAW = 32
WORD = 64
N_TIMEFRAMES = len(TIMEFRAMES)

UNARIES = {"-": NEG, "abs": ABS}
BINARIES = {"+": ADD, "-": SUB, "*": MUL, "/": DIV, "min": MIN, "max": MAX}
COMPARISONS = {">": GREATER, "<": LESS, ">=": AT_LEAST, "<=": AT_MOST}
CROSSES = {"crosses_above": CROSSES_ABOVE, "crosses_below": CROSSES_BELOW}

WORD_LIST = tuple(WORDS.values())
N_WORDS = len(WORD_LIST)
WORD_INDEX = {word.name: i for i, word in enumerate(WORD_LIST)}
TIMEFRAME_LIST = tuple(TIMEFRAMES)
TIMEFRAME_INDEX = {name: i for i, name in enumerate(TIMEFRAME_LIST)}
MOST_ARGUMENTS = max(len(word.parameters) for word in WORD_LIST)

PARAMETERS: I64 = np.array([len(word.parameters) for word in WORD_LIST])
"""Of each word."""
_OPERANDS: I64 = np.array([0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 2, 0])

CONDITION, SERIES, SOURCE, ARGUMENT_PLACE = range(4)
"""What a place in a tree takes: a condition, a series, the source of an indicator, an argument of one."""


def word_token(name: str, timeframe: str = "", *, source: bool = False) -> int:
    """The token of an indicator.

    >>> word_token("sma") == WORD, word_token("sma", source=True) - WORD
    (True, 1)
    """
    return WORD + 2 * (TIMEFRAME_INDEX[timeframe] + N_TIMEFRAMES * WORD_INDEX[name]) + int(source)


@inlined
def word_of(token: int) -> int:
    """The word of an indicator's token."""
    return (token - WORD) // 2 // N_TIMEFRAMES


@inlined
def timeframe_of(token: int) -> int:
    """Its timeframe, as an index."""
    return (token - WORD) // 2 % N_TIMEFRAMES


@step
def arity(token: int) -> int:
    """How many subtrees follow a token."""
    if token >= WORD:
        return int(PARAMETERS[word_of(token)] + (token & 1))
    return 0 if token >= RAW else _OPERANDS[token]


@step
def subtree_end(tokens: I32, at: int) -> int:
    """Where the subtree that begins here ends."""
    wanted = 1
    while wanted > 0:
        wanted += arity(tokens[at]) - 1
        at += 1
    return at


@inlined
def place_below(token: int, child: int) -> int:
    """What the child-th place below a token takes."""
    if token >= WORD:
        return ARGUMENT_PLACE if child < PARAMETERS[word_of(token)] else SOURCE
    return CONDITION if NOT <= token <= OR else SERIES


@step
def measure(
    tokens: I32, begin: int, end: int, length: I64, level: I64, place: I64, sources: I64
) -> tuple[int, int, bool]:  # fmt: skip
    """Measure the tree at tokens[begin:end]; entries of the arrays are those of its tokens, from 0.

    length   receives how many tokens each subtree has
    level    receives levels from the root, which is 1
    place    receives what stands there: CONDITION, SERIES, SOURCE, ARGUMENT_PLACE
    sources  receives how many indicators are nested as sources within an indicator

    Returns the number of nodes (arguments are none), the depth, and whether no source has a timeframe.
    """
    nodes, depth, plain = 0, 0, True
    for i in range(end - begin - 1, -1, -1):
        token = tokens[begin + i]
        child = i + 1
        sources[i] = 0
        n = arity(token)
        for k in range(n):
            if token >= WORD and k == n - 1 and (token & 1) and tokens[begin + child] >= WORD:
                sources[i] = 1 + sources[child]
                plain = plain and timeframe_of(tokens[begin + child]) == 0
            child += length[child]
        length[i] = child - i
    level[0], place[0] = 1, CONDITION
    for i in range(end - begin):
        token = tokens[begin + i]
        if token != ARGUMENT:
            nodes += 1
            depth = max(depth, level[i])
        child = i + 1
        for k in range(arity(token)):
            level[child] = level[i] + 1
            place[child] = place_below(token, k)
            child += length[child]
    return nodes, depth, plain
