"""Fits that were made before, by what they were made of: the same rows, targets and parameters give the same fit.

A key says everything that a fit depends on, so a market that has grown by a day finds all the fits of its earlier windows.
"""

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from genome.learned.fits import Fit, load, save
from organism.errors import BadInput

_OVERHEAD = 1_024


class Learned(NamedTuple):
    """What came of one lesson: a fit, or why there is none; rows learned from, rows dropped for NaN or infinity."""

    fit: Fit | None
    refused: str
    rows: int
    dropped: int


class FitCache:
    """The least recently used is forgotten beyond `most_bytes`; what a folder keeps is forgotten by nobody.

    folder   one JSON document a fit, named by its key, to be found by another run; made where it is missing. A document that
             cannot be read counts as none and is written anew. Refusals are kept in memory alone.
    hits, misses   lookups answered, and not, since the beginning

    Threads may share it; processes may share the folder.
    """

    def __init__(self, most_bytes: int = 64 << 20, folder: Path | None = None) -> None:
        """Raises `BadInput` where nothing could be kept, or the folder is none."""
        if most_bytes <= 0:
            raise BadInput(f"most_bytes was {most_bytes}; a cache of fits needs room for one.")
        self._most_bytes, self._folder = most_bytes, folder
        self._kept: OrderedDict[str, tuple[Learned, int]] = OrderedDict()
        self._bytes = self.hits = self.misses = 0
        self._lock = Lock()
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as bad:
                raise BadInput(f"fits cannot be kept in {folder.name}: {bad.strerror}.") from bad

    def __len__(self) -> int:
        """Lessons kept in memory."""
        return len(self._kept)

    @property
    def n_bytes(self) -> int:
        """About what they take."""
        return self._bytes

    def find(self, key: str, bars: int) -> Learned | None:
        """What came of the lesson with this key, of `bars` bars; None where it is not known."""
        with self._lock:
            held = self._kept.get(key)
            if held is not None:
                self._kept.move_to_end(key)
                self.hits += 1
                return held[0]
        found = self._read(key, bars)
        with self._lock:
            self.hits += found is not None
            self.misses += found is None
        if found is not None:
            self._hold(key, found)
        return found

    def keep(self, key: str, learned: Learned) -> None:
        """Remember it, in the folder too."""
        self._hold(key, learned)
        if self._folder is not None and learned.fit is not None:
            save(learned.fit, self._folder / f"{key}.json")

    def _hold(self, key: str, learned: Learned) -> None:
        size = _OVERHEAD + sum(len(part) for part in _parts(learned.fit) if isinstance(part, bytes))
        with self._lock:
            if key in self._kept:
                self._bytes -= self._kept.pop(key)[1]
            self._kept[key] = learned, size
            self._bytes += size
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1][1]

    def _read(self, key: str, bars: int) -> Learned | None:
        if self._folder is None:
            return None
        try:
            fit = load(self._folder / f"{key}.json")
        except BadInput:
            return None
        return Learned(fit, "", fit.rows, bars - fit.rows)


def _parts(fit: Fit | None) -> tuple[object, ...]:
    return () if fit is None else msgspec.structs.astuple(fit)
