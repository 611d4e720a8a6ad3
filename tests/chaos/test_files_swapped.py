"""Files that were swapped, cut off or put back: refused in a sentence, and what is refused is not touched."""

import shutil
from pathlib import Path

import pytest

from organism.body.desk import Desk
from organism.commands import CommandsDb
from organism.errors import JournalDamaged
from organism.journal.audit import audit
from organism.journal.writer import SqliteJournal
from tests.organism.journal.conftest import Steps

pytestmark = pytest.mark.chaos

WAL = "journal.db-wal"


def opened(folder: Path, **options) -> SqliteJournal:
    return SqliteJournal(folder, **{"durability": "off", "threaded": False, **options})


def lived(folder: Path, n: int = 20) -> None:
    """A journal that was closed in order."""
    journal = opened(folder)
    Steps(journal)(n)
    journal.close()


def killed(folder: Path, place: Path, n: int = 20) -> int:
    """What is left when a body dies with rows in its write-ahead log; how many rows it was told are durable."""
    journal = opened(folder)
    record = Steps(journal)
    for _ in range(n):
        record()
        journal.flush()
    journal._disk.keep_tip(journal.tip, now=True)
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*-shm"))
    journal.close()
    return journal.durable_seq


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("journal*") if not p.name.endswith("-shm")}


def test_a_killed_journal_goes_on_with_its_log(tmp_path):
    durable = killed(tmp_path / "s", tmp_path / "t")
    journal = opened(tmp_path / "t")
    assert journal.tip[0] == durable
    journal.close()
    assert audit(tmp_path / "t").ok


def test_a_log_that_is_missing_is_missed(tmp_path):
    killed(tmp_path / "s", tmp_path / "t")
    (tmp_path / "t" / WAL).unlink()
    before = files(tmp_path / "t")
    with pytest.raises(JournalDamaged, match=r"rolled back|could not be read"):
        opened(tmp_path / "t")
    assert not audit(tmp_path / "t").ok
    left = files(tmp_path / "t")
    assert left["journal.db"] == before["journal.db"]


def test_a_log_that_was_cut_off_anywhere_is_missed(tmp_path):
    lived(tmp_path / "s")
    killed(tmp_path / "s", tmp_path / "t")
    whole = (tmp_path / "t" / WAL).read_bytes()
    n_refused = 0
    for size in range(0, len(whole), len(whole) // 40):
        place = tmp_path / f"cut-{size}"
        shutil.copytree(tmp_path / "t", place, ignore=shutil.ignore_patterns("*-shm"))
        (place / WAL).write_bytes(whole[:size])
        with pytest.raises(JournalDamaged, match="rolled back"):
            opened(place)
        assert "rolled back" in audit(place).details[0]
        n_refused += 1
    assert n_refused >= 40


def test_a_stale_log_beside_a_newer_file_is_refused_and_does_not_destroy_it(tmp_path):
    """SQLite would take yesterday's log for today's, and write yesterday's pages over today's file."""
    lived(tmp_path / "s")
    killed(tmp_path / "s", tmp_path / "yesterday")
    lived(tmp_path / "s", 200)  # and was closed in order
    shutil.copy(tmp_path / "yesterday" / WAL, tmp_path / "s" / WAL)
    before = files(tmp_path / "s")

    for _ in range(2):
        with pytest.raises(JournalDamaged, match=r"journal\.db-wal does not belong to journal\.db"):
            opened(tmp_path / "s")

    assert files(tmp_path / "s") == before
    (tmp_path / "s" / WAL).unlink()
    journal = opened(tmp_path / "s")
    assert journal.tip[0] == 240
    journal.close()
    assert audit(tmp_path / "s").ok


def test_a_stale_log_beside_a_file_that_was_not_closed_is_refused_and_does_not_destroy_it(tmp_path):
    lived(tmp_path / "s")
    killed(tmp_path / "s", tmp_path / "yesterday")
    lived(tmp_path / "s", 200)
    killed(tmp_path / "s", tmp_path / "today")
    before = files(tmp_path / "today")
    shutil.copy(tmp_path / "yesterday" / WAL, tmp_path / "today" / WAL)

    with pytest.raises(JournalDamaged, match=r"Nothing was changed|rolled back"):
        opened(tmp_path / "today")

    assert files(tmp_path / "today")["journal.db"] == before["journal.db"], (
        "the right log may still be put back"
    )
    (tmp_path / "today" / WAL).write_bytes(before[WAL])
    journal = opened(tmp_path / "today")
    assert journal.tip[0] == 260
    journal.close()


def test_yesterdays_file_put_back_is_refused_and_todays_goes_on(tmp_path):
    lived(tmp_path / "s")
    yesterday = (tmp_path / "s" / "journal.db").read_bytes()
    lived(tmp_path / "s")
    today = (tmp_path / "s" / "journal.db").read_bytes()
    (tmp_path / "s" / "journal.db").write_bytes(yesterday)
    with pytest.raises(JournalDamaged, match="rolled back or replaced"):
        opened(tmp_path / "s")
    assert (tmp_path / "s" / "journal.db").read_bytes() == yesterday
    (tmp_path / "s" / "journal.db").write_bytes(today)
    assert opened(tmp_path / "s").tip[0] == 40


class Ear:
    """Immune's mailbox, and the ids it has consumed in its life."""

    def __init__(self, applied=()):
        self.heard, self.applied = [], set(applied)

    def deliver(self, _organ, envelope):
        self.heard.append(envelope.message.command)
        self.applied.add(envelope.id)


@pytest.mark.parametrize("what", ["moved aside", "yesterday's put back"])
def test_a_halt_is_heard_when_the_commands_were_moved_aside_or_put_back(tmp_path, what):
    """Its id must be one that no body has ever carried out."""
    path = tmp_path / "commands.db"
    commands, ear = CommandsDb(path), Ear()
    commands.give("resume", "operator", "")
    shutil.copy(path, tmp_path / "yesterday.db")
    for _ in range(3):
        commands.give("reduce", "operator", "")
    desk = Desk(commands, ear.deliver, lambda: 0, ear.applied)
    desk.turn()
    assert ear.heard == ["resume", "reduce", "reduce", "reduce"]
    path.unlink()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if what == "yesterday's put back":
        shutil.copy(tmp_path / "yesterday.db", path)

    CommandsDb(path).give("halt", "operator", "")

    desk.turn()
    assert ear.heard[4:] == ["halt"], "by the body that lives"
    again = Ear(ear.applied - {f"cmd:{desk._last_id}"})
    Desk(CommandsDb(path), again.deliver, lambda: 0, again.applied).turn()
    assert again.heard == ["halt"], "and by the next one"
