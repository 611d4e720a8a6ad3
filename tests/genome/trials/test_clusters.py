"""Trials that move together are one; who leads does not change when more come in."""

import numpy as np
import pytest

from genome.trials import clusters
from tests.genome.trials.looking import DAYS, returns


def mixed(base, rho, seed):
    """A row whose correlation with `base` is exactly rho."""
    rng = np.random.default_rng(seed)
    a = (base - base.mean()) / np.linalg.norm(base - base.mean())
    b = rng.normal(size=base.size)
    b -= b.mean()
    b -= (b @ a) * a
    return (rho * a + np.sqrt(1 - rho**2) * b / np.linalg.norm(b)) * 0.3 + 0.001


def known(rows, days=DAYS):
    made = clusters.Known(DAYS)
    made.add(clusters.Leaders(np.arange(1, len(rows) + 1), np.asarray(rows, np.float32), days))
    return made


def nearest(made, rows):
    rows = np.asarray(rows, np.float32)
    return made.nearest(rows, clusters.units(rows)[0]).tolist()


@pytest.mark.parametrize(
    ("rho", "joins"), [(0.999, True), (0.96, True), (0.94, False), (0.5, False), (-0.99, False)]
)
def test_correlation_above_the_limit_joins_and_below_it_does_not(rho, joins):
    leaders = returns(300)
    found = nearest(known(leaders), [mixed(leaders[k], rho, 1_000 + k) for k in range(0, 300, 10)])
    assert found == ([k + 1 for k in range(0, 300, 10)] if joins else [-1] * 30)


def test_scale_and_level_of_returns_do_not_matter():
    leaders = returns(50)
    assert nearest(known(leaders), leaders * 7 + 0.01) == list(range(1, 51))


def test_none_is_joined_that_a_full_comparison_would_not_join():
    rng = np.random.default_rng(5)
    base = rng.normal(size=(40, DAYS.size))
    rows = base[rng.integers(0, 40, 1_000)] + rng.normal(size=(1_000, DAYS.size)) * rng.uniform(
        0, 0.8, (1_000, 1)
    )
    found = np.array(nearest(known(base), rows))
    exact = np.corrcoef(rows, base)[:1_000, 1_000:]
    joined = np.flatnonzero(found > 0)
    assert (exact[joined, found[joined] - 1] > clusters.ALIKE - 1e-4).all()
    missed = (found < 0) & (exact.max(axis=1) > clusters.ALIKE + 1e-4)
    assert missed.sum() <= 1
    assert 100 < joined.size < 900


def test_within_a_batch_the_first_of_those_alike_leads():
    base = returns(3)
    rows = np.array([base[0], base[1], base[0] * 2, base[2], base[1] + 0.001, base[0]])
    assert clusters.among(clusters.units(rows)[0]).tolist() == [0, 1, 0, 3, 1, 0]


def test_a_follower_does_not_lead_others():
    base = returns(1)[0]
    middle = mixed(base, 0.96, 11)
    far = mixed(middle, 0.96, 12)
    rows = clusters.units(np.array([base, middle, far]))[0]
    assert float(rows[0] @ rows[2]) < clusters.ALIKE < float(rows[1] @ rows[2])
    assert clusters.among(rows).tolist() == [0, 0, 2]


def test_other_days_are_compared_on_those_in_common():
    leaders = returns(20)
    later = DAYS + 100  # 150 days in common
    made = clusters.Known(DAYS)
    shifted = np.concatenate([leaders[:, 100:], returns(20, seed=9)[:, :100]], axis=1)
    made.add(clusters.Leaders(np.arange(1, 21), shifted.astype(np.float32), later))
    assert nearest(made, leaders) == list(range(1, 21))
    assert nearest(made, returns(20, seed=3)) == [-1] * 20


def test_too_few_days_in_common_are_not_compared():
    made = clusters.Known(DAYS)
    made.add(
        clusters.Leaders(
            np.array([1]), returns(1).astype(np.float32), DAYS + DAYS.size - clusters.LEAST_COMMON + 1
        )
    )
    assert len(made) == 0
    assert nearest(made, returns(1)) == [-1]


def test_returns_that_never_vary_or_are_no_numbers_are_flat():
    rows = returns(5)
    rows[0], rows[1], rows[2, 3], rows[3, 4] = 0.0, 0.37, np.nan, np.inf
    unit, flat = clusters.units(rows)
    assert flat.tolist() == [True, True, True, True, False]
    assert not unit[:4].any()
    assert np.linalg.norm(unit[4]) == pytest.approx(1.0, abs=1e-5)
