"""Others who are in the way: a writer that holds the journal, a reader that stays, a person who does not read what is said."""

import contextlib
import json
import logging
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading

import pytest

from organism import logs
from organism.errors import JournalUnwritable
from organism.journal.audit import audit
from organism.journal.disk import WAL_BYTES
from organism.journal.writer import SqliteJournal
from tests.organism.journal.conftest import Steps

pytestmark = pytest.mark.chaos

DEADLINE_S = 20.0


def test_a_journal_that_another_process_holds_ends_the_body_and_loses_nothing(tmp_path):
    """A deferred transaction would not even wait; ours waits half a second, and then somebody is told."""
    told = []
    journal = SqliteJournal(tmp_path, on_failure=told.append)
    record = Steps(journal)
    record(5)
    journal.flush()
    durable = journal.durable_seq
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        record(5)
        with pytest.raises(JournalUnwritable, match="locked"):
            journal.flush(DEADLINE_S)
        journal.close()
        with pytest.raises(JournalUnwritable, match=r"locked.*speaks of the disk"):
            SqliteJournal(tmp_path)
        other.execute("ROLLBACK")
    assert len(told) == 1
    again = SqliteJournal(tmp_path, threaded=False)
    assert again.tip[0] == durable
    again.close()
    assert audit(tmp_path).ok


@pytest.mark.slow
def test_a_reader_that_stays_does_not_stop_the_journal_and_the_log_shrinks_when_it_leaves(tmp_path):
    journal = SqliteJournal(tmp_path, durability="off", threaded=False)
    record = Steps(journal)
    record(10)
    journal.flush()
    log = tmp_path / "journal.db-wal"
    with contextlib.closing(sqlite3.connect(f"file:{tmp_path}/journal.db?mode=ro", uri=True)) as reader:
        reader.isolation_level = None
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM rows").fetchone() == (10,)
        while log.stat().st_size < 2 * WAL_BYTES:
            record(2_000)
            journal.flush()
        assert journal.durable_seq == journal.tip[0], "commits go on"
        assert reader.execute("SELECT count(*) FROM rows").fetchone() == (10,)
    journal._disk._tend_after_s = 0.0  # the next try is due
    record(1)
    journal.flush()
    assert log.stat().st_size < WAL_BYTES
    journal.close()
    assert audit(tmp_path).ok


def test_nobody_waits_for_a_person_who_does_not_read_what_is_said(tmp_path, monkeypatch):
    """Standard error is a pipe that is full: an organ that logs a line must not stand still with it."""
    read, write = os.pipe()
    with os.fdopen(write, "w", buffering=1) as full, os.fdopen(read, "rb") as reader:
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, b"x" * 4096)
        os.set_blocking(write, True)
        monkeypatch.setattr(sys, "stderr", full)
        lived = logs.setup("body", tmp_path)
        done = threading.Event()

        def work():
            for n in range(300):
                logging.getLogger("organ").warning("line %d", n)
            done.set()

        threading.Thread(target=work, daemon=True).start()
        stood_still = not done.wait(DEADLINE_S)
        os.read(reader.fileno(), 65536)
        assert not stood_still
        logging.getLogger("organ").warning("and on")
        lived.close()
        said = os.read(reader.fileno(), 4096).decode()
    assert "300 lines could not be shown here" in said
    assert "and on" in said
    written = (tmp_path / "log" / "body.jsonl").read_text().splitlines()
    assert len(written) == 301, "the file has them all"
    assert json.loads(written[0])


FULL_LOG = textwrap.dedent(
    """
    import logging, sys
    from pathlib import Path
    from organism import logs
    lived = logs.setup("body", Path(sys.argv[1]))
    for n in range(2_000):
        logging.getLogger("organ").warning("line %d", n)
    print("worked to the end")
    """
)


def _small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


def test_a_full_disk_for_the_log_stops_nobody(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_LOG, str(tmp_path)],
        capture_output=True, text=True, timeout=DEADLINE_S, preexec_fn=_small_files, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert "worked to the end" in done.stdout
    assert "log: a record of organ was lost" in done.stderr
    assert "Traceback" not in done.stderr
