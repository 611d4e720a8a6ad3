"""A state folder that this user may not use: refused before anything begins, with status 2 and what to do."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from organism.cli.start import FILES, FOLDERS
from tests.body.house import BUSY, House
from tests.body.waiting import until

pytestmark = pytest.mark.chaos

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 1, 2, 3
STRANGER = 65_534
DEADLINE_S = 60.0


def _like_anybody() -> None:
    """Take from root what makes permissions mean nothing to it; anybody else never had it."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER):
            if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                os._exit(99)


def organism(*arguments: str, state: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "organism", *arguments, "--state", str(state)],
        check=False, capture_output=True, text=True, timeout=DEADLINE_S, preexec_fn=_like_anybody,
    )  # fmt: skip


def start(state: Path) -> "subprocess.CompletedProcess[str]":
    return organism("start", "--no-dashboard", "--for", "1s", "--speed", "60000", state=state)


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2, (done.returncode, done.stderr)
    text = done.stderr.strip()
    assert text.startswith("organism: "), text
    assert "\n" not in text, text
    return text


def test_a_read_only_state_folder_is_refused_and_stays_empty(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    said = refused(start(state))
    assert f"{state} cannot be written (Permission denied)" in said
    assert list(state.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_state_folder_of_another_user_is_refused_and_stays_as_it_was(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    os.chown(state, STRANGER, STRANGER)
    assert "chown" in refused(start(state))
    for command in ("status", "verify", "doctor"):
        assert str(state) in refused(organism(command, state=state))
    assert list(state.iterdir()) == []


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Path:
    state = tmp_path_factory.mktemp("lived") / "state"
    live_in(state)
    return state


def live_in(state: Path) -> None:
    house = House(state, *BUSY)
    try:
        house.start()
        house.wait_trading(1)
        until((state / "snapshots").is_dir, "a snapshot")
        assert house.stop()[0] == 0, house.said
    finally:
        house.end()


@pytest.mark.parametrize(
    "name", ["log", "settings", "snapshots", "journal.db", "paper_venue.db", "lock", "view.db"]
)
def test_what_lies_in_it_is_looked_at_before_a_body_stumbles_over_it(lived, name):
    path = lived / name
    mode = path.stat().st_mode & 0o777
    before = {p.name: p.stat().st_mtime_ns for p in lived.iterdir()}
    path.chmod(mode & 0o500)
    try:
        said = refused(start(lived))
    finally:
        path.chmod(mode)
    assert f"{path} may not be written by this user" in said
    assert {p.name: p.stat().st_mtime_ns for p in lived.iterdir()} == before


def test_once_it_may_be_written_again_it_is_lived_in(lived):
    (lived / "log").chmod(0o500)
    refused(start(lived))
    (lived / "log").chmod(0o700)
    live_in(lived)
    assert organism("verify", state=lived).returncode == 0


def test_the_folders_that_are_looked_at_are_what_a_life_leaves(lived):
    made = {p.name for p in lived.iterdir() if not p.name.endswith(("-wal", "-shm"))}
    assert made <= {*FOLDERS, *FILES}
