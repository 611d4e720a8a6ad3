"""Which looks add up: those at the same prices, however they are cut, joined or named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.costs import Costs
from genome.trials.datasets import Dataset, content, dataset_of, families
from organism.errors import BadInput
from tests.genome.results import bars
from tests.genome.trials.looking import data


def test_data_that_overlap_are_of_one_family_and_data_that_only_touch_are_not():
    known = {1: data("a", end=20_100), 2: data("b", start=20_099), 3: data("c", start=20_250, end=20_300)}
    assert families(known) == {1: 1, 2: 1, 3: 3}


def test_a_data_set_that_bridges_two_families_makes_them_one():
    known = {1: data("a", end=20_050), 2: data("b", start=20_100, end=20_150)}
    assert families(known) == {1: 1, 2: 2}
    assert families({**known, 3: data("c", start=20_049, end=20_101)}) == {1: 1, 2: 1, 3: 1}


def test_data_of_other_instruments_at_the_same_time_are_of_another_family():
    known = {1: data("a"), 2: data("b", ("ETHUSDT",)), 3: data("c", ("SOLUSDT", "ETHUSDT"))}
    assert families(known) == {1: 1, 2: 2, 3: 2}


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 5), st.sampled_from("XYZ")), min_size=1, max_size=12
    )
)
def test_families_are_the_groups_that_overlaps_connect(spans):
    known = {
        i: data(str(i), (name,), start=start, end=start + length)
        for i, (start, length, name) in enumerate(spans, 1)
    }
    found = families(known)
    touched = {
        (i, j)
        for i, a in known.items()
        for j, b in known.items()
        if a.instruments == b.instruments and a.start_s < b.end_s and b.start_s < a.end_s
    }
    reached = {i: {i} for i in known}
    for _ in known:
        reached = {i: set().union(*(reached[j] for j in known if (i, j) in touched)) for i in known}
    assert found == {i: min(reached[i]) for i in known}


def test_bars_of_another_length_of_the_same_prices_are_of_the_same_family():
    hours = bars(np.linspace(100, 120, 48))
    days = bars(np.linspace(100, 120, 2), bar_s=86_400)
    assert families({1: dataset_of([hours]), 2: dataset_of([days])}) == {1: 1, 2: 1}


def test_a_name_is_of_the_content_and_the_costs_and_not_of_the_symbol():
    import dataclasses

    one = bars(np.linspace(100, 120, 48))
    copy = dataclasses.replace(one, symbol="MY COPY")
    other = bars(np.linspace(100, 121, 48))
    assert content([one]) == content([copy])
    assert len({content([one]), content([other]), content([one], Costs()), content([one], rules="x")}) == 4
    assert dataset_of([one]).instruments == ("crypto_spot:BTCUSDT",)
    assert (dataset_of([one]).start_s, dataset_of([one]).end_s) == (one.open_s[0], one.open_s[-1] + 3_600)


def test_a_data_set_of_nothing_is_refused():
    with pytest.raises(BadInput, match="no market"):
        dataset_of([])
    with pytest.raises(BadInput, match="a span of time; was"):
        Dataset(name="x", instruments=("v:X",), bar_s=60, start_s=5, end_s=5)
