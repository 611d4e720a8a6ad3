"""Trades of the lake → candles, a month at a time."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput
from organism.lake.candles import I32, Candles, joined
from organism.lake.names import Kind, Series, origin_us, series
from organism.lake.store import Appended, Lake

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def candles_of(at_us: I64, price: F64, quantity: F64, bar_us: int) -> Candles:
    """First, highest, lowest and last price, and the sum of quantities; times int64 (n,) µs never fall.

    A candle in which nobody traded is not there.
    """
    if not at_us.size:
        return Candles.empty()
    origin = origin_us(bar_us)
    opens = (at_us - origin) // bar_us * bar_us + origin
    heads = np.flatnonzero(np.diff(opens, prepend=opens[:1] - 1))
    ends = np.append(heads[1:], at_us.size) - 1
    return Candles(
        opens[heads], price[heads], np.maximum.reduceat(price, heads), np.minimum.reduceat(price, heads), price[ends],
        np.add.reduceat(quantity, heads),
    )  # fmt: skip


def made_of_trades(
    lake: Lake, trades: Series, timeframe: str, *, stop: Callable[[], bool] = lambda: False
) -> tuple[Series, Appended]:
    """Append candles made of a series of trades, from the first whole one to the last; what was appended.

    The candles in which a recording begins and ends are left out, for they may be parts of one: those of the series, and
    those beside a hole between two sources. Raises `BadInput`.
    """
    if trades.kind is not Kind.TRADES:
        raise BadInput(f"{trades.text} holds no trades; candles are made of trades.")
    wanted = series(trades.venue, trades.symbol, timeframe)
    span = lake.span(trades)
    if span is None:
        raise BadInput(f"{trades.text} is not in {lake.root}; `organism data list` shows what is.")
    done = Appended(0, 0, 0)
    for candles in _by_month(lake, trades, wanted.bar_us, span.first_us, span.last_us):
        counts = lake.append(
            wanted, candles, source=f"trades of {trades.venue} in the lake", received_us=lake.now_us()
        )
        done = Appended(*(a + b for a, b in zip(done, counts, strict=True)))
        if stop():
            break
    return wanted, done


def _by_month(lake: Lake, trades: Series, bar_us: int, first_us: int, last_us: int) -> Iterator[Candles]:
    origin = origin_us(bar_us)
    begin = origin + (first_us - origin) // bar_us * bar_us
    begun = [begin] if first_us > begin else []  # the recording begins inside its first candle
    end = origin + (last_us - origin) // bar_us * bar_us  # the last trade lies in the candle that opens here
    month = np.datetime64(begin, "us").astype("datetime64[M]")
    at_us, before = begin, _Edge()
    held = Candles.empty()
    while at_us < end:
        month = month + 1
        cut = int(month.astype("datetime64[us]").astype(np.int64))
        until_us = min(end, max(at_us + bar_us, origin - (origin - cut) // bar_us * bar_us))
        stored = lake.read_events(trades, at_us, until_us)
        at, values = stored.events.at_us, stored.events.values
        at_us = until_us
        if not at.size:
            continue
        opens = (at - origin) // bar_us * bar_us + origin
        torn = _torn(opens, stored.source_id, stored.sources, before, bar_us)
        before = _Edge(int(opens[-1]), stored.sources[stored.source_id[-1]])
        candles = candles_of(at, values["price"], values["quantity"], bar_us)
        # The last candle waits: whether it is whole is known when the next trade is.
        both = joined(held, candles)
        both = both.take(~np.isin(both.open_us, [*torn, *begun]))
        held = both.between(before.open_us, None)
        if len(done := both.between(None, before.open_us)):
            yield done
    if len(held):
        yield held


class _Edge(NamedTuple):
    """Where the rows read so far end: the open of the last candle, and the source of its last trade."""

    open_us: int = 0
    source: str = ""


def _torn(opens: I64, source_id: I32, sources: tuple[str, ...], before: _Edge, bar_us: int) -> I64:
    """Candles that may be parts: at both ends of a hole of a candle or more between two sources, say two files."""
    names = np.array(sources)[source_id]
    if before.source:
        opens, names = np.append(before.open_us, opens), np.append(before.source, names)
    at = np.flatnonzero((np.diff(opens) > bar_us) & (names[1:] != names[:-1]))
    return np.concatenate((opens[at], opens[at + 1]))
