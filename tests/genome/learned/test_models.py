"""The two models: the same as scikit-learn's, folded; deterministic; refusing what is not a model."""

import math
from itertools import product

import msgspec
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from genome.learned import fits
from genome.learned.guards import SEED, FitFailed, Limits
from genome.learned.parameters import QUANTILE_SETS, PtqParameters, SvcParameters
from genome.learned.ptq import fit_ptq
from genome.learned.quantiles import quantile_line
from genome.learned.svc import fit_svc
from organism.errors import BadInput
from tests.genome.learned.planted import NAMES, rows

X, CLASSES, RETURNS = rows()
SMALL = (X[:300], RETURNS[:300])


def svc(**changes):
    return fit_svc(X, CLASSES, NAMES, SvcParameters(**changes), horizon=3)


def ptq(x=X, y=RETURNS, **changes):
    return fit_ptq(x, y, NAMES, PtqParameters(**changes), horizon=3)


SVC = svc()
PTQ = ptq()


@pytest.mark.requirement("S4-25.1")
@pytest.mark.parametrize(
    ("penalty", "loss", "weight", "C"),
    [
        ("l2", "squared_hinge", "none", 0.001),
        ("l2", "squared_hinge", "balanced", 1_000.0),
        ("l2", "hinge", "none", 0.001),
        ("l1", "squared_hinge", "balanced", 0.1),
    ],
)
def test_the_folded_classifier_is_scikit_learns(penalty, loss, weight, C):  # noqa: N803
    fit = svc(penalty=penalty, loss=loss, class_weight=weight, C=C, max_iter=5_000)
    plain = make_pipeline(
        StandardScaler(),
        LinearSVC(
            C=C, penalty=penalty, loss=loss, class_weight=None if weight == "none" else weight,
            dual=loss == "hinge", max_iter=5_000, random_state=SEED,
        ),
    ).fit(X, CLASSES)  # fmt: skip
    np.testing.assert_allclose(fits.svc_margins(fit, X), plain.decision_function(X), atol=1e-9, rtol=1e-9)
    np.testing.assert_array_equal(fits.svc_predict(fit, X), plain.predict(X))


def test_two_classes_are_folded_like_three():
    some = CLASSES != 0.0
    fit = fit_svc(X[some], CLASSES[some], NAMES, SvcParameters(), horizon=3)
    plain = make_pipeline(
        StandardScaler(), LinearSVC(C=0.1, class_weight="balanced", dual=False, random_state=SEED)
    ).fit(X[some], CLASSES[some])
    assert fit.classes == (-1, 1)
    np.testing.assert_allclose(fits.svc_margins(fit, X)[:, 1], plain.decision_function(X), atol=1e-9)
    np.testing.assert_array_equal(fits.svc_predict(fit, X), plain.predict(X))


@pytest.mark.parametrize(("q", "alpha"), list(product((0.05, 0.5, 0.9), (0.001, 0.05, 10.0))))
def test_the_dual_line_is_the_primal_one(q, alpha):
    """scikit-learn solves the primal; the optimum is the same, and so is the line where it is unique."""
    x, y = SMALL[0][:, :8] / X[:, :8].std(axis=0), SMALL[1] * 100.0
    slopes, intercept, _ = quantile_line(x, y, q, alpha, 30.0)
    plain = QuantileRegressor(quantile=q, alpha=alpha, solver="highs").fit(x, y)

    def loss(w, b):
        u = y - x @ w - b
        return np.maximum(q * u, (q - 1.0) * u).mean() + alpha * np.abs(w).sum()

    assert loss(slopes, intercept) == pytest.approx(loss(plain.coef_, plain.intercept_), rel=1e-9)
    np.testing.assert_allclose(slopes, plain.coef_, atol=1e-7)


@pytest.mark.requirement("S4-25.5")
@pytest.mark.parametrize("whiten", [True, False])
def test_the_folded_forecaster_is_scikit_learns(whiten):
    """Scaler, PCA and tree by scikit-learn, the quantiles' coefficients taken back out of the fit."""
    fit = ptq(whiten=whiten, variance=0.85, quantile_set=0)
    pipe = make_pipeline(StandardScaler(), PCA(0.85, whiten=whiten, svd_solver="full", random_state=SEED))
    z = pipe.fit_transform(X)
    target = (RETURNS - RETURNS.mean()) / RETURNS.std()
    tree = DecisionTreeRegressor(
        max_depth=4, min_samples_split=20, min_samples_leaf=10, random_state=SEED
    ).fit(z, target)
    k = z.shape[1]
    components = np.frombuffer(fit.components).reshape(k, -1)
    np.testing.assert_allclose(X @ components.T + np.frombuffer(fit.component_offsets), z, atol=1e-9)
    weights = np.frombuffer(fit.weights).reshape(3, -1)
    by_hand = (
        X @ weights.T
        + tree.predict(z)[:, None] * np.frombuffer(fit.leaf_weights)
        + np.frombuffer(fit.offsets)
    )
    by_hand.sort(axis=1)
    np.testing.assert_allclose(fits.ptq_quantiles(fit, X), by_hand, atol=1e-9)


@pytest.mark.requirement("S4-25.17")
@pytest.mark.parametrize("fit", [SVC, PTQ], ids=["svc", "ptq"])
def test_a_stored_fit_is_the_fit(fit, tmp_path):
    path = tmp_path / "a.json"
    fits.save(fit, path)
    again = fits.load(path)
    assert again == fit
    assert hash(again) == hash(fit)
    assert fits.fit_id(again) == fits.fit_id(fit)
    assert [fits.predict_row(again, row) for row in X[:20]] == [fits.predict_row(fit, row) for row in X[:20]]
    assert msgspec.json.decode(path.read_bytes())["sklearn"] == fit.sklearn != ""
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_same_rows_give_the_same_bytes():
    assert fits.dumps(svc()) == fits.dumps(SVC)
    assert fits.dumps(ptq()) == fits.dumps(PTQ)
    hinge = {"loss": "hinge", "C": 0.001}  # coordinate descent draws random numbers; its state is fixed
    assert fits.dumps(svc(**hinge)) == fits.dumps(svc(**hinge))


@pytest.mark.parametrize("fit", [SVC, PTQ], ids=["svc", "ptq"])
def test_one_row_is_predicted_to_the_bit_as_many(fit):
    """What was walked is what trades."""
    many = fits.svc_predict(fit, X) if isinstance(fit, fits.SvcFit) else fits.ptq_expected(fit, X)
    assert [fits.predict_row(fit, row) for row in X] == many.tolist()


@pytest.mark.requirement("S4-24.12", "S4-25.2")
def test_the_classifier_finds_what_was_planted():
    fresh, right, _ = rows(seed=7)
    assert (fits.svc_predict(SVC, fresh) == right).mean() > 0.8
    assert set(fits.svc_predict(SVC, fresh)) == {-1.0, 0.0, 1.0}


def halves(n=2_000, noise=0.3):
    """Rows of one world: the first half to learn from, the second never seen."""
    x, classes, returns = rows(n, noise=noise)
    return x[: n // 2], x[n // 2 :], classes, returns[: n // 2], returns[n // 2 :]


@pytest.mark.requirement("S4-24.13", "S4-25.6")
def test_the_forecaster_finds_what_was_planted_and_its_intervals_hold():
    seen, unseen, _, learned, truth = halves()
    fit = ptq(seen, learned)
    values = fits.ptq_quantiles(fit, unseen)
    expected = fits.ptq_expected(fit, unseen)
    assert np.corrcoef(expected, truth)[0, 1] > 0.9
    inside = ((truth >= values[:, 0]) & (truth <= values[:, 2])).mean()
    assert 0.70 < inside < 0.88  # 80 % was claimed


def test_a_tree_that_knows_its_rows_by_heart_does_not_make_the_intervals_certain():
    """Depth 20, two rows a leaf, pure noise: without cross-fitting the interval shrinks to nothing."""
    rng = np.random.default_rng(11)
    x, y = rng.standard_normal((2_000, 50)), rng.standard_normal(2_000)
    fit = ptq(x[:1_000], y[:1_000], max_depth=20, min_samples_split=2)
    values = fits.ptq_quantiles(fit, x[1_000:])
    inside = ((y[1_000:] >= values[:, 0]) & (y[1_000:] <= values[:, 2])).mean()
    assert 0.65 < inside < 0.9


@pytest.mark.requirement("S4-25.6")
@pytest.mark.parametrize("which", range(3))
def test_a_risk_is_made_of_the_three_quantiles(which):
    fit = ptq(*SMALL, quantile_set=which)
    assert fit.quantiles == QUANTILE_SETS[which]
    low, middle, high = fits.ptq_quantiles(fit, X[:1])[0]
    risk = fits.risk_row(fit, X[0])
    a, b, c = fits.MEAN_WEIGHTS[fit.quantiles]
    assert a + b + c == pytest.approx(1.0)
    assert risk.expected == pytest.approx(a * low + b * middle + c * high)
    assert (risk.downside, risk.upside) == (low, high)
    assert risk.interval == high - low > 0.0
    assert risk.asymmetry == pytest.approx((high + low - 2 * middle) / (high - low))
    assert -1.0 <= risk.asymmetry <= 1.0


@pytest.mark.requirement("S4-25.16")
@pytest.mark.parametrize("fit", [SVC, PTQ], ids=["svc", "ptq"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_feature_gives_no_prediction(fit, bad):
    row = X[0].copy()
    row[17] = bad
    assert math.isnan(fits.predict_row(fit, row))


@pytest.mark.requirement("S4-25.16")
@pytest.mark.parametrize("train", [fit_svc, fit_ptq])
def test_a_model_is_not_made_of_broken_rows(train):
    parameters = SvcParameters() if train is fit_svc else PtqParameters()
    broken = X.copy()
    broken[3, 4] = np.inf
    with pytest.raises(FitFailed, match="1 of 1000 rows have NaN or infinity"):
        train(broken, CLASSES, NAMES, parameters, horizon=1)
    with pytest.raises(FitFailed, match="too few"):
        train(X[:20], CLASSES[:20], NAMES, parameters, horizon=1)
    with pytest.raises(BadInput, match="features were of shape"):
        train(X[:, :3], CLASSES, NAMES, parameters, horizon=1)


@pytest.mark.requirement("S4-25.18")
def test_a_classifier_that_did_not_converge_is_refused():
    with pytest.raises(FitFailed, match="had not converged after 500 iterations"):
        svc(loss="hinge", C=1_000.0, max_iter=500)


@pytest.mark.requirement("S4-25.18")
def test_time_rows_and_memory_are_limited():
    for limits, said in (
        (Limits(seconds=0.0), "a fit took"),
        (Limits(rows=999), "1000 rows exceed the limit of 999"),
        (Limits(bytes=1_000), "the limit is 0 MB"),
    ):
        with pytest.raises(FitFailed, match=said):
            fit_svc(X, CLASSES, NAMES, SvcParameters(), horizon=1, limits=limits)


def test_what_does_not_vary_teaches_nothing():
    with pytest.raises(FitFailed, match="at least two classes"):
        fit_svc(X, np.zeros(1_000), NAMES, SvcParameters(), horizon=1)
    with pytest.raises(FitFailed, match="nothing to learn"):
        ptq(y=np.full(1_000, 0.01))
    with pytest.raises(FitFailed, match="nothing to learn"):
        ptq(x=np.ones((1_000, 50)))


def test_l1_with_hinge_takes_the_squared_hinge():
    assert svc(penalty="l1", loss="hinge") == svc(penalty="l1", loss="squared_hinge")


@pytest.mark.requirement("S4-25.4", "S4-25.8")
def test_fits_are_small():
    assert len(fits.dumps(SVC)) < 1_000_000
    assert len(fits.dumps(ptq(max_depth=20, min_samples_split=2, variance=0.99))) < 5_000_000


def test_a_fit_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setitem(fits.MODEL_MOST_BYTES, "linear_svc", 100)
    with pytest.raises(BadInput, match="less than 100 are kept"):
        fits.dumps(SVC)


@pytest.mark.requirement("S4-25.17")
def test_a_damaged_record_is_refused(tmp_path):
    text = fits.dumps(PTQ)
    for bad in (b"", b"{}", text[:-20], text.replace(b'"format":1', b'"format":2'), b'{"type":"what"}'):
        with pytest.raises(BadInput):
            fits.loads(bad)
    with pytest.raises(BadInput, match="offsets of a stored fit were 8 bytes"):
        fits.loads(
            fits.dumps(SVC).replace(msgspec.json.encode(SVC.offsets), msgspec.json.encode(b"8 bytes!"))
        )
    with pytest.raises(BadInput, match="could not be read"):
        fits.load(tmp_path / "none.json")


def test_a_tree_that_runs_in_circles_is_refused():
    left = np.frombuffer(PTQ.tree_left, dtype="<i8").copy()
    left[left >= 0] = 0
    with pytest.raises(BadInput, match="broken tree"):
        msgspec.structs.replace(PTQ, tree_left=left.tobytes())


def test_a_row_of_another_length_is_refused():
    with pytest.raises(BadInput, match="the fit knows 50 features"):
        fits.predict_row(SVC, X[0, :49])
