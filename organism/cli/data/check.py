"""`organism data check [SERIES…]`: the quality of what is in the lake, or of files: a table, JSON, one page with pictures."""

import argparse
import functools
from pathlib import Path
from typing import Any, NamedTuple

from organism.cli.data import events_checked

NAME = "check"
SUMMARY = "Measure histories: defects by name, a score from 0 to 100, one page with a picture of each."
EXAMPLE = "organism data check 'binance BTC/USDT 1h' --report quality.html; organism data check --data downloads/ --json"

_SHOWN = 3


class Measured(NamedTuple):
    """A series, where it is from when it is no series of the lake, and what was found."""

    series: Any
    file: str
    quality: Any


class _Beside(NamedTuple):
    """A series that is held, where it is from when it is no series of the lake, and what reading it counted."""

    held: Any
    file: str
    tally: Any


def declare(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    from organism.cli.data.imported import whose

    parser.add_argument(
        "series",
        nargs="*",
        metavar="SERIES",
        help="as `data list` names them, as in 'binance BTC/USDT 1h'; else all",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE|FOLDER",
        help="check files instead, as they are, without importing them",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write one page with a picture of each series"
    )
    whose(parser)


def perform(options: argparse.Namespace) -> int:
    """Print what was found; 1 where a series is below what may be bred on."""
    from organism.cli.bars import writable
    from organism.cli.context import emit

    writable(options.report)
    events: list[Any] = []
    if options.data is not None:
        found, failed = _of_files(options)
    else:
        (found, events), failed = _of_lake(options), []
    if options.report is not None:
        from organism.cli.data.quality_page import write

        write(options.report, found)
    if options.json:
        emit(
            [document(one) for one in found]
            + [events_checked.document(one) for one in events]
            + [{"file": name, "error": why} for name, why in failed]
        )
    else:
        _print(found, events, failed, options.report)
    return 0 if all(one.quality.good for one in found) and not failed else 1


def document(one: Measured) -> dict[str, Any]:
    """One series for JSON."""
    from organism.cli.data.context import instant

    found = one.quality
    return {
        "venue": one.series.venue,
        "symbol": one.series.symbol,
        "timeframe": one.series.timeframe,
        "kind": str(one.series.kind),
        "file": one.file,
        "first": None if found.first_us is None else instant(found.first_us),
        "last": None if found.last_us is None else instant(found.last_us),
        **found.document(),
    }


def _of_lake(options: argparse.Namespace) -> tuple[list[Measured], list[Any]]:
    """Candles measured, and what there is of rates, open interest and trades, which have no score."""
    from organism.cli.data.context import lake_of
    from organism.errors import BadInput
    from organism.lake.names import Kind
    from organism.lake.quality.beside import held_of

    lake = lake_of(options)
    every = [one for one in lake.all() if one.kind is not Kind.CONTEXT]
    unknown = [name for name in options.series if name not in {one.text for one in every}]
    if unknown:
        known = ", ".join(f"{one.text!r}" for one in every[:_SHOWN]) or "none"
        raise BadInput(
            f"{unknown[0]!r} is no series of {lake.root}; there are {known} (`organism data list` shows all)."
        )
    if not every:
        raise BadInput(
            f"nothing of it is in {lake.root}; bring history in with `organism data import FILE`, or name --data."
        )
    held = [_Beside(held_of(lake, one, _rows), "", None) for one in every if one.kind.has_timeframe]
    wanted = set(options.series)
    events = [
        events_checked.checked(lake, one)
        for one in every
        if not one.kind.has_timeframe and (not wanted or one.text in wanted)
    ]
    return _measured(held, wanted), events


def _rows(lake: Any, series: Any) -> Any:
    return lake.read(series).candles


def _same(candles: Any) -> Any:
    return candles


def _of_files(options: argparse.Namespace) -> tuple[list[Measured], list[tuple[str, str]]]:
    from organism.cli.data.imported import told_of
    from organism.cli.progress import Progress
    from organism.errors import BadInput
    from organism.lake.importing import NoCandlesError, files_of, found_in
    from organism.lake.quality import Tally
    from organism.lake.quality.beside import Held

    told, held, failed = told_of(options), [], []
    files = files_of([options.data])
    with Progress("reading") as progress:
        for place, path in enumerate(files):
            progress(place, len(files), path.name)
            try:
                for one in found_in(path, told):
                    tally = Tally(one.sifted.refused_rows, one.sifted.repeated, one.sifted.differing)
                    held.append(
                        _Beside(Held(one.series, functools.partial(_same, one.candles)), one.said, tally)
                    )
            except NoCandlesError:
                if len(files) == 1:
                    raise  # of several, one that holds no candles is no failure
            except BadInput as error:
                if len(files) == 1:
                    raise
                failed.append((path.name, str(error)))
    return _measured(held, set()), failed


def _measured(held: list[_Beside], wanted: set[str]) -> list[Measured]:
    """Measure what is wanted (all, where nothing is named), the rest standing beside it."""
    from organism.cli.progress import Progress
    from organism.lake.quality import inspect
    from organism.lake.quality.beside import around

    found = []
    every = [one.held for one in held]
    with Progress("checking") as progress:
        for place, (one, file, tally) in enumerate(held):
            progress(place, len(held), one.series.text)
            if wanted and one.series.text not in wanted:
                continue
            beside = around(one, every, tally=tally)
            found.append(Measured(one.series, file, inspect(one.candles, one.series.bar_us, beside)))
    return found


def _print(
    found: list[Measured], events: list[Any], failed: list[tuple[str, str]], report: Path | None
) -> None:
    from organism.lake.quality import GATE

    print(f"{'series':<34} {'rows':>10} {'gaps':>6} {'hole':>6} {'score':>7}  defects (bars)")
    for one in found:
        q = one.quality
        told = ", ".join(f"{d.defect} {d.bars:,}" for d in q.findings)
        print(
            f"{one.series.text:<34} {q.rows:>10,} {q.gaps:>6,} {q.longest_hole:>6,} {q.score:>7.2f}  {told}"
        )
    for other in events:
        print(events_checked.line(other))
    poor = sum(not one.quality.good for one in found)
    print(
        f"\n{len(found):,} series, {poor:,} below {GATE:g}: `organism evolve` breeds on none of those without --allow-poor-data."
    )
    for name, why in failed:
        print(f"not read    {name}: {why}")
    if report is not None:
        print(f"report      {report}")
