"""Why, for an event that belongs to no order: what led to it, and what came of it."""

import pytest

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.window import Window
from tests.dashboard.reading.lives import Hand, read


def of_kind(life, kind):
    return next(one for one in life.reading.events(kind=kind, limit=1).rows)


def kinds(steps):
    return [step["fields"]["kind"] for step in steps]


def test_a_decision_is_told_from_its_bar_to_what_came_of_it(life):
    proposed = of_kind(life, "OrderProposed")
    steps = life.reading.chain(proposed["cause"])
    found = kinds(steps)
    assert found[0] == "BarsArrived"
    assert found.index("BarClosed") < found.index("PortfolioMarked") < found.index("ExposureTargeted")
    assert found.index("ExposureTargeted") < found.index("OrderProposed") < found.index("OrderApproved")
    assert [step["id"] for step in steps if step["fields"]["asked"]] == [proposed["cause"]]
    assert len({step["id"] for step in steps}) == len(steps)


@pytest.mark.parametrize(
    "kind", ["ExposureTargeted", "OrderProposed", "OrderUpdated", "VenueSubmit", "Notify"]
)
def test_each_step_but_the_first_came_of_one_before_it(life, kind):
    event = of_kind(life, kind)
    steps = life.reading.chain(event["id"])
    by_id = {
        one["id"]: one
        for one in life.reading.events(correlation=event["root"], level="debug", limit=1_000).rows
    }
    seen = set()
    for step in steps:
        assert not seen or by_id[step["id"]]["cause"] in seen
        seen.add(step["id"])
    assert event["id"] in seen
    assert steps[0]["id"] == event["root"]


def test_what_came_from_outside_is_told_from_itself_on(life):
    root = of_kind(life, "ExposureTargeted")["root"]
    steps = life.reading.chain(root)
    assert steps[0]["id"] == root
    assert steps[0]["fields"]["asked"]
    assert "ExposureTargeted" in kinds(steps)


def test_the_chain_of_a_fill_is_what_it_was(life):
    fill = life.reading.fills()[-1]
    for identity in (fill["key"], fill["order_id"], fill["id"]):
        assert [step["what"] for step in life.reading.chain(identity)][:1] == ["bar"]


@pytest.mark.parametrize(
    "identity", ["", "x", "999999999.0", "1.999", "-1.0", "1.", ".1", "9" * 40 + ".0", "vitals:1:77", "²³.1"]
)
def test_an_event_that_nobody_knows_has_no_steps(life, identity):
    assert life.reading.chain(identity) == []


def test_routine_that_led_to_nothing_is_still_told_by_its_own_id(tmp_path):
    with Hand(tmp_path) as hand:
        closed = hand.bar()
        hand.journal.flush()
        reading = read(tmp_path)
        try:
            assert kinds(reading.chain(closed)) == ["BarsArrived", "BarClosed"]
        finally:
            reading.close()


def test_the_page_says_it_in_words_and_a_fill_on_the_way_leads_to_its_whole_chain(life):
    window = Window(life.folder, guarded=False, reading=life.reading)
    order = life.reading.order(life.reading.fills()[-1]["order_id"])
    submitted = next(step["id"] for step in order["steps"] if step["status"] == "sent")
    steps = answered("why", asked({"about": submitted}), window.sight(life.reading.newest_ns()))["why-chain"][
        "steps"
    ]
    titles = [step["title"] for step in steps]
    assert titles[0] == "Bars arrived"
    assert "Order updated, the event asked about" in titles
    assert ["by", "motor"] in steps[titles.index("Order updated, the event asked about")]["fields"]
    assert not [step for step in steps if step.get("about") and step["title"] != "Filled"]
