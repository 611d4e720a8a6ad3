"""The small parts of a body: workers, the operator's desk, what is watched, and where a drill strikes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from organism.body.anatomy import ORGANS
from organism.body.children import FeedChild, VenueChild, trees
from organism.body.crashpoints import POINTS, VARIABLE, CrashPoints
from organism.body.desk import LOOK_S, MOST_LOOKS, Desk
from organism.body.watch import Heard
from organism.body.worker import Worker
from organism.commands import OF_STRATEGIES, CommandsDb
from organism.core import Now
from organism.effects import Publish
from organism.errors import BadInput
from organism.messages import (
    Answer,
    BarClosed,
    CancelAnswered,
    Envelope,
    OrganRestarted,
    StrategyPaused,
    SubmitAnswered,
)
from organism.settings import SupervisionSettings
from organs.nervous.live import LiveFeed
from tests.body.waiting import until

NOW = Now(1, 2, 3, 4)


# ---------------------------------------------------------------- worker


def test_a_worker_takes_turns_until_it_is_told_to_stop():
    turns = []
    worker = Worker("turns", lambda: turns.append(1) or 0.001)
    worker.start()
    until(lambda: len(turns) >= 3)
    worker.stop()
    until(lambda: not worker.is_alive())
    assert worker.last_error is None
    assert worker.busy_since is None


def test_a_worker_that_was_woken_does_not_wait_for_its_time():
    turns = []
    worker = Worker("turns", lambda: turns.append(1) or 3600.0)
    worker.start()
    until(lambda: turns)
    worker.wake()
    until(lambda: len(turns) == 2)
    worker.stop()
    until(lambda: not worker.is_alive())


@pytest.mark.parametrize("error", [ValueError("a drill"), SystemExit(3)])
def test_an_error_ends_a_worker_and_is_kept_for_its_supervisor(error: BaseException):
    def turn() -> float:
        raise error

    worker = Worker("turns", turn)
    worker.start()
    until(lambda: not worker.is_alive())
    assert worker.last_error is error


def test_a_worker_inside_a_turn_says_since_when():
    released = threading.Event()
    worker = Worker("turns", lambda: released.wait(10.0) and 0.0)
    worker.start()
    until(lambda: worker.busy_since is not None)
    released.set()
    worker.stop()
    until(lambda: not worker.is_alive())


# ---------------------------------------------------------------- desk


class Counter:
    """An immune organ that hears commands, and a journal whose durability is ours to say."""

    def __init__(self, folder: Path, applied: tuple[str, ...] = ()) -> None:
        self.commands = CommandsDb(folder / "commands.db")
        self.heard: list[Envelope] = []
        self.durable, self.shown = 0, 1_000
        self.desk = Desk(self.commands, self._deliver, lambda: self.durable, applied, lambda: self.shown)

    def _deliver(self, organ: str, envelope: Envelope) -> None:
        assert organ == ("reproduction" if envelope.message.command in OF_STRATEGIES else "immune")
        self.heard.append(envelope)

    def consumed(self, seq: int, envelope: Envelope) -> None:
        self.desk.observe(seq, "immune", envelope, (), NOW)


def test_a_command_is_acknowledged_only_once_what_it_did_is_durable(tmp_path: Path):
    place = Counter(tmp_path)
    number = place.commands.give("halt", "drill", "")
    assert place.desk.turn() < LOOK_S  # it looks more often while somebody waits
    (envelope,) = place.heard
    place.consumed(7, envelope)
    place.durable = 6
    place.desk.turn()
    assert place.commands.find(number).result is None
    assert not place.desk.is_clear
    place.durable = 7
    place.desk.turn()
    assert place.commands.find(number).result
    assert place.desk.is_clear


def test_a_command_is_acknowledged_only_once_people_can_see_what_it_did(tmp_path: Path):
    """`halt` said "Halted", and `status` a moment later "Active": the view follows by half a second."""
    place = Counter(tmp_path)
    number = place.commands.give("halt", "drill", "")
    place.desk.turn()
    place.consumed(7, place.heard[0])
    place.durable, place.shown = 7, 6
    place.desk.turn()
    assert place.commands.find(number).result is None
    place.shown = 7
    place.desk.turn()
    assert place.commands.find(number).result


def test_a_view_that_stands_still_does_not_keep_the_answer_back(tmp_path: Path):
    place = Counter(tmp_path)
    number = place.commands.give("halt", "drill", "")
    place.desk.turn()
    place.consumed(7, place.heard[0])
    place.durable, place.shown = 7, 0
    for _ in range(MOST_LOOKS + 1):
        place.desk.turn()
    assert place.commands.find(number).result


def test_a_command_for_a_strategy_goes_to_who_funds_it_and_is_answered_by_it(tmp_path: Path):
    place = Counter(tmp_path)
    number = place.commands.give("pause", "drill", "", target="ema_0_1")
    place.desk.turn()
    (envelope,) = place.heard
    assert (envelope.message.command, envelope.message.target) == ("pause", "ema_0_1")
    told = Publish(
        to=("brain",), message=StrategyPaused(genome_id="ema_0_1", paused=True, reason="paused by ann")
    )
    place.durable = 9
    place.desk.observe(8, "immune", envelope, (), NOW)
    place.desk.turn()
    assert place.commands.find(number).result is None
    place.desk.observe(9, "reproduction", envelope, (told,), NOW)
    place.desk.turn()
    assert place.commands.find(number).result == "paused by ann"


def test_commands_are_delivered_once_and_in_the_order_they_were_given(tmp_path: Path):
    place = Counter(tmp_path)
    numbers = [place.commands.give(word, "drill", "") for word in ("halt", "resume", "flatten")]
    for _ in range(3):
        place.desk.turn()
    assert [e.message.command_id for e in place.heard] == numbers
    assert [e.id for e in place.heard] == [f"cmd:{n}" for n in numbers]


def test_a_command_that_was_applied_before_the_restart_is_answered_and_not_delivered(tmp_path: Path):
    number = Counter(tmp_path).commands.give("halt", "drill", "")
    place = Counter(tmp_path, applied=(f"cmd:{number}",))
    place.desk.turn()
    assert not place.heard
    assert place.desk.is_clear
    assert "before the restart" in place.commands.find(number).result


# ---------------------------------------------------------------- children


def test_every_organ_and_every_helper_hangs_in_the_tree_once_the_venue_first_and_the_feed_last():
    names = [child.name for tree in trees(SupervisionSettings(), "replay") for child in tree.children]
    assert names[0] == "venue"
    assert names[-1] == "replay"
    assert sorted(names) == sorted({*ORGANS, "venue", "timers", "operator", "watch", "replay"})


class Port:
    """A connection to the venue that lives or does not."""

    busy_since = None
    last_error = None

    def __init__(self) -> None:
        self.alive = False
        self.n_asked = 0

    def start(self) -> None:
        self.alive = True

    def stop(self) -> None:
        self.n_asked += 1

    def is_alive(self) -> bool:
        return self.alive


def test_a_dead_venue_worker_is_not_asked_to_stop_or_the_next_one_would_obey():
    port = Port()
    child = VenueChild(port)
    child.stop()
    assert port.n_asked == 0
    child.start()
    child.stop()
    assert port.n_asked == 1


def test_a_feed_is_hung_only_when_it_has_not_beaten_for_long_and_says_why_it_was_ended():
    feed = LiveFeed(
        "toy", lambda _after: iter(()), bar_s=300, speed=0.0, credit=lambda _s: False,
        deliver=lambda _i: None, report=lambda _r: None,
    )  # fmt: skip
    child = FeedChild(feed)
    assert child.busy_since is None
    feed.beat_s -= 5.0
    assert child.busy_since == feed.beat_s
    child.fail("its data is stale")
    assert child.last_error == "its data is stale"
    assert not child.is_alive()


# ---------------------------------------------------------------- watch


def test_what_was_heard_counts_restarts_once_and_keeps_the_newest_bar():
    heard = Heard()
    restarted = Envelope(
        "supervisor:1:1",
        "supervisor",
        0,
        0,
        "",
        OrganRestarted(organ="brain", incarnation=2, why="drill", attempt=1, limit=3),
    )
    for organ in ("immune", "voice"):  # both are told
        heard.observe(1, organ, restarted, (), NOW)
    assert len(heard.restarts) == 1
    closed = BarClosed(at_ns=600, session=2, bars=())
    heard.observe(2, "nervous", restarted, (Publish(to=("motor", "brain"), message=closed),), NOW)
    assert (heard.bar_at_ns, heard.session, heard.bar_mono_ns) == (600, 2, NOW.mono_ns)
    assert heard.routes == {("nervous", "motor"): 1, ("nervous", "brain"): 1}


# ---------------------------------------------------------------- crash points


def test_a_crash_point_strikes_the_nth_time_it_is_passed_and_no_other_does():
    struck: list[tuple[str, int]] = []
    points = CrashPoints("after_commit", 3, lambda *what: struck.append(what))
    for seq in range(5):
        points.durable(seq)
        points.reached("on_fill")
    assert struck == [("after_commit", 3)]


@pytest.mark.parametrize("text", ["after_lunch:1", "on_fill", "on_fill:0", "on_fill:-1", "on_fill:x"])
def test_an_order_that_names_no_crash_point_is_refused(text: str):
    with pytest.raises(BadInput, match=VARIABLE):
        CrashPoints.taken({VARIABLE: text})


def test_without_an_order_there_is_no_crash_point():
    assert CrashPoints.taken({}) is None


def test_only_the_answer_to_an_order_counts_as_a_reply():
    struck: list[str] = []
    points = CrashPoints("after_reply", 1, lambda point, _n: struck.append(point))
    points.delivered(CancelAnswered(client_order_id="a", answer=Answer.ACCEPTED))
    assert not struck
    points.delivered(SubmitAnswered(client_order_id="a", answer=Answer.ACCEPTED))
    assert struck == ["after_reply"]


@pytest.mark.slow
@pytest.mark.chaos
def test_a_strike_is_a_sigkill_that_names_its_point():
    code = "from organism.body.crashpoints import *; import os; CrashPoints.taken(os.environ).reached('on_fill'); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=30,
        env={**os.environ, VARIABLE: "on_fill:1"},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == ""
    assert done.stderr == "drill: killed at on_fill (1)\n"
    assert len(POINTS) == 8
