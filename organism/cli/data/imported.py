"""`organism data import FILE|FOLDER…`: files as they are found in the wild, into the lake."""

import argparse
from pathlib import Path
from typing import Any

NAME = "import"
SUMMARY = (
    "Bring files into the lake: candles, marks, funding rates, open interest and trades of exchange dumps, CryptoDataDownload, "
    "Yahoo, freqtrade, Kraken, Lean, Parquet; zip and gz too."
)
EXAMPLE = "organism data import downloads/ --venue binance; organism data import x.csv --symbol BTC/USDT --tz UTC --json"

INTERRUPTED = 130
_SHOWN = 5


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE|FOLDER", help="what to read")
    whose(parser)


def whose(parser: argparse.ArgumentParser) -> None:
    """What overrides recognition."""
    parser.add_argument("--venue", default="", metavar="NAME", help="whose candles they are, as in binance")
    parser.add_argument("--symbol", default="", metavar="BTC/USDT", help="of which instrument")
    parser.add_argument(
        "--timeframe", default="", metavar="1h", help="how long a candle is; trades become candles of it"
    )
    parser.add_argument(
        "--kind",
        default="",
        metavar="KIND",
        help="what rows are: candles, mark, funding, open_interest or trades",
    )
    parser.add_argument(
        "--unit",
        default="",
        metavar="UNIT",
        help="what numbers are in, where two are as likely: fraction or percent (funding), base (open interest)",
    )
    parser.add_argument(
        "--tz", default="", metavar="ZONE", help="zone of times that tell none, as in UTC or Europe/Berlin"
    )
    parser.add_argument("--dates", default="", metavar="dmy|mdy", help="order of dates like 03/04/2021")


def perform(options: argparse.Namespace) -> int:
    """Import, print what became of each series; 130 where it was interrupted, 2 where no file could be read."""
    from organism.cli.context import emit
    from organism.cli.data.context import instant, lake_of, now_us
    from organism.cli.interrupted import interruptible
    from organism.cli.progress import Progress
    from organism.lake.importing import bring, document, files_of

    told = told_of(options)
    files = files_of(options.files)
    lake = lake_of(options)
    with Progress("importing") as progress, interruptible() as stop:
        outcome = bring(lake, files, told, now_us=now_us, watch=progress, stop=stop)
    rows = [document(one, instant) for one in outcome.series]
    if options.json:
        emit(
            rows
            if not outcome.failed
            else [*rows, *({"file": name, "error": why} for name, why in outcome.failed)]
        )
    else:
        for row in rows:
            _print(row)
        for name, why in outcome.failed:
            print(f"not read    {name}: {why}")
        if outcome.stopped:
            print("stopped     what is listed above is in the lake; the same command goes on with the rest")
    if outcome.stopped:
        return INTERRUPTED
    return 2 if outcome.failed and not rows else 0


def told_of(options: argparse.Namespace) -> Any:
    """What a person says of the files. Raises `BadInput`."""
    from organism.lake.importing import Told

    return Told(
        options.venue,
        options.symbol,
        options.timeframe,
        options.tz,
        options.dates,
        options.kind,
        options.unit,
    ).checked()


def _print(row: dict[str, Any]) -> None:
    first, last = row["first"] or "nothing", row["last"] or "nothing"
    kind = "" if row["kind"] == "candles" else row["kind"].replace("_", " ")
    name = " ".join(part for part in (row["venue"], row["symbol"], row["timeframe"], kind) if part)
    score = "" if row["score"] is None else f", score {row['score']:.2f}"
    print(f"{name}: {row['rows']:,} rows, {first} to {last}{score}")
    files = ", ".join(row["files"][:_SHOWN]) + (
        f" and {len(row['files']) - _SHOWN} more" if len(row["files"]) > _SHOWN else ""
    )
    print(f"  read      {files} ({', '.join(row['recognised'])})")
    print(f"  lake      {row['new']:,} new, {row['same']:,} already there, {row['revised']:,} corrections")
    if row["duplicates"]:
        print(
            f"  dropped   {row['duplicates_equal']:,} equal duplicates, {row['duplicates_differing']:,} differing"
        )
    if row["gaps"]:
        places = "1 place" if row["gaps"] == 1 else f"{row['gaps']:,} places"
        print(f"  gaps      {places} without candles (`organism data check` tells more)")
    for rule, count in row["refused_by_rule"].items():
        print(f"  refused   {count:,} because {rule}")
    for one in row["refused_rows"][:_SHOWN]:
        print(f"            {one['file']}, row {one['row']:,}: {one['rule']}; was {one['value']!r}")
    for note in row["notes"]:
        print(f"  note      {note}")
