"""The lake itself: what is appended stays, a correction is a new revision, and a reader asks what was known when.

One writer a series, by a lock; readers need none, because a part is replaced whole. Rows are equal when every value is:
bringing the same history twice changes nothing.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from organism.errors import BadInput
from organism.lake import parts
from organism.lake.candles import I32, I64, Candles, Events, outside, wrong
from organism.lake.merging import latest, merged, split_by_month
from organism.lake.names import Kind, Series, origin_us, path_of, series_of

FORMAT = 1
VERSION = "version"
LOCK = ".lock"
EVENT_VALUES = {kind: parts.SHAPES[kind].values for kind in Kind if not kind.has_timeframe}
"""Names of the values of each kind of events: funding a rate; trades an id, price, quantity and whether the buyer was
the maker (1 or 0); open interest an amount in base units and its value in quote currency, NaN where nobody said it."""
_LONGEST_SOURCE = 200
# After a fork the child must not take down the parent's engine, whose threads it does not have: it would wait for ever.
_OF_THE_PARENT: list[object] = []
_POLL_S = 0.01


class Appended(NamedTuple):
    """What an append found: rows that were new, that were there already, that correct what was there."""

    new: int
    same: int
    revised: int


class Span(NamedTuple):
    """First and last open (or event), and how many rows, corrections counted once with what they correct."""

    first_us: int
    last_us: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Candles as the lake knows them, and about each row where it came from.

    source_id     int32 (n,), place in `sources`
    received_us   int64 (n,), when the row that is shown reached the lake
    revision      int32 (n,), 0 as first received, then one more a correction
    """

    candles: Candles
    source_id: I32
    sources: tuple[str, ...]
    received_us: I64
    revision: I32


@dataclass(frozen=True, slots=True, eq=False)
class StoredEvents:
    """Events as the lake knows them; the rest as in `Stored`."""

    events: Events
    source_id: I32
    sources: tuple[str, ...]
    received_us: I64
    revision: I32


class Lake:
    """A folder of series. Nothing is made on disk before the first append. Raises `BadInput` for a newer lake."""

    def __init__(self, root: Path, *, now_us: Callable[[], int], wait_s: float = 10.0) -> None:
        """Take a folder that is there or not; `wait_s` is how long an append waits for another writer."""
        self.root, self.now_us, self._wait_s = root, now_us, wait_s
        self._connected: tuple[int, Any] | None = None
        self._check_version()

    def append(self, series: Series, candles: Candles, *, source: str, received_us: int) -> Appended:
        """Add candles; where one differs from what is stored, as a new revision. All of it is durable on return.

        Raises `BadInput`, and nothing changes, for a candle that cannot be believed, for a kind without candles, while
        another writer holds the series for too long, and where the disk is full.
        """
        if not series.kind.has_timeframe:
            raise BadInput(f"{series.text} holds events; candles cannot be appended to it.")
        if (found := wrong(candles, volume=series.kind is Kind.CANDLES)) is not None:
            place, why = found
            raise BadInput(f"{series.text}: candle {place + 1:,} of {len(candles):,} was refused: {why}.")
        values = {"open_us": candles.open_us}
        values |= {name: getattr(candles, name) for name in parts.SHAPES[series.kind].values}
        return self._append(series, values, source, received_us)

    def append_events(self, series: Series, events: Events, *, source: str, received_us: int) -> Appended:
        """Add events; the rest as in `append`. Values are finite, within `RANGES`; only that of open interest may be NaN.

        A trade is a fact: one of the same time and id that says another thing is refused, and nothing changes.
        """
        names = EVENT_VALUES.get(series.kind)
        if names is None or set(names) != set(events.values):
            wanted = ", ".join(names or ("candles",))
            raise BadInput(f"{series.text} holds {wanted}; was given {', '.join(sorted(events.values))}.")
        for name, column in events.values.items():
            good = np.isfinite(column)
            if name in parts.SHAPES[series.kind].unsaid:
                good |= np.isnan(column)
            if not good.all():
                at = int(np.argmin(good))
                raise BadInput(
                    f"{series.text}: {name} of row {at + 1:,} must be a number; was {column[at]!s}."
                )
        if (refused := outside(series.kind, events)) is not None:
            place, why = refused
            raise BadInput(f"{series.text}: row {place + 1:,} of {len(events):,} was refused: {why}.")
        return self._append(series, {"at_us": events.at_us, **events.values}, source, received_us)

    def read(
        self,
        series: Series,
        start_us: int | None = None,
        end_us: int | None = None,
        *,
        as_of_us: int | None = None,
    ) -> Stored:
        """Candles that open at or after start and before end, each in its latest revision (known at `as_of_us`).

        Empty where there is none. Raises `BadInput` naming a part that is damaged.
        """
        table, sources = self._read(series, start_us, end_us, as_of_us)
        opens = table["open_us"]
        volume = table["volume"] if series.kind is Kind.CANDLES else np.full(opens.size, np.nan)
        candles = Candles(opens, table["open"], table["high"], table["low"], table["close"], volume)
        return Stored(candles, table["source_id"], sources, table["received_us"], table["revision"])

    def read_events(
        self,
        series: Series,
        start_us: int | None = None,
        end_us: int | None = None,
        *,
        as_of_us: int | None = None,
    ) -> StoredEvents:
        """Events from start until before end; the rest as in `read`."""
        table, sources = self._read(series, start_us, end_us, as_of_us)
        events = Events(table["at_us"], {name: table[name] for name in EVENT_VALUES[series.kind]})
        return StoredEvents(events, table["source_id"], sources, table["received_us"], table["revision"])

    def all(self) -> tuple[Series, ...]:
        """Every series that has a part, in order."""
        found = set()
        for part in self.root.glob(f"*/*/*/*/*{parts.ENDING}"):
            with contextlib.suppress(BadInput):  # a folder that somebody put there
                found.add(series_of(PurePath(*part.relative_to(self.root).parts[:-1])))
        return tuple(sorted(found, key=lambda s: (s.kind, s.venue, s.symbol, s.bar_us)))

    def timeframes(self, venue: str, symbol: str, kind: Kind = Kind.CANDLES) -> tuple[Series, ...]:
        """Series of one symbol, shortest candles first."""
        folder = path_of(Series(venue, symbol, "1m" if kind.has_timeframe else "", kind)).parent
        found = []
        for part in (self.root / folder).glob(f"*/*{parts.ENDING}"):
            with contextlib.suppress(BadInput):  # a folder that somebody put there
                found.append(series_of(folder / part.parent.name))
        return tuple(sorted(set(found), key=lambda one: one.bar_us))

    def span(self, series: Series) -> Span | None:
        """From when to when, and how many rows; None for a series that is not there. Reads footers only."""
        found = parts.facts(self.connection(), self.files(series))
        if not found:
            return None
        return Span(found[0].first_us, found[-1].last_us, sum(f.rows for f in found))

    def sources(self, series: Series) -> tuple[str, ...]:
        """Where its rows came from. Reads footers only."""
        found = parts.facts(self.connection(), self.files(series))
        return tuple(dict.fromkeys(source for fact in found for source in fact.sources))

    def corrections(self, series: Series) -> int:
        """How many rows were corrected since they were first received. Reads footers only."""
        return sum(fact.corrections for fact in parts.facts(self.connection(), self.files(series)))

    def gaps(self, series: Series, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """Stretches without a candle as (from, until before), whole candles that begin at or after start and before end."""
        bar_us = series.bar_us
        if not bar_us:
            raise BadInput(f"{series.text} holds events, which come when they come: it has no gaps.")
        origin = origin_us(bar_us)
        first, last = -((origin - start_us) // bar_us), -((origin - end_us) // bar_us)
        opens = self.read(series, origin + first * bar_us, origin + last * bar_us).candles.open_us
        there = np.unique((opens - origin) // bar_us)
        edges = np.concatenate(([first - 1], there, [max(first, last)]))
        holes = np.flatnonzero(np.diff(edges) > 1)
        return [(int(origin + (edges[i] + 1) * bar_us), int(origin + edges[i + 1] * bar_us)) for i in holes]

    def files(self, series: Series) -> tuple[Path, ...]:
        """Files of a series, oldest first."""
        return tuple(sorted((self.root / path_of(series)).glob(f"[0-9]*{parts.ENDING}")))

    def connection(self) -> Any:
        """A cursor of duckdb, of this process's own: a connection is not shared across a fork."""
        if self._connected is None or self._connected[0] != os.getpid():
            _OF_THE_PARENT.append(self._connected)
            import duckdb  # noqa: PLC0415 - takes a third of a second; a command that reads no history does not pay for it

            # A part is one row group, which a second thread would not make faster.
            options: Any = {
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "threads": 1,
            }
            self._connected = (os.getpid(), duckdb.connect(":memory:", config=options))
        return self._connected[1].cursor()

    def _append(self, series: Series, values: parts.Table, source: str, received_us: int) -> Appended:
        if not source.strip() or not source.isprintable() or len(source) > _LONGEST_SOURCE:
            raise BadInput(
                f"A source is 1 to {_LONGEST_SOURCE} printable characters; was {source[:80]!r}. Say where the rows are from."
            )
        shape = parts.SHAPES[series.kind]
        folder = self.root / path_of(series)
        try:
            self._begin(folder)
            with self._writing(series, folder):
                return self._merge(shape, folder, split_by_month(values, shape), source, received_us)
        except OSError as error:
            raise _unwritable(series, folder, error.strerror or str(error)) from None

    def _merge(
        self, shape: parts.Shape, folder: Path, months: dict[str, parts.Table], source: str, received_us: int
    ) -> Appended:
        import duckdb  # noqa: PLC0415 - as above

        connection = self.connection()
        fresh: dict[Path, Path] = {}
        counts = Appended(0, 0, 0)
        try:
            for month, values in months.items():
                path = folder / f"{month}{parts.ENDING}"
                there, sources = parts.read(connection, path, shape) if path.exists() else (None, ())
                table, named, found = merged(there, sources, values, shape, source, received_us)
                counts = Appended(*(a + b for a, b in zip(counts, found, strict=True)))
                if shape is parts.SHAPES[Kind.TRADES] and found.revised:
                    raise _contradicted(table, month)
                if found.new or found.revised:
                    fresh[parts.write(connection, path, shape, table, named)] = path
            parts.publish(fresh)
        except duckdb.Error as error:
            raise OSError(str(error).strip().splitlines()[0][:200]) from None
        finally:
            for unfinished in fresh:
                unfinished.unlink(missing_ok=True)
        return counts

    def _read(
        self, series: Series, start_us: int | None, end_us: int | None, as_of_us: int | None
    ) -> tuple[parts.Table, tuple[str, ...]]:
        shape = parts.SHAPES[series.kind]
        first = "" if start_us is None else month_of(start_us)
        last = "9999-99" if end_us is None else month_of(end_us - 1)
        connection = self.connection()
        tables: list[parts.Table] = []
        names: dict[str, int] = {}
        for path in self.files(series):
            if first <= path.name.removesuffix(parts.ENDING) <= last:
                table, sources = parts.read(connection, path, shape)
                number = np.array([names.setdefault(source, len(names)) for source in sources], np.int32)
                tables.append({**table, "source_id": number[table["source_id"]]})
        if not tables:
            return {name: np.empty(0, kind) for name, kind in shape.types().items()}, ()
        whole = {name: np.concatenate([table[name] for table in tables]) for name in shape.types()}
        whole = latest(whole, shape, as_of_us)
        times = whole[shape.time]
        begin = 0 if start_us is None else int(np.searchsorted(times, start_us))
        end = times.size if end_us is None else int(np.searchsorted(times, end_us))
        return {name: column[begin : max(begin, end)] for name, column in whole.items()}, tuple(names)

    def _check_version(self) -> None:
        """Refuse what this program cannot understand, before a row of it is read or written."""
        try:
            said = (self.root / VERSION).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            if self.root.is_dir() and any(self.root.glob(f"*/*/*/*/*{parts.ENDING}")):
                said = "nothing"
            else:
                return
        except NotADirectoryError:
            raise BadInput(f"{self.root} is a file; a lake is a folder. Name one with --lake.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"{self.root / VERSION} cannot be read: {error}. Name a folder of a lake."
            ) from None
        if said.isdecimal() and int(said) > FORMAT:
            raise BadInput(
                f"{self.root} is a lake of version {said}, and this organism reads version {FORMAT}; nothing was changed. "
                "Use the newer organism that wrote it, or name another folder with --lake."
            )
        if said != str(FORMAT):
            raise BadInput(
                f"{self.root / VERSION} says {said[:20]!r} where a lake says {FORMAT}; "
                "restore that file, or name another folder with --lake."
            )

    def _begin(self, folder: Path) -> None:
        parts.made(folder)
        version = self.root / VERSION
        if not version.exists():
            fresh = version.with_name(f".{VERSION}.{os.getpid()}{parts.UNFINISHED}")
            fresh.write_text(f"{FORMAT}\n", encoding="utf-8")
            parts.synced(fresh)
            fresh.replace(version)
            parts.synced(self.root)
        self._check_version()

    @contextlib.contextmanager
    def _writing(self, series: Series, folder: Path) -> Iterator[None]:
        """Hold the series; the kernel lets go of it when the process ends."""
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + self._wait_s
            while not _taken(descriptor):
                if time.monotonic() >= end:
                    raise BadInput(
                        f"{series.text} is being written by another process, for longer than {self._wait_s:g} s; "
                        "wait until that fetch or import has ended, and try again."
                    )
                time.sleep(_POLL_S)
            parts.cleaned(folder)
            yield
        finally:
            os.close(descriptor)


def month_of(us: int) -> str:
    """The month in which an instant lies, as in 2024-03."""
    return str(np.datetime64(us, "us").astype("datetime64[M]"))


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _contradicted(table: parts.Table, month: str) -> BadInput:
    at = int(np.argmax(table["revision"] > 0))
    row = {name: float(table[name][at]) for name in ("trade_id", "price", "quantity")}
    return BadInput(
        f"trade {row['trade_id']:.0f} of {month} ({table['at_us'][at]} µs) is in the lake already and says another thing: it was "
        f"{row['price']:g} for {row['quantity']:g} now. A trade never changes, so nothing was taken; these are trades of another "
        "instrument, or numbered in another way."
    )


def _unwritable(series: Series, folder: Path, why: str) -> BadInput:
    return BadInput(
        f"{series.text} could not be written below {folder} ({why}); what was stored before is unharmed. "
        "Free some disk, or name another folder with --lake, and do it again."
    )
