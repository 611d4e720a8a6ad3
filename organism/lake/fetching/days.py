"""Who a UTC day is from: a day is whole from one source, so what is missing of it comes from that source or not at all."""

from typing import NamedTuple

import numpy as np

from organism.lake.candles import I64, Flags
from organism.lake.store import Stored, StoredEvents

DAY_US = 86_400_000_000
PREFIX = "ccxt:"  # of the source of a row that a fetch brought


def source_text(venue: str, symbol: str = "") -> str:
    """What stands at each row: the venue that gave it, and the symbol where it is another instrument's.

    >>> source_text("binance"), source_text("bitstamp", "BTC/USD")
    ('ccxt:binance', 'ccxt:bitstamp BTC/USD')
    """
    return f"{PREFIX}{venue} {symbol}".strip()


def owners(stored: Stored, own: str) -> dict[int, str]:
    """For each day with a row: the source that began it. Rows of a file count as the series' own venue's (`own`)."""
    return _owners(stored.candles.open_us, stored, own)


def event_owners(stored: StoredEvents, own: str) -> dict[int, str]:
    """The same of events."""
    return _owners(stored.events.at_us, stored, own)


def _owners(at_us: I64, stored: Stored | StoredEvents, own: str) -> dict[int, str]:
    days = at_us // DAY_US
    _, first = np.unique(days, return_index=True)
    found = {}
    for at in first:
        text = stored.sources[stored.source_id[at]]
        found[int(days[at])] = text if text.startswith(PREFIX) else own
    return found


class Chunk(NamedTuple):
    """A stretch of whole days.

    opens_us   (n,) open times of its candles
    missing    (n,) which of them the lake has not
    """

    opens_us: I64
    missing: Flags


def chunks(
    gaps: list[tuple[int, int]], bar_us: int, *, least_days: int = 30, least_candles: int = 1_000
) -> list[Chunk]:
    """Cut what is missing at midnights: long enough for full pages, short enough to come back to the first source.

    gaps   as `Lake.gaps` gives them
    """
    if not gaps:
        return []
    days = max(least_days, -(-least_candles * bar_us // DAY_US))
    span_us = days * DAY_US
    found = []
    for number in sorted({us // span_us for gap in gaps for us in range(gap[0], gap[1], span_us)} | {
        (gap[1] - 1) // span_us for gap in gaps
    }):  # fmt: skip
        begin, end = number * span_us, (number + 1) * span_us
        inside = [(max(a, begin), min(b, end)) for a, b in gaps if a < end and b > begin]
        # Gaps begin on the grid of the timeframe; a cut at midnight may not (weeks): the next candle then.
        grid = gaps[0][0]
        first = grid - (grid - inside[0][0]) // bar_us * bar_us
        opens = np.arange(first, inside[-1][1], bar_us, dtype=np.int64)
        missing = np.zeros(opens.size, np.bool_)
        for a, b in inside:
            missing[np.searchsorted(opens, a) : np.searchsorted(opens, b)] = True
        if missing.any():
            found.append(Chunk(opens, missing))
    return found


def of_days(opens_us: I64, wanted: set[int]) -> Flags:
    """(n,) candles that open on one of these days."""
    return np.isin(opens_us // DAY_US, np.array(sorted(wanted), np.int64))
