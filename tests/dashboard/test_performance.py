"""Equity over time."""

import math
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.performance import DAY_NS, FEWEST_DAYS, curve, sharpe, summary, thinned
from organism.view.schema import TABLES


@pytest.fixture
def view(tmp_path):
    path = tmp_path / "view.db"
    with sqlite3.connect(path) as db:
        db.executescript(TABLES)
    db.close()
    return path


def fill(view, equities, step_ns=DAY_NS):
    with sqlite3.connect(view) as db:
        db.executemany(
            "INSERT INTO equity (at_ns, session, equity, drawdown) VALUES (?, 1, ?, ?)",
            [(nth * step_ns, equity, 0.0) for nth, equity in enumerate(equities)],
        )
    db.close()


@pytest.mark.requirement("S0-4.1.7")
def test_thinning_keeps_the_extremes_the_ends_and_the_order(view):
    equities = [100.0 + math.sin(nth / 40) for nth in range(20_000)]
    equities[7_777], equities[12_345] = 42.0, 420.0
    fill(view, equities)
    points = curve(view, 700)
    assert len(points) < 1_500
    assert min(p[1] for p in points) == 42.0
    assert max(p[1] for p in points) == 420.0
    assert points[0][0] == 0
    assert points[-1][0] == 19_999 * DAY_NS
    assert points == sorted(points)


def test_a_time_begins_where_it_is_asked_to(view):
    fill(view, [100.0, 101.0, 102.0, 103.0])
    assert [p[1] for p in curve(view, 700, 2 * DAY_NS)] == [102.0, 103.0]
    fill_more = [float(n) for n in range(4, 4_000)]
    with sqlite3.connect(view) as db:
        db.executemany(
            "INSERT INTO equity (at_ns, session, equity, drawdown) VALUES (?, 1, ?, 0.0)",
            [((nth + 4) * DAY_NS, value) for nth, value in enumerate(fill_more)],
        )
    db.close()
    points = curve(view, 300, 1_000 * DAY_NS)
    assert points[0][0] == 1_000 * DAY_NS
    assert len(points) < 700


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_thinned_prices_keep_their_ends_their_extremes_and_their_order(values, most):
    points = [(nth * 7, value) for nth, value in enumerate(values)]
    found = thinned(points, most)
    assert found == sorted(found)
    assert set(found) <= set(points)
    assert {found[0], found[-1]} == {points[0], points[-1]}
    assert min(v for _, v in found) == min(values)
    assert max(v for _, v in found) == max(values)
    assert len(found) <= max(most * 2 + 4, 6)


def test_days_are_summed_from_their_last_point(view):
    fill(view, [100.0, 110.0, 90.0, 99.0], DAY_NS // 2)
    found = summary(view)
    assert [day["equity"] for day in found["daily"]] == [110.0, 99.0]
    assert [day["pnl"] for day in found["daily"]] == [10.0, -11.0]


@given(st.lists(st.floats(-0.5, 0.5), max_size=FEWEST_DAYS - 1))
def test_too_few_days_have_no_sharpe_ratio(returns):
    assert sharpe(returns) is None


def test_a_sharpe_ratio_agrees_with_the_textbook():
    returns = [0.01, -0.005] * 15
    mean, deviation = 0.0025, 0.0075 * math.sqrt(30 / 29)
    assert sharpe(returns) == pytest.approx(mean / deviation * math.sqrt(365))
    assert sharpe([0.01] * 30) is None
