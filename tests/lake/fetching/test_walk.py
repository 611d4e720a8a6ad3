"""Pages may be short, empty or overlap: what exists comes in the end, once, and what does not is asked for twice only."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from organism.lake.candles import Candles
from organism.lake.fetching.rows import page_of
from organism.lake.fetching.walk import Walk

BAR_US = 60_000_000


def _candles(opens):
    opens = np.array(sorted(opens), np.int64)
    one = np.ones(opens.size)
    return Candles(opens, one, one, one, one, one)


def _walked(n, exists, tears, limit, *, jumps):
    """Walk a venue whose pages lose rows as `tears` says; returns the walk and how many pages it took."""
    opens = np.arange(n, dtype=np.int64) * BAR_US
    walk = Walk(opens, np.ones(n, np.bool_), limit, BAR_US)
    pages = 0
    while (since := walk.next_us()) is not None:
        there = [us for us in exists if us >= since and (jumps or us < since + limit * BAR_US)][:limit]
        lost = next(tears, 0)
        page = there[: len(there) - lost] if lost else there
        walk.answered(_candles(page), len(page))
        pages += 1
        assert pages < 10 * n + 10
    return walk, pages


@given(st.integers(1, 60), st.sets(st.integers(0, 59)), st.integers(1, 20), st.booleans())
def test_everything_that_exists_comes_once(n, holes, limit, jumps):
    exists = [i * BAR_US for i in range(n) if i not in holes]
    walk, pages = _walked(n, exists, iter(()), limit, jumps=jumps)
    assert walk.taken().open_us.tolist() == exists
    assert walk.n_resolved() == n
    assert pages <= 2 * (n // limit + 1) + 2 * len(holes)


@given(st.integers(1, 60), st.lists(st.integers(0, 9), max_size=40), st.integers(2, 20))
def test_a_page_that_lost_its_end_every_third_time_loses_nothing(n, tears, limit):
    torn = (lost if i % 3 == 2 else 0 for i, lost in enumerate(tears))
    exists = [i * BAR_US for i in range(n)]
    walk, _ = _walked(n, exists, torn, limit, jumps=False)
    assert walk.taken().open_us.tolist() == exists


def test_a_venue_that_leaves_out_its_first_bound_is_asked_from_a_candle_earlier():
    walk = Walk(np.arange(3, dtype=np.int64) * BAR_US, np.ones(3, np.bool_), 5, BAR_US)
    walk.answered(_candles([BAR_US, 2 * BAR_US]), 2)
    assert walk.next_us() == -BAR_US
    walk.answered(_candles([0, BAR_US, 2 * BAR_US]), 3)
    assert walk.next_us() is None
    assert len(walk.taken()) == 3


def test_what_was_taken_is_taken_once():
    walk = Walk(np.arange(4, dtype=np.int64) * BAR_US, np.ones(4, np.bool_), 5, BAR_US)
    walk.answered(_candles([0, BAR_US, 2 * BAR_US]), 5)
    assert walk.taken(2 * BAR_US).open_us.tolist() == [0, BAR_US]
    assert walk.taken().open_us.tolist() == [2 * BAR_US]
    assert len(walk.taken()) == 0


def test_rows_that_cannot_be_believed_are_left_out_and_told():
    good = [0, 1.0, 2.0, 0.5, 1.5, 3.0]
    rows = [
        good,
        [60_000, 1.0, float("nan"), 0.5, 1.5, 3.0],
        [120_000, 1.0, 0.1, 0.5, 1.5, 3.0],
        [180_001, 1.0, 2.0, 0.5, 1.5, 3.0],
        [240_000, 1.0, 2.0, 0.5, 1.5, -3.0],
        [300_000, 1.0, 2.0],
        "candle",
        [360_000, "1", 2.0, 0.5, 1.5, 3.0],
        [True, 1.0, 2.0, 0.5, 1.5, 3.0],
        good,
    ]
    page = page_of(rows, BAR_US)
    assert page.candles.open_us.tolist() == [0]
    assert len(page.refused) == 8
    assert any("high must be the highest price" in why for why in page.refused)
    assert any("180001 ms" in why for why in page.refused)
