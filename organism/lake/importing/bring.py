"""Files → the lake, a month at a time; what came is kept when a person stops it, and measured at the end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import Candles, joined
from organism.lake.importing.read import Found, Told, found_in
from organism.lake.importing.rows import Refused
from organism.lake.names import Series
from organism.lake.quality import Around, Quality, Tally, inspect
from organism.lake.store import Lake

Watch = Callable[[int, int, str], None]
ENDINGS: Final = (".csv", ".txt", ".zip", ".gz", ".json", ".parquet", ".feather", ".tsv")
_LONGEST: Final = 200


@dataclass(slots=True)
class Imported:
    """What became of one series. repeated, differing: within the files; same, revised: against what the lake had."""

    series: Series
    candles: Candles = field(default_factory=Candles.empty)
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
            for found in found_in(path, told):
                one = by.setdefault(found.series, Imported(found.series))
                kept = _kept(lake, one, found, now_us, stop)
                _counted(one, found, kept)
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
        one.quality = measured(one)
    return outcome


def _kept(
    lake: Lake | None, one: Imported, found: Found, now_us: Callable[[], int], stop: Callable[[], bool]
) -> Candles:
    """Append, a month at a time; the candles that are in the lake now."""
    candles = found.candles
    if lake is None or not len(candles):
        return candles
    months = candles.open_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    cuts = [*(np.flatnonzero(np.diff(months)) + 1).tolist(), len(candles)]
    source = "".join(c if c.isprintable() else "?" for c in f"import {found.said} ({found.form})")[:_LONGEST]
    start = 0
    for end in cuts:
        part = candles.take(np.arange(start, end))
        counts = lake.append(found.series, part, source=source, received_us=now_us())
        one.new, one.same, one.revised = (
            one.new + counts.new,
            one.same + counts.same,
            one.revised + counts.revised,
        )
        start = end
        if stop():
            break
    return candles if start == len(candles) else candles.take(np.arange(start))


def _counted(one: Imported, found: Found, kept: Candles) -> None:
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
    """For JSON: what was imported, from when to when, what was refused and why, and the score."""
    found = one.quality
    return {
        "venue": one.series.venue,
        "symbol": one.series.symbol,
        "timeframe": one.series.timeframe,
        "kind": str(one.series.kind),
        "first": None if found is None or found.first_us is None else instant(found.first_us),
        "last": None if found is None or found.last_us is None else instant(found.last_us),
        "rows": len(one.candles),
        "refused": one.refused_rows,
        "duplicates": one.duplicates,
        "gaps": 0 if found is None else found.gaps,
        "score": 0.0 if found is None else found.score,
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
