"""The page Machine: every process that the guardian looks after, whether it runs and for how long."""

import os
import subprocess
import sys

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.window import Window
from organism.guardian.lock import write_note


def processes(home):
    piece = answered("machine", asked({}), Window(home.state, guarded=False).sight())["machine-processes"]
    return {
        name: (int(cells[1]["x"]), cells[2]["tag"], cells[3]["s"], cells[4]["s"])
        for name, cells in piece["rows"]
    }


def test_every_process_of_the_guardian_is_told_with_its_age_and_memory(home, zombie):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    children = {
        "body": os.getpid(),
        "breeder": os.getppid(),
        "sender": ended.pid,
        "poller": zombie.pid,
        "dashboard": 1,
        "odd": "x",
        "none": -1,
    }
    write_note(home.state, {"pid": os.getpid(), "children": children})
    found = processes(home)
    assert list(found) == ["guardian", "body", "breeder", "sender", "poller", "dashboard"]
    assert found["sender"] == (ended.pid, "gone", None, None)
    assert found["poller"] == (zombie.pid, "gone", None, None), "it has ended, whatever its number says"
    assert found["dashboard"][0] == os.getpid(), "this one knows itself better"
    for name in ("guardian", "body", "breeder"):
        _, state, lived_s, size = found[name]
        assert state == "runs"
        assert lived_s > 0.0
        assert size > 1.0


def test_without_a_guardian_the_body_and_this_process_are_told(home):
    assert list(processes(home)) == ["body", "dashboard"]
    (home.state / "guardian.json").write_text('{"pid": true, "children": [1]}')
    assert list(processes(home)) == ["body", "dashboard"]
    (home.state / "guardian.json").write_text("{")
    assert list(processes(home)) == ["body", "dashboard"]
