"""An organism is stopped or killed with orders at the venue, and another version of it is started on the folder."""

import sqlite3
from pathlib import Path

import pytest

from organism.body import live
from organism.body.truth import venue_truth
from organism.journal.reader import Reader
from organism.verify import verify
from organs.motor.paper.book import PaperTruth
from tests.body.alive import living
from tests.body.house import BUSY, House, judged, organism, told_once
from tests.body.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(240)]

OLD, NEW = live.__version__, "99.0.0"


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path / "state", *BUSY, speed="6000")
    yield house
    house.end()


def open_orders(house: House) -> set[str]:
    """Ids that the venue holds open, stops above all."""
    try:
        return {o.client_order_id for o in house.truth().orders if o.status == "open"}
    except sqlite3.OperationalError:
        return set()


def versions(house: House) -> list[str]:
    return [run.code_version for _, run in sorted(Reader(house.state).runs().items())]


@pytest.mark.parametrize("how", ["stopped in order", "killed", "killed between sending and hearing"])
def test_open_orders_are_adopted_by_the_next_version_and_none_is_sent_twice(
    house: House, monkeypatch, how: str
):
    if how == "killed between sending and hearing":
        house.start(crash="after_send:6")
        until(lambda: "drill: killed" in house.said, lambda: house.said[-800:])
        house.kill_all()
    else:
        house.start()
        house.wait_trading(3)
        until(lambda: open_orders(house), "an order that rests at the venue")
        house.stop() if how == "stopped in order" else house.kill_all()
    before = {o.client_order_id: o for o in house.truth().orders}
    resting = open_orders(house)
    assert resting

    monkeypatch.setattr(live, "__version__", NEW)
    with living(house.state, "market.speed=6000", start=False) as alive:
        known = set(alive.body.goods["motor"].state.by_client)
        assert resting <= known, "an open order was not adopted"
        alive.start()
        try:
            alive.trades()
        finally:
            alive.stop()
    monkeypatch.undo()

    truth = PaperTruth.read(house.state / "paper_venue.db")
    after = {o.client_order_id for o in truth.orders}
    assert set(before) < after, "the new version traded on"
    rows = house.rows()
    told_once(rows)
    judged(rows, truth)
    assert versions(house)[0] == OLD
    assert versions(house)[-1] == NEW
    report = verify(house.state, venue_truth(house.state))
    assert report.ok, report

    run = house.run  # and back again: what the new one wrote is what the old one goes on from
    house.start()
    house.wait_trading(1, after_run=run)
    assert house.stop()[0] == 0
    assert versions(house)[-1] == OLD
    judged(house.rows(), house.truth())
    assert house.verify()["ok"]
    replayed = organism("replay", "--json", state=house.state)
    assert NEW in replayed.stdout, "what decided a row is on record"
