"""How fast the learned seeds are: fits of 1,000 × 50, one row, a population of a hundred (S4-25.4, S4-25.8), and training (S4-25.13)."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from genome import bench_training
from genome.genome import Genome
from genome.learned.chromosome import PTQ_BITS, SVC_BITS, decode
from genome.learned.fits import Fit, dumps, predict_row
from genome.learned.genes import settings
from genome.learned.guards import FitFailed
from genome.learned.parameters import PtqParameters, SvcParameters
from genome.learned.ptq import fit_ptq
from genome.learned.svc import fit_svc
from genome.market import F64

ROWS, FEATURES = 1_000, 50
_BAND = 0.4
_NAMES = tuple(f"f{i}" for i in range(FEATURES))
_HORIZON = 12


def run(quick: bool) -> dict[str, Any]:  # noqa: FBT001 - the form of all benches
    """Measure; seconds and microseconds, median with lowest and highest of the repeats.

    Rows are noise with a weak linear signal, as in `shared/bench/ml.py`. The first fit, which imports scikit-learn, is not counted.
    """
    x, classes, returns = _sample()
    repeats, calls = (5, 500) if quick else (25, 5_000)
    svc = fit_svc(x, classes, _NAMES, SvcParameters(), horizon=_HORIZON)
    ptq = fit_ptq(x, returns, _NAMES, PtqParameters(), horizon=_HORIZON)
    population = 10 if quick else 100
    return {
        "rows": ROWS,
        "features": FEATURES,
        "svc_fit_s": _timed(
            lambda: fit_svc(x, classes, _NAMES, SvcParameters(), horizon=_HORIZON), repeats, 1
        ),
        "svc_predict_us": _row_us(svc, x, repeats, calls),
        "svc_bytes": len(dumps(svc)),
        "svc_population": _population("linear_svc", x, classes, returns, population),
        "ptq_fit_s": _timed(
            lambda: fit_ptq(x, returns, _NAMES, PtqParameters(), horizon=_HORIZON), repeats, 1
        ),
        "ptq_predict_us": _row_us(ptq, x, repeats, calls),
        "ptq_bytes": len(dumps(ptq)),
        "ptq_population": _population("pca_tree_quantile", x, classes, returns, population),
        "training": bench_training.run(quick),
        "goals": {
            "svc_fit_s": 0.1, "svc_predict_us": 1_000.0, "svc_bytes": 1_000_000, "svc_population_of_100_s": 10.0,
            "ptq_fit_s": 0.5, "ptq_predict_us": 5_000.0, "ptq_bytes": 5_000_000, "ptq_population_of_100_s": 60.0,
        },
    }  # fmt: skip


def _sample() -> tuple[F64, F64, F64]:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((ROWS, FEATURES))
    score = x @ rng.standard_normal(FEATURES) / np.sqrt(FEATURES) + rng.standard_normal(ROWS)
    return x, np.where(score > _BAND, 1.0, np.where(score < -_BAND, -1.0, 0.0)), 0.01 * score


def _population(family: str, x: F64, classes: F64, returns: F64, size: int) -> dict[str, Any]:
    """Fits of genomes drawn at random from the chromosome, the worst of them included."""
    rng = np.random.default_rng(5)
    chosen = []
    for _ in range(size):
        bits = int.from_bytes(rng.bytes((SVC_BITS + PTQ_BITS) // 8), "big")
        genes = decode(bits)[family != "linear_svc"]
        chosen.append(settings(Genome(family=family, genes=genes)))
    refused, largest = 0, 0
    begun = time.perf_counter()
    for one in chosen:
        try:
            fit: Fit = (
                fit_svc(x, classes, _NAMES, one.svc, horizon=_HORIZON)
                if one.svc is not None
                else fit_ptq(x, returns, _NAMES, one.ptq, horizon=_HORIZON)
            )
        except FitFailed:
            refused += 1
            continue
        largest = max(largest, len(dumps(fit)))
    return {
        "fits": size,
        "seconds": time.perf_counter() - begun,
        "refused": refused,
        "largest_bytes": largest,
    }


def _row_us(fit: Fit, x: F64, repeats: int, calls: int) -> dict[str, float]:
    rows = list(x)

    def many() -> None:
        for i in range(calls):
            predict_row(fit, rows[i % ROWS])

    many()
    return {name: 1e6 * value for name, value in _timed(many, repeats, calls).items()}


def _timed(work: Callable[[], object], repeats: int, calls: int) -> dict[str, float]:
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) / calls)
    return {"median": float(np.median(took)), "lowest": min(took), "highest": max(took)}
