"""The founders: when they speak, and that they see no future."""

import math
import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.founders import FAMILIES, StrategyState, build, founders
from genome.strategy import Strategy
from genome.windows import Extremes, Sums, added, widened
from organism.errors import BadInput
from organism.market import Bar

# Short windows, so that examples can be worked out by hand.
SHORT = {
    "ema_trend": (("fast", 2.0), ("slow", 4.0)),
    "rsi_reversion": (("period", 3.0),),
    "donchian_breakout": (("entry", 4.0), ("exit", 2.0)),
    "vwap_reversion": (("entry", 1.2), ("window", 4.0)),
}


def bars(closes, volume=1.0):
    return [Bar("X/Y", n, n + 1, c, c, c, c, volume) for n, c in enumerate(closes)]


def forecasts(strategy, some):
    state, out = strategy.initial(), []
    for bar in some:
        state, forecast = strategy.step(state, bar)
        out.append(forecast)
    return out


def same(a, b):
    return len(a) == len(b) and all(
        x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b, strict=True)
    )


def wandering(n, seed):
    rng, out, close = random.Random(seed), [], 100.0
    for at in range(n):
        opened, close = close, close * math.exp(rng.gauss(0.0, 0.01))
        high, low = (
            max(opened, close) * (1 + rng.random() / 200),
            min(opened, close) * (1 - rng.random() / 200),
        )
        out.append(
            Bar("X/Y", at, at + 1, opened, high, low, close, rng.random() * 10 * (rng.random() > 0.05))
        )
    return out


candles = st.tuples(st.integers(0, 10_000), st.integers(5, 60)).map(lambda a: wandering(a[1], a[0]))


@pytest.mark.requirement("S0-0.2")
@pytest.mark.requirement("S1-5.6")
def test_there_are_four_founders_of_four_families_and_they_are_strategies():
    named = founders()

    assert [s.family for _, s in named] == list(FAMILIES)
    assert len(FAMILIES) >= 4
    assert all(isinstance(s, Strategy) for _, s in named)
    assert all(identity.startswith(f"{s.family}_0_") for identity, s in named)
    assert len({identity for identity, _ in named}) == len(named)


def test_every_founder_is_warm_within_the_default_warm_up():
    assert max(s.warmup_bars for _, s in founders()) <= 500


@pytest.mark.parametrize("family", FAMILIES)
@given(some=candles)
def test_forecasts_are_bounded_and_nan_exactly_while_warming_up(family, some):
    strategy = build(family, SHORT[family])
    out = forecasts(strategy, some)

    for n, forecast in enumerate(out, 1):
        assert math.isnan(forecast) == (n < strategy.warmup_bars)
        assert math.isnan(forecast) or -1.0 <= forecast <= 1.0


@pytest.mark.parametrize("family", FAMILIES)
@given(some=candles, cut=st.integers(0, 59), factor=st.sampled_from([0.1, 7.0]))
def test_the_past_ignores_the_future(family, some, cut, factor):
    """Changing bars after t, or leaving them away, never changes the forecast at t."""
    strategy = build(family, SHORT[family])
    changed = [
        b if n < cut else Bar(b.symbol, b.open_ns, b.close_ns, b.open * factor, b.high * factor, b.low * factor,
                              b.close * factor, b.volume + 1.0)
        for n, b in enumerate(some)
    ]  # fmt: skip
    whole = forecasts(strategy, some)

    assert same(forecasts(strategy, changed)[:cut], whole[:cut])
    assert same(forecasts(strategy, some[:cut]), whole[:cut])


@pytest.mark.parametrize("family", FAMILIES)
@given(some=candles, cut=st.integers(0, 59))
def test_a_state_goes_through_a_snapshot_and_goes_on_as_if_nothing_had_been(family, some, cut):
    strategy = build(family, SHORT[family])
    state = strategy.initial()
    for bar in some[:cut]:
        state, _ = strategy.step(state, bar)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=StrategyState)

    assert again == state
    for bar in some[cut:]:
        state, one = strategy.step(state, bar)
        again, other = strategy.step(again, bar)
        assert same([one], [other])


@pytest.mark.requirement("S4-5.4")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_market_that_stands_still_is_no_opinion(family):
    out = forecasts(build(family, SHORT[family]), bars([100.0] * 30))

    assert {f for f in out if not math.isnan(f)} == {0.0}


@pytest.mark.requirement("S4-5.1")
@pytest.mark.requirement("S4-24.3")
def test_donchian_breaks_out_of_the_channel_of_the_bars_before():
    """Channel of four bars 10, 12, 11, 9: 12 only touches it, 12.1 breaks it; 13.4 < 13.5, 14: out."""
    strategy = build("donchian_breakout", SHORT["donchian_breakout"])
    out = forecasts(strategy, bars([10, 12, 11, 9, 12, 12.1, 13, 14, 13.5, 13.4]))

    assert out[4:] == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.requirement("S4-5.3")
def test_donchian_proves_that_it_can_signal():
    """Twenty bars at 100, then 101 to 120: every rising bar is a breakout; none would be a broken channel."""
    strategy = build("donchian_breakout", (("entry", 20.0), ("exit", 10.0)))
    out = forecasts(strategy, bars([100.0] * 20 + [float(p) for p in range(101, 121)]))

    assert out[20:] == [1.0] * 20
    assert forecasts(strategy, bars([100.0] * 20 + [float(p) for p in range(99, 79, -1)]))[20:] == [-1.0] * 20


@pytest.mark.requirement("S4-5.2")
def test_donchian_asks_for_a_break_by_the_threshold():
    strategy = build("donchian_breakout", (("entry", 4.0), ("exit", 2.0), ("threshold", 0.01)))

    assert forecasts(strategy, bars([100.0] * 4 + [101.0]))[-1] == 0.0
    assert forecasts(strategy, bars([100.0] * 4 + [101.1]))[-1] == 1.0
    assert forecasts(strategy, bars([100.0] * 4 + [98.9]))[-1] == -1.0


@pytest.mark.requirement("S4-24.4")
@pytest.mark.requirement("S2-0.20")
def test_rsi_is_wilders_and_buys_what_fell_until_the_middle_is_reached():
    """Period 3. Changes −1, −1, −1: G = 0, L = 1, RSI 0. Then +2.5: G = 5/6, L = 2/3, RSI 55.6: out."""
    strategy = build("rsi_reversion", SHORT["rsi_reversion"])
    out = forecasts(strategy, bars([10, 9, 8, 7, 9.5]))

    assert [math.isnan(f) for f in out] == [True, True, True, False, False]
    assert out[3:] == [1.0, 0.0]


def test_rsi_sells_what_rose_and_ignores_what_did_neither():
    strategy = build("rsi_reversion", SHORT["rsi_reversion"])

    assert forecasts(strategy, bars([10, 11, 12, 13]))[-1] == -1.0
    assert forecasts(strategy, bars([10, 11, 10, 11, 10, 11]))[3:] == [0.0, 0.0, 0.0]


@pytest.mark.requirement("S4-24.2")
@pytest.mark.requirement("S1-5.1")
def test_ema_trend_is_the_difference_of_its_averages_in_units_of_volatility():
    """Closes 100, 110, 121, 133.1 (10 % each): worked out step by step."""
    closes = [100.0, 110.0, 121.0, 133.1]
    fast = slow = closes[0]
    for close in closes[1:]:
        fast += 2 / 3 * (close - fast)
        slow += 2 / 5 * (close - slow)
    gain = 0.01
    expected = gain * (fast - slow) / (133.1 * 0.1 * math.sqrt(4.0))
    strategy = build("ema_trend", (*SHORT["ema_trend"], ("gain", gain)))

    assert forecasts(strategy, bars(closes))[-1] == pytest.approx(expected, rel=1e-9)


def test_ema_trend_follows_up_and_down_alike():
    strategy = build("ema_trend", SHORT["ema_trend"])

    assert forecasts(strategy, bars([100 * 1.01**n for n in range(20)]))[-1] > 0.3
    assert forecasts(strategy, bars([100 * 0.99**n for n in range(20)]))[-1] < -0.3


@pytest.mark.requirement("S4-24.9")
def test_vwap_buys_far_below_the_average_price_until_it_is_back():
    """Window 4, volume 1. 100, 100, 100, 90: VWAP 97.5, s = √18.75 = 4.33, z = −1.73: in. Then 97: VWAP 96.75: out."""
    strategy = build("vwap_reversion", SHORT["vwap_reversion"])
    out = forecasts(strategy, bars([100.0, 100.0, 100.0, 90.0, 95.0, 97.0]))

    assert out[3:] == [1.0, 1.0, 0.0]


def test_vwap_weighs_by_volume_and_a_market_without_volume_is_no_opinion():
    strategy = build("vwap_reversion", SHORT["vwap_reversion"])

    assert forecasts(strategy, bars([100.0, 120.0, 80.0, 300.0], volume=0.0))[-1] == 0.0


@given(
    values=st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1e6)), min_size=1, max_size=60),
    n=st.integers(1, 12),
)
def test_windows_are_what_a_slice_of_the_last_n_would_give(values, n):
    extremes, sums = Extremes(), Sums()
    for at, (price, volume) in enumerate(values, 1):
        extremes = widened(extremes, price, -price, n)
        sums = added(sums, price, volume, n)
        last = values[max(0, at - n) : at]
        assert extremes.upper == max(p for p, _ in last)
        assert extremes.lower == -extremes.upper
        expected = (
            math.fsum(v for _, v in last), math.fsum(p * v for p, v in last), math.fsum(p * p * v for p, v in last)
        )  # fmt: skip
        assert sums.totals == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_founders_change_their_minds_seldom_enough_for_fees():
    """On two days of a random walk no founder turns its position over more than a dozen times."""
    walk = wandering(1_100, 5)
    for identity, strategy in founders():
        out = [f for f in forecasts(strategy, walk) if not math.isnan(f)]
        turnover = sum(abs(b - a) for a, b in pairwise(out))
        assert turnover < 12, identity


@pytest.mark.parametrize(
    ("family", "genes", "word"),
    [
        ("nothing", (), "ema_trend"),
        ("ema_trend", (("speed", 3.0),), "fast"),
        ("ema_trend", (("fast", 900.0),), "fast < slow"),
        ("rsi_reversion", (("oversold", 60.0),), "oversold"),
        ("rsi_reversion", (("period", float("nan")),), "finite"),
        ("donchian_breakout", (("exit", 500.0),), "exit <= entry"),
        ("vwap_reversion", (("entry", 0.0),), "exit < entry"),
    ],
)
def test_genes_that_make_no_strategy_are_refused_by_name(family, genes, word):
    with pytest.raises(BadInput, match=word):
        build(family, genes)
