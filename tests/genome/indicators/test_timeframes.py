"""Indicators on longer bars: what they are computed on, and when they are seen."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.indicators import SAMPLED, advance_on, code_of, compute, seconds_of, state_size
from genome.market import market
from genome.vocabulary import COLUMN_INDEX, COLUMNS, TIMEFRAMES, WORDS
from organism.errors import BadInput
from tests.genome.indicators.worlds import ALL, DAY, HOUR, START, cut, name_of, parameters, walk
from tests.genome.making import bars

NAN = float("nan")


def longer(world, seconds):
    """Plain grouping: the market of longer bars, and for each of its bars the bar at which it is seen."""
    shift = 3 * DAY if seconds == 7 * DAY else 0
    groups, seen = {}, {}
    valid = [t for t in range(world.size) if np.isfinite(world.columns[:4, t]).all()]
    for t in valid:
        groups.setdefault((int(world.open_s[t]) + shift) // seconds, []).append(t)
    for period, members in groups.items():
        end = (period + 1) * seconds - shift
        after = [t for t in valid if t > members[-1]]
        on_time = int(world.open_s[members[-1]]) + world.bar_s >= end
        seen[period] = members[-1] if on_time else after[0] if after else None
    c = world.columns
    rows = [
        (c[0, m[0]], c[1, m].max(), c[2, m].min(), c[3, m[-1]], np.nansum(c[4, m])) for m in groups.values()
    ]
    ohlcv = tuple(np.array(column) for column in zip(*rows, strict=True))
    opens = np.array([p * seconds - shift for p in groups], dtype=np.int64)
    return market("LONG", opens, seconds, ohlcv), [seen[p] for p in groups]


def expected(name, params, world, seconds, source=None):
    big, seen = longer(world, seconds)
    values, out, value = compute(name, params, big, source), np.full(world.size, np.nan), np.nan
    shown = {t: v for t, v in zip(seen, values, strict=True) if t is not None}
    for t in range(world.size):
        value = shown.get(t, value)
        if np.isfinite(world.columns[:4, t]).all():
            out[t] = value
    return out


@pytest.mark.requirement("S2-0.18")
@pytest.mark.parametrize(("name", "params"), ALL, ids=name_of)
def test_a_word_on_longer_bars_is_the_word_of_those_bars_seen_at_their_close(name, params):
    world = walk(1_500, seed=21, void=0.05, missing=0.15)

    got = compute(name, params, world, timeframe="4h")

    assert np.isfinite(got).any()
    np.testing.assert_allclose(got, expected(name, params, world, 4 * HOUR), rtol=1e-9, atol=1e-9)


@pytest.mark.requirement("S2-0.18")
@pytest.mark.parametrize(
    ("bar_s", "timeframe"), [(60, "5m"), (60, "1h"), (300, "1h"), (300, "1d"), (HOUR, "1d"), (DAY, "1w")]
)
def test_from_minutes_to_weeks(bar_s, timeframe):
    world = walk(5_000, seed=22, bar_s=bar_s, missing=0.02, start_s=START + 5 * DAY)

    got = compute("rsi", (2.0,), world, timeframe=timeframe)

    np.testing.assert_allclose(got, expected("rsi", (2.0,), world, TIMEFRAMES[timeframe]), rtol=1e-9)


def test_a_longer_bar_is_seen_at_the_bar_that_shares_its_close_and_a_broken_one_at_the_next():
    hours = [10.0 * k for k in range(10)]
    whole = bars(*hours)
    broken = bars(*hours[:3], *hours[4:], missing={3: 1})
    late = bars(*hours[:3], None, *hours[4:])

    got = compute("lag", (1.0,), whole, timeframe="4h")

    # Closes of 4 h: 30 at bar 3, 70 at bar 7; a lag of one shows 30 from bar 7 on.
    np.testing.assert_array_equal(got, [NAN] * 7 + [30] * 3)
    np.testing.assert_array_equal(
        compute("sma", (1.0,), whole, timeframe="4h"), [NAN] * 3 + [30] * 4 + [70] * 3
    )
    np.testing.assert_array_equal(
        compute("sma", (1.0,), broken, timeframe="4h"), [NAN] * 3 + [20] * 3 + [70] * 3
    )
    np.testing.assert_array_equal(
        compute("sma", (1.0,), late, timeframe="4h"), [NAN] * 4 + [20] * 3 + [70] * 3
    )


def test_a_column_is_gathered_as_bars_gather_it_and_a_computed_source_is_sampled():
    world = walk(96, seed=23)
    big, seen = longer(world, 4 * HOUR)
    closes = [t for t in seen if t is not None]

    for column in ("open", "high", "low", "close", "volume", "typical"):
        got = compute("sma", (1.0,), world, column, "4h")
        np.testing.assert_allclose(got[closes], big.column(column), rtol=1e-12)
    average = compute("ema", (5.0,), world)
    sampled = compute("sma", (1.0,), world, average, "4h")
    np.testing.assert_array_equal(sampled[closes][1:], average[closes][1:])


def test_rates_and_indices_are_the_newest_known():
    steps = np.arange(8, dtype=float)
    funding = np.array([NAN, 1.0, NAN, NAN, 2.0, 3.0, 4.0, NAN])
    world = market("F", START + HOUR * np.arange(8), HOUR, (steps + 1,) * 5, funding=funding)

    np.testing.assert_array_equal(
        compute("sma", (1.0,), world, "funding", "4h"), [NAN] * 3 + [1.0] * 4 + [4.0]
    )


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
@pytest.mark.parametrize("name", ["ema", "vwap_z", "poc", "fibonacci", "stoch_d", "volatility_percentile"])
def test_any_cut_gives_the_bits_of_the_whole(name, cuts):
    world = walk(400, seed=24, void=0.05, missing=0.1)
    params = parameters(name)
    whole = compute(name, params, world, timeframe="4h")
    p, state, pieces = np.array(params), np.zeros(state_size(name, params, "4h")), []
    edges = [0, *sorted(min(c, world.size) for c in cuts), world.size]

    for begin, end in itertools.pairwise(edges):
        out = np.empty(end - begin)
        x = world.column("close")[begin:end].copy()
        advance_on(code_of(name), COLUMN_INDEX["close"], p, state, x, world.columns, world.open_s, begin, out, HOUR, 4 * HOUR)  # fmt: skip
        pieces.append(out)

    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    out = np.empty(world.size)
    advance_on(code_of(name), SAMPLED, p, np.zeros(state.size), world.column("close").copy(), world.columns, world.open_s, 0, out, HOUR, 4 * HOUR)  # fmt: skip
    assert out.tobytes() == whole.tobytes()


@pytest.mark.requirement("S4-5.1")
@pytest.mark.parametrize(("name", "params"), ALL, ids=name_of)
def test_the_past_of_longer_bars_ignores_the_future(name, params):
    world = walk(600, seed=25, void=0.05, missing=0.1)
    whole = compute(name, params, world, timeframe="4h")

    for size in (1, 199, 200, 201, 202, 203, 401):
        np.testing.assert_array_equal(compute(name, params, cut(world, size), timeframe="4h"), whole[:size])


@pytest.mark.parametrize(
    ("bar_s", "timeframe", "says"),
    [
        (HOUR, "30m", "longer than a bar"),
        (HOUR, "1h", "longer than a bar"),
        (7 * HOUR, "12h", "whole number of bars"),
        (HOUR, "3h", "it is one of: 5m, 15m"),
    ],
)
def test_a_timeframe_that_bars_do_not_make_up_is_refused(bar_s, timeframe, says):
    with pytest.raises(BadInput, match=says):
        compute("ema", (3.0,), walk(10, bar_s=bar_s), timeframe=timeframe)


def test_every_timeframe_is_a_whole_number_of_minutes():
    assert all(seconds_of(name, 60) == seconds for name, seconds in TIMEFRAMES.items())
    assert len(COLUMNS) == 11
    assert all(word.lookback for word in WORDS.values())
