"""Numbers, as people read them."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import figures


@pytest.mark.parametrize(
    "write",
    [
        figures.plain,
        figures.percent,
        figures.money,
        figures.span,
        figures.age,
        figures.price,
        figures.quantity,
    ],
)
@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf"), "abc", Decimal("NaN")])
def test_what_is_not_known_is_a_dash_and_never_a_zero(write, unknown):
    assert write(unknown) == figures.DASH


@given(st.floats(-1e9, 1e9))
def test_a_percentage_reads_back_to_what_it_was(fraction):
    text = figures.percent(fraction, 2).removesuffix(f"{figures.THIN}%")
    assert math.isclose(
        float(text.replace(",", "").replace(figures.MINUS, "-")) / 100, fraction, abs_tol=5.1e-5
    )


@given(st.floats(-1e-6, 1e-6))
def test_nothing_is_never_minus_nothing(tiny):
    assert figures.plain(tiny, signed=True) == "0.00"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**9), max_value=10**9))
def test_quantities_lose_no_digit(size):
    assert Decimal(figures.quantity(size).replace(",", "").replace(figures.MINUS, "-")) == size


@given(st.floats(-1e6, 1e6))
def test_gain_and_loss_differ_by_more_than_colour(amount):
    assert (figures.arrow(amount) == figures.UP) == (figures.tone(amount) == "gain") == (amount > 0)


@given(st.floats(0, 1e8), st.floats(0, 1e8))
def test_an_older_figure_never_reads_as_just_now(young, old):
    if young >= 1.0:
        assert figures.age(young).endswith(" ago")
    assert (figures.age(old) == "just now") == (old < 1.0)
