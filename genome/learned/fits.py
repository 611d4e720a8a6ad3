"""Fitted models as frozen values: numbers and bytes, no code. Saved as JSON, read without scikit-learn.

A fit is what trades: it is stored, named by its content and never remade behind anyone's back. Arrays are bytes of
little-endian float64 or int64 (base64 in JSON): exact, hashable, and read in place. The scikit-learn that made a fit
is recorded; predicting needs only the folded numbers, so that a new version changes no prediction of an old fit.
"""

import hashlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from genome.learned.guards import MODEL_MOST_BYTES
from genome.learned.kernels import scores, spoken
from genome.market import F64, I64
from organism.errors import BadInput

_FORMAT = 1


class SvcFit(msgspec.Struct, frozen=True, kw_only=True, tag="linear_svc"):
    """A linear classifier with its scaler folded in: margin[c] = offsets[c] + weights[c] · features.

    classes   of −1, 0, 1, rising; the one with the greatest margin is predicted (the first of equals)
    weights   float64 (classes, features), offsets float64 (classes,)
    """

    names: tuple[str, ...]
    classes: tuple[int, ...]
    weights: bytes
    offsets: bytes
    horizon: int
    rows: int
    iterations: int
    converged: bool
    sklearn: str
    format: int = _FORMAT

    def __post_init__(self) -> None:
        """Refuse a record whose parts do not fit together."""
        c, m = len(self.classes), len(self.names)
        _sized(self.weights, c * m, "weights")
        _sized(self.offsets, c, "offsets")
        if not set(self.classes) <= {-1, 0, 1} or c < 2 or self.format != _FORMAT:  # noqa: PLR2004
            raise BadInput(f"a linear_svc fit had classes {self.classes}, format {self.format}; refit it.")


class PtqFit(msgspec.Struct, frozen=True, kw_only=True, tag="pca_tree_quantile"):
    """Scaler and components folded into one matrix, a regression tree on them, three linear quantiles on both.

    z = components · features + component_offsets; leaf = tree(z);
    quantile[j] = offsets[j] + weights[j] · features + leaf_weights[j] · leaf, then sorted.

    components   float64 (k, features), component_offsets float64 (k,)
    tree_…       feature, left, right int64 (nodes,); threshold, value float64 (nodes,); left −1 at a leaf
    weights      float64 (3, features), leaf_weights, offsets float64 (3,); returns as fractions
    """

    names: tuple[str, ...]
    quantiles: tuple[float, float, float]
    components: bytes
    component_offsets: bytes
    tree_feature: bytes
    tree_threshold: bytes
    tree_left: bytes
    tree_right: bytes
    tree_value: bytes
    weights: bytes
    leaf_weights: bytes
    offsets: bytes
    horizon: int
    rows: int
    iterations: int
    converged: bool
    sklearn: str
    format: int = _FORMAT

    def __post_init__(self) -> None:
        """Refuse a record whose parts do not fit together."""
        m, k, nodes = len(self.names), len(self.component_offsets) // 8, len(self.tree_left) // 8
        for part, size in (
            ("components", k * m), ("tree_feature", nodes), ("tree_threshold", nodes), ("tree_right", nodes),
            ("tree_value", nodes), ("weights", 3 * m), ("leaf_weights", 3), ("offsets", 3),
        ):  # fmt: skip
            _sized(getattr(self, part), size, part)
        left, right, feature = (_ints(x) for x in (self.tree_left, self.tree_right, self.tree_feature))
        inner = np.flatnonzero(left >= 0)
        # Children after their parent: a record that was tampered with cannot make the walk run in circles.
        sound = bool(
            nodes > 0
            and (left[inner] > inner).all() and (right[inner] > inner).all()
            and (left < nodes).all() and (right < nodes).all()
            and (feature[inner] >= 0).all() and (feature[inner] < k).all()
        )  # fmt: skip
        if not sound or self.format != _FORMAT:
            raise BadInput(f"a pca_tree_quantile fit of format {self.format} had a broken tree; refit it.")


Fit = SvcFit | PtqFit


class Risk(msgspec.Struct, frozen=True):
    """What a distribution forecast says (S4-25.6). Fractions of price over the horizon.

    expected    mean, from the three quantiles
    downside    the lower quantile, upside the upper one
    asymmetry   (upside + downside − 2·median) / (upside − downside), in [−1, 1]: Bowley's skewness; 0 where they are equal
    interval    upside − downside
    """

    expected: float
    downside: float
    upside: float
    asymmetry: float
    interval: float


MEAN_WEIGHTS = {
    (0.05, 0.5, 0.95): (0.185, 0.63, 0.185),
    (0.1, 0.5, 0.9): (0.3, 0.4, 0.3),
    (0.25, 0.5, 0.75): (1 / 3, 1 / 3, 1 / 3),
}
"""Quantile sets, and how each gives a mean: Pearson and Tukey (1965) and Swanson's rule (both in Keefer and Bodily,
"Three-point approximations for continuous random variables", Management Science 29, 1983); Wan et al. (2014)."""


class Model(NamedTuple):
    """A fit as the kernels read it. A classifier has no components and no tree.

    weights            float64 (classes or 3, features), offsets float64 (classes or 3,)
    told               float64: the classes; or the 3 weights of the leaf, then the 3 that make a mean of quantiles
    components         float64 (k, features), component_offsets float64 (k,)
    links, splits      int64 (3, nodes): feature, left, right; float64 (2, nodes): threshold, value
    """

    weights: F64
    offsets: F64
    told: F64
    components: F64
    component_offsets: F64
    links: I64
    splits: F64


def model(fit: Fit) -> Model:
    """Read a fit's numbers in place."""
    m = len(fit.names)
    weights, offsets = _floats(fit.weights).reshape(-1, m), _floats(fit.offsets)
    if isinstance(fit, SvcFit):
        return Model(
            weights, offsets, np.array(fit.classes, np.float64), np.empty((0, m)), np.empty(0), np.empty((3, 0), np.int64),
            np.empty((2, 0)),
        )  # fmt: skip
    return Model(
        weights,
        offsets,
        np.array([*_floats(fit.leaf_weights), *MEAN_WEIGHTS[fit.quantiles]]),
        _floats(fit.components).reshape(-1, m),
        _floats(fit.component_offsets),
        np.array([_ints(fit.tree_feature), _ints(fit.tree_left), _ints(fit.tree_right)]),
        np.array([_floats(fit.tree_threshold), _floats(fit.tree_value)]),
    )


def said(fit: Fit, rows: F64) -> F64:
    """Prediction and quantiles of rows (n, features): float64 (n, 4); a classifier has NaN for quantiles."""
    out: F64 = spoken(*model(fit), np.ascontiguousarray(rows, np.float64))
    return out


def svc_predict(fit: SvcFit, rows: F64) -> F64:
    """−1, 0 or 1 for each row (n, features); NaN where a feature is not finite."""
    return said(fit, rows)[:, 0]


def svc_margins(fit: SvcFit, rows: F64) -> F64:
    """Signed distances (n, classes), as `decision_function` of scaler and classifier together."""
    out: F64 = scores(_floats(fit.weights).reshape(len(fit.classes), -1), _floats(fit.offsets), rows)
    return out


def ptq_quantiles(fit: PtqFit, rows: F64) -> F64:
    """Quantiles of the forward return, (n, 3), rising; NaN where a feature is not finite.

    Sorting repairs crossing: Chernozhukov, Fernández-Val and Galichon, "Quantile and probability curves without
    crossing", Econometrica 78 (2010).
    """
    return said(fit, rows)[:, 1:]


def ptq_expected(fit: PtqFit, rows: F64) -> F64:
    """Mean forward return of each row, fraction, shape (n,)."""
    return said(fit, rows)[:, 0]


def predict_row(fit: Fit, features: F64) -> float:
    """One row (features,) → the class −1, 0, 1 of an SVC, or the expected return of a PCA-tree-quantile; or NaN."""
    return float(said(fit, _row(fit, features))[0, 0])


def risk_row(fit: PtqFit, features: F64) -> Risk:
    """One row (features,) → what is expected and what is risked."""
    expected, low, middle, high = (float(x) for x in said(fit, _row(fit, features))[0])
    width = high - low
    skew = (high + low - 2.0 * middle) / width if width > 0.0 else width  # NaN stays NaN, 0 stays 0
    return Risk(expected, low, high, skew, width)


def dumps(fit: Fit) -> bytes:
    """Canonical JSON. Raises `BadInput` where the fit is larger than its kind may be (1 MB and 5 MB)."""
    data = msgspec.json.encode(fit, order="deterministic")
    family = "pca_tree_quantile" if isinstance(fit, PtqFit) else "linear_svc"
    if len(data) >= MODEL_MOST_BYTES[family]:
        raise BadInput(
            f"a {family} fit was {len(data)} bytes; less than {MODEL_MOST_BYTES[family]} are kept. Lower `max_depth`."
        )
    return data


def loads(data: bytes) -> Fit:
    """Read what `dumps` wrote; raises `BadInput` with what is wrong."""
    try:
        fit: Fit = msgspec.json.decode(data, type=Fit)
    except (msgspec.MsgspecError, ValueError) as bad:
        raise BadInput(f"this is not a stored fit: {bad}.") from bad
    return fit


def fit_id(fit: Fit) -> str:
    """SHA-256 of the stored form, 64 hex digits: the name under which live trading asks for it."""
    return hashlib.sha256(dumps(fit)).hexdigest()


def save(fit: Fit, path: Path) -> None:
    """Write beside, then rename: a reader sees a whole fit or none."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    beside.write_bytes(dumps(fit))
    beside.replace(path)


def load(path: Path) -> Fit:
    """Read a stored fit; raises `BadInput`."""
    try:
        data = path.read_bytes()
    except OSError as bad:
        raise BadInput(f"the fit {path.name} could not be read: {bad.strerror}.") from bad
    return loads(data)


def as_bytes(values: object) -> bytes:
    """Little-endian float64, C order."""
    return np.ascontiguousarray(values, dtype="<f8").tobytes()


def as_ints(values: object) -> bytes:
    """Little-endian int64."""
    return np.ascontiguousarray(values, dtype="<i8").tobytes()


def _floats(data: bytes) -> F64:
    return np.frombuffer(data, dtype="<f8")


def _ints(data: bytes) -> I64:
    return np.frombuffer(data, dtype="<i8")


def _row(fit: Fit, features: F64) -> F64:
    if features.shape != (len(fit.names),):
        raise BadInput(f"features were of shape {features.shape}; the fit knows {len(fit.names)} features.")
    row: F64 = np.ascontiguousarray(features, dtype=np.float64).reshape(1, -1)
    return row


def _sized(data: bytes, numbers: int, part: str) -> None:
    if len(data) != 8 * numbers or numbers == 0:
        raise BadInput(f"{part} of a stored fit were {len(data)} bytes; {8 * numbers} are needed. Refit it.")
    if part not in {"tree_feature", "tree_right"} and not np.isfinite(_floats(data)).all():
        raise BadInput(f"{part} of a stored fit have NaN or infinity. Refit it.")
