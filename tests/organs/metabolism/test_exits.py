"""Exits, reversals, dust, and the trades that are told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.messages import (
    AlertRaised,
    ClosePositions,
    DenialReason,
    OrderDenied,
    TradeClosed,
)
from organism.trading import OrderKind, OrderStatus, Purpose, Side

D = Decimal


def deny(d, order, reason=DenialReason.UNRECONCILED):
    d.tell(OrderDenied(order_id=order.id, symbol=order.symbol, reason=reason, limit=0.0, observed=0.0))


# ---------------------------------------------------------------- exits


def test_a_reversal_is_two_orders_the_closing_one_first(desk):
    d = desk(can_short=True)
    d.enter(1.0)
    (close,) = d.target(-1.0)
    assert (close.side, close.quantity, close.reduce_only) == (Side.SELL, D(25), True)
    d.approve(close)
    d.fill(close)
    d.ended(close)
    d.bar()
    (entry,) = [o for o in d.proposed if o.purpose is Purpose.TARGET]
    assert (entry.side, entry.quantity, entry.reduce_only) == (Side.SELL, D(25), False)


def test_an_exit_is_tried_again_each_bar_until_the_position_is_flat(desk):
    d = desk()
    d.enter(1.0)
    (order,) = d.target(0.0)
    deny(d, order)
    for _ in range(2):
        d.bar()
        (order,) = d.proposed
        assert (order.quantity, order.reduce_only) == (D(25), True)
        d.approve(order)
        d.ended(order, OrderStatus.REJECTED, filled=0)
        assert d.proposed == [], "a venue that refuses must not be met in a loop"
    d.bar()
    (order,) = d.proposed
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar()
    assert d.state.exits == {}
    assert d.proposed == []


@pytest.mark.requirement("S0-4.3.8")
def test_risk_control_closes_positions_through_reducing_market_orders(desk):
    d = desk(symbols=("X/USDT", "Z/USDT"))
    d.bar()
    for symbol in ("X/USDT", "Z/USDT"):
        (order,) = d.target(1.0, symbol=symbol)
        d.approve(order)
        d.fill(order)
        d.ended(order)
    d.bar()
    d.tell(ClosePositions(symbols=("Z/USDT",), purpose="cut_loss", reason="three losses"))
    (order,) = d.proposed
    assert (order.symbol, order.purpose, order.kind) == ("Z/USDT", Purpose.CUT_LOSS, OrderKind.MARKET)
    assert order.reduce_only
    assert d.target(0.5, symbol="Z/USDT") == [], "targets are ignored until the position is flat"
    d.tell(ClosePositions(symbols=(), purpose="flatten", reason="operator"))
    assert [(o.symbol, o.purpose) for o in d.proposed] == [("X/USDT", Purpose.FLATTEN)]


def test_closing_cancels_a_working_entry_first_and_sells_what_was_filled(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.fill(order, quantity=10)
    d.tell(ClosePositions(symbols=(), purpose="flatten", reason="operator"))
    assert d.cancelled == [order.id]
    assert d.proposed == []
    d.ended(order, OrderStatus.CANCELED, filled=10)
    (close,) = d.proposed
    assert (close.quantity, close.purpose) == (D(10), Purpose.FLATTEN)


def test_an_order_ended_before_its_fill_was_told_counts_until_the_fill_comes(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.ended(order, OrderStatus.FILLED)
    assert d.target(1.0) == [], "twice the position would be bought"
    d.fill(order)
    assert d.state.working == {}


def test_an_exit_that_is_wanted_no_more_is_cancelled_and_not_begun_again(desk):
    d = desk()
    d.enter(1.0)
    (close,) = d.target(0.0)
    d.approve(close)
    assert d.target(1.0) == []
    assert d.cancelled == [close.id]
    assert d.state.exits == {}
    d.ended(close, OrderStatus.CANCELED, filled=0)
    d.bar()
    assert d.proposed == [], "what is wanted is held"
    assert d.held() == 25


def test_a_target_that_came_to_nothing_at_a_rate_of_nought_is_not_taken_up_when_the_rate_returns(desk):
    d = desk()
    d.bar()
    d.stand(metabolic_rate=0.0)
    assert d.target(1.0) == []
    d.stand(metabolic_rate=1.0)
    d.bar()
    assert d.proposed == [], "nobody has wanted it since"
    assert len(d.target(1.0)) == 1, "said again, it is"


# ---------------------------------------------------------------- dust


def dusty(desk, quantity, lot="0.001"):
    """A position of 1 unit of which `quantity` is left after the exit was filled."""
    d = desk(lot=lot)
    d.bar(100.0)
    d.fill(quantity=1, price=100)
    d.bar(100.0)
    for order in d.proposed:
        d.approve(order)
    d.target(0.0)
    (close,) = d.proposed
    d.approve(close)
    d.fill(close, quantity=D(1) - D(quantity))
    d.ended(close, OrderStatus.CANCELED, filled=D(1) - D(quantity))
    d.bar(100.0)
    return d


def test_dust_is_offered_once_then_written_off_by_name(desk):
    d = dusty(desk, "0.04")
    (order,) = [o for o in d.proposed if o.purpose is Purpose.DUST]
    assert (order.quantity, order.reduce_only) == (D("0.04"), True)
    deny(d, order, DenialReason.MIN_NOTIONAL)
    mark = d.bar(100.0)
    (alert,) = d.of(AlertRaised)
    assert alert.title == "Dust written off: 0.04 X"
    assert alert.dedup_key == "dust:X/USDT"
    assert d.held() == 0
    assert d.state.ledger.written_off == 4
    mark = d.bar(100.0)
    assert d.of(AlertRaised) == []
    assert mark.equity == float(10_000 + mark.realised + mark.unrealised - mark.fees)


def test_dust_that_the_venue_takes_is_closed(desk):
    d = dusty(desk, "0.04")
    (order,) = [o for o in d.proposed if o.purpose is Purpose.DUST]
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar(100.0)
    assert d.state.ledger.written_off == 0
    assert d.state.ledger.holdings == {}
    assert d.state.exits == {}


def test_less_than_a_lot_is_written_off_at_once(desk):
    d = dusty(desk, "0.0005")
    assert d.held() == 0
    assert d.state.ledger.dust == {"X/USDT": D("0.0005")}
    assert len(d.of(AlertRaised)) == 1


# ---------------------------------------------------------------- trades


def test_a_reduction_is_told_as_a_trade_net_of_its_share_of_fees(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.fill(order, fee=D("2.5"))
    d.ended(order)
    d.bar()
    (close,) = d.target(0.0)
    d.approve(close)
    d.fill(close, quantity=5, price=110, fee=D("0.55"))
    (trade,) = d.of(TradeClosed)
    assert d.said[0][0] == ("immune", "brain", "voice")
    assert trade.pnl == 50 - D("0.5") - D("0.55")
    assert (trade.side, trade.quantity) == (Side.BUY, 5)
    assert (trade.entry_price, trade.exit_price) == (100, 110)
    assert (trade.genome_ids, trade.purpose) == (("for",), "target")


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), min_size=1, max_size=8))
def test_a_trade_filled_in_pieces_is_one_trade_of_the_losing_streak(desk, trades):
    d = desk()
    d.bar()
    streak = 0
    for won, pieces in trades:
        d.fill(quantity=4, price=100)
        for _ in range(pieces - 1):
            d.fill(quantity=1, price=101 if won else 99, side=Side.SELL)
        d.fill(quantity=5 - pieces, price=101 if won else 99, side=Side.SELL)
        streak = 0 if won else streak + 1
        assert d.state.losses == streak


def test_a_trade_that_only_lost_its_fees_is_a_loss(desk):
    d = desk()
    d.bar()
    d.fill(quantity=1, price=100, fee=D("0.1"))
    d.fill(quantity=1, price=100, side=Side.SELL, fee=D("0.1"))
    assert d.state.losses == 1


def test_a_settlement_at_the_end_of_a_session_is_booked_like_any_fill_and_nothing_crosses(desk):
    d = desk()
    stop = d.enter(1.0)
    d.ended(stop, OrderStatus.CANCELED, filled=0)
    d.fill(quantity=25, side=Side.SELL, client_order_id="settle:X/USDT")
    (trade,) = d.of(TradeClosed)
    assert trade.purpose == "flatten"
    mark = d.bar(final=True)
    assert mark.positions == ()
    assert d.proposed == []
    d.bar(session=1)
    assert d.proposed == []
    assert d.state.working == d.state.exits == d.state.wants == {}


def test_what_we_never_ordered_is_booked_and_guarded(desk):
    d = desk()
    d.bar()
    d.fill(quantity=7)
    d.bar()
    (stop,) = d.proposed
    assert (stop.purpose, stop.quantity) == (Purpose.PROTECT, 7)


@pytest.mark.slow
def test_an_ordinary_instant_is_cheap(desk):
    import timeit

    d = desk()
    d.bar()
    message = d.core.step
    from organism.market import Bar
    from organism.messages import InstantSettled

    bar = Bar("X/USDT", 0, d.market_ns, 1.0, 1.0, 1.0, 1.0, 1.0)
    settled = InstantSettled(at_ns=d.market_ns, session=0, bars=(bar,))
    now = Now(d.market_ns, 0, 0, 1)
    best = min(timeit.repeat(lambda: message(d.state, settled, now), number=2_000, repeat=5)) / 2_000
    assert best < 40e-6  # a few µs; the limit leaves room for a busy machine
