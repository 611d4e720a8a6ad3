"""Kernels by name, and a word over a whole market."""

from collections.abc import Callable
from functools import cache, lru_cache
from types import ModuleType
from typing import Any, Literal

import numpy as np

from genome.indicators import averages, bands, oscillators, ranges, returns, swings, volume, vwap
from genome.indicators.checks import checked
from genome.indicators.dispatch import enter
from genome.indicators.timeframes import GATHERED_SLOTS, SAMPLED, advance_on, seconds_of
from genome.market import F64, Market
from genome.vocabulary import COLUMN_INDEX, WORDS, Word
from organism.errors import BadInput

_PARTS: tuple[ModuleType, ...] = (averages, bands, oscillators, ranges, returns, swings, volume, vwap)
_SLOTS: dict[str, Callable[[tuple[float, ...]], int]] = {
    k: v for part in _PARTS for k, v in part.SLOTS.items()
}
_HOMES = {name: part for part in _PARTS for name in part.SLOTS}
_RENAMED = {"highest": "highest_of", "lowest": "lowest_of"}
_CODES = {name: code for code, name in enumerate(WORDS)}
_PLAIN: tuple[Literal["C", "W"], ...] = ("C", "W")
_VOID_TEST = ("open", "high", "low", "close")
_READ_VOLUME = frozenset(volume.SLOTS) | frozenset(vwap.SLOTS)


def _single(name: str) -> Word:
    if name not in WORDS:
        raise BadInput(f"there is no indicator {name!r}; it is one of: {', '.join(WORDS)}.")
    if WORDS[name].panel:
        raise BadInput(f"{name} compares assets and needs a panel of markets; use genome.indicators.panel.")
    return WORDS[name]


@cache
def kernel(name: str) -> Any:
    """The compiled kernel of a word, in its one specialisation: C-ordered, writable float64 and int64 arrays."""
    _single(name)
    dispatcher = getattr(_HOMES[name], _RENAMED.get(name, name))
    enter(_CODES[name], dispatcher)
    return dispatcher


def code_of(name: str) -> int:
    """Number of a word for `advance_any` and `advance_on`, in the order of WORDS; makes its kernel ready.

    The number is the same everywhere; ready it is in this process only, so each process asks once.
    """
    kernel(name)
    return _CODES[name]


@lru_cache(1 << 14)
def state_size(name: str, params: tuple[float, ...], timeframe: str = "") -> int:
    """Memory of a word with these parameters, in float64 slots; with a timeframe, for `advance_on`."""
    _single(name)
    checked(name, params)
    return _SLOTS[name](params) + (GATHERED_SLOTS if timeframe else 0)


def columns_read(name: str) -> tuple[str, ...]:
    """Raw columns a word looks at besides its source. Open, high, low and close always: a void bar shows there."""
    _single(name)
    return (*_VOID_TEST, "volume") if name in _READ_VOLUME else _VOID_TEST


def compute(
    name: str, params: tuple[float, ...], market: Market, source: F64 | str | None = None, timeframe: str = ""
) -> F64:
    """A word over a whole market.

    source     float64 (T,), or a column by name; `close` when None. Only words that take a source look at it.
    timeframe  a key of TIMEFRAMES: computed on those bars, visible after their close. A column given by name is gathered
               into them (`high` is the highest, `volume` the sum); of an array its newest known value is taken.

    Returns float64 (T,). Causality: value t uses bars up to t. For research and tests; engines call `kernel`.
    """
    word = checked(name, params)
    advance = kernel(name)
    if source is not None and not word.takes_source:
        raise BadInput(f"{name} takes no source; leave it out.")
    seconds = seconds_of(timeframe, market.bar_s)
    p = np.array(params, dtype=np.float64)
    state = np.zeros(state_size(name, params, timeframe))
    columns = np.require(market.columns, np.float64, _PLAIN)
    open_s = np.require(market.open_s, np.int64, _PLAIN)
    x = _series(name, market, source)
    out = np.empty(market.size)
    if timeframe:
        row = _row("close" if source is None else source) if isinstance(source, str | None) else SAMPLED
        code = code_of(name)
        advance_on(code, row, p, state, x, columns, open_s, 0, out, market.bar_s, seconds)
        return out
    advance(p, state, x, columns, open_s, 0, out)
    return out


def _row(source: str) -> int:
    if source not in COLUMN_INDEX:
        raise BadInput(f"there is no column {source!r}; it is one of: {', '.join(COLUMN_INDEX)}.")
    return COLUMN_INDEX[source]


def _series(name: str, market: Market, source: F64 | str | None) -> F64:
    if source is None or isinstance(source, str):
        return np.require(market.columns[_row(source or "close")], np.float64, _PLAIN)
    if source.shape != (market.size,):
        raise BadInput(f"the source of {name} has shape {source.shape}; {(market.size,)} is needed.")
    return np.require(source, np.float64, _PLAIN)
