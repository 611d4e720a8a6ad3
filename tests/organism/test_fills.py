"""Fills are applied once, whatever their numbers and order."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from organism.fills import REMEMBERED, Booked, position_change
from organism.market import FeeSchedule, Instrument
from organism.trading import Fill, Side

D = Decimal


def fill(trade_id, symbol="X/Y", side=Side.BUY, fee="0", fee_currency="Y"):
    return Fill(
        venue="paper",
        symbol=symbol,
        trade_id=trade_id,
        order_id="",
        client_order_id="",
        side=side,
        quantity=D(2),
        price=D(10),
        fee=Decimal(fee),
        fee_currency=fee_currency,
        maker=False,
        at_ns=1,
    )


ids = st.one_of(
    st.integers(0, 60).map(str), st.integers(0, 60).map("paper-{}".format), st.text(min_size=1, max_size=4)
)


@given(st.lists(st.tuples(ids, st.sampled_from(["X/Y", "Z/Y"])), max_size=80))
def test_a_fill_is_known_exactly_when_it_was_added(stream):
    booked, truth = Booked(), set()
    for trade_id, symbol in stream:
        one = fill(trade_id, symbol)
        assert (one in booked) == (one.key in truth)
        if one not in booked:
            booked = booked.adding(one)
            truth.add(one.key)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(booked), type=Booked) == booked


def test_memory_is_bounded_and_what_was_forgotten_still_counts_as_applied():
    booked = Booked()
    for n in range(3 * REMEMBERED):
        booked = booked.adding(fill(f"paper-{n}"))
    assert sum(map(len, booked.numbers.values())) <= REMEMBERED
    assert fill("paper-0") in booked
    assert fill(f"paper-{3 * REMEMBERED - 1}") in booked
    assert fill(f"paper-{3 * REMEMBERED}") not in booked


def test_numbers_written_differently_are_different_trades():
    booked = Booked().adding(fill("7"))
    assert fill("07") not in booked
    assert fill("paper-7") not in booked


def test_a_fee_in_the_base_currency_leaves_the_position():
    instrument = Instrument(
        symbol="X/Y",
        base="X",
        quote="Y",
        venue="paper",
        tick=D(1),
        lot=D(1),
        min_notional=D(1),
        fees=FeeSchedule(maker=D(0), taker=D(0)),
    )
    assert position_change(fill("1", fee=D("0.5"), fee_currency="X"), instrument) == D("1.5")
    assert position_change(fill("1", side=Side.SELL, fee=D("0.5"), fee_currency="X"), instrument) == D("-2.5")
    assert position_change(fill("1", fee=D("0.5"), fee_currency="Y"), instrument) == 2
