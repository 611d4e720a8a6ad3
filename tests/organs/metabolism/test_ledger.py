"""The books: exact, balanced, whatever is filled."""

from decimal import Context, Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.fills import position_change
from organism.market import AssetClass, FeeSchedule, Instrument
from organism.trading import Fill, Side
from organs.metabolism.ledger import Ledger, book, imbalance, opened, write_off

D = Decimal

# The test's own sums must not lose digits either.
WIDE = Context(prec=200)


def instrument(symbol="X/USDT", multiplier="1"):
    return Instrument(
        symbol=symbol,
        base=symbol.split("/")[0],
        quote="USDT",
        venue="paper",
        tick=D("0.01"),
        lot=D("0.001"),
        min_notional=D(5),
        fees=FeeSchedule(maker=D(0), taker=D(0)),
        asset_class=AssetClass.CRYPTO_PERPETUAL,
        multiplier=D(multiplier),
    )


INSTRUMENTS = {i.symbol: i for i in (instrument(), instrument("Z/USDT", "0.01"))}


def fill(side=Side.BUY, quantity=1, price=100, fee=0, fee_currency="USDT", symbol="X/USDT", trade_id="1"):
    return Fill(
        venue="paper",
        symbol=symbol,
        trade_id=trade_id,
        order_id="",
        client_order_id="",
        side=side,
        quantity=D(str(quantity)),
        price=D(str(price)),
        fee=D(str(fee)),
        fee_currency=fee_currency,
        maker=False,
        at_ns=7,
    )


fills = st.lists(
    st.builds(
        fill,
        side=st.sampled_from(Side),
        quantity=st.decimals("0.00000001", 1_000_000, places=8),
        price=st.decimals("0.00000001", 1_000_000, places=8),
        fee=st.decimals(-5, 1_000, places=8),
        fee_currency=st.sampled_from(["USDT", "X", "Z", "BNB"]),
        symbol=st.sampled_from(sorted(INSTRUMENTS)),
    ),
    max_size=25,
)


@pytest.mark.requirement("S0-0.1")
@given(fills, st.decimals(0, 10**9, places=2))
def test_cash_and_cost_equal_start_and_result_to_the_last_digit_after_any_fills(stream, start):
    ledger, total = opened(start), dict.fromkeys(INSTRUMENTS, D(0))
    for one in stream:
        booking = book(ledger, one, INSTRUMENTS[one.symbol])
        ledger = booking.ledger
        total[one.symbol] += position_change(one, INSTRUMENTS[one.symbol])
        assert sum(p.amount for p in booking.postings) == 0, "an entry did not balance"
        assert imbalance(ledger) == 0
        for symbol, quantity in total.items():
            assert ledger.quantity(symbol) == quantity, "a position is the sum of its fills"
        for holding in ledger.holdings.values():
            assert holding.quantity != 0
            assert holding.cost == 0 or (holding.cost > 0) == (holding.quantity > 0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ledger), type=Ledger) == ledger


@given(fills)
def test_writing_off_keeps_the_identity_and_the_sum_of_fills(stream):
    ledger = opened(D(1000))
    for one in stream:
        ledger = book(ledger, one, INSTRUMENTS[one.symbol]).ledger
    held = {s: h.quantity for s, h in ledger.holdings.items()}
    for symbol, quantity in held.items():
        ledger, postings = write_off(ledger, symbol)
        assert sum(p.amount for p in postings) == 0
        assert imbalance(ledger) == 0
        assert ledger.quantity(symbol) == 0
        assert ledger.dust[symbol] == quantity
    assert not ledger.holdings


@given(fills)
def test_profits_of_closed_parts_add_up_to_what_was_realised_after_fees(stream):
    """Flat at the end, no odd currencies: the trades people read are the money that was made."""
    ledger, pnl = opened(D(0)), D(0)
    plain = [msgspec.structs.replace(f, fee_currency="USDT") for f in stream]
    for one in plain:
        booking = book(ledger, one, INSTRUMENTS[one.symbol])
        ledger = booking.ledger
        with localcontext(WIDE):
            pnl += booking.closure.pnl if booking.closure else 0
    for symbol, holding in tuple(ledger.holdings.items()):
        side = Side.SELL if holding.quantity > 0 else Side.BUY
        closing = fill(side, abs(holding.quantity), 3, symbol=symbol)
        booking = book(ledger, closing, INSTRUMENTS[symbol])
        with localcontext(WIDE):
            ledger, pnl = booking.ledger, pnl + booking.closure.pnl
        assert booking.closure.ended
    assert not ledger.holdings
    # Each split of a fee between an old and a new position is rounded to 1e-12.
    with localcontext(WIDE):
        assert abs(ledger.cash - pnl) <= D("1e-11") * (len(plain) + 1)


def test_a_long_that_is_sold_higher_earns_the_difference_less_both_fees():
    ledger = book(opened(D(1000)), fill(Side.BUY, 2, 100, fee="0.2"), INSTRUMENTS["X/USDT"]).ledger
    booking = book(ledger, fill(Side.SELL, 1, 110, fee="0.11"), INSTRUMENTS["X/USDT"])
    assert booking.closure.pnl == D("9.79")  # 10 − half the entry fee − the exit fee
    assert booking.closure.fees == D("0.21")
    assert not booking.closure.ended
    assert booking.ledger.cash == D("909.69")
    assert booking.ledger.realised == 10
    assert booking.ledger.holdings["X/USDT"].average == 100


def test_a_flip_closes_the_old_side_and_opens_the_new_one_at_the_fills_price():
    ledger = book(opened(D(1000)), fill(Side.BUY, 1, 100), INSTRUMENTS["X/USDT"], ("a",)).ledger
    booking = book(ledger, fill(Side.SELL, 3, 90, fee="0.3"), INSTRUMENTS["X/USDT"], ("b",))
    holding = booking.ledger.holdings["X/USDT"]
    assert booking.closure.ended
    assert booking.closure.pnl == D("-10.1")  # a third of the fee belongs to what was closed
    assert (holding.quantity, holding.cost, holding.fees) == (-2, -180, D("0.2"))
    assert holding.genome_ids == ("b",)


def test_a_fee_in_the_base_currency_is_quantity_that_leaves_at_the_fills_price():
    booking = book(
        opened(D(1000)), fill(Side.BUY, 1, 100, fee="0.001", fee_currency="X"), INSTRUMENTS["X/USDT"]
    )
    ledger = booking.ledger
    assert ledger.cash == 900
    assert ledger.fees == D("0.1")
    assert ledger.quantity("X/USDT") == D("0.999")
    assert ledger.holdings["X/USDT"].cost == D("99.9")


def test_a_base_fee_as_large_as_the_purchase_leaves_nothing_and_no_closed_trade():
    booking = book(opened(D(1000)), fill(Side.BUY, 1, 100, fee=1, fee_currency="X"), INSTRUMENTS["X/USDT"])
    assert (booking.ledger.holdings, booking.closure) == ({}, None)
    assert (booking.ledger.cash, booking.ledger.fees, booking.ledger.realised) == (900, 100, 0)


def test_a_base_fee_on_the_sale_of_everything_leaves_a_short_without_entry_fees():
    ledger = book(opened(D(1000)), fill(Side.BUY, 1, 100, fee=1), INSTRUMENTS["X/USDT"]).ledger
    booking = book(ledger, fill(Side.SELL, 1, 110, fee="0.01", fee_currency="X"), INSTRUMENTS["X/USDT"])
    rest = booking.ledger.holdings["X/USDT"]
    assert (rest.quantity, rest.cost, rest.fees, rest.average) == (D("-0.01"), D("-1.1"), 0, 110)
    assert booking.closure.ended
    assert booking.closure.pnl == D("7.9")  # 10 − the entry fee − 0.01 X at 110
    assert booking.ledger.realised == 10
    assert imbalance(booking.ledger) == 0


def test_a_base_fee_leaves_the_entry_fees_of_the_position_whole():
    ledger = book(opened(D(1000)), fill(Side.BUY, 2, 100, fee=1), INSTRUMENTS["X/USDT"]).ledger
    booking = book(ledger, fill(Side.BUY, 2, 100, fee=2, fee_currency="X"), INSTRUMENTS["X/USDT"])
    rest = booking.ledger.holdings["X/USDT"]
    assert (rest.quantity, rest.cost, rest.fees) == (2, 200, 201)


def test_a_fee_in_a_third_currency_is_counted_and_leaves_cash_alone():
    ledger = book(opened(D(1000)), fill(fee="0.01", fee_currency="BNB"), INSTRUMENTS["X/USDT"]).ledger
    assert ledger.cash == 900
    assert ledger.fees == 0
    assert ledger.foreign_fees == {"BNB": D("0.01")}


@pytest.mark.parametrize("field", ["quantity", "price", "fee"])
@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_fill_that_is_no_number_is_refused_by_name(field, value):
    bad = msgspec.structs.replace(fill(), **{field: D(value)})
    with pytest.raises(ValueError, match=r"paper\|X/USDT\|1 cannot be booked"):
        book(opened(D(1000)), bad, INSTRUMENTS["X/USDT"])


@given(fills, st.sampled_from([D("0.01"), D(100), D(1000)]))
def test_units_do_not_matter(stream, scale):
    """Prices and fees in cents: every balance is a hundred times as large, digit for digit."""
    ledger, scaled = opened(D(1000)), opened(1000 * scale)
    for one in stream:
        if one.fee_currency != "USDT":
            continue
        with localcontext(WIDE):
            other = msgspec.structs.replace(one, price=one.price * scale, fee=one.fee * scale)
        ledger = book(ledger, one, INSTRUMENTS[one.symbol]).ledger
        scaled = book(scaled, other, INSTRUMENTS[one.symbol]).ledger
    with localcontext(WIDE):
        assert scaled.cash == ledger.cash * scale
        # Shares of a cost are rounded to 1e-12 of whatever the unit is.
        assert abs(scaled.realised - ledger.realised * scale) <= D("1e-7")


@pytest.mark.parametrize("change", [{"quantity": 0}, {"quantity": -1}, {"price": 0}, {"price": -1}])
def test_a_fill_of_nothing_or_for_nothing_is_refused(change):
    with pytest.raises(ValueError, match="quantity and price must be positive"):
        book(opened(D(1000)), fill(**change), INSTRUMENTS["X/USDT"])


def test_a_fee_of_nothing_in_a_third_currency_is_not_counted():
    assert book(opened(D(1000)), fill(fee_currency="BNB"), INSTRUMENTS["X/USDT"]).ledger.foreign_fees == {}


def test_an_average_is_a_price_whatever_the_multiplier():
    ledger = book(opened(D(1000)), fill(Side.BUY, 3, 100, symbol="Z/USDT"), INSTRUMENTS["Z/USDT"]).ledger
    assert ledger.holdings["Z/USDT"].cost == 3
    ledger = book(ledger, fill(Side.BUY, 1, 200, symbol="Z/USDT"), INSTRUMENTS["Z/USDT"]).ledger
    assert ledger.holdings["Z/USDT"].average == 125


def test_a_position_is_as_old_as_its_first_fill_and_belongs_to_all_who_wanted_it():
    later = msgspec.structs.replace(fill(Side.BUY, 1, 100), at_ns=9)
    ledger = book(opened(D(1000)), fill(Side.BUY, 1, 100), INSTRUMENTS["X/USDT"], ("a", "b")).ledger
    holding = book(ledger, later, INSTRUMENTS["X/USDT"], ("b", "c")).ledger.holdings["X/USDT"]
    assert (holding.opened_ns, holding.genome_ids) == (7, ("a", "b", "c"))
    turned = msgspec.structs.replace(fill(Side.SELL, 3, 100), at_ns=9)
    holding = book(ledger, turned, INSTRUMENTS["X/USDT"], ("d",)).ledger.holdings["X/USDT"]
    assert (holding.opened_ns, holding.genome_ids) == (9, ("d",))


def test_the_result_of_a_trade_is_the_sum_of_its_parts():
    ledger = book(opened(D(1000)), fill(Side.BUY, 3, 100, fee=3), INSTRUMENTS["X/USDT"]).ledger
    first = book(ledger, fill(Side.SELL, 1, 110), INSTRUMENTS["X/USDT"])
    assert (first.closure.pnl, first.closure.result) == (9, 9)
    assert first.ledger.holdings["X/USDT"].result == 9
    second = book(first.ledger, fill(Side.BUY, 1, 100, fee=1), INSTRUMENTS["X/USDT"])
    assert second.ledger.holdings["X/USDT"].result == 9
    last = book(second.ledger, fill(Side.SELL, 3, 90), INSTRUMENTS["X/USDT"])
    assert (last.closure.pnl, last.closure.result, last.closure.ended) == (-33, -24, True)
    assert (last.closure.quantity, last.closure.entry_price) == (3, 100)


def test_dust_given_up_twice_adds_up():
    ledger = opened(D(1000))
    for _ in range(2):
        ledger = book(ledger, fill(Side.BUY, "0.001", 100), INSTRUMENTS["X/USDT"]).ledger
        ledger, _ = write_off(ledger, "X/USDT")
    assert (ledger.dust, ledger.written_off) == ({"X/USDT": D("0.002")}, D("0.2"))


def test_the_whole_of_a_fee_is_not_rounded():
    ledger = book(opened(D(1000)), fill(Side.BUY, 1, 100), INSTRUMENTS["X/USDT"]).ledger
    closure = book(ledger, fill(Side.SELL, 1, 100, fee="1E-15"), INSTRUMENTS["X/USDT"]).closure
    assert (closure.fees, closure.pnl) == (D("1E-15"), D("-1E-15"))


def test_what_a_flip_opens_has_earned_nothing_yet():
    ledger = book(opened(D(1000)), fill(Side.BUY, 1, 100), INSTRUMENTS["X/USDT"]).ledger
    booking = book(ledger, fill(Side.SELL, 3, 90), INSTRUMENTS["X/USDT"])
    assert booking.closure.result == -10
    assert booking.ledger.holdings["X/USDT"].result == 0
