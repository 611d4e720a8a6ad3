"""Every word is what its definition says: against plain Python, against TA-Lib, against pandas."""

import numpy as np
import pandas as pd
import pytest
import talib

from genome.indicators import compute, kernel
from genome.vocabulary import WORDS
from organism.errors import BadInput
from tests.genome.indicators.naive import naive
from tests.genome.indicators.worlds import ALL, DAY, SINGLE, name_of, walk

close_to = np.testing.assert_allclose


@pytest.mark.requirement("S2-0.2")
@pytest.mark.parametrize(("name", "params"), ALL, ids=name_of)
@pytest.mark.parametrize("bar_s", [3_600, 7 * 3_600], ids=["1h", "7h"])
def test_a_word_is_what_its_definition_says(name, params, bar_s):
    world = walk(220, seed=3, bar_s=bar_s, void=0.05, silent=0.05)

    ours = compute(name, params, world)

    assert np.isfinite(ours).any()
    close_to(ours, naive(name, params, world), rtol=1e-9, atol=1e-9)


def test_there_is_one_kernel_a_word_and_panels_say_what_they_need():
    assert len(SINGLE) >= 15
    for name, word in WORDS.items():
        if word.panel:
            with pytest.raises(BadInput, match="panel"):
                kernel(name)
        else:
            assert kernel(name).__name__.startswith(name)


N = 6_000
TIMES = (14, 20, 55, 200)


def _talib(name, p, w):
    h, low, c, v = (w.column(k).copy() for k in ("high", "low", "close", "volume"))
    n = int(p[0]) if p else 0
    match name:
        case "sma":
            return talib.SMA(c, n)
        case "wma":
            return talib.WMA(c, n)
        case "rsi":
            return talib.RSI(c, n)
        case "atr":
            return talib.ATR(h, low, c, n)
        case "bb_upper":
            return talib.BBANDS(c, n, p[1], p[1])[0]
        case "bb_lower":
            return talib.BBANDS(c, n, p[1], p[1])[2]
        case "highest":
            return talib.MAX(c, n)
        case "lowest":
            return talib.MIN(c, n)
        case "donchian_upper":
            return np.r_[np.nan, talib.MAX(h, n)[:-1]]
        case "donchian_lower":
            return np.r_[np.nan, talib.MIN(low, n)[:-1]]
        case "roc":
            return talib.ROCP(c, n)
        case "bb_z":
            return (c - talib.SMA(c, n)) / talib.STDDEV(c, n)
        case "volume_ratio":
            return v / talib.SMA(v, n)
        case "volume_trend":
            return talib.LINEARREG_SLOPE(v, n) / talib.SMA(v, n)
        case "ichimoku_base":
            return (talib.MAX(h, n) + talib.MIN(low, n)) / 2
        case "stoch_k" | "stoch_d":
            return talib.STOCH(h, low, c, n, int(p[1]), 0, int(p[2]), 0)[name == "stoch_d"]
        case "true_range":
            return talib.TRANGE(h, low, c)
        case "obv":
            return talib.OBV(c, v)
    raise AssertionError(name)


ORACLES = [
    *((name, (float(n),)) for name in ("sma", "wma", "rsi", "atr", "highest", "lowest", "donchian_upper", "donchian_lower", "roc", "bb_z", "volume_ratio", "volume_trend", "ichimoku_base") for n in TIMES),
    *((name, (n, k)) for name in ("bb_upper", "bb_lower") for n, k in ((20.0, 2.0), (20.0, 1.5), (30.0, 2.0))),
    *((name, p) for name in ("stoch_k", "stoch_d") for p in ((14.0, 3.0, 3.0), (21.0, 1.0, 5.0), (28.0, 3.0, 7.0))),
    ("true_range", ()), ("obv", ()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params"), ORACLES, ids=name_of)
def test_a_word_is_what_talib_says_from_the_same_bar_on(name, params):
    world = walk(N, seed=5, price=30_000.0)

    ours, theirs = compute(name, params, world), _talib(name, params, world)

    assert np.isnan(ours).sum() == WORDS[name].lookback(params)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    # TA-Lib sums without resynchronising: its own error is the larger one.
    close_to(ours, theirs, rtol=1e-7, atol=1e-7)


FADED = 3_000


@pytest.mark.parametrize("n", TIMES)
def test_an_exponential_average_is_talibs_where_the_seed_has_faded(n):
    world = walk(N, seed=6)

    ours, theirs = compute("ema", (n,), world), talib.EMA(world.column("close").copy(), n)

    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    close_to(ours[FADED:], theirs[FADED:], rtol=1e-10)


@pytest.mark.requirement("S1-3.2")
@pytest.mark.requirement("S4-20.12")
@pytest.mark.parametrize("params", [(12, 26, 9), (8, 21, 7), (16, 34, 12)], ids=name_of)
def test_macd_line_signal_and_histogram_begin_with_talib_and_meet_it(params):
    world = walk(N, seed=7)
    theirs = talib.MACD(world.column("close").copy(), *params)

    for name, expected in zip(("macd", "macd_signal", "macd_histogram"), theirs, strict=True):
        ours = compute(name, params, world)
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
        close_to(ours[FADED:], expected[FADED:], atol=1e-9)
    histogram = compute("macd", params, world) - compute("macd_signal", params, world)
    np.testing.assert_array_equal(compute("macd_histogram", params, world), histogram)


@pytest.mark.requirement("S1-3.1")
def test_rsi_of_a_flat_market_is_zero_as_talib_has_it_and_of_a_rising_one_a_hundred():
    flat = walk(50, step=0.0)
    rising = walk(50, step=0.0).column("close") * 1.01 ** np.arange(50)

    assert set(compute("rsi", (14,), flat)[14:]) == {0.0}
    assert set(compute("rsi", (14,), flat, rising)[14:]) == {100.0}


@pytest.mark.requirement("S4-11.12")
def test_averages_and_deviations_are_those_of_pandas():
    world = walk(3_000, seed=8)
    close = pd.Series(world.column("close"))

    close_to(compute("sma", (50,), world), close.rolling(50).mean(), rtol=1e-12)
    close_to(compute("ema", (50,), world)[49:], close.ewm(span=50, adjust=False).mean()[49:], rtol=1e-12)
    z = (close - close.rolling(50).mean()) / close.rolling(50).std()
    close_to(compute("zscore", (50,), world), z, rtol=1e-8, atol=1e-10)
    close_to(compute("volatility", (50,), world), np.log(close).diff().rolling(50).std(), rtol=1e-9)
    close_to(compute("roc", (7,), world), close.pct_change(7), rtol=1e-9, atol=1e-12)


GENES = [
    *(pytest.param("rsi", (n,), marks=pytest.mark.requirement("S4-20.1")) for n in (14, 21, 28)),
    *(pytest.param("ema", (n,), marks=pytest.mark.requirement("S4-20.2")) for n in (12, 20, 26, 50, 200)),
    *(pytest.param("roc", (n,), marks=pytest.mark.requirement("S4-20.3")) for n in (5, 10, 20)),
    *(pytest.param("bb_upper", p, marks=pytest.mark.requirement("S4-20.4")) for p in ((20, 2.0), (20, 1.5), (30, 2.0))),
    *(pytest.param("zscore", (n,), marks=pytest.mark.requirement("S4-20.5")) for n in (20, 30, 50)),
    *(pytest.param("atr", (n,), marks=pytest.mark.requirement("S4-20.7")) for n in (14, 20, 30)),
    *(pytest.param("volatility_percentile", (20, n), marks=pytest.mark.requirement("S4-20.8")) for n in (20, 30, 50)),
    *(
        pytest.param("fibonacci", (level, n, method), marks=pytest.mark.requirement("S4-20.9"))
        for level in (0.236, 0.382, 0.618, 0.786)
        for n in (20, 30, 50)
        for method in (0, 1, 2)
    ),
    *(pytest.param("donchian_upper", (n,), marks=pytest.mark.requirement("S4-20.10")) for n in (10, 20, 30, 55)),
    *(
        pytest.param("vwap_upper", (anchor, k), marks=pytest.mark.requirement("S4-20.11"))
        for anchor in (0, 1, 2)
        for k in (1.0, 1.5, 2.0)
    ),
    *(
        pytest.param("stoch_d", (k, 3, d), marks=pytest.mark.requirement("S4-20.13"))
        for k in (14, 21, 28)
        for d in (3, 5, 7)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params"), GENES, ids=name_of)
def test_the_figures_of_the_gene_pool_are_computed_as_defined(name, params):
    world = walk(330, seed=9, bar_s=DAY // 8)
    params = tuple(float(p) for p in params)

    ours = compute(name, params, world)

    assert np.isfinite(ours).any()
    close_to(ours, naive(name, params, world), rtol=1e-9, atol=1e-9)
