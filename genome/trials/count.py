"""The count: somebody looked, and it is never forgotten.

A trial is one genome on one data set. Looking again at what is counted already is no new trial. Looks at overlapping data
add up (`genome.trials.datasets.families`). Nothing here is read by what breeds: the count never changes what evolution
does.

Daily returns are kept of cluster leaders only (`genome.trials.leading`): a hundred thousand trials take less than 50 MB.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from genome.evolution.ports import Scores
from genome.market import F64, I64
from genome.trials import clusters, schema
from genome.trials.datasets import Dataset, families
from genome.trials.leading import MOST_BITS, Leading, trial_id
from organism.errors import BadInput

ORIGINS = ("evolve", "optimize", "backtest", "walk-forward")
UNREADABLE = "unreadable"
_HASH = 16
_DAY_S = 86_400
_log = logging.getLogger("organism.genome")


class Tally(NamedTuple):
    """How often a family of data was looked at.

    trials      evaluations of distinct genomes, by all runs that ever were
    clusters    trials that moved together counted once: the effective number of trials
    by_origin   trials by what looked; those that are not readable any more are `UNREADABLE`, and each a cluster
    datasets    data sets of the family
    """

    trials: int
    clusters: int
    by_origin: dict[str, int]
    datasets: int


class Trials:
    """The count, in the file of the genome store. Several processes may count at once.

    tell   is given one sentence for what is not what was written

    Raises `BadInput` and `StoreUnwritable` as `genome.trials.schema.opened` does.
    """

    def __init__(
        self, path: Path, *, writable: bool = True, tell: Callable[[str], None] = _log.warning
    ) -> None:
        self.path = path
        self.tell, self._writable = tell, writable
        self.connection = schema.opened(path, writable=writable)
        self._leading = Leading(self.connection, self.doubt)
        self._seen: dict[int, tuple[int, set[bytes]]] = {}
        self._data: tuple[tuple[int, int], dict[int, Dataset]] = ((-1, -1), {})

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def counter(self, dataset: Dataset, *, run: int = 0, now_s: Callable[[], float] = time.time) -> "Counter":
        """What evolution calls: a `Count` of looks at a data set, or parts of it, by one run (0: by none)."""
        return Counter(self, dataset, run, now_s)

    def add(
        self,
        dataset: Dataset,
        hashes: Sequence[str],
        objectives: F64,
        returns: F64,
        days: I64,
        origin: str,
        *,
        run: int = 0,
        at_s: int,
    ) -> int:
        """Count looks; how many were new. On the disk when it returns.

        hashes       n names of genomes, see `short`
        objectives   float64 (n, k), kept as float32
        returns      float64 (n, D): daily returns; D may be 0 where there are none: then each is its own cluster
        days         int64 (D,): days since the epoch, rising
        origin       one of `ORIGINS`

        Raises `BadInput` for shapes that differ, `StoreUnwritable` where it cannot be written: then nothing was counted.
        """
        rows = _distinct(hashes, objectives, returns, days, origin)
        try:
            with schema.writing(self.connection, self.path):
                members = self._placed(dataset)
                seen = self._looked_at(members[0])
                fresh = [name for name in rows if name not in seen]
                if not fresh:
                    return 0
                at = np.array([rows[name] for name in fresh])
                batch = schema.after(self.connection, "batches")
                part = slice(None) if at.size == len(returns) else at  # a slice copies nothing
                leaders = self._leading.led(members, batch, returns[part].astype(np.float32), days)
                led = int((leaders == trial_id(batch, np.arange(at.size))).sum())
                flat = int((leaders == clusters.FLAT).sum())
                worth = np.asarray(objectives, "<f4")[at].tobytes()
                row = (
                    batch, members[0], ORIGINS.index(origin), run, at_s, led, flat, b"".join(fresh),
                    leaders.astype("<i8").tobytes(), worth,
                )  # fmt: skip
                schema.insert(self.connection, "batches", [row])
        except BaseException:
            self._forget()  # memory may hold what was not written
            raise
        seen.update(fresh)
        self._seen[members[0]] = (batch, seen)
        return len(fresh)

    def tally(self, dataset: Dataset) -> Tally:
        """How often this data set, and whatever overlaps it, was looked at. It need not have been looked at itself."""
        with schema.reading(self.path):
            if not schema.has_tables(self.connection):
                return Tally(0, 0, {}, 0)
            known = self._datasets()
            members = _family(known, dataset)
            return self._tally(members, set(known))

    def total(self, dataset: Dataset) -> int:
        """Trials on this data set and whatever overlaps it: `Tally.trials`."""
        return self.tally(dataset).trials

    def audit(self) -> int:
        """Read every row; those that are not what was written are set aside, and still counted. How many there were."""
        found = 0
        with schema.writing(self.connection, self.path):
            for table in schema.COLUMNS:
                _, bad = schema.sound(self.connection, table)
                self.doubt(table, bad)
                found += len(bad)
        self._forget()
        return found

    def damaged(self) -> int:
        """Read every row and change nothing; how many are not what was written."""
        with schema.reading(self.path):
            if not schema.has_tables(self.connection):
                return 0
            return sum(len(schema.sound(self.connection, table)[1]) for table in schema.COLUMNS)

    # ------------------------------------------------------------------ data sets

    def register(self, dataset: Dataset) -> int:
        """The number of a data set, which is written where it is new."""
        with schema.writing(self.connection, self.path):
            return self._placed(dataset)[0]

    def _datasets(self) -> dict[int, Dataset]:
        state = self.connection.execute("SELECT count(*), coalesce(max(id), 0) FROM datasets").fetchone()
        if state == self._data[0]:
            return dict(self._data[1])
        good, bad = schema.sound(self.connection, "datasets")
        self.doubt("datasets", bad)
        found = {
            row[0]: Dataset(
                name=row[1],
                slice=row[2],
                instruments=tuple(json.loads(row[3])),
                bar_s=row[4],
                start_s=row[5],
                end_s=row[6],
            )
            for row in good
        }
        self._data = (state if not bad else (-1, -1), found)
        return dict(found)

    def _placed(self, dataset: Dataset) -> tuple[int, ...]:
        """Number of a data set, and then of all others of its family; within a transaction."""
        known = self._datasets()
        place = next((i for i, d in known.items() if (d.name, d.slice) == (dataset.name, dataset.slice)), 0)
        if not place:
            place = schema.after(self.connection, "datasets")
            row = (
                place, dataset.name, dataset.slice, json.dumps(dataset.instruments), dataset.bar_s, dataset.start_s,
                dataset.end_s,
            )  # fmt: skip
            schema.insert(self.connection, "datasets", [row])
            known[place] = dataset
        return (place, *(one for one in _family(known, dataset) if one != place))

    # ------------------------------------------------------------------ trials

    def _looked_at(self, place: int) -> set[bytes]:
        """Genomes that were looked at on a data set: those in memory, and whatever others have written since."""
        newest, seen = self._seen.get(place, (0, set()))
        rows = self.connection.execute(
            "SELECT id, genomes FROM batches WHERE dataset = ? AND id > ? ORDER BY id", (place, newest)
        )
        for batch, genomes in rows:
            seen.update(genomes[i : i + _HASH] for i in range(0, len(genomes), _HASH))
            newest = batch
        self._seen[place] = (newest, seen)
        return seen

    def _forget(self) -> None:
        self._leading.forget()
        self._seen, self._data = {}, ((-1, -1), {})

    def _tally(self, members: tuple[int, ...], readable: Collection[int]) -> Tally:
        """Trials whose data set is not readable any more may have been of this family: they count everywhere."""
        inside = f"({schema.inside(members)} OR NOT {schema.inside(readable)})"
        ask = self.connection.execute
        by_origin: dict[str, int] = {}
        led = flat = 0
        sums = "sum(length(genomes)) / 16, sum(min(led, length(genomes) / 16)), max(flat)"
        rows = ask(f"SELECT origin, {sums} FROM batches WHERE {inside} GROUP BY origin ORDER BY origin")  # noqa: S608
        for code, trials, leaders, level in rows:
            name = ORIGINS[code] if 0 <= code < len(ORIGINS) else UNREADABLE
            by_origin[name] = by_origin.get(name, 0) + trials
            led, flat = led + leaders, max(flat, level)
        (lost,) = ask(
            f"SELECT coalesce(sum(trials), 0) FROM set_aside WHERE dataset IS NULL OR {inside}"  # noqa: S608 - numbers
        ).fetchone()
        if lost:
            by_origin[UNREADABLE] = by_origin.get(UNREADABLE, 0) + lost
        return Tally(sum(by_origin.values()), led + lost + (flat > 0), by_origin, len(members))

    def doubt(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Set rows aside where that may be done, and say so."""
        if not rows:
            return
        if self._writable:
            inside = self.connection.in_transaction
            with contextlib.nullcontext() if inside else schema.writing(self.connection, self.path):
                schema.set_aside(self.connection, table, rows, "its seal is that of another row")
        what = "moved to the table set_aside" if self._writable else "passed over"
        many = "a row" if len(rows) == 1 else f"{len(rows):,} rows"
        were = "is not what was written; it was" if len(rows) == 1 else "are not what was written; they were"
        self.tell(f"{many} of {table} in {self.path} {were} {what}, and what it counted still counts.")


class Counter:
    """A `genome.evolution.ports.Count`: looks at a data set, or parts of it, by one run."""

    def __init__(self, trials: Trials, dataset: Dataset, run: int, now_s: Callable[[], float]) -> None:
        self._trials, self._dataset, self._run, self._now_s = trials, dataset, run, now_s

    def add(self, data: str, hashes: list[str], scores: Scores, origin: str) -> int:
        """See `Trials.add`. Other `data` than that of the data set are a part of it, of the days of the scores."""
        dataset = self._dataset
        if data != dataset.name:
            span = {"slice": "part"}
            if scores.days.size:
                first, last = int(scores.days[0]) * _DAY_S, (int(scores.days[-1]) + 1) * _DAY_S
                span |= {"start_s": first, "end_s": last}  # type: ignore[dict-item]
            dataset = msgspec.structs.replace(dataset, name=data, **span)
        return self._trials.add(
            dataset,
            hashes,
            scores.values,
            scores.returns,
            scores.days,
            origin,
            run=self._run,
            at_s=int(self._now_s()),
        )


@contextlib.contextmanager
def counting(path: Path, *, writable: bool = True) -> Iterator[Trials]:
    """The count of a store, closed afterwards."""
    trials = Trials(path, writable=writable)
    try:
        yield trials
    finally:
        trials.close()


def short(name: str) -> bytes:
    """16 bytes, what the tables name a genome by: a key of evolution, or the first half of a content hash.

    name   32 hex digits (`genome.evolution.keys.texts`) or 64 (`Genome.content_hash`)

    The two are not the same, so a genome that was bred and then backtested by hand counts twice: rather too often than
    too seldom. Raises `BadInput` for anything else.
    """
    try:
        found = bytes.fromhex(name)
    except ValueError:
        found = b""
    if len(found) not in {_HASH, 2 * _HASH}:
        raise BadInput(f"a genome is named by 32 or 64 hex digits; was {name[:80]!r}.")
    return found[:_HASH]


def _distinct(
    hashes: Sequence[str], objectives: F64, returns: F64, days: I64, origin: str
) -> dict[bytes, int]:
    """The first row of each genome."""
    if origin not in ORIGINS:
        raise BadInput(f"trials are of {', '.join(ORIGINS)}; was {origin!r}.")
    shapes = len(hashes), len(objectives), len(returns)
    if len(set(shapes)) > 1 or returns.ndim != 2 or returns.shape[1] != days.size or objectives.ndim != 2:  # noqa: PLR2004
        raise BadInput(
            f"{shapes[0]} genomes came with objectives {objectives.shape}, returns {returns.shape} and {days.size} days; "
            "give each genome a row, and each day a column."
        )
    if len(hashes) >> MOST_BITS:
        raise BadInput(
            f"{len(hashes):,} genomes are too many for one batch; count {1 << MOST_BITS:,} at a time."
        )
    rows: dict[bytes, int] = {}
    for i, name in enumerate(hashes):
        rows.setdefault(short(name), i)
    return rows


def _family(known: dict[int, Dataset], dataset: Dataset) -> tuple[int, ...]:
    place = next((i for i, d in known.items() if (d.name, d.slice) == (dataset.name, dataset.slice)), None)
    if place is None:
        place = max(known, default=0) + 1  # as if it were the next one
        found = families({**known, place: dataset})
        return tuple(i for i in known if found[i] == found[place])
    found = families(known)
    return tuple(i for i in known if found[i] == found[place])
