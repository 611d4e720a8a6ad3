"""The guardian with real processes, and its rules without."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.clock import ManualClock
from organism.errors import StateBusy
from organism.guardian import (
    BodyLock,
    ChildCommand,
    FolderLock,
    GuardOptions,
    request_stop,
    wait_for_body,
    watch,
)
from organism.guardian.lock import held, read_note, write_note
from organism.guardian.policy import FULL, Deaths, Next, Silence, after_death, service_wait_s
from organism.guardian.watch import TURN_S
from organism.heartbeat import Heart
from tests.organism.living import until

OPTIONS = GuardOptions(state=Path())
ROOT = Path(__file__).resolve().parents[2]

# ------------------------------------------------------------ rules


def test_the_fourth_restart_within_ten_minutes_is_safe_and_three_safe_deaths_end_it():
    deaths, what = Deaths(), []
    for now_s in range(10):
        deaths, then = after_death(deaths, float(now_s), -9, OPTIONS, asked=False)
        what.append(then)
        if then is Next.GIVE_UP:
            break
    assert what == [Next.START] * 3 + [Next.START_SAFE] * 3 + [Next.GIVE_UP]


@given(st.lists(st.floats(601.0, 5_000.0), max_size=30))
def test_deaths_far_apart_never_lead_to_safe_mode(gaps):
    deaths, now_s = Deaths(), 0.0
    for gap in gaps:
        now_s += gap
        deaths, then = after_death(deaths, now_s, 1, OPTIONS, asked=False)
        assert then is Next.START


@pytest.mark.parametrize(
    ("code", "asked", "expected"),
    [
        (0, True, Next.END),
        (0, False, Next.START),  # an actor library that ends with 0 by mistake is no orderly end
        (2, False, Next.REFUSE),
        (70, False, Next.START),
        (-9, False, Next.START),
    ],
)
def test_each_end_of_the_body_has_its_answer(code, asked, expected):
    assert after_death(Deaths(), 1.0, code, OPTIONS, asked=asked)[1] is expected


@given(st.floats(0, 100), st.floats(0.31, 1_000))
def test_a_span_in_which_the_guardian_itself_stood_still_is_no_silence(began_s, late_s):
    now_s = began_s + 0.1 + late_s
    silence = Silence(began_s, has_beaten=True)
    assert not silence.excused(late_s, now_s).is_too_long(now_s, 2.0, 30.0)
    assert silence.is_too_long(now_s, 2.0, 30.0) == (now_s - began_s > 2.0)


@given(st.floats(0, 100), st.lists(st.floats(0.1, 29.0), max_size=20))
def test_who_gets_on_is_not_silent_and_once_it_has_beaten_only_beats_count(began_s, gaps):
    silence, now_s = Silence(began_s), began_s
    for gap in gaps:
        now_s += gap
        assert not silence.is_too_long(now_s, 2.0, 30.0)
        silence = silence.waking(now_s)
    assert silence.is_too_long(now_s + 30.1, 2.0, 30.0)
    up = silence.heard(now_s)
    assert up.waking(now_s + 2.0).is_too_long(now_s + 2.1, 2.0, 30.0)


def test_a_machine_that_slept_between_two_lines_of_the_guardian_is_excused_too(clock):
    """A suspend may fall beside the wait, not only into it: what counts is when the guardian looked last."""
    guardian = guardian_of()
    assert guardian._sleep() == pytest.approx(0.0, abs=1e-6)
    clock.advance(3.0)
    assert guardian._sleep() == pytest.approx(3.0, abs=1e-6)
    assert guardian._sleep() == pytest.approx(0.0, abs=1e-6)


@pytest.fixture
def clock(monkeypatch):
    """A clock by hand for the guardian; a wait takes exactly as long as it should."""
    clock = ManualClock()
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock.mono_ns() / 1e9)
    monkeypatch.setattr(watch.select, "select", lambda *_: clock.advance(TURN_S))
    return clock


class Mute:
    """A child that is never heard again."""

    def __init__(self, name):
        self.command = ChildCommand(name, [])
        self.silence = Silence(0.0, has_beaten=True)
        self.did = []
        self.code = None
        self.began_s = 0.0

    def listen(self, looked_s):
        pass

    def dump(self):
        self.did.append("dump")

    def kill(self):
        self.did.append("kill")

    def close(self):
        self.did.append("close")


def guardian_of(*children):
    signals = SimpleNamespace(wake=0, drain=lambda: None, n_stops=0)
    guardian = watch._Guardian(
        [ChildCommand("body", ["true"]), *(c.command for c in children)], OPTIONS, signals
    )
    guardian._say = lambda text: None
    guardian._services._say = guardian._services._word = lambda *text: None
    guardian._services._running = {child.command.name: child for child in children}
    return guardian


def look_for(guardian, span_s):
    """Let the guardian look for so long, as its loop does."""
    for _ in range(round(span_s / TURN_S)):
        guardian._sleep()
        guardian._services.keep(guardian._looked_s)


@pytest.mark.parametrize(("name", "patience_s"), [("venue", 5.0), ("sender", 10.0), ("dashboard", 10.0)])
def test_a_service_that_is_silent_beyond_its_own_patience_leaves_tracebacks_and_is_killed(
    clock, name, patience_s
):
    child = Mute(name)
    guardian = guardian_of(child)
    look_for(guardian, patience_s - TURN_S)
    assert child.did == []
    look_for(guardian, 3 * TURN_S)
    assert child.did == ["dump"]
    look_for(guardian, OPTIONS.dump_s + TURN_S)
    assert child.did[:2] == ["dump", "kill"]


def test_a_suspend_of_everybody_is_no_silence_of_any_child(clock):
    venue, sender = Mute("venue"), Mute("sender")
    guardian = guardian_of(venue, sender)
    guardian._body = body = Mute("body")
    look_for(guardian, 1.0)
    clock.advance(60.0)
    look_for(guardian, 0.5)
    assert venue.did == sender.did == []
    assert not body.silence.is_too_long(guardian._looked_s, OPTIONS.silence_s, OPTIONS.grace_s)
    look_for(guardian, 5.0)
    assert venue.did[:2] == ["dump", "kill"], "what it was silent before and after still counts"
    assert sender.did == []


def test_a_suspend_between_a_look_and_the_verdict_blames_nobody(clock):
    venue = Mute("venue")
    guardian = guardian_of(venue)
    guardian._sleep()
    clock.advance(60.0)
    guardian._services.keep(guardian._looked_s)
    assert venue.did == []


def test_a_killed_service_that_does_not_end_is_not_waited_for(clock):
    """A process that waits for a dead disk takes no signal: the body must be listened to meanwhile."""
    venue = Mute("venue")
    guardian = guardian_of(venue)
    look_for(guardian, 8.0)
    assert venue.did.count("dump") == 1
    assert "close" not in venue.did
    venue.code = -9
    guardian._services._bury(venue, venue.code)
    assert venue.did[-1] == "close"
    assert guardian._services.get("venue") is None


def test_services_wait_longer_each_time_and_never_longer_than_the_cap():
    for name, cap_s in (("dashboard", 30.0), ("sender", 30.0), ("venue", 2.0)):
        waits = [service_wait_s(name, n) for n in range(1, 50)]
        assert waits[0] == 0.0
        assert waits == sorted(waits)
        assert max(waits) == cap_s


def test_a_venue_that_was_killed_often_is_back_within_two_seconds_all_the_same(clock):
    """Nobody trades without it; a page may wait half a minute."""
    waited_s = {}
    for name in ("venue", "dashboard"):
        services = guardian_of(Mute(name))._services
        for _ in range(12):
            services._bury(services.get(name), -9)
            waited_s[name] = services._due_s[name] - clock.mono_ns() / 1e9
            services._running[name] = child = Mute(name)
            child.began_s = clock.mono_ns() / 1e9
            clock.advance(5.0)
    assert waited_s == pytest.approx({"venue": 2.0, "dashboard": 30.0})


@pytest.mark.parametrize(("name", "lived_s"), [("sender", 5.0), ("breeder", 500.0)])
def test_a_service_that_ends_again_and_again_is_told_once_to_whoever_is_far_away(clock, name, lived_s):
    services = guardian_of(Mute(name))._services
    words = []
    services._word = lambda title, body: words.append((title, body))
    for _ in range(9):
        services._bury(services.get(name), 1)
        services._running[name] = child = Mute(name)
        child.began_s = clock.mono_ns() / 1e9
        clock.advance(lived_s)
    ((title, body),) = words
    assert title == f"The {name} ends again and again"
    assert body.startswith("It ended 5 times in a row, last with status 1")


def test_a_breeder_that_grew_too_large_is_replaced_without_a_word(clock):
    services = guardian_of(Mute("breeder"))._services
    words = []
    services._word = lambda *word: words.append(word)
    for _ in range(9):
        services._bury(services.get("breeder"), FULL)
        services._running["breeder"] = child = Mute("breeder")
        child.began_s = clock.mono_ns() / 1e9
    assert words == []
    assert services._due_s["breeder"] == clock.mono_ns() / 1e9


# ------------------------------------------------------------ locks and notes


def test_a_second_holder_is_refused_with_one_sentence_that_names_the_first(tmp_path):
    with held(tmp_path), pytest.raises(StateBusy) as caught, held(tmp_path):
        pass
    assert f"process id {os.getpid()}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    with held(tmp_path):
        pass


def test_looking_at_a_lock_leaves_it_and_its_owner_alone(tmp_path):
    lock = FolderLock(tmp_path / "lock")
    assert not lock.is_held()
    assert not lock.path.exists()
    lock.hold()
    other = FolderLock(lock.path)
    assert other.is_held()
    assert other.owner() == os.getpid()
    lock.let_go()
    assert not other.is_held()


def test_a_body_that_does_not_let_go_keeps_the_next_one_out(tmp_path):
    body = BodyLock(tmp_path)
    body.hold()
    with pytest.raises(StateBusy):
        wait_for_body(tmp_path, 0.1)
    body.let_go()
    wait_for_body(tmp_path, 0.1)


def test_a_note_is_replaced_whole_and_a_torn_one_counts_as_none(tmp_path):
    assert read_note(tmp_path) == {}
    write_note(tmp_path, {"pid": 1})
    assert read_note(tmp_path) == {"pid": 1}
    (tmp_path / "guardian.json").write_text('{"pid": ')
    assert read_note(tmp_path) == {}


def test_stopping_nothing_says_so_and_signals_nobody(tmp_path):
    assert request_stop(tmp_path) == f"Nothing was running on {tmp_path}."
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")  # left by a process whose number is ours now
    assert request_stop(tmp_path) == f"Nothing was running on {tmp_path}."


def test_the_guardian_imports_nothing_but_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import organism.guardian, organism.heartbeat; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(*(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["organism"]


def test_what_becomes_a_guardian_has_loaded_nothing_heavy():
    heavy = (
        "numpy",
        "pandas",
        "apsw",
        "dash",
        "pykka",
        "psutil",
        "sqlite_utils",
        "pyarrow",
        "structlog",
        "rich",
    )
    code = (
        "import sys, organism.cli.start, organism.guardian, organism.kept, organism.logfile; "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", (
        "where memory is short, a person would read a library's last words, not ours"
    )


def test_a_heart_without_a_guardian_beats_for_nobody(monkeypatch):
    monkeypatch.delenv("ORGANISM_PARENT_FD", raising=False)
    monkeypatch.setenv("ORGANISM_BEAT_FD", "")
    heart = Heart()
    heart.beat()
    heart.farewell()
    assert not heart.is_guarded
    assert heart.watch_parent(lambda: None) is None


def test_a_heart_never_waits_for_a_guardian_that_does_not_read(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setenv("ORGANISM_BEAT_FD", str(write))
    heart = Heart()
    for _ in range(70_000):
        heart.beat()
    os.close(read)
    heart.beat()
    os.close(write)


# ------------------------------------------------------------ real processes

CHILD = """
import os, signal, sys, threading, time
from pathlib import Path
from organism.guardian import BodyLock
from organism.heartbeat import Heart, dump_tracebacks_to

name, mode, state = sys.argv[1], sys.argv[2], Path(sys.argv[3])
heart, stop = Heart(), threading.Event()
heart.watch_parent(stop.set)
dump_tracebacks_to(state / "tracebacks")
starts = state / f"{name}.starts"
n = len(starts.read_text().splitlines()) if starts.exists() else 0
if name == "body":
    BodyLock(state).hold(wait_s=10.0)
if mode in {"slow", "stuck"} and n == 0:
    # Longer on the way than anybody is patient, row by row; who is stuck gets on no more after the first.
    starts.write_text(f"{os.getpid()}\\n")
    until = time.monotonic() + 2.0
    while time.monotonic() < until and not stop.wait(0.02):
        if mode == "slow":
            heart.waking()
    if mode == "stuck":
        stop.wait()
if mode != "refuse":
    heart.beat()  # before it says that it started: from then on the short limit holds
with starts.open("a") as file:
    file.write(f"{os.getpid()} {' '.join(sys.argv[4:])}\\n")
if mode == "refuse":
    sys.exit(2)
if mode == "crash":
    heart.beat()
    os._exit(1)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
beats = 0
while not stop.wait(0.02) or mode == "stubborn":
    beats += 1
    if not (mode == "hang" and n == 0 and beats > 5):
        heart.beat()
    if mode == "done" and beats > 5:
        heart.farewell()
        break
    if mode == "die" and n < 2 and beats > 2:
        os._exit(3)
with (state / "ends").open("a") as file:
    file.write(f"{name}\\n")
"""

DRIVER = """
import json, sys
from pathlib import Path
from organism.errors import OrganismError
from organism.guardian import ChildCommand, GuardOptions, guard

script, state, modes, options = sys.argv[1:]
children = [ChildCommand(n, [sys.executable, script, n, m, state]) for n, m in json.loads(modes).items()]
try:
    sys.exit(guard(children, GuardOptions(state=Path(state), **json.loads(options))))
except OrganismError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Guarded:
    def __init__(self, folder, modes, **options):
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        script = folder / "child.py"
        script.write_text(CHILD)
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(script), str(self.state), json.dumps(modes), json.dumps(options)],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def starts(self, name="body"):
        path = self.state / f"{name}.starts"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(line.split()[0]), line.split()[1:]) for line in lines]

    def ends(self):
        path = self.state / "ends"
        return path.read_text().split() if path.exists() else []

    def pid(self, name="body"):
        return self.starts(name)[-1][0]

    def wait(self, timeout=20.0):
        _, errors = self.process.communicate(timeout=timeout)
        return self.process.returncode, errors


@pytest.fixture
def guarded(tmp_path):
    running = []

    def start(modes, **options):
        running.append(Guarded(tmp_path, modes, **options))
        return running[-1]

    yield start
    for one in running:
        for name in ("body", "venue", "dashboard", "sender"):
            for pid, _ in one.starts(name):
                if is_child_script(pid):
                    os.kill(pid, signal.SIGKILL)
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def is_child_script(pid):
    try:
        return b"child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


chaos = pytest.mark.chaos
ALL = {"body": "live", "dashboard": "live", "sender": "live"}


@chaos
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_body_dashboard_and_sender_in_that_order(guarded, number):
    run = guarded(ALL)
    until(lambda: all(run.starts(name) for name in ALL))
    until(lambda: len(read_note(run.state).get("children", ())) == 3)
    began = time.monotonic()
    run.process.send_signal(number)
    code, errors = run.wait()
    assert (code, errors) == (0, "")
    assert time.monotonic() - began < 10
    assert run.ends() == ["body", "dashboard", "sender"]
    assert read_note(run.state) == {}


@chaos
def test_request_stop_stops_in_order_and_says_so(guarded):
    run = guarded(ALL)
    until(lambda: all(run.starts(name) for name in ALL))
    assert request_stop(run.state) == (
        f"Stopped the organism with process id {run.process.pid}; its state is in {run.state}."
    )
    assert run.wait()[0] == 0
    assert run.ends() == ["body", "dashboard", "sender"]


@chaos
def test_a_crash_loop_ends_in_safe_mode_and_then_with_70_and_last_words(guarded):
    run = guarded({"body": "crash", "sender": "live"})
    code, errors = run.wait()
    assert code == 70
    assert [extra for _, extra in run.starts()] == [[], [], [], [], ["--safe"], ["--safe"], ["--safe"]]
    words = [json.loads(line) for line in (run.state / "last_words.jsonl").read_text().splitlines()]
    again = "The body was restarted"
    assert [w["title"] for w in words] == [
        *[again] * 3,
        "The organism was put into safe mode",
        *[again] * 2,
        "The organism has stopped and needs a person",
    ]
    assert all((w["severity"] == "critical") is (w["title"] != again) and w["wall_ns"] > 0 for w in words)
    assert run.ends() == ["sender"]
    assert "giving up with status 70" in errors


@chaos
def test_a_body_that_stops_beating_is_killed_with_its_tracebacks_and_started_again(guarded):
    run = guarded({"body": "hang"}, silence_s=0.5)
    until(lambda: len(run.starts()) == 2)
    run.process.send_signal(signal.SIGTERM)
    code, errors = run.wait()
    assert code == 0
    assert "was silent for 0." in errors
    assert "most recent call first" in (run.state / "tracebacks").read_text()


@chaos
def test_a_body_that_gets_on_with_waking_is_waited_for_beyond_the_grace(guarded):
    run = guarded({"body": "slow"}, grace_s=0.8)
    until(lambda: len(run.starts()) == 2)  # written by the same process: when it woke, and when it was up
    assert run.starts()[0][0] == run.starts()[1][0]
    run.process.send_signal(signal.SIGTERM)
    code, errors = run.wait()
    assert code == 0
    assert "was silent" not in errors


@chaos
def test_a_body_that_is_stuck_on_the_way_is_replaced_after_the_grace(guarded):
    run = guarded({"body": "stuck"}, grace_s=0.8)
    until(lambda: len(run.starts()) == 2)
    assert run.starts()[0][0] != run.starts()[1][0]
    run.process.send_signal(signal.SIGTERM)
    code, errors = run.wait()
    assert code == 0
    assert "was silent for 0." in errors or "was silent for 1." in errors


@chaos
def test_a_stopped_body_is_replaced_within_six_seconds(guarded):
    run = guarded({"body": "live"})
    until(run.starts)
    until(lambda: read_note(run.state))
    began = time.monotonic()
    os.kill(run.pid(), signal.SIGSTOP)
    until(lambda: len(run.starts()) == 2)
    assert 1.9 < time.monotonic() - began < 6.0
    run.process.send_signal(signal.SIGTERM)
    assert run.wait()[0] == 0


@chaos
def test_a_killed_body_is_started_again_at_once(guarded):
    run = guarded({"body": "live"})
    until(run.starts)
    began = time.monotonic()
    os.kill(run.pid(), signal.SIGKILL)
    until(lambda: len(run.starts()) == 2)
    assert time.monotonic() - began < 3.0
    until(lambda: read_note(run.state).get("restarts") == 1)


@chaos
def test_children_end_in_order_when_the_guardian_is_killed_and_a_new_one_takes_over(guarded):
    run = guarded(ALL)
    until(lambda: all(run.starts(name) for name in ALL))
    run.process.kill()
    run.process.wait()
    until(lambda: sorted(run.ends()) == ["body", "dashboard", "sender"])
    again = guarded({"body": "live"})
    until(lambda: len(again.starts()) == 2)
    again.process.send_signal(signal.SIGTERM)
    assert again.wait()[0] == 0


@chaos
def test_a_second_organism_on_one_folder_is_refused(guarded):
    first = guarded({"body": "live"})
    until(first.starts)
    second = guarded({"body": "live"})
    code, errors = second.wait()
    assert code == 2
    assert f"process id {first.process.pid}" in errors
    assert len(errors.strip().splitlines()) == 1
    assert len(first.starts()) == 1


@chaos
def test_bad_input_is_passed_through_and_not_tried_again(guarded):
    run = guarded({"body": "refuse", "sender": "live"})
    code, _ = run.wait()
    assert code == 2
    assert len(run.starts()) == 1


@chaos
def test_a_body_that_says_its_work_is_done_ends_everything_with_0(guarded):
    run = guarded({"body": "done", "dashboard": "live"})
    assert run.wait()[0] == 0
    assert len(run.starts()) == 1


@chaos
def test_a_limited_run_ends_in_order(guarded):
    run = guarded({"body": "live", "sender": "live"}, run_for_s=0.6)
    assert run.wait() == (0, "")
    assert run.ends() == ["body", "sender"]


@chaos
def test_a_dashboard_that_dies_is_started_again_and_the_body_never_notices(guarded):
    run = guarded({"body": "live", "dashboard": "die"})
    until(lambda: len(run.starts("dashboard")) == 3)
    assert len(run.starts()) == 1
    run.process.send_signal(signal.SIGTERM)
    assert run.wait()[0] == 0


QUICK = {"venue_silence_s": 0.6, "service_silence_s": 0.6}


@chaos
@pytest.mark.parametrize("name", ["venue", "dashboard", "sender"])
def test_a_service_that_is_stopped_for_ever_is_replaced_and_the_body_never_notices(guarded, name):
    run = guarded({"body": "live", name: "live"}, **QUICK)
    until(lambda: run.starts(name) and run.starts())
    frozen = run.pid(name)
    began = time.monotonic()
    os.kill(frozen, signal.SIGSTOP)
    until(lambda: len(run.starts(name)) == 2)
    assert 0.5 < time.monotonic() - began < 6.0
    until(lambda: read_note(run.state)["children"][name] == run.pid(name) != frozen)
    assert len(run.starts()) == 1
    run.process.send_signal(signal.SIGTERM)
    code, errors = run.wait()
    assert code == 0
    assert f"{name} was silent for 0." in errors
    assert f"{name} ended with signal SIGKILL; the organism goes on" in errors


@chaos
def test_a_service_that_hangs_leaves_its_tracebacks(guarded):
    run = guarded({"body": "live", "venue": "hang"}, **QUICK)
    until(lambda: len(run.starts("venue")) == 2)
    assert "most recent call first" in (run.state / "tracebacks").read_text()
    assert len(run.starts()) == 1


@chaos
def test_a_service_that_is_stopped_for_less_than_its_patience_is_left_alone(guarded):
    run = guarded({"body": "live", "venue": "live"}, venue_silence_s=3.0)
    until(lambda: run.starts("venue") and run.starts())
    os.kill(run.pid("venue"), signal.SIGSTOP)
    end = time.monotonic() + 1.0
    until(lambda: time.monotonic() > end)
    os.kill(run.pid("venue"), signal.SIGCONT)
    end = time.monotonic() + 3.0
    until(lambda: time.monotonic() > end)
    run.process.send_signal(signal.SIGTERM)
    assert run.wait() == (0, "")
    assert len(run.starts("venue")) == 1


@chaos
def test_a_guardian_that_waits_for_the_body_before_it_stops_at_once(guarded, tmp_path):
    (tmp_path / "state").mkdir()
    before = BodyLock(tmp_path / "state")
    before.hold()
    run = guarded({"body": "live"})
    until((tmp_path / "state" / "lock").exists)
    until(lambda: FolderLock(tmp_path / "state" / "lock").owner() == run.process.pid)
    until(lambda: caught(run.process.pid, signal.SIGTERM))
    began = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.wait() == (0, "")
    assert time.monotonic() - began < 5.0
    assert run.starts() == []
    before.let_go()


def caught(pid, number):
    """Whether a process has a handler for a signal."""
    (mask,) = [
        line.split()[1]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigCgt")
    ]
    return bool(int(mask, 16) >> (number - 1) & 1)


@chaos
def test_a_stubborn_body_is_killed_when_its_time_is_up(guarded):
    run = guarded({"body": "stubborn", "sender": "live"}, stop_s=0.5)
    until(lambda: run.starts("sender") and run.starts())
    run.process.send_signal(signal.SIGTERM)
    code, errors = run.wait()
    assert code == 1
    assert "did not stop within 0.5 s and was killed" in errors
    assert run.ends() == ["sender"]


@chaos
def test_a_second_signal_does_not_wait(guarded):
    run = guarded({"body": "stubborn"}, stop_s=30.0)
    until(run.starts)
    run.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.wait()[0] == 1
    assert time.monotonic() - began < 5.0


@chaos
def test_a_stopped_guardian_does_not_blame_the_body(guarded):
    """Guardian and children stand still together (a suspended machine): nobody is killed for it."""
    run = guarded(ALL, silence_s=1.0, service_silence_s=1.0)
    until(lambda: all(run.starts(name) for name in ALL))
    until(lambda: len(read_note(run.state).get("children", ())) == len(ALL))
    everybody = [run.process.pid, *(run.pid(name) for name in ALL)]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + 2.0
    until(lambda: time.monotonic() > end)
    for pid in everybody:
        os.kill(pid, signal.SIGCONT)
    os.kill(run.process.pid, signal.SIGTERM)
    code, errors = run.wait()
    assert (code, errors) == (0, "")
    assert all(len(run.starts(name)) == 1 for name in ALL)
