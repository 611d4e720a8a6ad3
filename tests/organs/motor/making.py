"""What the tests of execution are made of: instruments, bars, orders, and a clock for single steps."""

from decimal import Decimal

from organism.core import Now
from organism.effects import Publish, VenueSubmit
from organism.market import NS_PER_S, Bar, FeeSchedule, Instrument, VenueCapabilities
from organism.settings import PaperSettings
from organism.trading import ApprovedOrder, Fill, Order, OrderKind, Purpose, Side

D = Decimal
X, Y = "X/USDT", "Y/USDT"
BAR_NS = 300 * NS_PER_S
START = 1_704_067_200 * NS_PER_S  # 2024-01-01 00:00 UTC

VENUE = VenueCapabilities(name="paper", validity_window_s=0.5, engine_timeout_s=0.5, clock_skew_s=0.0)

# No costs and no limits to what a bar can fill: one thing at a time is switched on by the tests.
PLAIN = {
    "spread_bps": 0.0,
    "slippage_bps": 0.0,
    "maker_fee": 0.0,
    "taker_fee": 0.0,
    "volume_share": 1.0,
    "latency_s": 0.25,
}


def paper(**changes):
    return PaperSettings(**{**PLAIN, **changes})


def instrument(symbol=X, **changes):
    given = {
        "symbol": symbol,
        "base": symbol.split("/")[0],
        "quote": "USDT",
        "venue": "paper",
        "tick": D("0.01"),
        "lot": D("0.001"),
        "min_notional": D(5),
        "fees": FeeSchedule(maker=D("0.001"), taker=D("0.001")),
    }
    return Instrument(**{**given, **changes})


INSTRUMENTS = (instrument(X), instrument(Y))


def bar(n, open_=100.0, high=None, low=None, close=None, volume=1_000.0, symbol=X):
    """The n-th bar after START."""
    close = open_ if close is None else close
    high = max(open_, close) if high is None else high
    low = min(open_, close) if low is None else low
    return Bar(symbol, START + (n - 1) * BAR_NS, START + n * BAR_NS, open_, high, low, close, volume)


def order(order_id="1-0", side=Side.BUY, quantity="1", kind=OrderKind.MARKET, **changes):
    given = {
        "id": order_id,
        "symbol": X,
        "side": side,
        "quantity": D(quantity),
        "kind": kind,
        "purpose": Purpose.TARGET,
        "reference_price": D(100),
        "created_ns": START,
    }
    return Order(**{**given, **changes})


def approved(*args, **kwargs):
    return ApprovedOrder(order=order(*args, **kwargs), approved_ns=START)


def submission(client_order_id="c1", order_=None, sent_mono_ns=0, valid_for_s=0.5):
    return VenueSubmit(
        client_order_id=client_order_id,
        approved=ApprovedOrder(order=order_ or order(), approved_ns=START),
        valid_for_s=valid_for_s,
        sent_mono_ns=sent_mono_ns,
    )


def fill(number=1, client_order_id="c1", quantity="1", side=Side.BUY, symbol=X, price="100"):
    return Fill(
        venue="paper",
        symbol=symbol,
        trade_id=f"paper-{number}",
        order_id="",
        client_order_id=client_order_id,
        side=side,
        quantity=D(quantity),
        price=D(price),
        fee=D(0),
        fee_currency="USDT",
        maker=False,
        at_ns=START + BAR_NS,
    )


def now(mono_s=0.0, market_ns=START, step=1):
    return Now(market_ns, round(mono_s * NS_PER_S), 0, step)


def said(effects, kind):
    """Messages of one kind among the effects of a step."""
    return [e.message for e in effects if type(e) is Publish and type(e.message) is kind]


def done(effects, kind):
    """Effects of one kind."""
    return [e for e in effects if type(e) is kind]
