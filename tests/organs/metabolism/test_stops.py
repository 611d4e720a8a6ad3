"""Exactly one protective stop rests beside a position."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.trading import OrderKind, OrderStatus, Purpose, Side, TradingState

D = Decimal

pytestmark = pytest.mark.requirement("S1-2.3")


def test_a_position_gets_a_stop_at_its_distance_from_entry(desk):
    d = desk()
    stop = d.enter(1.0)
    assert (stop.kind, stop.purpose, stop.side) == (OrderKind.STOP, Purpose.PROTECT, Side.SELL)
    assert (stop.quantity, stop.stop_price) == (D(25), D("94.00"))
    assert stop.reduce_only
    mark = d.bar()
    assert mark.positions[0].stop_price == D("94.00")
    assert d.proposed == []


def test_a_short_is_protected_above(desk):
    stop = desk(can_short=True).enter(-1.0)
    assert (stop.side, stop.stop_price) == (Side.BUY, D("106.00"))


def test_a_stop_is_there_even_when_trading_is_halted(desk):
    d = desk()
    d.stand(state=TradingState.HALTED)
    d.bar()
    d.fill(quantity=7)
    d.bar()
    assert [o.purpose for o in d.proposed] == [Purpose.PROTECT]


def test_a_changed_position_replaces_its_stop_and_never_has_two(desk):
    d = desk()
    stop = d.enter(1.0)
    (order,) = d.target(0.5)
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar()
    assert d.cancelled == [stop.id]
    assert d.proposed == []
    d.ended(stop, OrderStatus.CANCELED, filled=0)
    (new,) = d.proposed
    assert (new.quantity, new.stop_price) == (D("12.5"), D("94.00"))


def test_a_flat_position_has_no_stop(desk):
    d = desk()
    stop = d.enter(1.0)
    (order,) = d.target(0.0)
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar()
    assert d.cancelled == [stop.id]
    d.ended(stop, OrderStatus.CANCELED, filled=0)
    assert d.proposed == []
    assert d.state.working == d.state.stops == {}


def test_a_triggered_stop_leaves_nothing_behind(desk):
    d = desk()
    stop = d.enter(1.0)
    d.fill(stop, price=94)
    d.ended(stop)
    d.bar(93.0)
    assert d.proposed == []
    assert d.state.working == d.state.stops == {}


def test_a_new_position_owes_nothing_to_the_stop_of_the_last_one(desk):
    """A smaller second long at a lower price once inherited the tighter stop of the first, above its entry."""
    d = desk()
    stop = d.enter(1.0)
    d.fill(stop, price=94)
    d.ended(stop)
    d.fill(quantity=5, price=80)
    d.bar(80.0)
    assert [o.stop_price for o in d.proposed] == [D("75.20")]


def test_a_stop_that_fills_in_pieces_stays_as_long_as_it_fits(desk):
    d = desk()
    stop = d.enter(1.0)
    d.fill(stop, quantity=10, price=94)
    d.bar(93.0)
    assert d.cancelled == d.proposed == []


def test_a_stop_the_venue_refuses_is_proposed_again_at_the_next_bar_only(desk):
    d = desk()
    stop = d.enter(1.0)
    d.ended(stop, OrderStatus.REJECTED, filled=0)
    assert d.proposed == []
    d.bar()
    assert [o.purpose for o in d.proposed] == [Purpose.PROTECT]


def test_a_cancellation_nobody_answers_is_asked_for_again(desk):
    d = desk()
    stop = d.enter(1.0)
    d.fill(quantity=25, side=Side.SELL)
    asked = []
    for _ in range(7):
        d.bar()
        asked += d.cancelled
    assert asked == [stop.id] * 3


@given(st.lists(st.tuples(st.sampled_from([-1, 1]), st.integers(1, 20), st.integers(50, 200)), max_size=12))
def test_a_stop_is_loosened_only_when_the_position_grows(desk, fills):
    d = desk(can_short=True)
    d.bar()
    d.fill(quantity=20)
    before = None
    for sign, quantity, price in fills:
        d.fill(quantity=quantity, price=price, side=Side.BUY if sign > 0 else Side.SELL)
        d.bar()
        for order in list(d.state.working.values()):  # the venue does at once what it is told
            if not order.approved:
                d.approve(order.order)
            elif order.unwanted:
                d.ended(order.order, OrderStatus.CANCELED, filled=0)
                for new in d.proposed:
                    d.approve(new)
        held = d.held()
        stops = [w.order for w in d.state.working.values() if w.order.purpose is Purpose.PROTECT]
        assert len(stops) == (1 if held else 0)
        if not held:
            before = None
            continue
        (stop,) = stops
        assert stop.quantity == abs(held)
        assert stop.side.sign * held < 0
        if before is not None and before[0] * held > 0 and abs(held) <= abs(before[0]):
            assert (stop.stop_price - before[1]) * (1 if held > 0 else -1) >= 0
        before = (held, stop.stop_price)
