"""Journals to read: a whole organism that lived in lockstep, and steps written by hand."""

import itertools
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import msgspec

from dashboard.glimpse import look
from dashboard.reading import Reading
from organism.body.lockstep import assemble
from organism.core import Now
from organism.effects import Publish
from organism.journal.reader import Reader
from organism.journal.writer import SqliteJournal
from organism.market import Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    Contribution,
    DenialReason,
    Envelope,
    ExposureTargeted,
    OperatorCommanded,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    Target,
)
from organism.settings import Settings
from organism.trading import ApprovedOrder, Order, OrderKind, OrderStatus, Purpose, Side
from organism.view.writer import ViewWriter
from organs.nervous.feeds import instants

BAR_NS = 300 * 10**9
START_NS = 1_700_000_100 * 10**9
SYMBOL = "BTC/USDT"


def eager():
    """Settings of an organism that trades often."""
    base = Settings()
    replace = msgspec.structs.replace
    return replace(
        base,
        market=replace(base.market, symbols=("BTC/USDT", "ETH/USDT")),
        brain=replace(base.brain, no_trade_band=0.05, cost_multiple=0.1, min_forecast=0.03),
        sizing=replace(base.sizing, rebalance_band=0.01),
    )


def live(folder: Path, bars: int, **options) -> int:
    """Let a whole organism live through some bars; answers the journal's newest row."""
    wanted = eager()
    journal = SqliteJournal(
        folder, **({"durability": "off", "threaded": False, "namespace": "lived"} | options)
    )
    try:
        assemble(wanted, journal).driver.run(itertools.islice(instants(wanted.market), bars))
        journal.flush()
        return journal.tip[0]
    finally:
        journal.close()


def read(folder: Path) -> Reading:
    """A reading of everything that is there, without a thread of its own."""
    reading = Reading(folder)
    reading.keeper.read_all()
    return reading


def view_at(folder: Path, seq: int, path: Path):
    """What the live view would have held when `seq` was the newest row."""
    reader = Reader(folder)
    journal = SimpleNamespace(
        namespace="lived", tip=(seq, b""), durable_seq=seq, runs=reader.runs, rows=lambda after: reader.rows(after, seq)
    )  # fmt: skip
    writer = ViewWriter(path, boot="test")
    writer.catch_up(journal)
    writer.close()
    return look(path)


class Hand:
    """Writes steps by hand, as the organs of an unusual day would have."""

    def __init__(self, folder: Path, **options):
        self.folder = folder
        self.journal = SqliteJournal(
            folder,
            **({"durability": "off", "threaded": False, "namespace": "hand", "started_wall_ns": 5} | options),
        )
        self.incarnations: dict[str, int] = {}
        self.steps: dict[str, int] = {}
        self.at_ns = START_NS
        self.mono_ns = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.journal.close()

    def step(self, organ, envelope_id, *effects, message=None, sender="supervisor", cause=""):
        """One step; answers its row. `message` where the envelope came from outside."""
        if organ not in self.incarnations:
            self.incarnations[organ] = self.journal.begin_incarnation(organ)
        self.steps[organ] = self.steps.get(organ, 0) + 1
        self.mono_ns += 1_000_000
        now = Now(self.at_ns, self.mono_ns, self.at_ns, self.steps[organ])
        if message is None and not envelope_id[:1].isdigit():
            message = OperatorCommanded(command_id=1, command="reduce", operator="somebody")
        envelope = Envelope(envelope_id, sender, 0, self.at_ns, cause, message)
        return self.journal.record(organ, self.incarnations[organ], now.step, envelope, effects, now)

    def bar(self, symbol=SYMBOL, close=100.0, **flags):
        """One instant with one bar; answers the envelope of `BarClosed`."""
        self.at_ns += BAR_NS
        bars = (Bar(symbol, self.at_ns - BAR_NS, self.at_ns, close, close + 1, close - 1, close, 5.0),)
        arrived = BarsArrived(feed="f", session=1, at_ns=self.at_ns, bars=bars)
        closed = BarClosed(at_ns=self.at_ns, session=1, bars=bars, **flags)
        identity = f"bar:1:{self.at_ns}"
        seq = self.step(
            "nervous",
            identity,
            Publish(to=("brain", "motor"), message=closed),
            message=arrived,
            sender="feed",
        )
        return f"{seq}.0"

    def target(
        self, cause, *, symbol=SYMBOL, forecast=0.5, reasons=("blend",), genome="ema_trend_0_e9ec9d8d"
    ):
        """The brain decides; answers the envelope."""
        said = (Contribution(genome_id=genome, forecast=forecast, weight=0.5),)
        target = Target(symbol=symbol, forecast=forecast, volatility=0.01, regime="trend-calm", contributions=said, reasons=reasons)  # fmt: skip
        message = ExposureTargeted(at_ns=self.at_ns, targets=(target,))
        return f"{self.step('brain', cause, Publish(to=('metabolism',), message=message))}.0"

    def propose(self, cause, identity="1-0", *, symbol=SYMBOL, purpose=Purpose.TARGET):
        """Metabolism proposes; answers the order and the envelope."""
        order = Order(
            id=identity, symbol=symbol, side=Side.BUY, quantity=Decimal("0.5"), kind=OrderKind.MARKET, purpose=purpose,
            reference_price=Decimal(100), created_ns=self.at_ns, genome_ids=("ema_trend_0_e9ec9d8d",),
        )  # fmt: skip
        seq = self.step("metabolism", cause, Publish(to=("immune",), message=OrderProposed(order=order)))
        return order, f"{seq}.0"

    def deny(self, order, cause, reason=DenialReason.GROSS_EXPOSURE, limit=1.0, observed=1.25):
        """Immune refuses."""
        message = OrderDenied(
            order_id=order.id, symbol=order.symbol, reason=reason, limit=limit, observed=observed
        )
        return f"{self.step('immune', cause, Publish(to=('metabolism', 'brain'), message=message))}.0"

    def approve(self, order, cause):
        """Immune lets pass."""
        message = OrderApproved(approved=ApprovedOrder(order=order, approved_ns=self.at_ns))
        return f"{self.step('immune', cause, Publish(to=('motor', 'metabolism'), message=message))}.0"

    def update(self, order, cause, status, filled="0", reason=""):
        """Motor tells how an order moved on."""
        message = OrderUpdated(order_id=order.id, client_order_id=f"c{order.id}", symbol=order.symbol,
                               status=OrderStatus(status), filled=Decimal(filled), reason=reason)  # fmt: skip
        return f"{self.step('motor', cause, Publish(to=('metabolism', 'immune'), message=message))}.0"
