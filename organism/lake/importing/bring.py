"""Files → the lake, a month at a time; what came is kept when a person stops it, and measured at the end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import I64, Candles, Events, joined
from organism.lake.importing.decided import Told
from organism.lake.importing.read import AGGREGATED, Found, found_in
from organism.lake.importing.rows import Refused
from organism.lake.names import Kind, Series
from organism.lake.quality import Around, Quality, Tally, inspect
from organism.lake.store import Lake

Rows = TypeVar("Rows", Candles, Events)
Watch = Callable[[int, int, str], None]
ENDINGS: Final = (".csv", ".txt", ".zip", ".gz", ".json", ".parquet", ".feather", ".tsv")
_LONGEST: Final = 200


@dataclass(slots=True)
class Imported:
    """What became of one series.

    candles             of all files, as in the lake; none of a series of events
    n_events            rows of all files that were taken, of a series of events; first_us and last_us are their ends
    repeated, differing within the files (of events: within each)
    same, revised       against what the lake had
    """

    series: Series
    candles: Candles = field(default_factory=Candles.empty)
    n_events: int = 0
    first_us: int | None = None
    last_us: int | None = None
    files: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    told: list[tuple[str, Refused]] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)
    repeated: int = 0
    differing: int = 0
    new: int = 0
    same: int = 0
    revised: int = 0
    quality: Quality | None = None

    @property
    def refused_rows(self) -> int:
        """Rows that were not taken, of all files."""
        return sum(self.refused.values())

    @property
    def rows(self) -> int:
        """How many were taken."""
        return len(self.candles) if self.series.kind.has_timeframe else self.n_events

    @property
    def duplicates(self) -> int:
        """Rows dropped because their time was there already: equal ones and differing ones."""
        return self.repeated + self.differing


@dataclass(slots=True)
class Outcome:
    """series: by name; failed: files that were not read, each with its sentence; stopped: a person ended it early."""

    series: list[Imported]
    failed: list[tuple[str, str]]
    stopped: bool = False


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The files that are meant: each file named, and of each folder those of known endings, deep. Raises `BadInput`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            if not inside:
                raise BadInput(
                    f"{path} holds no file of {', '.join(ENDINGS)}; name a file, or a folder with some."
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise BadInput(f"{path} is neither a file nor a folder; name what is to be imported.")
    return list(dict.fromkeys(found))


def bring(
    lake: Lake | None,
    files: Sequence[Path],
    told: Told,
    *,
    now_us: Callable[[], int],
    watch: Watch = lambda _done, _all, _name: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Read files, append what can be believed, and measure each series. Raises `BadInput` where a single file is bad.

    lake    where it goes; None only reads and measures
    watch   is told (done, all, file) before each file and month
    stop    asked between months; what was appended until then stays, whole months of it

    Of several files, one that cannot be read hinders no other: it is told in `failed`.
    """
    by: dict[Series, Imported] = {}
    outcome = Outcome([], [])
    for number, path in enumerate(files):
        watch(number, len(files), path.name)
        try:
            for found in found_in(path, told, events=True):
                _may_join(lake, found)
                one = by.setdefault(found.series, Imported(found.series))
                if found.events is None:
                    _counted_candles(one, _kept(lake, one, found, found.candles, now_us, stop))
                else:
                    _counted_events(one, _kept(lake, one, found, found.events, now_us, stop))
                _counted(one, found)
                if stop():
                    break
        except BadInput as error:
            if len(files) == 1:
                raise
            outcome.failed.append((path.name, str(error)))
        if stop():
            outcome.stopped = True
            break
    outcome.series = [by[name] for name in sorted(by)]
    for one in outcome.series:
        if one.series.kind.has_timeframe:
            one.quality = measured(one)
            one.first_us, one.last_us = one.quality.first_us, one.quality.last_us
    return outcome


def _may_join(lake: Lake | None, found: Found) -> None:
    """Raises `BadInput` where trades and aggregated ones would be one series: each would count twice."""
    if lake is None or found.series.kind is not Kind.TRADES:
        return
    aggregated = found.form == AGGREGATED
    for source in lake.sources(found.series):
        if source.endswith(f"({AGGREGATED})") != aggregated:
            other = "single trades" if aggregated else "aggregated trades"
            raise BadInput(
                f"{found.said} holds {AGGREGATED if aggregated else 'single trades'}, and {found.series.text} holds {other} "
                f"({source}); each would be there twice. Keep one kind, or import into another folder with --lake."
            )


def _kept(
    lake: Lake | None, one: Imported, found: Found, rows: Rows, now_us: Callable[[], int], stop: Callable[[], bool]
) -> Rows:  # fmt: skip
    """Append, a month at a time; the rows that are in the lake now."""
    if lake is None or not len(rows):
        return rows
    times = rows.open_us if isinstance(rows, Candles) else rows.at_us
    months: I64 = times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    cuts = [*(np.flatnonzero(np.diff(months)) + 1).tolist(), len(rows)]
    ending = f" ({found.form})"
    source = "".join(c if c.isprintable() else "?" for c in f"import {found.said}")
    source = source[: _LONGEST - len(ending)] + ending
    start = 0
    for end in cuts:
        part = rows.take(np.arange(start, end))
        append: Any = lake.append if isinstance(part, Candles) else lake.append_events
        counts = append(found.series, part, source=source, received_us=now_us())
        one.new, one.same, one.revised = (
            one.new + counts.new,
            one.same + counts.same,
            one.revised + counts.revised,
        )
        start = end
        if stop():
            break
    return rows if start == len(rows) else rows.take(np.arange(start))


def _counted_candles(one: Imported, kept: Candles) -> None:
    overlap = (
        np.isin(kept.open_us, one.candles.open_us, assume_unique=True)
        if len(one.candles)
        else np.zeros(0, np.bool_)
    )
    if overlap.any():  # the same time in two files: the later file is a correction where it differs
        ours = np.searchsorted(one.candles.open_us, kept.open_us[overlap])
        pairs = zip(one.candles.values(), kept.values(), strict=True)
        equal = np.logical_and.reduce(
            [np.isclose(a[ours], b[overlap], rtol=0, atol=0, equal_nan=True) for a, b in pairs]
        )
        one.repeated += int(equal.sum())
        one.differing += int((~equal).sum())
        one.conflicts += [int(t) for t in kept.open_us[overlap][~equal][:20]]
    one.candles = joined(one.candles, kept) if len(one.candles) else kept


def _counted_events(one: Imported, kept: Events) -> None:
    if not len(kept):
        return
    first, last = int(kept.at_us[0]), int(kept.at_us[-1])
    one.n_events += len(kept)
    one.first_us = first if one.first_us is None else min(first, one.first_us)
    one.last_us = last if one.last_us is None else max(last, one.last_us)


def _counted(one: Imported, found: Found) -> None:
    one.files.append(found.said)
    one.forms = list(dict.fromkeys([*one.forms, found.form]))
    one.notes = list(dict.fromkeys([*one.notes, *found.notes]))
    for rule, count in found.sifted.refused.items():
        one.refused[rule] = one.refused.get(rule, 0) + count
    one.told = [*one.told, *((found.said, refused) for refused in found.sifted.told)][:20]
    one.conflicts = [*one.conflicts, *found.sifted.conflicts][:20]
    one.repeated += found.sifted.repeated
    one.differing += found.sifted.differing


def measured(one: Imported) -> Quality:
    """The quality of what was imported, refused and dropped rows counted."""
    tally = Tally(one.refused_rows, one.repeated, one.differing)
    return inspect(one.candles, one.series.bar_us, Around(one.series.venue, one.series.symbol, tally=tally))


def document(one: Imported, instant: Callable[[int], str]) -> dict[str, Any]:
    """For JSON: what was imported, from when to when, what was refused and why; the score and gaps of candles, else null."""
    found = one.quality
    return {
        "venue": one.series.venue,
        "symbol": one.series.symbol,
        "timeframe": one.series.timeframe,
        "kind": str(one.series.kind),
        "first": None if one.first_us is None else instant(one.first_us),
        "last": None if one.last_us is None else instant(one.last_us),
        "rows": one.rows,
        "refused": one.refused_rows,
        "duplicates": one.duplicates,
        "gaps": None if found is None else found.gaps,
        "score": None if found is None else found.score,
        "refused_by_rule": one.refused,
        "refused_rows": [
            {"file": said, "row": row.row, "rule": row.rule, "value": row.value} for said, row in one.told
        ],
        "duplicates_equal": one.repeated,
        "duplicates_differing": one.differing,
        "differing_at": [instant(at) for at in one.conflicts],
        "new": one.new,
        "same": one.same,
        "revised": one.revised,
        "recognised": one.forms,
        "files": one.files,
        "notes": one.notes,
    }
