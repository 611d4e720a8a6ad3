"""What people, disks and signals do to it: one clear sentence, and the organism goes on or stops in order."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from organism.guardian.watch import LAST_WORDS
from tests.body.house import BUSY, House, judged, organism, told_once
from tests.body.waiting import until

slow = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(120)]
GARBAGE = b"\xa5" * 256


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path / "state", *BUSY, "guardian.restarts=1000")
    yield house
    house.end()


def one_sentence(done: "subprocess.CompletedProcess[str]", code: int = 2) -> str:
    """A refusal: the exit status, one line on standard error, nothing that looks like a crash."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    text = done.stderr.strip()
    assert text.startswith("organism: "), text
    assert "\n" not in text, text
    assert "Traceback" not in text
    assert text.endswith((".", "`")), text
    return text


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (("--set", "risk.max_gross_exposur=2"), "max_gross_exposure"),
        (("--set", "risk.max_gross_exposure=lots"), "lots"),
        (("--set", "risk"), "SECTION.KEY=VALUE"),
        (("--speed", "-1"), "speed"),
        (("--market", "moon"), "moon"),
        (("--wings",), "--wings"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_a_bad_flag_is_refused_in_one_sentence(tmp_path: Path, flags: tuple[str, ...], names: str):
    text = one_sentence(organism("start", "--no-dashboard", *flags, state=tmp_path / "state"))
    assert names in text


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("[risk\nmax_gross_exposure = 1", "organism.toml"),
        ("[risk]\nmax_gross_exposur = 1.0", "max_gross_exposure"),
        ("[risk]\nmax_gross_exposure = nan", "max_gross_exposure"),
        ("[wings]\nn = 2", "wings"),
        (b"\xff\xfe\x00", "organism.toml"),
    ],
)
def test_a_malformed_settings_file_is_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes, names: str
):
    file = tmp_path / "organism.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = one_sentence(organism("start", "--no-dashboard", "--config", str(file), state=tmp_path / "state"))
    assert names in text
    assert not (tmp_path / "state" / "journal.db").exists()


def test_a_state_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    text = one_sentence(organism("start", "--no-dashboard", state=tmp_path / "file" / "state"))
    assert str(tmp_path) in text
    assert "--state" in text


@pytest.mark.parametrize(
    "command", [("start", "--no-dashboard"), ("halt",), ("status",), ("dashboard", "token", "list")]
)
def test_a_state_folder_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "file").write_text("not a folder")
    text = one_sentence(organism(*command, state=tmp_path / "file"))
    assert f"{tmp_path / 'file'} is a file" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_state_folder_is_refused_in_one_sentence(tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    assert str(state) in one_sentence(organism("start", "--no-dashboard", state=state))


def test_a_malformed_crash_point_is_refused_in_one_sentence(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "organism.body", "--state", str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=60,
        env={**os.environ, "ORGANISM_CRASH_AT": "after_lunch:1"},
    )  # fmt: skip
    assert "after_lunch" in one_sentence(done)


# ---------------------------------------------------------------- two of them


class TestLiving:
    """With real processes."""

    pytestmark = slow

    def test_a_second_organism_on_the_same_folder_is_refused_in_one_sentence(self, house: House):
        house.start()
        house.wait_trading(1)
        text = one_sentence(organism("start", "--no-dashboard", state=house.state))
        assert str(house.state) in text
        assert re.search(r"process id \d+", text)
        house.wait_trading(3)  # the first one does not mind
        assert house.stop()[0] == 0

    # ------------------------------------------------------------ signals

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
    def test_it_stops_in_order_within_ten_seconds_and_again_after_the_next_start(
        self, house: House, number: signal.Signals
    ):
        for _ in range(2):
            house.start()
            house.wait_trading(3)
            pid = house.body_pid
            code, took_s = house.stop(number)
            assert code == 0, house.said[-800:]
            assert took_s < 10.0
            assert pid is not None
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        rows = house.rows()
        told_once(rows)
        judged(rows, house.truth())
        assert house.verify()["ok"]
        assert "Traceback" not in house.said

    def test_a_body_that_stands_still_is_killed_and_the_next_one_trades(self, house: House):
        house.start()
        house.wait_trading(3)
        run, pid = house.run, house.body_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        house.wait_trading(3, after_run=run)
        assert house.body_pid != pid
        assert "silent" in house.said
        assert house.stop()[0] == 0
        assert house.verify()["ok"]

    # ------------------------------------------------------------ a body that cannot live

    def test_a_crash_loop_ends_in_safe_mode_and_then_with_status_70_and_last_words(self, tmp_path: Path):
        house = House(tmp_path / "state", *BUSY, "guardian.restarts=1", "guardian.safe_restarts=2")
        try:
            house.start(crash="during_recovery:1")
            assert house.guardian is not None
            assert house.guardian.wait(30.0) == 70
        finally:
            house.end()
        assert "in safe mode" in house.said
        words = (house.state / LAST_WORDS).read_text()
        assert "safe mode" in words
        assert "needs a person" in words
        assert house.said.count("drill: killed") == 1 + 1 + 2
        house.start()  # and a person starts it again
        try:
            house.wait_trading(1)
            assert house.stop()[0] == 0
        finally:
            house.end()

    def test_a_restart_that_is_refused_ends_with_status_2_and_last_words_a_first_start_without(
        self, tmp_path: Path
    ):
        body = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); n = p.exists(); p.touch(); sys.exit(2 if n else 1)"
        guard = (
            "import sys, pathlib; from organism.guardian import ChildCommand, GuardOptions, guard; state = pathlib.Path(sys.argv[1]); "
            f"child = ChildCommand('body', [sys.executable, '-c', {body!r}, str(state / 'lived')]); "
            "sys.exit(guard([child], GuardOptions(state=state, last_words_s=0.1)))"
        )
        for n_words in (1, 1):
            done = subprocess.run(
                [sys.executable, "-c", guard, str(tmp_path)], check=False, timeout=30, capture_output=True
            )
            assert done.returncode == 2
            assert (tmp_path / LAST_WORDS).read_text().count("needs a person") == n_words

    # ------------------------------------------------------------ disks

    def test_a_corrupted_page_is_named_and_the_start_refused_until_a_person_sets_it_aside(self, house: House):
        house.start()
        house.wait_trading(20)
        assert house.stop()[0] == 0
        journal = house.state / "journal.db"
        seq = _flip(journal)

        refused = organism("start", "--no-dashboard", "--for", "20s", state=house.state)
        assert refused.returncode in {1, 2}, refused
        assert f"row {seq}" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr

        found = organism("verify", state=house.state)
        assert found.returncode == 1
        assert f"row {seq}" in found.stdout

        done = organism("verify", "--quarantine", str(seq), state=house.state)
        assert done.returncode == 0, done.stderr
        assert list((house.state / "quarantine").rglob("journal.db"))
        run = house.run
        house.start()
        until(lambda: house.run > run, lambda: house.said[-800:])
        until(lambda: house.status()["running"], lambda: house.said[-800:])
        assert house.stop()[0] == 0, house.said[-800:]


def _flip(journal: Path) -> int:
    """Destroy part of a row in the middle of the file, as a bad disk would; return its number."""
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (last,) = db.execute("SELECT max(seq) FROM rows").fetchone()
        seq, digest = db.execute(
            "SELECT seq, digest FROM rows WHERE seq >= ? ORDER BY length(effects) DESC LIMIT 1", (last // 2,)
        ).fetchone()
    db.close()
    content = bytearray(journal.read_bytes())
    at = bytes(content).index(digest)
    content[at] ^= 0xFF
    journal.write_bytes(content)
    return int(seq)
