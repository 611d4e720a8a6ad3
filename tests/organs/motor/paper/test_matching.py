"""At which prices, and how much of it, the paper venue fills."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import NS_PER_S
from organism.messages import Answer
from organism.trading import OrderKind, Side
from organs.motor.paper.matching import PaperExchange
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, D, X, Y, bar, instrument, order, paper


class Floor:
    """An exchange that meets one bar after another."""

    def __init__(self, instruments=INSTRUMENTS, **settings):
        self.exchange = PaperExchange(paper(**settings), instruments)
        self.n = 0
        self.n_ids = 0

    def submit(self, side=Side.BUY, quantity="1", kind=OrderKind.MARKET, **changes):
        self.n_ids += 1
        identity = f"c{self.n_ids}"
        wanted = order("1-0", side, quantity, kind, created_ns=START + self.n * BAR_NS, **changes)
        answer, _, reason = self.exchange.submit(identity, wanted)
        return identity if answer is Answer.ACCEPTED else reason

    def meet(self, *args, settle=False, **kwargs):
        """Meet the next bar; its fills."""
        self.n += 1
        at_ns = START + self.n * BAR_NS
        fills, _ = self.exchange.advance(at_ns, (bar(self.n, *args, **kwargs),), settle=settle)
        return fills

    def holding(self, quantity="1", price=100.0):
        self.submit(quantity=quantity)
        self.meet(price)
        return self

    def status(self, identity):
        resting = self.exchange.orders[identity]
        return resting.status, resting.filled


SELL = {"side": Side.SELL, "reduce_only": True}


# ------------------------------------------------------------------ prices


@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, D("100.03")), (Side.SELL, D("99.98"))], ids=["buy", "sell"]
)
def test_market_orders_pay_half_the_spread_and_slippage_rounded_against_them(side, price):
    floor = Floor(spread_bps=2.0, slippage_bps=1.0).holding()
    floor.submit(side, reduce_only=side is Side.SELL)
    (fill,) = floor.meet(100.001)  # ± 2 bp: 100.0210002 and 99.9809998
    assert fill.price == price
    assert not fill.maker


def test_the_ideal_profile_pays_slippage_alone_and_fills_at_once_and_whole():
    floor = Floor(profile="ideal", spread_bps=50.0, slippage_bps=10.0, volume_share=0.001, latency_s=1_000.0)
    floor.submit(quantity="50")
    (fill,) = floor.meet(100.0, volume=1.0)
    assert (fill.price, fill.quantity) == (D("100.10"), D(50))


@pytest.mark.parametrize(("latency_s", "n_bars"), [(0.0, 1), (0.25, 1), (299.0, 1), (301.0, 2), (900.0, 4)])
def test_latency_is_market_time_and_an_order_takes_part_from_the_bar_it_arrives_in(latency_s, n_bars):
    floor = Floor(latency_s=latency_s)
    floor.submit()
    met = next(n for n in range(1, 9) if floor.meet())
    assert met == n_bars


@pytest.mark.parametrize(
    ("open_", "low", "price"),
    [(100.0, 96.0, None), (100.0, 95.01, None), (100.0, 95.0, D("94.98")), (99.0, 90.0, D("94.98")),
     (93.0, 92.0, D("92.98")), (95.0, 94.0, D("94.98"))],
    ids=["untouched", "a tick above", "exactly", "inside", "gapped through", "opened at it"],
)  # fmt: skip
def test_a_sell_stop_fills_at_its_price_or_at_the_open_that_passed_it_less_slippage(open_, low, price):
    floor = Floor(slippage_bps=2.0).holding()
    floor.submit(kind=OrderKind.STOP, stop_price=D(95), **SELL)
    fills = floor.meet(open_, low=low, close=open_)
    assert [f.price for f in fills] == ([] if price is None else [price])
    assert not any(f.maker for f in fills)


@pytest.mark.parametrize("price", ["99.7", "100.1", "0.07", "1.15"])
def test_a_price_is_compared_as_it_is_written_and_not_as_its_float(price):
    """99.7 as a float lies above 99.7, 100.1 below: neither may decide whether a stop trades."""
    floor = Floor(
        (instrument(tick=D("0.01"), min_notional=D("0.01")),), spread_bps=0.0
    ).holding(price=200.0)  # fmt: skip
    floor.submit(kind=OrderKind.STOP, stop_price=D(price), **SELL)
    limit = floor.submit(kind=OrderKind.LIMIT, limit_price=D(price) + 100, **SELL)
    (fill,) = floor.meet(50.0 + float(price), low=float(price), high=float(D(price) + 100))
    assert fill.price == D(price)
    assert floor.status(limit)[0] == "open"


def test_a_buy_stop_mirrors_it():
    floor = Floor(can_short=True, slippage_bps=2.0)
    floor.submit(Side.SELL)
    floor.meet()
    floor.submit(Side.BUY, kind=OrderKind.STOP, stop_price=D(105), reduce_only=True)
    assert floor.meet(100.0, high=104.99) == ()
    (fill,) = floor.meet(107.0, high=108.0)
    assert fill.price == D("107.03")


def test_a_stop_looks_only_at_bars_after_it_was_placed():
    floor = Floor().holding()
    floor.meet(100.0, low=90.0)
    floor.submit(kind=OrderKind.STOP, stop_price=D(95), **SELL)
    floor.exchange.advance(START + floor.n * BAR_NS, (bar(floor.n, 100.0, low=90.0),))
    assert floor.meet(100.0, low=96.0) == ()


@pytest.mark.parametrize(
    ("open_", "low", "price"),
    [(100.0, 99.01, None), (100.0, 99.0, None), (100.0, 98.99, D(99)), (97.0, 96.0, D(97))],
    ids=["above", "touched only", "traded through", "gapped through"],
)
def test_a_resting_limit_fills_when_the_market_trades_beyond_it_and_makes(open_, low, price):
    floor = Floor(slippage_bps=50.0)
    floor.submit(kind=OrderKind.LIMIT, limit_price=D(99))
    floor.meet(100.0)  # it rests
    fills = floor.meet(open_, low=low)
    assert [(f.price, f.maker) for f in fills] == ([] if price is None else [(price, True)])


def test_a_limit_that_meets_a_better_market_takes_from_it_and_pays_for_that():
    floor = Floor(slippage_bps=10.0, maker_fee=0.0, taker_fee=0.001)
    floor.submit(kind=OrderKind.LIMIT, limit_price=D(105))
    (fill,) = floor.meet(100.0, low=99.0)
    assert (fill.price, fill.maker, fill.fee) == (D("100.10"), False, D("0.1001"))
    floor.submit(kind=OrderKind.LIMIT, limit_price=D("100.05"))
    (fill,) = floor.meet(100.0, low=99.0)
    assert fill.price == D("100.05"), "never worse than its limit"


def test_within_a_bar_the_open_comes_first_then_stops_then_limits():
    floor = Floor().holding("3")
    floor.submit(kind=OrderKind.LIMIT, limit_price=D(104), **SELL)
    floor.meet()  # the limit rests
    floor.submit(kind=OrderKind.STOP, stop_price=D(95), **SELL)
    floor.submit(**SELL)
    fills = floor.meet(100.0, high=105.0, low=94.0)
    assert [f.price for f in fills] == [D(100), D(95), D(104)]


@pytest.mark.parametrize(
    "broken",
    [{"volume": 0.0}, {"volume": math.nan}, {"volume": math.inf}, {"open_": math.nan}, {"low": math.nan},
     {"high": math.inf}, {"open_": 0.0}, {"low": -1.0}],
    ids=str,
)  # fmt: skip
def test_a_bar_on_which_nothing_can_have_traded_fills_nothing(broken):
    floor = Floor()
    floor.submit()
    assert floor.meet(**{"open_": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, **broken}) == ()
    assert len(floor.meet()) == 1


# ------------------------------------------------------------------ quantities


def test_a_large_order_fills_in_parts_by_volume_at_each_open():
    floor = Floor(volume_share=0.1)
    identity = floor.submit(quantity="2.5")
    parts = [floor.meet(100.0 + n, volume=10.0055) for n in range(3)]
    assert [[(f.quantity, f.price) for f in p] for p in parts] == [
        [(D("1.000"), D(100))], [(D("1.000"), D(101))], [(D("0.500"), D(102))],
    ]  # fmt: skip
    assert floor.status(identity) == ("filled", D("2.5"))


def test_a_triggered_stop_goes_on_as_a_market_order():
    floor = Floor().holding("2")
    floor.exchange._share = D("0.1")
    floor.submit(quantity="2", kind=OrderKind.STOP, stop_price=D(95), **SELL)
    assert [f.price for f in floor.meet(100.0, low=94.0, volume=10.0)] == [D(95)]
    assert [f.price for f in floor.meet(98.0, volume=10.0)] == [D(98)]


def test_reduce_only_takes_what_is_there_and_cancels_the_rest():
    floor = Floor().holding("1")
    first, second = floor.submit(**SELL, quantity="0.7"), floor.submit(**SELL, quantity="0.7")
    assert sum(f.quantity for f in floor.meet()) == 1
    assert floor.status(first) == ("filled", D("0.7"))
    assert floor.status(second) == ("canceled", D("0.3"))
    assert floor.exchange.held() == ()


def test_a_stop_without_a_position_left_is_canceled_and_opens_nothing():
    floor = Floor(can_short=True).holding()
    stop = floor.submit(kind=OrderKind.STOP, stop_price=D(95), **SELL)
    floor.submit(**SELL)
    floor.meet()
    assert floor.meet(100.0, low=90.0) == ()
    assert floor.status(stop) == ("canceled", D(0))


def test_what_was_sold_already_is_not_sold_again_where_shorting_is_not_allowed():
    floor = Floor().holding()
    first, second = floor.submit(Side.SELL), floor.submit(Side.SELL)
    floor.meet()
    assert floor.status(first) == ("filled", D(1))
    assert floor.status(second) == ("canceled", D(0))
    assert floor.exchange.held() == ()


def test_a_purchase_never_costs_more_than_there_is():
    floor = Floor(starting_cash=100.0, taker_fee=0.01)
    identity = floor.submit(quantity="0.9")
    (fill,) = floor.meet(200.0)
    assert fill.quantity == D("0.495")
    assert 0 <= floor.exchange.cash < D("0.25")
    assert floor.status(identity)[0] == "canceled"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "A/B"}, "no instrument"),
        ({"quantity": "0.0005"}, "multiple"),
        ({"quantity": "-1"}, "multiple"),
        ({"quantity": "NaN"}, "finite"),
        ({"quantity": "Infinity"}, "finite"),
        ({"quantity": "0.04"}, "notional is below 5"),
        ({"kind": OrderKind.LIMIT, "limit_price": D("99.995")}, "multiple"),
        ({"kind": OrderKind.LIMIT}, "limit price"),
        ({"kind": OrderKind.STOP}, "stop price"),
        ({"reference_price": D("NaN")}, "finite"),
        ({"quantity": "101"}, "insufficient balance"),
        ({"side": Side.SELL}, "insufficient balance"),
        ({"side": Side.SELL, "reduce_only": True}, "reduce-only"),
        ({"reduce_only": True}, "reduce-only"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_an_exchange_would_refuse_is_refused(changes, reason):
    assert reason in Floor().submit(**changes)


def test_a_rest_below_the_smallest_notional_may_still_be_closed():
    floor = Floor().holding("0.06")
    floor.submit(**SELL, quantity="0.03")
    floor.meet()
    assert floor.submit(**SELL, quantity="0.03").startswith("c")


def test_shorting_is_bound_by_equity_where_it_is_allowed():
    floor = Floor(can_short=True, starting_cash=1_000.0)
    assert "insufficient margin" in floor.submit(Side.SELL, "11")
    assert floor.submit(Side.SELL, "9").startswith("c")
    floor.meet()
    assert "insufficient margin" in floor.submit(Side.SELL, "2")
    assert floor.submit(Side.BUY, "18").startswith("c"), "buying back costs what the sale brought"


def test_rejection_by_chance_is_as_frequent_as_asked_and_the_same_after_a_restart():
    def lot():
        floor = Floor(reject_rate=0.3)
        return [floor.submit(quantity="0.1") for _ in range(400)]

    rejected = sum(r == "rejected at random" for r in lot())
    assert 80 < rejected < 160
    assert lot() == lot()


def test_the_multiplier_of_a_contract_counts_in_cash_fees_and_balance():
    contract = (instrument(multiplier=D(10)),)
    floor = Floor(contract, taker_fee=0.001)
    floor.submit(quantity="2")
    (fill,) = floor.meet()
    assert fill.fee == D(2)
    assert floor.exchange.cash == D(10_000 - 2_000 - 2)
    assert "insufficient balance" in floor.submit(quantity="9")


# ------------------------------------------------------------------ the end of a session


def test_a_settlement_closes_at_the_last_price_also_what_had_no_bar():
    floor = Floor(slippage_bps=10.0).holding()
    floor.submit(symbol=Y)
    at_ns = START + 2 * BAR_NS
    floor.exchange.advance(at_ns, (bar(2, 50.0, symbol=Y),))
    fills, _ = floor.exchange.advance(
        at_ns + BAR_NS, (bar(3, 100.0, close=120.0),), settle=True
    )  # fmt: skip
    assert sorted((f.symbol, f.price) for f in fills) == [(X, D("119.88")), (Y, D("49.95"))]
    assert {f.client_order_id for f in fills} == {f"settle:{at_ns + BAR_NS}:{s}" for s in (X, Y)}
    assert floor.exchange.held() == ()


# ------------------------------------------------------------------ what always holds

wishes = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.decimals("0.001", "40", places=3),
        st.sampled_from(list(OrderKind)),
        st.integers(9_000, 11_000),
        st.booleans(),
        st.integers(-300, 300),
        st.sampled_from([0.0, 3.0, 50.0, 1_000.0]),
    ),
    min_size=1,
    max_size=25,
)
books = st.fixed_dictionaries(
    {
        "can_short": st.booleans(),
        "profile": st.sampled_from(["realistic", "ideal"]),
        "spread_bps": st.sampled_from([0.0, 2.0, 30.0]),
        "slippage_bps": st.sampled_from([0.0, 1.0, 25.0]),
        "maker_fee": st.sampled_from([-0.0001, 0.0, 0.001]),
        "taker_fee": st.sampled_from([0.0, 0.001]),
        "volume_share": st.sampled_from([0.05, 1.0]),
    }
)


def lived(settings, wanted):
    floor = Floor(**settings)
    price = 100.0
    for side, quantity, kind, level, reduce_only, move, volume in wanted:
        at = D(level) / 100
        floor.submit(
            side,
            str(quantity),
            kind,
            limit_price=at if kind is OrderKind.LIMIT else None,
            stop_price=at if kind is OrderKind.STOP else None,
            reduce_only=reduce_only,
        )
        price = max(50.0, price + move / 100)
        floor.meet(price, price + 1.0, price - 1.0, price + 0.5, volume=volume)
    return floor


@given(books, wishes)
def test_cash_and_positions_are_the_sum_of_the_fills_to_the_last_digit(settings, wanted):
    floor = lived(settings, wanted)
    cash, held = D(10_000), Decimal(0)
    for fill in floor.exchange.fills:
        cash -= fill.side.sign * fill.quantity * fill.price + fill.fee
        held += fill.side.sign * fill.quantity
    assert floor.exchange.cash == cash
    assert floor.exchange.positions.get(X, 0) == held
    assert [f.trade_id for f in floor.exchange.fills] == [
        f"paper-{n + 1}" for n in range(len(floor.exchange.fills))
    ]


@given(books, wishes)
def test_no_order_fills_beyond_itself_its_limit_its_lot_or_the_bar(settings, wanted):
    floor = lived(settings, wanted)
    for identity, resting in floor.exchange.orders.items():
        fills = [f for f in floor.exchange.fills if f.client_order_id == identity]
        assert sum(f.quantity for f in fills) == resting.filled <= resting.quantity
        assert (resting.status == "filled") == (resting.filled == resting.quantity)
        for fill in fills:
            assert fill.quantity > 0
            assert fill.quantity % D("0.001") == 0
            assert fill.price % D("0.01") == 0
            assert fill.at_ns * 1 > resting.active_ns - NS_PER_S
            if resting.limit_price is not None:
                assert (fill.price - resting.limit_price) * resting.side.sign <= 0


@given(books, wishes)
def test_without_shorting_neither_cash_nor_position_is_ever_negative(settings, wanted):
    floor = lived({**settings, "can_short": False}, wanted)
    cash, held = D(10_000), Decimal(0)
    for fill in floor.exchange.fills:
        cash -= fill.side.sign * fill.quantity * fill.price + fill.fee
        held += fill.side.sign * fill.quantity
        assert cash >= 0
        assert held >= 0


@given(books, wishes)
def test_costs_never_help(settings, wanted):
    """A first market order never fills better with spread and slippage than without."""
    side, quantity, *_ = wanted[0]
    prices = []
    for costs in ({"spread_bps": 0.0, "slippage_bps": 0.0}, {}):
        floor = Floor(**{**settings, **costs, "can_short": True})
        floor.submit(side, str(quantity))
        prices += [f.price * side.sign for f in floor.meet(100.003, volume=1_000.0)]
    assert prices == sorted(prices)
