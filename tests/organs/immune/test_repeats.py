"""What risk control hears twice counts once."""

from decimal import Decimal

from organism.messages import (
    DenialReason,
    Escalated,
    FeedRecovered,
    FeedStalled,
    Filled,
    Recovered,
    TimerFired,
)
from organism.trading import OrderStatus, Side, TradingState

D = Decimal
HOUR_NS = 3_600 * 10**9


def test_a_fill_told_twice_moves_position_and_reserve_once(gate):
    g = gate()
    order = g.propose(10)
    one = g.fill(order, 4)
    before = g.state
    g.tell(Filled(fill=one))
    assert g.state is before
    assert g.state.positions == {"X/USDT": D(4)}
    assert g.state.reserved[order.id].open == 6


def test_a_position_that_is_flat_is_forgotten(gate):
    g = gate()
    g.fill(quantity=4)
    g.fill(quantity=4, side=Side.SELL)
    assert g.state.positions == {}


def test_a_stall_told_twice_is_one_and_each_feed_must_deliver_again(gate):
    g = gate()
    g.tell(FeedStalled(feed="b", reason="silent", silent_s=7.0))
    assert g.state.blocks[0].observed == 7.0
    before = g.state
    g.tell(FeedStalled(feed="b", reason="silent", silent_s=9.0))
    assert g.state is before
    assert g.effects == ()
    g.tell(FeedStalled(feed="a", reason="silent", silent_s=8.0))
    assert g.state.stalled == ("a", "b")
    g.tell(FeedRecovered(feed="b"))
    assert g.propose(1).limit == 0.0, "one feed is still silent"
    before = g.state
    g.tell(FeedRecovered(feed="b"))
    assert g.state is before
    assert g.effects == ()
    g.tell(FeedRecovered(feed="a"))
    assert g.propose(1).quantity == 1


def test_a_terminal_word_on_an_order_that_is_not_reserved_changes_nothing(gate):
    g = gate()
    order = g.propose(10)
    g.update(order, OrderStatus.ACKED)
    assert g.state.reserved[order.id].ended is None
    g.update(order, OrderStatus.CANCELED, 0)
    before = g.state
    assert before.reserved == {}
    g.update(order, OrderStatus.CANCELED, 0)
    assert g.state is before


def test_whoever_hibernates_is_not_sent_to_sleep_again(gate):
    g = gate()
    for _ in range(3):
        g.vitals(10.0)
    slept = g.state
    assert [b.kind for b in slept.blocks] == [DenialReason.HIBERNATING]
    g.market_ns += HOUR_NS
    for _ in range(4):
        g.vitals(10.0)
        assert g.state is slept
        assert g.effects == ()


def test_a_timer_that_rings_when_nothing_is_over_changes_nothing(gate):
    g = gate()
    g.command("hibernate", hours=2.0)
    before = g.state
    g.tell(TimerFired(key="hibernating", due_ns=g.market_ns))
    assert g.state is before
    assert g.effects == ()


def test_a_healthy_reading_forgets_the_low_ones_and_then_changes_nothing(gate):
    g = gate()
    g.vitals(10.0)
    assert g.state.n_low_health == 1
    g.vitals(90.0)
    assert g.state.n_low_health == 0
    before = g.state
    g.vitals(90.0)
    assert g.state is before


def test_a_halt_is_halted_once_for_its_first_reason(gate):
    g = gate()
    g.tell(Escalated(organ="brain", why="it dies"))
    before = g.state
    assert g.standing.reason.startswith("Halted: brain gave up: it dies.")
    g.tell(Escalated(organ="voice", why="it dies too"))
    assert g.state is before
    assert g.effects == ()


def test_doubt_in_a_comparison_is_dated_from_the_first_that_found_it(gate):
    g = gate()
    g.reconcile(unknown=("1-0",))
    since = g.state.unknown_since_ns
    assert since == g.mono_ns
    g.mono_ns += 10**9
    g.reconcile(unknown=("1-0",))
    assert g.state.unknown_since_ns == since
    g.reconcile()
    assert g.state.unknown_since_ns is None
    before = g.state
    g.reconcile()
    assert g.state is before
    assert g.effects == ()


def test_foreign_orders_and_doubt_alone_are_no_reason_to_halt(gate):
    for found in ({"foreign": ("by-hand",)}, {"unknown": ("1-0",)}):
        g = gate()
        g.reconcile(**found)
        assert g.standing.state is TradingState.ACTIVE
    g = gate()
    g.reconcile(clean=False)
    assert g.standing.reason.startswith("Halted: unexplained quantity at the venue (reported unclean).")
    h = gate()
    h.reconcile(unexplained=(("X/USDT", D("1E-7")), ("Y/USDT", D(-2))))
    assert "(+0.0000001 X/USDT, -2 Y/USDT)" in h.standing.reason


def test_only_a_start_of_the_process_closes_the_gate_until_books_and_venue_agree(gate):
    g = gate()
    g.propose(1)
    before = g.state
    g.tell(Recovered(organ="immune", incarnation=2, process=False, safe=False))
    assert g.state is before
    g.reconcile(unknown=("1-0",))
    g.mono_ns = 5
    g.tell(Recovered(organ="immune", incarnation=1, process=True, safe=False))
    assert (g.state.recent, g.state.unknown_since_ns) == ((5,), None)
    assert g.propose(1).reason is DenialReason.UNRECONCILED
    assert g.standing.state is TradingState.ACTIVE, "a passing condition is no trading state"
    g.reconcile()
    assert g.propose(1).quantity == 1
    g.tell(Recovered(organ="immune", incarnation=1, process=True, safe=True))
    g.reconcile()
    assert g.propose(1).reason is DenialReason.SAFE_MODE
