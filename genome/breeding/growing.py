"""New trees: ramped half-and-half over a lexicon.

Source: J. Koza (1992), "Genetic Programming", section 6.2: half of the trees reach their depth on every branch of `and`,
`or` and `not` (full), half may stop before (grow), and depths are spread evenly. Below a comparison stand series that
may sensibly be compared: prices with prices, an RSI with 10 to 90.
"""

import math

import numpy as np

from genome.breeding import lexicon as lx
from genome.breeding import tokens as tk
from genome.breeding.flat import TREES, Flock
from genome.breeding.inheritance import drawn_genes
from genome.breeding.lexicon import ANY, FOLLOWS, PRICE, TAKES_SOURCE, Lexicon
from genome.breeding.tokens import I32, PARAMETERS, RAW, WORD
from genome.jit import kernel, step
from genome.limits import MOST_DEPTH, MOST_NESTED_SOURCES
from genome.market import F64, I64
from organism.errors import BadInput

CONDITION_GOAL, SERIES_GOAL, ITEM_GOAL, SOURCE_GOAL, LEVEL_GOAL, FACTOR_GOAL, NEAR_GOAL = range(7)
"""What is still to be written. A goal is three numbers: which, of what, and how deep it may be, or how nested it is."""
GOALS = 8 * MOST_DEPTH
_JOIN, _CROSS, _ARITHMETIC, _AGAINST_LEVEL = 0.5, 0.25, 0.25, 0.75
_RAW_PRICE, _SMOOTHED, _SOURCED, _LONGER = 0.3, 0.15, 0.2, 0.25
_DIGITS_ARGUMENT, _DIGITS_LEVEL = 2, 3
_TRIES = 8
_FEWEST_LEVELS = 2
MOST_GROWN_DEPTH = 6
"""A tree of this depth has at most some 160 nodes."""


@step
def rounded(x: float, digits: int) -> float:
    """To so many significant digits: what a person would write, and what crowds have in common."""
    if x == 0.0:
        return 0.0
    scale = 10.0 ** (digits - 1 - math.floor(math.log10(abs(x))))
    return float(np.round(x * scale) / scale if scale >= 1.0 else np.round(x * scale) * np.round(1.0 / scale))


@step
def below(rng: np.random.Generator, n: int) -> int:
    """A whole number from 0 up to n − 1."""
    return min(int(rng.random() * n), n - 1)


@step
def drawn_argument(rng: np.random.Generator, words: Lexicon, word: int, p: int) -> float:
    """An argument of an indicator, log-uniform between the bounds of breeding."""
    low, high = words.low[word, p], words.high[word, p]
    if lx.CHOICES[word, p] > 0:
        return float(below(rng, int(lx.CHOICES[word, p])))
    x = rounded(low * (high / low) ** rng.random(), _DIGITS_ARGUMENT)
    return float(min(max(np.round(x) if lx.INTEGER[word, p] > 0 else x, low), high))


@step
def write_word(
    rng: np.random.Generator, words: Lexicon, token: int, tokens: I32, values: F64, at: int
) -> int:  # fmt: skip
    """An indicator's token and fresh arguments; returns where its source would begin."""
    word = tk.word_of(token)
    tokens[at], values[at] = token, 0.0
    n = PARAMETERS[word]
    for p in range(n):
        tokens[at + 1 + p], values[at + 1 + p] = tk.ARGUMENT, drawn_argument(rng, words, word, p)
    if lx.IN_ORDER[word] > 0 and values[at + 1] > values[at + 2]:
        values[at + 1], values[at + 2] = values[at + 2], values[at + 1]
    return int(at + 1 + n)


@step
def _item_of(rng: np.random.Generator, words: Lexicon, kind: int, smoothing: float) -> int:
    """A word, or a column (from N_WORDS on), of this kind; or a word that is of the kind of its source."""
    w0, w1 = words.word_from[kind], words.word_from[kind + 1]
    c0, c1 = words.column_from[kind], words.column_from[kind + 1]
    p0, p1 = words.word_from[PRICE], words.word_from[PRICE + 1]
    if kind != PRICE and p1 > p0 and rng.random() < smoothing:
        for _ in range(_TRIES):
            word = words.words[p0 + below(rng, p1 - p0)]
            if FOLLOWS[word] > 0:
                return int(word)
    n, m = w1 - w0, c1 - c0
    raw = rng.random() < _RAW_PRICE if kind == PRICE and n > 0 else below(rng, n + m) >= n
    if (raw and m > 0) or n == 0:
        return int(tk.N_WORDS + words.columns[c0 + below(rng, m)])
    return int(words.words[w0 + below(rng, n)])


@step
def _push(goals: I64, n: int, which: int, what: int, depth: int) -> int:
    goals[n, 0], goals[n, 1], goals[n, 2] = which, what, depth
    return n + 1


@step
def _grow_condition(
    rng: np.random.Generator, words: Lexicon, depth: int, full: int, tokens: I32, values: F64, at: int, goals: I64, n: int
) -> int:  # fmt: skip
    """Write an operator of a condition, and push what stands below it; returns how many goals there are."""
    values[at] = 0.0
    if depth > _FEWEST_LEVELS and (full > 0 or rng.random() < _JOIN):
        x = rng.random()
        tokens[at] = tk.AND if x < 0.45 else tk.OR if x < 0.9 else tk.NOT  # noqa: PLR2004
        n = _push(goals, n, CONDITION_GOAL, 0, depth - 1)
        return _push(goals, n, CONDITION_GOAL, 0, depth - 1) if tokens[at] != tk.NOT else n
    tokens[at] = tk.CROSSES_ABOVE + below(rng, 2) if rng.random() < _CROSS else tk.GREATER + below(rng, 4)
    kind = words.kinds[below(rng, words.kinds.size)]
    n_words = words.word_from[kind + 1] - words.word_from[kind]
    alone = n_words + words.column_from[kind + 1] - words.column_from[kind] == 1
    item = _item_of(rng, words, kind, 0.0)
    if not math.isnan(words.levels[item, 0]) and (alone or rng.random() < _AGAINST_LEVEL):
        n = _push(goals, n, LEVEL_GOAL, item, 0)
        return _push(goals, n, ITEM_GOAL, item * lx.N_KINDS + kind, 0)
    n = _push(goals, n, SERIES_GOAL, kind, depth - 1)
    return _push(goals, n, SERIES_GOAL, kind, depth - 1)


@step
def _grow_series(
    rng: np.random.Generator, words: Lexicon, kind: int, depth: int, tokens: I32, values: F64, at: int, goals: I64, n: int
) -> tuple[int, int]:  # fmt: skip
    """Write arithmetic, or leave it to an item; returns where writing goes on, and how many goals there are."""
    if depth < 3 or rng.random() >= _ARITHMETIC:  # noqa: PLR2004
        smoothing = (
            0.5 if kind in (lx.VOLUME, lx.DISTANCE) else 0.0 if kind in (lx.HOUR, lx.WEEKDAY) else _SMOOTHED
        )
        item = _item_of(rng, words, kind, smoothing)
        return at, _push(goals, n, ITEM_GOAL, item * lx.N_KINDS + kind, 0)
    values[at] = 0.0
    x = rng.random()
    distances = words.word_from[lx.DISTANCE + 1] > words.word_from[lx.DISTANCE]
    if kind == PRICE and distances and x < 0.5:  # noqa: PLR2004
        tokens[at] = tk.ADD + below(rng, 2)
        n = _push(goals, n, SERIES_GOAL, lx.DISTANCE, 1)
        n = _push(goals, n, FACTOR_GOAL, 0, 0)
        n = _push(goals, n, NEAR_GOAL, 0, 1)
        return at + 1, _push(goals, n, SERIES_GOAL, PRICE, depth - 1)
    if kind == PRICE and x < 0.75:  # noqa: PLR2004
        tokens[at] = tk.MUL
        n = _push(goals, n, NEAR_GOAL, 0, 0)
        return at + 1, _push(goals, n, SERIES_GOAL, PRICE, depth - 1)
    tokens[at] = tk.MIN + below(rng, 2)
    n = _push(goals, n, SERIES_GOAL, kind, depth - 1)
    return at + 1, _push(goals, n, SERIES_GOAL, kind, depth - 1)


@step
def _grow_item(
    rng: np.random.Generator, words: Lexicon, item: int, kind: int, nested: int, tokens: I32, values: F64, at: int,
    goals: I64, n: int,
) -> tuple[int, int]:  # fmt: skip
    """Write a column or an indicator; a source is left as a goal."""
    if item >= tk.N_WORDS:
        tokens[at], values[at] = RAW + item - tk.N_WORDS, 0.0
        return at + 1, n
    must = FOLLOWS[item] > 0 and kind != PRICE
    sourced = must or (TAKES_SOURCE[item] > 0 and nested < MOST_NESTED_SOURCES and rng.random() < _SOURCED)
    timeframe = 0
    if nested == 0 and words.timeframes.size > 0 and rng.random() < _LONGER:
        timeframe = words.timeframes[below(rng, words.timeframes.size)]
    token = WORD + 2 * (timeframe + tk.N_TIMEFRAMES * item) + int(sourced)
    at = write_word(rng, words, token, tokens, values, at)
    return at, _push(goals, n, SOURCE_GOAL, kind if must else PRICE, nested + 1) if sourced else n


@step
def grow(
    rng: np.random.Generator, words: Lexicon, which: int, what: int, depth: int, full: int, tokens: I32, values: F64,
    at: int, goals: I64,
) -> int:  # fmt: skip
    """Write a tree for a goal from `at` on; returns its end. goals: scratch, int64 (GOALS, 3)."""
    n = _push(goals, 0, which, what, depth)
    while n > 0:
        n -= 1
        which, what, depth = goals[n, 0], goals[n, 1], goals[n, 2]
        if which == CONDITION_GOAL:
            n = _grow_condition(rng, words, depth, full, tokens, values, at, goals, n)
            at += 1
        elif which == SERIES_GOAL:
            at, n = _grow_series(rng, words, what, depth, tokens, values, at, goals, n)
        elif which == ITEM_GOAL:
            at, n = _grow_item(
                rng, words, what // lx.N_KINDS, what % lx.N_KINDS, 0, tokens, values, at, goals, n
            )
        elif which == SOURCE_GOAL:
            item = _item_of(rng, words, what, 0.0)
            at, n = _grow_item(rng, words, item, what, depth, tokens, values, at, goals, n)
        elif which == NEAR_GOAL and depth > 0:
            tokens[at], values[at] = tk.MUL, 0.0
            at += 1
        else:
            low, high = (0.95, 1.05) if which == NEAR_GOAL else (0.5, 3.0)
            if which == LEVEL_GOAL:
                low, high = words.levels[what, 0], words.levels[what, 1]
            tokens[at], values[at] = tk.NUMBER, rounded(low + (high - low) * rng.random(), _DIGITS_LEVEL)
            at += 1
    return at


@step
def tokens_of_depth(depth: int) -> int:
    """More tokens than a grown tree of this depth has."""
    return 64 << max(depth, _FEWEST_LEVELS)


@step
def with_room(tokens: I32, values: F64, used: int, more: int) -> tuple[I32, F64]:
    """The same arrays, or larger ones with what they hold."""
    if used + more <= tokens.size:
        return tokens, values
    wider, numbers = np.empty(2 * tokens.size + more, np.int32), np.empty(2 * tokens.size + more)
    wider[:used], numbers[:used] = tokens[:used], values[:used]
    return wider, numbers


@kernel
def _ramped(
    rng: np.random.Generator, n: int, words: Lexicon, shallowest: int, deepest: int, shares: F64
) -> tuple[I32, F64, I64]:  # fmt: skip
    tokens, values = np.empty(64 * n + 64, np.int32), np.empty(64 * n + 64)
    offsets, goals, at = np.zeros(TREES * n + 1, np.int64), np.empty((GOALS, 3), np.int64), 0
    for g in range(n):
        depth = shallowest + g // 2 % (deepest - shallowest + 1)
        side = rng.random()
        for k in range(TREES):
            wanted = side < shares[1] if k < 2 else side >= shares[0]  # noqa: PLR2004
            if wanted and (k % 2 == 0 or rng.random() < shares[2]):
                tokens, values = with_room(tokens, values, at, tokens_of_depth(depth))
                at = grow(rng, words, CONDITION_GOAL, ANY, depth, g % 2, tokens, values, at, goals)
            offsets[TREES * g + k + 1] = at
    return tokens[:at].copy(), values[:at].copy(), offsets


def ramped(
    n: int,
    rng: np.random.Generator,
    words: Lexicon,
    *,
    depths: tuple[int, int] = (2, 5),
    sides: tuple[float, float] = (0.3, 0.3),
    exits: float = 0.7,
) -> Flock:
    """Make n new genomes by ramped half-and-half, their genes drawn within breeding bounds. Raises `BadInput`.

    depths   the shallowest and the deepest tree, levels; a comparison of two indicators has 2
    sides    shares of genomes that go long only, and short only; the others do both
    exits    share of entries that have an exit
    """
    shallowest, deepest = depths
    if not _FEWEST_LEVELS <= shallowest <= deepest <= MOST_GROWN_DEPTH:
        raise BadInput(
            f"depths were {depths}; they are from {_FEWEST_LEVELS} to {MOST_GROWN_DEPTH} levels, the smaller first."
        )
    if n < 0 or min(*sides, exits) < 0.0 or max(sum(sides), exits) > 1.0:
        raise BadInput(
            f"{n} genomes with shares {sides} and {exits} were asked for; shares lie between 0 and 1."
        )
    long_only, short_only = sides
    shares = np.array([long_only, 1.0 - short_only, exits])
    return Flock(*_ramped(rng, n, words, shallowest, deepest, shares), drawn_genes(n, rng))
