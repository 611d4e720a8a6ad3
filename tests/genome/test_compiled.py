"""A compiled genome lives as it was simulated: forecast for forecast, also over a stored and reloaded memory."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.checking import effective
from genome.compiled import compiled
from genome.costs import Costs
from genome.founders import StrategyState, build
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import market as make_market
from genome.simulator import backtest
from genome.strategy import Strategy
from organism.errors import BadInput
from organism.market import Bar

BAR_S = 300
T = 900


@pytest.fixture(scope="module")
def path():
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(size=T) * 4e-3))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=T)) * 2e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=T)) * 2e-3)
    volume = np.exp(rng.normal(size=T))
    at = 1_704_067_200 + np.arange(T, dtype=np.int64) * BAR_S
    return make_market("X/USD", at, BAR_S, (opened, high, low, close, volume))


def bars_of(market):
    columns = [market.column(n) for n in ("open", "high", "low", "close", "volume")]
    return [
        Bar("X/USD", int(s) * 10**9, int(s + BAR_S) * 10**9, *map(float, row))
        for s, *row in zip(market.open_s, *columns, strict=True)
    ]


def genome(
    genes=(), short=True, long="ema(5) crosses_above ema(12) and volume_ratio(10) > 0.3", out="close < sma(9)"
):
    return Genome(
        family="t",
        entry_long=parse_condition(long),
        exit_long=parse_condition(out),
        entry_short=parse_condition("ema(5) crosses_below ema(12) and rsi(14) > 30") if short else None,
        exit_short=parse_condition("close > sma(9)") if short else None,
        genes=tuple(sorted(genes)),
    )


def lived(strategy, bars, state=None):
    state, told = strategy.initial() if state is None else state, []
    for bar in bars:
        state, forecast = strategy.step(state, bar)
        told.append(forecast)
    return state, told


def sides(result):
    """Side after the open of each bar."""
    held = np.zeros(T)
    at_opens = {"signal", "reversal", "hold", "drawdown"}
    for trade in result.trades:
        end = trade.exit_bar + (trade.reason not in at_opens)
        held[trade.entry_bar : T if trade.reason == "end" else end] = trade.side
    return held


@pytest.mark.parametrize(
    "genes",
    [
        (),
        (("stop", 0.01), ("target", 0.02)),
        (("trailing", 0.01), ("maximum_hold", 7.0)),
        (("stop_atr", 1.5), ("atr_period", 5.0), ("cool_down", 4.0)),
        (("drawdown_stop", 0.05), ("stop", 0.02)),
    ],
    ids=["signals", "stop and target", "trailing and hold", "atr stop and cool-down", "drawdown stop"],
)
def test_what_was_simulated_is_what_lives(path, genes):
    costs = Costs(half_spread=0.0002)  # levels lie at fractions of the fill, so slippage moves stops
    strategy = compiled(genome(genes), BAR_S, costs)
    result = backtest(path, genome(genes), costs)
    _, told = lived(strategy, bars_of(path))
    known = [t for t in range(T - 1) if not math.isnan(told[t])]
    assert len(result.trades) > 3
    assert [np.sign(told[t]) for t in known] == list(sides(result)[1:][known])


@given(st.integers(1, T - 1))
def test_a_memory_can_be_stored_and_carried_on(path, cut):
    strategy = compiled(genome((("stop", 0.01),)), BAR_S)
    bars = bars_of(path)[: cut + 20]
    whole, told = lived(strategy, bars)
    half, first = lived(strategy, bars[:cut])
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(half), type=StrategyState)
    after, second = lived(strategy, bars[cut:], kept)
    assert after == whole
    np.testing.assert_array_equal(first + second, told)


@pytest.mark.parametrize(
    "changed",
    [{"layout": "0" * 16}, {"layout": ""}, {"memory": b""}, {"memory": bytes(8)}],
    ids=["other kernels", "before stamps", "nothing", "too short"],
)
def test_a_memory_of_other_kernels_is_not_read_and_warms_up_again(path, changed):
    strategy = compiled(genome((("stop", 0.01),)), BAR_S)
    bars = bars_of(path)
    cut = 2 * strategy.warmup_bars
    half, told = lived(strategy, bars[:cut])
    assert not math.isnan(told[-1])
    after, again = lived(strategy, bars[cut : 2 * cut], msgspec.structs.replace(half, **changed))
    fresh, anew = lived(strategy, bars[cut : 2 * cut])
    assert after == fresh
    np.testing.assert_array_equal(again, anew)
    assert math.isnan(again[0])


def test_warming_up_says_nan_and_then_numbers_only(path):
    strategy = compiled(genome(), BAR_S)
    _, told = lived(strategy, bars_of(path))
    assert all(math.isnan(x) for x in told[: strategy.warmup_bars - 1])
    assert all(-1.0 <= x <= 1.0 for x in told[strategy.warmup_bars - 1 :])


def test_a_void_bar_decides_nothing_and_hurts_nothing(path):
    strategy = compiled(genome(), BAR_S)
    bars = bars_of(path)
    nan = math.nan
    void = msgspec.structs.replace(bars[300], open=nan, high=nan, low=nan, close=nan)
    _, told = lived(strategy, [*bars[:300], void, *bars[301:400]])
    assert not any(math.isnan(x) for x in told[60:])


def test_the_size_rule_scales_the_forecast(path):
    small = compiled(genome((("size", 0.25),)), BAR_S)
    _, told = lived(small, bars_of(path))
    assert {abs(x) for x in told if not math.isnan(x)} == {0.0, 0.25}


def test_the_brain_can_live_by_a_seed(path):
    strategy = build("ema_crossover", (("fast", 5.0), ("slow", 20.0)))
    assert isinstance(strategy, Strategy)
    assert strategy.family == "ema_crossover"
    _, told = lived(strategy, bars_of(path))
    assert {-1.0, 1.0} & set(told)


def test_what_a_bar_does_not_carry_is_refused():
    with pytest.raises(BadInput, match="funding, which bars do not carry"):
        compiled(genome(short=False, long="funding > 0"))
    with pytest.raises(BadInput, match="compares assets"):
        compiled(genome(short=False, long="momentum_rank(20) > 0.5"))


def test_effective_and_named_constants_compile_alike(path):
    named = Genome(
        family="t", entry_long=parse_condition("ema(fast) > ema(slow)"), genes=(("fast", 5.0), ("slow", 20.0))
    )
    _, one = lived(compiled(named, BAR_S), bars_of(path)[:100])
    _, two = lived(compiled(effective(named), BAR_S), bars_of(path)[:100])
    np.testing.assert_array_equal(one, two)
