"""What people, feeds, the venue and the body itself do to what may be traded."""

import math
from decimal import Decimal

import pytest

from organism.effects import CancelTimer
from organism.market import NS_PER_S
from organism.messages import (
    ClosePositions,
    Escalated,
    FeedRecovered,
    FeedStalled,
    InvariantBroken,
    Recovered,
    TradingStateChanged,
)
from organism.messages import DenialReason as Why
from organism.trading import Order, Side, TradingState

D = Decimal

HOUR_NS = 3_600 * NS_PER_S


def start(g, *, safe=False, process=True):
    g.tell(Recovered(organ="immune", incarnation=2, process=process, safe=safe))
    return g


# ---------------------------------------------------------------- hibernation


@pytest.mark.requirement("S0-4.3.10")
@pytest.mark.parametrize("health", [49.9, 0.0, math.nan])
def test_three_readings_of_critical_health_hibernate_for_a_day(gate, health):
    g = gate()
    g.vitals(health).vitals(health)
    assert g.standing.state is TradingState.ACTIVE
    g.vitals(health)
    assert g.standing.hibernating_until_ns == g.market_ns + 24 * HOUR_NS
    assert g.standing.reason.startswith("Hibernating: health was")
    assert g.propose(1).reason is Why.HIBERNATING
    g.wait(24 * HOUR_NS - 1)
    assert g.propose(1).reason is Why.HIBERNATING
    g.wait(1)
    assert g.standing.state is TradingState.ACTIVE
    assert g.standing.hibernating_until_ns is None


def test_one_good_reading_starts_the_count_again(gate):
    g = gate()
    for health in (10.0, 10.0, 50.0, 10.0, 10.0):
        g.vitals(health)
    assert g.standing.state is TradingState.ACTIVE


@pytest.mark.requirement("S0-0.9")
def test_a_person_may_hibernate_for_some_hours(gate):
    g = gate()
    g.command("hibernate", hours=2.0, note="holiday")
    assert g.standing.hibernating_until_ns == g.market_ns + 2 * HOUR_NS
    assert "ann: holiday" in g.standing.reason
    g.wait(2 * HOUR_NS)
    assert g.standing.state is TradingState.ACTIVE


@pytest.mark.parametrize("hours", [None, math.nan, -1.0, 0.0, math.inf])
def test_hibernation_without_sensible_hours_takes_the_setting(gate, hours):
    g = gate()
    g.command("hibernate", hours=hours)
    assert g.standing.hibernating_until_ns == g.market_ns + 24 * HOUR_NS


def test_hibernation_ordered_before_the_first_bar_counts_from_it(gate):
    g = gate(marked=False)
    bar_ns, g.market_ns = g.market_ns, 0
    g.command("hibernate", hours=2.0)
    assert g.standing.state is TradingState.REDUCING
    g.market_ns = bar_ns
    g.mark()
    assert g.standing.hibernating_until_ns == g.market_ns + 2 * HOUR_NS


def test_time_lifts_a_rule_even_when_its_timer_never_fires(gate):
    g = gate()
    g.command("hibernate", hours=1.0)
    g.mark(skip=20)
    assert g.standing.state is TradingState.ACTIVE
    assert isinstance(g.propose(1), Order)


# ---------------------------------------------------------------- people


@pytest.mark.requirement("S2-1.5")
def test_a_halt_by_a_person_says_who_and_why(gate):
    g = gate()
    g.command("halt", note="exchange looks odd")
    assert g.standing.reason == (
        "Halted: halted by ann: exchange looks odd. Resume with `organism resume --note WHY`."
    )
    (told,) = g.of(TradingStateChanged)
    assert told.cause == "halt by ann: exchange looks odd"


def test_a_command_told_twice_is_obeyed_once(gate):
    g = gate()
    g.command("halt", command_id=7)
    g.command("resume", command_id=8)
    g.command("halt", command_id=7)
    assert g.standing.state is TradingState.ACTIVE
    g.command("halt", command_id=8)
    assert g.standing.state is TradingState.ACTIVE


@pytest.mark.requirement("S2-1.5")
def test_flatten_closes_everything_once_and_nothing_reopens_until_resume(gate):
    g = gate()
    g.command("flatten")
    (close,) = g.of(ClosePositions)
    assert (close.symbols, close.purpose) == ((), "flatten")
    assert g.propose(1).reason is Why.REDUCING
    g.mark()
    assert g.of(ClosePositions) == []
    g.command("resume")
    assert isinstance(g.propose(1), Order)


def test_resume_lifts_all_that_a_person_may_lift_and_disarms_their_timers(gate):
    g = gate()
    g.command("halt").command("reduce").command("hibernate")
    start(g, safe=True).reconcile()
    g.mark(losses=3)
    g.command("resume", note="all seen")
    assert g.state.blocks == ()
    assert g.standing.reason == "Active: resumed by ann: all seen."
    cancelled = {e.key for e in g.effects if isinstance(e, CancelTimer)}
    assert cancelled == {"hibernating", "cooling_down"}


def test_a_halt_outlives_everything_but_a_person(gate):
    g = gate()
    g.command("halt")
    start(g).reconcile().mark(20_000).wait(10_000 * HOUR_NS).vitals(100.0)
    assert g.standing.state is TradingState.HALTED


def test_an_unknown_command_changes_nothing_but_is_not_read_again(gate):
    g = gate()
    g.command("dance")
    assert g.effects == ()
    assert g.state.command_id == 1


# ---------------------------------------------------------------- feeds, venue, body


def test_a_stalled_feed_stops_entries_until_it_delivers(gate):
    g = gate()
    for feed in ("a", "b", "a"):
        g.tell(FeedStalled(feed=feed, reason="silent", silent_s=12.0))
    denied = g.propose(1)
    assert (denied.reason, denied.observed) == (Why.FEED_STALLED, 12.0)
    g.tell(FeedRecovered(feed="a"))
    assert g.propose(1).reason is Why.FEED_STALLED
    g.tell(FeedRecovered(feed="b"))
    assert isinstance(g.propose(1), Order)


def test_after_a_start_nothing_grows_before_books_and_venue_agree(gate):
    g = start(gate())
    g.fill(quantity=5)
    assert g.propose(1).reason is Why.UNRECONCILED
    assert isinstance(g.propose(1, side=Side.SELL, reduce_only=True), Order)
    g.reconcile()
    assert isinstance(g.propose(1), Order)


def test_a_restart_of_the_organ_alone_needs_no_new_comparison(gate):
    assert isinstance(start(gate(), process=False).propose(1), Order)


def test_unexplained_quantity_halts_and_names_it(gate):
    g = gate()
    g.reconcile(unexplained=(("X/USDT", D("0.5")),))
    assert g.standing.reason.startswith("Halted: unexplained quantity at the venue (+0.5 X/USDT).")
    g.reconcile()
    assert g.standing.state is TradingState.HALTED


def test_a_report_that_is_unclean_without_saying_why_halts(gate):
    assert gate().reconcile(clean=False).standing.state is TradingState.HALTED


def test_foreign_orders_are_left_alone(gate):
    g = start(gate())
    g.reconcile(foreign=("manual",))
    assert isinstance(g.propose(1), Order)


def test_an_order_whose_fate_stays_unknown_stops_entries_after_a_minute(gate):
    g = gate()
    g.reconcile(unknown=("c-1",))
    g.mono_ns += 60 * NS_PER_S
    g.reconcile(unknown=("c-1",))
    assert isinstance(g.propose(1), Order)
    g.mono_ns += 1
    denied = g.propose(1)
    assert (denied.reason, denied.limit) == (Why.UNRECONCILED, 60.0)
    g.reconcile()
    assert isinstance(g.propose(1), Order)


def test_safe_mode_allows_reductions_only_until_a_person_resumes(gate):
    g = start(gate(), safe=True).reconcile()
    assert g.standing.reason.startswith("Safe mode:")
    assert g.propose(1).reason is Why.SAFE_MODE
    start(g).reconcile()
    assert g.propose(1).reason is Why.SAFE_MODE, "an ordinary start forgets nothing"
    g.command("resume")
    assert isinstance(g.propose(1), Order)


def test_an_escalation_halts(gate):
    g = gate()
    g.tell(Escalated(organ="motor", why="a fill could not be read"))
    assert g.standing.reason.startswith("Halted: motor gave up: a fill could not be read.")


def test_a_broken_invariant_halts_until_a_person_resumes(gate):
    g = gate()
    g.tell(InvariantBroken(invariant="I3", breach_id="I3:7:X", text="X: fills make 1; the books hold 2."))
    assert g.standing.reason.startswith("Halted: invariant I3 is broken: X: fills make 1; the books hold 2.")
    assert g.propose(1).reason is Why.HALTED
    g.command("resume")
    assert isinstance(g.propose(1), Order)


def test_live_and_paper_differ_in_nothing_but_the_word(gate):
    from organs.immune.core import immune_core

    g = gate()
    live = immune_core(g.risk, g.instruments, mode="live")
    assert live.initial.standing.reason == "Active: live trading."
