"""Damage is found, named by sequence number, and set aside only on a person's word."""

import json
import shutil
import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput, JournalDamaged
from organism.journal.audit import audit, quarantine
from organism.journal.rows import GENESIS, Row, Run, matches, seal
from organism.journal.schema import COLUMNS
from organism.journal.snapshots import Snapshot, SnapshotStore
from organism.journal.writer import SqliteJournal

EVERYTHING = f"SELECT {', '.join(COLUMNS)} FROM rows ORDER BY seq"  # noqa: S608


def lived(opened, steps, folder, n=30, **options):
    """A journal that was written and closed in order."""
    journal = opened(folder, **options)
    record = steps(journal)
    for _ in range(n // 10):
        record(10)
        journal.flush()
    journal.close()


def edit(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(*statement)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


a_row = st.builds(
    Row,
    seq=st.integers(1, 2**40),
    run=st.integers(1, 99),
    organ=st.text(max_size=12),
    incarnation=st.integers(1, 99),
    step=st.integers(1, 2**40),
    input_id=st.text(max_size=12),
    market_ns=st.integers(0, 2**62),
    mono_ns=st.integers(0, 2**62),
    wall_ns=st.integers(0, 2**62),
    input=st.binary(max_size=40),
    effects=st.binary(max_size=40),
    digest=st.just(b""),
)


def sealed(row, previous, run_digest):
    values = msgspec.structs.astuple(row)
    return msgspec.structs.replace(row, digest=seal(previous, *values[:-1], run_digest))


@given(a_row, st.sampled_from(COLUMNS), st.data())
def test_a_change_of_any_bit_of_any_field_is_found(row, field, data):
    run_digest = b"\7" * 32
    good = sealed(row, GENESIS, run_digest)
    assert matches(good, GENESIS, run_digest)

    value = getattr(good, field)
    if isinstance(value, int):
        changed = value ^ (1 << data.draw(st.integers(0, 61)))
    elif isinstance(value, bytes) and value:
        at = data.draw(st.integers(0, len(value) * 8 - 1))
        changed = bytes(b ^ (1 << at % 8) if i == at // 8 else b for i, b in enumerate(value))
    else:
        changed = value + type(value)(b"\1" if isinstance(value, bytes) else "x")
    assert not matches(msgspec.structs.replace(good, **{field: changed}), GENESIS, run_digest)


@given(a_row, a_row)
def test_two_different_rows_never_look_the_same_to_the_chain(one, other):
    digests = {sealed(r, GENESIS, GENESIS).digest for r in (one, other)}
    assert len(digests) == (1 if one == other else 2)


@given(a_row, st.sampled_from(["organ", "input_id"]), st.sampled_from([None, 1, 2.5, b"x"]))
def test_a_field_of_another_type_is_found_and_not_raised(row, field, value):
    good = sealed(row, GENESIS, GENESIS)
    assert not matches(msgspec.structs.replace(good, **{field: value}), GENESIS)


@given(st.sampled_from(Run.__struct_fields__))
def test_every_field_of_a_run_is_part_of_the_chain(field):
    run = Run(1, 2, "1.0", "hash", 3, 1, "3.11", "name")
    value = getattr(run, field)
    other = msgspec.structs.replace(run, **{field: value + (1 if isinstance(value, int) else "x")})
    assert other.digest != run.digest


@pytest.mark.parametrize("column", [c for c in COLUMNS if c != "seq"])
def test_an_edited_row_stops_the_start_and_is_named(tmp_path, opened, steps, column):
    lived(opened, steps, tmp_path)
    changed = {"organ": "'brain'", "input_id": "'bar:99'", "input": "x'00'", "effects": "x'90'"}
    value = changed.get(column, "zeroblob(32)" if column == "digest" else f"{column} + 1")
    edit(tmp_path / "journal.db", (f"UPDATE rows SET {column} = {value} WHERE seq = 17",))  # noqa: S608

    with pytest.raises(JournalDamaged, match=r"journal row 17 in journal\.db is not what was written"):
        opened(tmp_path)
    report = audit(tmp_path)
    assert (report.ok, report.first_bad_seq) == (False, 17)


@pytest.mark.parametrize("column", ["code_version", "settings_hash", "seed", "started_wall_ns", "namespace"])
def test_an_edited_run_is_found_at_its_first_row(tmp_path, opened, steps, column):
    lived(opened, steps, tmp_path, n=10)
    lived(opened, steps, tmp_path, n=10)
    edit(tmp_path / "journal.db", (f"UPDATE runs SET {column} = {column} || '1' WHERE run = 2",))  # noqa: S608
    assert audit(tmp_path).first_bad_seq == 11


@pytest.mark.parametrize(("first", "last"), [(1, 1), (5, 9), (29, 29)])
def test_missing_rows_are_counted_and_named(tmp_path, opened, steps, first, last):
    lived(opened, steps, tmp_path)
    edit(tmp_path / "journal.db", ("DELETE FROM rows WHERE seq BETWEEN ? AND ?", (first, last)))
    with pytest.raises(JournalDamaged, match=f"row {first} is missing"):
        opened(tmp_path)
    report = audit(tmp_path)
    assert (report.first_bad_seq, report.n_rows) == (first, 30 - (last - first + 1))
    assert f"rows {first} to {last} are missing" in report.details[0]


def test_a_journal_cut_off_at_its_end_was_rolled_back(tmp_path, opened, steps):
    lived(opened, steps, tmp_path)
    edit(tmp_path / "journal.db", ("DELETE FROM rows WHERE seq > 20",))
    with pytest.raises(JournalDamaged, match=r"rolled back.*row 30.*ends at row 20"):
        opened(tmp_path)
    report = audit(tmp_path)
    assert (report.ok, report.first_bad_seq) == (False, 21)
    assert "rolled back" in report.details[0]


def test_an_older_copy_put_back_was_rolled_back(tmp_path, opened, steps):
    lived(opened, steps, tmp_path / "s", n=10)
    shutil.copy(tmp_path / "s" / "journal.db", tmp_path / "yesterday.db")
    lived(opened, steps, tmp_path / "s", n=10)
    shutil.copy(tmp_path / "yesterday.db", tmp_path / "s" / "journal.db")
    with pytest.raises(JournalDamaged, match="rolled back"):
        opened(tmp_path / "s")


def test_another_journal_of_the_same_length_is_not_this_one(tmp_path, opened, steps):
    lived(opened, steps, tmp_path / "a")
    lived(opened, steps, tmp_path / "b")
    shutil.copy(tmp_path / "b" / "journal.db", tmp_path / "a" / "journal.db")
    with pytest.raises(JournalDamaged, match="rolled back or replaced"):
        opened(tmp_path / "a")


def test_a_tip_of_another_journal_is_not_this_ones(tmp_path, opened, steps):
    lived(opened, steps, tmp_path)
    tip = json.loads((tmp_path / "journal.tip").read_text())
    (tmp_path / "journal.tip").write_text(json.dumps(tip | {"namespace": "other"}))
    with pytest.raises(JournalDamaged, match="of journal other"):
        opened(tmp_path)


def test_a_journal_that_rewrote_its_past_does_not_match_its_tip(tmp_path, opened, steps):
    for folder, seed in (("a", 1), ("b", 2)):
        lived(opened, steps, tmp_path / folder, namespace="same", seed=seed)
    shutil.copy(tmp_path / "b" / "journal.db", tmp_path / "a" / "journal.db")
    with pytest.raises(JournalDamaged, match="rolled back or replaced"):
        opened(tmp_path / "a")
    assert "journal.tip" in audit(tmp_path / "a").details[0]


def test_a_journal_ahead_of_its_tip_is_in_order(tmp_path, opened, steps):
    journal = opened(tmp_path)
    steps(journal)(10)
    journal.flush()
    (tmp_path / "journal.tip").write_text(
        json.dumps({"namespace": journal.namespace, "seq": 0, "digest": GENESIS.hex()})
    )
    journal._disk._connection.close()
    journal._closed = True
    again = opened(tmp_path)
    assert again.tip[0] == 10
    assert json.loads((tmp_path / "journal.tip").read_text())["seq"] == 10


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe", b'{"namespace": "x", "seq": "many"}'])
def test_a_tip_that_proves_nothing_stops_the_start_until_a_person_accepts(tmp_path, opened, steps, content):
    lived(opened, steps, tmp_path, n=10)
    if content is None:
        (tmp_path / "journal.tip").unlink()
    else:
        (tmp_path / "journal.tip").write_bytes(content)
    with pytest.raises(JournalDamaged, match=r"journal\.tip.*--quarantine"):
        opened(tmp_path)
    assert not audit(tmp_path).ok

    quarantine(tmp_path, 11)

    assert opened(tmp_path).tip[0] == 10
    assert audit(tmp_path).ok


@pytest.mark.slow
def test_a_flipped_byte_anywhere_in_the_rows_is_found(tmp_path, opened, steps):
    """Every byte of the file that any row occupies, and no byte at all is allowed to raise."""
    lived(opened, steps, tmp_path / "s", n=10)
    whole = (tmp_path / "s" / "journal.db").read_bytes()
    before = list(opened(tmp_path / "s").rows())
    (tmp_path / "t").mkdir()
    shutil.copy(tmp_path / "s" / "journal.tip", tmp_path / "t" / "journal.tip")
    unnoticed = 0
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 0x41
        (tmp_path / "t" / "journal.db").write_bytes(changed)
        report = audit(tmp_path / "t")
        if report.ok:
            unnoticed += 1
            connection = sqlite3.connect(f"file:{tmp_path / 't' / 'journal.db'}?immutable=1", uri=True)
            rows = [Row(*values) for values in connection.execute(EVERYTHING)]
            connection.close()
            assert rows == before, f"byte {at} changed a row unseen"
    assert unnoticed > 0, "empty space must be part of the experiment"


def test_a_corrupted_page_is_reported_by_number_and_never_raised(tmp_path, opened, steps):
    lived(opened, steps, tmp_path, n=500)
    path = tmp_path / "journal.db"
    data = bytearray(path.read_bytes())
    page = 8192
    at = next(n for n in range(len(data) // page - 2, 0, -1) if data[n * page] == 13)
    data[at * page : at * page + page] = b"\xde" * page
    path.write_bytes(data)

    report = audit(tmp_path)

    assert not report.ok
    assert 1 < report.first_bad_seq <= 500
    assert "unreadable" in report.details[0]
    assert report.first_bad_seq <= report.n_rows + 1
    with pytest.raises(JournalDamaged, match="verify"):
        list(opened(tmp_path).rows())


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500])
def test_a_file_that_is_no_journal_is_refused_in_one_sentence(tmp_path, opened, steps, content):
    lived(opened, steps, tmp_path, n=10)
    (tmp_path / "journal.db").write_bytes(content)
    with pytest.raises(JournalDamaged, match="could not be read"):
        opened(tmp_path)
    report = audit(tmp_path)
    assert (report.ok, report.first_bad_seq) == (False, 1)


def test_an_audit_of_a_living_journal_finds_nothing(tmp_path, opened, steps):
    journal = opened(tmp_path, threaded=True)
    record = steps(journal)
    record(1_000)
    journal.flush()
    report = audit(tmp_path)
    assert report.ok
    assert report.n_rows == 1_000


def test_an_incarnation_that_went_back_is_found(tmp_path, opened, steps):
    lived(opened, steps, tmp_path, n=10)
    lived(opened, steps, tmp_path, n=10)
    edit(tmp_path / "journal.db", ("UPDATE incarnations SET number = 1",))
    assert "incarnation 2 of nervous" in audit(tmp_path).details[0]


@pytest.mark.requirement("S0-4.3.6")
@pytest.mark.requirement("S3-4.3.6")
@pytest.mark.parametrize("at", [1, 4, 11, 14, 27, 30])
def test_quarantine_goes_on_from_the_row_before_the_damage(tmp_path, opened, steps, at):
    """Three segments of ten rows; the damage lies in any of them."""
    lived(opened, steps, tmp_path, segment_mb=0.0001, keep_segments=9)
    store = SnapshotStore(tmp_path / "snapshots")
    for seq in (3, 29):
        store.save(Snapshot(organ="nervous", step=seq, seq=seq, horizon_seq=seq, state=b"", state_version=""))
    name = opened_name(tmp_path)
    path = next(p for p in tmp_path.glob("journal-*.db") if holds(p, at))
    edit(path, ("UPDATE rows SET market_ns = 0 WHERE seq = ?", (at,)))
    assert audit(tmp_path).first_bad_seq == at

    said = quarantine(tmp_path, at)

    assert f"goes on from row {at - 1}" in said
    assert f"{30 - at + 1} later rows" in said
    report = audit(tmp_path)
    assert (report.ok, report.tip_seq, report.n_rows) == (True, at - 1, at - 1)
    journal = opened(tmp_path)
    assert journal.namespace != name
    record = steps(journal)
    assert record.incarnation > 1_000
    assert record(2) == at + 1
    assert [row.seq for row in journal.rows()] == list(range(1, at + 2))
    assert len(list((tmp_path / "quarantine").glob("*/journal*.db"))) >= 1
    kept = store.load("nervous")
    assert (kept.seq if kept else None) == (29 if at > 29 else 3 if at > 3 else None)
    journal.close()
    assert audit(tmp_path).ok


def test_quarantine_refuses_numbers_that_would_keep_damage_or_name_nothing(tmp_path, opened, steps):
    lived(opened, steps, tmp_path)
    edit(tmp_path / "journal.db", ("UPDATE rows SET market_ns = 0 WHERE seq = 5",))
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(BadInput, match="row 5 is damaged, too"):
        quarantine(tmp_path, 9)
    with pytest.raises(BadInput, match="was 99"):
        quarantine(tmp_path, 99)
    with pytest.raises(BadInput, match="holds no journal"):
        quarantine(tmp_path / "elsewhere", 1)
    assert (tmp_path / "journal.db").read_bytes() == before


def test_quarantine_of_a_file_that_cannot_be_opened_keeps_the_segments_before_it(tmp_path, opened, steps):
    lived(opened, steps, tmp_path, segment_mb=0.0001, keep_segments=9)
    (tmp_path / "journal-000003.db").write_bytes(b"gone" * 4096)
    assert audit(tmp_path).first_bad_seq == 21
    quarantine(tmp_path, 21)
    journal = opened(tmp_path)
    assert journal.tip[0] == 20
    assert journal.run.run == 2
    assert isinstance(journal, SqliteJournal)


def opened_name(folder):
    return json.loads((folder / "journal.tip").read_text())["namespace"]


def holds(path, seq):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT 1 FROM rows WHERE seq = ?", (seq,)).fetchone()
    connection.close()
    return found is not None
