"""How points are chosen: all of a grid, differential evolution, or a tree of Parzen estimators.

Each asks whole batches: a generation costs little more than one genome, because it crosses the bars in one pass.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from genome.market import F64
from genome.tuning.search import Enough, Ledger
from genome.tuning.space import Space
from organism.errors import BadInput

_TPE_BATCH = 16
_TPE_SLOW = 2_000
_FEWEST, _MOST, _PER_PARAMETER, _GENERATIONS, _STALE = 8, 60, 12, 6, 3


def grid(ledger: Ledger, seed: int) -> None:
    """Every point of a grid once, in order: by `--step` where there is one, else evenly, as many as the trials allow.

    seed   not used: nothing is random
    """
    del seed
    levels = grid_levels(ledger.space, ledger.trials)
    points = np.array(list(itertools.product(*(one.tolist() for one in levels))))
    ledger(ledger.space.encoded(points))
    raise Enough("exhausted")


def grid_levels(space: Space, trials: int) -> list[F64]:
    """The values of each parameter that a grid of at most so many points visits. Raises `BadInput` where none fits."""
    counts = [int(p.count) if p.step else 2 for p in space.parameters]
    least = math.prod(counts)
    if least > trials:
        said = "with these steps" if any(p.step for p in space.parameters) else "of two values each"
        raise BadInput(
            f"a grid of {len(counts)} parameters {said} has {least:,} points, but {trials:,} trials are allowed; allow more "
            "with --trials, narrow it with --bound, --step and --param, or take --method de."
        )
    grown = True
    while grown:
        grown = False
        for i in np.argsort(counts, kind="stable").tolist():
            p = space.parameters[i]
            if (
                not p.step
                and counts[i] < p.count
                and math.prod(counts) // counts[i] * (counts[i] + 1) <= trials
            ):
                counts[i] += 1
                grown = True
    return [p.levels(n) for p, n in zip(space.parameters, counts, strict=True)]


class _AtRest(Exception):
    """Generations went by in which nothing new was asked."""


def differential_evolution(ledger: Ledger, seed: int) -> None:
    """Differential evolution, best/1/bin with dither, whole generations at once; begun anew where it has come to rest.

    Source: R. Storn and K. Price (1997), "Differential Evolution", Journal of Global Optimization 11. The first
    generation is a Latin hypercube with the textbook's point in it.
    """
    from scipy import optimize  # noqa: PLC0415 - half a second
    from scipy.stats import qmc  # noqa: PLC0415

    space, d = ledger.space, len(ledger.space.parameters)
    members = max(_FEWEST, min(_PER_PARAMETER * d, ledger.trials // _GENERATIONS, _MOST))
    for restart in itertools.count():
        rng = np.random.default_rng([seed, restart])
        first = qmc.LatinHypercube(d, rng=rng).random(members)
        if restart == 0:
            first[0] = space.encoded(space.default[None])[0]
        with contextlib.suppress(_AtRest):
            optimize.differential_evolution(
                _energies(ledger), [(0.0, 1.0)] * d, init=first, rng=rng, strategy="best1bin", mutation=(0.5, 1.0),
                recombination=0.9, updating="deferred", vectorized=True, polish=False, tol=0.0, maxiter=10_000,
            )  # fmt: skip


def _energies(ledger: Ledger) -> Callable[[F64], F64]:
    """What is minimised: units (d, n) → energies (n,). Raises `_AtRest` after three generations without a new point."""
    stale = 0

    def energies(units: F64) -> F64:
        nonlocal stale
        before = len(ledger)
        found: F64 = -ledger(units.T)
        stale = 0 if len(ledger) > before else stale + 1
        if stale == _STALE:
            raise _AtRest
        return found

    return energies


def tpe(ledger: Ledger, seed: int) -> None:
    """Tree-structured Parzen estimator of optuna, sixteen points at a time.

    Source: J. Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization", NeurIPS 24. Raises `BadInput` where
    optuna is not installed.
    """
    optuna = _optuna()
    if ledger.trials > _TPE_SLOW:
        raise BadInput(
            f"--method tpe slows down with every trial, so at most {_TPE_SLOW:,} are allowed; was {ledger.trials:,}. Take "
            "--method de for more."
        )
    space = ledger.space
    sampler = optuna.samplers.TPESampler(
        seed=seed % (1 << 32), constant_liar=True, n_startup_trials=_TPE_BATCH
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    places = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in space.names}
    study.enqueue_trial(dict(zip(space.names, space.encoded(space.default[None])[0].tolist(), strict=True)))
    while True:
        asked = [study.ask(places) for _ in range(_TPE_BATCH)]
        units = np.array([[trial.params[name] for name in space.names] for trial in asked])
        for trial, score in zip(asked, ledger(units).tolist(), strict=True):
            study.tell(trial, score)


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra, and heavy
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise BadInput(
            "--method tpe needs optuna, which is not installed; install the extra (pip install 'organism[tune]'), or take "
            "--method de."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


METHODS: Mapping[str, Callable[[Ledger, int], None]] = {
    "de": differential_evolution,
    "grid": grid,
    "tpe": tpe,
}
