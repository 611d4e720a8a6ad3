"""What a person says of one instrument: close it, bar it, allow it again."""

from decimal import Decimal

from organism.messages import ClosePositions, EntriesBarred, OrderDenied, TradingStateChanged
from organism.messages import DenialReason as Why
from organism.trading import Order, Side

D = Decimal
X, Y = "X/USDT", "Y/USDT"


def test_closing_one_position_says_so_once_and_leaves_the_rest_and_trading_alone(gate):
    g = gate()
    g.command("close", target=X, note="news")
    (order,) = g.of(ClosePositions)
    assert (order.symbols, order.reason) == ((X,), f"{X} closed by ann: news")
    assert g.to(ClosePositions) == [("metabolism",)]
    assert not g.of(TradingStateChanged)
    g.command("close", target=X, command_id=1)
    assert not g.effects
    assert isinstance(g.propose(1, symbol=X), Order)


def test_a_barred_instrument_may_shrink_and_not_grow_until_it_is_allowed(gate):
    g = gate()
    held = g.propose(2, symbol=X)
    g.complete(held)
    g.command("bar", target=X)
    (told,) = g.of(EntriesBarred)
    assert told.symbols == (X,)
    assert g.to(EntriesBarred) == [("brain",)]
    denied = g.propose(1, symbol=X)
    assert isinstance(denied, OrderDenied)
    assert denied.reason is Why.BARRED
    assert isinstance(g.propose(1, symbol=Y), Order)
    assert isinstance(g.propose(1, symbol=X, side=Side.SELL, reduce_only=True), Order)
    g.command("allow", target=X)
    assert g.of(EntriesBarred)[0].symbols == ()
    assert isinstance(g.propose(1, symbol=X), Order)


def test_saying_it_twice_says_nothing_and_each_instrument_is_barred_by_itself(gate):
    g = gate()
    g.command("bar", target=Y)
    g.command("bar", target=X)
    assert g.of(EntriesBarred)[0].symbols == (X, Y)
    g.command("bar", target=X)
    assert not g.effects
    g.command("allow", target="Z/USDT")
    assert not g.effects
    g.command("allow", target=Y)
    assert g.of(EntriesBarred)[0].symbols == (X,)


def test_resuming_everything_does_not_allow_what_was_barred_by_name(gate):
    g = gate()
    g.command("bar", target=X)
    g.command("halt")
    g.command("resume")
    assert g.propose(1, symbol=X).reason is Why.BARRED


def test_a_name_that_is_not_traded_here_closes_and_bars_nothing(gate):
    g = gate()
    for word in ("close", "bar"):
        g.command(word, target="NOWHERE/USDT")
        assert not g.effects
    assert g.state.barred == ()
