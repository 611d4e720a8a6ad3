"""Linear support vector classifier: standardised features, one margin a class, folded into one matrix.

min over w, b of ½·‖w‖ (l1) or ½·‖w‖² (l2) + C · Σ hinge(1 − y·(w·x + b)), one class against the rest.
Source: Fan, Chang, Hsieh, Wang and Lin, "LIBLINEAR", Journal of Machine Learning Research 9 (2008).
"""

import numpy as np

from genome.learned.fits import SvcFit, as_bytes
from genome.learned.guards import SEED, FitFailed, Limits, check_rows, guarded
from genome.learned.parameters import SvcParameters
from genome.market import F64


def fit_svc(
    x: F64,
    y: F64,
    names: tuple[str, ...],
    parameters: SvcParameters,
    *,
    horizon: int,
    limits: Limits | None = None,
) -> SvcFit:
    """Learn classes −1, 0, 1 from rows (n, features). The same rows give the same bytes.

    Raises `FitFailed` where the rows have only one class, are not finite or too few, or the solver did not converge
    within `max_iter`: a model that is not one must not trade.
    """
    limits = limits or Limits()
    check_rows(x, y, names, limits, copies=4)
    if np.unique(y).size < 2:  # noqa: PLR2004 - something to tell apart
        raise FitFailed(f"all {y.size} labels were {y[0]:g}; a classifier needs at least two classes.")
    with guarded(limits):
        import sklearn  # noqa: PLC0415 - a second of imports that only training needs
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
        from sklearn.svm import LinearSVC  # noqa: PLC0415

        loss = "squared_hinge" if parameters.penalty == "l1" else parameters.loss
        scaler = StandardScaler()
        model = LinearSVC(
            C=parameters.C,
            penalty=parameters.penalty,
            loss=loss,
            dual=loss
            == "hinge",  # the primal is faster and exact where there is one: rows outnumber features
            class_weight=None if parameters.class_weight == "none" else "balanced",
            max_iter=parameters.max_iter,
            random_state=SEED,
        ).fit(scaler.fit_transform(x), y)
    iterations = int(np.max(model.n_iter_))
    if iterations >= parameters.max_iter:
        raise FitFailed(
            f"the classifier had not converged after {iterations} iterations; raise `max_iter` or lower `C`."
        )
    weights = model.coef_ / scaler.scale_
    offsets = model.intercept_ - weights @ scaler.mean_
    if model.classes_.size == 2:  # noqa: PLR2004 - one margin decides between two; written as two, so that all read alike
        weights, offsets = np.vstack([-weights, weights]), np.concatenate([-offsets, offsets])
    return SvcFit(
        names=names,
        classes=tuple(int(c) for c in model.classes_),
        weights=as_bytes(weights),
        offsets=as_bytes(offsets),
        horizon=horizon,
        rows=int(y.size),
        iterations=iterations,
        converged=True,
        sklearn=sklearn.__version__,
    )
