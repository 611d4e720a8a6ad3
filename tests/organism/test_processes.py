"""A process lives until it has ended, whether or not its parent has asked how."""

import os
import subprocess

from organism.processes import lives, may_live, state_of


def test_this_process_and_those_of_others_live():
    assert lives(os.getpid())
    assert lives(1)


def test_a_zombie_has_ended(zombie):
    os.kill(zombie.pid, 0)  # its number is taken, nevertheless
    assert state_of(zombie.pid) == "Z"
    assert not lives(zombie.pid)


def test_a_process_whose_status_was_asked_for_has_ended(zombie):
    zombie.wait()
    assert not lives(zombie.pid)


def test_a_number_that_no_process_can_have_is_nobody():
    for pid in (10**30, 2**22 + 1, 0, -1):
        assert not lives(pid)
        assert state_of(pid) == ""


def test_a_name_like_the_state_of_a_zombie_misleads_nobody(tmp_path):
    odd = tmp_path / "a) Z ("
    odd.symlink_to("/bin/cat")
    with subprocess.Popen([odd], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x", "it is past exec, under its odd name"
        assert lives(process.pid)


def test_what_is_no_number_of_a_process_says_nothing(zombie):
    for odd in (None, "1", 1.5, 0, -1):
        assert may_live(odd)
    assert may_live(os.getpid())
    assert not may_live(zombie.pid)


def test_what_cannot_be_read_is_not_called_dead(monkeypatch):
    def refuse(_self):
        raise PermissionError

    monkeypatch.setattr("organism.processes.Path.read_bytes", refuse)
    assert lives(os.getpid())
    assert not lives(2**22 + 1)
