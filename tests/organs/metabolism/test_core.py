"""Capital, rule by rule: marks, targets, exits, reversals, dust, trades."""

import math
from decimal import Decimal

import pytest

from organism.errors import ConfigError
from organism.messages import (
    DenialReason,
    ExposureTargeted,
    Filled,
    OrderDenied,
    OrderProposed,
    Recovered,
)
from organism.settings import RiskSettings, SizingSettings
from organism.trading import OrderKind, OrderStatus, Purpose, Side, TradingState
from organs.metabolism.core import metabolism_core

D = Decimal


def deny(d, order, reason=DenialReason.UNRECONCILED):
    d.tell(OrderDenied(order_id=order.id, symbol=order.symbol, reason=reason, limit=0.0, observed=0.0))


# ---------------------------------------------------------------- marks


def test_the_mark_goes_to_risk_control_and_brain_with_equity_fees_and_prices(desk):
    d = desk()
    d.bar(100.0)
    d.fill(quantity=10, price=100, fee=D(1))
    mark = d.bar(110.0)
    assert d.said[0][0] == ("immune", "brain")
    assert mark.equity == 10_000 - 1 + 100
    assert (mark.cash, mark.fees, mark.unrealised) == (D(8_999), D(1), D(100))
    assert mark.closes == (("X/USDT", 110.0),)
    assert mark.net_exposure == pytest.approx(1_100 / 10_099)
    (position,) = mark.positions
    assert (position.quantity, position.average_price, position.mark) == (10, 100, 110.0)


def test_equity_of_the_mark_is_start_plus_result_less_fees(desk):
    d = desk()
    d.bar()
    d.fill(quantity=10, price=100, fee=D("1.5"))
    d.fill(quantity=4, price=120, side=Side.SELL, fee=D("0.5"))
    mark = d.bar(90.0)
    assert mark.equity == float(10_000 + mark.realised + mark.unrealised - mark.fees)


def test_drawdown_is_measured_from_the_peak_and_the_day_from_its_first_mark(desk):
    d = desk()
    d.bar(100.0)
    d.fill(quantity=50, price=100)
    d.bar(120.0)
    mark = d.bar(100.0)
    assert mark.peak == 11_000
    assert mark.drawdown == pytest.approx(1 / 11)
    assert mark.day_start == 10_000
    mark = d.bar(100.0, skip=288)
    assert mark.day_start == 10_000
    assert d.bar(130.0).day_start == 10_000


def test_a_new_day_starts_at_its_own_first_mark(desk):
    d = desk()
    d.bar(100.0)
    d.fill(quantity=50, price=100)
    assert d.bar(120.0, skip=288).day_start == 11_000
    assert d.bar(90.0).day_start == 11_000


def test_a_position_without_a_believable_price_makes_equity_nan(desk):
    d = desk()
    d.bar()
    d.fill(quantity=10)
    mark = d.bar(math.nan)
    assert math.isnan(mark.equity)
    assert math.isnan(mark.drawdown)
    assert mark.peak == 10_000
    assert d.bar(100.0).equity == 10_000


def test_prices_before_a_seam_are_forgotten(desk):
    d = desk(symbols=("X/USDT", "Z/USDT"))
    d.bar(100.0)
    mark = d.bar(50.0, session=1, symbols=["X/USDT"])
    assert mark.closes == (("X/USDT", 50.0),)


def test_an_instant_of_the_past_is_not_marked_again(desk):
    d = desk()
    d.bar()
    d.market_ns -= 10**12
    assert d.bar() is None


def test_a_fill_told_twice_is_booked_once(desk):
    d = desk()
    d.bar()
    one = d.fill(quantity=3)
    before = d.state
    d.tell(Filled(fill=one))
    assert d.state == before


def test_a_fill_of_an_unknown_instrument_stops_the_organ_by_name(desk):
    with pytest.raises(ValueError, match="Q/USDT, which is not among the instruments"):
        desk().fill(symbol="Q/USDT")


def test_an_instrument_in_another_currency_is_refused_at_the_start(desk):
    with pytest.raises(ConfigError, match="quoted in USDT, but the account is kept in EUR"):
        metabolism_core(SizingSettings(), RiskSettings(), desk().instruments, D(1), 300, quote="EUR")


def test_messages_for_others_change_nothing(desk):
    d = desk()
    d.tell(Recovered(organ="metabolism", incarnation=2, process=True))
    assert d.said == []
    assert d.state == d.core.initial


# ---------------------------------------------------------------- entries


def test_a_target_becomes_one_market_order_that_expires_after_two_bars(desk):
    d = desk()
    d.bar(100.0)
    (order,) = d.target(1.0)
    assert order.id == f"{d.steps}-0"
    assert (order.side, order.quantity, order.kind) == (Side.BUY, D(25), OrderKind.MARKET)
    assert order.purpose is Purpose.TARGET
    assert not order.reduce_only
    assert order.reference_price == 100
    assert order.expires_ns - order.created_ns == 600 * 10**9
    assert order.genome_ids == ("for",)


@pytest.mark.requirement("S0-0.8")
def test_half_the_metabolic_rate_is_half_the_order(desk):
    d = desk()
    d.bar(100.0)
    d.stand(metabolic_rate=0.5)
    (order,) = d.target(1.0)
    assert order.quantity == D("12.5")


@pytest.mark.parametrize("forecast", [math.nan, 2.0])
def test_a_forecast_that_is_no_forecast_moves_nothing(desk, forecast):
    d = desk()
    d.bar()
    assert d.target(forecast) == []
    assert d.state.wants == {}


def test_nothing_happens_within_the_rebalance_band(desk):
    d = desk()
    d.enter(1.0)
    assert d.target(0.9) == []
    (order,) = d.target(0.5)
    assert (order.side, order.quantity, order.reduce_only) == (Side.SELL, D("12.5"), True)


def test_an_order_below_the_smallest_notional_is_not_proposed(desk):
    d = desk(rebalance_band=0.0)
    d.bar(100.0)
    assert d.target(0.0015) == []


def test_a_short_is_clipped_to_flat_where_the_instrument_cannot_short(desk):
    d = desk()
    d.bar()
    assert d.target(-1.0) == []
    d = desk(can_short=True)
    d.bar()
    (order,) = d.target(-1.0)
    assert order.side is Side.SELL


def test_purchases_never_want_more_cash_than_there_is(desk):
    d = desk(symbols=("X/USDT", "Y/USDT", "Z/USDT"), fraction=0.5)
    d.bar(100.0)
    spent = D(0)
    for symbol in ("X/USDT", "Y/USDT", "Z/USDT"):
        for order in d.target(1.0, symbol=symbol):
            spent += order.quantity * 100
    assert D(9_900) < spent < 10_000


def test_a_second_target_waits_for_the_working_order(desk):
    d = desk()
    d.bar()
    (order,) = d.target(0.5)
    assert d.target(1.0) == []
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar()
    bought = [o for o in d.proposed if o.purpose is Purpose.TARGET]
    assert [o.quantity for o in bought] == [D("12.5")]


def test_a_target_that_turns_cancels_the_order_that_works_the_other_way(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.target(0.0)
    assert d.cancelled == [order.id]
    d.ended(order, OrderStatus.CANCELED, filled=0)
    assert d.state.working == {}
    assert d.state.exits == {}


def test_a_cancellation_wanted_before_approval_is_asked_for_at_approval(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.target(0.0)
    assert d.cancelled == []
    d.approve(order)
    assert d.cancelled == [order.id]


def test_a_denied_entry_is_forgotten_until_the_next_decision(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    deny(d, order)
    assert d.state.working == {}
    d.bar()
    assert d.proposed == []
    assert len(d.target(1.0)) == 1


def test_an_order_that_was_shrunk_at_the_gate_works_at_its_new_size(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    small = d.approve(order, D(10))
    assert d.state.working[order.id].order == small


def test_a_proposal_the_gate_never_answers_blocks_nothing_for_ever(desk):
    d = desk()
    d.bar()
    d.target(1.0)
    for _ in range(3):
        d.bar()
    assert d.state.working == {}
    assert len(d.target(1.0)) == 1


def test_a_target_from_before_an_outage_is_ignored(desk):
    d = desk()
    d.bar()
    long_ago = d.market_ns - 10 * 300 * 10**9
    d.tell(ExposureTargeted(at_ns=long_ago, targets=()))
    assert d.of(OrderProposed) == []


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_restricted_trading_withdraws_entries_and_opens_nothing(desk, state):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.stand(state=state)
    assert d.cancelled == [order.id]
    d.ended(order, OrderStatus.CANCELED, filled=0)
    assert d.target(1.0) == []
    d.stand()
    assert len(d.target(1.0)) == 1


def test_restricted_trading_still_shrinks(desk):
    d = desk()
    d.enter(1.0)
    d.stand(state=TradingState.HALTED)
    (order,) = d.target(0.5)
    assert order.reduce_only


def test_nothing_is_opened_while_the_session_closes(desk):
    d = desk()
    d.bar(closing=True)
    assert d.target(1.0) == []
