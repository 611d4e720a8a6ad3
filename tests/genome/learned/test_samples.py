"""Labels and folds: exact to the bar, because a bar too many is the future."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.learned.samples import clean, folds, forward_return, labels
from genome.market import market
from organism.errors import BadInput


def opens(values, at=None):
    prices = np.array(values, dtype=float)
    stamps = np.arange(prices.size, dtype=np.int64) * 60 if at is None else np.array(at, dtype=np.int64)
    return market("X/Y", stamps, 60, (prices, prices, prices, prices, np.ones(prices.size)))


def test_a_forward_return_runs_from_the_fill_to_the_horizon():
    """Decided at the close of bar 0, filled at the open of bar 1 (110), two bars later the open is 121."""
    out = forward_return(opens([100.0, 110.0, 115.0, 121.0, 90.0]), 2)
    assert out[0] == pytest.approx(121.0 / 110.0 - 1.0)
    assert out[1] == pytest.approx(90.0 / 115.0 - 1.0)
    assert np.isnan(out[2:]).all()


def test_a_void_bar_and_a_hole_have_no_label():
    with_void = forward_return(opens([100.0, 110.0, np.nan, 121.0, 90.0, 91.0, 92.0]), 1)
    assert np.isnan(with_void[[0, 1]]).all()
    assert np.isfinite(with_void[2])
    far = [0, 60, 120, 120 + 60 * 26, 180 + 60 * 26, 240 + 60 * 26]
    assert np.isnan(forward_return(opens([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], far), 1)).tolist() == [
        False, True, True, False, True, True,
    ]  # fmt: skip


def test_a_label_is_the_sign_beyond_the_band():
    out = labels(np.array([0.004, 0.003, 0.0, -0.003, -0.0031, np.nan]), 0.003)
    np.testing.assert_array_equal(out, [1.0, 0.0, 0.0, 0.0, -1.0, np.nan])


@pytest.mark.requirement("S4-25.15")
@given(
    n=st.integers(1, 400),
    lookback=st.integers(0, 30),
    window=st.integers(1, 60),
    refit=st.integers(1, 50),
    horizon=st.integers(1, 20),
    embargo=st.integers(0, 20),
    expanding=st.booleans(),
)
def test_purge_and_embargo_are_exact(n, lookback, window, refit, horizon, embargo, expanding):
    """The last row learned from has a label known exactly `embargo` bars before the model speaks."""
    found = folds(
        n,
        lookback=lookback,
        window=window,
        refit=refit,
        horizon=horizon,
        embargo=embargo,
        expanding=expanding,
    )
    spoken = [t for fold in found for t in range(fold.test_from, fold.test_to)]
    assert spoken == list(
        range(min(n, lookback + window + horizon + embargo), n)
    )  # each bar once, none before
    for fold in found:
        last = fold.train_to - 1
        assert last + 1 + horizon == fold.test_from - embargo
        assert fold.train_from == (lookback if expanding else fold.train_to - window)
        assert fold.train_from >= lookback
        assert fold.train_to - fold.train_from >= window


@pytest.mark.requirement("S4-25.16")
def test_rows_with_nan_or_infinity_are_dropped_and_counted():
    x = np.ones((5, 2))
    x[1, 0], x[2, 1] = np.nan, np.inf
    good, dropped = clean(x, np.array([0.0, 0.0, 0.0, np.nan, 1.0]))
    assert good.tolist() == [True, False, False, False, True]
    assert dropped == 3


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(BadInput, match="horizon was 0"):
        forward_return(opens([1.0, 2.0]), 0)
