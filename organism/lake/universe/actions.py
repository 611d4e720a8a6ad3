"""Splits, dividends, and new units under an old name: what traded before is shown as if they had been already.

Stored rows are as they were traded, and stay so: a share of Apple closed at 645.57 on a Friday and at 93.70 on the Monday
after, with seven shares for one. Whoever reads history across such a day reads it adjusted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import F64, Candles


@dataclass(frozen=True, slots=True)
class Action:
    """What one instrument did at `at_us`, µs UTC, the first instant at the new price.

    units      new units that one old unit became: 7 for a split of seven for one, 0.001 where a thousand became one
    dividend   cash for one unit, quote currency; 0 without
    """

    venue: str
    symbol: str
    at_us: int
    units: float = 1.0
    dividend: float = 0.0


def adjusted(candles: Candles, actions: Sequence[Action], as_of_us: int) -> Candles:
    """Candles of one instrument in its unit as of a date, less the dividends that were paid by then; a copy if anything changes.

    A split divides the prices before it by its units and multiplies the volume: the turnover stays. A dividend multiplies
    the prices before it by 1 - dividend / last close before it. Causality: actions of after the date are not applied.
    Raises `BadInput` for a dividend that is not below that close. O(n + actions).
    """
    due = sorted((one for one in actions if one.at_us <= as_of_us), key=lambda one: one.at_us)
    if not due or not len(candles):
        return candles
    at_us = np.array([one.at_us for one in due], np.int64)
    before = np.searchsorted(candles.open_us, at_us) - 1
    kept = [_kept(one, candles, int(place)) for one, place in zip(due, before, strict=True)]
    split = _from_there_on(np.array([one.units for one in due]))
    price = _from_there_on(np.array(kept)) / split
    after = np.searchsorted(at_us, candles.open_us, side="right")
    opened, high, low, close, volume = candles.values()
    by = price[after]
    return Candles(
        candles.open_us, opened * by, high * by, low * by, close * by, volume * split[after]
    )  # fmt: skip


def _kept(one: Action, candles: Candles, place: int) -> float:
    """What is left of a price when a dividend has been paid; `place` of the last candle before it, -1 without."""
    if not one.dividend or place < 0:
        return 1.0
    close = float(candles.close[place])
    if one.dividend >= close:
        raise BadInput(
            f"{one.venue} {one.symbol}: a dividend of {one.dividend:g} was paid on a close of {close:g}; it must be below it. "
            "Correct the entry in instruments.toml: it is of one unit, as units were on that day."
        )
    return 1.0 - one.dividend / close


def _from_there_on(factors: F64) -> F64:
    """Product of this and all later factors, (k + 1,); the last is 1."""
    return np.append(np.cumprod(factors[::-1])[::-1], 1.0)
