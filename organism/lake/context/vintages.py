"""Values with the instant at which each became known, and what could be known at another instant.

A row as first received became known when the table of lags says, however late it was brought into the lake: history that
is imported today was known then. A correction became known when it was received. So a value that was revised shows what
was believed before, to whoever looks from before.
"""

from dataclasses import dataclass

import numpy as np

from organism.errors import BadInput
from organism.lake import parts
from organism.lake.candles import F64, I64, Candles, Flags
from organism.lake.context.lags import known_at, lag_of
from organism.lake.names import Kind, Series
from organism.lake.store import Lake, month_of


@dataclass(frozen=True, slots=True, eq=False)
class Vintages:
    """Everything that was ever said of a series.

    at_us      int64 (n,), µs UTC, what the value is of; never falling
    known_us   int64 (n,), when it became known; never falling within one `at_us`
    values     float64 (n,)
    """

    at_us: I64
    known_us: I64
    values: F64

    def __len__(self) -> int:
        return self.at_us.size

    def take(self, which: Flags | I64) -> "Vintages":
        """The rows at these places, or where this is true."""
        return Vintages(self.at_us[which], self.known_us[which], self.values[which])


_VALUE = {
    Kind.CANDLES: "close",
    Kind.MARK: "close",
    Kind.FUNDING: "rate",
    Kind.OPEN_INTEREST: "amount",
    Kind.CONTEXT: "value",
}


def vintages(lake: Lake, series: Series, *, value: str = "") -> Vintages:
    """Read a series with the instants at which its values became known; empty where it is not there.

    value   which column; the close of candles, the rate of funding, the amount of open interest by default

    Raises `BadInput` for trades, for a column that the kind has not, and for a damaged part.
    """
    column = value or _VALUE.get(series.kind, "")
    if column not in parts.SHAPES[series.kind].values:
        raise BadInput(
            f"{series.text} has no value {value or 'by default'!r}; name one of {', '.join(parts.SHAPES[series.kind].values)}."
        )
    table = every_revision(lake, series)
    shape = parts.SHAPES[series.kind]
    known = _known(series, table)
    order = np.lexsort([table["revision"], known, table[shape.time]])
    return Vintages(table[shape.time][order], known[order], table[column][order])


def every_revision(
    lake: Lake, series: Series, start_us: int | None = None, end_us: int | None = None
) -> parts.Table:
    """All rows of a series from start until before end, every revision of each. Raises `BadInput`."""
    shape = parts.SHAPES[series.kind]
    first = "" if start_us is None else month_of(start_us)
    last = "9999-99" if end_us is None else month_of(end_us - 1)
    found = [
        parts.read(lake.connection(), path, shape)[0]
        for path in lake.files(series)
        if first <= path.name.removesuffix(parts.ENDING) <= last
    ]
    if not found:
        return {name: np.empty(0, kind) for name, kind in shape.types().items()}
    whole = {name: np.concatenate([table[name] for table in found]) for name in shape.types()}
    times = whole[shape.time]
    begin = 0 if start_us is None else int(np.searchsorted(times, start_us))
    end = times.size if end_us is None else int(np.searchsorted(times, end_us))
    return {name: column[begin : max(begin, end)] for name, column in whole.items()}


def _known(series: Series, table: parts.Table) -> I64:
    times = table[parts.SHAPES[series.kind].time]
    if series.kind is Kind.CONTEXT:
        said: I64 = table["known_us"].astype(np.int64)
    else:
        said = known_at(str(series.kind), times, series.bar_us)
    corrected = np.maximum(said, table["received_us"])
    return np.where(table["revision"] > 0, corrected, said)


def as_known(read: Vintages, at_us: int) -> Vintages:
    """What was known at an instant: each value once, in the newest vintage of then.

    Causality: no row of the result became known after `at_us`; rows that become known later change nothing.
    """
    there = read.take(read.known_us <= at_us)
    last = np.ones(len(there), np.bool_)
    last[:-1] = there.at_us[1:] != there.at_us[:-1]
    return there.take(last)


def newest(read: Vintages, when_us: I64, name: str = "") -> F64:
    """The newest value known at each instant, float64 (m,); NaN where there is none, or it is too old.

    when_us   int64 (m,), in any order
    name      of the table of lags, which says when a value is too old; never, without

    Newest is the value of the latest `at_us`, in its newest vintage. Causality: as in `as_known`. O((n + m) log n).
    """
    if not len(read):
        return np.full(when_us.size, np.nan)
    told = read.take(
        np.argsort(read.known_us, kind="stable")
    )  # within one instant by at, then as they were said
    leads = told.at_us == np.maximum.accumulate(told.at_us)
    leader = np.maximum.accumulate(np.where(leads, np.arange(len(told)), 0))
    at = np.searchsorted(told.known_us, when_us, side="right") - 1
    row = leader[np.maximum(at, 0)]
    found = np.where(at >= 0, told.values[row], np.nan)
    stale_us = lag_of(name).stale_us if name else 0
    if stale_us:
        # Counted from when a value of its time is first due: a late correction of an old day is still of an old day.
        fresh_until = known_at(name, told.at_us[row]) + stale_us
        found = np.where(when_us > fresh_until, np.nan, found)
    return found


def candles_as_known(
    lake: Lake, series: Series, at_us: int, start_us: int | None = None, end_us: int | None = None
) -> Candles:
    """Candles that had closed at an instant, each in the newest revision of then. Raises `BadInput`.

    Unlike `Lake.read(as_of_us=…)`, which asks when a row reached this lake, this asks when it could be known: history
    that was imported years later counts from its close, and a correction from when it was received.
    """
    end = at_us if end_us is None else min(at_us, end_us)
    if start_us is not None and start_us >= end:
        return Candles.empty()
    table = every_revision(lake, series, start_us, end)
    known = _known(series, table) <= at_us
    table = {name: column[known] for name, column in table.items()}
    opens = table["open_us"]
    last = np.ones(opens.size, np.bool_)
    last[:-1] = opens[1:] != opens[:-1]
    volume = table["volume"] if series.kind is Kind.CANDLES else np.full(opens.size, np.nan)
    whole = Candles(opens, table["open"], table["high"], table["low"], table["close"], volume)
    return whole.take(last)
