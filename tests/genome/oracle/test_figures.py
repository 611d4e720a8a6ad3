"""The oracle's figures (SEMANTICS.md, 6 and 7), each from a path short enough for a person."""

import math

import pytest

from genome.costs import Costs
from organism.market import AssetClass
from tests.genome.making import DAY, FREE, HOUR, START, bars, genes, levels
from tests.genome.oracle.both import run
from tests.genome.oracle.figures import (
    daily_returns,
    max_drawdown,
    max_drawdown_bars,
    sharpe,
    sortino,
)

NAMES = [
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "max_drawdown_bars",
    "calmar",
    "n_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "turnover",
    "exposure",
    "mean_holding",
    "fees",
]


def outcome(market, genome=None, costs=FREE, **at):
    return run(market, genome or genes(), costs, 10_000.0, levels(market.size, **at))


@pytest.mark.requirement("S0-1.3.5")
@pytest.mark.requirement("S0-1.3.6")
def test_two_trades_by_hand():
    # Four days, one bar each. Long all from bar 1 at 100; day closes 110, and out at the open of 2 at 110: + 10 %.
    # Short 11,000 at 110 (bar 3, 100 pieces), closes at 115.5: − 550, still open. A fee of 0.
    market = bars((100, 100), (100, 110), (110, 110), (110, 115.5), bar_s=DAY)
    some = outcome(market, entry_long=[0], exit_long=[1], entry_short=[2])

    assert [(t.side, t.reason) for t in some.trades] == [(1, "signal"), (-1, "end")]
    assert some.equity == pytest.approx([10_000, 11_000, 11_000, 10_450])
    assert some.daily == pytest.approx([0, 0.1, 0, -0.05])
    mean = 0.0125
    spread = math.sqrt(((0 - mean) ** 2 * 2 + (0.1 - mean) ** 2 + (-0.05 - mean) ** 2) / 3)
    growth = 1.045 ** (365 / 4) - 1
    expected = {
        "total_return": 0.045,
        "cagr": growth,
        "sharpe": mean / spread * math.sqrt(365),
        "sortino": mean / math.sqrt(0.05**2 / 3) * math.sqrt(365),
        "max_drawdown": 0.05,
        "max_drawdown_bars": 1,
        "calmar": growth / 0.05,
        "n_trades": 1,
        "win_rate": 1.0,
        "profit_factor": math.nan,
        "expectancy": 0.1,
        # Bought 10,000, sold 11,000, shorted 11,000; mean equity 10,612.5; four days of 365.
        "turnover": 32_000 / 10_612.5 / (4 / 365),
        "exposure": 0.5,
        "mean_holding": 1.0,
        "fees": 0.0,
    }
    assert list(some.figures) == NAMES
    assert some.figures == pytest.approx(expected, nan_ok=True)


def test_wins_losses_and_fees():
    # Fee 1 %, target and stop 10 %: in at 100 with 10,000 / 101 = 99.0099 pieces, out at 110: fees 99.0099 · (1 + 1.1).
    market = bars((100, 100), (100, 111, 100, 110), (100, 100, 89, 90), (100, 100))
    some = outcome(
        market,
        genes(target=0.1, stop=0.1, size=0.5),
        Costs(taker=0.01, maker=0.01, slippage=0.0),
        entry_long=[0, 1],
    )

    win, loss = some.trades
    q = 5_000 / 101
    assert win.pnl == pytest.approx(q * 10 - q * (1 + 1.1))
    q = (10_000 + win.pnl) / 2 / 101
    assert loss.pnl == pytest.approx(q * -10 - q * (1 + 0.9))
    figures = some.figures
    assert figures["win_rate"] == 0.5
    assert figures["profit_factor"] == pytest.approx(win.pnl / -loss.pnl)
    assert figures["expectancy"] == pytest.approx((7.9 / 101 - 11.9 / 101) / 2)
    assert figures["fees"] == pytest.approx(win.fees + loss.fees)
    assert figures["mean_holding"] == 0.0
    assert figures["exposure"] == 0.0  # never held at a close


def test_nothing_traded_is_told_as_nothing():
    figures = outcome(bars(*[100] * 3, bar_s=DAY)).figures
    nothing = {
        "total_return",
        "cagr",
        "sharpe",
        "sortino",
        "max_drawdown",
        "max_drawdown_bars",
        "n_trades",
        "turnover",
    }
    assert {name for name, value in figures.items() if value == 0} == nothing | {"exposure", "fees"}
    assert {name for name, value in figures.items() if math.isnan(value)} == {
        "calmar",
        "win_rate",
        "profit_factor",
        "expectancy",
        "mean_holding",
    }


def test_days_are_days_of_utc_and_end_with_their_last_bar():
    # 23:00, 00:00, 01:00, and a day later 00:00: three days.
    market = bars((100, 100), (100, 110), (110, 121), (121, 60.5), start_s=START - HOUR, missing={3: 22})
    some = outcome(market, entry_long=[0])

    assert some.daily == pytest.approx([0, 0.21, -0.5])


@pytest.mark.parametrize(
    ("kind", "days"), [(AssetClass.CRYPTO_SPOT, 365), (AssetClass.EQUITY, 252), (AssetClass.FX, 260)]
)
def test_a_year_has_the_days_of_its_asset_class(kind, days):
    some = outcome(bars((100, 100), (100, 110), (110, 105), bar_s=DAY, asset_class=kind), entry_long=[0])
    mean = sum(some.daily) / 3
    spread = math.sqrt(sum((r - mean) ** 2 for r in some.daily) / 2)

    assert some.figures["sharpe"] == pytest.approx(mean / spread * math.sqrt(days))
    assert some.figures["cagr"] == pytest.approx(1.05 ** (days / 3) - 1)


def test_sharpe_and_sortino_at_their_edges():
    assert math.isnan(sharpe([0.1], 365))
    assert math.isnan(sortino([0.1], 365))
    assert sharpe([0.1, 0.1, 0.1], 365) == 0.0
    assert sortino([0.0, 0.0], 365) == 0.0
    assert math.isnan(sortino([0.1, 0.0], 365))
    # mean −0.01; below: √(0.03² / 1).
    assert sortino([0.01, -0.03], 100) == pytest.approx(-0.01 / 0.03 * 10)


@pytest.mark.requirement("S0-1.3.7")
def test_a_drawdown_is_measured_from_the_highest_close_the_start_included():
    assert max_drawdown([90, 120, 96, 130], 100) == pytest.approx(0.2)
    assert max_drawdown([90, 95], 100) == pytest.approx(0.1)
    assert max_drawdown([101, 102], 100) == 0


@pytest.mark.requirement("S0-1.3.7")
@pytest.mark.parametrize(
    ("equity", "bars_below"),
    [
        ([100, 100, 100], 0),
        ([99, 99, 100], 2),  # from the start to the last bar before it is level again
        ([110, 105, 108, 110, 109], 2),
        ([110, 105, 120, 119, 118, 117], 3),  # never again: to the end
    ],
)
def test_a_drawdown_lasts_until_equity_is_level_again(equity, bars_below):
    assert max_drawdown_bars(equity, 100) == bars_below


def test_a_day_after_ruin_returns_nothing():
    assert daily_returns([50, 0, 0], [1, 2, 3], 100) == [-0.5, -1.0, 0.0]


def test_combined_figures_come_from_the_equity_never_from_signed_drawdowns():
    # Table 3.8: the maximum of signed drawdowns is the smallest one. Here 10 % then 30 %.
    assert max_drawdown([90, 100, 70], 100) == pytest.approx(0.3)
