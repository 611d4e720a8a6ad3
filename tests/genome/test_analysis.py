"""A backtest from several sides: each figure against a number worked out by hand, or a property it owes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.analysis import (
    by_reason,
    by_side,
    by_strategy,
    drawdown,
    drawdown_periods,
    monthly,
    rolling,
    yearly,
)
from genome.slices import UNKNOWN, bar_returns, by_clock, by_regime, regimes
from tests.genome.results import NEW_YEAR, bars, result, trade

equities = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60)


@pytest.mark.requirement("S0-1.3.7")
def test_drawdowns_are_told_by_peak_trough_recovery_depth_and_length():
    found = drawdown_periods(np.array([110.0, 99.0, 104.5, 110.0, 120.0, 90.0, 96.0]), 100.0)
    assert [(d.peak_bar, d.trough_bar, d.end_bar, round(d.depth, 3), d.bars) for d in found] == [
        (4, 5, None, 0.25, 2),
        (0, 1, 3, 0.1, 2),
    ]


def test_a_loss_on_the_first_bar_is_a_drawdown_from_the_start():
    (only,) = drawdown_periods(np.array([95.0, 90.0]), 100.0)
    assert (only.peak_bar, only.end_bar, round(only.depth, 3), only.bars) == (-1, None, 0.1, 2)


@given(equities)
def test_every_bar_under_water_is_in_exactly_one_period(equity):
    equity = np.array(equity)
    found = drawdown_periods(equity, 100.0)
    under = drawdown(equity, 100.0)
    covered = np.zeros(equity.size, int)
    for d in found:
        covered[d.peak_bar + 1 : equity.size if d.end_bar is None else d.end_bar] += 1
    np.testing.assert_array_equal(covered, under > 0)
    assert max([d.depth for d in found], default=0.0) == max(under.max(), 0.0)


@pytest.mark.requirement("S3-3.1.5")
def test_rolling_figures_are_those_of_the_last_days_alone():
    daily = np.array([0.01, -0.02, 0.03, 0.0, 0.01, 0.05])
    found = rolling(daily, 3, 365)
    assert np.isnan(found.sharpe[:2]).all()
    last = daily[2:5]
    assert found.sharpe[4] == pytest.approx(last.mean() / last.std(ddof=1) * 365**0.5)
    assert found.volatility[4] == pytest.approx(last.std(ddof=1) * 365**0.5)
    assert found.total_return[4] == pytest.approx(1.03 * 1.0 * 1.01 - 1)
    assert np.isnan(rolling(daily, 7, 365).sharpe).all()
    assert (rolling(np.zeros(5), 3, 365).sharpe[2:] == 0.0).all()


def test_months_and_years_compound_to_the_whole():
    daily = np.full(400, 0.001)
    days = NEW_YEAR // 86_400 - 10 + np.arange(400)
    months, years = monthly(daily, days), yearly(daily, days)
    assert months[2023, 12] == pytest.approx(1.001**10 - 1)
    assert months[2024, 2] == pytest.approx(1.001**29 - 1)
    assert list(years) == [2023, 2024, 2025]
    assert np.prod([1 + r for r in years.values()]) == pytest.approx(1.001**400)
    assert np.prod([1 + r for r in months.values()]) == pytest.approx(1.001**400)


TRADES = (
    trade(50.0, "target"),
    trade(-30.0, "stop", side=-1),
    trade(10.0, "signal"),
    trade(-10.0, "signal"),
    trade(999.0, "end"),
)


@pytest.mark.requirement("S3-3.2.7")
def test_profit_is_attributed_to_sides_and_reasons_and_adds_up():
    sides, reasons = by_side(TRADES), by_reason(TRADES)
    assert [(g.name, g.n_trades, g.pnl) for g in sides] == [("long", 3, 50.0), ("short", 1, -30.0)]
    assert [g.name for g in reasons] == ["target", "stop", "signal"]
    for groups in (sides, reasons):
        assert sum(g.pnl for g in groups) == 20.0
        assert sum(g.share for g in groups) == pytest.approx(1.0)
        assert sum(g.n_trades for g in groups) == 4
        assert sum(g.fees for g in groups) == 4.0
    long = sides[0]
    assert (long.win_rate, long.profit_factor) == (pytest.approx(2 / 3), pytest.approx(6.0))
    assert long.mean_return == pytest.approx((0.05 + 0.01 - 0.01) / 3)
    assert by_side(()) == ()


@pytest.mark.requirement("S0-1.3.8", "S1-1.6", "S4-4.4", "S4-13.19")
def test_strategies_stand_side_by_side_with_their_own_figures_and_their_part_of_the_profit():
    market = bars(np.full(48, 100.0))
    rising = result(market, np.linspace(10_000, 10_300, 48), [trade(300.0)])
    losing = result(market, np.linspace(10_000, 9_900, 48), [trade(50.0), trade(-150.0)])
    idle = result(market, np.full(48, 10_000.0))

    rows = by_strategy({"trend": rising, "reversion": losing, "idle": idle})

    assert [r.name for r in rows] == ["trend", "reversion", "idle"]
    assert rows[0].sharpe == rising.figures["sharpe"]
    assert [r.trades.share for r in rows] == [pytest.approx(1.5), pytest.approx(-0.5), 0.0]
    assert rows[1].trades.win_rate == 0.5
    assert np.isnan(rows[2].trades.win_rate)
    assert rows[1].trades.mean_return == pytest.approx((0.05 - 0.15) / 2)


@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_a_regime_never_changes_with_later_prices(cut, seed):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 400)))
    tampered = close.copy()
    tampered[cut:] *= np.linspace(3.0, 9.0, close.size - cut)
    before, after = regimes(close), regimes(tampered)
    # The label of `cut` itself is decided by the close before it.
    np.testing.assert_array_equal(before.trend[: cut + 1], after.trend[: cut + 1])
    np.testing.assert_array_equal(before.volatility[: cut + 1], after.volatility[: cut + 1])


def test_regimes_know_a_rise_from_a_fall_and_calm_from_wild():
    noise = np.random.default_rng(5).normal(0, 0.002, 600)
    noise[300:] *= 6
    drift = np.concatenate((np.full(150, 0.0), np.full(150, 0.004), np.full(150, -0.004), np.full(150, 0.0)))
    found = regimes(100 * np.exp(np.cumsum(drift + noise)))
    assert (found.trend[:40] == UNKNOWN).all()
    assert (found.trend[180:280] == 2).mean() > 0.9  # after a long rise, rising is less of an exception
    assert (found.trend[350:450] == 0).mean() > 0.8
    assert (found.volatility[330:] == 2).mean() > 0.95


@pytest.mark.requirement("S0-1.3.9", "S3-3.1.4")
@pytest.mark.parametrize(("n", "unit"), [(24 * 200, "day"), (24 * 30, "bar")])
def test_returns_and_trades_are_told_by_regime_and_none_is_counted_twice(n, unit):
    rng = np.random.default_rng(3)
    market = bars(100 * np.exp(np.cumsum(rng.normal(0, 0.01, n))))
    equity = 10_000 * np.exp(np.cumsum(rng.normal(0, 0.001, n)))
    trades = [trade(5.0, entry=i, leave=i + 3) for i in range(0, n - 5, 10)]

    found = by_regime(market, result(market, equity, trades), 10_000.0)

    assert found.unit == unit
    total = n // 24 if unit == "day" else n
    for rows in (found.trend, found.volatility):
        assert sum(r.periods for r in rows) + found.unlabelled == total
        assert all(r.periods for r in rows)
        assert 0 < sum(r.n_trades for r in rows) < len(trades)  # some were entered before any label
    assert [r.name for r in found.trend] == ["falling", "sideways", "rising"]


def test_too_short_a_market_has_no_regimes():
    market = bars(np.full(30, 100.0))
    found = by_regime(market, result(market, np.full(30, 10_000.0)), 10_000.0)
    assert found.unlabelled == 30
    assert all(r.periods == 0 for r in found.trend)


def test_hours_are_those_in_which_a_bar_opens():
    market = bars(np.full(72, 100.0))
    equity = np.full(72, 10_000.0)
    equity[31:] = 10_100.0  # earned in the bar that opens on the second day at 07:00
    kind, hours = by_clock(market, result(market, equity, [trade(100.0, entry=31, leave=40)]), 10_000.0)

    assert kind == "hour"
    assert hours[7].total_return == pytest.approx(0.01)
    assert [h.name for h in hours if h.total_return] == ["07"]
    assert [h.n_trades for h in hours] == [int(h == 7) for h in range(24)]
    assert sum(h.periods for h in hours) == 72


def test_days_have_weekdays_instead_of_hours():
    market = bars(np.full(21, 100.0), bar_s=86_400)
    equity = np.full(21, 10_000.0)
    equity[8:] = 11_000.0  # the second Tuesday
    kind, days = by_clock(market, result(market, equity), 10_000.0)
    assert kind == "weekday"
    assert [d.name for d in days if d.total_return] == ["Tue"]


def test_ruin_leaves_returns_of_zero():
    np.testing.assert_array_equal(bar_returns(np.array([50.0, 0.0, 0.0]), 100.0), [-0.5, -1.0, 0.0])
