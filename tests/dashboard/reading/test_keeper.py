"""Keeping the read model: in steps, after interruptions, beside other writers, and whatever happens to the files."""

import hashlib
import os
import shutil
import sqlite3
import threading
from contextlib import closing

import msgspec
import pytest

from dashboard.reading import EVER, Reading
from dashboard.reading import store as stores
from dashboard.reading.keeper import BATCH, Keeper
from organism.effects import Publish
from organism.journal.reader import newest
from organism.messages import AlertRaised, OrganRestarted, Priority, Severity
from tests.body.waiting import until
from tests.dashboard.reading.lives import SYMBOL, Hand, read

DISPOSABLE = {"meta", "checkpoints"}


NEWER = msgspec.msgpack.encode([{"type": "Publish", "to": ["brain"], "message": {"type": "Dreamt"}}])


def content(folder):
    """Everything a read model holds, by table, but for what depends on when it was written."""
    with closing(sqlite3.connect(f"file:{folder / 'dashboard' / 'read.db'}?mode=ro", uri=True)) as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [t for t in tables if t not in DISPOSABLE]
        found = {t: sorted(db.execute(f"SELECT * FROM {t}"), key=repr) for t in kept}  # noqa: S608
        found["checkpoints"] = db.execute(
            "SELECT seq, market_ns, wall_ns, run, digest FROM checkpoints"
        ).fetchall()
        return found


def files_of(folder):
    """Names and digests of the journal's files."""
    names = [p for p in [*folder.glob("journal*"), *folder.glob("archive/*")] if p.suffix != ".db-shm"]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in names if not p.name.endswith("-shm")}


def alert(hand, title, body="b"):
    message = AlertRaised(
        severity=Severity.WARNING, priority=Priority.LOW, title=title, body=body, dedup_key="k"
    )
    return hand.step("immune", f"supervisor:{hand.mono_ns}", Publish(to=("voice",), message=message),
                     message=OrganRestarted(organ="brain", incarnation=1, why="w", attempt=1, limit=5))  # fmt: skip


def test_nothing_has_lived_here(tmp_path):
    for folder in (tmp_path, tmp_path / "not there"):
        reading = read(folder)
        assert reading.progress().state == "nothing"
        assert "first start" in reading.progress().sentence
        assert (reading.fills(), reading.equity(), reading.symbols(), reading.newest_ns()) == (
            [],
            [],
            [],
            None,
        )
        assert reading.chain("x") == []
        assert reading.gate(SYMBOL, 5)["stopped"] == "unknown"
        assert reading.as_of(market_ns=5).glimpse.exists is False
        assert reading.events().rows == []
        assert reading.range("6h") == EVER
        reading.close()
    assert not (tmp_path / "not there").exists()


def test_the_journal_is_only_read(copy):
    before = files_of(copy.folder)
    reading = read(copy.folder)
    reading.as_of(market_ns=reading.newest_ns() // 2)
    reading.events(level="debug")
    reading.close()
    assert files_of(copy.folder) == before
    assert oct((copy.folder / "dashboard" / "read.db").stat().st_mode)[-3:] == "600"


def test_what_was_interrupted_at_every_batch_is_the_same_in_the_end(copy, life):
    for _ in range(copy.rows // BATCH + 2):
        keeper = Keeper(copy.folder)
        keeper.step()
        keeper.close()
    assert keeper.progress().state == "ready"
    theirs, mine = content(life.folder), content(copy.folder)
    for table in theirs:
        if table != "flow":  # by the minute it depends on how near the end was when it was counted
            assert mine[table] == theirs[table], table
    assert [row for row in mine["flow"] if row[0] > 60 * 10**9] == [
        row for row in theirs["flow"] if row[0] > 60 * 10**9
    ]


def test_a_process_that_died_goes_on_from_its_last_batch(copy, life):
    keeper = Keeper(copy.folder)
    for _ in range(5):
        keeper.step()
    keeper._lock.let_go()  # the kernel's part of dying; nothing else is put in order
    reading = read(copy.folder)
    assert reading.fills(limit=5_000) == life.reading.fills(limit=5_000)
    assert reading.attribution() == life.reading.attribution()
    reading.close()
    keeper.close()


def test_progress_is_told_while_reading(copy):
    keeper = Keeper(copy.folder)
    keeper.step()
    told = keeper.progress()
    assert (told.state, told.events_done, told.events_total) == ("reading", BATCH, copy.rows)
    assert 0.0 < told.share < 1.0
    assert told.behind_s > 0.0
    assert told.left_s is not None
    assert f"{copy.rows:,}" in told.sentence
    keeper.close()


def test_a_small_share_of_a_core_is_taken(copy):
    clock = iter(float(n) for n in range(1_000))
    keeper = Keeper(copy.folder, share=0.25, mono_s=lambda: next(clock))
    rests = [keeper.step() for _ in range(3)]
    assert all(rest >= 3.0 for rest in rests)  # one second of work is followed by three of rest
    keeper.close()


def test_it_follows_a_body_that_goes_on(tmp_path):
    with Hand(tmp_path) as hand:
        alert(hand, "first")
        hand.journal.flush()
        reading = read(tmp_path)
        assert [e["text"] for e in reading.events(kind="AlertRaised").rows] == ["first: b"]
        alert(hand, "second")
        hand.journal.flush()
        assert reading.keeper.step() > 0.0
        assert [e["text"] for e in reading.events(kind="AlertRaised").rows] == ["second: b", "first: b"]
        reading.close()


def test_a_thread_follows_a_threaded_journal_which_can_still_fold_its_log(tmp_path):
    reading = Reading(tmp_path, share=1.0)
    reading.start()
    try:
        with Hand(tmp_path, threaded=True) as hand:
            for n in range(1_200):
                alert(hand, f"n{n}")
            hand.journal.flush()
            until(lambda: reading.progress().events_done == 1_200)
            newest_one = reading.events(limit=1).rows[0]
            assert newest_one["text"] == "n1199: b"
        log = tmp_path / "journal.db-wal"
        assert not log.exists() or log.stat().st_size == 0
    finally:
        reading.close()
    assert reading.keeper._thread is None


def test_another_journal_in_its_place_is_read_anew(copy, tmp_path):
    reading = read(copy.folder)
    assert reading.fills()
    for path in [*copy.folder.glob("journal*"), *copy.folder.glob("archive/*")]:
        path.unlink()
    reading.keeper.step()
    told = reading.progress()
    assert told.state == "troubled"
    assert "not there any more" in told.sentence
    assert reading.fills()  # what was read stays until there is something else
    with Hand(copy.folder) as hand:
        alert(hand, "new")
    reading.keeper.step()
    assert "read anew" in reading.progress().sentence
    reading.keeper.read_all()
    assert reading.fills() == []
    assert [e["text"] for e in reading.events(kind="AlertRaised").rows] == ["new: b"]
    reading.close()


def test_an_older_copy_put_back_and_lived_on_is_read_anew(tmp_path):
    """Same name, same length: only the digests tell."""
    state, kept = tmp_path / "state", tmp_path / "kept"
    with Hand(state) as hand:
        for n in range(20):
            alert(hand, f"n{n}")
    shutil.copytree(state, kept)
    with Hand(state) as hand:
        alert(hand, "one future")
    reading = read(state)
    assert reading.events(kind="AlertRaised", limit=1).rows[0]["text"] == "one future: b"
    for path in kept.iterdir():
        shutil.copy(path, state / path.name)
    with Hand(state) as hand:
        alert(hand, "another future")
    reading.keeper.read_all()
    while reading.progress().state == "reading":
        reading.keeper.step()
    assert [e["text"] for e in reading.events(kind="AlertRaised", limit=2).rows] == [
        "another future: b",
        "n19: b",
    ]
    reading.close()


def test_a_journal_that_became_shorter_is_read_anew(tmp_path):
    state, kept = tmp_path / "state", tmp_path / "kept"
    with Hand(state) as hand:
        alert(hand, "kept")
    shutil.copytree(state, kept)
    with Hand(state) as hand:
        alert(hand, "lost")
    reading = read(state)
    for path in kept.iterdir():
        shutil.copy(path, state / path.name)
    reading.keeper.step()
    reading.keeper.read_all()
    assert [e["text"] for e in reading.events(kind="AlertRaised").rows] == ["kept: b"]
    reading.close()


@pytest.mark.parametrize(
    "spoil", ["garbage", "empty", "other version", "cut in half", "no cursor", "removed"]
)
def test_a_file_that_is_of_no_use_is_built_anew(copy, life, spoil):
    reading = read(copy.folder)
    reading.close()
    path = copy.folder / "dashboard" / "read.db"
    if spoil == "garbage":
        path.write_bytes(os.urandom(50_000))
    elif spoil == "empty":
        path.write_bytes(b"")
    elif spoil == "cut in half":
        os.truncate(path, path.stat().st_size // 2)
    elif spoil == "removed":
        shutil.rmtree(path.parent)
    else:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute(
                "PRAGMA user_version = 999"
                if spoil == "other version"
                else "DELETE FROM meta WHERE key = 'seq'"
            )
    again = Reading(copy.folder)
    for _ in range(3 * copy.rows // BATCH):
        if spoil == "cut in half":
            looked = (again.fills, again.equity, again.events, again.decisions, again.flow, again.orders)
            assert [ask() is not None for ask in looked]
        again.keeper.step()
    assert again.progress().state == "ready"
    assert again.fills(limit=5_000) == life.reading.fills(limit=5_000)
    assert again.equity() == life.reading.equity()
    again.close()


def test_a_file_damaged_while_it_is_open_is_found_by_whoever_asks(copy, life):
    reading = read(copy.folder)
    path = copy.folder / "dashboard" / "read.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'fills'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    reading._pool.close()
    assert reading.fills(limit=5_000) == []
    reading.keeper.step()
    assert "damaged" in reading.progress().sentence
    reading.keeper.read_all()
    assert reading.fills(limit=5_000) == life.reading.fills(limit=5_000)
    reading.close()


def test_a_journal_from_a_newer_version_is_said_in_a_sentence(copy):
    with closing(sqlite3.connect(copy.folder / "journal.db", isolation_level=None)) as db:
        db.execute("INSERT INTO migrations VALUES (99, 'future', 0)")
    reading = read(copy.folder)
    told = reading.progress()
    assert told.state == "troubled"
    assert "schema 99" in told.sentence
    assert "Install the organism that wrote it" in told.sentence
    assert reading.fills() == []
    reading.close()


def test_rows_of_a_newer_payload_end_the_history_and_what_came_before_is_shown(tmp_path, monkeypatch):
    with Hand(tmp_path) as hand:
        for n in range(30):
            alert(hand, f"n{n}")
    monkeypatch.setattr("organism.journal.writer.PAYLOAD_VERSION", 77)
    with Hand(tmp_path) as hand:
        alert(hand, "from the future")
    reading = Reading(tmp_path)
    for _ in range(4):
        reading.keeper.step()
    told = reading.progress()
    assert told.state == "troubled"
    assert "ends at row 30" in told.sentence
    assert "version 77" in told.sentence
    assert len(reading.events(kind="AlertRaised").rows) == 30
    reading.close()


def test_a_message_that_this_version_does_not_know_ends_the_history(tmp_path, monkeypatch):
    with Hand(tmp_path) as hand:
        alert(hand, "known")
        monkeypatch.setattr("organism.journal.writer.encode_effects", lambda _: NEWER)
        alert(hand, "unknown")
    reading = Reading(tmp_path)
    reading.keeper.step()
    reading.keeper.step()
    assert reading.keeper.step() >= 1.0
    told = reading.progress()
    assert (told.state, told.events_done, told.events_total) == ("troubled", 1, 2)
    assert "row 2 holds something that this dashboard does not know" in told.sentence
    reading.close()


def test_a_damaged_row_ends_the_history_and_what_came_before_is_shown(tmp_path):
    with Hand(tmp_path) as hand:
        for n in range(30):
            alert(hand, f"n{n}")
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as db:
        db.execute("UPDATE rows SET organ = 'brain' WHERE seq = 21")
    reading = Reading(tmp_path)
    for _ in range(3):
        reading.keeper.step()
    assert "ends at row 20" in reading.progress().sentence
    assert "row 21" in reading.progress().sentence
    assert len(reading.events(kind="AlertRaised").rows) == 20
    reading.close()


def test_archived_files_that_were_taken_away_shorten_the_history(copy):
    shutil.rmtree(copy.folder / "archive")
    reading = read(copy.folder)
    told = reading.progress()
    assert told.state == "ready"
    assert told.first_row > 1
    assert f"before {told.first_row:,}" in told.sentence
    assert reading.fills()
    assert reading.as_of(wall_ns=0).seq == 0
    assert reading.as_of(market_ns=reading.newest_ns()).seq == newest(copy.folder)
    assert reading.events(level="debug", limit=5).rows
    reading.close()


def test_two_dashboards_on_one_folder_have_one_writer_and_the_other_takes_over(copy):
    first, second = Reading(copy.folder), Reading(copy.folder)
    first.keeper.step()
    second.keeper.step()
    assert second.progress().state == "reading"
    assert "another dashboard" in second.progress().sentence
    first.keeper.read_all()
    second.keeper.step()
    assert second.progress().state == "ready"
    assert second.fills() == first.fills() != []
    first.close()
    second.keeper.step()
    assert "another" not in second.progress().sentence
    second.close()


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(copy):
    (copy.folder / "dashboard").write_text("a file where a folder belongs")
    reading = read(copy.folder)
    assert reading.progress().state == "troubled"
    assert "dashboard/" in reading.progress().sentence
    assert reading.fills() == []
    reading.close()


def test_hostile_names_and_notes_are_data(tmp_path):
    evil = "x'; DROP TABLE events; --<script>alert(1)</script>\x00=cmd|' /C calc'!A0"
    with Hand(tmp_path) as hand:
        closed = hand.bar(symbol=evil)
        target = hand.target(closed, symbol=evil, genome=evil)
        hand.propose(target, evil, symbol=evil)
        alert(hand, evil, evil * 100)
    reading = read(tmp_path)
    assert reading.symbols() == [evil]
    assert reading.prices(evil)[0]["close"] == 100.0
    assert reading.orders(symbols=[evil])[0]["order_id"] == evil
    assert reading.chain(evil)[0]["what"] == "bar"
    assert reading.gate(evil, reading.newest_ns())["stopped"] == "waiting"
    assert len(reading.events(kind="AlertRaised").rows[0]["text"]) <= 400
    assert reading.events(organ=evil, kind=evil, correlation=evil).rows == []
    assert reading.order(evil)["symbol"] == evil
    reading.close()


def test_what_is_no_number_is_nothing(tmp_path):
    with Hand(tmp_path) as hand:
        hand.at_ns += 5
        target = hand.target(hand.bar(), forecast=float("nan"))
        hand.propose(target)
    reading = read(tmp_path)
    assert reading.decisions()[0]["forecast"] is None
    assert reading.chain("1-0")[2]["text"].startswith("The brain aimed at nothing")
    reading.close()


def test_however_long_it_lives_the_file_stays_within_bounds(copy, life, monkeypatch):
    for name, most in (("MOST_POINTS", 300), ("MOST_EVENTS", 40), ("MOST_CHECKPOINTS", 8)):
        monkeypatch.setattr(stores, name, most)
    monkeypatch.setattr("dashboard.reading.keeper.TIDY", 1)
    reading = read(copy.folder)
    with closing(sqlite3.connect(reading.keeper.path)) as db:
        bounded = ("equity", "events", "checkpoints", "bars")
        n = {t: len(db.execute(f"SELECT 1 FROM {t}").fetchall()) for t in bounded}  # noqa: S608
    whole = content(life.folder)
    assert all(n[t] < len(whole[t]) for t in bounded)  # or there was nothing to bound
    assert n["equity"] <= 300 + BATCH
    assert n["events"] <= 40 + 100  # what came after the last look
    assert n["checkpoints"] <= 9
    assert n["bars"] <= 2 * 300 + 2 * BATCH
    ours, theirs = reading.equity(), life.reading.equity()
    assert min(p["equity"] for p in ours) == min(p["equity"] for p in theirs)
    assert (ours[-1]["at_ns"], ours[-1]["equity"]) == (theirs[-1]["at_ns"], theirs[-1]["equity"])
    assert reading.fills(limit=5_000) == life.reading.fills(limit=5_000)
    assert sum(c["n"] for c in reading.prices(SYMBOL)) == sum(c["n"] for c in life.reading.prices(SYMBOL))
    reading.close()


def test_many_ask_while_it_is_written_and_built_anew(copy, life):
    reading = Reading(copy.folder, share=1.0)
    failed, n_asked, stop = [], [], threading.Event()

    def ask():
        try:
            while not stop.is_set():
                assert isinstance(reading.fills(limit=50), list)
                assert reading.gate(SYMBOL, 2**60)["sentence"]
                reading.flow("6h")
                reading.as_of(market_ns=2**60)
                reading.events(level="debug", limit=5)
                n_asked.append(1)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    reading.start()
    try:
        until(lambda: reading.progress().state == "ready")
        reading.keeper.path.unlink()
        until(
            lambda: reading.keeper.path.exists() and reading.progress().state == "ready" and len(n_asked) > 20
        )
        until(lambda: reading.fills(limit=5_000) == life.reading.fills(limit=5_000))
    finally:
        stop.set()
        for thread in threads:
            thread.join(20.0)
        reading.close()
    assert failed == []
