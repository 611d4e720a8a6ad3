"""A search: points are asked for in batches, judged together, remembered, and never judged twice.

A method is a function that asks a `Ledger` about batches of units until it says that enough was seen. The ledger
evaluates only points it does not know: the same point again is no new trial.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genome.genome import Genome
from genome.market import F64
from genome.simulator.figures import FIGURES
from genome.simulator.windowed import Windowed
from genome.tuning.metric import Metric, valid
from genome.tuning.space import Space
from organism.errors import BadInput

MOST_TRIALS = 100_000
_BATCH = 2_048
_MOST_ASKED = 40
"""So many times the trials may be asked about before a search counts as having come to rest."""
Progress = Callable[[int, int, float], None]
"""Called with trials done, trials allowed, and the best value so far (NaN while there is none)."""


class Judge(Protocol):
    """Tells what genomes are worth."""

    def __call__(self, genomes: Sequence[Genome]) -> Windowed:
        """Results in the order of the genomes."""
        ...


class Enough(Exception):
    """Nothing more is asked. Its message is why: "budget", "exhausted" or "settled"."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What was looked at, in the order in which it was: n distinct points.

    points, scores, values   float64 (n, d), (n,), (n,): parameters; rank (more is better); the metric itself, NaN for none
    figures                  name → float64 (n,)
    ended                    "budget", "exhausted" (no point was left), "settled" (the method asked for what it knew) or
                             "interrupted"
    """

    space: Space
    metric: Metric
    method: str
    seed: int
    points: F64
    scores: F64
    values: F64
    figures: dict[str, F64]
    ended: str

    @property
    def trials(self) -> int:
        """Distinct points that were evaluated."""
        return len(self.scores)

    @property
    def best(self) -> int:
        """The first of the best points."""
        return int(np.argmax(self.scores))

    @property
    def found(self) -> bool:
        """Whether the best point keeps the constraint."""
        return bool(valid(self.scores)[self.best])

    @property
    def n_valid(self) -> int:
        """How many points keep it."""
        return int(valid(self.scores).sum())

    @property
    def genome(self) -> Genome:
        """The best."""
        return self.space.genome_at(self.points[self.best])

    def ranked(self, most: int) -> list[int]:
        """The best points first, ties in the order of time."""
        order: list[int] = np.argsort(-self.scores, kind="stable")[:most].tolist()
        return order


class Ledger:
    """Everything that was looked at, and what may still be."""

    def __init__(
        self, space: Space, judge: Judge, metric: Metric, trials: int, progress: Progress | None = None
    ) -> None:
        self.space, self.trials = space, trials
        self._judge, self._metric, self._progress = judge, metric, progress
        self._seen: dict[bytes, int] = {}
        self._points: list[F64] = []
        self._scores: list[float] = []
        self._values: list[float] = []
        self._figures: list[F64] = []
        self._asked = 0

    def __len__(self) -> int:
        return len(self._scores)

    def __call__(self, units: F64) -> F64:
        """Scores (n,) of units (n, d), more is better. Raises `Enough` when the trials are spent, after judging the last."""
        points = self.space.decoded(np.atleast_2d(units))
        keys = [row.tobytes() for row in points]
        fresh = dict.fromkeys(key for key in keys if key not in self._seen)
        room = self.trials - len(self)
        wanted = {key: points[keys.index(key)] for key in list(fresh)[:room]}
        for begin in range(0, len(wanted), _BATCH):
            self._evaluated(dict(list(wanted.items())[begin : begin + _BATCH]))
        self._asked += len(points)
        if len(self) >= self.trials:
            raise Enough("budget")
        if len(self) >= self.space.size:
            raise Enough("exhausted")
        if self._asked >= _MOST_ASKED * self.trials:
            raise Enough("settled")
        return np.array([self._scores[self._seen[key]] for key in keys])

    def _evaluated(self, wanted: dict[bytes, F64]) -> None:
        points = np.array(list(wanted.values()))
        found = self._judge(self.space.genomes(points))
        scores, values = self._metric.scores(found), self._metric.values(found)
        rows = np.column_stack([found.figures[name] for name in FIGURES])
        for i, key in enumerate(wanted):
            self._seen[key] = len(self)
            self._points.append(points[i])
            self._scores.append(float(scores[i]))
            self._values.append(float(values[i]))
            self._figures.append(rows[i])
        if self._progress is not None:
            best = int(np.argmax(self._scores))
            known = valid(np.array([self._scores[best]]))[0]
            self._progress(len(self), self.trials, self._values[best] if known else float("nan"))

    def search(self, method: str, seed: int, ended: str) -> Search:
        """All of it. At least one point must have been judged."""
        rows = np.array(self._figures).T
        return Search(
            self.space, self._metric, method, seed, np.array(self._points), np.array(self._scores),
            np.array(self._values), dict(zip(FIGURES, np.ascontiguousarray(rows), strict=True)), ended,
        )  # fmt: skip


def search(
    space: Space,
    judge: Judge,
    metric: Metric,
    *,
    method: str = "de",
    trials: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
) -> Search:
    """Look at most so many distinct points over, the textbook's first, and return all of them. Raises `BadInput`.

    The same arguments find the same, whatever the machine. When interrupted from the keyboard, what was found until then
    is returned, `ended` "interrupted"; with nothing judged yet the interrupt goes on.
    """
    from genome.tuning.methods import METHODS  # noqa: PLC0415 - they know this module

    if method not in METHODS:
        raise BadInput(f"there is no method {method[:40]!r}; there are {', '.join(METHODS)}.")
    if not 1 <= trials <= MOST_TRIALS:
        raise BadInput(f"trials are from 1 to {MOST_TRIALS:,}; was {trials}.")
    if not 0 <= seed < 1 << 63:
        raise BadInput(f"a seed is a whole number from 0 up; was {seed}.")
    ledger = Ledger(space, judge, metric, trials, progress)
    try:
        METHODS[method](ledger, seed)
        ended = "exhausted"
    except Enough as enough:
        ended = str(enough)
    except KeyboardInterrupt:
        if not len(ledger):
            raise
        ended = "interrupted"
    return ledger.search(method, seed, ended)
