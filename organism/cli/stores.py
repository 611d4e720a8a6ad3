"""The genome store as commands open it: what is wrong with its file is said in one sentence."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from genome.store import GenomeStore
from organism.errors import BadInput


@contextlib.contextmanager
def opened(path: Path, *, writable: bool = False) -> Iterator[GenomeStore]:
    """A store, until the block ends. Raises `BadInput` where the file cannot be used as one."""
    try:
        store = GenomeStore(path, writable=writable)
        try:
            yield store
        finally:
            store.close()
    except sqlite3.Error as error:
        raise BadInput(
            f"{path} cannot be used as a genome store: {error}; move it aside or restore it."
        ) from None
