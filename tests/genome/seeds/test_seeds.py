"""The library: what it holds, what it refuses, and how its seeds behave in markets of every kind."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.checking import check, effective
from genome.genes import GENES
from genome.grammar import parse_condition
from genome.market import market
from genome.printing import to_text
from genome.programs.running import signals
from genome.seeds import SEEDS, enabled_seeds, missing_columns, seed
from genome.simulator import backtest
from organism.errors import BadInput
from tests.genome.making import FREE, bars

WITH_CONDITIONS = [name for name, one in SEEDS.items() if not one.learns]
FOLLOWING = ["ema_crossover", "donchian_breakout", "sma_trend", "atr_stop", "ichimoku_cloud", "volatility_scaling", "momentum_confluence", "breakout_validation"]  # fmt: skip
LEANING = ["rsi_filter", "stochastic", "vwap_reversion", "mean_reversion_setup"]
TWELVE = {
    "ema_crossover", "donchian_breakout", "rsi_filter", "stochastic", "sma_trend", "atr_stop", "ichimoku_cloud",
    "vwap_reversion", "volatility_scaling", "funding_carry", "linear_svc", "pca_tree_quantile",
}  # fmt: skip


def path(closes, seed_=0, volume=None):
    """Hourly bars around closes, with a funding rate that swings."""
    rng = np.random.default_rng(seed_)
    closes = np.asarray(closes, dtype=float)
    opens = np.concatenate([closes[:1], closes[:-1]])
    noise = 0.0005 * closes
    high = np.maximum(opens, closes) + noise * rng.random(closes.size)
    low = np.minimum(opens, closes) - noise * rng.random(closes.size)
    at = np.arange(closes.size, dtype=np.int64) * 3_600 + 1_700_006_400
    volume = 1.0 + rng.random(closes.size) if volume is None else volume
    funding = 0.0006 * np.sin(np.arange(closes.size) / 50.0)
    return market("X/Y", at, 3_600, (opens, high, low, closes, volume), funding=funding)


def scenario(kind, n=1_500):
    """The five of S4-27.7, seeded: drift up, drift down, around a mean, wild, quiet then a breakout."""
    rng = np.random.default_rng(17)
    noise = rng.standard_normal(n)
    if kind == "sideways":
        x = np.zeros(n)
        for t in range(1, n):
            x[t] = 0.97 * x[t - 1] + 0.006 * noise[t]
        return path(100.0 * np.exp(x), 1)
    drift, sigma = {
        "bull": (0.001, 0.004),
        "bear": (-0.001, 0.004),
        "volatile": (0.0, 0.03),
        "breakout": (0.0, 0.0005),
    }[kind]
    steps = drift + sigma * noise
    if kind == "breakout":
        steps[n // 2 :] += 0.003
    return path(100.0 * np.exp(np.cumsum(steps)), 2)


SCENARIOS = {kind: scenario(kind) for kind in ("bull", "bear", "sideways", "volatile", "breakout")}


def levels(name, a_market, **parameters):
    return signals(effective(seed(name, **parameters)), a_market)


@pytest.mark.requirement("S4-24.1")
def test_the_library_has_the_twelve_seeds_and_three_combinations():
    assert set(enabled_seeds()) == TWELVE | {
        "momentum_confluence",
        "mean_reversion_setup",
        "breakout_validation",
    }


@pytest.mark.requirement("S4-24.14", "S4-24.16")
def test_fibonacci_is_off_unless_asked_for():
    assert "fibonacci" not in enabled_seeds()
    assert set(enabled_seeds(fibonacci=True)) - set(enabled_seeds()) == {"fibonacci"}


@pytest.mark.requirement("S4-5.6")
@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_states_its_mathematics_reason_source_rows_and_example(name):
    one = SEEDS[name]
    for text in (one.mathematics, one.why, one.source, one.example):
        assert len(text) > 30
    assert one.rows.startswith("S4-2")
    assert any(letter.isdigit() for letter in one.source)  # a year, a page


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_a_valid_genome_at_its_defaults_and_at_every_bound_of_breeding(name):
    check(seed(name))
    for spec in SEEDS[name].genes:
        assert spec.default is not None
        spec.check(spec.default)
        for value in spec.breeding:
            check(seed(name, **{spec.name: value}))
        for value in (spec.low, spec.high):
            check(seed(name, **{spec.name: value}))


@pytest.mark.parametrize("name", WITH_CONDITIONS)
def test_a_seeds_text_is_its_tree(name):
    one, genome = SEEDS[name], seed(name)
    for text, tree in zip(
        (one.entry_long, one.exit_long, one.entry_short, one.exit_short),
        genome.conditions.values(),
        strict=False,
    ):
        if text:
            assert parse_condition(to_text(parse_condition(text))) == parse_condition(text)
        assert tree is not None
    assert one.entry_long
    assert one.entry_short  # both sides


def test_what_is_not_known_is_refused_with_a_suggestion():
    with pytest.raises(BadInput, match=r"there is no seed 'ema_crosover'. Did you mean 'ema_crossover'"):
        seed("ema_crosover")
    with pytest.raises(BadInput, match=r"has no parameter 'fats'. Did you mean 'fast'"):
        seed("ema_crossover", fats=3)
    with pytest.raises(BadInput, match=r"gene 'fast' .*lies between 2 and 2000.*; was 1"):
        seed("ema_crossover", fast=1)
    with pytest.raises(BadInput, match="whole number"):
        seed("ema_crossover", fast=2.5)
    with pytest.raises(BadInput, match="'fast' is a number; was 'quick'"):
        seed("ema_crossover", fast="quick")
    with pytest.raises(BadInput, match=r"day or week or month; was 'weak'. Did you mean 'week'"):
        seed("vwap_reversion", anchor="weak")
    with pytest.raises(BadInput, match=r"gene 'stop' .*lies between"):
        seed("ema_crossover", stop=0.9)
    with pytest.raises(BadInput, match=r"gene 'fast' .*lies between"):
        seed("ema_crossover", fast=float("nan"))


def test_genes_of_the_simulator_and_numbers_as_text_may_be_given():
    genome = seed("ema_crossover", fast="5", stop=0.05, sizing="risk")
    assert dict(genome.genes) == {"fast": 5.0, "slow": 21.0, "stop": 0.05, "sizing": 1.0}
    check(genome)


@pytest.mark.requirement("S4-24.17")
@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("ema_crossover", {"fast": 50, "slow": 20}),
        ("sma_trend", {"fast": 200, "slow": 50}),
        ("atr_stop", {"fast": 30, "slow": 30}),
        ("momentum_confluence", {"fast": 30, "slow": 20}),
        ("rsi_filter", {"oversold": 60, "overbought": 40}),
        ("stochastic", {"oversold": 80, "overbought": 20}),
        ("vwap_reversion", {"k": 1.0, "exit": 2.0}),
        ("funding_carry", {"threshold": 0.0001, "exit": 0.001}),
        ("fibonacci", {"trend_weight": 0.0, "volume_weight": 0.0}),
    ],
)
def test_parameters_that_make_no_sense_give_no_signals(name, bad):
    for kind in ("bull", "volatile"):
        entry_long, _, entry_short, _ = levels(name, SCENARIOS[kind], **bad)
        assert not entry_long.any()
        assert not entry_short.any()


@pytest.mark.requirement("S4-24.11")
def test_a_market_without_funding_never_fires_and_says_why_beforehand():
    plain = bars(*range(100, 130))
    assert missing_columns("funding_carry", plain) == ("funding",)
    assert (
        missing_columns("funding_carry", SCENARIOS["bull"]) == missing_columns("ema_crossover", plain) == ()
    )
    assert not any(side.any() for side in levels("funding_carry", plain))


@pytest.mark.requirement("S4-5.4")
@pytest.mark.parametrize("name", WITH_CONDITIONS)
def test_a_flat_market_is_never_entered(name):
    n = 500
    steady, uneven = np.ones(n), 1.0 + np.random.default_rng(0).random(n)
    flat = np.full(n, 100.0)
    at = np.arange(n, dtype=np.int64) * 3_600
    for volume in (steady, uneven):
        still = market("X/Y", at, 3_600, (flat, flat, flat, flat, volume), funding=np.zeros(n))
        entry_long, _, entry_short, _ = levels(name, still)
        assert not entry_long.any()
        assert not entry_short.any()


@pytest.mark.requirement("S4-5.4")
@pytest.mark.parametrize("name", FOLLOWING)
def test_a_market_that_only_rises_is_followed_up_and_never_shorted(name):
    """Falls first, so that a crossing can happen at all."""
    rising = path(np.concatenate([np.linspace(110, 100, 300), 100 * 1.002 ** np.arange(700)]))
    entry_long, _, entry_short, _ = levels(name, rising)
    assert entry_long[300:].any()
    assert not entry_short[560:].any()


@pytest.mark.requirement("S4-5.4")
@pytest.mark.parametrize("name", LEANING)
def test_an_oscillating_market_is_bought_low_and_sold_high(name):
    closes = 100.0 + 5.0 * np.sin(2 * np.pi * np.arange(600) / 48.0)
    entry_long, _, entry_short, _ = levels(
        name, path(closes), **({"k": 1.2} if name == "vwap_reversion" else {})
    )
    assert entry_long.any()
    assert entry_short.any()
    assert closes[entry_long].mean() < 100.0 < closes[entry_short].mean()


@pytest.mark.requirement("S4-27.7")
@pytest.mark.parametrize("kind", SCENARIOS)
@pytest.mark.parametrize("name", WITH_CONDITIONS)
def test_no_market_makes_a_seed_contradict_itself(name, kind):
    entry_long, _, entry_short, _ = levels(name, SCENARIOS[kind])
    assert not (entry_long & entry_short).any()
    result = backtest(SCENARIOS[kind], seed(name))
    assert np.isfinite(result.equity).all()
    assert (result.equity > 0.0).all()


@pytest.mark.requirement("S4-27.7")
@pytest.mark.parametrize("kind", ["bull", "bear", "breakout"])
@pytest.mark.parametrize("name", FOLLOWING)
def test_what_follows_is_on_the_side_of_the_trend(name, kind):
    entry_long, _, entry_short, _ = levels(name, SCENARIOS[kind])
    with_it, against = (entry_short, entry_long) if kind == "bear" else (entry_long, entry_short)
    half = slice(SCENARIOS[kind].size // 2, None)
    if name in {"ema_crossover", "atr_stop"}:  # crossings alternate; what they hold does not
        position = backtest(SCENARIOS[kind], seed(name), FREE).position
        assert position.mean() < 0.0 if kind == "bear" else position.mean() > 0.0
    else:
        assert with_it[half].sum() > against[half].sum()


@pytest.mark.requirement("S4-27.7")
@pytest.mark.parametrize("name", ["sma_trend", "volatility_scaling", "donchian_breakout"])
@pytest.mark.parametrize("kind", ["bull", "bear", "breakout"])
def test_following_a_trend_pays_where_there_is_one(name, kind):
    assert backtest(SCENARIOS[kind], seed(name), FREE).equity[-1] > 10_000.0


@pytest.mark.requirement("S4-27.7", "S1-5.2")
@pytest.mark.parametrize("name", ["rsi_filter", "mean_reversion_setup", "vwap_reversion"])
def test_leaning_pays_where_prices_come_back(name):
    assert backtest(SCENARIOS["sideways"], seed(name), FREE).equity[-1] > 10_000.0


@pytest.mark.requirement("S4-27.7")
@pytest.mark.parametrize("name", WITH_CONDITIONS)
def test_a_wild_market_is_traded_on_both_sides(name):
    entry_long, _, entry_short, _ = levels(name, SCENARIOS["volatile"])
    assert entry_long.any()
    assert entry_short.any()


@pytest.mark.requirement("S4-5.1")
@given(name=st.sampled_from(WITH_CONDITIONS), cut=st.integers(300, 1_400))
def test_signals_of_the_past_ignore_the_future(name, cut):
    whole = SCENARIOS["volatile"]
    columns = whole.columns.copy()
    columns[:6, cut:] *= 1.7
    tampered = type(whole)(whole.symbol, whole.open_s, whole.bar_s, columns)
    for before, after in zip(levels(name, whole), levels(name, tampered), strict=True):
        np.testing.assert_array_equal(before[:cut], after[:cut])


@given(factor=st.sampled_from([1e-6, 0.01, 2.0**10, 1e6]), name=st.sampled_from(WITH_CONDITIONS))
def test_the_unit_of_prices_does_not_matter(factor, name):
    """Quoted in cents or millions: the same bars, but for ties of rounding."""
    whole = SCENARIOS["bull"]
    columns = whole.columns.copy()
    columns[:4] *= factor
    columns[5] *= factor
    scaled = type(whole)(whole.symbol, whole.open_s, whole.bar_s, columns)
    for before, after in zip(levels(name, whole), levels(name, scaled), strict=True):
        assert (before != after).mean() < 0.005


def test_reading_the_library_imports_nothing_heavy():
    code = (
        "import sys, genome.seeds as s; [s.seed(n) for n in s.SEEDS];"
        "print(sorted({'numba', 'sklearn', 'scipy', 'pandas'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


def test_names_of_parameters_are_textbook_ones():
    assert [spec.name for spec in SEEDS["ema_crossover"].genes] == ["fast", "slow"]
    assert {"period", "oversold", "overbought"} < {spec.name for spec in SEEDS["rsi_filter"].genes}
    for one in SEEDS.values():
        for spec in one.genes:
            assert spec.name not in GENES or (spec.low, spec.high) == (
                GENES[spec.name].low,
                GENES[spec.name].high,
            )
