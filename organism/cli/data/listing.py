"""What the lake holds, row by row: the work of `organism data list`."""

import argparse
from typing import Any

from organism.cli.context import emit
from organism.cli.data.context import instant, lake_of
from organism.errors import BadInput
from organism.lake.derived import compared
from organism.lake.names import Series
from organism.lake.store import Lake

_SOURCES = 3  # that are shown; a year of daily files is as many


def perform(options: argparse.Namespace) -> int:
    """Print them, in order of kind, venue, symbol and length of a candle."""
    lake = lake_of(options)
    shown = [one for one in lake.all() if options.venue in (None, one.venue)]
    rows = [_row(lake, one) for one in shown]
    if options.compare:
        for row, one in zip(rows, shown, strict=True):
            row["compared"] = _compared(lake, one)
    if options.json:
        emit(rows)
        return 0
    if not rows:
        print(
            f"Nothing of it is in {lake.root}. Bring history in with `organism data import FILE`, or fetch some with "
            "`organism data fetch`."
        )
        return 0
    symbols = max(16, *(len(row["symbol"]) + 1 for row in rows))
    kinds = max(6, *(len(row["timeframe"] or row["kind"]) + 1 for row in rows))
    for row in rows:
        print(_line(row, symbols, kinds))
    return 0


def _line(row: dict[str, Any], symbols: int, kinds: int) -> str:
    """symbols, kinds: widths of their columns."""
    said = []
    if row["missing"] is not None:
        said.append(f"{row['missing']:,} missing")
    if row["corrected"]:
        said.append(f"{row['corrected']:,} corrections")
    shown = row["sources"][:_SOURCES]
    more = len(row["sources"]) - len(shown)
    said.append(", ".join(shown) + (f" and {more:,} more" if more else ""))
    if found := row.get("compared"):
        said.append(f"{found['differing']:,} of {found['both']:,} differ from {found['from_timeframe']}")
    name = f"{row['venue']:<14}{row['symbol']:<{symbols}}{row['timeframe'] or row['kind']:<{kinds}}"
    kind = f"{row['kind']}  " if row["timeframe"] and row["kind"] != "candles" else ""
    return f"{name}{kind}{row['first']} to {row['last']}  {row['rows']:>10,} rows  {'  '.join(said)}"


def _compared(lake: Lake, coarse: Series) -> dict[str, Any] | None:
    """What a series says beside candles made of the finest stored one that divides it; None without such a one."""
    if not coarse.bar_us:
        return None
    others = lake.timeframes(coarse.venue, coarse.symbol, coarse.kind)
    fine = next(
        (one for one in others if one.bar_us < coarse.bar_us and coarse.bar_us % one.bar_us == 0), None
    )
    if fine is None:
        return None
    found = compared(lake, coarse, fine)
    return {
        "from_timeframe": fine.timeframe,
        "both": found.both,
        "only_stored": found.only_stored,
        "only_derived": found.only_derived,
        "differing": found.differing,
        "worst_price": found.worst_price,
        "worst_volume": found.worst_volume,
        "first": [instant(us) for us in found.first_us],
    }


def _row(lake: Lake, series: Series) -> dict[str, Any]:
    found = lake.span(series)
    if found is None:
        raise BadInput(f"{series.text} went away while it was listed; list again.")
    first_us, last_us, rows = found
    bar_us = series.bar_us
    expected = (last_us - first_us) // bar_us + 1 if bar_us else None
    return {
        "kind": str(series.kind),
        "venue": series.venue,
        "symbol": series.symbol,
        "timeframe": series.timeframe,
        "first": instant(first_us),
        "last": instant(last_us),
        "rows": rows,
        "missing": None if expected is None else max(0, expected - rows),
        "corrected": lake.corrections(series),
        "sources": list(lake.sources(series)),
    }
