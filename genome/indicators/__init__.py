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

from genome.indicators.averages import ema_many
from genome.indicators.checks import checked
from genome.indicators.dispatch import advance_any
from genome.indicators.panel import panel
from genome.indicators.timeframes import SAMPLED, advance_on, seconds_of
from genome.indicators.whole import code_of, columns_read, compute, kernel, state_size

__all__ = [
    "SAMPLED", "advance_any", "advance_on", "checked", "code_of", "columns_read", "compute", "ema_many", "kernel",
    "panel", "seconds_of", "state_size",
]  # fmt: skip
