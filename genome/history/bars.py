"""A file of candles → `Market`: one file, a folder of them, a longer timeframe, a stretch of time."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genome.history import checks, manifest, tables
from genome.market import Market, market
from organism.errors import BadInput
from organism.market import AssetClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

REQUIRED = ("timestamp", "open", "high", "low", "close", "volume")
OPTIONAL = ("funding", "fear_greed", "book_imbalance", "mark_open", "mark_high", "mark_low")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WEEK_S = 604_800
_MONDAY_S = 4 * 86_400  # 1970-01-05


def timeframe_seconds(text: str) -> int:
    """Seconds of a timeframe: a number and m, h, d or w. Raises `BadInput`.

    >>> timeframe_seconds("4h"), timeframe_seconds("1w")
    (14400, 604800)
    """
    match = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    if match is None:
        raise BadInput(f"timeframe was {text!r}; a timeframe looks like 5m, 1h, 4h, 1d or 1w.")
    return int(match[1]) * _SECONDS[match[2]]


def load(
    path: Path,
    *,
    symbol: str | None = None,
    start: int | None = None,
    end: int | None = None,
    timeframe: str | None = None,
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
) -> Market:
    """One asset's bars from a Parquet or CSV file.

    symbol       the file's name without its ending when not given
    start, end   seconds since the epoch, UTC; bars with start ≤ open < end are kept
    timeframe    a multiple of the file's bars; `resampled` says how

    The bar's length is the most frequent step in the file; a file with one bar has bars of `timeframe`, else a minute.
    The whole file is checked, also what lies outside start and end. Raises `BadInput`.
    """
    table = tables.read(path, REQUIRED, OPTIONAL)
    stamps = checks.stamps(path, table.columns["timestamp"])
    told = None if timeframe is None else timeframe_seconds(timeframe)
    bar_s = checks.bar_length(path, stamps, told)
    checks.prices(path, table.columns, stamps)
    opens = stamps // checks.MS
    cut = slice(
        0 if start is None else int(np.searchsorted(opens, start)),
        opens.size if end is None else int(np.searchsorted(opens, end)),
    )
    if cut.start >= cut.stop:
        raise _Outside(
            f"{path.name} has no bar between the wanted start and end; its bars run from "
            f"{checks.written(stamps[0])} to {checks.written(stamps[-1])}."
        )
    columns = {name: values[cut] for name, values in table.columns.items()}
    opened, high, low, close, volume = (columns[name] for name in REQUIRED[1:])
    found = market(
        symbol or path.stem,
        opens[cut],
        bar_s,
        (opened, high, low, close, volume),
        **{name: columns.get(name) for name in OPTIONAL[:3]},
        **{name: columns.get(name) for name in OPTIONAL[3:]},
        asset_class=asset_class,
    )
    return found if told is None else resampled(found, told)


def load_folder(
    path: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    timeframe: str | None = None,
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Market]:
    """All `SYMBOL.csv` and `SYMBOL.parquet` of a folder, by symbol; other files are left alone.

    A file that `SHA256SUMS` in the folder lists must be there. An asset without a bar between start and end is left
    out, unless none has one. `progress` is told (done, all, symbol) before each file. Raises `BadInput`.
    """
    if not path.is_dir():
        raise BadInput(f"{path} is not a folder; name a folder of SYMBOL.csv or SYMBOL.parquet files.")
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in tables.SUFFIXES and p.is_file())
    if not files:
        raise BadInput(
            f"{path} holds no .csv or .parquet file; one a symbol is needed, SYMBOL.csv or SYMBOL.parquet."
        )
    manifest.check_complete(path, tables.SUFFIXES)
    for one, next_one in itertools.pairwise(files):
        if one.stem == next_one.stem:
            raise BadInput(f"{path} has {one.name} and {next_one.name}, the same symbol twice; keep one.")
    found = []
    outside: BadInput | None = None
    for done, file in enumerate(files):
        if progress is not None:
            progress(done, len(files), file.stem)
        try:
            found.append(load(file, start=start, end=end, timeframe=timeframe, asset_class=asset_class))
        except _Outside as error:
            outside = error
    if not found and outside is not None:
        raise outside
    return found


class _Outside(BadInput):
    """A good file without a bar in the wanted stretch."""


def resampled(found: Market, bar_s: int) -> Market:
    """Longer bars: open of the first, highest high, lowest low, close of the last, sum of volume.

    Bars begin at multiples of `bar_s` since 1970-01-01, weeks on Mondays, UTC. Void bars are left out; a bar of void
    bars alone is void. The first and the last bar are dropped where the recording begins or ends inside them: neither
    their open nor their close would be true. Other columns take the last value, marks are joined like prices, funding
    at the first bar's open stays there and all other goes inside. Raises `BadInput`.
    """
    if bar_s == found.bar_s:
        return found
    if bar_s < found.bar_s or bar_s % found.bar_s:
        raise BadInput(
            f"{found.symbol} has bars of {found.bar_s:,} s; a timeframe is a multiple of them, and {bar_s:,} s is none."
        )
    origin = _MONDAY_S if bar_s % _WEEK_S == 0 else 0
    group = (found.open_s - origin) // bar_s
    begins = group * bar_s + origin
    keep = np.ones(found.size, np.bool_)
    if found.open_s[0] != begins[0]:
        keep &= group != group[0]
    if found.open_s[-1] + found.bar_s != begins[-1] + bar_s:
        keep &= group != group[-1]
    if not keep.any():
        raise BadInput(f"{found.symbol} has not one whole bar of {bar_s:,} s; choose a shorter timeframe.")
    heads = np.flatnonzero(np.diff(group[keep], prepend=group[keep][0] - 1))
    joined = _Joiner(found, keep, heads)
    opens = begins[keep][heads]
    late = (
        found.open_s[keep][heads] != opens
    )  # the group's own first bar is missing: nothing of it is at the open
    long = market(
        found.symbol,
        opens,
        bar_s,
        (
            joined.first(found.column("open")),
            joined.highest(found.column("high")),
            joined.lowest(found.column("low")),
            joined.last(found.column("close")),
            joined.total(found.column("volume")),
        ),
        **{name: joined.newest(found.column(name)) for name in OPTIONAL[:3]},
        asset_class=found.asset_class,
    )
    funding_open, funding_inside = joined.funding(late)
    return replace(
        long,
        tick=found.tick,
        lot=found.lot,
        min_notional=found.min_notional,
        mark_open=None if found.mark_open is None else joined.first(found.mark_open),
        mark_high=None if found.mark_high is None else joined.highest(found.mark_high),
        mark_low=None if found.mark_low is None else joined.lowest(found.mark_low),
        funding_open=funding_open,
        funding_inside=funding_inside,
        funding_gaps=found.funding_gaps,
    )


class _Joiner:
    """Joins stretches of kept bars; void bars count for nothing."""

    def __init__(self, found: Market, keep: NDArray[np.bool_], heads: I64) -> None:
        ohlc = [found.column(name)[keep] for name in ("open", "high", "low", "close")]
        self._void = np.isnan(np.vstack(ohlc)).any(axis=0)
        self._found, self._keep, self._heads = found, keep, heads
        self._ends = np.append(heads[1:], self._void.size) - 1

    def _valid(self, values: F64) -> F64:
        kept = values[self._keep].copy()
        kept[self._void] = np.nan
        return kept

    def highest(self, values: F64) -> F64:
        return np.fmax.reduceat(self._valid(values), self._heads)

    def lowest(self, values: F64) -> F64:
        return np.fmin.reduceat(self._valid(values), self._heads)

    def total(self, values: F64) -> F64:
        valid = self._valid(values)
        known = np.add.reduceat((~np.isnan(valid)).astype(np.int64), self._heads)
        return np.where(known > 0, np.add.reduceat(np.nan_to_num(valid), self._heads), np.nan)

    def first(self, values: F64) -> F64:
        rows = np.arange(self._void.size)
        at = np.minimum.reduceat(np.where(self._void, self._void.size, rows), self._heads)
        return self._taken(values, at, at < self._void.size)

    def last(self, values: F64) -> F64:
        rows = np.arange(self._void.size)
        at = np.maximum.reduceat(np.where(self._void, -1, rows), self._heads)
        return self._taken(values, at, at >= 0)

    def newest(self, values: F64) -> F64:
        """The last known value within each stretch, whether or not the bar is void."""
        kept = values[self._keep]
        at = np.maximum.reduceat(np.where(np.isnan(kept), -1, np.arange(kept.size)), self._heads)
        return self._taken(values, at, at >= 0)

    def _taken(self, values: F64, at: I64, known: NDArray[np.bool_]) -> F64:
        kept = values[self._keep]
        return np.where(known, kept[np.clip(at, 0, kept.size - 1)], np.nan)

    def funding(self, late: NDArray[np.bool_]) -> tuple[F64 | None, F64 | None]:
        opened, inside = self._found.funding_open, self._found.funding_inside
        if opened is None or inside is None:
            return opened, inside
        opened, inside = opened[self._keep], inside[self._keep]
        elsewhere = opened.copy()
        elsewhere[self._heads] = np.where(late, opened[self._heads], 0.0)
        at_open = np.where(late, 0.0, opened[self._heads])
        return at_open, np.add.reduceat(inside + elsewhere, self._heads)
