"""A machine that refuses: no descriptors, no threads, no memory, no disk, no rights. One sentence, a status, nobody left."""

import subprocess
import sys
from pathlib import Path

import pytest

from organism.journal.audit import audit
from organism.journal.writer import SqliteJournal
from tests.body.house import organism
from tests.chaos import limits
from tests.organism.journal.conftest import Steps

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(180)]

DEADLINE_S = 90.0
GAVE_UP, BAD_INPUT = 70, 2


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder that everybody may use: some limits hold only for others than root."""
    for folder in (tmp_path.parent, tmp_path):
        folder.chmod(0o755)
    place = tmp_path / "state"
    place.mkdir()
    place.chmod(0o777)
    return place


def started(state: Path, narrow) -> subprocess.CompletedProcess[str]:
    """`organism start` in narrow circumstances, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "organism", "start", "--no-dashboard", "--no-evolution", "--state", str(state), "--speed", "60000",
         "--set", "guardian.restarts=1"],
        check=False, capture_output=True, text=True, timeout=DEADLINE_S, preexec_fn=narrow, start_new_session=True,
    )  # fmt: skip


def left_over(state: Path) -> list[str]:
    """Processes, also dead ones that nobody waited for, that have to do with a state folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(state) in line and "pytest" not in line:
                found.append(line)
    return found


@pytest.mark.parametrize(
    ("narrow", "said"),
    [
        pytest.param(limits.few_files(8), "Too many open files", id="8 descriptors"),
        pytest.param(limits.few_files(16), "giving up with status 70", id="16 descriptors"),
        pytest.param(limits.few_threads(1), "can't start new thread", id="1 thread"),
        pytest.param(limits.few_threads(3), "giving up with status 70", id="3 threads"),
        pytest.param(limits.little_memory(100 * 2**20), "giving up with status 70", id="100 MB of addresses"),
        pytest.param(limits.little_memory(300 * 2**20), "giving up with status 70", id="300 MB of addresses"),
        pytest.param(limits.small_files(400_000), "giving up with status 70", id="400 kB of disk"),
    ],
)
def test_a_machine_that_has_no_room_is_told_of_in_a_sentence_and_nobody_is_left(state, narrow, said):
    done = started(state, narrow)
    everything = done.stdout + done.stderr
    assert done.returncode == GAVE_UP, everything[-2000:]
    assert said in everything
    assert "Traceback" not in everything
    assert not left_over(state)
    if (state / "journal.db").exists():
        report = audit(state)
        assert report.ok, report.details
        assert SqliteJournal(state, threaded=False).tip[0] >= report.tip_seq


@pytest.mark.parametrize(
    "arguments", [("start", "--no-dashboard"), ("halt", "--note", "drill"), ("verify",)], ids=lambda a: a[0]
)
def test_a_folder_that_may_not_be_written_is_refused_in_a_sentence(state, arguments):
    lived = state.parent / "lived"
    journal = SqliteJournal(lived, threaded=False)
    Steps(journal)(3)
    journal.close()
    before = {p.name: p.read_bytes() for p in lived.iterdir() if p.is_file()}
    lived.chmod(0o500)
    done = subprocess.run(
        [sys.executable, "-m", "organism", *arguments, "--state", str(lived)],
        check=False, capture_output=True, text=True, timeout=DEADLINE_S, preexec_fn=limits.without_root_rights,
    )  # fmt: skip
    lived.chmod(0o700)
    assert "Traceback" not in done.stdout + done.stderr
    if arguments[0] == "verify":
        assert done.returncode in {0, 1, BAD_INPUT}, done.stderr
    else:
        assert done.returncode == BAD_INPUT, done.stderr
        assert "ermission denied" in done.stderr
    assert {p.name: p.read_bytes() for p in lived.iterdir() if p.is_file()} == before
    assert organism("verify", state=lived).returncode in {0, 1}
