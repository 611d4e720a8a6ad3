"""What every kernel owes: the same bits however a history is cut, no look ahead, void bars passed over, no surprises."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.indicators import advance_any, code_of, columns_read, compute, ema_many, kernel, state_size
from genome.vocabulary import COLUMN_INDEX, MOST_BARS, WORDS
from organism.errors import BadInput
from tests.genome.indicators.worlds import (
    ALL,
    NEED_VOLUME,
    SINGLE,
    copied,
    cut,
    name_of,
    parameters,
    walk,
)

WORLD = walk(300, seed=11, bar_s=5 * 3_600, void=0.05, silent=0.05, missing=0.05)
every_word = pytest.mark.parametrize(("name", "params"), ALL, ids=name_of)


def by_pieces(name, params, world, cuts, advance=None):
    """Results of a kernel called once for each piece of the history."""
    advance = advance or kernel(name)
    p, state = np.array(params), np.zeros(state_size(name, params))
    close, pieces = world.column("close"), []
    edges = [0, *sorted(cuts), world.size]
    for begin, end in itertools.pairwise(edges):
        out = np.empty(end - begin)
        advance(p, state, close[begin:end].copy(), world.columns, world.open_s, begin, out)
        pieces.append(out)
    return np.concatenate(pieces)


@every_word
def test_bar_by_bar_gives_the_bits_of_the_whole(name, params):
    whole = compute(name, params, WORLD)

    assert np.isfinite(whole).any()
    assert by_pieces(name, params, WORLD, range(1, WORLD.size)).tobytes() == whole.tobytes()


@every_word
@given(cuts=st.lists(st.integers(0, WORLD.size), max_size=8))
def test_any_cut_gives_the_bits_of_the_whole(name, params, cuts):
    assert by_pieces(name, params, WORLD, cuts).tobytes() == compute(name, params, WORLD).tobytes()


@pytest.mark.parametrize("name", ["sma", "wma", "bb_z", "volume_trend", "poc", "vwap", "volatility_ratio"])
def test_sums_are_made_anew_at_the_same_bars_however_the_history_is_cut(name):
    long = walk(5_000, seed=12, void=0.02)
    params = tuple(float(p.default) for p in WORDS[name].parameters)

    whole = compute(name, params, long)

    assert (
        by_pieces(name, params, long, [1, 1_000, 1_030, 2_047, 2_048, 2_049, 4_500]).tobytes()
        == whole.tobytes()
    )


@every_word
def test_by_number_gives_the_bits_of_by_name(name, params):
    code = code_of(name)

    def advance(*rest):
        advance_any(code, *rest)

    assert (
        by_pieces(name, params, WORLD, [7, 8, 200], advance).tobytes()
        == compute(name, params, WORLD).tobytes()
    )


def test_a_number_that_no_kernel_stands_behind_is_refused():
    for code in (-1, len(WORDS) + 3, 127, 128, 10**9):
        with pytest.raises(ValueError, match="code_of"):
            advance_any(code, *(np.zeros(1),) * 3, WORLD.columns, WORLD.open_s, 0, np.zeros(1))


def test_numbers_are_the_order_of_the_vocabulary():
    assert [code_of(name) for name in SINGLE] == [list(WORDS).index(name) for name in SINGLE]


@pytest.mark.requirement("S4-5.1")
@every_word
def test_the_past_ignores_the_future(name, params):
    whole = compute(name, params, WORLD)

    for size in (1, 50, 150, 299):
        tampered = WORLD.columns.copy()
        tampered[:, size:] *= 7.0
        np.testing.assert_array_equal(compute(name, params, copied(WORLD, tampered))[:size], whole[:size])
        np.testing.assert_array_equal(compute(name, params, cut(WORLD, min(size, WORLD.size))), whole[:size])


@every_word
def test_a_void_bar_has_no_value_and_leaves_no_trace(name, params):
    clean = walk(120, seed=13)
    at = (0, 1, 30, 31, 90)
    opens = ("open", "high", "low", "close")
    holed = np.insert(clean.columns, at, 50.0, axis=1)
    voids = [t + i for i, t in enumerate(at)]
    for i, t in enumerate(voids):
        holed[COLUMN_INDEX[opens[i % 4]], t] = np.nan
    world = copied(walk(125), holed)
    # Anchors look at the time, so the bars that count must keep theirs.
    world.open_s[np.setdiff1d(np.arange(125), voids)] = clean.open_s

    got = compute(name, params, world)

    assert np.isnan(got[voids]).all()
    assert np.delete(got, voids).tobytes() == compute(name, params, clean).tobytes()


@pytest.mark.parametrize("name", [n for n in SINGLE if WORDS[n].takes_source])
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_source_that_is_no_number_is_passed_over(name, hole):
    world = walk(120, seed=14)
    source = world.column("close").copy()
    source[[0, 40, 41, 99]] = hole
    kept = np.isfinite(source)

    got = compute(name, parameters(name), world, source)

    assert np.isnan(got[~kept]).all()
    shorter = compute(name, parameters(name), cut(world, int(kept.sum())), source[kept].copy())
    assert got[kept].tobytes() == shorter.tobytes()


@every_word
def test_long_stretches_without_a_void_bar_give_the_bits_of_bar_by_bar(name, params):
    long = walk(1_500, seed=19, bar_s=5 * 3_600, void=0.004)
    clean = np.diff(np.flatnonzero(np.r_[True, np.isnan(long.column("close")), True]))
    assert clean.max() > 300  # longer than a run is looked at, and than what is looked at in one glance
    assert ((clean > 70) & (clean < 250)).any()

    whole = compute(name, params, long)

    assert by_pieces(name, params, long, range(1, long.size)).tobytes() == whole.tobytes()
    assert by_pieces(name, params, long, [63, 64, 65, 130, 255, 256, 257, 600]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", [n for n in SINGLE if WORDS[n].takes_source])
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 63, 64, 127, 128, 255, 256, 599])
def test_one_value_that_is_no_number_is_seen_wherever_it_stands_in_a_long_history(name, hole, at):
    world = walk(600, seed=20)
    source = world.column("close").copy()
    source[at] = hole

    got = compute(name, parameters(name), world, source)

    assert np.isnan(got[at])
    rest = compute(name, parameters(name), cut(world, 599), np.delete(source, at))
    assert np.delete(got, at).tobytes() == rest.tobytes()


@pytest.mark.parametrize("name", NEED_VOLUME)
def test_a_bar_without_a_volume_is_passed_over_by_words_of_volume_alone(name):
    world = walk(120, seed=15)
    columns = world.columns.copy()
    columns[COLUMN_INDEX["volume"], 60] = np.nan

    got = compute(name, parameters(name), copied(world, columns))

    assert np.isnan(got[60])
    assert np.isfinite(got[61:]).all()
    assert "volume" in columns_read(name)
    assert np.isfinite(compute("sma", (5.0,), copied(world, columns))[60])


@every_word
def test_nothing_has_a_value_before_its_lookback_and_what_can_has_one_at_it(name, params):
    world = walk(200, seed=16)
    first = WORDS[name].lookback(params)

    got = compute(name, params, world)

    assert np.isnan(got[:first]).all()
    if name not in ("swing_high", "swing_low", "fibonacci"):  # those wait for a swing
        assert np.isfinite(got[first:]).all()


@every_word
def test_a_market_of_one_bar_and_one_of_void_bars_alone_are_no_trouble(name, params):
    one = compute(name, params, walk(1))

    assert one.size == 1
    assert np.isnan(one[0]) == (WORDS[name].lookback(params) > 0)
    assert np.isnan(compute(name, params, walk(30, void=1.0))).all()


CONSTANT = {
    **dict.fromkeys(("sma", "ema", "wma", "bb_upper", "bb_lower", "donchian_upper", "donchian_lower", "resistance", "support", "highest", "lowest", "vwap", "vwap_upper", "vwap_lower", "ichimoku_conversion", "ichimoku_base", "ichimoku_span_a", "ichimoku_span_b", "lag", "poc", "value_area_high", "value_area_low"), 0.1),
    **dict.fromkeys(("rsi", "macd", "macd_signal", "macd_histogram", "bb_width", "bb_z", "zscore", "true_range", "atr", "vwap_z", "stoch_k", "stoch_d", "roc", "volatility", "volume_trend", "gap"), 0.0),
    "volatility_percentile": 0.5, "volatility_ratio": np.nan, "volume_ratio": 1.0,
    "swing_high": np.nan, "swing_low": np.nan, "fibonacci": np.nan, "obv": 0.3,
}  # fmt: skip
"""What a market at 0.1 with volume 0.3 gives: exactly that, though no binary number is 0.1."""


@every_word
@pytest.mark.parametrize("size", [150, 3_000])
def test_a_market_that_stands_still_gives_exact_values(name, params, size):
    columns = np.full((11, size), 0.1)
    columns[COLUMN_INDEX["volume"]] = 0.3

    got = compute(name, params, copied(walk(size), columns))[WORDS[name].lookback(params) :]

    assert set(got.tolist()) == {CONSTANT[name]} or (np.isnan(CONSTANT[name]) and np.isnan(got).all())


@every_word
def test_the_longest_windows_fit_their_memory(name, params):
    longest = tuple(
        MOST_BARS if p.high == MOST_BARS else v for p, v in zip(WORDS[name].parameters, params, strict=True)
    )
    world = walk(2_100, seed=17)
    longest = tuple(float(v) for v in longest)
    size = state_size(name, longest)
    guard = np.full(size + 64, 1.25)
    guard[:size] = 0.0

    kernel(name)(
        np.array(longest),
        guard[:size],
        world.column("close").copy(),
        world.columns,
        world.open_s,
        0,
        np.empty(world.size),
    )

    assert (guard[size:] == 1.25).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: compute("smaa", (3.0,), WORLD), "no indicator 'smaa'"),
        (lambda: compute("sma", (), WORLD), "takes 1: n"),
        (lambda: compute("sma", (0.0,), WORLD), "n was 0; it lies from 1 to 2000"),
        (lambda: compute("sma", (1e9,), WORLD), "it lies from 1 to 2000"),
        (lambda: compute("sma", (np.nan,), WORLD), "n was nan"),
        (lambda: compute("sma", (2.5,), WORLD), "n was 2.5; it is a whole number"),
        (lambda: compute("atr", (3.0,), WORLD, WORLD.column("high")), "takes no source"),
        (lambda: compute("sma", (3.0,), WORLD, "closing"), "no column 'closing'"),
        (lambda: compute("sma", (3.0,), WORLD, np.zeros(3)), "shape"),
        (lambda: compute("momentum_rank", (3.0,), WORLD), "panel"),
        (lambda: state_size("momentum_rank", (3.0,)), "panel"),
        (lambda: state_size("sma", (10.0**12,)), "n was 1e\\+12"),
        (lambda: columns_read("nothing"), "no indicator"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence(call, says):
    with pytest.raises(BadInput, match=says):
        call()


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=70),
    st.lists(st.integers(0, 300), max_size=4),
    st.lists(st.integers(0, 299), max_size=5),
)
def test_many_averages_at_once_are_bit_for_bit_the_single_ones(windows, cuts, holes):
    world = walk(300, seed=18)
    x = world.column("close").copy()
    x[holes] = np.nan
    out, states = np.empty((len(windows), x.size)), np.zeros((len(windows), 2))
    edges = [0, *sorted(cuts), x.size]

    for begin, end in itertools.pairwise(edges):
        piece = np.empty((len(windows), end - begin))
        ema_many(np.array(windows, dtype=np.float64), states, x[begin:end].copy(), piece)
        out[:, begin:end] = piece

    for window, row, state in zip(windows, out, states, strict=True):
        assert row.tobytes() == compute("ema", (float(window),), world, x).tobytes()
        assert state[0] == np.isfinite(x).sum()


def test_the_package_is_imported_without_compiling_anything():
    code = (
        "import numba, time; t = time.perf_counter(); import genome.indicators as g, genome.indicators.averages as a;"
        "print(time.perf_counter() - t, len(a.sma.overloads))"
    )
    took, compiled = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert compiled == "0"
    assert float(took) < 2.0  # 0.05 s on an idle machine
    light = "import sys, genome.vocabulary, genome.trees; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", light], check=False).returncode == 0


def test_caches_of_kernels_are_stamped_with_all_their_sources():
    from genome import jit
    from genome.indicators import averages

    assert averages.sma._cache._cache_file._source_stamp[1] == jit.stamp()
