"""F7: a genome store that is deleted, exchanged or damaged, while living and at start. One sentence, and life goes on."""

import shutil
import sqlite3

import pytest

from genome.founders import founders
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.store import GenomeStore
from organism.core import Now
from organism.effects import StoreGenome
from organism.messages import Recovered
from organism.spine import Origin
from organs.reproduction import bred
from organs.reproduction.core import reproduction_core
from organs.reproduction.store_port import GenomeStorePort
from tests.body.waiting import until

GARBAGE = b"\xa5" * 8_192
ORIGIN = Origin("reproduction", 1, 1, 0, "", 0)
CORE = reproduction_core()
CHILD = bred.stored(Genome(family="bred", generation=1, entry_long=parse_condition("close > sma(20)")))


def asked_for():
    """What reproduction asks for at each start."""
    woken = Recovered(organ="reproduction", incarnation=1, process=True)
    _, effects = CORE.step(CORE.initial, woken, Now(0, 0, 0, 1))
    return [effect for effect in effects if isinstance(effect, StoreGenome)]


FOUNDERS = sorted(identity for identity, _ in founders())


def stored(path):
    store = GenomeStore(path, writable=False)
    try:
        return sorted(record.genome_id for record in store.records())
    finally:
        store.close()


def lost(path):
    path.unlink()


def all_lost(path):
    for twin in ("", "-wal", "-shm"):
        path.with_name(path.name + twin).unlink()


def exchanged_for_an_empty_one(path):
    all_lost(path)
    GenomeStore(path).close()


def exchanged_for_garbage(path):
    all_lost(path)
    path.write_bytes(GARBAGE)


@pytest.fixture
def port(tmp_path):
    made = GenomeStorePort(tmp_path / "genome.db", background=False)
    for effect in (*asked_for(), CHILD):
        made(effect, ORIGIN)
    yield made
    made.close()


@pytest.mark.parametrize("how", [lost, all_lost, exchanged_for_an_empty_one, exchanged_for_garbage])
def test_what_was_lost_while_living_is_written_anew_from_the_open_handle(tmp_path, caplog, port, how):
    path = tmp_path / "genome.db"
    how(path)
    other = bred.stored(
        Genome(family="bred", generation=2, entry_long=parse_condition("close > sma(9)")), (CHILD.genome_id,)
    )
    port(other, ORIGIN)
    port(other, ORIGIN)
    port.close()
    assert stored(path) == sorted([*FOUNDERS, CHILD.genome_id, other.genome_id])
    told = [record.getMessage() for record in caplog.records]
    assert f"{len(FOUNDERS) + 1} records were written anew." in told[-1]
    assert len(told) == 1 + (how is exchanged_for_garbage)
    again = GenomeStorePort(path, background=False)
    again(other, ORIGIN)
    again.close()
    assert len(caplog.records) == len(told), "a store that was mended is like any other"


def test_a_file_that_nobody_writes_is_looked_after_too(tmp_path, caplog):
    path = tmp_path / "genome.db"
    port = GenomeStorePort(path, look_s=0.02)
    for effect in asked_for():
        port(effect, ORIGIN)
    until(lambda: path.exists() and stored(path) == FOUNDERS, "the founders")
    all_lost(path)
    until(lambda: "written anew" in caplog.text, "a word about it")
    port.close()
    assert stored(path) == FOUNDERS
    assert port.last_error is None
    assert len(caplog.records) == 1


def overwritten_while_open(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with path.open("r+b") as file:
        file.write(GARBAGE * 16)


def test_a_file_overwritten_while_it_is_open_is_moved_aside(tmp_path, caplog, port):
    path = tmp_path / "genome.db"
    overwritten_while_open(path)
    port(CHILD, ORIGIN)
    port.close()
    assert CHILD.genome_id in stored(path)
    assert path.with_name("genome.db.damaged-1").read_bytes()[: len(GARBAGE)] == GARBAGE
    assert "cannot be read" in caplog.records[0].getMessage()


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    "what", [GARBAGE, b"SQLite format 3\0" + GARBAGE, b""], ids=["garbage", "header", "empty"]
)
def test_a_damaged_file_at_start_is_moved_aside_and_the_founders_are_there(
    tmp_path, caplog, what, background
):
    path = tmp_path / "genome.db"
    for n in range(1, 3):
        path.write_bytes(what)
        port = GenomeStorePort(path, background=background)
        for effect in asked_for():
            port(effect, ORIGIN)
        port.close()
        assert port.last_error is None
        assert stored(path) == FOUNDERS
        if what:
            assert path.with_name(f"genome.db.damaged-{n}").exists()
            assert len(caplog.records) == n, "one sentence a start"
        for twin in ("", "-wal", "-shm"):
            path.with_name(path.name + twin).unlink(missing_ok=True)


def test_a_place_that_cannot_be_written_is_told_once_and_written_when_it_can(tmp_path, caplog):
    path = tmp_path / "genome.db"
    path.mkdir()
    port = GenomeStorePort(path)
    for effect in asked_for():
        port(effect, ORIGIN)
    until(lambda: port._queue.empty() and port.last_error, "all of them tried")
    shutil.rmtree(path)
    port(asked_for()[0], ORIGIN)
    port.close()
    assert stored(path) == [asked_for()[0].genome_id]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "trading goes on" in caplog.text
    assert "Traceback" not in caplog.text
