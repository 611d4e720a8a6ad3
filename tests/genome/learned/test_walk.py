"""A learned genome over a market: no bar is predicted by a model that has seen it, nor its label."""

import numpy as np
import pytest

from genome.genome import Genome
from genome.learned import FEATURES, LOOKBACK, FitFailed, dumps, latest, predict_row, signals, walk
from genome.learned.fits import PtqFit
from genome.learned.walking import decided
from organism.errors import BadInput
from tests.genome.learned.planted import random_walk, told

SHORT = {"window": 300, "refit": 100, "horizon": 1, "embargo": 2, "band": 0.001}


def genome(family, **genes):
    return Genome(family=family, genes=tuple(sorted({**SHORT, **genes}.items())))


SVC, PTQ = genome("linear_svc"), genome("pca_tree_quantile")
MARKET, KNOWN = told(1_000)


@pytest.mark.requirement("S4-24.12", "S4-25.7", "S4-5.7")
@pytest.mark.parametrize(("one", "least"), [(SVC, 0.9), (PTQ, 0.7)], ids=["svc", "ptq"])
def test_a_planted_signal_is_found_out_of_sample(one, least):
    """300 noisy rows of 53 features; principal components blur one feature among equals, so the second finds less."""
    walked = walk(one, MARKET, known=KNOWN)
    spoke = np.isfinite(walked.predictions) & np.isfinite(walked.forward)
    assert spoke.sum() > 400
    right = np.sign(walked.predictions[spoke]) == np.sign(walked.forward[spoke])
    assert right.mean() > least
    assert walked.refused == walked.dropped == 0


@pytest.mark.requirement("S4-25.15")
@pytest.mark.parametrize("one", [SVC, PTQ], ids=["svc", "ptq"])
def test_the_walk_never_sees_the_future(one):
    """Bars and features from 700 on become something else; predictions made before stay, to the bit."""
    cut = 700
    columns, later = MARKET.columns.copy(), KNOWN.copy()
    columns[:, cut:] *= np.linspace(3.0, 5.0, MARKET.size - cut)
    later[cut:] = -later[cut:]
    tampered = type(MARKET)(MARKET.symbol, MARKET.open_s, MARKET.bar_s, columns)

    before, after = walk(one, MARKET, known=KNOWN), walk(one, tampered, known=later)

    np.testing.assert_array_equal(before.predictions[:cut], after.predictions[:cut])
    np.testing.assert_array_equal(before.quantiles[:cut], after.quantiles[:cut])
    assert not np.array_equal(before.predictions[cut:], after.predictions[cut:], equal_nan=True)


@pytest.mark.requirement("S4-25.15")
def test_the_first_prediction_comes_when_the_first_window_is_known():
    walked = walk(SVC, MARKET, known=KNOWN)
    first = LOOKBACK + 300 + 1 + 2  # warm-up, window, horizon, embargo
    assert np.isnan(walked.predictions[:first]).all()
    assert np.isfinite(walked.predictions[first:]).all()


@pytest.mark.parametrize("one", [SVC, PTQ], ids=["svc", "ptq"])
def test_a_walk_is_repeatable_to_the_byte(one):
    a, b = walk(one, MARKET, known=KNOWN), walk(one, MARKET, known=KNOWN)
    assert [dumps(fit) for fit in a.fits] == [dumps(fit) for fit in b.fits]
    assert a.predictions.tobytes() == b.predictions.tobytes()


@pytest.mark.requirement("S4-5.7")
def test_a_random_walk_teaches_no_skill():
    """Features of the market's own past, 40 folds: direction right within four standard errors of a coin."""
    market = random_walk(6_000, seed=21)
    rng = np.random.default_rng(4)
    closes = market.column("close")
    known = np.zeros((market.size, len(FEATURES)))
    for at in range(len(FEATURES)):  # returns over 1, 2, … bars: causal, overlapping, as real features are
        known[at + 1 :, at] = closes[at + 1 :] / closes[: -at - 1] - 1.0
    known[:, -1] = rng.standard_normal(market.size)
    for one in (genome("linear_svc", band=0.0), genome("pca_tree_quantile", refit=500)):
        walked = walk(one, market, known=known)
        spoke = np.isfinite(walked.predictions) & np.isfinite(walked.forward) & (walked.predictions != 0.0)
        right = np.sign(walked.predictions[spoke]) == np.sign(walked.forward[spoke])
        assert spoke.sum() > 4_000
        assert abs(right.mean() - 0.5) < 4 * 0.5 / np.sqrt(spoke.sum())


def test_broken_rows_are_left_out_counted_and_silent():
    known = KNOWN.copy()
    known[400:410, 5] = np.nan
    known[900, 7] = np.inf
    walked = walk(SVC, MARKET, known=known)
    assert np.isnan(walked.predictions[900])
    assert np.isfinite(walked.predictions[[899, 901]]).all()
    learned = [range(step.fold.train_from, step.fold.train_to) for step in walked.steps]
    assert walked.dropped == sum(10 * (400 in rows) + (900 in rows) for rows in learned) > 0


@pytest.mark.requirement("S4-24.17", "S4-25.18")
def test_parameters_that_do_not_converge_give_no_signals():
    """Bad parameters are not an error: they are silent, and counted."""
    hard = genome("linear_svc", loss=0.0, C=1_000.0, max_iter=500.0, band=0.005)
    noisy, known = random_walk(700), np.random.default_rng(1).standard_normal((700, len(FEATURES)))
    walked = walk(hard, noisy, known=known)
    assert walked.refused == len(walked.steps) > 0
    assert "had not converged" in walked.steps[0].refused
    assert not any(side.any() for side in decided(walked))


@pytest.mark.parametrize("one", [SVC, PTQ], ids=["svc", "ptq"])
def test_signals_are_levels_of_both_sides_and_never_contradict(one):
    entry_long, exit_long, entry_short, exit_short = signals(one, MARKET, known=KNOWN)
    assert entry_long.any()
    assert entry_short.any()
    assert not (entry_long & (exit_long | entry_short)).any()
    assert not (entry_short & exit_short).any()
    silent = np.isnan(walk(one, MARKET, known=KNOWN).predictions)
    assert not (entry_long | exit_long | entry_short | exit_short)[silent].any()
    assert all(side.dtype == np.bool_ and side.shape == (MARKET.size,) for side in (entry_long, exit_short))


def test_a_market_too_short_for_one_fold_is_silent():
    short, known = told(400)
    walked = walk(SVC, short, known=known)
    assert walked.steps == ()
    assert np.isnan(walked.predictions).all()


@pytest.mark.parametrize("one", [SVC, PTQ], ids=["svc", "ptq"])
def test_the_model_that_trades_is_made_of_the_newest_rows_with_known_labels(one):
    fit = latest(one, MARKET, known=KNOWN)
    assert fit.rows == 300
    assert isinstance(fit, PtqFit) == (one is PTQ)
    clear = np.zeros(len(FEATURES))
    clear[0] = 2.0
    assert np.sign(predict_row(fit, clear)) == 1.0
    assert np.sign(predict_row(fit, -clear)) == -1.0
    unknown = KNOWN.copy()
    unknown[-2:] = 9.0  # rows whose labels are not known yet: horizon 1, and the fill's own bar
    assert dumps(latest(one, MARKET, known=unknown)) == dumps(fit)
    with pytest.raises(FitFailed, match="no model could be made of X/Y"):
        latest(one, told(30)[0], known=KNOWN[:30])


def test_an_expanding_walk_learns_from_everything_past():
    walked = walk(genome("linear_svc", expanding=1.0), MARKET, known=KNOWN)
    assert [step.rows for step in walked.steps] == [300, 400, 500, 600, 700][: len(walked.steps)]


def test_what_does_not_learn_is_refused():
    with pytest.raises(BadInput, match="does not learn"):
        walk(Genome(family="ema_crossover"), MARKET, known=KNOWN)
    with pytest.raises(BadInput, match="has no gene 'gamma'"):
        walk(genome("linear_svc", gamma=1.0), MARKET, known=KNOWN)
    with pytest.raises(BadInput, match=r"gene 'C' .*lies between"):
        walk(genome("linear_svc", C=1e6), MARKET, known=KNOWN)
    with pytest.raises(BadInput, match="features were of shape"):
        walk(SVC, MARKET, known=KNOWN[:, :3])


def test_genes_of_the_simulator_stand_beside_a_models_own():
    assert walk(genome("linear_svc", stop=0.05), MARKET, known=KNOWN).refused == 0
