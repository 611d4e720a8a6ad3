"""What may be traded: ladder, streak, day, hibernation, people, feeds, reconciliation, restarts."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    ClosePositions,
    Recovered,
    TradingStateChanged,
)
from organism.messages import DenialReason as Why
from organism.trading import Order, TradingState

D = Decimal

HOUR_NS = 3_600 * NS_PER_S
EVERYONE = ("metabolism", "brain", "motor", "nervous", "reproduction", "voice")


def start(g, *, safe=False, process=True):
    g.tell(Recovered(organ="immune", incarnation=2, process=process, safe=safe))
    return g


# ---------------------------------------------------------------- drawdown


@pytest.mark.requirement("S0-4.3.9")
def test_sizes_are_halved_from_eight_percent_and_whole_again_below_four(gate):
    g = gate()
    g.mark(9_210)
    assert not g.changed
    g.mark(9_200, drawdown=0.08)
    assert g.standing.metabolic_rate == 0.5
    assert g.standing.state is TradingState.ACTIVE
    assert g.to(TradingStateChanged) == [EVERYONE]
    assert g.standing.reason == "Active: drawdown 8 % reached 8 %: sizes are halved."
    g.mark(9_599)
    assert not g.changed
    g.mark(9_650)
    assert g.standing.metabolic_rate == 1.0


@pytest.mark.requirement("S2-3.6")
def test_from_ten_percent_nothing_grows_and_a_person_is_told_once(gate):
    g = gate()
    g.mark(9_000, drawdown=0.10)
    assert g.standing.state is TradingState.REDUCING
    (alert,) = g.of(AlertRaised)
    assert alert.title == "No new positions: drawdown 10 % reached 10 %"
    denied = g.propose(1)
    assert (denied.reason, denied.limit, denied.observed) == (Why.DRAWDOWN, 0.10, pytest.approx(0.10))
    g.mark(8_900)
    assert g.of(AlertRaised) == []
    assert not g.changed


@pytest.mark.requirement("S2-3.6")
def test_a_halt_says_why_and_how_to_resume_in_its_first_sentences(gate):
    g = gate()
    g.mark(8_480)
    assert g.standing.state is TradingState.HALTED
    assert g.standing.reason == (
        "Halted: drawdown 15.2 % reached the limit of 15 %. Resume with `organism resume --note WHY`."
    )
    denied = g.propose(1)
    assert (denied.reason, denied.limit, denied.observed) == (Why.HALTED, 0.15, pytest.approx(0.152))
    g.mark(8_000)
    assert not g.changed, "a halt is told once, with the number that caused it"


def test_a_drawdown_that_is_not_a_number_halts(gate):
    g = gate()
    g.mark(math.nan, peak=10_000.0)
    assert g.standing.state is TradingState.HALTED
    assert "not a number" in g.standing.reason


def test_resuming_accepts_the_loss_but_not_another_one(gate):
    g = gate()
    g.mark(8_400)
    g.command("resume", note="seen")
    assert g.standing.state is TradingState.ACTIVE
    assert g.standing.reason == "Active: resumed by ann: seen. Sizes stay × 0.5: drawdown was 16 %."
    assert g.standing.metabolic_rate == 0.5, "size stays halved by the true drawdown"
    g.mark(8_400, peak=10_000.0, day_start=8_400)
    g.mark(8_300, peak=10_000.0, day_start=8_400)
    assert g.standing.state is TradingState.ACTIVE
    g.mark(7_500, peak=10_000.0)
    assert g.standing.state is TradingState.REDUCING
    g.mark(7_140, peak=10_000.0)
    assert g.standing.state is TradingState.HALTED


def test_the_old_peak_counts_again_once_it_is_reached(gate):
    g = gate()
    g.mark(8_400)
    g.command("resume")
    g.mark(10_000, peak=10_000.0)
    g.mark(10_100, peak=10_100.0)
    assert g.state.rebased_peak is None
    g.mark(9_080, peak=10_100.0)
    assert g.standing.state is TradingState.REDUCING


# The ladder, the day and the streak, in any order; then every rule that lifts something by itself.
events = st.lists(
    st.one_of(
        st.tuples(
            st.just("mark"),
            st.floats(allow_nan=True, allow_infinity=True) | st.floats(5_000, 12_000),
            st.integers(0, 8),
        ),
        st.tuples(st.just("health"), st.floats(allow_nan=True) | st.floats(0, 100)),
        st.tuples(st.just("wait"), st.integers(1, 100)),
        st.tuples(st.just("reconcile"), st.booleans()),
        st.tuples(st.just("restart"), st.booleans(), st.booleans()),
    ),
    max_size=20,
)


def happen(g, event):
    match event:
        case ("mark", equity, losses):
            g.mark(equity, peak=12_000.0, losses=losses)
        case ("health", health):
            g.vitals(health)
        case ("wait", hours):
            g.wait(hours * HOUR_NS)
        case ("reconcile", clean):
            g.reconcile(unexplained=() if clean else (("X/USDT", D(1)),))
        case ("restart", process, safe):
            start(g, process=process, safe=safe)


@pytest.mark.requirement("S0-0.3")
@given(events)
def test_trading_never_widens_by_itself(gate, stream):
    """Whatever happens, a halt is lifted only by a person, and nothing but time lifts a timed rule."""
    g = gate()
    latched = set()
    latching = {Why.HALTED, Why.DRAWDOWN, Why.SAFE_MODE}
    for event in stream:
        timed = {b.kind: b.until_ns for b in g.state.blocks if b.until_ns is not None}
        happen(g, event)
        kinds = {b.kind for b in g.state.blocks}
        assert latched <= kinds
        latched |= kinds & latching
        for kind, until in timed.items():
            assert kind in kinds or until <= g.market_ns
        assert (g.standing.state is TradingState.HALTED) == (Why.HALTED in kinds)
        if kinds:
            assert not isinstance(g.propose(1), Order)
    g.command("resume")
    assert not {b.kind for b in g.state.blocks} & latching


@given(events)
def test_everyone_is_told_exactly_when_the_standing_changes(gate, stream):
    g = gate()
    for event in stream:
        before = g.standing
        if event[0] == "wait":
            continue
        happen(g, event)
        told = g.of(TradingStateChanged)
        assert [(t.before, t.after) for t in told] == ([(before, g.standing)] if before != g.standing else [])


# ---------------------------------------------------------------- the day


@pytest.mark.requirement("S1-2.5")
def test_a_days_loss_stops_entries_until_the_next_utc_day(gate):
    g = gate()
    g.mark(9_500, day_start=10_000.0)
    midnight = (g.market_ns // (24 * HOUR_NS) + 1) * 24 * HOUR_NS
    assert g.standing.no_entries_until_ns == midnight
    assert g.standing.reason == (
        "Reducing: the day's loss of 5 % reached the limit of 5 %; no entries until 2024-01-02 00:00 UTC. "
        "It ends by itself."
    )
    assert g.propose(1).reason is Why.DAILY_LOSS
    g.command("resume")
    assert g.propose(1).reason is Why.DAILY_LOSS, "the day's limit ends with the day, for everyone"
    g.wait(24 * HOUR_NS)
    assert g.standing.state is TradingState.ACTIVE
    assert g.standing.reason == "Active: the pause is over (the day's loss of 5 % reached the limit of 5 %)."
    assert isinstance(g.propose(1), Order)


# ---------------------------------------------------------------- losing streak


@pytest.mark.requirement("S0-4.3.8")
def test_three_losses_close_losing_positions_once_and_stop_entries_for_four_hours(gate):
    g = gate()
    g.mark(losses=2)
    assert not g.changed
    g.mark(losses=3, losing=("Y/USDT",))
    (close,) = g.of(ClosePositions)
    assert (close.symbols, close.purpose) == (("Y/USDT",), "cut_loss")
    assert g.to(ClosePositions) == [("metabolism",)]
    assert g.standing.no_entries_until_ns == g.market_ns + 4 * HOUR_NS
    assert g.propose(1).reason is Why.COOLING_DOWN
    g.mark(losses=4, losing=("X/USDT",))
    assert g.effects == ()
    g.wait(4 * HOUR_NS)
    assert g.standing.state is TradingState.ACTIVE
    assert g.standing.no_entries_until_ns is None
    g.mark(losses=4, losing=("X/USDT",))
    assert g.effects == (), "a streak is answered once"


def test_as_many_further_losses_in_a_row_are_answered_again(gate):
    g = gate()
    g.mark(losses=3)
    g.mark(losses=4)
    g.wait(4 * HOUR_NS)
    g.mark(losses=6)
    assert not g.changed
    g.mark(losses=7, losing=("X/USDT",))
    assert len(g.of(ClosePositions)) == 1


def test_a_win_ends_the_streak(gate):
    g = gate()
    g.mark(losses=3)
    g.wait(4 * HOUR_NS)
    g.mark(losses=0)
    g.mark(losses=3, losing=("X/USDT",))
    assert len(g.of(ClosePositions)) == 1


def test_a_streak_without_losing_positions_closes_nothing(gate):
    g = gate()
    g.mark(losses=3)
    assert g.of(ClosePositions) == [], "an empty list would close everything"
    assert g.standing.state is TradingState.REDUCING
