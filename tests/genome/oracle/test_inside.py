"""The oracle inside a bar (SEMANTICS.md, 4): liquidation before stop before target, on hand-made paths."""

import pytest

from genome.costs import Costs
from tests.genome.making import FREE, bars, genes, levels
from tests.genome.oracle.both import run


def only(market, genome, costs=FREE, **at):
    (trade,) = run(market, genome, costs, 10_000.0, levels(market.size, **at)).trades
    return trade.exit_bar, round(trade.exit_price, 9), trade.reason


LONG, SHORT = {"entry_long": [0]}, {"entry_short": [0]}
BEFORE = (100, 100)


@pytest.mark.requirement("S4-27.13")
@pytest.mark.parametrize(
    ("row", "at", "price"),
    [
        ((100, 101, 95, 96), LONG, 95.0),  # low is exactly the level
        ((100, 105, 99, 104), SHORT, 105.0),
    ],
)
def test_a_stop_is_met_at_its_level_on_the_entry_bar_already(row, at, price):
    assert only(bars(BEFORE, row, 100), genes(stop=0.05), **at) == (1, price, "stop")


def test_a_stop_is_not_touched_a_cent_away():
    assert only(bars(BEFORE, (100, 101, 95.01, 96), 96), genes(stop=0.05), **LONG) == (2, 96.0, "end")


@pytest.mark.parametrize(
    ("row", "at", "price"), [((90, 91, 80, 85), LONG, 90.0), ((112, 120, 111, 115), SHORT, 112.0)]
)
def test_a_stop_gapped_through_fills_at_the_open(row, at, price):
    assert only(bars(BEFORE, BEFORE, row), genes(stop=0.05), **at) == (2, price, "stop")


@pytest.mark.parametrize(
    ("row", "at", "price"), [((115, 120, 114, 118), LONG, 115.0), ((85, 86, 80, 84), SHORT, 85.0)]
)
def test_a_target_gapped_through_fills_at_the_better_open(row, at, price):
    assert only(bars(BEFORE, BEFORE, row), genes(target=0.1), **at) == (2, price, "target")


@pytest.mark.requirement("S4-27.13")
def test_a_target_is_a_maker_limit_without_slippage():
    # Slippage 1 %: in at 101, target 101 · 1.1 = 111.1 exactly, maker fee 2 %, entry fee 1 %.
    costs = Costs(taker=0.01, maker=0.02, slippage=0.01)
    outcome = run(
        bars(BEFORE, (100, 120, 100, 100), 100), genes(target=0.1), costs, 10_000.0, levels(3, **LONG)
    )

    (trade,) = outcome.trades
    assert trade.exit_price == pytest.approx(111.1)
    assert trade.fees == pytest.approx(trade.quantity * (0.01 * 101 + 0.02 * 111.1))


def test_a_stop_pays_taker_fee_and_slippage():
    # In at 101; stop at 101 · 0.95 = 95.95; sold 1 % below: 94.9905.
    costs = Costs(taker=0.01, maker=0.0, slippage=0.01)
    outcome = run(bars(BEFORE, (100, 100, 90, 92), 92), genes(stop=0.05), costs, 10_000.0, levels(3, **LONG))

    (trade,) = outcome.trades
    assert trade.exit_price == pytest.approx(94.9905)
    assert trade.fees == pytest.approx(0.01 * trade.quantity * (101 + 94.9905))


@pytest.mark.parametrize("at", [LONG, SHORT])
def test_a_bar_that_touches_both_meets_the_stop_first(at):
    assert only(bars(BEFORE, (100, 120, 80, 100), 100), genes(stop=0.1, target=0.1), **at)[2] == "stop"


def test_the_trailing_level_uses_the_extreme_of_earlier_bars_only():
    # Bar 2 makes a high of 120 and falls to 105: by its own high the level would be 108, by bar 1's (101) it is 90.9.
    # Bar 3 knows the 120: level 108, open 107 is below: filled at the open.
    market = bars(BEFORE, (100, 101, 99, 100), (100, 120, 105, 107), (107, 107, 100, 101))

    assert only(market, genes(trailing=0.1), **LONG) == (3, 107.0, "trailing")


def test_a_trailing_level_of_a_short_follows_the_lows():
    # E = 80 after bar 1; level 88 on bar 2.
    assert only(bars(BEFORE, (100, 100, 80, 82), (82, 90, 82, 85)), genes(trailing=0.1), **SHORT) == (
        2,
        88.0,
        "trailing",
    )


def test_the_tighter_of_stop_and_trailing_holds():
    # Entry bar: both 10 %, equal counts as stop.
    row = (100, 100, 85, 90)
    assert only(bars(BEFORE, row, 90), genes(stop=0.1, trailing=0.1), **LONG) == (1, 90.0, "stop")
    assert only(bars(BEFORE, row, 90), genes(stop=0.12, trailing=0.1), **LONG) == (1, 90.0, "trailing")
    assert only(bars(BEFORE, row, 90), genes(stop=0.05, trailing=0.1), **LONG) == (1, 95.0, "stop")


def test_a_stop_by_atr_is_measured_at_the_decision():
    # ATR(1) is the true range: bar 1: high 102, low 98, close before 100: 4. Decided there, in at 100, stop at 100 − 2 · 4.
    market = bars(BEFORE, (100, 102, 98, 100), (100, 130, 93, 100), (100, 100, 91, 95))

    assert only(market, genes(stop_atr=2, atr_period=1), entry_long=[1]) == (3, 92.0, "stop")
    # With a stop of 5 % too, the tighter: 95, already on the entry bar.
    assert only(market, genes(stop_atr=2, atr_period=1, stop=0.05), entry_long=[1]) == (2, 95.0, "stop")


def test_there_is_no_entry_while_the_atr_is_unknown():
    # ATR(2) first has a value at bar 2.
    market = bars(BEFORE, (100, 102, 98, 100), (100, 102, 98, 100), BEFORE, BEFORE)
    outcome = run(market, genes(stop_atr=2, atr_period=2), FREE, 10_000.0, levels(5, entry_long=range(5)))

    assert [t.entry_bar for t in outcome.trades] == [3]
    assert outcome.refused == 0


def test_the_levels_stand_on_the_fill_price_slippage_included():
    # In at 100 · 1.02 = 102; stop at 102 · 0.99 = 100.98, above the open of the entry bar: out at that open, less 2 %.
    costs = Costs(taker=0.0, maker=0.0, slippage=0.02)
    assert only(bars(BEFORE, BEFORE, 100), genes(stop=0.01), costs, **LONG) == (1, 98.0, "stop")


def test_a_target_below_nothing_is_never_touched():
    assert only(bars(BEFORE, (100, 100, 1, 1), 1), genes(target=1.0), **SHORT)[2] == "end"


def test_a_trailing_level_below_nothing_leaves_the_stop_where_it_is():
    # A low of 0 takes the trailing level of a short to 0: what cannot be touched is not the tighter. Out at 110.
    rows = (BEFORE, (100, 100, 0, 100), (100, 120, 100, 105))
    assert only(bars(*rows), genes(stop=0.1, trailing=0.05), **SHORT) == (2, 110.0, "stop")
    assert only(bars(*rows), genes(trailing=0.05), **SHORT)[2] == "end"


def test_void_bars_touch_nothing_and_move_no_extreme():
    half = (100, 200, 50, float("nan"), 5)
    assert only(bars(BEFORE, BEFORE, half, BEFORE), genes(stop=0.1, trailing=0.1), **LONG)[2] == "end"


# Liquidation: short 100 pieces at 100, cash 20,000, maintenance 5 %: p = 20,000 / (100 · 1.05) = 190.476190476.

M5 = Costs(taker=0.0, maker=0.0, slippage=0.0, maintenance=0.05)


def test_a_short_is_liquidated_where_cash_meets_the_maintenance_margin():
    assert only(bars(BEFORE, BEFORE, (150, 191, 150, 180)), genes(), M5, **SHORT) == (
        2,
        190.476190476,
        "liquidation",
    )
    assert only(bars(BEFORE, BEFORE, (150, 190, 150, 180)), genes(), M5, **SHORT)[2] == "end"


def test_liquidation_comes_before_the_stop_and_the_target():
    # The bar meets all three: stop 110, target 90.
    market = bars(BEFORE, BEFORE, (100, 300, 50, 100))
    assert only(market, genes(stop=0.1, target=0.1), M5, **SHORT) == (2, 190.476190476, "liquidation")


def test_liquidation_looks_at_the_mark_and_fills_at_the_worse_of_open_and_price():
    rows = (BEFORE, BEFORE, (150, 160, 150, 155))
    calm = [(100, 100, 100), (100, 100, 100)]
    # Only the mark reaches 190.48: the fill is there, above anything the market traded.
    assert only(bars(*rows, marks=[*calm, (150, 195, 150)]), genes(), M5, **SHORT) == (
        2,
        190.476190476,
        "liquidation",
    )
    # The market alone spikes, the mark does not: nothing happens.
    spike = (BEFORE, BEFORE, (150, 250, 150, 155))
    assert only(bars(*spike, marks=[*calm, (150, 160, 150)]), genes(), M5, **SHORT)[2] == "end"
    # A mark that is NaN is the bar's own; opened above: filled at the open.
    nan = float("nan")
    gapped = (BEFORE, BEFORE, (195, 199, 195, 196))
    assert only(bars(*gapped, marks=[*calm, (nan, nan, nan)]), genes(), M5, **SHORT) == (
        2,
        195.0,
        "liquidation",
    )


def test_a_long_without_debt_is_never_liquidated():
    assert only(bars(BEFORE, (100, 100, 0.01, 0.02), 0.02), genes(), M5, **LONG)[2] == "end"


def test_a_long_in_debt_is_liquidated():
    # 100 pieces at 100, all cash spent. Funding of 30 % at the open of 2 on 100: cash −3,000.
    # p = 3,000 / (100 · 0.95) = 31.5789.
    market = bars(BEFORE, BEFORE, (100, 100, 30, 50), funding={"open": {2: 0.3}})
    assert only(market, genes(), M5, **LONG) == (2, 31.578947368, "liquidation")


def test_a_liquidation_below_nothing_is_ruin():
    # Opens at 250: loss 15,000 of 10,000.
    outcome = run(
        bars(BEFORE, BEFORE, (250, 250, 250, 250), 100),
        genes(),
        M5,
        10_000.0,
        levels(4, entry_short=range(4)),
    )

    assert [(t.exit_bar, t.reason) for t in outcome.trades] == [(2, "liquidation")]
    assert outcome.trades[0].pnl == pytest.approx(-15_000)
    assert outcome.equity == [10_000, 10_000, 0, 0]
    assert "ruined" in outcome.flags
    assert outcome.figures["cagr"] == -1
