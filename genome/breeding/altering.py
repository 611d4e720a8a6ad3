"""Small changes: another operator, word or column in one place, or another constant."""

import math

import numpy as np

from genome.breeding import lexicon as lx
from genome.breeding import tokens as tk
from genome.breeding.growing import below, drawn_argument, rounded, write_word
from genome.breeding.lexicon import FOLLOWS, TAKES_SOURCE, WORD_KIND, Lexicon
from genome.breeding.tokens import ARGUMENT, I32, PARAMETERS, RAW, WORD, timeframe_of, word_of
from genome.jit import step
from genome.market import F64, I64

_ARGUMENT_STEP, _LEVEL_STEP = 0.3, 0.2
"""Standard deviations of the logarithm."""
_FROM_ZERO = 0.01
"""A constant that is zero has no logarithm."""
_LARGEST, _WIDEST = 1e12, 100.0
_TRIES = 6


@step
def _moved_argument(rng: np.random.Generator, words: Lexicon, word: int, p: int, x: float) -> float:
    """Another value of an argument, near the old one and within the bounds of breeding."""
    if lx.CHOICES[word, p] > 0:
        n = int(lx.CHOICES[word, p])
        return float((int(x) + 1 + below(rng, n - 1)) % n)
    if x <= 0.0:
        return drawn_argument(rng, words, word, p)
    moved = rounded(x * math.exp(_ARGUMENT_STEP * rng.standard_normal()), 2)
    if lx.INTEGER[word, p] > 0:
        moved = np.round(moved)
        if moved == x:
            moved = x + (1.0 if rng.random() < 0.5 else -1.0)  # noqa: PLR2004
    return float(min(max(moved, words.low[word, p]), words.high[word, p]))


@step
def _moved_level(rng: np.random.Generator, kind: int, x: float) -> float:
    """Another value of a constant."""
    if x == 0.0:
        moved = _FROM_ZERO * rng.standard_normal()
    else:
        moved = x * math.exp(_LEVEL_STEP * rng.standard_normal())
    moved = rounded(min(max(moved, -_LARGEST), _LARGEST), 3)
    return min(max(moved, 0.0), _WIDEST) if kind == lx.PERCENT else moved


@step
def constant(
    rng: np.random.Generator, words: Lexicon, tokens: I32, values: F64, begin: int, end: int, kind: I64,
    out: I32, numbers: F64, at: int,
) -> int:  # fmt: skip
    """Write the tree with one of its constants moved; returns its end, −1 where there is none or it came to the same."""
    found, seen = -1, 0
    for i in range(begin, end):
        out[at + i - begin], numbers[at + i - begin] = tokens[i], values[i]
        if tokens[i] <= tk.NUMBER:
            seen += 1
            if below(rng, seen) == 0:
                found = i
    if found < 0:
        return -1
    if tokens[found] == tk.NUMBER:
        moved = _moved_level(rng, kind[found - begin], values[found])
    else:
        p = 0
        while tokens[found - 1 - p] == ARGUMENT:
            p += 1
        moved = _moved_argument(rng, words, word_of(tokens[found - 1 - p]), p, values[found])
    numbers[at + found - begin] = moved
    return at + end - begin if moved != values[found] else -1


@step
def _another_operator(rng: np.random.Generator, token: int, factor: bool) -> int:  # noqa: FBT001
    """An operator with as many operands of the same types; −1 where there is none. factor: a product or quotient whose second operand is a constant."""
    if tk.GREATER <= token <= tk.CROSSES_BELOW:
        n = tk.NOT - tk.GREATER
        return int(tk.GREATER + (token - tk.GREATER + 1 + below(rng, n - 1)) % n)
    if token in (tk.AND, tk.OR):
        return int(tk.AND + tk.OR - token)
    if token in (tk.ADD, tk.SUB):
        return int(tk.ADD + tk.SUB - token)
    if token in (tk.MIN, tk.MAX):
        return int(tk.MIN + tk.MAX - token)
    if token in (tk.NEG, tk.ABS):
        return int(tk.NEG + tk.ABS - token)
    return int(tk.MUL + tk.DIV - token) if factor else -1


@step
def _another_word(rng: np.random.Generator, words: Lexicon, token: int) -> int:
    """The token of another word of the same kind; the same where the lexicon has none."""
    word = word_of(token)
    begin, end = words.word_from[WORD_KIND[word]], words.word_from[WORD_KIND[word] + 1]
    if begin == end:
        return token
    for _ in range(_TRIES):
        other = words.words[begin + below(rng, end - begin)]
        if other != word and FOLLOWS[other] == FOLLOWS[word] and TAKES_SOURCE[other] == TAKES_SOURCE[word]:
            return int(WORD + 2 * (timeframe_of(token) + tk.N_TIMEFRAMES * other) + (token & 1))
    return token


@step
def alter(
    rng: np.random.Generator, words: Lexicon, tokens: I32, values: F64, begin: int, end: int, kind: int,
    out: I32, numbers: F64, at: int,
) -> int:  # fmt: skip
    """Write the subtree at tokens[begin:end] with another root; returns its end, −1 where there is no other."""
    token, inside = tokens[begin], begin + 1
    if token >= WORD:
        inside += PARAMETERS[word_of(token)]
        at = write_word(rng, words, _another_word(rng, words, token), out, numbers, at)
    elif token >= RAW:
        first, last = words.column_from[kind], words.column_from[kind + 1]
        column = token - RAW
        for _ in range(_TRIES):
            if last > first and column == token - RAW:
                column = words.columns[first + below(rng, last - first)]
        if column == token - RAW:
            return -1
        out[at], numbers[at] = RAW + column, 0.0
        at += 1
    else:
        out[at], numbers[at] = token, values[begin]
        if token == tk.NUMBER:
            numbers[at] = _moved_level(rng, kind, values[begin])
        elif token == tk.TRUTH:
            numbers[at] = 1.0 - values[begin]
        else:
            factor = token in (tk.MUL, tk.DIV) and tokens[tk.subtree_end(tokens, inside)] == tk.NUMBER
            other = _another_operator(rng, token, factor)
            if other < 0:
                return -1
            out[at] = other
        at += 1
    for i in range(inside, end):
        out[at], numbers[at] = tokens[i], values[i]
        at += 1
    return at
