"""What is on its way counts at full size; what shrinks a position passes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.messages import DenialReason as Why
from organism.messages import OrderApproved, VitalsTaken
from organism.trading import Order, OrderKind, OrderStatus, Purpose, Side

D = Decimal


# ---------------------------------------------------------------- the reserve


@pytest.mark.parametrize(
    "status", [OrderStatus.SENT, OrderStatus.ACKED, OrderStatus.UNKNOWN, OrderStatus.PARTIAL]
)
def test_what_is_not_terminal_counts_at_full_size(gate, status):
    g = gate(max_asset_exposure=0.35)
    order = g.propose(35)
    g.update(order, status, 0)
    assert g.propose(30).reason is Why.ASSET_EXPOSURE


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_a_proven_end_frees_what_was_not_filled(gate, status):
    g = gate(max_asset_exposure=0.35)
    order = g.propose(35)
    g.fill(order, 5)
    g.update(order, status, 5)
    assert g.propose(35).quantity == 30


def test_a_reported_fill_stays_reserved_until_it_arrives(gate):
    g = gate(max_asset_exposure=0.35)
    order = g.propose(35)
    g.update(order, OrderStatus.FILLED, 35)
    assert g.propose(30).reason is Why.ASSET_EXPOSURE
    g.fill(order)
    assert g.state.reserved == {}
    assert g.propose(30).reason is Why.ASSET_EXPOSURE


def test_a_fill_told_twice_counts_once(gate):
    from organism.messages import Filled

    g = gate()
    one = g.fill(quantity=5)
    g.tell(Filled(fill=one))
    assert g.state.positions == {"X/USDT": 5}


# ---------------------------------------------------------------- reductions


def test_a_reduction_passes_whatever_entries_are_refused_for(gate):
    g = gate()
    g.fill(quantity=10)
    g.command("halt")
    assert isinstance(g.propose(10, side=Side.SELL, reduce_only=True), Order)


@pytest.mark.parametrize("side", Side)
def test_a_reduction_that_reduces_nothing_is_refused(gate, side):
    denied = gate().propose(1, side=side, reduce_only=True)
    assert (denied.reason, denied.limit) == (Why.REDUCE_ONLY, 0.0)


def test_an_order_that_enlarges_is_no_reduction(gate):
    g = gate()
    g.fill(quantity=10)
    assert g.propose(1, reduce_only=True).reason is Why.REDUCE_ONLY


def test_reductions_together_never_exceed_the_position(gate):
    g = gate()
    g.fill(quantity=10)
    assert g.propose(6, side=Side.SELL, reduce_only=True).quantity == 6
    assert g.propose(6, side=Side.SELL, reduce_only=True).quantity == 4
    assert g.propose(6, side=Side.SELL, reduce_only=True).reason is Why.REDUCE_ONLY


def test_a_stop_rests_beside_an_order_that_reduces(gate):
    g = gate()
    g.fill(quantity=10)
    stop = {"kind": OrderKind.STOP, "purpose": Purpose.PROTECT, "stop_price": D(80)}
    assert g.propose(10, side=Side.SELL, reduce_only=True).quantity == 10
    assert g.propose(12, side=Side.SELL, reduce_only=True, **stop).quantity == 10
    assert g.propose(1, side=Side.SELL, reduce_only=True, **stop).reason is Why.REDUCE_ONLY


def test_only_dust_may_be_sold_below_the_smallest_notional(gate):
    g = gate()
    g.fill(quantity="0.04")
    sell = {"side": Side.SELL, "reduce_only": True}
    assert g.propose("0.04", **sell).reason is Why.MIN_NOTIONAL
    assert g.propose("0.04", purpose=Purpose.DUST, **sell).quantity == D("0.04")


def test_reductions_are_held_back_only_at_twice_the_rate(gate):
    g = gate(max_orders_per_minute=2)
    g.fill(quantity=10)
    for _ in range(4):
        assert isinstance(g.propose(1, side=Side.SELL, reduce_only=True), Order)
    assert g.propose(1, side=Side.SELL, reduce_only=True).reason is Why.ORDER_RATE


def test_a_reduction_with_a_limit_far_off_is_refused(gate):
    g = gate()
    g.fill(quantity=10)
    denied = g.propose(1, side=Side.SELL, reduce_only=True, kind=OrderKind.LIMIT, limit_price=D(50))
    assert denied.reason is Why.PRICE_BAND


# ---------------------------------------------------------------- whatever comes

actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("propose"),
            st.sampled_from(["X/USDT", "Y/USDT"]),
            st.sampled_from(Side),
            st.decimals("0.001", 80, places=3),
            st.booleans(),
        ),
        st.tuples(st.just("fill"), st.integers(0, 5), st.integers(1, 4)),
        st.tuples(
            st.just("update"),
            st.integers(0, 5),
            st.sampled_from([OrderStatus.UNKNOWN, OrderStatus.CANCELED, OrderStatus.FILLED]),
        ),
    ),
    max_size=30,
)


@pytest.mark.requirement("S0-0.3")
@given(actions, st.booleans())
def test_limits_hold_whatever_is_proposed_filled_unknown_or_cancelled(gate, stream, can_short):
    """Judged by the test's own book: everything that may still fill is taken to fill, per side."""
    g = gate(
        can_short=can_short, max_asset_exposure=0.4, max_gross_exposure=0.6, max_net_exposure=0.5,
        max_order_notional=2_500.0, max_orders_per_minute=10_000,
    )  # fmt: skip
    book = []  # [order, filled, over]
    for action in stream:
        if action[0] == "propose":
            _, symbol, side, quantity, reduce_only = action
            order = g.propose(quantity, symbol=symbol, side=side, reduce_only=reduce_only)
            if isinstance(order, Order):
                assert 0 < order.quantity <= quantity
                assert order.quantity * 100 <= 2_500 or reduce_only
                book.append([order, D(0), False])
        elif book and action[1] < len(book):
            entry = book[action[1]]
            order, filled, over = entry
            rest = order.quantity - filled
            if action[0] == "fill" and not over and rest:
                part = rest if action[2] == 4 else (rest / action[2]).quantize(D("0.001"))
                held = sum(o.side.sign * f for o, f, _ in book if o.symbol == order.symbol)
                if order.reduce_only:  # the venue keeps a reduction from going through flat
                    part = min(part, max(-held * order.side.sign, D(0)))
                if part:
                    entry[1] = filled + part
                    g.fill(order, part)
            elif action[0] == "update":
                if action[2] is OrderStatus.FILLED and rest:
                    continue
                entry[2] = over or action[2].is_terminal
                g.update(order, action[2], filled)
        worst = {}
        low_total = high_total = D(0)
        for symbol in ("X/USDT", "Y/USDT"):
            mine = [e for e in book if e[0].symbol == symbol]
            held = sum(o.side.sign * f for o, f, _ in mine)
            assert g.state.positions.get(symbol, 0) == held
            open_ = {
                s: sum(
                    o.quantity - f for o, f, over in mine if o.side is s and not over and not o.reduce_only
                )
                for s in Side
            }
            low, high = held - open_[Side.SELL], held + open_[Side.BUY]
            worst[symbol] = max(abs(low), abs(high)) * 100
            low_total, high_total = low_total + low * 100, high_total + high * 100
            assert worst[symbol] <= 4_000
            assert can_short or low >= 0 or low == held
        assert sum(worst.values()) <= 6_000
        assert low_total >= -5_000
        assert high_total <= 5_000


@given(st.lists(st.floats(0, 100), min_size=1, max_size=10))
def test_no_message_but_a_proposal_ever_makes_an_approval(gate, healths):
    g = gate()
    for health in healths:
        g.tell(VitalsTaken(health=health, parts=()))
        assert g.of(OrderApproved) == []
