"""Where sizes, prices and cash run out: nothing is proposed that cannot be, and nothing is forgotten for it."""

import math
from decimal import Decimal

import msgspec
import pytest

from organism.messages import ClosePositions, Contribution, ExposureTargeted, Target
from organism.trading import OrderStatus, Purpose, Side

D = Decimal


def test_a_target_too_small_to_hold_closes_the_position(desk):
    d = desk()
    d.enter(1.0)
    (order,) = d.target(0.001)
    assert (order.side, order.quantity, order.reduce_only, order.purpose) == (
        Side.SELL,
        D(25),
        True,
        Purpose.TARGET,
    )
    assert d.state.exits["X/USDT"].reason == "target is too small to hold"


def test_a_target_too_small_to_hold_opens_nothing(desk):
    d = desk(rebalance_band=0.0)
    d.bar()
    assert d.target(0.001) == []
    assert (d.state.exits, d.state.wants) == ({}, {})


def test_a_purchase_that_cash_cannot_pay_for_is_not_proposed(desk):
    d = desk(symbols=("X/USDT", "Z/USDT"), fraction=1.0, max_exposure=1.0)
    d.bar()
    (order,) = d.target(1.0)
    assert order.quantity == D("99.403"), "10000 / 100.6: slippage and fee are paid for too"
    assert d.target(1.0, symbol="Z/USDT") == []
    d.approve(order)
    d.fill(order, price="100.6")
    d.ended(order)
    assert d.target(1.0, symbol="Z/USDT") == [], "what is left buys less than the venue's smallest order"


def test_an_exit_without_a_price_waits_for_one(desk):
    """A new session has shown other symbols only: nobody knows what a sale would be worth."""
    d = desk(symbols=("X/USDT", "Z/USDT"))
    d.enter(1.0)
    d.bar(session=1, symbols=["Z/USDT"])
    d.tell(ClosePositions(symbols=("X/USDT",), purpose="flatten", reason="operator"))
    assert d.proposed == []
    assert d.state.exits["X/USDT"].forced
    d.bar(session=1)
    assert [(o.symbol, o.quantity) for o in d.proposed if o.purpose is Purpose.FLATTEN] == [("X/USDT", D(25))]


@pytest.mark.parametrize("forecast", [0.5, 1.0])
def test_a_long_is_never_bought_with_what_a_working_purchase_needs(desk, forecast):
    d = desk(symbols=("X/USDT", "Z/USDT"), fraction=1.0, max_exposure=1.0)
    d.bar()
    (first,) = d.target(forecast)
    (second,) = d.target(1.0, symbol="Z/USDT") or (None,)
    spent = first.quantity + (second.quantity if second else 0)
    assert spent * D("100.6") <= 10_000
    assert (second is None) == (forecast == 1.0)


# ---------------------------------------------------------------- small positions, both ways


def small(desk, forecast):
    """Half a unit at 1000, long or short, protected."""
    d = desk(can_short=True, fraction=0.05, rebalance_band=0.0)
    return d, d.enter(forecast, price=1_000.0)


@pytest.mark.parametrize(("way", "close", "level"), [(1.0, Side.SELL, "940"), (-1.0, Side.BUY, "1060")])
def test_less_than_one_unit_is_protected_reduced_and_closed_like_any_other(desk, way, close, level):
    d, stop = small(desk, way)
    assert (stop.side, stop.quantity, stop.stop_price, stop.reduce_only) == (close, D("0.5"), D(level), True)
    (half,) = d.target(way / 2)
    assert (half.side, half.quantity, half.reduce_only) == (close, D("0.25"), True)
    d.ended(half, OrderStatus.REJECTED, filled=0)
    d.bar(1_000.0)
    (whole,) = d.target(-way)
    assert (whole.side, whole.quantity, whole.reduce_only) == (close, D("0.5"), True)


@pytest.mark.parametrize(("way", "better"), [(1.0, 900), (-1.0, 1_100)])
def test_a_stop_stays_where_it_was_when_the_same_quantity_gets_another_entry(desk, way, better):
    """Half is closed and taken again at a price that would loosen the stop: it was not enlarged, so it stays."""
    d, stop = small(desk, way)
    d.fill(side=stop.side, quantity="0.25", price=1_000)
    d.fill(side=stop.side.opposite, quantity="0.25", price=better)
    d.bar(1_000.0)
    assert (d.cancelled, d.proposed) == ([], [])
    assert d.state.stops["X/USDT"].level == stop.stop_price
    entry = D(1_000 + better) / 2
    assert d.state.stops["X/USDT"].entry == entry
    d.fill(side=stop.side.opposite, quantity="0.5", price=entry)
    d.bar(1_000.0)
    assert d.cancelled == [stop.id], "enlarged at its own entry price, it gets the room that belongs to that"
    assert d.state.stops["X/USDT"].level == entry * D("0.94" if way > 0 else "1.06")


def test_of_two_stops_that_fit_one_stays(desk):
    d = desk()
    stop = d.enter(1.0)
    d.approve(msgspec.structs.replace(stop, id="again"))
    d.bar()
    assert (d.cancelled, d.proposed) == (["again"], [])


def test_what_is_too_small_for_the_venue_has_no_stop(desk):
    d = desk()
    d.bar()
    d.fill(quantity="0.04")
    d.bar()
    assert [o.purpose for o in d.proposed] == [Purpose.DUST]


# ---------------------------------------------------------------- what is wanted


def test_a_target_waits_three_bars_for_an_order_in_its_way_and_no_longer(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    assert d.target(0.9) == []
    for _ in range(3):
        d.bar()
        assert "X/USDT" in d.state.wants
    d.bar()
    assert d.state.wants == {}


def test_a_proposal_without_an_answer_blocks_its_symbol_until_it_has_expired(desk):
    d = desk()
    d.bar()
    (asked,) = d.target(1.0)
    d.bar()
    d.bar()
    assert asked.expires_ns == d.market_ns
    assert asked.id in d.state.working
    d.bar()
    assert d.state.working == {}


def test_an_approved_order_is_never_forgotten_for_its_age(desk):
    d = desk()
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.bar(skip=9)
    assert order.id in d.state.working


def test_a_change_as_large_as_the_band_is_made(desk):
    for band, n in ((0.25, 1), (0.2501, 0)):
        d = desk(rebalance_band=band)
        d.bar()
        assert len(d.target(1.0)) == n


def test_while_equity_is_unknown_nothing_is_sold_for_being_too_small(desk):
    """Something else has no price. What X should be is not known; that it should be nothing, least of all."""
    d = desk(symbols=("X/USDT", "Z/USDT"))
    d.enter(1.0)
    d.fill(symbol="Z/USDT", quantity=10)
    mark = d.bar(session=1, symbols=["X/USDT"])
    assert math.isnan(mark.equity)
    assert d.target(0.5) == []
    assert d.state.exits == {}
    (order,) = d.target(0.0)
    assert (order.symbol, order.quantity) == ("X/USDT", D(25)), "flat needs no equity"


@pytest.mark.parametrize(("equity", "n"), [(0.5, 1), (0.0, 0), (-0.5, 0)])
def test_what_is_held_counts_against_an_equity_that_is_there(desk, equity, n):
    d = desk()
    d.enter(1.0)
    d.state = msgspec.structs.replace(d.state, equity=equity)
    assert len(d.target(0.1)) == n


def test_cash_is_kept_for_purchases_and_for_nothing_else(desk):
    """Neither a sale nor a purchase that closes a short needs cash that an entry could have."""
    d = desk(symbols=("X/USDT", "Z/USDT"), fraction=1.0, max_exposure=1.0)
    d.bar()
    (order,) = d.target(1.0, symbol="Z/USDT")
    d.ended(order, OrderStatus.REJECTED, filled=0)
    d.approve(msgspec.structs.replace(order, id="cover", reduce_only=True))
    d.approve(msgspec.structs.replace(order, id="short", side=Side.SELL))
    (whole,) = d.target(1.0)
    assert whole.quantity == D("99.403")
    d.ended(whole, OrderStatus.REJECTED, filled=0)
    d.approve(msgspec.structs.replace(order, id="entry", quantity=D(50)))
    (rest,) = d.target(1.0)
    assert rest.quantity == D("49.403")


def wanted_by(d, forecast, *contributions):
    pulls = tuple(Contribution(genome_id=g, forecast=f, weight=w) for g, f, w in contributions)
    target = Target(
        symbol="X/USDT", forecast=forecast, volatility=0.002, regime="calm", contributions=pulls
    )  # fmt: skip
    d.tell(ExposureTargeted(at_ns=d.market_ns, targets=(target,)))
    return d.proposed[0].genome_ids


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_those_who_pulled_the_way_it_went_are_credited(desk, way):
    def fresh():
        d = desk(can_short=True)
        d.bar()
        return d

    pulls = (("with", way / 2, 0.5), ("against", -way / 2, 0.5), ("idle", way, 0.0), ("mute", 0.0, 1.0))
    assert wanted_by(fresh(), way, *pulls) == ("with",)
    assert wanted_by(fresh(), way, *pulls[1:]) == ("against", "idle", "mute"), "all, when none did"


def test_a_target_for_what_is_not_traded_or_is_being_closed_by_force_is_ignored(desk):
    d = desk()
    d.enter(1.0)
    assert d.target(1.0, symbol="Q/USDT") == []
    d.tell(ClosePositions(symbols=("X/USDT",), purpose="flatten", reason="operator"))
    (order,) = d.proposed
    d.ended(order, OrderStatus.REJECTED, filled=0)
    assert d.target(0.5) == [], "no order is in the way, and still"
    assert d.state.wants == {}
    assert d.state.exits["X/USDT"].forced


def test_a_target_replaces_an_exit_that_nobody_forced(desk):
    d = desk()
    d.enter(1.0)
    (order,) = d.target(0.0)
    d.ended(order, OrderStatus.REJECTED, filled=0)
    (half,) = d.target(0.5)
    assert half.quantity == D("12.5")
    assert d.state.exits == {}


@pytest.mark.parametrize(
    ("forecast", "cancels"), [(0.9, False), (0.42, False), (0.40, True), (0.38, True), (0.1, True)]
)
def test_an_entry_at_work_is_given_up_once_no_more_is_wanted_than_is_held(desk, forecast, cancels):
    """25 were asked for and 10 have come; a target of 0.40 wants 10, of 0.42 half a unit more."""
    d = desk(rebalance_band=0.0)
    d.bar()
    (entry,) = d.target(1.0)
    d.approve(entry)
    d.fill(entry, quantity=10)
    d.target(forecast)
    assert d.cancelled == ([entry.id] if cancels else [])
    assert d.proposed == []
    assert "X/USDT" in d.state.wants, "what is wanted instead follows when the way is free"


@pytest.mark.parametrize(("forecast", "cancels"), [(0.4, False), (0.98, False), (1.0, True)])
def test_a_reduction_at_work_is_given_up_once_no_less_is_wanted_than_is_held(desk, forecast, cancels):
    d = desk(rebalance_band=0.0)
    d.enter(1.0)
    (half,) = d.target(0.5)
    d.approve(half)
    d.target(forecast)
    assert d.cancelled == ([half.id] if cancels else [])


def test_the_band_is_measured_in_units_of_the_contract(desk):
    d = desk(multiplier="0.1", rebalance_band=0.05)
    stop = d.enter(1.0)
    assert stop.quantity == 250
    assert d.target(0.9) == []
    (order,) = d.target(0.5)
    assert order.quantity == 125


def test_a_reduction_needs_no_cash(desk):
    d = desk(fraction=1.0, max_exposure=1.0)
    d.bar()
    (order,) = d.target(1.0)
    d.approve(order)
    d.fill(order, price="100.6")
    d.ended(order)
    assert d.state.ledger.cash < 1
    (half,) = d.target(0.5)
    assert half.reduce_only
    assert half.quantity > 40
