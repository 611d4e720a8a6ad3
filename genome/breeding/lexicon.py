"""What new trees are made of: words and columns by what they may sensibly be compared with, and bounds of their numbers.

`Word.kind` says the unit; breeding has to know a little more. An ATR is a price but no level: it is a distance. A
percentile is a fraction, but no return. What smooths its source is of the kind of its source.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.breeding.tokens import MOST_ARGUMENTS, N_WORDS, TIMEFRAME_INDEX, WORD_LIST
from genome.market import F64, I64
from genome.vocabulary import COLUMNS, TIMEFRAMES, WORDS, Parameter, Word
from organism.errors import BadInput

(
    PRICE,
    DISTANCE,
    VOLUME,
    PERCENT,
    DEVIATIONS,
    FRACTION,
    SHARE,
    NUMBER_KIND,
    FUNDING,
    BALANCE,
    HOUR,
    WEEKDAY,
    ANY,
) = range(13)
"""Kinds of series. ANY is a constant, which takes the kind of what it is compared with."""
N_KINDS = 13
_KINDS = {
    "price": PRICE, "fraction": FRACTION, "percent": PERCENT, "volume": VOLUME, "deviations": DEVIATIONS,
    "number": NUMBER_KIND,
}  # fmt: skip
_OF_WORD = {
    "atr": DISTANCE, "true_range": DISTANCE, "volatility_percentile": SHARE, "momentum_rank": SHARE,
}  # fmt: skip
_OF_COLUMN = {
    "volume": VOLUME, "funding": FUNDING, "fear_greed": PERCENT, "book_imbalance": BALANCE, "hour": HOUR, "weekday": WEEKDAY,
}  # fmt: skip
_LEVELS = {PERCENT: (10.0, 90.0), DEVIATIONS: (-3.0, 3.0), SHARE: (0.05, 0.95), FUNDING: (-0.0005, 0.0005),
           BALANCE: (-0.8, 0.8), HOUR: (0.0, 23.0), WEEKDAY: (0.0, 6.0)}  # fmt: skip
_LEVELS_OF_WORD = {
    "roc": (-0.05, 0.05), "gap": (-0.02, 0.02), "bb_width": (0.005, 0.2), "volatility": (0.0005, 0.03),
    "volume_trend": (-0.1, 0.1), "relative_momentum": (-0.05, 0.05), "volatility_ratio": (0.4, 2.5),
    "volume_ratio": (0.2, 3.0), "macd": (0.0, 0.0), "macd_signal": (0.0, 0.0), "macd_histogram": (0.0, 0.0),
}  # fmt: skip
_PLAIN = ("open", "high", "low", "close", "volume", "typical", "hour", "weekday")
_LONGEST, _MOST_DEVIATIONS, _FEWEST = 200.0, 4.0, 2.0
_BY_PARAMETER = {("fibonacci", "level"): (0.1, 1.0)}

COLUMN_KIND: I64 = np.array([_OF_COLUMN.get(name, PRICE) for name in COLUMNS])
WORD_KIND: I64 = np.array([_OF_WORD.get(word.name, _KINDS[word.kind]) for word in WORD_LIST])
TAKES_SOURCE: I64 = np.array([int(word.takes_source) for word in WORD_LIST])
FOLLOWS: I64 = np.array([int(word.takes_source and word.kind == "price") for word in WORD_LIST])
"""Words that are of the kind of their source."""
CHECK_LOW, CHECK_HIGH, INTEGER, CHOICES = (np.zeros((N_WORDS, MOST_ARGUMENTS)) for _ in range(4))
for _w, _word in enumerate(WORD_LIST):
    for _p, _parameter in enumerate(_word.parameters):
        CHECK_LOW[_w, _p], CHECK_HIGH[_w, _p] = _parameter.low, _parameter.high
        INTEGER[_w, _p], CHOICES[_w, _p] = _parameter.integer, len(_parameter.choices)
IN_ORDER: I64 = np.array([int(word.name.startswith("macd")) for word in WORD_LIST])
"""Words whose first window is the shorter of the first two."""


class Lexicon(NamedTuple):
    """What may be drawn.

    words        int64 (m,): indices of words, by kind; those of kind k at word_from[k] up to word_from[k + 1]
    columns      int64 (c,): raw columns, likewise
    levels       float64 (words + columns, 2): between which a constant is compared with it; NaN where with none
    low, high    float64 (words, MOST_ARGUMENTS): bounds of breeding of the parameters
    timeframes   int64 (f,): longer bars that may be asked for
    kinds        int64 (k,): kinds that two series are compared in, or a series with a constant; frequent ones stand twice
    """

    words: I64
    word_from: I64
    columns: I64
    column_from: I64
    levels: F64
    low: F64
    high: F64
    timeframes: I64
    kinds: I64


def lexicon(
    columns: Collection[str] = _PLAIN,
    timeframes: Collection[str] = (),
    words: Collection[str] | None = None,
    *,
    longest: float = _LONGEST,
) -> Lexicon:
    """What trees may be made of. Raises `BadInput` for a name that is none, or where no price is among the columns.

    columns     those that the markets have
    timeframes  longer than the bars of the markets, whole multiples of them
    words       all but those that need several assets, when None
    longest     the longest window, bars
    """
    chosen = [w.name for w in WORD_LIST if not w.panel] if words is None else list(words)
    for name, known in [(c, COLUMNS) for c in columns] + [(t, TIMEFRAMES) for t in timeframes] + [(w, WORDS) for w in chosen]:  # fmt: skip
        if name not in known or not name:
            raise BadInput(f"breeding knows no {name!r}; known are {', '.join(k for k in known if k)}.")
    if not {"open", "high", "low", "close", "typical"} & set(columns):
        raise BadInput("breeding needs a price among the columns; give it close at least.")
    if not longest >= _FEWEST:
        raise BadInput(f"the longest window was {longest}; it must be at least {_FEWEST:g} bars.")
    of_words = np.array([i for i, word in enumerate(WORD_LIST) if word.name in chosen], np.int64)
    of_columns = np.array([i for i, name in enumerate(COLUMNS) if name in columns], np.int64)
    grouped, word_from = _grouped(of_words, WORD_KIND)
    raw, column_from = _grouped(of_columns, COLUMN_KIND)
    bounds = np.zeros((2, N_WORDS, MOST_ARGUMENTS))
    for w, word in enumerate(WORD_LIST):
        for p, parameter in enumerate(word.parameters):
            bounds[:, w, p] = _bounds(word, parameter, longest)
    levels = np.full((N_WORDS + len(COLUMNS), 2), np.nan)
    for w, word in enumerate(WORD_LIST):
        levels[w] = _LEVELS_OF_WORD.get(word.name, _LEVELS.get(int(WORD_KIND[w]), (np.nan, np.nan)))
    for c, kind in enumerate(COLUMN_KIND.tolist()):
        levels[N_WORDS + c] = _LEVELS.get(kind, (np.nan, np.nan))
    known_kinds = [
        k for k in range(ANY) if word_from[k + 1] > word_from[k] or column_from[k + 1] > column_from[k]
    ]
    kinds = [k for k in known_kinds for _ in range(4 if k == PRICE else 2 if k in _FREQUENT else 1)]
    return Lexicon(
        grouped, word_from, raw, column_from, levels, bounds[0], bounds[1],
        np.array([TIMEFRAME_INDEX[t] for t in timeframes], np.int64), np.array(kinds, np.int64),
    )  # fmt: skip


_FREQUENT = {PERCENT, DEVIATIONS, FRACTION, NUMBER_KIND}


def _grouped(members: I64, kinds: NDArray[np.int64]) -> tuple[I64, I64]:
    """Members by kind, and where each kind begins."""
    ordered = members[np.argsort(kinds[members], kind="stable")]
    return ordered, np.searchsorted(kinds[ordered], np.arange(N_KINDS + 1)).astype(np.int64)


def _bounds(word: Word, parameter: Parameter, longest: float) -> tuple[float, float]:
    if parameter.choices:
        return parameter.low, parameter.high
    found = _BY_PARAMETER.get((word.name, parameter.name))
    if found is not None:
        return found
    if parameter.integer:
        low = parameter.low if word.name == "lag" or parameter.name in _SHORT else max(parameter.low, _FEWEST)
        return low, max(low, min(parameter.high, longest))
    return max(parameter.low, 0.5), min(parameter.high, _MOST_DEVIATIONS)


_SHORT = {"smooth", "d", "displacement"}
