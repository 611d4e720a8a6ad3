"""Equity over time."""

import math
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.performance import DAY_NS, FEWEST_DAYS, after, curve, sharpe, summary
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


def test_new_points_continue_the_curve_and_a_new_curve_is_said(view):
    fill(view, [100.0, 101.0, 102.0])
    assert [p[1] for p in after(view, 0)] == [101.0, 102.0]
    assert after(view, 2 * DAY_NS) == []
    assert after(view, 3 * DAY_NS) is None, "the view began anew"
    assert after(view, 0, most=1) is None, "too far behind"


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
