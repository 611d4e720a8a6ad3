"""Segments follow each other without a gap, whatever moment the body dies at."""

import contextlib
import sqlite3

import pytest

from organism.errors import JournalDamaged, JournalUnwritable
from organism.journal import disk, segments
from organism.journal.audit import audit
from organism.journal.reader import read_rows


def roll_now(journal):
    """Seal the current segment at the next commit."""
    journal._disk._segment_bytes = 0


def stop_rolling(journal):
    journal._disk._segment_bytes = 2**40


def test_rows_chain_across_sealed_segments(tmp_path, opened, steps):
    journal = opened(tmp_path, segment_mb=0.0001, keep_segments=100)
    record = steps(journal)
    for _ in range(4):
        record(3)
        journal.flush()
    record(2)
    journal.flush()

    assert [s.path.name for s in segments.segments(tmp_path)][:2] == [
        "journal-000001.db",
        "journal-000002.db",
    ]
    assert [row.seq for row in journal.rows()] == list(range(1, 15))
    assert [row.seq for row in journal.rows(after_seq=7)] == list(range(8, 15))
    report = audit(tmp_path)
    assert (report.ok, report.n_rows, report.tip_seq) == (True, 14, 14)


def test_a_journal_goes_on_after_a_restart_in_a_later_segment(tmp_path, opened, steps):
    for start in range(3):
        journal = opened(tmp_path, segment_mb=0.0001, keep_segments=100, code_version=f"v{start}")
        record = steps(journal)
        record(3)
        journal.flush()
        record(2)
        journal.close()
    assert record.incarnation == 3
    again = opened(tmp_path)
    assert [row.seq for row in again.rows()] == list(range(1, 16))
    assert [again.runs()[row.run].code_version for row in again.rows()][::5] == ["v0", "v1", "v2"]
    assert audit(tmp_path).ok


def test_old_segments_move_to_the_archive_and_are_still_read(tmp_path, opened, steps):
    journal = opened(tmp_path, segment_mb=0.0001, keep_segments=2)
    record = steps(journal)
    for _ in range(6):
        record(2)
        journal.flush()
    assert len(list(tmp_path.glob("journal-*.db"))) == 2
    assert len(list((tmp_path / "archive").glob("journal-*.db"))) == 4
    assert [row.seq for row in journal.rows()] == list(range(1, 13))


def test_rows_whose_archive_was_removed_are_named(tmp_path, opened, steps):
    journal = opened(tmp_path, segment_mb=0.0001, keep_segments=1)
    record = steps(journal)
    for _ in range(4):
        record(2)
        journal.flush()
    for path in (tmp_path / "archive").iterdir():
        path.unlink()
    with pytest.raises(JournalDamaged, match="row 1 is missing"):
        list(journal.rows())
    report = audit(tmp_path)
    assert (report.ok, report.n_rows, report.first_seq) == (True, 2, 7)
    assert "rows 1 to 6 are not here" in report.notes[0]


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("moment", range(8))
@pytest.mark.parametrize("threaded", [False, True])
def test_a_kill_at_any_moment_of_sealing_loses_nothing(
    tmp_path, opened, steps, monkeypatch, moment, threaded
):
    journal = opened(tmp_path, threaded=threaded)
    record = steps(journal)
    record(5)
    journal.flush()
    calls = [0]

    def dying(original):
        def call(*args, **kwargs):
            calls[0] += 1
            if calls[0] == moment + 1:
                raise Killed
            return original(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("build", "sync_folder", "forget_companions", "forget"):
            patch.setattr(segments, name, dying(getattr(segments, name)))
        patch.setattr("pathlib.Path.rename", dying(__import__("pathlib").Path.rename))
        roll_now(journal)
        record(5)
        with contextlib.suppress(JournalUnwritable):
            journal.flush()
        if journal._thread is not None:
            journal.close()
    journal._disk._connection.close()
    journal._closed = True

    durable = journal.durable_seq
    assert durable == 10 or threaded  # a thread may have died with the second group not yet committed

    again = opened(tmp_path)
    assert calls[0] >= 1
    assert again.tip[0] == durable
    assert steps(again).incarnation == 2
    assert [row.seq for row in again.rows()] == list(range(1, durable + 1))
    again.close()
    assert audit(tmp_path).ok


def test_a_current_segment_that_was_deleted_is_missed(tmp_path, opened, steps):
    journal = opened(tmp_path, keep_segments=9)
    record = steps(journal)
    record(3)
    roll_now(journal)
    journal.flush()
    stop_rolling(journal)
    record(2)
    journal.close()
    (tmp_path / "journal.db").unlink()
    with pytest.raises(JournalDamaged, match=r"journal\.db is missing.*row 5.*end at row 3"):
        opened(tmp_path)
    assert not (tmp_path / "journal.db").exists()


def test_a_sealed_segment_that_was_deleted_is_missed(tmp_path, opened, steps):
    journal = opened(tmp_path, segment_mb=0.0001, keep_segments=9)
    record = steps(journal)
    for _ in range(3):
        record(2)
        journal.flush()
    journal.close()
    (tmp_path / "journal-000002.db").unlink()
    report = audit(tmp_path)
    assert (report.ok, report.first_bad_seq) == (False, 3)


def test_a_current_segment_that_does_not_follow_the_sealed_ones_is_refused(tmp_path, opened, steps):
    journal = opened(tmp_path, segment_mb=0.0001, keep_segments=9)
    record = steps(journal)
    for _ in range(3):
        record(2)
        journal.flush()
    journal.close()
    (tmp_path / "journal-000003.db").unlink()
    with pytest.raises(JournalDamaged, match=r"journal\.db does not follow journal-000002\.db"):
        opened(tmp_path)


def test_a_log_left_by_an_older_file_of_that_name_never_meets_a_new_one(tmp_path, opened, steps):
    journal = opened(tmp_path)
    record = steps(journal)
    record(5)
    reader = sqlite3.connect(f"file:{tmp_path / 'journal.db'}?mode=ro", uri=True, isolation_level=None)
    reader.execute("SELECT count(*) FROM rows").fetchone()  # keeps -wal and -shm of the sealed file alive
    roll_now(journal)
    journal.flush()
    stop_rolling(journal)
    record(3)
    journal.flush()
    assert reader.execute("SELECT max(seq) FROM rows").fetchone() == (5,)
    reader.close()
    assert [row.seq for row in journal.rows()] == list(range(1, 9))
    journal.close()
    assert audit(tmp_path).ok


def test_readers_elsewhere_follow_a_journal_over_its_segments(tmp_path, opened, steps):
    journal = opened(tmp_path, threaded=True, keep_segments=2)
    record = steps(journal)
    seen = []
    for n in range(10):
        record(7)
        if n % 3 == 0:
            roll_now(journal)
        journal.flush()
        seen += [row.seq for row in read_rows(tmp_path, len(seen))]
        stop_rolling(journal)
    assert seen == list(range(1, 71))
    assert disk.CURRENT == "journal.db"
