"""A living body in this process: commands, back pressure, and a feed that lies."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from organism.body import live
from organism.commands import CommandsDb
from organism.effects import Publish
from organism.journal.reader import read_rows
from organism.journal.rows import decode_effects
from organism.messages import BarClosed, Envelope, FeedReported, OrderApproved
from organism.settings import MarketSettings
from organs.nervous.corrupted import Corrupted, FeedFaults
from organs.nervous.feeds import instants
from tests.body.alive import Alive, living
from tests.body.house import told_once
from tests.body.test_organs_struck import sound
from tests.body.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def commands(alive: Alive) -> CommandsDb:
    return CommandsDb(alive.state / "commands.db")


def mode(alive: Alive) -> str:
    return str(alive.body.goods["immune"].state.standing.state.value)


def positions(alive: Alive) -> list[dict[str, object]]:
    return list(alive.view.status()["positions"])


def test_commands_given_while_it_was_down_are_applied_before_anything_trades_in_order(tmp_path: Path):
    state = tmp_path / "state"
    with living(state) as alive:
        alive.trades()
    given = CommandsDb(state / "commands.db")
    first, second = given.give("reduce", "drill", "one"), given.give("halt", "drill", "two")
    before = max(row.seq for row in read_rows(state))
    with living(state) as alive:
        until(lambda: (given.find(second) or pytest.fail("it is gone")).result is not None, "an answer")
    assert "halt" in str(given.find(second))
    rows = [row for row in read_rows(state) if row.seq > before]
    consumed = {
        row.input_id: row.seq for row in rows if row.organ == "immune" and row.input_id.startswith("cmd:")
    }
    assert list(consumed) == [f"cmd:{first}", f"cmd:{second}"]
    published = [
        (row.seq, effect.message)
        for row in rows
        for effect in decode_effects(row.effects)
        if isinstance(effect, Publish)
    ]
    bars = [seq for seq, message in published if isinstance(message, BarClosed)]
    entries = [
        seq for seq, m in published if isinstance(m, OrderApproved) and not m.approved.order.reduce_only
    ]
    assert bars
    assert min(bars) > max(consumed.values())
    assert not entries
    sound(state)


def test_a_command_is_applied_once_however_often_it_is_delivered(tmp_path: Path):
    state = tmp_path / "state"
    with living(state) as alive:
        number = commands(alive).give("halt", "drill", "")
        assert commands(alive).wait_acknowledged(number, 10.0)
        resumed = commands(alive).give("resume", "drill", "")
        assert commands(alive).wait_acknowledged(resumed, 10.0)
    import sqlite3

    with sqlite3.connect(state / "commands.db") as db:  # as if the answers had been lost with the power
        db.execute("UPDATE commands SET acknowledged_wall_ns = NULL, result = NULL")
    db.close()
    with living(state) as alive:
        until(lambda: (commands(alive).find(resumed) or pytest.fail("it is gone")).result, "an answer")
        assert mode(alive) == "active"
        assert "before the restart" in str((commands(alive).find(number) or pytest.fail("it is gone")).result)


def test_flatten_closes_everything_and_stays_flat_until_a_person_resumes(tmp_path: Path):
    state = tmp_path / "state"
    with living(state) as alive:
        until(lambda: positions(alive), "a position", 30.0)
        number = commands(alive).give("flatten", "drill", "")
        assert commands(alive).wait_acknowledged(number, 10.0)
        until(lambda: not positions(alive), lambda: f"flat: {positions(alive)}")
        for _ in range(5):
            alive.goes_on(20)
            assert not positions(alive)
        assert not any(alive.body.goods["motor"].state.positions.values())
        resumed = commands(alive).give("resume", "drill", "")
        assert commands(alive).wait_acknowledged(resumed, 10.0)
        until(lambda: positions(alive), "a position again", 30.0)
    sound(state)


def test_a_full_work_lane_gives_the_feed_no_credit_until_there_is_room(tmp_path: Path):
    with living(tmp_path / "state", "supervision.mailbox=10", hang_s=60.0) as alive:
        released = threading.Event()
        alive.drill.strike(alive, "brain", lambda: released.wait(60.0) and None)
        for n in range(30):
            word = FeedReported(feed="drill", condition="drill")
            alive.body.directory.deliver("brain", Envelope(f"full:{n}", "drill", 0, 0, "", word))
        assert not alive.body.directory.has_room()
        assert not alive.body._credit(0.05)
        delivered = alive.body.feed.feed.n_delivered
        beats = alive.n_beats
        until(lambda: alive.n_beats >= beats + 10, "the body goes on beating")
        assert alive.body.feed.feed.n_delivered == delivered
        released.set()
        alive.trades()
    told_once(list(read_rows(tmp_path / "state")))
    sound(tmp_path / "state")


def test_a_feed_that_lies_is_found_out_and_counted_and_the_body_trades_on(tmp_path: Path, monkeypatch):
    lies: Counter[str] = Counter()
    faults = FeedFaults(
        nan=0.04, negative=0.04, zero=0.04, crossed=0.04, future=0.04, future_instant=0.02, duplicate=0.04,
        repeated=0.04, late=0.04, missing=0.02, lost=0.02,
    )  # fmt: skip

    def lying(market: MarketSettings, after):
        truth = instants(market, after)
        if after is None:
            yield next(truth)  # nothing contradicts a first stamp, so the lies begin with the second
        told = Corrupted(truth, faults, seed=3)
        for instant in told:
            yield instant
            lies.clear()
            lies.update(told.told)

    monkeypatch.setattr(live, "instants", lying)
    state = tmp_path / "state"
    with living(state, "brain.deadline_s=0.02") as alive:
        for _ in range(3):
            alive.trades()
        until(lambda: len(lies) == 11 and alive.market_ns, lambda: f"every lie: {lies}", 40.0)
        # The view follows the body by up to half a second.
        until(
            lambda: sum(feed["refused"] + feed["doubtful"] for feed in alive.view.status()["feeds"]) > 0,
            "the feed's lies are counted where people look",
        )
        assert alive.error is None
        assert not alive.view.table("restarts", 10)
    rows = list(read_rows(state))
    closed = [
        effect.message
        for row in rows
        if row.organ == "nervous"
        for effect in decode_effects(row.effects)
        if isinstance(effect, Publish) and isinstance(effect.message, BarClosed)
    ]
    stamps = [message.at_ns for message in closed]
    assert stamps == sorted(set(stamps))
    for message in closed:
        for bar in message.bars:
            assert 0.0 < bar.low <= bar.close <= bar.high < float("inf")
            assert bar.close_ns == message.at_ns
    sound(state)
