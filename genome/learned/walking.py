"""A learned genome over a market: walk-forward only, every prediction out of sample, everything refused counted.

The model that speaks at bar t was made at or before t of labels known by then (`samples.folds`). There is no fit on the
whole market from which to backtest: the one that trades is made by `latest`, stored, and never remade behind anyone's back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.genome import Genome
from genome.learned.cache import Learned
from genome.learned.fits import Fit, said
from genome.learned.genes import Settings, settings
from genome.learned.guards import FitFailed, Limits
from genome.learned.kernels import N_SPOKEN, levels
from genome.learned.matrix import LOOKBACK
from genome.learned.samples import Fold, folds, forward_return
from genome.learned.training import Known, Lesson, Trainer
from genome.market import F64, I64, Market
from genome.programs.machine import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT

Bools = NDArray[np.bool_]
Signals = tuple[Bools, Bools, Bools, Bools]
"""Entry long, exit long, entry short, exit short; bool (T,), decided at the close of each bar (SEMANTICS.md, 1)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fold: rows learned from, rows dropped for NaN or infinity, and why no model was made ("" where one was)."""

    fold: Fold
    rows: int
    dropped: int
    refused: str


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What a walk found.

    predictions   float64 (T,): class −1, 0, 1 of an SVC, expected return of a PCA-tree-quantile; NaN where no model spoke
    quantiles     float64 (T, 3), rising; NaN for an SVC
    forward       float64 (T,): what came of it; for scoring alone
    """

    settings: Settings
    predictions: F64
    quantiles: F64
    forward: F64
    steps: tuple[Step, ...]
    fits: tuple[Fit, ...]

    @property
    def dropped(self) -> int:
        """Rows not learned from for NaN or infinity, over all folds."""
        return sum(step.dropped for step in self.steps)

    @property
    def refused(self) -> int:
        """Folds without a model: no convergence, one class, too few rows, over a limit."""
        return sum(bool(step.refused) for step in self.steps)


def walk(
    genome: Genome,
    market: Market,
    *,
    known: F64 | Known | None = None,
    limits: Limits | None = None,
    trainer: Trainer | None = None,
) -> Walk:
    """Walk a learned genome over a market. A market too short for one fold gives predictions that are all NaN.

    known     the features of this market where they have been computed before: the same for every genome (S4-25.13)
    trainer   who makes the fits; without one they are made here, one after the other, and remembered by nobody
    """
    return walks((genome,), market, known=known, limits=limits, trainer=trainer)[0]


def walks(
    genomes: Sequence[Genome],
    market: Market,
    *,
    known: F64 | Known | None = None,
    limits: Limits | None = None,
    trainer: Trainer | None = None,
) -> tuple[Walk, ...]:
    """Walk several learned genomes over one market, all their windows handed to the trainer at once; see `walk`."""
    shared, limits = Known.of(market, known), limits or Limits()
    courses = []
    for genome in genomes:
        chosen = settings(genome)
        forward = forward_return(market, chosen.horizon)
        cuts = folds(
            market.size,
            lookback=LOOKBACK,
            window=chosen.window,
            refit=chosen.refit,
            horizon=chosen.horizon,
            embargo=chosen.embargo,
            expanding=chosen.expanding,
        )
        courses.append((chosen, forward, [Lesson(shared, forward, fold, chosen, limits) for fold in cuts]))
    made = iter((trainer or Trainer()).learn([lesson for *_, lessons in courses for lesson in lessons]))
    return tuple(
        _walked(shared.features, chosen, forward, [(lesson.fold, next(made)) for lesson in lessons])
        for chosen, forward, lessons in courses
    )


def signals(
    genome: Genome,
    market: Market,
    *,
    known: F64 | Known | None = None,
    limits: Limits | None = None,
    trainer: Trainer | None = None,
) -> Signals:
    """The walk's decisions, for `genome.simulator.backtest(…, signals=…)`."""
    return decided(walk(genome, market, known=known, limits=limits, trainer=trainer))


def decided(walked: Walk) -> Signals:
    """Predictions → levels. The position wanted is the prediction: 1 long, −1 short, 0 flat.

    An SVC predicts it. A PCA-tree-quantile wants to be long while its expected return is above `band` and its upside no
    smaller than its downside, short in the mirror; it leaves when the expectation has changed sign. No prediction, no signal.
    """
    return unpacked(levels(np.column_stack([walked.predictions, walked.quantiles]), walked.settings.band))


def unpacked(bits: I64) -> Signals:
    """Bits of levels → the four signals."""
    entry_long, exit_long, entry_short, exit_short = (
        bits & bit != 0 for bit in (ENTER_LONG, EXIT_LONG, ENTER_SHORT, EXIT_SHORT)
    )
    return entry_long, exit_long, entry_short, exit_short


def latest(
    genome: Genome,
    market: Market,
    *,
    known: F64 | Known | None = None,
    limits: Limits | None = None,
    trainer: Trainer | None = None,
) -> Fit:
    """The fit that trades from here on: made of the newest `window` rows whose labels are known. Store it with `save`.

    Raises `FitFailed` with the reason where none could be made.
    """
    chosen = settings(genome)
    train_to = market.size - chosen.horizon - 1
    fold = Fold(max(0, train_to - chosen.window), max(0, train_to), market.size, market.size)
    forward = forward_return(market, chosen.horizon)
    lesson = Lesson(Known.of(market, known), forward, fold, chosen, limits or Limits())
    made = (trainer or Trainer()).learn([lesson])[0]
    if made.fit is None:
        raise FitFailed(f"no model could be made of {market.symbol}: {made.refused}")
    return made.fit


def _walked(x: F64, chosen: Settings, forward: F64, made: list[tuple[Fold, Learned]]) -> Walk:
    """Let each model speak for its bars."""
    spoke = np.full((x.shape[0], N_SPOKEN), np.nan)
    for fold, learned in made:
        if learned.fit is not None:
            spoke[fold.test_from : fold.test_to] = said(learned.fit, x[fold.test_from : fold.test_to])
    steps = tuple(Step(fold, learned.rows, learned.dropped, learned.refused) for fold, learned in made)
    fits = tuple(learned.fit for _, learned in made if learned.fit is not None)
    return Walk(chosen, spoke[:, 0].copy(), spoke[:, 1:].copy(), forward, steps, fits)
