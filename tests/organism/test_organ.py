"""One actor: whatever ends it, it is noticed once, and nothing is lost or done twice."""

import gc
import threading
import time
import weakref

import pykka
import pytest

from organism.messages import OperatorCommanded, OrganRestarted, Recovered
from organism.organ import ROWS_A_STEP, Ending, LastGood, Life, Organ
from tests.organism.living import MONEY, VITALS, Body, Diary, bars, living, raising, say, until


def test_a_message_goes_through_step_journal_and_memory():
    with living() as body:
        body.tell("nervous", bars(1))
        body.quiet()

        assert body.state("nervous").n == 1
        assert body.state("brain").said == ("1",)
        assert [row.step for row in body.journal.rows() if row.organ == "brain"] == [1, 2]


def test_threads_are_named_after_their_organs_and_never_keep_the_process_alive():
    with living():
        threads = {t.name: t for t in threading.enumerate()}
        assert all(threads[name].daemon for name in MONEY)


@pytest.mark.requirement("S4-1.9")
@pytest.mark.parametrize(
    "error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt(), MemoryError(), GeneratorExit()]
)
def test_whatever_an_organ_raises_ends_that_organ_alone(error):
    with living() as body:
        before = body.incarnations()
        body.trap.set("brain", "boom", raising(error), times=1)
        body.tell("brain", say("boom"))
        body.tell("brain", say("after"))
        body.quiet()

        after = body.incarnations()
        assert after.pop("brain") == before.pop("brain") + 1
        assert after == before
        assert body.state("brain").said == ("boom", "after")
        assert body.state("brain").recovered == 2
        assert type(error).__name__ in body.post("brain").last_error


class Burden:
    """Something large that a step works with."""


def test_an_incarnation_that_failed_keeps_nothing_of_its_last_step():
    """What its frames held goes with it, and does not wait for the collector."""
    burdens = []

    def fail():
        burden = Burden()
        burdens.append(weakref.ref(burden))
        raise ValueError("failed")

    with living() as body:
        gc.disable()
        try:
            body.trap.set("brain", "boom", fail, times=1)
            body.tell("brain", say("boom"))
            body.quiet()
            assert body.state("brain").recovered == 2
            assert [burden() for burden in burdens] == [None]
        finally:
            gc.enable()


def test_a_duplicate_is_stepped_on_once():
    with living() as body:
        for _ in range(3):
            body.sent = 7
            body.tell("brain", say("once"))
        body.quiet()

        assert body.state("brain").said == ("once",)


def test_a_restart_says_recovered_first_even_with_a_full_mailbox():
    with living() as body:
        gate, entered = threading.Event(), threading.Event()

        def wait_and_die():
            entered.set()
            gate.wait(5.0)
            raise ValueError("boom")

        body.trap.set("brain", "boom", wait_and_die, times=1)
        body.tell("brain", say("boom"))
        assert entered.wait(5.0)
        for i in range(50):
            body.tell("brain", say(f"{i}"))
        body.tell("brain", OperatorCommanded(command_id=1, command="halt", operator="me"))
        gate.set()
        body.quiet()

        kinds = [type(m) for m in body.heard("brain")]
        assert kinds[:3] == [Recovered, Recovered, OperatorCommanded]
        assert body.state("brain").said == ("halt", "boom", *(f"{i}" for i in range(50)))


def test_a_hung_organ_is_replaced_and_can_do_nothing_when_it_wakes_up():
    gate = threading.Event()
    from tests.organism.living import trees

    with living(trees(hang_s=0.2)) as body:
        body.trap.set("brain", "stuck", lambda: gate.wait(20.0), times=1)
        body.tell("brain", say("stuck"))
        body.tell("brain", say("next"))
        body.quiet()
        assert body.state("brain").said == ("stuck", "next")
        assert body.supervisor.n_abandoned == 1
        rows = body.journal.tip[0]

        gate.set()
        until(lambda: body.supervisor.n_abandoned == 0)

        body.quiet()
        assert body.state("brain").said == ("stuck", "next")
        assert body.journal.tip[0] == rows
        assert body.post("brain").restarts == 1


def test_a_hung_organ_that_wakes_up_with_an_exception_is_not_buried_twice():
    gate = threading.Event()
    from tests.organism.living import trees

    def hang_then_raise():
        gate.wait(20.0)
        raise ValueError("late")

    with living(trees(hang_s=0.2)) as body:
        body.trap.set("brain", "stuck", hang_then_raise, times=1)
        body.tell("brain", say("stuck"))
        body.quiet()
        gate.set()
        until(lambda: body.supervisor.n_abandoned == 0)
        body.tell("brain", say("fine"))
        body.quiet()

        assert body.post("brain").restarts == 1
        assert "late" not in body.post("brain").last_error


def test_an_organ_that_cannot_start_is_seen_and_started_again(monkeypatch):
    failures = [SystemExit(1), ValueError("no"), MemoryError()]

    def on_start(self):
        if self._life.organ == "brain" and failures:
            raise failures.pop()

    monkeypatch.setattr(Organ, "on_start", on_start)
    with living() as body:
        assert not failures
        assert body.post("brain").restarts == 3
        assert body.post("voice").restarts == 0


def test_a_thread_that_cannot_be_made_is_a_failure_and_leaves_no_zombie(monkeypatch):
    n_left = [2]
    real = threading.Thread.start

    def start(self):
        if self.name == "brain" and n_left[0]:
            n_left[0] -= 1
            raise RuntimeError("can't start new thread")
        real(self)

    before = len(pykka.ActorRegistry.get_all())
    monkeypatch.setattr(threading.Thread, "start", start)
    with living() as body:
        assert body.post("brain").restarts == 2
        assert len(pykka.ActorRegistry.get_all()) == before + len(body.supervisor.posts)
    assert len(pykka.ActorRegistry.get_all()) == before


def test_exactly_one_notice_comes_for_each_life(monkeypatch):
    notices = []
    with living() as body:
        put = body.supervisor._news.put
        for post in body.supervisor.posts.values():
            shell = post.shell
            monkeypatch.setattr(
                type(shell), "__setattr__", object.__setattr__
            )  # a frozen dataclass, opened for this test
            shell.on_death = lambda notice: (notices.append(notice), put(notice))
        body.trap.set("brain", "boom", raising(SystemExit()), times=5)
        body.trap.set("brain", "boom", raising(ValueError()), times=5)
        for _ in range(10):
            body.tell("brain", say("boom"))
        body.quiet()
    brain = [n for n in notices if n.organ == "brain"]
    assert len({n.incarnation for n in brain}) == len(brain)
    assert [n.ending for n in brain].count(Ending.STOPPED) == 1


def test_stop_goes_ahead_of_a_full_mailbox():
    with living() as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("brain", "wait", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.tell("brain", say("wait"))
        assert entered.wait(5.0)
        for i in range(500):
            body.tell("brain", say(f"{i}"))
        body.halt.set()
        until(lambda: body.directory["brain"]._stopping)
        asked = time.monotonic()
        gate.set()
        body.thread.join(10.0)
        took_s = time.monotonic() - asked

        assert body.post("brain").state.value == "stopped"
        assert len(body.directory["brain"]) == 500
        assert body.state("brain").said == ("wait",)
        assert took_s < 1.0


def test_snapshots_are_taken_after_so_many_steps_and_at_the_orderly_end():
    saved = []
    with living(snapshots=lambda *s: saved.append(s), snapshot_steps=10) as body:
        for i in range(24):
            body.tell("brain", say(f"{i}"))
        body.quiet()
        state = body.state("brain")
        assert [step for organ, _, step, _ in saved if organ == "brain"] == [10, 20]

    last = [s for s in saved if s[0] == "brain"][-1]
    assert last[1] == state
    assert last[2] == 25  # 24 messages and Recovered


def test_lives_too_short_for_a_snapshot_add_up_to_one():
    """Otherwise a body that is killed again and again reads an ever longer journal at each start."""
    saved, step = [], 0
    for _ in range(8):
        good = LastGood(Diary(), step=step, saved=(saved[-1][2:] if saved else (0, 0)))
        with living(
            snapshots=lambda *s: s[0] == "brain" and saved.append(s), snapshot_steps=10, goods={"brain": good}
        ) as body:
            for i in range(3):
                body.tell("brain", say(f"{i}"))
            body.quiet()
            step = good.step
            n_before_the_end = len(saved)
        del saved[n_before_the_end:]  # it was killed: nobody saved at the end
    assert step == 32  # each time Recovered and three messages
    assert [s[2] for s in saved] == [10, 20, 30]


def test_an_idle_organ_is_saved_when_the_others_have_written_a_lot():
    """A start reads the journal from the oldest snapshot on."""
    saved = []
    good = LastGood(Diary())
    with living(snapshots=lambda *s: saved.append(s), snapshot_steps=10, goods={"voice": good}) as body:
        for i in range(5 * ROWS_A_STEP):
            body.tell("brain", say(f"{i}"))
        body.quiet()
        body.tell("voice", say("nothing yet"))
        body.quiet()
        assert "voice" not in [s[0] for s in saved]
        for i in range(5 * ROWS_A_STEP):
            body.tell("brain", say(f"again {i}"))
        body.quiet()
        body.tell("voice", say("still here"))
        body.quiet()
        assert [s[0] for s in saved if s[0] == "voice"] == ["voice"]
        assert good.saved == (good.step, good.seq)


def test_a_snapshot_that_fails_does_not_hurt_the_organ():
    def fail(*_):
        raise OSError("no space left")

    with living(snapshots=fail, snapshot_steps=2) as body:
        for i in range(10):
            body.tell("brain", say(f"{i}"))
        body.quiet()
        assert body.state("brain").n == 10
        assert body.post("brain").restarts == 0


def test_conflated_messages_are_counted_and_never_leak_activity():
    with living() as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("voice", "wait", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.tell("voice", say("wait"))
        assert entered.wait(5.0)
        for _ in range(10):
            body.tell("voice", VITALS)
        sample = {s.name: s for s in body.supervisor.sample()}["voice"]
        assert (sample.conflated, sample.mailbox_depth) == (9, 1)
        gate.set()
        body.quiet()
        assert body.state("voice").said == ("wait", "VitalsTaken")


def test_a_full_work_lane_gives_no_credit_but_loses_nothing():
    with living(limit=10) as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("brain", "wait", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.tell("brain", say("wait"))
        assert entered.wait(5.0)
        assert body.directory.has_room("brain")
        for i in range(25):
            body.tell("brain", say(f"{i}"))
        assert not body.directory.has_room("brain")
        assert body.directory.has_room("nervous")
        assert not body.directory.has_room()
        sample = {s.name: s for s in body.supervisor.sample()}["brain"]
        assert sample.mailbox_depth == 25
        assert 0 < sample.oldest_age_s < 10
        gate.set()
        body.quiet()
        assert body.directory.has_room()
        assert body.state("brain").n == 26


def test_actors_are_told_envelopes_and_nothing_else():
    with living() as body:
        ref = body.post("brain").life.ref
        for wrong in ("text", {"a": "dict"}):
            with pytest.raises(TypeError, match="brain is told envelopes only"):
                ref.tell(wrong)
            with pytest.raises(TypeError, match="brain is told envelopes only"):
                ref.ask(wrong, timeout=1.0)


def test_an_effect_that_fails_after_its_step_was_recorded_ends_the_process():
    with living() as body:

        def refuse(*_):
            raise RuntimeError("no such port")

        body.spine._deliver = refuse
        body.tell("nervous", bars(1))
        until(lambda: body.error is not None)

        assert "was recorded as row" in str(body.error)
        assert "no such port" in str(body.error)


def test_restarts_are_told_to_immune_and_voice():
    with living() as body:
        body.trap.set("brain", "boom", raising(ValueError("bad price")), times=1)
        body.tell("brain", say("boom"))
        body.quiet()
        for organ in ("immune", "voice"):
            (told,) = body.kinds(organ, OrganRestarted)
            assert (told.organ, told.attempt, told.why) == ("brain", 1, "ValueError: bad price")


def test_a_life_without_a_thread_is_not_alive():
    assert not Life("brain", 1).has_thread


def test_a_body_stands_still_before_it_is_started():
    body = Body()
    assert {s.state for s in body.supervisor.sample()} == {"stopped"}
