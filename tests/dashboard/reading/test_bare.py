"""How long a position stood without a whole protective order: summed up by hand, and over a whole life."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.reading.bare import Bare, Change, Position, stood
from dashboard.routes import positions
from dashboard.window import Window
from organism.effects import Publish
from organism.messages import Filled
from organism.trading import Fill, Purpose, Side
from tests.dashboard.reading.lives import START_NS, SYMBOL, Hand, read

S = 10**9


def changes(*given):
    """(second, order or "", amount) in the order they happened."""
    return [Change(nth, at * S, order, Decimal(str(amount))) for nth, (at, order, amount) in enumerate(given)]


@pytest.mark.parametrize(
    ("given", "held", "expected"),
    [
        (((10, "", 2), (10, "a", 2)), 2, Bare(0.0, None)),
        (((10, "", 2), (13, "a", 2)), 2, Bare(3.0, None)),
        (((10, "", 2),), 2, Bare(90.0, 10 * S)),
        (((10, "", -2), (14, "a", 2)), -2, Bare(4.0, None)),
        (((10, "", 2), (10, "a", 2), (20, "", 1), (25, "b", 3), (25, "a", 0)), 3, Bare(5.0, None)),
        (((10, "", 2), (10, "a", 1), (15, "b", 1)), 2, Bare(5.0, None)),
        (((10, "", 2), (10, "a", 2), (30, "a", 0)), 2, Bare(70.0, 30 * S)),
        (((10, "", 2), (12, "a", 2), (20, "", -1), (20, "a", 0), (21, "b", 1), (60, "b", 0), (65, "c", 1)), 1, Bare(8.0, None)),
        (((10, "", 5), (12, "a", 2)), 2, Bare(2.0, None)),
        (((50, "", 2), (40, "a", 2)), 2, Bare(0.0, None)),
    ],
    ids=["at once", "late", "never", "short", "grew", "in two parts", "cancelled", "several gaps", "turned", "clock set back"],
)  # fmt: skip
def test_what_was_not_covered_is_summed_up(given, held, expected):
    assert stood(changes(*given), Decimal(held), 100 * S) == expected


def fill(hand, order, cause, side, quantity):
    found = Fill(
        trade_id=f"{order.id}{cause}", order_id=order.id, client_order_id=f"c{order.id}", venue="paper", symbol=SYMBOL, side=side,
        quantity=Decimal(quantity), price=Decimal(100), fee=Decimal(0), fee_currency="USDT", maker=False, at_ns=hand.at_ns,
    )  # fmt: skip
    return f"{hand.step('motor', cause, Publish(to=('metabolism',), message=Filled(fill=found)))}.0"


def bought(hand, identity):
    """A buy of 0.5 that is filled at once; answers the moment and the bar."""
    bar = hand.bar()
    order, proposal = hand.propose(bar, identity)
    approval = hand.approve(order, proposal)
    fill(hand, order, hand.update(order, approval, "acked"), Side.BUY, "0.5")
    return hand.at_ns, bar


def protect(hand, identity, cause):
    order, proposal = hand.propose(cause, identity, purpose=Purpose.PROTECT)
    return order, hand.approve(order, proposal)


def ask(folder, held, opened_ns, now_ns):
    reading = read(folder)
    try:
        return reading.bare(Position(SYMBOL, Decimal(held), opened_ns, now_ns, now_ns))
    finally:
        reading.close()


def test_an_order_on_its_way_is_no_protection_and_one_at_the_venue_is(tmp_path):
    with Hand(tmp_path) as hand:
        opened_ns, bar = bought(hand, "1-0")
        stop, approval = protect(hand, "1-1", bar)
        sent = hand.update(stop, approval, "sent")
        hand.bar()
        resting_ns = hand.at_ns
        hand.update(stop, sent, "acked")
        hand.bar()
        lost_ns = hand.at_ns
        hand.update(stop, sent, "canceled")
        hand.bar()
        hand.journal.flush()
        found = ask(tmp_path, "0.5", opened_ns, hand.at_ns)
        before = ask(tmp_path, "0.5", opened_ns, resting_ns + 1)
    assert found == Bare((resting_ns - opened_ns + hand.at_ns - lost_ns) / 1e9, lost_ns)
    assert before == Bare((resting_ns - opened_ns) / 1e9, None), "what came later is not known yet"


def test_a_position_of_before_the_journal_is_not_known(tmp_path):
    with Hand(tmp_path) as hand:
        opened_ns, _ = bought(hand, "1-0")
        hand.journal.flush()
        assert ask(tmp_path, "1.5", START_NS, hand.at_ns) is None
        assert ask(tmp_path, "0.5", opened_ns, hand.at_ns) is not None


def test_a_position_that_was_opened_when_another_was_closed_counts_from_there(tmp_path):
    with Hand(tmp_path) as hand:
        bought(hand, "1-0")
        bar = hand.bar()
        out, proposal = hand.propose(bar, "2-0")
        fill(hand, out, proposal, Side.SELL, "0.5")
        again, proposal = hand.propose(bar, "2-1")
        fill(hand, again, proposal, Side.BUY, "0.5")
        opened_ns = hand.at_ns
        hand.bar()
        hand.journal.flush()
        found = ask(tmp_path, "0.5", opened_ns, hand.at_ns)
    assert found == Bare((hand.at_ns - opened_ns) / 1e9, opened_ns)


def test_over_a_whole_life_every_position_is_known_and_stood_bare_for_less_than_it_was_held(life):
    window = Window(life.folder, guarded=False, reading=life.reading)
    n = 0
    for one in life.reading.fills()[::3]:
        at_ns = one["at_ns"] + 900 * S
        sight = window.sight(at_ns)
        found = answered("trading", asked({}), sight)["positions"]
        for row in sight.glimpse.rows("positions"):
            cells = dict(
                zip([head["t"] for head in found["heads"]], dict(found["rows"])[row["symbol"]], strict=True)
            )
            n += 1
            assert cells["Without a stop"]["v"] != "not known"
            assert 0.0 <= cells["Without a stop"]["s"] <= (at_ns - row["opened_ns"]) / 1e9
    assert n > 5


def test_programs_are_told_what_the_page_shows(life):
    window = Window(life.folder, guarded=False, reading=life.reading)
    told = []
    for one in life.reading.fills()[::3]:
        sight = window.sight(one["at_ns"] + 900 * S)
        told += positions(SimpleNamespace(sight=lambda seen=sight: seen))
    assert len(told) > 5
    assert {(row["unprotected_s"], row["unprotected_since_ns"]) for row in told} == {(0.0, None)}, (
        "a stop came with each fill"
    )
