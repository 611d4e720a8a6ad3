"""From rows as a library gives them to candles that can be believed; whatever cannot is counted, with the rule."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from organism.lake.candles import HIGHEST_VOLUME, Candles, Events, wrong
from organism.lake.names import Kind, origin_us

_COLUMNS = 6
_FARTHEST_MS = 253_402_300_800_000  # year 10000
_MOST_RATE = 0.5


class Page(NamedTuple):
    """What one answer held.

    candles   rising, each open time once, all of them on the grid of the timeframe
    refused   rule and value of each row that was left out
    """

    candles: Candles
    refused: tuple[str, ...]


def page_of(rows: Sequence[object], bar_us: int, *, volume: bool = True) -> Page:
    """Check them one by one. Of two rows with one open time the later counts.

    rows     [open time in ms, open, high, low, close, volume]; anything at all may stand there instead
    bar_us   length of a candle
    volume   whether there is one: marks have none, and what stands in its place is not read
    """
    if not volume:
        rows = [
            [*row[: _COLUMNS - 1], 0.0] if isinstance(row, list) and len(row) >= _COLUMNS - 1 else row
            for row in rows
        ]
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
    if not volume:
        candles = replace(candles, volume=np.full(len(candles), np.nan))
    while (found := wrong(candles, volume=volume)) is not None:
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


class EventsPage(NamedTuple):
    """What one answer held: events, rising, each time once, and what was left out, with the reason."""

    events: Events
    refused: tuple[str, ...]


def events_of(rows: Sequence[object], kind: Kind, symbol: str, before_us: int) -> EventsPage:
    """Check rates or open interest one by one. Of two rows with one time the later counts.

    rows        as ccxt gives them: {symbol, timestamp (ms), fundingRate} or {…, openInterestAmount, openInterestValue};
                anything at all may stand there instead
    before_us   what is said to be of then or later is a forecast, and is left out without a word
    """
    good: dict[int, tuple[float, ...]] = {}
    refused: list[str] = []
    for place, row in enumerate(rows, start=1):
        values = _values(row, kind, symbol)
        if values is None or not isinstance(row, dict):
            what = "a rate" if kind is Kind.FUNDING else "open interest"
            refused.append(f"row {place}: {what} of {symbol} is needed; was {str(row)[:80]}")
        elif row["timestamp"] * 1_000 < before_us:
            good[row["timestamp"] * 1_000] = values
    at = np.array(sorted(good), np.int64)
    names = ("rate",) if kind is Kind.FUNDING else ("amount", "value")
    table = np.array([good[us] for us in at.tolist()], np.float64).reshape(-1, len(names))
    columns = {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names)}
    return EventsPage(Events(at, columns), tuple(refused))


def _values(row: Any, kind: Kind, symbol: str) -> tuple[float, ...] | None:
    if not isinstance(row, dict) or row.get("symbol") != symbol:
        return None
    stamp = row.get("timestamp")
    if type(stamp) is not int or not 0 < stamp < _FARTHEST_MS:
        return None
    if kind is Kind.FUNDING:
        rate: Any = row.get("fundingRate")
        return (float(rate),) if _is_number(rate) and abs(rate) <= _MOST_RATE else None
    amount: Any = row.get("openInterestAmount")
    value: Any = row.get("openInterestValue")
    if not _is_number(amount) or not 0 <= amount <= HIGHEST_VOLUME:
        return None
    if value is None:
        return float(amount), math.nan
    return (float(amount), float(value)) if _is_number(value) and 0 <= value <= HIGHEST_VOLUME else None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
