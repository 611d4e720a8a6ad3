"""How good a learned genome is, in [0, 1], from predictions made out of sample (S4-25.3, S4-25.7).

Each part lies in [0, 1]; a walk that never predicted scores 0. Returns are not costs-free praise: "signal" and
"risk-adjusted" ask what came of the predictions. Selection by money is the simulator's and the gauntlet's business.
"""

import math

import numpy as np

from genome.learned.fits import Fit, PtqFit
from genome.learned.parameters import QUANTILE_SETS
from genome.learned.samples import labels
from genome.learned.walking import Walk
from genome.market import F64

SVC_WEIGHTS = {"accuracy": 0.30, "signal": 0.25, "robustness": 0.20, "f1": 0.15, "complexity": 0.10}
PTQ_WEIGHTS = {
    "r2": 0.25, "risk_adjusted": 0.20, "coverage": 0.20, "robustness": 0.15, "features": 0.10, "complexity": 0.10,
}  # fmt: skip
COMBINED_WEIGHTS = {"svc": 0.35, "ptq": 0.35, "agreement": 0.20, "simplicity": 0.10}


def svc_parts(walked: Walk) -> dict[str, float]:
    """What an SVC's walk is worth, part by part.

    accuracy     share of bars whose class was predicted
    signal       share of predictions of −1 and 1 whose return went that way beyond the band
    robustness   1 − standard deviation over mean of the folds' accuracies, not below 0
    f1           F1 of each class that occurred, averaged
    complexity   1 − half the share of weights in use − half of C's place between 0.001 and 1000 (log)
    """
    predicted, actual = _met(walked)
    if predicted.size == 0 or walked.settings.svc is None:
        return dict.fromkeys(SVC_WEIGHTS, 0.0)
    right = labels(actual, walked.settings.band)
    wanted = predicted != 0.0
    place = (math.log10(walked.settings.svc.C) + 3.0) / 6.0
    return {
        "accuracy": float((predicted == right).mean()),
        "signal": float((predicted[wanted] == right[wanted]).mean()) if wanted.any() else 0.0,
        "robustness": _steady(
            [float((p == labels(a, walked.settings.band)).mean()) for p, a in _by_fold(walked)]
        ),
        "f1": _f1(predicted, right),
        "complexity": max(0.0, 1.0 - 0.5 * _used(walked.fits) - 0.5 * place),
    }


def ptq_parts(walked: Walk) -> dict[str, float]:
    """What a PCA-tree-quantile's walk is worth, part by part.

    r2             out-of-sample R² of the expected return against the mean, not below 0
    risk_adjusted  (1 + tanh(m/s·√n / 3)) / 2: mean over deviation of sign(expected)·return, as a t-value
    coverage       1 − |share of returns inside the interval − what it claims| / the claim
    robustness     1 − standard deviation over mean of the folds' coverages, not below 0
    features       1 − components kept / features
    complexity     1 − leaves / rows learned from
    """
    predicted, actual = _met(walked)
    if predicted.size < 2 or not walked.fits:  # noqa: PLR2004 - a deviation needs two
        return dict.fromkeys(PTQ_WEIGHTS, 0.0)
    settled = np.isfinite(walked.predictions) & np.isfinite(walked.forward)
    bounds = walked.quantiles[settled]
    inside = (actual >= bounds[:, 0]) & (actual <= bounds[:, 2])
    low, _, high = QUANTILE_SETS[walked.settings.ptq.quantile_set]
    total = float(((actual - actual.mean()) ** 2).sum())
    earned = np.sign(predicted) * actual
    deviation = float(earned.std(ddof=1))
    t_value = float(earned.mean()) / deviation * math.sqrt(earned.size) if deviation > 0.0 else 0.0
    covered = [float(((a >= q[:, 0]) & (a <= q[:, 2])).mean()) for q, a in _by_fold(walked, quantiles=True)]
    return {
        "r2": max(0.0, 1.0 - float(((actual - predicted) ** 2).sum()) / total) if total > 0.0 else 0.0,
        "risk_adjusted": 0.5 * (1.0 + math.tanh(t_value / 3.0)),
        "coverage": max(0.0, 1.0 - abs(float(inside.mean()) - (high - low)) / (high - low)),
        "robustness": _steady(covered),
        "features": 1.0 - float(np.mean([_components(fit) / len(fit.names) for fit in walked.fits])),
        "complexity": max(0.0, 1.0 - float(np.mean([_leaves(fit) / fit.rows for fit in walked.fits]))),
    }


def svc_fitness(walked: Walk) -> float:
    """30 accuracy, 25 signal, 20 robustness, 15 F1, 10 complexity."""
    return sum(SVC_WEIGHTS[name] * value for name, value in svc_parts(walked).items())


def ptq_fitness(walked: Walk) -> float:
    """25 R², 20 risk-adjusted, 20 coverage, 15 robustness, 10 features, 10 complexity."""
    return sum(PTQ_WEIGHTS[name] * value for name, value in ptq_parts(walked).items())


def combined_fitness(svc: Walk, ptq: Walk) -> float:
    """An ensemble of both (S4-25.11): 0.35 and 0.35 of their own, 0.20 agreement in direction, 0.10 simplicity.

    agreement    among bars where both want a side, the share where it is the same; 0 where there is none
    simplicity   mean of both complexity parts
    """
    with np.errstate(invalid="ignore"):
        both = (np.nan_to_num(svc.predictions) != 0.0) & (np.nan_to_num(ptq.predictions) != 0.0)
    same = np.sign(svc.predictions[both]) == np.sign(ptq.predictions[both])
    parts = {
        "svc": svc_fitness(svc),
        "ptq": ptq_fitness(ptq),
        "agreement": float(same.mean()) if both.any() else 0.0,
        "simplicity": 0.5 * (svc_parts(svc)["complexity"] + ptq_parts(ptq)["complexity"]),
    }
    return sum(COMBINED_WEIGHTS[name] * value for name, value in parts.items())


def _met(walked: Walk) -> tuple[F64, F64]:
    settled = np.isfinite(walked.predictions) & np.isfinite(walked.forward)
    return walked.predictions[settled], walked.forward[settled]


def _by_fold(walked: Walk, *, quantiles: bool = False) -> list[tuple[F64, F64]]:
    out = []
    for step in walked.steps:
        tested = slice(step.fold.test_from, step.fold.test_to)
        settled = np.isfinite(walked.predictions[tested]) & np.isfinite(walked.forward[tested])
        if settled.any():
            said = walked.quantiles if quantiles else walked.predictions
            out.append((said[tested][settled], walked.forward[tested][settled]))
    return out


def _steady(figures: list[float]) -> float:
    mean = float(np.mean(figures)) if figures else 0.0
    return max(0.0, 1.0 - float(np.std(figures)) / mean) if mean > 0.0 else 0.0


def _f1(predicted: F64, right: F64) -> float:
    out = []
    for kind in np.unique(right):
        hit = float(((predicted == kind) & (right == kind)).sum())
        out.append(2.0 * hit / float((predicted == kind).sum() + (right == kind).sum()))
    return float(np.mean(out))


def _used(fits: tuple[Fit, ...]) -> float:
    shares = [np.frombuffer(fit.weights, dtype="<f8") != 0.0 for fit in fits]
    return float(np.mean([share.mean() for share in shares])) if shares else 1.0


def _components(fit: Fit) -> int:
    return len(fit.component_offsets) // 8 if isinstance(fit, PtqFit) else 0


def _leaves(fit: Fit) -> int:
    return int((np.frombuffer(fit.tree_left, dtype="<i8") < 0).sum()) if isinstance(fit, PtqFit) else 0
