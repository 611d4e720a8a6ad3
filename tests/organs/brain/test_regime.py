"""Regimes, from the past alone."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.settings import BrainSettings
from organs.brain.regime import Spans, gate, moved, trend, volatility
from organs.brain.state import Climate

SPANS = Spans.of(BrainSettings(trend_bars=48, volatility_bars=96))


def after(closes):
    climate = Climate(0, closes[0])
    for close in closes[1:]:
        climate = moved(climate, close, SPANS)
    return climate


def walk(returns):
    closes = [100.0]
    for r in returns:
        closes.append(closes[-1] * math.exp(r))
    return closes


def noise(n, scale, seed=1):
    rng = random.Random(seed)
    return [rng.gauss(0.0, scale) for _ in range(n)]


def test_volatility_is_that_of_the_returns():
    assert volatility(after(walk(noise(3_000, 0.002)))) == pytest.approx(0.002, rel=0.25)
    assert volatility(after([100.0, 101.0])) == pytest.approx(math.log(1.01))


@pytest.mark.requirement("S1-5.1")
@pytest.mark.requirement("S1-5.2")
def test_a_trend_favours_those_who_follow_it_and_a_range_the_others():
    trending = gate(after(walk([0.002 + x for x in noise(400, 0.002)])), SPANS)
    ranging = gate(after(walk([0.002 * (-1) ** n for n in range(400)])), SPANS)

    assert trending.regime == "trend-normal"
    assert trending.followers > 0.9
    assert trending.others < 0.6
    assert ranging.regime == "range-normal"
    assert ranging.others > 0.9
    assert ranging.followers < 0.6


def test_the_strength_of_a_trend_is_signed_and_standard_in_a_random_walk():
    strengths = [trend(after(walk(noise(400, 0.002, seed))), SPANS) for seed in range(200)]
    falling = after(walk([-0.002 + x for x in noise(400, 0.002)]))

    assert sum(abs(s) < 1.0 for s in strengths) / 200 == pytest.approx(0.68, abs=0.12)
    assert trend(falling, SPANS) < -2.0


def test_everybody_is_quieter_in_a_wild_market():
    calm = gate(after(walk(noise(400, 0.001))), SPANS)
    wild = gate(after(walk([*noise(400, 0.001), *noise(12, 0.02, 2)])), SPANS)

    assert wild.regime.endswith("wild")
    assert wild.followers + wild.others < calm.followers + calm.others


def test_a_market_that_stands_still_has_a_name_too():
    assert gate(after([100.0] * 50), SPANS).regime == "range-calm"
    assert gate(Climate(0, 100.0), SPANS).regime == "range-calm"


@given(closes=st.lists(st.floats(1.0, 1e5), min_size=1, max_size=80))
def test_whatever_the_market_does_weights_stay_within_bounds(closes):
    judged = gate(after(closes), SPANS)

    assert 0.25 <= judged.followers <= 1.0
    assert 0.25 <= judged.others <= 1.0
