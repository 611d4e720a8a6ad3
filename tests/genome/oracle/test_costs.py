"""The oracle on prices, costs and funding (SEMANTICS.md, 5): numbers a person computed."""

import math

import pytest

from genome.costs import Costs
from organism.market import AssetClass
from tests.genome.making import DAY, FREE, HOUR, START, bars, genes, levels
from tests.genome.oracle.both import run
from tests.genome.oracle.prices import book, of_steps, slippage

NAN = math.nan


def outcome(market, genome=None, costs=FREE, capital=10_000.0, **at):
    return run(market, genome or genes(), costs, capital, levels(market.size, **at))


def only(*args, **rest):
    (trade,) = outcome(*args, **rest).trades
    return trade


@pytest.mark.requirement("S4-4.11")
@pytest.mark.requirement("S4-18.5")
@pytest.mark.requirement("S4-26.6")
@pytest.mark.requirement("S0-1.3.2")
@pytest.mark.requirement("S0-1.3.3")
@pytest.mark.requirement("S4-6.4")
def test_every_backtest_costs_a_fee_of_0_1_per_cent_and_slippage_of_0_05_unless_told():
    # 10,000 at 100: bought at 100.05, 10,000 / (100.05 · 1.001) = 99.850174… pieces; sold at 99.95.
    some = run(bars(*[100] * 4), genes(), signals=levels(4, entry_long=[0], exit_long=[2]))

    (trade,) = some.trades
    assert (trade.entry_price, trade.exit_price) == pytest.approx((100.05, 99.95))
    assert trade.quantity == pytest.approx(10_000 / (100.05 * 1.001))
    assert trade.fees == pytest.approx(trade.quantity * 0.001 * (100.05 + 99.95))
    assert some.equity[-1] == pytest.approx(10_000 + trade.pnl)
    assert some.equity[0] == 10_000


@pytest.mark.requirement("S4-26.5")
def test_the_schedule_of_a_derivatives_venue_is_two_numbers():
    # Maker 0.02 %, taker 0.05 %: in as taker at 100, out at the target 110 as maker.
    costs = Costs(taker=0.0005, maker=0.0002, slippage=0.0)
    trade = only(bars(100, (100, 115, 100, 112)), genes(target=0.1), costs, entry_long=[0])

    assert trade.fees == pytest.approx(trade.quantity * (0.0005 * 100 + 0.0002 * 110))


def test_a_short_sells_below_and_buys_above():
    trade = only(bars(*[100] * 4), costs=Costs(slippage=0.01), entry_short=[0], exit_short=[2])
    assert (trade.side, trade.entry_price, trade.exit_price) == (-1, 99.0, 101.0)
    assert trade.quantity == pytest.approx(10_000 / (99 * 1.001))
    assert trade.pnl == pytest.approx(trade.quantity * -2 - trade.fees)


def test_half_the_spread_is_added():
    trade = only(bars(100, 100), costs=Costs(half_spread=0.002, slippage=0.001), entry_long=[0])
    assert trade.entry_price == pytest.approx(100.3)


# Slippage that scales. σ of the bar before 0.02, its V·close 1,000,000, wanted 40,000: share 0.04, root 0.2.


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({"volatility_slippage": 0.5}, 0.5 * 0.02),
        ({"volume_slippage": 0.1}, 0.1 * 0.04),
        ({"impact": 0.3}, 0.3 * 0.02 * 0.2),
        ({"slippage": 0.001, "volatility_slippage": 0.5, "volume_slippage": 0.1, "impact": 0.3}, 0.0162),
        ({"volume_slippage": 100.0}, 1.0),  # nobody pays more than all
    ],
)
def test_slippage_scales_with_volatility_and_with_the_share_of_volume(costs, expected):
    some = Costs(**{"slippage": 0.0, **costs})
    assert slippage(some, [NAN, 0.02], [NAN, 1e6], 2, 40_000) == pytest.approx(expected)


@pytest.mark.parametrize("newest", [NAN, 0.0])
def test_where_volatility_or_volume_is_unknown_the_worst_seen_stands_in(newest):
    costs = Costs(slippage=0.0, volatility_slippage=1.0, volume_slippage=1.0)
    # Worst seen: σ 0.05, V·close 2,000,000.
    sigma, liquidity = [0.05, 0.01, newest], [4e6, 2e6, newest]
    assert slippage(costs, sigma, liquidity, 3, 40_000) == pytest.approx(0.05 + 0.02)
    assert slippage(costs, [NAN, newest], [NAN, newest], 2, 40_000) == 0.0


def test_slippage_knows_the_close_before_the_fill_and_no_more():
    # 21 bars with log returns of ± ln 1.01 in turn: the mean of 20 is 0, σ = ln 1.01 · √(20/19). First known at bar 20.
    # Filled at bar 21, where the market jumps: the jump is not in it.
    rows = [(100, 100) if t % 2 == 0 else (101, 101) for t in range(21)]
    costs = Costs(taker=0.0, slippage=0.0, volatility_slippage=1.0)
    trade = only(bars(*rows, (200, 300)), costs=costs, entry_long=[20])

    assert trade.entry_price == pytest.approx(200 * (1 + math.log(1.01) * math.sqrt(20 / 19)))
    # One bar earlier σ is not known, nor was it ever: no slippage.
    assert only(bars(*rows), costs=costs, entry_long=[19]).entry_price == 100.0


def test_the_square_root_of_the_wanted_share():
    # V = 1,000 pieces at 100: 100,000 a bar. Wanted 10,000: share 0.1. σ as above.
    rows = [(100, 100) if t % 2 == 0 else (101, 101) for t in range(21)]
    trade = only(bars(*rows, 100), costs=Costs(taker=0.0, slippage=0.0, impact=1.0), entry_long=[20])

    sigma = math.log(1.01) * math.sqrt(20 / 19)
    assert trade.entry_price == pytest.approx(100 * (1 + sigma * math.sqrt(0.1)))


@pytest.mark.requirement("S4-26.7")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (1_000, 0.001),  # within the first level
        (4_000, (2_000 * 0.001 + 2_000 * 0.002) / 4_000),
        (7_000, (2_000 * 0.001 + 3_000 * 0.002 + 2_000 * 0.004) / 7_000),
        (
            20_000,
            (2_000 * 0.001 + 3_000 * 0.002 + 15_000 * 0.004) / 20_000,
        ),  # beyond the third: at the third's
        (0, 0.0),
    ],
)
def test_three_levels_of_a_book_are_filled_in_order(wanted, expected):
    costs = Costs(book_offsets=(0.001, 0.002, 0.004), book_depths=(2_000, 3_000, 4_000))
    assert book(costs, wanted) == pytest.approx(expected)


@pytest.mark.requirement("S4-26.7")
def test_a_book_replaces_the_fixed_slippage():
    costs = Costs(taker=0.0, slippage=0.5, book_offsets=(0.001, 0.002, 0.004), book_depths=(2e3, 3e3, 4e3))
    # 10,000 wanted: 2 + 6 + 20 = 28 of 10,000.
    assert only(bars(100, 100), costs=costs, entry_long=[0]).entry_price == pytest.approx(100.28)


# Ticks and lots


@pytest.mark.parametrize(
    ("x", "rounding", "expected"),
    [
        (100.26, math.ceil, 100.5),
        (100.26, math.floor, 100.0),
        (100.5, math.ceil, 100.5),
        (100.5, math.floor, 100.5),
    ],
)
def test_steps(x, rounding, expected):
    assert of_steps(x, 0.5, rounding) == expected


def test_a_price_on_its_tick_stays_there_whatever_the_last_bit_says():
    # 0.3 / 0.1 is 2.9999999999999996 in floating point, and 0.7 / 0.1 is 6.999999999999999.
    assert of_steps(0.3, 0.1, math.floor) == pytest.approx(0.3)
    assert of_steps(1.1, 0.1, math.ceil) == pytest.approx(1.1)
    # 123 million steps: the last bit of the quotient alone is worth 1.5e-8 of a step.
    assert of_steps(1_234_567.8900000016, 0.01, math.ceil) == pytest.approx(1_234_567.89, abs=1e-4)


@pytest.mark.parametrize("price", [167_772.02, 1_048_609.12])
def test_a_fill_on_its_tick_at_many_ticks_stays_there(price):
    # 167,772.02 / 0.01 is 16,777,201.999999998, and 1,048,609.12 / 0.01 is 104,860,912.000000015.
    market = bars(*[price] * 4, tick=0.01)
    for at in ({"entry_long": [0], "exit_long": [2]}, {"entry_short": [0], "exit_short": [2]}):
        trade = only(market, **at)
        assert (trade.entry_price, trade.exit_price) == pytest.approx((price, price), abs=1e-6)


def test_taker_fills_are_rounded_against_the_taker():
    costs = Costs(taker=0.0, slippage=0.001)
    long = only(bars(*[100] * 4, tick=0.25), costs=costs, entry_long=[0], exit_long=[2])
    assert (long.entry_price, long.exit_price) == (100.25, 99.75)  # 100.1 and 99.9
    short = only(bars(*[100] * 4, tick=0.25), costs=costs, entry_short=[0], exit_short=[2])
    assert (short.entry_price, short.exit_price) == (99.75, 100.25)


@pytest.mark.parametrize(
    ("at", "genome", "row", "price", "reason"),
    [
        ({"entry_long": [0]}, {"stop": 0.031}, (100, 100, 96.5, 97), 96.5, "stop"),  # 96.9 → 96.5
        ({"entry_long": [0]}, {"target": 0.031}, (100, 103.5, 100, 100), 103.5, "target"),  # 103.1 → 103.5
        ({"entry_short": [0]}, {"stop": 0.031}, (100, 103.5, 100, 100), 103.5, "stop"),
        ({"entry_short": [0]}, {"target": 0.031}, (100, 100, 96.5, 97), 96.5, "target"),
        ({"entry_long": [0]}, {"trailing": 0.031}, (100, 100, 96.5, 97), 96.5, "trailing"),
    ],
)
def test_levels_are_rounded_away_from_the_markets_favour(at, genome, row, price, reason):
    trade = only(bars(100, row, tick=0.5), genes(**genome), **at)
    assert (trade.exit_price, trade.reason) == (price, reason)


def test_a_level_short_of_its_tick_is_not_touched():
    assert only(bars(100, (100, 100, 96.6, 97), tick=0.5), genes(stop=0.031), entry_long=[0]).reason == "end"


def test_quantities_are_rounded_towards_nothing_to_the_lot():
    assert only(bars(30, 30, lot=0.5), entry_long=[0]).quantity == 333.0  # 333.33
    assert only(bars(30, 30, lot=0.5), entry_short=[0]).quantity == 333.0


@pytest.mark.requirement("S0-1.3.4")
@pytest.mark.requirement("S4-6.4")
def test_a_minimum_notional_bites_at_500_and_not_at_10_000():
    # 1 % of the equity is 5 of 500 and 100 of 10,000; the venue wants 10.
    market = bars(*[100] * 3, min_notional=10.0)
    small = outcome(market, genes(size=0.01), capital=500.0, entry_long=[0])
    large = outcome(market, genes(size=0.01), capital=10_000.0, entry_long=[0])

    assert (small.trades, small.refused) == ([], 1)
    assert small.equity == [500.0] * 3
    assert [t.quantity for t in large.trades] == [1.0]


def test_a_minimum_notional_is_met_exactly():
    assert outcome(bars(10, 10, min_notional=10.0), capital=10.0, entry_long=[0]).refused == 0


def test_less_than_a_lot_is_refused():
    assert outcome(bars(30_000, 30_000, lot=1.0), entry_long=[0]).refused == 1


def test_a_sale_for_nothing_is_refused():
    # 0.3 with a tick of 0.5 sells for 0.
    assert outcome(bars(0.3, 0.3, tick=0.5), entry_short=[0]).refused == 1


# Funding: 100 pieces at 100, nothing else costs.


def test_a_stamp_at_an_open_is_paid_by_the_position_held_before_it():
    market = bars(*[100] * 5, funding={"open": {1: 0.5, 3: 0.01}})
    # Entered at the open of 1: what is settled there is not its business. Closed at the open of 3: that stamp is.
    some = outcome(market, entry_long=[0], exit_long=[2])

    assert some.trades[0].pnl == pytest.approx(-100)
    assert some.equity == pytest.approx([10_000, 10_000, 10_000, 9_900, 9_900])
    assert some.figures["fees"] == 0.0


def test_a_short_receives_what_longs_pay():
    market = bars(*[100] * 4, funding={"open": {2: 0.01}})
    assert only(market, entry_short=[0], exit_short=[2]).pnl == pytest.approx(100)


def test_a_stamp_at_an_open_is_priced_by_the_mark_else_by_the_close_before():
    jump = ((100, 100), (100, 100), (120, 120), (120, 120))
    pays = {"open": {2: 0.01}}
    assert only(bars(*jump, funding=pays), entry_long=[0], exit_long=[1]).pnl == pytest.approx(2_000 - 100)
    marks = [(110, 120, 100)] * 4
    assert only(bars(*jump, funding=pays, marks=marks), entry_long=[0], exit_long=[1]).pnl == pytest.approx(
        2_000 - 110
    )


def test_a_stamp_inside_a_bar_is_paid_by_the_position_held_after_the_opens_fills():
    market = bars(*[100] * 5, funding={"inside": {1: 0.01, 3: 0.5}})
    # Entered at the open of 1, closed at the open of 3.
    assert only(market, entry_long=[0], exit_long=[2]).pnl == pytest.approx(-100)


def test_a_stamp_inside_a_bar_comes_before_the_stop_of_that_bar():
    market = bars(100, (100, 100, 90, 90), funding={"inside": {1: 0.01}})
    assert only(market, genes(stop=0.05), entry_long=[0]).pnl == pytest.approx(-500 - 100)


def test_a_missing_rate_is_paid_by_longs_and_received_by_nobody():
    market = bars(*[100] * 4, funding={"open": {2: NAN}})
    costs = Costs(taker=0.0, slippage=0.0, missing_funding=0.0001)
    long = outcome(market, costs=costs, entry_long=[0], exit_long=[2])
    short = outcome(market, costs=costs, entry_short=[0], exit_short=[2])

    assert long.trades[0].pnl == pytest.approx(-1)  # 0.01 % of 10,000
    assert short.trades[0].pnl == 0
    assert "funding_missing" in long.flags & short.flags


def test_a_missing_rate_inside_a_bar_counts_for_each_eight_hours():
    # A day from midnight has 08:00 and 16:00 inside, the next midnight belongs to the next bar.
    market = bars(100, 100, bar_s=DAY, funding={"inside": {1: NAN}})
    assert only(market, costs=Costs(taker=0.0, slippage=0.0), entry_long=[0]).pnl == pytest.approx(-2)
    # A missing rate at an unusual hour still costs once.
    market = bars(100, 100, start_s=HOUR, funding={"inside": {1: NAN}})
    assert only(market, costs=Costs(taker=0.0, slippage=0.0), entry_long=[0]).pnl == pytest.approx(-1)


def test_a_perpetual_without_any_history_is_never_free():
    # Bars of 4 h from midnight, in at 04:00: stamps at 08:00 and 16:00 at opens; out at the open of 16:00.
    market = bars(*[100] * 6, bar_s=4 * HOUR, asset_class=AssetClass.CRYPTO_PERPETUAL)
    some = outcome(market, costs=Costs(taker=0.0, slippage=0.0), entry_long=[0], exit_long=[3])

    assert some.trades[0].pnl == pytest.approx(-2)
    assert some.flags == {"funding_missing"}


def test_stamps_in_missing_bars_are_due_at_the_next_open():
    # Bars of 1 h from midnight; 07:00 is followed by 09:00: the stamp of 08:00 is paid there.
    market = bars(*[100] * 10, missing={8: 1}, asset_class=AssetClass.CRYPTO_PERPETUAL)
    some = outcome(market, costs=Costs(taker=0.0, slippage=0.0), entry_long=[2])

    assert some.equity[7:9] == pytest.approx([10_000, 9_999])
    # Daily bars with a day missing: its three stamps and the midnight after it are due at the next open, then 08 and 16 h.
    market = bars(*[100] * 3, missing={2: 1}, bar_s=DAY, asset_class=AssetClass.CRYPTO_PERPETUAL)
    some = outcome(market, costs=Costs(taker=0.0, slippage=0.0), entry_long=[0])
    assert some.equity == pytest.approx([10_000, 9_998, 9_998 - 4 - 2])


def test_a_market_that_owes_no_funding_is_not_flagged():
    assert outcome(bars(100, 100)).flags == frozenset()
    # A perpetual whose hours hold no stamp of 00, 08 or 16 misses none.
    assert (
        outcome(bars(100, 100, start_s=START + HOUR, asset_class=AssetClass.CRYPTO_PERPETUAL)).flags
        == frozenset()
    )


def test_funding_is_due_on_a_void_bar():
    market = bars(100, 100, None, 100, funding={"open": {2: 0.01}})
    assert outcome(market, entry_long=[0]).equity == pytest.approx([10_000, 10_000, 9_900, 9_900])


def test_ruin_at_a_close_ends_a_strategy():
    # Short at 100, close 250: equity 20,000 − 25,000 < 0. Not liquidated: the mark says 100.
    market = bars((100, 100), (100, 250), (250, 50), (50, 50), marks=[(100, 100, 100)] * 4, bar_s=DAY)
    some = outcome(market, entry_short=range(4))

    assert [(t.exit_bar, t.exit_price, t.reason, t.fees) for t in some.trades] == [(1, 250.0, "ruin", 0.0)]
    assert some.trades[0].pnl == pytest.approx(-15_000)
    assert some.equity == [10_000, 0, 0, 0]
    assert some.daily == [0, -1, 0, 0]
    assert some.figures["cagr"] == some.figures["total_return"] == -1
    assert some.flags == {"ruined", "shorted"}
