"""A stop is heard whenever it is asked for, and ends within its budget whatever hangs."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from organism.body import live
from organism.body.ending import FLUSH_S, LIMIT_S, ORDERLY_S, Ending, StopAsked
from organism.body.live import Body
from organism.body.truth import venue_truth
from organism.config import load
from organism.guardian.lock import BODY_LOCK, FolderLock
from organism.verify import verify
from tests.body.alive import TRADING, Drill, living
from tests.body.house import BUSY, House
from tests.body.test_organs_struck import sound
from tests.body.waiting import until

STOPS_S = 10.0  # what is promised
GUARDIAN_S = 8.0

slow = [pytest.mark.slow, pytest.mark.timeout(120)]

# A main thread that is inside one call of a library, which never comes back.
STUCK = """
import sqlite3, sys
from organism.body.ending import Ending

Ending(limit_s=0.5).listen()
print("ready", flush=True)
endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
sqlite3.connect(":memory:").execute(endless).fetchone()
"""


def test_the_parts_of_the_budget_fit_into_it_and_it_into_the_patience_of_the_guardian():
    assert ORDERLY_S + 2 * FLUSH_S < LIMIT_S < GUARDIAN_S < STOPS_S


def test_a_stop_is_asked_for_once_however_often_it_is_said(monkeypatch):
    """A signal may interrupt the handler of another: the second finds nothing left to do, and waits for nothing."""
    armed = []

    def arm(*_, **__):
        armed.append(1)
        ending.ask(signal.SIGINT)

    monkeypatch.setattr("faulthandler.dump_traceback_later", arm)
    ending = Ending()
    assert not ending.is_asked()
    ending.refuse()
    ending.ask(signal.SIGTERM)
    assert armed == [1]
    assert ending.is_asked()
    with pytest.raises(StopAsked):
        ending.refuse()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_never_comes_back_from_a_call_is_ended_with_its_tracebacks(number):
    body = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert body.stdout is not None
    assert body.stdout.readline() == "ready\n"
    body.send_signal(number)
    _, said = body.communicate(timeout=STOPS_S)
    assert body.returncode == 1
    assert 'File "<string>", line 8' in said


def test_a_body_that_is_told_to_stop_while_it_recovers_does_not_finish_that(tmp_path, monkeypatch):
    state = tmp_path / "state"
    state.mkdir()
    loaded = load(None, {}, dict(text.split("=", 1) for text in TRADING), state=state)
    halt = threading.Event()
    monkeypatch.setattr(live, "recover", lambda *_, before_row, **__: (halt.set(), before_row()))
    with pytest.raises(StopAsked):
        Body(loaded, state, safe=False, heart=lambda: None, before_step=Drill(), has_to_stop=halt.is_set)


class TestLiving:
    """With whole bodies."""

    pytestmark = slow

    def test_organs_that_hang_do_not_hold_the_stop_up_beyond_its_budget(self, tmp_path: Path):
        """Each child has its time, and all of them together have one budget."""
        state, released = tmp_path / "state", threading.Event()
        try:
            with living(state, hang_s=60.0) as alive:
                alive.trades()
                for organ in ("voice", "brain", "motor", "metabolism", "immune"):
                    alive.drill.strike(alive, organ, lambda: released.wait(60.0) and None)
                began = time.monotonic()
                alive.stop()
                assert time.monotonic() - began < LIMIT_S
        finally:
            released.set()
        assert alive.error is None
        sound(state)

    @pytest.mark.chaos
    @pytest.mark.parametrize("there", ["nothing", "body.lock", "journal.db", "view.db", "snapshots"])
    def test_a_body_is_stopped_in_order_at_any_moment_of_its_start(self, tmp_path: Path, there: str):
        """The second time there is something to recover from."""
        for round_ in (1, 2):
            state = tmp_path / "state"
            argv = [part for one in (*BUSY, "market.speed=0") for part in ("--set", one)]
            before = {path.name for path in state.glob("*")} if round_ > 1 else set()
            body = subprocess.Popen(
                [sys.executable, "-m", "organism.body", "--state", str(state), *argv],
                stderr=subprocess.DEVNULL,
            )
            if there != "nothing" and there not in before:
                until(lambda: (state / there).exists() or body.poll() is not None, there)  # noqa: B023
            body.send_signal(signal.SIGTERM)
            # Before it could take the signal there was nothing to put in order: the signal itself ends it.
            assert body.wait(STOPS_S) in {0, -signal.SIGTERM}
        if (state / "journal.db").exists():  # one that was stopped before it made a journal leaves none
            report = verify(state, venue_truth(state))
            assert report.ok, report.render()

    @pytest.mark.chaos
    def test_the_organism_is_stopped_in_order_at_any_moment_of_its_start(self, tmp_path: Path):
        house = House(tmp_path / "state", *BUSY, speed="max")
        moments = (
            lambda: house.body_pid,
            lambda: house.body_pid and FolderLock(house.state / BODY_LOCK).owner() == house.body_pid,
            lambda: house.run > n_runs,
            lambda: house.n_orders > n_orders,
        )
        try:
            for moment in moments:
                n_runs, n_orders = house.run, house.n_orders
                house.start()
                until(moment, "a moment to stop at")
                code, took_s = house.stop()
                assert code == 0, house.said[-800:]
                assert took_s < STOPS_S
        finally:
            house.end()
        assert house.verify()["ok"]
