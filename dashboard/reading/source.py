"""The journal as the read model sees it: where it ends, whether it is still the same one, and its rows in batches.

Strictly read-only. Each look opens a file, reads inside one short transaction and closes it, so the journal's writer may
fold its write-ahead log at any time.
"""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from organism.errors import BadInput, JournalDamaged
from organism.journal.reader import Reader, read
from organism.journal.rows import Row, Run, matches
from organism.journal.schema import MIGRATIONS
from organism.journal.segments import Segment, read_last, read_meta, segments


class Tip(NamedTuple):
    """The journal's ends.

    first_seq, first_digest   the row before the oldest that is still here: 0 and zeroes while all are
    seq, digest, wall_ns      the newest row, zeroes when there is none
    """

    namespace: str
    first_seq: int
    first_digest: bytes
    seq: int
    digest: bytes
    wall_ns: int


class Replaced(Exception):
    """The journal is not the one that was read so far: everything is read anew."""


class Source:
    """One state folder's journal. For one thread."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._reader = Reader(state)
        self._runs: dict[int, Run] = {}
        self._oldest: tuple[Path, int, bytes] | None = None

    def tip(self) -> Tip | None:
        """Where the journal ends now; None when there is none.

        Raises `BadInput` for one of a newer version, `OrganismError` for one that cannot be read, `Moved`.
        """
        files = segments(self._state)
        if not files:
            self._oldest = None
            return None
        namespace, seq, digest, wall_ns = read(files[-1], _end)
        if not wall_ns and len(files) > 1:  # a new file without rows yet: the newest row ends the one before
            wall_ns = read(files[-2], _end)[3]
        first_seq, first_digest = self._begin(files[0])
        return Tip(namespace, first_seq, first_digest, seq, digest, wall_ns)

    def batch(self, after_seq: int, digest: bytes, until_seq: int) -> list[Row]:
        """Rows after one whose digest is known, up to another that is there. Raises `Replaced`, or `OrganismError`.

        They are fewer where one that follows is damaged or missing; it raises when that is the first.
        """
        rows: list[Row] = []
        try:
            for row in self._reader.rows(after_seq, until_seq):
                rows.append(row)  # noqa: PERF402 - what was read before a damaged row counts
        except JournalDamaged:
            if not rows:
                raise
        if rows:
            run = self.run(rows[0].run)
            if not matches(rows[0], digest, b"" if run is None else run.digest):
                raise Replaced
        return rows

    def rows(self, after_seq: int, until_seq: int) -> list[Row]:
        """Rows after one, up to another, wherever they lie."""
        return list(self._reader.rows(after_seq, until_seq))

    def run(self, number: int) -> Run | None:
        """A start of the body, by number."""
        if number not in self._runs:
            self._runs = self._reader.runs()
        return self._runs.get(number)

    def forget(self) -> None:
        """Remember nothing of the files: another journal lies there."""
        self._reader, self._runs, self._oldest = Reader(self._state), {}, None

    def _begin(self, oldest: Segment) -> tuple[int, bytes]:
        """What lies before the oldest row; sealed segments never change, so it is read once."""
        if self._oldest is None or self._oldest[0] != oldest.path:
            meta = read(oldest, read_meta)
            if not oldest.sealed:
                return meta.previous_seq, meta.previous_digest
            self._oldest = (oldest.path, meta.previous_seq, meta.previous_digest)
        return self._oldest[1], self._oldest[2]


def _end(connection: sqlite3.Connection) -> tuple[str, int, bytes, int]:
    known = MIGRATIONS[-1].version
    (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()
    if version > known:
        raise BadInput(
            f"the journal has schema {version}, and this dashboard knows up to {known}: its history cannot be shown. "
            "Install the organism that wrote it; the page shows what the view tells meanwhile."
        )
    meta = read_meta(connection)
    seq, digest = read_last(connection, meta)
    found = connection.execute("SELECT wall_ns FROM rows WHERE seq = ?", (seq,)).fetchone()
    return meta.namespace, seq, digest, found[0] if found else 0
