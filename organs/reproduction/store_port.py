"""Performs `StoreGenome`: the only writer of the genome store.

Opening the store imports a heavy library, so a thread of its own does the writing; what a crash takes away is
asked for again at the next start, and writing twice changes nothing.

The store is a record, not something to live by: who trades is in the journal. So a store that is lost never stops
anything. A file that was deleted or exchanged while it was open is still read through the open handle, and written
anew from it; one that cannot be read is moved aside and begun anew. Either is told in one sentence.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from genome.lived import carried
from genome.store import GenomeRecord, GenomeStore
from organism.effects import Effect, StoreGenome
from organism.errors import BadInput
from organism.spine import Origin

LOOK_S = 30.0  # between two looks whether the file is still there
_TWINS = ("", "-wal", "-shm")  # the files of one SQLite database
_log = logging.getLogger("organism.genome")


class GenomeStorePort:
    """A port for the spine. background=False writes at once, in the caller's thread.

    look_s   seconds between two looks whether the file is still there, when nothing is written
    """

    def __init__(self, path: Path, *, background: bool = True, look_s: float = LOOK_S) -> None:
        self.last_error: Exception | None = None
        self._path = path
        self._look_s = look_s
        self._store: GenomeStore | None = None
        self._files: list[tuple[int, int] | None] = []  # which files the store that is open lies in
        # Not a SimpleQueue, whose `get` may outlast its timeout for ever when a signal comes (before Python 3.13).
        self._queue: queue.Queue[StoreGenome | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        if background:
            self._thread = threading.Thread(target=self._write, name="genome-store", daemon=True)
            self._thread.start()

    def __call__(self, effect: Effect, origin: Origin) -> None:
        """Write a genome's record, once. `origin` is not needed: the record names itself."""
        del origin
        if not isinstance(effect, StoreGenome):
            raise TypeError(f"the genome store performs StoreGenome; was {type(effect).__name__}")
        if self._thread is None:
            self._put(effect)
        else:
            self._queue.put(effect)

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits, then let go of the file."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout_s)
        elif self._store is not None:
            self._store.close()

    # ------------------------------------------------------------ the thread

    def _write(self) -> None:
        while True:
            try:
                effect = self._queue.get(timeout=self._look_s)
            except queue.Empty:
                if self._store is not None:
                    self._tried(self._opened, "the genome store")
                continue
            if effect is None:
                break
            self._tried(partial(self._put, effect), f"genome {effect.genome_id}")
        if self._store is not None:
            self._store.close()

    def _tried(self, act: Callable[[], object], what: str) -> None:
        """Do it. What fails must not stop trading: it is told, once where it repeats, and tried again later."""
        before = str(self.last_error)
        try:
            act()
        except (BadInput, OSError, sqlite3.Error) as error:
            self.last_error = error
            if str(error) != before:
                _log.warning("%s was not stored: %s; trading goes on without.", what, str(error).rstrip("."))
        except Exception as error:  # noqa: BLE001 - logged, kept, and tried again
            self.last_error = error
            _log.exception("%s was not stored", what)

    # ------------------------------------------------------------ the file

    def _put(self, effect: StoreGenome) -> None:
        record = record_of(effect)
        try:
            self._opened().put(record)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._anew(error).put(record)
        self._files = self._lie_there()

    def _opened(self) -> GenomeStore:
        """The store of the file that lies there now, whole."""
        if self._store is None:
            return self._open()
        if self._lie_there()[0] == self._files[0]:
            return self._store
        return self._rescued(self._store)

    def _open(self) -> GenomeStore:
        try:
            self._store = GenomeStore(self._path)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            return self._anew(error)
        self._files = self._lie_there()
        return self._store

    def _anew(self, error: sqlite3.DatabaseError) -> GenomeStore:
        """Move a damaged file aside, for whoever wants to look at it, and begin another."""
        if self._store is not None:
            self._store.close()
            self._store = None
        n = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{n}")).exists():
            n += 1
        for twin, file in zip(_TWINS, self._twins(), strict=True):
            if file.exists():
                file.rename(aside.with_name(aside.name + twin))
        _log.warning(
            "the genome store %s cannot be read (%s): it was moved to %s and begun anew; who trades is in the journal.",
            self._path, error, aside.name,
        )  # fmt: skip
        return self._open()

    def _rescued(self, before: GenomeStore) -> GenomeStore:
        """A store of the file that lies there now, with what the one held that is there no more: its handle still reads."""
        records: list[GenomeRecord] = []
        failed = ""
        try:
            records += before.records()
        except sqlite3.Error as error:
            failed = f", not all that it held ({error})"
        before.close()
        self._store = None
        for file, was, now in zip(self._twins(), self._files, self._lie_there(), strict=True):
            if was is not None and was == now:
                file.unlink()  # the log of a database that is gone would be read as that of the next
        found = self._open()
        n = sum(found.put(record) for record in records)
        _log.warning(
            "the genome store %s was deleted or exchanged while it was open: %d records were written anew%s.",
            self._path, n, failed,
        )  # fmt: skip
        return found

    def _twins(self) -> list[Path]:
        return [self._path.with_name(self._path.name + twin) for twin in _TWINS]

    def _lie_there(self) -> list[tuple[int, int] | None]:
        return [_identity(file) for file in self._twins()]


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None where none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no store, or a broken one; a busy or full disk is neither."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def record_of(effect: StoreGenome) -> GenomeRecord:
    """The record that an effect asks for. Raises `BadInput` where its text is not the genome that it names."""
    if not effect.text:
        return GenomeRecord(
            genome_id=effect.genome_id,
            family=effect.family,
            generation=effect.generation,
            genes=effect.genes,
            parents=effect.parents,
            origin=effect.origin,
        )
    genome = carried(effect.genome_id, effect.family, effect.genes, effect.text)
    return GenomeRecord.from_genome(genome, effect.parents, effect.origin)
