"""One pass over a whole journal: every row of every segment against the chain, and the tip kept outside.

Nothing here raises for damage, however bad: it is found, named by sequence number, and counted.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from organism.errors import JournalDamaged
from organism.journal.rows import GENESIS, Row, matches
from organism.journal.schema import COLUMNS, open_reader
from organism.journal.segments import Segment, read_incarnations, read_meta, read_runs
from organism.journal.tip import FILE as TIP_FILE
from organism.journal.tip import Tip, fingerprint, read_tip

PAGES = (2_000, 50, 1)  # rows fetched at once; fewer and fewer to find the row that cannot be read
N_DETAILS = 20  # sentences kept; damage is counted beyond
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found.

    n_rows          rows that are what was written
    first_seq       oldest row still here (older ones may have left the archive)
    tip_seq         newest row
    first_bad_seq   first row that is damaged or missing; None when none is
    details         one sentence for each finding, the first 20
    notes           worth knowing, not bad
    """

    ok: bool
    n_rows: int
    n_segments: int
    first_seq: int
    tip_seq: int
    tip_digest: str
    first_bad_seq: int | None
    details: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    code_versions: tuple[str, ...] = ()


class Auditor:
    """One pass over all segments. `incarnations` holds the newest of each organ that any row or table knows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._position = 0
        self._first_seq = 0
        self._previous: bytes | None = GENESIS  # None: unknown, because what came before is damaged
        self._n_rows = 0
        self._n_bad = 0
        self._first_bad: int | None = None
        self._details: list[str] = []
        self._notes: list[str] = []
        self._versions: dict[str, None] = {}
        self._namespaces: dict[str, None] = {}
        self._at_tip: bytes | None = None
        self._kept: Tip | None = None
        self._before: Segment | None = None
        self._sealed_as: dict[Path, str] = {}
        self._rows_incarnations: dict[str, int] = {}
        self.incarnations: dict[str, int] = {}

    def report(self, files: list[Segment]) -> AuditReport:
        """Audit these files, oldest first."""
        try:
            self._kept = read_tip(self._folder)  # first: the journal may grow while we read
        except (JournalDamaged, OSError) as error:
            self._bad(None, str(error))
        for index, segment in enumerate(files):
            self._before = files[index - 1] if index else None
            self._segment(segment, oldest=index == 0)
        self._tip()
        for organ, number in self._rows_incarnations.items():
            if self.incarnations.get(organ, 0) < number:
                self._bad(
                    None, f"incarnation {number} of {organ} wrote rows, but table incarnations knows less."
                )
        self._sealed_files()
        self._current_file(files)
        if len(self._namespaces) > 1:
            self._notes.append(f"a person restored this journal {len(self._namespaces) - 1} times.")
        return AuditReport(
            ok=not self._n_bad,
            n_rows=self._n_rows,
            n_segments=len(files),
            first_seq=self._first_seq,
            tip_seq=self._position,
            tip_digest=self._previous.hex() if self._previous else "",
            first_bad_seq=self._first_bad,
            details=tuple(self._details),
            notes=tuple(self._notes),
            code_versions=tuple(self._versions),
        )

    def _segment(self, segment: Segment, *, oldest: bool) -> None:
        try:
            connection = open_reader(segment.path, sealed=segment.sealed)
        except sqlite3.Error as error:
            self._unreadable(segment, error)
            return
        with contextlib.closing(connection):
            try:
                meta = read_meta(connection)
                digests = {run.run: run.digest for run in read_runs(connection).values()}
                for run in read_runs(connection).values():
                    self._versions[run.code_version] = None
                    self._namespaces[run.namespace] = None
                for organ, number in read_incarnations(connection).items():
                    self.incarnations[organ] = max(number, self.incarnations.get(organ, 0))
            except (sqlite3.Error, TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
                self._unreadable(segment, error)
                return
            if oldest:
                if meta.previous_seq:
                    self._notes.append(
                        f"rows 1 to {meta.previous_seq} are not here: their segments were removed."
                    )
                elif meta.previous_digest != GENESIS:
                    self._bad(1, f"{segment.path.name} claims rows before row 1.")
                self._position, self._previous = meta.previous_seq, meta.previous_digest
            elif (meta.previous_seq, meta.previous_digest) != (
                self._position,
                self._previous or meta.previous_digest,
            ):
                self._bad(
                    self._position + 1,
                    f"{segment.path.name} follows row {meta.previous_seq}, but the segment before it ends at row "
                    f"{self._position}, or with another digest.",
                )
                self._position, self._previous = meta.previous_seq, meta.previous_digest
            if self._before is not None and meta.previous_file:
                self._sealed_as[self._before.path] = meta.previous_file
            n_bad = self._n_bad
            self._rows(connection, segment, digests)
            if self._n_bad == n_bad:
                self._structure(connection, segment)

    def _sealed_files(self) -> None:
        """Compare each sealed segment with what the one after it says of it."""
        for path, expected in self._sealed_as.items():
            with contextlib.suppress(OSError):  # archived in this moment: the next try finds it there
                if fingerprint(path) != expected:
                    self._bad(None, changed(path, "sealed"))

    def _current_file(self, files: list[Segment]) -> None:
        """Compare the current segment with what it was when it was closed; nothing to say while it is in use."""
        if not files or files[-1].sealed or self._kept is None or not self._kept.file:
            return
        path = files[-1].path
        with contextlib.suppress(OSError, JournalDamaged):
            found = fingerprint(path)
            if found != self._kept.file and read_tip(self._folder) == self._kept:
                self._bad(None, changed(path, "closed"))

    def _structure(self, connection: sqlite3.Connection, segment: Segment) -> None:
        """Have SQLite check its own pages."""
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            verdict = str(error)
        if verdict != "ok":
            self._bad(None, f"{segment.path.name} is damaged between its rows ({verdict}).")

    def _rows(self, connection: sqlite3.Connection, segment: Segment, digests: dict[int, bytes]) -> None:
        while True:
            page: list[Any] | None = None
            failure: Exception | None = None
            for limit in PAGES:
                try:
                    page = connection.execute(_SELECT, (self._position, limit)).fetchall()
                    break
                except (sqlite3.Error, OverflowError) as error:
                    failure = error
            if page is None and failure is not None:
                if not self._skip(connection, segment, failure):
                    return
                continue
            if not page:
                return
            for values in page:
                if not self._row(Row(*values), segment, digests):
                    return

    def _row(self, row: Row, segment: Segment, digests: dict[int, bytes]) -> bool:
        expected = self._position + 1
        if row.seq <= self._position:
            self._bad(expected, f"rows of {segment.path.name} are out of order after row {self._position}.")
            return False
        if row.seq > expected:
            self._bad(expected, f"rows {expected} to {row.seq - 1} are missing from {segment.path.name}.")
            self._previous = None
        if self._previous is not None and not matches(row, self._previous, digests.get(row.run, b"")):
            self._bad(row.seq, f"row {row.seq} in {segment.path.name} is not what was written.")
        else:
            self._n_rows += 1
            if type(row.organ) is str and type(row.incarnation) is int:
                known = self._rows_incarnations.get(row.organ, 0)
                self._rows_incarnations[row.organ] = max(known, row.incarnation)
        if self._kept is not None and row.seq == self._kept.seq:
            self._at_tip = row.digest
        self._first_seq = self._first_seq or row.seq
        self._position = row.seq
        self._previous = row.digest if type(row.digest) is bytes else None
        return True

    def _skip(self, connection: sqlite3.Connection, segment: Segment, error: Exception) -> bool:
        """Go on behind what SQLite cannot read; False when nothing more can be read here."""
        first = self._position + 1
        stride = 1
        while stride < 2**40:
            found: Any = None
            with contextlib.suppress(sqlite3.Error, OverflowError):
                found = connection.execute(_SELECT, (self._position + stride, 1)).fetchone() or ()
            if found:
                self._bad(
                    first, f"rows {first} to {found[0] - 1} in {segment.path.name} are unreadable ({error})."
                )
                self._position, self._previous = found[0] - 1, None
                return bool(found[0] > first)
            stride *= 2
        self._bad(first, f"rows from {first} on in {segment.path.name} are unreadable ({error}).")
        self._previous = None
        return False

    def _tip(self) -> None:
        kept = self._kept
        if kept is None:
            if self._position and not self._n_bad:
                self._bad(
                    None, f"{TIP_FILE} is missing: nothing proves that the journal was not rolled back."
                )
            return
        if kept.seq > self._position:
            self._bad(
                self._position + 1,
                f"the journal was rolled back: {TIP_FILE} was written at row {kept.seq}, and the journal ends at "
                f"row {self._position}.",
            )
        elif self._at_tip is not None and self._at_tip != bytes.fromhex(kept.digest):
            self._bad(kept.seq, f"row {kept.seq} is not the one that {TIP_FILE} was written at.")

    def _unreadable(self, segment: Segment, error: Exception) -> None:
        self._bad(self._position + 1, f"{segment.path.name} could not be read ({error}).")
        self._previous = None

    def _bad(self, seq: int | None, detail: str) -> None:
        self._n_bad += 1
        if seq is not None and (self._first_bad is None or seq < self._first_bad):
            self._first_bad = seq
        if len(self._details) < N_DETAILS:
            self._details.append(detail)


def changed(path: Path, when: str) -> str:
    """One sentence about a file of which some byte is not what it was, whether or not any row tells."""
    return f"{path.name} is not, byte for byte, the file that was {when}."
