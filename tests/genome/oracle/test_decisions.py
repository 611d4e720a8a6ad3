"""The oracle on time and decisions (SEMANTICS.md, 1 and 3): each path was worked out by a person."""

import math

import pytest

from genome.costs import Costs
from tests.genome.making import FREE, bars, genes, levels
from tests.genome.oracle.both import run


def trades(market, genome=None, costs=FREE, **at):
    return run(market, genome or genes(), costs, 10_000.0, levels(market.size, **at)).trades


def told(some):
    return [(t.side, t.entry_bar, t.exit_bar, t.reason) for t in some]


def test_a_decision_at_a_close_fills_at_the_next_open():
    # Decided at the close of bar 1 (price 10), filled at the open of bar 2: 11, not 10. Out at the open of bar 4: 13.
    market = bars((10, 10), (10, 10), (11, 12), (12, 13), (13, 14), (14, 15))

    (trade,) = trades(market, entry_long=[1], exit_long=[3])

    assert (trade.side, trade.entry_bar, trade.entry_price) == (1, 2, 11.0)
    assert (trade.exit_bar, trade.exit_price, trade.reason) == (4, 13.0, "signal")
    # 10,000 / 11 = 909.09 pieces, two dollars each.
    assert trade.pnl == pytest.approx(10_000 / 11 * 2)


def test_a_signal_on_the_last_bar_never_fills():
    assert trades(bars(10, 10, 10), entry_long=[2]) == []


def test_a_position_open_at_the_end_is_marked_at_the_last_close():
    market = bars((10, 10), (10, 11), (11, 12))

    outcome = run(market, genes(), FREE, 10_000.0, levels(3, entry_long=[0]))

    (trade,) = outcome.trades
    assert (trade.exit_bar, trade.exit_price, trade.reason, trade.fees) == (2, 12.0, "end", 0.0)
    assert trade.pnl == pytest.approx(2_000)  # 1,000 pieces, 10 → 12
    assert outcome.equity == pytest.approx([10_000, 11_000, 12_000])
    assert outcome.figures["n_trades"] == 0
    assert math.isnan(outcome.figures["win_rate"])


def test_signals_are_levels_so_a_held_entry_enters_again_after_an_exit():
    # EL at all closes, XL at the close of 2: out at 3; no entry at 3 (exit wins there, same side); in again at 4.
    assert told(trades(bars(*[10] * 6), entry_long=range(6), exit_long=[2])) == [
        (1, 1, 3, "signal"),
        (1, 4, 5, "end"),
    ]


def test_exit_and_entry_on_one_bar_is_exit():
    assert trades(bars(*[10] * 4), entry_long=[0], exit_long=[0]) == []


def test_long_and_short_together_is_none():
    assert trades(bars(*[10] * 4), entry_long=[0, 1], entry_short=[0, 1]) == []
    # Held, both together change nothing either.
    assert told(trades(bars(*[10] * 5), entry_long=[0, 2], entry_short=[2])) == [(1, 1, 4, "end")]


def test_an_entry_annulled_by_its_exit_leaves_the_other_side_its_way():
    # At the close of 0: EL and XL (no long), and ES: short.
    assert told(trades(bars(*[10] * 3), entry_long=[0], exit_long=[0], entry_short=[0])) == [
        (-1, 1, 2, "end")
    ]


def test_a_reversal_is_two_fills_at_one_open_each_with_its_fee():
    # 1 % fee, nothing else. Long at 100: 10,000 / (100 · 1.01) = 99.0099 pieces, fee 99.0099.
    # Reversed at 110: fee 1 % · 99.0099 · 110 = 108.91; cash 10,891.09 − 108.91 = 10,782.18.
    # Equity at the close before was 99.0099 · 110 = 10,891.09: the short may take no more than the cash.
    # Short 10,782.18 / (110 · 1.01) = 97.0493 pieces.
    market = bars((100, 100), (100, 110), (110, 110), (110, 110))

    first, second = trades(market, costs=_fee(0.01), entry_long=[0], entry_short=[1])

    assert told([first, second]) == [(1, 1, 2, "reversal"), (-1, 2, 3, "end")]
    assert first.quantity == pytest.approx(99.00990099)
    assert first.fees == pytest.approx(99.00990099 + 108.91089109)
    assert first.pnl == pytest.approx(99.00990099 * 10 - 207.92079208)
    assert second.quantity == pytest.approx(10_782.1782178 / 111.1)


def test_a_reversal_at_a_gain_in_the_gap_is_sized_by_the_close_before():
    # Short 100 pieces at 100; close 100, equity 10,000; opens at 90: cash 11,000, but sized by 10,000: 111.11 pieces.
    _, second = trades(bars(100, 100, 90, 90), entry_short=[0], entry_long=[1])

    assert second.quantity == pytest.approx(10_000 / 90)


def test_an_exit_signal_is_named_before_the_reversal_and_still_reverses():
    assert told(trades(bars(*[10] * 4), entry_long=[0], exit_long=[1], entry_short=[1])) == [
        (1, 1, 2, "signal"),
        (-1, 2, 3, "end"),
    ]


def test_the_maximum_hold_fills_at_the_next_open():
    # Entered at bar 1, held through the closes of 1 and 2, closed at the open of 3; EL holds on: in again at 4.
    assert told(trades(bars(*[10] * 5), genes(maximum_hold=2), entry_long=range(5))) == [
        (1, 1, 3, "hold"),
        (1, 4, 4, "end"),
    ]


def test_reasons_have_an_order():
    # At the open of 2 hold, signal and reversal all apply.
    market = bars(*[10] * 4)
    some = {"entry_long": [0], "exit_long": [1], "entry_short": [1]}
    assert told(trades(market, genes(maximum_hold=1), **some))[0] == (1, 1, 2, "hold")
    # Down 50 % at the close of 1: the drawdown stop comes before all, and nothing is entered ever after.
    fallen = bars((10, 10), (10, 5), (5, 5), (5, 5))
    assert told(trades(fallen, genes(maximum_hold=1, drawdown_stop=0.5), **some)) == [(1, 1, 2, "drawdown")]


def test_the_drawdown_stop_counts_from_the_peak_and_is_for_good():
    # Peak 12,000 at the close of 1; 10,800 at the close of 2 is exactly 10 % below: closed at the open of 3.
    market = bars((10, 10), (10, 12), (12, 10.8), (10.8, 10.8), (10.8, 10.8), (10.8, 20))

    assert told(trades(market, genes(drawdown_stop=0.1), entry_long=range(6))) == [(1, 1, 3, "drawdown")]


@pytest.mark.requirement("S4-27.13")
def test_a_stop_is_not_entered_again_on_its_bar_but_at_the_next_open():
    # Long at 100; bar 1 falls to 90 (stop at 95), and EL holds at every close.
    market = bars((100, 100), (100, 100, 90, 92), (92, 92), (92, 92))

    assert told(trades(market, genes(stop=0.05), entry_long=range(4))) == [
        (1, 1, 1, "stop"),
        (1, 2, 3, "end"),
    ]


def test_a_cool_down_counts_bars_after_the_last_close():
    # Closed at x = 1 by the stop; c = 2: the earliest entry is bar 1 + 2 + 1 = 4.
    market = bars((100, 100), (100, 100, 90, 92), *[(92, 92)] * 5)
    assert [t.entry_bar for t in trades(market, genes(stop=0.05, cool_down=2), entry_long=range(7))] == [1, 4]


def test_a_cool_down_forbids_the_second_leg_of_a_reversal():
    # Reversed at the open of 2; c = 1: the short waits until 2 + 1 + 1 = 4.
    market = bars(*[10] * 6)
    some = {"entry_long": [0], "entry_short": range(1, 6)}
    assert told(trades(market, genes(cool_down=1), **some)) == [(1, 1, 2, "reversal"), (-1, 4, 5, "end")]
    assert [t.entry_bar for t in trades(market, genes(cool_down=0), **some)] == [1, 2]


def test_25_missing_bars_are_a_hole_and_24_are_not():
    rows, at = [(10, 10), (10, 11), (13, 13), (13, 13)], {"entry_long": [0]}
    assert told(trades(bars(*rows, missing={2: 24}), **at)) == [(1, 1, 3, "end")]

    (trade,) = trades(bars(*rows, missing={2: 25}), **at)

    assert told([trade]) == [(1, 1, 1, "gap")]
    assert trade.exit_price == 11.0  # the close before the hole


def test_a_position_leaves_before_a_hole_with_fee_and_slippage():
    # Close 100, slippage 1 %: sold at 99, fee 1 % of it. 10,000 / (101 · 1.01) = 98.0296 pieces bought at 101.
    market = bars(100, 100, 100, missing={2: 30})

    (trade,) = trades(market, costs=_fee(0.01, slippage=0.01), entry_long=[0])

    assert trade.exit_price == pytest.approx(99.0)
    assert trade.fees == pytest.approx(98.0296049 * (1.01 + 0.99))


def test_no_signal_crosses_a_hole():
    assert trades(bars(*[10] * 4, missing={2: 30}), entry_long=[1]) == []
    assert told(trades(bars(*[10] * 4, missing={2: 30}), entry_long=[2])) == [(1, 3, 3, "end")]


def test_nothing_fills_on_a_void_bar_and_the_decision_lapses():
    assert trades(bars(10, None, 10, 10), entry_long=[0]) == []
    # A level that still holds is decided again at the close of 2, and fills at 3.
    assert told(trades(bars(10, None, 10, 10), entry_long=[0, 2])) == [(1, 3, 3, "end")]


def test_a_void_bar_says_nothing():
    assert trades(bars(10, None, 10, 10), entry_long=[1]) == []
    half = (10, 10, 10, float("nan"), 5)  # one price missing is void as well
    assert trades(bars(10, half, 10, 10), entry_long=[1]) == []


def test_equity_is_carried_over_void_bars():
    outcome = run(
        bars((10, 10), (10, 12), None, (13, 13)), genes(), FREE, 10_000.0, levels(4, entry_long=[0])
    )

    assert outcome.equity == pytest.approx([10_000, 12_000, 12_000, 13_000])
    assert outcome.figures["exposure"] == 0.75  # the void bar counts


def test_a_hold_and_a_drawdown_wait_for_a_bar_that_trades():
    # Both fall due at the open of 2, which is void: out at 3. A signal decided at the void bar would have lapsed.
    assert told(trades(bars(10, 10, None, 10, 10), genes(maximum_hold=1), entry_long=[0])) == [
        (1, 1, 3, "hold")
    ]
    fallen = bars((10, 10), (10, 5), None, (5, 5))
    assert told(trades(fallen, genes(drawdown_stop=0.4), entry_long=[0])) == [(1, 1, 3, "drawdown")]


def test_a_void_bar_before_a_hole_leaves_at_the_last_known_close():
    (trade,) = trades(bars((10, 10), (10, 12), None, (20, 20), missing={3: 40}), entry_long=[0])

    assert (trade.exit_bar, trade.exit_price, trade.reason) == (2, 12.0, "gap")


def _fee(rate, slippage=0.0):
    return Costs(taker=rate, maker=rate, slippage=slippage)
