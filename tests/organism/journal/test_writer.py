"""What is durable is a prefix; old incarnations are fenced; a disk that fails ends the body."""

import sqlite3
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import Fenced, JournalUnwritable
from organism.journal.rows import decode_effects, decode_envelope
from organism.journal.writer import N_PER_COMMIT, SqliteJournal
from organism.messages import BarsArrived, Envelope, TimerFired

DEADLINE_S = 10.0


@pytest.mark.requirement("S2-4.3")
def test_rows_read_back_as_they_were_recorded(tmp_path, opened, steps):
    journal = opened(tmp_path / "s")
    steps(journal)(3)

    rows = list(journal.rows())

    assert [row.seq for row in rows] == [1, 2, 3]
    assert [row.step for row in rows] == [1, 2, 3]
    assert rows[-1].digest == journal.tip[1]
    assert decode_envelope(rows[0].input).message.at_ns == 1
    assert decode_effects(rows[2].effects)[0].to == ("brain", "motor")
    assert [row.seq for row in journal.rows(after_seq=2)] == [3]


def test_an_input_that_another_row_emitted_is_not_stored_twice(tmp_path, opened):
    journal = opened(tmp_path / "s")
    number = journal.begin_incarnation("brain")
    message = BarsArrived(feed="f", session=1, at_ns=1, bars=())
    journal.record("brain", number, 1, Envelope("7.0", "nervous", 1, 0, "", message), (), _now())
    (row,) = journal.rows()
    assert (row.input_id, row.input) == ("7.0", b"")


def test_a_step_is_not_durable_before_its_group_was_committed(tmp_path, opened, steps):
    journal = opened(tmp_path / "s")
    told = []
    journal.on_durable(told.append)
    record = steps(journal)
    record(5)
    assert (journal.tip[0], journal.durable_seq, told) == (5, 0, [])

    journal.flush()

    assert (journal.durable_seq, told) == (5, [5])
    journal.flush()
    assert told == [5]


def test_an_inline_journal_commits_by_itself_when_enough_has_gathered(tmp_path, opened, steps):
    journal = opened(tmp_path / "s")
    steps(journal)(N_PER_COMMIT + 1)
    assert journal.durable_seq == N_PER_COMMIT


def test_a_threaded_journal_commits_groups_while_steps_go_on(tmp_path, opened, steps):
    journal = opened(tmp_path / "s", threaded=True, durability="full")
    told, done = [], threading.Event()

    def listen(seq):
        told.append(seq)
        if seq == 4_000:
            done.set()

    journal.on_durable(listen)
    steps(journal)(4_000)

    assert done.wait(DEADLINE_S), "nobody needs to ask for durability"
    assert told == sorted(set(told))
    assert len(told) < 4_000, "one sync must pay for many rows"
    assert [row.seq for row in journal.rows()] == list(range(1, 4_001))


def test_a_slow_disk_makes_record_wait_rather_than_fill_the_memory(tmp_path, opened, steps, monkeypatch):
    monkeypatch.setattr("organism.journal.writer.N_WAITING", 2_000)
    journal = opened(tmp_path / "s", threaded=True)
    record, go, blocked = steps(journal), threading.Event(), threading.Event()
    commit = journal._disk.commit

    def slow(*args):
        blocked.set()
        assert go.wait(DEADLINE_S)
        commit(*args)

    monkeypatch.setattr(journal._disk, "commit", slow)
    recorder = threading.Thread(target=record, args=(10_000,))
    recorder.start()
    assert blocked.wait(DEADLINE_S)
    recorder.join(0.3)
    assert recorder.is_alive(), "it waits for the disk"
    assert journal.n_waiting < 5_000
    go.set()
    recorder.join(DEADLINE_S)
    journal.flush()
    assert journal.durable_seq == 10_000


def test_flush_returns_when_a_threaded_journal_is_durable(tmp_path, opened, steps):
    journal = opened(tmp_path / "s", threaded=True)
    record = steps(journal)
    for _ in range(50):
        seq = record(3)
        journal.flush()
        assert journal.durable_seq == seq


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.booleans())
def test_a_body_that_dies_leaves_a_prefix_that_ends_at_a_commit(tmp_path_factory, groups, opened_again):
    folder = tmp_path_factory.mktemp("state") / "s"
    journal = SqliteJournal(folder, durability="off", threaded=False)
    number = journal.begin_incarnation("o")
    durable = 0
    for index, n in enumerate(groups):
        for _ in range(n):
            journal.record(
                "o", number, 1, Envelope("x:1", "t", 0, 0, "", TimerFired(key="k", due_ns=1)), (), _now()
            )
        if index < len(groups) - 1:
            journal.flush()
            durable = journal.durable_seq
    journal._disk._connection.close()  # the process is gone; what was not committed is gone with it

    again = SqliteJournal(folder, durability="off", threaded=False)

    assert again.tip[0] == durable
    assert [row.seq for row in again.rows()] == list(range(1, durable + 1))
    again.close()


def test_a_retired_incarnation_records_nothing(tmp_path, opened, steps):
    journal = opened(tmp_path / "s")
    old = steps(journal)
    new = steps(journal)
    with pytest.raises(Fenced, match="incarnation 1 was retired"):
        old()
    assert new() == 1


def test_incarnations_rise_for_ever_over_restarts(tmp_path, opened):
    seen = []
    for _ in range(3):
        journal = opened(tmp_path / "s")
        seen += [journal.begin_incarnation("o"), journal.begin_incarnation("o")]
        journal.close()
    assert seen == [1, 2, 3, 4, 5, 6]


def test_an_incarnation_is_durable_when_it_is_given(tmp_path, opened):
    journal = opened(tmp_path / "s", threaded=True)
    number = journal.begin_incarnation("o")
    with sqlite3.connect(f"file:{tmp_path / 's' / 'journal.db'}?mode=ro", uri=True) as reader:
        found = reader.execute("SELECT number FROM incarnations WHERE organ = 'o'").fetchone()
    reader.close()
    assert found == (number,)


def test_the_name_of_a_journal_stays_and_two_journals_differ(tmp_path, opened):
    names = []
    for folder in ("a", "a", "b"):
        journal = opened(tmp_path / folder)
        names.append(journal.namespace)
        journal.close()
    assert names[0] == names[1] != names[2]


def test_equal_runs_give_equal_digests(tmp_path, opened, steps):
    tips = []
    for folder in ("a", "b"):
        journal = opened(tmp_path / folder, namespace="n", seed=7)
        steps(journal)(10)
        tips.append(journal.tip)
    other = opened(tmp_path / "c", namespace="n", seed=8)
    steps(other)(10)
    assert tips[0] == tips[1] != other.tip


def test_rows_name_the_run_that_wrote_them(tmp_path, opened, steps):
    for version in ("1.0", "2.0"):
        journal = opened(tmp_path / "s", code_version=version, settings_hash="h", seed=3)
        steps(journal)()
        journal.close()
    journal = opened(tmp_path / "s")
    versions = [journal.runs()[row.run].code_version for row in journal.rows()]
    assert versions == ["1.0", "2.0"]


def test_only_the_owner_may_read_the_files(tmp_path, opened, steps):
    journal = opened(tmp_path / "s", threaded=True)
    steps(journal)(3)
    journal.flush()
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    for path in (tmp_path / "s").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.parametrize("threaded", [False, True])
def test_after_a_failed_commit_nothing_is_accepted_and_the_body_is_told_once(
    tmp_path, opened, steps, monkeypatch, threaded
):
    failures = []
    journal = opened(tmp_path / "s", threaded=threaded, on_failure=failures.append)
    record = steps(journal)
    record(2)
    journal.flush()

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal._disk, "commit", full)
    record()
    with pytest.raises(JournalUnwritable, match="disk is full"):
        journal.flush()
    with pytest.raises(JournalUnwritable):
        record()
    with pytest.raises(JournalUnwritable):
        journal.begin_incarnation("o")
    assert journal.durable_seq == 2
    assert [str(f) for f in failures] == ["database or disk is full"]


def test_a_closed_journal_accepts_nothing_and_closes_twice(tmp_path, opened, steps):
    journal = opened(tmp_path / "s", threaded=True)
    record = steps(journal)
    record()
    journal.close()
    journal.close()
    with pytest.raises(JournalUnwritable, match="closed"):
        record()


def test_a_disk_that_does_not_answer_in_time_is_not_waited_for(tmp_path, opened, steps, monkeypatch):
    journal = opened(tmp_path / "s", threaded=True)
    record = steps(journal)
    record(2)
    journal.flush(5.0)
    gate, commit = threading.Event(), journal._disk.commit
    monkeypatch.setattr(journal._disk, "commit", lambda *rows: (gate.wait(20.0), commit(*rows)))
    record(3)
    try:
        with pytest.raises(JournalUnwritable, match=r"last 3 rows were not durable within 0\.05 s"):
            journal.flush(0.05)
        with pytest.raises(JournalUnwritable, match="not durable"):
            journal.close(0.05)
    finally:
        gate.set()
    journal.flush(5.0)
    assert journal.durable_seq == 5


def test_the_log_beside_the_database_stays_small(tmp_path, opened, steps, monkeypatch):
    monkeypatch.setattr("organism.journal.disk.WAL_BYTES", 200_000)
    journal = opened(tmp_path / "s")
    record = steps(journal)
    sizes = []
    for _ in range(20):
        record(200)
        journal.flush()
        sizes.append((tmp_path / "s" / "journal.db-wal").stat().st_size)
    assert max(sizes) < 64 * 2**20
    assert 0 in sizes


def test_a_reader_in_the_way_delays_the_checkpoint_and_not_the_commit(tmp_path, opened, steps, monkeypatch):
    monkeypatch.setattr("organism.journal.disk.WAL_BYTES", 50_000)
    journal = opened(tmp_path / "s")
    record = steps(journal)
    record(10)
    journal.flush()
    reader = sqlite3.connect(f"file:{tmp_path / 's' / 'journal.db'}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM rows").fetchone()
    record(500)
    journal.flush()
    assert journal.durable_seq == 510
    reader.close()


def _now():
    from organism.core import Now

    return Now(1, 1, 1, 1)
