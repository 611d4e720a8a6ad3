"""The ladder, the day and the streak at their edges: what exactly reaches a limit has reached it."""

import math
from decimal import Decimal

import msgspec
import pytest

from organism.messages import AlertRaised, ClosePositions, TradingStateChanged
from organism.messages import DenialReason as Why
from organism.trading import TradingState
from organs.immune.standing import find

D = Decimal
HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS


def below(limit):
    return math.nextafter(limit, 0.0)


def kinds(g):
    return [b.kind for b in g.state.blocks]


@pytest.mark.parametrize(
    ("drawdown", "rate", "blocks"),
    [
        (below(0.08), 1.0, []),
        (0.08, 0.5, []),
        (below(0.10), 0.5, []),
        (0.10, 0.5, [Why.DRAWDOWN]),
        (below(0.15), 0.5, [Why.DRAWDOWN]),
        (0.15, 0.5, [Why.HALTED]),
        (math.nan, 0.5, [Why.HALTED]),
    ],
)
def test_each_rung_is_reached_by_exactly_its_drawdown(gate, drawdown, rate, blocks):
    g = gate()
    g.mark(drawdown=drawdown)
    assert (g.state.rate, kinds(g)) == (rate, blocks)
    if blocks:
        (block,) = g.state.blocks
        assert block.limit == {Why.DRAWDOWN: 0.10, Why.HALTED: 0.15}[block.kind]
        assert block.observed == pytest.approx(drawdown, nan_ok=True)
        assert block.since_ns == g.market_ns


def test_a_rung_speaks_once_however_long_one_stands_on_it(gate):
    g = gate()
    g.mark(drawdown=0.12)
    assert len(g.of(AlertRaised)) == 1
    (changed,) = g.of(TradingStateChanged)
    assert changed.cause == "drawdown 12 % reached 10 %; drawdown 12 % reached 8 %: sizes are halved"
    g.mark(drawdown=0.13)
    assert (g.of(AlertRaised), g.of(TradingStateChanged)) == ([], [])
    g.mark(drawdown=0.2)
    (changed,) = g.of(TradingStateChanged)
    assert changed.cause == "drawdown 20 % reached the limit of 15 %"
    g.mark(drawdown=0.3)
    assert g.effects == ()


def test_sizes_are_whole_again_below_half_the_rung_not_at_it(gate):
    g = gate()
    g.mark(drawdown=0.08)
    g.mark(drawdown=0.04)
    assert g.state.rate == 0.5
    g.mark(drawdown=below(0.04))
    assert g.state.rate == 1.0
    assert g.of(TradingStateChanged)[0].cause == "drawdown 4 % is small again: sizes are whole"
    assert not g.state.watchful
    g.mark(drawdown=0.0)
    assert g.effects == ()


def test_after_a_resume_the_upper_rungs_count_from_the_equity_of_that_moment(gate):
    g = gate()
    g.mark(8_000.0, peak=10_000.0)
    g.command("resume")
    assert (g.state.rebased_peak, kinds(g)) == (8_000.0, [])
    g.mark(7_201.0, peak=10_000.0, day_start=7_201.0)
    assert kinds(g) == []
    g.mark(7_199.9, peak=10_000.0, day_start=7_199.9)
    assert kinds(g) == [Why.DRAWDOWN], "a little more than 10 % of 8000"
    assert g.state.rebased_peak == 8_000.0


def test_what_a_person_accepted_rises_with_equity_and_ends_at_the_old_peak(gate):
    g = gate()
    g.mark(8_000.0, peak=10_000.0)
    g.command("resume")
    g.mark(9_000.0, peak=10_000.0)
    assert g.state.rebased_peak == 9_000.0
    g.mark(8_500.0, peak=10_000.0, day_start=8_500.0)
    assert g.state.rebased_peak == 9_000.0
    g.mark(10_000.0, peak=10_000.0)
    assert g.state.rebased_peak is None


@pytest.mark.parametrize(("equity", "stops"), [(9_500.0, True), (9_500.01, False)])
def test_a_day_s_loss_stops_entries_when_it_is_the_limit_and_until_midnight(gate, equity, stops):
    g = gate(max_daily_loss=0.05)
    g.mark(equity, drawdown=0.0, day_start=10_000.0)
    block = find(g.state.blocks, Why.DAILY_LOSS)
    assert (block is not None) is stops
    if stops:
        assert block.until_ns == (g.market_ns // DAY_NS + 1) * DAY_NS
        assert (block.limit, block.observed) == (0.05, pytest.approx(0.05))
        assert g.of(TradingStateChanged)[0].cause == "the day's loss of 5 % reached the limit of 5 %"
        g.mark(9_000.0, drawdown=0.0, day_start=10_000.0)
        assert g.effects == (), "one limit a day"


def test_the_loss_of_a_day_that_began_with_nothing_is_no_number(gate):
    g = gate()
    g.mark(0.0, drawdown=0.0, day_start=0.0)
    assert math.isnan(find(g.state.blocks, Why.DAILY_LOSS).observed)
    h = gate()
    h.mark(0.0, drawdown=0.0, day_start=0.5)
    assert find(h.state.blocks, Why.DAILY_LOSS).observed == 1.0


def test_a_streak_is_as_long_as_the_limit_and_cools_down_for_its_hours(gate):
    g = gate(max_consecutive_losses=3, cool_down_h=4.0)
    g.mark(losses=2, losing=("X/USDT",))
    assert kinds(g) == []
    g.mark(losses=3, losing=("X/USDT", "Z/USDT"))
    (block,) = g.state.blocks
    assert (block.kind, block.until_ns) == (Why.COOLING_DOWN, g.market_ns + 4 * HOUR_NS)
    assert (block.limit, block.observed) == (3.0, 3.0)
    assert g.of(TradingStateChanged)[0].cause == "3 losing trades in a row reached the limit of 3"
    (close,) = g.of(ClosePositions)
    assert (close.symbols, close.purpose) == (("X/USDT", "Z/USDT"), "cut_loss")
    g.mark(losses=4, losing=("X/USDT",))
    assert g.of(ClosePositions) == [], "answered once"


def test_a_streak_without_losing_positions_closes_none(gate):
    g = gate()
    g.mark(losses=3)
    assert (kinds(g), g.of(ClosePositions)) == ([Why.COOLING_DOWN], [])


def test_after_its_cool_down_only_further_losses_in_a_row_count(gate):
    g = gate(max_consecutive_losses=3, cool_down_h=1.0)
    g.mark(losses=3)
    g.mark(losses=3, skip=13)
    assert (kinds(g), g.state.losses_base) == ([], 3)
    g.mark(losses=5)
    assert kinds(g) == []
    g.mark(losses=6)
    assert kinds(g) == [Why.COOLING_DOWN]


def test_a_win_ends_what_was_answered(gate):
    g = gate(max_consecutive_losses=3, cool_down_h=1.0)
    g.mark(losses=3)
    g.mark(losses=3, skip=13)
    g.mark(losses=0)
    assert (g.state.losses_base, g.state.watchful) == (0, False)
    g.mark(losses=2)
    assert kinds(g) == []
    g.mark(losses=3)
    assert kinds(g) == [Why.COOLING_DOWN]
    assert g.standing.state is TradingState.REDUCING


def test_an_ordinary_mark_is_remembered_and_says_nothing(gate):
    g = gate()
    before = g.state
    g.mark(10_001.0)
    assert g.effects == ()
    assert g.state.marked is not before.marked
    assert g.state.standing is before.standing


def test_a_position_that_neither_wins_nor_loses_is_not_cut(gate):
    g = gate()
    told = g.state.marked
    figures = (D(0), D("0.5"), D("-0.5"))
    positions = tuple(
        msgspec.structs.replace(p, unrealised=u) for p, u in zip(told.positions, figures, strict=True)
    )
    g.tell(msgspec.structs.replace(told, positions=positions, consecutive_losses=3))
    assert g.of(ClosePositions)[0].symbols == ("Z/USDT",)
