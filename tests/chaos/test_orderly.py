"""A harness that ends, however it ends, leaves no organism behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from organism.chaos.orderly import ended_in_order, leashed
from organism.processes import lives
from tests.body.waiting import until

HARNESS = """
import sys
from pathlib import Path
from organism.chaos.habitat import habitat
from organism.chaos.orderly import ended_in_order

with ended_in_order(), habitat(Path(sys.argv[1])) as home:
    home.start()
    home.trades(1)
    print(*home.pids().values(), flush=True)
    home.trades(10**9, limit_s=60.0)
"""


@pytest.fixture
def heard():
    """SIGHUP as in a terminal, also where these tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_was_begun_is_cleared_up_and_the_handlers_are_given_back(number):
    before, cleared = signal.getsignal(number), []

    def harness():
        with ended_in_order():
            try:
                os.kill(os.getpid(), number)
                signal.pause()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)  # impatience must not stop the clearing up
                cleared.append(number)

    with pytest.raises(SystemExit) as ended:
        harness()
    assert cleared == [number]
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_a_signal_that_is_ignored_on_purpose_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_in_order():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_leashed_command_is_the_command_itself_with_its_status():
    one = subprocess.Popen(
        leashed([sys.executable, "-c", "import os; print(os.getpid()); raise SystemExit(7)"]),
        stdout=subprocess.PIPE,
    )
    said, _ = one.communicate(timeout=30.0)
    assert (int(said), one.returncode) == (one.pid, 7)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sends a signal when the parent dies")
def test_a_leashed_command_dies_with_the_one_who_started_it():
    middle = (
        "import subprocess, sys\n"
        "from organism.chaos.orderly import leashed\n"
        "one = subprocess.Popen(leashed([sys.executable, '-c', 'import signal; print(1, flush=True); signal.pause()']),"
        " stdout=subprocess.PIPE)\n"
        "one.stdout.readline()\n"
        "print(one.pid, flush=True)\n"
        "one.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", middle], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    parent.communicate()
    until(lambda: not lives(pid), "the end of the leashed one")


@pytest.mark.chaos
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_harness_that_is_ended_takes_its_organism_with_it(tmp_path, number):
    if number is signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux sends a signal when the parent dies")
    harness = subprocess.Popen(
        leashed([sys.executable, "-c", HARNESS, str(tmp_path)]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert harness.stdout is not None
    pids = [int(text) for text in re.findall(r"\d+", harness.stdout.readline())]
    assert len(pids) == 3, "guardian, body and venue"
    try:
        harness.send_signal(number)
        harness.communicate(timeout=20.0)
        until(lambda: not any(map(lives, pids)), "the end of the organism")
    finally:
        for pid in filter(lives, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
