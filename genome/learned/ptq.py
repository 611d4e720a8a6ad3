"""PCA, a tree, and quantiles: components of the features, a regression tree on them, three linear quantiles on both.

The tree's value joins the components as a regressor. It is *cross-fitted*: while the quantiles learn, each row's tree
value comes from a tree that has not seen that row nor rows whose label overlaps it; a deep tree knows its own rows by
heart and would make every interval look certain.
The components are those of all rows at once. An incremental PCA would take a number of components instead of a share of
variance, and give others that depend on how rows are cut into batches; on 1,000 × 50 the decomposition is 2 of 120 ms.
Sources: R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978); L. Breiman et al., "Classification and
Regression Trees" (1984); D. Wolpert, "Stacked generalization", Neural Networks 5 (1992).
"""

from itertools import pairwise
from typing import Any

import numpy as np

from genome.learned.fits import PtqFit, as_bytes, as_ints
from genome.learned.guards import SEED, FitFailed, Limits, check_rows, guarded
from genome.learned.parameters import QUANTILE_SETS, PtqParameters
from genome.learned.quantiles import quantile_line
from genome.market import F64

_BLOCKS = 4


def fit_ptq(
    x: F64,
    y: F64,
    names: tuple[str, ...],
    parameters: PtqParameters,
    *,
    horizon: int,
    limits: Limits | None = None,
) -> PtqFit:
    """Learn the distribution of forward returns y (n,) from rows (n, features). The same rows give the same bytes.

    Raises `FitFailed` where targets or features do not vary, rows are not finite or too few, or a quantile regression
    found no optimum.
    """
    limits = limits or Limits()
    check_rows(x, y, names, limits, copies=12)
    spread = float(np.std(y))
    if spread == 0.0 or not float(np.std(x, axis=0).max()) > 0.0:
        raise FitFailed(f"features or targets of all {y.size} rows were the same; there is nothing to learn.")
    mean = float(np.mean(y))
    target = (y - mean) / spread
    with guarded(limits):
        import sklearn  # noqa: PLC0415 - a second of imports that only training needs
        from sklearn.decomposition import PCA  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        scaler = StandardScaler()
        pca = PCA(parameters.variance, whiten=parameters.whiten, svd_solver="full", random_state=SEED)
        z = pca.fit_transform(scaler.fit_transform(x))
        tree = _tree(parameters).fit(z, target)
        seen = np.column_stack([z, _cross_fitted(z, target, parameters, horizon)])
        quantiles = QUANTILE_SETS[parameters.quantile_set]
        lines = [quantile_line(seen, target, q, parameters.alpha, limits.seconds) for q in quantiles]
    projection = (
        pca.components_ / np.sqrt(pca.explained_variance_)[:, None] if parameters.whiten else pca.components_
    )
    components = projection / scaler.scale_
    component_offsets = -(components @ scaler.mean_) - projection @ pca.mean_
    slopes, intercepts = np.array([line[0] for line in lines]), np.array([line[1] for line in lines])
    flat = tree.tree_
    return PtqFit(
        names=names,
        quantiles=quantiles,
        components=as_bytes(components),
        component_offsets=as_bytes(component_offsets),
        tree_feature=as_ints(flat.feature),
        tree_threshold=as_bytes(flat.threshold),
        tree_left=as_ints(flat.children_left),
        tree_right=as_ints(flat.children_right),
        tree_value=as_bytes(flat.value.reshape(-1)),
        weights=as_bytes(spread * (slopes[:, :-1] @ components)),
        leaf_weights=as_bytes(spread * slopes[:, -1]),
        offsets=as_bytes(mean + spread * (intercepts + slopes[:, :-1] @ component_offsets)),
        horizon=horizon,
        rows=int(y.size),
        iterations=max(line[2] for line in lines),
        converged=True,
        sklearn=sklearn.__version__,
    )


def _tree(parameters: PtqParameters) -> Any:
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415

    return DecisionTreeRegressor(
        max_depth=parameters.max_depth,
        min_samples_split=parameters.min_samples_split,
        min_samples_leaf=max(1, parameters.min_samples_split // 2),
        random_state=SEED,
    )


def _cross_fitted(z: F64, target: F64, parameters: PtqParameters, horizon: int) -> F64:
    n = target.size
    out = np.empty(n)
    edges = [n * block // _BLOCKS for block in range(_BLOCKS + 1)]
    for begin, end in pairwise(edges):
        # Labels of neighbouring rows share bars: as many rows as a label spans are left out on both sides.
        others = np.ones(n, dtype=bool)
        others[max(0, begin - horizon - 1) : end + horizon + 1] = False
        if others.sum() < 2 * parameters.min_samples_split:
            raise FitFailed(f"{n} rows are too few for a horizon of {horizon}; raise `window`.")
        out[begin:end] = _tree(parameters).fit(z[others], target[others]).predict(z[begin:end])
    return out
