"""The loop: who is restarted, when, with which message, and when it gives up."""

import signal
import statistics
import threading
import time

import pytest

from organism.errors import RestartsExhausted
from organism.messages import Escalated, MessageSetAside, OperatorCommanded, OrganRestarted, Recovered
from organism.post import State
from organism.supervision import ChildSpec, Intensity, Restart, Strategy, TreeSpec
from organism.supervisor import SCAN_S
from tests.organism.living import CLOCK, LOOSE, MONEY, OTHERS, Body, living, raising, say, trees, until

BOOM = raising(ValueError("bad price"))


def command(text):
    return OperatorCommanded(command_id=1, command=text, operator="me")


# ------------------------------------------------------------ starting


@pytest.mark.requirement("S4-1.4")
def test_organs_start_in_order_and_stop_in_reverse(monkeypatch):
    order, ends = [], []
    with living() as body:
        first = {
            name: next(row.seq for row in body.journal.rows() if row.organ == name)
            for name in (*MONEY, *OTHERS)
        }
        order = sorted(first, key=first.__getitem__)
        for name, post in body.supervisor.posts.items():
            stop = post.ask_stop
            monkeypatch.setattr(post, "ask_stop", lambda n=name, s=stop: (ends.append(n), s()))
    assert order == [*MONEY, *OTHERS]
    assert ends == [*reversed(OTHERS), *reversed(MONEY)]


def test_the_first_message_of_the_process_says_that_the_process_started_and_later_ones_do_not():
    with living() as body:
        body.trap.set("brain", "boom", BOOM, times=1)
        body.tell("brain", say("boom"))
        body.quiet()
        told = body.kinds("brain", Recovered)
        assert [(r.process, r.incarnation) for r in told] == [(True, 1), (False, 2)]


@pytest.mark.timeout(30)
def test_a_signal_whose_handling_outlasts_a_turn_does_not_hold_the_loop_up_for_ever():
    """A body at full speed was told to stop and never did: `SimpleQueue.get` waits without end, before Python
    3.13, when its timeout has passed by the time the handler is done, and on a busy machine it has."""
    main, handled, done = threading.main_thread(), [], threading.Event()

    def handle(*_):
        threading.Event().wait(4 * SCAN_S)
        handled.append(1)

    def strike():
        while len(handled) < 5 and not done.wait(2 * SCAN_S):
            n = len(handled)
            signal.pthread_kill(main.ident, signal.SIGUSR2)
            while len(handled) == n and not done.wait(SCAN_S):
                pass

    body = Body()
    before = signal.signal(signal.SIGUSR2, handle)
    striker = threading.Thread(target=strike, daemon=True)
    try:
        striker.start()
        body.supervisor.start()
        while len(handled) < 5:
            body.supervisor.turn()
    finally:
        done.set()
        striker.join()
        signal.signal(signal.SIGUSR2, before)
        body.supervisor.stop()
    assert body.error is None


def test_all_ends_share_one_budget_and_who_did_not_end_is_named():
    body, gate = Body(), threading.Event()
    body.supervisor.start()
    try:
        for organ in (*MONEY, *OTHERS):
            body.trap.set(organ, "stuck", lambda: gate.wait(20.0), times=1)
            body.tell(organ, say("stuck"))
        until(lambda: body.trap.n_sprung == len((*MONEY, *OTHERS)))
        began = time.monotonic()
        left = body.supervisor.stop(0.3)
        assert 0.3 <= time.monotonic() - began < 1.5
        assert left == (*reversed(OTHERS), *reversed(MONEY))
    finally:
        gate.set()


# ------------------------------------------------------------ who is restarted


@pytest.mark.parametrize(
    ("failed", "restarted"),
    [
        ("metabolism", ["metabolism", "immune", "motor"]),
        ("immune", ["immune", "motor"]),
        ("motor", ["motor"]),
        ("brain", ["brain"]),
    ],
)
def test_rest_for_one_restarts_those_started_later_and_nobody_else(failed, restarted):
    with living() as body:
        before = body.incarnations()
        body.trap.set(failed, "boom", BOOM, times=1)
        body.tell(failed, say("boom"))
        body.quiet()
        after = body.incarnations()
        assert [name for name in after if after[name] != before[name]] == restarted


def test_a_sibling_loses_nothing_when_it_is_restarted_with_the_one_that_failed():
    """Motor is in the middle of a message when metabolism dies: the message is its next one, once."""
    with living() as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("motor", "slow", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.trap.set("metabolism", "boom", BOOM, times=1)
        body.tell("motor", say("slow"))
        body.tell("motor", say("then"))
        assert entered.wait(5.0)
        body.tell("metabolism", say("boom"))
        until(lambda: body.post("motor").incarnation == 2)
        gate.set()
        body.quiet()
        assert body.state("motor").said == ("slow", "then")
        assert body.letters == []


def test_a_slow_sibling_does_not_hold_the_restart_up():
    with living() as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("motor", "slow", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.trap.set("metabolism", "boom", BOOM, times=1)
        body.tell("motor", say("slow"))
        assert entered.wait(5.0)
        asked = time.monotonic()
        body.tell("metabolism", say("boom"))
        body.quiet()
        assert time.monotonic() - asked < 1.0
        gate.set()


# ------------------------------------------------------------ poison


def test_a_poison_market_message_is_tried_twice_then_set_aside_with_its_traceback():
    with living() as body:
        body.trap.set("brain", "boom", BOOM)
        body.tell("brain", say("boom"))
        body.tell("brain", say("after"))
        body.quiet()

        assert body.trap.n_sprung == 2
        assert body.state("brain").said == ("after",)
        (letter,) = body.letters
        assert (letter.organ, letter.envelope.id, letter.why) == ("brain", "toy:1", "ValueError: bad price")
        assert "Traceback" in letter.trace
        assert "raising" in letter.trace or "act" in letter.trace
        for organ in ("immune", "voice"):
            (aside,) = body.kinds(organ, MessageSetAside)
            assert (aside.organ, aside.envelope_id, aside.message) == ("brain", "toy:1", "FeedReported")


def test_what_was_set_aside_stays_aside_when_it_comes_again():
    with living() as body:
        body.trap.set("brain", "boom", BOOM)
        body.tell("brain", say("boom"))
        body.quiet()
        body.sent = 0
        body.tell("brain", say("boom"))
        body.quiet()
        assert body.trap.n_sprung == 2


def test_a_message_that_fails_once_is_done_at_the_second_try():
    with living() as body:
        body.trap.set("metabolism", "boom", BOOM, times=1)
        body.tell("metabolism", say("boom"))
        body.quiet()
        assert body.state("metabolism").said == ("boom",)
        assert body.letters == []


def test_a_poison_command_halts_escalates_and_is_never_set_aside():
    forest = trees(each=Intensity(3, 60.0), tree=Intensity(6, 60.0))
    with living(forest) as body:
        body.trap.set("motor", "flatten", BOOM)
        body.tell("motor", command("flatten"))
        until(lambda: body.error is not None)

        assert isinstance(body.error, RestartsExhausted)
        assert body.letters == []
        assert body.directory["motor"]._lanes.control, "the command must still be there"
        (told,) = body.kinds("immune", Escalated)
        assert (told.organ, told.why) == ("motor", "OperatorCommanded: ValueError: bad price")


# ------------------------------------------------------------ giving up


def test_a_crash_loop_goes_up_from_child_to_subtree_to_process():
    forest = trees(each=Intensity(3, 60.0), tree=Intensity(6, 60.0))
    with living(forest) as body:
        body.trap.set("brain", "boom", BOOM)
        before = body.incarnations()
        for _ in range(10):
            body.tell("brain", say("boom"))
        until(lambda: body.error is not None)

        assert "restart 7 within 60 s exceeds the limit of 6" in str(body.error)
        assert body.error.exit_code == 70
        after = body.incarnations()
        assert after["brain"] == before["brain"] + 6
        # The fourth failure took the whole subtree with it, once; the money organs lived on.
        assert after["voice"] == before["voice"] + 1
        assert after["motor"] == before["motor"]


def test_a_hung_money_organ_with_its_budget_spent_ends_the_process_at_once():
    gate = threading.Event()
    forest = trees(each=Intensity(1, 60.0), tree=LOOSE, hang_s=0.1)
    with living(forest) as body:
        body.trap.set("motor", "stuck", lambda: gate.wait(20.0))
        body.tell("motor", say("stuck"))
        until(lambda: body.error is not None)
        assert "'motor' (under 'money'): hung: inside one message" in str(body.error)
        gate.set()


def test_too_many_abandoned_threads_end_the_process():
    gate = threading.Event()
    with living(trees(hang_s=0.1)) as body:
        body.trap.set("brain", "stuck", lambda: gate.wait(20.0))
        for _ in range(3):
            body.tell("brain", say("stuck"))
        until(lambda: body.error is not None)
        assert "4 hung threads were written off and still run" in str(body.error)
        gate.set()


def test_the_first_restart_comes_at_once_and_later_ones_wait_longer_and_longer():
    with living() as body:
        body.trap.set("brain", "boom", BOOM, times=8)
        waits = []
        plan = body.post("brain").plan

        def note(due_ns, why):
            waits.append((due_ns - CLOCK.mono_ns()) / 1e9)
            plan(due_ns, why)

        body.post("brain").plan = note
        for _ in range(4):
            body.tell("brain", say("boom"))
        body.quiet()
        assert len(waits) == 8
        assert waits[0] <= 0
        # base 5 ms, cap 20 ms, jitter in [1/2, 1]; planning itself takes a little
        assert all(0.0005 < wait <= 0.02 for wait in waits[1:])
        assert max(waits) > 0.008


# ------------------------------------------------------------ other children


class Feed:
    """A child with a thread, under orders from the test."""

    def __init__(self):
        self.orders = threading.Event()
        self.error = None
        self.busy_since = None
        self.last_error = None
        self.thread = threading.Thread(target=self.run, name="feed", daemon=True)

    def run(self):
        self.orders.wait(30.0)
        self.last_error = self.error

    def start(self):
        self.thread.start()

    def stop(self):
        self.orders.set()

    def is_alive(self):
        return self.thread.is_alive()


def feed_tree(restart=Restart.PERMANENT, intensity=LOOSE, hang_s=5.0):
    spec = ChildSpec(name="feed", intensity=intensity, restart=restart, hang_s=hang_s)
    return (
        *trees(),
        TreeSpec(name="feeds", strategy=Strategy.ONE_FOR_ONE, children=(spec,), intensity=intensity),
    )


def test_a_feed_that_dies_is_made_anew_and_told_of():
    made = []
    with living(feed_tree(), children={"feed": lambda: made.append(Feed()) or made[-1]}) as body:
        made[0].error = ConnectionError("gone")
        made[0].orders.set()
        until(lambda: len(made) == 2)
        until(lambda: body.kinds("voice", OrganRestarted))
        (told,) = body.kinds("voice", OrganRestarted)
        assert (told.organ, told.why) == ("feed", "ConnectionError: gone")
    assert not made[1].is_alive()


def test_a_transient_child_that_ends_normally_is_left_in_peace():
    made = []
    forest = feed_tree(Restart.TRANSIENT)
    with living(forest, children={"feed": lambda: made.append(Feed()) or made[-1]}) as body:
        made[0].orders.set()
        until(lambda: body.post("feed").state is State.STOPPED)
        assert body.supervisor.beating()
        assert len(made) == 1


def test_a_hung_child_is_replaced():
    made = []
    forest = feed_tree(hang_s=0.1)
    with living(forest, children={"feed": lambda: made.append(Feed()) or made[-1]}) as body:
        made[0].busy_since = time.monotonic()
        until(lambda: len(made) == 2)
        assert "hung" in body.post("feed").last_error


def test_a_child_that_cannot_start_is_tried_again_and_then_given_up():
    def refuse():
        raise OSError("port is taken")

    forest = feed_tree(intensity=Intensity(3, 60.0))
    with living(forest, children={"feed": refuse}) as body:
        assert isinstance(body.error, RestartsExhausted)
        assert "port is taken" in str(body.error)


# ------------------------------------------------------------ beating


def test_idle_organs_beat_and_say_so():
    with living() as body:
        n = body.n_beats
        until(lambda: body.n_beats > n + 3)
        assert body.supervisor.beating()
        for sample in body.supervisor.sample():
            assert sample.state in ("running", "starting")
            assert sample.beat_age_s == sample.busy_s == 0.0


def test_a_busy_organ_shows_for_how_long():
    with living() as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("brain", "slow", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.tell("brain", say("slow"))
        assert entered.wait(5.0)
        until(lambda: {s.name: s for s in body.supervisor.sample()}["brain"].busy_s > 0.01)
        gate.set()


def test_the_body_stops_beating_when_a_child_is_neither_well_nor_replaced():
    with living() as body:
        body.halt.set()
        body.thread.join(5.0)
        post = body.post("brain")
        post.state = State.RUNNING
        post.n_missed = 3
        assert not body.supervisor.beating()


def test_a_machine_that_slept_is_an_outage_and_nobody_counts_as_hung():
    slept = [0]
    with living(trees(hang_s=0.5)) as body:
        body.supervisor._suspended = lambda: slept[0]
        slept[0] += 3_600_000_000_000
        until(lambda: body.outages)
        assert body.outages == [pytest.approx(3600.0, rel=0.01)]
        body.supervisor.remind("motor")
        body.quiet()
        assert [r.process for r in body.kinds("motor", Recovered)] == [True, False]
        assert sum(s.restarts for s in body.supervisor.sample()) == 0


def test_waking_late_excuses_those_who_were_busy_meanwhile():
    """A stopped and continued process finds its organs mid-message for minutes: they did not hang."""
    with living(trees(hang_s=0.5)) as body:
        entered, gate = threading.Event(), threading.Event()
        body.trap.set("brain", "slow", lambda: (entered.set(), gate.wait(5.0)), times=1)
        body.tell("brain", say("slow"))
        assert entered.wait(5.0)
        stall = threading.Event()
        get = body.supervisor._news.get

        class Late:
            empty = staticmethod(body.supervisor._news.empty)
            put = staticmethod(body.supervisor._news.put)

            @staticmethod
            def get(timeout=None):
                if not stall.is_set():
                    stall.set()
                    threading.Event().wait(0.8)  # the process stands still
                    gate.set()
                return get(timeout=timeout)

        body.supervisor._news = Late
        assert stall.wait(5.0)
        body.quiet()
        assert body.post("brain").restarts == 0
        assert body.state("brain").said == ("slow",)


# ------------------------------------------------------------ figures


def test_an_organ_that_crashes_200_times_serves_again_each_time(record_property):
    """From the message that kills to the same message done: 200 crashes."""
    with living() as body:
        body.trap.set("voice", "boom", BOOM, times=10**9)
        spans = []
        for i in range(200):
            trap = body.trap
            trap.rules.clear()
            trap.set("voice", f"boom {i}", BOOM, times=1)
            body.post("voice").history = ()
            began = time.perf_counter()
            body.tell("voice", say(f"boom {i}"))
            body.quiet()
            spans.append(time.perf_counter() - began)
        assert body.post("voice").restarts == 200
        assert body.state("voice").n >= 200
        record_property("crash_to_serving_p50_ms", statistics.median(spans) * 1e3)
        # The figure itself (p99 < 50 ms) is measured by `organism bench body`; a busy machine may not fail a test.
        assert statistics.median(spans) < 1.0


def test_a_hung_organ_is_replaced_within_its_limit_and_a_tenth_of_a_second():
    gate = threading.Event()
    with living(trees(hang_s=0.3)) as body:
        body.trap.set("voice", "stuck", lambda: gate.wait(20.0), times=1)
        began = time.perf_counter()
        body.tell("voice", say("stuck"))
        body.quiet()
        span = time.perf_counter() - began
        gate.set()
        assert 0.3 <= span < 0.4
