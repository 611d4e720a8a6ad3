"""Two processes on one store keep it whole; one that is killed loses nothing that was acknowledged."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genome.store import GenomeStore
from genome.trials.count import counting
from organism.errors import OrganismError
from tests.genome.trials.looking import data

ROOT = Path(__file__).resolve().parents[3]


def started(path, who, batches):
    """A process that counts five genomes that all processes look at and five of its own a batch: ten behaviours."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.genome.trials.looking", str(path), who, str(batches)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def whole(path):
    database = sqlite3.connect(path)
    found = database.execute("PRAGMA integrity_check").fetchone()[0]
    database.close()
    return found == "ok"


def test_two_processes_on_one_store_lose_nothing_and_count_nothing_twice(tmp_path):
    path = tmp_path / "genome.db"
    both = [started(path, who, 40) for who in ("one", "two")]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said == [[str(i + 1) for i in range(40)]] * 2
    assert whole(path)
    with counting(path) as trials:
        assert trials.tally(data())[:2] == (5 + 2 * 40 * 5, 10)
        assert trials.audit() == 0


def test_the_first_of_a_fresh_store_wait_for_each_other(tmp_path):
    """Switching to a write-ahead log does not wait by itself: whoever came second was told "database is locked"."""
    for i in range(20):
        path, begin, wrong = tmp_path / f"{i}.db", threading.Barrier(6), []

        def first(nth, path=path, begin=begin, wrong=wrong):
            begin.wait(10)
            try:
                if nth % 2:
                    GenomeStore(path).close()
                else:
                    with counting(path):
                        pass
            except (OrganismError, sqlite3.Error) as error:
                wrong.append(f"{nth}: {error}")

        threads = [threading.Thread(target=first, args=(nth,)) for nth in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert whole(path)


@pytest.mark.chaos
@pytest.mark.slow
def test_a_process_killed_while_it_counts_loses_nothing_that_it_acknowledged(tmp_path):
    path = tmp_path / "genome.db"
    chance = random.Random(4)
    acknowledged = 0
    for kill in range(12):
        process = started(path, f"kill {kill}", 1_000_000)
        wanted = chance.randint(1, 30)
        done = [int(process.stdout.readline()) for _ in range(wanted)]
        process.send_signal(signal.SIGKILL)
        done += [int(line) for line in process.stdout.read().splitlines() if line.strip()]
        process.wait(timeout=20)
        process.stdout.close()
        acknowledged += done[-1]
        assert whole(path)
        with counting(path) as trials:
            counted = trials.total(data()) - 5
            assert counted % 5 == 0
            assert acknowledged * 5 <= counted <= (acknowledged + 1 + kill) * 5
            assert trials.audit() == 0
            assert trials.tally(data()).clusters == 10
