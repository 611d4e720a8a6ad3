"""The journal's files as their one writer sees them: open, prove, append, seal. No threads, no encoding."""

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from organism.errors import JournalDamaged
from organism.journal.reader import Reader
from organism.journal.rows import Run
from organism.journal.schema import BUSY_S, COLUMNS, migrate, open_reader, open_writer, writing
from organism.journal.segments import (
    CURRENT,
    archive,
    begin_first,
    finish_interrupted_roll,
    insert_run,
    last_of,
    read_incarnations,
    read_last,
    read_meta,
    read_runs,
    roll,
    segments,
)
from organism.journal.tip import FILE as TIP_FILE
from organism.journal.tip import (
    Tip,
    fingerprint,
    read_tip,
    sync_file,
    sync_folder,
    sync_new_folder,
    write_tip,
)

WIDTH = len(COLUMNS)
N_PER_INSERT = 32  # rows in one statement: each statement gives up the interpreter lock once
N_PROVEN_AT_START = 10_000  # newest rows whose chain is checked at every start; `verify` checks all
WAL_BYTES = 16 * 2**20  # the write-ahead log is folded into the database beyond this
RETRY_S = 0.2  # after a reader kept us from doing so
TIP_S = 0.1  # how far the tip outside may lag behind

_UPSERT = "INSERT INTO incarnations VALUES (?, ?) ON CONFLICT (organ) DO UPDATE SET number = max(number, excluded.number)"


class Disk:
    """Opens a journal, refusing a damaged or rolled back one, and appends to it."""

    def __init__(
        self,
        folder: Path,
        *,
        durability: str = "full",
        segment_bytes: int = 256 * 2**20,
        keep_segments: int = 8,
        namespace: str | None = None,
    ) -> None:
        self._folder = folder
        self._durability = durability
        self._segment_bytes = segment_bytes
        self._keep_segments = keep_segments
        self._wal = folder / f"{CURRENT}-wal"
        self._inserts: dict[int, str] = {}
        self._tip_written_s = 0.0
        self._tip_seq = -1
        self._tend_after_s = 0.0
        with writing(folder / CURRENT):
            self._open(namespace)

    def _open(self, namespace: str | None) -> None:
        folder, durability = self._folder, self._durability
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = read_tip(folder)
        _refuse_vanished(folder, kept)
        finish_interrupted_roll(folder, durability=durability)
        if not (folder / CURRENT).exists():
            if durability == "full":
                sync_new_folder(folder)
            begin_first(folder, namespace or secrets.token_hex(8), durability=durability)
        self._refuse_foreign_log(kept)
        self._connection = open_writer(folder / CURRENT, durability)
        try:
            migrate(self._connection)
            self._load()
            self._prove(kept)
        except BaseException:
            self._let_go_untouched()
            raise

    def _refuse_foreign_log(self, kept: Tip | None) -> None:
        """A journal that was closed in order has an empty log: one with rows in it belongs to another file."""
        if kept is None or not kept.file:
            return
        path = self._folder / CURRENT
        if self._wal.exists() and self._wal.stat().st_size and fingerprint(path) == kept.file:
            raise JournalDamaged(
                f"{self._wal.name} does not belong to {CURRENT}, which was closed in order at row {kept.seq}: reading "
                f"both together would mix two journals. Move {self._wal.name} away, and start again."
            )
        # From here on rows may gather in the log: after a power cut, no older tip may say that none can.
        write_tip(self._folder, msgspec.structs.replace(kept, file=""), sync=self._durability == "full")
        if self._durability == "full":
            sync_folder(self._folder)

    def _let_go_untouched(self) -> None:
        """Close without folding the log: it may be another file's, and folded in it would destroy what is refused."""
        try:
            with contextlib.closing(open_reader(self._folder / CURRENT, sealed=False)) as last:
                last.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self._connection.close()
        finally:
            self._connection.close()

    def _load(self) -> None:
        meta = read_meta(self._connection)
        self.namespace = meta.namespace
        self.segment = meta.segment
        self.incarnations = read_incarnations(self._connection)
        self.tip = read_last(self._connection, meta)
        self._meta = meta

    def _prove(self, kept: Tip | None) -> None:
        """Refuse a journal whose end was changed, cut off, or replaced by an older copy."""
        seq, _ = self.tip
        reader = Reader(self._folder)
        before = [s for s in segments(self._folder) if s.sealed][-1:]
        for segment in before:
            if last_of(segment) != (self._meta.previous_seq, self._meta.previous_digest):
                raise JournalDamaged(
                    f"{CURRENT} does not follow {segment.path.name}: rows between them are missing or changed. "
                    f"Run `organism verify`; restoring is a person's command."
                )
        for _ in reader.rows(max(self._meta.previous_seq, seq - N_PROVEN_AT_START), seq):
            pass
        if kept is None:
            if seq > 0:
                raise JournalDamaged(
                    f"{TIP_FILE} is missing, so nothing proves that the journal was not rolled back. Put it back, "
                    f"or accept the journal as it is with `organism verify --quarantine {seq + 1}`."
                )
            return
        held = self._digest_at(reader, kept.seq) if kept.seq <= seq else b""
        if kept.seq > seq or kept.namespace != self.namespace or (kept.seq and held.hex() != kept.digest):
            raise JournalDamaged(
                f"the journal was rolled back or replaced: {TIP_FILE} was written at row {kept.seq} of journal "
                f"{kept.namespace}, and {CURRENT} ends at row {seq} of journal {self.namespace}. Put the newer file "
                f"back, or accept this one with `organism verify --quarantine {min(seq, kept.seq) + 1}`."
            )

    @staticmethod
    def _digest_at(reader: Reader, seq: int) -> bytes:
        return next((row.digest for row in reader.rows(seq - 1, seq)), b"") if seq else b""

    # -------------------------------------------------------------- writing

    def begin_run(self, run: Run) -> None:
        """Store a run's row, durably, and say outside that the files are in use."""
        with writing(self._folder / CURRENT):
            self._connection.execute("BEGIN IMMEDIATE")
            insert_run(self._connection, run)
            self._connection.execute("COMMIT")
            self.keep_tip(self.tip, now=True)

    def next_run(self) -> int:
        """Number for a run that begins now."""
        return max(read_runs(self._connection), default=0) + 1

    def commit(self, flat: list[Any], incarnations: Mapping[str, int]) -> None:
        """Append rows, given as one flat list of their columns, and incarnations, in one transaction."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        step = WIDTH * N_PER_INSERT
        whole = len(flat) - len(flat) % step
        sql = self._insert(N_PER_INSERT)
        for start in range(0, whole, step):
            execute(sql, flat[start : start + step])
        if whole < len(flat):
            execute(self._insert((len(flat) - whole) // WIDTH), flat[whole:])
        if incarnations:
            self._connection.executemany(_UPSERT, list(incarnations.items()))
        execute("COMMIT")

    def _insert(self, n: int) -> str:
        found = self._inserts.get(n)
        if found is None:
            row = f"({', '.join('?' * WIDTH)})"
            found = self._inserts[n] = f"INSERT INTO rows VALUES {', '.join([row] * n)}"  # noqa: S608
        return found

    # -------------------------------------------------------------- keeping house

    def tend(self, tip: tuple[int, bytes]) -> None:
        """After a commit: fold the write-ahead log, seal a full segment, renew the tip outside."""
        wal = self._wal.stat().st_size
        size = (self._folder / CURRENT).stat().st_size
        full = size + wal > self._segment_bytes and tip[0] > self._meta.previous_seq
        if (wal > WAL_BYTES or full) and time.monotonic() >= self._tend_after_s:
            if not self._checkpoint():
                self._tend_after_s = time.monotonic() + RETRY_S
            elif full:
                self._roll(tip)
        self.keep_tip(tip)

    def keep_tip(self, tip: tuple[int, bytes], *, now: bool = False, file: str = "") -> float | None:
        """Renew the tip outside when it is due; return seconds until it will be, None when it is up to date."""
        seq, digest = tip
        if seq == self._tip_seq and not now:
            return None
        waited = time.monotonic() - self._tip_written_s
        if waited < TIP_S and not now:
            return TIP_S - waited
        kept = Tip(self.namespace, seq, digest.hex(), file)
        write_tip(self._folder, kept, sync=self._durability == "full")
        self._tip_written_s = time.monotonic()
        self._tip_seq = seq
        return None

    def close(self, tip: tuple[int, bytes] | None) -> None:
        """Leave the files in order; `tip` is None when nothing may be claimed any more."""
        folded = tip is not None and self._checkpoint()
        with contextlib.suppress(sqlite3.Error):  # a failed commit was reported when it failed
            self._connection.close()
        if tip is not None:
            if folded and self._durability == "full":
                self._promise_empty_log()
            file = fingerprint(self._folder / CURRENT) if folded else ""
            self.keep_tip(tip, now=True, file=file)

    def _promise_empty_log(self) -> None:
        """SQLite empties or removes its log without a sync: after a power cut, the old one would be back."""
        with contextlib.suppress(FileNotFoundError):
            sync_file(self._wal)
        sync_folder(self._folder)

    def _checkpoint(self) -> bool:
        """Fold the write-ahead log into the database; False when a reader was in the way."""
        # A reader must never make the writer wait: the next commit tries again.
        self._connection.execute("PRAGMA busy_timeout = 0")
        (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
        return not busy

    def _roll(self, tip: tuple[int, bytes]) -> None:
        self.keep_tip(tip, now=True)
        self._connection.close()
        roll(self._folder, self.segment, durability=self._durability)
        self._connection = open_writer(self._folder / CURRENT, self._durability)
        self._load()
        archive(self._folder, self._keep_segments)


def _refuse_vanished(folder: Path, kept: Tip | None) -> None:
    """When the current segment is gone, begin another only if no row can have been lost with it."""
    if kept is None or (folder / CURRENT).exists():
        return
    sealed = [s for s in segments(folder) if s.sealed]
    seq = last_of(sealed[-1])[0] if sealed else 0
    if kept.seq > seq:
        raise JournalDamaged(
            f"{CURRENT} is missing: {TIP_FILE} was written at row {kept.seq}, and the files here end at row {seq}. "
            f"Put the file back, or accept the loss with `organism verify --quarantine {seq + 1}`."
        )
