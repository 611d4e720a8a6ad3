"""What an organ may know, and an invariant might not: a false alarm halts trading as surely as a true one."""

import msgspec
import pytest

from organism.effects import Publish
from organism.invariants import Rules
from organism.market import NS_PER_S
from organism.messages import OperatorCommanded, TimerFired, TradingStateChanged, VitalsTaken
from organism.portfolio import MarkedPosition
from organism.settings import RiskSettings
from organism.trading import OrderStatus, Side, Standing, TradingState
from tests.organism.invariants.tape import BTC, RULES, D, Tape, X

HOUR_NS = 3_600 * NS_PER_S
STREAK = RULES.risk.max_consecutive_losses


def changed(before, after):
    return TradingStateChanged(before=before, after=after, cause="c")


def midway(rules=RULES, **mark):
    """Judged from the middle of a life on, whose first mark says this."""
    tape = Tape(rules, first_seq=50)
    tape.t = HOUR_NS
    tape.events = [None] * 49
    tape.steps = {"motor": 20, "metabolism": 20, "immune": 20}
    tape.mark(**mark)
    return tape


def asks(tape, name="9"):
    tape.approve(tape.make(name))
    return tape


def test_a_drawdown_that_a_person_accepted_before_judging_began_stops_nothing():
    tape = asks(midway(drawdown=0.12, equity=8_800.0, peak=10_000.0, day_start=8_800.0))
    assert tape.texts() == []
    tape.mark(drawdown=0.11, equity=8_900.0, peak=10_000.0, day_start=8_800.0)
    assert asks(tape, "10").texts() == []


def test_a_drawdown_counts_on_from_where_judging_began():
    tape = midway(drawdown=0.12, equity=8_800.0, peak=10_000.0)
    tape.mark(drawdown=0.21, equity=7_900.0, peak=10_000.0)
    assert "drawdown has reached its limit" in asks(tape).texts()[0]


def test_a_resume_accepts_what_the_gate_may_have_seen_fall_from_higher_than_where_judging_began():
    """From 10,000 the gate saw a fall beyond its limit, and a person accept it; from 9,500 on it was none."""
    tape = midway(drawdown=0.05, equity=9_500.0, peak=10_000.0, day_start=9_500.0)
    tape.mark(drawdown=0.101, equity=8_990.0, peak=10_000.0, day_start=8_990.0)
    tape.row("immune", reads=OperatorCommanded(command_id=1, command="resume", operator="me"))
    tape.mark(drawdown=0.15, equity=8_500.0, peak=10_000.0, day_start=8_500.0)
    assert asks(tape).texts() == []
    tape.mark(equity=10_100.0, peak=10_100.0)
    tape.mark(drawdown=0.05, equity=9_600.0, peak=10_100.0, day_start=9_600.0)
    tape.row("immune", reads=OperatorCommanded(command_id=2, command="resume", operator="me"))
    tape.mark(drawdown=0.11, equity=8_989.0, peak=10_100.0, day_start=8_989.0)
    assert "drawdown has reached its limit" in asks(tape, "10").texts()[0], "a new peak: all is known again"


def test_a_losing_streak_that_was_answered_before_judging_began_stops_nothing():
    tape = midway(consecutive_losses=STREAK + 1)
    assert asks(tape).texts() == []
    tape.mark(consecutive_losses=2 * STREAK + 1)
    assert asks(tape, "10").texts() == [], "who knows where the gate began to count"
    tape.mark(consecutive_losses=0)
    asks(tape, "11")
    tape.mark(consecutive_losses=STREAK)
    assert "a losing streak cools down" in asks(tape, "12").texts()[0]


def test_a_cool_down_ends_with_a_timer_too_and_has_answered_the_losses_known_by_then():
    """Seed 13174: the timer ends it, a mark with an old stamp comes late, and from then on both counted apart."""
    tape = Tape().begin()
    began_ns, over_ns = tape.t, tape.t + int(RULES.risk.cool_down_h * HOUR_NS) + NS_PER_S
    tape.mark(consecutive_losses=STREAK)
    tape.t = over_ns
    tape.row("immune", reads=TimerFired(key="cooling_down", due_ns=over_ns))
    tape.mark(consecutive_losses=STREAK + 1, at_ns=began_ns)
    tape.mark(consecutive_losses=2 * STREAK)  # again as many: another cool-down
    assert "a losing streak cools down" in asks(tape).texts()[0]
    n = len(tape.texts())
    tape.row("immune", reads=OperatorCommanded(command_id=1, command="resume", operator="me"))
    tape.mark(consecutive_losses=2 * STREAK + 1)
    assert len(asks(tape, "10").texts()) == n


@pytest.mark.parametrize(("held", "broken"), [("0.5", False), ("0.6", True)])
def test_a_rest_of_another_instrument_too_small_to_trade_is_no_position(held, broken):
    """Each instrument has a least value of its own: 5 is enough for X and dust for Y."""
    other = msgspec.structs.replace(BTC, symbol="Y/USDT", base="Y", min_notional=D("5.5"))
    rules = Rules(instruments={X: BTC, "Y/USDT": other}, risk=RiskSettings(max_positions=1))
    position = MarkedPosition(
        symbol="Y/USDT", quantity=D(held), average_price=D(10), mark=10.0, unrealised=D(0), exposure=0.1, opened_ns=1
    )  # fmt: skip
    tape = midway(rules, positions=(position,), closes=((X, 10.0), ("Y/USDT", 10.0)))
    assert ["at most 1 positions" in text for text in asks(tape).texts()] == [True] * broken


def test_sales_that_add_up_to_all_that_is_held_are_no_short_by_a_rounding_error():
    """0.3 − 0.1 − 0.2 is less than nothing in binary fractions."""
    lot = msgspec.structs.replace(BTC, min_notional=D("0.5"))
    tape = Tape(Rules(instruments={X: lot}, risk=RiskSettings(), starting_cash=D(10_000))).begin()
    order = tape.order("9", "0.3")
    tape.hear(order, tape.fill(order, "0.3"), OrderStatus.FILLED, "0.3")
    for name, quantity in (("10", "0.1"), ("11", "0.2")):
        tape.approve(tape.make(name, quantity, Side.SELL))
    assert tape.texts() == []
    tape.approve(tape.make("12", "0.1", Side.SELL))
    assert "cannot be held short" in tape.texts()[0]


def test_an_absurd_amount_beside_a_small_one_is_judged_and_not_stumbled_over():
    tape = Tape().begin()
    tape.approve(tape.make("9", "0.1"))
    tape.approve(tape.make("10", "1e308"))
    assert any("its value must stay" in text for text in tape.texts())


def test_low_health_is_counted_anew_once_a_hibernation_is_said_to_be_over():
    """Its end is said by a mark or a timer; until then the gate counts no reading, and neither does the judge."""
    tape = Tape().begin()
    asleep = Standing(state=TradingState.REDUCING, hibernating_until_ns=tape.t + NS_PER_S)
    tape.say("immune", changed(Standing(), asleep), to=("motor",))
    tape.t += 2 * NS_PER_S
    for _ in range(5):
        tape.row("immune", reads=VitalsTaken(health=10.0, parts=()))
    tape.say("immune", changed(asleep, Standing()), to=("motor",))
    assert asks(tape).texts() == []
    for _ in range(5):
        tape.row("immune", reads=VitalsTaken(health=10.0, parts=()))
    assert "the body hibernates" in asks(tape, "10").texts()[0]


def test_a_hibernation_ends_with_the_mark_that_the_gate_has_read_even_where_the_clock_lags_behind_it():
    tape = Tape().begin()
    command = OperatorCommanded(command_id=1, command="hibernate", operator="me", hours=1.0)
    until_ns = tape.t + 2 * HOUR_NS
    asleep = Standing(state=TradingState.REDUCING, hibernating_until_ns=until_ns)
    tape.row("immune", Publish(to=("motor",), message=changed(Standing(), asleep)), reads=command)
    tape.mark(at_ns=until_ns - 1)
    assert "trading is reducing" in asks(tape).texts()[0]
    n = len(tape.texts())
    tape.mark(at_ns=until_ns)
    assert len(asks(tape, "10").texts()) == n
