"""Real processes, killed for real: what was called durable is there, and nothing else is broken."""

import resource
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from organism.journal.audit import audit
from organism.journal.bench import bench_journal
from organism.journal.writer import SqliteJournal

DEADLINE_S = 60.0

WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from organism.core import Now
    from organism.journal.writer import SqliteJournal
    from organism.messages import Envelope, TimerFired
    folder, segment_mb = Path(sys.argv[1]), float(sys.argv[2])
    journal = SqliteJournal(folder, segment_mb=segment_mb, keep_segments=3)
    journal.on_durable(lambda seq: print(seq, flush=True))
    number = journal.begin_incarnation("o")
    print("incarnation", number, flush=True)
    step = 0
    while True:
        step += 1
        message = TimerFired(key="k" * (step % 300), due_ns=step)
        journal.record("o", number, step, Envelope(f"x:{step}", "t", 0, 0, "", message), (), Now(1, 1, 1, step))
        if step % 40 == 0:
            journal.flush()
    """
)


@pytest.mark.chaos
@pytest.mark.parametrize("segment_mb", [256, 0.05])
def test_sigkill_at_any_moment_loses_nothing_that_was_durable(tmp_path, segment_mb):
    """Ten lives on one folder; each is killed after another number of commits."""
    last_incarnation = 0
    for life in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(segment_mb)], stdout=subprocess.PIPE, text=True
        )
        durable, n_lines, until = 0, 0, time.monotonic() + DEADLINE_S
        for line in process.stdout:
            if line.startswith("incarnation"):
                number = int(line.split()[1])
                assert number > last_incarnation
                last_incarnation = number
            else:
                durable = int(line)
                n_lines += 1
            if n_lines == 3 + 7 * life:
                process.send_signal(signal.SIGKILL)
            assert time.monotonic() < until
        process.wait(DEADLINE_S)
        assert process.returncode == -signal.SIGKILL
        process.stdout.close()

        journal = SqliteJournal(tmp_path, threaded=False)
        assert journal.tip[0] >= durable, "what was announced as durable is there"
        journal.close()
        report = audit(tmp_path)
        assert report.ok, report.details
        assert report.tip_seq == journal.tip[0]


FULL_DISK = textwrap.dedent(
    """
    import sys, threading
    from pathlib import Path
    from organism.core import Now
    from organism.errors import JournalUnwritable
    from organism.journal.writer import SqliteJournal
    from organism.messages import Envelope, TimerFired
    told = threading.Event()
    journal = SqliteJournal(Path(sys.argv[1]), threaded=sys.argv[2] == "threaded", on_failure=lambda e: told.set())
    number = journal.begin_incarnation("o")
    try:
        for step in range(1, 1_000_000):
            message = TimerFired(key="k" * 300, due_ns=step)
            journal.record("o", number, step, Envelope(f"x:{step}", "t", 0, 0, "", message), (), Now(1, 1, 1, step))
    except JournalUnwritable as error:
        assert told.wait(30)
        print(journal.durable_seq, flush=True)
        print(error, flush=True)
        journal.close()
        sys.exit(7)
    """
)


def _small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))


@pytest.mark.chaos
@pytest.mark.parametrize("mode", ["threaded", "inline"])
def test_a_full_disk_ends_the_body_and_damages_nothing(tmp_path, mode):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), mode],
        capture_output=True, text=True, timeout=DEADLINE_S, preexec_fn=_small_files, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    durable = int(done.stdout.splitlines()[0])
    assert durable > 0
    assert "could not be made durable" in done.stdout
    journal = SqliteJournal(tmp_path, threaded=False)
    assert journal.tip[0] >= durable
    journal.close()
    report = audit(tmp_path)
    assert report.ok, report.details


@pytest.mark.slow
def test_the_journal_is_fast_enough_here(tmp_path):
    figures = bench_journal(tmp_path / "bench", 3.0)
    assert figures["grouped_events_per_s"] > 50_000, "the target is 100,000 on a machine of its own"
    assert figures["single_commits_per_s"] > 0
    assert figures["single_commit_p50_ms"] <= figures["single_commit_p99_ms"]
    assert figures["fsync_p50_ms"] > 0
