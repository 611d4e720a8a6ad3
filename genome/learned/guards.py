"""What keeps training honest and bounded: limits, one thread, no silent failure."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from genome.market import F64
from organism.errors import BadInput

SEED = 20_250_101
"""`random_state` of every estimator: a fit is a function of its rows."""
MODEL_MOST_BYTES = {"linear_svc": 1_000_000, "pca_tree_quantile": 5_000_000}
"""S4-25.4 and S4-25.8: a stored fit is smaller."""
LEAST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one fit: seconds of its thread's processor time, bytes of working memory (estimated before the work begins), rows."""

    seconds: float = 30.0
    bytes: int = 1_000_000_000
    rows: int = 50_000


class FitFailed(BadInput):
    """A model could not be made of these rows. The walk counts it and the model stays silent; nothing else is used."""


class TooSlow(FitFailed):
    """A fit took longer than it may. Another time, or another machine, might have made it."""


def check_rows(x: F64, y: F64, names: tuple[str, ...], limits: Limits, copies: int) -> None:
    """Refuse rows that no model should see; raises `FitFailed`, `BadInput` for shapes."""
    if x.ndim != 2 or x.shape != (y.size, len(names)):  # noqa: PLR2004 - rows and features
        raise BadInput(f"features were of shape {x.shape}; {(y.size, len(names))} is needed: a row a target.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        bad = int((~np.isfinite(x).all(axis=1) | ~np.isfinite(y)).sum())
        raise FitFailed(f"{bad} of {y.size} rows have NaN or infinity; drop them with `samples.clean` first.")
    if y.size < LEAST_ROWS:
        raise FitFailed(f"{y.size} rows are too few to learn from; at least {LEAST_ROWS} are needed.")
    if y.size > limits.rows:
        raise FitFailed(f"{y.size} rows exceed the limit of {limits.rows}; lower `window`.")
    needed = x.nbytes * copies
    if needed > limits.bytes:
        raise FitFailed(
            f"a fit of {y.size} × {len(names)} would take about {needed / 1e6:.0f} MB; the limit is "
            f"{limits.bytes / 1e6:.0f} MB. Lower `window`."
        )


@contextmanager
def guarded(limits: Limits) -> Iterator[None]:
    """One BLAS and OpenMP thread, no numerical chatter, a limit of time looked at when the work is done.

    One thread: sums in one order give the same bits on every machine with the same library, and a population trains in
    processes. The solvers themselves are bounded by iterations; a fit that took longer than it may is not used.
    """
    begun = time.thread_time()  # waiting for other work counts for nothing
    controller, sklearn = _loaded()
    checked = sklearn.config_context(
        assume_finite=True, skip_parameter_validation=True
    )  # by `check_rows` and the genes' bounds
    with controller.limit(limits=1), checked, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # convergence is read from the estimators, not from warnings
        yield
    took = time.thread_time() - begun
    if took > limits.seconds:
        raise TooSlow(
            f"a fit took {took:.1f} s; the limit is {limits.seconds:g} s. Lower `window` or `max_iter`."
        )


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    import sklearn.svm  # noqa: PLC0415 - its libraries must be loaded before their threads can be counted
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # noqa: PLC0415

    return ThreadpoolController(), sklearn
