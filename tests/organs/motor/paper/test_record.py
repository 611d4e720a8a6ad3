"""A venue answers for every order it ever had, and holds in memory those that matter now."""

import pytest

from organism.effects import VenueAdvance, VenueQuery, VenueReport
from organism.messages import Answer
from organism.trading import OrderKind, Side
from organs.motor.paper import book, record
from organs.motor.paper.port import Local
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, D, X, bar, order, paper, submission

N_KEPT, N_ORDERS = 10, 120


@pytest.fixture
def path(tmp_path, monkeypatch):
    for module in (record, book):
        monkeypatch.setattr(module, "N_KEPT", N_KEPT)
    return tmp_path / "paper_venue.db"


def opened(path):
    return Local(paper(), INSTRUMENTS, path, 1, durability="off")


def submit(venue, identity, **changes):
    return venue.handle(submission(identity, order(**changes), sent_mono_ns=_now(venue)), 0)


def _now(venue):
    return venue._venue._mono_ns()


def lived(venue):
    """A limit that rests all the while, and 120 orders that fill, one a bar."""
    resting = {"kind": OrderKind.LIMIT, "limit_price": D(1), "quantity": "5"}
    assert submit(venue, "old", **resting).answer is Answer.ACCEPTED
    for n in range(1, N_ORDERS + 1):
        side = Side.BUY if n % 2 else Side.SELL
        assert submit(venue, f"c{n}", side=side, reduce_only=n % 2 == 0).answer is Answer.ACCEPTED
        venue.handle(VenueAdvance(at_ns=START + n * BAR_NS, bars=(bar(n),), since=f"paper-{n - 1}"), 0)
    return venue


def held(venue):
    exchange = venue._venue.exchange
    return len(exchange.orders), len(exchange.fills)


def all_is_known(venue):
    found = venue.handle(VenueQuery(client_order_id="c1", symbol=X), 0)
    assert (found.order.status, [f.trade_id for f in found.fills]) == ("filled", ["paper-1"])
    assert submit(venue, "c1").reason == "duplicate client order id"
    for after in (0, 1, 60, N_ORDERS - 1, N_ORDERS):
        report = venue.handle(VenueReport(since=f"paper-{after}" if after else ""), 0)
        assert [f.trade_id for f in report.fills] == [f"paper-{n}" for n in range(after + 1, N_ORDERS + 1)]
        assert [o.client_order_id for o in report.open_orders] == ["old"]


def test_memory_is_bounded_and_nothing_is_forgotten(path):
    venue = lived(opened(path))
    assert max(held(venue)) <= 2 * N_KEPT + 1
    all_is_known(venue)
    venue.close()


def test_a_venue_that_is_opened_again_reads_what_matters_now(path):
    lived(opened(path)).close()
    venue = opened(path)
    assert held(venue) == (N_KEPT + 1, N_KEPT)
    all_is_known(venue)
    n = N_ORDERS + 1
    crash = bar(n, open_=0.5)
    advanced = venue.handle(VenueAdvance(at_ns=START + n * BAR_NS, bars=(crash,), since=f"paper-{n - 1}"), 0)
    assert [(f.client_order_id, f.trade_id) for f in advanced.fills] == [("old", f"paper-{n}")]
    found = venue.handle(VenueQuery(client_order_id="old", symbol=X), 0)
    assert (found.order.status, len(found.fills)) == ("filled", 1)
    venue.close()


def test_without_a_book_everything_stays(path):
    venue = lived(opened(path))
    alone = record.Record()
    for fill in venue.handle(VenueReport(since=""), 0).fills:
        alone.add(fill)
        alone.end(fill.client_order_id)
        alone.tidy()
    assert (len(alone.fills), alone.fills_of("c1")) == (N_ORDERS, alone.fills_after(0)[:1])
    venue.close()
