"""A learned genome over a market: walk-forward only, every prediction out of sample, everything refused counted.

The model that speaks at bar t was made at or before t of labels known by then (`samples.folds`). There is no fit on the
whole market from which to backtest: the one that trades is made by `latest`, stored, and never remade behind anyone's back.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genome.genome import Genome
from genome.learned.fits import Fit, PtqFit, SvcFit, mean_of, ptq_quantiles, svc_predict
from genome.learned.genes import Settings, settings
from genome.learned.guards import FitFailed, Limits
from genome.learned.matrix import FEATURES, LOOKBACK, features
from genome.learned.ptq import fit_ptq
from genome.learned.samples import Fold, clean, folds, forward_return, labels
from genome.learned.svc import fit_svc
from genome.market import F64, Market
from organism.errors import BadInput

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


def walk(genome: Genome, market: Market, *, known: F64 | None = None, limits: Limits | None = None) -> Walk:
    """Walk a learned genome over a market. A market too short for one fold gives predictions that are all NaN.

    known   the feature matrix of this market where it has been computed before: the same for every genome (S4-25.13)
    """
    chosen = settings(genome)
    x = features(market) if known is None else known
    if x.shape != (market.size, len(FEATURES)):
        raise BadInput(f"features were of shape {x.shape}; {(market.size, len(FEATURES))} is needed.")
    forward = forward_return(market, chosen.horizon)
    predictions = np.full(market.size, np.nan)
    quantiles = np.full((market.size, 3), np.nan)
    steps, fits = [], []
    for fold in folds(
        market.size,
        lookback=LOOKBACK,
        window=chosen.window,
        refit=chosen.refit,
        horizon=chosen.horizon,
        embargo=chosen.embargo,
        expanding=chosen.expanding,
    ):
        step, fit = _learned(x, forward, fold, chosen, limits)
        steps.append(step)
        if fit is None:
            continue
        fits.append(fit)
        tested = slice(fold.test_from, fold.test_to)
        if isinstance(fit, PtqFit):
            quantiles[tested] = ptq_quantiles(fit, x[tested])
            predictions[tested] = mean_of(quantiles[tested], fit.quantiles)
        else:
            predictions[tested] = svc_predict(fit, x[tested])
    return Walk(chosen, predictions, quantiles, forward, tuple(steps), tuple(fits))


def signals(
    genome: Genome, market: Market, *, known: F64 | None = None, limits: Limits | None = None
) -> Signals:
    """The walk's decisions, for `genome.simulator.backtest(…, signals=…)`."""
    return decided(walk(genome, market, known=known, limits=limits))


def decided(walked: Walk) -> Signals:
    """Predictions → levels. The position wanted is the prediction: 1 long, −1 short, 0 flat.

    An SVC predicts it. A PCA-tree-quantile wants to be long while its expected return is above `band` and its upside no
    smaller than its downside, short in the mirror; it leaves when the expectation has changed sign. No prediction, no signal.
    """
    expected = walked.predictions
    with np.errstate(invalid="ignore"):
        if walked.settings.family == "linear_svc":
            return expected > 0.0, expected <= 0.0, expected < 0.0, expected >= 0.0
        down, up = -walked.quantiles[:, 0], walked.quantiles[:, 2]
        band = walked.settings.band
        entry_long = (expected > band) & (up >= down)
        entry_short = (expected < -band) & (down >= up)
        return entry_long, expected <= 0.0, entry_short, expected >= 0.0


def latest(genome: Genome, market: Market, *, known: F64 | None = None, limits: Limits | None = None) -> Fit:
    """The fit that trades from here on: made of the newest `window` rows whose labels are known. Store it with `save`.

    Raises `FitFailed` with the reason where none could be made.
    """
    chosen = settings(genome)
    x = features(market) if known is None else known
    forward = forward_return(market, chosen.horizon)
    train_to = market.size - chosen.horizon - 1
    fold = Fold(max(0, train_to - chosen.window), max(0, train_to), market.size, market.size)
    step, fit = _learned(x, forward, fold, chosen, limits)
    if fit is None:
        raise FitFailed(f"no model could be made of {market.symbol}: {step.refused}")
    return fit


def _learned(
    x: F64, forward: F64, fold: Fold, chosen: Settings, limits: Limits | None
) -> tuple[Step, Fit | None]:
    rows, targets = x[fold.train_from : fold.train_to], forward[fold.train_from : fold.train_to]
    good, dropped = clean(rows, targets)
    rows, targets = rows[good], targets[good]
    try:
        fit: SvcFit | PtqFit
        if chosen.svc is not None:
            fit = fit_svc(
                rows,
                labels(targets, chosen.band),
                FEATURES,
                chosen.svc,
                horizon=chosen.horizon,
                limits=limits,
            )
        else:
            fit = fit_ptq(rows, targets, FEATURES, chosen.ptq, horizon=chosen.horizon, limits=limits)
    except FitFailed as why:
        return Step(fold, targets.size, dropped, str(why)), None
    return Step(fold, targets.size, dropped, ""), fit
