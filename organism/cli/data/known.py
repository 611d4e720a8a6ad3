"""`organism data context import FILE` and `list`: what is known beside prices, and when it became known."""

import argparse
from pathlib import Path
from typing import Any

from organism.errors import BadInput

NAME = "context"
SUMMARY = "Fear and greed, funding, marks, open interest, VIX, DXY, an economic calendar: import, or list what was known when."
EXAMPLE = "organism data context import fear_greed.csv --series fear_greed; organism data context list --as-of 2024-03-01"

_NS_PER_US = 1_000
_SHOWN = 3
_AHEAD_US = 30 * 86_400_000_000


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    from organism.cli.typed import market_time

    parser.add_argument(
        "deed",
        choices=("import", "fetch", "list"),
        help="bring files in, ask the service of fear and greed, or show what was known",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=".csv, .parquet; a calendar also .ics"
    )
    parser.add_argument(
        "--series",
        metavar="NAME",
        help="fear_greed, vix, dxy, funding, mark, open_interest or calendar; else of the file's name",
    )
    parser.add_argument("--venue", default="", metavar="NAME", help="of funding, mark, open_interest")
    parser.add_argument("--symbol", default="", metavar="NAME", help="of the same, as in BTC/USDT:USDT")
    parser.add_argument("--timeframe", default="", metavar="TF", help="of mark; else its most frequent step")
    parser.add_argument("--tz", default="", metavar="ZONE", help="of times that name none; UTC without")
    parser.add_argument(
        "--source", default="", metavar="TEXT", help="where the rows are from; the file's name without"
    )
    parser.add_argument("--url", default="", metavar="URL", help="fetch: where; api.alternative.me without")
    parser.add_argument(
        "--as-of", type=market_time, metavar="DATE", help="list: know nothing later; default now"
    )


def perform(options: argparse.Namespace) -> int:
    """Import the files, or list what was known."""
    from organism.cli.context import emit
    from organism.cli.data.context import lake_of

    lake = lake_of(options)
    if options.deed == "list":
        if options.files:
            raise BadInput(f"list takes no file; was {options.files[0]}. Say import to bring it in.")
        rows = _listed(lake, lake.now_us() if options.as_of is None else options.as_of // _NS_PER_US)
    elif options.deed == "fetch":
        rows = _fetched(lake, options)
    else:
        rows = _imported(lake, options)
    if options.json:
        emit(rows)
        return 0
    for row in rows:
        print(_line(row))
    if not rows:
        print(
            f"{lake.root} holds nothing of the kind. Bring some in with `organism data context import FILE`."
        )
    return 0


def _imported(lake: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    from organism.lake.context import import_file

    if not options.files:
        raise BadInput("import needs a file, as in `organism data context import fear_greed.csv`.")
    where = {name: getattr(options, name) for name in ("venue", "symbol", "timeframe", "tz", "source")}
    return [
        _row(path.name, one)
        for path in options.files
        for one in import_file(lake, path, options.series or _series_of(path), **where)
    ]


def _fetched(lake: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    from organism.lake.context.client import URL, fetch_fear_greed

    if options.files or options.series not in (None, "fear_greed"):
        raise BadInput(
            f"only fear_greed is fetched; was {options.series or options.files[0]}. Say import for files."
        )
    url = options.url or URL
    return [_row(url, fetch_fear_greed(lake, url))]


def _row(place: str, one: Any) -> dict[str, Any]:
    return {
        "file": place,
        "series": one.series.text,
        "new": one.appended.new,
        "same": one.appended.same,
        "revised": one.appended.revised,
        "refused": list(one.refused),
    }


def _series_of(path: Path) -> str:
    """What a file's name says it holds, as in vix_1d.parquet. Raises `BadInput`."""
    from organism.lake.context.kept import NAMES

    stem = path.stem.lower()
    if path.suffix.lower() == ".ics":
        return "calendar"
    found = next((name for name in NAMES if stem == name or stem.startswith(f"{name}_")), None)
    if found is None:
        raise BadInput(
            f"the name of {path.name} does not say what it holds; say --series {', '.join(NAMES[:-1])} or {NAMES[-1]}."
        )
    return found


def _listed(lake: Any, as_of_us: int) -> list[dict[str, Any]]:
    from organism.cli.data.context import instant
    from organism.lake.context import as_known, upcoming, vintages
    from organism.lake.context.calendar import VENUE
    from organism.lake.names import Kind

    rows: list[dict[str, Any]] = []
    for one in lake.all():
        if one.kind in (Kind.CANDLES, Kind.TRADES) or one.venue == VENUE:
            continue
        there = as_known(vintages(lake, one), as_of_us)
        if len(there):
            at, known = int(there.at_us[-1]), int(there.known_us[-1])
            rows.append(
                {
                    "series": one.text,
                    "rows": len(there),
                    "newest": float(there.values[-1]),
                    "of": instant(at),
                    "known_at": instant(known),
                }
            )
    ahead = [
        {
            "series": f"calendar {event.name}",
            "importance": event.importance,
            "of": instant(event.at_us),
            "known_at": instant(event.known_us),
        }
        for event in upcoming(lake, as_of_us, _AHEAD_US)
    ]
    return rows + ahead


def _line(row: dict[str, Any]) -> str:
    if "file" in row:
        told = "".join(f"\n    {line}" for line in row["refused"][:_SHOWN])
        more = len(row["refused"]) - _SHOWN
        told += f"\n    and {more:,} more" if more > 0 else ""
        counts = f"{row['new']:,} new, {row['same']:,} the same, {row['revised']:,} revised, {len(row['refused']):,} refused"
        return f"{row['series']}: {counts}{told}"
    what = (
        f"importance {row['importance']:g}"
        if "importance" in row
        else f"{row['newest']:g}  ({row['rows']:,} rows)"
    )
    return f"{row['series']:<44}{what:<28}of {row['of']}, known {row['known_at']}"
