"""From rows as a library gives them to candles that can be believed; whatever cannot is counted, with the rule."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from organism.lake.candles import Candles, wrong
from organism.lake.names import origin_us

_COLUMNS = 6
_FARTHEST_MS = 253_402_300_800_000  # year 10000


class Page(NamedTuple):
    """What one answer held.

    candles   rising, each open time once, all of them on the grid of the timeframe
    refused   rule and value of each row that was left out
    """

    candles: Candles
    refused: tuple[str, ...]


def page_of(rows: Sequence[object], bar_us: int) -> Page:
    """Check them one by one. Of two rows with one open time the later counts.

    rows     [open time in ms, open, high, low, close, volume]; anything at all may stand there instead
    bar_us   length of a candle
    """
    refused: list[str] = []
    good: dict[int, list[float]] = {}
    for place, row in enumerate(rows, start=1):
        why = _unreadable(row, bar_us)
        if why is not None or not isinstance(row, list):
            refused.append(f"row {place}: {why}")
            continue
        good[int(row[0]) * 1_000] = [float(value) for value in row[1:_COLUMNS]]
    opens = np.array(sorted(good), np.int64)
    table = np.array([good[int(us)] for us in opens], np.float64).reshape(-1, _COLUMNS - 1)
    candles = Candles(opens, *(np.ascontiguousarray(table[:, i]) for i in range(_COLUMNS - 1)))
    while (found := wrong(candles)) is not None:
        place, why = found
        refused.append(f"candle of {np.datetime64(int(candles.open_us[place]), 'us')}Z: {why}")
        candles = candles.take(np.arange(len(candles)) != place)
    return Page(candles, tuple(refused))


def _unreadable(row: object, bar_us: int) -> str | None:
    if not isinstance(row, list) or len(row) < _COLUMNS:
        return f"a candle has {_COLUMNS} numbers; was {str(row)[:60]}"
    for value in row[:_COLUMNS]:
        if type(value) not in (int, float) or not math.isfinite(value):
            return f"a candle has {_COLUMNS} numbers; one was {str(value)[:40]}"
    if not 0 <= row[0] < _FARTHEST_MS or int(row[0]) != row[0]:
        return f"an open time is in milliseconds since 1970; was {row[0]}"
    if (int(row[0]) * 1_000 - origin_us(bar_us)) % bar_us:
        return f"an open time is a multiple of the timeframe; was {int(row[0])} ms"
    return None
