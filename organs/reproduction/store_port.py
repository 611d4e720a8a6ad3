"""Performs `StoreGenome`: the only writer of the genome store.

Opening the store imports a heavy library, so a thread of its own does the writing; what a crash takes away is
asked for again at the next start, and writing twice changes nothing.
"""

import logging
import queue
import threading
from pathlib import Path

from genome.lived import carried
from genome.store import GenomeRecord, GenomeStore
from organism.effects import Effect, StoreGenome
from organism.spine import Origin

_log = logging.getLogger("organism.genome")


class GenomeStorePort:
    """A port for the spine. background=False writes at once, in the caller's thread."""

    def __init__(self, path: Path, *, background: bool = True) -> None:
        self.last_error: Exception | None = None
        self._path = path
        self._store: GenomeStore | None = None
        self._queue: queue.SimpleQueue[StoreGenome | None] = queue.SimpleQueue()
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

    def _write(self) -> None:
        while (effect := self._queue.get()) is not None:
            try:
                self._put(effect)
            except Exception as error:  # noqa: BLE001 - logged, kept, and tried again
                # A record that cannot be written must not stop trading; it is written again at the next start.
                self.last_error = error
                _log.exception("genome %s was not stored", effect.genome_id)
        if self._store is not None:
            self._store.close()

    def _put(self, effect: StoreGenome) -> None:
        if self._store is None:
            self._store = GenomeStore(self._path)
        self._store.put(record_of(effect))


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
