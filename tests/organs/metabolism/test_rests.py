"""A rest that no venue takes: offered once, then given up by name, whatever is wanted meanwhile."""

from decimal import Decimal

import msgspec
import pytest

from organism.messages import AlertRaised, ClosePositions, DenialReason, TradingStateChanged
from organism.trading import OrderStatus, Purpose, Side, TradingState
from tests.organs.metabolism.test_exits import deny, dusty

D = Decimal
REST = "0.04"  # worth 4 where 5 is the smallest order
N_BARS = 12


def reduce(d):
    before = d.state.standing
    after = msgspec.structs.replace(before, state=TradingState.REDUCING)
    d.tell(TradingStateChanged(before=before, after=after, cause="a test"))


def unanswered(d):
    return [w.order for w in d.state.working.values() if not w.approved]


def refuse_dust(d, how):
    """Answer each offer of the rest with no; how many there were."""
    offers = [order for order in unanswered(d) if order.purpose is Purpose.DUST]
    for order in offers:
        if how == "gate":
            deny(d, order, DenialReason.MIN_NOTIONAL)
        else:
            d.approve(order)
            d.ended(order, OrderStatus.REJECTED, filled=0)
    return len(offers)


@pytest.mark.parametrize("how", ["gate", "venue"])
@pytest.mark.parametrize(
    ("forecast", "why"),
    [
        (0.01, "wanted, but too little to be bought"),
        (0.5, "wanted, but nothing may be bought now"),
        (-0.5, "to be sold short, where nobody can"),
        (0.0, "not wanted, said again each bar"),
    ],
)
def test_a_rest_is_not_offered_again_and_again_while_the_brain_goes_on_wanting(desk, forecast, why, how):
    """The immortal trade: each bar a target begins something new, forgets the refusal, and the rest is offered again."""
    d = dusty(desk, REST)
    if "nothing may be bought" in why:
        reduce(d)
    n_offers = n_alerts = 0
    for _ in range(N_BARS):
        n_offers += refuse_dust(d, how)
        d.target(forecast)
        n_offers += refuse_dust(d, how)
        n_alerts += len(d.of(AlertRaised))
        d.bar(100.0)
        n_alerts += len(d.of(AlertRaised))
    assert n_offers == 1, why
    assert n_alerts == 1
    assert d.held() == 0
    assert d.state.ledger.dust == {"X/USDT": D(REST)}, "it is not lost: it is counted as given up"
    assert d.state.exits == {}


def test_a_rest_that_is_bought_more_of_is_a_position_again_and_offered_anew_when_it_is_left_again(desk):
    d = dusty(desk, REST)
    assert refuse_dust(d, "gate") == 1
    (order,) = d.target(1.0)
    assert "X/USDT" not in d.state.exits
    d.approve(order)
    d.fill(order)
    d.ended(order)
    assert d.held() == D(25), "the rest is part of it"
    d.bar(100.0)
    for guard in unanswered(d):
        d.approve(guard)
    (close,) = d.target(0.0)
    d.approve(close)
    d.fill(close, quantity=close.quantity - D(REST))
    d.ended(close, OrderStatus.CANCELED, filled=close.quantity - D(REST))
    d.bar(100.0)
    assert refuse_dust(d, "gate") == 1
    d.bar(100.0)
    assert d.state.ledger.dust == {"X/USDT": D(REST)}


def test_a_rest_that_became_worth_an_order_is_sold(desk):
    d = dusty(desk, REST)
    assert refuse_dust(d, "venue") == 1
    d.bar(200.0)
    (order,) = [order for order in unanswered(d) if order.purpose is not Purpose.PROTECT]
    assert (order.quantity, order.reduce_only) == (D(REST), True)
    d.approve(order)
    d.fill(order)
    d.ended(order)
    d.bar(200.0)
    assert d.state.ledger.holdings == {}
    assert d.state.ledger.dust == {}


def test_risk_control_does_not_offer_it_again_either(desk):
    d = dusty(desk, REST)
    n_offers = 0
    for n in range(5):
        n_offers += refuse_dust(d, "venue")
        d.tell(ClosePositions(symbols=(), purpose="flatten", reason=f"asked {n} times"))
    assert n_offers == 1
    assert d.held() == 0


def test_a_rest_that_is_wanted_again_while_it_is_on_offer_is_part_of_the_position_and_not_given_up(desk):
    d = dusty(desk, REST)
    (offer,) = [order for order in unanswered(d) if order.purpose is Purpose.DUST]
    assert d.target(1.0) == [], "one order at a time"
    deny(d, offer, DenialReason.MIN_NOTIONAL)
    d.bar(100.0)
    (order,) = [order for order in d.proposed if order.purpose is Purpose.TARGET]
    assert (order.side, order.quantity) == (Side.BUY, D(25) - D(REST))
    assert d.of(AlertRaised) == []
    assert d.state.ledger.dust == {}
