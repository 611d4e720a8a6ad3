"""A drill hurts what a person names, once, and only a paper organism that runs."""

import json
import threading

import pytest

from organism.body.drills import FILE, STALE_S, Drilled, Drills, order
from organism.chaos import drill
from organism.chaos.catalogue import BY_ID
from organism.chaos.drill import DRILLS, fit, perform
from organism.errors import BadInput
from organism.messages import Envelope, FeedReported, Recovered
from tests.body.house import House
from tests.body.waiting import until

HEARD = Envelope("feed:1", "feed", 0, 0, "", FeedReported(feed="replay", condition="connected"))
FIRST = Envelope(
    "recovered:1", "supervisor", 1, 0, "", Recovered(organ="brain", incarnation=1, process=True, safe=False)
)


class Feed:
    def __init__(self):
        self.done = []

    def die(self):
        self.done.append("die")

    def stall(self):
        self.done.append("stall")


def test_an_organ_is_struck_once_and_nobody_else(tmp_path):
    drills = Drills(tmp_path)
    order(tmp_path, "raise", "brain")
    drills.look()
    assert not (tmp_path / FILE).exists()
    drills.before_step("motor", HEARD)
    drills.before_step("brain", FIRST)  # an organ that is only just recovering is left alone
    with pytest.raises(Drilled, match="brain"):
        drills.before_step("brain", HEARD)
    drills.before_step("brain", HEARD)


def test_an_order_that_is_old_or_unreadable_is_thrown_away(tmp_path):
    order(tmp_path, "raise", "brain")
    given_ns = json.loads((tmp_path / FILE).read_text())["given_wall_ns"]
    drills = Drills(tmp_path, now_ns=lambda: given_ns + int((STALE_S + 1) * 1e9))
    drills.look()
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_bytes(b"{")
    drills.look()
    assert not (tmp_path / FILE).exists()
    drills.before_step("brain", HEARD)


def test_a_feed_is_told_by_the_watching_thread(tmp_path):
    feed, drills = Feed(), Drills(tmp_path)
    drills.watch(lambda: feed)
    for how in ("die", "stall"):
        order(tmp_path, how)
        until(lambda: how in feed.done, how)  # noqa: B023
    assert feed.done == ["die", "stall"]


def test_an_organ_that_hangs_does_not_come_back_by_itself(tmp_path):
    drills, back = Drills(tmp_path), threading.Event()
    order(tmp_path, "hang", "voice")
    drills.look()
    threading.Thread(target=lambda: (drills.before_step("voice", HEARD), back.set()), daemon=True).start()
    assert not back.wait(0.3)


def test_every_drill_is_a_fault_of_the_catalogue():
    assert {one.fault for one in DRILLS.values()} <= set(BY_ID)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"running": False, "mode": "DOWN"}, "nothing that could be hurt runs"),
        ({"running": True, "body": {"mode": "live", "venue": "paper"}}, "paper organisms only"),
        ({"running": True, "body": {"mode": "paper", "venue": "binance"}}, "paper organisms only"),
    ],
)
def test_real_money_and_a_body_that_does_not_run_are_never_hurt(tmp_path, monkeypatch, found, said):
    monkeypatch.setattr(drill, "status", lambda _: found)
    with pytest.raises(BadInput, match=said):
        fit(tmp_path)
    with pytest.raises(BadInput, match=said):
        perform("kill-body", tmp_path, "brain", lambda _: None)


def test_an_unknown_drill_and_an_unknown_organ_are_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="kill-organ"):
        perform("kill-cat", tmp_path, "brain", lambda _: None)
    with pytest.raises(BadInput, match="metabolism"):
        perform("kill-organ", tmp_path, "liver", lambda _: None)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(180)
def test_a_running_organism_is_hurt_and_heals_before_ones_eyes(tmp_path):
    house = House(tmp_path / "state", "paper.separate_process=true", "guardian.restarts=100", speed="3000")
    try:
        house.start()
        until(lambda: house.status()["running"] and house.status()["body"].get("market_ns"), "a living body")
        for name in ("kill-organ", "kill-feed", "kill-venue", "kill-body", "freeze-body"):
            said: list[str] = []
            found = perform(name, house.state, "brain", said.append)
            assert found.noticed_s is not None, (name, said)
            assert found.healed_s is not None, (name, said)
            assert len(said) == 3
        with pytest.raises(BadInput, match="has no sender"):
            perform("kill-sender", house.state, "brain", lambda _: None)
        assert house.stop()[0] == 0
        assert house.verify()["ok"]
    finally:
        house.end()
