"""The line to the venue, and to a person, at its worst: nothing lost, nothing twice, nothing invented; by catalogue id.

The venue's own book is the judge. Every fault must have been seen to happen, or its test fails.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from organism.chaos import wires
from organism.chaos.outcome import Outcome
from organism.chaos.strikes import Drop, Reset, Strike, Way
from organism.chaos.wired import alerts
from organism.chaos.wired.body import STRIKES, lived
from organism.chaos.wired.line import answers, asks
from organism.chaos.wired.lives import STRIKES as MIXED
from organism.chaos.wired.trader import PRICE, SYMBOL, trading
from organism.chaos.wired.unread import unread
from organism.effects import VenueSubmit
from organism.errors import BadInput
from organism.messages import VenueAdvanced
from organism.trading import OrderStatus, Side
from organs.motor import core, orders

SEED = 11
FAULTS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C10", "C12", "C13", "C14", "C15", "C16", "C17", "C19")
GATE = ("C23", "C24", "C25")


def held(outcomes: list[Outcome]) -> dict[str, int]:
    """How often each fault was seen; every one was, and cost nothing."""
    for one in outcomes:
        assert one.losses.none, f"{one.fault}: {one.losses} {one.note}"
        assert one.seen == one.tried, f"{one.fault} was seen {one.seen} times of {one.tried}"
    return {one.fault: one.seen for one in outcomes}


@pytest.mark.parametrize("fault", FAULTS + GATE)
def test_a_fault_of_one_order_or_of_whoever_decides_costs_nothing(fault):
    scenarios = [(name, scenario) for name, scenario in wires.scripted(SEED) if name == fault]
    assert scenarios
    assert held(wires.tried(scenarios, SEED)) == {fault: len(scenarios)}


def test_the_scenarios_are_those_of_the_catalogue():
    assert {name for name, _ in wires.scripted(SEED)} == {*FAULTS, *GATE}


def test_whole_lives_on_a_bad_line_end_with_the_books_of_the_venue():
    seen = held(wires.lives(range(8)))
    assert seen.keys() >= {s.name for s in MIXED} - {"instant"}
    assert sum(seen.values()) > 200


def test_the_judge_sees_what_is_lost_untracked_doubled_and_invented(tmp_path: Path):
    with trading(tmp_path / "life") as trader:
        order_id = trader.propose("1")
        trader.bar()
        assert trader.order(order_id).status is OrderStatus.FILLED
        assert trader.losses().none
        trader.armed.arm(Strike("deaf", Way.DOWN, Drop(), answers(VenueAdvanced)))
        client = trader.order(order_id).client_order_id
        trader.exchange.force(client, Side.BUY, SYMBOL, Decimal(1), PRICE)
        trader.exchange.force("nobody", Side.BUY, SYMBOL, Decimal(1), PRICE)
        found = trader.losses()
        assert (found.lost, found.untracked, found.duplicate, found.phantom) == (2, 1, 1, 1)
        trader.calm()
        found = trader.losses()
        assert (found.lost, found.untracked) == (0, 0), "heard of, booked, and alarmed"
        assert found.breaches > 0, "the invariants see that more was executed than intended"


def believes_early_absence(monkeypatch):
    monkeypatch.setattr(orders, "_is_evidence", lambda *_: True)


def believes_the_refusal_of_a_double(monkeypatch):
    monkeypatch.setattr(core, "DUPLICATE", "words that no venue says")


def takes_unknown_for_failed(monkeypatch):
    monkeypatch.setattr(
        orders, "doubted", lambda tracked, now, why: orders.moved(tracked, OrderStatus.REJECTED, now, why)
    )


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (believes_early_absence, "C3"),
        (believes_early_absence, "C2"),
        (believes_the_refusal_of_a_double, "C15"),
        (takes_unknown_for_failed, "C1"),
        (takes_unknown_for_failed, "C12"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_body_that_is_broken_on_purpose_is_caught(monkeypatch, broken, fault):
    broken(monkeypatch)
    outcomes = wires.tried([one for one in wires.scripted(SEED) if one[0] == fault], SEED)
    assert not all(one.losses.none for one in outcomes)


def test_a_fault_that_never_happened_is_not_counted_as_seen(tmp_path: Path):
    with trading(tmp_path / "life") as trader:
        trader.armed.arm(Strike("C3", Way.UP, Reset(), asks(VenueSubmit)))
        trader.bar()
        assert trader.proxy.seen["C3"] == 0


def test_trying_nothing_is_refused():
    with pytest.raises(BadInput, match="at least once; n was 0"):
        wires.run(0, print)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(180)
def test_a_living_body_behind_a_bad_line_loses_doubles_and_invents_nothing(tmp_path: Path):
    seen = held(lived(tmp_path, SEED, STRIKES))
    assert seen.keys() >= {"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C12", "C15", "D1", "D2", "D3"}


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_an_organism_whose_words_nobody_reads_trades_heals_and_stops_in_order(tmp_path: Path):
    """Standard error is a full pipe. The guardian stood still with it when its body had died, and so nothing healed."""
    held([unread(tmp_path, SEED)])


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_a_person_hears_of_it_on_the_other_channel_at_once_and_on_the_broken_one_when_it_is_mended(
    tmp_path: Path,
):
    outcomes = alerts.outages(tmp_path / "outages", SEED)
    held(outcomes)
    assert len(outcomes) == len(alerts.OUTAGES)
    assert max(o.detection_s[0] for o in outcomes) < alerts.SECOND_S


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_ten_thousand_alerts_are_ten_and_a_sum_and_every_critical_one(tmp_path: Path):
    held([alerts.storm(tmp_path / "storm", SEED)])
