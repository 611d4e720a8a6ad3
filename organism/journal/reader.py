"""Reading rows over all segments, in order, never one that does not match its digest."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from organism.errors import JournalDamaged
from organism.journal.rows import Row, Run, matches
from organism.journal.schema import COLUMNS, open_reader, refused
from organism.journal.segments import Segment, read_last, read_meta, read_runs, segments

N_PAGE = 4_000  # rows fetched at once; between pages nothing is held open, so the writer may checkpoint
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608


_T = TypeVar("_T")
N_TRIES = 5  # the writer may seal or archive a segment between our finding and opening it


class _Page(NamedTuple):
    path: Path
    rows: list[Row]
    runs: dict[int, Run]
    previous: bytes  # digest of the row before the first


class Reader:
    """Reads a journal while another connection, or another process, may be writing it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begins: dict[Path, int] = {}  # last row before each sealed segment, which never changes

    def rows(self, after_seq: int = 0, until_seq: int | None = None) -> Iterator[Row]:
        """Rows after one and up to another (all that are durable when it is not given).

        Raises `JournalDamaged`, naming the row, at the first that is missing or not what was written.
        """
        position = after_seq
        previous: bytes | None = None
        digests: dict[int, bytes] = {}
        while until_seq is None or position < until_seq:
            limit = N_PAGE if until_seq is None else min(N_PAGE, until_seq - position)
            page = self._page(position, limit)
            if page is None or not page.rows:
                if until_seq is None:
                    return
                raise JournalDamaged(missing(position + 1))
            for run in page.runs.values():
                digests[run.run] = run.digest
            before = page.previous if previous is None else previous
            for row in page.rows:
                if row.seq != position + 1:
                    raise JournalDamaged(missing(position + 1))
                if not matches(row, before, digests.get(row.run, b"")):
                    raise JournalDamaged(damaged(row.seq, page.path))
                yield row
                position = row.seq
                before = row.digest
            previous = before

    def runs(self) -> dict[int, Run]:
        """Every run that wrote rows, by number."""
        found: dict[int, Run] = {}
        for segment in segments(self._folder):
            found |= read(segment, read_runs)
        return found

    def _page(self, position: int, limit: int) -> _Page | None:
        for remaining in reversed(range(N_TRIES)):
            files = segments(self._folder)
            if not files:
                return None
            try:
                page = self._page_of(files, position, limit)
            except Moved as moved:
                if not remaining:
                    raise JournalDamaged(missing(position + 1)) from moved
                continue
            return page
        return None

    def _page_of(self, files: list[Segment], position: int, limit: int) -> _Page:
        for segment in reversed(files):
            if self._begin(segment) <= position:
                page = self._fetch(segment, position, limit)
                if page.rows or segment is files[-1]:
                    return page
                break
        raise Moved

    def _begin(self, segment: Segment) -> int:
        known = self._begins.get(segment.path)
        if known is None:
            known = read(segment, lambda c: read_meta(c).previous_seq)
            if segment.sealed:
                self._begins[segment.path] = known
        return known

    @staticmethod
    def _fetch(segment: Segment, position: int, limit: int) -> _Page:
        def fetch(connection: sqlite3.Connection) -> _Page:
            connection.execute("BEGIN")  # one consistent picture
            meta = read_meta(connection)
            if meta.previous_seq > position:  # sealed and followed by the next one in the meantime
                raise Moved
            rows = [Row(*values) for values in connection.execute(_SELECT, (position, limit))]
            previous = meta.previous_digest
            if position > meta.previous_seq:
                found = connection.execute("SELECT digest FROM rows WHERE seq = ?", (position,)).fetchone()
                if found is None and rows:
                    raise JournalDamaged(missing(position))
                previous = found[0] if found else b""
            return _Page(segment.path, rows, read_runs(connection), previous)

        return read(segment, fetch)


class Moved(Exception):
    """The files changed while they were being looked at."""


def read(segment: Segment, what: Callable[[sqlite3.Connection], _T]) -> _T:
    """Open a segment, read something, close it. Raises `Moved`, or `JournalDamaged` and its like for what cannot be read."""
    try:
        connection = open_reader(segment.path, sealed=segment.sealed)
        try:
            return what(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if not segment.path.exists():
            raise Moved from error
        raise refused(segment.path, error) from error


def read_rows(folder: Path, after_seq: int = 0, until_seq: int | None = None) -> Iterator[Row]:
    """Rows of the journal in a state folder, for processes that do not write it."""
    return Reader(folder).rows(after_seq, until_seq)


def read_runs_of(folder: Path) -> dict[int, Run]:
    """Runs of the journal in a state folder."""
    return Reader(folder).runs()


def newest(folder: Path) -> int:
    """Number of the newest durable row, 0 when there is none."""
    files = segments(folder)
    return read(files[-1], lambda c: read_last(c, read_meta(c)))[0] if files else 0


def damaged(seq: int, path: Path) -> str:
    """One sentence about a row that is not what was written."""
    return (
        f"journal row {seq} in {path.name} is not what was written: its digest does not match. Nothing was "
        f"changed; restoring is a person's command: `organism verify --quarantine {seq}` sets the damaged file "
        f"aside and goes on from row {seq - 1}."
    )


def missing(seq: int) -> str:
    """One sentence about a row that is not there."""
    return (
        f"journal row {seq} is missing. Nothing was changed; `organism verify` tells how much is, and restoring "
        f"is a person's command: `organism verify --quarantine {seq}` goes on from row {seq - 1}."
    )
