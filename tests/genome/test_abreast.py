"""Averages of different sources, eight at a time, are bit for bit each of them alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.indicators import compute
from genome.programs.abreast import ema_eight
from genome.programs.columns import Columns, in_order
from tests.genome.evolution.worlds import noise

MARKET = noise(700, 5, "A/USD")


def addresses(rows):
    return np.array([row.ctypes.data for row in rows], np.uint64)


@pytest.mark.parametrize("cuts", [(200,), (5, 195), (8, 8, 184), (101, 99), (1, 63, 136), (0, 200)])
@pytest.mark.parametrize("holes", [(), (0, 1), (70, 130, 199), tuple(range(40))])
@pytest.mark.parametrize("distinct", [1, 5, 8])
def test_eight_averages_are_those_alone(cuts, holes, distinct):
    rng = np.random.default_rng(distinct)
    x = 100.0 + np.cumsum(rng.normal(size=(8, 200)), axis=1)
    for lane, hole in enumerate(holes):
        x[lane % 8, hole] = np.nan
    windows = rng.integers(1, 90, 8).astype(float)
    lane = np.minimum(np.arange(8), distinct - 1)  # the last is done more than once where there are fewer
    x, windows = x[lane], windows[lane]
    states, out, begin = np.zeros((8, 2)), np.full((8, 200), -7.0), 0
    for size in cuts:
        end = begin + size
        ema_eight(windows, states, addresses(x[:, begin:]), addresses([out[k, begin:] for k in lane]), size)
        begin = end
    for k in range(distinct):
        expected = compute("ema", (windows[k],), noise(200, 1, "B/USD"), x[k])
        assert out[k].tobytes() == expected.tobytes()
        assert states[k, 0] == np.isfinite(x[k]).sum()


def key(window, source=("raw", "close")):
    return ("ema", (float(window),), source, "")


sources = st.recursive(
    st.sampled_from([("raw", "close"), ("raw", "open"), ("rsi", (5.0,), ("raw", "close"), "")]),
    lambda inner: st.builds(key, st.integers(1, 60), inner),
    max_leaves=3,
)


def by_itself(of):
    if of[0] == "raw":
        return MARKET.column(of[1])
    return compute(of[0], of[1], MARKET, by_itself(of[2]))


@settings(deadline=None)
@given(
    st.lists(st.builds(key, st.integers(1, 60), sources), min_size=1, max_size=40),
    st.lists(st.integers(1, 699), max_size=3),
)
def test_columns_of_averages_of_averages_are_those_alone(keys, cuts):
    keys = in_order(keys)
    columns, edges = Columns(MARKET, keys), [0, *sorted(set(cuts)), MARKET.size]
    found = np.empty((len(keys), MARKET.size))
    for begin, end in pairwise(edges):
        piece = np.empty((len(keys), end - begin))
        columns.fill(begin, piece)
        found[:, begin:end] = piece
    for name, row in zip(keys, found, strict=True):
        assert row.tobytes() == by_itself(name).tobytes()
