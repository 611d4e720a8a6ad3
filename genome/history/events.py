"""What comes beside candles: funding settlements of a perpetual, and the daily fear-and-greed index."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genome.history import checks, tables
from genome.history.quality import HOLE_BARS
from genome.market import Market
from genome.vocabulary import COLUMN_INDEX
from organism.errors import BadInput
from organism.lake.context import Vintages, known_at, newest
from organism.market import AssetClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MINUTE_S = 60
_EIGHT_HOURS_S = 28_800
_DAY_S = 86_400
_US_PER_MS = 1_000
_US_PER_S = 1_000_000
_NEIGHBOURS = 4
_LARGEST_RATE = 0.5
_MOST = 100.0


def with_funding(market: Market, path: Path) -> Market:
    """Give a market its funding: a perpetual from here on. File: `timestamp` (ms, UTC) and `funding_rate`, a fraction.

    Stamps are rounded to the minute (venues settle some milliseconds late). The interval is that of the neighbouring
    settlements, so that a venue may change it; eight hours for a single one. A settlement that the file lacks, or has
    without a rate, within the market's time, is *missing*: NaN in `funding_open` or `funding_inside`, which the
    simulator reads as `Costs.missing_funding`, and counted in `funding_gaps`.

    Causality: column `funding` at bar t is the newest rate whose stamp, as the venue sent it and not rounded, is at or
    before the close of t (`organism.lake.context.lags`), NaN where that one is missing. A settlement between bars that
    are not there is paid at the next open by whoever held through; nobody holds through a hole. Raises `BadInput`.
    """
    table = tables.read(path, ("timestamp", "funding_rate"))
    stamps = checks.stamps(path, table.columns["timestamp"]) * _US_PER_MS
    rates = table.columns["funding_rate"]
    bad = np.flatnonzero(np.abs(rates) > _LARGEST_RATE)
    if bad.size:
        raise BadInput(
            f"{path.name}, row {bad[0] + 1:,}: funding_rate was {rates[bad[0]]:g}; a fraction is meant, 0.0001 is 0.01 %."
        )
    return funded(market, stamps, rates, path.name)


def funded(market: Market, at_us: I64, rates: F64, name: str) -> Market:
    """The same from arrays: stamps int64 (n,) µs UTC, rising, and rates float64 (n,), fractions; from where, by name.

    Raises `BadInput`.
    """
    stamps = _minutes(name, at_us)
    known_us = np.maximum(known_at("funding", at_us), stamps * _US_PER_S)
    last_close = int(market.open_s[-1]) + market.bar_s
    stamps, rates, place = _completed(stamps, rates, int(market.open_s[0]), last_close)
    if not ((stamps >= market.open_s[0]) & (stamps <= last_close) & ~np.isnan(rates)).any():
        raise BadInput(
            f"{name} has no rate within the bars of {market.symbol}, "
            f"{checks.written(int(market.open_s[0]) * checks.MS)} to {checks.written(last_close * checks.MS)}."
        )
    at_open, inside, gaps = _settled(market, stamps, rates)
    columns = market.columns.copy()
    # A settlement that is missing is due at its minute; one that is there was known at its own stamp.
    due_us = stamps * _US_PER_S
    due_us[place >= 0] = known_us[place[place >= 0]]
    columns[COLUMN_INDEX["funding"]] = _newest(due_us, rates, (market.open_s + market.bar_s) * _US_PER_S)
    return replace(
        market,
        columns=columns,
        asset_class=AssetClass.CRYPTO_PERPETUAL,
        funding_open=at_open,
        funding_inside=inside,
        funding_gaps=gaps,
    )


def _minutes(name: str, at_us: I64) -> I64:
    found = (at_us + _MINUTE_S * _US_PER_S // 2) // (_MINUTE_S * _US_PER_S) * _MINUTE_S
    same = np.flatnonzero(np.diff(found) == 0)
    if same.size:
        raise BadInput(
            f"{name}, row {same[0] + 2:,}: a second rate settles at {checks.written(int(found[same[0]]) * checks.MS)}, "
            "rounded to the minute; keep one."
        )
    return found


def _completed(stamps: I64, rates: F64, start: int, end: int) -> tuple[I64, F64, I64]:
    """Add the settlements that should be there from start to end, without a rate; and the place of each, -1 if added."""
    steps = np.diff(stamps)
    if steps.size == 0:
        usual = np.array([_EIGHT_HOURS_S])
    else:
        padded = np.pad(
            steps.astype(np.float64), _NEIGHBOURS, mode="reflect" if steps.size > _NEIGHBOURS else "edge"
        )
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
        usual = np.maximum(np.median(around, axis=1).astype(np.int64), _MINUTE_S)
    added = []
    for i in np.flatnonzero(steps > 1.5 * usual[: steps.size]):
        missing = int(np.rint(steps[i] / usual[i])) - 1
        added.append(stamps[i] + usual[i] * np.arange(1, missing + 1))
    if start < stamps[0]:
        added.append(np.arange(stamps[0] - usual[0], start - 1, -usual[0]))
    if end > stamps[-1]:
        added.append(np.arange(stamps[-1] + usual[-1], end + 1, usual[-1]))
    extra = np.concatenate(added).astype(np.int64) if added else np.empty(0, np.int64)
    every, unknown = np.concatenate((stamps, extra)), np.full(extra.size, np.nan)
    order = np.argsort(every, kind="stable")
    place = np.concatenate((np.arange(stamps.size), np.full(extra.size, -1)))
    return every[order], np.concatenate((rates, unknown))[order], place[order]


def _settled(market: Market, stamps: I64, rates: F64) -> tuple[F64, F64, int]:
    opens, n = market.open_s, market.size
    at_open, inside = np.zeros(n), np.zeros(n)
    bar = np.searchsorted(opens, stamps, side="right") - 1
    within = (bar >= 0) & (stamps < opens[np.maximum(bar, 0)] + market.bar_s)
    sharp = within & (stamps == opens[np.maximum(bar, 0)])
    after = np.minimum(bar + 1, n - 1)
    between = (bar >= 0) & ~within & (bar + 1 < n)
    between &= opens[after] - opens[np.maximum(bar, 0)] <= HOLE_BARS * market.bar_s
    np.add.at(at_open, bar[sharp], rates[sharp])
    np.add.at(at_open, after[between], rates[between])
    np.add.at(inside, bar[within & ~sharp], rates[within & ~sharp])
    return at_open, inside, int(np.isnan(rates[within | between]).sum())


def _newest(stamps: I64, values: F64, closes: I64) -> F64:
    at = np.searchsorted(stamps, closes, side="right") - 1
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def with_fear_greed(market: Market, path: Path) -> Market:
    """Give a market the fear-and-greed index. File: `timestamp` (ms, UTC, of the day) and `fear_greed` (or `value`), 0 to 100.

    Causality: services restate the value of a running day, and the file does not say when its row was known. So the
    value of day d is visible from 00:00 UTC of day d + 1 on, at closes at or after it, and NaN once the newest
    visible day began more than eight days ago. Raises `BadInput`.
    """
    table = tables.read(path, ("timestamp",), ("fear_greed", "value"))
    values = table.columns.get("fear_greed", table.columns.get("value"))
    if values is None:
        raise BadInput(
            f"{path.name} has no column 'fear_greed' or 'value'; its columns are: {', '.join(table.present)}."
        )
    stamps = checks.stamps(path, table.columns["timestamp"]) // checks.MS // _DAY_S * _DAY_S
    same = np.flatnonzero(np.diff(stamps) == 0)
    if same.size:
        raise BadInput(
            f"{path.name}, row {same[0] + 2:,}: {checks.written(int(stamps[same[0]]) * checks.MS)[:10]} has a second value; keep one a day."
        )
    bad = np.flatnonzero((values < 0) | (values > _MOST))
    if bad.size:
        raise BadInput(
            f"{path.name}, row {bad[0] + 1:,}: the index was {values[bad[0]]:g}; it runs from 0 to 100."
        )
    return with_fear_greed_known(
        market, Vintages(stamps * _US_PER_S, known_at("fear_greed", stamps * _US_PER_S), values)
    )


def with_fear_greed_known(market: Market, read: Vintages) -> Market:
    """The same from values with when each was known. Causality: the value at bar t was known at the close of t."""
    columns = market.columns.copy()
    closes_us = (market.open_s + market.bar_s) * _US_PER_S
    columns[COLUMN_INDEX["fear_greed"]] = newest(read, closes_us, "fear_greed")
    return replace(market, columns=columns)
