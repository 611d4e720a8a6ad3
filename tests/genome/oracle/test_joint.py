"""The oracle on many assets and one equity (SEMANTICS.md, 8): amounts a person divided."""

import pytest

from genome.costs import Costs
from genome.genome import Genome
from genome.trees import Both, Column, Compare, Either, Not, Number
from tests.genome.making import FREE, HOUR, START, bars, genes, levels
from tests.genome.oracle import account, joint


def outcome(markets, genome=None, costs=FREE, at=None, **rest):
    at = at or [{"entry_long": [0]}] * len(markets)
    signals = [levels(market.size, **some) for market, some in zip(markets, at, strict=True)]
    return joint.run(markets, genome or genes(), costs, 10_000.0, signals=signals, **rest)


@pytest.mark.requirement("S4-19.5")
@pytest.mark.requirement("S4-21.5")
def test_an_asset_takes_fifteen_per_cent_of_the_equity():
    some = outcome([bars(100, 100), bars(50, 50)])
    assert [t.quantity for t in some.trades] == pytest.approx([15, 30])


def test_a_position_limit_below_the_cap_holds():
    assert outcome([bars(100, 100)], genes(position_limit=0.1)).trades[0].quantity == pytest.approx(10)


@pytest.mark.requirement("S4-18.6")
def test_one_per_cent_is_too_little_to_trade():
    for limit, n_trades in ((0.01, 0), (0.0101, 1)):
        assert len(outcome([bars(100, 100)], genes(position_limit=limit)).trades) == n_trades


@pytest.mark.requirement("S4-21.5")
def test_a_score_of_a_tenth_is_too_little_to_trade():
    # One of ten comparisons true is a tenth; one of nine is more: 15 % / 9 of the equity.
    true, false = Compare(">", Column("close"), Number(1.0)), Compare(">", Column("close"), Number(1_000.0))
    for n_false, quantities in ((9, []), (8, [100 * 0.15 / 9])):
        tree = true
        for _ in range(n_false):
            tree = Either(tree, false)
        genome = Genome(family="many", entry_long=tree, genes=(("confluence_minimum", 1.0),))
        trades = joint.run([bars(100, 100)], genome, FREE).trades
        assert [t.quantity for t in trades] == pytest.approx(quantities)


def test_what_does_not_fit_is_scaled_by_one_factor_whatever_the_order():
    # Ten assets want 15 % each: 150 % of the equity. Each gets a tenth.
    markets = [bars(10 * (i + 1), 10 * (i + 1)) for i in range(10)]
    some = outcome(markets)

    assert [t.quantity * t.entry_price for t in some.trades] == pytest.approx([1_000] * 10)
    other = outcome(markets[::-1])
    assert sorted(t.quantity for t in other.trades) == pytest.approx(sorted(t.quantity for t in some.trades))


def test_gross_exposure_has_room_for_what_is_not_yet_held():
    # Gross 20 %: the first takes 15 % at bar 1, the two others want 15 % each at bar 2 and share the 5 % left.
    markets = [bars(*[100] * 4)] * 3
    at = [{"entry_long": [0]}, {"entry_long": [1]}, {"entry_short": [1]}]
    some = outcome(markets, at=at, gross=0.2)
    assert [t.quantity for t in some.trades] == pytest.approx([15, 2.5, 2.5])


def test_closes_come_before_entries_so_that_their_cash_is_there():
    # Six at 15 % and one at 10 % fill the account at bar 1; at bar 2 all leave and the last asset enters: 15 %.
    markets = [bars(*[100] * 4)] * 8
    at = [{"entry_long": [0], "exit_long": [1]}] * 7 + [{"entry_long": [1]}]
    quantities = [t.quantity for t in outcome(markets, at=at).trades]
    assert quantities == pytest.approx([100 / 7] * 7 + [15])


def test_sizes_are_of_the_equity_at_the_close_before():
    # 15 pieces bought at 100; close 200: equity 11,500. The other asset takes 15 % of that, whatever opens then.
    one, other = bars((100, 100), (100, 200), (50, 50)), bars(*[100] * 3)
    some = outcome([one, other], at=[{"entry_long": [0]}, {"entry_long": [1]}])
    assert [t.quantity for t in some.trades] == pytest.approx([15, 17.25])
    assert some.equity == pytest.approx([10_000, 11_500, 10_000 - 750])


def test_an_asset_enters_at_its_listing_and_leaves_at_its_end():
    old = bars(*[100] * 5)
    listed = bars(*[100] * 2, start_s=START + 2 * HOUR)  # its bars are the third and fourth of five
    some = outcome([old, listed], at=[{}, {"entry_long": [0]}])

    (trade,) = some.trades
    assert (trade.entry_bar, trade.exit_bar, trade.reason) == (1, 1, "gap")
    assert len(some.equity) == 5


def test_stops_inside_a_bar_do_not_depend_on_each_other():
    row = (100, 100, 90, 95)
    some = outcome([bars(100, row), bars(100, row)], genes(stop=0.05))
    assert [(t.exit_price, t.reason) for t in some.trades] == [(95.0, "stop")] * 2
    assert some.equity[-1] == pytest.approx(10_000 - 2 * 75)


def test_the_drawdown_stop_and_ruin_look_at_the_whole():
    # 30 % in two assets, both halve: − 15 %, more than 10 %; each leaves at its next open.
    fallen = bars((100, 100), (100, 50), (50, 50), (50, 50))
    some = outcome([fallen, fallen], genes(drawdown_stop=0.1), at=[{"entry_long": range(4)}] * 2)
    assert [(t.exit_bar, t.reason) for t in some.trades] == [(2, "drawdown")] * 2
    # Short 15 pieces each; the price goes to 600 on a calm mark: − 15,000. Both end there.
    soared = bars((100, 100), (100, 600), (600, 600), marks=[(100, 100, 100)] * 3)
    some = outcome([soared, soared], at=[{"entry_short": range(3)}] * 2)
    assert [(t.exit_bar, t.exit_price, t.reason) for t in some.trades] == [(1, 600.0, "ruin")] * 2
    assert some.equity == [10_000, 0, 0]


def test_ranks_weigh_the_score():
    # 21 bars each; the second rises, the first stands still: momentum ranks 0 and 1, weight 1: (1 + 0)/2 and (1 + 1)/2.
    still, rising = bars(*[100] * 23), bars(*[100 + t for t in range(23)])
    some = outcome([still, rising], genes(momentum_weight=1), at=[{"entry_long": [20]}] * 2)
    assert [t.quantity * t.entry_price for t in some.trades] == pytest.approx([750, 1_500])
    # After 11 bars two of the three are known, after 5 none: 0 ranks as unknown.
    for decided, mean_rank in ((10, 2 / 3), (5, 1 / 3), (4, 0)):
        early = outcome([still, rising], genes(momentum_weight=1), at=[{"entry_long": [decided]}] * 2)
        assert [t.quantity * t.entry_price for t in early.trades] == pytest.approx(
            [750, 750 * (1 + mean_rank)]
        )


def test_confluence_counts_the_comparisons_written_in_the_entry():
    # close > 1 and (close > 2 or close > 1000): two of three are true: 10 %.
    close = Column("close")
    tree = Both(
        Compare(">", close, Number(1.0)),
        Either(Compare(">", close, Number(2.0)), Compare(">", close, Number(1_000.0))),
    )
    for minimum, quantities in ((2.0, [10.0]), (3.0, [])):
        genome = Genome(family="many", entry_long=tree, genes=(("confluence_minimum", minimum),))
        trades = joint.run([bars(100, 100)], genome, FREE).trades
        assert [t.quantity for t in trades] == pytest.approx(quantities)


def test_what_is_denied_agrees_where_it_is_false():
    # not (close > 1000 or close > 2): the first denial is true, the second is not; and close > 1. Two of three: 10 %.
    close = Column("close")
    denied = Not(Either(Compare(">", close, Number(1_000.0)), Not(Compare("<=", close, Number(2.0)))))
    tree = Either(Compare(">", close, Number(1.0)), denied)
    genome = Genome(family="many", entry_long=tree, genes=(("confluence_minimum", 2.0),))
    trades = joint.run([bars(100, 100)], genome, FREE).trades
    assert [t.quantity for t in trades] == pytest.approx([10.0])


def test_a_margin_is_shared():
    # Short 15 pieces at 100 brings 1,500; the other asset, bought with 1,500, is worth 150 now.
    # Equity without the short: 10,000 + 1,500 − 1,500 + 150 = 10,150; p = 10,150 / (15 · 1.005) = 673.3.
    short = bars((100, 100), (100, 100), (100, 680, 100, 100))
    long = bars((100, 100), (100, 10), (10, 10))
    some = outcome([short, long], at=[{"entry_short": [0]}, {"entry_long": [0]}])
    assert some.trades[0].reason == "liquidation"
    assert some.trades[0].exit_price == pytest.approx(10_150 / (15 * 1.005))


def test_one_asset_alone_differs_from_a_single_backtest_in_its_size_only():
    market = bars((100, 100), (100, 105), (105, 95), (95, 95), (96, 100))
    at = {"entry_long": [0, 3], "exit_long": [1], "entry_short": [1]}
    costs = Costs()
    together = outcome([market], genes(stop=0.02), costs, at=[at])
    alone = account.run(market, genes(stop=0.02, size=0.15), costs, 10_000.0, levels(5, **at))
    assert [t[:5] for t in together.trades] == [t[:5] for t in alone.trades]
    assert together.equity == pytest.approx(alone.equity)
