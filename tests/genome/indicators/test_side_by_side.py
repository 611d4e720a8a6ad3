"""Averages advanced side by side are, bit for bit, each of them alone."""

import numpy as np
import pytest

from genome.indicators import ema_many, kernel


def alone(window, x):
    state, out = np.zeros(2), np.empty(x.size)
    market = np.tile(x, (5, 1))
    kernel("ema")(np.array([window]), state, x, market, np.arange(x.size), 0, out)
    return out, state


@pytest.mark.parametrize("many", [1, 7, 8, 9, 16, 20, 32, 45, 72])
@pytest.mark.parametrize("cuts", [(200,), (5, 195), (8, 8, 184), (101, 99), (1, 63, 136)])
@pytest.mark.parametrize("holes", [(), (0, 1), (70, 130, 199)])
def test_averages_side_by_side_are_those_alone(many, cuts, holes):
    rng = np.random.default_rng(many)
    x = 100.0 + np.cumsum(rng.normal(size=200))
    x[list(holes)] = np.nan
    windows = rng.integers(1, 90, many).astype(float)
    states, pieces, begin = np.zeros((many, 2)), [], 0
    for size in cuts:
        out = np.full((many, size), -7.0)
        ema_many(windows, states, x[begin : begin + size].copy(), out)
        pieces.append(out)
        begin += size
    together = np.concatenate(pieces, axis=1)
    for k, window in enumerate(windows):
        expected, state = alone(window, x)
        assert together[k].tobytes() == expected.tobytes()
        assert states[k].tobytes() == state.tobytes()
