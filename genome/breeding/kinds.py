"""The kind of every series in a tree: what it may sensibly be compared with."""

from genome.breeding import tokens as tk
from genome.breeding.lexicon import ANY, COLUMN_KIND, FOLLOWS, NUMBER_KIND, WORD_KIND
from genome.breeding.tokens import I32, PARAMETERS, RAW, WORD, word_of
from genome.jit import step
from genome.market import I64


@step
def _of_two(token: int, left: int, right: int) -> int:
    """The kind of arithmetic on two kinds; a constant factor changes none."""
    if token <= tk.SUB or token >= tk.MIN or ANY in (left, right):
        return right if left == ANY and token != tk.DIV else NUMBER_KIND if left == ANY else left
    return NUMBER_KIND


@step
def kinds_in(tokens: I32, begin: int, end: int, length: I64, kind: I64) -> None:
    """Kinds of the nodes at tokens[begin:end]; of conditions and arguments ANY.

    A constant is of the kind of what it is compared with, added to, or the smaller or larger of; a factor is ANY.
    """
    for i in range(end - begin - 1, -1, -1):
        token = tokens[begin + i]
        if token >= WORD:
            word = word_of(token)
            follows = FOLLOWS[word] > 0 and token & 1
            kind[i] = kind[i + 1 + PARAMETERS[word]] if follows else WORD_KIND[word]
        elif token >= RAW:
            kind[i] = COLUMN_KIND[token - RAW]
        elif token in (tk.NEG, tk.ABS):
            kind[i] = kind[i + 1]
        elif tk.ADD <= token <= tk.MAX:
            kind[i] = _of_two(token, kind[i + 1], kind[i + 1 + length[i + 1]])
        else:
            kind[i] = ANY
    for i in range(end - begin):
        token = tokens[begin + i]
        level = token in (tk.ADD, tk.SUB, tk.MIN, tk.MAX) or tk.GREATER <= token <= tk.CROSSES_BELOW
        if level:
            left, right = i + 1, i + 1 + length[i + 1]
            if kind[left] == ANY:
                kind[left] = kind[right]
            elif kind[right] == ANY:
                kind[right] = kind[left]
