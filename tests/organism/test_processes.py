"""A process lives until it has ended, whether or not its parent has asked how."""

import os
import subprocess

from organism.processes import is_alive


def test_this_process_and_those_of_others_live():
    assert is_alive(os.getpid())
    assert is_alive(1)


def test_a_zombie_has_ended(zombie):
    os.kill(zombie.pid, 0)  # its number is taken, nevertheless
    assert not is_alive(zombie.pid)


def test_a_process_whose_status_was_asked_for_has_ended(zombie):
    zombie.wait()
    assert not is_alive(zombie.pid)


def test_a_number_that_no_process_can_have_is_nobody():
    assert not is_alive(10**30)


def test_a_name_like_the_state_of_a_zombie_misleads_nobody(tmp_path):
    odd = tmp_path / "a) Z ("
    odd.symlink_to("/bin/cat")
    with subprocess.Popen([odd], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x", "it is past exec, under its odd name"
        assert is_alive(process.pid)


def test_what_cannot_be_read_is_not_called_dead(monkeypatch):
    def refuse(_self):
        raise PermissionError

    monkeypatch.setattr("organism.processes.Path.read_bytes", refuse)
    assert is_alive(os.getpid())
