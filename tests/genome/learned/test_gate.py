"""Only a learned seed that earned enough on bars it had not seen is lived by; all others give way to seeds 1–10."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.compiled import compiled
from genome.costs import Costs
from genome.founders import build
from genome.genome import Genome
from genome.learned import FEATURES, Entrusted, entrusted, examined, judged, latest
from genome.learned.gate import FALLBACKS, LEAST_DAYS, LEAST_WINDOWS
from genome.learned.matrix import OPTIONAL
from genome.seeds import SEEDS, seed
from organism.errors import BadInput
from tests.genome.learned.planted import told

HOURLY = 3_600
ONE = Genome(
    family="linear_svc",
    genes=(("band", 0.001), ("embargo", 1.0), ("horizon", 1.0), ("refit", 100.0), ("window", 300.0)),
)
ENOUGH = {"windows": LEAST_WINDOWS, "refused": 0, "days": LEAST_DAYS, "trades": 1}
MARKET, KNOWN = told(1_800)
KNOWN[:, [FEATURES.index(name) for name in OPTIONAL]] = 0.0  # as of a market without a book
NOISE = np.random.default_rng(2).standard_normal(KNOWN.shape)
FIT = latest(ONE, MARKET, known=KNOWN)


@pytest.mark.requirement("S4-25.14")
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_more_than_one_passes_and_nothing_else_does(sharpe):
    verdict = judged(ONE, sharpe, **ENOUGH)
    assert verdict.passed == (math.isfinite(sharpe) and sharpe > 1.0)
    assert verdict.passed != ("is lived by instead" in verdict.reason)


@pytest.mark.requirement("S4-25.14")
@pytest.mark.parametrize(
    ("few", "why"),
    [
        ({"windows": LEAST_WINDOWS - 1}, "fewer than 5 windows"),
        ({"windows": 0}, "fewer than 5 windows"),
        ({"refused": LEAST_WINDOWS + 1}, "no model in 6 windows"),
        ({"days": LEAST_DAYS - 1}, "fewer than 30 days"),
        ({"trades": 0}, "has not traded"),
    ],
)
def test_a_ratio_of_too_little_never_passes(few, why):
    verdict = judged(ONE, 9.0, **{**ENOUGH, **few})
    assert not verdict.passed
    assert why in verdict.reason
    assert verdict.reason.endswith("ema_crossover is lived by instead.")


@pytest.mark.requirement("S4-25.14")
def test_skill_passes_and_its_own_fit_is_lived_by():
    verdict = examined(ONE, MARKET, known=KNOWN)
    assert verdict.passed
    assert verdict.sharpe > 1.0
    assert verdict.windows >= LEAST_WINDOWS
    assert verdict.days < MARKET.size * MARKET.bar_s / 86_400 - 10  # days before a model spoke do not count
    found = entrusted(ONE, FIT, verdict, HOURLY)
    assert found.strategy.family == "linear_svc"
    assert f"{verdict.sharpe:.2f}" in found.reason


@pytest.mark.requirement("S4-25.14")
def test_what_learned_from_noise_gives_way_to_one_of_the_first_ten_with_the_reason():
    verdict = examined(ONE, MARKET, known=NOISE)
    assert not verdict.passed
    found = entrusted(ONE, FIT, verdict, HOURLY)
    assert found.strategy.family == verdict.fallback
    assert found.strategy.family in tuple(SEEDS)[:10]
    assert found.reason == verdict.reason
    assert f"Sharpe ratio of {verdict.sharpe:.2f} after costs, and more than 1 is needed" in found.reason


@pytest.mark.requirement("S4-25.14")
def test_the_same_skill_does_not_pass_where_costs_eat_it():
    free, dear = examined(ONE, MARKET, known=KNOWN), examined(ONE, MARKET, Costs(taker=0.02), known=KNOWN)
    assert dear.sharpe < 0.0 < free.sharpe
    assert not dear.passed


def test_the_fallback_is_the_best_of_the_first_ten_over_the_same_days():
    verdict = examined(ONE, MARKET, Costs(taker=0.0, maker=0.0, slippage=0.0), known=NOISE)
    assert verdict.fallback in FALLBACKS
    assert verdict.fallback != FALLBACKS[0]  # on this path; the first only where none has a ratio


@pytest.mark.requirement("S4-25.14")
@pytest.mark.parametrize("family", ["linear_svc", "pca_tree_quantile"])
def test_a_learned_seed_alone_is_refused_and_the_gate_names_what_to_live_by(family):
    """Trading something else under its name would not be the truth."""
    for build_it in (lambda: build(family), lambda: compiled(seed(family))):
        with pytest.raises(BadInput, match=f"{family} learns, and was given neither"):
            build_it()
    found = entrusted(seed(family))
    assert found.strategy.family == "ema_crossover"
    assert found.reason == f"{family} was not examined; ema_crossover is lived by instead."


def test_a_pass_without_a_fit_and_a_fit_without_a_pass_are_not_enough():
    passed = judged(ONE, 2.0, **ENOUGH, fallback="sma_trend")
    found = entrusted(ONE, None, passed)
    assert isinstance(found, Entrusted)
    assert found.strategy.family == "sma_trend"
    assert "no stored fit" in found.reason
    assert entrusted(ONE, FIT, None).strategy.family == FALLBACKS[0]


def test_every_fallback_can_be_lived_by():
    for name in FALLBACKS:
        assert compiled(seed(name)).family == name
    assert len(FALLBACKS) == 9  # funding_carry reads what bars do not carry


def test_a_verdict_of_another_genome_is_refused():
    with pytest.raises(BadInput, match="the verdict is of genome"):
        entrusted(seed("linear_svc"), FIT, judged(ONE, 2.0, **ENOUGH))
    with pytest.raises(BadInput, match="does not learn"):
        entrusted(seed("sma_trend"))
    with pytest.raises(BadInput, match="fallback was 'linear_svc'"):
        judged(ONE, 2.0, **ENOUGH, fallback="linear_svc")
