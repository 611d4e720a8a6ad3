"""A disk that refuses, in every way it can: somebody is told, nothing acknowledged is lost, nobody goes on as if it were well."""

import errno
import random

import pytest

pytest.importorskip(
    "apsw", reason="faults of the disk below SQLite need apsw, which is among the test extras"
)

from organism.errors import JournalDamaged, JournalUnwritable
from organism.journal.audit import audit
from tests.chaos.power.faults import KINDS, Fault, Report, Trial
from tests.chaos.power.lives import House, Life
from tests.chaos.power.watch import Watcher

N_LIVES = 12

pytestmark = pytest.mark.chaos


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_refuses_costs_nothing_that_was_acknowledged(tmp_path, kind):
    report = Report()
    for seed in range(N_LIVES):
        Trial(tmp_path, report, kind, seed).run()
    print(f"\n{kind}: {report.struck[kind]} operations failed; told {dict(report.refused.get(kind, {}))}")  # noqa: T201
    assert not report.broken
    assert not report.carried, "a journal went on after it had failed"
    assert report.struck[kind] > 5, "the fault must happen"
    assert "JournalUnwritable" in report.refused[kind], "and the journal must feel it"
    assert "JournalDamaged" not in report.refused[kind], (
        "a disk that refuses is no damage: a person would be misled"
    )


def test_a_journal_never_writes_again_after_a_sync_that_failed(tmp_path):
    """What was in the air is lost then, whatever a later sync says."""
    fault = Fault("sync", errno.EIO, 1, lasting=False, whose="journal.db-wal")
    fault.mended = True
    watcher = Watcher(tmp_path, strike=fault)
    life = Life(House(tmp_path / "s", 256.0, 1), watcher, random.Random(3))
    told: list[BaseException] = []
    with watcher.watching():
        life.do("bars")
        life.do("flush")
        body = life.body
        body.journal._on_failure = told.append
        durable = body.journal.durable_seq
        fault.mended = False
        life.do("bars")
        with pytest.raises(JournalUnwritable, match="nothing after row"):
            life.do("flush")
        n = len(watcher.operations)
        for deed in ("bars", "flush", "snapshot"):
            with pytest.raises(JournalUnwritable):
                life.do(deed)
        assert len(watcher.operations) == n, "not one more write"
        assert body.journal.durable_seq == durable
        life.end()
    assert fault.n_struck == 1
    assert len(told) == 1, "the body hears of it, once"


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, "write"), (errno.EIO, "write"), (errno.EIO, "sync")]
)
def test_a_start_on_a_disk_that_refuses_is_no_damage_and_works_when_the_disk_does(tmp_path, number, kind):
    house = House(tmp_path / "s", 256.0, 1)
    fault = Fault(kind, number, 1, lasting=True)
    watcher = Watcher(tmp_path, strike=fault)
    with watcher.watching():
        with pytest.raises(JournalUnwritable, match="speaks of the disk"):
            house.journal()
        fault.mended = True
        journal = house.journal()
        journal.begin_incarnation("nervous")
        journal.close()
    assert audit(house.folder).ok
    (house.folder / "journal.db").write_bytes(b"something else" * 1000)
    with pytest.raises(JournalDamaged):
        house.journal()
