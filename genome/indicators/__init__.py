"""Indicators: one compiled kernel a word of `genome.vocabulary`, causal, the same for a whole history and for one bar.

Every kernel has the signature `advance(p, state, x, market, open_s, at, out)`:

p        float64 (parameters,), in the order of the word
state    float64 (state_size,), all its memory, zeros before the first bar
x        float64 (bars,), the source at these bars; looked at only where the word takes a source
market   float64 (len(COLUMNS), T), C order; these bars are its columns at … at + bars − 1
open_s   int64 (T,), opens of the bars of the market
out      float64 (bars,), results

It takes one bar after the other, so any cut of a history into calls gives the same bits. A void bar (SEMANTICS.md, 1)
and a source that is not finite give NaN and leave the state alone: windows are of the last n valid values. Values
before the word's lookback are NaN.

numba is imported with this package; each kernel is compiled, or loaded from numba's disk cache, when first asked for.
"""

from functools import cache
from typing import Any

import numpy as np

from genome.indicators import averages, bands, oscillators, ranges
from genome.indicators.averages import ema_many
from genome.indicators.dispatch import advance_any, enter
from genome.market import F64, Market
from genome.vocabulary import WORDS
from organism.errors import BadInput

__all__ = ["advance_any", "code_of", "columns_read", "compute", "ema_many", "kernel", "state_size"]

_MODULES = (averages, bands, oscillators, ranges)
_RENAMED = {"highest": "highest_of", "lowest": "lowest_of"}
_CODES = {name: code for code, name in enumerate(WORDS)}
_VOID_TEST = ("open", "high", "low", "close")


@cache
def kernel(name: str) -> Any:
    """The compiled kernel of a word, in its one specialisation."""
    dispatcher = _dispatcher(name)
    enter(_CODES[name], dispatcher)
    return dispatcher


def _dispatcher(name: str) -> Any:
    if name not in WORDS:
        raise BadInput(f"there is no indicator {name!r}; it is one of: {', '.join(WORDS)}.")
    if WORDS[name].panel:
        raise BadInput(
            f"{name} compares assets and needs a panel of markets; compute it with genome.indicators.panel."
        )
    for module in _MODULES:
        if name in module.SLOTS:
            return getattr(module, _RENAMED.get(name, name))
    raise BadInput(f"{name} has no kernel.")


def code_of(name: str) -> int:
    """Number of a word for `advance_any`, in the order of WORDS; makes its kernel ready in this process."""
    kernel(name)
    return _CODES[name]


def state_size(name: str, params: tuple[float, ...]) -> int:
    """Memory of a word with these parameters, in float64 slots."""
    for module in _MODULES:
        if name in module.SLOTS:
            return int(module.SLOTS[name](params))
    _dispatcher(name)
    raise BadInput(f"{name} has no state.")


def columns_read(name: str) -> tuple[str, ...]:
    """Raw columns a word looks at besides its source. Open, high, low and close always: a void bar shows there."""
    del name
    return _VOID_TEST


def compute(
    name: str, params: tuple[float, ...], market: Market, source: F64 | None = None, timeframe: str = ""
) -> F64:
    """A word over a whole market, float64 (T,); `source` is `close` when None."""
    del timeframe
    advance = kernel(name)
    out = np.empty(market.size)
    x = np.ascontiguousarray(market.column("close") if source is None else source, dtype=np.float64)
    state = np.zeros(state_size(name, params))
    advance(np.array(params, dtype=np.float64), state, x, market.columns, market.open_s, 0, out)
    return out
