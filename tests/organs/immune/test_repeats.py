"""What risk control hears twice counts once."""

from decimal import Decimal

from organism.messages import FeedRecovered, FeedStalled, Filled
from organism.trading import OrderStatus, Side

D = Decimal


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
    g.tell(FeedRecovered(feed="b"))
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
