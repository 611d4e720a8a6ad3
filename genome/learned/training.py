"""Where fits are made: here, or in worker processes; from features that all windows and genomes share.

Processes and not threads: the solver of the quantile regressions holds the lock of the interpreter. A fit is a function of
its rows, made by one thread each, so the number of workers changes no bit of it.
"""

import hashlib
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import msgspec

from genome.learned.cache import FitCache, Learned
from genome.learned.fits import Fit
from genome.learned.genes import Settings
from genome.learned.guards import FitFailed, Limits, TooSlow
from genome.learned.matrix import FEATURES
from genome.learned.program import features
from genome.learned.ptq import fit_ptq
from genome.learned.samples import Fold, clean, labels
from genome.learned.svc import fit_svc
from genome.market import F64, Market
from organism.errors import BadInput

_AHEAD = 2
"""Lessons that wait for each worker: rows are copied when a lesson is handed out, and not before."""
_ROW_DIGEST = 16


@dataclass(frozen=True, eq=False)
class Known:
    """The features of one market, float64 (T, len(FEATURES)), computed once for all windows and genomes."""

    features: F64

    @classmethod
    def of(cls, market: Market, known: "F64 | Known | None" = None) -> "Known":
        """The features of a market, computed unless they are known; raises `BadInput` where they are another's."""
        found = known if isinstance(known, Known) else cls(features(market) if known is None else known)
        if found.features.shape != (market.size, len(FEATURES)):
            raise BadInput(
                f"features were of shape {found.features.shape}; {(market.size, len(FEATURES))} is needed."
            )
        return found

    @cached_property
    def digests(self) -> bytes:
        """16 bytes a row: any window is named without its rows being read again."""
        rows = (row.tobytes() for row in self.features)
        return b"".join(hashlib.blake2b(row, digest_size=_ROW_DIGEST).digest() for row in rows)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One fit to be made: of the rows [train_from, train_to) of a market, whose forward returns are float64 (T,)."""

    known: Known
    forward: F64
    fold: Fold
    chosen: Settings
    limits: Limits

    @property
    def bars(self) -> int:
        """Bars of the window, those that will be dropped included."""
        return self.fold.train_to - self.fold.train_from

    def key(self) -> str:
        """Digest of everything that the fit depends on, 64 hex digits."""
        begin, end, one = self.fold.train_from, self.fold.train_to, self.chosen
        what = (
            *_made_with(), one.family, one.svc if one.svc is not None else one.ptq, one.horizon,
            one.band if one.svc is not None else None, self.limits.rows, self.limits.bytes,
        )  # fmt: skip
        digest = hashlib.blake2b(msgspec.json.encode(what), digest_size=32)
        digest.update(self.known.digests[begin * _ROW_DIGEST : end * _ROW_DIGEST])
        digest.update(self.forward[begin:end].tobytes())
        return digest.hexdigest()

    def rows(self) -> tuple[F64, F64, int]:
        """Rows and targets to learn from, and how many were dropped."""
        cut = slice(self.fold.train_from, self.fold.train_to)
        rows, targets = self.known.features[cut], self.forward[cut]
        good, dropped = clean(rows, targets)
        return rows[good], targets[good], dropped


class Trainer:
    """Makes fits; with `workers` > 1 in as many processes, which live until it is closed. Use it in a `with`.

    cache   where fits are looked for before they are made
    """

    def __init__(self, workers: int = 1, cache: FitCache | None = None) -> None:
        """Raises `BadInput` for fewer than one worker. Processes start with the first lesson, two seconds each."""
        if workers < 1:
            raise BadInput(f"workers was {workers}; at least one is needed.")
        self._workers, self._cache = workers, cache
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers."""
        self.close()

    def close(self) -> None:
        """Stop the workers; lessons that wait are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def learn(self, lessons: Sequence[Lesson]) -> list[Learned]:
        """What came of each lesson, in their order. Equal lessons are learned once where there is a cache."""
        cache = self._cache
        if cache is None:
            return [learned for learned, _ in self._made(lessons)]
        keys = [lesson.key() for lesson in lessons]
        once = dict(zip(keys, lessons, strict=True))
        known = {key: found for key, one in once.items() if (found := cache.find(key, one.bars)) is not None}
        missing = {key: one for key, one in once.items() if key not in known}
        for key, (learned, lasting) in zip(missing, self._made(missing.values()), strict=True):
            known[key] = learned
            if lasting:
                cache.keep(key, learned)
        return [known[key] for key in keys]

    def _made(self, lessons: Iterable[Lesson]) -> list[tuple[Learned, bool]]:
        if self._workers == 1:
            return [taught(*lesson.rows(), lesson.chosen, lesson.limits) for lesson in lessons]
        if self._pool is None:
            # Spawned: a process forked beside running threads may inherit a lock that nobody will ever release.
            self._pool = ProcessPoolExecutor(self._workers, get_context("spawn"), initializer=_begun)
        out: list[tuple[Learned, bool]] = []
        running: deque[Future[tuple[Learned, bool]]] = deque()
        for lesson in lessons:
            if len(running) >= self._workers * _AHEAD:
                out.append(running.popleft().result())
            running.append(self._pool.submit(taught, *lesson.rows(), lesson.chosen, lesson.limits))
        return [*out, *(one.result() for one in running)]


def taught(rows: F64, targets: F64, dropped: int, chosen: Settings, limits: Limits) -> tuple[Learned, bool]:
    """Make one fit; and whether the same would come of it at any other time, on any other machine."""
    try:
        fit: Fit
        if chosen.svc is not None:
            classes = labels(targets, chosen.band)
            fit = fit_svc(rows, classes, FEATURES, chosen.svc, horizon=chosen.horizon, limits=limits)
        else:
            fit = fit_ptq(rows, targets, FEATURES, chosen.ptq, horizon=chosen.horizon, limits=limits)
    except FitFailed as why:
        return Learned(None, str(why), targets.size, dropped), not isinstance(why, TooSlow)
    return Learned(fit, "", targets.size, dropped), True


def _begun() -> None:
    """An interrupt is for whoever waits for the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _made_with() -> tuple[str, ...]:
    """What decides on the bits of a fit besides its rows; the last counts changes of the training itself."""
    return (*(version(name) for name in ("scikit-learn", "scipy", "numpy")), *FEATURES, "1")
