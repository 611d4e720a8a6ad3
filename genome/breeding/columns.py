"""The columns that a flock reads, each known by a number: equal numbers, equal columns of one market."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from genome.breeding import tokens as tk
from genome.breeding.tokens import I32, MOST_ARGUMENTS, PARAMETERS, RAW, WORD
from genome.jit import step
from genome.limits import MOST_NESTED_SOURCES
from genome.market import F64, I64
from genome.programs.compiling import ColumnKey
from genome.programs.hashing import hashed
from genome.vocabulary import COLUMNS

N_RAW = len(COLUMNS)
CLOSE = COLUMNS.index("close")
_EMA = tk.WORD_INDEX["ema"]


class Table(NamedTuple):
    """Distinct columns in the order in which they were met; the raw ones are the first.

    slots      int64 (a power of two): hash → number + 1, 0 is free
    words      int64 (most,): word · N_TIMEFRAMES + timeframe; −1 − column for a raw one
    arguments  float64 (most, MOST_ARGUMENTS), 0 after the last
    bits       int64, the same memory
    sources    int64 (most,): number of the column it is computed of
    places     int64 (most,): its number among the columns that programs read, −1 as long as none does
    read       int64 (most,): those columns
    counts     int64 (2,): columns, and columns that programs read
    """

    slots: I64
    words: I64
    arguments: F64
    bits: I64
    sources: I64
    places: I64
    read: I64
    counts: I64


def table_for(indicators: int) -> Table:
    """Room for so many indicators."""
    most = N_RAW + indicators + 1  # the last row is where one is looked up that is known already
    size = 1 << max(4, int(2 * most).bit_length())
    arguments = np.zeros((most, MOST_ARGUMENTS))
    words = np.empty(most, np.int64)
    words[:N_RAW] = -1 - np.arange(N_RAW)
    return Table(
        np.zeros(size, np.int64), words, arguments, arguments.view(np.int64), np.zeros(most, np.int64),
        np.full(most, -1), np.empty(most, np.int64), np.array([N_RAW, 0]),
    )  # fmt: skip


@step
def interned(table: Table, word: int, source: int) -> int:
    """The number of a column; its arguments stand in the first row of the table that is free."""
    new = table.counts[0]
    bits = table.bits[new]
    mask = table.slots.size - 1
    at = hashed(word * 4096 + source, bits[0], bits[1], bits[2]) & mask
    while table.slots[at] > 0:
        known = table.slots[at] - 1
        if table.words[known] == word and table.sources[known] == source:
            same = True
            for k in range(MOST_ARGUMENTS):
                same = same and table.bits[known, k] == bits[k]
            if same:
                return int(known)
        at = (at + 1) & mask
    table.slots[at] = new + 1
    table.words[new], table.sources[new] = word, source
    table.counts[0] = new + 1
    return int(new)


@step
def column_at(table: Table, tokens: I32, values: F64, at: int, chain: I64) -> tuple[int, int]:
    """The number of the column that an indicator, or a raw column, at this token stands for, and where it ends.

    chain   scratch, longer than sources are nested
    """
    depth = 0
    source = CLOSE
    while tokens[at] >= WORD:
        chain[depth] = at
        depth += 1
        token = tokens[at]
        at += 1 + PARAMETERS[(token - WORD) // 2 // tk.N_TIMEFRAMES]
        if not token & 1:
            at -= 1
            break
    if tokens[at] >= RAW and tokens[at] < WORD:
        source = tokens[at] - RAW
    end = at + 1
    while depth > 0:
        depth -= 1
        word = (tokens[chain[depth]] - WORD) // 2
        row = table.arguments[table.counts[0]]
        row[:] = 0.0
        for k in range(PARAMETERS[word // tk.N_TIMEFRAMES]):
            row[k] = values[chain[depth] + 1 + k] + 0.0  # −0 is 0
        source = interned(table, word, source)
    return source, end


@step
def read(table: Table, column: int) -> int:
    """How a program names the column: below 0."""
    place = table.places[column]
    if place < 0:
        place = table.counts[1]
        table.places[column] = place
        table.read[place] = column
        table.counts[1] = place + 1
    return int(-1 - place)


def keys_of(table: Table, known: Sequence[ColumnKey] = ()) -> list[ColumnKey]:
    """What every column of the table is, by number. known: those of the first, from an earlier call."""
    begin, n = max(len(known), N_RAW), int(table.counts[0])
    keys: list[ColumnKey] = list(known) or [("raw", name) for name in COLUMNS]
    words, sources = table.words[begin:n].tolist(), table.sources[begin:n].tolist()
    for word, source, arguments in zip(words, sources, table.arguments[begin:n].tolist(), strict=True):
        name, parameters, timeframe = _WORDS[word]
        keys.append((name, tuple(arguments[:parameters]), keys[source], timeframe))
    return keys


def rows_of(table: Table) -> tuple[I64, I64]:
    """The columns that a market is asked for, in the order of `genome.programs.columns.in_order` up to ties, and the row of each.

    Sources come before what is computed of them, and averages of one source stand side by side. A raw column that no
    program reads has row −1.
    """
    n = int(table.counts[0])
    sources, words = table.sources[:n], table.words[:n]
    computed, depth = np.arange(N_RAW, n), np.zeros(n, np.int64)
    for _ in range(MOST_NESTED_SOURCES):
        of = sources[computed]
        depth[computed] = np.where(of >= N_RAW, 1 + depth[of], 0)
    wanted = np.concatenate([np.flatnonzero(table.places[:N_RAW] >= 0), computed])
    ema = (words == _EMA * tk.N_TIMEFRAMES).astype(np.int64)
    keys = (table.arguments[:n, 0], words, sources, ema, depth)
    ordered = wanted[np.lexsort(tuple(key[wanted] for key in keys))]
    rows = np.full(n, -1)
    rows[ordered] = np.arange(len(ordered))
    return ordered, rows


def _words() -> Sequence[tuple[str, int, str]]:
    return [
        (word.name, len(word.parameters), timeframe)
        for word in tk.WORD_LIST
        for timeframe in tk.TIMEFRAME_LIST
    ]


_WORDS = _words()
