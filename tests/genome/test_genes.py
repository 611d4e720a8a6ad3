"""Genes: bounds that agree with the requirements, and values that are refused."""

import math

import pytest

from genome.genes import CONSTANTS, GENES, REGIME, GeneSpec, Sizing, value_of
from organism.errors import BadInput

BOTH = {**GENES, **CONSTANTS}


def bounds(name):
    return BOTH[name].low, BOTH[name].high


@pytest.mark.requirement("S4-18.1")
@pytest.mark.requirement("S4-7.2")
def test_a_genome_has_22_genes_of_risk_a_correlation_limit_besides_and_12_of_strategy():
    assert len(GENES.keys() - {"correlation_limit"}) == 22
    assert len(CONSTANTS) == 12
    assert not GENES.keys() & CONSTANTS.keys()
    assert all(name == spec.name and spec.meaning and spec.source for name, spec in BOTH.items())


@pytest.mark.requirement("S4-18.2")
def test_windows_are_bred_from_2_to_100_and_5_to_200():
    assert (bounds("fast"), bounds("slow")) == ((2, 100), (5, 200))


@pytest.mark.requirement("S4-18.3")
def test_stops_lie_between_1_and_15_percent_and_targets_between_2_and_30():
    assert (bounds("stop"), bounds("target")) == ((0.01, 0.15), (0.02, 0.30))


@pytest.mark.requirement("S4-18.4")
@pytest.mark.requirement("S4-22.3")
def test_regime_genes_have_the_bounds_of_the_requirements():
    assert bounds("volatility_floor") == (0.5, 2.0)
    assert bounds("volatility_multiple") == (1.0, 3.0)
    assert bounds("fear_greed_sensitivity") == (0.0, 1.0)
    assert set(REGIME) <= GENES.keys()


@pytest.mark.requirement("S4-22.1")
def test_strategy_genes_have_the_bounds_of_the_requirements():
    assert bounds("lookback") == (5, 50)
    assert bounds("z_entry") == (1.0, 3.0)
    assert bounds("rsi_period") == (14, 28)
    assert bounds("bb_k") == (1.5, 2.5)


@pytest.mark.requirement("S4-22.2")
def test_sizing_weights_lie_between_0_and_1():
    weights = ("liquidity_weight", "volatility_weight", "momentum_weight")
    assert {bounds(name) for name in weights} == {(0.0, 1.0)}


@pytest.mark.requirement("S4-22.4")
def test_risk_genes_end_a_strategy_at_5_to_20_percent_and_breed_limits_of_10_to_15():
    assert bounds("drawdown_stop") == (0.05, 0.20)
    assert GENES["position_limit"].breeding == (0.10, 0.15)


def test_a_correlation_limit_lies_between_3_and_10_tenths_is_bred_about_7_and_off_where_absent():
    assert bounds("correlation_limit") == (0.3, 1.0)
    assert GENES["correlation_limit"].breeding == (0.5, 0.9)
    assert value_of({}, "correlation_limit") is None
    assert {"S4-13.21", "S4-21.7"} <= set(GENES["correlation_limit"].source.split(", "))


@pytest.mark.requirement("S1-2.2")
@pytest.mark.requirement("S4-10.7")
def test_a_trade_risks_1_to_2_percent_and_kelly_never_more_than_a_quarter():
    assert bounds("risk") == (0.01, 0.02)
    assert bounds("kelly_cap")[1] == 0.25
    assert GENES["sizing"].choices == ("fixed", "risk", "volatility", "kelly")
    assert [s.name.lower() for s in Sizing] == list(GENES["sizing"].choices)


@pytest.mark.parametrize("spec", BOTH.values(), ids=BOTH)
def test_breeding_and_defaults_stay_within_the_bounds(spec):
    low, high = spec.breeding
    for value in (low, high, spec.low, spec.high, *(() if spec.default is None else (spec.default,))):
        spec.check(value)
    for value in (spec.low - 0.001, spec.high + 0.001, math.nan, math.inf):
        with pytest.raises(BadInput, match=f"gene '{spec.name}'.* lies between"):
            spec.check(value)


def test_whole_genes_refuse_halves():
    with pytest.raises(BadInput, match=r"gene 'maximum_hold' \(bars\) is a whole number; was 10.5"):
        GENES["maximum_hold"].check(10.5)


def test_a_gene_that_is_absent_is_off_unless_it_only_measures():
    assert value_of({"stop": 0.05}, "stop") == 0.05
    assert value_of({}, "stop") is None
    measures = {name for name, spec in GENES.items() if spec.default is not None}
    assert measures == {"atr_period", "volatility_window", "size", "risk", "target_volatility", "kelly_cap"}


@pytest.mark.parametrize(
    "broken",
    [
        {"low": 2.0, "high": 1.0},
        {"low": 0.0, "high": 1.0, "breed_high": 2.0},
        {"low": 0.0, "high": 1.0, "scale": "log"},
        {"low": 0.0, "high": 1.0, "scale": "cubic"},
    ],
)
def test_a_gene_with_contradicting_bounds_cannot_be_made(broken):
    with pytest.raises(BadInput, match="gene 'x'"):
        GeneSpec("x", unit="", meaning="", **broken)
