"""`organism data list`: what the lake holds, from when to when, and where it came from."""

import argparse
from typing import Any

NAME = "list"
SUMMARY = "What the lake holds: each series, from when to when, and where it came from."
EXAMPLE = "organism data list --json"


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--venue", metavar="NAME", help="only of this venue, as in binance")


def perform(options: argparse.Namespace) -> int:
    """Print them, in order of kind, venue, symbol and length of a candle."""
    from organism.cli.context import emit
    from organism.cli.data.context import lake_of

    lake = lake_of(options)
    rows: list[dict[str, Any]] = [_row(lake, one) for one in lake.all() if options.venue in (None, one.venue)]
    if options.json:
        emit(rows)
        return 0
    if not rows:
        print(
            f"Nothing of it is in {lake.root}. Bring history in with `organism data import FILE`, or fetch some with "
            "`organism data fetch`."
        )
        return 0
    for row in rows:
        missing = "" if row["missing"] is None else f"{row['missing']:,} missing"
        corrected = f"{row['corrected']:,} corrections" if row["corrected"] else ""
        said = "  ".join(part for part in (missing, corrected, ", ".join(row["sources"])) if part)
        name = f"{row['venue']:<14}{row['symbol']:<16}{row['timeframe'] or row['kind']:<6}"
        kind = "" if row["kind"] == "candles" or not row["timeframe"] else f"{row['kind']}  "
        print(f"{name}{kind}{row['first']} to {row['last']}  {row['rows']:>10,} rows  {said}")
    return 0


def _row(lake: Any, series: Any) -> dict[str, Any]:
    from organism.cli.data.context import instant

    first_us, last_us, rows = lake.span(series)
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
